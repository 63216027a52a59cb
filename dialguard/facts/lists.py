"""What a list says of a number on a local date: listed, clear, or unknown and why.

A version may be used until its own use-by date, until the next version was due (the list's schedule in the rule files), or
for so many days; past that, or where no version covers the number, the answer is unknown and never clear.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple, Protocol

from dialguard.packs.rule import ListSchedule

STALE, INCOMPLETE = "list_stale", "list_incomplete"


class Said(NamedTuple):
    """One version's answer. Dates are ordinals; ``listed`` None means that it does not cover the number."""

    listed: bool | None
    published: int | None
    effective: int | None
    use_by: int | None


class Dated(Protocol):
    """A version, or its answer."""

    @property
    def published(self) -> int | None: ...

    @property
    def effective(self) -> int | None: ...


class Standing(NamedTuple):
    """The list's answer: ``listed`` None is unknown, ``why`` then says what to mend; ``last_day`` is its last day of use.

    ``version`` is the one in force.
    """

    listed: bool | None
    why: str | None = None
    last_day: int | None = None
    version: Said | None = None


def standing(answers: Iterable[Said], schedule: ListSchedule | None, ordinal: int, aged: int | None = None) -> Standing:
    """Judge the versions of one list on a local date.

    In force is the latest version effective on or before the date; a number in a later loaded version counts as listed, and so
    does one of which any answer for the version in force, or one without a date, says so. ``aged`` is the date on which a
    version's age is measured where that is later.
    """
    # A version that does not cover the number says nothing; a subscription may come as one file an area code.
    speaking = [said for said in answers if said.listed is not None]
    begun = [said for said in speaking if first_day(said) <= ordinal]
    if any(said.listed and first_day(said) > ordinal for said in speaking):
        return Standing(True)
    if not begun:
        return Standing(None, INCOMPLETE)
    latest = max(start(said) or 0 for said in begun)
    current = max((said for said in begun if (start(said) or 0) == latest), key=lambda said: (bool(said.listed), said.published or 0))
    last = last_day(current, schedule)
    if any(said.listed and start(said) is None for said in begun):
        return Standing(True, None, last, current)
    if last is not None and max(ordinal, aged or ordinal) > last:
        return Standing(None, STALE, last, current)
    return Standing(current.listed, None, last, current)


def first_day(said: Dated) -> int:
    """The first local date on which a version stands. One without a date of effect stands as soon as it is published, also
    where the local date is still the day before."""
    if said.effective is not None:
        return said.effective
    return 0 if said.published is None else said.published - 1


def start(said: Dated) -> int | None:
    """The date by which versions follow each other."""
    return said.effective if said.effective is not None else said.published


def last_day(said: Said, schedule: ListSchedule | None) -> int | None:
    """The last local date on which a version may be used, by its own date and by the schedule; None when neither says."""
    limits = [] if said.use_by is None else [said.use_by]
    if schedule is not None:
        if schedule.max_age_days is not None and said.published is not None:
            limits.append(said.published + schedule.max_age_days)
        begun = start(said)
        if schedule.publish_on and begun is not None:
            limits.append(_next_due(begun, schedule) - 1)
    return min(limits, default=None)


def _next_due(begun: int, schedule: ListSchedule) -> int:
    """The first date by which the version after one that began on ``begun`` must be in use."""
    year = date.fromordinal(begun).year
    days = sorted(date(each, month, day).toordinal() for each in (year, year + 1) for month, day in schedule.publish_on)
    return next(day for day in days if day > begun) + (schedule.use_within_days or 0)
