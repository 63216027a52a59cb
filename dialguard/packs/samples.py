"""Situations near an example: one thing changed at a time, at the values where conditions turn, and each part brought about.

They show what two conditions do differently where the examples themselves do not ask.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations, product
from math import prod

from dialguard.expr.nodes import FACT_OF_COUNT, All, Any, ClosedDay, Count, LocalTime, Node, Not, Period, Test
from dialguard.expr.outcome import representatives
from dialguard.expr.reference import Closed, evaluate
from dialguard.model.history import Entry, History, window_start
from dialguard.model.moment import DAY, SECOND, Moment
from dialguard.model.vocabulary import Vocabulary

AHEAD_DAYS = 400
MOST_TOGETHER = 512
"""Combinations of facts that are tried together; where there are more, pairs of facts are."""

Situation = tuple[str, Mapping[str, object], Moment]
"""(what was changed, in words; the facts; the moment)."""

_OTHER = "\0another"
_OWN = {"to": _OTHER, "subject": _OTHER, "debt": _OTHER, "from_": _OTHER}


class Neighbourhood:
    """The situations near one (facts, moment) at which the conditions ``nodes`` may turn."""

    def __init__(self, nodes: Sequence[Node], facts: Mapping[str, object], moment: Moment, vocabulary: Vocabulary, closed: Closed) -> None:
        self.nodes, self.facts, self.moment, self.closed = nodes, facts, moment, closed
        self.vocabulary = vocabulary
        self.parts = list(dict.fromkeys(part for node in nodes for part in node.walk()))
        tests: dict[str, list[Test]] = {}
        for part in self.parts:
            if isinstance(part, Test):
                for name in part.reads():
                    tests.setdefault(name, []).append(part)
        self.choices = {name: self._values(name, tests[name]) for name in sorted(tests)}
        self.histories = list(self._histories([part for part in self.parts if isinstance(part, Count)]))
        self.moments = [moment.at(instant) for instant in sorted(self._instants())]

    def situations(self, together: frozenset[str]) -> Iterator[Situation]:
        """All of them; the facts ``together`` also in combination."""
        for name, values in self.choices.items():
            for value in values:
                yield self._changed({name: value})
        new = [name for name in self.choices if name in together]
        whole = prod(len(self.choices[name]) for name in new) <= MOST_TOGETHER
        for names in [tuple(new)] if whole else combinations(new, 2):
            for values in product(*(self.choices[name] for name in names)) if len(names) > 1 else ():
                yield self._changed(dict(zip(names, values, strict=True)))
        for history in self.histories:
            yield self._changed({FACT_OF_COUNT: history})
        for moment in self.moments:
            yield self._changed({}, moment)
        for part in self.parts:
            if isinstance(part, (All, Any)):
                for wanted in (True, False):
                    yield self._changed(*self._bring_about(part, wanted))

    def _changed(self, changed: Mapping[str, object], moment: Moment | None = None) -> Situation:
        """The situation with some facts changed (None takes one away) and perhaps another moment."""
        facts = {name: value for name, value in {**self.facts, **changed}.items() if value is not None}
        words = [_history(value) if isinstance(value, History) else f"{name} {_word(value)}" for name, value in changed.items()]
        words += [f"the time {_clock(moment)}"] if moment is not None else []
        return ", ".join(words), facts, moment or self.moment

    def _bring_about(self, node: Node, wanted: bool) -> tuple[dict[str, object], Moment | None]:
        """Changes that make a condition true or false, as far as one look at each of its parts can tell."""
        changed: dict[str, object] = {}
        moment = None
        for leaf, want in _leaves(node, wanted):
            here = moment or self.moment
            if isinstance(leaf, (LocalTime, ClosedDay)):
                others = [other for other in self.moments if evaluate(leaf, {}, other, self.closed) is want]
                same_day = [other for other in others if moment is None or other.ordinal == moment.ordinal]
                if evaluate(leaf, {}, here, self.closed) is not want and others:
                    moment = (same_day or others)[0]
            elif isinstance(leaf, Count):
                changed.update(self._first(FACT_OF_COUNT, self.histories, leaf, want, here))
            elif isinstance(leaf, Test):
                changed.update(self._first(leaf.fact, self.choices[leaf.fact], leaf, want, here, changed))
        return changed, moment

    def _first(
        self, name: str, values: Sequence[object], leaf: Node, want: bool, moment: Moment, changed: Mapping[str, object] = {}
    ) -> dict[str, object]:
        for value in values:
            if evaluate(leaf, {**self.facts, **changed, name: value}, moment, self.closed) is want:
                return {name: value}
        return {}

    def _values(self, name: str, tests: Sequence[Test]) -> list[object]:
        edges = [edge for test in tests if isinstance(test.value, Period) for edge in _edges(test.value, test.kind, self.moment)]
        return [*dict.fromkeys((*representatives(name, tests, self.moment, self.vocabulary), *edges)), None]

    def _histories(self, counts: Sequence[Count]) -> Iterator[History]:
        """As many attempts as each count asks for, one fewer and one more, at both ends of its time, of each kind that it tells apart."""
        ends = sorted({self.moment.instant, *(window_start(count, self.moment) + 1 for count in counts)})
        for number in sorted({number for count in counts for number in (count.at_least - 1, count.at_least, count.at_least + 1)}):
            for end in ends:
                yield self._history(Entry(end), number)
        marks = {(_field(name), value) for count in counts for name, values, _ in count.where for value in (*values, _OTHER)}
        marks |= {(_field(name), "another yet") for name in _OWN for _ in counts}
        for number in sorted({count.at_least for count in counts}):
            for name, value in sorted(marks):
                yield self._history(Entry(self.moment.instant, **{name: value}), number)

    def _history(self, entry: Entry, number: int) -> History:
        subject = self.facts.get("campaign.subject") or _OTHER
        return History((entry,) * number, -(10**18), asked_at=self.moment.instant, **(_OWN | {"subject": subject}))

    def _instants(self) -> set[int]:
        found: set[int] = set()
        moment, clock, zone = self.moment, self.moment.clock, self.moment.zone
        for part in self.parts:
            if isinstance(part, LocalTime):
                for ahead in range(7):
                    spans = part.windows[(moment.weekday + ahead) % 7]
                    seconds = {second for start, end in spans for second in (max(start - 1, 0), start, end - 1, min(end, 86_399))}
                    day = (moment.instant // SECOND + (part.offset or 0)) // 86_400 + ahead
                    for second in seconds:
                        if part.offset is None:
                            found.add(clock.first_instant_at_or_after(moment.ordinal + ahead, second, zone))
                        else:
                            found.add((day * 86_400 + second - part.offset) * SECOND)
                    if not spans:
                        found.add(moment.instant + ahead * DAY)
            elif isinstance(part, ClosedDay):
                for ordinal in range(moment.ordinal, moment.ordinal + AHEAD_DAYS):
                    if self.closed(part.calendar, ordinal) is not None:
                        found.add(clock.first_instant_at_or_after(ordinal, moment.second, zone))
        return found


def _leaves(node: Node, wanted: bool) -> Iterator[tuple[Node, bool]]:
    """The leaves that must be true or false for the node to be so; of several ways, the first."""
    match node:
        case Not(item):
            yield from _leaves(item, not wanted)
        case All(items) | Any(items):
            for item in items if isinstance(node, All) is wanted else items[:1]:
                yield from _leaves(item, wanted)
        case _:
            yield node, wanted


def _edges(period: Period, kind: str, moment: Moment) -> Iterator[int]:
    """Moments or dates at the very edge of a period back from the moment, and a step to either side."""
    if period.exact:
        yield from (moment.instant - period.microseconds + step for step in (-1, 0, 1))
        return
    today = date.fromordinal(max(moment.ordinal - period.days, 366))
    year, month = divmod(today.year * 12 + today.month - 1 - period.months, 12)
    noon = moment.instant + (43_200 - moment.second) * SECOND
    for step in range(-2, 4):  # a month may be too short for the day
        ordinal = date(max(year, 1), month + 1, 1).toordinal() + today.day - 1 + step
        yield ordinal if kind == "date" else noon - (moment.ordinal - ordinal) * DAY


def _field(name: str) -> str:
    return "from_" if name == "from" else name


def _history(history: History) -> str:
    entry = history.entries[0] if history.entries else Entry(0)
    marks = [
        f"{name} {_word(getattr(entry, name))}"
        for name in ("to", "channel", "purpose", "subject", "voice", "outcome", "debt", "from_")
        if getattr(entry, name)
    ]
    return f"{len(history.entries)} earlier attempts" + (f" ({', '.join(marks)})" if marks else "")


def _word(value: object) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return str(value).lower()
        case frozenset():
            return "[" + ", ".join(sorted(map(str, value))) + "]"
        case str():
            return value.lstrip("\0")
        case tuple():
            return "always" if any(value) else "never"
    return str(value).lower()


def _clock(moment: Moment) -> str:
    day, second = date.fromordinal(moment.ordinal), moment.second
    return f"{day:%A %Y-%m-%d} {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
