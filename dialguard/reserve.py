"""Check and reserve: attempts are decided with the slots that other dialers hold counted as attempts, and take one in the same step."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from msgspec.json import Encoder

from dialguard.engine.decision import Decision
from dialguard.engine.judge import Engine
from dialguard.facts import clock
from dialguard.facts.gather import Gatherer
from dialguard.facts.given import Given, InvalidInput
from dialguard.facts.held import put_waiting
from dialguard.ledger.rows import text
from dialguard.model.facts import Facts
from dialguard.model.history import Entry
from dialguard.model.records import LookUp, LookUpFailed
from dialguard.storage.slots import Asked, Reused, Table

ROUNDS = 100
"""How often an attempt is judged anew because somebody else took a slot meanwhile. Under a cap each time leaves one fewer."""
_encode = Encoder(enc_hook=str, order="deterministic").encode
_REUSED = "found the id of another attempt of the last ten minutes, expected an id of its own for each attempt"


def decide(engine: Engine, gatherer: Gatherer, asked: Sequence[tuple[Given, Mapping[str, object]]]) -> list[Decision | Exception]:
    """Decide attempts, in their order, and take the slots of those allowed in one step: where that fails, all are denied.

    ``asked``: each attempt as it was read and as it was sent. An attempt that cannot be judged has its exception in its place.
    """
    store = gatherer.sources.store
    try:
        together = getattr(store, "together", None)
        if together is None:
            raise LookUpFailed("this store cannot reserve")
        store.refresh()
        with together() as table:
            return [_one(engine, gatherer, table, given, sent) for given, sent in asked]
    except LookUpFailed as error:
        return [_denied(engine, gatherer, given, error) for given, _ in asked]


def _one(engine: Engine, gatherer: Gatherer, table: Table, given: Given, sent: Mapping[str, object]) -> Decision | Exception:
    try:
        return _reserved(engine, gatherer, table, given, sent)
    except LookUpFailed as error:
        return _denied(engine, gatherer, given, error)
    except Reused:
        return InvalidInput([("id", _REUSED)])
    except Exception as error:  # the others of the group have their own answers
        return error


def _reserved(engine: Engine, gatherer: Gatherer, table: Table, given: Given, sent: Mapping[str, object]) -> Decision:
    fresh, number = given.at is None, given.number.e164
    if fresh:
        given.at = clock.now()
    if number is None:
        return _judged(engine, given, *_gathered(gatherer, given))
    content = blake2b(_encode(sent), digest_size=8).digest()
    asked, name = Asked(given.campaign.seller, number, given.person, _id(given), given.at, content, fresh, given.id is None), given.id
    for _ in range(ROUNDS):
        seen = table.look(asked)
        facts, evidence = _gathered(gatherer, given, seen.found)
        if seen.waiting:
            put_waiting(facts.values, given, seen.waiting, facts.at)
            evidence = _told(evidence, len(seen.waiting))
        decision = _judged(engine, given, facts, evidence)
        if asked.ours:
            decision.id = name = name or decision.id
            asked = asked._replace(attempt=name)
        if not decision.allowed:
            return decision
        slot = table.take(seen, asked, name, _entry(given, facts))
        if slot is not None:
            decision.reserve(slot.attempt, slot.lapses)
            return decision
    raise LookUpFailed("what is reserved for this number changes faster than it can be judged; ask again")


def _id(given: Given) -> str | None:
    if given.id is not None:
        try:
            text(given.id, "id")
        except ValueError as error:
            raise InvalidInput([("id", str(error))]) from None
    return given.id


def _gathered(gatherer: Gatherer, given: Given, found: LookUp | None = None) -> tuple[Facts, object]:
    kept = given.facts
    given.facts = kept.copy()  # gathering enters what it finds
    try:
        return gatherer.gather(given, found)
    finally:
        given.facts = kept


def _judged(engine: Engine, given: Given, facts: Facts, evidence) -> Decision:
    return Decision(engine, facts, engine.judge(facts), given.id, evidence)


def _denied(engine: Engine, gatherer: Gatherer, given: Given, error: LookUpFailed) -> Decision | Exception:
    try:
        decision = _judged(engine, given, *_gathered(gatherer, given))
    except Exception as other:
        return other
    decision._amiss = ("lookup_unavailable", f"No place under the frequency caps could be reserved: {error}.")
    return decision


def _told(evidence, number: int):
    return lambda: {**evidence(), "reserved_by_others": number}


def _entry(given: Given, facts: Facts) -> Entry:
    """The attempt as it would be recorded."""
    get = facts.values.get
    voice = get("campaign.voice") if given.channel in ("voice", "rvm") else None
    purpose, subject = get("campaign.purpose"), get("campaign.subject")
    return Entry(facts.at, given.number.e164, given.channel, purpose, subject, voice, None, given.debt, given.from_number)
