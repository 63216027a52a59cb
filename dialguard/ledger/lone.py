"""The consents of a seller's numbers in memory, in columns: some sixty bytes each, and their words once for all that say the same."""

from array import array
from bisect import bisect_left

MOST = 2_000_000
"""Consents of one seller that are held; of the others the record is asked."""
FIELDS = "id, valid_at, known_at, obtained_at, requested_at, expires_at, reference, level, form, covers, channels"
"""What a row gives to ``add``, in this order."""
_MOMENTS = 5
_NEVER = -(2**63)
"""Stands for no moment."""
_STRUCK = -1


class Lone:
    """Consents by the place at which each was added, in the order of their ids."""

    __slots__ = ("_ids", "_moments", "_of", "_references", "_said", "_words")

    def __init__(self) -> None:
        self._ids = array("q")
        self._moments = tuple(array("q") for _ in range(_MOMENTS))
        self._words = array("i")
        self._references: list[str | None] = []
        self._said: list[tuple] = []
        self._of: dict[tuple, int] = {}

    def add(self, row: tuple) -> int | None:
        """The place of one more; None where it is not held."""
        id_, *moments, reference = row[: 2 + _MOMENTS]
        said = row[2 + _MOMENTS :]
        if len(self._ids) >= MOST:
            return None
        words = self._of.get(said)
        if words is None:
            words = self._of[said] = len(self._said)
            self._said.append(said)
        for column, moment in zip(self._moments, moments, strict=True):
            column.append(_NEVER if moment is None else moment)
        self._references.append(reference)
        self._words.append(words)
        self._ids.append(id_)  # last: a place counts once all of it is there
        return len(self._ids) - 1

    def strike(self, id_: int) -> None:
        """The consent of this id stands no more: another entry took its place."""
        place = bisect_left(self._ids, id_)
        if place < len(self._ids) and self._ids[place] == id_:
            self._words[place] = _STRUCK

    def row(self, place: int, number: str) -> tuple | None:
        """The consent at a place as a row of ``rows.COLUMNS``, without its person; None where it was struck."""
        words = self._words[place]
        if words == _STRUCK:
            return None
        level, form, covers, channels = self._said[words]
        valid, known, obtained, requested, expires = self._moments
        given, asked, ends = obtained[place], requested[place], expires[place]
        return (
            self._ids[place], number, None, valid[place], known[place], level, form, covers, None if given == _NEVER else given,
            None if asked == _NEVER else asked, None if ends == _NEVER else ends, channels, self._references[place],
        )  # fmt: skip
