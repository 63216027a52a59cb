"""Check and reserve without a server: a small SQLite file beside the ledger, or one in memory, whose write lock is the one step."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from dialguard.facts import clock
from dialguard.ledger.rows import moment, text
from dialguard.ledger.rows import number as checked_number
from dialguard.model.history import Entry
from dialguard.model.moment import DAY, Instant
from dialguard.model.records import LookUp, LookUpFailed
from dialguard.storage.reserving import FIELDS, LAPSE, REMEMBERED, Limit, Reservation, checked, reached

FILE = "reservations.sqlite"
_REACH = 399 * DAY
_TABLE = (
    "CREATE TABLE IF NOT EXISTS places (seller TEXT, number TEXT, attempt TEXT, at INTEGER, lapses INTEGER, "
    "released INTEGER, said TEXT, PRIMARY KEY (seller, number, attempt)) WITHOUT ROWID"
)


class Places:
    """Where reservations are kept; ``path`` None is in memory. Threads may share it, and processes a path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._memory = None if path is not None else self._connect(":memory:")

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """A transaction during which nobody else reserves. Raises LookUpFailed."""
        with self._lock:
            file = None
            try:
                # A connection a call: none is carried over a fork, and none is left to close.
                file = self._memory or self._connect(self._path)
                file.execute("BEGIN IMMEDIATE")
                yield file
                file.execute("COMMIT")
            except sqlite3.Error as error:
                raise LookUpFailed(f"reservations cannot be read or written: {self._path}: {error}") from error
            finally:
                if file is not None:
                    if file.in_transaction:
                        file.rollback()
                    if file is not self._memory:
                        file.close()

    @staticmethod
    def _connect(path: Any) -> sqlite3.Connection:
        file = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False)
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        file.execute(_TABLE)
        return file


class _Asked(Protocol):
    def move_on(self) -> None: ...

    def look_up(self, *, seller: str, number: str, at: Instant) -> LookUp: ...

    def _latest_attempt(self, seller: str, reference: str) -> int | None: ...


def reserve(
    store: _Asked, places: Places, *, seller: str, number: str, attempt: str, at: Instant, limits: Iterable[Limit],
    lapse: int = LAPSE, **said: str | None,
) -> Reservation:  # fmt: skip
    """As ``RedisStore.reserve``; a place lapses by this machine's clock. Raises LookUpFailed, ValueError."""
    checked_number(number)
    text(attempt, "attempt")
    text(seller, "seller")
    moment(at, "at")
    if lapse <= 0:
        raise ValueError("lapse: expected microseconds above 0")
    if "from_" in said:
        said["from"] = said.pop("from_")
    caps = checked(limits, said)
    if any(cap.after < at - _REACH for cap in caps):
        raise LookUpFailed("a limit reaches back further than attempts are given (400 days)")
    with places.alone() as file:
        store.move_on()  # a group's state may be older than the lock
        now = clock.now()
        file.execute("DELETE FROM places WHERE lapses + ? <= ?", (REMEMBERED, now))
        rows = file.execute(
            "SELECT attempt, at, lapses, released, said FROM places WHERE seller = ? AND number = ?", (seller, number)
        ).fetchall()
        waiting = []
        for name, when, lapses, released, told in rows:
            # Asked before the attempts are read: what is recorded in between counts twice rather than not at all.
            recorded = not released and store._latest_attempt(seller, name) is not None
            if name == attempt and (recorded or (not released and lapses > now)):
                return Reservation(True, lapses, again=True)
            if not released and not recorded and lapses > now:
                waiting.append(_entry(when, number, json.loads(told)))
        found = store.look_up(seller=seller, number=number, at=at + DAY).attempts
        full = reached(caps, [*found, *waiting], _entry(at, number, said))
        if full is not None:
            return Reservation(False, limit=full[0], counted=full[1])
        file.execute(
            "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, 0, ?)", (seller, number, attempt, at, now + lapse, json.dumps(said))
        )
        return Reservation(True, now + lapse)


def release(store: _Asked, places: Places, *, seller: str, number: str, attempt: str) -> bool:
    """As ``RedisStore.release``."""
    checked_number(number)
    text(seller, "seller")
    key = (seller, number, text(attempt, "attempt"))
    with places.alone() as file:
        if store._latest_attempt(seller, attempt) is not None:
            return False
        return (
            file.execute("UPDATE places SET released = 1 WHERE seller = ? AND number = ? AND attempt = ? AND released = 0", key).rowcount
            == 1
        )


def _entry(at: Instant, number: str, said: dict[str, str | None]) -> Entry:
    channel, purpose, subject, voice, debt, from_, outcome = (said.get(name) for name in FIELDS)
    return Entry(at, number, channel, purpose, subject, voice, outcome, debt, from_)
