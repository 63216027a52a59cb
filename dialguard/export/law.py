"""Hours, closed days and caps of every jurisdiction, worked out from the conditions of the rules themselves.

The strict reading: no relief lifts anything, and what a table cannot carry (kind of line, industry, consent) is taken to hold. Each
rule read more strictly than it is becomes a ``Gap``. A table is a floor: a call that it lets through may still be unlawful.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from dialguard.engine.programs import Law, Programs
from dialguard.expr import explain
from dialguard.expr.fold import fold, replace
from dialguard.expr.nodes import DAY_SECONDS, FALSE, TRUE, UNKNOWN, ClosedDay, Const, Count, LocalTime, Node, Test, Windows
from dialguard.facts import clock, regions
from dialguard.model.moment import DAY, EPOCH_ORDINAL
from dialguard.model.records import TEXTS
from dialguard.packs.pack import Packs
from dialguard.packs.rule import Rule

YEAR = 366
"""How many days the closed days look ahead."""
WEEK = 7 * DAY_SECONDS
_TIMED = (LocalTime, ClosedDay, Count)

Stretch = tuple[int, int]
"""Half-open seconds of the local week, from midnight before Monday."""


class Gap(NamedTuple):
    """What a table does not say as the law does. ``rule`` is empty where it is about the table as a whole."""

    jurisdiction: str
    rule: str
    about: str
    why: str


class Limit(NamedTuple):
    """A cap: at most ``attempts`` in ``period``. ``hours`` is its length where it is counted on the clock, else 0."""

    jurisdiction: str
    rule: str
    attempts: int
    hours: int
    period: str
    per: str
    counts: str


class Place(NamedTuple):
    """The tables of one jurisdiction, federal law included. ``closed``: ordinal to name and rule."""

    hours: Windows
    closed: Mapping[int, tuple[str, str]]
    limits: tuple[Limit, ...]


@dataclass(frozen=True)
class Table:
    """The law of a date (ordinal) for contacts of one kind, by jurisdiction; ``US`` is federal law alone."""

    on: int
    scope: Mapping[str, object]
    names: Mapping[str, str]
    places: Mapping[str, Place]
    gaps: tuple[Gap, ...]


ALWAYS = (
    Gap("all", "", "everything else", "do-not-call lists, consent, registration, caller ID and every other rule are not in these tables: "
        "ask about each attempt"),
    Gap("all", "", "closed days", "declared emergencies and days that a governor proclaims during the year are not in these tables"),
    Gap("all", "", "place", "the tables go by one state; a person who may be in several has the law of each"),
)  # fmt: skip


def table(packs: Packs, on: int, scope: Mapping[str, object]) -> Table:
    """The tables of every jurisdiction. ``on`` is an ordinal; ``scope`` what all contacts have in common, fact to value: what it leaves
    out (the voice, how numbers are dialed) is taken strictly. Raises ValueError for a date outside the calendars' years."""
    programs, gaps = Programs(packs), list(ALWAYS)
    own = {name: _Reading(packs, programs, name, on, scope) for name in packs.names}
    federal = own["US"]
    places = {}
    for name, reading in own.items():
        gaps += reading.gaps
        both = (federal,) if name == "US" else (federal, reading)
        shut = [stretch for each in both for stretch in each.shut]
        closed = {day: why for each in both for day, why in each.closed.items()}
        hours = _open(shut)
        # A day that the week closes anyway needs no mention, such as each Sunday of a calendar.
        closed = {day: closed[day] for day in sorted(closed) if hours[(day + 6) % 7]}
        places[name] = Place(hours, closed, tuple(limit for each in both for limit in each.limits))
    return Table(on, scope, packs.names, places, tuple(gaps))


def scope(channel: str, purpose: str, dialing: str | None = None, voice: str | None = None) -> dict[str, object]:
    """What contacts of a campaign have in common, as facts; the channel has its word on the voice."""
    if channel in TEXTS:
        voice = "text"
    elif channel == "rvm" and voice in (None, "live"):
        voice = "prerecorded"
    named = {"channel": channel, "campaign.purpose": purpose, "campaign.dialing": dialing, "campaign.voice": voice}
    return {fact: value for fact, value in named.items() if value is not None}


def common(weeks: Sequence[Windows]) -> Windows:
    """The hours that are open in all of these weeks."""
    opened = ([(day * DAY_SECONDS + start, day * DAY_SECONDS + end) for day in range(7) for start, end in week[day]] for week in weeks)
    return _open([shut for week in opened for shut in _inverse(week)])


class _Reading:
    """What one jurisdiction's own rules say: ``shut`` stretches of the week, closed days, limits, and the gaps in saying so."""

    def __init__(self, packs: Packs, programs: Programs, jurisdiction: str, on: int, scope: Mapping[str, object]) -> None:
        self.packs, self.jurisdiction, self.scope, self.on = packs, jurisdiction, scope, on
        self.shut: list[Stretch] = []
        self.closed: dict[int, tuple[str, str]] = {}
        self.limits: list[Limit] = []
        self.gaps: list[Gap] = []
        for law in programs.laws(jurisdiction, on).values():
            if law.rule.kind == "prohibition":
                condition = fold(law.condition, scope)
                self._hours(law, condition)
                self._limits(law, condition)
        for rule in programs.rules_of(jurisdiction):
            if rule.kind == "prohibition":
                self._closed_days(rule)
                self._changes(rule)

    def _hours(self, law: Law, condition: Node) -> None:
        clocks = [node for node in condition.walk() if isinstance(node, LocalTime)]
        if not clocks:
            return
        shut, exact = [], True
        for offset in self._offsets() if any(node.offset is not None for node in clocks) else (0,):
            values = [(stretch, _value(condition, stretch[0], offset)) for stretch in _stretches(clocks, offset)]
            found = {value for _, value in values}
            # A rule that may hold at any time is no rule of hours; of it, the table says the times at which it surely holds.
            shuts = (True, None) if False in found else (True,) if len(found) > 1 else ()
            shut += [stretch for stretch, value in values if value in shuts]
            exact &= None not in found
        if not shut:
            return
        self.shut += shut
        if any(node.offset is not None for node in clocks):
            self._gap(law.rule, "hours", "goes by a clock of its own; the hours here are those open on it in summer and in winter")
        if not exact:
            self._gap(law.rule, "hours", f"taken as if it always held; it holds when {self._words(condition)}")
        self._reliefs(law.rule, law.relief_ids, "hours")

    def _limits(self, law: Law, condition: Node) -> None:
        for count in dict.fromkeys(node for node in condition.walk() if isinstance(node, Count)):
            reached, below = (_settle(condition, {count: value}) for value in (TRUE, FALSE))
            if reached is False:
                continue
            counts = explain.sentence(count, self.packs.vocabulary)
            if below is not False:
                self._gap(law.rule, "limits", f"a count is only one way to it, and is not in the tables: {counts}")
                continue
            period = f"{count.calendar_days} calendar days" if count.calendar_days else str(count.last)
            hours = 0 if count.calendar_days else count.last.hours
            self.limits.append(Limit(self.jurisdiction, law.rule.id, count.at_least, hours, period, count.per, counts))
            if reached is not True:
                self._gap(law.rule, "limits", f"taken as if it always held; it holds when {self._words(condition)}")
            self._reliefs(law.rule, law.relief_ids, "limits")

    def _closed_days(self, rule: Rule) -> None:
        partly = None
        for span in rule.spans:
            condition = fold(span.condition, self.scope)
            named = {node.calendar for node in condition.walk() if isinstance(node, ClosedDay)}
            if not named:
                continue
            clocks = [node for node in condition.walk() if isinstance(node, LocalTime)]
            for day in range(max(self.on, span.first), min(self.on + YEAR, span.last + 1)):
                names = {calendar: name for calendar in sorted(named) if (name := self.packs.closed(calendar, day))}
                if not names:
                    continue
                weekday = (day + 6) % 7
                hours = [start for start, _ in _stretches(clocks, 0) if start // DAY_SECONDS == weekday]
                shut = [_value(condition, start, 0, frozenset(names)) for start in hours]
                if any(value is not False and value is not _value(condition, start, 0) for start, value in zip(hours, shut, strict=True)):
                    self.closed[day] = (next(iter(names.values())), rule.id)
                    if shut != [True] * len(shut):
                        partly = condition
        if partly:
            self._gap(rule, "closed days", f"the whole day is taken as closed; it is when {self._words(partly)}")
        if rule.id in {found for _, found in self.closed.values()}:
            self._reliefs(rule, rule.relieved_by, "closed days")

    def _changes(self, rule: Rule) -> None:
        for span in rule.spans:
            condition = fold(span.condition, self.scope)
            if condition == FALSE or span.first > span.last or not any(isinstance(node, _TIMED) for node in condition.walk()):
                continue
            for day in (span.first, span.last + 1):
                if self.on < day < self.on + YEAR:
                    self._gap(rule, "change of law", f"changes on {date.fromordinal(day).isoformat()}: export again for that day")

    def _offsets(self) -> Iterator[int]:
        """The UTC offsets that clocks of the jurisdiction show in the coming year."""
        states = [self.jurisdiction] if self.jurisdiction in regions.STATES else sorted(regions.STATES)
        start = (self.on - EPOCH_ORDINAL) * DAY
        zones = {zone for state in states for zone in regions.state_zones(state)}
        yield from {clock.local(start + week * 7 * DAY, zone).offset for zone in sorted(zones) for week in range(53)}

    def _words(self, condition: Node) -> str:
        return explain.sentence(condition, self.packs.vocabulary)

    def _reliefs(self, rule: Rule, reliefs: Sequence[str], about: str) -> None:
        if reliefs:
            self._gap(rule, about, f"taken without what lifts it: {', '.join(reliefs)}")

    def _gap(self, rule: Rule, about: str, why: str) -> None:
        gap = Gap(self.jurisdiction, rule.id, about, why)
        if gap not in self.gaps:
            self.gaps.append(gap)


def _settle(condition: Node, known: Mapping[Node, Node]) -> bool | None:
    """The condition with these nodes as given and everything else unknown."""
    def change(node: Node) -> Node | None:
        return known.get(node) or (UNKNOWN if isinstance(node, (Test, *_TIMED)) else None)

    settled = replace(condition, change)
    assert isinstance(settled, Const)
    return settled.value


def _value(condition: Node, second: int, offset: int, closed: frozenset[str] = frozenset()) -> bool | None:
    """The condition at a second of the local week on a clock of that UTC offset, on a closed day of these calendars."""
    known: dict[Node, Node] = {}
    for node in condition.walk():
        if isinstance(node, LocalTime):
            known[node] = Const(any(start <= second < end for start, end in _week(node, offset)))
        elif isinstance(node, ClosedDay):
            known[node] = Const(node.calendar in closed)
    return _settle(condition, known)


def _week(node: LocalTime, offset: int) -> list[Stretch]:
    """The windows as stretches of the local week on a clock of that UTC offset."""
    shift = 0 if node.offset is None else offset - node.offset
    found = []
    for day, windows in enumerate(node.windows):
        for start, end in windows:
            first = (day * DAY_SECONDS + start + shift) % WEEK
            last = first + end - start
            found += [(first, min(last, WEEK)), *([(0, last - WEEK)] if last > WEEK else [])]
    return found


def _stretches(clocks: Sequence[LocalTime], offset: int) -> list[Stretch]:
    """The week cut wherever a window opens or closes, and at each midnight."""
    cuts = {day * DAY_SECONDS for day in range(8)} | {cut for node in clocks for stretch in _week(node, offset) for cut in stretch}
    ordered = sorted(cuts)
    return list(zip(ordered, ordered[1:], strict=False))


def _inverse(stretches: Sequence[Stretch]) -> list[Stretch]:
    """What these stretches leave of the week."""
    left, at = [], 0
    for start, end in sorted(stretches):
        if start > at:
            left.append((at, start))
        at = max(at, end)
    return left + ([(at, WEEK)] if at < WEEK else [])


def _open(shut: Sequence[Stretch]) -> Windows:
    """The hours that these stretches leave open, by weekday."""
    left = _inverse(shut)
    days = [(day * DAY_SECONDS, (day + 1) * DAY_SECONDS) for day in range(7)]
    return tuple(tuple((max(a, start) - start, min(b, end) - start) for a, b in left if a < end and b > start) for start, end in days)
