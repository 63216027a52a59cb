"""Errors of writing to the record.

ValueError
 └ RecordError   a value that the record does not take
Exception
 └ LedgerError   the record could not be written; nothing was recorded
"""

import difflib
from collections.abc import Iterable


class LedgerError(Exception):
    """The record could not be written, and nothing of this call was. The text says why and what to do."""


class RecordError(ValueError):
    """A value that the record does not take: ``field``, what was ``found``, what was ``expected``, ``row`` (from 1).

    ``found`` shows the digits of a telephone number as ``#``.
    """

    def __init__(self, field: str, found: str, expected: str, row: int | None = None) -> None:
        self.field, self.found, self.expected, self.row = field, found, expected, row
        where = field if row is None else f"row {row}: {field}"
        super().__init__(f"{where}: found {found}, expected {expected}")

    def at_row(self, row: int) -> "RecordError":
        """The same error, naming the row of a batch."""
        return RecordError(self.field, self.found, self.expected, row)


def suggest(word: str, words: Iterable[str]) -> str:
    """`` (did you mean `x`?)`` or nothing."""
    near = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""
