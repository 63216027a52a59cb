"""Whatever befalls Redis reads as unknown, never as a store that knows nothing; and nothing recorded is lost."""

from __future__ import annotations

import itertools
import os
import random
import re
import socket
import threading
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.ledger.errors import LedgerError
from dialguard.lists.importing import import_list
from dialguard.model.history import Entry
from dialguard.model.moment import DAY
from dialguard.model.records import LookUpFailed
from dialguard.storage import redis_codec as codec
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.redis import RedisStore
from dialguard.storage.redis_fill import Refused
from dialguard.storage.redis_link import _Breaker
from dialguard.storage.slots import Asked
from simulations.redis_servers import Server, server
from tests.storage.conftest import vouch

T = 1_700_000_000_000_000
A, B = "+13055550100", "+12125550102"
LISTED, CLEAR = "3055550100", "3055550101"


def fill(folder: Path) -> EmbeddedStore:
    """A folder with a list and a record."""
    file = folder.parent / "national.txt"
    file.write_text("".join(f"305,555{line:04}\n" for line in range(100, 200, 2)))
    import_list(folder, "national", file, published=date(2023, 11, 1), whole_plan=True, received_at=T)
    store = EmbeddedStore(folder)
    store.declare_complete("acme", T - 300 * DAY, known_at=T)
    store.record_consent(seller="acme", number=A, level="express", known_at=T - DAY)
    store.record_attempt(seller="acme", number=A, at=T - DAY, known_at=T)
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fill(tmp_path / "store").close()
    return tmp_path / "store"


@pytest.fixture
def filled(redis_url, folder):
    """A store that is filled, with the folder behind it."""
    with_folder = RedisStore(redis_url, journal=folder)
    with_folder.journal.rebuild()
    vouch(with_folder)
    yield with_folder
    with_folder.close()


@pytest.fixture
def bare(filled, redis_url):
    """The same Redis without the folder."""
    store = RedisStore(redis_url)
    yield store
    store.close()


def take(store: RedisStore, attempt: str, number: str = A, person: str | None = None, ours: bool = False):
    """A slot, whatever else is held."""
    asked = Asked("acme", number, person, attempt, T, b"8 bytes.", ours=ours)
    with store.together() as table:
        slot = None
        while slot is None:
            slot = table.take(table.look(asked), asked, attempt, Entry(T, number, "voice"))
    return slot


def waiting(store: RedisStore, number: str = A, person: str | None = None) -> int:
    """How many slots others are seen to hold."""
    with store.together() as table:
        return len(table.look(Asked("acme", number, person, None, T, b"")).waiting)


def questions(store: RedisStore) -> list:
    return [
        lambda: store.look_up(seller="acme", number=A, at=T),
        lambda: store.look_up_many("acme", [A, B], T),
        lambda: store.list_answers("national", CLEAR),
        lambda: waiting(store),
    ]


def all_fail(store: RedisStore, match: str) -> None:
    for question in questions(store):
        store.refresh()
        with pytest.raises(LookUpFailed, match=match):
            question()


def all_answer(store: RedisStore) -> None:
    for question in questions(store):
        store.refresh()
        question()


# -- what is missing or wrong


def test_an_empty_redis_knows_nothing_of_not_knowing(redis_url):
    all_fail(RedisStore(redis_url), "holds nothing for this area code")
    store = RedisStore(redis_url)
    for question in (
        lambda: store.recorded("acme", T),
        lambda: store.list_versions("national"),
        lambda: store.look_up(seller="acme", number=A, person="p", at=T),
    ):
        with pytest.raises(LookUpFailed):
            question()


def test_a_flushed_redis_is_unknown_at_the_next_question(bare, filled, redis_server):
    all_answer(bare)
    with redis_server.client() as client:
        client.flushall()
    for store in (bare, filled):
        all_fail(store, "holds nothing for this area code")


def test_an_area_code_whose_mark_is_missing_is_unknown_and_the_others_answer(bare, redis_server):
    with redis_server.client() as client:
        client.delete(codec.mark_key("305"))
    all_fail(bare, "holds nothing for this area code")
    bare.look_up(seller="acme", number=B, at=T)


def test_a_wrong_database_is_unknown(filled, redis_url):
    all_fail(RedisStore(redis_url.replace("/0?", "/1?")), "holds nothing for this area code")


@pytest.mark.parametrize("damage", ["missing", "short", "wrong type"])
def test_bits_that_are_not_whole_are_unknown(bare, redis_server, damage):
    (answer,) = bare.list_answers("national", LISTED)
    assert answer.listed
    key = codec.bits_key("305", "national", answer.version.id)
    with redis_server.client() as client:
        client.delete(key)
        if damage == "short":
            client.set(key, bytes(999_999))
        elif damage == "wrong type":
            client.sadd(key, "x")
    bare.refresh()
    with pytest.raises(LookUpFailed):
        bare.list_answers("national", LISTED)
    with pytest.raises(LookUpFailed):
        bare.look_up(seller="acme", number=A, at=T)
    with pytest.raises(LookUpFailed):
        bare.list_contains_many(answer.version, np.array([305]), np.array([5550100]))


@pytest.mark.parametrize("kind", ["r", "a"])
@pytest.mark.parametrize("damage", ["wrong type", "garbage", "cut"])
def test_a_damaged_value_of_a_number_is_unknown(bare, redis_server, kind, damage):
    key = codec.number_key(kind, "acme", A)
    with redis_server.client() as client:
        value = client.get(key)
        assert value
        client.delete(key)
        if damage == "wrong type":
            client.hset(key, "x", "y")
        else:
            client.set(key, value[:5] + b"\xc1\xff\xff\xff" if damage == "garbage" else value[:-2])
    with pytest.raises(LookUpFailed):
        bare.look_up(seller="acme", number=A, at=T)


def test_a_missing_or_altered_catalog_of_lists_is_unknown(filled, redis_url, redis_server):
    with redis_server.client() as client:
        (key,) = client.keys("dg{c}*")
        client.set(key, b"x")
        for match in ("damaged", "catalog of lists is missing"):
            for question in questions(RedisStore(redis_url))[:3]:
                with pytest.raises(LookUpFailed, match=match):
                    question()
            client.delete(key)


def test_another_format_is_unknown(bare, redis_server):
    with redis_server.client() as client:
        client.hset(codec.mark_key("305"), "f", "2")
    all_fail(bare, "another version of DialGuard")


def test_a_redis_filled_from_another_folder_is_unknown_and_not_written_to(filled, redis_url, tmp_path):
    (tmp_path / "other").mkdir()
    other = RedisStore(redis_url, journal=tmp_path / "other")
    all_fail(other, "another folder")
    other.record_revocation(seller="acme", number=A, at=T, known_at=T)
    assert other.replay() == 1
    assert filled.look_up(seller="acme", number=A, at=T).revocations == ()
    with pytest.raises(Refused, match="another folder"):
        other.journal.rebuild()
        vouch(other)
    other.journal.rebuild(replace=True)
    vouch(other)
    assert len(other.look_up(seller="acme", number=A, at=T).revocations) == 1
    other.close()


# -- what a server answers when it is unwell


def test_a_replica_and_a_server_that_drops_keys_are_not_asked(bare, redis_url, redis_server):
    with redis_server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "1gb")
        try:
            all_fail(RedisStore(redis_url), "drops keys when it is full")
        finally:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "0")
        client.replicaof("127.0.0.1", 1)
        try:
            all_fail(RedisStore(redis_url), "is a replica")
            with pytest.raises(LookUpFailed, match="is a replica"):
                take(bare, "x")
        finally:
            client.replicaof("NO", "ONE")


def test_a_server_that_became_a_replica_is_not_asked_on_an_open_connection(bare, redis_server):
    all_answer(bare)
    with redis_server.client() as client:
        client.replicaof("127.0.0.1", 1)
        try:
            for question in questions(bare)[:3]:
                bare.refresh()
                with pytest.raises(LookUpFailed, match="read-only"):
                    question()
        finally:
            client.replicaof("NO", "ONE")


def test_a_server_that_takes_no_writes_is_unknown_since_it_may_lack_the_newest(bare, redis_server):
    with redis_server.client() as client:
        for setting, wrong, right, match in (
            ("maxmemory", "1", "0", "out of memory"),
            ("min-replicas-to-write", "1", "0", "has lost its replicas"),
        ):
            client.config_set(setting, wrong)
            try:
                for question in questions(bare)[:3]:
                    bare.refresh()
                    with pytest.raises(LookUpFailed, match=match):
                        question()
            finally:
                client.config_set(setting, right)
            all_answer(bare)


def test_a_full_server_keeps_the_entry_waiting_and_its_number_unknown(filled, redis_server):
    filled.look_up(seller="acme", number=A, at=T)
    with redis_server.client() as client:
        client.config_set("maxmemory", "1")
        try:
            filled.record_revocation(seller="acme", number=A, at=T, known_at=T)
            with pytest.raises(LookUpFailed, match="has not reached Redis yet"):
                filled.look_up(seller="acme", number=A, at=T)
            assert filled.replay() == 1
        finally:
            client.config_set("maxmemory", "0")
    assert filled.replay() == 0
    assert len(filled.look_up(seller="acme", number=A, at=T).revocations) == 1


# -- what is slow or gone


@pytest.fixture
def own_server(tmp_path_factory):
    """A server that a test may kill."""
    with server(tmp_path_factory.mktemp("own")) as made:
        yield made


def test_a_slow_server_is_waited_for_no_longer_than_the_timeout(filled, redis_server):
    store = RedisStore(redis_server.url, timeout=0.1)
    all_answer(store)
    with redis_server.client() as client:
        client.execute_command("CLIENT", "PAUSE", 1500)
        start = time.monotonic()
        with pytest.raises(LookUpFailed, match="did not answer in time"):
            store.look_up(seller="acme", number=A, at=T)
        with pytest.raises(LookUpFailed, match="did not answer in time"):
            store.list_answers("national", LISTED)  # told by the look-up: not waited for again
        assert time.monotonic() - start < 1.0
        for _ in range(2):
            with pytest.raises(LookUpFailed):
                store.look_up(seller="acme", number=A, at=T)
        start = time.monotonic()
        with pytest.raises(LookUpFailed, match="times in a row"):
            store.look_up(seller="acme", number=A, at=T)
        assert time.monotonic() - start < 0.05
    time.sleep(1.6)
    # No late answer is taken for another question's.
    assert store.look_up(seller="acme", number=B, at=T).consent is None
    assert store.look_up(seller="acme", number=A, at=T).consent is not None


def test_a_killed_server_is_unknown_and_back_without_a_restart_of_ours(folder, own_server: Server):
    store = RedisStore(f"{own_server.url}?timeout=2", journal=folder)
    store.journal.rebuild()
    vouch(store)
    all_answer(store)
    own_server.kill()
    for question in questions(store):
        store.refresh()
        with pytest.raises(LookUpFailed):
            question()
    store.record_revocation(seller="acme", number=B, at=T, known_at=T)
    own_server.start()
    time.sleep(0.6)
    all_fail(store, "holds nothing|has not reached")  # it came back empty
    store.journal.rebuild()
    vouch(store)
    store.replay()
    assert len(store.look_up(seller="acme", number=B, at=T).revocations) == 1
    all_answer(store)
    store.close()


def restarted(server: Server) -> None:
    """Killed, and back from the file that it saved last."""
    server.kill()
    server.start()


def test_a_server_back_from_an_older_file_is_unknown_until_what_it_lost_was_sent_again(folder, own_server: Server):
    store = RedisStore(f"{own_server.url}?timeout=2", journal=folder)
    store.journal.rebuild()
    vouch(store)
    bare = RedisStore(f"{own_server.url}?timeout=2")
    all_answer(bare)
    with own_server.client() as client:
        client.save()
    store.record_revocation(seller="acme", number=A, at=T, known_at=T)
    assert len(bare.look_up(seller="acme", number=A, at=T).revocations) == 1
    restarted(own_server)
    all_fail(bare, "started anew or another server took over")
    assert store.replay() == 0
    assert len(bare.look_up(seller="acme", number=A, at=T).revocations) == 1
    all_answer(bare)
    store.close()
    bare.close()


def test_what_is_recorded_after_a_loss_does_not_hide_it(folder, own_server: Server):
    store = RedisStore(f"{own_server.url}?timeout=2", journal=folder)
    store.journal.rebuild()
    vouch(store)
    with own_server.client() as client:
        client.save()
    store.record_revocation(seller="acme", number=A, at=T, known_at=T)
    restarted(own_server)
    other = f"{A[:-1]}9"
    store.record_revocation(seller="acme", number=other, at=T, known_at=T)  # the same area code, whose mark moves on
    with pytest.raises(LookUpFailed, match="has not reached Redis yet|started anew"):
        store.look_up(seller="acme", number=other, at=T)
    assert store.replay() == 0
    bare = RedisStore(f"{own_server.url}?timeout=2")
    assert [len(bare.look_up(seller="acme", number=number, at=T).revocations) for number in (A, other)] == [1, 1]
    store.close()
    bare.close()


def test_a_file_older_than_the_last_rebuild_asks_for_another(folder, own_server: Server):
    store = RedisStore(f"{own_server.url}?timeout=2", journal=folder)
    store.journal.rebuild()
    vouch(store)
    with own_server.client() as client:
        client.save()
    store.record_revocation(seller="acme", number=A, at=T, known_at=T)
    store.journal.rebuild()
    vouch(store)
    restarted(own_server)
    for _ in range(2):
        with pytest.raises(LookUpFailed, match="older than what is remembered; run `dialguard redis rebuild`"):
            store.replay()
        all_fail(store, "started anew|older than")
    store.journal.rebuild()
    vouch(store)
    assert len(store.look_up(seller="acme", number=A, at=T).revocations) == 1
    store.close()


def test_an_answer_that_trickles_in_is_not_waited_for_longer_than_the_timeout(bare, redis_server):
    with trickling(redis_server.port, 0.02) as port:
        store = RedisStore(f"redis://127.0.0.1:{port}/0?timeout=0.2")
        store.link.close()
        for question in questions(store):
            store.link._breakers.clear()
            with pytest.raises(LookUpFailed, match="did not answer in time"):
                question()
        store.close()


@contextmanager
def trickling(port: int, pause: float):
    """A way to a server on which its answers come byte by byte."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def carry(line):
            with line, socket.create_connection(("127.0.0.1", port)) as beyond:

                def back():
                    while said := beyond.recv(65536):
                        for byte in said:
                            time.sleep(pause)
                            line.sendall(bytes([byte]))

                thread = threading.Thread(target=lambda: quietly(back), daemon=True)
                thread.start()
                quietly(lambda: pump(line, beyond))

        def pump(line, beyond):
            while asked := line.recv(65536):
                beyond.sendall(asked)

        def quietly(work):
            try:
                work()
            except OSError:
                pass

        def serve():
            while True:
                line, _ = listening.accept()
                threading.Thread(target=carry, args=(line,), daemon=True).start()

        threading.Thread(target=lambda: quietly(serve), daemon=True).start()
        yield listening.getsockname()[1]


def test_what_is_recorded_while_look_ups_time_out_is_sent_all_the_same(filled, bare):
    breaker = filled.link._breakers[""] = _Breaker()
    breaker.failures, breaker.until = 3, time.monotonic() + 60  # this machine was busy; Redis is not away
    filled.record_revocation(seller="acme", number=A, at=T, known_at=T)
    filled.declare_complete("acme", T - 200 * DAY, known_at=T + 1)
    found = bare.look_up(seller="acme", number=A, at=T)
    assert len(found.revocations) == 1 and found.complete_since == T - 200 * DAY


def test_while_redis_is_away_one_asks_for_all():
    reached = 0
    with socket.create_server(("127.0.0.1", 0)) as listening:
        store = RedisStore(f"redis://127.0.0.1:{listening.getsockname()[1]}/0?timeout=0.2")
        for _ in range(3):
            with pytest.raises(LookUpFailed, match="did not answer in time"):
                store.look_up(seller="acme", number=A, at=T)
        listening.settimeout(0.1)
        try:
            while True:
                listening.accept()[0].close()
        except TimeoutError:
            pass
        store.link._breakers[""].until = 0.0  # the pause is over
        together = threading.Barrier(8)

        def ask():
            together.wait()
            with pytest.raises(LookUpFailed):
                store.look_up(seller="acme", number=A, at=T)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        try:
            while True:
                listening.accept()[0].close()
                reached += 1
        except TimeoutError:
            pass
        store.close()
    assert reached == 1


@pytest.mark.parametrize(
    "reply", [b"$100\r\nabc", b"+OK\r\n", b":7\r\n", b"*1\r\n$2\r\nok\r\n", b"$-1\r\n", b"rubbish\r\n", b"", b"-ERR what\r\n"]
)
def test_half_a_reply_or_another_ones_is_no_answer(reply):
    reached: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line:
                    while asked := line.recv(65536):
                        if b"INFO" in asked and b"SETINFO" not in asked:
                            line.sendall(b"$13\r\nrole:master\r\n\r\n")
                            continue
                        if b"EVALSHA" in asked:
                            reached.append(reply)
                            line.sendall(reply)
                            break
                        line.sendall(b"+OK\r\n" * len(re.findall(rb"(?m)^\*\d", asked)))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        store = RedisStore(f"redis://127.0.0.1:{listening.getsockname()[1]}/0?timeout=1&protocol=2")
        for question in questions(store):
            store.link._breakers.clear()
            with pytest.raises(LookUpFailed):
                question()
        store.close()
    assert len(reached) >= 4


def test_a_connection_that_was_closed_meanwhile_costs_no_denial(bare, redis_server):
    all_answer(bare)
    with redis_server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
        client.script_flush()
    all_answer(bare)


# -- what was recorded is never lost


@pytest.mark.parametrize("step", ["before the ledger", "before Redis"])
def test_a_process_killed_while_recording_leaves_no_gap(filled, redis_url, folder, monkeypatch, step):
    class Killed(BaseException):
        pass

    def kill(*_args, **_kwargs):
        raise Killed

    def record(store):
        store.record_revocation(seller="acme", number=A, at=T, known_at=T, person="p")

    doomed = RedisStore(redis_url, journal=folder)
    if step == "before the ledger":
        monkeypatch.setattr(doomed._journal.store.ledger, "_append", kill)
        monkeypatch.setattr(doomed._journal.queue, "drop", kill)
    else:
        monkeypatch.setattr(doomed._journal, "_send", kill)
    with pytest.raises(Killed):
        record(doomed)
    after = RedisStore(redis_url, journal=folder)
    for _ in range(200):
        after.refresh()
        if not after._journal.queue.waiting():
            break
        time.sleep(0.05)
    found = after.look_up(seller="acme", number=A, at=T)
    assert len(found.revocations) == (0 if step == "before the ledger" else 1)
    assert len(after.look_up(seller="acme", number=B, person="p", at=T).revocations) == len(found.revocations)
    after.close()
    doomed.close()


def test_writes_that_a_failover_lost_are_noticed_and_sent_again(filled, redis_server):
    keys = [codec.mark_key("305"), codec.number_key("r", "acme", A)]
    with redis_server.client() as client:
        before = [client.dump(key) for key in keys]
        filled.record_revocation(seller="acme", number=A, at=T, known_at=T)
        assert len(filled.look_up(seller="acme", number=A, at=T).revocations) == 1
        for key, value in zip(keys, before, strict=True):
            client.restore(key, 0, value, replace=True)
    with pytest.raises(LookUpFailed, match="lost its last entries"):
        take(filled, "x")
    with pytest.raises(LookUpFailed, match="lost its last entries|has not reached"):
        filled.look_up(seller="acme", number=A, at=T)
    assert filled.replay() == 0
    assert len(filled.look_up(seller="acme", number=A, at=T).revocations) == 1


def test_without_a_folder_nothing_is_recorded_and_the_past_is_not_guessed(bare):
    with pytest.raises(LedgerError, match="add journal=FOLDER"):
        bare.record_revocation(seller="acme", number=A, at=T, known_at=T)
    for question in (
        lambda: bare.look_up(seller="acme", number=A, at=T, as_of=T),
        lambda: bare.list_answers("national", LISTED, T),
        lambda: bare.list_versions("national", T),
        lambda: bare.recorded("acme", T, T),
    ):
        with pytest.raises(LookUpFailed, match="add journal=FOLDER"):
            question()


# -- through the whole engine


def test_a_decision_on_a_flushed_redis_is_a_denial_for_want_of_the_lookup(filled, redis_url, redis_server):
    guard = Guard(store=redis_url)
    attempt = {
        "to": A, "channel": "voice", "at": "2023-11-14T17:00:00Z",
        "campaign": {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"},
    }  # fmt: skip
    kinds = {reason["kind"] for reason in guard.check(attempt).reasons}
    assert "lookup_unavailable" not in kinds
    with redis_server.client() as client:
        client.flushall()
    decision = guard.check(attempt)
    assert decision.verdict == "deny"
    assert "lookup_unavailable" in {reason["kind"] for reason in decision.reasons}


def test_every_kind_of_url_is_read_or_refused():
    for url, wrong in (
        ("http://x", "expected redis://"), ("redis://", "names no host"), ("redis://x?cluster=maybe", "expected yes or no"),
        ("redis://x?timeout=0", "timeout"), ("redis://x?timeout=soon", "could not convert"), ("redis://x:port", "Port"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=wrong):
            RedisStore(url)
    assert "secret" not in "".join(itertools.chain([RedisStore("redis://user:secret@localhost:1/0").link.to.shown]))


def test_what_is_recorded_in_the_folder_alone_reaches_redis_too(filled, bare, folder):
    alone = EmbeddedStore(folder)
    alone.record_revocation(seller="acme", number=B, at=T, known_at=T, person="p")
    wrong = alone.suppress(seller="acme", number=B, at=T, known_at=T)
    alone.suppress(seller="acme", number=A, at=T, known_at=T, supersedes=wrong)
    made = alone.record_attempt(seller="acme", number=B, at=T, known_at=T)
    alone.record_outcome(seller="acme", attempt=made, outcome="busy", at=T, known_at=T)
    alone.declare_complete("acme", T - 200 * DAY, known_at=T + 1)
    for _ in range(200):
        filled.refresh()
        found = bare.look_up(seller="acme", number=B, at=T)
        if found.complete_since == T - 200 * DAY:
            break
        time.sleep(0.05)
    assert filled.replay() == 0
    for number in (A, B):
        asked = {"seller": "acme", "number": number, "person": "p", "at": T}
        assert bare.look_up(**asked) == alone.look_up(**asked)
    alone.close()


def test_a_folder_keeps_up_one_redis_and_disowns_the_one_before(filled, redis_url, folder):
    other = RedisStore(redis_url.replace("/0?", "/1?"), journal=folder)
    other.journal.rebuild()
    vouch(other)
    all_answer(other)
    all_fail(filled, "another folder")
    all_answer(other)
    again = RedisStore(redis_url, journal=folder)
    again.journal.rebuild(replace=True)
    vouch(again)
    all_answer(again)
    with pytest.raises(LookUpFailed, match="filled anew"):
        take(filled, "x")
    all_answer(filled)
    again.close()
    other.close()


def test_a_list_is_screened_as_from_the_folder(filled, redis_url, folder, monkeypatch):
    draw = random.Random(3)
    numbers = [f"305555{draw.randrange(90, 210):04}" for _ in range(150)] + [f"212555{draw.randrange(100, 130):04}" for _ in range(50)]
    for number in numbers[:40]:
        filled.record_consent(seller="acme", number=f"+1{number}", level="express_written", known_at=T - DAY)
    for number in numbers[20:50]:
        filled.record_revocation(seller="acme", number=f"+1{number}", at=T - DAY, known_at=T)
    monkeypatch.setattr(clock, "now", lambda: T)
    frame = pl.DataFrame({"phone": numbers})
    stores = (str(folder), redis_url, f"{redis_url}&journal={folder}")
    for purpose, told in (("telemarketing", "dg_reasons"), ("informational", "dg_verdict")):
        campaign = {"id": "c", "seller": "acme", "purpose": purpose, "dialing": "manual", "voice": "live"}
        found = [Guard(store=store).screen(frame, campaign, "2023-11-14T17:00:00Z") for store in stores]
        assert found[0].equals(found[1]) and found[0].equals(found[2])
        assert found[0][told].n_unique() > 1


def test_neither_threads_nor_descriptors_grow_with_faults(filled, redis_url, redis_server):
    store = RedisStore(redis_url.replace("timeout=5.0", "timeout=0.05"))
    before = None
    for _ in range(10):
        with redis_server.client() as client:
            client.execute_command("CLIENT", "PAUSE", 80)
        for _ in range(4):
            try:
                store.look_up(seller="acme", number=A, at=T)
            except LookUpFailed:
                pass
        time.sleep(0.15)
        now = (threading.active_count(), len(os.listdir("/proc/self/fd")))
        before = before or now
    assert now[0] <= before[0] and now[1] <= before[1] + 2
    store.close()
