"""The small notations inside rule files: windows, periods, dates, rates. Each raises ValueError saying what it expected."""

import re
from collections.abc import Callable
from datetime import date

from dialguard.expr.nodes import ALL_DAY, Period, Windows
from dialguard.model.moment import NEVER
from dialguard.model.vocabulary import Fact

MOST_YEARS = 200
"""The longest period."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?-(\d\d):(\d\d)(?::(\d\d))?$", re.ASCII)
_CLOCK = re.compile(r"UTC([+-])(\d\d):(\d\d)$", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}$", re.ASCII)
_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})(?: (\d{2}):(\d{2})(?::(\d{2}))?)?$", re.ASCII)
_RATE = re.compile(r"(\d+)(?:\.(\d{1,4}))?%$", re.ASCII)


def windows(value: object) -> Windows:
    """``{every_day: 08:00-21:00}``, ``{mon-fri: .., sat: [.., ..], sun: none}``; days left out are closed."""
    if not isinstance(value, dict) or not value:
        raise ValueError("expected hours such as {every_day: 08:00-21:00} or {mon-fri: 09:00-20:00, sun: none}")
    week: list[tuple[tuple[int, int], ...] | None] = [None] * 7
    for days, spans in value.items():
        for day in _days(days):
            if week[day] is not None:
                raise ValueError(f"{DAYS[day]} is given twice")
            week[day] = _spans(spans)
    return tuple(day or () for day in week)


def _days(text: object) -> range | tuple[int, ...]:
    if text == "every_day":
        return range(7)
    first, _, last = str(text).partition("-")
    if first in DAYS and (not last or last in DAYS):
        start = DAYS.index(first)
        end = DAYS.index(last) if last else start
        if start <= end:
            return range(start, end + 1)
    raise ValueError(f"unknown day {text!r}; expected every_day, mon .. sun, or a span such as mon-fri")


def _spans(value: object) -> tuple[tuple[int, int], ...]:
    if value == "none":
        return ()
    if value == "all_day":
        return ALL_DAY
    found = []
    for text in value if isinstance(value, list) else [value]:
        match = _SPAN.match(str(text))
        if not match:
            raise ValueError(f"{text!r} is not a window; expected HH:MM-HH:MM, none or all_day")
        h1, m1, s1, h2, m2, s2 = (int(part or 0) for part in match.groups())
        start, end = h1 * 3600 + m1 * 60 + s1, h2 * 3600 + m2 * 60 + s2
        if m1 > 59 or m2 > 59 or s1 > 59 or s2 > 59 or not start < end <= 86_400:
            raise ValueError(f"{text!r} is not a window within one day")
        found.append((start, end))
    found.sort()
    for (_, end), (start, _) in zip(found, found[1:], strict=False):
        if start < end:
            raise ValueError("windows of one day overlap")
    return tuple(found)


def period(value: object) -> Period:
    """``{months: 18}``, ``{days: 31}``, ``{years: 5}``, ``{hours: 24}``, ``{minutes: 5}``."""
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("expected a period such as {months: 18}, {days: 31} or {hours: 24}")
    ((unit, number),) = value.items()
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ValueError(f"{number!r} is not a whole number of {unit}")
    most = {"years": MOST_YEARS, "months": MOST_YEARS * 12, "days": MOST_YEARS * 366, "hours": MOST_YEARS * 366 * 24}.get(
        unit, MOST_YEARS * 366 * 1440
    )
    if number > most:
        raise ValueError(f"{number:,} {unit} is longer than {MOST_YEARS} years; {{came: true}} asks for any time")
    match unit:
        case "years":
            return Period(months=12 * number)
        case "months" | "days" | "hours" | "minutes":
            return Period(**{unit: number})
    raise ValueError(f"unknown unit {unit!r}; expected years, months, days, hours or minutes")


def iso_date(value: object) -> int:
    """``2026-10-18`` as an ordinal."""
    try:
        if not _DATE.match(str(value)):
            raise ValueError
        return date.fromisoformat(str(value)).toordinal()
    except ValueError:
        raise ValueError(f"{value!r:.40} is not a date; expected YYYY-MM-DD") from None


def local_time(value: object) -> tuple[int, int]:
    """``2026-03-03 19:59:59`` or ``2026-03-03`` (its first second) as (ordinal, second of the day)."""
    match = _LOCAL.match(str(value))
    if match:
        hour, minute, second = (int(part or 0) for part in match.groups()[1:])
        if hour < 24 and minute < 60 and second < 60:
            return iso_date(match[1]), hour * 3600 + minute * 60 + second
    raise ValueError(f"{value!r:.40} is not a local time; expected YYYY-MM-DD or YYYY-MM-DD HH:MM:SS, without an offset")


def clock(value: object) -> int | None:
    """``called_party`` (None) or a fixed clock such as ``UTC-06:00`` (offset in seconds)."""
    if value == "called_party":
        return None
    match = _CLOCK.match(str(value))
    if not match or int(match[2]) > 14 or int(match[3]) > 59:
        raise ValueError(f"unknown clock {value!r}; expected called_party or a fixed one such as UTC-06:00")
    return (1 if match[1] == "+" else -1) * (int(match[2]) * 3600 + int(match[3]) * 60)


def rate(value: object) -> int:
    """``3%`` in parts per million."""
    match = _RATE.match(str(value))
    if not match:
        raise ValueError(f"{value!r} is not a share; expected a per cent value such as 3%")
    return int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0"))


def day_of_year(value: object) -> tuple[int, int]:
    """``04-01`` as (month, day)."""
    try:
        moment = date.fromisoformat(f"2024-{value}")
    except ValueError:
        raise ValueError(f"{value!r} is not a day of the year; expected MM-DD") from None
    if (moment.month, moment.day) == (2, 29):
        raise ValueError("02-29 is not a day of every year; expected a day that every year has")
    return moment.month, moment.day


def hours_in_words(value: Windows) -> str:
    """Windows as ``Mon-Sat 09:00-19:00, Sun closed``."""
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    parts, start = [], 0
    for index in range(1, 8):
        if index == 7 or value[index] != value[start]:
            label = names[start] if index - start == 1 else f"{names[start]}-{names[index - 1]}"
            if start == 0 and index == 7:
                label = "every day"
            parts.append(f"{label} {spans_in_words(value[start])}")
            start = index
    return ", ".join(parts)


def spans_in_words(spans: tuple[tuple[int, int], ...]) -> str:
    """One day's windows as text."""
    if not spans:
        return "closed"
    return " and ".join(f"{_hm(a)}-{_hm(b)}" for a, b in spans)


def _hm(second: int) -> str:
    hours, rest = divmod(second, 3600)
    text = f"{hours:02}:{rest // 60:02}"
    return f"{text}:{rest % 60:02}" if rest % 60 else text


def example_value(name: str, fact: Fact, value: object, instant: Callable[[object], int]) -> object:
    """The value of a fact as an example writes it; ``instant`` turns a local time into an Instant."""
    match fact.type:
        case "flag" if isinstance(value, bool):
            return value
        case "choice" | "text" if isinstance(value, str) and (not fact.values or value in fact.values):
            return value
        case "set":
            items = value if isinstance(value, list) else [value]
            for item in items:
                if not isinstance(item, str) or (fact.values and item not in fact.values):
                    raise ValueError(f"{item!r:.40} is not a value of `{name}`{_one_of(fact)}")
            return frozenset(items)
        case "rate":
            return rate(value)
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "windows":
            return windows(value)
        case "date":
            return NEVER if value == "never" else iso_date(value)
        case "moment":
            return NEVER if value == "never" else instant(value)
        case "attempts":
            raise ValueError(f"`{name}` is given as `attempts`, beside `given`")
    raise ValueError(f"`{name}` is a {fact.type}; {value!r:.40} is not one{_one_of(fact)}")


def _one_of(fact: Fact) -> str:
    return f"; expected {', '.join(fact.values)}" if fact.values else ""
