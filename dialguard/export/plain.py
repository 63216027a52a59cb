"""The tables as CSV, for any dialer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dialguard.export.files import as_csv
from dialguard.export.law import Gap, Table

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def files(table: Table) -> dict[str, str]:
    """``hours.csv``, ``closed_days.csv`` and ``limits.csv``. A weekday that is closed has one row, which says so."""
    hours = [
        (name, DAYS[day], *(map(written, window) if window else ("closed", "closed")))
        for name, place in table.places.items()
        for day in range(7)
        for window in place.hours[day] or (None,)
    ]
    days = [
        (name, date.fromordinal(day).isoformat(), called, rule)
        for name, place in table.places.items()
        for day, (called, rule) in place.closed.items()
    ]
    limits = [
        (name, limit.attempts, limit.period, limit.per, limit.rule, limit.counts)
        for name, place in table.places.items()
        for limit in place.limits
    ]
    return {
        "hours.csv": as_csv(("jurisdiction", "weekday", "open", "close"), hours),
        "closed_days.csv": as_csv(("jurisdiction", "date", "name", "rule"), days),
        "limits.csv": as_csv(("jurisdiction", "attempts", "period", "per", "rule", "counts"), limits),
    }


def not_expressed(gaps: Iterable[Gap]) -> str:
    """``not_expressed.csv``."""
    return as_csv(Gap._fields, gaps)


def written(second: int) -> str:
    """A second of the day as ``08:00``, with its seconds where it has any; the end of the day is ``24:00``."""
    hour, rest = divmod(second, 3600)
    return f"{hour:02}:{rest // 60:02}" + (f":{rest % 60:02}" if rest % 60 else "")
