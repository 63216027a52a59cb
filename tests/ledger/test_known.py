"""Of whom a record holds anything, kept in memory: it says what the record says, at every moment, whoever wrote."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from random import Random

import pytest

from dialguard.ledger import known, lone
from dialguard.ledger.errors import LedgerError, RecordError
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.read import Reading
from dialguard.ledger.rows import KINDS
from dialguard.ledger.schema import ENTRIES, METADATA, TABLES
from dialguard.model.moment import DAY
from dialguard.model.records import LookUp, LookUpFailed

T = 1_700_000_000_000_000
NUMBERS = tuple(f"+130555501{place:02}" for place in range(30)) + ("+442079460958", "+12125550100")
A, B = NUMBERS[:2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


def asked(ledger, number=A, at=T, seller="acme") -> LookUp:
    with ledger.still():
        ledger.look_up(seller=seller, number="+18005550100", at=at)  # so that what follows goes by what is known
        return ledger.look_up(seller=seller, number=number, at=at)


ONE_OF_EACH = {
    "consent": {"number": A, "level": "express"},
    "revocation": {"number": A, "at": T},
    "relationship": {"number": A, "member": True},
    "internal": {"number": A, "action": "add", "at": T},
    "contact": {"number": A, "attorney": True},
    "attempt": {"number": A, "at": T},
    "outcome": {"attempt": "attempt:1", "outcome": "conversation", "at": T},
    "declaration": {"since": T - DAY},
    "pause": {"campaign": "c", "action": "pause", "at": T, "reason": "complaints", "by": "officer"},
}
ELSEWHERE = """
import sys
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.read import Reading
Ledger(sys.argv[1]).record_many(sys.argv[2], [{"seller": "acme", "known_at": 1_700_000_000_000_000, **eval(sys.argv[3])}])
"""


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_every_kind_recorded_by_another_process_is_seen_by_the_next_group(path, kind):
    ledger = Ledger(path, follow=True)
    ledger.record_attempt(seller="acme", number=A if kind == "outcome" else B, at=T, known_at=T)
    before = asked(ledger)
    subprocess.run([sys.executable, "-c", ELSEWHERE, str(path), kind, repr(ONE_OF_EACH[kind])], check=True)
    assert asked(ledger) == Ledger(path).look_up(seller="acme", number=A, at=T) != before


def test_every_table_is_thought_of():
    """A new table: does it speak of a number (then of which, and does ``known`` read it), of a seller (``read.Whole``), or of neither?"""
    of_sellers = {"declarations", "pauses"}
    through_another = {"outcomes", "erasure_keys"}  # of an attempt, whose number is known; of names, which ``known`` takes for anybody
    silent = {"imports", "wordings", "schema_version"}
    assert {table.name for table in METADATA.sorted_tables} == {table.name for table in ENTRIES.values()} | of_sellers | through_another | silent
    assert set(known._TABLES) == {table.name for table in TABLES.values() if "number" in table.c}


@pytest.mark.parametrize(("settled", "held"), [(1, lone.MOST), (4, 5), (50_000, lone.MOST)])
def test_it_says_what_the_record_says_whoever_writes(path, settled, held, monkeypatch):
    monkeypatch.setattr(known, "_SETTLED", settled)
    monkeypatch.setattr(lone, "MOST", held)
    rng, following, other = Random(settled), Ledger(path, follow=True), Ledger(path)
    plain, ids, nothing = Ledger(path), [], 0
    for step in range(120):
        writer = rng.choice((following, other))
        for _ in range(rng.randrange(3)):
            ids += wrote(rng, writer, ids, step)
        seller, at = rng.choice(("acme", "acme", "other")), T + rng.choice((-DAY, 0, step, DAY))
        with following.still():
            asked_for = rng.choices(NUMBERS, k=6)
            if rng.random() < 0.7:
                following.expect(seller, asked_for)
            for number in asked_for:
                found = following.look_up(seller=seller, number=number, at=at)
                assert found == plain.look_up(seller=seller, number=number, at=at), (step, number)
                nothing += found == LookUp(complete_since=found.complete_since, pauses=found.pauses)
            assert following.look_up(seller=seller, number=A, person="p", at=at) == plain.look_up(seller=seller, number=A, person="p", at=at)
            assert following.look_up(seller=seller, number=A, at=at, as_of=T) == plain.look_up(seller=seller, number=A, at=at, as_of=T)
    assert 100 < nothing < 620


def wrote(rng: Random, ledger: Ledger, ids: list[str], step: int) -> list[str]:
    """Something is recorded; the ids of what can be taken back."""
    seller, number = rng.choice(("acme", "acme", "other")), rng.choice(NUMBERS[: 2 + step // 5])
    common = {"seller": seller, "number": number, "known_at": T + step, "person": rng.choice((None, "p"))}
    choice = rng.randrange(9)
    try:
        if choice == 0:
            more = {"obtained_at": T - rng.randrange(-2, 3) * DAY, "channels": rng.choice((None, ["voice"])), "reference": rng.choice((None, "r1"))}
            ending = {"expires_at": T + DAY} if rng.random() < 0.2 else {}
            return [ledger.record_consent(level=rng.choice(("none", "express")), **more, **ending, **common)]
        if choice == 1:
            return [ledger.record_revocation(at=T, **common)]
        if choice == 2:
            return [ledger.suppress(at=T, **common)]
        if choice == 3:
            return [ledger.record_attempt(at=T, **common)]
        if choice == 4:
            return [ledger.record_contact(attorney=True, **common)]
        if choice == 5 and ids:
            return [ledger.record_consent(level="express_written", supersedes=rng.choice(ids), **common)]
        if choice == 6 and ids:
            ledger.retract(seller=seller, id=rng.choice(ids), known_at=T + step)
        if choice == 7:
            ledger.declare_complete(seller, T - rng.randrange(3) * DAY, known_at=T + step)
        if choice == 8 and ids:
            ledger.record_outcome(seller=seller, attempt=rng.choice(ids), outcome="conversation", at=T, known_at=T + step)
    except RecordError:  # of another kind or seller, or corrected before
        pass
    return []


def expected(ledger: Ledger, number: str = A, at: int = T) -> LookUp:
    with ledger.still():
        ledger.expect("acme", [number, "+18005550100"])
        return ledger.look_up(seller="acme", number=number, at=at)


@pytest.mark.parametrize("settled", [1, 50_000])
def test_a_lone_consent_is_answered_from_memory_until_anything_touches_it(path, settled, monkeypatch):
    monkeypatch.setattr(known, "_SETTLED", settled)
    ledger, plain, other = Ledger(path, follow=True), Ledger(path), Ledger(path)
    said = {"seller": "acme", "level": "express_written", "known_at": T, "obtained_at": T - DAY, "covers": ["autodialed"], "reference": "page 7"}
    first = other.record_consent(number=A, **said)
    other.record_consent(number=B, **said)
    monkeypatch.setattr(Reading, "consents", lambda _, numbers: pytest.fail("it is known") if numbers else iter(()))
    held = expected(ledger)
    assert held == plain.look_up(seller="acme", number=A, at=T) and held.consent.reference == "page 7"
    assert expected(ledger, at=T - 2 * DAY) == plain.look_up(seller="acme", number=A, at=T - 2 * DAY) == LookUp()
    monkeypatch.undo()
    # A correction may speak of another number: what it corrects stands for nobody any more.
    other.record_consent(number=NUMBERS[2], supersedes=first, **said)
    assert expected(ledger) == plain.look_up(seller="acme", number=A, at=T) == LookUp()
    assert expected(ledger, NUMBERS[2]).consent.level == "express_written"
    other.record_revocation(seller="acme", number=B, at=T, known_at=T)
    assert expected(ledger, B) == plain.look_up(seller="acme", number=B, at=T) != held


def test_an_older_state_kept_by_one_thread_is_answered_as_it_was(path):
    ledger, seen = Ledger(path, follow=True), []
    ledger.suppress(seller="acme", number=B, at=T, known_at=T)

    def newer() -> None:
        ledger.suppress(seller="acme", number=A, at=T, known_at=T)
        seen.append(asked(ledger).internal)

    with ledger.still():
        assert ledger.look_up(seller="other", number=A, at=T) == LookUp()
        thread = threading.Thread(target=newer)
        thread.start()
        thread.join()
        assert seen[0].listed and ledger.look_up(seller="acme", number=A, at=T).internal is None
        assert ledger.look_up(seller="acme", number=B, at=T).internal.listed
    assert asked(ledger).internal.listed


def test_another_record_in_its_place_is_read_anew(path, tmp_path):
    ledger = Ledger(path, follow=True)
    ledger.suppress(seller="acme", number=A, at=T, known_at=T)
    assert asked(ledger).internal.listed and asked(ledger, B).internal is None
    other = Ledger(tmp_path / "other.sqlite")
    other.suppress(seller="acme", number=B, at=T, known_at=T)
    other.suppress(seller="acme", number=NUMBERS[2], at=T, known_at=T)
    other.close()
    for name in path.parent.glob("ledger.sqlite-*"):
        name.unlink()
    (tmp_path / "other.sqlite").replace(path)
    assert asked(ledger, B).internal.listed and asked(ledger).internal is None


def test_a_record_put_back_to_an_earlier_state_is_read_as_it_is(path, tmp_path):
    ledger = Ledger(path, follow=True)
    ledger.suppress(seller="acme", number=A, at=T, known_at=T)
    with sqlite3.connect(path) as now, sqlite3.connect(tmp_path / "copy.sqlite") as copy:
        now.backup(copy)
    ledger.suppress(seller="acme", number=B, at=T, known_at=T)
    assert asked(ledger, B).internal.listed
    with sqlite3.connect(path) as now, sqlite3.connect(tmp_path / "copy.sqlite") as copy:
        copy.backup(now)
    assert asked(ledger, B).internal is None and asked(ledger).internal.listed
    Ledger(path).suppress(seller="acme", number=NUMBERS[2], at=T, known_at=T)  # bears the id of what went
    assert asked(ledger, NUMBERS[2]).internal.listed and asked(ledger, B).internal is None


def test_whoever_stands_under_another_name_is_looked_for(path):
    ledger = Ledger(path, follow=True)
    ledger.suppress(seller="acme", number=B, at=T, known_at=T)
    asked(ledger)
    with sqlite3.connect(path) as base:
        base.execute(
            "INSERT INTO internal_dnc (seller, number, valid_at, known_at, void, action) VALUES ('acme', '+0305ab', ?, ?, 0, 'add')", (T, T)
        )
    with ledger.still():
        ledger.look_up(seller="acme", number=A, at=T)
        held = ledger._held().state.sellers
        assert known.kinds(held, "acme", A) == known.EVERY and known.kinds(held, "other", A) == 0


def test_a_number_that_is_erased_meanwhile_is_listed_at_once(path):
    ledger, other = Ledger(path, follow=True), Ledger(path)
    other.suppress(seller="acme", number=B, at=T, known_at=T)
    assert asked(ledger) == LookUp()
    other.erase(seller="acme", number=A, known_at=T)
    assert asked(ledger).internal.since == T and asked(ledger, B).internal.listed


def test_a_record_that_is_gone_is_not_answered_from_memory(path):
    ledger, plain = Ledger(path, follow=True), Ledger(path)
    for each in (ledger, plain):
        each.suppress(seller="acme", number=A, at=T, known_at=T)
        asked(each)
    for name in (path, *path.parent.glob("ledger.sqlite-*")):
        name.unlink()
    for each in (ledger, plain):
        for number in (A, B):
            with pytest.raises(LookUpFailed, match="is gone; put it back"):
                asked(each, number)
        with pytest.raises(LedgerError, match="is gone; put it back"):
            each.suppress(seller="acme", number=B, at=T, known_at=T)
        failed = []
        thread = threading.Thread(target=lambda each=each, failed=failed: failed.append(pytest.raises(LookUpFailed, asked, each)))
        thread.start()
        thread.join()
        assert failed


def test_a_record_that_cannot_be_read_is_not_answered_from_memory(path, tmp_path):
    ledger = Ledger(path, follow=True)
    ledger.suppress(seller="acme", number=A, at=T, known_at=T)
    assert asked(ledger, B).internal is None
    ledger.close()
    shutil.copy(path, tmp_path / "copy")
    path.write_bytes(b"no database at all" * 1000)
    for number in (A, B):
        with pytest.raises(LookUpFailed, match="damaged or no SQLite database"):
            asked(ledger, number)
    (tmp_path / "copy").replace(path)
    assert asked(ledger).internal.listed
