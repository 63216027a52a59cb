"""Errors of the list store. Each says what was found, what was expected, where, and what to do."""

from typing import NamedTuple


class ListError(Exception):
    """A list could not be imported, read or changed.

    ``kind`` is a short stable word for programs; the other fields are sentences for people. No field ever
    holds a telephone number: a row is named by its line.
    """

    def __init__(self, kind: str, *, where: str, found: str, expected: str = "", todo: str = "") -> None:
        self.kind = kind
        self.where = where
        self.found = found
        self.expected = expected
        self.todo = todo
        parts = [f"{where}: {found}"]
        if expected:
            parts.append(f"expected {expected}")
        if todo:
            parts.append(f"to go on: {todo}")
        super().__init__("; ".join(parts))


class ListImportError(ListError):
    """An import was refused; the list is as it was before."""


class BadRow(NamedTuple):
    """A row that was not taken: its line in the file, counted from 1, and why. The number itself is masked."""

    line: int
    why: str


class BadRowsError(ListImportError):
    """The file has more bad rows than the import allows. ``rows`` holds the first 20, ``count`` tells how many."""

    def __init__(self, where: str, rows: tuple[BadRow, ...], count: int, allowed: int) -> None:
        self.rows = rows
        self.count = count
        shown = "".join(f"\n  line {row.line}: {row.why}" for row in rows)
        more = f"\n  and {count - len(rows)} more" if count > len(rows) else ""
        super().__init__(
            "bad_rows",
            where=where,
            found=f"{count} bad row{'s' if count != 1 else ''}",
            expected=f"at most {allowed}" if allowed else "none",
            todo=f"correct the file, or allow {count} bad rows to leave them out (allow_bad_rows={count}){shown}{more}",
        )


class ListDamaged(ListError):
    """A stored list or its index is missing, torn or altered. To a look-up its answer is unknown."""

    def __init__(self, where: str, found: str, todo: str) -> None:
        super().__init__("damaged", where=where, found=found, todo=todo)


class ListAlreadyImported(UserWarning):
    """The same file was imported before with the same dates; the stored version was returned unchanged."""
