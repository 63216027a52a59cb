"""What has still to reach Redis: a small SQLite file beside the ledger, ``redis.sqlite``.

Whoever records notes first, durably, whose entries are about to change; then writes the ledger; then Redis; and then marks the note
as sent, with the version of the ledger that was sent. What is not marked is made anew from the ledger and sent again: after
a failure, a kill at any point, and where Redis turns out to have lost its last writes, for which sent notes are kept a while.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dialguard.ledger.errors import LedgerError

FILE = "redis.sqlite"
ANY: frozenset[str] = frozenset(["any"])
"""Whatever server it was."""
KEPT = 50_000
"""How many sent notes are kept, to be sent again where Redis lost them."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, seller TEXT NOT NULL, "
    "name TEXT NOT NULL, reference TEXT, tag TEXT NOT NULL, version INTEGER)",
    "CREATE INDEX IF NOT EXISTS notes_unsent ON notes (id) WHERE version IS NULL",
    "CREATE TABLE IF NOT EXISTS tags (tag TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS notes_sent ON notes (tag, version) WHERE version IS NOT NULL",
)


class Note(NamedTuple):
    """Something to send: ``what`` is rows (r) or attempts (a) of a number, numbers of a person (p), or a declaration (d).

    ``name`` is the number or the person; ``reference`` the caller's own id of an attempt; ``tag`` the tag of the key, for a
    declaration ``*``.
    """

    what: str
    seller: str
    name: str
    reference: str | None
    tag: str


class Queue:
    """The notes of one store folder. Threads and processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._inherited: list[sqlite3.Connection] = []

    @property
    def exists(self) -> bool:
        """Whether this folder ever wrote to a Redis."""
        return self._path.exists()

    @property
    def ledger(self) -> str:
        """The name by which Redis knows this ledger."""
        with self._open() as file:
            return file.execute("SELECT value FROM about WHERE name = 'ledger'").fetchone()[0]

    def rename(self) -> str:
        """Gives the ledger a new name, since another Redis is filled from it: one that has the old name is not kept up any more."""
        with self._open() as file:
            name = secrets.token_hex(8)
            file.execute("UPDATE about SET value = ? WHERE name = 'ledger'", (name,))
            return name

    def add(self, notes: Sequence[Note]) -> tuple[int, int]:
        """Keeps notes, durably; the range of their ids."""
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            file.executemany("INSERT INTO notes (what, seller, name, reference, tag) VALUES (?, ?, ?, ?, ?)", notes)
            last = file.execute("SELECT coalesce(max(id), 0) FROM notes").fetchone()[0]
            file.execute("COMMIT")
            return last - len(notes) + 1, last

    def noted(self) -> dict[str, int]:
        """By kind of entry, the newest id of the ledger of which a note was made, or which a rebuild sent."""
        with self._open() as file:
            rows = file.execute("SELECT name, value FROM about WHERE name LIKE 'noted:%'").fetchall()
        return {name.partition(":")[2]: int(value) for name, value in rows}

    def follow(self, kind: str, id_: int, notes: Sequence[Note]) -> None:
        """Keeps notes of entries of a kind up to an id, in one step with that id."""
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            file.executemany("INSERT INTO notes (what, seller, name, reference, tag) VALUES (?, ?, ?, ?, ?)", notes)
            file.execute("INSERT INTO about VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (f"noted:{kind}", str(id_)))
            file.execute("COMMIT")

    def sent(self, ids: Iterable[int], version: int, to: frozenset[str] | None = ANY) -> bool:
        """Marks notes as sent; not where others than the servers ``to`` which that was have taken their place meanwhile."""
        with self._open() as file:
            file.execute("PRAGMA synchronous = NORMAL")  # a mark that a power cut loses is a note sent twice
            file.execute("BEGIN IMMEDIATE")
            if to is not ANY and self.reigns != to:
                file.execute("ROLLBACK")
                file.execute("PRAGMA synchronous = FULL")
                return False
            file.executemany("UPDATE notes SET version = ? WHERE id = ?", [(version, id_) for id_ in ids])
            file.executemany(
                "INSERT INTO tags SELECT tag, ? FROM notes WHERE id = ? ON CONFLICT DO UPDATE SET version = max(version, excluded.version)",
                [(version, id_) for id_ in ids],
            )
            old = file.execute("SELECT coalesce(max(id), 0) FROM notes").fetchone()[0] - KEPT
            if old > 0:
                gone = file.execute("SELECT max(version) FROM notes WHERE id <= ? AND version IS NOT NULL", (old,)).fetchone()[0]
                if gone is not None:
                    file.execute(
                        "INSERT INTO about VALUES ('floor', ?) ON CONFLICT DO UPDATE SET value = max(CAST(value AS INTEGER), ?)",
                        (gone, gone),
                    )
                    file.execute("DELETE FROM notes WHERE id <= ? AND version IS NOT NULL", (old,))
            file.execute("COMMIT")
            file.execute("PRAGMA synchronous = FULL")
        return True

    def drop(self, first: int, last: int) -> None:
        """Takes notes back whose entries were not recorded after all."""
        with self._open() as file:
            file.execute("DELETE FROM notes WHERE id BETWEEN ? AND ?", (first, last))

    def left(self, first: int, last: int) -> bool:
        """Whether any of these notes was not sent."""
        with self._open() as file:
            found = file.execute("SELECT 1 FROM notes WHERE version IS NULL AND id BETWEEN ? AND ? LIMIT 1", (first, last))
            return found.fetchone() is not None

    @property
    def reigns(self) -> frozenset[str] | None:
        """The replication ids of the servers to which is sent; None where that was never written down."""
        with self._open() as file:
            found = file.execute("SELECT value FROM about WHERE name = 'reigns'").fetchone()
        return None if found is None else frozenset(found[0].split())

    def reign(self, here: Iterable[str]) -> None:
        """These are the servers from now on; nobody vouches for another one."""
        with self._open() as file:
            file.execute(
                "INSERT INTO about VALUES ('reigns', ?) ON CONFLICT DO UPDATE SET value = excluded.value", (" ".join(sorted(set(here))),)
            )

    def unsent(self) -> list[tuple[int, Note]]:
        """All notes that were not sent, the oldest first."""
        with self._open() as file:
            rows = file.execute("SELECT id, what, seller, name, reference, tag FROM notes WHERE version IS NULL ORDER BY id").fetchall()
        return [(row[0], Note(*row[1:])) for row in rows]

    def waiting(self) -> int:
        """How many things were not sent."""
        with self._open() as file:
            return file.execute("SELECT count(*) FROM (SELECT DISTINCT what, seller, name FROM notes WHERE version IS NULL)").fetchone()[0]

    def newest(self) -> dict[str, int]:
        """By tag, the newest version of the ledger that was sent to it; under ``*`` and the empty one what was sent to all that have
        numbers, and to all."""
        with self._open() as file:
            return dict(file.execute("SELECT tag, version FROM tags"))

    def again(self, tag: str, version: int) -> bool:
        """Everything sent to a tag after ``version`` is to be sent again; False where that is not remembered any more."""
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            floor = file.execute("SELECT value FROM about WHERE name = 'floor'").fetchone()
            known = floor is None or int(floor[0]) <= version
            if known:
                file.execute("UPDATE notes SET version = NULL WHERE tag IN (?, '*') AND version > ?", (tag, version))
            file.execute("COMMIT")
            return known

    def rebuilt(self, version: int) -> None:
        """Forgets what was sent up to ``version``: a rebuild has sent all of it, and whatever falls behind it is to be rebuilt."""
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            file.execute("DELETE FROM notes WHERE version <= ?", (version,))
            file.execute("DELETE FROM tags")
            file.execute("INSERT INTO tags VALUES ('', ?)", (version,))
            file.execute("INSERT INTO about VALUES ('floor', ?) ON CONFLICT DO UPDATE SET value = excluded.value", (version,))
            file.execute("COMMIT")

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Held from a note to the end of its sending, so that nobody takes it for one left behind."""
        with self._locked(".gate", fcntl.LOCK_SH):  # behind whoever waits for those before to be done
            passed = self._held(".lock", fcntl.LOCK_SH)
        try:
            yield
        finally:
            os.close(passed)

    @contextmanager
    def alone(self, wait: bool = False) -> Iterator[bool]:
        """Whether nobody records now; while it is held, every unsent note is one left behind. ``wait``: until nobody does."""
        if wait:
            with self._locked(".gate", fcntl.LOCK_EX):
                held = self._held(".lock", fcntl.LOCK_EX)
        else:
            try:
                held = self._held(".lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
        try:
            yield True
        finally:
            os.close(held)

    def close(self) -> None:
        """Closes the file; a later call opens it again."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    @contextmanager
    def _locked(self, suffix: str, how: int) -> Iterator[None]:
        held = self._held(suffix, how)
        try:
            yield
        finally:
            os.close(held)

    def _held(self, suffix: str, how: int) -> int:
        """A lock, held until what is given is closed. Raises BlockingIOError where it is not waited for."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path.with_suffix(suffix), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise LedgerError(f"nothing was recorded: {self._path} cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(descriptor, how)
            return descriptor
        except BaseException:
            os.close(descriptor)
            raise

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None or self._pid != os.getpid():
                    if self._connection is not None:
                        self._inherited.append(self._connection)  # the parent's: not ours to use, nor to close
                    self._connection, self._pid = self._connect(), os.getpid()
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                if self._connection is not None and self._connection.in_transaction:
                    self._connection.rollback()
                raise LedgerError(f"nothing was recorded: {self._path} cannot be used ({error})") from error

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        for table in _TABLES:
            file.execute(table)
        file.execute("INSERT OR IGNORE INTO about VALUES ('ledger', ?)", (secrets.token_hex(8),))
        return file
