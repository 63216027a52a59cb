"""Tables of hours and closed days of every jurisdiction, by the tables that ``dialguard export`` writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from dialguard.expr import explain
from dialguard.expr.nodes import Windows
from dialguard.export.law import Place, Table, scope, table
from dialguard.packs.pack import Packs
from dialguard.pages import text
from dialguard.pages.text import by_name, day, page, plain

KINDS: Mapping[str, Mapping[str, str]] = {
    "Sales calls by a person": {"channel": "voice", "purpose": "telemarketing", "dialing": "manual", "voice": "live"},
    "Sales calls that play a recording": {"channel": "voice", "purpose": "telemarketing", "dialing": "automated", "voice": "prerecorded"},
    "Sales texts": {"channel": "sms", "purpose": "telemarketing", "dialing": "automated"},
    "Debt collection calls": {"channel": "voice", "purpose": "debt_collection", "dialing": "manual", "voice": "live"},
}
"""Heading to the kind of contact whose hours stand below it."""
STRICT = (
    "Each line holds federal law too, on the clock of the called person. It is the strict reading: no exemption lifts anything, and a rule "
    "that depends on more than the kind of contact is taken as if it always held; such rules are named below each table. A contact at the "
    "closing time itself is too late. The hours are a floor: lists, consent, caps and everything else still apply."
)


class Hours:
    """Hours and closed days from a date on, worked out once for all pages."""

    def __init__(self, packs: Packs, on: int) -> None:
        self.packs, self.on = packs, on

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Heading to the table of that kind of contact."""
        return {name: table(self.packs, self.on, scope(**kind)) for name, kind in KINDS.items()}

    def closed(self, jurisdiction: str) -> dict[int, tuple[str, str, list[str]]]:
        """Closed days of the coming twelve months: ordinal to name, rule, and the kinds of contact that the day is closed to."""
        found: dict[int, tuple[str, str, list[str]]] = {}
        for kind, each in self.tables.items():
            for date, (name, rule) in each.places[jurisdiction].closed.items():
                found.setdefault(date, (name, rule, []))[2].append(kind)
        return dict(sorted(found.items()))

    def of(self, jurisdiction: str) -> Iterator[str]:
        """The hours of one jurisdiction and its closed days, for its own page."""
        yield from text.table(
            ("Contact", "Hours, on the called person's clock"),
            ((kind, explain.hours(each.places[jurisdiction].hours)) for kind, each in self.tables.items()), "hours",
        )  # fmt: skip
        yield "Federal hours are in these lines; how they are reckoned stands with [the hours of all states](hours.md)."
        yield ""
        closed = self.closed(jurisdiction)
        if not closed:
            yield "No day of the coming twelve months is closed beyond these hours."
            yield ""
            return
        yield "Closed days of the coming twelve months:"
        yield ""
        yield from text.table(
            ("Day", "Name", "Closed to", "Rule"),
            ((day(date), plain(name), kinds(to), text.to(self.packs.by_id[rule], rule)) for date, (name, rule, to) in closed.items()), "days",
        )  # fmt: skip

    def page(self) -> str:
        """The page of all states' hours and closed days."""
        lines = [STRICT, "", f"The law of {day(self.on)}.", ""]
        for kind, each in self.tables.items():
            lines += [f"## {kind}", ""]
            rows = (
                (text.place(self.packs, name), *columns(each.places[name]), self._days(name, each.places[name]))
                for name in by_name(self.packs)
            )
            lines += text.table(("Where", "Monday to Friday", "Saturday", "Sunday", "Closed days"), rows, "week")
            lines += self._taken(each)
        lines += [
            "## Closed days",
            "",
            "Days of the coming twelve months on which no hour is open, beyond the weekdays that the tables close.",
            "",
        ]
        return page("Hours and closed days", lines, text.table(("Where", "Closed to", "Days"), self._closed(), "closed"))

    def _closed(self) -> Iterator[tuple[str, str, str]]:
        for name in by_name(self.packs):
            by_kinds: dict[str, list[str]] = {}
            for date, (called, _, to) in self.closed(name).items():
                by_kinds.setdefault(kinds(to), []).append(f"{day(date)} {plain(called)}")
            for to, days in by_kinds.items():
                yield text.place(self.packs, name), to, "; ".join(days)

    def _days(self, name: str, found: Place) -> str:
        return f"[{len(found.closed)}]({name.lower()}.md)" if found.closed else "none"

    def _taken(self, each: Table) -> Iterator[str]:
        taken = [gap for gap in each.gaps if gap.rule and gap.about == "hours"]
        if taken:
            yield "Taken strictly:"
            yield ""
            yield from (
                f"- {plain(each.names[gap.jurisdiction])}, {text.to(self.packs.by_id[gap.rule], gap.rule)}: {plain(gap.why)}"
                for gap in taken
            )
            yield ""


def kinds(found: list[str]) -> str:
    """Kinds of contact in words."""
    return "all four kinds" if len(found) == len(KINDS) else "; ".join(found).lower()


def columns(found: Place) -> tuple[str, str, str]:
    """The hours as Monday to Friday, Saturday, Sunday; weekdays that differ are told one by one."""
    week = found.hours
    working = (
        _opened(week, 0) if len(set(week[:5])) == 1 else explain.hours((*week[:5], (), ())).removesuffix(", never on Saturday to Sunday")
    )
    return working, _opened(week, 5), _opened(week, 6)


def _opened(week: Windows, weekday: int) -> str:
    return explain.hours((week[weekday],) * 7).removesuffix(" every day") if week[weekday] else "closed"
