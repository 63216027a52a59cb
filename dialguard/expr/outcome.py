"""What one rule says of one attempt, after its reliefs: the reference for every evaluator.

``silent``: it does not bite. ``prohibited``: its condition is certain and no relief is possible. ``unknown``: the law may
bite, and the facts at hand do not settle it. ``obliged``: the caller has a duty, or must vouch for a fact that only the
caller can know.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from dialguard.expr.nodes import ALL_DAY, LocalTime, Node, Period, Test
from dialguard.expr.reference import Closed, evaluate
from dialguard.model.moment import DAY, NEVER, Moment
from dialguard.model.vocabulary import Vocabulary

SILENT, PROHIBITED, UNKNOWN_FACT, OBLIGED = "silent", "prohibited", "unknown", "obliged"
SEVERITY = {SILENT: 0, OBLIGED: 1, UNKNOWN_FACT: 2, PROHIBITED: 3}


def outcome(
    kind: str,
    condition: Node,
    reliefs: Sequence[Node],
    facts: Mapping[str, object],
    moment: Moment,
    closed: Closed,
    vocabulary: Vocabulary,
    deny_unknown: bool = False,
) -> str:
    """The answer of a prohibition or an obligation with the reliefs that name it."""
    value = evaluate(condition, facts, moment, closed)
    relieved = [evaluate(relief, facts, moment, closed) for relief in reliefs]
    if value is False or True in relieved:
        return SILENT
    if kind == "obligation":
        return OBLIGED
    if value is True:
        return UNKNOWN_FACT if None in relieved else PROHIBITED
    if not deny_unknown and silenceable(condition, facts, moment, closed, vocabulary):
        return OBLIGED
    return UNKNOWN_FACT


def silenceable(condition: Node, facts: Mapping[str, object], moment: Moment, closed: Closed, vocabulary: Vocabulary) -> bool:
    """Whether some value of the unknown asserted facts makes the condition false whatever the other unknown facts are."""
    tests: dict[str, list[Test]] = {}
    for node in condition.walk():
        if isinstance(node, Test):
            for name in node.reads():
                if facts.get(name) is None and vocabulary.is_asserted(name):
                    tests.setdefault(name, []).append(node)
    if not tests:
        return False
    names = list(tests)
    choices = [tuple(representatives(name, tests[name], moment, vocabulary)) for name in names]
    return any(
        evaluate(condition, {**facts, **dict(zip(names, values, strict=True))}, moment, closed) is False
        for values in product(*choices)
    )


def representatives(name: str, tests: Iterable[Test], moment: Moment, vocabulary: Vocabulary) -> Iterable[object]:
    """Values of a fact such that each way in which its tests can turn out occurs."""
    fact = vocabulary.get(name)
    words = sorted({word for test in tests if isinstance(test.value, frozenset) for word in test.value}, key=str)
    match fact.type:
        case "flag":
            return (False, True)
        case "choice":
            return fact.values
        case "text":
            return (*words, "\0none of these")
        case "set":
            return (frozenset(), *(frozenset({word}) for word in words), frozenset(words))
        case "windows":
            return (((),) * 7, (ALL_DAY,) * 7)
        case "integer" | "rate":
            marks = {test.value for test in tests if isinstance(test.value, int)}
            return sorted({mark + step for mark in marks for step in (-1, 0, 1)} or {0})
    return _times(fact.type, tests, moment)


def _times(kind: str, tests: Iterable[Test], moment: Moment) -> Iterable[object]:
    found: list[object] = [NEVER]
    days = {0, 400 * 366}
    for test in tests:
        if isinstance(test.value, Period):
            length = test.value.microseconds // DAY + test.value.months * 31
            days.update((length + 2, max(0, test.value.months * 28 + test.value.days - 2)))
        elif test.operator in ("before", "after") and isinstance(test.value, int):
            days.update(moment.ordinal - test.value + step for step in (-2, -1, 0, 1, 2))  # a jump of the clock may cost one
    for back in sorted(days):
        found.append(moment.ordinal - back if kind == "date" else moment.instant - back * DAY)
    return found


def needs(nodes: Iterable[Node], facts: Mapping[str, object], moment: Moment, closed: Closed) -> frozenset[str]:
    """The unknown facts that leave the conditions open, parts that are already settled left out."""
    found: set[str] = set()
    for node in nodes:
        if evaluate(node, facts, moment, closed) is not None:
            continue
        below = node.children()
        if below:
            found |= needs(below, facts, moment, closed)
        elif isinstance(node, Test):
            found.update(name for name in node.reads() if facts.get(name) is None)
        elif not isinstance(node, LocalTime):
            found.add("history.attempts")
    return frozenset(found)
