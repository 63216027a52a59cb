"""What changes in twelve months: the day itself, the day before and the day after."""

from __future__ import annotations

from datetime import date

import pytest

from dialguard.packs.load import Packs
from dialguard.pages.calendar import calendar, year_on
from dialguard.pages.hours import Hours


def of(packs: Packs, day: str) -> str:
    on = date.fromisoformat(day).toordinal()
    return calendar(packs, Hours(packs, on), on)


def test_the_coming_year(made: dict[str, str]) -> None:
    law = made["calendar.md"].partition("## Law")[2].partition("### Without a date")[0]
    rows = [line for line in law.splitlines() if line.startswith("| 20")]
    assert [row.split(" | ")[0][2:] for row in rows] == ["2027-01-01", "2027-01-01", "2027-01-31", "2027-01-31"]
    assert any("Comes into force" in row and "(#ut.holidays.2027)" in row for row in rows)
    assert any("No longer law" in row and "(#ut.holidays)" in row for row in rows)
    assert {part for row in rows for part in ("(#us.revocation.revoke-all)", "(#us.revocation.revoke-all.robocalls)") if part in row} == {
        "(#us.revocation.revoke-all)", "(#us.revocation.revoke-all.robocalls)",
    }  # fmt: skip
    page = made["calendar.md"]
    assert "From 2026-11-22 to 2027-11-21" in page and "(#us.revocation.fcc-26-67), pending" in page
    assert "| 2027-01-01 | [Florida](fl.md) | New version of the list: Florida Do Not Call List" in page
    assert "| 2027-03-02 | [Texas](tx.md) | Last day to take the version of 2027-01-01 into use" in page  # 60 days
    assert "| 2026-12-25 | [Alabama](al.md) | Christmas Day: closed to" in page
    assert "a copy may be used for 31 days" in page


@pytest.mark.parametrize(("start", "there"), [("2027-01-01", True), ("2027-01-02", False), ("2026-01-02", True), ("2026-01-01", False)])
def test_its_first_and_last_day(shipped: Packs, start: str, there: bool) -> None:
    """The holidays of Utah that begin on 1 January 2027."""
    assert ("(#ut.holidays.2027) (" in of(shipped, start)) is there


def test_a_year_from_a_leap_day() -> None:
    assert year_on(date(2028, 2, 29).toordinal()) == date(2029, 2, 28).toordinal()
    assert year_on(date(2026, 11, 22).toordinal()) == date(2027, 11, 22).toordinal()
