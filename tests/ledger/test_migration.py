"""A record written by version 1 of the schema: read as it is, brought up by its first write, whole or not at all."""

import sqlite3
import threading
from pathlib import Path

import pytest

from dialguard.ledger.errors import LedgerError
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.schema import METADATA, VERSION
from dialguard.model.moment import DAY
from dialguard.storage.embedded import EmbeddedStore

T = 1_700_000_000_000_000
A, B = "+13055550100", "+13055550101"
OLD = (Path(__file__).parent / "data" / "ledger-v1.sql").read_text("utf-8")
"""What the code of version 1 wrote: two consents and a correction, a revocation, a relationship, a listing taken back,
a contact, an attempt with its outcome, a declaration."""


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "ledger.sqlite"
    with sqlite3.connect(made) as connection:
        connection.executescript(OLD)
    connection.close()
    return made


def versions(path):
    with sqlite3.connect(path) as connection:
        return [version for (version,) in connection.execute("SELECT version FROM schema_version ORDER BY version")]


def columns(path, table):
    with sqlite3.connect(path) as connection:
        return [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]


def known(ledger):
    return [ledger.look_up(seller="acme", number=number, at=T + DAY) for number in (A, B)]


def test_an_old_record_is_read_as_it_is(path):
    before = path.read_bytes()
    ledger = Ledger(path)
    consent, relationship = (found for found in known(ledger))
    assert [each.id for each in consent.consents] == ["consent:2"] and consent.consents[0].level == "express_written"
    assert consent.revocations[0].means == "spoken" and consent.attempts[0].outcome == "conversation"
    assert consent.contact.attorney and consent.complete_since == T - 20 * DAY
    assert relationship.relationship.current and relationship.internal is None
    rows = ledger.entries("acme", lambda entries: [row for kind, row in entries if kind == "consent"])
    assert [row["id"] for row in rows] == [1, 2] and rows[0]["reference"] == "form 7" and rows[0]["wording"] is None
    ledger.close()
    assert path.read_bytes() == before and versions(path) == [1]


def test_the_first_write_brings_it_up_and_loses_nothing(path):
    ledger = Ledger(path)
    before = known(ledger)
    written = ledger.record_consent(
        seller="acme", number=B, level="express", known_at=T, wording="I agree to be called.", page="https://example.com/form"
    )
    assert written == "consent:4" and versions(path) == [1, VERSION]
    assert known(ledger)[0] == before[0] == known(Ledger(path))[0]
    rows = ledger.entries("acme", lambda entries: [row for kind, row in entries if kind == "consent"])
    assert [row["wording"] for row in rows] == [None, None, "I agree to be called."]
    ledger.close()
    for table in METADATA.sorted_tables:
        assert set(columns(path, table.name)) == {column.name for column in table.columns}, table.name


def test_a_correction_or_retraction_of_an_old_entry_brings_it_up_too(path):
    store = EmbeddedStore(path.parent)
    store.retract(seller="acme", id="consent:2", known_at=T + 9)
    assert versions(path) == [1, VERSION]
    assert store.look_up(seller="acme", number=A, at=T + DAY).consents == ()  # consent:1 was corrected by consent:2
    store.record_revocation(seller="acme", number=A, at=T, known_at=T + 10, supersedes="revocation:1", words="never again")
    store.record_outcome(seller="acme", reference="r-1", outcome="complaint", at=T, known_at=T)
    store.close()


def test_it_is_append_only_afterwards_as_well(path):
    Ledger(path).suppress(seller="acme", number=A, at=T, known_at=T)
    with sqlite3.connect(path) as other:
        other.execute("INSERT INTO imports VALUES ('acme', 'consent', 'x', 1, 'd', 1)")
        for change in ("DELETE FROM imports", "UPDATE consents SET name = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(change)


def test_a_failure_on_the_way_leaves_the_old_record(path, monkeypatch):
    def fail(connection):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dialguard.ledger.sqlite.forbid_changes", fail)
    ledger = Ledger(path)
    before = known(ledger)
    with pytest.raises(LedgerError, match="nothing was recorded"):
        ledger.suppress(seller="acme", number=A, at=T, known_at=T)
    assert versions(path) == [1] and "wording_hash" not in columns(path, "consents") and known(ledger) == before
    monkeypatch.undo()
    ledger.suppress(seller="acme", number=A, at=T, known_at=T)
    assert versions(path) == [1, VERSION]


def test_two_who_open_it_at_once_bring_it_up_once(path):
    ledgers = [Ledger(path) for _ in range(4)]
    for ledger in ledgers:
        known(ledger)
    wrong = []

    def write(place):
        try:
            ledgers[place].suppress(seller="acme", number=f"+1305555010{place}", at=T, known_at=T)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=write, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and versions(path) == [1, VERSION]
    assert len(ledgers[0].entries("acme", lambda entries: [row for kind, row in entries if kind == "internal"])) == 2 + 4


def test_who_read_the_old_one_sees_what_another_added_since(path):
    reader, writer = Ledger(path), Ledger(path)
    known(reader)
    writer.record_consent(seller="acme", number=B, level="express", known_at=T, name="Ann Example")
    rows = reader.entries("acme", lambda entries: [row for _, row in entries], kinds=["consent"], number=B)
    assert [row["name"] for row in rows] == ["Ann Example"]


def test_a_reader_of_the_old_record_sees_a_pause_that_another_records(path):
    reader = Ledger(path)
    assert reader.look_up(seller="acme", number=A, at=T).pauses == ()
    Ledger(path).pause_campaign(seller="acme", campaign="c", at=T, known_at=T, reason="complaints", by="Ann")
    assert [pause.campaign for pause in reader.look_up(seller="acme", number=A, at=T).pauses] == ["c"]
    reader.close()
