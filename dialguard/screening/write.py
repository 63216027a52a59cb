"""The result of a screen as a file: whole or absent, and never over another file unless told."""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

import polars as pl

from dialguard.screening.answers import COLUMNS
from dialguard.screening.cells import Cells
from dialguard.screening.read import kind_of, series_of
from dialguard.screening.source import Chunk, Source, TableError
from dialguard.screening.screen import Screened

if TYPE_CHECKING:
    import pyarrow

_MARK = ".dialguard-part"


class Output:
    """A file in the making. Use as a context manager and ``commit`` at the end; left without it, nothing remains.

    The rows go into a hidden file beside ``path``, which takes its place in one step. Raises TableError where ``path``
    exists (unless ``force``), is the source itself, or cannot be written.
    """

    def __init__(self, path: Path, source: Source, force: bool = False, added: Sequence[str] = COLUMNS) -> None:
        """``added``: which of COLUMNS to write."""
        self.path, self.force = path, force
        self._added = [place for place, name in enumerate(COLUMNS) if name in added]
        kind, self._zipped = kind_of(path)
        self._source = source
        self._keep = [place for place, name in enumerate(source.columns) if name not in COLUMNS]
        self._answers = [COLUMNS[place] for place in self._added]
        self.columns = [source.columns[place] for place in self._keep] + self._answers
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
                self._guarded(self._lines, [pl.Series([name or None], dtype=pl.String) for name in self.columns])
            except TableError:
                self.__exit__(None, None, None)
                raise

    def write(self, chunk: Chunk, cells: Cells, rows: Screened) -> None:
        """Write a chunk of the source with the answers to its rows."""
        self._guarded(self._write, chunk, cells, rows)
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

    def _text(self, chunk: Chunk, cells: Cells, rows: Screened) -> None:
        self._lines([*(_as_text(chunk.series(place)) for place in self._keep), *map(_as_text, self._of(cells.series(rows)))])

    def _lines(self, columns: list[pl.Series]) -> None:
        frame = pl.DataFrame([column.alias(str(place)) for place, column in enumerate(columns)])
        if not self._quoted:
            broken = frame.select(pl.any_horizontal(pl.all().str.contains(r"[\t\n\r]")).fill_null(False)).to_series().arg_true()
            if len(broken):
                raise TableError(
                    f"{self.path}: row {self._rows + broken[0] + 1:,} holds a tab or a line break, which tab-separated text cannot; write a .csv"
                )
        text = io.BytesIO()
        frame.write_csv(text, include_header=False, separator=self._delimiter, quote_style="necessary" if self._quoted else "never")
        self._file.write(text.getbuffer())

    def _objects(self, chunk: Chunk, cells: Cells, rows: Screened) -> None:
        answers = pl.DataFrame(self._of(cells.series(rows))).iter_rows()
        lines = []
        if chunk.native and isinstance(chunk.native, list) and isinstance(chunk.native[0], dict):
            found = ({name: value for name, value in entry.items() if name not in COLUMNS} for entry in chunk.native)
        else:
            names = [self._source.columns[place] for place in self._keep]
            found = (
                dict(zip(names, row, strict=True)) for row in zip(*(chunk.series(place).to_list() for place in self._keep), strict=True)
            )
        for entry, answer in zip(found, answers, strict=True):
            entry.update(zip(self._answers, answer, strict=True))
            lines.append(json.dumps(entry, ensure_ascii=False, default=str) + "\n")
        self._file.write("".join(lines).encode("utf-8", "surrogatepass"))

    def _of(self, columns: list) -> list:
        return [columns[place] for place in self._added]

    def _batch(self, chunk: Chunk, cells: Cells, rows: Screened) -> None:
        import pyarrow
        from pyarrow import parquet

        if isinstance(chunk.native, pyarrow.RecordBatch):
            arrays = [chunk.native.column(at) for at in self._keep]
            fields = [self._source.schema.field(at) for at in self._keep]
        else:
            arrays = [_as_text(chunk.series(at)).to_arrow() for at in self._keep]
            fields = [pyarrow.field(self._source.columns[at], array.type) for at, array in zip(self._keep, arrays, strict=True)]
        added = cells.arrays(rows, self._added)
        fields += [pyarrow.field(name, array.type) for name, array in zip(self._answers, added, strict=True)]
        told_schema = pyarrow.schema(fields)
        # Texts that came as dictionaries are written as such, which is quicker; for readers they stay texts.
        schema = pyarrow.schema([field.with_type(array.type) for field, array in zip(fields, [*arrays, *added], strict=True)])
        if self._parquet is None:
            # Of texts, answers among them, nobody asks the least and the greatest.
            told = [
                field.name
                for field in fields[: len(arrays)]
                if not pyarrow.types.is_string(field.type) and not pyarrow.types.is_dictionary(field.type)
            ]
            short = [field.name for field, array in zip(fields, [*arrays, *added], strict=True) if _repeats(array)]
            self._parquet = parquet.ParquetWriter(self._file, schema, use_dictionary=short, write_statistics=told, store_schema=False)
            self._parquet.add_key_value_metadata({"ARROW:schema": b64encode(told_schema.serialize()).decode()})
        self._parquet.write_batch(pyarrow.RecordBatch.from_arrays([*arrays, *added], schema=schema))


def _repeats(array: pyarrow.Array) -> bool:
    """Whether a dictionary makes a column shorter: few values, often. Others are written quicker without, and no longer."""
    import pyarrow
    from pyarrow import compute

    if pyarrow.types.is_dictionary(array.type) or pyarrow.types.is_nested(array.type):
        return True
    return compute.count_distinct(array).as_py() <= len(array) // 4


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


def _as_text(column: pl.Series) -> pl.Series:
    """A column as text, null where a cell is empty; nested values as JSON."""
    if column.dtype == pl.Object or column.dtype.is_nested():
        column = series_of([None if value is None else _spelled(value) for value in column.to_list()])
    elif column.dtype == pl.Boolean:
        column = column.replace_strict([True, False], ["true", ""], return_dtype=pl.String) if column.name in COLUMNS else column
    if column.dtype != pl.String:
        column = column.cast(pl.String)
    return column.set(column == "", None)


def _spelled(value: object) -> str:
    if isinstance(value, pl.Series):
        value = value.to_list()
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list, bool)) else str(value)
    return value.encode("utf-8", "replace").decode()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
