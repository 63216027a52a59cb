"""Import of a file into the record: whole or not at all, and each entry that bears an id once, however often it comes.

The file is read and checked first, then written in one transaction, so that the record is held no longer than writing takes
and an import that is killed has recorded nothing. Entries with the same seller, kind and id are one: found again they are passed
over, found again with other values they are an error. What they correct or belong to is named by the ids of the file, of an
earlier import, or, where the row itself bears no id, of the record.
"""

import pickle
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection

from dialguard.ledger.adding import Adding
from dialguard.ledger.errors import ImportRefused
from dialguard.ledger.incoming import Entry, Key, Reading
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.tables import TableError, format_of, place_word


@dataclass(frozen=True)
class Imported:
    """How many entries of each kind an import recorded, and how many were there before."""

    added: dict[str, int]
    there: int


def import_file(ledger: Ledger, path: Path, reading: Reading, format: str | None = None) -> Imported:
    """Records every entry of a file (``tables.FORMATS``, by the suffix where not named), or none.

    Raises ImportRefused with every mistake of the file, LedgerError where the record cannot be written, OSError where the
    file cannot be read.
    """
    mistakes: list[tuple[int, str]] = []
    count = 0
    word = "line"
    with tempfile.TemporaryFile() as spool:
        try:
            found_format = format_of(path, format)
            word = place_word(found_format)
            places: dict[Key, tuple[int, str]] = {}
            for found in reading.entries(path, found_format):
                if isinstance(found, Entry) and (twice := _twice(found, places)) is not None:
                    found = twice
                if not isinstance(found, Entry):
                    mistakes.append(found)
                else:
                    pickle.dump(tuple(found), spool)
                    count += 1
        except TableError as error:
            mistakes.append((error.place, error.text))
        if not count and not mistakes:
            mistakes.append((0, "there are no entries in it"))
        if mistakes:
            raise ImportRefused(path.name, word, mistakes)

        def work(connection: Connection) -> Imported:
            spool.seek(0)
            adding = Adding(connection)
            for entry in _spooled(spool, count):
                adding.add(entry)
            adding.flush()
            if adding.mistakes:
                raise ImportRefused(path.name, word, sorted(adding.mistakes))
            return Imported(dict(Counter(adding.added)), adding.there)

        return ledger.write(work, alone=True)


def _twice(entry: Entry, places: dict[Key, tuple[int, str]]) -> tuple[int, str] | None:
    """The mistake of an id that stood in the file before with other values."""
    if entry.key is None:
        return None
    place, digest = places.setdefault(entry.key, (entry.place, entry.digest))
    if digest == entry.digest:
        return None
    return entry.place, f"id: found the id of {place}, which says something else, expected each id once"


def _spooled(spool: IO[bytes], count: int) -> Iterator[Entry]:
    for _ in range(count):
        yield Entry._make(pickle.load(spool))
