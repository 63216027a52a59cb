"""Errors of writing to the record.

ValueError
 ├ RecordError    a value that the record does not take
 └ ImportRefused  a file with mistakes; nothing of it was recorded
Exception
 └ LedgerError    the record could not be written; nothing was recorded
"""

import difflib
from collections.abc import Iterable

from dialguard.model.redaction import without_numbers


class LedgerError(Exception):
    """The record could not be written, and nothing of this call was. The text says why and what to do."""


class RecordError(ValueError):
    """A value that the record does not take: ``field``, what was ``found``, what was ``expected``, ``row`` (from 1).

    ``found`` shows the digits of a telephone number as ``#``.
    """

    def __init__(self, field: str, found: str, expected: str, row: int | None = None) -> None:
        field, found, expected = map(without_numbers, (field, found, expected))
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


class ImportRefused(ValueError):
    """A file of which nothing was recorded: ``mistakes`` are places in it (0: the whole) and what is wrong there."""

    SHOWN = 20

    def __init__(self, name: str, place_word: str, mistakes: list[tuple[int, str]]) -> None:
        self.mistakes = mistakes
        lines = [f"{place_word} {place}: {text}" if place else text for place, text in mistakes[: self.SHOWN]]
        if len(mistakes) > self.SHOWN:
            lines.append(f"and {len(mistakes) - self.SHOWN:,} more")
        super().__init__("\n  ".join([f"{name}: nothing was recorded", *lines]))
