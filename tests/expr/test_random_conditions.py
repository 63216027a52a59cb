"""Random conditions: folding keeps the meaning, closures say what the reference says, and no change of value is missed."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard.backends.closures import CERTAIN, POSSIBLE, Clause, Compiler, predicate
from dialguard.expr.fold import fold
from dialguard.expr import nodes
from dialguard.expr.nodes import FALSE, TRUE, Const
from dialguard.expr.outcome import OBLIGED, PROHIBITED, SILENT, UNKNOWN_FACT, needs, outcome
from dialguard.expr.reference import evaluate
from dialguard.expr.when import next_change
from dialguard.model.moment import DAY, HOUR, MINUTE, SECOND
from tests.expr import trees

SEEDS = st.integers(0, 2**48)


def case(seed: int, depth: int = 3):
    rng = random.Random(seed)
    at = trees.moment(rng)
    return rng, trees.tree(rng, depth), trees.facts(rng, at, rng.random() * 0.6), at


@settings(max_examples=2500)
@given(SEEDS)
def test_possible_and_certain_are_the_two_sides_of_the_reference(seed: int) -> None:
    _, node, facts, at = case(seed)
    value = evaluate(node, facts, at, trees.closed)
    assert predicate(node, POSSIBLE, trees.closed, trees.VOCABULARY)(facts, at) is (value is not False)
    assert predicate(node, CERTAIN, trees.closed, trees.VOCABULARY)(facts, at) is (value is True)


@settings(max_examples=2500)
@given(SEEDS)
def test_folding_keeps_the_value(seed: int) -> None:
    rng, node, facts, at = case(seed)
    fixed = {name: facts[name] for name in trees.NAMES if name != "history.attempts" and rng.random() < 0.5}
    folded = fold(node, fixed)
    assert evaluate(folded, facts, at, trees.closed) is evaluate(node, facts, at, trees.closed)
    other = trees.moment(rng)
    facts = {**trees.facts(rng, other, 0.3), **fixed}
    assert evaluate(folded, facts, other, trees.closed) is evaluate(node, facts, other, trees.closed)


@settings(max_examples=2500)
@given(SEEDS)
def test_a_program_gives_the_outcome_of_the_reference(seed: int) -> None:
    """Folded as programs are: whatever the campaign fixes, but never an asserted fact that it leaves open."""
    rng, node, facts, at = case(seed)
    reliefs = [trees.tree(rng, 2) for _ in range(rng.choice((0, 0, 1, 2)))]
    kind, deny_unknown = rng.choice(("prohibition", "prohibition", "obligation")), rng.random() < 0.1
    expected = outcome(kind, node, reliefs, facts, at, trees.closed, trees.VOCABULARY, deny_unknown)
    fixed = {
        name: facts[name]
        for name in trees.NAMES
        if name != "history.attempts" and rng.random() < 0.3 and (facts[name] is not None or not trees.VOCABULARY.is_asserted(name))
    }
    for folding in ({}, fixed):
        condition, lifting = fold(node, folding), [fold(relief, folding) for relief in reliefs]
        deny: list[int] = []
        oblige: list[int] = []
        if condition != FALSE and TRUE not in lifting:
            lifting = [relief for relief in lifting if relief not in (FALSE, Const(None))]
            clause = Clause(7, kind, condition, tuple(lifting), deny_unknown)
            Compiler(trees.closed, trees.VOCABULARY).compile([clause], "test")(facts, at, deny, oblige)
        assert {SILENT: ([], []), OBLIGED: ([], [7]), UNKNOWN_FACT: ([7], []), PROHIBITED: ([7], [])}[expected] == (deny, oblige)


@settings(max_examples=600)
@given(SEEDS)
def test_rules_that_share_parts_do_not_disturb_each_other(seed: int) -> None:
    """One program for many rules works out a part once that several ask, some of them in another sense."""
    rng = random.Random(seed)
    at = trees.moment(rng)
    facts = trees.facts(rng, at, rng.random() * 0.6)
    parts = [trees.tree(rng, 2) for _ in range(5)]

    def joined() -> nodes.Node:
        chosen = [rng.choice((part, nodes.Not(part))) for part in rng.sample(parts, rng.choice((1, 2, 3)))]
        return fold(rng.choice((nodes.All, nodes.Any))(tuple(chosen)), {})

    laws = {f"rule{number}": (rng.choice(("prohibition", "prohibition", "obligation")), joined(), [joined() for _ in range(rng.choice((0, 1, 2)))]) for number in range(8)}
    deny: list[str] = []
    oblige: list[str] = []
    clauses = [Clause(name, kind, condition, tuple(reliefs)) for name, (kind, condition, reliefs) in laws.items()]
    Compiler(trees.closed, trees.VOCABULARY).compile(clauses, "test")(facts, at, deny, oblige)
    for name, (kind, condition, reliefs) in laws.items():
        expected = outcome(kind, condition, reliefs, facts, at, trees.closed, trees.VOCABULARY)
        assert (name in deny, name in oblige) == (expected in (UNKNOWN_FACT, PROHIBITED), expected == OBLIGED)
    assert len(deny) == len(set(deny)) and len(oblige) == len(set(oblige))


@settings(max_examples=1500)
@given(SEEDS)
def test_forgetting_a_fact_never_settles_or_turns_a_condition(seed: int) -> None:
    rng, node, facts, at = case(seed)
    settled = any(isinstance(part, nodes.Test) and part.settled for part in node.walk())
    before = evaluate(node, facts, at, trees.closed)
    less = dict.fromkeys(rng.sample(trees.NAMES, 3))
    after = evaluate(node, {**facts, **less}, at, trees.closed)
    assert settled or after is None or after is before


@settings(max_examples=1500)
@given(SEEDS)
def test_what_a_condition_needs_is_what_would_settle_it(seed: int) -> None:
    rng, node, facts, at = case(seed)
    value = evaluate(node, facts, at, trees.closed)
    missing = needs([node], facts, at, trees.closed)
    if value is not None:
        assert not missing
        return
    assert all(facts[name] is None or name == "history.attempts" for name in missing)
    # Facts that are not needed change nothing, whatever they turn out to be.
    others = {name: trees.value(rng, name, at) for name in trees.NAMES if facts[name] is None and name not in missing}
    if not any(part == Const(None) or (isinstance(part, nodes.Test) and part.settled) for part in node.walk()):
        assert evaluate(node, {**facts, **others}, at, trees.closed) is None


@settings(max_examples=400)
@given(SEEDS)
def test_between_two_changes_nothing_changes(seed: int) -> None:
    """Walked for twelve days from change to change; every stretch is probed at its ends, at full and half hours and between."""
    rng, node, facts, at = case(seed, 2)
    end = at.instant + 12 * DAY
    stretches = 0
    while at.instant < end and stretches < 60:
        stretches += 1
        value = evaluate(node, facts, at, trees.closed)
        change = next_change(node, facts, at, trees.closed)
        assert change is None or change > at.instant
        until = end if change is None else min(change, end)
        probes = {until - 1, until - SECOND, at.instant + 1, at.instant + SECOND, at.instant + 5 * MINUTE}
        probes.update(range(at.instant // HOUR * HOUR + HOUR, until, max(HOUR, (until - at.instant) // 40 // HOUR * HOUR)))
        probes.update({probe + step for probe in probes for step in (-SECOND, -1, 30 * MINUTE)})
        probes.update(rng.randrange(at.instant, until) for _ in range(10))
        for probe in probes:
            if at.instant < probe < until:
                assert evaluate(node, facts, at.at(probe), trees.closed) is value, (node, at, probe, change)
        if change is None:
            return
        at = at.at(change)


@settings(max_examples=400)
@given(SEEDS)
def test_without_a_change_in_sight_nothing_ever_changes(seed: int) -> None:
    rng, node, facts, at = case(seed, 2)
    if next_change(node, facts, at, trees.closed) is None:
        value = evaluate(node, facts, at, trees.closed)
        for _ in range(40):
            later = at.at(at.instant + rng.randrange(1, 390 * DAY))
            assert evaluate(node, facts, later, trees.closed) is value
