"""Reading the record: the statements of a look-up, compiled once, and the look-up itself over one state of the record.

The statements are written and compiled with SQLAlchemy and run on the driver's own cursor: its execution layer costs
more than the whole look-up.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Select, Table, and_, bindparam, case, exists, literal_column, select, union

from dialguard.ledger.fold import NO_ROWS, REACH, Bucket, fold, in_force, pauses_of, unveiled, with_hidden
from dialguard.ledger.pseudonyms import Key, Keys, is_hidden
from dialguard.ledger.rows import ALWAYS, COLUMNS, OUTCOME_COLUMNS
from dialguard.ledger.schema import ATTEMPTS, DECLARATIONS, ENTRIES, ERASURE_KEYS, OUTCOMES, PAUSES, SCHEMA_VERSION, VERSION
from dialguard.model.moment import Instant
from dialguard.model.records import LookUp, Pause

SIZES = (1, 16, 500)
_LAST = 2**62
"""Later than any moment."""
_NAMES = tuple(f"n{place}" for place in range(SIZES[1]))
"""How many numbers one statement asks about; a smaller lot is filled up with its last number."""
_WITH_PAUSES = 3
"""The version of the schema from which on campaigns can be paused."""
WITH_ERASURES = 4
"""The one from which on numbers may be hidden."""

_SELLER, _AT, _SINCE, _AS_OF, _PERSON = (bindparam(name) for name in ("seller", "at", "since", "as_of", "person"))


class Statement:
    """One compiled statement: ``run`` gives its rows."""

    __slots__ = ("bind", "sql")

    def __init__(self, query: Any, dialect: Dialect) -> None:
        compiled = query.compile(dialect=dialect)
        self.sql = str(compiled)
        self.bind: Callable[[Mapping[str, Any]], Any]
        if not compiled.positiontup:
            self.bind = lambda values: {name: values[name] for name in compiled.params}
        elif len(compiled.positiontup) == 1:
            self.bind = lambda values: (values[compiled.positiontup[0]],)
        else:
            self.bind = itemgetter(*compiled.positiontup)

    def run(self, cursor: Any, values: Mapping[str, Any]) -> list[tuple]:
        """The rows for these values of the named parameters."""
        cursor.execute(self.sql, self.bind(values))
        return cursor.fetchall()


def _standing(query: Select, table: Table) -> Select:
    """Only rows known by ``as_of``, not taken back and not replaced by then."""
    later = table.alias("later")
    replaced = select(literal_column("1")).where(later.c.supersedes == table.c.id, later.c.known_at <= _AS_OF).exists()
    return query.where(table.c.known_at <= _AS_OF, table.c.void == literal_column("0"), ~replaced)


def _of_numbers(kind: str, size: int) -> Select:
    table = ENTRIES[kind]
    columns = [table.c[name] for name in COLUMNS[kind]]
    if kind == "attempt":
        ended = and_(OUTCOMES.c.attempt_id == ATTEMPTS.c.id, OUTCOMES.c.known_at <= _AS_OF)
        query = select(*columns, *(OUTCOMES.c[name] for name in OUTCOME_COLUMNS)).select_from(
            ATTEMPTS.outerjoin(OUTCOMES, ended)
        )
        query = query.where(table.c.valid_at > _SINCE, table.c.valid_at <= _AT)
    else:
        query = select(*columns)
        if kind in ("consent", "internal"):
            query = query.where(table.c.valid_at <= _AT)
    numbers = [bindparam(f"n{place}") for place in range(size)]
    asked = table.c.number == numbers[0] if size == 1 else table.c.number.in_(numbers)
    return _standing(query.where(table.c.seller == _SELLER, asked), table)


def _held(*beside: Table) -> Select:
    """One row: for each kind whether the number has any entry of it, in the order of ``ENTRIES``; whether the seller has any of the
    tables ``beside``; and the last declaration."""
    number, one = bindparam("n0"), literal_column("1")
    there = [
        exists(select(one).where(table.c.seller == _SELLER, table.c.number == number)).label(kind) for kind, table in ENTRIES.items()
    ]
    there += [exists(select(one).where(table.c.seller == _SELLER)).label(table.name) for table in beside]
    return select(*there, _declared().limit(one).offset(literal_column("0")).scalar_subquery().label("since"))


def _declared() -> Select:
    """The seller's declarations, the one that counts first."""
    known = select(DECLARATIONS.c.since).where(DECLARATIONS.c.seller == _SELLER, DECLARATIONS.c.known_at <= _AS_OF)
    return known.order_by(DECLARATIONS.c.known_at.desc(), DECLARATIONS.c.id.desc())


def _union(name: str, tables: Iterable[Table]) -> Any:
    return union(*(select(table.c[name]).where(table.c.seller == _SELLER, table.c[name].is_not(None)) for table in tables))


_ALONE = ("level", "form", "covers", "obtained_at", "requested_at", "channels")


def _all_consents() -> Select:
    """Every entry of consent of a seller: its number, whether it is plain and in force, and what it says."""
    table = ENTRIES["consent"]
    plain = and_(
        table.c.void == literal_column("0"), table.c.supersedes.is_(None), table.c.expires_at.is_(None), table.c.valid_at <= _AT,
        table.c.known_at <= _AS_OF,
    )  # fmt: skip
    told = [table.c[name] for name in _ALONE]
    return select(table.c.number, case((plain, literal_column("1")), else_=literal_column("0")), *told).where(table.c.seller == _SELLER)


def recorded(
    cursor: Any, statements: "Statements", keys: Keys, hides: bool, seller: str, at: Instant, as_of: Instant | None
) -> tuple[list[str], list[str], list[tuple], list[str], Sequence[Key]]:
    """Numbers, persons, lone consents, names of erased numbers and their keys; see ``storage.ports.Recorded``."""
    used = statements.keys.run(cursor, {"seller": seller}) if hides else ()
    values = {"seller": seller, "at": at, "as_of": ALWAYS if as_of is None else as_of}
    persons = [person for (person,) in statements.named.run(cursor, values)]
    others = {number for (number,) in statements.others.run(cursor, values)}
    alone: dict[str, tuple] = {}
    for row in statements.consents.run(cursor, values):
        if row[1] and row[0] not in others and row[0] not in alone:
            alone[row[0]] = row
        else:
            others.add(row[0])
            alone.pop(row[0], None)
    hidden = [number for number in others if is_hidden(number)] if used else []
    others.difference_update(hidden)
    return list(others), persons, [(row[0], *row[2:]) for row in alone.values()], hidden, keys.of(key for (key,) in used)


class Statements:
    """Every statement that reading needs, compiled for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.version = Statement(select(SCHEMA_VERSION.c.version), dialect)
        self.declared = Statement(_declared(), dialect)
        self.held = [Statement(_held(*beside), dialect) for beside in ((), (PAUSES,), (PAUSES, ERASURE_KEYS))]
        told = (PAUSES.c[name] for name in ("id", "campaign", "action", "valid_at", "known_at", "until", "reason", "actor"))
        self.paused = Statement(select(*told).where(PAUSES.c.seller == _SELLER, PAUSES.c.known_at <= _AS_OF), dialect)
        self.keys = Statement(select(ERASURE_KEYS.c.key).where(ERASURE_KEYS.c.seller == _SELLER), dialect)
        every = [select(table.c.seller).distinct() for table in ENTRIES.values()]
        named = [query.where(table.c.number == bindparam("number")) for query, table in zip(every, ENTRIES.values(), strict=True)]
        self.sellers, self.sellers_of = Statement(union(*every), dialect), Statement(union(*named), dialect)
        self.numbers_of = Statement(
            union(
                *(
                    _standing(select(table.c.number).where(table.c.seller == _SELLER, table.c.person == _PERSON), table)
                    for table in ENTRIES.values()
                )
            ),
            dialect,
        )
        self.named = Statement(_union("person", ENTRIES.values()), dialect)
        self.others = Statement(_union("number", [table for kind, table in ENTRIES.items() if kind != "consent"]), dialect)
        self.consents = Statement(_all_consents(), dialect)
        self.latest_attempt = Statement(
            select(ATTEMPTS.c.id)
            .where(
                ATTEMPTS.c.seller == _SELLER,
                ATTEMPTS.c.reference == bindparam("reference"),
                ATTEMPTS.c.void == literal_column("0"),
            )
            .order_by(ATTEMPTS.c.valid_at.desc(), ATTEMPTS.c.id.desc()),
            dialect,
        )
        several = ATTEMPTS.c.reference.in_([bindparam(name) for name in _NAMES])
        self.latest_attempts = Statement(
            select(ATTEMPTS.c.reference, ATTEMPTS.c.valid_at, ATTEMPTS.c.id).where(
                ATTEMPTS.c.seller == _SELLER, several, ATTEMPTS.c.void == literal_column("0")
            ),
            dialect,
        )
        self.entry = {
            kind: Statement(select(table).where(table.c.id == bindparam("id")), dialect)
            for kind, table in ENTRIES.items()
        }
        self.of_numbers = {
            size: [Statement(_of_numbers(kind, size), dialect) for kind in ENTRIES] for size in SIZES
        }


class Whole(NamedTuple):
    """What a record holds of a seller as a whole: from when on it was declared complete, and its pauses, at any moment."""

    since: Instant | None
    pauses: tuple[Pause, ...]

    def complete_since(self, at: Instant) -> Instant | None:
        """The declared moment; a record complete only from later on says nothing certain about ``at``."""
        return self.since if self.since is None or self.since <= at else None

    def nothing(self, at: Instant) -> LookUp:
        """What is known of a number of which nothing is held."""
        return _nothing(self.complete_since(at), in_force(self.pauses, at) if self.pauses else ())


class Reading:
    """The look-ups of one seller at one moment over one state of the record; ``cursor`` is inside a transaction."""

    def __init__(
        self, cursor: Any, statements: Statements, keys: Keys, seller: str, at: Instant, as_of: Instant | None, version: int = VERSION
    ) -> None:
        """``version``: that of the tables that were found."""
        self._cursor = cursor
        self._statements = statements
        self._seller = seller
        self._at = at
        self._ring = keys
        self._beside = (version >= _WITH_PAUSES) + (version >= WITH_ERASURES)
        self._values: dict[str, Any] = {
            "seller": seller,
            "at": at,
            "since": at - REACH,
            "as_of": ALWAYS if as_of is None else as_of,
        }

    @cached_property
    def whole(self) -> Whole:
        """What the record holds of the seller as a whole."""
        declared = self._statements.declared.run(self._cursor, self._values)
        return Whole(declared[0][0] if declared else None, self._paused())

    @cached_property
    def _said(self) -> tuple[Instant | None, tuple[Pause, ...]]:
        return self.whole.complete_since(self._at), in_force(self.whole.pauses, self._at)

    def _paused(self) -> tuple[Pause, ...]:
        return pauses_of(self._statements.paused.run(self._cursor, self._values)) if self._beside else ()

    @cached_property
    def _keys(self) -> Sequence[Key]:
        """The keys by which numbers erased from the seller's record are named. Raises LookUpFailed where one is missing."""
        if self._beside < 2:
            return ()
        return self._ring.of(key for (key,) in self._statements.keys.run(self._cursor, self._values))

    def _names(self, number: str) -> list[str]:
        return [key.number(self._seller, number) for key in self._keys]

    def one(self, number: str, person: str | None) -> LookUp:
        """What is known of one number and, where given, its person."""
        if person is None:
            return self._alone(number)
        persons = [person, *(key.person(self._seller, person) for key in self._keys)]
        found = [self._statements.numbers_of.run(self._cursor, {**self._values, "person": each}) for each in persons]
        others = {other for rows in found for (other,) in rows}
        others.update(name for other in list(others) if not is_hidden(other) for name in self._names(other))
        names = self._names(number)
        buckets = {key: bucket for lot in self._lots([*others.union(names, [number])]) for key, bucket in lot.items()}
        there = sorted(buckets.keys() - {number, *names})
        rest = [unveiled(buckets[other], other, person, persons) if is_hidden(other) else buckets[other] for other in there]
        hidden = [unveiled(buckets[name], number, None) for name in names if name in buckets]
        own, listed = with_hidden(buckets.get(number, NO_ROWS), hidden)
        return fold(own, [*rest, *listed], person, self._at, *self._said)

    def _alone(self, number: str) -> LookUp:
        """What is known of one number: of most, one statement says that it is nothing."""
        values = {**self._values, "n0": number}
        *held, since = self._statements.held[self._beside].run(self._cursor, values)[0]
        hidden = self._hidden([number]).get(number, ()) if self._beside == 2 and held.pop() else ()
        return self.of_kinds(number, Whole(since, self._paused() if self._beside and held.pop() else ()), held, hidden)

    def of_kinds(self, number: str, whole: Whole, held: Iterable[object], hidden: Sequence[Bucket] = ()) -> LookUp:
        """What is known of one number that may have entries of these kinds, true or false in the order of ``ENTRIES``, and of no others.

        ``hidden``: what is kept of it under its names since it was erased."""
        at = self._at
        if not any(held) and not hidden:
            return whole.nothing(at)
        values = {**self._values, "n0": number}
        kinds = zip(held, self._statements.of_numbers[1], strict=True)
        bucket = [statement.run(self._cursor, values) if there else () for there, statement in kinds]
        own, listed = with_hidden(bucket, hidden) if hidden else (bucket, ())
        return fold(own, listed, None, at, whole.complete_since(at), in_force(whole.pauses, at))

    def consents(self, numbers: Sequence[str]) -> Iterator[tuple]:
        """All rows of consent of some numbers that stand, whenever they were given."""
        values = {**self._values, "at": _LAST}
        size = SIZES[1]  # as many as are asked for together
        for start in range(0, len(numbers), size):
            lot = [*numbers[start : start + size]]
            lot += lot[-1:] * (size - len(lot))
            values.update(zip(_NAMES, lot, strict=True))
            yield from self._statements.of_numbers[size][0].run(self._cursor, values)

    def latest_attempts(self, references: Sequence[str]) -> dict[str, int | None]:
        """By the caller's own id, the latest recorded attempt."""
        found: dict[str, tuple[Instant, int]] = {}
        for start in range(0, len(references), SIZES[1]):
            lot = [*references[start : start + SIZES[1]]]
            lot += lot[-1:] * (SIZES[1] - len(lot))
            for reference, at, id_ in self._statements.latest_attempts.run(
                self._cursor, {**self._values, **dict(zip(_NAMES, lot, strict=True))}
            ):
                found[reference] = max(found.get(reference, (at, id_)), (at, id_))
        return {reference: found[reference][1] if reference in found else None for reference in references}

    def many(self, numbers: Iterable[str], persons: Mapping[str, str]) -> dict[str, LookUp]:
        """What is known of each number; those with a person one by one."""
        nothing = self.whole.nothing(self._at)
        answers = dict.fromkeys(numbers, nothing)
        asked = [number for number in answers if number not in persons]
        hidden = self._hidden(asked)
        # In the order of the index, and lot by lot: neighbours share pages, and rows do not pile up for the collector.
        for lot in self._lots(sorted(asked)):
            for number, bucket in lot.items():
                own, listed = with_hidden(bucket, hidden.pop(number)) if number in hidden else (bucket, ())
                answers[number] = fold(own, listed, None, self._at, *self._said)
        for number, buckets in hidden.items():
            answers[number] = fold(*with_hidden(NO_ROWS, buckets), None, self._at, *self._said)
        for number, person in persons.items():
            if number in answers:
                answers[number] = self.one(number, person)
        return answers

    def _hidden(self, numbers: Iterable[str]) -> dict[str, list[Bucket]]:
        """What is kept of some numbers under their names since they were erased."""
        if not self._keys:
            return {}
        of = {key.number(self._seller, number): number for number in numbers for key in self._keys}
        found: dict[str, list[Bucket]] = {}
        for lot in self._lots(sorted(of)):
            for name, bucket in lot.items():
                found.setdefault(of[name], []).append(unveiled(bucket, of[name], None))
        return found

    def _lots(self, numbers: Sequence[str]) -> Iterator[dict[str, Bucket]]:
        """Lot by lot, the rows of each number that has any."""
        left = iter(numbers)
        while lot := list(islice(left, SIZES[-1])):
            size = next(size for size in SIZES if size >= len(lot))
            lot += lot[-1:] * (size - len(lot))
            buckets: dict[str, list[list[tuple]]] = {}
            values = {**self._values, **{f"n{place}": number for place, number in enumerate(lot)}}
            for place, statement in enumerate(self._statements.of_numbers[size]):
                for row in statement.run(self._cursor, values):
                    bucket = buckets.get(row[1])
                    if bucket is None:
                        bucket = buckets[row[1]] = [[], [], [], [], [], []]
                    bucket[place].append(row)
            yield buckets


@lru_cache(maxsize=1024)
def _nothing(complete_since: Instant | None, pauses: tuple[Pause, ...]) -> LookUp:
    return LookUp(complete_since=complete_since, pauses=pauses)
