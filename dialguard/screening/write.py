"""The result of a screen as a file: whole or absent, and never over another file unless told."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from dialguard.screening.read import Chunk, Source, TableError, kind_of
from dialguard.screening.screen import COLUMNS, Row

_MARK = ".dialguard-part"


class Output:
    """A file in the making. Use as a context manager and ``commit`` at the end; left without it, nothing remains.

    The rows go into a hidden file beside ``path``, which takes its place in one step. Raises TableError where ``path``
    exists (unless ``force``), is the source itself, or cannot be written.
    """

    def __init__(self, path: Path, source: Source, force: bool = False) -> None:
        self.path, self.force = path, force
        kind, self._zipped = kind_of(path)
        self._source = source
        self._keep = [place for place, name in enumerate(source.columns) if name not in COLUMNS]
        self.columns = [source.columns[place] for place in self._keep] + list(COLUMNS)
        if path.exists() and path.samefile(source.path):
            raise TableError(f"{path}: the output would take the place of the input; give it another name")
        self._refuse_existing()
        doubled = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if kind in ("ndjson", "parquet") and doubled:
            raise TableError(f"{path}: the column {doubled[0]!r:.60} stands twice, which such a file cannot hold; write a .csv")
        self._temporary, self._file = self._begin()
        self._write = {"text": self._text, "tab": self._text, "ndjson": self._objects, "parquet": self._batch}[kind]
        self._delimiter = _delimiter(path, kind, source)
        self._quoted = self._delimiter != "\t"
        self._parquet: object | None = None
        self._rows = 0
        if kind in ("text", "tab"):
            try:
                self._guarded(self._lines, [self.columns])
            except TableError:
                self.__exit__(None, None, None)
                raise

    def write(self, chunk: Chunk, rows: Sequence[Row]) -> None:
        """Write a chunk of the source with the answers to its rows."""
        self._guarded(self._write, chunk, rows)
        self._rows += len(rows)

    def commit(self) -> None:
        """Bring the file to the disk and to its place."""
        self._guarded(self._finish)
        self._refuse_existing()
        try:
            os.replace(self._temporary, self.path)
        except OSError as error:
            raise self._failed(error) from None

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._parquet is not None:
                self._parquet.close()
            self._file.close()
        except Exception:  # what could not be written was reported when it was
            pass
        self._temporary.unlink(missing_ok=True)

    def _refuse_existing(self) -> None:
        if self.path.exists() and not self.force:
            raise TableError(f"{self.path} exists; give another name, or say --force to replace it")

    def _begin(self) -> tuple[Path, IO]:
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", suffix=_MARK, dir=self.path.parent)
        except OSError as error:
            raise self._failed(error) from None
        os.fchmod(handle, 0o666 & ~_umask())
        raw = os.fdopen(handle, "wb")
        return Path(name), gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) if self._zipped else raw

    def _failed(self, error: OSError) -> TableError:
        return TableError(f"{self.path}: cannot be written ({error.strerror or error}); nothing was left behind")

    def _guarded(self, act, *arguments) -> None:
        try:
            act(*arguments)
        except OSError as error:
            raise self._failed(error) from None

    def _finish(self) -> None:
        if self._write == self._batch:
            if self._parquet is None:
                raise TableError(f"{self.path}: there were no rows")
            self._parquet.close()
            self._parquet = None
        raw = self._file.fileobj if self._zipped else self._file
        if self._zipped:
            self._file.close()
        if not raw.closed:
            raw.flush()
            os.fsync(raw.fileno())
            raw.close()

    def _text(self, chunk: Chunk, rows: Sequence[Row]) -> None:
        keep = self._keep
        self._lines([*(_cell(row[place]) for place in keep), *map(_cell, answer.cells)] for row, answer in zip(chunk.rows, rows, strict=True))

    def _lines(self, records) -> None:
        text = io.StringIO()
        if self._quoted:
            csv.writer(text, delimiter=self._delimiter, lineterminator="\n").writerows(records)
        else:
            for place, record in enumerate(records, self._rows + 1):
                if any("\t" in field or "\n" in field for field in record):
                    raise TableError(
                        f"{self.path}: row {place:,} holds a tab or a line break, which tab-separated text cannot; write a .csv"
                    )
                text.write("\t".join(record) + "\n")
        self._file.write(text.getvalue().encode("utf-8", "surrogatepass"))

    def _objects(self, chunk: Chunk, rows: Sequence[Row]) -> None:
        lines = []
        for place, answer in enumerate(rows):
            row = chunk.rows[place]
            if isinstance(chunk.native, list):
                found = {name: value for name, value in chunk.native[place].items() if name not in COLUMNS}
            else:
                found = {self._source.columns[at]: row[at] for at in self._keep}
            found.update(zip(COLUMNS, (cell if cell != "" else None for cell in answer.cells), strict=True))
            lines.append(json.dumps(found, ensure_ascii=False, default=str) + "\n")
        self._file.write("".join(lines).encode("utf-8", "surrogatepass"))

    def _batch(self, chunk: Chunk, rows: Sequence[Row]) -> None:
        import pyarrow
        from pyarrow import parquet

        if isinstance(chunk.native, pyarrow.RecordBatch):
            arrays = [chunk.native.column(at) for at in self._keep]
            fields = [chunk.native.schema.field(at) for at in self._keep]
        else:
            arrays = [pyarrow.array([_text_or_none(row[at]) for row in chunk.rows], pyarrow.string()) for at in self._keep]
            fields = [pyarrow.field(self._source.columns[at], pyarrow.string()) for at in self._keep]
        for name, cells in zip(COLUMNS, zip(*(row.cells for row in rows), strict=True), strict=True):
            kind = pyarrow.int64() if name == "dg_duplicate_of" else pyarrow.string()
            arrays.append(pyarrow.array([cell if cell != "" else None for cell in cells], kind))
            fields.append(pyarrow.field(name, kind))
        schema = pyarrow.schema(fields)
        if self._parquet is None:
            self._parquet = parquet.ParquetWriter(self._file, schema)
        self._parquet.write_batch(pyarrow.RecordBatch.from_arrays(arrays, schema=schema))


def _delimiter(path: Path, kind: str, source: Source) -> str:
    """What the name promises; where it leaves a choice, that of the source."""
    name = path.name.lower().removesuffix(".gz")
    if kind == "tab":
        return "\t"
    if name.endswith(".psv"):
        return "|"
    if name.endswith(".csv"):
        return ";" if source.delimiter == ";" else ","
    return source.delimiter or "\t"


def _cell(value: object) -> str:
    """A value as text; nested ones as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list, bool)) else str(value)


def _text_or_none(value: object) -> str | None:
    return None if value is None else _cell(value)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
