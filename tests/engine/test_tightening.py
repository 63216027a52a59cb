"""Doubt only tightens: forgetting a gathered fact, adding a prohibition or lowering a relief never loosens a verdict.

`DIALGUARD_FORGETTINGS=1000000` forgets more often.
"""

import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from msgspec.structs import replace

from dialguard.engine.judge import Engine, judge_by_reference
from dialguard.engine.programs import SCOPE_FACTS
from dialguard.expr.outcome import OBLIGED, SEVERITY, SILENT, UNKNOWN_FACT
from dialguard.facts import clock
from dialguard.facts.gather import Gatherer, Sources
from dialguard.facts.reading import read
from dialguard.model.facts import Facts
from dialguard.packs.load import load
from tests.engine.generate import AttemptMaker, random_store

FORGETTINGS = int(os.environ.get("DIALGUARD_FORGETTINGS", "24000"))
SHARES, PER_ATTEMPT = 4, 12
ABOUT = clock.parse_instant("2026-03-03T17:00:00Z")


def forget(facts: Facts, names: list[str]) -> Facts:
    """The same facts with some of them unknown."""
    values = {**facts.values, **dict.fromkeys(names)}
    return replace(facts, values=values, scope=(*(values[name] for name in SCOPE_FACTS), None), fixed=None)


def bench(seed: int):
    rng = random.Random(seed)
    packs = load()
    maker = AttemptMaker(packs)
    numbers = sorted({number for _ in range(200) if len(number := maker.number(rng)) == 12})
    store = random_store(packs, maker, rng, numbers, ABOUT)
    gatherers = [Gatherer(Sources(packs)), Gatherer(Sources(packs, store, as_of=ABOUT))]
    campaigns = [maker.campaign(rng, rng.random() * 0.5) for _ in range(12)]

    def facts(rng: random.Random) -> Facts:
        sent = maker.attempt(rng, rng.choice(campaigns), rng.random() * 0.4, ABOUT + rng.randrange(-5_000_000, 20_000_000) * 1_000_000)
        if rng.random() < 0.5:
            sent["to"] = rng.choice(numbers)
        if rng.random() < 0.5:  # many an attempt that is allowed or nearly so
            sent |= {"dnc": {"national": False, "states": [], "internal": False, "reassigned": "no"}, "revocations": [], "line_type": "landline"}
        return rng.choice(gatherers).gather(read(sent, {}))[0]

    return packs, facts


def share(seed: int, forgettings: int) -> Counter:
    """Forget facts one and several at a time; AssertionError names the seed."""
    packs, make = bench(seed)
    engine, asserted = Engine(packs, clock), packs.vocabulary.is_asserted
    tally: Counter = Counter()
    number = 0
    while tally["forgotten"] < forgettings:
        number += 1
        rng = random.Random(f"forget {seed} {number}")
        facts = make(rng)
        before = engine.judge(facts)
        denying, obliging = {finding.rule for finding in before.deny}, {finding.rule for finding in before.oblige}
        known = [name for name, value in facts.values.items() if value is not None]
        gathered = [name for name in known if not asserted(name) and name not in SCOPE_FACTS]
        scope = [name for name in SCOPE_FACTS if facts.values[name] is not None]
        for turn in range(PER_ATTEMPT):
            # The campaign and the channel now and then: each of their values is another program.
            names = rng.sample(scope, 1) if turn == 0 and number % 10 == 0 and scope else rng.sample(gathered, rng.choice((1, 1, 2, 5)))
            after = engine.judge(forget(facts, names))
            denies = {finding.rule for finding in after.deny}
            assert denying <= denies, f"attempt {number} of {seed}: {names} forgotten, {sorted(denying - denies)} no longer deny"
            assert obliging <= denies | {finding.rule for finding in after.oblige}, f"attempt {number} of {seed}: {names} forgotten"
            tally["forgotten"] += 1
            tally["tightened"] += denies != denying
        # What only the caller can know may turn a prohibition into a duty to vouch for it, and never into nothing.
        said = [name for name in known if asserted(name)]
        if said:
            after = engine.judge(forget(facts, rng.sample(said, rng.randrange(1, len(said) + 1))))
            left = {finding.rule for finding in (*after.deny, *after.oblige)}
            assert denying | obliging <= left, f"attempt {number} of {seed}: asserted facts forgotten, {sorted((denying | obliging) - left)} silent"
    return tally


def test_forgetting_never_loosens() -> None:
    each = -(-FORGETTINGS // SHARES)
    with ProcessPoolExecutor(min(SHARES, os.cpu_count() or 1), mp_context=get_context("fork")) as pool:
        tally = sum(pool.map(share, range(SHARES), [each] * SHARES), Counter())
    print(dict(tally))
    assert tally["forgotten"] >= FORGETTINGS and tally["tightened"] > FORGETTINGS // 20


def test_adding_a_prohibition_or_lowering_a_relief_never_loosens() -> None:
    packs, make = bench(99)
    reliefs = [rule.id for rule in packs.rules if rule.kind == "relief"]
    prohibitions = [rule.id for rule in packs.rules if rule.kind == "prohibition"]
    changed = 0
    for number in range(150):
        rng = random.Random(f"tighten {number}")
        facts = make(rng)
        law = judge_by_reference(packs, clock, facts)
        lowered = judge_by_reference(packs, clock, facts, disabled=frozenset(rng.sample(reliefs, len(reliefs) // 2)))
        less = judge_by_reference(packs, clock, facts, disabled=frozenset(rng.sample(prohibitions, len(prohibitions) // 2)))
        for rule in {*law, *lowered, *less}:
            here, without, fewer = (SEVERITY[found.get(rule, SILENT)] for found in (law, lowered, less))
            assert without >= here >= fewer, (number, rule)
        changed += lowered != law
    assert changed > 10


def test_a_switched_off_relief_is_off_in_programs_too() -> None:
    """What the engine does with a rule that is switched off is what the reference does."""
    packs, make = bench(98)
    off = frozenset(random.Random(1).sample([rule.id for rule in packs.rules if rule.kind != "notice"], 250))
    engine = Engine(packs, clock, disabled=dict.fromkeys(off, "a test"))
    for number in range(60):
        facts = make(random.Random(f"off {number}"))
        expected = {rule: found for rule, found in judge_by_reference(packs, clock, facts, disabled=off).items() if found != SILENT}
        judgement = engine.judge(facts)
        assert {finding.rule for finding in judgement.deny} == {rule for rule, found in expected.items() if SEVERITY[found] >= SEVERITY[UNKNOWN_FACT]}
        assert {rule for rule, found in expected.items() if found == OBLIGED} <= {finding.rule for finding in judgement.oblige}
        assert not off & set(expected)
