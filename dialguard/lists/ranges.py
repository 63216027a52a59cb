"""Files whose rows may stand for many numbers: ranges, blocks of a thousand, whole exchanges.

A row holds one of: a number (any writing of ``formats``); two numbers, first and last, in one field (``2025550000-2025550999``) or in
two; a block, as seven digits (area code, exchange, thousand), as three and four, or as three, three and one (``A`` is the whole
exchange); an exchange, as six digits or as three and three. Where a field says of each row C, S or V (cell, standard landline,
voice over the internet), only the rows marked C are taken: they are the wireless ones.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from dialguard.lists import reading
from dialguard.lists.errors import BadRow
from dialguard.lists.formats import DELIMITERS, Layout, ambiguous, fields, is_number, parse_number, shape, text_lines, unrecognised

if TYPE_CHECKING:
    import numpy as np

_RANGE = re.compile(r"([0-9]{10})[ ]*-[ ]*([0-9]{10})")
_BLOCK = re.compile(r"([2-9][0-9]{2})([2-9][0-9]{2})([0-9])")
_EXCHANGE = re.compile(r"([2-9][0-9]{2})([2-9][0-9]{2})")
_AREA = re.compile(r"[2-9][0-9]{2}")
_THOUSAND = re.compile(r"[0-9A]")
_TYPES = frozenset("CSV")
_THOUSAND_OF = 1_000
_EXCHANGE_OF = 10_000
# What the fields of a row hold together, each kind by the fields that it takes.
_KINDS = ("number", "pair", "split", "parts", "exchange")


@dataclass(frozen=True, slots=True)
class RangeLayout:
    """How to read a row: ``kind`` of what its ``columns`` hold, and the column of the type, if there is one.

    ``kind``: ``number`` (one field: a number, a range, a block or an exchange), ``pair`` (first and last number), ``split`` (area
    code, exchange with thousand), ``parts`` (area code, exchange, thousand), ``exchange`` (area code, exchange).
    """

    delimiter: str | None
    fields: int
    kind: str
    columns: tuple[int, ...]
    type: int | None
    header: bool

    def describe(self) -> str:
        """The layout in words."""
        words = {
            "number": "a number, range or block", "pair": "first and last number", "split": "area code, exchange with thousand",
            "parts": "area code, exchange, thousand", "exchange": "area code, exchange",
        }  # fmt: skip
        where = ", ".join(str(column + 1) for column in self.columns)
        kind = "" if self.type is None else f", C in column {self.type + 1}"
        return f"{words[self.kind]} in column {where} of {self.fields}{kind}{', with a header' if self.header else ''}"


class Span(NamedTuple):
    """Numbers of one area code: the first line, and how many from there."""

    npa: int
    line: int
    count: int


class Spans(NamedTuple):
    """A piece taken apart: the numbers that stand alone, the spans of more, good rows, lines, and bad rows."""

    npa: "np.ndarray"
    line: "np.ndarray"
    spans: list[Span]
    rows: int
    lines: int
    bad: list[BadRow]


def sniff_ranges(sample: bytes, where: str) -> RangeLayout:
    """The layout of a file that begins with ``sample``. Raises ListImportError when it is none of these."""
    lines = text_lines(sample, where)
    found: list[RangeLayout] = []
    for delimiter in (None, *DELIMITERS):
        rows = [_cut(line, delimiter) for line in lines]
        widths = [len(row) for row in rows]
        width = max(set(widths), key=widths.count)
        if (delimiter is None) != (width == 1):
            continue
        found += _of_rows(delimiter, width, rows, [row for row in rows if len(row) == width])
    if not found:
        raise unrecognised(where, f"lines such as '{shape(lines[-1])}', which are neither numbers nor ranges nor blocks")
    best = min(_KINDS.index(layout.kind) for layout in found)
    chosen = [layout for layout in found if layout.kind == _KINDS[best]]
    if len(chosen) > 1:
        raise ambiguous(where, " or ".join(layout.describe() for layout in chosen[:3]))
    return chosen[0]


def _cut(line: str, delimiter: str | None) -> list[str]:
    return [line] if delimiter is None else fields(line, delimiter) or []


def _of_rows(delimiter: str | None, width: int, rows: list[list[str]], whole: list[list[str]]) -> list[RangeLayout]:
    """The layouts that hold for most rows."""
    body = whole[1:] or whole  # the first may be a header
    types = [column for column in range(width) if _most(row[column].strip().upper() in _TYPES for row in body)]
    kind = types[0] if len(types) == 1 else None

    def layout(name: str, *columns: int) -> RangeLayout:
        made = RangeLayout(delimiter, width, name, columns, kind, False)
        unread = type(_span(made, rows[0])) is str and len(rows[0]) == width
        return replace(made, header=unread and not any(c.isdigit() for column in columns for c in rows[0][column]))

    singles = [column for column in range(width) if any(type(_field(row[column])) is not str for row in whole)]
    if singles:
        full = [column for column in singles if _most(type(_field(row[column])) is not str for row in body)]
        if len(singles) == 2 and full[:1] == singles[:1]:
            return [layout("pair", *singles)]
        return [layout("number", column) for column in singles] if full else []
    out = []
    for first in range(width - 1):
        if not _most(_AREA.fullmatch(row[first].strip()) is not None for row in body):
            continue
        for name, columns in (("parts", 3), ("split", 2), ("exchange", 2)):
            made = layout(name, *range(first, first + columns)) if first + columns <= width else None
            if made is not None and _most(type(_span(replace(made, type=None), row)) is not str for row in body):
                out.append(made)
                break
    return out


def _most(good: Iterable[bool]) -> bool:
    results = list(good)
    return sum(results) * 2 > len(results)


def _field(text: str) -> Span | str:
    """One field as a number, a range, a block or an exchange; or why it is none."""
    text = text.strip()
    if pair := _RANGE.fullmatch(text):
        return _pair(pair[1], pair[2])
    if block := _BLOCK.fullmatch(text):
        return Span(int(block[1]), int(block[2] + block[3]) * _THOUSAND_OF, _THOUSAND_OF)
    if exchange := _EXCHANGE.fullmatch(text):
        return Span(int(exchange[1]), int(exchange[2]) * _EXCHANGE_OF, _EXCHANGE_OF)
    number = parse_number(text)
    return number if type(number) is str else Span(number[0], int(number[1]), 1)


def _pair(first: str, last: str) -> Span | str:
    one, two = parse_number(first), parse_number(last)
    for number in (one, two):
        if type(number) is str:
            return number
    if one[0] != two[0] or one[1] > two[1]:
        return "a range that does not end in the area code in which it begins" if one[0] != two[0] else "a range that ends before it begins"
    return Span(int(one[0]), int(one[1]), int(two[1]) - int(one[1]) + 1)


def _others(layout: RangeLayout, row: list[str]) -> list[str]:
    return [text for column, text in enumerate(row) if column not in layout.columns]


def _span(layout: RangeLayout, row: list[str]) -> Span | str | None:
    """What a row stands for, why it is bad, or None when its type is another."""
    if len(row) != layout.fields:
        return f"{len(row)} fields where {layout.fields} belong"
    if layout.type is not None:
        kind = row[layout.type].strip().upper()
        if kind not in _TYPES:
            return f"'{shape(kind)}' where C, S or V belongs"
    parts = [row[column].strip() for column in layout.columns]
    if layout.fields > 1 and any(is_number(text) or _RANGE.fullmatch(text.strip()) for text in _others(layout, row)):
        return "a second number in its row"
    if layout.kind == "number" or (layout.kind == "pair" and not parts[1]):
        found = _field(parts[0])
    elif layout.kind == "pair":
        found = _pair(*parts)
    else:
        text = "".join(parts)
        if layout.kind == "parts" and text.endswith("A"):
            text = text[:-1]
        wanted = _EXCHANGE if layout.kind == "exchange" or (layout.kind == "parts" and len(text) == 6) else _BLOCK
        found = (
            _field(text)
            if wanted.fullmatch(text)
            else f"'{shape(' '.join(parts))}' where {layout.describe().split(' in column')[0]} belongs"
        )
    return None if layout.type is not None and type(found) is Span and row[layout.type].strip().upper() != "C" else found


def parse_ranges(layout: RangeLayout, piece: bytes, first_line: int) -> Spans:
    """The rows of a piece of whole lines; ``first_line`` as in ``reading.parse``."""
    import numpy as np

    if layout.delimiter is None:
        fast = reading.flat(Layout(None, 1, 0, None, False), piece)
        if fast is not None:
            return Spans(fast[0], fast[1], [], len(fast[0]), len(fast[0]), [])
    lines = piece.split(b"\n")
    if not lines[-1]:
        lines.pop()
    alone: list[tuple[int, int]] = []
    spans: list[Span] = []
    bad: list[BadRow] = []
    rows = 0
    for number, line in enumerate(lines, first_line):
        text = line.decode("utf-8", "replace").rstrip("\r")
        if not text.strip():
            continue
        found = _span(layout, _cut(text, layout.delimiter))
        if type(found) is str:
            bad.append(BadRow(number, found))
        else:
            rows += 1
            if type(found) is Span and found.count == 1:
                alone.append(found[:2])
            elif type(found) is Span:
                spans.append(found)
    table = np.array(alone, np.int64).reshape(len(alone), 2)
    return Spans(table[:, 0].astype(np.uint16), table[:, 1].astype(np.uint32), spans, rows, len(lines), bad)
