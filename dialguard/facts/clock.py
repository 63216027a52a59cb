"""Instants, local clocks, and the only reading of the system time.

An ``Instant`` is an int: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted. A local date is a
proleptic Gregorian ordinal (``datetime.date.toordinal``), a local time a number of whole seconds since midnight.

Local time comes from tables of UTC offsets compiled once per process and zone from pytz, whose version
(``ZONE_DATA_VERSION``) belongs to the evidence of every decision. pytz knows transitions to the end of 2037; later
years repeat the rule of the last years it knows (in the United States: second Sunday of March, first Sunday of
November, 02:00 local). The tables cover 1967-01-01 to 2100-12-31 UTC; an instant outside is refused, not guessed.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dialguard.model.redaction import without_numbers

Instant = int

ZONE_DATA_VERSION: str
"""Version of the zone data, e.g. ``pytz 2026.6 (2026f)``; reading it imports pytz."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> str:
        if name == "ZONE_DATA_VERSION":  # lazily: import of this module must not load pytz
            import pytz

            version = globals()[name] = f"pytz {pytz.__version__} ({pytz.OLSON_VERSION})"
            return version
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_SECOND = 1_000_000
_DAY = 86_400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1)
_FIRST = (date(1967, 1, 1).toordinal() - _EPOCH_ORDINAL) * _DAY * _SECOND
_END = (date(2101, 1, 1).toordinal() - _EPOCH_ORDINAL) * _DAY * _SECOND
_LAST_EXPLICIT_YEAR = 2037
_YEAR_1, _YEAR_10000 = (1 - _EPOCH_ORDINAL) * _DAY, (date.max.toordinal() + 1 - _EPOCH_ORDINAL) * _DAY


class Local(NamedTuple):
    """A moment on a local clock."""

    ordinal: int
    """Local date as a proleptic ordinal."""
    weekday: int
    """Monday = 0 … Sunday = 6."""
    second: int
    """Whole local seconds since midnight, 0 … 86399."""
    offset: int
    """Seconds to add to UTC to get local time."""


_new_local = tuple.__new__  # half the cost of Local(...): no argument handling


def now() -> Instant:
    """The system's present time. The only place in the project that reads it."""
    return time.time_ns() // 1_000


# ------------------------------------------------------------------------------------------------- the watch

_APART = 2 * _SECOND
"""Further apart than this, the system's clock is not trusted."""
_STEADY_FOR, _STEADY = 60 * _SECOND, _SECOND // 10
"""So long must the difference have kept to within so much before a synchronised clock is trusted anew."""
_AT_ONCE = _SECOND // 10
"""Two clocks that are read further apart in time than this are read again."""
_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux: goes on while the machine sleeps."""


def _elapsed() -> int:
    return time.clock_gettime_ns(_BOOT) // 1_000


def synchronised() -> bool:
    """Whether Linux says that a time daemon keeps its clock; setting it by hand ends that. False where it is not known."""
    import ctypes

    try:
        return 0 <= ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024)) < 5  # TIME_ERROR; a struct timex is 208 bytes
    except (OSError, AttributeError):
        return False


class Watch:
    """Whether the system's clock has gone on as the monotonic one has since the watch began: setting it sets them apart, and so does a
    drift that is not of both. Once they are apart the clock is not trusted until they agree again, or until it has kept its new
    time for a minute and the system says that it is synchronised. ``tell`` is told of each change, in a line."""

    def __init__(
        self, tell: Callable[[str], object] = lambda line: None, *,
        wall: Callable[[], Instant] = now, elapsed: Callable[[], int] = _elapsed, kept: Callable[[], bool] = synchronised,
    ) -> None:  # fmt: skip
        self._tell, self._wall, self._elapsed, self._kept = tell, wall, elapsed, kept
        self._began = self._offset()[0]
        self._level: tuple[int, int] | None = None  # the offset since they are apart, and since when it is that

    def _offset(self) -> tuple[int, int]:
        """Wall less monotonic time, and the latter; read again where the process was held up between the two."""
        while True:
            elapsed, wall = self._elapsed(), self._wall()
            if self._elapsed() - elapsed <= _AT_ONCE:
                return wall - elapsed, elapsed

    def doubt(self) -> str | None:
        """Why the clock is not trusted, for whoever asked; None where it is."""
        offset, elapsed = self._offset()
        apart = offset - self._began
        if -_APART <= apart <= _APART:
            if self._level is not None:
                self._level = None
                self._tell("the system's clock agrees with the monotonic one again, and is trusted")
            return None
        if self._level is None:
            self._tell(f"the system's clock is apart from the monotonic one by {apart / _SECOND:+.1f} s: every attempt is denied")
        if self._level is None or abs(offset - self._level[0]) > _STEADY:
            self._level = offset, elapsed
        elif elapsed - self._level[1] >= _STEADY_FOR and self._kept():
            self._began, self._level = offset, None
            self._tell(f"the system's clock, set by {apart / _SECOND:+.1f} s, is steady and synchronised, and is trusted anew")
            return None
        return f"The system's clock was set by {apart / _SECOND:+.1f} s, or drifts; until it can be trusted, the attempt is denied."


_PEER_APART = 5 * _SECOND
"""Further than this from the clock of another machine, the system's is not trusted."""


class Peer:
    """How far the system's clock is from that of a server which is asked anyway, as its last answer told."""

    def __init__(self, name: str, *, wall: Callable[[], Instant] = now) -> None:
        self._name, self._wall, self._apart = name, wall, 0

    def heard(self, said: Instant, before: Instant) -> None:
        """The server's time, which it told at some moment from ``before``, by the system's clock, until now."""
        self._apart = max(before - said, 0) or min(self._wall() - said, 0)

    def doubt(self) -> str | None:
        """Why the clock is not trusted, for whoever asked; None where it is, or no answer has come yet."""
        apart = self._apart
        if -_PEER_APART <= apart <= _PEER_APART:
            return None
        return (
            f"The system's clock is apart from that of {self._name} by {apart / _SECOND:+.1f} s; one of the two is wrong, and until they agree, "
            "the attempt is denied."
        )


# ---------------------------------------------------------------------------------------------------- text

_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:([Zz])|([+-])([0-9]{2}):([0-9]{2}))"
)


def parse_instant(text: str) -> Instant:
    """The instant written in RFC 3339 with its offset, e.g. ``2026-11-22T14:05:00-05:00`` or ``…T19:05:00Z``.

    Lower-case ``t`` and ``z`` and a blank instead of ``T`` are read too. Fractions of any length are cut to
    microseconds. A leap second (``23:59:60`` in UTC) is read as the last microsecond before it.

    Raises:
        ValueError: anything else, and what lies outside the years 1 to 9999 in UTC, saying what was found and what is expected.
    """
    found = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        shown = repr(without_numbers(text if len(text) <= 60 else text[:60] + "…")) if isinstance(text, str) else type(text).__name__
        raise ValueError(
            f"not a moment in time: found {shown}, expected RFC 3339 with its offset, such as 2026-11-22T14:05:00-05:00"
        )
    year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
    fraction = int((found[7] or "")[:6].ljust(6, "0"))
    offset_hours, offset_minutes = (0, 0) if found[8] else (int(found[10]), int(found[11]))
    if hour > 23 or minute > 59 or second > 60 or offset_hours > 23 or offset_minutes > 59:
        raise ValueError(f"not a moment in time: {text!r} has an hour, minute, second or offset out of range")
    try:
        ordinal = date(year, month, day).toordinal()
    except ValueError as error:
        raise ValueError(f"not a moment in time: {text!r}: {error}") from None
    offset = (offset_hours * 60 + offset_minutes) * (-60 if found[9] == "-" else 60)
    minute_start = (ordinal - _EPOCH_ORDINAL) * _DAY + hour * 3600 + minute * 60 - offset
    if second == 60:
        if minute_start % _DAY != _DAY - 60:
            raise ValueError(f"not a moment in time: {text!r}: second 60 exists only at 23:59:60 UTC")
        second, fraction = 59, 999_999
    if not _YEAR_1 <= minute_start < _YEAR_10000:
        raise ValueError(f"not a moment in time: {text!r} lies outside the years 1 to 9999 in UTC")
    return (minute_start + second) * _SECOND + fraction


def format_instant(instant: Instant, zone: str | None = None) -> str:
    """RFC 3339 text, in UTC (``…Z``) or on the clock of ``zone`` (``…-05:00``); a fraction only when there is one.

    Raises:
        ValueError: unknown zone, or a moment outside the years 1 to 9999 (in a zone: outside the tables).
    """
    second, fraction = divmod(instant, _SECOND)
    minute, rest = divmod(second, 60)
    words = _minute_in_words(minute, zone)
    head, suffix = (words[0] + _TWO[rest], words[1]) if words is not None else _second_in_words(second, zone)
    return f"{head}.{fraction:06}{suffix}" if fraction else head + suffix


_TWO = tuple(f"{number:02}" for number in range(60))


@lru_cache(maxsize=8192)
def _minute_in_words(minute: int, zone: str | None) -> tuple[str, str] | None:
    """What the seconds of a minute begin and end with; None where a local clock changes within it, or its minutes begin elsewhere."""
    (first, suffix), (last, after) = (_second_in_words(minute * 60 + second, zone) for second in (0, 59))
    return (first[:-2], suffix) if suffix == after and first[:-2] == last[:-2] and first[-2:] == "00" and last[-2:] == "59" else None


@lru_cache(maxsize=256)
def _second_in_words(second: int, zone: str | None) -> tuple[str, str]:
    at, suffix = fixed(second * _SECOND, 0), "Z"
    if zone is not None:
        at = local(second * _SECOND, zone)
        hours, minutes = divmod(abs(at.offset) // 60, 60)
        suffix = f"{'-' if at.offset < 0 else '+'}{hours:02}:{minutes:02}"
    try:
        day = date.fromordinal(at.ordinal)
    except (ValueError, OverflowError):
        raise ValueError(f"instant {second * _SECOND} lies outside the years 1 to 9999") from None
    return f"{day.isoformat()}T{at.second // 3600:02}:{at.second // 60 % 60:02}:{at.second % 60:02}", suffix


# -------------------------------------------------------------------------------------------------- tables


class _Table:
    """One zone: spans ``[starts[i], starts[i+1])`` of constant offset, and the local day last asked for."""

    __slots__ = ("starts", "offsets", "day")

    def __init__(self, starts: Sequence[Instant], offsets: Sequence[int]) -> None:
        self.starts = tuple(starts)  # ends with _END, which opens no span
        self.offsets = tuple(offsets)
        # (from, before, UTC instant of second 0, ordinal, weekday, offset); replaced whole, so safe under threads
        self.day: tuple[int, int, int, int, int, int] = (0, 0, 0, 0, 0, 0)

    def lookup(self, instant: Instant) -> Local:
        if not _FIRST <= instant < _END:
            raise ValueError(f"instant {instant} lies outside the time-zone tables (years 1967 to 2100)")
        span = bisect_right(self.starts, instant) - 1
        offset = self.offsets[span]
        days, second = divmod(instant // _SECOND + offset, _DAY)
        midnight = (days * _DAY - offset) * _SECOND
        ordinal, weekday = days + _EPOCH_ORDINAL, (days + 3) % 7
        start = max(midnight, self.starts[span])
        before = min(midnight + _DAY * _SECOND, self.starts[span + 1])
        self.day = (start, before, midnight, ordinal, weekday, offset)
        return Local(ordinal, weekday, second, offset)


_tables: dict[str, _Table] = {}


def _instant_of(moment: datetime) -> Instant:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _repeated(moments: list[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """Transitions of 2038 to 2100 by the rule of the last known years.

    Such rules name weekdays of months after February (second Sunday of March), so their dates in one year are
    their dates in any year whose 1 March is the same weekday; 2030 to 2037 hold all seven.
    """
    by_weekday: dict[int, list[tuple[datetime, int]]] = {}
    for year in range(_LAST_EXPLICIT_YEAR - 7, _LAST_EXPLICIT_YEAR + 1):  # the later year wins
        by_weekday[date(year, 3, 1).weekday()] = [entry for entry in moments if entry[0].year == year]
    return [
        (moment.replace(year=year), offset)
        for year in range(_LAST_EXPLICIT_YEAR + 1, 2101)
        for moment, offset in by_weekday[date(year, 3, 1).weekday()]
    ]


def _compile(zone: str) -> _Table:
    import pytz

    try:
        source = pytz.timezone(zone)
    except (KeyError, ValueError, AttributeError, TypeError):
        source = None
    if source is None or getattr(source, "zone", None) != zone:  # pytz forgives letter case; evidence must not
        raise ValueError(f"unknown time zone {zone!r}: expected an IANA name such as 'America/Chicago'")
    times = getattr(source, "_utc_transition_times", None)
    if times is None:  # a zone that never changed
        offset = source.utcoffset(None) // timedelta(seconds=1)
        table = _Table((_FIRST, _END), (offset,))
    else:
        offsets = [info[0] // timedelta(seconds=1) for info in source._transition_info]
        moments = list(zip(times, offsets, strict=True))
        if times[-1].year == _LAST_EXPLICIT_YEAR:
            moments += _repeated(moments)
        starts, kept = [_FIRST], [offsets[0]]
        for moment, offset in moments:
            instant = _instant_of(moment)
            if instant <= _FIRST:
                kept[0] = offset
            elif offset != kept[-1]:  # a change of name only is no transition
                starts.append(instant)
                kept.append(offset)
        table = _Table([*starts, _END], kept)
    _tables[zone] = table
    return table


def local(instant: Instant, zone: str) -> Local:
    """The local date and clock of ``instant`` in an IANA zone.

    Raises:
        ValueError: unknown zone (named), or an instant outside 1967 … 2100.
    """
    table = _tables.get(zone)
    if table is None:
        table = _compile(zone)
    start, before, midnight, ordinal, weekday, offset = table.day
    if start <= instant < before:
        return _new_local(Local, (ordinal, weekday, (instant - midnight) // 1_000_000, offset))
    return table.lookup(instant)


def fixed(instant: Instant, offset_seconds: int) -> Local:
    """The local date and clock of ``instant`` at a constant distance from UTC (a law may name standard time)."""
    days, second = divmod(instant // _SECOND + offset_seconds, _DAY)
    return Local(days + _EPOCH_ORDINAL, (days + 3) % 7, second, offset_seconds)


def _near(wall: int, zone: str) -> list[tuple[Instant, Instant, int]]:
    """Spans (start, before, offset) within a day of a wall clock reading in seconds since the epoch."""
    table = _tables.get(zone) or _compile(zone)
    low, high = (wall - _DAY) * _SECOND, (wall + _DAY) * _SECOND
    if low < _FIRST or high >= _END:
        raise ValueError("local date lies outside the time-zone tables (years 1967 to 2100)")
    first, last = bisect_right(table.starts, low) - 1, bisect_right(table.starts, high)
    return [(table.starts[i], table.starts[i + 1], table.offsets[i]) for i in range(first, last)]


def all_instants(ordinal: int, second: int, zone: str) -> tuple[Instant, ...]:
    """Every instant at which the local clock reads ``second`` on day ``ordinal``: none in a gap, two in a fold.

    Raises:
        ValueError: unknown zone, or a date outside the tables.
    """
    wall = (ordinal - _EPOCH_ORDINAL) * _DAY + second
    candidates = ((start, before, (wall - offset) * _SECOND) for start, before, offset in _near(wall, zone))
    return tuple(instant for start, before, instant in candidates if start <= instant < before)


def first_instant_at_or_after(ordinal: int, second: int, zone: str) -> Instant:
    """The first instant at which the local clock has come to ``second`` (0 … 86400) of day ``ordinal``.

    In a gap that is the end of the gap; in a fold the earlier of the two.

    Raises:
        ValueError: unknown zone, or a date outside the tables.
    """
    wall = (ordinal - _EPOCH_ORDINAL) * _DAY + second
    return min(
        reached
        for start, before, offset in _near(wall, zone)
        if (reached := max(start, (wall - offset) * _SECOND)) < before
    )


def transitions(zone: str, start: Instant, end: Instant) -> tuple[Instant, ...]:
    """The instants in ``[start, end)`` at which the zone's offset changes, in order.

    Raises:
        ValueError: unknown zone.
    """
    table = _tables.get(zone) or _compile(zone)
    return tuple(instant for instant in table.starts[1:-1] if start <= instant < end)
