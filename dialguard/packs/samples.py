"""Situations near an example: one thing changed at a time, at the values where conditions turn.

They show what two conditions do differently where the examples themselves do not ask.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice, product

from dialguard.expr.nodes import FACT_OF_COUNT, ClosedDay, Count, LocalTime, Node, Test
from dialguard.expr.outcome import representatives
from dialguard.expr.reference import Closed
from dialguard.model.history import Entry, History, window_start
from dialguard.model.moment import DAY, SECOND, Moment
from dialguard.model.vocabulary import Vocabulary

AHEAD_DAYS = 400
MOST_TOGETHER = 512
"""Combinations of facts that are tried together."""

Situation = tuple[str, Mapping[str, object], Moment]
"""(what was changed, in words; the facts; the moment)."""


def variations(
    nodes: Sequence[Node], together: frozenset[str], facts: Mapping[str, object], moment: Moment, vocabulary: Vocabulary, closed: Closed
) -> Iterator[Situation]:
    """Situations near (facts, moment) at which the conditions ``nodes`` may turn; the facts ``together`` also combined."""
    parts = [part for node in nodes for part in node.walk()]
    tests: dict[str, list[Test]] = {}
    for part in parts:
        if isinstance(part, Test):
            for name in part.reads():
                tests.setdefault(name, []).append(part)
    choices = {name: _values(name, tests[name], moment, vocabulary) for name in sorted(tests)}
    for name, values in choices.items():
        for value in values:
            yield f"{name} {_word(value)}", _with(facts, {name: value}), moment
    new = [name for name in choices if name in together]
    if len(new) > 1:
        for values in islice(product(*(choices[name] for name in new)), MOST_TOGETHER):
            changed = dict(zip(new, values, strict=True))
            yield ", ".join(f"{name} {_word(value)}" for name, value in changed.items()), _with(facts, changed), moment
    for history in _histories([part for part in parts if isinstance(part, Count)], facts, moment):
        yield f"{len(history.entries)} earlier attempts", {**facts, FACT_OF_COUNT: history}, moment
    for instant in sorted(_instants(parts, moment, closed)):
        other = moment.at(instant)
        yield f"the time {_clock(other)}", facts, other


def _values(name: str, tests: Sequence[Test], moment: Moment, vocabulary: Vocabulary) -> list[object]:
    return [*representatives(name, tests, moment, vocabulary), None]


def _with(facts: Mapping[str, object], changed: Mapping[str, object]) -> dict[str, object]:
    """The facts with some changed; None takes one away."""
    whole = {**facts, **changed}
    return {name: value for name, value in whole.items() if value is not None}


def _histories(counts: Sequence[Count], facts: Mapping[str, object], moment: Moment) -> Iterator[History]:
    """As many attempts as each count asks for, one fewer and one more, at both ends of each count's time."""
    numbers = sorted({number for count in counts for number in (count.at_least - 1, count.at_least, count.at_least + 1)})
    ends = sorted({moment.instant, *(window_start(count, moment) + 1 for count in counts)})
    for number in numbers:
        for end in ends:
            yield History((Entry(end),) * number, -(10**18), asked_at=moment.instant, subject=facts.get("campaign.subject"))


def _instants(parts: Sequence[Node], moment: Moment, closed: Closed) -> set[int]:
    found: set[int] = set()
    clock, zone = moment.clock, moment.zone
    for part in parts:
        if isinstance(part, LocalTime):
            for ahead in range(7):
                for start, end in part.windows[(moment.weekday + ahead) % 7]:
                    for second in {max(start - 1, 0), start, end - 1, min(end, 86_399)}:
                        if part.offset is None:
                            found.add(clock.first_instant_at_or_after(moment.ordinal + ahead, second, zone))
                        else:
                            day = (moment.instant // SECOND + part.offset) // 86_400 + ahead
                            found.add((day * 86_400 + second - part.offset) * SECOND)
                if not part.windows[(moment.weekday + ahead) % 7]:
                    found.add(moment.instant + ahead * DAY)
        elif isinstance(part, ClosedDay):
            for ordinal in range(moment.ordinal, moment.ordinal + AHEAD_DAYS):
                if closed(part.calendar, ordinal) is not None:
                    found.add(clock.first_instant_at_or_after(ordinal, moment.second, zone))
    return found


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
