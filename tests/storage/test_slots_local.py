"""The slots' file: what one process adds, replaces and strikes out, another has found once it holds the lock; what is old is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialguard.facts import clock
from dialguard.model.history import Entry
from dialguard.model.moment import DAY, MINUTE, SECOND
from dialguard.storage import slots_local
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.slots import SAME, Asked, Slot
from dialguard.storage.slots_local import FILE, forget, kept, note

A, B = "+13055550100", "+12125550102"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[EmbeddedStore, EmbeddedStore]:
    """Two processes' stores in one folder."""
    return EmbeddedStore(tmp_path, follow=True), EmbeddedStore(tmp_path)


def asked(attempt: str, number: str = A, person: str | None = None) -> Asked:
    return Asked("acme", number, person, attempt, clock.now(), b"8 bytes.")


def take(store: EmbeddedStore, attempt: str, number: str = A, person: str | None = None, expect: bool = True) -> int:
    """How many others were seen by whom takes a slot."""
    with store.together() as table:
        if expect and person is None:
            table.expect("acme", [number], [attempt])
        about = asked(attempt, number, person)
        seen = table.look(about)
        table.take(seen, about, attempt, Entry(about.at, number, "voice", "telemarketing", "loans"))
        return len(seen.waiting)


def rows(store: EmbeddedStore, table: str = "taken") -> int:
    with store._slots.alone() as file:
        return file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@pytest.mark.parametrize("expect", (True, False))
def test_each_sees_what_the_other_took(pair, expect) -> None:
    assert [take(pair[place % 2], str(place), expect=expect) for place in range(6)] == [0, 1, 2, 3, 4, 5]
    assert take(pair[0], "x", B, expect=expect) == 0


def test_a_person_s_slots_are_found_by_number_and_by_person(pair) -> None:
    take(pair[0], "a", A, "p1")
    take(pair[0], "b", B)
    assert take(pair[1], "c", B, "p1") == 2
    assert take(pair[0], "d", A) == 1  # B's are none of A's
    assert take(pair[1], "e", A, "p1") == 3


def test_a_place_that_was_struck_out_is_given_to_nobody_else(pair) -> None:
    """The newest slot is struck out before another has read it, and the next comes: whoever read that far looks there all the same."""
    take(pair[0], "a")
    assert take(pair[1], "b") == 1
    forget(pair[0], "acme", A, "b")
    forget(pair[0], "acme", A, "a")
    take(pair[0], "c")
    assert take(pair[1], "d") == 1


@pytest.mark.parametrize("expect", (True, False))
def test_an_attempt_has_one_slot_also_after_it_was_given_back(pair, expect) -> None:
    take(pair[0], "a", expect=expect)
    assert pair[1].release(seller="acme", number=A, attempt="a")
    assert not pair[0].release(seller="acme", number=A, attempt="a")
    assert take(pair[1], "a", expect=expect) == 0
    assert rows(pair[0]) == 1
    assert take(pair[0], "b", expect=expect) == 1


def test_one_noted_takes_the_place_of_its_own(pair) -> None:
    now = clock.now()
    entry = Entry(now, A, "voice", "telemarketing", "loans")
    for lapses in (now + MINUTE, now + 2 * MINUTE):
        note(pair[0], asked("a"), Slot("a", entry, now, lapses, b"8 bytes."))
    assert [(seller, slot.attempt, slot.lapses) for seller, _, slot in kept(pair[1])] == [("acme", "a", now + 2 * MINUTE)]


def test_old_ones_are_forgotten_in_the_file_and_in_memory(pair, monkeypatch) -> None:
    before = clock.now()
    monkeypatch.setattr(clock, "now", lambda: before)
    for place in range(100):
        take(pair[place % 2], str(place), f"+1305555{place:04}")
    assert (rows(pair[0]), rows(pair[0], "spots"), rows(pair[1], "spots")) == (100, 100, 100)
    monkeypatch.setattr(clock, "now", lambda: before + SAME - SECOND)
    take(pair[0], "x")
    assert rows(pair[0]) == 101
    monkeypatch.setattr(clock, "now", lambda: before + SAME)
    for place in range(20):
        take(pair[0], f"y{place}", f"+1212555{place:04}")
    assert rows(pair[0]) == rows(pair[0], "spots") == 21
    take(pair[1], "z", B)
    assert rows(pair[1], "spots") == 22


def test_a_clock_put_back_a_day_keeps_what_waits(pair, monkeypatch) -> None:
    take(pair[0], "a")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now - DAY)
    assert [take(pair[1], name) for name in ("b", "c")] == [1, 2]


def test_the_log_of_the_file_stays_small(tmp_path, monkeypatch) -> None:
    """So that its pages stay in the system's memory; see ``_LOG_PAGES``."""
    store = EmbeddedStore(tmp_path)
    for place in range(400):
        take(store, str(place), f"+1305555{place:04}")
    log = tmp_path / f"{FILE}-wal"
    assert 0 < log.stat().st_size < 2 * slots_local._LOG_PAGES * 4200
