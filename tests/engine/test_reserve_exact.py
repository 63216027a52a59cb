"""Check and reserve beside the reference: an allow with the slots of others is the allow of a record in which these are attempts.

`DIALGUARD_RESERVE=20000 .venv/bin/python -m pytest -q tests/engine/test_reserve_exact.py` takes 20,000 steps. A failure names its seed.
"""

import os
import random

from dialguard.engine.judge import judge_by_reference
from dialguard.expr.outcome import PROHIBITED, UNKNOWN_FACT
from dialguard.facts import clock
from dialguard.facts.reading import read
from dialguard.guard import Guard
from dialguard.model.moment import DAY, HOUR, SECOND
from dialguard.packs.load import load
from dialguard.storage.memory import MemoryStore

STEPS = int(os.environ.get("DIALGUARD_RESERVE", "1500"))
NOON = clock.parse_instant("2026-11-17T18:00:00Z")
CODES = {"OK": "405", "FL": "305", "MD": "301", "OR": "503", "MA": "617", "DC": "202", "WA": "206", "ME": "207", "NY": "212"}
EVERY = ["live", "autodialed", "prerecorded", "ai", "rvm", "texts", "other_hours"]
KINDS = (
    ("telemarketing", "live"), ("telemarketing", "prerecorded"), ("debt_collection", "live"), ("healthcare", "prerecorded"),
    ("informational", "prerecorded"), ("charitable", "prerecorded"), ("survey", "ai"),
)  # fmt: skip


class Bench:
    """One store in which slots are taken, and one in which what was granted is recorded instead."""

    def __init__(self, packs, rng: random.Random) -> None:
        self.slots, self.record = MemoryStore(), MemoryStore()
        self.guard, self.beside = Guard(self.slots, packs=packs), Guard(self.record, packs=packs)
        self.state = rng.choice(sorted(CODES))
        self.numbers = [f"+1{CODES[self.state]}55501{place:02}" for place in range(2)]
        self.person = rng.choice((None, "p"))
        self.campaigns = []
        for place, (purpose, voice) in enumerate(rng.sample(KINDS, 2)):
            campaign = {
                "id": f"c{place}", "seller": "Acme", "purpose": purpose, "voice": voice, "dialing": rng.choice(("manual", "automated")),
                "registered_states": sorted(CODES), "registry_version": "2026-11-10", "subject": rng.choice(("appointment", "solar")),
                "caller_class": rng.choice(("hipaa", "nonprofit", None)), "recording": False,
            }  # fmt: skip
            self.campaigns.append(campaign)
            self.guard.add_campaign(campaign)
            self.beside.add_campaign(campaign)
        history = [self.past(rng) for _ in range(rng.choice((0, 1, 2, 6)))]
        since = rng.choice((NOON - 60 * DAY, NOON - 60 * DAY, NOON - 60 * DAY, None))
        for store in (self.slots, self.record):
            store.declare_complete("Acme", since, known_at=NOON - 60 * DAY)
            for entry in history:
                store.record_attempt(seller="Acme", known_at=NOON, **entry)

    def past(self, rng: random.Random) -> dict[str, object]:
        purpose, voice = rng.choice(KINDS)
        back = rng.choice((8 * HOUR, DAY, 7 * DAY, 30 * DAY)) + rng.choice((-SECOND, 0, SECOND, -HOUR))
        return {
            "number": rng.choice(self.numbers), "person": self.person, "at": NOON - back, "purpose": rng.choice((None, purpose)),
            "channel": rng.choice((None, "voice", "sms")), "voice": rng.choice((None, voice)), "subject": rng.choice((None, "solar")),
            "outcome": rng.choice((None, "no_answer", "did_not_connect")), "debt": rng.choice((None, "d1")),
        }  # fmt: skip

    def attempt(self, rng: random.Random, at: int) -> dict[str, object]:
        level = rng.choice(("express_written", "express_written", "express", "none"))
        return {
            "to": rng.choice(self.numbers), "channel": rng.choice(("voice", "voice", "voice", "sms")), "at": clock.format_instant(at),
            "campaign": rng.choice(self.campaigns)["id"], "contact": {"id": self.person, "state": self.state, "address_basis": "verified"},
            "consent": {"level": level} | ({"covers": EVERY} if level != "none" else {}), "dnc": {"national": False, "states": [], "internal": False},
            "line_type": rng.choice(("landline", "wireless")), "debt": {"id": rng.choice((None, "d1", "d2")), "third_party": rng.random() < 0.8},
            "relationship": {"kind": "none"}, "message": {"free_to_end_user": True, "first": False, "optout_offered": True},
            "from": rng.choice((None, "+12125550100")),
        }  # fmt: skip

    def denying(self, sent: dict[str, object]) -> set[str]:
        """The rules that deny by the reference, what was granted being recorded."""
        given = read(sent, self.beside._campaigns)
        facts, _ = self.beside._gatherer.gather(given)
        found = judge_by_reference(self.beside.packs, clock, facts)
        return {rule for rule, outcome in found.items() if outcome in (PROHIBITED, UNKNOWN_FACT)}

    def grant(self, sent: dict[str, object], at: int, name: str) -> None:
        """Record what was granted, in the store beside."""
        campaign = next(each for each in self.campaigns if each["id"] == sent["campaign"])
        self.record.record_attempt(
            seller="Acme", number=sent["to"], person=self.person, at=at, known_at=at, channel=sent["channel"], purpose=campaign["purpose"],
            subject=campaign["subject"], voice=campaign["voice"] if sent["channel"] == "voice" else None, debt=sent["debt"]["id"],
            from_=sent["from"], reference=name,
        )  # fmt: skip


def test_slots_count_as_the_attempts_that_they_stand_for() -> None:
    packs = load()
    steps = allowed = capped = cases = 0
    while steps < STEPS:
        cases += 1
        rng = random.Random(f"reserve {cases}")
        bench = Bench(packs, rng)
        at, sent = NOON, bench.attempt(rng, NOON)
        for place in range(10):
            at += rng.choice((0, SECOND))
            sent = {**(sent if rng.random() < 0.7 else bench.attempt(rng, at)), "at": clock.format_instant(at)}
            if not bench.denying(sent) and rng.random() < 0.1:  # the same, asked twice
                assert bench.guard.check({**sent, "reserve": True, "id": f"{place}"}).allowed, f"case {cases}, step {place}"
            decision = bench.guard.check({**sent, "reserve": True, "id": f"{place}"})
            expected = bench.denying(sent)
            assert set(decision.rules) == expected, f"case {cases}, step {place}: {decision.reasons}"
            assert decision.allowed is (not expected)
            steps += 1
            if decision.allowed:
                allowed += 1
                bench.grant(sent, at, str(place))
                if rng.random() < 0.2:  # some are recorded in the other store too, which must not count them twice
                    entry = bench.record._entries["attempt"][-1]
                    names = ("seller", "number", "person", "channel", "purpose", "subject", "voice", "debt", "reference")
                    bench.slots.record_attempt(**{name: entry[name] for name in names}, at=at, known_at=at, from_=sent["from"])
            else:
                capped += bench.guard.check(sent).allowed
    print(f"\n{cases} cases, {steps} steps, {allowed} allowed, {capped} denied for the slots of others")
    assert allowed > STEPS / 8 and capped > STEPS / 20
