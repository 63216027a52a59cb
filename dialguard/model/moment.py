"""The moment at which a rule is judged: one instant seen on the clock of one zone."""

from typing import NamedTuple, Protocol

Instant = int
"""Microseconds since 1970-01-01T00:00:00Z."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 3600 * SECOND
DAY = 86_400 * SECOND
EPOCH_ORDINAL = 719_163  # date(1970, 1, 1).toordinal()
_LAST_ORDINAL = 3_652_059  # date(9999, 12, 31).toordinal()


class Local(NamedTuple):
    """A wall clock reading: proleptic ordinal day, weekday (Monday 0), second of the day, UTC offset in seconds."""

    ordinal: int
    weekday: int
    second: int
    offset: int


class Clock(Protocol):
    """What rules need of the time zones; ``dialguard.facts.clock`` is the one that ships."""

    def local(self, instant: Instant, zone: str) -> Local: ...

    def all_instants(self, ordinal: int, second: int, zone: str) -> tuple[Instant, ...]: ...

    def first_instant_at_or_after(self, ordinal: int, second: int, zone: str) -> Instant: ...

    def transitions(self, zone: str, start: Instant, end: Instant) -> tuple[Instant, ...]: ...


class Moment:
    """An instant with its local date and time in ``zone``; what every condition is evaluated at."""

    __slots__ = ("clock", "instant", "ordinal", "second", "weekday", "zone")

    def __init__(self, instant: Instant, zone: str, clock: Clock) -> None:
        self.instant = instant
        self.zone = zone
        self.clock = clock
        self.ordinal, self.weekday, self.second, _ = clock.local(instant, zone)

    def date_of(self, instant: Instant) -> int:
        """The local date (ordinal) of another instant on the same clock."""
        try:
            return self.clock.local(instant, self.zone)[0]
        except ValueError:  # outside the zone tables, decades from any period of law: the UTC date serves
            return min(max(EPOCH_ORDINAL + instant // DAY, 1), _LAST_ORDINAL)

    def at(self, instant: Instant) -> "Moment":
        """The same place at another instant."""
        return Moment(instant, self.zone, self.clock)

    def __repr__(self) -> str:
        hours, rest = divmod(self.second, 3600)
        return f"Moment(day {self.ordinal}, {hours:02}:{rest // 60:02}:{rest % 60:02} {self.zone})"


class _Never:
    """A moment that is known not to have happened; no test of time holds for it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NEVER"


NEVER = _Never()
