"""Rows of files: CSV, NDJSON (one object a line), JSON (a list of objects) and Parquet, read with their places and written whole.

A place is the line of a text file on which the row begins, or the number of a row, both from 1. Text is UTF-8.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from dialguard.files import whole
from dialguard.model import strict

FORMATS = ("csv", "ndjson", "parquet")
_SUFFIXES = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json", ".parquet": "parquet"}
_LOT = 2_000

Cells = dict[str, Any]


class TableError(ValueError):
    """A file, or one place of it, that cannot be read as a table; ``place`` 0 is the file as a whole."""

    def __init__(self, text: str, place: int = 0) -> None:
        self.place, self.text = place, text
        super().__init__(text)


def format_of(path: Path, named: str | None = None) -> str:
    """The format that was named, or that the suffix says. Raises TableError where neither is known."""
    found = named or _SUFFIXES.get(path.suffix.lower())
    if found not in (*FORMATS, "json"):
        raise TableError(f"{path.name}: the suffix {path.suffix or '(none)'} says no format; expected {', '.join(_SUFFIXES)}, or name it")
    return found


def place_word(format: str) -> str:
    """What the places of a format are called."""
    return "line" if format in ("csv", "ndjson") else "row"


def read_table(path: Path, format: str) -> Iterator[tuple[int, Cells | TableError]]:
    """Place and cells of each row; of a row that cannot be read alone, its error. Empty lines are passed over.

    Raises TableError where nothing more of the file can be read, and OSError.
    """
    if format == "parquet":
        yield from _parquet(path)
        return
    with path.open("rb") as file:
        if format == "csv":
            yield from _csv(file)
        elif format == "ndjson":
            for place, line in enumerate(file, 1):
                if line.strip():
                    try:
                        yield place, _object(_json(_text(line, place), place), place)
                    except TableError as error:
                        yield place, error
        else:
            yield from _listed(_json(_text(file.read(), 1), 1))


def _text(raw: bytes, place: int) -> str:
    try:
        return raw.decode("utf-8-sig" if place == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise TableError(f"byte {error.start + 1} (0x{raw[error.start]:02x}) is not valid UTF-8; save the file as UTF-8", place) from None


def _csv(file: IO[bytes]) -> Iterator[tuple[int, Cells | TableError]]:
    reader = csv.reader((_text(line, place) for place, line in enumerate(file, 1)), strict=True)
    names: list[str] | None = None
    while True:
        place = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(f"no CSV from here on: {error}", place) from None
        if not cells:
            continue
        if names is None:
            names = [cell.strip() for cell in cells]
            twice = sorted({name or "(no name)" for name in names if names.count(name) > 1 or not name})
            if twice:
                raise TableError(f"the header needs one name for each column; twice or empty: {', '.join(twice)[:100]}", place)
        elif len(cells) != len(names):
            yield place, TableError(f"found {len(cells)} cells, expected {len(names)} as in the header", place)
        else:
            yield place, dict(zip(names, cells, strict=True))


def _json(text: str, place: int) -> object:
    try:
        return strict.loads(text)
    except (ValueError, RecursionError) as error:
        what = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise TableError(f"not JSON: {what}", place) from None


def _object(value: object, place: int) -> Cells:
    if isinstance(value, dict):
        return value
    raise TableError(f"found {type(value).__name__}, expected an object with the fields of an entry", place)


def _listed(value: object) -> Iterator[tuple[int, Cells | TableError]]:
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))  # such as {"items": [...]}
    if not isinstance(value, list):
        raise TableError("expected a list of objects; for one object a line, name the file .ndjson")
    for place, item in enumerate(value, 1):
        try:
            yield place, _object(item, place)
        except TableError as error:
            yield place, error


def _parquet(path: Path) -> Iterator[tuple[int, Cells | TableError]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_LOT):
                for cells in batch.to_pylist():
                    place += 1
                    yield place, cells
    except (pa.ArrowException, ValueError) as error:
        raise TableError(f"no Parquet file, or a damaged one: {str(error).splitlines()[0][:200]}", place) from None


Types = Mapping[str, str]
"""Each column's type in a Parquet file: ``moment``, ``words``, ``flag`` or ``text``."""


def write_table(path: Path, format: str, types: Types, rows: Iterable[Cells]) -> int:
    """Writes rows, with the columns of ``types`` in their order, and gives their number. The file is there whole or not at all.

    A moment is int microseconds for Parquet and text otherwise. Raises OSError.
    """
    with whole(path) as file:
        return _WRITERS[format](file, types, rows)


def _write_csv(file: IO[bytes], types: Types, rows: Iterable[Cells]) -> int:
    import io

    text = io.TextIOWrapper(file, "utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(types)
    count = 0
    for count, row in enumerate(rows, 1):
        writer.writerow([_cell(row.get(name), kind) for name, kind in types.items()])
    text.detach()
    return count


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "flag":
        return "true" if value else "false"
    return ",".join(value) if kind == "words" else value


def _write_ndjson(file: IO[bytes], types: Types, rows: Iterable[Cells]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        said = {name: row[name] for name in types if row.get(name) is not None}
        file.write(json.dumps(said, ensure_ascii=False).encode() + b"\n")
    return count


def _write_parquet(file: IO[bytes], types: Types, rows: Iterable[Cells]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = {"moment": pa.timestamp("us", "UTC"), "words": pa.list_(pa.string()), "flag": pa.bool_(), "text": pa.string()}
    schema = pa.schema([(name, arrow[kind]) for name, kind in types.items()])
    count = 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for lot in _lots(rows):
            writer.write_batch(pa.RecordBatch.from_pylist(lot, schema))
            count += len(lot)
    return count


def _lots(rows: Iterable[Cells]) -> Iterator[Sequence[Cells]]:
    lot: list[Cells] = []
    for row in rows:
        lot.append(row)
        if len(lot) == _LOT:
            yield lot
            lot = []
    if lot:
        yield lot


_WRITERS: dict[str, Callable[[IO[bytes], Types, Iterable[Cells]], int]] = {
    "csv": _write_csv, "ndjson": _write_ndjson, "parquet": _write_parquet,
}  # fmt: skip
