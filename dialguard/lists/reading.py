"""Source files of lists, taken apart in pieces: opening, unzipping, and rows to arrays of numbers.

Memory does not grow with the file: one piece of about a megabyte is held at a time.
"""

import hashlib
import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from dialguard.lists.bits import FIRST_LINE, FIRST_NPA
from dialguard.lists.errors import BadRow, ListImportError
from dialguard.lists.formats import BOM, SAMPLE, Layout, body, parse_number, parse_row

if TYPE_CHECKING:
    import numpy as np

PIECE = 1 << 20
_QUOTE = ord('"')
_NAME_CODE = re.compile(r"(?:ac|npa|areacode)?([2-9][0-9]{2})", re.IGNORECASE)


class Source:
    """One source file, plain or a zip holding one file, open for reading. Use as a context manager.

    ``digest`` is the SHA-256 of the file as it was given, ``size`` the bytes of text in it, ``names`` its
    name and that of the file inside it. Raises ListImportError when it cannot be read as such.
    """

    def __init__(
        self, path: str | os.PathLike[str], progress: Callable[[int, int], None] | None = None,
        *, recognise: Callable[[bytes, str], Any],
    ) -> None:
        """``recognise`` makes the layout of the beginning of the text and the name of the file."""
        self._recognise = recognise
        self.path = Path(path)
        self.where = self.path.name
        try:
            if not stat.S_ISREG(os.stat(self.path).st_mode):
                raise ListImportError("unreadable", where=self.where, found="not a file", expected="a list file")
            self._file = open(self.path, "rb")
        except OSError as error:
            raise ListImportError(
                "unreadable", where=str(self.path), found=f"the file cannot be opened ({error.strerror})",
                expected="a file that this user may read", todo="check its name and permissions",
            ) from error
        try:
            self._before = self._stamp()
            self.digest = self._hash(progress)
            self._zip: zipfile.ZipFile | None = None
            self.names: tuple[str, ...] = (self.path.name,)
            self.size = self._before[0]
            if self._magic() == b"PK\x03\x04":
                self._open_zip()
            with self._text(0) as text:
                sample = text.read(SAMPLE)
            self._start = len(BOM) if sample.startswith(BOM) else 0
            self.layout, self.first, self.first_line = self._sniff(sample[self._start :])
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _stamp(self) -> tuple[int, int, int]:
        stat = os.fstat(self._file.fileno())
        return stat.st_size, stat.st_mtime_ns, stat.st_ino

    def _hash(self, progress: Callable[[int, int], None] | None) -> str:
        digest, done = hashlib.sha256(), 0
        while piece := self._file.read(PIECE):
            digest.update(piece)
            done += len(piece)
            if done > self._before[0]:
                raise self._changed()
            if progress is not None:
                progress(done, self._before[0])
        return digest.hexdigest()

    def _magic(self) -> bytes:
        self._file.seek(0)
        return self._file.read(4)

    def _open_zip(self) -> None:
        try:
            self._zip = zipfile.ZipFile(self._file)
        except zipfile.BadZipFile as error:
            raise self._torn("the zip file is damaged or cut short") from error
        inside = [info for info in self._zip.infolist() if not info.is_dir()]
        if len(inside) != 1:
            raise ListImportError(
                "zip", where=self.where, found=f"a zip with {len(inside)} files", expected="a zip with one file",
                todo="unpack it and import the list file itself",
            )
        if inside[0].flag_bits & 1:
            raise ListImportError(
                "zip", where=self.where, found="an encrypted zip", expected="a zip without a password",
                todo="unpack it and import the list file itself",
            )
        self._inside = inside[0]
        self.size = inside[0].file_size
        self.names = (self.path.name, inside[0].filename.rsplit("/", 1)[-1])

    def _torn(self, found: str) -> ListImportError:
        return ListImportError("zip", where=self.where, found=found, expected="a whole file", todo="fetch it again")

    @contextmanager
    def _text(self, offset: int) -> Iterator[IO[bytes]]:
        try:
            if self._zip is not None:
                text: IO[bytes] = self._zip.open(self._inside)
            else:
                text = io.BufferedReader(io.FileIO(self._file.fileno(), closefd=False))
            with text:
                text.seek(offset)
                yield text
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise self._torn(f"the zip file cannot be unpacked ({error})") from error

    def _sniff(self, sample: bytes) -> tuple[Any, int, int]:
        self._end = b">" if sample.lstrip()[:1] == b"<" else b"\n"
        if self._start + len(sample) < self.size:
            cut = sample.rfind(self._end) + 1
            if cut == 0:
                raise self._long()
            sample = sample[:cut]
        layout = self._recognise(sample, self.where)
        skipped, lines = body(sample, layout)
        return layout, self._start + skipped, 1 + lines

    def _long(self) -> ListImportError:
        return ListImportError(
            "unrecognised", where=self.where, found="a line that does not end",
            expected="lines that end in LF or CRLF", todo="export the list as text with one row a line",
        )

    def pieces(self, offset: int) -> Iterator[bytes]:
        """The text from ``offset`` (the beginning of a line) in pieces of whole lines, or of whole tags where it is XML."""
        rest = b""
        with self._text(offset) as text:
            while piece := self._read(text):
                offset += len(piece)
                if offset > self.size:
                    raise self._changed()
                cut = piece.rfind(self._end) + 1
                if cut:
                    yield rest + piece[:cut]
                    rest = piece[cut:]
                else:
                    rest += piece
                if len(rest) > 2 * PIECE:
                    raise self._long()
        if rest:
            yield rest

    def _read(self, text: IO[bytes]) -> bytes:
        try:
            return text.read(PIECE)
        except OSError as error:
            raise ListImportError(
                "unreadable", where=self.where, found=f"the file could not be read to its end ({error.strerror})",
                expected="a whole file", todo="check the disk or fetch the file again",
            ) from error

    def expect(self, sha256: str | None) -> None:
        """Raise ListImportError when the file has another SHA-256 than the publisher says; None says nothing."""
        if sha256 is not None and sha256.strip().lower() != self.digest:
            raise ListImportError(
                "digest",
                where=self.where,
                found=f"SHA-256 {self.digest}",
                expected=sha256,
                todo="fetch the file again, or correct the digest expected",
            )

    def unchanged(self) -> None:
        """Raise ListImportError when the file was written to since it was opened."""
        if self._stamp() != self._before:
            raise self._changed()

    def _changed(self) -> ListImportError:
        return ListImportError(
            "changed", where=self.where, found="the file was changed while it was read",
            expected="a finished file", todo="wait until it is complete and import it again",
        )

    def name_codes(self) -> tuple[tuple[str, frozenset[int]], ...]:
        """File names that carry area codes (``202.txt``, ``dnc_ac202_2026.zip``), with those codes."""
        found = []
        for name in self.names:
            words = (_NAME_CODE.fullmatch(word) for word in re.split(r"[^0-9A-Za-z]+", name))
            if codes := frozenset(int(match[1]) for match in words if match):
                found.append((name, codes))
        return tuple(found)


class Rows(NamedTuple):
    """A piece taken apart: area code and line of each good row, how many lines it had, and its bad rows."""

    npa: "np.ndarray"
    line: "np.ndarray"
    lines: int
    bad: list[BadRow]


def parse(layout: Layout, piece: bytes, first_line: int) -> Rows:
    """The rows of a piece of whole lines, the first of which is line ``first_line`` of the file.

    Rows that all look alike are read as arrays; anything else goes row by row through ``parse_row``.
    """
    if layout.places is not None:
        fast = _placed(layout.places, piece)
    else:
        fast = flat(layout, piece) if layout.delimiter is None else _columns(layout, piece)
    if fast is None:
        return slow(layout, piece, first_line)
    return Rows(fast[0], fast[1], len(fast[0]), [])


def slow(layout: Layout, piece: bytes, first_line: int) -> Rows:
    """What ``parse`` means, row by row."""
    import numpy as np

    lines = piece.split(b"\n")
    if not lines[-1]:
        lines.pop()
    npas: list[int] = []
    rest: list[int] = []
    bad: list[BadRow] = []
    for number, line in enumerate(lines, first_line):
        row = parse_row(layout, line.decode("utf-8", "replace"))
        if type(row) is tuple:
            npas.append(row[0])
            rest.append(row[1])
        elif row is not None:
            bad.append(BadRow(number, row))
    return Rows(np.array(npas, np.uint16), np.array(rest, np.uint32), len(lines), bad)


def flat(layout: Layout, piece: bytes) -> "tuple[np.ndarray, np.ndarray] | None":
    """Area codes and lines of a piece whose rows are numbers all written alike and good; None when they are not."""
    import numpy as np

    piece = _ended(piece)
    width = piece.find(b"\n") + 1
    if len(piece) % width:
        return None
    if type(parse_row(layout, piece[: width - 1].decode("latin-1"))) is not tuple:
        return None
    columns = np.frombuffer(piece, np.uint8).reshape(-1, width).T
    return _numbers(np.ascontiguousarray(columns), piece[:width])


def _placed(places: tuple[int, int], piece: bytes) -> "tuple[np.ndarray, np.ndarray] | None":
    """The same for rows of fixed width; None also where a digit stands beside the number."""
    import numpy as np

    piece = _ended(piece)
    width = piece.find(b"\n") + 1
    start, end = places
    if len(piece) % width or end >= width or not piece.isascii():
        return None
    columns = np.frombuffer(piece, np.uint8).reshape(-1, width).T
    beside = [columns[place] for place in (start - 1, end) if place >= 0]
    if (columns[-1] != 10).any() or (columns[:-1] == 10).any() or any(((digits >= 48) & (digits <= 57)).any() for digits in beside):
        return None
    part = np.ascontiguousarray(columns[start:end])
    first = part[:, 0].tobytes()
    return _numbers(part, first) if type(parse_number(first.decode("latin-1"))) is tuple else None


class Cut(NamedTuple):
    """A piece whose rows all have the fields of a layout: its bytes, and where each field begins and ends, row by row."""

    data: "np.ndarray"
    starts: "list[np.ndarray]"
    ends: "list[np.ndarray]"

    def column(self, field: int) -> "np.ndarray | None":
        """The characters of a field, place by place; None when it is not equally wide in every row, or wider than 40."""
        import numpy as np

        length = self.ends[field] - self.starts[field]
        width = int(length[0])
        if (length != width).any() or not 0 < width <= 40:
            return None
        return self.data[self.starts[field] + np.arange(width)[:, None]]


def cut(layout: Layout, piece: bytes) -> Cut | None:
    """Where the fields lie; None when a row has another number of them, or quotes."""
    import numpy as np

    piece = _ended(piece)
    data = np.frombuffer(piece, np.uint8)
    if _QUOTE in piece:
        return None
    ends = np.flatnonzero(data == 10)
    starts = np.concatenate(([0], ends[:-1] + 1))
    ends = ends - (data[ends - 1] == 13)
    marks = np.flatnonzero(data == ord(layout.delimiter or ""))
    if len(marks) != len(ends) * (layout.fields - 1):
        return None
    marks = marks.reshape(len(ends), layout.fields - 1)
    if layout.fields > 1 and not ((marks[:, 0] >= starts).all() and (marks[:, -1] < ends).all()):
        return None
    between = [marks[:, place] for place in range(layout.fields - 1)]
    return Cut(data, [starts, *(mark + 1 for mark in between)], [*between, ends])


def _columns(layout: Layout, piece: bytes) -> "tuple[np.ndarray, np.ndarray] | None":
    found = cut(layout, piece)
    return None if found is None else numbers(layout, found)


def numbers(layout: Layout, found: Cut) -> "tuple[np.ndarray, np.ndarray] | None":
    """Area codes and lines of the rows; None when they are not all written alike and good."""
    import numpy as np

    grid = []
    for column in (layout.number,) if layout.line is None else (layout.number, layout.line):
        part = found.column(column)
        if part is None or (layout.line is not None and len(part) != (3, 7)[len(grid) > 0]):
            return None
        grid.append(part)
    columns = np.concatenate(grid)
    first = columns[:, 0].tobytes()
    return _numbers(columns, first) if type(parse_number(first.decode("latin-1"))) is tuple else None


def _numbers(columns: "np.ndarray", first: bytes) -> "tuple[np.ndarray, np.ndarray] | None":
    """Area codes and lines from characters by column, when every row is written as the good row ``first``."""
    import numpy as np

    places = [place for place, c in enumerate(first) if 48 <= c <= 57][-10:]
    for place in range(len(first)):
        if place not in places and (columns[place] != first[place]).any():
            return None
    digits = columns[places] - 48
    if digits.max() > 9 or digits[0].min() < FIRST_NPA // 100:
        return None
    npa = digits[0].astype(np.uint16)
    for row in digits[1:3]:
        npa = npa * np.uint16(10) + row
    line = digits[3].astype(np.uint32)
    for row in digits[4:]:
        line = line * np.uint32(10) + row
    return None if line.min() < FIRST_LINE else (npa, line)


def _ended(piece: bytes) -> bytes:
    """The piece with its last line ended as its first one is."""
    if piece.endswith(b"\n"):
        return piece
    return piece + (b"\r\n" if piece[: piece.find(b"\n") + 1].endswith(b"\r\n") else b"\n")
