"""Polars and pandas frames screened in memory; the kind that comes in goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from dialguard.screening.cells import Cells
from dialguard.screening.columns import recognise
from dialguard.screening.parquet import BATCH
from dialguard.screening.read import series_of
from dialguard.screening.source import TableError
from dialguard.screening.screen import Screener


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
    cells, added = Cells(screener), []
    for start in range(0, max(1, len(frame)), BATCH):
        part = frame[start : start + BATCH] if library == "polars" else frame.iloc[start : start + BATCH]
        rows = screener.screen(columns.fields(lambda place, part=part: _series(part, place)))
        added.append(pl.DataFrame(cells.series(rows)))
    answers = pl.concat(added)
    return frame.with_columns(answers) if library == "polars" else _pandas(frame, answers)


def _series(frame: Any, place: int) -> pl.Series:
    if isinstance(frame, pl.DataFrame):
        return frame.to_series(place)
    return series_of([None if _missing(value) else _listed(value) for value in frame.iloc[:, place].tolist()])


def _listed(value: object) -> object:
    """A cell; pandas reads lists from Parquet as arrays."""
    return value.tolist() if type(value).__name__ == "ndarray" else value  # type: ignore[attr-defined]


def _missing(value: object) -> bool:
    """pandas writes what is missing as NaN, NaT or NA; none of them equals itself for certain."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # NA has no truth value
        return type(value).__name__ == "NAType"


def _pandas(frame: Any, answers: pl.DataFrame) -> Any:
    import pandas

    kinds = {name: "bool" if name == "dg_duplicate" else "str" for name in answers.columns}
    added = {name: pandas.Series(answers[name].to_list(), index=frame.index, dtype=kind) for name, kind in kinds.items()}
    return frame.assign(**added)
