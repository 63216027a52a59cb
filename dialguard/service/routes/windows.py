"""``/v1/windows``: when a number may be called in the days to come. What one might ask is no decision, and is not recorded."""

from __future__ import annotations

import msgspec

from dialguard.service import bodies
from dialguard.service.decided import slowly
from dialguard.service.problem import Problem
from dialguard.service.web import Request, Response, Route, json

MOST_DAYS = 31
_ASKED = {
    "to": "The called number.",
    "campaign": "Id of a registered campaign.",
    "days": f"How many days from now, 1 to {MOST_DAYS} (default 7).",
    "channel": "voice (default), sms, mms, rvm or fax.",
    "at": "RFC 3339: where to begin (default now).",
    "state": "Where the person is: USPS code.",
    "zip": "The same: ZIP code.",
}


async def windows(request: Request) -> Response:
    """The stretches in which a number may be called, and what closes each."""
    asked = request.query(*_ASKED)
    missing = [(name, "missing") for name in ("to", "campaign") if name not in asked]
    days = asked.get("days", "7")
    if not (days.isascii() and days.isdecimal() and len(days) < 4 and 1 <= int(days) <= MOST_DAYS):
        missing.append(("days", f"expected a whole number from 1 to {MOST_DAYS}"))
    if missing:
        raise Problem("input.invalid", errors=missing)
    guard = request.desk.guard
    request.key.confine(guard.campaign(asked["campaign"]).seller)
    contact = {name: asked[name] for name in ("state", "zip") if name in asked}
    found = await slowly(
        lambda: guard.windows(
            asked["to"], asked["campaign"], int(days), at=asked.get("at"), channel=asked.get("channel", "voice"), contact=contact or None
        )
    )  # fmt: skip
    return json({"windows": [msgspec.to_builtins(window._asdict()) for window in found]})


ROUTES = [Route("GET", "/v1/windows", "check", windows, "When a number may be called", None, bodies.Windows, _ASKED)]
