"""Every entry of the record as it was made, corrected and retracted ones too: for the eye, for export, for proof."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Dialect, Integer, Table, bindparam, literal_column, null, select

from dialguard.ledger.read import Statement
from dialguard.ledger.rows import ALWAYS, Row
from dialguard.ledger.schema import ATTEMPTS, CONSENTS, OUTCOMES, TABLES, WORDINGS, columns_of
from dialguard.model.moment import Instant

LOT = 2_000
"""How many rows are read at once: memory stays the same for a record of any size."""


def entries(
    cursor: Any, dialect: Dialect, version: int, seller: str, kinds: Iterable[str], number: str | None, as_of: Instant | None
) -> Iterator[tuple[str, Row]]:
    """Kind and row of every entry of a seller recorded by ``as_of``, kind by kind in the order recorded.

    ``number``: only those about this number, outcomes of its attempts included, declarations and pauses not. ``cursor`` stands in a
    transaction on tables of ``version`` of the schema; what these do not have yet reads as None.
    """
    for kind in kinds:
        table = TABLES[kind]
        if number is not None and kind in ("declaration", "pause"):
            continue
        present = {column.name for column in columns_of(table, version)}
        if not present:
            continue
        names = [column.name for column in table.columns] + (["wording"] if kind == "consent" else [])
        statement = Statement(_page(table, present, number is not None), dialect)
        values = {"seller": seller, "number": number, "as_of": ALWAYS if as_of is None else as_of, "after": 0, "lot": LOT}
        while rows := statement.run(cursor, values):
            for row in rows:
                yield kind, dict(zip(names, row, strict=True))
            values["after"] = rows[-1][names.index("id")]


def _page(table: Table, present: set[str], of_number: bool) -> Any:
    columns = [column if column.name in present else null().label(column.name) for column in table.columns]
    query = select(*columns)
    if table is CONSENTS and "wording_hash" in present:
        query = query.add_columns(WORDINGS.c.wording).select_from(table.outerjoin(WORDINGS, WORDINGS.c.hash == table.c.wording_hash))
    elif table is CONSENTS:
        query = query.add_columns(null().label("wording"))
    query = query.where(
        table.c.seller == bindparam("seller"), table.c.known_at <= bindparam("as_of"), table.c.id > bindparam("after")
    )
    if of_number:
        if table is OUTCOMES:
            of = select(ATTEMPTS.c.id).where(ATTEMPTS.c.seller == bindparam("seller"), ATTEMPTS.c.number == bindparam("number"))
            query = query.where(table.c.attempt_id.in_(of))
        else:
            query = query.where(table.c.number == bindparam("number"))
    # The offset is stated because SQLite is given one either way, as a parameter that nobody named.
    return query.order_by(table.c.id).limit(bindparam("lot", type_=Integer)).offset(literal_column("0"))
