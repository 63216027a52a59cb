"""The one place for what is particular to SQLite: settings of a connection, transactions, guards, error codes."""

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL

from dialguard.ledger.schema import METADATA

READ_TIMEOUT_MS = 250
"""Readers do not wait for writers under write-ahead logging; this is for the short moments in which they must."""

CONNECT = {"check_same_thread": False, "timeout": READ_TIMEOUT_MS / 1000}
"""Each thread uses its own connection, but whoever closes the ledger closes them all."""
CACHE_KB = 32_768
"""Of the database that a connection keeps: the look-ups of a busy seller fall all over its tables."""


def file_of(url: URL) -> Path | None:
    """The file behind a SQLite URL, or None where that is no plain path."""
    if url.database in (None, "", ":memory:") or str(url.database).startswith("file:"):
        return None
    return Path(url.database)


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another that takes its name later; None where there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def prepare(engine: Engine) -> None:
    """Makes every connection check references and sync to disk on commit, and every write lock at its start."""

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A transaction that reads first and writes later would fail at once where another writer came between.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def set_timeout(connection: sqlite3.Connection, milliseconds: int) -> None:
    """How long to wait for another process's lock."""
    connection.execute(f"PRAGMA busy_timeout = {milliseconds}")


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether there is such a table. SQLAlchemy's own inspection would begin a write to find out."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(query, (name,)).fetchone() is not None


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Lets readers go on while one writes. The file remembers it; a file system without it keeps the slower way."""
    connection.execute("PRAGMA journal_mode = WAL")


def forbid_changes(connection: Connection) -> None:
    """Makes the database itself refuse to update or delete what was recorded."""
    for table in METADATA.sorted_tables:
        for change in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER IF NOT EXISTS {table.name}_no_{change.lower()} BEFORE {change} ON {table.name} "
                "BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END"
            )


def allow_changes(connection: Connection) -> None:
    """Lets the rest of this transaction change what was recorded, and what it overwrites be overwritten on the disk as well."""
    connection.exec_driver_sql("PRAGMA secure_delete = ON")
    for table in METADATA.sorted_tables:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table.name}_no_update")


def forget(connection: sqlite3.Connection) -> None:
    """Empties the write-ahead log, in which what was overwritten still stands, as soon as no reader needs it."""
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.OperationalError:
        pass  # somebody reads; the log is emptied when the last connection is closed


def explain(error: BaseException, target: str, timeout: float) -> str:
    """What a driver's error means and what to do, in one line without any value of the statement."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{target} is locked by another process and stayed so for {timeout:g} s; try again when its work is done"
    if code == sqlite3.SQLITE_FULL:
        return f"the disk of {target} is full; free some space and try again"
    if code == sqlite3.SQLITE_READONLY:
        return f"{target} or its folder is read-only; give this user write permission or choose another store"
    if code == sqlite3.SQLITE_CANTOPEN:
        return f"{target} cannot be opened; check that its folder exists and this user may use it"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"{target} is damaged or no SQLite database; restore it from a backup"
    if code == sqlite3.SQLITE_IOERR:
        return f"{target} cannot be read or written (input/output error); check the disk and its free space"
    return f"{target}: {error}"
