"""Clients without the folder: they answer only while somebody vouches that Redis lacks nothing of what was recorded.

`DIALGUARD_FAULTS=long .venv/bin/python -m pytest -q -s tests/storage/test_redis_lease.py` keeps up the race for a minute.
"""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dialguard.ledger.errors import LedgerError
from dialguard.ledger.ledger import Ledger
from dialguard.lists.importing import import_list
from dialguard.model.records import LookUpFailed
from dialguard.storage import lease, redis_scripts
from dialguard.storage import redis_codec as codec
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.lease import Leases
from dialguard.storage.redis import RedisStore
from dialguard.storage.redis_keeper import Keeper
from simulations.redis_servers import free_port, server
from tests.storage.test_redis_faults import A, B, CLEAR, T, all_answer, all_fail, folder, take  # noqa: F401 - folder is a fixture

LONG = os.environ.get("DIALGUARD_FAULTS") == "long"
LEASE = 1.0
UNVOUCHED = "has vouched for Redis"


@pytest.fixture
def url(request) -> str:
    """Of one server, or of a cluster where the test says so."""
    return f"{request.getfixturevalue(getattr(request, 'param', 'redis_url'))}&lease={LEASE}"


both = pytest.mark.parametrize("url", ["redis_url", "cluster_url"], indirect=True)


@pytest.fixture
def filled(url, folder) -> Iterator[RedisStore]:  # noqa: F811
    store = RedisStore(url, journal=folder)
    store.journal.rebuild()
    yield store
    store.close()


@pytest.fixture
def bare(filled, url) -> Iterator[RedisStore]:
    store = RedisStore(url)
    yield store
    store.close()


@pytest.fixture
def cut(filled, folder) -> Iterator[RedisStore]:  # noqa: F811
    """Another process beside the folder, which cannot reach Redis."""
    store = RedisStore(f"redis://127.0.0.1:{free_port()}/0?timeout=0.1", journal=folder)
    yield store
    store.close()


@contextmanager
def keeping(store: RedisStore) -> Iterator[list]:
    """Somebody vouches for the store's Redis; what was told of it."""
    stop, told = threading.Event(), []
    thread = threading.Thread(target=store.keeper().run, args=(stop, told.append))
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join()


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def answers(store: RedisStore, number: str = A) -> bool:
    try:
        store.look_up(seller="acme", number=number, at=T)
        return True
    except LookUpFailed:
        return False


def fresh(keeper: Keeper) -> Keeper:
    """One that has just vouched: the first turn gives a lease from the turn before, which may be long ago."""
    keeper.turn()
    keeper.turn()
    return keeper


def vouched(keeper: Keeper, ask: Callable[[], Any]) -> Any:
    """What is answered while it is vouched for: on a busy machine a lease may be over before one asks."""
    ends = time.monotonic() + 30
    while True:
        keeper.turn()
        try:
            return ask()
        except LookUpFailed:
            if time.monotonic() > ends:
                raise


def lapse() -> None:
    time.sleep(LEASE * 1.2)


# -- what is asked


@both
def test_where_nobody_vouches_there_is_no_answer_without_the_folder_and_one_with_it(filled, bare):
    all_answer(filled)
    all_fail(bare, f"nobody who knows the folder {UNVOUCHED} yet")
    keeper = filled.keeper()
    assert keeper.turn() == (954, 954, None)
    for ask in most_questions(bare):
        vouched(keeper, ask)
    lapse()
    all_fail(bare, rf"{UNVOUCHED} for \d+\.\d s, .*redis keep")
    all_answer(filled)


def most_questions(store: RedisStore) -> list[Callable[[], Any]]:
    """All but slots: the first one without a folder is announced, and waited for."""
    return [
        lambda: store.look_up(seller="acme", number=A, person="p", at=T),
        lambda: store.look_up_many("acme", [A, B], T),
        lambda: store.list_answers("national", CLEAR),
        lambda: store.recorded("acme", T),
        lambda: store.list_contains_many(store.list_versions("national")[0], np.array([305]), np.array([5550100])),
    ]


def test_every_question_by_itself_asks_for_the_lease(filled, bare):
    """Each after the others have answered, so that nothing that one remembers is another's answer."""
    keeper = filled.keeper()
    for ask in (
        lambda: bare.look_up(seller="acme", number=A, person="p", at=T),
        lambda: bare.recorded("acme", T),
        lambda: bare.list_versions("national"),
        lambda: bare.list_contains_many(version, np.array([305]), np.array([5550100])),
        lambda: take(bare, "x"),
    ):
        (version,) = vouched(keeper, lambda: bare.list_versions("national"))
        lapse()
        bare.refresh()
        with pytest.raises(LookUpFailed, match=UNVOUCHED):
            ask()


@pytest.mark.parametrize(("begun", "ends", "answered"), [(0, 1 << 50, True), (0, 1, False), ((1 << 51) - 1, 1 << 51, False)])
def test_a_lease_is_over_after_its_end_and_before_its_beginning(filled, bare, begun, ends, answered):
    """Before: the clock of the server was set back since it was given. 2**50 microseconds are the year 2005."""
    assert (1 << 50) < T
    ends = 1 << 51 if answered else ends
    filled.journal.filler._marked(redis_scripts.MARK, ["v", struct.pack(">Q", begun)[1:] + struct.pack(">Q", ends)[1:]])
    assert answers(bare) == answered


def test_a_lease_that_a_clock_set_back_has_left_in_the_future_is_replaced(filled, bare):
    far = struct.pack(">Q", 1 << 51)[1:]
    filled.journal.filler._marked(redis_scripts.MARK, ["v", far + far])
    vouched(filled.keeper(), lambda: bare.look_up(seller="acme", number=A, at=T))


# -- what is recorded while it cannot be sent


@both
def test_what_a_machine_records_that_cannot_reach_redis_is_not_unknown_to_others_once_it_is_acknowledged(filled, bare, cut):
    keeper = filled.keeper()
    assert vouched(keeper, lambda: bare.look_up(seller="acme", number=A, at=T)).revocations == ()
    cut.record_revocation(seller="acme", number=A, at=T, known_at=T)
    assert not answers(bare)
    # Nobody vouches any more: nobody waits.
    start = time.monotonic()
    assert Leases(filled.folder).turn() is None
    cut.record_revocation(seller="acme", number=B, at=T, known_at=T)
    assert time.monotonic() - start < lease.patience(LEASE)
    for number in (A, B):
        assert len(vouched(keeper, lambda: bare.look_up(seller="acme", number=number, at=T)).revocations) == 1  # noqa: B023 - asked at once


def test_it_is_acknowledged_at_once_where_a_keeper_sends_it(filled, bare, cut):
    with keeping(filled):
        until(lambda: answers(bare))
        cut.record_revocation(seller="acme", number=A, at=T, known_at=T)
        until(lambda: answers(bare))
        assert len(filled.look_up(seller="acme", number=A, at=T).revocations) == 1
        assert not filled.journal.queue.waiting()


@pytest.mark.parametrize("how", ["entry", "many", "erasure", "pause"])
def test_what_is_recorded_in_the_folder_alone_too(filled, bare, folder, how):  # noqa: F811
    alone = EmbeddedStore(folder)

    def record() -> None:
        if how == "entry":
            alone.suppress(seller="acme", number=A, at=T, known_at=T)
        elif how == "many":
            alone.record_many("revocation", [{"seller": "acme", "number": A, "at": T, "known_at": T}])
        elif how == "pause":
            alone.pause_campaign(seller="acme", campaign="c", at=T, reason="r", by="b", known_at=T)
        else:
            alone.erase(seller="acme", number=A, known_at=T)

    vouched(filled.keeper(), lambda: bare.look_up(seller="acme", number=A, at=T))
    record()
    assert not answers(bare)
    alone.close()


@both
def test_what_was_recorded_by_who_knows_nothing_of_redis_is_known_after_a_lease_or_nobody_answers(filled, bare, folder):  # noqa: F811
    """As event rules record a pause, and other machines into a ledger in PostgreSQL."""
    keeper, ledger = fresh(filled.keeper()), Ledger(folder / "ledger.sqlite")
    ledger.record_revocation(seller="acme", number=A, at=T, known_at=T)
    lapse()
    assert not answers(bare)
    assert len(vouched(keeper, lambda: bare.look_up(seller="acme", number=A, at=T)).revocations) == 1
    ledger.close()


def test_a_folder_that_nobody_vouches_for_waits_for_nobody(filled, folder, monkeypatch):  # noqa: F811
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits"))
    alone = EmbeddedStore(folder)
    alone.suppress(seller="acme", number=A, at=T, known_at=T)
    alone.close()


def test_a_recorder_killed_between_the_folder_and_redis_leaves_what_is_not_vouched_for_until_it_is_sent(filled, bare, url, folder):  # noqa: F811
    keeper = fresh(filled.keeper())
    program = (
        "import os, sys\nfrom dialguard.storage.redis import RedisStore\nstore = RedisStore(sys.argv[1], journal=sys.argv[2])\n"
        "store.journal._send = lambda notes: os.kill(os.getpid(), 9)\n"
        f"store.record_revocation(seller='acme', number={A!r}, at={T}, known_at={T})\n"
    )
    assert subprocess.run([sys.executable, "-c", program, url, str(folder)], check=False).returncode == -signal.SIGKILL
    assert filled.journal.queue.waiting() == 1
    assert len(vouched(keeper, lambda: bare.look_up(seller="acme", number=A, at=T)).revocations) == 1


@both
def test_what_cannot_be_sent_to_one_area_code_leaves_the_others_vouched_for(filled, bare):
    key = codec.number_key("r", "acme", A)
    filled.link.ask(lambda client: (client.delete(key), client.hset(key, "x", "y")))
    filled.record_revocation(seller="acme", number=A, at=T, known_at=T)
    keeper = fresh(filled.keeper())
    kept = keeper.turn()
    assert (kept.kept, kept.why) == (953, "something recorded has not reached Redis yet")
    vouched(keeper, lambda: bare.look_up(seller="acme", number=B, at=T))
    assert not answers(bare, A)


def test_an_opt_out_that_could_not_be_recorded_is_held_by_those_without_the_folder(filled, bare, monkeypatch):
    keeper = fresh(filled.keeper())

    def full(*_, **__):
        raise LedgerError("the disk is full")

    monkeypatch.setattr(filled.journal.store.ledger, "_append", full)
    with pytest.raises(LedgerError):
        filled.revoke(seller="acme", number=A, at=T, known_at=T)
    assert not answers(bare)
    assert fresh(keeper).turn().kept == 953
    vouched(keeper, lambda: bare.look_up(seller="acme", number=B, at=T))
    assert not answers(bare, A)
    monkeypatch.undo()
    assert filled.replay_waiting() == 0
    assert len(vouched(keeper, lambda: bare.look_up(seller="acme", number=A, at=T)).revocations) == 1


@both
def test_a_list_that_was_imported_is_taken_up_before_anybody_vouches_again(filled, bare, folder):  # noqa: F811
    keeper = fresh(filled.keeper())
    file = folder.parent / "more.txt"
    file.write_text("305,5550101\n")
    import_list(folder, "national", file, published=date(2023, 11, 8), whole_plan=True, received_at=T + 1, allow_shrink=True)
    assert keeper.turn() == (0, 954, "the lists of the folder are being taken up")
    bare.refresh()
    assert [answer.listed for answer in vouched(keeper, lambda: bare.list_answers("national", CLEAR))][-1]
    assert vouched(keeper, lambda: bare.list_versions("FL")) == ()
    import_list(folder, "FL", file, published=date(2023, 11, 8), received_at=T + 1)
    assert keeper.turn().kept == 0
    bare.refresh()
    assert len(vouched(keeper, lambda: bare.list_versions("FL"))) == 1


# -- who vouches


def test_a_renewal_that_comes_late_is_over_when_it_comes(filled, bare):
    keeper = fresh(filled.keeper())
    call = keeper._call

    def slow(*given):
        lapse()
        return call(*given)

    keeper._call = slow
    assert keeper.turn().kept == 954
    assert not answers(bare)


def test_what_is_recorded_while_a_keeper_stands_still_is_not_vouched_for_by_it(filled, bare, folder):  # noqa: F811
    """It stands still between its look at the folder and its renewal, and an entry is acknowledged meanwhile."""
    keeper, alone = filled.keeper(), EmbeddedStore(folder)
    keeper.turn()
    call = keeper._call

    def meanwhile(*given):
        keeper._call = call
        alone.suppress(seller="acme", number=A, at=T, known_at=T)
        return call(*given)

    keeper._call = meanwhile
    assert keeper.turn().kept == 954  # late
    assert not answers(bare)
    assert vouched(keeper, lambda: bare.look_up(seller="acme", number=A, at=T)).internal is not None
    alone.close()


def test_whoever_records_after_a_keeper_looked_knows_that_somebody_vouches(filled, bare, folder, monkeypatch):  # noqa: F811
    """Also where nobody did before."""
    keeper, alone, journal = fresh(filled.keeper()), EmbeddedStore(folder), filled.journal
    journal.leases.over(journal.leases.turn())
    look = journal.caught_up

    def then_record():
        found = look()
        alone.suppress(seller="acme", number=A, at=T, known_at=T)
        return found

    monkeypatch.setattr(journal, "caught_up", then_record)
    keeper.turn()
    assert not answers(bare)
    alone.close()


def test_one_process_keeps_and_another_stands_by(filled, url, folder, bare):  # noqa: F811
    other = RedisStore(url, journal=folder)
    with keeping(filled) as first:
        until(lambda: first)
        with keeping(other) as second:
            until(lambda: second)
            assert set(second) == {"another process keeps this folder's Redis; this one stands by"}
            until(lambda: answers(bare))
    with keeping(other) as second:
        until(lambda: second[-1:] == [(954, 954, None)])
    other.close()


@both
def test_a_redis_that_the_folder_disowned_is_not_vouched_for(filled, redis_url, folder):  # noqa: F811
    first, bare = filled.keeper(), RedisStore(f"{filled.link.to.url}?timeout=5" + ("&cluster=yes" if filled.link.to.cluster else ""))
    vouched(first, lambda: bare.look_up(seller="acme", number=A, at=T))
    other = RedisStore(redis_url.replace("/0?", "/1?"), journal=folder)
    other.journal.rebuild()
    assert not answers(bare)
    assert first.turn().why.startswith("Redis was filled from another folder")
    other.close()
    bare.close()


def test_after_a_failover_nobody_vouches_for_the_server_before(filled, url, folder, tmp_path):  # noqa: F811
    (tmp_path / "replica").mkdir()
    with server(tmp_path / "replica") as made:
        old = filled.keeper()
        old.turn()
        host, port = filled.link.client(5.0).connection_pool.connection_kwargs["host"], filled.link.client(5.0).connection_pool.connection_kwargs["port"]
        bare = RedisStore(url)
        with made.client() as client:
            client.replicaof(host, port)
            until(lambda: client.info("replication").get("master_link_status") == "up")
            client.replicaof("NO", "ONE")
        until(lambda: old.turn() and answers(bare))  # its first replica gave it another replication id
        new = RedisStore(f"{made.url}?timeout=5&lease={LEASE}", journal=folder)
        assert new.replay() == 0  # vouches for it, once what vouched for the other is over
        new.record_revocation(seller="acme", number=A, at=T, known_at=T)
        assert not answers(bare)
        assert old.turn().why.startswith("this is not the Redis to which was sent last")
        assert not answers(bare)
        assert new.keeper().turn().kept == 954
        # Who still holds the first for the right one has recorded nothing that anybody could miss.
        filled.record_revocation(seller="acme", number=B, at=T, known_at=T)
        there = RedisStore(f"{made.url}?timeout=5")
        assert not answers(there, B)
        assert new.replay() == 0
        assert len(vouched(new.keeper(), lambda: there.look_up(seller="acme", number=B, at=T)).revocations) == 1
        assert len(there.look_up(seller="acme", number=A, at=T).revocations) == 1
        # An operator goes back to the first: what it lacks is sent before anybody vouches for it.
        assert filled.replay(adopt=True) == 0
        assert len(vouched(old, lambda: bare.look_up(seller="acme", number=A, at=T)).revocations) == 1
        for store in (new, there, bare):
            store.close()


def test_under_a_keeper_that_stalls_at_random_no_acknowledged_entry_is_unknown(filled, bare, cut, folder):  # noqa: F811
    """Two keepers at once, which stand still between any two steps, sometimes for longer than a lease; three ways of recording."""
    over, draw = threading.Event(), random.Random(7)
    seen: Counter[str] = Counter()
    wrong: list[str] = []

    def stall() -> None:
        if draw.random() < 0.25:
            time.sleep(draw.choice((0.01, 0.1, LEASE, LEASE * 1.4)))

    class Stalling(Keeper):
        def _call(self, *given):
            stall()
            found = super()._call(*given)
            stall()
            return found

        def _write(self, *given):
            stall()
            super()._write(*given)
            stall()

    def keep() -> None:
        store = RedisStore(f"{filled.link.to.url}?timeout=5&lease={LEASE}", journal=folder)
        keeper = Stalling(store.link, store.journal)
        while not over.is_set():
            try:
                keeper.turn()
            except (LedgerError, LookUpFailed):
                seen["keeper failed"] += 1
            time.sleep(LEASE / 8)
        store.close()

    alone = EmbeddedStore(folder)

    def record(name: str, store) -> None:
        place = 0
        while not over.is_set():
            number = f"+1{('305', '212', '919')[place % 3]}555{ {'alone': 1, 'cut': 2, 'sent': 3}[name] }{place:03}"
            place += 1
            store.record_revocation(seller="acme", number=number, at=T, known_at=T)
            for _ in range(40):
                if over.is_set():
                    return
                try:
                    found = bare.look_up(seller="acme", number=number, at=T)
                except LookUpFailed:
                    seen[f"{name}: no answer"] += 1
                else:
                    seen[f"{name}: an answer"] += 1
                    if not found.revocations:
                        wrong.append(f"{name}: {number}")
                time.sleep(0.005)

    threads = [threading.Thread(target=keep) for _ in range(2)]
    threads += [threading.Thread(target=record, args=each) for each in (("alone", alone), ("cut", cut), ("sent", filled))]
    for thread in threads:
        thread.start()
    time.sleep(60 if LONG else 8)
    over.set()
    for thread in threads:
        thread.join()
    alone.close()
    print(f"\n{dict(seen)}, wrong {len(wrong)}")
    assert wrong == []
    assert all(seen[f"{name}: an answer"] and seen[f"{name}: no answer"] for name in ("alone", "cut", "sent"))


# -- what the folder knows of it


def turned(folder: Path, length: float = 0.2, sent: dict[str, int] | None = None) -> Leases:  # noqa: F811
    leases = Leases(folder)
    leases.write(lease.new(length, sent or {}))
    return leases


def test_a_turn_is_waited_out_once_and_then_taken_away(tmp_path):
    turned(tmp_path)
    leases, start = Leases(tmp_path), time.monotonic()
    leases.outwait()
    assert time.monotonic() - start >= 0.2 * 1.1 + 0.05
    assert leases.turn() is None


def test_a_turn_is_waited_for_from_when_it_was_first_seen(tmp_path, monkeypatch):
    leases = turned(tmp_path)
    time.sleep(0.2 * 1.1 + 0.05)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits"))
    leases.outwait()
    assert leases.turn() is None


def test_a_turn_that_another_one_followed_is_waited_out_and_stays(tmp_path):
    leases = turned(tmp_path)
    thread = threading.Thread(target=Leases(tmp_path).outwait)
    thread.start()
    time.sleep(0.05)
    turned(tmp_path)
    kept = leases.turn()
    thread.join()
    assert leases.turn() == kept is not None


def test_who_was_told_that_it_was_sent_waits_no_longer(tmp_path, monkeypatch):
    leases = turned(tmp_path, 10.0, {"revocation": 3})
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits"))
    leases.outwait(lambda turn: turn.sent["revocation"] >= 3)


def test_a_file_that_cannot_be_read_is_waited_for_as_the_longest_lease(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "_UNREADABLE", lease.Turn("?", 0.2, {}))
    (tmp_path / lease.FILE).write_bytes(b"\0")
    leases = Leases(tmp_path)
    start = time.monotonic()
    leases.outwait()
    assert time.monotonic() - start >= 0.2 * 1.1 + 0.05
    assert leases.turn() is None
    assert lease.LONGEST == 10.0


# -- the command


def test_the_command_keeps_until_it_is_stopped(filled, url, bare, folder):  # noqa: F811
    command = [sys.executable, "-m", "dialguard", "redis", "keep", "--url", url, "--store", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "vouched for 954 of 954 parts\n"
        until(lambda: answers(bare))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    lapse()
    lapse()
    assert not answers(bare)
