"""Where the rows of a list come from, whatever its kind, and what is said of a list that cannot be screened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from dialguard.model.redaction import without_numbers


class TableError(ValueError):
    """A file or frame that cannot be screened; the text says what was found, what was expected and what to do.

    A list without a header has numbers where names of columns are looked for: their digits are shown as ``#``.
    """

    def __init__(self, text: str) -> None:
        super().__init__(without_numbers(text))


class Chunk(NamedTuple):
    """Some rows in order. ``series`` gives a column by its place; ``broken`` says by place which rows cannot be relied on and
    why. ``native`` is the same in the file's own form (lists of texts, objects of NDJSON, a batch of Parquet), to be written
    back as it was."""

    rows: int
    series: Callable[[int], pl.Series]
    broken: dict[int, str]
    native: object


class Source:
    """A file of rows. ``columns`` are their names; ``done`` of ``size`` tells how far the reading is (bytes or rows)."""

    columns: list[str]
    size: int
    delimiter: str | None = None

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def done(self) -> int:
        """How much of ``size`` was read."""
        raise NotImplementedError

    def chunks(self) -> Iterator[Chunk]:
        """The rows in order. Raises TableError where the file turns out not to be readable."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the file."""
