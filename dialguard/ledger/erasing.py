"""Erasing a number from a seller's record, in place: what the law lets go is emptied, what binds the seller goes on under a keyed name.

===================================== ==================================================== ==========================================
entries                               in the clear until                                   then
===================================== ==================================================== ==========================================
consent, relationship                 five years after the erasure, which ends their use   emptied
attempt: telemarketing, charity, or   five years after it was made                         emptied
of a purpose that was not told
attempt: debt collection              three years after the erasure                        emptied
attempt: other purposes               400 days after it was made: limits may count it      emptied
revocation, own-list entry            five years after it was recorded                     kept for good under the keyed name,
                                                                                           without what was said
contact (hours, bars, attorney, ...)  not at all                                           bars under the keyed name, the rest emptied
===================================== ==================================================== ==========================================

An emptied row has its id, seller, ``known_at`` and place in a chain of corrections, so that what it corrected stays corrected.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from dialguard.ledger.fold import REACH
from dialguard.ledger.pseudonyms import Key, is_hidden, key_of
from dialguard.ledger.rows import Row, build
from dialguard.ledger.schema import ENTRIES, ERASURE_KEYS, IMPORTS, OUTCOMES
from dialguard.model.moment import DAY, Instant

TSR, CALLS, DEBTS = "16 CFR 310.5", "16 CFR 310.5(a)(2)", "12 CFR 1006.100"
COUNTED = "limits on attempts count it"
ERASED = "erased"
"""The outcome of an attempt that was emptied, and the digest of an imported row."""
_YEAR = 365 * DAY + DAY // 4
_TERM, _DEBT_TERM = 5 * _YEAR + DAY, 3 * _YEAR + DAY
"""Five and three years, a day more than the longest."""
_BINDS = {
    "revocation": ("scope", "subject", "channel", "means", "received_at"),
    "internal": ("action", "scope", "reason"),
    "contact": ("inconvenient", "at_work", "employer_forbids", "attorney", "ceased_at", "conversation_at"),
}
"""What goes on under the keyed name."""
_STAYS = frozenset(("id", "seller", "known_at", "supersedes"))


class Erased(NamedTuple):
    """What was done: by kind, how many entries were emptied (``removed``), how many go on under a keyed name (``hidden``), and how many
    are ``kept`` in the clear: kind, number, until when the last of them, by which law."""

    removed: dict[str, int]
    hidden: dict[str, int]
    kept: tuple[tuple[str, int, Instant, str], ...]


class Tally:
    """Counts what becomes of entries."""

    def __init__(self) -> None:
        self._removed: dict[str, int] = {}
        self._hidden: dict[str, int] = {}
        self._kept: dict[tuple[str, str], tuple[int, Instant]] = {}

    def put(self, kind: str, until: Instant, law: str, now: Instant) -> bool:
        """Counts one entry; whether it stays in the clear."""
        if until > now:
            number, last = self._kept.get((kind, law), (0, 0))
            self._kept[kind, law] = number + 1, max(last, until)
            return True
        counts = self._hidden if kind in _BINDS else self._removed
        counts[kind] = counts.get(kind, 0) + 1
        return False

    def erased(self) -> Erased:
        """All that was counted."""
        return Erased(self._removed, self._hidden, tuple((kind, number, last, law) for (kind, law), (number, last) in self._kept.items()))


def term(kind: str, row: Mapping[str, object], erased_at: Instant) -> tuple[Instant, str]:
    """Until when an entry is kept in the clear, and by which law."""
    if kind == "contact":
        return 0, ""
    if kind in ("consent", "relationship"):
        return erased_at + _TERM, TSR
    if kind != "attempt":
        return row["known_at"] + _TERM, TSR  # type: ignore[operator]
    made, purpose = row["valid_at"], row["purpose"]
    if purpose == "debt_collection":
        return erased_at + _DEBT_TERM, DEBTS
    if purpose in (None, "telemarketing", "charitable"):
        return made + _TERM, CALLS  # type: ignore[operator]
    return made + REACH, COUNTED  # type: ignore[operator]


def emptied(kind: str, row: Row, key: Key) -> Row:
    """What is left of a row: nothing, or what binds the seller, under the names that the key gives."""
    left: Row = {column: value if column in _STAYS else None for column, value in row.items()}
    left["number"] = key.number(row["seller"], row["number"])
    left["void"], left["valid_at"] = 1, row["known_at"]
    if kind in _BINDS:
        left |= {column: row[column] for column in _BINDS[kind]}
        left["void"], left["valid_at"] = row["void"], row["valid_at"]
        left["person"] = None if row["person"] is None else key.person(row["seller"], row["person"])
    return left


def is_emptied(kind: str, row: Row) -> bool:
    """Whether nothing is left of a row of the record."""
    return kind not in _BINDS and is_hidden(row.get("number", "+"))


def listing(key: Key, seller: str, number: str, at: Instant, known_at: Instant, scope: str | None, reason: str | None) -> Row:
    """The entry of the own list by which an erased number stays listed."""
    fields = {"seller": seller, "number": number, "action": "add", "at": at, "known_at": known_at, "scope": scope, "reason": reason}
    return {**build("internal", fields), "number": key.number(seller, number)}


def endings(kept: Iterable[str], seller: str, number: str, known_at: Instant) -> list[tuple[str, Row]]:
    """Entries by which nothing that is only kept for the record's sake allows a call: of kinds that are ``kept``."""
    said = {"seller": seller, "number": number, "known_at": known_at}
    entries = {"consent": {"level": "none", "obtained_at": known_at}, "relationship": {"ended_at": known_at, "valid_at": known_at}}
    found = [(kind, build(kind, said | entries[kind])) for kind in entries if kind in kept]
    for _, row in found:
        row.pop("wording", None)
    return found


def note_keys(connection: Connection, rows: Iterable[Row]) -> None:
    """Notes by which keys the numbers of new rows are hidden, where any are."""
    used = {(row["seller"], key_of(row["number"])) for row in rows if is_hidden(row.get("number", "+"))}
    for seller, key in sorted(used):
        there = select(ERASURE_KEYS.c.key).where(ERASURE_KEYS.c.seller == seller, ERASURE_KEYS.c.key == key)
        if connection.execute(there).first() is None:
            connection.execute(insert(ERASURE_KEYS), {"seller": seller, "key": key})


def empty(connection: Connection, key: Key, seller: str, number: str, erased_at: Instant, now: Instant) -> Erased:
    """Empties the rows of a number recorded by ``erased_at`` whose terms are over ``now``, inside the caller's transaction, in which
    the tables take changes."""
    tally = Tally()
    for kind, table in ENTRIES.items():
        of = (table.c.seller == seller, table.c.number == number, table.c.known_at <= erased_at)
        rows = [dict(row) for row in connection.execute(select(table).where(*of)).mappings()]
        gone = [row for row in rows if not tally.put(kind, *term(kind, row, erased_at), now)]
        if not gone:
            continue
        left = [emptied(kind, row, key) for row in gone]
        note_keys(connection, left)
        connection.execute(_overwriting(table), [{f"new_{name}": value for name, value in row.items()} for row in left])
        ids = [row["id"] for row in gone]
        for start in range(0, len(ids), 500):
            lot = ids[start : start + 500]
            if kind == "attempt":
                outcomes = OUTCOMES.c.attempt_id.in_(lot)
                connection.execute(update(OUTCOMES).where(outcomes).values(outcome=ERASED, valid_at=OUTCOMES.c.known_at))
            # The digest of what a file said of the number would tell it.
            of_file = (IMPORTS.c.seller == seller, IMPORTS.c.kind == kind, IMPORTS.c.entry_id.in_(lot))
            connection.execute(update(IMPORTS).where(*of_file).values(digest=ERASED))
    return tally.erased()


def _overwriting(table: Table) -> object:
    return update(table).where(table.c.id == bindparam("new_id")).values(
        {column.name: bindparam(f"new_{column.name}") for column in table.columns if column.name != "id"}
    )
