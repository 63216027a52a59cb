"""Conditions as polars expressions say what the reference says, row by row."""

import dataclasses
import os
import random
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard.backends.frames import EARLIEST, NOT_EVER, FrameError, Frames, facts_frame, spans
from dialguard.expr import nodes
from dialguard.expr.fold import replace
from dialguard.expr.nodes import FALSE, All, Any, Const, Not, Period
from dialguard.expr.outcome import SEVERITY, outcome
from dialguard.expr.reference import evaluate, holds
from dialguard.facts import clock
from dialguard.model.moment import DAY, HOUR, NEVER, SECOND, Moment
from dialguard.packs.load import load
from dialguard.packs.testing import conditions_of_reliefs
from tests.engine.generate import ZONES, FactMaker, random_moment
from tests.expr import trees

PAIRS = int(os.environ.get("DIALGUARD_PARITY_PAIRS", "200000"))
ROWS, LAWS = 60, 40
LONG_AGO = 719_163 - 700  # nearly two years before 1970: the zone tables reach back three
JUMPS = tuple(clock.parse_instant(f"{day}T00:00:00Z") for day in ("2024-03-10", "2025-11-02", "2026-03-08", "2026-11-01", "2027-03-14"))


def test_frames_agree_with_the_reference() -> None:
    """Seeded (rule, facts) pairs, 0 to 60 % of the facts unknown; many rows a moment, and rules of one scope together."""
    packs = load()
    rules = [rule for rule in packs.rules if rule.kind in ("prohibition", "obligation") and rule.spans]
    maker = FactMaker(packs, [span.condition for rule in packs.rules for span in rule.spans])
    rng = random.Random(20261123)
    tally = dict.fromkeys(SEVERITY.values(), 0)
    done = 0
    while done < PAIRS:
        at = moment(rng)
        lead = rng.choice(rules)
        alike = [rule for rule in rules if rule.scope == lead.scope]
        laws = {rule.id: rule for rule in (*rng.sample(alike, min(LAWS, len(alike))), *rng.sample(rules, 5))}.values()
        rows = [row(rng, maker, at, lead.scope) for _ in range(ROWS)]
        frames = Frames(packs.closed, packs.vocabulary, at)
        asked, answers = {}, []
        for rule in laws:
            span = rule.span(at.ordinal)
            if span is not None:
                asked[rule.id] = rule.kind, span.condition, tuple(conditions_of_reliefs(packs, rule, at.ordinal)), rule.deny_unknown
                answers.append(frames.answer(*asked[rule.id]).alias(rule.id))
        found = frames.prepare(facts_frame(rows, packs.vocabulary)).lazy().with_columns(answers).collect()
        for name, (kind, condition, reliefs, deny_unknown) in asked.items():
            for facts, answer in zip(rows, found[name], strict=True):
                expected = SEVERITY[outcome(kind, condition, reliefs, facts, at, packs.closed, packs.vocabulary, deny_unknown)]
                assert answer == expected, (name, at, facts)
                tally[expected] += 1
                done += 1
    print(tally)
    assert min(tally.values()) > PAIRS // 200, tally  # every outcome occurs often, or the test proves little


def moment(rng: random.Random) -> Moment:
    """A moment as elsewhere, or one in a night on which clocks jump, on the hour or a microsecond beside it."""
    if rng.random() < 0.6:
        return random_moment(rng)
    base = rng.choice(JUMPS) + rng.randrange(3, 18) * HOUR + rng.choice((0, 30 * 60 * SECOND)) + rng.choice((-1, 0, 1))
    return Moment(base, rng.choice(ZONES), clock)


def row(rng: random.Random, maker: FactMaker, at: Moment, scope: dict[str, object]) -> dict[str, object]:
    """Facts of which the scope mostly holds, and some moments a microsecond beside the edge of a period."""
    facts = maker.facts(rng, at, rng.random() * 0.6)
    for name, periods in maker.periods.items():
        value = facts[name]
        if value is not None and value is not NEVER and rng.random() < 0.4:
            period = rng.choice(sorted(periods, key=str))
            kind = maker.packs.vocabulary.get(name).type
            facts[name] = rng.choice(edges(at, period, kind)) + rng.choice((-1, 0, 1))
    for name, value in scope.items():
        if rng.random() < 0.85:
            facts[name] = value
    return facts


def edges(at: Moment, period: Period, kind: str) -> list[int]:
    """Where a period that ends now may begin, and the moment itself."""
    if period.exact:
        return [at.instant - period.microseconds, at.instant]
    months = at.ordinal - period.months * 30.436875 - period.days
    days = [day for day in range(round(months) - 4, round(months) + 5) if period.end_from(day) - at.ordinal in (-1, 0)] or [round(months)]
    if kind == "date":
        return [*days, at.ordinal]
    return [*(clock.first_instant_at_or_after(day, 0, at.zone) for day in days if day > LONG_AGO), at.instant]


def values(frames: Frames, expressions: list[pl.Expr], rows: list[dict], vocabulary) -> list[list]:
    """The answers of some expressions, a list for each."""
    named = [expression.alias(f"answer {number}") for number, expression in enumerate(expressions)]
    found = frames.prepare(facts_frame(rows, vocabulary)).lazy().with_columns(named).collect()
    return [found[f"answer {number}"].to_list() for number in range(len(named))]


SEEDS = st.integers(0, 2**48)


@settings(max_examples=300)
@given(SEEDS)
def test_random_conditions_have_the_values_of_the_reference(seed: int) -> None:
    rng = random.Random(seed)
    at = trees.moment(rng)
    node = trees.tree(rng)
    rows = [trees.facts(rng, at, rng.random() * 0.6) for _ in range(20)]
    for fixed in ({}, fixed_facts(rng, rows)):
        frames = Frames(trees.closed, trees.VOCABULARY, at, fixed)
        meant = [evaluate(node, facts | fixed, at, trees.closed) for facts in rows]
        value, possible, certain = values(frames, [frames.value(node), frames.possible(node), frames.certain(node)], rows, trees.VOCABULARY)
        assert value == meant
        assert possible == [each is not False for each in meant]
        assert certain == [each is True for each in meant]


def fixed_facts(rng: random.Random, rows: list[dict]) -> dict[str, object]:
    """Some known facts of the first row, to be those of every row."""
    return {name: value for name, value in rows[0].items() if value is not None and rng.random() < 0.3}


@settings(max_examples=300)
@given(SEEDS)
def test_random_rules_have_the_outcomes_of_the_reference(seed: int) -> None:
    """Facts that only the caller can know are read several times, in several ways, held against each other, and settled."""
    rng = random.Random(seed)
    at = trees.moment(rng)
    condition = trees.tree(rng)
    if rng.random() < 0.5:
        said = [trees.leaf(rng) for _ in range(3)]
        said = [part for part in said if isinstance(part, nodes.Test) and trees.VOCABULARY.is_asserted(part.fact)]
        condition = All((condition, Any((*said, Const(False))), Any((*map(Not, said), Const(None)))))
    if rng.random() < 0.2:
        condition = replace(condition, lambda part: _settle(part) if rng.random() < 0.5 else None)
    reliefs = [trees.tree(rng, 2) for _ in range(rng.choice((0, 0, 1, 2)))]
    kind, deny_unknown = rng.choice(("prohibition", "prohibition", "obligation")), rng.random() < 0.1
    rows = [trees.facts(rng, at, rng.random() * 0.6) for _ in range(20)]
    law = kind, condition, reliefs, deny_unknown
    for fixed in ({}, fixed_facts(rng, rows)):
        frames = Frames(trees.closed, trees.VOCABULARY, at, fixed)
        answers, denials, duties = values(frames, [frames.answer(*law), frames.denies(*law), frames.obliges(*law)], rows, trees.VOCABULARY)
        meant = [outcome(kind, condition, reliefs, facts | fixed, at, trees.closed, trees.VOCABULARY, deny_unknown) for facts in rows]
        expected = [SEVERITY[each] for each in meant]
        assert answers == expected
        assert denials == [answer >= 2 for answer in expected]
        assert duties == [answer == 1 for answer in expected]


def _settle(part: nodes.Node) -> nodes.Node | None:
    return dataclasses.replace(part, settled=True) if isinstance(part, nodes.Test) else None


# Nights in which summer time ended at 00:01 and the day before came back for an hour, the days after, and the ends of the zone tables.
ODD = (
    *(("Pacific/Guam", f"1969-01-{day}T13:0{minute}:00Z") for day in (25, 26, 27) for minute in (0, 1, 2)),
    *(("America/St_Johns", f"1988-10-{day}T{hour}:31:00Z") for day in (30, 31) for hour in ("01", "02", "03")),
    ("America/New_York", "1967-01-03T05:00:00Z"), ("Pacific/Guam", "1967-01-03T05:00:00Z"), ("America/Chicago", "1967-03-01T05:00:00Z"),
    ("America/Anchorage", "1983-10-31T09:59:59Z"), ("America/Los_Angeles", "2100-12-31T23:59:59Z"),
)  # fmt: skip
PERIODS = (
    Period(), Period(days=1), Period(days=2), Period(days=31), Period(months=1), Period(months=2), Period(months=18),
    Period(months=12, days=1), Period(months=2400), Period(hours=24), Period(hours=1), Period(minutes=5),
)  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_the_bounds_of_time_are_exact(seed: int) -> None:
    """A microsecond either side of every bound, at jumps of the clock about it and anywhere: the spans hold what meets the test."""
    rng = random.Random(seed)
    if seed < len(ODD):
        zone, text = ODD[seed]
        at = Moment(clock.parse_instant(text) + rng.choice((-1, 0, 1)), zone, clock)
    else:
        at = moment(rng)
    tests = [nodes.Test("f", operator, period, "moment") for operator in ("within", "older_than") for period in PERIODS]
    tests += [nodes.Test("f", test.operator, test.value, "date") for test in tests if not test.value.exact]
    for operator, kind in product(("before", "after"), ("moment", "date")):
        tests += [nodes.Test("f", operator, at.ordinal - back, kind) for back in (-1, 0, 1, 300)]
    tests += [nodes.Test("f", "came", True, kind) for kind in ("moment", "date")]
    for test in tests:
        found = spans(test, at)
        assert all(low <= high for low, high in found)
        if test.kind == "date":
            marks = {bound for span in found for bound in span if 1 < bound < 3_652_059} | {at.ordinal}
            probes = {mark + step for mark in marks for step in (-2, -1, 0, 1, 2)} | {rng.randrange(1, 2 * at.ordinal) for _ in range(30)}
        else:
            marks = {bound for span in found for bound in span if abs(bound) < 10**17} | {at.instant}
            for mark in list(marks):
                marks.update(clock.transitions(at.zone, mark - 3 * DAY, mark + 3 * DAY))
            probes = {mark + step for mark in marks for step in (-DAY, -HOUR, -SECOND, -1, 0, 1, SECOND, HOUR, DAY)}
            probes |= {at.instant - rng.randrange(-400 * DAY, 800 * DAY) for _ in range(30)}
        for probe in probes:
            assert any(low <= probe <= high for low, high in found) is holds(test, {"f": probe}, at), (test, at, probe)
        assert not any(low <= NOT_EVER <= high for low, high in found)


def test_a_date_that_comes_twice_is_counted_both_times() -> None:
    """Guam put its clock back from 00:01 to 23:01 of the day before: two stretches of the later date."""
    jump = clock.parse_instant("1969-01-25T13:01:00Z")
    at = Moment(jump, "Pacific/Guam", clock)
    assert (at.second, at.date_of(jump - 1)) == (23 * 3600 + 60, at.ordinal + 1)
    come, again = jump - 60 * SECOND, jump + 59 * 60 * SECOND
    assert spans(nodes.Test("f", "after", at.ordinal, "moment"), at) == [(come, jump - 1), (again, NOT_EVER - 1)]
    assert spans(nodes.Test("f", "before", at.ordinal + 1, "moment"), at) == [(EARLIEST, come - 1), (jump, again - 1)]


def one(expression_of, rows: list[dict], at: Moment, fixed=None) -> list:
    """The answers of one expression over the vocabulary of the random trees."""
    frames = Frames(trees.closed, trees.VOCABULARY, at, fixed)
    return values(frames, [expression_of(frames)], rows, trees.VOCABULARY)[0]


NOON = Moment(clock.parse_instant("2026-11-22T17:00:00Z"), "America/New_York", clock)


def test_what_no_row_names_is_unknown() -> None:
    test = nodes.Test("listed", "in", frozenset({True}))
    assert one(lambda frames: frames.value(test), [{"level": "low"}, {}], NOON) == [None, None]
    assert one(lambda frames: frames.possible(test), [{"level": "low"}, {}], NOON) == [True, True]
    assert one(lambda frames: frames.value(nodes.Test("forms", "has_any", frozenset({"low"}))), [{}, {"forms": None}], NOON) == [None, None]
    assert one(lambda frames: frames.value(nodes.Test("agreed", "open", True)), [{"level": "low"}], NOON) == [None]


def test_a_word_that_no_row_has_is_not_unknown() -> None:
    rows = [{"states": frozenset({"TX"})}, {"states": frozenset()}, {"states": None}]
    assert one(lambda frames: frames.value(nodes.Test("states", "has_any", frozenset({"NJ"}))), rows, NOON) == [False, False, None]
    assert one(lambda frames: frames.value(nodes.Test("states", "has_any", frozenset({"NJ", "TX"}))), rows, NOON) == [True, False, None]


def test_never_is_known_and_meets_nothing() -> None:
    rows = [{"began": NEVER, "ended": 0}, {"began": 0, "ended": NEVER}, {"began": None, "ended": NEVER}, {"began": NEVER, "ended": None}]
    for operator in ("before", "after"):
        test = nodes.Test("began", operator, "ended", "moment")
        assert one(lambda frames, test=test: frames.value(test), rows, NOON) == [False, False, None, None]
        assert one(lambda frames, test=test: frames.value(test), rows, NOON, {"began": 5}) == [operator == "after", False, False, None]
    assert one(lambda frames: frames.value(nodes.Test("began", "came", True, "moment")), rows, NOON) == [False, True, None, False]


def test_what_the_moment_settles_costs_nothing() -> None:
    """Out of its hours a rule is a constant, and asks for no column."""
    frames = Frames(trees.closed, trees.VOCABULARY, NOON, {"level": "low"})
    shut = nodes.Test("level", "in", frozenset({"high"}))
    assert frames.settled(All((shut, nodes.Test("listed", "in", frozenset({True}))))) == FALSE
    expression = frames.answer("prohibition", All((shut, nodes.Test("listed", "in", frozenset({True})))))
    assert expression.meta.root_names() == []


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"nothing.known": True}, "nothing.known"),
        ({"listed": "yes"}, "listed: expected values of type flag"),
        ({"level": "highest"}, "level: expected values of type choice"),
        ({"rate": "3 %"}, "rate: expected values of type rate"),
        ({"began": 2**70}, "began: expected values of type moment"),
        ({"forms": "low"}, "forms: found str, expected a set"),
    ],
)
def test_facts_of_a_wrong_type_are_named(row: dict, words: str) -> None:
    with pytest.raises(FrameError, match=words):
        facts_frame([{"listed": True}, row], trees.VOCABULARY)


def test_conditions_on_unknown_facts_are_refused() -> None:
    with pytest.raises(FrameError, match=r"nothing\.known"):
        Frames(trees.closed, trees.VOCABULARY, NOON).value(nodes.Test("nothing.known", "in", frozenset({True})))
