"""Of whom a record in SQLite holds anything, kept in memory: twelve bytes a number, and what was added of late in a dictionary.

It follows the record by the ids of its rows, which are only ever added: a number's kinds grow and are never taken away, so that
it may name a kind of which nothing stands any more, but never lacks one. What it does not name need not be looked for. Of a number
of which nothing but one consent was ever recorded, it holds that too (``lone``).
"""

import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

from dialguard.ledger.lone import FIELDS, Lone
from dialguard.ledger.pseudonyms import is_hidden
from dialguard.ledger.schema import ENTRIES

_SETTLED = 50_000
"""Numbers in the dictionary from which on they are sorted in, once they are a quarter of all."""
_NEAR = 100_000
"""Numbers that agree but for so many are looked for together."""
_NOWHERE = (0, 0)
_TABLES = tuple(table.name for table in ENTRIES.values())
EVERY = (1 << len(_TABLES)) - 1
"""A bit for every kind."""
CONSENT = 1
"""The bit for consents."""
_BITS = len(_TABLES)
_LAST = "SELECT " + ", ".join(
    f"(SELECT id || ' ' || known_at || ' ' || number FROM {name} ORDER BY id DESC LIMIT 1)" for name in _TABLES
)  # fmt: skip
_SINCE = "SELECT id || ' ' || known_at || ' ' || number, seller, number{} FROM {} WHERE id >= ? ORDER BY id"


class _Numbers:
    """The numbers of one seller, each with a code: of which kinds something was recorded, a bit for each in the order of ``ENTRIES``, and
    above these one more than the place in ``lone`` of the only consent that was, or nothing."""

    __slots__ = ("hiding", "lone", "now")

    def __init__(self) -> None:
        self.now: tuple[array[int], array[int], dict[int, tuple[int, int]], dict[int, int]] = (array("q"), array("i"), {}, {})
        """Numbers in order, the code of each, where those begin and end that agree but for their last digits, and what was added since."""
        self.lone = Lone()
        self.hiding = False
        """Whether some stand under names since they were erased: then anybody may be one of them."""

    def code(self, number: int) -> int:
        if self.hiding:
            return EVERY
        base, codes, near, late = self.now
        found = late.get(number)
        if found is None:
            first, last = near.get(number // _NEAR, _NOWHERE)
            place = bisect_left(base, number, first, last)
            return codes[place] if place < last and base[place] == number else 0
        return found

    def add(self, number: str, bit: int, consent: tuple | None = None) -> None:
        """Another row of a number, of the kind of ``bit``; ``consent`` as ``Lone.add`` takes it, where it is one that stands by itself."""
        if is_hidden(number):
            self.hiding = True
            return
        key = int(number)
        held = self.code(key)
        alone = held >> _BITS
        if bit == CONSENT:
            place = None if held & CONSENT or consent is None else self.lone.add(consent)
            alone = 0 if place is None else place + 1
        self.now[3][key] = held & EVERY | bit | alone << _BITS

    def settle(self) -> None:
        """Sorts in what is in the dictionary, where that is much."""
        base, codes, _, late = self.now
        if len(late) < max(_SETTLED, len(base) // 4):
            return
        import numpy as np

        every = np.concatenate([np.frombuffer(base, np.int64), np.fromiter(late, np.int64, len(late))])
        told = np.concatenate([np.frombuffer(codes, np.int32), np.fromiter(late.values(), np.int32, len(late))])
        order = np.argsort(every, kind="stable")
        every = every[order]
        last = np.flatnonzero(np.concatenate([every[1:] != every[:-1], [True]]))  # what is in the dictionary says all that counts
        every, told = every[last], told[order][last]
        near, first = np.unique(every // _NEAR, return_index=True)
        spans = zip(first.tolist(), [*first[1:].tolist(), len(every)], strict=True)
        self.now = (array("q", every.tobytes()), array("i", told.tobytes()), dict(zip(near.tolist(), spans, strict=True)), {})


Sellers = dict[str, _Numbers]


class Known:
    """What was found so far. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sellers: Sellers = {}
        self._last: tuple[str | None, ...] = (None,) * len(_TABLES)
        self._begun = 0
        """How often the record was read anew."""

    def follow(self, cursor: Any, before: object) -> tuple[Sellers | None, object]:
        """Takes up what was recorded since, and gives what ``kinds`` is to be asked of; ``cursor`` is inside a transaction. With it goes
        what the next question on the same connection gives as ``before``, unless something was written through it: then nothing need
        be looked for where nobody else wrote.

        A record in which the last row seen is another is read anew. None: it ends before that row, so that it is an older state of
        this record, or another: of it nothing is known.
        """
        (version,) = cursor.execute("PRAGMA data_version").fetchone()
        with self._lock:
            if (version, self._begun) == before:
                return self._sellers, before
            last = cursor.execute(_LAST).fetchone()
            if last != self._last:
                if any(_id(now) < _id(seen) for now, seen in zip(last, self._last, strict=True)):
                    return None, None
                if not _take(cursor, self._last, self._sellers):
                    # Others may be asking of what they were given, so it is left as it is.
                    self._sellers, self._last, self._begun = {}, (None,) * len(_TABLES), self._begun + 1
                    _take(cursor, self._last, self._sellers)
                self._last = last
            return self._sellers, (version, self._begun)


def kinds(sellers: Sellers, seller: str, number: str) -> int:
    """A bit for each kind of which the number may have an entry, the first of ``ENTRIES`` being 1; 0: it has none."""
    found = sellers.get(seller)
    return 0 if found is None else found.code(int(number)) & EVERY


def consents(sellers: Sellers, seller: str, numbers: Iterable[str]) -> Iterator[tuple[str, int, tuple | None]]:
    """Of each number the same, and where that is a consent and nothing else, the row of the only one ever recorded, if it is held and
    stands."""
    found = sellers.get(seller)
    for number in numbers:
        code = 0 if found is None else found.code(int(number))
        alone = code & EVERY == CONSENT and code != CONSENT
        yield number, code & EVERY, found.lone.row((code >> _BITS) - 1, number) if alone else None


def _take(cursor: Any, seen: tuple[str | None, ...], sellers: Sellers) -> bool:
    """Enters the rows from the last one seen on; False where that is not there as it was.

    Consents last: who asks meanwhile, in another thread, finds none without what was recorded with it.
    """
    for place, name in reversed([*enumerate(_TABLES)]):
        bit = 1 << place
        more = f", supersedes, void, {FIELDS}" if bit == CONSENT else ""
        rows = cursor.execute(_SINCE.format(more, name), (_id(seen[place]),))
        if seen[place] is not None and next(rows, (None,))[0] != seen[place]:
            return False
        for _, seller, number, *told in rows:
            numbers = sellers.get(seller)
            if numbers is None:
                numbers = sellers[seller] = _Numbers()
            if not told:
                numbers.add(number, bit)
                continue
            supersedes, void, *row = told
            if supersedes is not None:
                for each in sellers.values():
                    each.lone.strike(supersedes)
            numbers.add(number, bit, None if void or supersedes is not None else tuple(row))
        for numbers in sellers.values():
            numbers.settle()
    return True


def _id(row: str | None) -> int:
    return 0 if row is None else int(row.partition(" ")[0])
