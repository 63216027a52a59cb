"""What is particular to Redis as a store: round trips, lists and bits, reservations, bytes, and equality with the ledger."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from dialguard.lists.importing import import_list
from dialguard.lists.versions import rollback
from dialguard.model.moment import DAY, HOUR
from dialguard.model.records import LookUpFailed
from dialguard.storage import redis_codec as codec
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.redis import RedisStore
from dialguard.storage.redis_verify import verify
from tests.storage.conftest import vouch

T = 1_700_000_000_000_000
A, B = "+13055550100", "+12125550102"


def put(folder: Path, code: str, lines: list[str], published: date, **more) -> None:
    file = folder.parent / f"{code}-{published}.txt"
    file.write_text("".join(f"{line}\n" for line in lines))
    import_list(folder, code, file, published=published, received_at=T, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "store"
    put(made, "national", ["305,5550100", "305,5550102", "212,5550102"], date(2023, 10, 1), area_codes=["305", "212", "907"])
    put(made, "national", ["305,5550100", "212,5550199", "907,5550101"], date(2023, 11, 1), area_codes=["305", "212", "907"])
    put(made, "TX", ["512,5550100"], date(2023, 10, 1))
    return made


@pytest.fixture(params=["one server", "cluster"])
def store(request, folder):
    url = request.getfixturevalue("redis_url" if request.param == "one server" else "cluster_url")
    made = RedisStore(url, journal=folder)
    made.journal.rebuild()
    yield made
    made.close()


# -- round trips


def test_a_decision_is_one_round_trip(redis_url, folder, redis_server):
    store = RedisStore(redis_url, journal=folder)
    store.journal.rebuild()
    store.record_consent(seller="acme", number=A, level="express", known_at=T)
    store.replay()  # nothing is left to be sent beside

    def decide():
        store.refresh()
        store.look_up(seller="acme", number=A, at=T)
        return [store.list_answers(code, A[2:]) for code in ("national", "TX", "FL")]

    decide()
    with redis_server.client() as client:
        client.config_resetstat()
        decide()
        stats = client.info("commandstats")
    # What runs inside a script is counted too; from outside came one EVALSHA.
    inside = {
        "cmdstat_hmget",
        "cmdstat_get",
        "cmdstat_strlen",
        "cmdstat_getbit",
        "cmdstat_setrange",
        "cmdstat_config|resetstat",
        "cmdstat_config",
        "cmdstat_info",
        "cmdstat_time",
    }
    assert stats["cmdstat_evalsha"]["calls"] == 1 and set(stats) - inside == {"cmdstat_evalsha"}
    store.close()


# -- lists


def test_lists_are_those_of_the_folder(store, folder):
    embedded = EmbeddedStore(folder)
    for code in ("national", "TX", "FL"):
        assert store.list_versions(code) == embedded.list_versions(code)
        for since, left in ((date(2023, 10, 30), 2), (date(2023, 10, 31), 1)):  # the day before the second's own: it may be yesterday yet
            found = store.list_versions(code, None, since.toordinal())
            assert found == embedded.list_versions(code, None, since.toordinal())
            assert code != "national" or len(found) == left
        for number in (
            "3055550100",
            "3055550101",
            "3055550102",
            "2125550199",
            "9075550100",
            "5125550100",
            "5125550101",
            "6175550100",
            "8005550100",
        ):
            store.refresh()
            assert store.list_answers(code, number) == embedded.list_answers(code, number)
    for wrong in ("305555010", "1055550100", "305-555-01"):
        with pytest.raises(ValueError, match="not a national number"):
            store.list_answers("national", wrong)
    embedded.close()


def test_many_numbers_are_tested_on_bits_pulled_once(store, folder):
    embedded = EmbeddedStore(folder)
    npa = np.array([305, 305, 212, 907, 617, 199, 1000, 305, 512, 305, 212])
    line = np.array([5550100, 5550101, 5550199, 5550100, 5550100, 5550100, 5550100, 1550100, 5550100, 9_999_999, 10_000_000])
    for code in ("national", "TX"):
        for version in store.list_versions(code):
            assert store.list_contains_many(version, npa, line).tolist() == embedded.list_contains_many(version, npa, line).tolist()
            assert store.list_contains_many(version, npa[:0], line[:0]).tolist() == []
    with pytest.raises(ValueError, match="one dimension and one length"):
        store.list_contains_many(store.list_versions("TX")[0], npa, line[1:])
    embedded.close()


def test_new_lists_are_taken_up_whole_and_old_ones_go(store, folder):
    before = store.list_versions("national")
    rollback(folder, "national", at=T + 1)
    put(folder, "FL", ["305,5550101"], date(2023, 11, 2))
    store.journal.filler.lists()
    store.refresh()
    assert store.list_versions("national") == before[:1]
    assert [answer.listed for answer in store.list_answers("national", "3055550102")] == [True]
    assert [answer.listed for answer in store.list_answers("FL", "3055550101")] == [True]
    with pytest.raises(LookUpFailed, match="not in Redis any more"):
        store.list_contains_many(before[1], np.array([305]), np.array([5550100]))
    # Asked as of a moment before, the folder still knows both.
    assert [version.id for version in store.list_versions("national", T)] == [version.id for version in before]


# -- the record


def test_what_is_recorded_answers_as_the_ledger_at_any_moment(store, folder):
    draw, embedded = random.Random(7), EmbeddedStore(folder)
    numbers, people = [A, B, "+13055550177", "+442071838750"], [None, "p", "q"]
    words = {"channel": [None, "voice", "sms"], "subject": [None, "loans", "cards"], "outcome": [None, "busy", "odd_word", "conversation"]}
    for place in range(150):
        common = {"seller": "acme", "number": draw.choice(numbers), "person": draw.choice(people), "known_at": T + place}
        at = T - draw.randrange(500 * DAY)
        kind = draw.randrange(6)
        if place in (61, 110, 143):
            store.erase(seller="acme", number=numbers[place % 4], known_at=T + place)
        if kind == 0:
            store.record_consent(level=draw.choice(["none", "express", "express_written"]), obtained_at=at, **common)
        elif kind == 1:
            store.record_revocation(at=at, **common)
        elif kind == 2:
            store.suppress(at=at, **common)
        elif kind == 3:
            store.record_relationship(last_transaction_at=at, current=draw.choice([None, True, False]), **common)
        else:
            made = store.record_attempt(at=at, **{name: draw.choice(values) for name, values in words.items()}, **common)
            if draw.random() < 0.5:
                store.record_outcome(
                    seller="acme", attempt=made, outcome=draw.choice(["busy", "conversation"]), at=at + HOUR, known_at=T + place
                )
    store.declare_complete("acme", T - 300 * DAY, known_at=T)
    rebuilt = False
    for _ in range(2):
        for number in numbers:
            for person in people:
                for at in (T, T - 100 * DAY, T - 450 * DAY, T + 9 * DAY):
                    asked = {"seller": "acme", "number": number, "person": person, "at": at}
                    assert store.look_up(**asked) == embedded.look_up(**asked), (number, person, at, rebuilt)
        many = {"persons": {A: "p"}}
        assert store.look_up_many("acme", numbers, T, **many) == embedded.look_up_many("acme", numbers, T, **many)
        store.journal.rebuild()
        rebuilt = True
    vouch(store)
    bare = RedisStore(f"{store.link.to.url}?timeout=5&cluster={'yes' if store.link.to.cluster else 'no'}&keys={folder / 'keys'}")
    found, known = bare.recorded("acme", T), embedded.recorded("acme", T)
    assert set(found.numbers) == {*known.numbers, *(number for number, *_ in known.consents)}
    assert set(found.persons) == set(known.persons) and set(found.hidden) == set(known.hidden) and len(found.hidden) == 3
    assert bare.recorded("other", T) == ([], [], [], [], ())
    bare.close()
    embedded.close()


def test_attempts_of_more_kinds_than_a_byte_counts_are_kept_apart():
    rows = [
        (place, A, None, T + place, T, "voice", None, f"s{place}", None, f"o{place % 200}", None, None, None, None, None, None)
        for place in range(300)
    ]
    value = codec.encode_attempts(5, rows)
    assert value is not None and value[5] >= 128
    entries = codec.decode_attempts(value, A, T + 400).entries
    assert [(one.at, one.subject, one.outcome) for one in entries] == [(row[3], row[7], row[9]) for row in rows]


def test_attempts_older_than_is_kept_are_never_taken_for_none(redis_url, folder):
    store = RedisStore(redis_url, journal=folder)
    store.journal.rebuild()
    for at in (T - 440 * DAY, T - 420 * DAY, T):
        store.record_attempt(seller="acme", number=A, at=at, known_at=T)
    assert len(store.look_up(seller="acme", number=A, at=T).attempts) == 1
    assert len(store.look_up(seller="acme", number=A, at=T - 41 * DAY).attempts) == 2  # from the ledger: Redis has it no more
    vouch(store)
    bare = RedisStore(redis_url)
    assert len(bare.look_up(seller="acme", number=A, at=T).attempts) == 1
    with pytest.raises(LookUpFailed, match="the ledger is needed"):
        bare.look_up(seller="acme", number=A, at=T - 41 * DAY)
    bare.close()
    store.close()


def test_pauses_stand_in_redis_after_a_rebuild_and_are_verified(redis_url, folder):
    recorder = EmbeddedStore(folder)
    recorder.pause_campaign(seller="acme", campaign="c", at=T, known_at=T, reason="too many", by="house.x")
    store = RedisStore(redis_url, journal=folder)
    store.journal.rebuild()
    assert [pause.campaign for pause in store.look_up(seller="acme", number=A, at=T).pauses] == ["c"]
    vouch(store)
    assert [pause.campaign for pause in RedisStore(redis_url).look_up(seller="acme", number=B, at=T).pauses] == ["c"]
    assert verify(store.link, store.journal).count == 0
    key, field = codec.mark_key("305"), "s" + codec.short("acme")
    store.link.ask(lambda client: client.hset(key, field, codec.encode_declaration(1, "acme", codec.Declared())))
    assert verify(store.link, store.journal).problems == ("area code 305: a seller's declaration is missing or differs",)
    store.close()


def test_after_a_rebuild_nothing_is_taken_for_recorded_since(redis_url, folder):
    """Also where nothing of some kind was ever recorded."""
    store = RedisStore(redis_url, journal=folder)
    store.journal.store.suppress(seller="acme", number=A, at=T, known_at=T)
    store.journal.rebuild()
    tips = store.journal.filler.source.tips()
    assert sum(tips.values()) == store.journal.filler.source.version() > 0 and not all(tips.values())
    assert store.journal.queue.noted() == tips
    store.close()
