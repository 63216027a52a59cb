"""The record in a database: SQLite in one file by default, another database by its SQLAlchemy URL."""

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, create_engine, insert, inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from dialguard.ledger import postgresql, sqlite
from dialguard.ledger.erasing import Erased, empty, endings, listing, note_keys
from dialguard.ledger.errors import LedgerError
from dialguard.ledger.history import entries
from dialguard.ledger.known import EVERY, Known, Sellers, kinds
from dialguard.ledger.migrate import migrate
from dialguard.ledger.place import PlaceError, keys_of, url_of
from dialguard.ledger.pseudonyms import Key, Keys
from dialguard.ledger.read import WITH_ERASURES, Reading, Statements, Whole, recorded
from dialguard.ledger.rows import ALWAYS, KINDS, Row, moment, recorded_number, text
from dialguard.ledger.rows import number as checked_number
from dialguard.ledger.schema import ENTRIES, IMPORTS, SCHEMA_VERSION, TABLES, VERSION
from dialguard.ledger.wordings import keep
from dialguard.ledger.write import Recorder, already_replaced
from dialguard.model.moment import Instant
from dialguard.model.records import LookUp, LookUpFailed

T = TypeVar("T")
_GONE = "was there and is gone; put it back, or start this program anew if it was meant to go"
_TRIES = 4
"""How often a write is tried that a server undid because of another at the same moment."""


class _State(NamedTuple):
    """What is known of one state of the record: of whom it holds anything, and what it holds of a seller as a whole."""

    sellers: Sellers
    wholes: dict[str, Whole]


class _Held:
    """One thread's connection, the process that opened it, the version of the tables that were found there, or 0, which
    file it is, and whether a question left its transaction open for the next, with what is then known."""

    __slots__ = ("__weakref__", "connection", "cursor", "driver", "file", "pid", "reading", "state", "version")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.driver: Any = connection.connection.driver_connection
        self.cursor = self.driver.cursor()
        self.pid = os.getpid()
        self.version = 0
        self.file: tuple[int, int] | None = None
        self.reading = False
        self.state: _State | None = None

    def move_on(self) -> None:
        """Lets the next question be answered over the record as it then is."""
        if self.reading:
            self.reading, self.state = False, None
            self.driver.rollback()


class _Collided(LedgerError):
    """A server undid the whole transaction, since another's came between: doing it again may succeed."""


class Ledger(Recorder):
    """The record. Safe to use from several threads and processes at once; each thread has its own connection.

    A ledger that nobody wrote to yet (no file, no tables) reads as one that knows nothing and is complete for nobody;
    the first write creates it. Reads raise ``LookUpFailed``, writes ``LedgerError``, and both ``RecordError``.
    """

    def __init__(
        self, target: str | Path, *, write_timeout: float = 10.0, follow: bool = False, keys: Keys | None = None
    ) -> None:
        """``target``: the path of a SQLite file, or a URL such as ``postgresql://user@host/database`` (see ``place``).

        ``write_timeout``: seconds to wait for a lock. A place that cannot be used fails at the first read or write.
        ``follow``: within ``still``, what SQLite holds of most numbers, nothing, is known from memory (see ``known``).
        ``keys``: of erased numbers; else those beside the file.
        """
        self._write_timeout = write_timeout
        self._trouble: str | None = None
        try:
            self._url = url_of(target)
        except PlaceError as error:
            self._trouble, self._url = str(error), URL.create("sqlite")
        self.keys = keys if keys is not None else Keys(keys_of(target))
        self._is_sqlite = self._url.get_backend_name() == "sqlite"
        self._is_postgresql = self._url.get_backend_name() == "postgresql"
        self._file = sqlite.file_of(self._url) if self._is_sqlite else None
        self._known = Known() if follow and self._is_sqlite else None
        self._engine = self._make_engine()
        self._statements = Statements(self._engine.dialect)
        self._was_there = False
        self._local = threading.local()
        self._open: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._inherited: list[_Held] = []

    def _make_engine(self) -> Engine:
        options: dict[str, Any] = {"connect_args": sqlite.CONNECT} if self._is_sqlite else {}
        if self._is_postgresql:
            options = postgresql.engine_options(self._url)
        try:
            # One connection a thread is held here, so that the pool need not keep any (and none crosses a fork).
            engine = create_engine(self._url, poolclass=NullPool, hide_parameters=True, **options)
        except (ModuleNotFoundError, SQLAlchemyError):
            why = postgresql.INSTALL if self._is_postgresql else "it is of no kind that is known here"
            self._trouble = f"{self._name}: {why}"
            return create_engine("sqlite://")
        if self._is_sqlite:
            sqlite.prepare(engine)
        return engine

    def look_up(
        self, *, seller: str, number: str, person: str | None = None, at: Instant, as_of: Instant | None = None
    ) -> LookUp:
        """What is known of one number; see ``storage.ports.Store``."""
        checked_number(number)
        if person is not None:
            text(person, "person")
        self._check(seller, at, as_of)
        if self._known is not None and person is None and as_of is None and getattr(self._local, "still", False):
            state = self._state()
            if state is not None and (whole := state.wholes.get(seller)) is not None and not kinds(state.sellers, seller, number):
                return whole.nothing(at)
            return self._read(lambda cursor: self._followed(cursor, seller, number, at), LookUp())
        return self._read(
            lambda cursor: self._reading(cursor, seller, at, as_of).one(number, person), LookUp()
        )

    def _state(self) -> _State | None:
        """What is known of the state of the record that this thread keeps, once it has asked."""
        held: _Held | None = getattr(self._local, "held", None)
        return None if held is None or held.pid != os.getpid() else held.state

    def _followed(self, cursor: Any, seller: str, number: str, at: Instant) -> LookUp:
        """As ``look_up``, by what is known of this state of the record."""
        held = self._held()
        reading = self._reading(cursor, seller, at, None)
        state = held.state
        if state is None:
            sellers = self._known.follow(cursor)
            if sellers is None:
                return reading.one(number, None)
            state = held.state = _State(sellers, {})
        bits = kinds(state.sellers, seller, number)
        if bits == EVERY:
            return reading.one(number, None)
        whole = state.wholes.get(seller)
        if whole is None:
            whole = state.wholes[seller] = reading.whole
        return reading.of_kinds(number, whole, [bits >> place & 1 for place in range(len(ENTRIES))])

    def look_up_many(
        self,
        seller: str,
        numbers: Iterable[str],
        at: Instant,
        as_of: Instant | None = None,
        persons: Mapping[str, str] | None = None,
    ) -> dict[str, LookUp]:
        """What is known of many numbers; see ``storage.ports.Store``."""
        asked = [checked_number(number, "numbers") for number in numbers]
        for person in (persons or {}).values():
            text(person, "persons")
        self._check(seller, at, as_of)
        return self._read(
            lambda cursor: self._reading(cursor, seller, at, as_of).many(asked, persons or {}),
            dict.fromkeys(asked, LookUp()),
        )

    def recorded(
        self, seller: str, at: Instant, as_of: Instant | None = None
    ) -> tuple[list[str], list[str], list[tuple], list[str], Sequence[Key]]:
        """Numbers, persons, lone consents, names of erased numbers and their keys; see ``storage.ports.Recorded``."""
        self._check(seller, at, as_of)

        def ask(cursor: Any) -> tuple[list[str], list[str], list[tuple], list[str], Sequence[Key]]:
            return recorded(cursor, self._statements, self.keys, self.hides(), seller, at, as_of)

        return self._read(ask, ([], [], [], [], ()))

    def hidden(self, seller: str) -> list[str]:
        """By which keys numbers are hidden in the record of a seller. Raises LookUpFailed."""
        return self._read(lambda cursor: self.hiding(cursor, seller), [])

    def hiding(self, cursor: Any, seller: str) -> list[str]:
        """The same, asked within a reading."""
        return [key for (key,) in self._statements.keys.run(cursor, {"seller": seller})] if self.hides() else []

    def sellers(self, number: str | None = None) -> list[str]:
        """The sellers of whom the record holds anything of a number; None: of any. Raises LookUpFailed."""
        if number is not None:
            checked_number(number)
        statement = self._statements.sellers if number is None else self._statements.sellers_of
        return sorted(seller for (seller,) in self._read(lambda cursor: statement.run(cursor, {"number": number}), []))

    def hides(self) -> bool:
        """Whether the tables that were found can hide numbers."""
        return self._held().version >= WITH_ERASURES

    def entries(
        self,
        seller: str,
        give: Callable[[Iterator[tuple[str, Row]]], T],
        *,
        kinds: Iterable[str] = KINDS,
        number: str | None = None,
        as_of: Instant | None = None,
    ) -> T:
        """What ``give`` makes of kind and row of every entry of a seller recorded by ``as_of``, over one state of the record.

        Kind by kind in the order recorded, corrected and retracted entries too. ``number``: only those about
        this number, or under this name of one.
        Raises LookUpFailed, and what ``give`` raises.
        """
        text(seller, "seller")
        if number is not None:
            recorded_number(number, "number")
        if as_of is not None:
            moment(as_of, "as_of")
        def ask(cursor: Any) -> tuple[T]:
            version = self._usable(max(version for (version,) in self._statements.version.run(cursor, {})))
            return (give(entries(cursor, self._engine.dialect, version, seller, kinds, number, as_of)),)

        found = self._read(ask, None)
        return give(iter(())) if found is None else found[0]

    @contextmanager
    def still(self) -> Iterator[None]:
        """Within, the questions of this thread are answered over one state of the record, that of the first of them.

        A write of its own, or a question on the way to one, ends that state: the next question begins another. For a short time
        only, since the log of the database grows meanwhile.
        """
        if getattr(self._local, "still", False):
            yield
            return
        self._local.still = True
        try:
            yield
        finally:
            self._local.still = False
            self.move_on()

    def move_on(self) -> None:
        """Within ``still``: the next question is answered over the record as it then is."""
        held: _Held | None = getattr(self._local, "held", None)
        if held is not None and held.reading and held.pid == os.getpid():
            try:
                held.move_on()
            except self._driver_error:
                self._drop()

    def erase(
        self, *, seller: str, number: str, known_at: Instant, at: Instant | None = None, scope: str | None = None,
        reason: str | None = None,
    ) -> Erased:
        """Erases a number from a seller's record (see ``erasing``) and keeps it on the seller's own list under a keyed name, from ``at``
        (absent: ``known_at``). Raises RecordError, LedgerError: then nothing was erased."""
        key = self._newest_key()
        row = listing(key, text(seller, "seller"), checked_number(number), known_at if at is None else at, known_at, scope, reason)

        def work(connection: Connection) -> Erased:
            note_keys(connection, [row])
            connection.execute(insert(TABLES["internal"]), row)
            done = self._emptied(connection, key, seller, number, known_at, known_at)
            for kind, end in endings({kind for kind, *_ in done.kept}, seller, number, known_at):
                connection.execute(insert(TABLES[kind]), end)
            return done

        return self._erasing(work)

    def finish_erasing(self, *, seller: str, number: str, erased_at: Instant, now: Instant) -> Erased:
        """Empties what has been kept of a number erased before, where its term is over ``now``. Raises LedgerError."""
        key = self._newest_key()
        return self._erasing(lambda connection: self._emptied(connection, key, seller, number, erased_at, now))

    def _newest_key(self) -> Key:
        if not self.keys.kept:
            todo = "name a folder for it in the ledger's URL: keys=FOLDER"
            raise LedgerError(f"nothing was erased: the key must outlive this process; {todo}")
        try:
            return self.keys.newest()
        except OSError as error:
            raise LedgerError(f"nothing was erased: {error.filename}: {error.strerror}") from None

    def _emptied(self, connection: Connection, key: Key, seller: str, number: str, erased_at: Instant, now: Instant) -> Erased:
        server = sqlite if self._is_sqlite else postgresql
        server.allow_changes(connection)
        done = empty(connection, key, seller, number, erased_at, now)
        server.forbid_changes(connection)
        return done

    def _erasing(self, work: Callable[[Connection], Erased]) -> Erased:
        done = self.write(work, alone=True)
        if self._is_sqlite:
            sqlite.forget(self._held().driver)
        return done

    def close(self) -> None:
        """Closes every connection of this process; a later call opens a new one."""
        for held in list(self._open):
            if held.pid == os.getpid():
                held.connection.close()
        self._open.clear()
        self._local = threading.local()

    @staticmethod
    def _check(seller: str, at: Instant, as_of: Instant | None) -> None:
        text(seller, "seller")
        moment(at, "at")
        if as_of is not None:
            moment(as_of, "as_of")

    def _held(self) -> _Held:
        held: _Held | None = getattr(self._local, "held", None)
        if held is not None and held.pid == os.getpid():
            return held
        if held is not None:
            self._inherited.append(held)  # the parent's: not ours to use, nor to close
        file = None if self._file is None else sqlite.identity(self._file)  # before it is opened: were it replaced between, that would show
        held = self._local.held = _Held(self._engine.connect())
        held.file = file
        self._open.add(held)
        return held

    def _connected(self) -> _Held:
        """This thread's connection to the file that is there now. Raises LookUpFailed where it was there and is not any more."""
        if self._file is None:
            return self._held()
        found = sqlite.identity(self._file)
        if found is None and self._was_there:
            self._drop()
            raise LookUpFailed(f"{self._name} {_GONE}")
        held = self._held()
        if held.file is not None and found != held.file:
            self._drop()
            held = self._held()
        held.file = found
        self._was_there = found is not None
        return held

    def _drop(self) -> None:
        """Gives up this thread's connection after trouble, so that the next call starts afresh."""
        held: _Held | None = getattr(self._local, "held", None)
        self._local.held = None
        if held is not None and held.pid == os.getpid():
            try:
                held.connection.invalidate()
                held.connection.close()
            except (SQLAlchemyError, self._driver_error):
                pass  # it is given up either way

    @property
    def _driver_error(self) -> type[Exception]:
        return self._engine.dialect.loaded_dbapi.Error

    def _read(self, ask: Callable[[Any], T], nothing: T) -> T:
        """The answer over one state of the record, or ``nothing`` where there is no record yet."""
        if self._trouble is not None:
            raise LookUpFailed(self._trouble)
        if self._file is not None and getattr(self._local, "held", None) is None and not self._file.exists():
            if self._was_there:
                raise LookUpFailed(f"{self._name} {_GONE}")
            return nothing
        try:
            held = self._held()
            if not held.reading:
                held = self._connected()
            if held.version < VERSION and not self._find_tables(held):  # another may have brought it up meanwhile
                return nothing
            if self._is_sqlite and not held.reading:
                held.cursor.execute("BEGIN")  # other drivers begin by themselves
            answer = ask(held.cursor)
            if getattr(self._local, "still", False):
                held.reading = True
            else:
                held.driver.rollback()
            return answer
        except self._driver_error as error:
            self._drop()
            raise LookUpFailed(self._explain(error, sqlite.READ_TIMEOUT_MS / 1000)) from error
        except SQLAlchemyError as error:
            self._drop()
            cause = getattr(error, "orig", None) or error
            raise LookUpFailed(self._explain(cause, sqlite.READ_TIMEOUT_MS / 1000)) from error
        except BaseException:
            self._drop()
            raise

    def _find_tables(self, held: _Held) -> bool:
        """Whether the record's tables are there and of a version that this code reads."""
        held.move_on()
        if self._is_sqlite:
            there = sqlite.has_table(held.driver, SCHEMA_VERSION.name)
        else:
            there = inspect(held.connection).has_table(SCHEMA_VERSION.name)
            hidden = not there and self._is_postgresql and postgresql.is_hidden(held.connection)
            held.connection.rollback()
            if hidden:
                raise LookUpFailed(f"{self._name} {postgresql.HIDDEN}")
        if not there:
            return False
        versions = [version for (version,) in self._statements.version.run(held.cursor, {})]
        held.driver.rollback()
        held.version = self._usable(max(versions, default=0))
        return held.version > 0

    def _usable(self, version: int) -> int:
        """The version of the schema, where this code reads it."""
        if version > VERSION:
            raise LookUpFailed(f"{self._name} was written by a newer version of DialGuard; install that to read it")
        return version

    def _reading(self, cursor: Any, seller: str, at: Instant, as_of: Instant | None) -> Reading:
        return Reading(cursor, self._statements, self.keys, seller, at, as_of, self._held().version)

    @property
    def _name(self) -> str:
        return f"the ledger {self._file or self._url.database}" if self._is_sqlite else postgresql.name_of(self._url)

    def _explain(self, error: BaseException, timeout: float) -> str:
        if self._is_sqlite:
            return sqlite.explain(error, self._name, timeout)
        if self._is_postgresql:
            return postgresql.explain(error, self._name)
        return f"{self._name}: {type(error).__name__}"  # other drivers' texts may quote the values of a row

    def _append(self, kind: str, rows: list[Row], *, ids: bool = True) -> list[int]:
        def work(connection: Connection) -> list[int]:
            bare = keep(connection, rows) if kind == "consent" else rows
            note_keys(connection, bare)
            if ids:
                return [connection.execute(insert(TABLES[kind]), row).inserted_primary_key[0] for row in bare]
            connection.execute(insert(TABLES[kind]), bare)
            return []

        return self.write(work)

    def record_once(self, entries: Iterable[tuple[str, Mapping[str, Any], str]]) -> int:
        """Records entries (kind, the fields of ``Recorder``'s functions, an id of their source), all or none, and gives how many were
        new: one whose kind, seller and source were recorded before is passed over. They supersede nothing.

        Raises RecordError, LedgerError.
        """
        checked = [(kind, self._checked(kind, fields), source) for kind, fields, source in entries]

        def work(connection: Connection) -> int:
            new = 0
            for kind, row, source in checked:
                named = {"seller": row["seller"], "kind": kind, "source_id": source}
                if connection.execute(select(IMPORTS.c.entry_id).filter_by(**named)).first():
                    continue
                (id_,) = connection.execute(insert(TABLES[kind]), row).inserted_primary_key
                connection.execute(insert(IMPORTS), {**named, "entry_id": id_, "digest": "", "known_at": row["known_at"]})
                new += 1
            return new

        return self.write(work, alone=True) if checked else 0

    def write(self, work: Callable[[Connection], T], *, alone: bool = False) -> T:
        """What ``work`` gives, done in one transaction of the record's tables of this version: whole or not at all.

        ``alone``: no other such work at the same time (on SQLite that is so of every write). Where a server undid it because
        of another's work at the same moment, it is done again, so ``work`` must bear that.

        Raises LedgerError, RecordError, and what ``work`` raises.
        """
        for _ in range(_TRIES - 1):
            try:
                return self._write_once(work, alone)
            except _Collided:
                pass
        return self._write_once(work, alone)

    def _write_once(self, work: Callable[[Connection], T], alone: bool) -> T:
        said = "nothing was recorded"
        try:
            if self._trouble is not None:
                raise LookUpFailed(self._trouble)
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            self.move_on()
            held = self._connected()
            if self._is_sqlite:
                sqlite.set_timeout(held.driver, int(self._write_timeout * 1000))
            self._make_tables(held)
            transaction = held.connection.begin()
            try:
                if self._is_postgresql:
                    postgresql.set_timeout(held.connection, self._write_timeout)
                    if alone:
                        postgresql.lock_imports(held.connection)
                answer = work(held.connection)
            except BaseException:
                transaction.rollback()
                raise
            if not self._is_sqlite:  # a server may have heard a commit whose answer was lost
                said = "it is not known whether this was recorded, so look before you repeat it"
            transaction.commit()
            return answer
        except IntegrityError:
            raise already_replaced() from None
        except LookUpFailed as error:
            self._drop()
            raise LedgerError(f"nothing was recorded: {error}") from error
        except (DBAPIError, self._driver_error, OSError) as error:
            self._drop()
            cause = getattr(error, "orig", None) or error
            kind = _Collided if self._is_postgresql and postgresql.collided(cause) else LedgerError
            raise kind(f"{said}: {self._explain(cause, self._write_timeout)}") from error
        finally:
            held = getattr(self._local, "held", None)
            if self._is_sqlite and held is not None:
                sqlite.set_timeout(held.driver, sqlite.READ_TIMEOUT_MS)

    def _make_tables(self, held: _Held) -> None:
        """Makes the tables where there are none, and brings those of an older version up to this one."""
        if held.version == VERSION or (self._find_tables(held) and held.version == VERSION):
            return
        if self._is_sqlite and not held.version:
            sqlite.use_write_ahead_log(held.driver)
        if self._is_postgresql:
            postgresql.lock_making(held.connection, self._write_timeout)
        with held.connection.begin():  # on SQLite under the write lock: a second process finds the tables made
            if self._usable(migrate(held.connection)) < VERSION:
                if self._is_sqlite:
                    sqlite.forbid_changes(held.connection)
                elif self._is_postgresql:
                    postgresql.forbid_changes(held.connection)
        held.version = VERSION
        if self._is_postgresql:
            postgresql.unlock_making(held.connection)

    def _find(self, kind: str, id_: int) -> Row | None:
        self._bring_up()
        names = [column.name for column in ENTRIES[kind].columns]
        found = self._ask(lambda cursor: self._statements.entry[kind].run(cursor, {"id": id_}))
        return dict(zip(names, found[0], strict=True)) if found else None

    def _names(self, seller: str, number: str) -> list[str]:
        try:
            return [key.number(seller, number) for key in self.keys.of(self.hidden(seller))]
        except LookUpFailed as error:
            raise LedgerError(f"nothing was recorded: {error}") from None

    def _latest_attempt(self, seller: str, reference: str) -> int | None:
        values = {"seller": seller, "reference": reference}
        found = self._ask(lambda cursor: self._statements.latest_attempt.run(cursor, values))
        return found[0][0] if found else None

    def _numbers_of(self, seller: str, person: str) -> list[str]:
        values = {"seller": seller, "person": person, "as_of": ALWAYS}
        return [number for (number,) in self._read(lambda cursor: self._statements.numbers_of.run(cursor, values), [])]

    def _bring_up(self) -> None:
        """Brings an older record up to this version, on the way to a write."""
        there = self._file is None or self._file.exists()
        if there and self._ask(lambda cursor: [(self._held().version,)]) not in ([], [(VERSION,)]):
            self.write(lambda connection: None)

    def _ask(self, question: Callable[[Any], list[tuple]]) -> list[tuple]:
        """A question asked on the way to a write."""
        self.move_on()
        try:
            return self._read(question, [])
        except LookUpFailed as error:
            raise LedgerError(f"nothing was recorded: {error}") from error
