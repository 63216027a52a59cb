"""What is recalled from an earlier attempt is what would have been worked out for this one.

`DIALGUARD_ATTEMPTS=100000 .venv/bin/python -m pytest -q tests/engine/test_recall.py` compares more. A failure names its seed.
"""

import os
import random

from dialguard.engine.decision import Decision
from dialguard.engine.judge import Engine
from dialguard.facts import clock
from dialguard.facts.reading import read
from dialguard.guard import Guard
from dialguard.model.moment import DAY, HOUR, MINUTE, SECOND
from dialguard.packs.load import load
from tests.engine.generate import AttemptMaker

ATTEMPTS = int(os.environ.get("DIALGUARD_ATTEMPTS", "4000")) // 10
ABOUT = clock.parse_instant("2026-11-20T14:00:00Z")
STEPS = (1, SECOND - 1, SECOND, MINUTE, HOUR, 5 * HOUR, 13 * HOUR, DAY, -HOUR)
"""To the next moment: within a second, past an hour's edge, past midnight, back."""


def told(decision: Decision) -> dict[str, object]:
    return {key: value for key, value in decision.as_dict().items() if key != "id"}


def test_neighbouring_attempts_are_told_as_if_each_were_alone() -> None:
    packs = load()
    maker = AttemptMaker(packs)
    guard = Guard(no_store=True, packs=packs)
    plain = Engine(packs, clock, recall=False)
    memory = guard._engine.memory
    recalled = 0
    for seed in range(ATTEMPTS // 10):
        rng = random.Random(f"recall {seed}")
        campaign = guard.add_campaign(maker.campaign(rng, 0.7) | {"id": f"c{seed % 7}"})
        base = maker.attempt(rng, campaign, rng.choice((0.5, 0.9, 0.95)))
        instant = ABOUT + rng.randrange(40 * DAY) // SECOND * SECOND
        for step in range(10):
            attempt = dict(base)
            if step % 3 == 2:  # one thing is not as before
                changed = maker.attempt(rng, campaign, 0.0, instant)
                name = rng.choice(sorted(changed.keys() - {"channel", "campaign", "at"}))
                attempt[name] = changed[name]
            attempt["at"] = clock.format_instant(instant)
            given = read(attempt, guard._campaigns)
            facts, evidence = guard._gatherer.gather(given)
            before = memory.kept
            decision = Decision(guard._engine, facts, guard._engine.judge(facts), None, evidence)
            other = Decision(plain, facts, plain.judge(facts), None, evidence)
            assert told(decision) == told(other), f"seed {seed}, step {step}"
            assert decision.obligation_ids == [duty["rule"] for duty in other.obligations]
            recalled += memory.kept == before and not facts.changes
            edge = facts.at if decision.time is None else clock.parse_instant(decision.time)
            instant = edge - SECOND if step % 4 == 3 and edge - SECOND > instant else instant + rng.choice(STEPS)
    assert recalled > ATTEMPTS // 5  # or the comparison proves little


def test_what_is_told_belongs_to_the_one_who_asked() -> None:
    guard = Guard(no_store=True)
    campaign = {"id": "c", "seller": "Acme", "purpose": "telemarketing", "dialing": "predictive", "voice": "live"}
    attempt = {"channel": "voice", "to": "+13055550100", "campaign": guard.add_campaign(campaign), "at": "2026-11-23T02:00:00Z"}
    first = guard.check(attempt)
    for entry in (*first.reasons, *first.obligations):
        entry.clear()
    second = guard.check(attempt)
    assert all(entry["rule"] for entry in (*second.reasons, *second.obligations))
    assert second.reasons and second.obligations


def test_what_only_coming_law_asks_is_not_taken_from_a_neighbour() -> None:
    """From 31 January 2027 a revocation of any scope stops robotexts; today one that does not reach the text says nothing."""
    at, elsewhere = "2026-02-10T11:57:37Z", [{"at": "2026-01-17T21:23:47Z", "scope": "medium", "channel": "fax"}]
    for revocations in ((elsewhere, []), ([], elsewhere)):
        guard = Guard(no_store=True)
        campaign = guard.add_campaign({"id": "c", "seller": "Beta", "purpose": "survey", "dialing": "automated", "sms_registration": "registered"})
        attempt = {"channel": "sms", "to": "+18605550168", "campaign": campaign, "at": at}
        found = {len(given): guard.check({**attempt, "revocations": given}) for given in revocations}
        assert all(decision.allowed for decision in found.values())
        assert {held: decision.valid_until for held, decision in found.items()} == {0: None, 1: "2027-01-31T00:00:00-05:00"}
