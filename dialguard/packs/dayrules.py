"""The grammar of a holiday's date, and where a holiday on a weekend is kept.

``jan 1`` | ``3rd mon jan`` | ``last mon may`` | ``easter`` | ``easter -47`` | ``tue after 1st mon nov``, each also
``… in even years`` or ``… in odd years``; ``weekday sun`` for every Sunday. Nothing else: a statute's rule that does not
fit is a list of dates. Dates are proleptic Gregorian ordinals (``datetime.date.toordinal``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NTH = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": -1}


def easter(year: int) -> int:
    """Easter Sunday of the Gregorian calendar, by the anonymous algorithm (Meeus, Jones, Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    wanted = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * wanted) // 451
    month, day = divmod(h + wanted - 7 * m + 114, 31)
    return date(year, month, day + 1).toordinal()


def weekday_of(ordinal: int) -> int:
    """Monday = 0 … Sunday = 6."""
    return (ordinal - 1) % 7  # ordinal 1 was a Monday


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> int:
    if nth > 0:
        first = date(year, month, 1).toordinal()
        return first + (weekday - weekday_of(first)) % 7 + 7 * (nth - 1)
    last = date(year + month // 12, month % 12 + 1, 1).toordinal() - 1
    return last - (weekday_of(last) - weekday) % 7


Dates = Callable[[int], tuple[int, ...]]
"""From a year to the ordinals that a rule gives in it."""

_W, _M, _N = "|".join(WEEKDAYS), "|".join(MONTHS), "|".join(_NTH)
_DATE = re.compile(rf"({_M}) ([0-9]{{1,2}})")
_NTH_DAY = re.compile(rf"({_N}) ({_W}) ({_M})")
_AFTER = re.compile(rf"({_W}) after ({_N}) ({_W}) ({_M})")
_EASTER = re.compile(r"easter(?: ([+-][0-9]{1,2}))?")
_EVERY = re.compile(rf"weekday ({_W})")
_YEARS = re.compile(r"(.+) in (even|odd) years")
RULE_HELP = (
    "a rule such as 'jan 1', '3rd mon jan', 'last mon may', 'easter -47', 'tue after 1st mon nov', "
    "'tue after 1st mon nov in even years', 'weekday sun', or a list of ISO dates"
)


def parse_rule(text: str) -> Dates:
    """The dates of a rule, as a function from a year to ordinals.

    Raises:
        ValueError: not in the grammar; the message is what was expected.
    """
    if found := _YEARS.fullmatch(text):
        if _EVERY.fullmatch(found[1]) or _YEARS.fullmatch(found[1]):
            raise ValueError("'in even years' or 'in odd years' once, after a rule that gives one day a year")
        remainder, inner = (0 if found[2] == "even" else 1), parse_rule(found[1])
        return lambda year: inner(year) if year % 2 == remainder else ()
    if found := _DATE.fullmatch(text):
        month, day = MONTHS.index(found[1]) + 1, int(found[2])
        try:
            date(2001, month, day)
        except ValueError:
            raise ValueError(f"a day that {found[1]} has every year") from None
        return lambda year: (date(year, month, day).toordinal(),)
    if found := _NTH_DAY.fullmatch(text):
        nth, weekday, month = _NTH[found[1]], WEEKDAYS.index(found[2]), MONTHS.index(found[3]) + 1
        return lambda year: (_nth_weekday(year, month, weekday, nth),)
    if found := _AFTER.fullmatch(text):
        target, nth = WEEKDAYS.index(found[1]), _NTH[found[2]]
        anchor, month = WEEKDAYS.index(found[3]), MONTHS.index(found[4]) + 1
        gap = (target - anchor - 1) % 7 + 1
        return lambda year: (_nth_weekday(year, month, anchor, nth) + gap,)
    if found := _EASTER.fullmatch(text):
        shift = int(found[1] or 0)
        return lambda year: (easter(year) + shift,)
    if found := _EVERY.fullmatch(text):
        every = WEEKDAYS.index(found[1])

        def all_year(year: int) -> tuple[int, ...]:
            first, end = date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()
            return tuple(range(first + (every - weekday_of(first)) % 7, end, 7))

        return all_year
    raise ValueError(RULE_HELP)


SHIFTS: dict[str, tuple[int, ...]] = {  # days by which a date is moved, for Monday to Sunday
    "none": (0, 0, 0, 0, 0, 0, 0),
    "sunday_to_monday": (0, 0, 0, 0, 0, 0, 1),
    "nearest": (0, 0, 0, 0, 0, -1, 1),
    "next_monday": (0, 0, 0, 0, 0, 2, 1),
    "juneteenth_utah": (0, -1, -2, -3, -4, 2, 1),
}
