"""The ten business days of a revocation: dates worked out by hand on a calendar."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from dialguard.facts import clock
from dialguard.ledger.deadline import BUSINESS_DAYS, FIRST_DAY, business_days_after, deadline, federal_holidays


@pytest.mark.parametrize(
    ("received", "last"),
    [
        ("2026-03-02T15:00:00Z", "2026-03-16"),  # a Monday, no holiday on the way: two weeks
        ("2026-03-06T23:00:00Z", "2026-03-20"),  # a Friday
        ("2026-03-07T15:00:00Z", "2026-03-20"),  # a Saturday: counted from Monday on
        ("2026-03-08T15:00:00Z", "2026-03-20"),  # a Sunday
        ("2026-11-02T17:00:00Z", "2026-11-17"),  # Veterans Day, Wednesday 11 November
        ("2026-12-21T17:00:00Z", "2027-01-06"),  # Christmas on a Friday, New Year's Day on a Friday
        ("2026-06-25T17:00:00Z", "2026-07-10"),  # 4 July on a Saturday, kept on Friday 3 July
        ("2027-06-10T17:00:00Z", "2027-06-25"),  # 19 June on a Saturday, kept on Friday 18 June
        ("2026-03-03T09:59:59Z", "2026-03-16"),  # still Monday in Honolulu: the earlier date counts
        ("2026-03-03T11:00:00Z", "2026-03-17"),  # Tuesday everywhere
        ("2025-04-11T12:00:00Z", "2025-04-25"),  # the first day of the rule
        ("2025-04-10T13:59:59Z", None),
        ("2199-12-30T00:00:00Z", None),  # no calendar reaches there
    ],
)
def test_the_last_day(received, last):
    found = deadline(clock.parse_instant(received))
    assert (found and found.isoformat()) == last


def test_the_day_itself_is_not_counted_and_the_number_and_date_are_those_of_the_rule():
    assert business_days_after(date(2026, 3, 2), 1) == date(2026, 3, 3)
    assert federal_holidays().closed(date(2026, 11, 11).toordinal()) == "Veterans Day"
    root = Path(__file__).resolve().parents[2]
    rules = yaml.safe_load((root / "rules" / "federal" / "revocation.yaml").read_text("utf-8"))["rules"]
    rule = next(rule for rule in rules if rule["id"] == "us.revocation.honor-10bd")
    assert rule["duty"]["params"]["within_business_days"] == BUSINESS_DAYS and rule["effective"] == FIRST_DAY
