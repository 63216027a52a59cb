"""Check and reserve: a slot for an attempt about to be made, taken in one step with the decision on it.

A store knows no cap. Whoever decides *looks*, judges with the slots that wait counted as attempts, and *takes* a slot for what was
judged; where anything was taken or recorded in between, the store says so, and one looks again. So what is counted is what the
rules count, and a refusal is the decision that the law gives.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from dialguard.model.history import Entry
from dialguard.model.moment import MINUTE, SECOND, Instant
from dialguard.model.records import LookUp

LAPSE = 2 * MINUTE
"""Microseconds after which a slot that no recorded attempt took up counts no more."""
QUIET = LAPSE + 5 * SECOND
"""Microseconds after which every slot that a server lost has lapsed, clocks differing a little."""
SAME = 10 * MINUTE
"""Microseconds during which the same id with the same content is the same attempt."""
HELD, RECORDED, RELEASED = "held", "recorded", "released"


class Reused(ValueError):
    """The id of one attempt was given to another within ten minutes."""


class Asked(NamedTuple):
    """An attempt about to be made. ``attempt`` is its id, None where it has none yet; ``content`` a digest of all that it says.
    ``fresh``: ``at`` was read from the clock just now, so nothing was recorded of a later moment. ``ours``: the id is not the
    caller's, so nobody else can ask for the same attempt."""

    seller: str
    number: str
    person: str | None
    attempt: str | None
    at: Instant
    content: bytes
    fresh: bool = False
    ours: bool = False


class Slot(NamedTuple):
    """A slot: under which id, for what attempt, first taken and lapsing when by the clock of the store, and what became of it."""

    attempt: str
    entry: Entry
    since: Instant
    lapses: Instant
    content: bytes
    state: str = HELD


class Seen(NamedTuple):
    """What a look found. ``waiting`` are attempts that others are about to make, or made since; ``own`` is what the attempt itself
    holds, whose recorded attempt is then left out of ``found``; ``ticket`` is the store's."""

    found: LookUp
    waiting: tuple[Entry, ...]
    own: Slot | None
    ticket: object = None


class Table(Protocol):
    """Where slots are taken. Both methods raise LookUpFailed; ``look`` raises Reused as well."""

    def expect(self, seller: str, numbers: Iterable[str], attempts: Iterable[str]) -> None:
        """These numbers will be looked at, without a person, for attempts of these ids; what is to be asked of them may be asked now."""
        ...

    def look(self, asked: Asked) -> Seen: ...

    def take(self, seen: Seen, asked: Asked, attempt: str, entry: Entry) -> Slot | None:
        """The slot, its own where it holds one; None where something was taken or recorded since ``seen``."""
        ...


class Reserving(Protocol):
    """A store in which slots can be taken."""

    def together(self) -> AbstractContextManager[Table]:
        """For one attempt or several. Nothing is taken before the end without an error; raises LookUpFailed."""
        ...

    def release(self, *, seller: str, number: str, attempt: str) -> bool:
        """Gives a slot back; False where none was held, or the attempt has been recorded."""
        ...


def waiting(slots: Iterable[Slot], later: Iterable[Entry], now: Instant, at: Instant) -> tuple[Entry, ...]:
    """What counts beside the attempts recorded by ``at``. Another dialer's clock may go before, so nothing counts as later than ``at``."""
    entries = [slot.entry for slot in slots if slot.state == HELD and slot.lapses > now]
    return tuple(entry._replace(at=min(entry.at, at)) for entry in (*entries, *later))


def same(own: Slot | None, content: bytes, now: Instant) -> Slot | None:
    """The attempt's own slot, where it still speaks for it. Raises Reused."""
    if own is None or own.state == RELEASED or now >= own.since + SAME or (own.state == HELD and own.lapses <= now):
        return None
    if own.content != content:
        raise Reused
    return own


def without(entries: Sequence[Entry], own: Slot) -> tuple[Entry, ...]:
    """The attempts but for the one that the slot became: of those that agree with it, the first not made before it was taken."""
    mine = own.entry
    since = mine.at - MINUTE  # whoever recorded it may have left seconds out
    for place, entry in enumerate(entries):
        if entry.to == mine.to and entry.at >= since and all(
            entry[each] is None or mine[each] is None or entry[each] == mine[each] for each in _TOLD
        ):  # fmt: skip
            return (*entries[:place], *entries[place + 1 :])
    return tuple(entries)


def left_out(found: LookUp, later: Sequence[Entry], own: Slot, at: Instant) -> tuple[LookUp, tuple[Entry, ...]]:
    """What is known by ``at`` and what was recorded since, without the attempt that the slot became."""
    attempts = without((*found.attempts, *later), own)
    known = tuple(entry for entry in attempts if entry.at <= at)
    return replace(found, attempts=known), tuple(entry for entry in attempts if entry.at > at)


_TOLD = tuple(Entry._fields.index(name) for name in ("channel", "purpose", "subject", "voice", "debt", "from_"))
