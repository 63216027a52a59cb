"""A Redis that comes back as it was a moment ago: slots that it lost are put back or waited for, and no cap is exceeded.

`DIALGUARD_FAULTS=long .venv/bin/python -m pytest -q -s tests/storage/test_redis_failover.py` keeps the load up for a minute.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from dialguard.model.history import Entry
from dialguard.model.moment import SECOND
from dialguard.model.records import LookUpFailed
from dialguard.storage import redis_codec as codec
from dialguard.storage.redis import RedisStore
from dialguard.storage.slots import Asked
from dialguard.storage.slots_local import kept
from simulations.redis_servers import Server, server
from tests.storage.conftest import vouch
from tests.storage.test_check_and_reserve import CALL, filled, opened
from tests.storage.test_redis_faults import A, B, T, folder, take, waiting  # noqa: F401 - folder is a fixture

LONG = os.environ.get("DIALGUARD_FAULTS") == "long"
WIDE = "?timeout=5"


@pytest.fixture
def doomed(tmp_path: Path):
    """A server that can come back as it was."""
    place = tmp_path / "redis"
    place.mkdir()
    with server(place, "--dbfilename", "then.rdb") as made:
        yield made


def remember(doomed: Server) -> None:
    with doomed.client() as client:
        client.save()


def come_back(doomed: Server, store: RedisStore | None = None) -> None:
    """It is killed, and comes back with what it held when it was told to remember: what was written since is lost. ``store`` mends it."""
    doomed.kill()
    doomed.start()
    if store is not None:
        with pytest.raises(LookUpFailed):
            take(store, "too early")
        store.replay()


def test_slots_that_were_lost_are_put_back_before_the_next_is_given(doomed, folder):  # noqa: F811
    store = RedisStore(doomed.url + WIDE, journal=folder)
    store.journal.rebuild()
    vouch(store)
    remember(doomed)
    take(store, "a")
    take(store, "b", person="p")
    take(store, "c", number=B, person="p")
    take(store, "d")
    assert store.release(seller="acme", number=A, attempt="d")
    assert (waiting(store), waiting(store, person="p")) == (2, 3)
    come_back(doomed, store)
    assert (waiting(store), waiting(store, person="p")) == (2, 3)
    take(store, "e")
    assert waiting(store) == 3
    take(store, "f", person="p")
    assert waiting(store, person="p") == 5
    come_back(doomed, store)
    assert waiting(store, person="p") == 5
    take(store, "f", person="p", ours=True)  # found among those put back, and kept
    assert waiting(store, person="p") == 5
    store.close()


def test_what_was_taken_at_the_person_for_an_attempt_that_was_not_allowed_is_given_back(doomed, folder):  # noqa: F811
    store = RedisStore(doomed.url + WIDE, journal=folder)
    store.journal.rebuild()
    vouch(store)
    asked = Asked("acme", A, "p", "a", T, b"8 bytes.", ours=True)
    with store.together() as table:
        seen = table.look(asked)
        take(store, "b")  # by somebody who names nobody
        assert table.take(seen, asked, "a", Entry(T, A, "voice")) is None
        assert waiting(store, number=B, person="p") == 1
    assert waiting(store, number=B, person="p") == 0
    assert len(kept(store.journal.store)) == 1
    store.close()


def test_a_slot_whose_attempt_was_recorded_is_put_back_as_recorded(doomed, folder):  # noqa: F811
    store = RedisStore(doomed.url + WIDE, journal=folder)
    store.journal.rebuild()
    vouch(store)
    take(store, "a", person="p")
    remember(doomed)
    store.record_attempt(seller="acme", number=A, at=T, known_at=T, person="p", reference="a")
    come_back(doomed, store)
    take(store, "b", person="p")
    assert waiting(store, person="p") == 1
    store.close()


def test_where_somebody_keeps_no_journal_nothing_is_given_until_what_was_lost_has_lapsed(doomed, folder, monkeypatch):  # noqa: F811
    store, bare = RedisStore(doomed.url + WIDE, journal=folder), RedisStore(doomed.url + WIDE)
    store.journal.rebuild()
    vouch(store)
    with pytest.raises(LookUpFailed, match="keeps no journal"):
        take(bare, "a")
    with pytest.raises(LookUpFailed, match="keeps no journal"):
        take(bare, "a")
    time.sleep(3.1)
    take(bare, "a")
    remember(doomed)
    take(bare, "b")
    monkeypatch.setattr("dialguard.storage.redis_fill.QUIET", SECOND)
    come_back(doomed, store)
    with pytest.raises(LookUpFailed, match="failed over"):
        take(store, "c")
    with pytest.raises(LookUpFailed, match="failed over"):
        take(bare, "c")
    time.sleep(1.1)
    take(store, "c")
    take(bare, "d")
    assert waiting(store) == 3
    bare.close()
    store.close()


def test_a_redis_that_is_filled_anew_has_the_slots_of_the_journal_and_waits_for_others(doomed, folder, monkeypatch):  # noqa: F811
    store = RedisStore(doomed.url + WIDE, journal=folder)
    store.journal.rebuild()
    vouch(store)
    take(store, "a", person="p")
    monkeypatch.setattr("dialguard.storage.redis_fill.QUIET", SECOND)
    come_back(doomed)  # empty
    with pytest.raises(LookUpFailed, match="holds nothing"):
        take(store, "b")
    store.journal.rebuild()
    vouch(store)
    assert (waiting(store), waiting(store, number=B, person="p")) == (1, 1)
    with pytest.raises(LookUpFailed, match="filled anew"):
        take(store, "b")
    time.sleep(1.1)
    take(store, "b")
    assert waiting(store) == 2
    store.close()


def test_a_replica_that_became_the_primary_is_another_server(doomed, folder):  # noqa: F811
    store = RedisStore(doomed.url + WIDE, journal=folder)
    store.journal.rebuild()
    vouch(store)
    take(store, "a")
    with doomed.client() as client:
        before = client.info("replication")["master_replid"]
        client.replicaof("127.0.0.1", 1)
        client.replicaof("NO", "ONE")
        assert client.info("replication")["master_replid"] != before
        client.delete(codec.number_key("s", "acme", A))
    with pytest.raises(LookUpFailed, match="another server took over"):
        waiting(store)
    store.replay()
    assert waiting(store) == 1
    take(store, "b")
    assert waiting(store) == 2
    store.close()


def test_under_load_a_failover_lets_no_cap_be_exceeded(doomed, tmp_path):
    """Eight dialers call people under a cap of three, some by two numbers; the server loses its last second, again and again."""
    address = f"{doomed.url}?timeout=0.25&journal={tmp_path / 'store'}"
    guard = filled(address)
    guard.store.close()
    allows: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    lock, over = threading.Lock(), threading.Event()
    turn = [0]
    back_at: list[float] = []
    first: list[float] = []

    def dial(mine: int) -> None:
        dialer, place = opened(address), mine
        while not over.is_set():
            person, place = f"{turn[0] * 30 + place % 30:03}", place + 7  # 30 new people each time
            found = dialer.check({**CALL, "to": ("+14055555", "+19185555")[place % 2] + person, "contact": {**CALL["contact"], "id": person}})
            with lock:
                if found.allowed:
                    allows[person] += 1
                else:
                    kinds.update({reason["kind"] for reason in found.reasons})
                if back_at and len(first) < len(back_at) and "lookup_unavailable" not in {reason["kind"] for reason in found.reasons}:
                    first.append(time.monotonic() - back_at[-1])
        dialer.store.close()

    threads = [threading.Thread(target=dial, args=(mine,)) for mine in range(8)]
    remember(doomed)
    for each in threads:
        each.start()
    for turn[0] in range(12 if LONG else 3):
        time.sleep(4 if LONG and turn[0] % 2 else 0.15)
        come_back(doomed)
        with lock:
            back_at.append(time.monotonic())
        time.sleep(1 if LONG else 0.4)
        remember(doomed)
    time.sleep(1)
    over.set()
    for each in threads:
        each.join()
    wrong = sum(max(0, number - 3) for number in allows.values())
    print(
        f"\n{sum(allows.values()) + sum(kinds.values())} decisions, {sum(allows.values())} allows, denies {dict(kinds)}, wrong allows {wrong}; "
        f"answered again after at most {max(first):.2f} s"
    )
    assert wrong == 0 and sum(allows.values()) > 30 * turn[0]
    assert kinds["lookup_unavailable"] > 0
