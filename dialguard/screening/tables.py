"""Class tables: rows that no rule can tell apart share one answer, worked out once by the engine that judges single attempts.

A row is a place (where the person may be, by area code and address) and a person (line, lists, what is known). The answer of
a place and a person is joined from those of the single states and zones of the place, of which there are few.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dialguard.engine.decision import Decision
from dialguard.engine.reasons import place_order
from dialguard.facts import places, reading
from dialguard.facts.given import Campaign, Given, InvalidInput
from dialguard.facts.places import Place, Places
from dialguard.facts.readers import ADDRESS
from dialguard.model.facts import Facts
from dialguard.model.moment import DAY
from dialguard.model.records import LookUp, LookUpFailed
from dialguard.screening.answers import Answer, Local, allowed, denied, merged, named, whole
from dialguard.screening.asked import Asked
from dialguard.screening.classes import Distinct
from dialguard.screening.dates import STEADY_DAYS

if TYPE_CHECKING:
    from dialguard.engine.judge import Engine, Judgement
    from dialguard.facts.gather import Gatherer
    from dialguard.facts.numbers import Number
    from dialguard.model.moment import Instant

Fields = Mapping[str, object]
ADDRESS_FIELDS = frozenset(f"contact.{name}" for name in ADDRESS)
_IN_A_STATE = frozenset(("contact.county", "contact.place"))
_ANYWHERE = Places((Place("TX", "America/Chicago"),), {"TX": (), "America/Chicago": ()}, ())
_UNREAD = Answer("deny", "invalid_input")
_MOST_REMEMBERED = 100_000


ALONE = -1
"""In the place of an answer: the rows of the cell must be judged one by one."""
DATED = frozenset(("consent.obtained_at", "consent.requested_at"))
"""Facts of a person that stands for others of whom they differ, though no rule tells them apart for some days."""


class Cell(NamedTuple):
    """The answer of a row, by its number, and why the row is not usable where it is not."""

    answer: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Where:
    """A place: its fields of an attempt and what they say. ``county`` matters to declarations in states of ``home`` alone."""

    fields: Fields
    places: Places
    county: tuple[object, object] | None
    home: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Who:
    """A person: fields of an attempt that stands for all of its kind, and what the store holds of them."""

    fields: Fields
    number: Number
    found: LookUp | None
    kind: int
    """Of consent, where that is all that the store holds; else 0."""
    lists: tuple[int, ...]
    traits: tuple[int, ...]
    """What else tells it from others, the type of its line apart."""


class Tables:
    """The answers of one campaign at one moment, by place and person."""

    def __init__(
        self, engine: Engine, gatherer: Gatherer, campaigns: Mapping[str, Campaign], campaign: str, at: Instant, channel: str
    ) -> None:
        self._engine, self._gatherer, self._campaigns = engine, gatherer, campaigns
        self._fixed = {"channel": channel, "campaign": campaign}
        self.list_jurisdictions: tuple[str, ...] = ()
        """Of the loaded lists, in the order in which persons have what they say."""
        self._at = at
        self.answers: Distinct[Answer] = Distinct()
        self.places: list[_Where | str] = []
        self.persons: list[_Who | str] = []
        self._locals: dict[tuple, tuple[int, bool]] = {}
        self._seen: dict[tuple, tuple[int, bool]] = {}
        self._values: dict[int, Mapping[str, object]] = {}
        """The facts of a person, wherever it is."""
        self._kept: list[Local] = []
        self._alike: dict[tuple, int] = {}
        self._joined: dict[tuple, int] = {}
        self._exact: dict[tuple, int] = {}
        self._parts: dict[int, tuple[tuple[Place, ...], tuple[int, ...]]] = {}
        """Of joined answers, one case that got it."""

    def add_place(self, fields: Fields) -> int:
        """A new place, from the address and the number of a row; a mistake in its other fields is not the place's."""
        address = {name: value for name, value in fields.items() if name in ADDRESS_FIELDS}
        given = self._read({"to": fields["to"], **address})
        if isinstance(given, str):
            self.places.append(given)
        else:
            found = places.candidates(given.number, presuming=self._gatherer.packs.presuming, **given.address)
            county = (given.address.get("county"), given.address.get("place"))
            named = {state for state, _ in found.pairs if not {"address", "zip", "state"}.isdisjoint(found.sources[state])}
            self.places.append(_Where(address, found, county if any(county) else None, frozenset(named or (s for s, _ in found.pairs))))
        return len(self.places) - 1

    def add_person(self, fields: Fields, found: LookUp | None, kind: int, lists: tuple[int, ...], traits: tuple[int, ...]) -> int:
        """A new kind of person, from a row that is one of them; its address is left aside.

        ``kind`` of lone consent (0: none), ``lists``: what each list says, ``traits``: all else that tells it from others, but
        for the type of its line.
        """
        fields = {name: value for name, value in fields.items() if name not in ADDRESS_FIELDS}
        given = self._read(fields)
        if isinstance(given, str):
            self.persons.append(given)
        else:
            self.persons.append(_Who(fields, given.number, found, kind, lists, traits))
        return len(self.persons) - 1

    @cached_property
    def asked(self) -> Asked:
        """What the rules ask of the campaign's attempts."""
        given = self._read({"to": "+12015550123"})
        if isinstance(given, str):
            raise InvalidInput([("campaign", given)])
        facts = self._gatherer.gather(given, LookUp(), _ANYWHERE)[0]
        return Asked(self._engine.programs, facts.scope, facts.fixed, self._at, self._engine.clock)

    def cell(self, place: int, person: int) -> Cell:
        """The answer of a person in a place."""
        where, who = self.places[place], self.persons[person]
        if isinstance(where, str) or isinstance(who, str):
            return Cell(self.answers.number(_UNREAD), "; ".join(dict.fromkeys(one for one in (where, who) if isinstance(one, str))))
        try:
            pairs = where.places.pairs
            locals_ = [self._local(pair, person, where, who) for pair in pairs]
            parts, dated = tuple(number for number, _ in locals_), any(moves for _, moves in locals_)
            key = (pairs, parts, dated)
            found = self._joined.get(key)
            if found is None:
                found = self._joined[key] = self._join(where, who, parts, dated)
            return Cell(found, self._not_yet(who.number, where.places.pairs))
        except LookUpFailed:
            raise
        except Exception as error:  # whatever happens inside a rule, the answer is a denial, and the next row gets its turn
            return self._failed(error)

    def exact(self, fields: Fields, found: LookUp | None) -> Cell:
        """The answer of one row by itself."""
        given = self._read(fields)
        if isinstance(given, str):
            return Cell(self.answers.number(_UNREAD), given)
        try:
            facts, evidence = self._gatherer.gather(given, found)
            key = _signature(facts)
            number = self._exact.get(key) if key is not None else None
            if number is None:
                decision = Decision(self._engine, facts, self._engine.judge(facts), None, evidence)
                number = self.answers.number(whole(facts, decision, self.asked.recheck(facts.places)))
                if key is not None and len(self._exact) < _MOST_REMEMBERED:
                    self._exact[key] = number
            return Cell(number, self._not_yet(given.number, facts.places))
        except LookUpFailed:
            raise
        except Exception as error:
            return self._failed(error)

    def opens(self, answer: int) -> bool:
        """Whether an answer is, or with time becomes, a permission, and it is known where."""
        held = self.answers.values[answer]
        return answer in self._parts and (held.verdict == "allow" or held.retry_at != "")

    def open_at(self, answer: int, instants: Sequence[Instant]) -> tuple[str, np.ndarray]:
        """At which instants from the screen on it is a permission; and the zone of its first place."""
        pairs, parts = self._parts[answer]
        return pairs[0].zone, np.logical_and.reduce([self._kept[part].open_at(instants) for part in set(parts)])

    def unusable(self, fields: Fields) -> int:
        """What the rules on numbers say of one that may not be called at all; they read nothing but its kind."""
        given = self._read(fields)
        if isinstance(given, str):
            return self.answers.number(_UNREAD)
        facts, evidence = self._gatherer.gather(given, LookUp())
        decision = Decision(self._engine, facts, self._engine.judge(facts), None, evidence)
        reasons = [reason for reason in decision.reasons if reason["topic"] == "number"]
        return self.answers.number(denied(reasons) if reasons else _UNREAD)

    def _read(self, fields: Fields) -> Given | str:
        """An attempt, or why it is none."""
        try:
            given = reading.read({**self._fixed, **fields}, self._campaigns)
        except InvalidInput as error:
            return str(error)
        given.at = self._at
        return given

    def _local(self, pair: Place, person: int, where: _Where, who: _Who) -> tuple[int, bool]:
        """The number of what one place of several has to say, which places that say the same share; and whether moments of the
        person's consent decide it, in which others of the kind differ."""
        county = where.county if pair.state in where.home else None
        found = self._locals.get((pair, person, county))
        if found is None:
            if person not in self._values:
                self._values[person] = self._gathered(_ANYWHERE, {}, who)[0].values
            answers, dated = self.asked.answers(pair, self._values[person])
            dated = dated and who.kind != 0
            lists = tuple(said for said, of in zip(who.lists, self.list_jurisdictions, strict=True) if of in ("US", pair.state))
            alike = (pair, county, who.traits, lists, answers, bool(who.kind), dated and who.kind)
            found = self._seen.get(alike)
            if found is None:
                found = self._seen[alike] = self._worked_out(pair, county, where, who, dated), dated
            self._locals[pair, person, county] = found
        return found

    def _worked_out(self, pair: Place, county: object, where: _Where, who: _Who, dated: bool) -> int:
        # What is said of a county speaks of the state of the address alone.
        fields = where.fields if county else {name: value for name, value in where.fields.items() if name not in _IN_A_STATE}
        sources = {name: where.places.sources[name] for name in pair}
        local = Local(self._engine, *self._judged(Places((pair,), sources, ()), fields, who))
        number = self._alike.setdefault((local.content, dated and local.settled(DATED)), len(self._kept))
        if number == len(self._kept):
            self._kept.append(local)
        return number

    def _gathered(self, where: Places, address: Fields, who: _Who) -> tuple[Facts, Callable[[], Mapping[str, object]]]:
        given = self._read({**who.fields, **address})
        assert isinstance(given, Given)  # both halves were read before
        return self._gatherer.gather(given, who.found, where)

    def _judged(self, where: Places, address: Fields, who: _Who) -> tuple[Facts, Judgement, Decision]:
        facts, evidence = self._gathered(where, address, who)
        judgement = self._engine.judge(facts)
        return facts, judgement, Decision(self._engine, facts, judgement, None, evidence)

    def _join(self, where: _Where, who: _Who, parts: tuple[int, ...], dated: bool) -> int:
        """The number of the one answer of several places: lawful in each of them."""
        pairs = where.places.pairs
        locals_ = [self._kept[part] for part in dict.fromkeys(parts)]
        against = [local for local in locals_ if local.denied]
        if not against:
            end = min((local.closes for local in locals_ if local.closes is not None), default=None)
            if dated and not self._soon(end):
                return ALONE
            duties = {entry["rule"]: entry for local in locals_ for entry in local.duties}
            recheck = self.asked.recheck(pairs)
            ordered = sorted(duties.values(), key=place_order)
            return self._number(allowed(ordered, valid_until=self._shown(end, pairs), recheck=recheck, **named(pairs)), pairs, parts)
        opens = [local.opens for local in locals_]
        retry = None if None in opens else max(opens)
        if dated and not (self._soon(retry) if retry is not None else any(local.settled(DATED) for local in against)):
            return ALONE
        if retry is not None and any(local.closes is not None and local.closes <= retry for local in locals_):
            if dated:
                return ALONE
            facts, _, decision = self._judged(where.places, where.fields, who)
            return self.answers.number(whole(facts, decision, self.asked.recheck(pairs)))
        return self._number(
            denied(merged([local.reasons for local in against]), retry_at=self._shown(retry, pairs), **named(pairs)), pairs, parts
        )

    def _soon(self, instant: Instant | None) -> bool:
        return instant is not None and instant <= self._at + STEADY_DAYS * DAY

    def _number(self, answer: Answer, pairs: tuple[Place, ...], parts: tuple[int, ...]) -> int:
        number = self.answers.number(answer)
        self._parts.setdefault(number, (pairs, parts))
        return number

    def _shown(self, instant: Instant | None, pairs: tuple[Place, ...]) -> str:
        return "" if instant is None else self._engine.clock.format_instant(instant, pairs[0].zone)

    def _not_yet(self, number: Number, pairs: tuple[Place, ...]) -> str:
        """Why a number is not in service yet, in the place where it is earliest."""
        if number.in_service_from is None:
            return ""
        return number.reason_on(min(self._engine.clock.local(self._at, zone)[0] for _, zone in pairs)) or ""

    def _failed(self, error: Exception) -> Cell:
        return Cell(self.answers.number(Answer("deny", "rule_error")), f"The row could not be judged ({where_failed(error)}).")


def where_failed(error: Exception) -> str:
    """An unforeseen error in words that hold no personal data: its kind and where it arose."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{type(error).__name__} at {Path(last[0].filename).name}:{last[0].lineno}" if last else type(error).__name__


def _signature(facts: Facts) -> tuple | None:
    """All that a decision is made from, at one moment and for one campaign; None where facts move with time by themselves."""
    if facts.changes:
        return None
    values = dict(facts.values)
    history = values["history.attempts"]
    if history is not None and not history.entries:
        values["history.attempts"] = history._replace(to=None, from_=None)  # counts of nothing do not ask whose
    try:
        key = (facts.places, facts.due, tuple(facts.why.items()), tuple(values.items()))
        hash(key)
    except TypeError:
        return None
    return key
