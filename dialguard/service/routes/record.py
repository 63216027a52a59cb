"""``/v1/consents``, ``revocations``, ``relationships``, ``dnc`` and ``numbers``: what the record is told of a number, and holds."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from dialguard.facts import clock
from dialguard.ledger.deadline import deadline
from dialguard.ledger.fields import plain
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.place import FILE
from dialguard.service import bodies
from dialguard.service.problem import Problem
from dialguard.service.web import Request, Response, Route, json
from dialguard.service.writing import fields, now, read, store_of, told_at, written


async def _entry(request: Request, kind: type, function: str) -> tuple[dict[str, Any], str]:
    """Records the body's entry; what was recorded, and its id. Raises Problem."""
    body = await request.read(kind)
    request.key.confine(body.seller)
    record = getattr(store_of(request), function)
    moment = now()
    given = fields(body, now=moment)
    if function in ("revoke", "suppress", "unsuppress"):
        given["at"] = told_at(given, moment)
    return given, await written(lambda: record(**given))


async def consent(request: Request) -> Response:
    """Record a consent."""
    _, id_ = await _entry(request, bodies.Consent, "record_consent")
    return json(bodies.Recorded(id=id_), 201)


async def revocation(request: Request) -> Response:
    """Record that consent was withdrawn: it counts from the next decision on."""
    given, id_ = await _entry(request, bodies.Revocation, "revoke")
    last = deadline(given.get("received_at", given["at"]))
    return json(bodies.Recorded(id=id_, deadline=None if last is None else last.isoformat()), 201)


async def relationship(request: Request) -> Response:
    """Record what is known of a business relationship."""
    _, id_ = await _entry(request, bodies.Relationship, "record_relationship")
    return json(bodies.Recorded(id=id_), 201)


async def suppress(request: Request) -> Response:
    """Put a number on the seller's own list."""
    _, id_ = await _entry(request, bodies.Internal, "suppress")
    return json(bodies.Recorded(id=id_), 201)


async def unsuppress(request: Request) -> Response:
    """Take a number off the seller's own list."""
    _, id_ = await _entry(request, bodies.Internal, "unsuppress")
    return json(bodies.Recorded(id=id_), 201)


_HELD = {"seller": "Whose record.", "as_of": "RFC 3339: only what had been recorded by then."}


async def held(request: Request) -> Response:
    """Every entry on a number as it was made, corrected and retracted ones too."""
    asked = request.query(*_HELD)
    if "seller" not in asked:
        raise Problem("input.invalid", errors=[("seller", "missing")])
    seller = asked["seller"]
    number, as_of = read("number", request.params["number"]), None
    if "as_of" in asked:
        as_of = read("at", asked["as_of"])
    folder = getattr(store_of(request), "folder", None)
    if folder is None:
        raise Problem("store.unavailable", "this store keeps no ledger")

    def ask() -> list[dict[str, Any]]:
        with closing(Ledger(folder / FILE)) as ledger:
            return ledger.entries(
                seller, lambda found: [{"kind": kind, **plain(kind, row)} for kind, row in found], number=number, as_of=as_of
            )

    entries = await written(ask)
    return json({"number": number, "seller": seller, "at": clock.format_instant(now()), "entries": entries})


ROUTES = [
    Route("POST", "/v1/consents", "write", consent, "Record a consent", bodies.Consent, bodies.Recorded, status=201),
    Route("POST", "/v1/revocations", "write", revocation, "Record a revocation", bodies.Revocation, bodies.Recorded, status=201),
    Route(
        "POST",
        "/v1/relationships",
        "write",
        relationship,
        "Record a business relationship",
        bodies.Relationship,
        bodies.Recorded,
        status=201,
    ),
    Route("POST", "/v1/dnc", "write", suppress, "Put a number on the seller's own list", bodies.Internal, bodies.Recorded, status=201),
    Route(
        "DELETE", "/v1/dnc", "write", unsuppress, "Take a number off the seller's own list", bodies.Internal, bodies.Recorded, status=201
    ),
    Route("GET", "/v1/numbers/{number}", "audit", held, "What is held of a number", None, bodies.Held, _HELD),
]
