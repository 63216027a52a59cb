"""What the loaded versions of one list say of many numbers."""

from __future__ import annotations

import numpy as np

from dialguard.lists.kinds import TO_WIRELESS
from dialguard.model.moment import DAY, EPOCH_ORDINAL, Instant
from dialguard.screening.classes import Combined, Distinct
from dialguard.storage.ports import LookUpFailed, Store

_BITS = 32
"""Versions whose answers stand side by side in one number."""


class Listed:
    """One list's versions; what they say of a number together is one small number a row."""

    def __init__(self, store: Store, code: str, as_of: Instant | None, at: Instant) -> None:
        self._store, self.code = store, code
        # Somewhere it is still the day before; of ports the first version that lists a number counts too.
        since = None if code == TO_WIRELESS else at // DAY + EPOCH_ORDINAL - 1
        try:
            self.versions = store.list_versions(code, as_of, since)
        except LookUpFailed:  # the same for every number: the engine finds it out itself, and denies
            self.versions = ()
        covers: Distinct[tuple[int, ...]] = Distinct()
        self._group = np.zeros(1000, np.int64)
        for npa in range(200, 1000):
            speaking = tuple(
                place for place, version in enumerate(self.versions) if version.area_codes is None or npa in version.area_codes
            )
            self._group[npa] = covers.number(speaking)
        self._bits = max((len(speaking) for speaking in covers.values), default=0)
        self._blocks = [Combined() for _ in range(0, self._bits, _BITS)]
        self._asked = [
            (version, np.array([place in covers.values[group] for group in self._group]), self._place_of(place, covers.values))
            for place, version in enumerate(self.versions)
        ]

    def _place_of(self, version: int, covers: list[tuple[int, ...]]) -> np.ndarray:
        """By area code: which bit an answer of the version is."""
        return np.array([covers[group].index(version) if version in covers[group] else 0 for group in self._group])

    def encode(self, npa: np.ndarray, line: np.ndarray) -> np.ndarray:
        """A number a row, equal where every version says the same. ``npa`` and ``line`` are int64 arrays."""
        try:
            return self._encode(npa, line)
        except LookUpFailed:
            self._asked = []
            return np.zeros(len(npa), np.int64)

    def _encode(self, npa: np.ndarray, line: np.ndarray) -> np.ndarray:
        found = self._group[npa]
        said = [np.zeros(len(npa), np.int64) for _ in self._blocks]
        for version, covered, bit in self._asked:
            if len(self._asked) == 1 and covered[200:].all():
                return found << 1 | (self._store.list_contains_many(version, npa, line) == 1)
            rows = np.flatnonzero(covered[npa])
            if len(rows):
                listed = (self._store.list_contains_many(version, npa[rows], line[rows]) == 1).astype(np.int64)
                block, place = np.divmod(bit[npa[rows]], _BITS)
                for number in np.unique(block).tolist():
                    mine = block == number
                    said[number][rows[mine]] |= listed[mine] << place[mine]
        if len(said) == 1:
            return found << self._bits | said[0]
        for combined, part in zip(self._blocks, said, strict=True):  # more bits than a number has
            found = combined.encode([found, part])
        return found
