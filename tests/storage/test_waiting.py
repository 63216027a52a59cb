"""Opt-outs that cannot be recorded yet: held for everybody who uses the folder, recorded as soon as they can be, never lost."""

import json
import sqlite3
import threading
from pathlib import Path

import pytest

from dialguard.ledger.errors import LedgerError
from dialguard.model.records import LookUpFailed
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.redis import RedisStore
from dialguard.storage.waiting import FILE, Waiting

NUMBER, OTHER, AT = "+13055550100", "+13055550101", 1_790_000_000_000_000
STOP = {"seller": "acme", "number": NUMBER, "at": AT, "known_at": AT, "scope": "all", "means": "stop_reply", "words": "STOP\né"}


def failing(**fields):
    raise LedgerError("the disk is full")


class Record:
    """Notes what is recorded."""

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def __call__(self, **fields) -> str:
        self.rows.append(fields)
        return f"revocation:{len(self.rows)}"


def held(waiting: Waiting, number: str = NUMBER, seller: str = "acme") -> bool:
    waiting.look()
    if not waiting.any:
        return False
    try:
        waiting.hold(seller, number)
    except LookUpFailed as error:
        assert number not in str(error)
        return True
    return False


def kept(folder: Path, fields=STOP) -> Waiting:
    waiting = Waiting(folder)
    with pytest.raises(LedgerError):
        waiting.record(fields, failing)
    return waiting


def test_what_was_recorded_is_not_held(tmp_path: Path) -> None:
    waiting, record = Waiting(tmp_path), Record()
    assert waiting.record(STOP, record) == "revocation:1"
    assert record.rows == [STOP] and not held(waiting) and not (tmp_path / FILE).exists()


def test_what_could_not_be_recorded_is_held_by_everybody_and_recorded_later(tmp_path: Path) -> None:
    waiting, other, record = kept(tmp_path), Waiting(tmp_path), Record()
    assert held(waiting) and held(other)
    assert not held(other, OTHER) and not held(other, seller="bolt")
    with pytest.raises(LedgerError):
        other.replay(failing)
    assert held(other)
    assert other.replay(record) == 0
    assert record.rows == [STOP] and not held(other) and not held(waiting)
    assert other.replay(record) == waiting.replay(record) == 0 and len(record.rows) == 1


def test_it_is_held_from_the_first_moment_and_by_each_that_is_on_its_way(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path)
    with waiting.holding("acme", NUMBER):
        with waiting.holding("acme", NUMBER):
            assert held(waiting)
        assert held(waiting)
    assert not held(waiting)
    waiting.record(STOP, lambda **fields: str(held(waiting)) if held(waiting) else pytest.fail())


def test_what_is_on_its_way_is_not_recorded_by_another(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path)
    with waiting.holding("acme", NUMBER):
        assert waiting.replay(failing) == 0


def test_a_value_that_the_record_does_not_take_is_not_kept(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path)
    with pytest.raises(ValueError):
        waiting.record(STOP, lambda **fields: int("x"))
    assert not held(waiting)


def test_another_that_comes_while_one_is_recorded_is_not_lost(tmp_path: Path) -> None:
    waiting, rows = kept(tmp_path), []

    def record(**fields) -> str:
        if not rows:
            kept(tmp_path, {**STOP, "number": OTHER})
        rows.append(fields["number"])
        return ""

    assert waiting.replay(record) == 0
    assert rows == [NUMBER, OTHER] and not held(waiting, OTHER)


def test_one_process_at_a_time_records(tmp_path: Path) -> None:
    waiting, other = kept(tmp_path), Waiting(tmp_path)
    rows: list[int] = []
    waiting.replay(lambda **fields: rows.append(other.replay(failing)))
    assert rows == [1] and not held(waiting)


def test_a_line_that_was_being_written_when_somebody_was_killed(tmp_path: Path) -> None:
    kept(tmp_path)
    with open(tmp_path / FILE, "ab") as file:
        file.write(b'{"seller": "acme", "num')
    assert held(Waiting(tmp_path))
    kept(tmp_path, {**STOP, "number": OTHER})
    assert held(Waiting(tmp_path), OTHER) and not held(Waiting(tmp_path), "+13055550102")
    record = Record()
    assert Waiting(tmp_path).replay(record) == 0
    assert [row["number"] for row in record.rows] == [NUMBER, OTHER]


@pytest.mark.parametrize("text", [b"what\n", b"[]\n", b'{"seller": "acme"}\n', b'{"seller": "acme", "number": 1}\n', b"\xff\xfe\n"])
def test_where_it_cannot_be_read_everybody_is_held(tmp_path: Path, text: bytes) -> None:
    (tmp_path / FILE).write_bytes(text)
    store = EmbeddedStore(tmp_path)
    store.refresh()
    with pytest.raises(LookUpFailed, match="waiting.log"):
        store.look_up(seller="acme", number=OTHER, at=AT)
    with pytest.raises(LookUpFailed, match="waiting.log"):
        store.look_up_many("acme", [OTHER], AT)
    with pytest.raises(LookUpFailed, match="waiting.log"):
        store.recorded("acme", AT)


def test_what_no_file_takes_is_remembered_and_written_when_one_does(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    waiting = kept(tmp_path)
    assert held(waiting)
    (tmp_path / FILE).rmdir()
    assert held(waiting) and not held(Waiting(tmp_path))
    with pytest.raises(LedgerError):
        waiting.replay(failing)
    assert held(Waiting(tmp_path))
    assert json.loads((tmp_path / FILE).read_bytes())["words"] == "STOP\né"


def test_many_threads_lose_none(tmp_path: Path) -> None:
    waiting, record = Waiting(tmp_path), Record()

    def one(place: int) -> None:
        with pytest.raises(LedgerError):
            waiting.record({**STOP, "number": f"+1305555{place:04}"}, failing)

    threads = [threading.Thread(target=one, args=(place,)) for place in range(100, 140)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(held(Waiting(tmp_path), f"+1305555{place:04}") for place in range(100, 140))
    assert Waiting(tmp_path).replay(record) == 0
    assert {row["number"] for row in record.rows} == {f"+1305555{place:04}" for place in range(100, 140)}


def test_a_store_withholds_and_records_it(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, write_timeout=0.1)
    store.declare_complete("acme", AT - 1, known_at=AT)
    lock = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError):
        store.revoke(**STOP)
    other = EmbeddedStore(tmp_path)
    for each in (store, other):
        each.refresh()
        with pytest.raises(LookUpFailed):
            each.look_up(seller="acme", number=NUMBER, at=AT)
        with pytest.raises(LookUpFailed):
            each.look_up_many("acme", [OTHER, NUMBER], AT)
        assert each.look_up(seller="acme", number=OTHER, at=AT).revocations == ()
        assert each.look_up_many("acme", iter([OTHER]), AT)[OTHER].revocations == ()
        assert each.recorded("acme", AT).numbers == [NUMBER]
    lock.close()
    assert other.replay_waiting() == 0
    store.refresh()
    (found,) = store.look_up(seller="acme", number=NUMBER, at=AT).revocations
    assert (found.scope, found.means, found.at) == ("all", "stop_reply", AT)


def test_a_store_in_redis_withholds_and_records_it(redis_url: str, tmp_path: Path) -> None:
    store = RedisStore(redis_url, journal=EmbeddedStore(tmp_path, write_timeout=0.1))
    store.declare_complete("acme", AT - 1, known_at=AT)
    store.journal.rebuild(replace=True)
    lock = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError):
        store.revoke(**STOP)
    store.refresh()
    with pytest.raises(LookUpFailed, match="opt-out"):
        store.look_up(seller="acme", number=NUMBER, at=AT)
    with pytest.raises(LookUpFailed, match="opt-out"):
        store.look_up_many("acme", [NUMBER], AT)
    lock.close()
    assert store.replay_waiting() == 0
    assert [each.means for each in store.look_up(seller="acme", number=NUMBER, at=AT).revocations] == ["stop_reply"]
    store.close()
