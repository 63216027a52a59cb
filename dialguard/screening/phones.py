"""Reads columns of telephone numbers, millions at a time, exactly as `facts.numbers.parse` reads them one by one.

The bytes of a column are gone through by numpy: what is ten ASCII digits with punctuation of people in between,
perhaps after 1 or +1, is settled here. All else (extensions, letters, other scripts, a single dot that may be a
decimal point, foreign numbers, wrong exchanges) goes to `parse`, each distinct value once; and of digits too few or too
many, or with a wrong exchange, only the first of a kind, for the answer is the same for all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dialguard.facts.areacodes import ACTIVE
from dialguard.facts.numbers import LONGEST, Number, parse

__all__ = ["NONE", "Phones", "normalise"]

NONE = -1
"""Stands in `Phones.national` where there is no number."""

Whole: TypeAlias = NDArray[np.int64]
Marks: TypeAlias = NDArray[np.bool_]
Bytes: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, repr=False)
class Phones:
    """The numbers of a column. Its repr does not show them."""

    national: Whole
    """The ten digits of each +1 number of the right shape as a whole number, else `NONE`; read-only."""
    odd: Mapping[int, Number]
    """By place, in rising order, what `parse` says of every row that is no plain number: all without `national`, and those in an
    unusual form or with an extension. What a row that is not here may be follows from its area code alone."""

    def __len__(self) -> int:
        return len(self.national)

    def number(self, place: int) -> Number:
        """All about the number of a row (from 0), as `parse` gives it. Raises IndexError where there is no such row."""
        national = int(self.national[place])
        return self.odd.get(place % len(self)) or parse(str(national))

    def __repr__(self) -> str:
        return f"Phones({len(self)} rows, {len(self.odd)} of them odd)"


def normalise(column: pl.Series) -> Phones:
    """Read a column of telephone numbers: texts (also Categorical and Enum), whole numbers, floats as spreadsheets give
    them, nulls. Values of any other type are read too, and are no telephone numbers. Never raises for what a value holds.
    """
    kind = column.dtype
    if isinstance(kind, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
        kind = column.dtype
    # Taken once: a table that is loaded meanwhile replaces this one whole.
    codes = ACTIVE.codes
    known = np.array([f"{npa:03d}" in codes for npa in range(1000)])
    if kind == pl.String:
        national = np.empty(len(column), np.int64)
        for first in range(0, len(column), _AT_ONCE):
            national[first : first + _AT_ONCE] = _of_texts(column.slice(first, _AT_ONCE), known)
    elif kind in _WHOLE:
        national = _of_wholes(column, known)
    elif kind in _FLOATS:
        national = _of_floats(column, known)
    else:
        national = np.full(len(column), NONE, np.int64)
    if len(column):
        national[column.is_null().to_numpy()] = NONE
    odd = _settle(column, national)
    national.flags.writeable = False
    return Phones(national, odd)


_AT_ONCE = 1 << 15
"""Rows of text gone through at once, so that what is made of them stays in the processor's caches."""
_WHOLE = frozenset((pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64))
_FLOATS = frozenset((pl.Float32, pl.Float64))

_EXCHANGE = np.array([exchange >= 200 and exchange % 100 != 11 for exchange in range(1000)])
_STRANGE = np.array([chr(byte) not in "0123456789 ()./[]_~-" for byte in range(256)])
_ZERO, _ONE, _PLUS, _DOT, _DASH, _SPACE, _OPEN = np.frombuffer(b"01+.- (", np.uint8)
_JOINTS = ((0x0F0F0F0F0F0F0F0F, 2561, 8), (0x00FF00FF00FF00FF, 6553601, 16), (0x0000FFFF0000FFFF, 42949672960001, 32))
_NO_DIGITS = bytes(byte for byte in range(256) if byte not in b"0123456789")
_PAD = b"0" * 16
"""What goes after the last digit, so that words may be read that begin there."""


def _of_texts(column: pl.Series, known: Marks) -> Whole:
    """The ten digits of each plain text; of all others `NONE` or a sort below it."""
    array = column.to_arrow(compat_level=pl.CompatLevel.oldest())  # 64-bit offsets and bytes, whatever polars holds
    _, offsets, held = array.buffers()
    bounds = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(column) + 1]
    data = np.frombuffer(held or b"", np.uint8)[bounds[0] : bounds[-1]]
    if not len(data):
        return np.full(len(column), NONE, np.int64)
    starts, lengths = bounds[:-1] - bounds[0], np.diff(bounds)

    figure = np.zeros(len(data) + 1, np.bool_)
    np.less(data - _ZERO, 10, out=figure[:-1])
    counts = _counted(figure, starts, lengths)
    begins = np.cumsum(counts) - counts
    digits = np.frombuffer(data.tobytes().translate(None, _NO_DIGITS) + _PAD, np.uint8)

    # An empty row at the end begins past the last byte; it has no digits, whatever is found for it here.
    firsts = np.minimum(starts, len(data) - 1)
    plus = (data[firsts] == _PLUS) & (lengths > 0)
    usual = (data - _DASH < 13) | (data == _SPACE) | (data - _OPEN < 2)
    usual[starts[plus]] = True
    others = np.flatnonzero(~usual)
    plain = lengths <= LONGEST
    plain[_rows(others[_STRANGE[data[others]]], starts)] = False
    dots = np.bincount(_rows(np.flatnonzero(data == _DOT), starts), minlength=len(starts))
    single = np.flatnonzero(dots == 1)
    counts[single] = _decimal(data, starts[single], lengths[single], counts[single])

    leading = digits[begins]
    led = (counts == 11) & (leading == _ONE)
    ten = led | (counts == 10) & ~plus
    national = _ten_digits(digits, begins + led)
    rest = np.flatnonzero(~(plain & ten & _shaped(national, known)))
    sorts = _sorts(counts[rest], leading[rest], ten[rest], known[national[rest] // 10_000_000])
    national[rest] = np.where((plain & ~plus & (dots == 0))[rest], sorts, NONE)
    return national


def _sorts(counts: Whole, leading: Bytes, ten: Marks, known: Marks) -> Whole:
    """Below `NONE`, the same for rows of which `parse` says the same; `NONE` for those that must be read each for itself.

    They hold digits and plain punctuation only. If there are ten, or eleven with 1, the area code is unknown or else the
    exchange wrong; of any other length but that of 911, they are too few or too many, unless they begin with 00 or 011.
    A row without digits is `NONE` less nothing.
    """
    size = (counts != 3) & ((counts <= 10) | (leading != _ZERO))
    return np.where(ten, NONE - 1_000 - known, np.where(size, NONE - counts, NONE))


def _counted(marks: Marks, starts: Whole, lengths: Whole) -> Whole:
    """How many bytes of each row are marked; there is a mark more than bytes, which is False."""
    counts = np.add.reduceat(marks.view(np.uint8), starts, dtype=np.uint8).astype(np.int64)
    counts[lengths == 0] = 0  # reduceat gives the next row's first mark
    for place in np.flatnonzero(lengths > 255):  # the sum is in one byte, which is quicker
        counts[place] = np.count_nonzero(marks[starts[place] : starts[place] + lengths[place]])
    return counts


def _rows(places: Whole, starts: Whole) -> Whole:
    """The row of each byte."""
    return np.searchsorted(starts, places, "right") - 1


def _decimal(data: Bytes, starts: Whole, lengths: Whole, counts: Whole) -> Whole:
    """Of rows with a single dot, how many digits stand before a final `.0`, as spreadsheets write it; 0 in any other form."""
    ends = starts + lengths
    # A row shorter than two bytes has fewer than ten digits anyway.
    decimal = (lengths == counts + 1) & (data[ends - 1] == _ZERO) & (data[np.maximum(ends - 2, 0)] == _DOT)
    return np.where(decimal, counts - 1, 0)


def _ten_digits(digits: Bytes, begins: Whole) -> Whole:
    """The ten ASCII digits from each place on, as a whole number."""
    # Eight in a word, joined by twos, fours and all: three multiplications instead of eight.
    words = np.ndarray((len(digits) - 7,), "<u8", digits.data, strides=(1,))[begins].astype(np.uint64)
    for mask, factor, shift in _JOINTS:
        words &= mask
        words *= factor
        words >>= shift
    last = np.ndarray((len(digits) - 1,), "<u2", digits.data, strides=(1,))[begins + 8].astype(np.int64)
    return words.astype(np.int64) * 100 + (last & 15) * 10 + (last >> 8 & 15)


def _shaped(ten: Whole, known: Marks) -> Marks:
    """Whether whole numbers from 0 to 9,999,999,999 have an area code and an exchange that may be; known: area codes."""
    six = ten // 10_000
    return known[six // 1000] & _EXCHANGE[six % 1000]


def _of_wholes(column: pl.Series, known: Marks) -> Whole:
    """The ten digits of each whole number of ten, or of eleven that begin with 1."""
    value = column.fill_null(0).to_numpy()
    near = np.where((value >= 0) & (value < 20_000_000_000), value, 0).astype(np.int64)
    ten = np.where(near >= 10_000_000_000, near - 10_000_000_000, near)
    return np.where(_shaped(ten, known), ten, NONE)


def _of_floats(column: pl.Series, known: Marks) -> Whole:
    """The same of floats without a fraction."""
    value = column.fill_null(0).to_numpy().astype(np.float64)
    near = np.where((value >= 0) & (value < 20_000_000_000), value, 0)
    whole = near.astype(np.int64)
    return np.where(whole == near, _of_wholes(pl.Series(whole), known), NONE)


def _settle(column: pl.Series, national: Whole) -> dict[int, Number]:
    """What `parse` says of each row still without a number; its ten digits are filled in."""
    places = np.flatnonzero(national < 0)
    sorts = national[places]
    _, first, sort = np.unique(sorts, return_index=True, return_inverse=True)
    read_for = np.where(sorts == NONE, np.arange(len(places)), first[sort])  # the first of a sort stands for all
    values = column.gather(places[read_for]).to_list()
    if column.dtype in _FLOATS:
        # Each cell has its own not-a-number, equal to nothing but itself.
        values = [math.nan if value is not None and math.isnan(value) else value for value in values]
    if column.dtype == pl.Object or column.dtype.is_nested():  # such values have no hash, or are equal and read differently
        read = [parse(value) for value in values]
    else:
        once = {value: parse(value) for value in set(values)}
        read = [once[value] for value in values]
    national[places] = [NONE if number.national is None else int(number.national) for number in read]
    return dict(zip(places.tolist(), read, strict=True))
