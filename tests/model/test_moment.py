"""Moments far outside the zone tables: a date is found for them, so that an odd date in an attempt is no crash."""

from datetime import date

import pytest

from dialguard.facts import clock
from dialguard.model.moment import DAY, HOUR, Moment

FIRST, LAST = 1, date(9999, 12, 31).toordinal()
AT = clock.parse_instant("2026-03-03T23:30:00-05:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-03T23:30:00-05:00", date(2026, 3, 3).toordinal()),
        ("2026-03-04T04:59:59Z", date(2026, 3, 3).toordinal()),
        ("2026-03-04T05:00:00Z", date(2026, 3, 4).toordinal()),
        ("1900-06-01T12:00:00Z", date(1900, 6, 1).toordinal()),
        ("2150-06-01T12:00:00Z", date(2150, 6, 1).toordinal()),
        ("0001-01-01T00:00:00Z", FIRST),
        ("9999-12-31T23:59:59Z", LAST),
    ],
)
def test_the_local_date_of_another_instant(text: str, expected: int) -> None:
    assert Moment(AT, "America/New_York", clock).date_of(clock.parse_instant(text)) == expected


@pytest.mark.parametrize(("text", "ahead", "expected"), [("0001-01-01T00:00:00Z", -14 * HOUR, FIRST), ("9999-12-31T23:59:59Z", 12 * HOUR, LAST)])
def test_before_the_first_date_and_after_the_last_it_is_these(text: str, ahead: int, expected: int) -> None:
    assert Moment(AT, "America/New_York", clock).date_of(clock.parse_instant(text) + ahead) == expected


def test_a_moment_reads_the_clock_of_its_zone() -> None:
    moment = Moment(AT, "America/New_York", clock)
    assert (moment.ordinal, moment.weekday, moment.second) == (date(2026, 3, 3).toordinal(), 1, 23 * 3600 + 1800)
    later = moment.at(AT + DAY)
    assert (later.zone, later.weekday, later.second) == ("America/New_York", 2, 23 * 3600 + 1800)
    assert repr(moment) == f"Moment(day {moment.ordinal}, 23:30:00 America/New_York)"
