"""One guard asked by several threads, with room for few programs, gives each the answer that it would have alone."""

import random
from concurrent.futures import ThreadPoolExecutor

from dialguard.engine import programs
from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.packs.load import load
from tests.engine.generate import AttemptMaker

ABOUT = clock.parse_instant("2026-03-03T17:00:00Z")


def test_threads_do_not_disturb_each_other(monkeypatch) -> None:
    monkeypatch.setattr(programs, "LIMIT", 12)
    packs = load()
    maker = AttemptMaker(packs)
    rng = random.Random(5)
    campaigns = [maker.campaign(rng) | {"id": f"c{number}"} for number in range(4)]
    attempts = [maker.attempt(rng, rng.choice(campaigns)["id"], 0.3, ABOUT + rng.randrange(0, 20_000_000) * 1_000_000) for _ in range(120)]

    def answer(guard: Guard, sent: dict) -> tuple:
        decision = guard.check(sent)
        return decision.verdict, sorted(decision.rules), [entry["rule"] for entry in decision.obligations]

    def made() -> Guard:
        guard = Guard(no_store=True, packs=packs)
        for campaign in campaigns:
            guard.add_campaign(campaign)
        return guard

    alone = made()
    expected = [answer(alone, sent) for sent in attempts]
    together = made()
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda number: answer(together, attempts[number % 120]), range(600)))
    assert found == [expected[number % 120] for number in range(600)]
