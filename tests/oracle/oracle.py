"""When a call or text may be made, minute by minute, worked out from ``hours.yaml`` alone.

Shares nothing with DialGuard: its own copy of the law, its own dates, the standard library's time zones. Slow and plain on purpose.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

LAW: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "hours.yaml").read_text("utf-8"))
KINDS = ("live", "recorded", "text")
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 1440
STEP = 15
"""Minutes; no zone of the United States has changed its offset within a quarter of an hour."""
EPOCH = date(1970, 1, 1).toordinal()
FIRST, LAST = date.min, date.max


def minute(year: int, month: int, day: int) -> int:
    """Minutes from the epoch to midnight UTC of a date."""
    return (date(year, month, day).toordinal() - EPOCH) * DAY


def is_open(where: Mapping[str, Sequence[str]], kind: str, start: int, end: int) -> bytes:
    """One byte for each minute from ``start`` to before ``end`` (UTC, multiples of 15): 1 where every state and clock is open."""
    whole = int.from_bytes(b"\1" * (end - start))
    for state, zones in where.items():
        for zone in zones:
            for owner, number, clock in _limits(state, kind, zone):
                shown = _quarters(clock, start, end)
                found = b"".join([_day(owner, kind, number, day)[at : at + STEP] for day, at in shown])
                whole &= int.from_bytes(found)
    return whole.to_bytes(end - start)


def own_limits(state: str) -> bool:
    """Whether a state asks for more than federal law on any channel."""
    return any(kind in LAW["jurisdictions"][state] for kind in KINDS)


def closed_dates() -> dict[str, dict[str, list[date]]]:
    """The named days of every state, closed and narrowed."""
    found: dict[str, dict[str, list[date]]] = {}
    for state, law in LAW["jurisdictions"].items():
        for entry in (*law.get("closed", ()), *law.get("narrowed", ())):
            found.setdefault(state, {}).update(entry["days"])
    return found


def _limits(state: str, kind: str, zone: str) -> Iterator[tuple[str, int, str]]:
    """What binds a person in a state who lives by ``zone``: whose law, which of its limits (-1: its days), by which clock."""
    for number in range(len(LAW["federal"][kind])):
        yield "federal", number, zone
    law = LAW["jurisdictions"][state]
    for number, limit in enumerate(law.get(kind, ())):
        yield state, number, limit.get("clock", zone)
    if "closed" in law or "narrowed" in law:
        yield state, -1, zone


@cache
def _clock(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=512)
def _quarters(zone: str, start: int, end: int) -> list[tuple[int, int]]:
    """The local date (ordinal) and minute of the day at which each quarter of an hour begins."""
    assert start % STEP == 0 and end % STEP == 0
    found = []
    for at in range(start, end, STEP):
        offset = datetime.fromtimestamp(at * 60, UTC).astimezone(_clock(zone)).utcoffset()
        assert offset is not None and offset.total_seconds() % (STEP * 60) == 0
        days, rest = divmod(at + int(offset.total_seconds()) // 60, DAY)
        found.append((days + EPOCH, rest))
    return found


@cache
def _day(owner: str, kind: str, number: int, ordinal: int) -> bytes:
    """The minutes of a local date under one limit, or under a state's days."""
    day = date.fromordinal(ordinal)
    law = LAW["federal"] if owner == "federal" else LAW["jurisdictions"][owner]
    if number < 0:
        return _special(law, kind, day)
    limit = law[kind][number]
    if not limit.get("from", FIRST) <= day <= limit.get("until", LAST):
        return b"\1" * DAY
    return _window(_hours(limit["hours"], WEEK[day.weekday()]))


def _special(law: Mapping[str, Any], kind: str, day: date) -> bytes:
    for entry in law.get("closed", ()):
        if kind in entry["kinds"] and entry.get("from", FIRST) <= day and any(day in dates for dates in entry["days"].values()):
            return b"\0" * DAY
    for entry in law.get("narrowed", ()):
        if kind in entry["kinds"] and any(day in dates for dates in entry["days"].values()):
            return _window(entry["hours"])
    return b"\1" * DAY


def _hours(hours: Mapping[str, str], weekday: str) -> str | None:
    for days, window in hours.items():
        first, _, last = days.partition("-")
        if WEEK.index(first) <= WEEK.index(weekday) <= WEEK.index(last or first):
            return window
    return None


def _window(window: str | None) -> bytes:
    """A day that is open from the first time to before the second, or not at all."""
    if window is None:
        return b"\0" * DAY
    opens, closes = (int(time[:2]) * 60 + int(time[3:]) for time in window.split("-"))
    return b"\0" * opens + b"\1" * (closes - opens) + b"\0" * (DAY - closes)
