"""The nodes of a condition.

A condition is a pure function from facts and a moment to true, false or unknown (Kleene's strong logic). Nodes are
immutable and hashable, so that equal conditions are found and shared. Building a wrong node fails at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

OPERATORS = frozenset(
    {"in", "at_least", "at_most", "above", "below", "has_any", "within", "older_than", "before", "after", "came", "open", "stated"}
)
DAY_SECONDS = 86_400
ALL_DAY = ((0, DAY_SECONDS),)

Windows = tuple[tuple[tuple[int, int], ...], ...]
"""Seven days, Monday first, each a sorted tuple of half-open [start, end) seconds of the local day."""


class ExpressionError(ValueError):
    """A node that cannot have a meaning; the message names what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time. Months and days are counted on local dates; hours and minutes on the instant itself."""

    months: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0

    def __post_init__(self) -> None:
        if min(self.months, self.days, self.hours, self.minutes) < 0:
            raise ExpressionError("a period cannot be negative")
        if (self.months or self.days) and (self.hours or self.minutes):
            raise ExpressionError("a period is counted in dates (months, days) or on the clock (hours, minutes), not both")

    @property
    def exact(self) -> bool:
        """Whether the period is measured on the clock and not on dates."""
        return bool(self.hours or self.minutes)

    @property
    def microseconds(self) -> int:
        """Length of an exact period, a month taken as none."""
        return ((self.days * 24 + self.hours) * 60 + self.minutes) * 60_000_000

    def end_from(self, ordinal: int) -> int:
        """The last local date (ordinal) that lies within the period counted from ``ordinal``, clamped to the month."""
        if self.months:
            start = date.fromordinal(ordinal)
            year, month = divmod(start.year * 12 + start.month - 1 + self.months, 12)
            for day in (start.day, 30, 29, 28):
                if day <= start.day:
                    try:
                        ordinal = date(year, month + 1, day).toordinal()
                        break
                    except ValueError:
                        continue
        return ordinal + self.days

    def __str__(self) -> str:
        parts = []
        for number, word in ((self.months, "month"), (self.days, "day"), (self.hours, "hour"), (self.minutes, "minute")):
            if number:
                parts.append(f"{number} {word}{'s' if number != 1 else ''}")
        return " ".join(parts) or "no time at all"


class Node:
    """Base of all nodes."""

    __slots__ = ()

    def children(self) -> tuple["Node", ...]:
        """The nodes directly below."""
        return ()

    def walk(self) -> Iterator["Node"]:
        """This node and every node below it, parents first."""
        yield self
        for child in self.children():
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Const(Node):
    """A settled value; ``None`` is unknown for good (a campaign that leaves a fact open)."""

    value: bool | None


TRUE, FALSE, UNKNOWN = Const(True), Const(False), Const(None)


@dataclass(frozen=True, slots=True)
class All(Node):
    """True when every item is."""

    items: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True)
class Any(Node):
    """True when one item is."""

    items: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The opposite; unknown stays unknown."""

    item: Node

    def children(self) -> tuple[Node, ...]:
        return (self.item,)


@dataclass(frozen=True, slots=True)
class Test(Node):
    """One fact held against a value.

    ``operator`` and ``value``:
    ``in`` a frozenset of values; ``has_any`` a frozenset, of which a set-valued fact must hold one; ``at_least``,
    ``at_most``, ``above``, ``below`` an integer; ``within`` and ``older_than`` a Period back from the moment (a moment
    that has not yet come, or never came, satisfies neither); ``before`` and ``after`` the name of another moment-valued
    fact, or an ordinal date; ``came`` the moment or date has come; ``open`` the local time lies in a windows-valued fact;
    ``stated`` true when known at all.
    ``kind`` is ``moment`` or ``date`` where time is compared. ``settled`` takes an unknown fact as not meeting the test.
    """

    fact: str
    operator: str
    value: object
    kind: Literal["", "moment", "date"] = ""
    settled: bool = False

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ExpressionError(f"unknown operator {self.operator!r}; expected one of {', '.join(sorted(OPERATORS))}")
        if self.operator in ("in", "has_any") and not isinstance(self.value, frozenset):
            raise ExpressionError(f"{self.operator} takes a frozenset, not {type(self.value).__name__}")
        if self.operator in ("within", "older_than") and not (isinstance(self.value, Period) and self.kind):
            raise ExpressionError(f"{self.operator} takes a period and a fact that is a moment or a date")

    def reads(self) -> tuple[str, ...]:
        """The facts that the test needs."""
        return (self.fact, self.value) if self.operator in ("before", "after") and isinstance(self.value, str) else (self.fact,)


@dataclass(frozen=True, slots=True)
class LocalTime(Node):
    """True when the clock stands inside the windows.

    ``offset`` is None for the called party's clock, else the fixed UTC offset in seconds of the clock that the law names.
    """

    windows: Windows
    offset: int | None = None

    def __post_init__(self) -> None:
        if len(self.windows) != 7:
            raise ExpressionError("windows need seven days, Monday first")
        for day in self.windows:
            previous = 0
            for start, end in day:
                if not previous <= start < end <= DAY_SECONDS:
                    raise ExpressionError(f"window {start}-{end} is empty, out of order or past midnight")
                previous = end


@dataclass(frozen=True, slots=True)
class ClosedDay(Node):
    """True when the called party's local date is a closed day of the named calendar."""

    calendar: str


@dataclass(frozen=True, slots=True)
class Count(Node):
    """True when at least ``at_least`` earlier attempts fall in the period before the moment.

    ``where`` gives for a field of an earlier attempt some values and whether it must be one of them (True) or none (False),
    ``same`` names fields that must equal the attempt's own (``subject``, ``debt``, ``to``, ``from``). A field missing in an entry
    matches. ``last`` of hours or days is rolling (``at - last < entry <= at``); ``calendar_days`` counts from local midnight that
    many dates back.
    """

    at_least: int
    last: Period
    per: Literal["person", "number", "debt"] = "person"
    where: tuple[tuple[str, frozenset, bool], ...] = ()
    same: tuple[str, ...] = ()
    calendar_days: int = 0


FACT_OF_COUNT = "history.attempts"


def facts_read(node: Node) -> frozenset[str]:
    """Names of all facts that a condition may read."""
    names: set[str] = set()
    for part in node.walk():
        if isinstance(part, Test):
            names.update(part.reads())
        elif isinstance(part, Count):
            names.add(FACT_OF_COUNT)
    return frozenset(names)


def conjunction(*items: Node) -> Node:
    """All of the items, flattened and without what is settled."""
    flat: list[Node] = []
    for item in items:
        for part in item.items if isinstance(item, All) else (item,):
            if part == FALSE:
                return FALSE
            if part != TRUE and part not in flat:
                flat.append(part)
    return TRUE if not flat else flat[0] if len(flat) == 1 else All(tuple(flat))


def disjunction(*items: Node) -> Node:
    """Any of the items, flattened and without what is settled."""
    flat: list[Node] = []
    for item in items:
        for part in item.items if isinstance(item, Any) else (item,):
            if part == TRUE:
                return TRUE
            if part != FALSE and part not in flat:
                flat.append(part)
    return FALSE if not flat else flat[0] if len(flat) == 1 else Any(tuple(flat))


def negation(item: Node) -> Node:
    """The opposite, with double negation and constants taken away."""
    if isinstance(item, Not):
        return item.item
    if isinstance(item, Const):
        return UNKNOWN if item.value is None else Const(not item.value)
    return Not(item)
