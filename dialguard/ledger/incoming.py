"""From the rows of a file to checked entries: which kind, whose, under which id of the file, and what is wrong with it."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from dialguard.ledger import tables, twilio
from dialguard.ledger.errors import RecordError, suggest
from dialguard.ledger.fields import fields_of, plain, read_field
from dialguard.ledger.rows import KINDS, Row, build, text
from dialguard.ledger.tables import TableError
from dialguard.model.moment import Instant

Key = tuple[str, str, str]
"""Seller, kind and the file's own id."""
_NAMES = {name for kind in KINDS for name in fields_of(kind)}
_DERIVED = {"consent", "declaration"}


class Entry(NamedTuple):
    """One checked entry. ``target`` is the id that it corrects or takes back, or the attempt whose outcome it is."""

    place: int
    kind: str
    row: Row
    source_id: str | None
    target: str | None
    retracts: bool
    digest: str

    @property
    def key(self) -> Key | None:
        """By what a second import finds it again."""
        return None if self.source_id is None else (self.row["seller"], self.kind, self.source_id)


@dataclass(frozen=True)
class Reading:
    """How a file is to be read. ``kind`` and ``seller`` hold where its rows do not say; ``level`` is that of an opt-in that
    Twilio's consent items tell. ``now`` is when the entries become known, or with ``keep_known_at`` what each row says; rows that
    say it are a mistake where nothing was chosen (None)."""

    now: Instant
    kind: str | None = None
    seller: str | None = None
    level: str = "express"
    keep_known_at: bool | None = None

    def entries(self, path: Path, format: str) -> Iterator[Entry | tuple[int, str]]:
        """Each entry of a file, or place and text of a mistake. Raises TableError, OSError."""
        for place, cells in tables.read_table(path, format):
            try:
                if isinstance(cells, TableError):
                    raise cells
                yield self.entry(place, cells)
            except RecordError as error:
                yield place, str(error)
            except TableError as error:
                yield place, error.text

    def entry(self, place: int, cells: Mapping[str, Any]) -> Entry:
        """The entry of one row. Raises RecordError."""
        undated = False
        if twilio.is_item(cells):
            cells = twilio.fields(cells, self.level, self.now)
            undated = not cells.get("dated")
            cells = {name: value for name, value in cells.items() if name != "dated"}
        kind = read_field("kind", cells.get("kind")) or self.kind
        if kind not in KINDS:
            found = "nothing" if kind is None else repr(str(kind)[:40])
            raise RecordError("kind", found, "one of " + ", ".join(KINDS) + suggest(str(kind), KINDS))
        if self.kind not in (None, kind):
            raise RecordError("kind", kind, f"{self.kind}, as was asked for")
        fields = self._fields(kind, cells)
        source_id = fields.pop("id", None)
        if source_id is not None:
            source_id = text(source_id, "id")
        retracts, target = fields.pop("retracts", None), fields.pop("supersedes", None)
        if retracts is not None and target is not None:
            raise RecordError("retracts", "both supersedes and retracts", "one of them")
        if retracts is not None:
            known = build("declaration", {name: fields.get(name) for name in ("seller", "known_at")})
            row = {name: known[name] for name in ("seller", "known_at")}
            return Entry(place, kind, row, source_id, text(retracts, "retracts"), True, digest(kind, row, retracts))
        if kind == "outcome" and fields.get("attempt") is not None:
            target = text(fields["attempt"], "attempt")
            fields["attempt"] = "attempt:1"  # which one it is will be found out in the record
        row = build(kind, fields)
        if kind == "outcome":
            row.pop("attempt")
        if target is not None:
            target = text(target, "attempt" if kind == "outcome" else "supersedes")
        said = "at" in fields or "valid_at" in fields
        return Entry(place, kind, row, source_id, target, False, digest(kind, row, target, undated or not said))

    def _fields(self, kind: str, cells: Mapping[str, Any]) -> dict[str, Any]:
        allowed, fields = fields_of(kind), dict[str, Any]()
        for name, cell in cells.items():
            if name == "kind":
                continue
            value = read_field(name, cell) if name in _NAMES else cell
            if name not in _NAMES or (value is not None and name not in allowed):
                expected = "one of " + ", ".join(allowed) + suggest(name, allowed)
                raise RecordError(str(name)[:40], "a column that no such entry has", expected)
            if value is not None:
                fields["from_" if name == "from" else name] = value
        if self.seller is not None and fields.setdefault("seller", self.seller) != self.seller:
            raise RecordError("seller", repr(fields["seller"])[:60], f"{self.seller}, as was asked for")
        if self.keep_known_at is None and "known_at" in fields:
            raise RecordError("known_at", "a moment", "a choice (--known-at): `file` keeps it, and --as-of answers by it; `now` does not")
        if not self.keep_known_at:
            fields["known_at"] = self.now
        elif fields.get("known_at", self.now) > self.now:
            raise RecordError("known_at", "a moment to come", "a moment that has passed: it is when the entry was recorded")
        return fields


def digest(kind: str, row: Mapping[str, Any], target: str | None, undated: bool = False) -> str:
    """What an entry says, in one hash: not when it was recorded, nor, where it is ``undated``, what was derived from that.

    A wording is there by its hash."""
    gone = {"known_at", "supersedes", "void", "id", "attempt_id", "wording"} | ({"valid_at"} if undated or kind in _DERIVED else set())
    said = sorted((name, value) for name, value in row.items() if value is not None and name not in gone)
    return hashlib.sha256(json.dumps([kind, said, target], ensure_ascii=False).encode()).hexdigest()


def own_digest(kind: str, row: Mapping[str, Any]) -> str:
    """The digest that an entry of the record has when it comes back from an export."""
    entry = plain(kind, row)
    if entry.get("retracts") is not None:
        return digest(kind, {"seller": row["seller"]}, entry["retracts"])
    return digest(kind, row, entry.get("attempt") if kind == "outcome" else entry.get("supersedes"))


def own_id(kind: str, source_id: str) -> int | None:
    """The number within an id that looks like one of the record's own."""
    found = re.fullmatch(rf"{kind}:([1-9][0-9]{{0,17}})", source_id)
    return int(found[1]) if found else None
