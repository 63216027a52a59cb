"""Erased numbers among millions: told by keyed hashes, since nothing else is left of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dialguard.ledger.pseudonyms import Key, key_of, siphash, sieve_of

_AT_ONCE = 1 << 14
"""Rows hashed at once, so that what is made of them stays in the processor's caches."""
_FIRST = 10_000_000_000
"""What +1 adds to ten digits."""


class Hidden:
    """The erased numbers of a seller. Most rows are passed over by their area code, others by a fast keyed hash; what is left is asked
    by the whole name."""

    def __init__(self, seller: str, names: Sequence[str], keys: Sequence[Key]) -> None:
        """``names`` and ``keys`` as in ``storage.ports.Recorded``."""
        self._seller, self._keys, self._names = seller, keys, frozenset(names)
        self._codes = np.zeros(1000, bool)
        self._codes[[int(name[2:5]) for name in names]] = True
        hashes = {key: np.array(sorted(sieve_of(name) for name in names if key_of(name) == key.id), np.uint64) for key in keys}
        self._sieves = [(key, key.sieve(seller), *_sieve(hashed)) for key, hashed in hashes.items() if len(hashed)]

    def holds(self, npa: np.ndarray, national: np.ndarray) -> np.ndarray:
        """Which numbers were erased. ``national``: int64, ten digits, or below 0 for none; ``npa``: their area codes."""
        found = np.zeros(len(national), bool)
        rows = np.flatnonzero(self._codes[npa] & (national >= 0)) if self._names else ()
        for start in range(0, len(rows), _AT_ONCE):
            lot = rows[start : start + _AT_ONCE]
            words = (national[lot] + _FIRST).astype(np.uint64)
            for key, secret, sieve, shift, hashes in self._sieves:
                hashed = siphash(secret, words)
                maybe = np.flatnonzero(sieve[hashed >> shift])
                place = np.minimum(np.searchsorted(hashes, hashed[maybe]), len(hashes) - 1)
                for row in lot[maybe[hashes[place] == hashed[maybe]]].tolist():
                    found[row] |= key.number(self._seller, f"+1{national[row]}") in self._names
        return found

    def persons(self, person: str) -> list[str]:
        """The names that a person may have."""
        return [key.person(self._seller, person) for key in self._keys]


def _sieve(hashes: np.ndarray) -> tuple[np.ndarray, np.uint64, np.ndarray]:
    """A table by the first bits of a hash, which one in some sixty others passes; how far to shift for them; and the hashes,
    in order as they were given."""
    bits = max(12, len(hashes).bit_length() + 5)
    shift = np.uint64(64 - bits)
    sieve = np.zeros(1 << bits, bool)
    sieve[hashes >> shift] = True
    return sieve, shift, hashes
