"""Which versions are in force and which fall due."""

from datetime import date

import pytest

from dialguard.lists.upkeep import in_force, upkeep
from dialguard.lists.versions import Version
from dialguard.packs.rule import ListSchedule

NATIONAL = ListSchedule("national", "", "US", max_age_days=31)
QUARTERLY = ListSchedule("TX", "", "TX", publish_on=((1, 1), (4, 1), (7, 1), (10, 1)), use_within_days=60)


def version(name, published, effective=None, use_by=None, codes=None):
    days = [None if day is None else date.fromisoformat(day).toordinal() for day in (published, effective, use_by)]
    return Version(name, "x", *days, 0, 1, 1, "", None if codes is None else frozenset(codes))


def states(versions, schedule, today, warn=7):
    return {kept.version.id: kept.state for kept in upkeep(versions, schedule, date.fromisoformat(today).toordinal(), warn)}


@pytest.mark.parametrize(
    ("today", "state"),
    [("2026-10-01", "current"), ("2026-10-24", "current"), ("2026-10-25", "due soon"), ("2026-11-01", "due soon"), ("2026-11-02", "stale")],
)
def test_thirty_one_days_and_a_week_before(today, state):
    held = [version("a", "2026-10-01")]
    assert states(held, NATIONAL, today) == {"a": state}
    (kept,) = upkeep(held, NATIONAL, date.fromisoformat(today).toordinal(), 7)
    assert (kept.last_day, kept.next_due) == (date(2026, 11, 1).toordinal(), date(2026, 11, 2).toordinal())
    assert kept.age_days == (date.fromisoformat(today) - date(2026, 10, 1)).days


def test_a_quarter_with_its_days_of_grace():
    held = [version("a", "2026-09-20", "2026-10-01")]
    assert states(held, QUARTERLY, "2026-09-30") == {"a": "to come"}
    assert states(held, QUARTERLY, "2027-02-21") == {"a": "current"}
    assert states(held, QUARTERLY, "2027-02-22") == {"a": "due soon"}  # the next is due on 2027-03-02
    assert states(held, QUARTERLY, "2027-03-02") == {"a": "stale"}


def test_no_schedule_no_limit_but_the_publishers_own():
    assert states([version("a", "2020-01-01")], None, "2026-10-01") == {"a": "current"}
    assert states([version("a", "2020-01-01", use_by="2026-09-30")], None, "2026-10-01") == {"a": "stale"}


def test_a_later_version_replaces_what_it_covers_and_no_more():
    old, new = version("old", "2026-09-01", codes={202, 305}), version("new", "2026-10-20", codes={202})
    assert states([old, new], NATIONAL, "2026-10-21") == {"old": "stale", "new": "current"}
    assert states([old, version("new", "2026-10-20")], NATIONAL, "2026-10-21") == {"old": "replaced", "new": "current"}
    assert states([version("old", "2026-09-01"), new], NATIONAL, "2026-10-21") == {"old": "stale", "new": "current"}
    files = [version(str(code), "2026-10-20", codes={code}) for code in (202, 305)]
    assert states([old, *files], NATIONAL, "2026-10-21") == {"old": "replaced", "202": "current", "305": "current"}


def test_versions_of_one_day_stand_beside_each_other():
    assert states([version("a", "2026-10-20"), version("b", "2026-10-20")], NATIONAL, "2026-10-21") == {"a": "current", "b": "current"}


def test_a_version_to_come_in_time_needs_no_warning():
    held = [version("a", "2026-07-01"), version("b", "2026-09-20", "2026-10-01")]
    schedule = ListSchedule("IN", "", "IN", publish_on=QUARTERLY.publish_on, use_within_days=0)
    assert states(held[:1], schedule, "2026-09-28") == {"a": "due soon"}
    assert states(held, schedule, "2026-09-28") == {"a": "current", "b": "to come"}
    late = version("b", "2026-09-20", "2026-10-02")
    assert states([held[0], late], schedule, "2026-09-28") == {"a": "due soon", "b": "to come"}
    part = version("b", "2026-09-20", "2026-10-01", codes={317})
    assert states([held[0], part], schedule, "2026-09-28") == {"a": "due soon", "b": "to come"}


def test_in_force():
    held = [version("a", "2026-09-01"), version("b", "2026-10-01"), version("c", "2026-10-02", "2026-12-01")]
    today = date(2026, 11, 20).toordinal()
    assert [kept.version.id for kept in in_force(upkeep(held, NATIONAL, today, 7))] == ["b"]
