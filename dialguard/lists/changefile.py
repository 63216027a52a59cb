"""Lists of changes: rows that say of a number, on a date, that it was added or deleted.

Rows have fields separated by comma, tab, ``|`` or ``;``: a number in one field or two (see ``formats``), a field with A or D
(or a word for them), and a field with the date. Which is which is found by what they hold. A date is written 2026-10-16,
20261016 or 10/16/2026 (month first), with or without a time of day.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dialguard.lists.errors import BadRow, ListImportError
from dialguard.lists.formats import (
    ADDS, DELETES, Layout, ambiguous, candidates, fields, is_number, parse_fields, rows_of, shape, text_lines,
)

if TYPE_CHECKING:
    import numpy as np

_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})|([0-9]{4})([0-9]{2})([0-9]{2})|([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_TIME = re.compile(r"(?:[T ]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?[ ]?([AaPp][Mm])?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?")


@dataclass(frozen=True, slots=True)
class ChangeLayout:
    """How to read a row of changes: where its number is, its mark, and its date (None: the file has none)."""

    columns: Layout
    mark: int
    date: int | None

    @property
    def header(self) -> bool:
        """Whether the first line names the columns."""
        return self.columns.header

    def describe(self) -> str:
        """The layout in words."""
        day = "no date" if self.date is None else f"date in column {self.date + 1}"
        return f"changes: {self.columns.describe()}, added or deleted in column {self.mark + 1}, {day}"


@lru_cache(maxsize=4096)
def stamp(text: str) -> int | None:
    """A date, with or without a time, as seconds since the first day of year 1; None when it is neither."""
    text = text.strip()
    day = _DAY.match(text)
    time = _TIME.fullmatch(text, day.end()) if day else None
    if day is None or time is None:
        return None
    year, month, dom = (int(day[a] or day[b] or day[c]) for a, b, c in ((1, 4, 9), (2, 5, 7), (3, 6, 8)))
    hour, minute, second = (int(part or 0) for part in time.groups()[:3])
    if time[4] and not 1 <= hour <= 12:
        return None
    if time[4]:
        hour = hour % 12 + (12 if time[4] in "PMpmPmpM" else 0)
    try:
        ordinal = date(year, month, dom).toordinal()
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    return ordinal * 86_400 + hour * 3600 + minute * 60 + second


def mark_of(text: str) -> bool | None:
    """Whether a mark says added (True) or deleted (False); None when it says neither."""
    word = text.strip().upper()
    return True if word in ADDS else False if word in DELETES else None


def sniff_changes(sample: bytes, where: str) -> ChangeLayout:
    """The layout of a change list that begins with ``sample``. Raises ListImportError when it is not one."""
    lines = text_lines(sample, where)
    found = [
        change for layout in candidates(lines) if layout.delimiter is not None and (change := _marked(layout, lines, where)) is not None
    ]
    if not found:
        raise ListImportError(
            "not_changes", where=where, found=f"lines such as '{shape(lines[-1])}'",
            expected="rows with a number, a date, and A for added or D for deleted",
            todo="import a full list with `dialguard lists import`",
        )
    if len(found) > 1:
        raise ambiguous(where, " or ".join(change.describe() for change in found[:3]))
    return found[0]


def _marked(layout: Layout, lines: list[str], where: str) -> ChangeLayout | None:
    rows = rows_of(layout, lines)
    others = [column for column in range(layout.fields) if column not in (layout.number, layout.line)]
    marks = [column for column in others if _most(mark_of(row[column]) is not None for row in rows)]
    dates = [column for column in others if _most(stamp(row[column]) is not None for row in rows)]
    if len(marks) > 1 or len(dates) > 1:
        raise ListImportError(
            "ambiguous",
            where=where,
            found=f"{max(len(marks), len(dates))} columns that could say the {'mark' if len(marks) > 1 else 'date'}",
            expected="one date and one mark in a row",
            todo="take the other columns out",
        )
    if not marks:
        return None
    if any(is_number(row[column]) for column in others if column not in dates for row in rows):
        raise ambiguous(where, f"a second column with numbers beside {layout.describe()}")
    return ChangeLayout(layout, marks[0], dates[0] if dates else None)


def _most(good: Iterable[bool]) -> bool:
    results = list(good)
    return sum(results) * 2 > len(results)


class ChangeRows(NamedTuple):
    """A piece of a change list: number (area code and line), stamp and mark of each good row, how many lines, the bad rows."""

    npa: "np.ndarray"
    line: "np.ndarray"
    stamp: "np.ndarray"
    added: "np.ndarray"
    lines: int
    bad: list[BadRow]


def parse_changes(layout: ChangeLayout, piece: bytes, first_line: int) -> ChangeRows:
    """The rows of a piece of whole lines, the first of which is line ``first_line`` of the file."""
    fast = _fast(layout, piece)
    return slow_changes(layout, piece, first_line) if fast is None else fast


def _fast(layout: ChangeLayout, piece: bytes) -> ChangeRows | None:
    import numpy as np

    from dialguard.lists.reading import cut, numbers

    found = cut(layout.columns, piece)
    good = None if found is None else numbers(layout.columns, found)
    if found is None or good is None:
        return None
    values = []
    for column, meaning in ((layout.mark, mark_of), (layout.date, stamp)):
        if column is None:
            values.append(np.zeros(len(good[0]), np.int64))
            continue
        letters = found.column(column)
        if letters is None:
            return None
        # As one value a row, so that each different writing is read once.
        words = np.ascontiguousarray(letters.T).view(f"S{len(letters)}").ravel()
        different, where = np.unique(words, return_inverse=True)
        meanings = [meaning(word.decode("latin-1")) for word in different.tolist()]
        if any(value is None for value in meanings):
            return None
        values.append(np.array(meanings, np.int64)[where])
    return ChangeRows(good[0], good[1], values[1], values[0].astype(bool), len(good[0]), [])


def slow_changes(layout: ChangeLayout, piece: bytes, first_line: int) -> ChangeRows:
    """What ``parse_changes`` means, row by row."""
    import numpy as np

    lines = piece.split(b"\n")
    if not lines[-1]:
        lines.pop()
    good: list[tuple[int, int, int, bool]] = []
    bad: list[BadRow] = []
    for number, line in enumerate(lines, first_line):
        text = line.decode("utf-8", "replace").rstrip("\r")
        if not text.strip():
            continue
        row = parse_change(layout, text)
        if type(row) is str:
            bad.append(BadRow(number, row))
        else:
            good.append(row)  # type: ignore[arg-type]
    table = np.array(good, np.int64).reshape(len(good), 4)
    npa, rest = table[:, 0].astype(np.uint16), table[:, 1].astype(np.uint32)
    return ChangeRows(npa, rest, table[:, 2], table[:, 3].astype(bool), len(lines), bad)


def parse_change(layout: ChangeLayout, text: str) -> tuple[int, int, int, bool] | str:
    """One row: (area code, line, stamp, added), or why it is bad."""
    row = fields(text, layout.columns.delimiter or ",")
    if row is None:
        return "a quote that does not close in its line"
    number = parse_fields(layout.columns, row)
    if type(number) is str:
        return number
    added = mark_of(row[layout.mark])
    if added is None:
        return f"'{shape(row[layout.mark])}' where A or D belongs"
    at = 0 if layout.date is None else stamp(row[layout.date])
    if at is None:
        return f"'{shape(row[layout.date or 0])}' where a date belongs"
    return number[0], number[1], at, added  # type: ignore[return-value]
