"""What the benchmarks time is right: the neutral rules as packs, the hand-written code, the attempts of a dialer."""

import random

import pytest

from benchmarks import dials, timing
from benchmarks.__main__ import main
from benchmarks.neutral.attempts import attempts
from benchmarks.neutral.hand import checker
from benchmarks.neutral.packs import facts_of, moments, neutral_packs
from benchmarks.neutral.rules import STATES, holds, rules, violated
from dialguard import Guard
from dialguard.engine.judge import Engine
from dialguard.facts import clock
from dialguard.packs.load import Packs

NUMBER = 2_000


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Packs:
    return neutral_packs(tmp_path_factory.mktemp("neutral"))


@pytest.fixture(scope="module")
def expected() -> list[frozenset[str]]:
    held = rules()
    return [violated(held, attempt) for attempt in attempts(NUMBER)]


def test_the_rules_load_as_packs(packs: Packs) -> None:
    assert {rule.id for rule in packs.rules} == set(rules())
    assert len(packs.rules) == 127
    assert {rule.jurisdiction for rule in packs.rules} == {"US", *STATES}


def test_the_attempts_are_those_of_the_seed(expected: list[frozenset[str]]) -> None:
    given = attempts(NUMBER)
    assert given == attempts(NUMBER + 10)[:NUMBER]
    assert {len(attempt) for attempt in given} == {23}
    assert 0.55 < sum(map(bool, expected)) / NUMBER < 0.65
    assert len(frozenset().union(*expected)) > 80  # most rules are broken by somebody


@pytest.mark.parametrize(("index", "specialise"), [(True, True), (False, False)])
def test_the_engine_agrees_with_the_plain_interpreter(packs: Packs, expected: list[frozenset[str]], index: bool, specialise: bool) -> None:
    engine = Engine(packs, clock, index=index, specialise=specialise)
    given = [facts_of(attempt, at) for attempt, at in zip(attempts(NUMBER), moments(NUMBER), strict=True)]
    found = [engine.rule_ids(facts) for facts in given]
    assert all(len(ids) == len(set(ids)) for ids in found)
    assert [frozenset(ids) for ids in found] == expected
    # The full judgement says the same as the ids alone.
    assert [frozenset(finding.rule for finding in engine.judge(facts).deny) for facts in given[:200]] == expected[:200]


def test_the_hand_written_code_agrees_too(expected: list[frozenset[str]]) -> None:
    check = checker()
    assert [frozenset(check(attempt)) for attempt in attempts(NUMBER)] == expected


def test_the_plain_interpreter_knows_every_form() -> None:
    attempt = {"a": 3, "b": "x"}
    assert holds({"all": [("a", ">=", 3), ("a", "<=", 3), ("b", "in", ["x", "y"]), {"not": ("b", "==", "y")}]}, attempt)
    assert not holds({"any": [("a", "<", 3), ("a", ">", 3), ("b", "!=", "x"), {"all": [("a", "==", 4)]}]}, attempt)


def test_a_dialers_attempts_state_every_fact() -> None:
    guard = Guard(no_store=True)
    guard.add_campaign(dials.CAMPAIGN)
    decisions = [guard.check(attempt) for attempt in dials.attempts(400, 5)]
    denied = [decision for decision in decisions if not decision.allowed]
    assert 0.45 < len(denied) / len(decisions) < 0.75
    open_ = [decision for decision in denied if any("needs" in reason for reason in decision.reasons)]
    assert len(open_) <= 0.02 * len(decisions)


def test_contenders_are_all_timed_on_the_same_inputs() -> None:
    seen: dict[str, list[object]] = {"one": [], "two": [], "three": []}
    inputs = list(range(40))
    contenders = [timing.Contender(name, seen[name].append, inputs, 5 if name == "three" else None) for name in seen]
    results = timing.interleaved(contenders, 4, 10)
    assert seen["one"] == seen["two"]
    assert sorted(set(seen["one"])) == inputs
    assert set(seen["three"]) < set(inputs)
    assert [result.name for result in results] == ["one", "two", "three"]
    assert results[0].ratio == 1
    assert all(result.microseconds > 0 and result.low <= result.ratio <= result.high for result in results)


def test_a_slower_call_has_the_higher_ratio() -> None:
    quick, slow = (lambda item: None), (lambda item: sum(range(2_000)))
    results = timing.interleaved([timing.Contender("quick", quick, [1] * 50), timing.Contender("slow", slow, [1] * 50)], 5, 50)
    assert results[1].ratio > 5
    rng = random.Random(1)
    pair = timing.Pair("slow", slow, iter([rng.random() for _ in range(60)]))
    assert timing.paired([pair], "quick", quick, 3, 20)[1].ratio > 5


def test_an_unknown_benchmark_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "nosuch"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "nosuch" in capsys.readouterr().err
