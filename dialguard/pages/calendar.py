"""What changes in the twelve months from a date: rules that begin, change or end, lists that appear, closed days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby

from dialguard.packs.describe import in_force
from dialguard.packs.pack import Packs
from dialguard.packs.rule import LAST_DAY, ListSchedule
from dialguard.pages import text
from dialguard.pages.hours import Hours, kinds
from dialguard.pages.text import day, page, plain, to

Entry = tuple[int, str, str]
"""Ordinal, jurisdiction, and what happens, as Markdown."""


def year_on(on: int) -> int:
    """The same day a year later, as an ordinal; 29 February becomes the 28th."""
    found = date.fromordinal(on)
    return found.replace(year=found.year + 1, day=28 if (found.month, found.day) == (2, 29) else found.day).toordinal()


def calendar(packs: Packs, hours: Hours, on: int) -> str:
    """The page. ``on`` (an ordinal) is its first day; the last is the day before the same date a year later."""
    until = year_on(on)
    found = sorted({entry for entry in (*_law(packs), *_lists(packs, on, until), *_days(packs, hours)) if on <= entry[0] < until})
    lines = [f"From {day(on)} to {day(until - 1)}, by the dates in the rules. Days that a governor proclaims and laws not yet passed are "
             "not in it.", ""]  # fmt: skip
    law = sorted(entry for entry in _law(packs) if on <= entry[0] < until)
    lines += ["## Law", ""]
    lines += (
        text.table(("Day", "Where", "What"), _rows(packs, law), "days") if law else ["No rule begins, changes or ends in this time.", ""]
    )
    lines += ["### Without a date", "", *_undated(packs, on)]
    for month, entries in groupby(found, key=lambda entry: day(entry[0])[:7]):
        lines += [f"## {date.fromisoformat(month + '-01'):%B %Y}", "", *text.table(("Day", "Where", "What"), _rows(packs, entries), "days")]
    return page("What changes in the next twelve months", lines)


def _rows(packs: Packs, entries: object) -> Iterator[tuple[str, str, str]]:
    yield from ((day(ordinal), text.place(packs, where), what) for ordinal, where, what in entries)


def _law(packs: Packs) -> Iterator[Entry]:
    for rule in packs.rules:
        spans = in_force(rule)
        if rule.kind == "notice":
            if rule.effective:
                yield rule.effective, rule.jurisdiction, f"Begins: {to(rule)}"
            if rule.ends:
                yield rule.ends + 1, rule.jurisdiction, f"No longer law: {to(rule)}"
        for before, span in zip([None, *spans], spans, strict=False):
            changed = before is not None and before.last == span.first - 1
            yield (
                span.first,
                rule.jurisdiction,
                f"{'Changes' if changed else 'Comes into force'}: {to(rule)} ({plain(span.citation or rule.citation or '')})",
            )
        if spans and spans[-1].last < LAST_DAY:
            yield spans[-1].last + 1, rule.jurisdiction, f"No longer law: {to(rule)}"


def _lists(packs: Packs, on: int, until: int) -> Iterator[Entry]:
    for schedule in packs.lists.values():
        for year in range(date.fromordinal(on).year - 1, date.fromordinal(until).year + 1):
            for month, number in schedule.publish_on:
                published = date(year, month, number).toordinal()
                yield from _version(schedule, published)


def _version(schedule: ListSchedule, published: int) -> Iterator[Entry]:
    name = f"{plain(schedule.name)} ({plain(schedule.citation or 'no citation')})"
    within = schedule.use_within_days
    binds = "it binds at once" if not within else f"to be used from {day(published + within)} at the latest"
    yield published, schedule.jurisdiction, f"New version of the list: {name}; {binds}"
    if within:
        yield published + within, schedule.jurisdiction, f"Last day to take the version of {day(published)} into use: {name}"


def _days(packs: Packs, hours: Hours) -> Iterator[Entry]:
    for name in packs.names:
        for ordinal, (called, rule, closed) in hours.closed(name).items():
            yield ordinal, name, f"{plain(called)}: closed to {kinds(closed)} ({to(packs.by_id[rule], rule)})"


def _undated(packs: Packs, on: int) -> Iterator[str]:
    waiting = [rule for rule in packs.rules if rule.status in ("pending", "stayed") and not any(span.first > on for span in in_force(rule))]
    waiting = [rule for rule in waiting if not rule.span(on)]
    yield from (f"- {plain(packs.names[rule.jurisdiction])}: {to(rule)}, {rule.status}. {plain(rule.note or '')}" for rule in waiting)
    ages = [schedule for schedule in packs.lists.values() if schedule.max_age_days]
    yield from (
        f"- {plain(schedule.name)}: a copy may be used for {schedule.max_age_days} days, whatever the date ({plain(schedule.citation or '')})"
        for schedule in ages
    )
    yield ""
