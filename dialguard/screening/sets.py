"""Sets of ten-digit numbers, asked about a million at a time."""

from __future__ import annotations

import numpy as np

from dialguard.lists.bits import BLOCK, FIRST_LINE, FIRST_NPA, LAST_NPA

_LINES = 10_000_000
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: neighbours fall far apart


class Seen:
    """The numbers that came before: one bit a line, a megabyte for each area code that occurs, however long the list."""

    def __init__(self) -> None:
        # Memory that is never touched costs nothing: only the megabytes of area codes that occur are there.
        self._bits = np.zeros((LAST_NPA + 1 - FIRST_NPA) * BLOCK, np.uint8)

    def again(self, national: np.ndarray) -> np.ndarray:
        """Which of these numbers came before, here or in an earlier call; all of them are seen from now on.

        ``national``: int64, ten digits, area code and exchange beginning with 2 to 9.
        """
        if len(national) == 0:
            return np.zeros(0, bool)
        ordered = np.sort(national)  # so that the bits are gone through from front to back, which is quicker
        npa = ordered // _LINES
        bit = ordered - npa * _LINES - FIRST_LINE
        place, mask = (npa - FIRST_NPA) * BLOCK + (bit >> 3), (128 >> (bit & 7)).astype(np.uint8)
        held = self._bits[place]
        before = (held & mask) != 0
        firsts = np.flatnonzero(np.diff(place, prepend=-1))  # several lines share a byte
        self._bits[place[firsts]] = held[firsts] | np.bitwise_or.reduceat(mask, firsts)
        again = _later(national, ordered)
        if before.any():
            again |= Known(ordered[before]).holds(national)
        return again


def _later(national: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which numbers stand further up in the same array; ``ordered`` are the same numbers in order."""
    later = np.zeros(len(national), bool)
    repeated = Known(ordered[1:][ordered[1:] == ordered[:-1]])
    if len(repeated):
        places = np.flatnonzero(repeated.holds(national))
        _, first = np.unique(national[places], return_index=True)
        later[np.delete(places, first)] = True
    return later


class Known:
    """A fixed set of numbers: a sieve that most questions do not pass, and the sorted numbers for those that do."""

    def __init__(self, numbers: np.ndarray) -> None:
        """``numbers``: int64, ten digits each."""
        self._sorted = np.sort(numbers)
        # Some thirty places a number: the sieve holds nearly all others back.
        self._bits = max(8, len(numbers).bit_length() + 5)
        self._sieve = np.zeros(1 << self._bits, bool)
        self._sieve[_hashed(self._sorted, self._bits)] = True

    def __len__(self) -> int:
        return len(self._sorted)

    def holds(self, national: np.ndarray) -> np.ndarray:
        """Which of these numbers are in the set."""
        found = np.zeros(len(national), bool)
        if len(self._sorted):
            maybe = np.flatnonzero(self._sieve[_hashed(national, self._bits)])
            place = np.searchsorted(self._sorted, national[maybe])
            place[place == len(self._sorted)] = 0
            found[maybe] = self._sorted[place] == national[maybe]
        return found


def _hashed(national: np.ndarray, bits: int) -> np.ndarray:
    return ((national.astype(np.uint64) * _SPREAD) >> np.uint64(64 - bits)).astype(np.int64)
