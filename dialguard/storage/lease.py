"""Whether clients of Redis that lack this folder may be answering, as the folder knows it: ``redis.lease``.

A keeper (``redis_keeper``) vouches in Redis for what is there: a *lease*, from a moment of Redis's clock on for ``length``. Having taken
that moment, and before it looks what is still to be sent, it writes a new *turn* here. Whoever has recorded something reads the turn
afterwards. None: no lease lacks the entry. One: those that lack it began before, and are over once their length has passed; whoever has
waited so long takes the turn away where no keeper has written another, so that nobody waits for a keeper that is gone.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from dialguard.ledger.errors import LedgerError

FILE = "redis.lease"
LEASE, SHORTEST, LONGEST = 1.5, 0.5, 10.0
"""Seconds of a lease where nothing is said, at least and at most. After a failover so long may pass until the next server answers."""
_SLACK, _SHARE = 0.05, 1.1
"""A lease is over once so much more than its length has passed here: two clocks differ in speed, by far less than a tenth."""
_LOOK = 0.02
_ROOM = 1024


class Turn(NamedTuple):
    """What a keeper wrote: its turn, seconds of the leases, and the newest id of each kind of entry, up to which all was sent."""

    name: str
    length: float
    sent: Mapping[str, int]


_UNREADABLE = Turn("?", LONGEST, {})


class Leases:
    """The file of one store folder. Threads and processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._path = os.fspath(folder / FILE)
        self._seen = ("", 0.0)
        """The newest turn that was seen here, and when first."""

    def turn(self) -> Turn | None:
        """The turn; None where no client without the folder may lack what was recorded until now."""
        try:
            with open(self._path, "rb", buffering=0) as file:  # one read of one page: no lock, behind which one might wait for long
                found = _read(file.fileno())
            if found is not None and found.name not in (self._seen[0], _UNREADABLE.name):
                self._seen = (found.name, time.monotonic())
            return found
        except FileNotFoundError:
            return None
        except OSError:
            return _UNREADABLE

    def write(self, turn: Turn) -> None:
        """A keeper's turn. Raises LedgerError."""
        text = msgspec.json.encode(turn).ljust(_ROOM)
        try:
            with self._open(fcntl.LOCK_EX, os.O_RDWR | os.O_CREAT) as file:
                if os.pwrite(file, text, 0) != len(text):
                    raise OSError("cut short")
                os.ftruncate(file, len(text))
            self._seen = (turn.name, time.monotonic())
        except OSError as error:
            raise LedgerError(f"{FILE} in the store's folder cannot be written ({error.strerror or error})") from None

    def over(self, turn: Turn) -> None:
        """Takes a turn away of which every lease is over, where no other was written meanwhile."""
        try:
            with self._open(fcntl.LOCK_EX | fcntl.LOCK_NB, os.O_RDWR) as file:
                found = _read(file)
                if found is not None and found.name == turn.name:
                    os.ftruncate(file, 0)
        except OSError:
            pass  # then it stays, and others wait too

    def outwait(self, sent: Callable[[Turn], bool] = lambda turn: False) -> None:
        """Returns once no client without the folder can lack what was recorded until now: it was ``sent``, by the newest turn, or the
        leases of those that lack it are over."""
        first = self.turn()
        if first is None:
            return
        # Every lease of a turn began before anybody could see it.
        name, since = self._seen  # what cannot be read is never taken for seen
        ends = (since if name == first.name else time.monotonic()) + patience(first.length)
        turn: Turn | None = first
        while turn is not None and not sent(turn):
            if time.monotonic() >= ends:
                self.over(first)
                return
            time.sleep(_LOOK)
            turn = self.turn()

    @contextmanager
    def _open(self, lock: int, how: int) -> Iterator[int]:
        file = os.open(self._path, how | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, lock)
            yield file
        finally:
            os.close(file)


def patience(length: float) -> float:
    """Seconds after which a lease of this length that began before is over, whatever it began with."""
    return length * _SHARE + _SLACK


def new(length: float, sent: Mapping[str, int]) -> Turn:
    """A turn that nobody wrote before."""
    return Turn(secrets.token_hex(8), length, sent)


def _read(file: int) -> Turn | None:
    text = os.pread(file, _ROOM, 0)
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Turn)
    except msgspec.DecodeError:
        return _UNREADABLE
