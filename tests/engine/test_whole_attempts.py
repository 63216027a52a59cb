"""Whole attempts against all packs: the engine says what the reference says, and no shortcut changes a word of the decision.

`DIALGUARD_ATTEMPTS=100000 .venv/bin/python -m pytest -q tests/engine/test_whole_attempts.py` judges 100,000 attempts; every
process takes its share. A failure names the seed of the attempt.
"""

import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

from dialguard.engine.decision import Decision
from dialguard.engine.judge import Engine, judge_by_reference, strictest
from dialguard.engine.programs import SCOPE_FACTS
from dialguard.expr.outcome import PROHIBITED, SILENT, UNKNOWN_FACT
from dialguard.facts import clock
from dialguard.facts.gather import Gatherer, Sources
from dialguard.facts.reading import read
from dialguard.guard import Guard
from dialguard.model.facts import Facts, Place
from dialguard.model.moment import SECOND, Moment
from dialguard.packs.load import Packs, load
from tests.engine.generate import CHANNELS, PURPOSES, AttemptMaker, random_instant, random_store

ATTEMPTS = int(os.environ.get("DIALGUARD_ATTEMPTS", "4000"))
SEED = 20261122
SHARES = 4
CAMPAIGNS, SCOPES = 12, 24
ABOUT = clock.parse_instant("2026-03-03T17:00:00Z")


def shuffled(packs: Packs, rng: random.Random) -> Packs:
    """The same law read in another order."""
    return replace(packs, rules=tuple(rng.sample(packs.rules, len(packs.rules))))


class Bench:
    """The packs and every way of judging by them, made once for a share."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.packs = load()
        self.maker = AttemptMaker(self.packs)
        numbers = sorted({number for _ in range(300) if len(number := self.maker.number(rng)) == 12})
        self.numbers = numbers
        store = random_store(self.packs, self.maker, rng, numbers, ABOUT)
        guards = [
            Guard(no_store=True, packs=self.packs), Guard(store, packs=self.packs), Guard(store, packs=self.packs, as_of="2026-03-03T17:00:00Z"),
        ]  # fmt: skip
        self.campaigns = {}
        for number in range(CAMPAIGNS):
            campaign = self.maker.campaign(rng, rng.random() * 0.7) | {"id": f"c{number}"}
            self.campaigns[campaign["id"]] = campaign
            for guard in guards:
                guard.add_campaign(campaign)
        self.guards = guards
        for guard in guards[1:]:
            guard._engine = guards[0]._engine  # one set of compiled programs
        self.engine = guards[0]._engine
        self.plain = Engine(self.packs, clock, index=False, specialise=False, recall=False)
        self.others = [Engine(self.packs, clock, index=False), Engine(self.packs, clock, specialise=False), Engine(shuffled(self.packs, rng), clock)]
        self.scopes = [
            (rng.choice(CHANNELS), rng.choice(PURPOSES), rng.choice(("manual", "automated", None)), rng.choice(("live", "prerecorded", "text", None)))
            for _ in range(SCOPES)
        ]

    def engines(self, rng: random.Random) -> list[Engine]:
        """Two that differ most, and now and then one of the others."""
        return [self.engine, self.plain, *(rng.sample(self.others, 1) if rng.random() < 0.3 else [])]


def share(seed: int, attempts: int) -> Counter:
    """Judge a share of the attempts; raises AssertionError with the seed of the attempt that differs."""
    bench = Bench(seed)
    tally: Counter = Counter()
    for number in range(attempts):
        rng = random.Random(f"{seed} {number}")
        try:
            if number % 2:
                whole(bench, rng, number, tally)
            else:
                direct(bench, rng, tally)
        except Exception as error:
            raise AssertionError(f"attempt {number} of seed {seed}: {type(error).__name__}: {error}") from error
    return tally


def whole(bench: Bench, rng: random.Random, number: int, tally: Counter) -> None:
    """An attempt as JSON, its campaign by id and sent along, gathered from a store or without one."""
    guard = rng.choice(bench.guards)
    name = rng.choice(sorted(bench.campaigns))
    instant = None if rng.random() < 0.1 else ABOUT + rng.randrange(-5_000_000, 20_000_000) * SECOND
    attempt = bench.maker.attempt(rng, name, rng.random() * 0.6, instant)
    if rng.random() < 0.5:
        attempt["to"] = rng.choice(bench.numbers)
    given = read(attempt, guard._campaigns)
    facts, evidence = guard._gatherer.gather(given)
    engines = bench.engines(rng)
    compare(bench, facts, engines, tally)
    decision = Decision(bench.engine, facts, bench.engine.judge(facts), given.id, evidence)
    sent = guard.check(attempt | {"campaign": bench.campaigns[name]})
    assert words(decision, number) == words(sent, number), "campaign by id and sent along"
    for other in engines[1:]:
        assert words(decision, number) == words(Decision(other, facts, other.judge(facts), given.id, evidence), number)
    tally[decision.verdict] += 1


def direct(bench: Bench, rng: random.Random, tally: Counter) -> None:
    """Facts with no attempt behind them: every value anywhere, up to 60 % of them unknown."""
    instant = random_instant(rng) if rng.random() < 0.1 else ABOUT + rng.randrange(-5_000_000, 20_000_000) * SECOND
    places = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        state = rng.choice(bench.maker.states)
        places.append(Place(state, rng.choice(("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"))))
    scope = rng.choice(bench.scopes)
    values = bench.maker.facts.facts(rng, Moment(instant, places[0].zone, clock), rng.random() * 0.6)
    values |= zip(SCOPE_FACTS, scope, strict=True)
    compare(bench, Facts(values, instant, tuple(dict.fromkeys(places)), (*scope, None)), bench.engines(rng), tally)


def compare(bench: Bench, facts: Facts, engines: list[Engine], tally: Counter) -> None:
    """The strictest outcome of every rule, by the reference and by each engine."""
    expected = judge_by_reference(bench.packs, clock, facts)
    expected = {rule: outcome for rule, outcome in expected.items() if outcome != SILENT}
    for engine in engines:
        judgement = engine.judge(facts)
        found = strictest(engine, judgement, facts.values)
        assert found == expected, {rule: (found.get(rule), expected.get(rule)) for rule in {*found, *expected} if found.get(rule) != expected.get(rule)}
        assert judgement.denied == (not facts.places or bool({PROHIBITED, UNKNOWN_FACT} & set(expected.values())))
        assert set(engine.rule_ids(facts)) == {finding.rule for finding in judgement.deny}
    tally.update(expected.values())
    tally["attempts"] += 1


def words(decision: Decision, number: int) -> dict[str, object]:
    """What a decision says; the times of every fiftieth, since they are searched for."""
    if number % 50 == 1:
        return {key: value for key, value in decision.as_dict().items() if key != "id"}
    return {"verdict": decision.verdict, "reasons": decision.reasons, "obligations": decision.obligations, "rules": sorted(decision.rules)}


def test_the_engine_says_what_the_reference_says_with_every_shortcut_and_without() -> None:
    each = -(-ATTEMPTS // SHARES)
    with ProcessPoolExecutor(min(SHARES, os.cpu_count() or 1), mp_context=get_context("fork")) as pool:
        tally = sum(pool.map(share, range(SEED, SEED + SHARES), [each] * SHARES), Counter())
    print(dict(tally))
    assert tally["attempts"] >= ATTEMPTS
    assert tally["allow"] > ATTEMPTS // 100 and tally["deny"] > ATTEMPTS // 10  # or the comparison proves little
    assert min(tally[PROHIBITED], tally[UNKNOWN_FACT], tally["obliged"]) > ATTEMPTS


def test_files_read_in_another_order_give_the_same_decisions(tmp_path) -> None:
    """Folders are read by name: the same files under other names are the same law."""
    import shutil

    from dialguard.packs.load import shipped_rules

    base = shipped_rules()
    for number, path in enumerate(sorted(base.rglob("*.yaml"), reverse=True)):
        named = path.relative_to(base)
        keep = named.parent.name in ("shapes", "calendars") or named.parent == named.parent.parent
        target = tmp_path / "rules" / (named if keep else named.with_name(f"{number:03}.yaml"))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    renamed = load(base=tmp_path / "rules")
    packs = load()
    assert [rule.id for rule in renamed.rules] == [rule.id for rule in packs.rules]
    maker = AttemptMaker(packs)
    one, other = (Gatherer(Sources(each)) for each in (packs, renamed))
    engines = Engine(packs, clock), Engine(renamed, clock)
    for seed in range(40):
        rng = random.Random(seed)
        attempt = maker.attempt(rng, maker.campaign(rng), rng.random() * 0.6)
        decisions = []
        for gatherer, engine in zip((one, other), engines, strict=True):
            facts, evidence = gatherer.gather(read(attempt, {}))
            decision = Decision(engine, facts, engine.judge(facts), None, evidence)
            decisions.append((decision.verdict, decision.reasons, decision.obligations))
        assert decisions[0] == decisions[1]
