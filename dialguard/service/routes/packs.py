"""``/v1/packs``: which rules serve, and what is wrong with those in the folders that do not."""

from __future__ import annotations

from dialguard.service.problem import Problem
from dialguard.service.standing import Standing
from dialguard.service.web import Request, Response, Route, json

_ASKED = {"force": "true: a signed revision may be older than one that served."}


async def status(request: Request) -> Response:
    """Which rules serve."""
    return json(request.service.packs_status())


async def reload(request: Request) -> Response:
    """Look at the folders of rule files again, now, and say what came of it. Other workers look by themselves."""
    force = request.query(*_ASKED).get("force", "false")
    if force not in ("true", "false"):
        raise Problem("input.invalid", errors=[("force", f"found {force[:20]!r}, expected true or false")])
    rules = request.service.rules
    if rules is None:  # they are what they were at the start
        return json(request.service.packs_status())
    return json(await rules.reload(force == "true", request.key.id))


ROUTES = [
    Route("GET", "/v1/packs", "admin", status, "Which rules serve", None, Standing),
    Route("POST", "/v1/packs/reload", "admin", reload, "Look at the rule files again", None, Standing, _ASKED),
]
