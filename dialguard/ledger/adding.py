"""The second half of an import: checked entries into the record, inside one transaction."""

from collections import Counter
from typing import Any

from sqlalchemy import Connection, func, insert, select

from dialguard.ledger.erasing import ERASED, note_keys
from dialguard.ledger.incoming import Entry, Key, own_digest, own_id
from dialguard.ledger.pseudonyms import is_hidden
from dialguard.ledger.rows import Row
from dialguard.ledger.schema import ATTEMPTS, ENTRIES, IMPORTS, TABLES
from dialguard.ledger.wordings import keep

LOT = 500
"""Entries of one kind and seller that are written at once; below the limit of parameters of every database."""


class Adding:
    """Takes entries one by one and records them. ``mistakes`` are what only the record could tell: the caller gives up."""

    def __init__(self, connection: Connection) -> None:
        self.added: Counter[str] = Counter()
        self.there = 0
        self.mistakes: list[tuple[int, str]] = []
        self._connection = connection
        self._pending: list[Entry] = []
        self._keys: set[Key] = set()
        self._found: dict[Key, int] = {}
        """Ids of the file whose entries stand in the record without an earlier import: they came from it."""

    def add(self, entry: Entry) -> None:
        """Records an entry, at the latest with ``flush``."""
        pending = self._pending
        if pending and (
            len(pending) == LOT
            or (pending[0].kind, pending[0].row["seller"]) != (entry.kind, entry.row["seller"])
            or _names_its_kind(entry)
            or _names_its_kind(pending[-1])
        ):
            self.flush()
        if entry.key is not None and entry.key in self._keys:
            self.there += 1
            return
        if entry.key is not None:
            self._keys.add(entry.key)
        self._pending.append(entry)

    def flush(self) -> None:
        """Records what is pending: entries of one kind and seller; one that names another of its kind is alone."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        kind, seller = pending[0].kind, pending[0].row["seller"]
        known = self._known(kind, seller, pending)
        rows: list[Row] = []
        new: list[Entry] = []
        for entry in pending:
            if entry.source_id in known:
                if known[entry.source_id] not in (entry.digest, ERASED):
                    found = "id: found an entry that was imported before with other values"
                    self.mistakes.append((entry.place, f"{found}, expected the same; to correct it, import one that supersedes it"))
                self.there += 1
            elif (row := self._row(entry)) is not None:
                rows.append(row)
                new.append(entry)
        if rows:
            self._insert(kind, rows, new)

    def _known(self, kind: str, seller: str, entries: list[Entry]) -> dict[str | None, str]:
        """Digest of each entry that is in the record already, by the file's id: imported before, or exported from here."""
        digests = {entry.source_id: entry.digest for entry in entries if entry.source_id is not None}
        if not digests:
            return {}
        query = select(IMPORTS.c.source_id, IMPORTS.c.digest).where(
            IMPORTS.c.seller == seller, IMPORTS.c.kind == kind, IMPORTS.c.source_id.in_(digests)
        )
        known: dict[str | None, str] = {source_id: digest for source_id, digest in self._connection.execute(query)}
        own = {number: source_id for source_id in digests if source_id not in known and (number := own_id(kind, source_id))}
        if own:
            table = TABLES[kind]
            for row in self._connection.execute(select(table).where(table.c.seller == seller, table.c.id.in_(own))).mappings():
                source_id = own[row["id"]]
                # What was erased does not come back with an older export.
                if is_hidden(row.get("number", "+")) or row.get("outcome") == ERASED:
                    known[source_id] = ERASED
                    continue
                if own_digest(kind, row) == digests[source_id]:
                    known[source_id] = digests[source_id]
                    self._found[seller, kind, source_id] = row["id"]
        return known

    def _row(self, entry: Entry) -> Row | None:
        """The row to insert; None, with a mistake noted, where what it names is not there."""
        row = dict(entry.row)
        if entry.kind == "outcome":
            reference = row.pop("reference")
            target = self._attempt(row["seller"], reference) if entry.target is None else self._target(entry, "attempt")
            if target is None:
                named = "attempt" if entry.target is not None else "reference"
                return self._wrong(entry, named, "no attempt of this seller that bears it", "one that was recorded, or that stands above")
            return {**row, "attempt_id": target["id"]}
        if entry.target is None:
            return row
        named = "retracts" if entry.retracts else "supersedes"
        target = self._target(entry, entry.kind)
        if target is None:
            return self._wrong(entry, named, "no such entry of this seller", "one that was recorded, or that stands above")
        table = ENTRIES[entry.kind]
        if self._connection.execute(select(table.c.id).where(table.c.supersedes == target["id"])).first():
            return self._wrong(entry, named, "an entry that was corrected or retracted before", "the entry that stands in its place")
        if entry.retracts:
            return {**target, "known_at": row["known_at"], "supersedes": target["id"], "void": 1, "id": None}
        return {**row, "supersedes": target["id"]}

    def _wrong(self, entry: Entry, field: str, found: str, expected: str) -> None:
        self.mistakes.append((entry.place, f"{field}: found {found}, expected {expected}"))

    def _target(self, entry: Entry, kind: str) -> Row | None:
        """The row that an entry names: by the ids of the file where it bears one itself, else by those of the record."""
        seller, named = entry.row["seller"], str(entry.target)
        if entry.source_id is None:
            id_ = own_id(kind, named)
        elif (id_ := self._found.get((seller, kind, named))) is None:
            query = select(IMPORTS.c.entry_id).where(
                IMPORTS.c.seller == seller, IMPORTS.c.kind == kind, IMPORTS.c.source_id == named
            )
            id_ = self._connection.execute(query).scalar()
        table = TABLES[kind]
        row = None if id_ is None else self._connection.execute(select(table).where(table.c.id == id_)).mappings().first()
        return dict(row) if row is not None and row["seller"] == seller and not row["void"] else None

    def _attempt(self, seller: str, reference: Any) -> Row | None:
        """The latest attempt that bears the caller's own reference."""
        bears = (ATTEMPTS.c.seller == seller, ATTEMPTS.c.reference == reference, ATTEMPTS.c.void == 0)
        found = self._connection.execute(select(ATTEMPTS).where(*bears).order_by(ATTEMPTS.c.valid_at.desc(), ATTEMPTS.c.id.desc()))
        row = found.mappings().first()
        return None if row is None else dict(row)

    def _insert(self, kind: str, rows: list[Row], entries: list[Entry]) -> None:
        table = TABLES[kind]
        values = [{name: value for name, value in row.items() if name != "id"} for row in rows]
        if kind == "consent":
            values = keep(self._connection, values)
        note_keys(self._connection, values)
        self.added[kind] += len(rows)
        if all(entry.source_id is None for entry in entries):
            self._connection.execute(insert(table), values)
            return
        if self._connection.dialect.name == "sqlite":  # alone under its lock; asked for new ids, it would insert row by row
            last = self._connection.execute(select(func.max(table.c.id))).scalar() or 0
            ids = list(range(last + 1, last + 1 + len(values)))
            self._connection.execute(insert(table), [{"id": id_, **row} for id_, row in zip(ids, values, strict=True)])
        else:
            returning = insert(table).returning(table.c.id, sort_by_parameter_order=True)
            ids = list(self._connection.execute(returning, values).scalars())
        noted = [
            {"seller": row["seller"], "kind": kind, "source_id": entry.source_id, "entry_id": id_, "digest": entry.digest,
             "known_at": row["known_at"]}
            for id_, row, entry in zip(ids, rows, entries, strict=True) if entry.source_id is not None
        ]  # fmt: skip
        self._connection.execute(insert(IMPORTS), noted)


def _names_its_kind(entry: Entry) -> bool:
    """Whether it corrects or takes back another, which must stand in the record by then."""
    return entry.target is not None and entry.kind != "outcome"
