"""One chain of the log, as one process writes it: lines in segments, each hashed over the one before it.

A group of lines is appended by one write. What could not be written whole is taken back, so that a group is there or not; a line
that a dying process left without its end is cut off when the chain is opened again, and the cut is noted in the chain.
"""

import errno
import fcntl
import hashlib
import os
from binascii import hexlify
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from dialguard.audit import standalone
from dialguard.audit.errors import AuditUnavailable
from dialguard.audit.text import encode, moment
from dialguard.facts import clock
from dialguard.files import sync_folder

FORMAT = 1
_BLOCK = 1 << 16
RETIRED = 8
"""Closed segments that are kept open for the next checkpoint to bring to disk."""


class Damaged(Exception):
    """The chain is not as this program leaves one, whatever stopped it: it stays as it is, for verification to name."""


class Manner(NamedTuple):
    """How a chain is written: ``sync``, fdatasync before a group counts as recorded; the bytes and microseconds after which a
    segment is closed and the next begun; ``stamp``, what writes it."""

    sync: bool
    size: int
    age: int
    stamp: str


class Sharing(Struct, frozen=True, gc=False):
    """A body that refers, by ``name``, to what others say too: the line of that, ``said``, stands before it in the same segment."""

    body: bytes
    name: bytes
    said: bytes


def _apart(bodies: Sequence[bytes | Sharing], told: set[bytes]) -> list[bytes]:
    """The bodies, and before whoever refers to what does not stand there yet, by ``told``, the line of that."""
    found = []
    for body in bodies:
        if type(body) is Sharing:
            if body.name not in told:
                told.add(body.name)
                found.append(body.said)
            body = body.body
        found.append(body)
    return found


class _State(NamedTuple):
    """Where the chain stands. ``length`` are the bytes of the segment that count: what stands after them is of a failed group."""

    seq: int
    hash: bytes
    segment: Path | None
    length: int
    count: int
    begun: int
    ended: bool


class Chain:
    """A chain open for writing, locked against every other writer. One call at a time.

    Raises OSError and ``Damaged`` when it is opened.
    """

    def __init__(self, path: Path, lock: int, manner: Manner) -> None:
        self.path, self.lost = path, False
        self._lock, self._manner = lock, manner
        self._state = _State(0, standalone.START, None, 0, 0, 0, False)
        self._file, self._dirty = -1, True
        self._retired: list[int] = []
        self._said: set[bytes] = set()
        """Names of what surely stands in this segment for others to refer to."""
        self._open()

    @property
    def seq(self) -> int:
        """The sequence number of the last line."""
        return self._state.seq

    @property
    def hash(self) -> str:
        """The hash of the last line."""
        return self._state.hash.hex()

    def _open(self) -> None:
        paths, torn = standalone.segments(self.path), b""
        while paths:
            lines, rest = _tail(paths[-1])
            torn += rest
            if lines and not self._is_stale(paths, lines):
                self._take_up(paths[-1], lines)
                break
            paths.pop().unlink()  # begun when the process died: nothing but its first line stood there
        if torn:
            self.append(
                [encode({"kind": "torn", "bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest(), "at": moment(clock.now())})]
            )

    @staticmethod
    def _is_stale(paths: list[Path], lines: list[bytes]) -> bool:
        """Whether the last segment is a mere first line that follows a line which was taken back."""
        first = standalone.parse(lines[0])
        if len(paths) < 2 or len(lines) > 1 or first is None:
            return False
        before, _ = _tail(paths[-2])
        last = standalone.parse(before[-1]) if before else None
        return last is not None and standalone.digest(last.hash, first.said) != first.hash

    def _take_up(self, path: Path, lines: list[bytes]) -> None:
        """Goes on after the last line of a segment, where it fits the one before it."""
        last, before = standalone.parse(lines[-1]), standalone.parse(lines[0])
        with path.open("rb") as file:
            first = standalone.parse(file.readline())
        if last is None or before is None or first is None:
            raise Damaged(f"{path.name} does not end in a line of a log")
        said = standalone.said_by(first.body)
        try:
            start = before.hash if len(lines) > 1 else bytes.fromhex(said["before"])
            begun = int(said["begun"])
        except (KeyError, ValueError, TypeError):
            raise Damaged(f"{path.name} does not begin as a segment") from None
        if standalone.digest(start, last.said) != last.hash:
            raise Damaged(f"the last line of {path.name} does not fit the one before it")
        length = path.stat().st_size - len(_tail(path)[1])
        self._state = _State(last.seq, last.hash, path, length, last.seq - first.seq + 1, begun, last.body.startswith(b'{"kind":"end"'))

    def append(self, bodies: Sequence[bytes | Sharing]) -> int:
        """Records bodies as one group and gives the sequence number of its first line: all of them or, on AuditUnavailable, none."""
        state = self._state
        try:
            if state.segment is None or state.ended or state.length >= self._manner.size or clock.now() - state.begun >= self._manner.age:
                self._next_segment()
            first = self._state.seq + 1
            self._write(bodies)
            return first
        except Damaged as error:
            self.lost = True
            raise AuditUnavailable(f"the decision log could not be written: {error}") from error
        except BaseException as error:
            self._take_back(state)
            if isinstance(error, OSError):
                raise AuditUnavailable(f"the decision log could not be written: {error.strerror or error}") from error
            raise

    def _write(self, bodies: Sequence[bytes | Sharing]) -> None:
        if self._dirty:
            self._ready()
        elif not self._is_ours():
            raise Damaged(f"{self._state.segment.name} of {self.path.name} was removed, replaced or written to by another")
        state, sha256, parts, told = self._state, hashlib.sha256, [], self._said
        seq, hash_ = state.seq, state.hash
        for each in _apart(bodies, told):
            seq += 1
            said = b'{"seq":%d,"body":%b' % (seq, each)
            hash_ = sha256(hash_ + said).digest()
            parts += (said, b',"hash":"', hexlify(hash_), b'"}\n')
        raw = b"".join(parts)
        written = os.write(self._file, raw)
        while written < len(raw):
            more = os.write(self._file, raw[written:])
            if not more:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            written += more
        if self._manner.sync:
            os.fdatasync(self._file)
        self._state = state._replace(seq=seq, hash=hash_, length=state.length + len(raw), count=state.count + seq - state.seq)

    def _next_segment(self) -> None:
        """Closes the segment with a line that counts its lines, and begins the next with one that names the hash before it."""
        while len(self._retired) >= RETIRED:  # checkpoints are rare, or nobody makes any
            os.fdatasync(self._retired[0])
            os.close(self._retired.pop(0))
        if self._state.segment is not None and not self._state.ended:
            self._write([encode({"kind": "end", "count": self._state.count, "at": moment(clock.now())})])
        state, now = self._state, clock.now()
        self._retire()
        self._said = set()
        segment = self.path / f"{state.seq + 1:012}.ndjson"
        self._state, self._dirty = _State(state.seq, state.hash, segment, 0, 0, now, False), True
        begin = {
            "kind": "begin", "format": FORMAT, "chain": self.path.name, "before": state.hash.hex(), "begun": now,
            "at": moment(now), "by": self._manner.stamp,
        }  # fmt: skip
        self._write([encode(begin)])
        if self._manner.sync:
            sync_folder(self.path)
            sync_folder(self.path.parent)

    def _is_ours(self) -> bool:
        """Whether the segment's name still leads to the file as this process left it: elsewhere nobody finds what is written."""
        try:
            there = os.stat(self._state.segment, follow_symlinks=False)
        except FileNotFoundError:
            return False
        held = os.fstat(self._file)
        return there.st_ino == held.st_ino and there.st_dev == held.st_dev and there.st_size == self._state.length

    def _ready(self) -> None:
        """The segment open, with nothing after what counts."""
        segment, length = self._state.segment, self._state.length
        if self._file < 0:
            create = 0 if length else os.O_CREAT
            try:
                self._file = os.open(segment, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | create, 0o600)
            except FileNotFoundError:
                raise Damaged(f"{segment.name} of {self.path.name} was removed") from None
        if os.fstat(self._file).st_size < length:
            raise Damaged(f"{segment.name} of {self.path.name} has become shorter")
        os.ftruncate(self._file, length)
        if not self._is_ours():
            raise Damaged(f"{segment.name} of {self.path.name} was removed, replaced or written to by another")
        self._dirty = False

    def _take_back(self, state: _State) -> None:
        """Undoes a failed group, as far as the disk lets us; the rest before the next write or when the chain is opened again."""
        begun, self._state, self._dirty, self._said = self._state.segment, state, True, set()
        try:
            if begun != state.segment:
                self._retire()
                os.unlink(begun)
            if self._file >= 0:
                os.ftruncate(self._file, state.length)
        except OSError:
            self._retire()

    def _retire(self) -> None:
        """The segment's file is kept open until what it holds is on disk."""
        if self._file >= 0:
            self._retired.append(self._file)
            self._file = -1

    def handles(self) -> list[int]:
        """Copies of the files of which something may not be on disk yet, for the caller to sync and close."""
        found = [*self._retired, *([os.dup(self._file)] if self._file >= 0 else [])]
        self._retired = []
        return found

    def close(self) -> None:
        """Gives up files and lock."""
        self._retire()
        for file in (*self._retired, self._lock):
            os.close(file)
        self._retired, self._lock = [], -1


def lock(path: Path) -> int | None:
    """A lock on a chain; None where another process writes it. Raises OSError."""
    file = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except BaseException:
        os.close(file)
        raise
    return file


def _tail(path: Path) -> tuple[list[bytes], bytes]:
    """The last two lines of a file that have their end, and what stands after them."""
    with path.open("rb") as file:
        place = file.seek(0, os.SEEK_END)
        raw = b""
        while place and raw.count(b"\n") < 3:
            step = min(place, max(_BLOCK, len(raw)))
            place -= step
            file.seek(place)
            raw = file.read(step) + raw
    whole, end, torn = raw.rpartition(b"\n")
    if not end:
        return [], raw
    lines = [line + b"\n" for line in whole.split(b"\n")]
    return lines[-2:], torn
