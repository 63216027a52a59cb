"""The record: what is asked of it and entered into it. Where and how it is kept is ``database``'s."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select

from dialguard.ledger import postgresql, sqlite
from dialguard.ledger.database import Database, Held, State
from dialguard.ledger.erasing import Erased, empty, endings, listing, note_keys
from dialguard.ledger.errors import LedgerError
from dialguard.ledger.fold import in_force, of_consents
from dialguard.ledger.history import entries
from dialguard.ledger.known import CONSENT, EVERY, consents, kinds
from dialguard.ledger.pseudonyms import Key
from dialguard.ledger.read import WITH_ERASURES, Reading, recorded
from dialguard.ledger.rows import ALWAYS, KINDS, Row, moment, recorded_number, text
from dialguard.ledger.rows import number as checked_number
from dialguard.ledger.schema import ENTRIES, IMPORTS, TABLES, VERSION
from dialguard.ledger.wordings import keep
from dialguard.ledger.write import Recorder
from dialguard.model.moment import Instant
from dialguard.model.records import LookUp, LookUpFailed

T = TypeVar("T")
_NONE: list[tuple] = []


def _of_state(state: State, seller: str, number: str, at: Instant) -> LookUp | None:
    """What is known of a number of which nothing but consents is held; None where it was not asked and checked before."""
    rows = state.consents.get((seller, number))
    if rows is None:
        return None
    whole = state.wholes[seller]
    begun = [row for row in rows if row[3] <= at] if rows else rows
    if not begun:
        return whole.nothing(at)
    pauses = in_force(whole.pauses, at) if whole.pauses else ()
    return of_consents(begun, at, whole.complete_since(at), pauses)


class Ledger(Database, Recorder):
    """The record. Safe to use from several threads and processes at once; each thread has its own connection.

    A ledger that nobody wrote to yet (no file, no tables) reads as one that knows nothing and is complete for nobody;
    the first write creates it. Reads raise ``LookUpFailed``, writes ``LedgerError``, and both ``RecordError``.
    """

    def look_up(
        self, *, seller: str, number: str, person: str | None = None, at: Instant, as_of: Instant | None = None
    ) -> LookUp:
        """What is known of one number; see ``storage.ports.Store``."""
        if self._known is not None and person is None and as_of is None and (state := self._state()) is not None:
            found = _of_state(state, seller, number, at)
            if found is not None:
                return found
        checked_number(number)
        if person is not None:
            text(person, "person")
        self._check(seller, at, as_of)
        if self._known is not None and person is None and as_of is None and getattr(self._local, "still", False):
            return self._read(lambda cursor: self._followed(cursor, seller, number, at), LookUp())
        return self._read(
            lambda cursor: self._reading(cursor, seller, at, as_of).one(number, person), LookUp()
        )

    def _state(self) -> State | None:
        """What is known of the state of the record that this thread keeps, once it has asked."""
        held: Held | None = getattr(self._local, "held", None)
        return None if held is None or held.pid != os.getpid() else held.state

    def _followed(self, cursor: Any, seller: str, number: str, at: Instant) -> LookUp:
        """As ``look_up``, by what is known of this state of the record."""
        reading = self._reading(cursor, seller, at, None)
        state = self._follow(cursor)
        bits = EVERY if state is None else kinds(state.sellers, seller, number)
        if bits == EVERY:
            return reading.one(number, None)
        whole = state.wholes.get(seller)
        if whole is None:
            whole = state.wholes[seller] = reading.whole
        return reading.of_kinds(number, whole, [bits >> place & 1 for place in range(len(ENTRIES))])

    def _follow(self, cursor: Any) -> State | None:
        """What is known of the state of the record that is being read; None where it cannot be followed."""
        held = self._held()
        if held.state is None:
            before = held.followed
            sellers, held.followed = self._known.follow(cursor, before)
            if sellers is None:
                return None
            if held.followed is not before:
                held.wholes = {}
            held.state = State(sellers, held.wholes, {})
        return held.state

    def expect(self, seller: str, numbers: Iterable[str]) -> Callable[[str, Instant], LookUp | None] | None:
        """The next look-ups will be of these; see ``storage.ports.Store``. Raises LookUpFailed."""
        numbers = [checked_number(number, "numbers") for number in numbers]
        text(seller, "seller")
        if self._known is None or not getattr(self._local, "still", False):
            return None

        def ask(cursor: Any) -> None:
            state = self._follow(cursor)
            if state is None:
                return
            reading, rows = self._reading(cursor, seller, 0, None), {}
            if seller not in state.wholes:
                state.wholes[seller] = reading.whole
            for number, kind, row in consents(state.sellers, seller, numbers):
                if kind == 0:
                    state.consents[seller, number] = _NONE
                elif row is not None:
                    state.consents[seller, number] = [row]
                elif kind == CONSENT:
                    rows[number] = state.consents[seller, number] = []
            for row in reading.consents([*rows]):
                rows[row[1]].append(row)

        self._read(ask, None)
        state = self._state()
        return None if state is None else partial(_of_state, state, seller)

    def look_up_many(
        self,
        seller: str,
        numbers: Iterable[str],
        at: Instant,
        as_of: Instant | None = None,
        persons: Mapping[str, str] | None = None,
    ) -> dict[str, LookUp]:
        """What is known of many numbers; see ``storage.ports.Store``."""
        asked = [checked_number(number, "numbers") for number in numbers]
        for person in (persons or {}).values():
            text(person, "persons")
        self._check(seller, at, as_of)
        return self._read(
            lambda cursor: self._reading(cursor, seller, at, as_of).many(asked, persons or {}),
            dict.fromkeys(asked, LookUp()),
        )

    def recorded(
        self, seller: str, at: Instant, as_of: Instant | None = None
    ) -> tuple[list[str], list[str], list[tuple], list[str], Sequence[Key]]:
        """Numbers, persons, lone consents, names of erased numbers and their keys; see ``storage.ports.Recorded``."""
        self._check(seller, at, as_of)

        def ask(cursor: Any) -> tuple[list[str], list[str], list[tuple], list[str], Sequence[Key]]:
            return recorded(cursor, self._statements, self.keys, self.hides(), seller, at, as_of)

        return self._read(ask, ([], [], [], [], ()))

    def hidden(self, seller: str) -> list[str]:
        """By which keys numbers are hidden in the record of a seller. Raises LookUpFailed."""
        return self._read(lambda cursor: self.hiding(cursor, seller), [])

    def hiding(self, cursor: Any, seller: str) -> list[str]:
        """The same, asked within a reading."""
        return [key for (key,) in self._statements.keys.run(cursor, {"seller": seller})] if self.hides() else []

    def sellers(self, number: str | None = None) -> list[str]:
        """The sellers of whom the record holds anything of a number; None: of any. Raises LookUpFailed."""
        if number is not None:
            checked_number(number)
        statement = self._statements.sellers if number is None else self._statements.sellers_of
        return sorted(seller for (seller,) in self._read(lambda cursor: statement.run(cursor, {"number": number}), []))

    def hides(self) -> bool:
        """Whether the tables that were found can hide numbers."""
        return self._held().version >= WITH_ERASURES

    def entries(
        self,
        seller: str,
        give: Callable[[Iterator[tuple[str, Row]]], T],
        *,
        kinds: Iterable[str] = KINDS,
        number: str | None = None,
        as_of: Instant | None = None,
    ) -> T:
        """What ``give`` makes of kind and row of every entry of a seller recorded by ``as_of``, over one state of the record.

        Kind by kind in the order recorded, corrected and retracted entries too. ``number``: only those about
        this number, or under this name of one.
        Raises LookUpFailed, and what ``give`` raises.
        """
        text(seller, "seller")
        if number is not None:
            recorded_number(number, "number")
        if as_of is not None:
            moment(as_of, "as_of")
        def ask(cursor: Any) -> tuple[T]:
            version = self._usable(max(version for (version,) in self._statements.version.run(cursor, {})))
            return (give(entries(cursor, self._engine.dialect, version, seller, kinds, number, as_of)),)

        found = self._read(ask, None)
        return give(iter(())) if found is None else found[0]

    def erase(
        self, *, seller: str, number: str, known_at: Instant, at: Instant | None = None, scope: str | None = None,
        reason: str | None = None,
    ) -> Erased:
        """Erases a number from a seller's record (see ``erasing``) and keeps it on the seller's own list under a keyed name, from ``at``
        (absent: ``known_at``). Raises RecordError, LedgerError: then nothing was erased."""
        key = self._newest_key()
        row = listing(key, text(seller, "seller"), checked_number(number), known_at if at is None else at, known_at, scope, reason)

        def work(connection: Connection) -> Erased:
            note_keys(connection, [row])
            connection.execute(insert(TABLES["internal"]), row)
            done = self._emptied(connection, key, seller, number, known_at, known_at)
            for kind, end in endings({kind for kind, *_ in done.kept}, seller, number, known_at):
                connection.execute(insert(TABLES[kind]), end)
            return done

        return self._erasing(work)

    def finish_erasing(self, *, seller: str, number: str, erased_at: Instant, now: Instant) -> Erased:
        """Empties what has been kept of a number erased before, where its term is over ``now``. Raises LedgerError."""
        key = self._newest_key()
        return self._erasing(lambda connection: self._emptied(connection, key, seller, number, erased_at, now))

    def _newest_key(self) -> Key:
        if not self.keys.kept:
            todo = "name a folder for it in the ledger's URL: keys=FOLDER"
            raise LedgerError(f"nothing was erased: the key must outlive this process; {todo}")
        try:
            return self.keys.newest()
        except OSError as error:
            raise LedgerError(f"nothing was erased: {error.filename}: {error.strerror}") from None

    def _emptied(self, connection: Connection, key: Key, seller: str, number: str, erased_at: Instant, now: Instant) -> Erased:
        server = sqlite if self._is_sqlite else postgresql
        server.allow_changes(connection)
        done = empty(connection, key, seller, number, erased_at, now)
        server.forbid_changes(connection)
        return done

    def _erasing(self, work: Callable[[Connection], Erased]) -> Erased:
        done = self.write(work, alone=True)
        if self._is_sqlite:
            sqlite.forget(self._held().driver)
        return done

    @staticmethod
    def _check(seller: str, at: Instant, as_of: Instant | None) -> None:
        text(seller, "seller")
        moment(at, "at")
        if as_of is not None:
            moment(as_of, "as_of")

    def _reading(self, cursor: Any, seller: str, at: Instant, as_of: Instant | None) -> Reading:
        return Reading(cursor, self._statements, self.keys, seller, at, as_of, self._held().version)

    def _append(self, kind: str, rows: list[Row], *, ids: bool = True) -> list[int]:
        def work(connection: Connection) -> list[int]:
            bare = keep(connection, rows) if kind == "consent" else rows
            note_keys(connection, bare)
            if ids:
                return [connection.execute(insert(TABLES[kind]), row).inserted_primary_key[0] for row in bare]
            connection.execute(insert(TABLES[kind]), bare)
            return []

        return self.write(work)

    def record_once(self, entries: Iterable[tuple[str, Mapping[str, Any], str]]) -> int:
        """Records entries (kind, the fields of ``Recorder``'s functions, an id of their source), all or none, and gives how many were
        new: one whose kind, seller and source were recorded before is passed over. They supersede nothing.

        Raises RecordError, LedgerError.
        """
        checked = [(kind, self._checked(kind, fields), source) for kind, fields, source in entries]

        def work(connection: Connection) -> int:
            new = 0
            for kind, row, source in checked:
                named = {"seller": row["seller"], "kind": kind, "source_id": source}
                if connection.execute(select(IMPORTS.c.entry_id).filter_by(**named)).first():
                    continue
                (id_,) = connection.execute(insert(TABLES[kind]), row).inserted_primary_key
                connection.execute(insert(IMPORTS), {**named, "entry_id": id_, "digest": "", "known_at": row["known_at"]})
                new += 1
            return new

        return self.write(work, alone=True) if checked else 0

    def _find(self, kind: str, id_: int) -> Row | None:
        self._bring_up()
        names = [column.name for column in ENTRIES[kind].columns]
        found = self._ask(lambda cursor: self._statements.entry[kind].run(cursor, {"id": id_}))
        return dict(zip(names, found[0], strict=True)) if found else None

    def _names(self, seller: str, number: str) -> list[str]:
        try:
            return [key.number(seller, number) for key in self.keys.of(self.hidden(seller))]
        except LookUpFailed as error:
            raise LedgerError(f"nothing was recorded: {error}") from None

    def _latest_attempt(self, seller: str, reference: str) -> int | None:
        values = {"seller": seller, "reference": reference}
        found = self._ask(lambda cursor: self._statements.latest_attempt.run(cursor, values))
        return found[0][0] if found else None

    def may_have_called(self, seller: str, number: str) -> bool:
        """False: the state that is kept ``still`` holds no attempt of the number."""
        state = self._state()
        return state is None or (seller, number) not in state.consents

    def latest_attempts(self, seller: str, references: Sequence[str]) -> dict[str, int | None]:
        """By the caller's own ids, the latest attempt that bears each, or None, over the state that is kept ``still``. Raises LookUpFailed."""
        nothing: dict[str, int | None] = dict.fromkeys(references)
        return (
            self._read(lambda cursor: self._reading(cursor, seller, 0, None).latest_attempts(references), nothing)
            if references
            else nothing
        )

    def _numbers_of(self, seller: str, person: str) -> list[str]:
        values = {"seller": seller, "person": person, "as_of": ALWAYS}
        return [number for (number,) in self._read(lambda cursor: self._statements.numbers_of.run(cursor, values), [])]

    def _bring_up(self) -> None:
        """Brings an older record up to this version, on the way to a write."""
        there = self._file is None or self._file.exists()
        if there and self._ask(lambda cursor: [(self._held().version,)]) not in ([], [(VERSION,)]):
            self.write(lambda connection: None)

    def _ask(self, question: Callable[[Any], list[tuple]]) -> list[tuple]:
        """A question asked on the way to a write."""
        self.move_on()
        try:
            return self._read(question, [])
        except LookUpFailed as error:
            raise LedgerError(f"nothing was recorded: {error}") from error
