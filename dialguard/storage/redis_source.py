"""The ledger as the source of what stands in Redis: read by number, in lots, each over one state of the record."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import bindparam, func, literal_column, null, select, tuple_, union

from dialguard.ledger.errors import LedgerError
from dialguard.ledger.fold import Bucket, pauses_of
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.read import SIZES, Statement
from dialguard.ledger.rows import ALWAYS
from dialguard.ledger.schema import DECLARATIONS, ENTRIES, ERASURE_KEYS, PAUSES, TABLES
from dialguard.model.records import LookUpFailed
from dialguard.storage.redis_codec import Declared, encode_attempts, encode_rows

LOT = SIZES[-1]


class Source:
    """A record. Every method raises LookUpFailed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        try:
            self._ledger._bring_up()  # the statements below ask for tables of this version
        except LedgerError as error:
            raise LookUpFailed(str(error)) from error
        dialect = self._ledger._engine.dialect
        counts = [select(func.coalesce(func.max(table.c.id), literal_column("0"))).scalar_subquery() for table in TABLES.values()]
        total = counts[0]
        for count in counts[1:]:
            total = total + count
        self._version = Statement(select(total), dialect)
        self._tips = Statement(select(*counts), dialect)
        self._after = {kind: Statement(_after(kind), dialect) for kind in TABLES}
        self._numbers = [Statement(_page(table, "number"), dialect) for table in ENTRIES.values()]
        self._persons = [Statement(_page(table, "person"), dialect) for table in ENTRIES.values()]
        self._sellers = Statement(union(select(DECLARATIONS.c.seller), select(PAUSES.c.seller), select(ERASURE_KEYS.c.seller)), dialect)
        named = [select(table.c.seller).distinct() for table in ENTRIES.values()]
        self._all_sellers = Statement(union(*named, select(DECLARATIONS.c.seller), select(PAUSES.c.seller)), dialect)

    def version(self) -> int:
        """How far the record has grown: it grows with every entry and never shrinks."""
        return self._read(self._grown, 0)

    def tips(self) -> dict[str, int]:
        """The newest id of each kind of entry; their sum is the version."""
        return dict(zip(TABLES, self._read(lambda cursor: self._tips.run(cursor, {})[0], (0,) * len(TABLES)), strict=True))

    def after(self, kind: str, id_: int) -> list[tuple]:
        """The next entries of a kind, at most ``LOT``: id, seller, number and person, number and person of the entry that it replaces,
        and the caller's own id of an attempt; None where there is no such thing."""
        return self._read(lambda cursor: self._after[kind].run(cursor, {"after": id_, "lot": LOT, "skip": 0}), [])

    def buckets(self, seller: str, numbers: Sequence[str]) -> tuple[int, dict[str, Bucket]]:
        """The version of the record, and by number all rows that stand, at any moment. At most ``LOT`` numbers."""

        def ask(cursor: Any) -> tuple[int, dict[str, Bucket]]:
            size = next(size for size in SIZES if size >= len(numbers))
            lot = [*numbers, *numbers[-1:] * (size - len(numbers))]
            values = {
                "seller": seller,
                "at": ALWAYS,
                "since": -ALWAYS,
                "as_of": ALWAYS,
                **{f"n{place}": number for place, number in enumerate(lot)},
            }
            found: dict[str, list[list[tuple]]] = {}
            version = self._grown(cursor)
            for place, statement in enumerate(self._ledger._statements.of_numbers[size]):
                for row in statement.run(cursor, values):
                    found.setdefault(row[1], [[], [], [], [], [], []])[place].append(row)
            return version, found

        return self._read(ask, (0, {})) if numbers else (0, {})

    def values(self, seller: str, numbers: Sequence[str]) -> tuple[int, dict[str, tuple[bytes | None, bytes | None]]]:
        """The version, and rows and attempts of each number as Redis holds them; None where there are none."""
        version, found = self.buckets(seller, numbers)
        return version, {
            number: (None, None)
            if number not in found
            else (encode_rows(version, found[number]), encode_attempts(version, found[number][5]))
            for number in numbers
        }

    def numbers_of(self, seller: str, person: str) -> tuple[int, list[str]]:
        """The version, and the numbers of a person by the rows that stand."""

        def ask(cursor: Any) -> tuple[int, list[str]]:
            values = {"seller": seller, "person": person, "as_of": ALWAYS}
            return self._grown(cursor), [number for (number,) in self._ledger._statements.numbers_of.run(cursor, values)]

        return self._read(ask, (0, []))

    def declared(self, seller: str) -> tuple[int, Declared]:
        """The version, since when the seller's record is declared complete, its pauses, and by which keys it hides numbers."""

        def ask(cursor: Any) -> tuple[int, Declared]:
            values = {"seller": seller, "as_of": ALWAYS}
            rows = self._ledger._statements.declared.run(cursor, values)
            pauses = pauses_of(self._ledger._statements.paused.run(cursor, values))
            return self._grown(cursor), Declared(rows[0][0] if rows else None, pauses, tuple(self._ledger.hiding(cursor, seller)))

        return self._read(ask, (0, Declared()))

    def declaring(self) -> list[str]:
        """Sellers that ever declared their record complete, or whose campaigns were ever paused, or of whom a number was erased."""
        return [seller for (seller,) in self._read(lambda cursor: self._sellers.run(cursor, {}), [])]

    def sellers(self) -> list[str]:
        """All sellers in the record."""
        return [seller for (seller,) in self._read(lambda cursor: self._all_sellers.run(cursor, {}), [])]

    def number_lots(self) -> Iterator[tuple[str, list[str]]]:
        """Every number of every seller, a lot at a time: seller and numbers."""
        yield from self._lots(self._numbers)

    def person_lots(self) -> Iterator[tuple[str, list[str]]]:
        """Every person of every seller, a lot at a time: seller and persons."""
        yield from self._lots(self._persons)

    def _lots(self, statements: Sequence[Statement]) -> Iterator[tuple[str, list[str]]]:
        after = ("", "")
        while True:
            found: set[tuple[str, str]] = set()
            last: list[tuple[str, str]] = []
            for statement in statements:
                values = {"seller": after[0], "name": after[1], "lot": LOT, "skip": 0}
                rows = self._read(lambda cursor: statement.run(cursor, values), [])  # noqa: B023 - run at once
                found.update(rows)
                if len(rows) == LOT:
                    last.append(rows[-1])
            # A full page may go on; what lies beyond the least of the last rows may be incomplete.
            page = sorted(pair for pair in found if not last or pair <= min(last))
            if not page:
                return
            yield from _by_seller(page)
            if not last:
                return
            after = page[-1]

    def _grown(self, cursor: Any) -> int:
        return int(self._version.run(cursor, {})[0][0])

    def _read(self, ask: Any, nothing: Any) -> Any:
        return self._ledger._read(ask, nothing)


def _after(kind: str) -> Any:
    table, nothing = TABLES[kind], null()
    if kind in ("declaration", "pause"):
        query = select(table.c.id, table.c.seller, nothing, nothing, nothing, nothing, nothing)
    elif kind == "outcome":
        attempts = TABLES["attempt"]
        query = select(table.c.id, table.c.seller, attempts.c.number, nothing, nothing, nothing, nothing)
        query = query.select_from(table.join(attempts, attempts.c.id == table.c.attempt_id))
    else:
        old = table.alias("old")
        reference = table.c.reference if kind == "attempt" else nothing
        query = select(table.c.id, table.c.seller, table.c.number, table.c.person, old.c.number, old.c.person, reference)
        query = query.select_from(table.outerjoin(old, old.c.id == table.c.supersedes))
    return query.where(table.c.id > bindparam("after")).order_by(table.c.id).limit(bindparam("lot")).offset(bindparam("skip"))


def _page(table: Any, column: str) -> Any:
    pair = tuple_(table.c.seller, table.c[column])
    query = select(table.c.seller, table.c[column]).distinct().where(pair > tuple_(bindparam("seller"), bindparam("name")))
    if column == "person":
        query = query.where(table.c.person.is_not(None))
    return query.order_by(table.c.seller, table.c[column]).limit(bindparam("lot")).offset(bindparam("skip"))


def _by_seller(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    seller, names = "", []
    for each, name in pairs:
        if (each != seller and names) or len(names) == LOT:
            yield seller, names
            names = []
        seller = each
        names.append(name)
    if names:
        yield seller, names
