"""What a group asks of Redis together serves once and within the group, and hides nothing that was recorded or lost meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dialguard.facts import clock
from dialguard.model.history import Entry
from dialguard.model.moment import DAY
from dialguard.model.records import LookUp, LookUpFailed
from dialguard.storage.redis import RedisStore
from dialguard.storage.slots import Asked

NOW = clock.now()
A, B, REVOKED = "+13055550100", "+13055550101", "+13055550102"


@pytest.fixture
def store(redis_url: str, tmp_path: Path) -> Iterator[RedisStore]:
    """One that has been asked before, so that its line is open."""
    made = RedisStore(redis_url, journal=tmp_path / "store")
    made.journal.store.declare_complete("acme", NOW - 300 * DAY, known_at=NOW)
    made.journal.store.record_revocation(seller="acme", number=REVOKED, at=NOW, known_at=NOW)
    made.journal.rebuild()
    look(made, A)
    yield made
    made.close()


def look(store: RedisStore, number: str, at: int = NOW) -> LookUp:
    return store.look_up(seller="acme", number=number, at=at)


def counted(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tags about which Redis is asked one by one."""
    found: list[str] = []
    ask = store.link.look
    monkeypatch.setattr(store.link, "look", lambda script, keys, args, tag: found.append(tag) or ask(script, keys, args, tag))
    return found


def test_what_was_asked_together_serves_once(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = counted(store, monkeypatch)
    with store.still():
        store.expect("acme", [A, B])
        assert look(store, A).complete_since == look(store, B).complete_since == NOW - 300 * DAY
        assert alone == []
        assert look(store, A).complete_since == NOW - 300 * DAY
        assert alone == ["305"]


def test_what_was_recorded_since_is_seen(store: RedisStore) -> None:
    with store.still():
        store.expect("acme", [A, B])
        store.record_revocation(seller="acme", number=B, at=NOW, known_at=NOW)
        assert [len(look(store, number).revocations) for number in (A, B)] == [0, 1]


def test_what_was_not_used_serves_no_later_group(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = counted(store, monkeypatch)
    with store.still():
        store.expect("acme", [A, B])
    with store.still():
        look(store, B)
    assert alone == ["305"]


def asked(number: str, **more: Any) -> Asked:
    return Asked("acme", number, None, f"of {number[-4:]}", NOW, b"8 octets", **more)


def entry(number: str) -> Entry:
    return Entry(NOW, number, "voice", "telemarketing", None, "live", None, None, None)


def test_slots_are_asked_for_together_and_one_that_another_took_since_is_seen(store: RedisStore, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = RedisStore(redis_url, journal=tmp_path / "store")
    with store.still(), store.together() as table:
        table.expect("acme", [A, B], [])
        alone = counted(store, monkeypatch)
        seen = table.look(asked(A))
        assert alone == [] and seen.waiting == ()
        with other.together() as theirs:
            assert theirs.take(theirs.look(asked(A)._replace(attempt="other")), asked(A), "other", entry(A)) is not None
        assert table.take(seen, asked(A), "of 0100", entry(A)) is None
        assert len(table.look(asked(A)).waiting) == 1
    other.close()


def test_a_server_that_was_emptied_since_gives_no_slot(store: RedisStore, redis_server: Any) -> None:
    with store.still(), store.together() as table:
        table.expect("acme", [A, B], [])
        seen = table.look(asked(A))
        with redis_server.client() as client:
            client.flushall()
        with pytest.raises(LookUpFailed):
            table.take(seen, asked(A), "of 0100", entry(A))


def test_a_server_that_is_silent_fails_all_that_was_asked_together_and_later_answers_are_their_own(store: RedisStore, redis_server: Any, redis_url: str, tmp_path: Path) -> None:
    hasty = RedisStore(redis_url.split("?")[0] + "?timeout=0.3", journal=tmp_path / "store")
    look(hasty, A)
    with redis_server.client() as client:
        with hasty.still():
            client.execute_command("CLIENT", "PAUSE", 30_000, "ALL")
            hasty.expect("acme", [A, REVOKED])
            for number in (A, REVOKED):
                with pytest.raises(LookUpFailed):
                    look(hasty, number)
            client.execute_command("CLIENT", "UNPAUSE")
        with hasty.still():
            hasty.expect("acme", [A, REVOKED])
            assert [len(look(hasty, number).revocations) for number in (A, REVOKED)] == [0, 1]
    hasty.close()


def test_a_server_of_another_record_answers_nothing(store: RedisStore, redis_server: Any, redis_url: str, tmp_path: Path) -> None:
    other = RedisStore(redis_url, journal=tmp_path / "other")
    other.journal.store.declare_complete("acme", NOW - 300 * DAY, known_at=NOW)
    other.journal.rebuild(replace=True)
    other.close()
    with store.still():
        store.expect("acme", [A, B])
        with pytest.raises(LookUpFailed, match="another folder"):
            look(store, B)
