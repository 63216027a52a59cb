"""The journal of events: lines of JSON in files of a folder, written before anything else is done with an event.

A line is written in one step under a lock, so that several processes may write. It is in the file when ``write`` returns and survives
a killed process; it is on the disk within half a second, when the events process calls fsync, or with ``sync`` when ``write``
returns. Each line begins with a checksum. A file of more than ``SEGMENT`` bytes is followed by the next, and removed when
all of it was dealt with.
"""

import fcntl
import os
import re
import threading
import zlib
from pathlib import Path
from typing import NamedTuple

SEGMENT = 16_000_000
_NAME = re.compile(r"journal-(\d{8})\.log")


class JournalError(Exception):
    """An event could not be written, and was not told; the text says why."""


class Place(NamedTuple):
    """A place in the journal: the number of the file, and a byte of it."""

    file: int
    byte: int


class Line(NamedTuple):
    """One line, with the place behind it. ``text`` is None where it is damaged."""

    text: bytes | None
    end: Place


def files(folder: Path) -> list[int]:
    """The numbers of the journal's files, the oldest first."""
    return sorted(int(found[1]) for name in os.listdir(folder) if (found := _NAME.fullmatch(name)))


def path_of(folder: Path, number: int) -> Path:
    """The file of a number."""
    return folder / f"journal-{number:08}.log"


class Writer:
    """Appends lines. Safe to share between threads; each process has its own."""

    def __init__(self, folder: Path, *, sync: bool = False, segment: int = SEGMENT) -> None:
        self._folder, self._sync, self._segment = folder, sync, segment
        self._lock = threading.Lock()
        self._file = self._number = -1
        self._end = 0

    def write(self, text: bytes) -> None:
        """Appends one line without its end. Raises JournalError; then nothing of it is there."""
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        with self._lock:
            try:
                self._append(line)
            except OSError as error:
                raise JournalError(f"the event could not be written to the journal in {self._folder}: {error.strerror}") from None

    def _append(self, line: bytes) -> None:
        if self._file < 0:
            self._open(1)
        while True:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                status = os.fstat(self._file)
                if status.st_size < self._segment and status.st_nlink:
                    return self._put(line, status.st_size)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            self._open(self._number + (status.st_size >= self._segment))

    def _put(self, line: bytes, size: int) -> None:
        if size and size != self._end and os.pread(self._file, 1, size - 1) != b"\n":
            line = b"\n" + line  # somebody was killed in the midst of a line: it is damaged, this one is not
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(28, "no space is left on the disk")
            if self._sync:
                os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, size)
            raise
        self._end = size + len(line)

    def _open(self, least: int) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        number = max([least, *files(self._folder)[-1:]])
        self._file = os.open(path_of(self._folder, number), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._number, self._end = number, 0

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1


class Reader:
    """Reads lines from a place on. For one process."""

    def __init__(self, folder: Path, place: Place) -> None:
        self._folder, self._place = folder, place
        self._file = -1

    def read(self, most: int) -> list[Line]:
        """The next lines, at most so many; empty where all were read."""
        found = self._lines(most)
        while not found and self._next():
            found = self._lines(most)
        return found

    def go_to(self, place: Place) -> None:
        """Reads on from a place."""
        if place.file != self._place.file:
            self.close()
        self._place = place

    def sync(self) -> None:
        """Puts on the disk what was written to the file that is being read."""
        if self._file >= 0:
            os.fdatasync(self._file)

    def remove_before(self, number: int) -> None:
        """Removes the files before a number: all of them was dealt with."""
        for each in files(self._folder):
            if each < number:
                path_of(self._folder, each).unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the file."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _lines(self, most: int) -> list[Line]:
        if self._file < 0 and not self._open():
            return []
        raw = os.pread(self._file, 1 << 16, self._place.byte)
        while raw and b"\n" not in raw:  # a line longer than was read, or one that is being written
            more = os.pread(self._file, 1 << 20, self._place.byte + len(raw))
            if not more:
                return []
            raw += more
        found, byte = [], self._place.byte
        for line in raw[: raw.rfind(b"\n") + 1].split(b"\n")[:-1][:most]:
            byte += len(line) + 1
            found.append(Line(_text(line), Place(self._place.file, byte)))
        self._place = Place(self._place.file, byte)
        return found

    def _open(self) -> bool:
        numbers = [number for number in files(self._folder) if number >= self._place.file]
        if not numbers:
            return False
        if numbers[0] != self._place.file:
            self._place = Place(numbers[0], 0)
        self._file = os.open(path_of(self._folder, self._place.file), os.O_RDWR | os.O_CLOEXEC)
        return True

    def _next(self) -> bool:
        """Whether there is more to read: goes on to the next file, once nobody can write to this one any more."""
        if self._file < 0 or not any(number > self._place.file for number in files(self._folder)):
            return False
        fcntl.flock(self._file, fcntl.LOCK_EX)  # whoever held it has written; whoever takes it now finds the file full
        rest = os.pread(self._file, 1 << 20, self._place.byte)
        fcntl.flock(self._file, fcntl.LOCK_UN)
        if b"\n" not in rest:  # what is left is the line of somebody who was killed in the midst of it
            self.close()
            self._place = Place(self._place.file + 1, 0)
        return True


def _text(line: bytes) -> bytes | None:
    try:
        sum_, text = int(line[:8], 16), line[9:]
    except ValueError:
        return None
    return text if sum_ == zlib.crc32(text) and line[8:9] == b" " else None
