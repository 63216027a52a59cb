"""The shapes in which Do-Not-Call lists come, recognised from the beginning of the file.

Three layouts are read:

- *flat*: a row is a number and nothing else: ``202,5550123`` (the FTC's full list; also with tab, ``|`` or
  ``;``), ``2025550123``, ``(202) 555-0123``, ``+1 202-555-0123``.
- *columns*: rows of fields separated by comma, tab, ``|`` or ``;``, of which one holds a number in any of
  these writings, or two hold three and seven digits. Fields may be quoted; a field never spans lines.
- *fixed width*: no such separator; in every row the number stands at the same places, with no digit beside it.

``xmlform`` reads XML. Lines end in LF or CRLF; a UTF-8 byte order mark, blank lines and one header line are passed over. A file of
changes (rows marked A or D) is refused: read as a full list it would bring back what it deletes; ``changefile`` reads it.
``parse_row`` is the meaning; ``reading`` has the fast path that must agree with it.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dialguard.lists.bits import FIRST_LINE, FIRST_NPA
from dialguard.lists.errors import ListImportError

SAMPLE = 65_536
"""Bytes from the beginning of a file by which its layout is recognised."""

BOM = b"\xef\xbb\xbf"
DELIMITERS = (",", "\t", "|", ";")
_NAMES = {",": "comma", "\t": "tab", "|": "bar", ";": "semicolon"}
_MOST_FIELDS = 200

_WRITTEN = re.compile(
    r"[ ]*(?:\+?1[ .-]?)?(?:\([ ]?([0-9]{3})[ ]?\)|([0-9]{3}))[ ./-]{0,3}([0-9]{3})[ .-]{0,3}([0-9]{4})[ ]*"
)
_SPLIT = re.compile(r"[ ]*([0-9]{3})[,\t|;]([0-9]{7})[ ]*")
_FIXED = re.compile(r"(?<![0-9])(?:[0-9]{10}|\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}|[0-9]{3}-[0-9]{3}-[0-9]{4})(?![0-9])")
_THREE = re.compile(r"[0-9]{3}")
_SEVEN = re.compile(r"[0-9]{7}")
ADDS = frozenset("A + ADD ADDED".split())
DELETES = frozenset("D - DEL DELETE DELETED REMOVE REMOVED".split())
"""What a list of changes writes beside a number that came and one that went, in capitals."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a row. ``delimiter`` None is the flat layout; else ``fields`` in a row, of which ``number``
    holds the number, or ``number`` its area code and ``line`` the other seven digits. ``places`` is the fixed width: from which
    character to which (not with it) the number stands; the rest then says nothing.
    ``header`` says that the first line that is not blank names the columns."""

    delimiter: str | None
    fields: int
    number: int
    line: int | None
    header: bool
    places: tuple[int, int] | None = None

    def describe(self) -> str:
        """The layout in words, for a report on an import."""
        head = ", with a header" if self.header else ""
        if self.places is not None:
            return f"fixed width, number in characters {self.places[0] + 1} to {self.places[1]}{head}"
        if self.delimiter is None:
            return f"one number a line{head}"
        where = f"number in column {self.number + 1}"
        if self.line is not None:
            where = f"area code in column {self.number + 1}, number in column {self.line + 1}"
        return f"{self.fields} columns separated by {_NAMES[self.delimiter]}, {where}{head}"


def parse_row(layout: Layout, text: str) -> tuple[int, int] | str | None:
    """One line without its end: (area code, line), or why it is bad, or None when it is blank."""
    text = text.rstrip("\r")
    if not text.strip():
        return None
    if layout.places is not None:
        return _placed(layout.places, text)
    if layout.delimiter is None:
        split = _SPLIT.fullmatch(text)
        return checked(split[1], split[2]) if split else parse_number(text)
    row = fields(text, layout.delimiter)
    if row is None:
        return "a quote that does not close in its line"
    return parse_fields(layout, row)


def _placed(places: tuple[int, int], text: str) -> tuple[int, int] | str:
    start, end = places
    if text[max(start - 1, 0) : start].isdigit() or text[end : end + 1].isdigit():
        return f"a digit beside characters {start + 1} to {end}, where the number stands"
    return parse_number(text[start:end])


def parse_fields(layout: Layout, row: list[str]) -> tuple[int, int] | str:
    """The same for a row that is cut into its fields."""
    if len(row) != layout.fields:
        return f"{len(row)} fields where {layout.fields} belong"
    if layout.line is None:
        return parse_number(row[layout.number])
    npa, line = row[layout.number].strip(" "), row[layout.line].strip(" ")
    if not _THREE.fullmatch(npa):
        return f"'{shape(npa)}' where an area code of 3 digits belongs"
    if not _SEVEN.fullmatch(line):
        return f"'{shape(line)}' where 7 digits belong"
    return checked(npa, line)


def parse_number(text: str) -> tuple[int, int] | str:
    """One field that should hold a whole number: (area code, line), or why it is bad."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        digits = sum(c in "0123456789" for c in text)
        return f"'{shape(text)}' ({digits} digits) where a number of 10 digits belongs"
    return checked(match[1] or match[2], match[3] + match[4])


def is_number(text: str) -> bool:
    """Whether a field is a good number."""
    match = _WRITTEN.fullmatch(text)
    return match is not None and type(checked(match[1] or match[2], match[3] + match[4])) is tuple


def checked(npa: str, line: str) -> tuple[int, int] | str:
    """Three and seven digits as (area code, line), or why no number can have them."""
    code, rest = int(npa), int(line)
    if code < FIRST_NPA:
        return f"an area code that begins with {npa[0]}; they begin with 2 to 9"
    if rest < FIRST_LINE:
        return f"an exchange that begins with {line[0]}; they begin with 2 to 9"
    return code, rest


def shape(text: str) -> str:
    """The text with each digit as 9 and each letter as a, at most 40 characters: fit to be shown and logged."""
    masked = "".join(
        "9" if c.isdigit() else "a" if c.isalpha() else c if c.isascii() and c.isprintable() else "?"
        for c in text[:40]
    )
    return masked + "..." if len(text) > 40 else masked


def fields(text: str, delimiter: str) -> list[str] | None:
    """The fields of a row, unquoted; None when a quote does not close."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        return None


def text_lines(sample: bytes, where: str) -> list[str]:
    """The lines of a sample that are not blank, without their ends. Raises ListImportError when there are none or it is no text."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in sample:
        raise ListImportError(
            "not_text",
            where=where,
            found="not a text file in UTF-8 or ASCII",
            expected="lines of text with one number each",
            todo="save it as UTF-8 text or CSV",
        )
    lines = sample.decode("utf-8", "replace").split("\n")
    lines = [line for line in (line.rstrip("\r") for line in lines) if line.strip()]
    if not lines:
        raise ListImportError("empty", where=where, found="no rows", expected="one number a line")
    if lines[0].lstrip().startswith("<"):
        raise unrecognised(where, "XML or HTML")
    return lines


def sniff(sample: bytes, where: str) -> Layout:
    """The layout of a file that begins with ``sample`` (whole lines, without a byte order mark).

    Raises ListImportError when it is empty, not text, a list of changes, or not one of the layouts.
    """
    lines = text_lines(sample, where)
    layouts = candidates(lines)
    if not layouts and len(lines) == 1 and not any(c.isdigit() for c in lines[0]):
        raise ListImportError("empty", where=where, found="a header and no rows", expected="one number a line")
    if not layouts:
        odd = next(line for line in lines if not _looks_flat(line))
        raise unrecognised(where, f"lines such as '{shape(odd)}'")
    if len(layouts) > 1:
        raise ambiguous(where, " or ".join(layout.describe() for layout in layouts[:3]))
    layout = layouts[0]
    if layout.places is not None:
        _refuse_marks(lines[1 if layout.header else 0 :], where)
    elif layout.delimiter is not None:
        _refuse_columns(layout, rows_of(layout, lines), where)
    return layout


def rows_of(layout: Layout, lines: list[str]) -> list[list[str]]:
    """The fields of each line after the header that has as many as the layout."""
    rows = [fields(line, layout.delimiter or ",") or [] for line in lines[1 if layout.header else 0 :]]
    return [row for row in rows if len(row) == layout.fields]


def ambiguous(where: str, found: str) -> ListImportError:
    return ListImportError(
        "ambiguous",
        where=where,
        found=f"more than one column that could hold the numbers: {found}",
        expected="one number in a row",
        todo="keep the column that holds the listed number and take the others out",
    )


def unrecognised(where: str, found: str) -> ListImportError:
    return ListImportError(
        "unrecognised",
        where=where,
        found=found,
        expected="lines that hold 10 digits, or 3 and 7 digits, separated by comma, tab, bar or semicolon, or a number at the same place of every row",
        todo="export the list in one of these shapes",
    )


def candidates(lines: list[str]) -> list[Layout]:
    """The layouts in which most of the lines hold a number."""
    flat = Layout(None, 1, 0, None, False)
    if _share(sum(_looks_flat(line) for line in lines), lines):
        return [_headed(flat, lines)]
    whole: list[Layout] = []
    pairs: list[Layout] = []
    for delimiter in DELIMITERS:
        rows = [fields(line, delimiter) or [] for line in lines]
        widths = [len(row) for row in rows]
        width = max(set(widths), key=widths.count)
        if not 0 < width <= _MOST_FIELDS:
            continue
        rows = [row for row in rows if len(row) == width]
        for column in range(width):
            if _share(sum(is_number(row[column]) for row in rows), lines):
                whole.append(Layout(delimiter, width, column, None, False))
        threes = [c for c in range(width) if _share(sum(_is(_THREE, row[c]) for row in rows), lines)]
        sevens = [c for c in range(width) if _share(sum(_is(_SEVEN, row[c]) for row in rows), lines)]
        pairs += [Layout(delimiter, width, three, seven, False) for three in threes for seven in sevens]
    if not whole and not pairs:
        return _fixed(lines)
    if whole and whole[0].fields == 1:
        # A quoted number alone in its row: every delimiter reads it the same way.
        whole = whole[:1]
    return [_headed(layout, lines) for layout in whole or pairs]


def _fixed(lines: list[str]) -> list[Layout]:
    """The layout of fixed width, when the rows hold one number each at the same places."""
    found = [[match.span() for match in _FIXED.finditer(line)] for line in lines]
    body = found[1:] if len(found) > 1 and not found[0] else found
    if not body or not body[0] or len({tuple(spans[:1]) for spans in body if spans}) != 1:
        return []
    if not _share(sum(bool(spans) for spans in body), body):
        return []
    spans = sorted({span for row in body for span in row})
    return [Layout(None, 1, 0, None, body is not found, span) for span in spans]


def _share(good: int, lines: Sequence[object]) -> bool:
    """Whether a reading holds for most rows; one line of two may be a header."""
    return good * 2 > len(lines) or (len(lines) == 2 and good == 1)


def _is(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.fullmatch(text.strip(" ")) is not None


def _looks_flat(line: str) -> bool:
    return (_SPLIT.fullmatch(line) or _WRITTEN.fullmatch(line)) is not None


def body(sample: bytes, layout: Layout) -> tuple[int, int]:
    """Where the rows begin: bytes to pass over (blank lines, a header) and how many lines these are."""
    if not layout.header:
        return 0, 0
    start = lines = 0
    while True:
        end = sample.find(b"\n", start) + 1 or len(sample)
        lines += 1
        if sample[start:end].strip() or end == len(sample):
            return end, lines
        start = end


def _headed(layout: Layout, lines: list[str]) -> Layout:
    """The layout with ``header`` decided: the first row has letters and hardly a digit where the number belongs."""
    first = [lines[0]] if layout.delimiter is None else fields(lines[0], layout.delimiter) or []
    columns = [column for column in (layout.number, layout.line) if column is not None]
    if len(first) != layout.fields:
        return layout
    names = [first[column] for column in columns]
    header = all(any(c.isalpha() for c in name) and sum(c.isdigit() for c in name) <= 2 for name in names)
    return Layout(layout.delimiter, layout.fields, layout.number, layout.line, header)


def _refuse_columns(layout: Layout, rows: list[list[str]], where: str) -> None:
    """Refuse a file whose other columns say that its rows are not one listed number each."""
    for column in range(layout.fields):
        if column in (layout.number, layout.line):
            continue
        # Even one: a second number that is filled in here and there would be left out unseen.
        if any(is_number(row[column]) for row in rows):
            raise ambiguous(where, f"column {column + 1} beside {layout.describe()}")
        marks = {row[column].strip().upper() for row in rows} - {""}
        if marks and marks <= ADDS | DELETES:
            raise _changes(where, f"column {column + 1}")


def _refuse_marks(lines: list[str], where: str) -> None:
    """Refuse a file of fixed width in which a word at the same place says of every row whether it is added or deleted."""
    places: set[int] | None = None
    for line in lines:
        found = {match.start() for match in re.finditer(r"\S+", line) if match[0].upper() in ADDS | DELETES}
        places = found if places is None else places & found
    if places:
        raise _changes(where, f"the word at character {min(places) + 1}")


def _changes(where: str, what: str) -> ListImportError:
    return ListImportError(
        "change_list",
        where=where,
        found=f"a list of changes: {what} says of each row whether it is added or deleted",
        expected="a full list",
        todo="apply it to the version held (apply_changes, `dialguard lists changes`), or import the full list; if every row is "
        "listed, take that column out",
    )
