"""The wordings of consents, each kept once under its hash: the same request is shown to thousands."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from dialguard.ledger.rows import Row
from dialguard.ledger.schema import WORDINGS

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def keep(connection: Connection, rows: Iterable[Row]) -> list[Row]:
    """The rows of consents as they stand in their table, their wordings kept, inside the caller's transaction."""
    bare, found = [], {}
    for row in rows:
        rest = {name: value for name, value in row.items() if name != "wording"}
        if row.get("wording") is not None:
            found[row["wording_hash"]] = row["wording"]
        bare.append(rest)
    if found:
        insert = _INSERTS.get(connection.dialect.name, postgresql.insert)
        new = [{"hash": hash_, "wording": wording} for hash_, wording in sorted(found.items())]
        connection.execute(insert(WORDINGS).on_conflict_do_nothing(), new)
    return bare
