"""What the loaded versions of one list say of many numbers."""

from __future__ import annotations

import numpy as np

from dialguard.model.moment import Instant
from dialguard.screening.classes import Distinct
from dialguard.storage.ports import LookUpFailed, Store


class Listed:
    """One list's versions; what they say of a number together is one small number a row."""

    def __init__(self, store: Store, code: str, as_of: Instant | None) -> None:
        self._store, self.code = store, code
        try:
            self.versions = store.list_versions(code, as_of)
        except LookUpFailed:  # the same for every number: the engine finds it out itself, and denies
            self.versions = ()
        covers: Distinct[tuple[int, ...]] = Distinct()
        self._group = np.zeros(1000, np.int64)
        for npa in range(200, 1000):
            speaking = tuple(place for place, version in enumerate(self.versions) if version.area_codes is None or npa in version.area_codes)
            self._group[npa] = covers.number(speaking)
        self._bits = max((len(speaking) for speaking in covers.values), default=0)
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
        found = self._group[npa] << self._bits
        for version, covered, bit in self._asked:
            if len(self._asked) == 1 and covered[200:].all():
                return found | (self._store.list_contains_many(version, npa, line) == 1)
            rows = np.flatnonzero(covered[npa])
            if len(rows):
                listed = self._store.list_contains_many(version, npa[rows], line[rows]) == 1
                found[rows] |= listed.astype(np.int64) << bit[npa[rows]]
        return found
