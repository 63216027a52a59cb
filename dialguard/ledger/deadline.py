"""By when a revocation must be honored at the latest: business days from the day on which it was received.

47 CFR 64.1200(a)(10), in force since 2025-04-11: within a reasonable time, at most ten business days from receipt. The
rule does not define a business day; Monday to Friday less the federal legal public holidays is counted here. It is an
alarm for those who carry a revocation into other systems. A decision never waits for it: a revocation counts at once.
"""

from datetime import date
from functools import cache

from dialguard.model.moment import DAY, EPOCH_ORDINAL, HOUR, Instant
from dialguard.packs import calendars
from dialguard.packs.calendars import Calendar
from dialguard.packs.sources import shipped_rules

BUSINESS_DAYS = 10
FIRST_DAY = date(2025, 4, 11)
_EAST, _WEST = 10 * HOUR, -11 * HOUR
"""Guam and American Samoa: where a moment falls on two dates in the country, the one that makes the deadline stricter."""


@cache
def federal_holidays() -> Calendar:
    """The shipped calendar of federal legal public holidays (5 U.S.C. 6103).

    Raises PackError where the shipped rule files are missing.
    """
    path = shipped_rules() / "calendars" / "us.yaml"
    return calendars.load(path.read_text("utf-8"), "rules/calendars/us.yaml")


def business_days_after(day: date, days: int) -> date:
    """The ``days``-th business day after ``day``, which itself is not counted."""
    holidays, ordinal, left = federal_holidays(), day.toordinal(), days
    while left:
        ordinal += 1
        if (ordinal - 1) % 7 < 5 and holidays.closed(ordinal) is None:  # ordinal 1 was a Monday
            left -= 1
    return date.fromordinal(ordinal)


def deadline(received_at: Instant) -> date | None:
    """The last day on which a revocation received then may still be carried out.

    None: received before the rule held, or so late that no calendar reaches there (the years from 2199 on).
    """
    first, last = (date.fromordinal((received_at + offset) // DAY + EPOCH_ORDINAL) for offset in (_WEST, _EAST))
    return business_days_after(first, BUSINESS_DAYS) if FIRST_DAY <= last and last.year < calendars.LAST_YEAR else None
