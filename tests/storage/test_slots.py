"""Slots: never one too many, the same answer to the same attempt, and slots that nobody took up come back. By a decider with one cap."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from dialguard.model.history import Entry
from dialguard.model.moment import DAY, HOUR, MINUTE, SECOND
from dialguard.storage import slots
from dialguard.storage.redis import RedisStore
from dialguard.storage.slots import Asked, Reused, Slot

T = 1_700_000_000_000_000
A, B, C = "+13055550100", "+12125550102", "+13055550103"


def reserve(store, attempt, *, number=A, person=None, at=T, cap=3, content=b"8 bytes.", since=DAY) -> Slot | int:
    """A slot where fewer than ``cap`` attempts count in the time before, else how many do."""
    asked = Asked("acme", number, person, attempt, at, content)
    for _ in count():
        with store.together() as table:
            seen = table.look(asked)
            entries = [entry for entry in (*seen.found.attempts, *seen.waiting) if at - since < entry.at <= at]
            if len(entries) >= cap:
                return len(entries)
            slot = table.take(seen, asked, attempt, Entry(at, number, "voice", "telemarketing", "loans"))
        if slot is not None:
            return slot


def granted(found: Slot | int) -> bool:
    return isinstance(found, Slot)


def record(store, **more) -> str:
    return store.record_attempt(**{"seller": "acme", "number": A, "at": T - HOUR, "known_at": T, **more})


def release(store, attempt, number=A) -> bool:
    return store.release(seller="acme", number=number, attempt=attempt)


def test_slots_are_given_up_to_the_cap(store):
    record(store)
    assert [granted(reserve(store, name)) for name in ("a", "b")] == [True, True]
    assert [reserve(store, name) for name in ("c", "d")] == [3, 3]
    assert granted(reserve(store, "e", number=B))
    assert granted(reserve(store, "f", cap=4))


def test_the_same_attempt_takes_one_slot_however_often_it_asks(store):
    first = reserve(store, "a")
    assert granted(first)
    assert reserve(store, "a") == first
    assert [granted(reserve(store, name)) for name in ("b", "c", "a", "d")] == [True, True, True, False]


def test_what_a_slot_says_of_its_attempt_comes_back_as_an_attempt(store):
    entry = Entry(T, A, "voice", "telemarketing", "loans", "prerecorded", None, "d1", "+18005550000")
    asked = Asked("acme", A, None, None, T, b"8 bytes.")
    with store.together() as table:
        taken = table.take(table.look(asked), asked, "a", entry)
    with store.together() as table:
        seen = table.look(asked._replace(at=T - SECOND))
    assert seen.waiting == (entry._replace(at=T - SECOND),)
    assert taken.entry == entry and taken.lapses == taken.since + slots.LAPSE


def test_a_recorded_attempt_takes_the_place_of_its_slot(store):
    first = reserve(store, "a", cap=2)
    record(store, at=T, reference="a")
    assert granted(reserve(store, "b", cap=2))
    assert reserve(store, "c", cap=2) == 2
    assert reserve(store, "a", cap=2).lapses == first.lapses
    assert not release(store, "a")


def test_a_released_slot_is_free_again(store):
    assert granted(reserve(store, "a", cap=1))
    assert reserve(store, "b", cap=1) == 1
    assert release(store, "a")
    assert not release(store, "a")
    assert granted(reserve(store, "b", cap=1))
    assert reserve(store, "a", cap=1) == 1


def test_a_slot_that_nobody_took_up_lapses(store, monkeypatch):
    for module in ("slots", "slots_local"):
        monkeypatch.setattr(f"dialguard.storage.{module}.LAPSE", SECOND // 5)
    assert granted(reserve(store, "a", cap=1))
    time.sleep(0.3)
    assert granted(reserve(store, "b", cap=1))
    assert reserve(store, "a", cap=1) == 1
    assert not release(store, "a")


def test_an_id_stands_for_one_attempt_for_ten_minutes(store):
    reserve(store, "a", content=b"8 bytes.")
    with pytest.raises(Reused):
        reserve(store, "a", content=b"8 others")
    assert granted(reserve(store, "a", number=B, content=b"8 others"))
    record(store, at=T, reference="a")
    with pytest.raises(Reused):
        reserve(store, "a", content=b"8 others")


def test_what_is_recorded_of_a_later_moment_counts_as_well(store):
    record(store, at=T + 1)
    assert reserve(store, "a", cap=1) == 1
    assert granted(reserve(store, "b", cap=2))
    assert reserve(store, "c", cap=2, at=T - MINUTE) == 2


def test_the_window_begins_just_after_its_start(store):
    record(store, at=T - DAY)
    assert granted(reserve(store, "a", cap=1))
    record(store, number=B, at=T - DAY + 1)
    assert reserve(store, "b", number=B, cap=1) == 1


def test_sellers_are_counted_apart(store):
    record(store, seller="other")
    assert granted(reserve(store, "a", cap=1))


def test_a_person_has_one_cap_over_all_numbers(store):
    assert granted(reserve(store, "a", number=A, person="p", cap=2))
    assert granted(reserve(store, "b", number=B, person="p", cap=2))
    assert [reserve(store, name, number=number, person="p", cap=2) for name, number in (("c", A), ("d", B), ("e", C))] == [2, 2, 2]
    assert granted(reserve(store, "f", number=C, person="q", cap=1))
    assert reserve(store, "g", number=A, cap=1) == 1  # to the number, whoever is meant
    assert release(store, "a", A)
    assert granted(reserve(store, "h", number=B, person="p", cap=2))


def test_a_slot_that_became_an_attempt_counts_once_for_the_person(store):
    assert granted(reserve(store, "a", number=A, person="p", cap=2))
    record(store, number=A, person="p", at=T, reference="a")
    assert granted(reserve(store, "b", number=B, person="p", cap=2))
    record(store, number=B, person="p", at=T, reference="b")
    assert reserve(store, "c", number=A, person="p", cap=2) == 2
    assert granted(reserve(store, "c", number=A, person="p", cap=3))


def test_a_number_known_to_be_the_persons_counts_without_naming_the_person(store):
    record(store, number=B, person="p", at=T - 2 * DAY)
    assert granted(reserve(store, "a", number=B, cap=1))
    assert reserve(store, "b", number=A, person="p", cap=1) == 1


def test_malformed_questions_are_mistakes(store):
    for wrong in ({"number": "305"}, {"person": " "}):
        with pytest.raises(ValueError):
            reserve(store, "a", **wrong)
    with pytest.raises(ValueError):
        store.release(seller="acme", number=A, attempt="")


def test_of_a_thousand_at_once_none_too_many_is_given(store):
    record(store)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda place: granted(reserve(store, f"call {place // 2}")), range(1000)))
    assert len({place // 2 for place, each in enumerate(found) if each}) == 2


def test_of_a_thousand_over_two_numbers_of_a_person_none_too_many_is_given(store):
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda place: granted(reserve(store, f"call {place}", number=(A, B)[place % 2], person="p")), range(1000)))
    assert sum(found) == 3


def test_an_active_number_takes_at_most_200_bytes(redis_url, redis_server, tmp_path):
    store = RedisStore(redis_url, journal=tmp_path)
    numbers = [f"+1305{line}" for line in range(2_000_000, 2_004_000)]
    with redis_server.client() as client:
        store.journal.rebuild()
        before = client.info("memory")["used_memory"]
        for place in range(6):
            said = {
                "seller": "acme",
                "known_at": T,
                "at": T - place * DAY - 7,
                "channel": "voice",
                "purpose": "telemarketing",
                "subject": "home solar",
            }
            rows = [{**said, "number": number, "outcome": ("no_answer", "busy")[place % 2]} for number in numbers]
            store.journal.store.record_many("attempt", rows)
        store.journal.rebuild()
        spent = (client.info("memory")["used_memory"] - before) / len(numbers)
        assert len(store.look_up(seller="acme", number=numbers[7], at=T).attempts) == 6
    assert spent <= 200
    store.close()
