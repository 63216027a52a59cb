"""Rows as small numbers: the distinct values of a column, and the distinct combinations of several.

A list of millions has few distinct states, line types and area codes. What is worked out once a combination and looked up by
its number costs nothing a row.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

import numpy as np
import polars as pl

T = TypeVar("T", bound=Hashable)
_DENSE_BITS = 24
"""Combinations up to this many bits are looked up in an array (64 MB at most), others by sorting."""


def comparable(value: object) -> Hashable:
    """A cell's value as a key; of what is made of others, its text: a tuple may hold a list, and true is equal to 1 in it."""
    return value if isinstance(value, Hashable) and not isinstance(value, tuple) else repr(value)


class Distinct(Generic[T]):
    """Numbers for distinct values, in the order in which they were first seen."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def number(self, value: T) -> int:
        """The number of a value, a new one where it was not seen before."""
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self.values)
            self.values.append(value)
        return found

    def __len__(self) -> int:
        return len(self.values)


class Column:
    """The distinct values of one column over all chunks; what means the same may share a number.

    ``meaning`` turns a raw value (or None) into what counts, a hashable one; it is asked once a distinct value.
    """

    def __init__(self, meaning) -> None:
        self._meaning = meaning
        self.meanings: Distinct = Distinct()
        self._numbers: dict[object, int] = {}
        self._kind = pl.Categorical(pl.Categories.random())
        self._kept = pl.Series([""]).cast(self._kind)  # polars forgets the codes of categories that no column holds
        self._of_code = np.zeros(0, np.int64)

    def encode(self, series: pl.Series) -> np.ndarray:
        """The number of each row's meaning, int64."""
        if series.dtype == pl.Null:
            return np.full(len(series), self._number(None), np.int64)
        if isinstance(series.dtype, pl.Categorical | pl.Enum):
            return self._coded(series)
        if series.dtype == pl.Object or series.dtype.is_nested():
            return np.array([self._number(value) for value in series.to_list()], np.int64)
        return self._texts(series) if series.dtype == pl.String else self._others(series)

    def _number(self, value: object) -> int:
        # 1, 1.0 and True are equal and do not mean the same.
        key = (type(value), comparable(value)) if value == value else None
        found = self._numbers.get(key)
        if found is None:
            meaning = self._meaning(value)
            found = self._numbers[key] = self.meanings.number((type(meaning), meaning))
        return found

    def _coded(self, series: pl.Series) -> np.ndarray:
        """Texts that have codes already, which are good for this column alone."""
        if not len(series):
            return np.zeros(0, np.int64)
        distinct = series.unique()
        codes = _physical(distinct)
        of_code = np.zeros(int(codes.max()) + 1, np.int64)
        of_code[codes] = [self._number(value) for value in distinct.cast(pl.String).to_list()]
        return of_code[_physical(series)]

    def _texts(self, series: pl.Series) -> np.ndarray:
        kind = self._kind
        distinct = series.unique()
        codes = distinct.cast(kind).to_physical().to_numpy()
        if distinct.null_count():
            codes = np.nan_to_num(codes, nan=-1)
        codes = codes.astype(np.int64) + 1
        if len(codes) and codes.max() >= len(self._of_code):
            grown = np.full(2 * int(codes.max()) + 2, -1, np.int64)
            grown[: len(self._of_code)] = self._of_code
            self._of_code = grown
        for code, value in zip(codes.tolist(), distinct.to_list(), strict=True):
            if self._of_code[code] < 0:
                self._of_code[code] = self._number(value)
        physical = series.cast(kind).to_physical().cast(pl.Int64)
        return self._of_code[(physical.fill_null(-1) + 1).to_numpy()]

    def _others(self, series: pl.Series) -> np.ndarray:
        distinct = series.unique()
        numbers = pl.Series([self._number(value) for value in distinct.to_list()], dtype=pl.Int64)
        return series.replace_strict(distinct, numbers, return_dtype=pl.Int64).to_numpy()


def _physical(series: pl.Series) -> np.ndarray:
    """The codes of a column of categories, from 1; 0 where there is none."""
    return (series.to_physical().cast(pl.Int64).fill_null(-1) + 1).to_numpy()


class Combined:
    """The distinct combinations of several numbers a row."""

    def __init__(self) -> None:
        self.combinations: list[tuple[int, ...]] = []
        self._bits: list[int] = []
        self._numbers: dict[tuple[int, ...], int] = {}
        self._dense: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.combinations)

    def encode(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        """The number of each row's combination, int64. Every call gives as many columns, of numbers from 0.

        Raises OverflowError where they have too many distinct values; nothing is remembered of such a call.
        """
        if len(columns[0]) == 0:
            return np.zeros(0, np.int64)
        needed = [int(column.max()).bit_length() for column in columns]
        if not self._bits or any(need > have for need, have in zip(needed, self._bits, strict=True)):
            self._widen([max(pair) for pair in zip(needed, self._bits or needed, strict=True)])
        key = columns[0].astype(np.int64)
        for column, bits in zip(columns[1:], self._bits[1:], strict=True):
            if bits:  # a column of one value only adds nothing
                key <<= bits
                key |= column
        if self._dense is None:
            distinct, places = np.unique(key, return_inverse=True)
            return np.array([self._number(one) for one in distinct.tolist()], np.int64)[places]
        found = self._dense[key]
        missing = found < 0
        if missing.any():
            for one in np.unique(key[missing]).tolist():
                self._dense[one] = self._number(one)
            found = self._dense[key]
        return found.astype(np.int64)

    def _number(self, key: int) -> int:
        parts = []
        for bits in reversed(self._bits[1:]):
            parts.append(key & ((1 << bits) - 1))
            key >>= bits
        combination = (key, *reversed(parts))
        found = self._numbers.get(combination)
        if found is None:
            found = self._numbers[combination] = len(self.combinations)
            self.combinations.append(combination)
        return found

    def _widen(self, bits: list[int]) -> None:
        total = sum(bits)
        if total > 62:
            raise OverflowError("too many distinct values in the columns that were mapped")
        self._bits = bits
        self._dense = np.full(1 << total, -1, np.int32) if total <= _DENSE_BITS else None
        if self._dense is not None:
            for number, parts in enumerate(self.combinations):
                key = 0
                for part, width in zip(parts, bits, strict=True):
                    key = key << width | part
                self._dense[key] = number
