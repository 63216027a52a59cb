"""Answers that are kept ready are those that would have been worked out, at every moment and whatever is recorded or imported between.

`DIALGUARD_ATTEMPTS=100000 .venv/bin/python -m pytest -q tests/engine/test_ready.py` compares more. A failure names its seed.
"""

import json
import os
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dialguard.audit.log import DecisionLog
from dialguard.audit.reading import Reader, Wanted
from dialguard.audit.record import unmask
from dialguard.engine.decision import Decision
from dialguard.facts import clock
from dialguard.asking import Question
from dialguard.guard import Guard
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY, HOUR, MINUTE, SECOND
from dialguard.packs.load import load
from dialguard.service.desk import read
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.memory import MemoryStore
from dialguard.storage.ports import Store
from dialguard.storage.redis import RedisStore
from tests.engine.generate import AttemptMaker

ATTEMPTS = int(os.environ.get("DIALGUARD_ATTEMPTS", "4000"))
NOW = clock.now()
TODAY = clock.fixed(NOW, 0).ordinal
PLACES = ("305", "212", "213", "512", "850", "602", "504", "405", "671", "808", "907", "219", "800", "900", "684", "712", "423", "541")
"""Area codes of one zone and of two, of far places, of states with lists and emergencies of their own, toll-free, premium."""
STEPS = (0, 1, SECOND, MINUTE, 20 * MINUTE, HOUR, 5 * HOUR, 13 * HOUR, DAY, -HOUR, -DAY)


def filled(folder: Path) -> EmbeddedStore:
    """A complete record of a few hundred people, of whom most have nothing or one consent, and two lists."""
    store, rng = EmbeddedStore(folder, follow=True), random.Random("ready")
    store.declare_complete("acme", NOW - 500 * DAY, known_at=NOW - 500 * DAY)
    numbers = [f"+1{npa}555{line:04}" for npa in PLACES for line in range(20)]
    for number in numbers:
        kind, at = rng.randrange(12), NOW - rng.choice((0, MINUTE, 3 * HOUR, 5 * DAY, 90 * DAY, 400 * DAY))
        about: dict[str, Any] = {"seller": "acme", "number": number, "known_at": at}
        if kind < 6:
            store.record_consent(
                **about, level=rng.choice(("express", "express_written")), obtained_at=at + rng.choice((0, 0, 30 * DAY)),
                expires_at=rng.choice((None, None, None, NOW + 31 * DAY)), channels=rng.choice((None, None, ["voice"], ["sms"])),
                covers=rng.choice((None, None, ["live", "texts"])), reference=rng.choice((None, f"page of {number[-4:]}")),
            )  # fmt: skip
        elif kind == 6:
            store.record_revocation(**about, at=at)
        elif kind == 7:
            store.record_attempt(**about, at=at, channel="voice", purpose="telemarketing")
        elif kind == 8:
            store.suppress(**about, at=at)
    lists(folder, numbers[::9])
    return store


def lists(folder: Path, numbers: list[str], codes: tuple[str, ...] = ("national", "TX", "litigator")) -> None:
    for code in codes:
        file = folder / f"{code}.txt"
        file.write_text("".join(f"{number[2:5]},{number[5:]}\n" for number in sorted(numbers)))
        import_list(folder, code, file, published=date.fromordinal(TODAY), received_at=clock.now(), whole_plan=True, allow_shrink=True)


def attempt(rng: random.Random, campaign: str, at: int) -> bytes:
    said: dict[str, object] = {
        "id": f"a {rng.random()}", "channel": rng.choice(("voice", "voice", "sms")), "campaign": campaign,
        "to": f"({rng.choice(PLACES)}) 555-{rng.randrange(20):04}", "at": clock.format_instant(at, rng.choice((None, "America/New_York"))),
    }  # fmt: skip
    if rng.random() < 0.7:
        said["line_type"] = rng.choice(("wireless", "landline"))
    if rng.random() < 0.5:
        said["from"] = rng.choice(("+12125550100", "+14165550100"))
    return json.dumps(said).encode()


def told(decision: Decision) -> dict[str, Any]:
    found = json.loads(decision.as_json(texts=False))
    whole = {name: value for name, value in decision.as_dict().items() if name not in ("id", "obligations")}
    assert {name: value for name, value in found.items() if name not in ("id", "obligations")} == json.loads(json.dumps(whole))
    del found["id"]
    return found | {"texts": decision.obligations}


class Everything(set):
    """As if every attempt had been asked for before."""

    def __contains__(self, _: object) -> bool:
        return True


def test_what_is_ready_is_what_each_would_be_told(tmp_path: Path) -> None:
    store, packs = filled(tmp_path), load()
    maker, ready, plain = AttemptMaker(packs), Guard(store, packs=packs), Guard(store, packs=packs)
    plain._ready = None
    ready._ready._asked, ready._ready.most = Everything(), 1000
    served = 0
    for seed in range(ATTEMPTS // 400):
        rng = random.Random(f"ready {seed}")
        campaign = maker.campaign(rng, 0.7) | {"id": f"c{seed % 5}", "seller": "acme"}
        for guard in (ready, plain):
            guard.add_campaign(campaign)
        instant = NOW - NOW % SECOND + rng.randrange(12 * DAY) // SECOND * SECOND
        for step in range(20):
            bodies = [attempt(rng, campaign["id"], instant + rng.randrange(0, rng.choice((MINUTE, 50 * MINUTE)), SECOND)) for _ in range(10)]
            questions = [Question(read(body), False, {}, body) for body in bodies]
            for one, other in zip(ready.check_together([q.attempt for q in questions]), plain.check_together([q.attempt for q in questions]), strict=True):
                assert isinstance(one, Decision), one
                assert told(one) == told(other), f"seed {seed}, step {step}"
                served += one._form is not None
            instant += rng.choice(STEPS)
            if step == 12:
                number = f"+1{rng.choice(PLACES)}555{rng.randrange(20):04}"
                store.record_revocation(seller="acme", number=number, at=clock.now(), known_at=clock.now())
        if seed == 1:
            lists(tmp_path, [f"+1{npa}555{line:04}" for npa in PLACES for line in range(0, 20, 3)])
    assert served > ATTEMPTS // 8  # or the comparison proves little


CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
NOON = (NOW // DAY + 1) * DAY + 18 * HOUR
"""When it is day in all of the mainland."""


def ask(guard: Guard, *numbers: str, at: int = NOON, **more: object) -> list[Decision]:
    bodies = [
        json.dumps({"channel": "voice", "campaign": "c", "to": number, "line_type": "landline", "at": clock.format_instant(at)} | more).encode()
        for number in numbers
    ]
    found = guard.answer([Question(read(body), False, {"door": "http", "key": None, "tenant": "t"}, body) for body in bodies])
    for each in found:
        if isinstance(each, Exception):
            raise each
    return [each.decision for each in found]


def guarded(tmp_path: Path, **more: Any) -> tuple[EmbeddedStore, Guard]:
    store = EmbeddedStore(tmp_path / "store", follow=True)
    store.declare_complete("acme", NOW - 500 * DAY, known_at=NOW - 500 * DAY)
    lists(tmp_path / "store", ["+13055550199"])
    guard = Guard(store, **more)
    guard.add_campaign(CAMPAIGN)
    for _ in range(3):  # the first that is asked for is not kept
        last = ask(guard, "+16025550100")[0]
    assert last.shared, "nothing was kept ready"
    return store, guard


def test_what_is_recorded_counts_at_once(tmp_path: Path) -> None:
    store, guard = guarded(tmp_path)
    assert ask(guard, "+16025550101")[0].allowed
    store.suppress(seller="acme", number="+16025550101", at=NOW, known_at=NOW)
    assert [decision.allowed for decision in ask(guard, "+16025550101", "+16025550102")] == [False, True]


def test_a_list_counts_at_once(tmp_path: Path) -> None:
    store, guard = guarded(tmp_path)
    assert ask(guard, "+16025550101")[0].allowed
    lists(tmp_path / "store", ["+16025550101"])
    listed, other = ask(guard, "+16025550101", "+16025550102")
    assert not listed.allowed and "us.tsr.national-dnc" in "".join(listed.rules) or listed.rules
    assert other.allowed


def test_a_consent_to_come_is_none(tmp_path: Path) -> None:
    store, guard = guarded(tmp_path)
    lists(tmp_path / "store", ["+16025550101", "+16025550102"], ("national",))
    for number, at in (("+16025550101", NOON - 1), ("+16025550102", NOON + 1)):
        store.record_consent(seller="acme", number=number, level="express_written", obtained_at=at, known_at=NOW, form=["signed_permission"])
    for _ in range(4):
        assert [decision.allowed for decision in ask(guard, "+16025550101", "+16025550102")] == [True, False]
    assert [decision.allowed for decision in ask(guard, "+16025550101", "+16025550102", at=NOON + 1)] == [True, True]


def test_the_hour_ends_for_what_is_ready(tmp_path: Path) -> None:
    _, guard = guarded(tmp_path)
    evening = clock.first_instant_at_or_after(clock.local(NOON, "America/Phoenix").ordinal, 21 * 3600, "America/Phoenix")
    for _ in range(3):
        assert ask(guard, "+16025550101", at=evening - SECOND)[0].allowed
        assert not ask(guard, "+16025550101", at=evening)[0].allowed


def test_a_pause_counts_at_once(tmp_path: Path) -> None:
    store, guard = guarded(tmp_path)
    store.pause_campaign(seller="acme", campaign="c", at=NOW, known_at=clock.now(), reason="by hand", by="a person")
    assert [decision.rules for decision in ask(guard, "+16025550101", at=NOON)] == [("house.campaign-paused",)]


@pytest.mark.parametrize("numbers", ["sealed", "masked", "clear"])
def test_its_record_is_that_of_any_other(tmp_path: Path, numbers: str) -> None:
    log = DecisionLog(tmp_path / "decisions", numbers=numbers, keys=tmp_path / "keys.json")
    store, guard = guarded(tmp_path, log=log)
    store.record_consent(seller="acme", number="+16025550104", level="express_written", obtained_at=NOW, known_at=NOW, reference="page of 5550104")
    ready = ask(guard, "+16025550101", "602.555.0101", "+16025550101", "+16025550104", id="call", reserve=False)
    for _ in range(3):
        with_caller = ask(guard, "+16025550101", id="call of 602 555 0101", **{"from": "+12125550100"})
    ready += with_caller + ask(guard, "+16025550101", id="§ 1")
    guard._ready = None
    plain = ask(guard, "+16025550101", "602.555.0101", "+16025550101", "+16025550104", id="call", reserve=False)
    plain += ask(guard, "+16025550101", id="call of 602 555 0101", **{"from": "+12125550100"})
    plain += ask(guard, "+16025550101", id="§ 1")
    log.close()
    assert [decision.shared is not None for decision in ready] == [True, True, True, False, True, True]
    bodies = {record.body["decision"]["id"]: record.body for record in Reader(log.folder, log.keys).find(Wanted())}
    for one, other in zip(ready, plain, strict=True):
        first, second = bodies[one.id], bodies[other.id]
        if numbers == "sealed":
            first, second = unmask(first, log.keys), unmask(second, log.keys)
        for body in (first, second):
            body.pop("sealed", None)
            del body["at"], body["known_at"], body["decision"]["id"]
        assert first == second
        assert list(first) == list(second)


def test_stores_say_which_lists_they_answer_from() -> None:
    assert all(hasattr(store, "lists_mark") and hasattr(store, "expect") for store in (EmbeddedStore, MemoryStore, RedisStore, Store))
