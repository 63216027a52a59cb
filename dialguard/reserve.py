"""Check and reserve: attempts are decided with the slots that other dialers hold counted as attempts, and take one in the same step."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import NamedTuple

from msgspec import Struct
from msgspec.json import Encoder

from dialguard.engine.decision import Decision
from dialguard.engine.judge import Engine
from dialguard.facts import clock
from dialguard.facts.gather import Gatherer
from dialguard.facts.given import Given, InvalidInput
from dialguard.facts.held import put_waiting
from dialguard.ledger.rows import text
from dialguard.model.history import Entry
from dialguard.model.moment import Instant
from dialguard.model.records import LookUp, LookUpFailed
from dialguard.ready import Plain, Ready
from dialguard.storage.slots import Asked, Reused, Table

ROUNDS = 100
"""How often an attempt is judged anew because somebody else took a slot meanwhile. Under a cap each time leaves one fewer."""
_encode = Encoder(enc_hook=str, order="deterministic").encode
_REUSED = "found the id of another attempt of the last ten minutes, expected an id of its own for each attempt"


class Wanted(Struct, frozen=True, gc=False):
    """An attempt for which a slot is wanted: as it was sent, and read; ``plain`` where its answer may be ready."""

    sent: Mapping[str, object]
    given: Given | None
    plain: Plain | None


class Deciding(NamedTuple):
    """What it takes to decide; ``read`` reads an attempt with care, or raises InvalidInput."""

    engine: Engine
    gatherer: Gatherer
    ready: Ready | None
    read: Callable[[Mapping[str, object]], Given]


def decide(by: Deciding, wanted: Sequence[Wanted]) -> list[Decision | Exception]:
    """Decide attempts, in their order, and take the slots of those allowed in one step: where that fails, all are denied.

    An attempt that cannot be judged has its exception in its place.
    """
    store = by.gatherer.sources.store
    try:
        together = getattr(store, "together", None)
        if together is None:
            raise LookUpFailed("this store cannot reserve")
        store.refresh()
        with together() as table:
            _expect(table, wanted)
            return [_one(by, table, each) for each in wanted]
    except LookUpFailed as error:
        return [_denied(by, each, error) for each in wanted]


def _expect(table: Table, wanted: Sequence[Wanted]) -> None:
    """Tells the table of whom it will be asked."""
    asked: dict[str, tuple[list[str], list[str]]] = {}
    for each in wanted:
        if each.plain is not None:
            numbers, ids = asked.setdefault(each.plain.campaign.seller, ([], []))
            numbers.append(each.plain.number.e164)
            if each.plain.sent.id is not None:
                ids.append(each.plain.sent.id)
    for seller, (numbers, ids) in asked.items():
        if len(numbers) > 1:
            with suppress(ValueError):  # who is looked at by itself is told so
                table.expect(seller, numbers, ids)


def _one(by: Deciding, table: Table, wanted: Wanted) -> Decision | Exception:
    try:
        return _reserved(by, table, wanted)
    except LookUpFailed as error:
        return _denied(by, wanted, error)
    except Reused:
        return InvalidInput([("id", _REUSED)])
    except Exception as error:  # the others of the group have their own answers
        return error


def _reserved(by: Deciding, table: Table, wanted: Wanted) -> Decision:
    sent, given, plain = wanted.sent, wanted.given, wanted.plain
    about = plain if given is None else given
    name = plain.sent.id if given is None else given.id
    fresh, number = about.at is None, about.number.e164
    if fresh:
        about.at = clock.now()
    if number is None:
        return _judged(by, given if given is not None else _read(by, sent, about.at))
    content = blake2b(_encode(sent), digest_size=8).digest()
    person = None if given is None else given.person
    asked = Asked(about.campaign.seller, number, person, _checked(name), about.at, content, fresh, name is None)
    for _ in range(ROUNDS):
        seen = table.look(asked)
        decision = by.ready.decide(plain, seen.found) if plain is not None and not seen.waiting else None
        if decision is None:
            if given is None:
                given = _read(by, sent, about.at)
            decision = _judged(by, given, seen.found, seen.waiting)
        if asked.ours:
            decision.id = name = name or decision.id
            asked = asked._replace(attempt=name)
        if not decision.allowed:
            return decision
        slot = table.take(seen, asked, name, _entry(decision, number, given, plain))
        if slot is not None:
            decision.reserve(slot.attempt, slot.lapses)
            return decision
    raise LookUpFailed("what is reserved for this number changes faster than it can be judged; ask again")


def _read(by: Deciding, sent: Mapping[str, object], at: Instant | None) -> Given:
    given = by.read(sent)
    if at is not None:
        given.at = at
    return given


def _checked(name: str | None) -> str | None:
    if name is not None:
        try:
            text(name, "id")
        except ValueError as error:
            raise InvalidInput([("id", str(error))]) from None
    return name


def _judged(by: Deciding, given: Given, found: LookUp | None = None, waiting: Sequence[Entry] = ()) -> Decision:
    kept = given.facts
    given.facts = kept.copy()  # gathering enters what it finds
    try:
        facts, evidence = by.gatherer.gather(given, found)
    finally:
        given.facts = kept
    if waiting:
        put_waiting(facts.values, given, waiting, facts.at)
        evidence = _told(evidence, len(waiting))
    return Decision(by.engine, facts, by.engine.judge(facts), given.id, evidence)


def _denied(by: Deciding, wanted: Wanted, error: LookUpFailed) -> Decision | Exception:
    try:
        given = wanted.given
        decision = _judged(by, given if given is not None else _read(by, wanted.sent, wanted.plain.at))
    except Exception as other:
        return other
    decision._amiss = ("lookup_unavailable", f"No place under the frequency caps could be reserved: {error}.")
    return decision


def _told(evidence, number: int):
    return lambda: {**evidence(), "reserved_by_others": number}


def _entry(decision: Decision, number: str, given: Given | None, plain: Plain | None) -> Entry:
    """The attempt as it would be recorded."""
    facts = decision.facts
    get = facts.values.get
    channel = plain.sent.channel if given is None else given.channel
    voice = get("campaign.voice") if channel in ("voice", "rvm") else None
    debt, shown = (None, plain.shown) if given is None else (given.debt, given.from_number)
    return Entry(facts.at, number, channel, get("campaign.purpose"), get("campaign.subject"), voice, None, debt, shown)
