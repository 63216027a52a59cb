"""``/v1/outcomes``: what became of an attempt. It is recorded as made, so that it counts; an opt-out revokes in the same step."""

from __future__ import annotations

from typing import Any, NamedTuple

from dialguard.events.journal import JournalError
from dialguard.events.reading import EventError
from dialguard.events.supervisor import Teller
from dialguard.facts import clock
from dialguard.ledger.fields import read_field
from dialguard.ledger.rows import build
from dialguard.model.moment import Instant
from dialguard.model.records import CONVERSATION
from dialguard.packs.eventrule import NEEDS
from dialguard.service import bodies
from dialguard.service.confined import Confined
from dialguard.service.decided import Made, made_of, search
from dialguard.service.desk import Desk
from dialguard.service.keys import Key
from dialguard.service.problem import Problem
from dialguard.service.web import Request, Response, Route, json
from dialguard.service.writing import now, read, store_of, told_at, written

SPOKEN = frozenset({"answered", "opted_out", "refused"})
"""Outcomes of a call in which, as far as anybody knows, the person was spoken with."""
_REVOKES = {"opted_out": "spoken", "wrong_number": "wrong_number"}
"""Outcomes after which there is no consent any more, and by what means it was withdrawn where nothing else is said."""


class _Told(NamedTuple):
    """An outcome, ready to be recorded."""

    body: bodies.Outcome
    made: Made
    at: Instant
    now: Instant


async def outcome(request: Request) -> Response:
    """Record what became of an attempt."""
    return json(await tell(request.desk, await request.read(bodies.Outcome), request.key))


async def tell(desk: Desk | Confined, body: bodies.Outcome, key: Key | None = None) -> bodies.Told:
    """Record an outcome; the same one of the same decision once, however often it is told. Raises Problem, InvalidInput, LookUpFailed."""
    moment = now()
    at = told_at({} if body.at is None else {"at": read("at", body.at)}, moment)
    store = store_of(desk)
    made = _made(desk, body) if body.to is not None and body.campaign is not None else await _found(desk, body)
    if key is not None:
        key.confine(made.seller)
    told = _Told(body, made, at, moment)
    return await written(lambda: _tell(store, desk, told))


def _made(desk: Desk | Confined, body: bodies.Outcome) -> Made:
    """The attempt as the body names it. Raises Problem, InvalidInput."""
    campaign = desk.guard.campaign(body.campaign)
    number = read("to", body.to) if body.to is None else read("number", body.to)
    from_ = None if body.from_ is None else read("from", body.from_)
    return made_of(campaign, number, body.channel or "voice", from_, body.person, body.debt, body.attempt_id or body.decision)


async def _found(desk: Desk | Confined, body: bodies.Outcome) -> Made:
    """The attempt as the decision log has it. Raises Problem."""
    made = await search(desk, body.decision)
    if made is None:
        missing = [(name, "missing") for name in ("to", "campaign") if getattr(body, name) is None]
        raise Problem("input.invalid", "the decision is not in the log (any more); say which attempt it was", errors=missing)
    return made


def _tell(store: Any, desk: Desk | Confined, told: _Told) -> bodies.Told:
    body, made = told.body, told.made
    build("attempt", {**made.fields(), "at": told.at, "known_at": told.now})  # what is wrong is said before anything is written
    with desk.book.telling(body.decision) as before:
        if body.outcome in before.before:
            return bodies.Told(**{**before.before[body.outcome], "again": True})
        said: dict[str, Any] = {"decision": body.decision, "outcome": body.outcome}
        if body.outcome == "not_placed":
            if before.before:
                raise Problem("resource.conflict", "it was said before that the attempt was made")
            said["released"] = store.release(seller=made.seller, number=made.number, attempt=made.reference)
        else:
            said |= _recorded(
                store, desk.teller, told, next((each["attempt"] for each in before.before.values() if each.get("attempt")), None)
            )
        before.note(body.outcome, said)
    return bodies.Told(**said)


def _recorded(store: Any, teller: Teller | None, told: _Told, attempt: str | None) -> dict[str, Any]:
    """Records the revocation first, since it must not be lost; tells the event rules; then records the attempt, where it is not
    recorded yet, and the outcome. An event has an id of its own, so that one that is told again is the same."""
    body, made = told.body, told.made
    found: dict[str, Any] = {}
    when = {"at": told.at, "known_at": told.now}
    if body.outcome in _REVOKES:
        wrong = body.outcome == "wrong_number"
        words = None if body.words is None else read_field("words", body.words)
        found["revocation"] = store.revoke(
            seller=made.seller,
            number=made.number,
            person=None if wrong else made.person,
            scope="all" if wrong else body.scope or "all",
            channel=made.channel if body.scope == "medium" and not wrong else None,
            subject=made.subject if body.scope == "category" and not wrong else None,
            means=_REVOKES[body.outcome] if made.channel == "voice" or wrong else "text_reply",
            words=words,
            **when,
        )
    if teller is not None and body.outcome in NEEDS and (made.campaign is not None or "campaign" not in NEEDS[body.outcome]):
        _event(teller, told)
    if attempt is None:
        attempt = store.record_attempt(**made.fields(), **when)
    found["attempt"] = attempt
    voice = made.channel == "voice"
    words_of = ([CONVERSATION] if voice and body.outcome in SPOKEN else []) + (
        [body.outcome] if body.outcome not in ("placed", "answered") else []
    )
    for word in words_of:
        store.record_outcome(seller=made.seller, outcome=word, attempt=attempt, **when)
    return found


def _event(teller: Teller, told: _Told) -> None:
    made = told.made
    event = {
        "event": told.body.outcome,
        "id": f"{told.body.decision}:{told.body.outcome}",
        "seller": made.seller,
        "campaign": made.campaign,
        "to": made.number,
        "at": clock.format_instant(told.at),
        "channel": made.channel,
        "reference": made.reference,
        "person": made.person,
    }
    try:
        teller.tell(event)
    except EventError as error:
        raise Problem("input.invalid", errors=error.errors) from None
    except JournalError as error:
        raise Problem("store.unavailable", "the event could not be told; tell the outcome again") from error


ROUTES = [Route("POST", "/v1/outcomes", "write", outcome, "Say what became of an attempt", bodies.Outcome, bodies.Told)]
