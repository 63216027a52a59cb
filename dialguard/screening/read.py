"""Lists of people to be called, as files: CSV and its kin, tab-separated, NDJSON, Parquet; read in chunks, nothing dropped.

What a file cannot be read as is said before anything is written: the file, what was found, what was expected.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import polars as pl

from dialguard.model import strict
from dialguard.screening.source import Chunk, Source, TableError

CHUNK = 20_000
"""Rows of text that are read, looked up and written together."""

SUFFIXES = {
    ".csv": "text", ".txt": "text", ".psv": "text", ".tsv": "tab", ".tab": "tab",
    ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_DELIMITERS = (",", "\t", "|", ";")
_LONGEST_FIELD = 1 << 20
_EXPECTED = "a file whose name ends in .csv, .tsv, .txt, .psv, .ndjson, .jsonl or .parquet (the text kinds also with .gz)"


def kind_of(path: Path) -> tuple[str, bool]:
    """The kind of a file by its name, and whether it is gzipped; raises TableError."""
    name = path.name.lower()
    zipped = name.endswith(".gz")
    kind = SUFFIXES.get(Path(name.removesuffix(".gz")).suffix)
    if kind is None or (zipped and kind == "parquet"):
        raise TableError(f"{path}: the name does not say what kind of file it is; expected {_EXPECTED}")
    return kind, zipped


def open_source(path: Path, encoding: str = "utf-8", quotes: bool = True) -> Source:
    """Open a file by the kind that its name says. ``quotes`` False reads quotation marks as plain characters."""
    kind, zipped = kind_of(path)
    try:
        if not path.is_file():
            raise TableError(f"{path}: {'not a file' if path.exists() else 'there is no such file'}")
        if path.stat().st_size == 0:
            raise TableError(f"{path}: the file is empty; expected a header line and rows")
        if kind == "parquet":
            from dialguard.screening.parquet import Parquet

            return Parquet(path)
        return (_Objects if kind == "ndjson" else _Text)(path, zipped, encoding, quotes and kind != "tab", kind == "tab")
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}") from None


def _magic(path: Path, head: bytes, zipped: bool) -> None:
    if zipped != head.startswith(b"\x1f\x8b"):
        raise TableError(f"{path}: the content is {'not ' if zipped else ''}gzipped, against its name; rename it or fetch it again")
    known = {
        b"PK\x03\x04": "a zip archive or an Excel workbook; save the sheet as CSV",
        b"\xd0\xcf\x11\xe0": "an Excel workbook of the old kind; save the sheet as CSV",
        b"PAR1": "a Parquet file; give it the suffix .parquet",
        b"%PDF": "a PDF",
    }
    for magic, what in known.items():
        if head.startswith(magic):
            raise TableError(f"{path}: the file is {what}")


class _Lines(Source):
    """What text files share: bytes counted as they are read, an encoding that is not guessed, gzip."""

    def __init__(self, path: Path, zipped: bool, encoding: str) -> None:
        super().__init__(path)
        self.encoding = encoding
        self.zipped = zipped
        self.size = path.stat().st_size
        self._raw = open(path, "rb")
        head = self._raw.read(4)
        self._raw.seek(0)
        try:
            _magic(path, head, zipped)
            if head[:2] in (b"\xff\xfe", b"\xfe\xff") and encoding == "utf-8":
                raise TableError(f"{path}: the file is UTF-16 and not UTF-8; say --encoding utf-16")
            "".encode(encoding)
        except LookupError:
            self.close()
            raise TableError(f"encoding {encoding!r} is not known; usual ones are utf-8, utf-16, cp1252, latin-1") from None
        except TableError:
            self.close()
            raise

    def _open(self, newline: str) -> IO[str]:
        self._raw.seek(0)
        stream: IO[bytes] = gzip.GzipFile(fileobj=self._raw) if self.zipped else self._raw
        name = "utf-8-sig" if self.encoding.replace("_", "-").lower() in ("utf-8", "utf8") else self.encoding
        return io.TextIOWrapper(stream, name, newline=newline)

    @property
    def done(self) -> int:
        try:
            return self._raw.tell()
        except ValueError:  # closed: all was read
            return self.size

    def close(self) -> None:
        self._raw.close()

    def _trouble(self, error: Exception, line: int) -> TableError:
        if isinstance(error, UnicodeDecodeError):
            byte, line = self._bad_byte()
            return TableError(
                f"{self.path}: line {line:,} holds byte 0x{byte:02x}, which is not valid {self.encoding.upper()}; "
                "save the file as UTF-8, or name its encoding: --encoding cp1252"
            )
        if isinstance(error, (EOFError, zlib.error, gzip.BadGzipFile)):
            return TableError(f"{self.path}: the compressed file ends early or is damaged (after line {line:,}); fetch it again")
        return TableError(f"{self.path}: line {line:,}: {error}")

    def _bad_byte(self) -> tuple[int, int]:
        """The first byte that does not decode, and its line."""
        self._raw.seek(0)
        stream: IO[bytes] = gzip.GzipFile(fileobj=self._raw) if self.zipped else self._raw
        for number, line in enumerate(stream, 1):
            try:
                line.decode(self.encoding)
            except UnicodeDecodeError as error:
                return error.object[error.start], number
        return 0, 0


_TROUBLE = (UnicodeError, EOFError, zlib.error, gzip.BadGzipFile)


class _Text(_Lines):
    """Rows of fields: comma, semicolon or bar with quotes, tab without."""

    def __init__(self, path: Path, zipped: bool, encoding: str, quotes: bool, tab: bool) -> None:
        super().__init__(path, zipped, encoding)
        try:
            first = ""
            while first.strip() == "":
                first = self._first(first)
            self.delimiter = "\t" if tab else max(_DELIMITERS, key=first.count)
            self.quotes = quotes and self.delimiter != "\t"
            self._rows = self._records()
            header = next((row for row in self._rows if any(field.strip() for field in row)), [])
        except BaseException:
            self.close()
            raise
        self.columns = [field.strip() for field in header]
        if "\x00" in "".join(self.columns):
            self.close()
            raise TableError(f"{path}: the file is not text (its first line holds null bytes)")

    def _first(self, before: str) -> str:
        """The next line of the header's text; the file is empty when there is none."""
        if not hasattr(self, "_sample"):
            self._sample = self._open("\n")
        try:
            line = self._sample.readline(_LONGEST_FIELD)
        except _TROUBLE as error:
            raise self._trouble(error, 1) from None
        if not line:
            raise TableError(f"{self.path}: the file is empty; expected a header line and rows")
        return before + line

    def _records(self) -> Iterator[list[str]]:
        self._sample.detach()
        text = self._open("" if self.quotes else "\n")
        line = 0
        try:
            if not self.quotes:
                for line, record in enumerate(text, 1):
                    yield record.rstrip("\r\n").split(self.delimiter)
                return
            csv.field_size_limit(_LONGEST_FIELD)
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            for record in reader:
                line = reader.line_num
                yield record or [""]
        except csv.Error as error:
            line = reader.line_num
            raise TableError(
                f"{self.path}: near line {line:,}: {error}: a quotation mark stands where none belongs or is not closed; "
                "mend it, or say --no-quotes where quotation marks are plain characters"
            ) from None
        except _TROUBLE as error:
            raise self._trouble(error, line) from None

    def chunks(self) -> Iterator[Chunk]:
        width = len(self.columns)
        rows: list[list[object]] = []
        broken: dict[int, str] = {}
        blank = 0
        for record in self._rows:
            if len(record) == 1 and not record[0].strip():
                blank += 1  # blank lines count once it is seen that they are not the file's end
                continue
            for row in (*([""] for _ in range(blank)), record):
                if len(row) != width:
                    if row != [""]:
                        broken[len(rows)] = f"the row has {len(row)} fields where the header names {width}"
                    row = row[: width - 1] + [" ".join(row[width - 1 :])] if len(row) > width else row + [""] * (width - len(row))
                rows.append(row)
                if len(rows) == CHUNK:
                    yield _chunk(rows, broken)
                    rows, broken = [], {}
            blank = 0
        if rows:
            yield _chunk(rows, broken)


class _Objects(_Lines):
    """NDJSON: one object a line; the columns are all keys of all objects, found by reading the file twice."""

    def __init__(self, path: Path, zipped: bool, encoding: str, quotes: bool, tab: bool) -> None:
        super().__init__(path, zipped, encoding)
        try:
            names: dict[str, None] = {}
            for found in self._objects():
                names.update(dict.fromkeys(found))
        except BaseException:
            self.close()
            raise
        self.columns = list(names)

    def _objects(self) -> Iterator[dict[str, object]]:
        line = 0
        text = self._open("\n")
        try:
            for line, written in enumerate(text, 1):
                if not written.strip():
                    continue
                found = strict.loads(written)
                if not isinstance(found, dict):
                    raise TableError(f"{self.path}: line {line:,}: found {type(found).__name__}, expected an object")
                yield found
        except json.JSONDecodeError as error:
            raise TableError(f"{self.path}: line {line:,} is not JSON ({error.msg}, column {error.colno})") from None
        except UnicodeDecodeError as error:
            raise self._trouble(error, line) from None
        except ValueError as error:
            raise TableError(f"{self.path}: line {line:,}: {error}") from None
        except RecursionError:
            raise TableError(f"{self.path}: line {line:,} is nested too deeply") from None
        except _TROUBLE as error:
            raise self._trouble(error, line) from None
        finally:
            text.detach()

    def chunks(self) -> Iterator[Chunk]:
        objects: list[dict[str, object]] = []
        for found in self._objects():
            objects.append(found)
            if len(objects) == CHUNK:
                yield self._chunk(objects)
                objects = []
        if objects:
            yield self._chunk(objects)

    def _chunk(self, objects: list[dict[str, object]]) -> Chunk:
        return Chunk(len(objects), lambda place: series_of([found.get(self.columns[place]) for found in objects]), {}, objects)


def _chunk(rows: list[list[str]], broken: dict[int, str]) -> Chunk:
    columns = list(zip(*rows, strict=True))
    return Chunk(len(rows), lambda place: pl.Series(columns[place], dtype=pl.String), broken, rows)


def series_of(values: Sequence[object]) -> pl.Series:
    """A column of values as they come, None where there is none; those of several kinds stay Python objects."""
    kinds = {type(value) for value in values} - {type(None)}
    if len(kinds) == 1 and kinds <= {str, int, float, bool}:
        try:
            return pl.Series(values)
        except (UnicodeEncodeError, OverflowError, TypeError, pl.exceptions.PolarsError):  # half a character; a number of 400 digits
            pass
    if not kinds:
        return pl.Series([None] * len(values), dtype=pl.Null)
    return pl.Series(values, dtype=pl.Object)
