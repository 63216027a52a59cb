"""Erased numbers are found in a list as they are one by one, though only their keyed hashes are left."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from dialguard import Guard
from dialguard.facts import clock
from dialguard.ledger.pseudonyms import Keys, is_name, key_of, sieve_of, siphash
from dialguard.model.moment import DAY
from dialguard.screening.hidden import Hidden
from dialguard.screening.read import series_of
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.memory import MemoryStore

AT = "2026-11-24T11:00:00-05:00"
NOW = clock.parse_instant(AT)
POLITICAL = {"id": "c", "seller": "acme", "purpose": "political", "dialing": "manual", "voice": "live"}
COLLECTING = {"id": "c", "seller": "acme", "purpose": "debt_collection", "dialing": "manual", "voice": "live"}


def test_siphash_is_the_one_of_its_authors() -> None:
    # The eighth vector of the reference implementation: key 00 .. 0f, message 00 .. 07.
    word = int.from_bytes(bytes(range(8)), "little")
    assert siphash(bytes(range(16)), word) == 0x93F5F5799A932462
    assert siphash(bytes(range(16)), np.array([word, 1], np.uint64)).tolist() == [0x93F5F5799A932462, siphash(bytes(range(16)), 1)]


def test_a_name_tells_its_place_and_key_and_differs_by_seller_number_and_key() -> None:
    keys = Keys()
    one, two = keys.newest(), keys.rotate()
    name = one.number("acme", "+13055550100")
    assert is_name(name) and name[2:5] == "305" and key_of(name) == one.id and len(name) == 61
    assert sieve_of(name) == siphash(one.sieve("acme"), 13055550100)
    assert one.number("acme", "+442071838750")[2:5] == "044"
    names = {key.number(seller, number) for key in (one, two) for seller in ("acme", "b") for number in ("+13055550100", "+13055550101")}
    assert len({each[5:] for each in names}) == len({each[13:29] for each in names}) == len({each[29:] for each in names}) == 8
    assert len({key.person(seller, person) for key in (one, two) for seller in ("acme", "b") for person in ("p", "q")}) == 8


def test_those_and_no_others_are_found_among_many_in_any_lot() -> None:
    keys, random = Keys(), Random(5)
    one, two = keys.newest(), keys.rotate()
    erased = {random.randrange(2_000_000_000, 9_999_999_999) for _ in range(300)}
    names = [(one if place % 3 else two).number("acme", f"+1{number}") for place, number in enumerate(sorted(erased))]
    names.append(one.number("acme", "+442071838750"))
    # The same area codes, so that the hashes decide; more than one lot of rows.
    numbers = [number // 10_000_000 * 10_000_000 + random.randrange(10_000_000) for number in erased for _ in range(200)] + sorted(erased) + [-1]
    random.shuffle(numbers)
    national = np.array(numbers, np.int64)
    found = Hidden("acme", names, keys.held()).holds(np.where(national < 0, 0, national // 10_000_000), national)
    assert found.tolist() == [number in erased for number in numbers] and found.sum() >= 300
    assert not Hidden("other", names, keys.held()).holds(national // 10_000_000, national).any()


def test_a_hit_of_the_fast_hash_alone_is_no_hit() -> None:
    keys = Keys()
    key = keys.newest()
    name = key.number("acme", "+13055550100")
    forged = name[:29] + "0" * 32
    national = np.array([3055550100], np.int64)
    assert Hidden("acme", [name], [key]).holds(national // 10_000_000, national).tolist() == [True]
    assert Hidden("acme", [forged], [key]).holds(national // 10_000_000, national).tolist() == [False]


@pytest.mark.parametrize("campaign", [POLITICAL, COLLECTING], ids=["political", "collecting"])
@pytest.mark.parametrize("kind", ["memory", "embedded"])
def test_a_list_and_a_single_attempt_take_them_alike(tmp_path: Path, kind: str, campaign: dict[str, object]) -> None:
    store = MemoryStore() if kind == "memory" else EmbeddedStore(tmp_path)
    store.declare_complete("acme", NOW - 900 * DAY, known_at=NOW - 900 * DAY)
    plain, erased, revoked, kept, ceased, other = (f"215555010{place}" for place in range(6))
    long_ago = NOW - 6 * 366 * DAY
    store.record_revocation(seller="acme", number=f"+1{revoked}", at=long_ago, known_at=long_ago, person="p")
    store.record_consent(seller="acme", number=f"+1{kept}", level="express", known_at=NOW - 90 * DAY)
    store.record_contact(seller="acme", number=f"+1{ceased}", ceased_at=NOW - 90 * DAY, known_at=NOW - 90 * DAY)
    for number in (erased, revoked, kept, ceased):
        store.erase(seller="acme", number=f"+1{number}", known_at=NOW - 30 * DAY)
    numbers, persons = [plain, erased, revoked, kept, ceased, other, other], ["", "", "", "", "", "p", "q"]
    guard = Guard(store)
    screener = guard.screener(campaign, AT)
    found = screener.screen({"to": series_of(numbers), "contact.id": series_of(persons)})
    verdicts = {}
    for number, person, answer in zip(numbers[:6], persons[:6], found.answers.tolist(), strict=False):
        alone = guard.check({"channel": "voice", "campaign": "c", "at": AT, "to": number, "contact": {"id": person or None}})
        told = screener.answers[answer]
        assert (told.verdict, told.reasons) == (alone.verdict, tuple(reason["rule"] for reason in alone.reasons)), number
        verdicts[number, person] = alone.verdict
    assert verdicts[revoked, ""] == "deny" and "us.revocation.any-reasonable-means" in screener.answers[found.answers[5]].reasons


def test_telemarketing_to_an_erased_number_is_prohibited_by_the_own_list() -> None:
    store = MemoryStore()
    store.declare_complete("acme", NOW - 900 * DAY, known_at=NOW - 900 * DAY)
    store.erase(seller="acme", number="+12155550101", known_at=NOW - DAY)
    decision = Guard(store).check({
        "channel": "voice", "at": AT, "to": "215-555-0101",
        "campaign": {"seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"},
    })  # fmt: skip
    assert "us.fcc.dnc.company-list" in [reason["rule"] for reason in decision.reasons if reason["kind"] == "prohibited"]
