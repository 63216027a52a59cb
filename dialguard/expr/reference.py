"""What a condition means. Small, slow and obviously right: every other evaluator must agree with this one.

``facts`` maps the names of known facts to their values; a name that is missing is unknown. Values: choices and text are
strings, flags are bools, sets are frozensets, moments are Instants or NEVER, dates are ordinals, rates are parts per
million, windows are seven days of seconds, ``history.attempts`` is a History.
"""

from collections.abc import Callable, Mapping

from dialguard.expr.nodes import All, Any, ClosedDay, Const, Count, LocalTime, Node, Not, Test
from dialguard.model.history import count
from dialguard.model.moment import DAY, NEVER, SECOND, Moment

Closed = Callable[[str, int], str | None]
"""(calendar name, ordinal date) -> the name of the closed day, or None."""


def evaluate(node: Node, facts: Mapping[str, object], moment: Moment, closed: Closed) -> bool | None:
    """True, False, or None where the facts at hand do not settle it."""
    match node:
        case Const(value):
            return value
        case All(items):
            found: bool | None = True
            for item in items:
                value = evaluate(item, facts, moment, closed)
                if value is False:
                    return False
                found = None if value is None else found
            return found
        case Any(items):
            found = False
            for item in items:
                value = evaluate(item, facts, moment, closed)
                if value is True:
                    return True
                found = None if value is None else found
            return found
        case Not(item):
            value = evaluate(item, facts, moment, closed)
            return None if value is None else not value
        case LocalTime(windows, offset):
            weekday, second = (moment.weekday, moment.second) if offset is None else fixed_clock(moment.instant, offset)
            return any(start <= second < end for start, end in windows[weekday])
        case ClosedDay(calendar):
            return closed(calendar, moment.ordinal) is not None
        case Count():
            history = facts.get("history.attempts")
            return None if history is None else count(node, history, moment)
        case Test():
            if any(facts.get(name) is None for name in node.reads()):
                return False if node.settled else None
            return holds(node, facts, moment)
    raise TypeError(f"no meaning for {type(node).__name__}")


def holds(test: Test, facts: Mapping[str, object], moment: Moment) -> bool:
    """Whether a test on known facts is met."""
    fact, value = facts[test.fact], test.value
    match test.operator:
        case "stated":
            return True
        case "in":
            return fact in value
        case "has_any":
            return not fact.isdisjoint(value)
        case "at_least":
            return fact >= value
        case "at_most":
            return fact <= value
        case "above":
            return fact > value
        case "below":
            return fact < value
        case "open":
            return any(start <= moment.second < end for start, end in fact[moment.weekday])
    if fact is NEVER:
        return False
    match test.operator:
        case "came":
            return fact <= (moment.ordinal if test.kind == "date" else moment.instant)
        case "within" | "older_than":
            if test.kind == "date":
                come, inside = fact <= moment.ordinal, moment.ordinal <= value.end_from(fact)
            elif value.exact:
                come, inside = fact <= moment.instant, moment.instant - fact < value.microseconds
            else:
                come, inside = fact <= moment.instant, moment.ordinal <= value.end_from(moment.date_of(fact))
            return come and inside == (test.operator == "within")
        case "before" | "after":
            other = facts[value] if isinstance(value, str) else value
            if other is NEVER:
                return False
            if test.kind == "moment" and not isinstance(value, str):
                fact = moment.date_of(fact)
            return fact < other if test.operator == "before" else fact > other
    raise TypeError(f"no meaning for {test.operator}")


def fixed_clock(instant: int, offset: int) -> tuple[int, int]:
    """Weekday (Monday 0) and second of the day on a clock with a fixed offset from UTC."""
    seconds = instant // SECOND + offset
    days = seconds * SECOND // DAY
    return (days + 3) % 7, seconds % 86_400
