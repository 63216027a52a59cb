"""Erasing in the tables themselves: what is left on the disk, what refuses, what comes back from a file."""

import sqlite3

import pytest

from dialguard.ledger.errors import LedgerError, RecordError
from dialguard.ledger.exporting import export_file
from dialguard.ledger.importing import import_file
from dialguard.ledger.incoming import Reading
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.pseudonyms import Keys
from dialguard.model.moment import DAY
from dialguard.model.records import Internal, LookUp, LookUpFailed

T = 1_700_000_000_000_000
YEAR = 366 * DAY
A, B = "+13055550100", "+13055550101"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request, tmp_path):
    keys = Keys(tmp_path / "keys")
    made = Ledger(tmp_path / "ledger.sqlite" if request.param == "sqlite" else request.getfixturevalue("url"), keys=keys)
    yield made
    made.close()


def ask(ledger, number=A, **more) -> LookUp:
    return ledger.look_up(seller="acme", number=number, at=T + DAY, **more)


def fill(ledger) -> None:
    """Entries of every kind, all of them too old to be kept."""
    old = {"seller": "acme", "number": A, "person": "Ann Example", "known_at": T - 6 * YEAR}
    ledger.record_attempt(at=T - 6 * YEAR, from_="+13055550177", reference="call-1", debt="d-7", subject="windows", **old)
    ledger.record_outcome(seller="acme", reference="call-1", outcome="conversation", at=T - 6 * YEAR + 1, known_at=T - 6 * YEAR + 1)
    ledger.record_revocation(at=T - 6 * YEAR, words="never call Ann", **old)
    ledger.suppress(at=T - 6 * YEAR, **old)
    ledger.record_contact(agreed_hours=["09:00-12:00"], attorney=True, **old)
    ledger.record_attempt(seller="acme", number=B, at=T - DAY, known_at=T, reference="call-2")


def erase(ledger, number=A, known_at=T, **more):
    return ledger.erase(seller="acme", number=number, known_at=known_at, **more)


def rows(ledger, number=None) -> list:
    return ledger.entries("acme", list, number=number)


def test_nothing_of_the_number_is_left_in_the_tables_and_others_are_as_they_were(ledger):
    fill(ledger)
    other = rows(ledger, B)
    done = erase(ledger, reason="letter of 9 November")
    assert (done.removed, done.hidden, done.kept) == ({"attempt": 1}, {"revocation": 1, "internal": 1, "contact": 1}, ())
    text = repr(rows(ledger))
    assert [word for word in (A, A[2:], "Ann", "5550177", "call-1", "d-7", "windows", "never", "09:00") if word in text] == []
    assert rows(ledger, B) == other and rows(ledger, A) == []
    emptied = next(row for kind, row in rows(ledger) if kind == "attempt")
    assert [row["outcome"] for kind, row in rows(ledger) if kind == "outcome"] == ["erased"]
    assert (emptied["void"], emptied["valid_at"], emptied["known_at"], emptied["channel"]) == (1, T - 6 * YEAR, T - 6 * YEAR, None)


def test_nothing_of_the_number_is_left_in_the_file(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    fill(ledger)
    file = tmp_path / "one.csv"
    file.write_text(f"number,level,obtained_at,name,id\n{A},express,2017-01-01,Ann Other,crm-1\n", encoding="utf-8")
    import_file(ledger, file, Reading(now=T - 6 * YEAR, kind="consent", seller="acme"))
    erase(ledger)
    found = ledger.finish_erasing(seller="acme", number=A, erased_at=T, now=T + 5 * YEAR + DAY)
    assert found.removed == {"consent": 2}
    for path in (path for path in tmp_path.iterdir() if path.is_file() and path != file):
        raw = path.read_bytes()
        assert [word for word in (A[1:], "Ann", "call-1", "never call") if word.encode() in raw] == [], path.name


def test_the_tables_refuse_changes_again_after_an_erasure(ledger):
    fill(ledger)
    erase(ledger)
    for change in ("UPDATE attempts SET channel = 'sms'", "DELETE FROM attempts", "UPDATE revocations SET words = ''", "DELETE FROM erasure_keys"):
        with pytest.raises((LedgerError, RecordError)):
            ledger.write(lambda connection: connection.exec_driver_sql(change))  # noqa: B023 - run at once


def test_an_erasure_that_fails_leaves_everything_as_it_was_and_guarded(ledger, monkeypatch):
    fill(ledger)
    before = rows(ledger)

    def broken(*_):
        raise LedgerError("broken off")

    monkeypatch.setattr("dialguard.ledger.ledger.endings", broken)
    with pytest.raises(LedgerError, match="broken off"):
        erase(ledger)
    assert rows(ledger) == before and ask(ledger).internal == Internal(True, T - 6 * YEAR)
    with pytest.raises((LedgerError, RecordError)):
        ledger.write(lambda connection: connection.exec_driver_sql("UPDATE attempts SET channel = 'sms'"))


def test_a_key_that_cannot_be_made_erases_nothing(tmp_path):
    (tmp_path / "keys").write_text("no folder")
    ledger = Ledger(tmp_path / "ledger.sqlite")
    fill(ledger)
    before = rows(ledger)
    with pytest.raises(LedgerError, match="nothing was erased: .*keys"):
        erase(ledger)
    assert rows(ledger) == before


def test_an_older_file_of_the_number_does_not_bring_it_back(ledger, tmp_path):
    file = tmp_path / "one.csv"
    file.write_text(f"number,outcome,at,kind,id\n{A},busy,2016-01-01,attempt,crm-1\n{B},busy,2023-01-01,attempt,crm-2\n", encoding="utf-8")
    reading = Reading(now=T, seller="acme")
    import_file(ledger, file, reading)
    fill(ledger)
    export_file(ledger, tmp_path / "before.ndjson", "acme")
    erase(ledger, known_at=T + 1)
    again = import_file(ledger, file, Reading(now=T + DAY, seller="acme"))
    assert (again.added, again.there) == ({}, 2)
    back = import_file(ledger, tmp_path / "before.ndjson", Reading(now=T + DAY, keep_known_at=True))
    assert sum(back.added.values()) == 0 and A not in repr(rows(ledger))


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_an_erasure_moves_with_an_export_and_asks_for_its_key(ledger, tmp_path, form):
    fill(ledger)
    ledger.record_consent(seller="acme", number=A, level="express", known_at=T - DAY)
    erase(ledger)
    export_file(ledger, tmp_path / f"all.{form}", "acme")
    (tmp_path / "new").mkdir()
    moved = Ledger(tmp_path / "new" / "ledger.sqlite")
    import_file(moved, tmp_path / f"all.{form}", Reading(now=T + DAY, keep_known_at=True))
    with pytest.raises(LookUpFailed, match="key"):
        ask(moved)
    (tmp_path / "new" / "keys").mkdir()
    (tmp_path / "new" / "keys" / "1.key").write_bytes((tmp_path / "keys" / "1.key").read_bytes())
    found, here = ask(moved), ask(ledger)
    assert (found.internal, found.contact, found.attempts) == (here.internal, here.contact, here.attempts)
    assert [revocation.at for revocation in found.revocations] == [T - 6 * YEAR]
    assert [consent.level for consent in found.consents] == ["none"]


def test_who_held_an_older_record_open_sees_what_is_hidden_since_it_was_brought_up(tmp_path):
    path = tmp_path / "ledger.sqlite"
    writer = Ledger(path)
    writer.declare_complete("acme", T - DAY, known_at=T - DAY)
    writer.close()
    with sqlite3.connect(path) as plain:
        for trigger in ("schema_version_no_update", "schema_version_no_delete"):
            plain.execute(f"DROP TRIGGER {trigger}")
        plain.execute("UPDATE schema_version SET version = 3")
        plain.execute("ALTER TABLE internal_dnc DROP COLUMN reason")
        plain.execute("DROP TABLE erasure_keys")
    plain.close()
    reader = Ledger(path)
    assert ask(reader) == LookUp(complete_since=T - DAY)
    erase(Ledger(path))
    assert ask(reader).internal == Internal(True, T)
