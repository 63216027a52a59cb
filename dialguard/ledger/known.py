"""Of whom a record in SQLite holds anything, kept in memory: nine bytes a number, and what was added of late in a dictionary.

It follows the record by the ids of its rows, which are only ever added: a number's kinds grow and are never taken away, so that
it may name a kind of which nothing stands any more, but never lacks one. What it does not name need not be looked for.
"""

import threading
from array import array
from bisect import bisect_left
from typing import Any

from dialguard.ledger.pseudonyms import is_hidden
from dialguard.ledger.schema import ENTRIES

_SETTLED = 50_000
"""Numbers in the dictionary from which on they are sorted in, once they are a quarter of all."""
_TABLES = tuple(table.name for table in ENTRIES.values())
EVERY = (1 << len(_TABLES)) - 1
"""A bit for every kind."""
_LAST = "SELECT " + ", ".join(
    f"(SELECT id || ' ' || known_at || ' ' || number FROM {name} ORDER BY id DESC LIMIT 1)" for name in _TABLES
)  # fmt: skip
_SINCE = "SELECT id || ' ' || known_at || ' ' || number, seller, number FROM {} WHERE id >= ? ORDER BY id"


class _Numbers:
    """The numbers of one seller, and of which kinds something was recorded, a bit for each kind in the order of ``ENTRIES``."""

    __slots__ = ("hiding", "now")

    def __init__(self) -> None:
        self.now: tuple[array[int], bytes, dict[int, int]] = (array("q"), b"", {})
        self.hiding = False
        """Whether some stand under names since they were erased: then anybody may be one of them."""

    def kinds(self, number: int) -> int:
        if self.hiding:
            return EVERY
        base, kinds, late = self.now
        found = late.get(number, 0)
        place = bisect_left(base, number)
        return found | kinds[place] if place < len(base) and base[place] == number else found

    def add(self, number: str, bit: int) -> None:
        if is_hidden(number):
            self.hiding = True
            return
        late, key = self.now[2], int(number)
        late[key] = late.get(key, 0) | bit

    def settle(self) -> None:
        """Sorts in what is in the dictionary, where that is much."""
        base, kinds, late = self.now
        if len(late) < max(_SETTLED, len(base) // 4):
            return
        import numpy as np

        every = np.concatenate([np.frombuffer(base, np.int64), np.fromiter(late, np.int64, len(late))])
        bits = np.concatenate([np.frombuffer(kinds, np.uint8), np.fromiter(late.values(), np.uint8, len(late))])
        order = np.argsort(every, kind="stable")
        every = every[order]
        first = np.flatnonzero(np.concatenate([[True], every[1:] != every[:-1]]))
        self.now = (array("q", every[first].tobytes()), np.bitwise_or.reduceat(bits[order], first).tobytes(), {})


Sellers = dict[str, _Numbers]


class Known:
    """What was found so far. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sellers: Sellers = {}
        self._last: tuple[str | None, ...] = (None,) * len(_TABLES)

    def follow(self, cursor: Any) -> Sellers | None:
        """Takes up what was recorded since, and gives what ``kinds`` is to be asked of; ``cursor`` is inside a transaction.

        A record in which the last row seen is another is read anew. None: it ends before that row, so that it is an older state of
        this record, or another: of it nothing is known.
        """
        with self._lock:
            last = cursor.execute(_LAST).fetchone()
            if last != self._last:
                if any(_id(now) < _id(seen) for now, seen in zip(last, self._last, strict=True)):
                    return None
                if not _take(cursor, self._last, self._sellers):
                    # Others may be asking of what they were given, so it is left as it is.
                    self._sellers, self._last = {}, (None,) * len(_TABLES)
                    _take(cursor, self._last, self._sellers)
                self._last = last
            return self._sellers


def kinds(sellers: Sellers, seller: str, number: str) -> int:
    """A bit for each kind of which the number may have an entry, the first of ``ENTRIES`` being 1; 0: it has none."""
    found = sellers.get(seller)
    return 0 if found is None else found.kinds(int(number))


def _take(cursor: Any, seen: tuple[str | None, ...], sellers: Sellers) -> bool:
    """Enters the rows from the last one seen on; False where that is not there as it was."""
    for place, name in enumerate(_TABLES):
        rows = cursor.execute(_SINCE.format(name), (_id(seen[place]),))
        if seen[place] is not None and next(rows, (None,))[0] != seen[place]:
            return False
        for _, seller, number in rows:
            numbers = sellers.get(seller)
            if numbers is None:
                numbers = sellers[seller] = _Numbers()
            numbers.add(number, 1 << place)
        for numbers in sellers.values():
            numbers.settle()
    return True


def _id(row: str | None) -> int:
    return 0 if row is None else int(row.partition(" ")[0])
