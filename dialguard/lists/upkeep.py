"""Which versions of a list are in force, until when, and which of them soon fall due."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dialguard.facts.lists import Said, last_day
from dialguard.lists.staging import ALL
from dialguard.lists.versions import Version
from dialguard.packs.rule import ListSchedule

CURRENT, DUE_SOON, STALE, REPLACED, TO_COME = "current", "due soon", "stale", "replaced", "to come"


class Kept(NamedTuple):
    """A version on a day. Days are ordinals.

    ``first_day`` is the first on which it is in force, ``last_day`` the last on which it may be used (None: nothing limits it),
    ``next_due`` the day on which the version after it must be in use. ``state``: ``current``, ``due soon``, ``stale``; ``replaced``
    where later versions cover all that it covers; ``to come`` before its first day.
    """

    version: Version
    state: str
    first_day: int
    last_day: int | None
    age_days: int

    @property
    def next_due(self) -> int | None:
        """The day on which the version after it must be in use."""
        return None if self.last_day is None else self.last_day + 1


def upkeep(versions: Sequence[Version], schedule: ListSchedule | None, today: int, warn_days: int) -> tuple[Kept, ...]:
    """The held versions of one list as they stand on ``today``, in the order given.

    One is due soon when its last day is within ``warn_days`` days and no version to come takes its place in time.
    """
    seen: frozenset[int] = frozenset()
    live: set[str] = set()
    begun = sorted((version for version in versions if _first(version) <= today), key=_first)
    while begun:
        # Versions of one day stand beside each other.
        start = _first(begun[-1])
        group = [version for version in begun if _first(version) == start]
        live |= {version.id for version in group if _codes(version) - seen}
        seen = seen.union(*map(_codes, group))
        begun = [version for version in begun if _first(version) < start]
    return tuple(_kept(version, schedule, today, warn_days, version.id in live, versions) for version in versions)


def _kept(version: Version, schedule: ListSchedule | None, today: int, warn_days: int, live: bool, versions: Iterable[Version]) -> Kept:
    last = last_day(Said(None, version.published, version.effective, version.use_by), schedule)
    if _first(version) > today:
        state = TO_COME
    elif not live:
        state = REPLACED
    elif last is None:
        state = CURRENT
    elif last < today:
        state = STALE
    else:
        follows = any(today < _first(other) <= last + 1 and _codes(version) <= _codes(other) for other in versions)
        state = DUE_SOON if last - today <= warn_days and not follows else CURRENT
    return Kept(version, state, _first(version), last, today - version.published)


def in_force(kept: Iterable[Kept]) -> tuple[Kept, ...]:
    """Those that answer today, stale ones too."""
    return tuple(entry for entry in kept if entry.state in (CURRENT, DUE_SOON, STALE))


def _first(version: Version) -> int:
    return version.published if version.effective is None else version.effective


def _codes(version: Version) -> frozenset[int]:
    return ALL if version.area_codes is None else version.area_codes
