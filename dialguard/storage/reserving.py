"""Check and reserve: a place under the caps for an attempt about to be made, so that two dialers cannot both take the last one."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from dialguard.model.history import Entry
from dialguard.model.moment import MINUTE, Instant

LAPSE = 2 * MINUTE
"""Microseconds after which a reservation that no recorded attempt took up counts no more."""
REMEMBERED = 24 * 60 * MINUTE
"""Microseconds after that for which the attempt's id is still known."""
FIELDS = ("channel", "purpose", "subject", "voice", "debt", "from", "outcome")
"""What an attempt may be told apart by."""


class Limit(NamedTuple):
    """At most ``below`` attempts after the instant ``after`` (exclusive), this one included: the cap of a rule's count.

    ``where`` holds (field, values, wanted): of an attempt that says something else it is not counted; ``same`` names fields in
    which it must agree with the attempt to be made. A field that is not known may be anything, so it counts. ``already`` are
    attempts that are to be added, such as those to the person's other numbers.
    """

    after: Instant
    below: int
    where: Sequence[tuple[str, Sequence[str], bool]] = ()
    same: Sequence[str] = ()
    already: int = 0


class Reservation(NamedTuple):
    """Whether the place was granted. ``limit`` is the place of the first limit that is reached, with how many it counts;
    ``again``: it was granted to this attempt before. ``lapses_at`` is by the clock of the store."""

    granted: bool
    lapses_at: Instant | None = None
    limit: int | None = None
    counted: int | None = None
    again: bool = False


def reached(limits: Iterable[Limit], entries: Sequence[Entry], own: Entry) -> tuple[int, int] | None:
    """The first limit that the entries reach, and how many it counts. Attempts after the moment count too: another dialer's clock
    may go before."""
    for place, limit in enumerate(limits):
        counted = limit.already + sum(1 for entry in entries if entry.at > limit.after and _counts(limit, entry, own))
        if counted >= limit.below:
            return place, counted
    return None


def _counts(limit: Limit, entry: Entry, own: Entry) -> bool:
    for name, values, wanted in limit.where:
        value = entry.field(name)
        if value is not None and (value in values) != wanted:
            return False
    for name in limit.same:
        value, mine = entry.field(name), own.field(name)
        if value is not None and mine is not None and value != mine:
            return False
    return True


def checked(limits: Iterable[Limit], own: dict[str, Any]) -> tuple[Limit, ...]:
    """The limits, once their fields are known to exist. Raises ValueError."""
    found = tuple(limits)
    for limit in found:
        for name in (*(name for name, _, _ in limit.where), *limit.same):
            if name not in FIELDS:
                raise ValueError(f"limit: found the field {name!r:.40}, expected one of {', '.join(FIELDS)}")
    for name in own:
        if name not in FIELDS:
            raise ValueError(f"found the field {name!r:.40}, expected one of {', '.join(FIELDS)}")
    return found
