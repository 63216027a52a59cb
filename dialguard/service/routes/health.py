"""Whether the service lives, and whether it may decide."""

from __future__ import annotations

from dialguard.service import bodies
from dialguard.service.problem import Problem
from dialguard.service.web import Request, Response, Route, json


async def healthz(request: Request) -> Response:
    """The process answers."""
    return json({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The service may be asked; ``rules`` says how they stand, as ``/v1/packs`` does in full."""
    state = request.service.packs_status().state
    if not request.service.ready:
        raise Problem("service.not_ready", "no rules serve" if state == "none" else None, headers={"retry-after": "1"})
    return json(bodies.Ready(status="ready", rules=state))


ROUTES = [
    Route("GET", "/healthz", None, healthz, "Whether the process answers", None, bodies.Status),
    Route("GET", "/readyz", None, readyz, "Whether the service may be asked", None, bodies.Ready),
]
