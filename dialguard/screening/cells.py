"""The answers of a screen as columns: text by dictionary, each distinct value once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dialguard.screening.answers import COLUMNS
from dialguard.screening.classes import Distinct

if TYPE_CHECKING:
    import pyarrow

    from dialguard.screening.screen import Screened, Screener

TEXTS = COLUMNS[:-2]
"""The columns that an answer fills; the two after them are each row's own."""


class Cells:
    """The columns of COLUMNS for one screener's rows. Empty cells are null; ``dg_duplicate`` is a flag, all others are text."""

    def __init__(self, screener: Screener) -> None:
        self._screener = screener
        self._values: list[Distinct[str]] = [Distinct() for _ in TEXTS]
        for values in self._values:
            values.number("")
        self._of_answer = [np.zeros(0, np.int32) for _ in TEXTS]

    def _known(self) -> None:
        """Take in the answers that were added since."""
        before, answers = len(self._of_answer[0]), self._screener.answers
        if before == len(answers):
            return
        rows = [answer.cells for answer in answers[before:]]
        for place, values in enumerate(self._values):
            fresh = np.array([values.number(cells[place]) for cells in rows], np.int32)
            self._of_answer[place] = np.concatenate([self._of_answer[place], fresh])

    def series(self, rows: Screened) -> list[pl.Series]:
        """As polars columns of text and one flag, in the order of COLUMNS."""
        self._known()
        coded = [
            (name, values.values, codes[rows.answers]) for name, values, codes in zip(TEXTS, self._values, self._of_answer, strict=True)
        ]
        texts = [_texts(name, values, codes) for name, values, codes in coded]
        flags = pl.Series("dg_duplicate", rows.duplicates)
        return [*texts, flags, _texts("dg_problem", self._screener.problems, rows.problems)]

    def arrays(self, rows: Screened, places: Sequence[int] = range(len(COLUMNS))) -> list[pyarrow.Array]:
        """Those of COLUMNS at some places as Arrow columns: dictionaries of text and one flag."""
        self._known()
        return [self._array(rows, place) for place in places]

    def _array(self, rows: Screened, place: int) -> pyarrow.Array:
        import pyarrow

        if place < len(TEXTS):
            return _dictionary(self._values[place].values, self._of_answer[place][rows.answers])
        return _dictionary(self._screener.problems, rows.problems) if COLUMNS[place] == "dg_problem" else pyarrow.array(rows.duplicates)


def _texts(name: str, values: Sequence[str], codes: np.ndarray) -> pl.Series:
    """Each row's value; that of code 0 is none."""
    return pl.Series(name, [None, *values[1:]], dtype=pl.String).gather(pl.Series(codes))


def _dictionary(values: Sequence[str], codes: np.ndarray) -> pyarrow.Array:
    import pyarrow

    indices = pyarrow.array(codes - 1, mask=codes == 0)
    return pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array(values[1:], pyarrow.string()), safe=False)
