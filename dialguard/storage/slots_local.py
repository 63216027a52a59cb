"""Slots without a server: a small SQLite file beside the ledger, or one in memory, whose write lock is the one step.

Rows are added at its end, so that a group of slots changes a page or two wherever its numbers lie; by which number each is, every process
keeps in memory, and brings up to date once it has the lock.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from msgspec.json import Encoder

from dialguard.facts import clock
from dialguard.files import alone, whole
from dialguard.ledger.errors import LedgerError
from dialguard.ledger.rows import number as checked_number
from dialguard.ledger.rows import text
from dialguard.model.history import Entry
from dialguard.model.moment import DAY, Instant
from dialguard.model.records import LookUp, LookUpFailed
from dialguard.storage.slots import HELD, LAPSE, RECORDED, RELEASED, SAME, Asked, Seen, Slot, left_out, same, waiting

FILE = "reservations.sqlite"
_TABLES = (
    # A place is given once only, whatever was struck out since: who has read up to one need not look before it again.
    "CREATE TABLE IF NOT EXISTS taken (place INTEGER PRIMARY KEY AUTOINCREMENT, seller TEXT, number TEXT, attempt TEXT, person TEXT, "
    "since INTEGER, lapses INTEGER, released INTEGER, recorded INTEGER, content BLOB, said TEXT)",
    "PRAGMA temp_store = MEMORY",
    "CREATE TEMP TABLE spots (place INTEGER PRIMARY KEY, number INTEGER, person TEXT)",
    "CREATE INDEX spots_of_number ON spots (number)",
    "CREATE INDEX spots_of_person ON spots (person) WHERE person IS NOT NULL",
)
_COLUMNS = "number, attempt, since, lapses, released, recorded, content, said"
_SELECT = f"SELECT {_COLUMNS} FROM taken WHERE seller = ? AND place IN (SELECT place FROM spots WHERE "
_PUT = "INSERT INTO taken VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TAKE_UP = (
    "INSERT INTO spots SELECT place, CAST(number AS INTEGER), person FROM taken WHERE place > coalesce((SELECT max(place) FROM spots), 0)"
)
_OLD = "DELETE FROM taken WHERE place IN (SELECT place FROM taken ORDER BY place LIMIT ?) AND since <= ?"
_GONE = "DELETE FROM spots WHERE place < (SELECT min(place) FROM taken)"
_OF_ATTEMPT = "seller = ? AND attempt = ? AND place IN (SELECT place FROM spots WHERE number = CAST(? AS INTEGER))"
_LOT = 250
"""Numbers asked for in one statement."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
"""What tells one start of a machine from another, on Linux."""
_LOG_PAGES = 100
"""Pages of the file's log, where nothing is synced: so few stay in the system's memory, and none has to be read before it is written."""
encode = Encoder().encode


class _Store(Protocol):
    def look_up(self, *, seller: str, number: str, person: str | None = None, at: Instant) -> LookUp: ...

    def _latest_attempt(self, seller: str, reference: str) -> int | None: ...

    def latest_attempts(self, seller: str, references: Sequence[str]) -> dict[str, int | None]: ...

    def expect(self, seller: str, numbers: Iterable[str]) -> None: ...

    def may_have_called(self, seller: str, number: str) -> bool: ...

    def _numbers_of(self, seller: str, person: str) -> list[str]: ...


class Slots:
    """Where slots are kept; ``path`` None is in memory. Threads may share it, and processes a path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        self._pid = 0
        self._inherited: list[sqlite3.Connection] = []

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """A transaction during which nobody else takes a slot. Raises LookUpFailed."""
        with self._lock:
            try:
                file = self._connected()
                file.execute("BEGIN IMMEDIATE")
                try:
                    file.execute(_TAKE_UP)
                    yield file
                    file.execute("COMMIT")
                finally:
                    if file.in_transaction:
                        file.rollback()
            except sqlite3.Error as error:
                self._drop()
                raise LookUpFailed(f"reservations cannot be read or written: {self._path}: {error}") from error

    def close(self) -> None:
        """Closes the file, where there is one; a later call opens it again."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._file is not None and self._path is not None and self._pid == os.getpid():
            self._file.close()
            self._file = None

    def _connected(self) -> sqlite3.Connection:
        if self._file is None or (self._path is not None and self._pid != os.getpid()):
            if self._file is not None:
                self._inherited.append(self._file)  # the parent's: not ours to use, nor to close
            kept = self._path is not None and _of_this_boot(self._path)
            file = sqlite3.connect(self._path or ":memory:", timeout=2.0, isolation_level=None, check_same_thread=False)
            file.execute("PRAGMA journal_mode = WAL")
            # Who takes a slot need not wait for the disk where the file of an earlier start of the machine is never read.
            if kept:
                file.execute("PRAGMA synchronous = OFF")
                file.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            else:
                file.execute("PRAGMA synchronous = NORMAL")
            for table in _TABLES:
                file.execute(table)
            self._file, self._pid = file, os.getpid()
        return self._file


def _of_this_boot(path: Path) -> bool:
    """Makes sure that nothing is read that was written before the machine was started: a loss of power may have torn it, and what had not
    reached the disk is lost either way. False where the system does not tell its starts apart. Raises LookUpFailed."""
    try:
        boot = _BOOT.read_text()
    except OSError:
        return False
    note = path.with_suffix(".boot")
    try:
        with alone(path.with_suffix(".lock")):
            if (note.read_text() if note.exists() else boot) != boot:
                for name in ("", "-wal", "-shm"):
                    path.with_name(path.name + name).unlink(missing_ok=True)
            if not note.exists() or note.read_text() != boot:
                with whole(note) as file:
                    file.write(boot.encode())
    except OSError as error:
        raise LookUpFailed(f"reservations cannot be read or written: {path}: {error.strerror}") from error
    return True


class Locked:
    """The table of a store while nobody else takes a slot. What is taken is written down by ``flush``, at the end."""

    def __init__(self, store: _Store, file: sqlite3.Connection) -> None:
        self._store, self._file = store, file
        self._rows: dict[tuple[str, str], list[tuple]] = {}
        """Rows of numbers that were to be looked at, as in ``_COLUMNS``."""
        self._known: dict[tuple[str, str], int | None] = {}
        """The latest recorded attempt of ids that were."""
        self._taken: list[tuple] = []
        self._replaced: list[tuple[str, str, str]] = []

    def expect(self, seller: str, numbers: Iterable[str], attempts: Iterable[str]) -> None:
        """See ``slots.Table.expect``."""
        rows = {(seller, checked_number(number)): [] for number in numbers}
        text(seller, "seller")
        names, asked = [number for _, number in rows], [*attempts]
        self._store.expect(seller, names)
        try:
            for start in range(0, len(names), _LOT):
                lot = names[start : start + _LOT]
                for row in self._file.execute(f"{_SELECT} number IN ({', '.join('?' * len(lot))}))", (seller, *map(int, lot))):
                    rows[seller, row[0]].append(row)
        except sqlite3.Error as error:
            raise LookUpFailed(f"reservations cannot be read: {error}") from error
        asked = [*dict.fromkeys([*asked, *(row[1] for held in rows.values() for row in held)])]
        self._known.update({(seller, attempt): id_ for attempt, id_ in self._store.latest_attempts(seller, asked).items()})
        self._rows.update(rows)

    def look(self, asked: Asked) -> Seen:
        """What is known, and what waits. What is recorded meanwhile may count twice, never not at all."""
        now = clock.now()
        try:
            slots = self._slots(asked, now)
        except sqlite3.Error as error:
            raise LookUpFailed(f"reservations cannot be read: {error}") from error
        own = same(next((slot for slot in slots if _is_own(slot, asked)), None), asked.content, now)
        others = [slot for slot in slots if not _is_own(slot, asked)]
        about = {"seller": asked.seller, "number": asked.number, "person": asked.person}
        found, later = self._store.look_up(**about, at=asked.at), ()
        if not asked.fresh and (asked.person is not None or self._store.may_have_called(asked.seller, asked.number)):
            later = tuple(entry for entry in self._store.look_up(**about, at=asked.at + DAY).attempts if entry.at > asked.at)
        if own is not None and own.state == RECORDED:
            found, later = left_out(found, later, own, asked.at)
        return Seen(found, waiting(others, later, now, asked.at) if others or later else (), own)

    def take(self, seen: Seen, asked: Asked, attempt: str, entry: Entry) -> Slot:
        """The slot: while the table is held, nobody else took one."""
        if seen.own is not None:
            return seen.own
        now = clock.now()
        row = as_row(asked, text(attempt, "attempt"), entry, now, now + LAPSE, self._latest(asked.seller, attempt))
        self._taken.append(row)
        rows = self._rows.get((asked.seller, asked.number))
        if rows is None or any(each[1] == attempt for each in rows):
            self._replaced.append((asked.seller, attempt, asked.number))
        if rows is not None:
            rows[:] = [each for each in rows if each[1] != attempt]
            rows.append((*row[1:3], *row[4:]))
        return Slot(attempt, entry, now, now + LAPSE, asked.content)

    def flush(self) -> None:
        """Writes down what was taken. Raises LookUpFailed."""
        try:
            _put(self._file, self._taken, self._replaced)
        except sqlite3.Error as error:  # they are written by the next, or nobody gets one
            raise LookUpFailed(f"the reservation cannot be written: {error}") from error
        self._taken, self._replaced = [], []

    def _latest(self, seller: str, attempt: str) -> int | None:
        return self._known[seller, attempt] if (seller, attempt) in self._known else latest(self._store, seller, attempt)

    def _slots(self, asked: Asked, now: Instant) -> list[Slot]:
        if asked.person is None and (rows := self._rows.get((asked.seller, asked.number))) is not None:
            return [as_slot(asked.seller, row, self._latest(asked.seller, row[1])) for row in rows if row[2] > now - SAME]
        self.flush()
        numbers = {checked_number(asked.number)}
        text(asked.seller, "seller")
        if asked.person is not None:
            numbers.update(self._store._numbers_of(asked.seller, text(asked.person, "person")))
        marks = ", ".join("?" * len(numbers))
        rows = self._file.execute(
            f"{_SELECT} number IN ({marks}) UNION SELECT place FROM spots WHERE person = ?)", (asked.seller, *map(int, numbers), asked.person)
        ).fetchall()
        return [as_slot(asked.seller, row, self._latest(asked.seller, row[1])) for row in rows if row[2] > now - SAME]


def _put(file: sqlite3.Connection, rows: Sequence[tuple], replaced: Sequence[tuple[str, str, str]]) -> None:
    """Writes down slots, in place of those of the same attempts, given as in ``_OF_ATTEMPT``, and forgets old ones."""
    if not rows:
        return
    file.executemany(f"DELETE FROM taken WHERE {_OF_ATTEMPT}", replaced)
    file.executemany(_PUT, rows)
    file.execute(_OLD, (2 * len(rows) + 8, clock.now() - SAME))
    file.execute(_GONE)
    file.execute(_TAKE_UP)


def as_slot(seller: str, row: tuple, known: int | None) -> Slot:
    """A slot as it is now; ``known``: the latest recorded attempt of its id."""
    number, attempt, since, lapses, released, recorded, content, said = row
    state = RELEASED if released else RECORDED if known != recorded else HELD
    at, channel, purpose, subject, voice, debt, from_ = json.loads(said)
    return Slot(attempt, Entry(at, number, channel, purpose, subject, voice, None, debt, from_), since, lapses, content, state)


def latest(store: _Store, seller: str, attempt: str) -> int | None:
    """The latest recorded attempt that bears the id. Raises LookUpFailed."""
    try:
        return store._latest_attempt(seller, attempt)
    except LedgerError as error:
        raise LookUpFailed(str(error)) from error


def as_row(asked: Asked, attempt: str, entry: Entry, since: Instant, lapses: Instant, recorded: int | None) -> tuple:
    """A slot to be written down. ``recorded`` is the latest attempt of that id so far: another one will be this."""
    said = encode((entry.at, entry.channel, entry.purpose, entry.subject, entry.voice, entry.debt, entry.from_)).decode()
    return asked.seller, asked.number, attempt, asked.person, since, lapses, 0, recorded, asked.content, said


class _Folder(_Store, Protocol):
    _slots: Slots


def note(store: _Folder, asked: Asked, slot: Slot) -> None:
    """Writes down a slot that is about to be taken elsewhere, where it may be lost. Raises LookUpFailed."""
    recorded = latest(store, asked.seller, slot.attempt)
    with store._slots.alone() as file:
        row = as_row(asked, slot.attempt, slot.entry, slot.since, slot.lapses, recorded)
        _put(file, [row], [(asked.seller, slot.attempt, asked.number)])


def forget(store: _Folder, seller: str, number: str, attempt: str) -> None:
    """Strikes out a slot that was not taken, or was given back. Raises LookUpFailed."""
    with store._slots.alone() as file:
        file.execute(f"DELETE FROM taken WHERE {_OF_ATTEMPT}", (seller, attempt, number))


def kept(store: _Folder) -> list[tuple[str, str | None, Slot]]:
    """Every slot written down: seller, person, and the slot as it is now. Raises LookUpFailed."""
    with store._slots.alone() as file:
        rows = file.execute(f"SELECT seller, person, {_COLUMNS} FROM taken WHERE released = 0 AND since > ?", (clock.now() - SAME,)).fetchall()
    return [(row[0], row[1], as_slot(row[0], row[2:], latest(store, row[0], row[3]))) for row in rows]


def release(store: _Store, slots: Slots, *, seller: str, number: str, attempt: str) -> bool:
    """Gives a slot back; False where none was held, or the attempt has been recorded. Raises LookUpFailed, ValueError."""
    key = (text(seller, "seller"), text(attempt, "attempt"), checked_number(number))
    known = latest(store, seller, attempt)
    with slots.alone() as file:
        changed = file.execute(
            f"UPDATE taken SET released = 1 WHERE {_OF_ATTEMPT} AND released = 0 AND recorded IS ? AND lapses > ?",
            (*key, known, clock.now()),
        )
        return changed.rowcount == 1


def _is_own(slot: Slot, asked: Asked) -> bool:
    return asked.attempt is not None and slot.attempt == asked.attempt and slot.entry.to == asked.number
