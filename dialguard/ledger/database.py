"""A database as the record uses it: a connection a thread, transactions, one state for several questions, tables made and brought up."""

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from dialguard.facts import clock
from dialguard.facts.clock import Peer
from dialguard.ledger import postgresql, sqlite
from dialguard.ledger.errors import LedgerError
from dialguard.ledger.known import Known, Sellers
from dialguard.ledger.migrate import migrate
from dialguard.ledger.place import PlaceError, keys_of, url_of
from dialguard.ledger.pseudonyms import Keys
from dialguard.ledger.read import Statements, Whole
from dialguard.ledger.schema import SCHEMA_VERSION, VERSION
from dialguard.ledger.write import already_replaced
from dialguard.model.records import LookUpFailed


T = TypeVar("T")
_GONE = "was there and is gone; put it back, or start this program anew if it was meant to go"
_HEAR = 5.0
"""Seconds between two questions for a server's time."""
_TRIES = 4
"""How often a write is tried that a server undid because of another at the same moment."""


class State(NamedTuple):
    """What is known of one state of the record: of whom it holds anything, what it holds of a seller as a whole, and all consents of
    numbers that were to be asked for and of which it holds nothing else."""

    sellers: Sellers
    wholes: dict[str, Whole]
    consents: dict[tuple[str, str], list[tuple]]


class Held:
    """One thread's connection, the process that opened it, the version of the tables that were found there, or 0, which
    file it is, and whether a question left its transaction open for the next, with what is then known."""

    __slots__ = ("__weakref__", "connection", "cursor", "driver", "file", "followed", "pid", "reading", "state", "version", "wholes")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.driver: Any = connection.connection.driver_connection
        self.cursor = self.driver.cursor()
        self.pid = os.getpid()
        self.version = 0
        self.file: tuple[int, int] | None = None
        self.reading = False
        self.state: State | None = None
        self.followed: object = None
        """What was followed last through this connection: as long as that is so, nobody has written anything since."""
        self.wholes: dict[str, Whole] = {}
        """What the record then held of sellers as a whole."""

    def move_on(self) -> None:
        """Lets the next question be answered over the record as it then is."""
        if self.reading:
            self.reading, self.state = False, None
            self.driver.rollback()


class _Collided(LedgerError):
    """A server undid the whole transaction, since another's came between: doing it again may succeed."""


class Database:
    """Connections to a database by its URL. Threads and processes may share it; each thread has its own connection.

    One that nobody wrote to yet (no file, no tables) reads as one that knows nothing; the first write creates it.
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
        self.peer = Peer("the ledger's server") if self._is_postgresql else None
        """How far this machine's clock is from the server's; None for a file."""
        self._hears = 0.0
        self._known = Known() if follow and self._is_sqlite else None
        self._engine = self._make_engine()
        self._statements = Statements(self._engine.dialect)
        self._was_there = False
        self._local = threading.local()
        self._open: weakref.WeakSet[Held] = weakref.WeakSet()
        self._inherited: list[Held] = []

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
        held: Held | None = getattr(self._local, "held", None)
        if held is not None and held.reading and held.pid == os.getpid():
            try:
                held.move_on()
            except self._driver_error:
                self._drop()

    def close(self) -> None:
        """Closes every connection of this process; a later call opens a new one."""
        for held in list(self._open):
            if held.pid == os.getpid():
                held.connection.close()
        self._open.clear()
        self._local = threading.local()

    def _held(self) -> Held:
        held: Held | None = getattr(self._local, "held", None)
        if held is not None and held.pid == os.getpid():
            return held
        if held is not None:
            self._inherited.append(held)  # the parent's: not ours to use, nor to close
        file = None if self._file is None else sqlite.identity(self._file)  # before it is opened: were it replaced between, that would show
        held = self._local.held = Held(self._engine.connect())
        held.file = file
        self._open.add(held)
        return held

    def _connected(self) -> Held:
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
        held: Held | None = getattr(self._local, "held", None)
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
            if self.peer is not None:
                self._hear(self.peer, held.cursor)
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

    def _hear(self, peer: Peer, cursor: Any) -> None:
        """Asks for the server's time, now and then, and each time while it is doubted that ours is right."""
        if time.monotonic() < self._hears and peer.doubt() is None:
            return
        before = clock.now()
        peer.heard(cursor.execute(postgresql.TIME).fetchone()[0], before)
        self._hears = time.monotonic() + _HEAR

    def _find_tables(self, held: Held) -> bool:
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

    @property
    def _name(self) -> str:
        return f"the ledger {self._file or self._url.database}" if self._is_sqlite else postgresql.name_of(self._url)

    def _explain(self, error: BaseException, timeout: float) -> str:
        if self._is_sqlite:
            return sqlite.explain(error, self._name, timeout)
        if self._is_postgresql:
            return postgresql.explain(error, self._name)
        return f"{self._name}: {type(error).__name__}"  # other drivers' texts may quote the values of a row

    def write(self, work: Callable[[Connection], T], *, alone: bool = False) -> T:
        """What ``work`` gives, done in one transaction of the record's tables of this version: whole or not at all.

        One such work is done at a time, and seen before the next one begins to write. ``alone``: it sees what all before it recorded
        (on SQLite that is so of every write). Where a server undid it because of another's work at the same moment, it is done again,
        so ``work`` must bear that.

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
            held.followed = None
            if self._is_sqlite:
                sqlite.set_timeout(held.driver, int(self._write_timeout * 1000))
            self._make_tables(held)
            transaction = held.connection.begin()
            try:
                if self._is_postgresql:
                    postgresql.set_timeout(held.connection, self._write_timeout)
                    if alone:
                        postgresql.lock_imports(held.connection)
                    postgresql.lock_order(held.connection)
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

    def _make_tables(self, held: Held) -> None:
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
