"""``/metrics``: the tenant's counts, for Prometheus."""

from __future__ import annotations

from dialguard.service.decided import slowly
from dialguard.service.metrics import text
from dialguard.service.web import Request, Response, Route

MEDIA = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(request: Request) -> Response:
    """Counts of decisions and times of this tenant in each worker process; not for a key that speaks for some sellers only."""
    request.key.confine(None)
    service, desk = request.service, request.desk
    own = desk.metrics.counts(service.packs_status(), service.ready)
    return Response(await slowly(lambda: text([own, *service.others(desk.tenant)], desk.guard)), media=MEDIA)


ROUTES = [Route("GET", "/metrics", "check", metrics, "Counts and times, for Prometheus", media=(MEDIA,))]
