"""A list from file to file: every row of the source, in order, with its answer."""

from __future__ import annotations

from collections.abc import Callable

from dialguard.screening.cells import Cells
from dialguard.screening.columns import Columns
from dialguard.screening.source import Source, TableError
from dialguard.screening.report import Summary
from dialguard.screening.screen import Screener
from dialguard.screening.write import Output

Progress = Callable[[int, int], None]
"""Told after each chunk: rows done, and how much of the source's ``size`` was read."""


def screen_file(source: Source, columns: Columns, screener: Screener, output: Output, progress: Progress | None = None) -> Summary:
    """Screen all rows and commit the output. Raises TableError or LookUpFailed, and then there is no output."""
    summary, cells = Summary(screener), Cells(screener)
    with output:
        for chunk in source.chunks():
            rows = screener.screen(columns.fields(chunk.series), chunk.broken)
            output.write(chunk, cells, rows)
            summary.add(rows)
            if progress is not None:
                progress(summary.rows, source.done)
        if summary.rows == 0:
            raise TableError(f"{source.path}: there are no rows below the header")
        output.commit()
    return summary
