"""The calendars of closed days against the lists of holidays in the reviewed facts, year by year."""

from __future__ import annotations

import calendar
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from dialguard.packs import calendars
from dialguard.packs.sources import shipped_rules

FACTS = [json.loads(line) for line in (Path(__file__).parent / "facts.jsonl").read_text("utf-8").splitlines()]
LISTS = {fact["id"]: fact for fact in FACTS if "rule" in str(fact["values"].get("list")) and fact["status"] == "in_force"}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FEDERAL = ("01-01", "06-19", "07-04", "11-11", "12-25")
"""Federal holidays that may fall on a Saturday."""
ONE = timedelta(days=1)


def easter(year: int) -> date:
    """Easter Sunday (the Gregorian rule of Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1)


def nth(year: int, which: str, day: str, month: str) -> date:
    dates = [date(year, MONTHS.index(month) + 1, n + 1) for n in range(calendar.monthrange(year, MONTHS.index(month) + 1)[1])]
    dates = [each for each in dates if each.weekday() == DAYS.index(day)]
    return dates[-1] if which == "last" else dates[int(which[0]) - 1]


def actual(rule: str, year: int) -> date | None:
    """The date of a rule as the facts write it, or None where that year has none."""
    text = rule.lower().replace("-", " ")
    if match := re.match(r"(\d\d) (\d\d)$", text):
        return date(year, int(match[1]), int(match[2]))
    if match := re.match(r"([a-z]{3}) (\d\d)$", text):
        return date(year, MONTHS.index(match[1]) + 1, int(match[2]))
    if match := re.match(r"1st tue after (1st) (mon) (nov)(, even years)?", text):
        return None if match[4] and year % 2 else nth(year, *match.groups()[:3]) + ONE
    if match := re.match(r"(1st|2nd|3rd|4th|last) (\w{3}) (\w{3})$", text):
        return nth(year, *match.groups())
    if match := re.match(r"(friday before )?easter ?(\d+)?$", text):
        return easter(year) - timedelta(days=int(match[2] or (2 if match[1] else 0)))
    assert rule.startswith("by proclamation"), rule
    return None


def shifted(fact: dict, entry: dict, day: date) -> set[date]:
    """The other days on which a holiday of a weekend is kept, as far as the fact says so in words that a machine reads."""
    shift = fact["values"].get("observance_shift") or {}
    if shift.get("applies_to") and entry.get("shift") != "weekend":
        return set()
    words = shift.get(day.strftime("%A").lower(), "")
    found = {day + timedelta(days=7 - day.weekday())} if "next monday" in words else set()
    friday = "previous friday" in words and ("federal" not in words or entry["rule"] in FEDERAL)
    return found | ({day - ONE} if friday or words == "uncertain" else set())


@pytest.mark.parametrize("name", sorted(LISTS))
def test_each_holiday_of_a_fact_is_closed_and_no_other_day(name: str) -> None:
    fact = LISTS[name]
    code = name.split(".")[0]
    shipped = calendars.load((shipped_rules() / "calendars" / f"{code}.yaml").read_text("utf-8"), code)
    first, last = max(fact["effective"] or "", "2025-01-01"), fact["ends"] or "2040-12-31"
    closed = {day: title for o, title in shipped.days(2025, 2040).items() if first <= (day := date.fromordinal(o)).isoformat() <= last}
    wanted: set[date] = set()
    for year in range(2024, 2042):
        for entry in fact["values"]["list"]:
            day = actual(entry["rule"], year)
            if day and day.isoformat() >= entry.get("since", ""):
                wanted |= {day} | shifted(fact, entry, day)
    missing = {day for day in wanted if first <= day.isoformat() <= last and day not in closed}
    assert not missing, [f"{day} {day:%a}" for day in sorted(missing)]
    # Sundays are closed in some states; the rest keeps a holiday beside it, which some facts tell in prose.
    others = {day: title for day, title in closed.items() if day not in wanted and day.weekday() != 6}
    assert {day: title for day, title in others.items() if not near(day, wanted, title)} == {}
    assert len(wanted) > 200


def near(day: date, wanted: set[date], title: str) -> bool:
    """Whether a closed day keeps a holiday of a weekend on a Friday or Monday beside it, or Utah's Juneteenth on a Monday near it."""
    if "Juneteenth" in title:
        return day.weekday() == 0 and any(abs(day - other) < timedelta(days=5) for other in wanted if (other.month, other.day) == (6, 19))
    return any(other in wanted and other.weekday() > 4 for other in (day - ONE, day + ONE, day - 2 * ONE)) and day.weekday() in (0, 4)
