"""``/v1/decisions``: the decision log, read."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, TypeVar

from dialguard.audit.reading import Reader, Record, Wanted
from dialguard.service import bodies
from dialguard.service.decided import reader, slowly
from dialguard.service.problem import Problem
from dialguard.service.web import Request, Response, Route, json
from dialguard.service.writing import read

T = TypeVar("T")
MOST = 1000
_ASKED = {
    "number": "Called or shown, in any usual form.",
    "seller": "For whom.",
    "verdict": "allow or deny.",
    "rule": "A rule that denied.",
    "since": "RFC 3339: recorded at or after.",
    "until": "RFC 3339: recorded before.",
    "limit": f"At most so many, 1 to {MOST} (default 100).",
}


async def _asked(request: Request, ask: Callable[[Reader], T]) -> T:
    """What is asked of the tenant's log. Raises Problem where it keeps none."""
    desk = request.desk

    def work() -> T | None:
        log = reader(desk)
        return None if log is None else ask(log)

    found = await slowly(work)
    if found is None:
        raise Problem("resource.unknown", "no decision was recorded yet")
    return found


def _shown(log: Reader, record: Record) -> dict[str, Any]:
    body, notes = log.whole(record)
    return {"chain": record.chain, "seq": record.seq, "hash": record.hash, "not_shown": notes, "record": body}


async def one(request: Request) -> Response:
    """The records of a decision, by its id or the attempt's."""
    wanted = Wanted(id=request.params["id"], tenant=request.desk.tenant)
    found = await _asked(request, lambda log: [_shown(log, record) for record in islice(log.find(wanted), MOST)])
    if not found:
        raise Problem("resource.unknown", "no decision of this id was recorded")
    return json({"decisions": found})


async def search(request: Request) -> Response:
    """The decisions that fit, in the order recorded."""
    asked = request.query(*_ASKED)
    limit = asked.pop("limit", "100")
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 5 and 1 <= int(limit) <= MOST):
        raise Problem("input.invalid", errors=[("limit", f"expected a whole number from 1 to {MOST}")])
    if asked.get("verdict") not in (None, "allow", "deny"):
        raise Problem("input.invalid", errors=[("verdict", "expected allow or deny")])
    for name, kind in (("number", "number"), ("since", "since"), ("until", "until")):
        if name in asked:
            asked[name] = read(kind, asked[name])
    wanted = Wanted(**asked, tenant=request.desk.tenant)
    return json({"decisions": await _asked(request, lambda log: [_shown(log, record) for record in islice(log.find(wanted), int(limit))])})


ROUTES = [
    Route("GET", "/v1/decisions", "audit", search, "Find recorded decisions", None, bodies.Decisions, _ASKED),
    Route("GET", "/v1/decisions/{id}", "audit", one, "A recorded decision", None, bodies.Decisions),
]
