"""The record in SQLite: several processes, restarts, trouble with the file, and what PostgreSQL is given."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from dialguard.ledger.errors import LedgerError
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.schema import VERSION
from dialguard.ledger.read import Statements
from dialguard.ledger.rows import COLUMNS
from dialguard.ledger.schema import METADATA
from dialguard.model.moment import DAY
from dialguard.model.records import LookUp, LookUpFailed

T = 1_700_000_000_000_000
A = "+13055550100"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path):
    made = Ledger(path)
    yield made
    made.close()


def suppress(ledger, number=A, at=T):
    return ledger.suppress(seller="acme", number=number, at=at, known_at=at)


def listed(ledger, number=A):
    internal = ledger.look_up(seller="acme", number=number, at=T + 10**9).internal
    return internal is not None and internal.listed


def script(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_reading_a_ledger_that_is_not_there_knows_nothing_and_makes_nothing(ledger, path):
    ledger_of_empty_file = Ledger(path.with_name("empty.sqlite"))
    path.with_name("empty.sqlite").touch()
    for one in (ledger, ledger_of_empty_file):
        assert one.look_up(seller="acme", number=A, at=T) == LookUp()
        assert one.look_up_many("acme", [A], T) == {A: LookUp()}
    assert not path.exists()
    suppress(ledger)
    assert listed(ledger)


def test_what_was_recorded_is_there_after_closing(ledger, path):
    suppress(ledger)
    ledger.close()
    assert listed(ledger)
    assert listed(Ledger(path))


def test_another_process_reads_at_once_what_one_wrote(ledger, path):
    other = Ledger(path)
    suppress(ledger)
    assert listed(other)
    ledger.unsuppress(seller="acme", number=A, at=T + 1, known_at=T)
    assert not listed(other)


WRITER = """
import sys
from dialguard.ledger.ledger import Ledger
ledger = Ledger(sys.argv[1])
for place in range(int(sys.argv[3])):
    number = f"+1{sys.argv[2]}555{place:04}"
    at = 1_700_000_000_000_000 + place
    ledger.record_attempt(seller="acme", number=number, at=at, known_at=at, person="p")
    print(number, flush=True)
"""


def test_two_processes_write_a_new_ledger_at_once_and_nothing_is_lost(path):
    writers = [script(WRITER, path, code, 120) for code in (305, 212)]
    reader = Ledger(path)
    seen = 0
    while any(writer.poll() is None for writer in writers):
        attempts = reader.look_up(seller="acme", number=A, person="p", at=T + 10**9).attempts
        assert len(attempts) >= seen
        seen = len(attempts)
    for writer in writers:
        _, errors = writer.communicate()
        assert writer.returncode == 0, errors
    found = reader.look_up(seller="acme", number=A, person="p", at=T + 10**9).attempts
    assert len({attempt.to for attempt in found}) == len(found) == 240


def test_every_entry_that_was_acknowledged_survives_a_kill(path):
    writer = script(WRITER, path, 305, 9999)
    acknowledged = [writer.stdout.readline().strip() for _ in range(40)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += writer.communicate()[0].split("\n")[:-1]
    ledger = Ledger(path)
    answers = ledger.look_up_many("acme", acknowledged, T + 10**9)
    assert len(acknowledged) >= 40
    assert all(answer.attempts for answer in answers.values())
    suppress(ledger)
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_threads_and_forks_each_have_their_own_connection(ledger):
    suppress(ledger)
    wrong = []

    def work(place):
        number = f"+1305555{place:04}"
        for _ in range(20):
            suppress(ledger, number)
            if not listed(ledger, number):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    child = os.fork()
    if child == 0:
        try:
            suppress(ledger, "+12125550100")
            os._exit(0 if listed(ledger) else 1)
        except BaseException:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert listed(ledger, "+12125550100")


def test_the_database_itself_refuses_changes(ledger, path):
    suppress(ledger)
    other = sqlite3.connect(path)
    for change in ("UPDATE internal_dnc SET action = 'remove'", "DELETE FROM internal_dnc", "DELETE FROM schema_version"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(change)


def test_writes_sync_to_disk_and_readers_do_not_wait_for_a_writer(ledger, path):
    suppress(ledger)
    driver = ledger._held().driver
    assert driver.execute("PRAGMA synchronous").fetchone() == (2,)
    assert driver.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert driver.execute("PRAGMA foreign_keys").fetchone() == (1,)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert listed(ledger)
    assert listed(Ledger(path))


def test_a_locked_ledger_refuses_a_write_and_says_what_to_do(ledger, path):
    suppress(ledger)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    hasty = Ledger(path, write_timeout=0.05)
    with pytest.raises(LedgerError, match=r"nothing was recorded: the ledger .*ledger\.sqlite is locked .* for 0\.05 s; try again"):
        suppress(hasty, "+12125550100")
    other.execute("COMMIT")
    assert not listed(ledger, "+12125550100")
    suppress(hasty, "+12125550100")
    assert listed(ledger, "+12125550100")


def test_a_ledger_locked_against_readers_is_a_failed_look_up(path):
    first = Ledger(path)
    suppress(first)
    first.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    ledger = Ledger(path)
    with pytest.raises(LookUpFailed, match="is locked by another process"):
        listed(ledger)
    other.execute("COMMIT")
    other.close()
    assert listed(ledger)


def test_a_full_disk_refuses_the_write_and_the_record_goes_on_being_read(ledger):
    suppress(ledger)

    @event.listens_for(ledger._engine, "connect")
    def limit(connection, _record):
        connection.execute(f"PRAGMA max_page_count = {pages}")

    pages = ledger._held().driver.execute("PRAGMA page_count").fetchone()[0]
    ledger.close()
    rows = [{"seller": "acme", "number": f"+1305{place:07}", "action": "add", "at": T, "known_at": T} for place in range(2000)]
    with pytest.raises(LedgerError, match="nothing was recorded: the disk of .* is full; free some space"):
        ledger.record_many("internal", rows)
    assert listed(ledger)
    assert not any(answer.internal for answer in ledger.look_up_many("acme", [row["number"] for row in rows], T).values())
    event.remove(ledger._engine, "connect", limit)
    ledger.close()
    assert ledger.record_many("internal", rows) == 2000


def test_a_read_only_ledger_is_read_and_not_written(ledger, path):
    suppress(ledger)
    frozen = Ledger(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert listed(frozen)
    with pytest.raises(LedgerError, match="nothing was recorded: .* read-only; give this user write permission"):
        suppress(frozen, "+12125550100")
    assert listed(frozen)


@pytest.mark.parametrize("damage", ["no database", "torn"])
def test_a_damaged_ledger_fails_and_never_reads_as_empty(path, damage):
    first = Ledger(path)
    for place in range(50):
        suppress(first, f"+1305555{place:04}")
    first.close()
    if damage == "torn":
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2 // 4096 * 4096])
    else:
        path.write_bytes(b"no database at all" * 1000)
    ledger = Ledger(path)
    with pytest.raises(LookUpFailed, match="restore it from a backup"):
        listed(ledger)
    with pytest.raises(LedgerError, match="nothing was recorded: .* restore it from a backup"):
        suppress(ledger)


def test_a_folder_in_place_of_the_file_fails_with_what_to_do(path):
    path.mkdir()
    with pytest.raises(LookUpFailed, match="cannot be opened; check that its folder exists"):
        listed(Ledger(path))
    shutil.rmtree(path)
    path.parent.joinpath("file").write_text("")
    with pytest.raises(LedgerError, match="nothing was recorded"):
        suppress(Ledger(path.parent / "file" / "ledger.sqlite"))


def test_a_ledger_of_a_newer_version_is_left_alone(ledger, path):
    suppress(ledger)
    ledger.close()
    other = sqlite3.connect(path)
    other.execute(f"INSERT INTO schema_version VALUES ({VERSION + 1})")
    other.commit()
    with pytest.raises(LookUpFailed, match="newer version of DialGuard"):
        listed(Ledger(path))
    with pytest.raises(LedgerError, match="nothing was recorded: .*newer version"):
        suppress(Ledger(path))


def test_an_error_leaves_no_open_transaction_behind(ledger, path):
    suppress(ledger)
    with pytest.raises(RuntimeError, match="stop"):
        ledger._read(lambda cursor: (_ for _ in ()).throw(RuntimeError("stop")), None)
    suppress(Ledger(path), "+12125550100")
    assert listed(ledger, "+12125550100")


def test_every_statement_can_be_given_to_postgresql():
    dialect = postgresql.dialect()
    statements = Statements(dialect)
    assert "%(n0)s" in statements.of_numbers[1][0].sql
    assert "LEFT OUTER JOIN outcomes" in statements.of_numbers[16][5].sql
    values = {"seller": "acme", "at": T, "since": 0, "as_of": T, "n0": A}
    assert set(statements.of_numbers[1][5].bind(values)) == {"seller", "at", "since", "as_of", "n0"}
    tables = " ".join(str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables)
    assert "id BIGSERIAL NOT NULL" in tables
    indexes = " ".join(str(CreateIndex(index).compile(dialect=dialect)) for table in METADATA.sorted_tables for index in table.indexes)
    assert "UNIQUE INDEX consents_replaced ON consents (supersedes) WHERE supersedes IS NOT NULL" in indexes


def test_each_query_of_a_look_up_goes_by_an_index(ledger):
    suppress(ledger)
    held = ledger._held()
    values = {"seller": "acme", "at": T, "since": 0, "as_of": T, "person": "p", **{f"n{place}": A for place in range(16)}}
    statements = ledger._statements
    for statement in [*statements.of_numbers[1], *statements.of_numbers[16], statements.numbers_of, statements.declared, *statements.held]:
        plan = held.driver.execute("EXPLAIN QUERY PLAN " + statement.sql, statement.bind(values)).fetchall()
        scans = [step for *_, step in plan if step.startswith("SCAN") and "SUBQUERY" not in step and step != "SCAN CONSTANT ROW"]
        assert scans == [], (statement.sql, plan)


_ONE_OF_EACH = {
    "consent": {"level": "express"}, "revocation": {"at": T}, "relationship": {"member": True}, "internal": {"action": "add", "at": T},
    "contact": {"attorney": True}, "attempt": {"at": T},
}  # fmt: skip


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_number_asked_alone_is_answered_as_one_of_many(ledger, path, kind):
    ledger.declare_complete("acme", T - DAY, known_at=T)
    before = ledger.look_up(seller="acme", number=A, at=T)
    Ledger(path).record_many(kind, [{"seller": "acme", "number": A, "known_at": T, **_ONE_OF_EACH[kind]}])
    alone = ledger.look_up(seller="acme", number=A, at=T)
    assert alone == ledger.look_up_many("acme", [A], T)[A] != before == LookUp(complete_since=T - DAY)
