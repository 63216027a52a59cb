"""The record in PostgreSQL: what every store does, and several writers, an older schema, trouble with the server."""

import inspect
import os
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.engine import make_url

from dialguard.facts import clock
from dialguard.ledger.errors import LedgerError
from dialguard.ledger.exporting import export_file
from dialguard.ledger.importing import Imported, import_file
from dialguard.ledger.incoming import Reading
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.migrate import migrate
from dialguard.ledger.schema import ADDED, METADATA, TABLES, VERSION
from dialguard.model.records import LookUp, LookUpFailed
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.memory import MemoryStore
from dialguard.storage.redis_source import Source

from ..storage import test_stores as stores
from .test_bitemporal import histories, questions, record

T = stores.T
A, B = stores.A, stores.B

for name, test in vars(stores).items():  # the tests of every store, with the store below
    if name.startswith("test_") and "store" in inspect.signature(test).parameters:
        globals()[name] = test


@pytest.fixture
def store(url, tmp_path):
    (tmp_path / "ledger.url").write_text(url + "\n")
    made = EmbeddedStore(tmp_path)
    yield made
    assert not (tmp_path / "ledger.sqlite").exists()
    made.close()


@pytest.fixture
def ledger(url):
    made = Ledger(url)
    yield made
    made.close()


def suppress(ledger, number=A, at=T):
    return ledger.suppress(seller="acme", number=number, at=at, known_at=at)


def listed(ledger, number=A):
    internal = ledger.look_up(seller="acme", number=number, at=T + 10**9).internal
    return internal is not None and internal.listed


def schema_of(ledger):
    return make_url(str(ledger._url)).query["options"].partition("=")[2]


def test_reading_where_there_is_no_record_knows_nothing_and_makes_nothing(ledger, postgresql_server):
    assert ledger.look_up(seller="acme", number=A, at=T) == LookUp()
    assert postgresql_server.query(f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema_of(ledger)}'") == []
    suppress(ledger)
    assert listed(ledger)


def test_many_make_the_tables_at_once_and_nothing_is_lost(url):
    wrong = []

    def work(place):
        try:
            mine = Ledger(url)
            for step in range(10):
                mine.record_attempt(seller="acme", number=f"+1305555{place:02}{step:02}", at=T, known_at=T, person="p")
                assert any(each.to == f"+1305555{place:02}{step:02}" for each in mine.look_up(seller="acme", number=A, person="p", at=T).attempts)
            mine.close()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(Ledger(url).look_up(seller="acme", number=A, person="p", at=T).attempts) == 60


def test_two_who_correct_the_same_entry_at_once_do_so_once(url):
    first = Ledger(url)
    first.record_consent(seller="acme", number=A, level="express", known_at=T)
    ready, done = threading.Barrier(4), []

    def work():
        mine = Ledger(url)
        mine.look_up(seller="acme", number=A, at=T)
        ready.wait()
        try:
            done.append(mine.record_consent(seller="acme", number=A, level="express_written", known_at=T, supersedes="consent:1"))
        except ValueError as error:
            done.append(error)
        mine.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, str) for each in done) == 1
    assert all("corrected or retracted before" in str(each) for each in done if not isinstance(each, str))
    assert len(first.look_up(seller="acme", number=A, at=T).consents) == 1


def test_the_database_itself_refuses_changes(ledger, postgresql_server):
    import psycopg

    suppress(ledger)
    for change in ("UPDATE %s.internal_dnc SET action = 'remove'", "DELETE FROM %s.internal_dnc", "TRUNCATE %s.consents CASCADE"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            postgresql_server.query(change % schema_of(ledger))


def test_an_older_record_is_read_as_it_is_and_brought_up_by_its_first_write(ledger, url):
    suppress(ledger)
    with ledger._held().connection.begin():
        connection = ledger._held().connection
        for table, columns in (pair for added in ADDED.values() for pair in added.items()):
            for column in columns:
                connection.exec_driver_sql(f'ALTER TABLE {table} DROP COLUMN "{column}"')
            if not columns:
                connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("DROP TABLE schema_version")
        connection.exec_driver_sql("CREATE TABLE schema_version (version INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO schema_version VALUES (1)")
    ledger.close()
    old = Ledger(url)
    assert listed(old)
    assert old.entries("acme", lambda entries: [row["number"] for _, row in entries]) == [A]
    old.record_consent(seller="acme", number=B, level="express", known_at=T, wording="I agree.")
    assert listed(old) and old.entries("acme", lambda entries: [row["wording"] for _, row in entries], kinds=["consent"]) == ["I agree."]
    with old._held().connection.begin():
        assert migrate(old._held().connection) == VERSION
        old._held().connection.exec_driver_sql(f"INSERT INTO schema_version VALUES ({VERSION + 1})")
    with pytest.raises(LookUpFailed, match="newer version of DialGuard"):
        listed(Ledger(url))
    with pytest.raises(LedgerError, match="nothing was recorded: .*newer version"):
        suppress(Ledger(url))


def test_a_record_moves_from_a_file_to_the_server(ledger, tmp_path):
    old = Ledger(tmp_path / "ledger.sqlite")
    old.record_consent(seller="acme", number=A, level="express", known_at=T, name="Ann Example")
    old.record_consent(seller="acme", number=A, level="express_written", known_at=T + 1, supersedes="consent:1")
    old.record_attempt(seller="acme", number=A, at=T, known_at=T, reference="r")
    old.record_outcome(seller="acme", reference="r", outcome="busy", at=T, known_at=T)
    old.retract(seller="acme", id=suppress(old), known_at=T + 2)
    assert export_file(old, tmp_path / "all.parquet", "acme") == 6
    reading = Reading(now=T + 10, keep_known_at=True)
    assert sum(import_file(ledger, tmp_path / "all.parquet", reading).added.values()) == 6
    assert import_file(ledger, tmp_path / "all.parquet", reading) == Imported({}, 6)
    for as_of in (None, T, T + 1):
        asked = dict(seller="acme", number=A, at=T + 5, as_of=as_of)
        assert ledger.look_up(**asked) == old.look_up(**asked)


def test_many_keep_one_new_wording_at_once(url):
    first = Ledger(url)
    suppress(first)
    ready, wrong = threading.Barrier(6), []

    def work(place):
        mine = Ledger(url)
        for step in range(5):
            ready.wait()
            try:
                mine.record_consent(seller="acme", number=f"+1305555{place:02}{step:02}", level="express", known_at=T, wording=f"Wording {step}.")
            except Exception as error:
                wrong.append(error)
        mine.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    found = first.entries("acme", lambda entries: sorted(row["wording"] for _, row in entries), kinds=["consent"])
    assert found == sorted(f"Wording {step}." for step in range(5) for _ in range(6))


def test_two_imports_of_one_file_at_once_record_it_once(url, tmp_path):
    suppress(Ledger(url))
    file = tmp_path / "in.csv"
    file.write_text("kind,id,number,level\n" + "".join(f"consent,{i},30555{i:05},express\n" for i in range(700)))
    done = []

    def work():
        done.append(import_file(Ledger(url), file, Reading(now=T, seller="acme")))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.there for each in done) == [0, 700, 700]


def test_a_server_that_stops_fails_and_comes_back(ledger, url, postgresql_server):
    suppress(ledger)
    postgresql_server.stop()
    try:
        for _ in range(2):
            with pytest.raises(LookUpFailed, match="cannot be reached|in time"):
                listed(ledger)
            with pytest.raises(LedgerError, match="nothing was recorded: .*(cannot be reached|in time)"):
                suppress(ledger, B)
    finally:
        postgresql_server.start()
    assert listed(ledger) and not listed(ledger, B)
    suppress(ledger, B)
    assert listed(ledger, B)


def test_a_commit_whose_answer_is_lost_is_not_called_unrecorded(ledger, postgresql_server):
    suppress(ledger)

    def work(connection):
        mine = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        postgresql_server.query(f"SELECT pg_terminate_backend({mine})")

    with pytest.raises(LedgerError, match="it is not known whether this was recorded, so look before you repeat it: "):
        ledger.write(work)
    assert listed(ledger)


def test_entries_come_to_be_seen_in_the_order_of_their_ids(url):
    """Of two transactions at once; whoever follows the record asks for what comes after the last id that it saw."""
    first, second, reader = Ledger(url), Ledger(url), Ledger(url)
    suppress(first)
    writing, goes_on, seen = threading.Event(), threading.Event(), []

    def slow(connection):
        id_ = connection.execute(insert(TABLES["internal"]), row).inserted_primary_key[0]
        writing.set()
        goes_on.wait(30)
        return id_

    row = {"seller": "acme", "number": A, "valid_at": T, "known_at": T, "action": "added", "void": 0}
    ids = {}
    threads = [
        threading.Thread(target=lambda: ids.update(slow=first.write(slow))), threading.Thread(target=lambda: ids.update(quick=suppress(second, B)))
    ]  # fmt: skip
    threads[0].start()
    writing.wait(30)
    threads[1].start()
    threads[1].join(0.5)
    seen.append(Source(reader).tips()["internal"])
    goes_on.set()
    for thread in threads:
        thread.join()
    seen.append(Source(reader).tips()["internal"])
    assert seen == [1, 3] and ids == {"slow": 2, "quick": "internal:3"}


def test_who_waits_for_another_to_record_waits_no_longer_than_it_may(url):
    holder, hasty = Ledger(url), Ledger(url, write_timeout=0.2)
    suppress(holder)

    def work(connection):
        connection.exec_driver_sql("SELECT 1")
        with pytest.raises(LedgerError, match="nothing was recorded: .* is locked by another process"):
            suppress(hasty, B)
        assert listed(hasty)  # readers wait for nobody

    holder.write(work)
    suppress(hasty, B)
    assert listed(hasty, B)


def test_a_locked_table_refuses_in_time(url):
    holder, hasty = Ledger(url), Ledger(url, write_timeout=0.2)
    suppress(holder)
    assert listed(hasty)

    def work(connection):
        connection.exec_driver_sql("LOCK TABLE internal_dnc IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LedgerError, match="nothing was recorded: .* is locked by another process"):
            suppress(hasty, B)
        with pytest.raises(LookUpFailed, match="is locked by another process"):
            listed(hasty)

    holder.write(work)
    assert listed(hasty)


def test_a_wrong_address_fails_with_what_to_do_and_without_the_password(url, tmp_path):
    away = Ledger("postgresql://dialguard:secret@127.0.0.1:1/dialguard")
    missing = Ledger(url.replace("/postgres?", "/none?"))
    for one in (away, missing):
        with pytest.raises(LookUpFailed, match="cannot be reached or refused the connection") as raised:
            listed(one)
        assert "secret" not in str(raised.value) and "dialguard@" not in str(raised.value)
        with pytest.raises(LedgerError, match="nothing was recorded: .*cannot be reached"):
            suppress(one)


def test_a_user_without_rights_is_told_so(ledger, url, postgresql_server):
    suppress(ledger)
    if not postgresql_server.query("SELECT 1 FROM pg_roles WHERE rolname = 'guest'"):
        postgresql_server.query("CREATE ROLE guest LOGIN")
    guest = url.replace("dialguard@", "guest@")
    with pytest.raises(LookUpFailed, match="shows this user no schema"):
        listed(Ledger(guest))
    postgresql_server.query(f"GRANT USAGE ON SCHEMA {schema_of(ledger)} TO guest")
    with pytest.raises(LookUpFailed, match="refused the statement; give this user the rights"):
        listed(Ledger(guest))


@given(histories(), st.lists(questions, min_size=1, max_size=6))
@settings(max_examples=15)
def test_it_answers_as_the_store_in_memory(postgresql_server, entries, asked):
    memory, ledger = MemoryStore(), Ledger(postgresql_server.url())
    record(memory, entries)
    record(ledger, entries)
    for number, person, at, as_of in asked:
        question = dict(seller="acme", number=number, person=person, at=at, as_of=as_of)
        assert ledger.look_up(**question) == memory.look_up(**question)
    ledger.close()


def test_a_child_process_has_its_own_connection(ledger):
    suppress(ledger)
    child = os.fork()
    if child == 0:
        try:
            suppress(ledger, B)
            os._exit(0 if listed(ledger, B) else 1)
        except BaseException:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0 and listed(ledger) and listed(ledger, B)


def test_the_tables_are_those_of_the_schema(ledger):
    from sqlalchemy import inspect as look

    suppress(ledger)
    found = look(ledger._held().connection)
    for table in METADATA.sorted_tables:
        assert [column["name"] for column in found.get_columns(table.name)] == [column.name for column in table.columns]


def test_a_store_has_one_record_only_and_a_readable_address(tmp_path, monkeypatch):
    (tmp_path / "ledger.url").write_text("postgresql://dialguard:secret@127.0.0.1:1/x")
    (tmp_path / "ledger.sqlite").touch()
    both = EmbeddedStore(tmp_path)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "ledger.url").write_text("no url at all")
    bad = EmbeddedStore(tmp_path / "bad")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "ledger.url").write_text("oddbase://x/y")
    odd = EmbeddedStore(tmp_path / "odd")
    for store, says in ((both, "holds both ledger.sqlite and ledger.url"), (bad, "is no URL; expected one such as"), (odd, "of no kind that is known")):
        with pytest.raises(LookUpFailed, match=says):
            store.look_up(seller="acme", number=A, at=T)
        with pytest.raises(LedgerError, match=f"nothing was recorded: .*{says}"):
            store.suppress(seller="acme", number=A, at=T, known_at=T)
        with pytest.raises(LedgerError, match=says):
            store.retract(seller="acme", id="consent:1", known_at=T)


def test_without_its_driver_it_says_how_to_install_it(monkeypatch):
    def missing(*_, **__):
        raise ModuleNotFoundError("No module named 'psycopg'")

    made = Ledger.__init__.__globals__["create_engine"]
    monkeypatch.setitem(Ledger.__init__.__globals__, "create_engine", lambda url, **more: missing() if more else made(url))
    with pytest.raises(LookUpFailed, match=r"pip install 'dialguard\[postgresql\]'"):
        Ledger("postgresql://127.0.0.1/x").look_up(seller="acme", number=A, at=T)


def test_a_clock_that_is_not_the_servers_is_doubted_while_it_is_not(store, monkeypatch):
    suppress(store)
    assert listed(store) and store.peer.doubt() is None
    real, ahead = time.time_ns, [6]
    monkeypatch.setattr(clock.time, "time_ns", lambda: real() + ahead[0] * 10**9)
    assert listed(store) and store.peer.doubt() is None  # it is asked now and then
    store.ledger._hears = 0.0
    assert listed(store) and "the ledger's server by +6." in store.peer.doubt()
    ahead[0] = -3600
    assert listed(store) and "by -360" in store.peer.doubt()
    ahead[0] = 0
    assert listed(store) and store.peer.doubt() is None
