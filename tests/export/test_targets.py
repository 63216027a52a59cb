"""What the dialers are given: their own notation, and an honest word on what it cannot hold."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator

import pytest

from dialguard.export import genesys, plain, vicidial
from dialguard.export.law import Place, Table

H = 3600


@pytest.fixture(scope="module")
def sql(strict: Table) -> str:
    return vicidial.files(strict)[0]["vicidial.sql"]


def rows(sql: str, table: str = r"\w+") -> Iterator[dict[str, str]]:
    """The rows of a table as MySQL would read the statements."""
    for columns, values in re.findall(rf"^REPLACE INTO {table} \((.*?)\) VALUES \((.*)\);$", sql, re.M):
        texts = [text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'(?:,|$)", values)]
        yield dict(zip(columns.split(","), texts, strict=True))


def row(sql: str, table: str, key: str) -> dict[str, str]:
    for found in rows(sql, table):
        if key == next(iter(found.values())):
            return found
    raise AssertionError(f"no row {key}")


def dialable(found: dict[str, str], prefix: str, day: str, hhmm: int) -> bool:
    """As VICIdial's hopper decides it: a day of 0 and 0 goes by the default."""
    start, stop = (int(found[f"{prefix}_{day}_{end}"]) for end in ("start", "stop"))
    if (start, stop) == (0, 0):
        start, stop = (int(found[f"{prefix}_default_{end}"]) for end in ("start", "stop"))
    return start <= hhmm < stop


def test_csv(strict: Table) -> None:
    files = plain.files(strict)
    hours = files["hours.csv"].splitlines()
    assert hours[0] == "jurisdiction,weekday,open,close"
    assert [line for line in hours if line.startswith("TX,")][-2:] == ["TX,sat,09:00,21:00", "TX,sun,12:00,21:00"]
    assert "AL,sun,closed,closed" in hours and "AK,mon,08:00,21:00" in hours
    assert "AL,2026-11-26,Thanksgiving,al.holidays" in files["closed_days.csv"].splitlines()
    assert files["limits.csv"].splitlines()[1].startswith("FL,3,24 hours,person,fl.frequency,")
    assert plain.not_expressed(strict.gaps).splitlines()[0] == "jurisdiction,rule,about,why"
    assert plain.written(14 * H + 30) == "14:00:30" and plain.written(24 * H) == "24:00"


def test_vicidial_states(sql: str) -> None:
    alabama = row(sql, "vicidial_state_call_times", "dg-al")
    assert alabama["state_call_time_state"] == "AL" and alabama["state_call_time_name"] == "DialGuard Alabama"
    assert (alabama["sct_default_start"], alabama["sct_default_stop"]) == ("800", "2000")
    assert (alabama["sct_sunday_start"], alabama["sct_sunday_stop"]) == ("2400", "2400")
    assert not any(dialable(alabama, "sct", "sunday", hhmm) for hhmm in (0, 800, 1200, 2359))
    assert [dialable(alabama, "sct", "monday", hhmm) for hhmm in (759, 800, 1959, 2000)] == [False, True, True, False]
    texas = row(sql, "vicidial_state_call_times", "dg-tx")
    assert (texas["sct_sunday_start"], texas["sct_sunday_stop"], texas["sct_saturday_start"]) == ("1200", "2100", "900")
    assert len(re.findall("^REPLACE INTO vicidial_state_call_times", sql, re.M)) == 56


def test_vicidial_holidays(sql: str) -> None:
    alabama = row(sql, "vicidial_state_call_times", "dg-al")
    assert alabama["ct_holidays"].startswith("|dgAL20261126|dgAL20261225|") and alabama["ct_holidays"].endswith("|")
    thanksgiving = row(sql, "vicidial_call_time_holidays", "dgAL20261126")
    assert thanksgiving == {
        "holiday_id": "dgAL20261126", "holiday_name": "AL Thanksgiving", "holiday_comments": "al.holidays", "holiday_date": "2026-11-26",
        "holiday_status": "ACTIVE", "ct_default_start": "2400", "ct_default_stop": "2400",
    }  # fmt: skip
    # The hopper raises each day's start to the holiday's and lowers its stop to the holiday's.
    starts = {name: str(max(int(value), 2400)) for name, value in alabama.items() if name.endswith("_start")}
    assert not any(dialable(alabama | starts, "sct", "thursday", hhmm) for hhmm in range(0, 2400))


def test_vicidial_lead_without_a_state_has_the_hours_open_everywhere(sql: str) -> None:
    default = row(sql, "vicidial_call_times", "dialguard")
    assert [dialable(default, "ct", "monday", hhmm) for hhmm in (959, 1000, 1659, 1700)] == [False, True, True, False]  # Kentucky; Maine
    assert not any(dialable(default, "ct", "sunday", hhmm) for hhmm in range(0, 2400))
    assert default["ct_state_call_times"].startswith("|dg-ak|dg-al|") and default["ct_state_call_times"].endswith("|dg-wy|")


def test_vicidial_fits_its_columns(sql: str) -> None:
    widths = {"state_call_time_id": 10, "state_call_time_name": 30, "call_time_id": 10, "holiday_id": 30, "holiday_name": 100}
    for found in rows(sql):
        for name, value in found.items():
            assert len(value) <= widths.get(name, 65_535 if name in ("ct_holidays", "ct_state_call_times") else 255), name
    assert "call_limit_24hour='3' WHERE" in sql


def test_vicidial_loads_and_loads_again(sql: str) -> None:
    """SQLite stands in for MySQL: it knows REPLACE INTO by primary key, and turns the texts to numbers as MySQL does."""
    base = sqlite3.connect(":memory:")
    for name, columns in dict(re.findall(r"^REPLACE INTO (\w+) \((.*?)\)", sql, re.M)).items():
        key, *others = columns.split(",")
        kinds = [f"{other} {'INTEGER NOT NULL' if other.endswith(('_start', '_stop')) else 'TEXT'}" for other in others]
        base.execute(f"CREATE TABLE {name} ({key} TEXT PRIMARY KEY NOT NULL, {', '.join(kinds)})")
    for _ in range(2):
        base.executescript(sql)
        assert base.execute("SELECT count(*) FROM vicidial_state_call_times").fetchone() == (56,)
        assert base.execute(
            "SELECT state_call_time_id FROM vicidial_state_call_times WHERE sct_monday_start > 2400 OR sct_monday_start > sct_monday_stop"
        ).fetchall() == []
        named = {each for (text,) in base.execute("SELECT ct_holidays FROM vicidial_state_call_times") for each in text.split("|") if each}
        assert named == {each for (each,) in base.execute("SELECT holiday_id FROM vicidial_call_time_holidays")} and len(named) > 80
        (rules,) = base.execute("SELECT ct_state_call_times FROM vicidial_call_times").fetchone()
        records = base.execute("SELECT state_call_time_id FROM vicidial_state_call_times ORDER BY 1")
        assert rules.strip("|").split("|") == [each for (each,) in records]


def test_two_windows_a_day_become_the_longer_one(strict: Table) -> None:
    hours = (((8 * H, 12 * H), (13 * H + 1, 20 * H + 59)),) + ((),) * 6
    found, gaps = vicidial.files(Table(strict.on, {}, {"FL": "O'Florida"}, {"FL": Place(hours, {}, ())}, ()))
    florida = row(found["vicidial.sql"], "vicidial_state_call_times", "dg-fl")
    assert (florida["sct_monday_start"], florida["sct_monday_stop"]) == ("1301", "2000")  # whole minutes within it
    assert florida["state_call_time_name"] == "DialGuard O'Florida"
    assert ("FL", "hours") in {(gap.jurisdiction, gap.about) for gap in gaps}


def test_a_day_open_around_the_clock_is_not_taken_for_the_default(strict: Table) -> None:
    found, _ = vicidial.files(Table(strict.on, {}, {"FL": "Florida"}, {"FL": Place((((0, 24 * H),),) * 7, {}, ())}, ()))
    florida = row(found["vicidial.sql"], "vicidial_state_call_times", "dg-fl")
    assert (florida["sct_monday_start"], florida["sct_monday_stop"]) == ("0", "2400")


def test_genesys(strict: Table) -> None:
    files, gaps = genesys.files(strict)
    sets = {each["name"]: each["callableTimes"] for each in json.loads(files["callable_time_sets.json"])}
    assert [each["timeZoneId"] for each in sets["DialGuard FL"]] == ["America/Chicago", "America/New_York"]
    assert sets["DialGuard FL"][0]["timeSlots"][0] == {"day": 1, "startTime": "08:00:00", "stopTime": "20:00:00"}
    assert [slot["day"] for slot in sets["DialGuard AL"][0]["timeSlots"]] == [1, 2, 3, 4, 5, 6]
    assert sets["DialGuard TX"][0]["timeSlots"][6] == {"day": 7, "startTime": "12:00:00", "stopTime": "21:00:00"}
    pacific = {each["timeZoneId"]: each["timeSlots"] for each in sets["DialGuard any state"]}["America/Los_Angeles"]
    assert pacific[0] == {"day": 1, "startTime": "09:00:00", "stopTime": "20:00:00"}
    limits = {each["name"]: each for each in json.loads(files["attempt_limits.json"])}
    assert limits["DialGuard FL"] == {
        "name": "DialGuard FL", "maxAttemptsPerContact": 1, "maxAttemptsPerNumber": 1, "timeZoneId": "America/Chicago",
        "resetPeriod": "TODAY",
    }  # fmt: skip
    assert "DialGuard ME" not in limits
    said = {(gap.jurisdiction, gap.about, gap.why[:17]) for gap in gaps}
    assert {("FL", "limits", "no rolling period"), ("ME", "limits", "no limit of 1 in ")} <= said
    assert ("AL", "closed days", "no closed days: s") in said


def test_genesys_has_no_end_of_the_day(strict: Table) -> None:
    files, _ = genesys.files(Table(strict.on, {}, {"FL": "Florida"}, {"FL": Place((((0, 24 * H),),) * 7, {}, ())}, ()))
    assert json.loads(files["callable_time_sets.json"])[0]["callableTimes"][0]["timeSlots"][0]["stopTime"] == "23:59:59"
