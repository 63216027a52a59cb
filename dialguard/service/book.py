"""What the service itself keeps of a tenant, beside the record: its campaigns, and which outcomes it was told.

One small SQLite file in the tenant's folder, which all worker processes share. Each change of a campaign has a number, so that a
worker sees with one question whether there is anything new.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from dialguard.facts import clock
from dialguard.model.moment import DAY
from dialguard.model.records import LookUpFailed

if TYPE_CHECKING:
    from dialguard.guard import Guard

FILE = "service.sqlite"
_SINCE = "SELECT version, id, campaign FROM campaigns WHERE version > ? ORDER BY version"
REMEMBERED = 40 * DAY
"""For how long an outcome that is told again is known."""
_LOG = logging.getLogger("dialguard.service")
_TABLES = (
    "CREATE TABLE IF NOT EXISTS campaigns (id TEXT PRIMARY KEY, version INTEGER NOT NULL UNIQUE, campaign TEXT) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS outcomes (decision TEXT, outcome TEXT, at INTEGER NOT NULL, told TEXT NOT NULL, "
    "PRIMARY KEY (decision, outcome)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS outcomes_by_age ON outcomes (at)",
)


class Taken(ValueError):
    """The id is another campaign's."""


class Told(NamedTuple):
    """What was told of a decision before: each outcome with what came of it, and where to note another one."""

    before: Mapping[str, Mapping[str, Any]]
    note: Any


class Book:
    """``path`` None is in memory. Threads and processes may share a path. Every method raises LookUpFailed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._file: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._seen = 0
        self._kept: set[str] = set()
        self._trouble = False

    # -- campaigns

    def campaigns(self) -> dict[str, dict[str, Any]]:
        """Every registered campaign by its id."""
        with self._transaction() as file:
            rows = file.execute("SELECT id, campaign FROM campaigns WHERE campaign IS NOT NULL ORDER BY id").fetchall()
        return {id_: msgspec.json.decode(campaign) for id_, campaign in rows}

    def put(self, campaign: Mapping[str, Any], *, new: bool = False) -> bool:
        """Keeps a campaign under its id; False where it was there just so. ``new``: raises Taken for the id of another."""
        written = msgspec.json.encode(campaign, order="sorted").decode()
        with self._transaction() as file:
            there = file.execute("SELECT campaign FROM campaigns WHERE id = ?", (campaign["id"],)).fetchone()
            if there is not None and there[0] == written:
                return False
            if new and there is not None and there[0] is not None:
                raise Taken
            self._change(file, campaign["id"], written)
        return True

    def remove(self, id_: str) -> bool:
        """Keeps a campaign no more; False where there is none."""
        with self._transaction() as file:
            if file.execute("SELECT 1 FROM campaigns WHERE id = ? AND campaign IS NOT NULL", (id_,)).fetchone() is None:
                return False
            self._change(file, id_, None)
        return True

    @staticmethod
    def _change(file: sqlite3.Connection, id_: str, campaign: str | None) -> None:
        file.execute("INSERT OR REPLACE INTO campaigns SELECT ?, coalesce(max(version), 0) + 1, ? FROM campaigns", (id_, campaign))

    def follow(self, guard: Guard) -> None:
        """Registers with a guard what changed since; for the event loop's thread. Where that cannot be known, no campaign is registered
        until it can."""
        try:
            for version, id_, written in self._changed():
                guard.remove_campaign(id_)
                self._kept.discard(id_)
                if written is not None:
                    guard.add_campaign(msgspec.json.decode(written))
                    self._kept.add(id_)
                self._seen = version
            self._trouble = False
        except Exception as error:
            if not self._trouble:
                _LOG.error(
                    "the campaigns cannot be taken up, and attempts that name one are refused until they can: %s", type(error).__name__
                )
            self._trouble, self._seen = True, 0
            for id_ in self._kept:
                guard.remove_campaign(id_)
            self._kept.clear()

    def _changed(self) -> list[tuple[int, str, str | None]]:
        if self._path is None:
            with self._lock:
                return self._open().execute(_SINCE, (self._seen,)).fetchall()
        try:
            if self._reader is None:  # a connection of its own: whoever writes does not keep the event loop waiting
                self._reader = self._connect()
            return self._reader.execute(_SINCE, (self._seen,)).fetchall()
        except sqlite3.Error:
            reader, self._reader = self._reader, None
            if reader is not None:
                reader.close()
            raise

    # -- outcomes

    @contextmanager
    def telling(self, decision: str) -> Iterator[Told]:
        """Within, nobody else tells outcomes: what was told of a decision. What ``note(outcome, told)`` gets is kept at the end."""
        with self._transaction() as file:
            rows = file.execute("SELECT outcome, told FROM outcomes WHERE decision = ?", (decision,)).fetchall()

            def note(outcome: str, told: Mapping[str, Any]) -> None:
                now = clock.now()
                file.execute("INSERT INTO outcomes VALUES (?, ?, ?, ?)", (decision, outcome, now, msgspec.json.encode(told).decode()))
                file.execute("DELETE FROM outcomes WHERE at < ?", (now - REMEMBERED,))

            yield Told({outcome: msgspec.json.decode(told) for outcome, told in rows}, note)

    # -- the file

    def close(self) -> None:
        """Closes the file; a later call opens it."""
        with self._lock:
            for file in (self._file, self._reader) if self._path is not None else ():
                if file is not None:
                    file.close()
            if self._path is not None:
                self._file = self._reader = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                file = self._open()
                file.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise _failed(error) from error
            try:
                yield file
                file.execute("COMMIT")
            except sqlite3.Error as error:
                raise _failed(error) from error
            finally:
                if file.in_transaction:
                    file.rollback()

    def _open(self) -> sqlite3.Connection:
        if self._file is None:
            self._file = self._connect()
        return self._file

    def _connect(self) -> sqlite3.Connection:
        file = sqlite3.connect(self._path or ":memory:", timeout=2.0, isolation_level=None, check_same_thread=False)
        file.execute("PRAGMA journal_mode = WAL")
        for table in _TABLES:
            file.execute(table)
        return file


def _failed(error: sqlite3.Error) -> LookUpFailed:
    return LookUpFailed(f"what the service keeps of its campaigns and outcomes cannot be read or written ({type(error).__name__})")
