"""Export of a seller's record to one file: every entry as it was made, corrected and retracted ones too.

Read back with ``known_at`` kept, it makes the same record.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dialguard.ledger.erasing import is_emptied
from dialguard.ledger.fields import FLAGS, WINDOWS, WORDS, fields_of, is_moment, plain
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.rows import KINDS, Row
from dialguard.ledger.tables import Cells, format_of, write_table
from dialguard.model.moment import Instant


def types_of(kinds: Iterable[str]) -> dict[str, str]:
    """The columns of a file of these kinds, ``kind`` first, with the type of each."""
    names = dict.fromkeys(name for kind in kinds for name in fields_of(kind))
    return {"kind": "text"} | {name: _type(name) for name in names}


def _type(name: str) -> str:
    if is_moment(name):
        return "moment"
    return "words" if name in WORDS else "flag" if name in FLAGS else "text"


def without_emptied(entries: Iterator[tuple[str, Row]]) -> Iterator[tuple[str, Row]]:
    """Entries without those that an erasure emptied, and without what names them: they come before it."""
    gone: set[tuple[str, int]] = set()
    for kind, row in entries:
        if is_emptied(kind, row):
            gone.add((kind, row["id"]))
        elif ("attempt", row.get("attempt_id")) not in gone:
            yield kind, row | {"supersedes": None} if (kind, row.get("supersedes")) in gone else row


def export_file(
    ledger: Ledger, path: Path, seller: str, *, kinds: Iterable[str] = KINDS, as_of: Instant | None = None, format: str | None = None
) -> int:
    """Writes what had been recorded of a seller by ``as_of`` (None: until now), and gives the number of entries.

    One file for all kinds, in the order in which an import takes it; of one moment, and there whole or not at all.
    Raises TableError for a format that is not known, LookUpFailed, OSError.
    """
    chosen = [kind for kind in KINDS if kind in set(kinds)]
    found = format_of(path, format)
    as_text = found != "parquet"

    def cells(entries: Iterator[tuple[str, Row]]) -> Iterator[Cells]:
        for kind, row in without_emptied(entries):
            entry: dict[str, Any] = {"kind": kind, **plain(kind, row, moments_as_text=as_text)}
            if found != "ndjson":
                entry |= {name: json.dumps(entry[name]) for name in WINDOWS if entry.get(name) is not None}
            yield entry

    return ledger.entries(
        seller, lambda entries: write_table(path, found, types_of(chosen), cells(entries)), kinds=chosen, as_of=as_of
    )
