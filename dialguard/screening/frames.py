"""Polars and pandas frames screened in memory; the kind that comes in goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dialguard.screening.columns import recognise
from dialguard.screening.read import CHUNK, TableError
from dialguard.screening.screen import COLUMNS, Row, Screener


def screen(frame: Any, screener: Screener, told: Mapping[str, str]) -> Any:
    """The frame with COLUMNS added; index, columns and order stay. Empty cells are null.

    Raises TableError for anything but a polars or pandas DataFrame, or where no phone column is found.
    """
    library = type(frame).__module__.partition(".")[0]
    if library not in ("polars", "pandas") or type(frame).__name__ not in ("DataFrame", "LazyFrame"):
        raise TableError(f"found {type(frame).__name__}, expected a polars or pandas DataFrame")
    if type(frame).__name__ == "LazyFrame":
        frame = frame.collect()
    columns = recognise(list(frame.columns), told)
    read = columns.reader()
    places = sorted(set(columns.places.values()))
    values = {place: _values(frame, place) for place in places}
    answers: list[Row] = []
    for start in range(0, len(frame), CHUNK):
        fields = []
        for number in range(start, min(start + CHUNK, len(frame))):
            row = dict.fromkeys(range(len(columns.names))) | {place: values[place][number] for place in places}
            fields.append(read(row))  # type: ignore[arg-type]
        answers += screener.screen(fields)
    cells = list(zip(*(row.cells for row in answers), strict=True)) or [()] * len(COLUMNS)
    return (_polars if library == "polars" else _pandas)(frame, dict(zip(COLUMNS, cells, strict=True)))


def _values(frame: Any, place: int) -> Sequence[object]:
    column = frame[:, place] if type(frame).__module__.startswith("polars") else frame.iloc[:, place]
    if type(frame).__module__.startswith("polars"):
        return column.to_list()
    return [None if _missing(value) else value for value in column.tolist()]


def _missing(value: object) -> bool:
    """pandas writes what is missing as NaN, NaT or NA; none of them equals itself for certain."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # NA has no truth value
        return type(value).__name__ == "NAType"


def _none(cells: Sequence[object]) -> list[object]:
    return [cell if cell != "" else None for cell in cells]


def _polars(frame: Any, cells: Mapping[str, Sequence[object]]) -> Any:
    import polars

    kinds = {name: polars.Int64 if name == "dg_duplicate_of" else polars.String for name in cells}
    return frame.with_columns([polars.Series(name, _none(values), dtype=kinds[name]) for name, values in cells.items()])


def _pandas(frame: Any, cells: Mapping[str, Sequence[object]]) -> Any:
    import pandas

    kinds = {name: "Int64" if name == "dg_duplicate_of" else "str" for name in cells}
    added = {name: pandas.Series(_none(values), index=frame.index, dtype=kinds[name]) for name, values in cells.items()}
    return frame.assign(**added)
