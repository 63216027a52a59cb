"""Opt-outs that are not in the record yet. Until they are, whoever asks about the number is told that it cannot be known.

A revocation that somebody else will not tell twice (a person's text) must not be lost when the record cannot be written just then. It is
kept in ``waiting.log`` in the store's folder, one JSON object a line, and recorded from there. All processes that use the folder see it;
where not even that file can be written, the process that was told remembers it.
"""

import fcntl
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from dialguard.ledger.errors import LedgerError
from dialguard.model.records import LookUpFailed
from dialguard.storage.lease import Leases

FILE = "waiting.log"
_WAITS = "an opt-out of this number has not been recorded yet; it is being recorded"
_DAMAGED = "what waits to be recorded cannot be read; look at waiting.log in the store's folder"


class Waiting:
    """The opt-outs that wait in one folder. Safe to share between threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._path = os.fspath(folder / FILE)
        self._leases = Leases(folder)
        self._lock = threading.Lock()
        self._under_way: Counter[tuple[str, str]] = Counter()
        self._unwritten: list[Mapping[str, Any]] = []
        self._seen: object = None
        self._kept: frozenset[tuple[str, str]] = frozenset()
        self._damaged = self.any = False
        """Whether anything waits, or may wait."""
        self.numbers: frozenset[tuple[str, str]] = frozenset()
        """Seller and number of those that wait, as of the last ``look``."""

    def look(self) -> None:
        """Takes up what other processes had to keep, or have recorded. One question to the file system."""
        try:
            status = os.stat(self._path)
            seen = (status.st_ino, status.st_size, status.st_mtime_ns) if status.st_size else None
        except FileNotFoundError:
            seen = None
        except OSError:
            seen = False  # then nothing is known of it
        if seen != self._seen:
            with self._lock:
                self._take_up(seen)

    def check(self) -> None:
        """Raises LookUpFailed where it cannot be read whose opt-outs wait."""
        if self._damaged:
            raise LookUpFailed(_DAMAGED)

    def hold(self, seller: str, number: str) -> None:
        """Raises LookUpFailed where an opt-out of this number waits, or may wait."""
        self.check()
        if (seller, number) in self.numbers:
            raise LookUpFailed(_WAITS)

    @contextmanager
    def holding(self, seller: str, number: str) -> Iterator[None]:
        """Within, the number is held: an opt-out of it is on its way."""
        with self._lock:
            self._under_way[seller, number] += 1
            self._sum_up()
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= Counter({(seller, number): 1})
                self._sum_up()

    def record(self, fields: Mapping[str, Any], record: Callable[..., str]) -> str:
        """The id that ``record(**fields)`` gives. The number is held meanwhile, and goes on being held where that raises LedgerError: then
        the opt-out is kept, to be recorded by ``replay``."""
        with self.holding(fields["seller"], fields["number"]):
            try:
                return record(**fields)
            except LedgerError:
                self._keep(fields)
                self._leases.outwait()  # who is told that it waits may rely on its being held everywhere
                raise

    def replay(self, record: Callable[..., str]) -> int:
        """Records what waits; how many numbers are left. One that is recorded twice, since a process was killed between, does no harm.

        Raises LedgerError where the record cannot be written yet."""
        self._write()
        for fields in list(self._unwritten):  # on a disk that takes no file; the record may be a server elsewhere
            record(**fields)
            with self._lock:
                self._unwritten.remove(fields)
                self._sum_up()
        self.look()
        if not self._kept and not self._damaged:  # what is on its way is another's
            return 0
        try:
            with open(self._path + ".lock", "a+b") as alone, open(self._path, "r+b") as file:
                try:
                    fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:  # another is at it
                    return len(self.numbers)
                self._replay(file, record)
        except OSError as error:
            raise LedgerError(f"{FILE} cannot be read or written: {error.strerror}") from None
        self.look()
        return len(self.numbers)

    def _replay(self, file: BinaryIO, record: Callable[..., str]) -> None:
        done = 0
        while True:  # not under the lock, since whoever has another opt-out to keep must not wait for the record
            with _locked(file):
                text = file.read()
            waiting = _read(text[done:])
            if waiting is None:
                raise LedgerError(_DAMAGED)
            for fields in waiting:
                record(**fields)
            with _locked(file):
                if file.read() == text:
                    file.truncate(0)
                    os.fsync(file.fileno())
                    return
            done = text.rfind(b"\n") + 1

    def _keep(self, fields: Mapping[str, Any]) -> None:
        with self._lock:
            self._unwritten.append(dict(fields))
            self._sum_up()
        self._write()

    def _write(self) -> None:
        """Puts into the file what is only remembered; what cannot be put there goes on being remembered."""
        left = list(self._unwritten)
        if not left:
            return
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with open(descriptor, "r+b", buffering=0) as file, _locked(file):
                before = file.read()
                file.truncate(before.rfind(b"\n") + 1)  # without the line of somebody who was killed in the midst of it
                lines = b"".join(msgspec.json.encode(fields) + b"\n" for fields in left)
                try:
                    if file.write(lines) != len(lines):
                        raise OSError
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(before.rfind(b"\n") + 1)
                    return
        except OSError:
            return
        with self._lock:
            for fields in left:
                if fields in self._unwritten:
                    self._unwritten.remove(fields)
        self._seen = False  # so that it is looked at
        self.look()

    def _take_up(self, seen: object) -> None:
        waiting: list[Mapping[str, Any]] | None = []
        if seen is False:
            waiting = None
        elif seen is not None:
            try:
                waiting = _read(Path(self._path).read_bytes())
            except FileNotFoundError:
                waiting, seen = [], None
            except OSError:
                waiting, seen = None, False
        self._damaged = waiting is None
        self._kept = frozenset((fields["seller"], fields["number"]) for fields in waiting or ())
        self._seen = seen
        self._sum_up()

    def _sum_up(self) -> None:
        self.numbers = self._kept.union(self._under_way, ((fields["seller"], fields["number"]) for fields in self._unwritten))
        self.any = self._damaged or bool(self.numbers)


@contextmanager
def _locked(file: BinaryIO) -> Iterator[None]:
    """Within, nobody else reads or writes the file, which is at its start."""
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        file.seek(0)
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _read(text: bytes) -> list[Mapping[str, Any]] | None:
    """What waits; None where it cannot be read. A line without its end is that of somebody who was killed while writing it."""
    try:
        found = [msgspec.json.decode(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
        return found if all(isinstance(each["seller"], str) and isinstance(each["number"], str) for each in found) else None
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, KeyError):
        return None
