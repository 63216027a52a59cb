"""Whether the service lives, and whether it may decide."""

from __future__ import annotations

from dialguard.service import bodies
from dialguard.service.problem import Problem
from dialguard.service.web import Request, Response, Route, json


async def healthz(request: Request) -> Response:
    """The process answers."""
    return json({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The service may be asked."""
    if not request.service.ready:
        raise Problem("service.not_ready", headers={"retry-after": "1"})
    return json({"status": "ready"})


ROUTES = [
    Route("GET", "/healthz", None, healthz, "Whether the process answers", None, bodies.Status),
    Route("GET", "/readyz", None, readyz, "Whether the service may be asked", None, bodies.Status),
]
