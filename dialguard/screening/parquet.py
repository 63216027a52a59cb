"""Lists as Parquet files, read in batches of their own columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from dialguard.screening.source import Chunk, Source, TableError

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import FileMetaData

BATCH = 1 << 18
"""Rows that are read, looked up and written together: many, since columns need not be taken apart."""


class Parquet(Source):
    """Parquet, batch by batch."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        import pyarrow
        from pyarrow import parquet

        self._errors = (pyarrow.ArrowException, OSError)
        try:
            whole = parquet.ParquetFile(path)
            self.schema = whole.schema_arrow
            words = _of_few_words(self.schema, whole.metadata)
            # What is read ahead stays in memory until the file is closed, in the end all of it.
            self._file = parquet.ParquetFile(path, metadata=whole.metadata, read_dictionary=words, pre_buffer=False)
        except self._errors as error:
            raise self._damaged(error) from None
        self.columns = list(self.schema.names)
        self.size = self._file.metadata.num_rows
        self._done = 0

    def _damaged(self, error: Exception) -> TableError:
        return TableError(f"{self.path}: not a whole Parquet file ({str(error).splitlines()[0][:160]}); fetch it again")

    @property
    def done(self) -> int:
        return self._done

    def chunks(self) -> Iterator[Chunk]:
        try:
            for batch in self._file.iter_batches(batch_size=self._at_once()):
                self._done += len(batch)
                yield Chunk(len(batch), lambda place, batch=batch: _of_arrow(batch.column(place)), {}, batch)
        except self._errors as error:
            raise self._damaged(error) from None

    def _at_once(self) -> int:
        """About BATCH rows, so that groups of rows of one length, as files have them, end with a batch: joining is slow."""
        groups = self._file.metadata
        group = groups.row_group(0).num_rows if groups.num_row_groups else 0
        if not group:
            return BATCH
        return group * (BATCH // group) if group <= BATCH else -(-group // -(-group // BATCH))

    def close(self) -> None:
        self._file.close()


_FEW = 1 << 16
"""Bytes of a dictionary page up to which a column of text is read by dictionary."""


def _of_few_words(schema: pyarrow.Schema, metadata: FileMetaData) -> list[str]:
    """Columns of text that hold the same few words again and again, by the first group of rows."""
    import pyarrow

    if not metadata.num_row_groups or metadata.num_columns != len(schema):  # nested columns are told otherwise
        return []
    first = metadata.row_group(0)
    chunks = [(field, first.column(place)) for place, field in enumerate(schema)]
    return [
        field.name
        for field, chunk in chunks
        if pyarrow.types.is_string(field.type)
        and chunk.has_dictionary_page
        and chunk.data_page_offset - chunk.dictionary_page_offset <= _FEW
    ]


def _of_arrow(array: object) -> pl.Series:
    return pl.Series(pl.from_arrow(array))  # type: ignore[arg-type]
