"""When a condition may change: the instants at which time alone can give it another value.

Every evaluator is constant between two such instants as long as the facts are held; the search for ``retry_at`` and
``valid_until`` walks from one to the next.
"""

from collections.abc import Iterator, Mapping

from dialguard.expr.nodes import ClosedDay, Count, LocalTime, Node, Period, Test
from dialguard.expr.reference import Closed
from dialguard.model.history import History, matching
from dialguard.model.moment import DAY, EPOCH_ORDINAL, HOUR, NEVER, SECOND, Instant, Moment

HORIZON_DAYS = 400


def next_change(node: Node, facts: Mapping[str, object], moment: Moment, closed: Closed) -> Instant | None:
    """The first instant after the moment at which the condition may change by time alone; None when it cannot."""
    found = None
    for part in node.walk():
        for instant in _changes(part, facts, moment, closed):
            if instant > moment.instant and (found is None or instant < found):
                found = instant
    return found


def _changes(node: Node, facts: Mapping[str, object], moment: Moment, closed: Closed) -> Iterator[Instant]:
    match node:
        case LocalTime(windows, None):
            yield from _window_edges(windows, moment)
        case LocalTime(windows, offset):
            yield from _fixed_edges(windows, offset, moment)
        case ClosedDay(calendar):
            yield from _closed_edges(calendar, moment, closed)
        case Count():
            history = facts.get("history.attempts")
            if isinstance(history, History):
                yield from _count_edges(node, history, moment)
        case Test(fact, "open") if facts.get(fact) is not None:
            yield from _window_edges(facts[fact], moment)
        case Test(fact, "within" | "older_than", period):
            value = facts.get(fact)
            if value is not None and value is not NEVER:
                yield from _period_edges(value, period, node.kind, moment)
        case Test(fact, "came") if facts.get(fact) is not None and facts[fact] is not NEVER:
            yield midnight(facts[fact], moment) if node.kind == "date" else facts[fact]


def midnight(ordinal: int, moment: Moment) -> Instant:
    """The first instant of a local date."""
    try:
        return moment.clock.first_instant_at_or_after(ordinal, 0, moment.zone)
    except ValueError:  # outside the zone tables, where the UTC date serves (Moment.date_of)
        return (ordinal - EPOCH_ORDINAL) * DAY


def _window_edges(windows, moment: Moment) -> Iterator[Instant]:
    # An edge may fall in a gap (the clock jumps over it) or twice in a fold: the jump itself is an edge as well.
    yield from moment.clock.transitions(moment.zone, moment.instant, moment.instant + 9 * DAY)
    for ahead in range(9):
        ordinal = moment.ordinal + ahead
        edges = []
        yield_day = windows[(moment.weekday + ahead) % 7]
        for start, end in yield_day:
            edges += [start, end]
        for second in edges:
            if second < 86_400:
                edges_at = moment.clock.all_instants(ordinal, second, moment.zone)
            else:
                edges_at = (midnight(ordinal + 1, moment),)
            later = [instant for instant in edges_at if instant > moment.instant]
            yield from later
        if ahead >= 1 and edges:
            return


def _fixed_edges(windows, offset: int, moment: Moment) -> Iterator[Instant]:
    seconds = moment.instant // SECOND + offset
    day = seconds // 86_400
    for ahead in range(9):
        for start, end in windows[(day + ahead + 3) % 7]:
            for second in (start, end):
                yield ((day + ahead) * 86_400 + second - offset) * SECOND


def _closed_edges(calendar: str, moment: Moment, closed: Closed) -> Iterator[Instant]:
    today = closed(calendar, moment.ordinal) is not None
    for ahead in range(1, HORIZON_DAYS):
        if (closed(calendar, moment.ordinal + ahead) is not None) != today:
            yield midnight(moment.ordinal + ahead, moment)
            return


def _count_edges(node: Count, history: History, moment: Moment) -> Iterator[Instant]:
    points = [*matching(node, history), history.asked_at]
    if node.calendar_days:
        yield midnight(moment.ordinal + 1, moment)
        yield from points
        return
    length = (node.last.days * 24 + node.last.hours) * HOUR
    for point in points:
        yield point
        yield point + length
    if history.complete_since is not None:
        yield history.complete_since + length - 1  # the window leaves out its first instant, the record does not
    for bounded in (DAY, 7 * DAY, 30 * DAY):
        yield history.asked_at - bounded + length


def _period_edges(value: int, period: Period, kind: str, moment: Moment) -> Iterator[Instant]:
    if kind == "date":
        yield midnight(value, moment)
        yield midnight(period.end_from(value) + 1, moment)
    elif period.exact:
        yield value
        yield value + period.microseconds
    else:
        yield value
        yield midnight(period.end_from(moment.date_of(value)) + 1, moment)
