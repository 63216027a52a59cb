"""How often each key asks, counted over all worker processes of a machine: one number a key, in a file that they map."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

_WORD = 8


class Rates:
    """A bucket of tokens a key, kept as the moment at which it will be full again (the generic cell rate algorithm).

    Processes read and write the moment without a lock: two that ask within the same microsecond may count as one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._full: memoryview = memoryview(bytearray(_WORD)).cast("d")

    def room(self, slot: int) -> None:
        """Makes room for keys up to a slot. Raises OSError."""
        if slot < len(self._full):
            return
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            need = (slot // 512 + 1) * 512 * _WORD
            if os.fstat(file).st_size < need:
                os.ftruncate(file, need)
            self._full = memoryview(mmap.mmap(file, need)).cast("d")
        finally:
            os.close(file)

    def take(self, slot: int, rate: float, burst: int, now: float) -> float:
        """Takes a token; 0, or the seconds until there will be one. ``rate``: tokens a second, at most ``burst`` of them; ``now`` on the
        machine's monotonic clock."""
        each = 1.0 / rate
        most = burst * each
        full = self._full[slot]
        if not now < full < now + most + each:  # full long since; or the machine was started anew, and its clock with it
            full = now
        wait = full + each - now - most
        if wait > 1e-9:
            return wait
        self._full[slot] = full + each
        return 0.0
