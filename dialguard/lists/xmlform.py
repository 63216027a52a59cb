"""Lists in XML as the national registry has them: ``<ph val='5550123'/>`` inside a ``list`` or ``ac`` element with the area code.

::

    <list val='423'><ph val='5550123' /> ...        <list><ac val='423'><ph val='5550123' /> ...

A ``val`` shorter than seven digits lacks zeros on its left; one of ten holds the area code too. In a list of changes a ``ph`` has two
more attributes, known by what they hold: A or D (or a word for them) and a date. A file is read as a stream of tags, so that its size
is no matter; what is not one of these tags is a bad row, or where the file cannot be read at all a refusal.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dialguard.lists.changefile import ChangeRows, mark_of, stamp
from dialguard.lists.errors import BadRow, ListImportError
from dialguard.lists.formats import ADDS, DELETES, checked, shape, unrecognised
from dialguard.lists.reading import Rows

if TYPE_CHECKING:
    import numpy as np

_TAG = re.compile(
    r"<(?:\?[^>]*\?|!--[^>]*--|!DOCTYPE[^<>\[]*|(?P<close>/?)(?P<name>[A-Za-z_][\w.:-]*)"
    r"(?P<attributes>(?:\s+[\w.:-]+\s*=\s*(?:'[^'<>]*'|\"[^\"<>]*\"))*)\s*(?P<empty>/?))>"
)
_ATTRIBUTE = re.compile(r"([\w.:-]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\")")
_AREAS = frozenset(("list", "ac"))
_OTHER = re.compile(rb"(<(?!ph\s)[^>]*>)")
_ALL = re.compile(rb"(?:\s*<ph\s+val\s*=\s*(?:'[0-9]{7}'|\"[0-9]{7}\")\s*/>)*\s*")
_VAL = re.compile(rb"[0-9]{7}")


@dataclass(frozen=True, slots=True)
class XmlLayout:
    """How to read an XML file. In a list of changes ``mark`` and ``date`` name attributes of ``ph``; ``date`` None: it has none."""

    mark: str | None = None
    date: str | None = None
    header: bool = False

    def describe(self) -> str:
        """The layout in words."""
        if self.mark is None:
            return "XML"
        return f"changes in XML, added or deleted in {self.mark}, {'no date' if self.date is None else f'date in {self.date}'}"


class _Element(NamedTuple):
    """A tag: its name in small letters ('' for a comment or declaration), its attributes, whether it closes, or why it is none."""

    line: int
    name: str
    attributes: dict[str, str]
    closes: bool
    wrong: str


def is_xml(sample: bytes) -> bool:
    """Whether a text begins as XML does."""
    return sample.lstrip()[:1] == b"<"


def sniff_xml(sample: bytes, where: str, changes: bool) -> XmlLayout:
    """The layout of a file that begins with ``sample`` (whole tags). Raises ListImportError when it is not a list, or not of the kind."""
    elements = list(_elements(sample, 1))
    numbers = [element.attributes for element in elements if element.name == "ph" and not element.wrong]
    if not numbers:
        names = sorted({shape(element.name) for element in elements if element.name})
        raise unrecognised(
            where, f"XML or HTML without <ph val='...'/> in its beginning{' (' + ', '.join(names[:5]) + ')' if names else ''}"
        )
    values: dict[str, set[str]] = {}
    for attributes in numbers:
        for name, value in attributes.items():
            values.setdefault(name, set()).add(value.strip())
    others = {name: held - {""} for name, held in values.items() if name != "val"}
    marks = [name for name, held in others.items() if held and {value.upper() for value in held} <= ADDS | DELETES]
    dates = [name for name, held in others.items() if held and name not in marks and all(stamp(value) is not None for value in held)]
    strange = sorted(set(others) - {*marks, *dates})
    if strange or len(marks) > 1 or (changes and len(dates) > 1):
        found = f"attributes of ph beside its number: {', '.join(sorted(others))}"
        raise ListImportError("ambiguous", where=where, found=found, expected="A or D, and a date, in a list of changes; none else")
    if marks and not changes:
        raise ListImportError(
            "change_list", where=where, found=f"a list of changes: {marks[0]} says of each number whether it is added or deleted",
            expected="a full list", todo="apply it to the version held (apply_changes, `dialguard lists changes`), or import the full list",
        )
    if changes and not marks:
        raise ListImportError(
            "not_changes", where=where, found="numbers of which nothing says whether they are added or deleted",
            expected="a list of changes", todo="import a full list with `dialguard lists import`",
        )
    return XmlLayout(marks[0], dates[0] if dates else None) if changes else XmlLayout()


def _elements(piece: bytes, first_line: int) -> Iterator[_Element]:
    """The tags of a text, and what is between them and should not be."""
    text = piece.decode("utf-8", "replace")
    place, line = 0, first_line
    for match in _TAG.finditer(text):
        between = text[place : match.start()]
        if between.strip():
            yield _stray(line, between)
        line += text.count("\n", place, match.end())
        place = match.end()
        if match["name"] is not None:
            found = {name.lower(): one or two for name, one, two in _ATTRIBUTE.findall(match["attributes"])}
            yield _Element(line, match["name"].lower(), found, bool(match["close"]), "")
    if text[place:].strip():
        yield _stray(line, text[place:])


def _stray(line: int, text: str) -> _Element:
    before = len(text) - len(text.lstrip())
    return _Element(line + text.count("\n", 0, before), "", {}, False, f"'{shape(text.strip())}' where a tag belongs")


def parse_xml(
    layout: XmlLayout, piece: bytes, first_line: int, code: int | None
) -> tuple[Rows, int | None]:
    """The numbers of a piece of whole tags, and the area code that holds after it. ``code`` is the one that held before.
    ``lines`` of the rows counts the ends of lines in the piece."""
    fast = _fast(piece, code)
    if fast is not None:
        return fast
    rows, bad, code = _walk(layout, piece, first_line, code)
    return Rows(*_arrays(rows)[:2], piece.count(b"\n"), bad), code


def parse_xml_changes(
    layout: XmlLayout, piece: bytes, first_line: int, code: int | None
) -> tuple[ChangeRows, int | None]:
    """The same for a list of changes."""
    rows, bad, code = _walk(layout, piece, first_line, code)
    npa, line, at, added = _arrays(rows)
    return ChangeRows(npa, line, at, added.astype(bool), piece.count(b"\n"), bad), code


def _arrays(rows: list[tuple[int, int, int, bool]]) -> "tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]":
    import numpy as np

    table = np.array(rows, np.int64).reshape(len(rows), 4)
    return table[:, 0].astype(np.uint16), table[:, 1].astype(np.uint32), table[:, 2], table[:, 3]


def _fast(piece: bytes, code: int | None) -> tuple[Rows, int | None] | None:
    """The numbers where every ``ph`` is written alike and good; None where one is not, to be read tag by tag."""
    import numpy as np

    npas, lines = [], []
    for place, part in enumerate(_OTHER.split(piece)):
        if place % 2:
            found = list(_elements(part, 0))
            if any(element.name == "ph" for element in found):
                return None
            step = _area(found[0]) if len(found) == 1 else None if not found else "not one tag"
            if type(step) is str:
                return None
            code = code if step is None else step or None
            continue
        if not part.strip():
            continue
        if code is None or not _ALL.fullmatch(part):
            return None
        digits = np.frombuffer(b"".join(_VAL.findall(part)), np.uint8).reshape(-1, 7) - 48
        line = digits[:, 0].astype(np.uint32)
        for column in range(1, 7):
            line = line * np.uint32(10) + digits[:, column]
        if line.min() < 2_000_000:
            return None
        npas.append(np.full(len(line), code, np.uint16))
        lines.append(line)
    none = np.empty(0, np.uint16)
    rows = Rows(np.concatenate(npas or [none]), np.concatenate(lines or [none.astype(np.uint32)]), piece.count(b"\n"), [])
    return rows, code


def _area(element: _Element) -> int | str | None:
    """The area code that begins with a tag other than ``ph``; 0 where one ends, None where nothing changes, or why it is bad."""
    if element.wrong:
        return element.wrong
    if element.name not in _AREAS:
        return f"a tag {shape(element.name)} with a val" if "val" in element.attributes else None
    if element.closes:
        return 0
    val = element.attributes.get("val")
    if val is None:
        return 0
    good = re.fullmatch(r"[2-9][0-9]{2}", val.strip())
    return int(val) if good else f"'{shape(val)}' where an area code of 3 digits belongs"


def _walk(
    layout: XmlLayout, piece: bytes, first_line: int, code: int | None
) -> tuple[list[tuple[int, int, int, bool]], list[BadRow], int | None]:
    rows: list[tuple[int, int, int, bool]] = []
    bad: list[BadRow] = []
    for element in _elements(piece, first_line):
        if element.name != "ph":
            step = _area(element)
            if type(step) is str:
                bad.append(BadRow(element.line, step))
            elif step is not None:
                code = int(step) or None
        elif not element.closes:
            row = _number(layout, element.attributes, code)
            if type(row) is str:
                bad.append(BadRow(element.line, row))
            else:
                rows.append(row)  # type: ignore[arg-type]
    return rows, bad, code


def _number(layout: XmlLayout, attributes: dict[str, str], code: int | None) -> tuple[int, int, int, bool] | str:
    val = attributes.get("val", "").strip()
    if not re.fullmatch(r"[0-9]{1,7}|[0-9]{10}", val):
        return f"'{shape(val)}' where a number of 7 digits belongs"
    if len(val) < 10 and code is None:
        return "a number before any area code"
    number = checked(val[:3], val[3:]) if len(val) == 10 else checked(str(code), val.zfill(7))
    if type(number) is str:
        return number
    if layout.mark is None:
        return (*number, 0, True)  # type: ignore[return-value]
    added, at = mark_of(attributes.get(layout.mark, "")), 0
    if added is None:
        return f"'{shape(attributes.get(layout.mark, ''))}' where A or D belongs"
    if layout.date is not None:
        moment = stamp(attributes.get(layout.date, ""))
        if moment is None:
            return f"'{shape(attributes.get(layout.date, ''))}' where a date belongs"
        at = moment
    return (*number, at, added)  # type: ignore[return-value]
