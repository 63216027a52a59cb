"""Conditions as polars expressions: many attempts judged at once, at one moment on one clock.

The moment is fixed, so hours, closed days and periods are constants: what an expression still asks is held in plain columns.
Polars reasons with null as the reference does with unknown, so one expression serves for *possible* (null counts as met) and
*certain* (it does not). Where facts that only the caller can know are unknown, a third one gives them the values that silence.

    frames = Frames(packs.closed, packs.vocabulary, moment)
    answers = [frames.answer(rule.kind, condition, reliefs, rule.deny_unknown).alias(rule.id) for ...]
    frames.prepare(facts_frame(rows, packs.vocabulary)).lazy().select(answers).collect()

Run them lazily: polars then works out once what several rules ask.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import pairwise, product
from operator import and_, or_

import polars as pl

from dialguard.backends.counting import counter
from dialguard.expr.fold import replace
from dialguard.expr.nodes import (
    FACT_OF_COUNT, FALSE, TRUE, All, Any, ClosedDay, Const, Count, LocalTime, Node, Not, Test, disjunction, facts_read,
)  # fmt: skip
from dialguard.expr.outcome import representatives
from dialguard.expr.reference import Closed, evaluate, holds
from dialguard.model.moment import DAY, EPOCH_ORDINAL, NEVER, Instant, Moment
from dialguard.model.vocabulary import Fact, Vocabulary

NOT_EVER = 2**63 - 1
"""NEVER in a column of moments or dates: after everything that there is."""
EARLIEST = -(2**63)

Span = tuple[int, int]
"""First and last number of an unbroken stretch, both inclusive."""
Leaf = Callable[[Test, bool], pl.Expr]
"""The expression of a test; the bool says that it does not stand under an odd number of ``not``."""

_SIGNS = {"at_least": pl.Expr.ge, "at_most": pl.Expr.le, "above": pl.Expr.gt, "below": pl.Expr.lt}
_NAMED = {"flag": pl.Boolean, "text": pl.String, "set": pl.List(pl.String), "windows": pl.Object, "attempts": pl.Object}


class FrameError(ValueError):
    """Facts that cannot be put into columns; the message names the fact, what was found and what was expected."""


def dtype(fact: Fact) -> pl.DataType | type[pl.DataType]:
    """The type of a fact's column; numbers, moments (microseconds) and dates (ordinals) are Int64."""
    return pl.Enum(fact.values) if fact.type == "choice" else _NAMED.get(fact.type, pl.Int64)


def facts_frame(rows: Sequence[Mapping[str, object]], vocabulary: Vocabulary) -> pl.DataFrame:
    """The facts of many attempts, a column for each fact that some row names; null is unknown, NOT_EVER is NEVER.

    Sets are lists of strings; windows and histories stay Python objects, which ``Frames.prepare`` turns into columns.
    Raises FrameError naming a fact that the vocabulary does not know, or whose value has the wrong type.
    """
    columns = []
    for name in sorted(set().union(*rows)):
        fact = vocabulary.get(name)
        if fact is None:
            raise FrameError(f"{name}: the vocabulary knows no such fact")
        values = [row.get(name) for row in rows]
        if fact.type in ("moment", "date"):
            values = [NOT_EVER if value is NEVER else value for value in values]
        elif fact.type == "set":
            values = [None if value is None else _listed(name, value) for value in values]
        try:
            columns.append(pl.Series(name, values, dtype(fact)))
        except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
            raise FrameError(f"{name}: expected values of type {fact.type}: {str(error).splitlines()[0]}") from None
    return pl.DataFrame(columns)


def _listed(name: str, value: object) -> list[object]:
    if not isinstance(value, frozenset | set):
        raise FrameError(f"{name}: found {type(value).__name__}, expected a set")
    return list(value)


def spans(test: Test, moment: Moment) -> list[Span]:
    """The numbers that meet a test of time whose bounds the moment fixes (all but *before* and *after* another fact)."""
    dated, now = test.kind == "date", moment.ordinal if test.kind == "date" else moment.instant
    match test.operator:
        case "came":
            return [(EARLIEST, now)]
        case "before" | "after":
            first = test.value + (test.operator == "after")
            edges = [first] if dated else dates_from(first, moment)
            return _stretches(edges, test.operator == "after", NOT_EVER - 1)
    if not dated and test.value.exact:
        edges = [now - test.value.microseconds + 1]
    else:
        # The first date whose period still reaches today; later ones reach further.
        first = bisect_left(range(1, moment.ordinal + 1), moment.ordinal, key=test.value.end_from) + 1
        edges = [first] if dated else dates_from(first, moment)
    return _stretches(edges, test.operator == "within", now)


def _stretches(edges: Sequence[int], inside: bool, last: int) -> list[Span]:
    """Where one is inside, or not, up to ``last``; the edges lead in and out by turns."""
    marks = [*([] if inside else [EARLIEST]), *edges]
    ends = [*marks[1:], last + 1]
    return [(low, min(high - 1, last)) for low, high in list(zip(marks, ends, strict=True))[::2] if low <= min(high - 1, last)]


def dates_from(first: int, moment: Moment) -> list[Instant]:
    """The instants at which the local date comes to be ``first`` or later, earlier again, later again, and so on.

    One instant, but where a clock is put back over midnight: the date then comes twice.
    """
    low = (first - EPOCH_ORDINAL - 2) * DAY
    high = low + 4 * DAY
    come = moment.date_of(low) >= first
    edges = [EARLIEST] if come else []
    # Between two jumps of the clock, dates only rise.
    for start, before in pairwise((low, *moment.clock.transitions(moment.zone, low + 1, high), high)):
        if (moment.date_of(start) >= first) != come:
            come = not come
            edges.append(start)
        if not come and moment.date_of(before - 1) >= first:
            come = True
            edges.append(bisect_left(range(start, before), first, key=moment.date_of) + start)
    return edges


class Frames:
    """The conditions of rules as expressions over a frame of facts, at one moment.

    ``fixed`` are facts known to be the same in every row (a campaign's): they are constants and need no column. Expressions
    of equal conditions are equal, so that polars shares them. Ask for the expressions first; then ``prepare`` the frame.
    """

    def __init__(self, closed: Closed, vocabulary: Vocabulary, moment: Moment, fixed: Mapping[str, object] | None = None) -> None:
        self.closed, self.vocabulary, self.moment = closed, vocabulary, moment
        self.fixed = {name: value for name, value in (fixed or {}).items() if value is not None}
        self._read: set[str] = set()
        self._worked_out: dict[tuple[str, object], str] = {}
        self._values: dict[Node, pl.Expr] = {}

    def settled(self, node: Node) -> Node:
        """The condition with everything worked out that the moment and the fixed facts settle."""
        return replace(node, self._constant)

    def value(self, node: Node) -> pl.Expr:
        """True, false, or null where the facts do not settle it; as ``reference.evaluate``."""
        return self._plain(self.settled(node))

    def possible(self, node: Node) -> pl.Expr:
        """Whether the condition may be met: an unknown test counts as met. No nulls."""
        return _filled(self.value(node), True)

    def certain(self, node: Node) -> pl.Expr:
        """Whether the condition is met whatever the unknown facts are. No nulls."""
        return _filled(self.value(node), False)

    def denies(self, kind: str, condition: Node, reliefs: Sequence[Node] = (), deny_unknown: bool = False) -> pl.Expr:
        """Whether the rule forbids the attempt, for certain or for want of a fact. No nulls."""
        return pl.lit(False) if kind == "obligation" else self._bites(condition, reliefs, True, deny_unknown)

    def obliges(self, kind: str, condition: Node, reliefs: Sequence[Node] = (), deny_unknown: bool = False) -> pl.Expr:
        """Whether the rule leaves the caller a duty, or a fact to vouch for. No nulls."""
        bites = self._bites(condition, reliefs, False, deny_unknown)
        return bites if kind == "obligation" else bites & ~self.denies(kind, condition, reliefs, deny_unknown)

    def answer(self, kind: str, condition: Node, reliefs: Sequence[Node] = (), deny_unknown: bool = False) -> pl.Expr:
        """The answer of ``expr.outcome.outcome`` as its SEVERITY: 0 silent, 1 obliged, 2 unknown, 3 prohibited (UInt8)."""
        number = self._bites(condition, reliefs, False, deny_unknown).cast(pl.UInt8)
        if kind == "obligation":
            return number
        certain = self.certain(condition) & ~self.possible(disjunction(*map(self.settled, reliefs)))
        return number + self.denies(kind, condition, reliefs, deny_unknown).cast(pl.UInt8) + certain.cast(pl.UInt8)

    def _bites(self, condition: Node, reliefs: Sequence[Node], denying: bool, deny_unknown: bool) -> pl.Expr:
        """Whether a rule is not silent; ``denying``: nor content with the caller's word for what only the caller can know."""
        settled, relief = self.settled(condition), disjunction(*map(self.settled, reliefs))
        if settled == FALSE or relief == TRUE:
            return pl.lit(False)
        value = self._plain(settled)
        bites = _filled(value, True)
        silenced = self._silenced(condition, settled) if denying and not deny_unknown else None
        if silenced is not None:
            # What is false for certain stays false whatever the caller says; only a settled test can turn.
            turns = any(isinstance(node, Test) and node.settled and self._asserted(node) for node in settled.walk())
            bites = bites & ~(silenced & value.is_null()) if turns else ~silenced
        return bites if relief == FALSE else bites & ~_filled(self._plain(relief), False)

    def prepare(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with what the expressions asked for until now: facts that it lacks (unknown) and what Python works out.

        Python looks at each distinct history and set of windows once; sets become a column for each word that is asked for.
        """
        missing = [pl.lit(None, dtype(self._fact(name))).alias(name) for name in sorted(self._read - set(frame.columns))]
        frame = frame.with_columns(missing)
        words: dict[str, set[object]] = {}
        distinct: dict[str, tuple[list[object], list[int]]] = {}
        added = []
        for (fact, asked), name in self._worked_out.items():
            if self._fact(fact).type == "set":
                if fact not in words:
                    words[fact] = set(frame[fact].explode().unique())
                column = pl.col(fact)
                has = column.list.contains(asked) if asked in words[fact] else pl.when(column.is_not_null()).then(False)
                added.append(has.alias(name))
                continue
            if fact not in distinct:
                codes: dict[object, int] = {}
                places = [codes.setdefault(value, len(codes)) for value in frame[fact].to_list()]
                distinct[fact] = list(codes), places
            values, places = distinct[fact]
            answer = self._answer_of(fact, asked)
            answers = [None if value is None else answer(value) for value in values]
            added.append(pl.Series(name, answers, pl.Boolean).gather(places))
        return frame.with_columns(added)

    def _answer_of(self, fact: str, asked: object) -> Callable[[object], bool | None]:
        """What is asked of one history or one set of windows."""
        if isinstance(asked, Count):
            reached = counter(asked)
            return lambda history: reached(history, self.moment)  # type: ignore[arg-type]
        return lambda windows: holds(Test(fact, "open", True), {fact: windows}, self.moment)

    def _constant(self, node: Node) -> Node | None:
        """What the moment and the fixed facts make of a leaf."""
        match node:
            case LocalTime() | ClosedDay():
                return Const(evaluate(node, {}, self.moment, self.closed))
            case Test() | Count() if facts_read(node) <= self.fixed.keys():
                return Const(evaluate(node, self.fixed, self.moment, self.closed))
        return None

    def _fact(self, name: str) -> Fact:
        fact = self.vocabulary.get(name)
        if fact is None:
            raise FrameError(f"{name}: the vocabulary knows no such fact")
        return fact

    def _column(self, name: str) -> pl.Expr:
        self._fact(name)
        self._read.add(name)
        return pl.col(name)

    def _added(self, fact: str, asked: object) -> pl.Expr:
        """A column that ``prepare`` works out from a fact."""
        self._column(fact)
        return pl.col(self._worked_out.setdefault((fact, asked), f"{fact} #{len(self._worked_out)}"))

    def _plain(self, node: Node) -> pl.Expr:
        found = self._values.get(node)
        if found is None:
            found = self._values[node] = self._written(node, self._leaf, True)
        return found

    def _written(self, node: Node, leaf: Leaf, positive: bool) -> pl.Expr:
        below = self._plain if leaf == self._leaf else lambda child: self._written(child, leaf, positive != isinstance(node, Not))
        match node:
            case Const(value):
                return pl.lit(value, pl.Boolean)
            case All(items):  # settled conditions have no empty ones
                return reduce(and_, map(below, items))
            case Any(items):
                return reduce(or_, map(below, items))
            case Not(item):
                return ~below(item)
            case Count():
                return self._added(FACT_OF_COUNT, node)
            case Test():
                return leaf(node, positive)
        raise TypeError(f"frames have no expression for {type(node).__name__}")

    def _leaf(self, test: Test, _positive: bool) -> pl.Expr:
        held = self._held(test)
        return _filled(held, False) if test.settled else held

    def _held(self, test: Test) -> pl.Expr:
        """Whether the test is met, null where its facts are unknown."""
        if len(test.reads()) == 2:
            return self._compared(test, {})
        if test.operator == "open":
            return self._added(test.fact, "open")
        column, value = self._column(test.fact), test.value
        match test.operator:
            case "stated":
                return pl.when(column.is_not_null()).then(True)
            case "in":
                return self._among(test)
            case "has_any":
                if not value:
                    return pl.when(column.is_not_null()).then(False)
                return reduce(or_, (self._added(test.fact, word) for word in sorted(value)))
            case "at_least" | "at_most" | "above" | "below":
                return _SIGNS[test.operator](column, value)
        found = spans(test, self.moment)
        parts = [column <= high if low == EARLIEST else column.is_between(low, high) for low, high in found]
        return reduce(or_, parts) if parts else column < EARLIEST

    def _among(self, test: Test) -> pl.Expr:
        column, fact = self._column(test.fact), self._fact(test.fact)
        values = [value for value in fact.values if value in test.value] if fact.type == "choice" else sorted(test.value)
        if values in ([True], [False]):
            return column if values == [True] else ~column
        return column == values[0] if len(values) == 1 else column.is_in(values)

    def _compared(self, test: Test, given: Mapping[str, object]) -> pl.Expr:
        """One fact before or after another; ``given`` are values to take where a fact is unknown."""
        one, other = (self._instants(name, given) for name in test.reads())
        early, late = (one, other) if test.operator == "before" else (other, one)
        passes = early < late
        return passes & ((late != NOT_EVER) | passes.is_null())

    def _instants(self, name: str, given: Mapping[str, object]) -> pl.Expr:
        if name in self.fixed:
            return pl.lit(_number(self.fixed[name]), pl.Int64)
        return self._column(name).fill_null(_number(given[name])) if name in given else self._column(name)

    def _asserted(self, test: Test) -> list[str]:
        """The facts of a test that only the caller can know, and that are not fixed."""
        return [name for name in test.reads() if self.vocabulary.is_asserted(name) and name not in self.fixed]

    def _tests(self, condition: Node) -> dict[str, list[Test]]:
        """The tests on each such fact."""
        found: dict[str, list[Test]] = {}
        for node in condition.walk():
            if isinstance(node, Test):
                for name in self._asserted(node):
                    found.setdefault(name, []).append(node)
        return found

    def _silenced(self, condition: Node, settled: Node) -> pl.Expr | None:
        """Whether some value of the unknown asserted facts makes the condition false; None where it reads no such fact.

        As ``outcome.silenceable``. A fact that is read once is taken to fail its test (or, under a ``not``, to meet it); of
        one that is read more often, each value that makes a difference is tried in all places at once.
        """
        tests = self._tests(settled)
        if not tests:
            return None
        every = self._tests(condition)
        values = {name: list(representatives(name, every[name], self.moment, self.vocabulary)) for name in tests}
        outcomes = {name: self._turns_out(tests[name], name, values[name]) for name in tests}
        once = {name for name in tests if outcomes[name].keys() == {(True,), (False,)}}  # one test, which may go either way
        tried = [name for name in tests if name not in once]
        choices = [outcomes[name].values() for name in tried]
        ways = []
        for chosen in product(*choices):
            given = dict(zip(tried, chosen, strict=True))
            value = self._written(settled, self._supposing(once, given), True)
            ways.append(_filled(~value, False))
        return reduce(or_, ways)

    def _turns_out(self, tests: Sequence[Test], name: str, values: Sequence[object]) -> dict[tuple, object]:
        """A value for each way in which the tests on one fact can turn out; every value where another fact has a say."""
        if any(len(test.reads()) == 2 for test in tests):
            return {(value,): value for value in values}
        return {tuple(holds(test, {name: value}, self.moment) for test in tests): value for value in values}

    def _supposing(self, once: set[str], given: Mapping[str, object]) -> Leaf:
        """Tests on asserted facts that are unknown turn out as the facts ``given`` say, or so as to silence."""

        def leaf(test: Test, positive: bool) -> pl.Expr:
            if not self._asserted(test):
                return self._leaf(test, positive)
            if test.fact in once:
                return _filled(self._held(test), not positive)
            if len(test.reads()) == 2:
                compared = self._compared(test, given)
                return _filled(compared, False) if test.settled else compared
            return _filled(self._held(test), holds(test, given, self.moment))

        return leaf


def _filled(value: pl.Expr, unknown: bool) -> pl.Expr:
    return value.fill_null(unknown)


def _number(value: object) -> object:
    return NOT_EVER if value is NEVER else value
