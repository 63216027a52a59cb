"""Rows of a streamed body, one by one as they arrive: NDJSON or CSV. A row that cannot be read is a row, and stops nothing."""

from __future__ import annotations

import codecs
import csv
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import fields as struct_fields

from dialguard.model import contract
from dialguard.service.problem import Problem

LONGEST = 65_536
"""Characters of a row."""
_MOST_LINES = 50
"""Lines that a quoted row of CSV may stand on."""
_DELIMITERS = (",", "\t", "|", ";")
_PARTS = {
    "contact": contract.Contact,
    "line": contract.Line,
    "consent": contract.Consent,
    "relationship": contract.Relationship,
    "dnc": contract.Dnc,
    "history": contract.History,
    "caller_id": contract.CallerId,
    "message": contract.Message,
    "debt": contract.Debt,
}
PATHS = frozenset({"id", "to", "from", "at", "channel", "campaign", "line_type"}) | {
    f"{part}.{field.encode_name}" for part, kind in _PARTS.items() for field in struct_fields(kind)
}
"""The fields of an attempt that a column may be named after."""

_COUNTS = frozenset({"history.last_24h", "history.last_7d", "history.last_30d"})
_LISTS = frozenset({"consent.form", "consent.covers", "consent.channels", "dnc.states"})


class Row(NamedTuple):
    """A row: an attempt as JSON or by dotted names, or why it is none. ``id`` is the caller's reference, as far as it is known yet."""

    attempt: bytes | Mapping[str, Any] | None
    id: str | None = None
    wrong: Problem | None = None


async def lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Lines with their ends, decoded as UTF-8; a byte that is none becomes half a character, which no row may hold. A line that is
    too long comes as its beginning, longer than LONGEST, and the rest of it is passed over."""
    decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
    held, over = "", False
    async for piece in pieces:
        held += decode(piece)
        *whole, held = held.split("\n")
        for line in whole:
            if not over:
                yield line + "\n"
            over = False
        if len(held) > LONGEST:
            if not over:
                yield held[: LONGEST + 1]
            held, over = "", True
    held += decode(b"", True)
    if held and not over:
        yield held


def readable(text: str) -> Problem | None:
    """Why a text can be no row."""
    if len(text) > LONGEST:
        return Problem("request.too_large", f"expected a row of at most {LONGEST:,} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        return Problem("request.malformed", "the row is not in UTF-8")
    return None


async def ndjson(pieces: AsyncIterator[bytes]) -> AsyncIterator[Row]:
    """A row for each line that is not blank."""
    async for line in lines(pieces):
        if line.strip():
            wrong = readable(line)
            yield Row(line.encode() if wrong is None else None, None, wrong)


class Csv:
    """Rows of a CSV body, whose header is read first. Raises Problem where there is none, or no column of numbers."""

    def __init__(self, header: str) -> None:
        from dialguard.screening import columns
        from dialguard.screening.source import TableError

        if (wrong := readable(header)) is not None:
            raise wrong
        self.delimiter = max(_DELIMITERS, key=header.count)
        try:
            self.names = [name.strip() for name in next(csv.reader([header], delimiter=self.delimiter, strict=True), [])]
            told = {name.lower(): name for name in self.names if name.lower() in PATHS}
            known = {name: column for name, column in told.items() if "." in name or name in ("to", "id", "line_type")}
            found = columns.recognise(self.names, known)
        except (TableError, csv.Error) as error:
            raise Problem("input.invalid", errors=[("header", str(error))]) from None
        unknown = [name for name in self.names if "." in name and name.lower() not in PATHS]
        if unknown:
            raise Problem("input.invalid", errors=[(name[:60], "there is no such field of an attempt") for name in unknown])
        self._clean, self._coded = columns.cleaned, columns.coded
        self._places = {columns.FIELDS.get(name, name): place for name, place in found.places.items()}
        self._places |= {name: self.names.index(column) for name, column in told.items() if name not in known}

    async def rows(self, lines: AsyncIterator[str]) -> AsyncIterator[Row]:
        """A row for each record after the header that is not blank."""
        held, count = "", 0
        async for line in lines:
            if not held and not line.strip():
                continue
            held, count = held + line, count + 1
            cells = self._cells(held)
            if cells is None and count < _MOST_LINES and len(held) <= LONGEST:
                continue
            yield self._row(held, cells)
            held, count = "", 0
        if held:
            yield self._row(held, None)

    def _cells(self, text: str) -> list[str] | Problem | None:
        """The cells of a record; None where a quotation mark is still open."""
        if '"' not in text:
            return text.rstrip("\r\n").split(self.delimiter)
        try:
            return next(csv.reader([text], delimiter=self.delimiter, strict=True), [])
        except csv.Error as error:
            return None if "end of data" in str(error) else Problem("request.malformed", f"the row is no CSV: {error}")

    def _row(self, text: str, cells: list[str] | Problem | None) -> Row:
        wrong = readable(text)
        if wrong is None and cells is None:
            wrong = Problem("request.malformed", "the row is no CSV: a quotation mark is not closed")
        if wrong is None and isinstance(cells, Problem):
            wrong = cells
        if wrong is not None:
            return Row(None, None, wrong)
        found = {name: _typed(name, self._clean(name, cells[place])) for name, place in self._places.items() if place < len(cells)}
        id_ = found.get("id")
        if len(cells) != len(self.names):
            expected = f"the row has {len(cells)} fields where the header names {len(self.names)}"
            return Row(None, id_, Problem("request.malformed", expected))
        code = found.pop("dial_code", None)
        if code is not None:
            found["to"] = self._coded(found["to"], code)
        return Row({name: value for name, value in found.items() if value is not None}, id_)


def _typed(name: str, value: Any) -> Any:
    """A cell as the kind of value that its field takes: counts are numbers, and words stand apart by blanks, commas or semicolons."""
    if name in _COUNTS and isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    if name in _LISTS and isinstance(value, str):
        return value.replace(",", " ").replace(";", " ").split()
    return value
