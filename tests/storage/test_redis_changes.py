"""Stores that know the folder, each in a process of its own: what one recorded and Redis was not told of, the others know at once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dialguard.ledger.errors import LedgerError
from dialguard.model.records import LookUpFailed
from dialguard.storage import changes, redis_journal
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.redis import RedisStore
from simulations.redis_servers import free_port
from tests.storage.test_redis_faults import A, B, T, filled, folder  # noqa: F401 - fixtures

RECORDER = """
import sys
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.redis import RedisStore
url, folder = sys.argv[1:]
store = RedisStore(url, journal=folder) if url else EmbeddedStore(folder)
for line in sys.stdin:
    store.record_revocation(seller="acme", number=line.strip(), at=%d, known_at=%d)
    print("recorded", flush=True)
""" % (T, T)


@contextmanager
def recorder(url: str, folder) -> Iterator:  # noqa: F811
    """Another process, which records a revocation of a number and returns once it says so."""
    with subprocess.Popen([sys.executable, "-c", RECORDER, url, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:

        def record(number: str) -> None:
            other.stdin.write(number + "\n")
            other.stdin.flush()
            assert other.stdout.readline() == "recorded\n"

        yield record
        other.stdin.close()


@pytest.fixture
def quiet(monkeypatch) -> None:
    """The store that is asked sends nothing by itself, as if its thread were slow."""
    monkeypatch.setattr(redis_journal.Journal, "mend", lambda self: None)


def revoked(store: RedisStore, number: str, **more: object) -> bool | None:
    """Whether it is known to be revoked; None: unknown."""
    try:
        return bool(store.look_up(seller="acme", number=number, at=T, **more).revocations)
    except LookUpFailed:
        return None


@pytest.mark.parametrize("how", ["into the folder alone", "cut off from Redis"])
def test_what_another_process_recorded_is_never_missing_once_it_says_so(filled, folder, how):  # noqa: F811
    url = "" if how == "into the folder alone" else f"redis://127.0.0.1:{free_port()}/0?timeout=0.1"
    with recorder(url, folder) as record:
        found = []
        for place in range(20):
            number = f"+1305555{place + 500:04}"
            for _ in range(200):  # while the one before is being sent, others may be unknown for some milliseconds
                with filled.still():
                    filled.refresh()
                    before = revoked(filled, number)
                    if before is None:
                        time.sleep(0.01)
                        continue
                    assert before is False
                    record(number)
                    found += [revoked(filled, number), revoked(filled, B)]
                    break
    assert len(found) == 40
    assert set(found[::2]) <= {True, None}
    assert set(found[1::2]) == {False}  # nobody else is held


def test_it_is_held_until_it_was_sent_and_then_known(filled, folder):  # noqa: F811
    with recorder("", folder) as record:
        record(A)
        for _ in range(200):
            filled.refresh()
            if revoked(filled, A):
                break
        else:
            while filled.replay():
                pass
    assert revoked(filled, A) is True


def test_an_answer_of_before_serves_no_more_when_it_was_sent_meanwhile(filled, redis_url, folder, quiet):  # noqa: F811
    other = RedisStore(redis_url, journal=folder)
    with recorder("", folder) as record, filled.still():
        filled.refresh()
        assert revoked(filled, B) is False
        record(A)
        filled.expect("acme", [A, B])  # Redis does not know it yet
        assert other.replay() == 0
        assert revoked(filled, A) is None
        assert revoked(filled, B) is False
    assert filled.replay() == 0 and revoked(filled, A) is True
    other.close()


def test_another_number_of_the_person_is_held_too(filled, folder, quiet):  # noqa: F811
    filled.record_consent(seller="acme", number=A, person="p", level="express", known_at=T)
    filled.record_consent(seller="acme", number=B, person="p", level="express", known_at=T)
    assert filled.replay() == 0
    assert revoked(filled, A, person="p") is False
    with recorder("", folder) as record:
        record(B)
    assert revoked(filled, A, person="p") is None
    assert revoked(filled, A) is False


def test_a_declaration_past_redis_holds_its_seller_alone(filled, folder, quiet):  # noqa: F811
    alone = EmbeddedStore(folder)
    assert revoked(filled, A) is False
    alone.declare_complete("acme", T - 1, known_at=T)
    assert revoked(filled, A) is None
    assert filled.look_up(seller="other", number=A, at=T).revocations == ()
    alone.close()


@pytest.mark.parametrize(("entries", "held"), [(3, False), (4, None)])
def test_of_many_entries_nobody_is_told_from_the_others(filled, folder, quiet, monkeypatch, entries, held):  # noqa: F811
    monkeypatch.setattr(redis_journal, "_MANY", 3)
    filled.replay()
    alone = EmbeddedStore(folder)
    for place in range(entries):
        alone.suppress(seller="acme", number=f"+1305555{place:04}", at=T, known_at=T)
    assert revoked(filled, "+13055550000") is None
    assert revoked(filled, B) is held
    assert filled.replay() == 0
    assert revoked(filled, B) is False
    alone.close()


def test_a_folder_that_cannot_be_looked_at_is_unknown(filled, folder, monkeypatch):  # noqa: F811
    assert revoked(filled, A) is False
    alone = EmbeddedStore(folder)
    alone.suppress(seller="acme", number=B, at=T, known_at=T)

    def fails(*_):
        raise LookUpFailed("the ledger is away")

    monkeypatch.setattr(filled.journal.filler.source, "tips", fails)
    with pytest.raises(LookUpFailed, match="the ledger is away"):
        filled.look_up(seller="acme", number=A, at=T)
    monkeypatch.undo()
    filled.journal._trouble = None
    assert revoked(filled, A) is False
    alone.close()


def test_a_ledger_that_cannot_be_asked_any_more_leaves_everything_unknown(filled, monkeypatch):  # noqa: F811
    filled.refresh()
    assert revoked(filled, A) is False

    def fails(*_):
        raise LookUpFailed("the ledger is away")

    monkeypatch.setattr(filled.journal.filler.source, "version", fails)
    monkeypatch.setattr(filled.journal.filler.source, "tips", fails)
    filled.journal._next = 0.0
    filled.refresh()
    assert revoked(filled, A) is None
    monkeypatch.undo()
    filled.journal._trouble = None
    assert revoked(filled, A) is False


def test_the_file_is_made_by_who_asks_and_written_by_who_records(tmp_path):
    writer, reader = changes.Changes(tmp_path), changes.Changes(tmp_path)
    writer.tell()
    assert not (tmp_path / changes.FILE).exists()
    seen = [reader.now()]
    for _ in range(3):
        writer.tell()
        seen.append(reader.now())
    assert [len(each) for each in seen] == [0, 8, 8, 8] and len(set(seen)) == 4
    reader.close()
    assert reader.now() == seen[-1]
    reader.close()


def test_who_cannot_tell_does_not_say_that_all_is_well(filled, folder, monkeypatch):  # noqa: F811
    alone = EmbeddedStore(folder)
    assert revoked(filled, A) is False

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(changes.os, "pwrite", full)
    with pytest.raises(LedgerError, match=r"it was recorded, but redis.changes .* \(No space left on device\)"):
        alone.suppress(seller="acme", number=A, at=T, known_at=T)
    alone.close()
