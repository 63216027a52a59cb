"""Columns of a list against the law: one campaign, one moment, an answer for every row.

Numbers, addresses and lists are read by column; what a row is made of becomes a few small numbers, and its answer is looked up
by them (``tables``). Rows of whom the store holds something of their own are judged one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dialguard.facts.areacodes import ACTIVE
from dialguard.facts.numbers import Number, parse
from dialguard.ledger.pseudonyms import is_hidden_person
from dialguard.lists.kinds import DO_NOT_ORIGINATE, KINDS
from dialguard.model.moment import DAY, EPOCH_ORDINAL
from dialguard.model.records import LookUp
from dialguard.screening.answers import DUPLICATE, Answer
from dialguard.screening.asked import LINE_TYPE
from dialguard.screening.classes import Column, Combined, Distinct
from dialguard.screening.columns import abridged, cleaned, in_common
from dialguard.screening.consents import NONE, Consents
from dialguard.screening.hidden import Hidden
from dialguard.screening.listed import Listed
from dialguard.screening.phones import Phones, normalise
from dialguard.screening.sets import Known, Seen
from dialguard.screening.tables import ADDRESS_FIELDS, ALONE, Cell, Tables
from dialguard.screening.week import week

if TYPE_CHECKING:
    from dialguard.engine.judge import Engine
    from dialguard.facts.gather import Gatherer
    from dialguard.facts.given import Campaign
    from dialguard.model.moment import Instant
    from dialguard.storage.ports import Store

PHONE = "to"
_NOBODY = "+12010000000"
"""A number that nobody can have."""
_OWN = frozenset(("id", "contact.id", "debt.id"))
"""Fields that are each row's own; without a record of the row's own, or attempts that it states, no rule can tell rows apart by them."""
_ATTEMPTS = "history.attempts"
"""A column of earlier attempts: which of them count depends on the row's own number and debt."""
_LINES = 10_000_000
_MOST_KINDS = 200_000
"""Kinds of person that are kept; a list whose columns make more of them is judged row by row from there."""


@dataclass(frozen=True)
class Screened:
    """The answers to some rows: numbers of ``Screener.answers`` and of ``Screener.problems`` (0: none), and which are duplicates."""

    answers: np.ndarray
    problems: np.ndarray
    duplicates: np.ndarray

    def __len__(self) -> int:
        return len(self.answers)


class Screener:
    """Judges the rows of a list, chunk by chunk, for one registered campaign at one moment."""

    def __init__(
        self, engine: Engine, gatherer: Gatherer, campaigns: Mapping[str, Campaign], campaign: str, at: Instant, channel: str = "voice"
    ) -> None:
        self._tables = Tables(engine, gatherer, campaigns, campaign, at, channel)
        self.packs, self.campaign, self.at, self.channel = engine.packs, campaign, at, channel
        self.switched_off = engine.disabled
        self._store, self._as_of = gatherer.sources.store, gatherer.sources.as_of
        self._seller = campaigns[campaign].seller
        self._paid = campaigns[campaign].registry_area_codes
        self._problems: Distinct[str] = Distinct()
        self._problems.number("")
        self._columns: dict[str, Column] = {}
        self._number_kinds: Distinct[tuple] = Distinct()
        self._regions: Distinct[tuple] = Distinct()
        self._places, self._persons, self._cells = Combined(), Combined(), Combined()
        self._cell_answers: list[int] = []
        self._cell_problems: list[int] = []
        self._unusable: dict[str, int] = {}
        self._duplicates: dict[int, int] = {}
        self._seen = Seen()
        self._codes: dict[str, object] | None = None
        self._lists: list[Listed] = []
        self._consents: Consents | None = None
        self._clock = engine.clock
        self._known, self._known_persons, self._nothing = Known(_national([])), frozenset[str](), None
        self._hidden = Hidden(self._seller, (), ())
        if self._store is not None:
            self._open(self._store)

    def _open(self, store: Store) -> None:
        store.refresh()
        schedules = {**self.packs.lists, **{code: KINDS[code] for code in KINDS if code != DO_NOT_ORIGINATE}}
        self._lists = [one for code in schedules if (one := Listed(store, code, self._as_of, self.at)).versions]
        self._tables.list_jurisdictions = tuple(schedules[one.code].jurisdiction for one in self._lists)
        found = store.recorded(self._seller, self.at, self._as_of)
        # What the store says of a number that it holds nothing of: at least since when it would know.
        nobody = store.look_up(seller=self._seller, number=_NOBODY, at=self.at, as_of=self._as_of)
        self._nothing = LookUp(complete_since=nobody.complete_since, pauses=nobody.pauses)
        self._consents = Consents(self._tables.asked, found.consents, self._nothing, self.at, self._clock)
        self._consenting = Known(self._consents.numbers)
        self._known = Known(_national([*found.numbers, *self._consents.unsteady]))
        self._known_persons = frozenset(found.persons)
        self._hidden = Hidden(self._seller, found.hidden, found.keys)
        self._hides_persons = any(map(is_hidden_person, found.persons))

    @property
    def answers(self) -> Sequence[Answer]:
        """The distinct answers so far."""
        return self._tables.answers.values

    @property
    def problems(self) -> Sequence[str]:
        """Why rows could not be used; the first is none."""
        return self._problems.values

    def week(self, answered: Iterable[tuple[int, int]]) -> dict[str, object]:
        """The coming week of the rows of some answers (number of the answer, of its rows); see ``screening.week``."""
        return week(self._tables, answered, self.at, self._clock)

    def screen(self, columns: Mapping[str, pl.Series], broken: Mapping[int, str] | None = None) -> Screened:
        """The answers to some rows, in order. ``columns`` are raw columns by the fields of an attempt that they fill, ``to`` among them.

        ``broken`` says by place which rows cannot be relied on. Raises LookUpFailed when the store cannot answer: then no
        row of the list can be judged.
        """
        self._take_codes()
        phones = _read(columns[PHONE])
        rows = len(phones)
        answers, problems = np.zeros(rows, np.int32), np.zeros(rows, np.int32)
        npa = np.where(phones.national < 0, 0, phones.national // _LINES)
        alive = self._usable[npa]
        for place, why in (broken or {}).items():
            alive[place] = False
            answers[place], problems[place] = self._put(Cell(self._tables.answers.number(Answer("deny", "invalid_input")), why))
        self._mark_unusable(columns[PHONE], phones, npa, alive, broken or {}, answers, problems)
        own = self._with_record(columns, phones, npa) & alive
        shared = np.flatnonzero(alive & ~own)
        if len(shared):
            cells = self._shared(columns, phones, npa, shared)
            if cells is None:
                own |= alive
            else:
                answers[shared] = np.asarray(self._cell_answers, np.int32)[cells]
                problems[shared] = np.asarray(self._cell_problems, np.int32)[cells]
                own[shared] = answers[shared] == ALONE
        self._one_by_one(columns, phones, np.flatnonzero(own), answers, problems)
        duplicates = np.zeros(rows, bool)
        judged = np.flatnonzero(alive & (problems == 0))
        duplicates[judged] = self._seen.again(phones.national[judged])
        again = np.flatnonzero(duplicates)
        answers[again] = [self._again(number) for number in answers[again].tolist()]
        return Screened(answers, problems, duplicates)

    def _put(self, cell: Cell) -> tuple[int, int]:
        return cell.answer, self._problems.number(cell.problem)

    def _take_codes(self) -> None:
        """By area code: whether a number may be called at all, and what else the rules may ask of it."""
        if self._codes is ACTIVE.codes:
            return
        self._codes = ACTIVE.codes
        self._usable = np.zeros(1000, bool)
        self._number_kind = np.zeros(1000, np.int64)
        self._region = np.zeros(1000, np.int64)
        for code, area in ACTIVE.codes.items():
            number = parse(f"{code}5550123")
            self._usable[int(code)] = number.e164 is not None and number.reason is None
            opens = number.in_service_from
            # Long in service is in service: only where it may still be to come does the date tell area codes apart.
            opening = code if opens is not None and opens + 2 > EPOCH_ORDINAL + self.at // DAY else None
            self._number_kind[int(code)] = self._number_kinds.number(
                (number.kind, opening, None if self._paid is None else code in self._paid)
            )
            self._region[int(code)] = self._regions.number((area.state, tuple(area.zones)))

    def _mark_unusable(
        self, column: pl.Series, phones: Phones, npa: np.ndarray, alive: np.ndarray, broken: Mapping[int, str], answers: np.ndarray,
        problems: np.ndarray,
    ) -> None:
        for place, number in phones.odd.items():
            if phones.national[place] < 0 and place not in broken:
                answers[place], problems[place] = self._no_number(number, column[place])
        dead = ~alive & (phones.national >= 0)
        for code in np.unique(npa[dead]).tolist():
            rows = np.flatnonzero(dead & (npa == code))
            rows = rows[[place not in broken for place in rows.tolist()]]
            answers[rows], problems[rows] = self._no_number(parse(f"{code}5550123"), f"{code}5550123")

    def _no_number(self, number: Number, written: object) -> tuple[int, int]:
        answer = self._unusable.get(number.kind)
        if answer is None:
            answer = self._unusable[number.kind] = self._tables.unusable({PHONE: cleaned(PHONE, written)})
        return answer, self._problems.number(number.reason or "Not a telephone number.")

    def _with_record(self, columns: Mapping[str, pl.Series], phones: Phones, npa: np.ndarray) -> np.ndarray:
        """Rows of whose number or person the store holds something, or that state earlier attempts."""
        found = self._known.holds(phones.national) if len(self._known) else np.zeros(len(phones), bool)
        found |= self._hidden.holds(npa, phones.national)
        if _ATTEMPTS in columns:
            found |= np.array([bool(cleaned(_ATTEMPTS, told)) for told in columns[_ATTEMPTS].to_list()], bool)
        if "contact.id" in columns and self._known_persons:
            names = columns["contact.id"]
            found |= np.array([self._known_person(cleaned("contact.id", name)) for name in names.to_list()], bool)
        return found

    def _known_person(self, name: object) -> bool:
        if name in self._known_persons:
            return True
        return self._hides_persons and isinstance(name, str) and not self._known_persons.isdisjoint(self._hidden.persons(name))

    def _shared(self, columns: Mapping[str, pl.Series], phones: Phones, npa: np.ndarray, rows: np.ndarray) -> np.ndarray | None:
        """The cells of some rows; None where the columns make too many kinds of person to be worth it."""
        if len(self._persons) > _MOST_KINDS:
            return None
        national, code = phones.national[rows], npa[rows]
        region, person = [self._region[code]], [self._number_kind[code]]
        for one in self._lists:
            person.append(one.encode(code, national - code * _LINES))
        nothing = np.zeros(len(rows), np.int64)
        person.append(self._column(LINE_TYPE, columns[LINE_TYPE], rows) if LINE_TYPE in columns else nothing)
        consenting = nothing
        if self._consents is not None:
            consenting = self._consents.encode(national, np.flatnonzero(self._consenting.holds(national)))
        person.append(consenting)
        for field, series in columns.items():
            if field not in _OWN and field not in (PHONE, LINE_TYPE):
                (region if field in ADDRESS_FIELDS else person).append(self._column(field, series, rows))
        try:
            places = self._register(self._places, region, columns, rows, self._tables.add_place, len(self._tables.places))
            persons = self._register(self._persons, person, columns, rows, self._add_person, len(self._tables.persons))
        except OverflowError:
            return None
        cells = self._cells.encode([places, persons])
        for place, kind in self._cells.combinations[len(self._cell_answers) :]:
            answer, problem = self._put(self._tables.cell(place, kind))
            self._cell_answers.append(answer)
            self._cell_problems.append(problem)
        return cells

    def _column(self, field: str, series: pl.Series, rows: np.ndarray) -> np.ndarray:
        """The number of each row's value, of the rows that are asked for."""
        column = self._columns.get(field)
        if column is None:
            column = self._columns[field] = Column(in_common(field))
        return column.encode(abridged(field, series if len(rows) == len(series) else series.gather(rows)))

    def _register(
        self, combined: Combined, parts: list[np.ndarray], columns: Mapping[str, pl.Series], rows: np.ndarray,
        add: Callable[[Mapping[str, object]], int], before: int,
    ) -> np.ndarray:
        """The number of each row's combination; new ones are added to the tables by their first row, in order."""
        numbers = combined.encode(parts)
        if len(combined) > before:
            fresh = np.flatnonzero(numbers >= before)
            new, first = np.unique(numbers[fresh], return_index=True)
            for number, place in zip(new.tolist(), fresh[first].tolist(), strict=True):
                assert add(self._fields(columns, int(rows[place]))) == number
        return numbers

    def _add_person(self, fields: Mapping[str, object]) -> int:
        """Add the person whose combination is next: number kind, lists, line type, kind of consent, then the other columns."""
        number, *parts = self._persons.combinations[len(self._tables.persons)]
        said, (_, kind, *rest) = tuple(parts[: len(self._lists)]), parts[len(self._lists) :]
        found = None if self._consents is None else self._consents.held(kind)
        return self._tables.add_person(fields, found, kind, said, (number, *rest))

    def _one_by_one(
        self, columns: Mapping[str, pl.Series], phones: Phones, rows: np.ndarray, answers: np.ndarray, problems: np.ndarray
    ) -> None:
        if not len(rows):
            return
        fields = [self._fields(columns, place) for place in rows.tolist()]
        found: dict[str, LookUp] = {}
        numbers = [f"+1{national}" for national in phones.national[rows].tolist()]
        if self._store is not None:
            first = dict(zip(reversed(numbers), reversed(fields), strict=True))  # it has the call, the others are duplicates
            persons = {number: str(row["contact.id"]) for number, row in first.items() if row.get("contact.id")}
            found = self._store.look_up_many(self._seller, list(dict.fromkeys(numbers)), self.at, self._as_of, persons)
        for place, number, row in zip(rows.tolist(), numbers, fields, strict=True):
            answers[place], problems[place] = self._put(self._tables.exact(row, found.get(number)))

    @staticmethod
    def _fields(columns: Mapping[str, pl.Series], place: int) -> dict[str, object]:
        fields = {field: cleaned(field, _cell(series, place)) for field, series in columns.items()}
        return {field: value for field, value in fields.items() if value is not None}

    def _again(self, answer: int) -> int:
        """A number that came before: denied as it stands, or because the first row has the call."""
        found = self._duplicates.get(answer)
        if found is None:
            held, found = self.answers[answer], answer
            if held.verdict == "allow":
                found = self._tables.answers.number(Answer("deny", DUPLICATE, states=held.states, zones=held.zones))
            self._duplicates[answer] = found
        return found


def _cell(column: pl.Series, place: int) -> object:
    """A raw value; one of a column of lists as a list, for which polars gives a column."""
    value = column[place]
    return value.to_list() if isinstance(value, pl.Series) else value


def _national(numbers: Sequence[str]) -> np.ndarray:
    """The ten digits of those E.164 numbers that are of +1."""
    return np.array([int(number[2:]) for number in numbers if len(number) == 12 and number.startswith("+1")], np.int64)


def _read(column: pl.Series) -> Phones:
    """The numbers of a column; values of several kinds one by one."""
    if column.dtype != pl.Object:
        return normalise(column)
    numbers = [parse(value) for value in column.to_list()]
    national = np.array([-1 if number.national is None else int(number.national) for number in numbers], np.int64)
    return Phones(national, dict(enumerate(numbers)))
