"""Whole attempts as rows of a frame: for every rule that is law there and then, the frame says what the engine finds in that place.

`DIALGUARD_ATTEMPTS=100000 .venv/bin/python -m pytest -q tests/engine/test_frames_whole.py` compares 100,000 attempts; every process
takes its share. A failure names the group.
"""

import os
import random
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from msgspec import structs

from dialguard.backends.frames import Frames, facts_frame
from dialguard.engine.judge import judge_by_reference, strictest
from dialguard.expr.outcome import SEVERITY, SILENT
from dialguard.facts import clock
from dialguard.facts.given import InvalidInput
from dialguard.facts.reading import read
from dialguard.guard import Guard
from dialguard.model.facts import Facts, Place
from dialguard.model.moment import SECOND, Moment
from dialguard.packs.load import load
from tests.engine.generate import AttemptMaker, random_instant, random_store

ATTEMPTS = int(os.environ.get("DIALGUARD_ATTEMPTS", "2000"))
SEED = 20261125
SHARES = 2
CAMPAIGNS, GROUP = 12, 1000
ABOUT = clock.parse_instant("2026-03-03T17:00:00Z")


class Bench:
    """The packs, a store and the campaigns, made once for a share."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.packs = load()
        self.maker = AttemptMaker(self.packs)
        self.numbers = sorted({number for _ in range(300) if len(number := self.maker.number(rng)) == 12})
        store = random_store(self.packs, self.maker, rng, self.numbers, ABOUT)
        self.guards = [Guard(no_store=True, packs=self.packs), Guard(store, packs=self.packs, as_of="2026-03-03T17:00:00Z")]
        self.engine = self.guards[0]._engine
        self.campaigns = {}
        for number in range(CAMPAIGNS):
            campaign = self.maker.campaign(rng, rng.random() * 0.7) | {"id": f"c{number}"}
            self.campaigns[campaign["id"]] = campaign
            for guard in self.guards:
                guard.add_campaign(campaign)

    def gathered(self, rng: random.Random, instant: int, campaign: str | None) -> Facts | None:
        """The facts of an attempt at a moment, of one campaign or of any; None where it lies nowhere or cannot be judged."""
        guard = rng.choice(self.guards)
        attempt = self.maker.attempt(rng, campaign or rng.choice(sorted(self.campaigns)), rng.random() * 0.6, instant)
        if rng.random() < 0.5:
            attempt["to"] = rng.choice(self.numbers)
        try:
            facts, _ = guard._gatherer.gather(read(attempt, guard._campaigns))
        except InvalidInput:
            return None
        return facts if facts.places else None


def share(seed: int, attempts: int) -> Counter:
    """Compare a share of the attempts; raises AssertionError with the group that differs."""
    bench = Bench(seed)
    tally: Counter = Counter()
    group = 0
    while tally["attempts"] < attempts:
        rng = random.Random(f"{seed} {group}")
        try:
            compare(bench, rng, min(GROUP, attempts - tally["attempts"]), tally)
        except Exception as error:
            raise AssertionError(f"group {group} of seed {seed}: {type(error).__name__}: {error}") from error
        group += 1
    return tally


def compare(bench: Bench, rng: random.Random, size: int, tally: Counter) -> None:
    """Attempts of one moment, by zone: a frame for each. Half of the groups are of one campaign, whose facts are constants."""
    instant = random_instant(rng) if rng.random() < 0.2 else ABOUT + rng.randrange(-5_000_000, 20_000_000) * SECOND
    campaign = rng.choice(sorted(bench.campaigns)) if rng.random() < 0.5 else None
    found: list[Facts] = []
    while len(found) < size:
        facts = bench.gathered(rng, instant, campaign)
        if facts is not None:
            found.append(facts)
    by_zone: dict[str, list[Facts]] = {}
    for facts in found:
        for zone in {zone for _, zone in facts.places}:
            by_zone.setdefault(zone, []).append(facts)
    for zone, rows in sorted(by_zone.items()):
        # The channel has its word on the voice: a campaign's is the same in every row only where the channel is.
        same = {name: value for name, value in (rows[0].fixed or {}).items() if all(facts.values[name] == value for facts in rows)}
        in_zone(bench, Moment(instant, zone, clock), rows, same if campaign else None, tally)
        facts = rng.choice(rows)
        by_engine = strictest(bench.engine, bench.engine.judge(facts), facts.values)
        by_reference = judge_by_reference(bench.packs, clock, facts)
        assert by_engine == {rule: outcome for rule, outcome in by_reference.items() if outcome != SILENT}
    tally["attempts"] += size


def in_zone(bench: Bench, moment: Moment, rows: list[Facts], fixed: Mapping[str, object] | None, tally: Counter) -> None:
    """Every rule of the country and of the group's states, asked of each attempt that may be there."""
    here = [{state for state, zone in facts.places if zone == moment.zone} for facts in rows]
    frames = Frames(bench.packs.closed, bench.packs.vocabulary, moment, fixed)
    jurisdictions = ["US", *sorted(set().union(*here))]
    laws = {law.rule.id: law for place in jurisdictions for law in bench.engine.programs.laws(place, moment.ordinal).values()}
    answers = [frames.answer(law.rule.kind, law.condition, law.reliefs, law.rule.deny_unknown).alias(name) for name, law in laws.items()]
    values = [{name: value for name, value in facts.values.items() if name not in frames.fixed} for facts in rows]
    table = frames.prepare(facts_frame(values, bench.packs.vocabulary)).lazy().select(answers).collect()
    times = len(rows) // len(table)  # a table of constants has one row
    columns = {name: table[name].to_list() * times for name in laws}
    asked = {place: [name for name, law in laws.items() if law.rule.jurisdiction in ("US", place)] for place in jurisdictions}
    for number, (facts, states) in enumerate(zip(rows, here, strict=True)):
        for state in sorted(states):
            alone = structs.replace(facts, places=(Place(state, moment.zone),))
            meant = strictest(bench.engine, bench.engine.judge(alone), facts.values)
            told = {name: answer for name in asked[state] if (answer := columns[name][number])}
            expected = {name: SEVERITY[outcome] for name, outcome in meant.items()}
            if told != expected:
                both = {name: (told.get(name), expected.get(name)) for name in {*told, *expected}}
                differing = {name: pair for name, pair in both.items() if pair[0] != pair[1]}
                raise AssertionError(f"{state} {moment}: frame and engine: {differing}; {facts.values}")
            tally.update(told.values())
            tally["pairs"] += len(asked[state])
            tally["places"] += 1


def test_frames_say_of_whole_attempts_what_the_engine_finds_in_each_place() -> None:
    each = -(-ATTEMPTS // SHARES)
    with ProcessPoolExecutor(min(SHARES, os.cpu_count() or 1), mp_context=get_context("spawn")) as pool:  # polars does not survive a fork
        tally = sum(pool.map(share, range(SEED, SEED + SHARES), [each] * SHARES), Counter())
    print(dict(tally))
    assert tally["attempts"] >= ATTEMPTS and tally["pairs"] > 50 * ATTEMPTS
    assert min(tally[SEVERITY[outcome]] for outcome in SEVERITY if outcome != SILENT) > ATTEMPTS  # or the comparison proves little
