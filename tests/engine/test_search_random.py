"""``retry_at`` and ``valid_until`` of random attempts against all packs, held against looking at the clock again and again.

Every minute of three days, every hour of a month, every day of the horizon, the seconds beside each of them at which something
opens, and random instants between. `DIALGUARD_SEARCHES=2000` searches more.
"""

import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from dialguard.engine.judge import Engine
from dialguard.engine.search import retry_at, valid_until
from dialguard.facts import clock
from dialguard.facts.gather import Gatherer, Sources
from dialguard.facts.reading import read
from dialguard.model.facts import Facts
from dialguard.model.moment import DAY, HOUR, MINUTE, SECOND
from dialguard.packs.load import load
from tests.engine.generate import AttemptMaker

SEARCHES = int(os.environ.get("DIALGUARD_SEARCHES", "160"))
SHARES = 4
NIGHTS = ("2026-03-07T20:00:00Z", "2026-10-31T20:00:00Z", "2026-10-17T20:00:00Z", "2026-12-24T18:00:00Z", "2026-07-03T20:00:00Z",
          "2027-01-30T20:00:00Z", "2026-05-24T20:00:00Z", "2026-02-16T20:00:00Z")  # fmt: skip


def probes(rng: random.Random, start: int, end: int) -> list[int]:
    """Instants after ``start`` and before ``end``, densest at first."""
    minute = start // MINUTE * MINUTE
    found = {minute + step * MINUTE + offset for step in range(1, 3 * 1440) for offset in (0, -SECOND)}
    found.update(start // HOUR * HOUR + step * HOUR for step in range(72, 30 * 24))
    found.update(start // DAY * DAY + step * DAY + 17 * HOUR for step in range(30, 400))
    found.update(rng.randrange(start, min(end, start + 400 * DAY)) // SECOND * SECOND for _ in range(300))
    found.update((end - SECOND, end - MINUTE, start + SECOND))
    return sorted(probe for probe in found if start < probe < end)


def attempt(rng: random.Random, maker: AttemptMaker) -> dict[str, object]:
    """An attempt that time may well cure: lists clear, little unknown, at night or beside a holiday or a change of law."""
    campaign = maker.campaign(rng, 0.3)
    campaign.pop("registry_version", None)  # its age stays in one search and moves in the other
    campaign |= {"registered_states": maker.states, "sms_registration": "registered", "purpose": rng.choice((campaign["purpose"], "telemarketing"))}
    if rng.random() < 0.6:
        campaign |= {"dialing": "manual", "voice": "live"}
    instant = clock.parse_instant(rng.choice(NIGHTS)) + rng.randrange(0, 36 * 3600) * SECOND
    sent = maker.attempt(rng, campaign, 0.1, instant)
    sent["to"] = next(number for _ in range(99) if (number := maker.number(rng)).startswith("+1") and len(number) == 12)
    sent |= {"dnc": {"national": False, "states": [], "internal": False, "reassigned": "no"}, "line_type": rng.choice(("landline", "wireless"))}
    if rng.random() < 0.8:
        sent |= {"revocations": [], "emergency": {"declared": []}}
    if rng.random() < 0.5:
        sent["consent"] = {"level": "express_written", "obtained_at": clock.format_instant(instant - 90 * DAY), "form": ["agreement"]}
    return sent


def share(seed: int, searches: int) -> Counter:
    """Search and look; AssertionError names the seed."""
    packs = load()
    maker, engine, gatherer = AttemptMaker(packs), Engine(packs, clock), Gatherer(Sources(packs))
    tally: Counter = Counter()
    number = 0
    while tally["searched"] < searches:
        number += 1
        rng = random.Random(f"search {seed} {number}")
        sent = attempt(rng, maker)
        facts, _ = gatherer.gather(read(sent, {}))
        denied = engine.judge(facts).denied
        # Denials that time does not cure and permissions without an end are easily had: not too many of them.
        if tally["null" if denied else "for good"] > searches // 6 and (retry_at if denied else valid_until)(engine, facts) is None:
            continue
        try:
            tally[look(engine, facts, denied, rng)] += 1
            again(engine, gatherer, facts, denied, sent)
        except AssertionError as error:
            raise AssertionError(f"attempt {number} of share {seed}: {error}") from None
        tally["searched"] += 1
    return tally


def look(engine: Engine, facts: Facts, denied: bool, rng: random.Random) -> str:
    """Whether the answer changes at the instant found and at none before."""
    found = retry_at(engine, facts) if denied else valid_until(engine, facts)
    end = facts.at + 400 * DAY if found is None else found
    for probe in probes(rng, facts.at, end):
        if engine.judge(facts, probe).denied != denied:
            text = [clock.format_instant(each, facts.places[0].zone) for each in (facts.at, probe, end)]
            raise AssertionError(f"{'denied' if denied else 'allowed'} at {text[0]}, changes by {text[1]}, found {text[2] if found else found}")
    if found is None:
        return "null" if denied else "for good"
    assert engine.judge(facts, found).denied != denied, f"nothing changes at {clock.format_instant(found)}"
    assert not denied or found % SECOND == 0
    return "retry" if denied else "until"


def again(engine: Engine, gatherer: Gatherer, facts: Facts, denied: bool, sent: dict) -> None:
    """The same attempt, sent once more at the moment found, is judged as foretold. (Figures would bound another time.)"""
    found = retry_at(engine, facts) if denied else valid_until(engine, facts)
    if found is None or set(sent.get("history", ())) & {"last_24h", "last_7d", "last_30d"}:
        return
    for moment, expected in ((found, not denied), (found - SECOND, denied)):
        later, _ = gatherer.gather(read(sent | {"at": clock.format_instant(moment)}, {}))
        assert moment < facts.at or engine.judge(later).denied == expected, f"sent again at {clock.format_instant(moment)}"


def test_the_search_finds_the_first_change_and_no_other() -> None:
    each = -(-SEARCHES // SHARES)
    with ProcessPoolExecutor(min(SHARES, os.cpu_count() or 1), mp_context=get_context("fork")) as pool:
        tally = sum(pool.map(share, range(SHARES), [each] * SHARES), Counter())
    print(dict(tally))
    assert tally["searched"] >= SEARCHES and tally["retry"] > SEARCHES // 5 and tally["until"] > SEARCHES // 10
