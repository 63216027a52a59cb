"""The rows of a list against the law: one campaign, one moment, an answer for every row.

A plain loop over the engine. Rows whose facts are equal in all that rules read share one decision: a decision is a function
of its facts, so this is exact, and a list of one campaign at one moment has few distinct ones.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dialguard.engine.decision import Decision
from dialguard.facts import reading
from dialguard.facts.given import Campaign, Given, InvalidInput
from dialguard.model.facts import Facts
from dialguard.model.records import LookUp, LookUpFailed

if TYPE_CHECKING:
    from dialguard.engine.judge import Engine
    from dialguard.facts.gather import Gatherer
    from dialguard.facts.numbers import Number
    from dialguard.model.moment import Instant

COLUMNS = (
    "dg_verdict", "dg_kind", "dg_reason", "dg_reasons", "dg_citation", "dg_needs", "dg_obligations", "dg_retry_at", "dg_valid_until",
    "dg_states", "dg_zones", "dg_duplicate_of", "dg_problem",
)  # fmt: skip
"""The columns added to every row, as text; ``dg_duplicate_of`` is the number of a row, the first being 1."""

DUPLICATE = "duplicate"
PASSING = frozenset(("calling_hours", "holidays", "frequency"))
"""Topics of reasons that pass with time; where time alone does not cure a denial, another reason is the main one."""
_MOST_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rows of one set of facts get. Lists are joined with ``;`` in the output."""

    verdict: str
    kind: str = ""
    reason: str = ""
    reasons: tuple[str, ...] = ()
    citation: str = ""
    message: str = ""
    main: tuple[str, str, str] = ("", "", "")
    """Rule, kind and citation of the reason to count the row under: the first, or the first that does not pass with time."""
    needs: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    duties: tuple[Mapping[str, object], ...] = ()
    retry_at: str = ""
    valid_until: str = ""
    states: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """The values of COLUMNS but the last two."""
        return (
            self.verdict, self.kind, self.reason, ";".join(self.reasons), self.citation, ";".join(self.needs), ";".join(self.obligations),
            self.retry_at, self.valid_until, ";".join(self.states), ";".join(self.zones),
        )  # fmt: skip


class Row(NamedTuple):
    """One row's answer. ``problem`` says why a row could not be used; then, and for a duplicate, it is not callable."""

    answer: Answer
    duplicate_of: int | None = None
    problem: str = ""

    @property
    def cells(self) -> tuple[str | int | None, ...]:
        """The values of COLUMNS."""
        return (*self.answer.cells, self.duplicate_of, self.problem)


class Screener:
    """Judges rows for one registered campaign at one moment. Rows are numbered from 1 in the order in which they come."""

    def __init__(
        self, engine: Engine, gatherer: Gatherer, campaigns: Mapping[str, Campaign], campaign: str, at: Instant, channel: str = "voice"
    ) -> None:
        self._engine, self._gatherer = engine, gatherer
        self._campaigns, self.campaign, self.at, self.channel = campaigns, campaign, at, channel
        self.packs = engine.packs
        self._seller = campaigns[campaign].seller
        self._store, self._as_of = gatherer.sources.store, gatherer.sources.as_of
        self._rows = 0
        self._first: dict[str, tuple[int, Answer]] = {}
        self._answers: dict[tuple, Answer] = {}
        self._numbers: dict[str, Answer] = {}
        if self._store is not None:
            self._store.refresh()

    def screen(self, rows: Sequence[Mapping[str, object]], broken: Mapping[int, str] | None = None) -> list[Row]:
        """The answers to some rows, each the fields of an attempt without campaign and channel, in order.

        ``broken`` says by place which rows cannot be relied on. Raises LookUpFailed when the store cannot answer: then no
        row of the list can be judged.
        """
        read = [self._read(fields, broken.get(place) if broken else None) for place, fields in enumerate(rows)]
        found = self._look_up(given for given in read if isinstance(given, Given))
        out = []
        for given in read:
            self._rows += 1
            out.append(self._row(given, found))
        return out

    def _read(self, fields: Mapping[str, object], broken: str | None) -> Given | str:
        """The attempt of a row, or why it is none."""
        if broken is not None:
            return broken
        try:
            given = reading.read({"channel": self.channel, "campaign": self.campaign, **fields}, self._campaigns)
        except InvalidInput as error:
            return str(error)
        given.at = self.at
        return given

    def _look_up(self, asked: Iterable[Given]) -> dict[str, LookUp]:
        if self._store is None:
            return {}
        persons: dict[str, str] = {}
        numbers: dict[str, None] = {}
        for given in asked:
            number = given.number.e164
            if number is not None and given.number.reason is None and number not in self._first and number not in numbers:
                numbers[number] = None
                if given.person is not None:
                    persons[number] = given.person
        return self._store.look_up_many(self._seller, list(numbers), self.at, self._as_of, persons) if numbers else {}

    def _row(self, given: Given | str, found: Mapping[str, LookUp]) -> Row:
        if isinstance(given, str):
            return Row(Answer("deny", "invalid_input"), problem=given)
        try:
            number = given.number
            if number.e164 is None or number.reason is not None:
                return Row(self._unusable(given), problem=number.reason or "Not a telephone number.")
            earlier = self._first.get(number.e164)
            if earlier is not None:
                return self._duplicate(*earlier)
            facts, evidence = self._gatherer.gather(given, found.get(number.e164))
            answer = self._answer(facts, evidence)
            problem = "" if number.in_service_from is None else self._not_yet(number, facts)
        except LookUpFailed:
            raise
        except Exception as error:  # whatever happens inside a rule, the answer is a denial, and the next row gets its turn
            return Row(Answer("deny", "rule_error"), problem=f"The row could not be judged ({where_failed(error)}).")
        self._first[number.e164] = (self._rows, answer)
        return Row(answer, problem=problem)

    def _not_yet(self, number: Number, facts: Facts) -> str:
        """Why a number is not in service yet, in the place where it is earliest."""
        return number.reason_on(min(self._engine.clock.local(self.at, zone)[0] for _, zone in facts.places)) or ""

    @staticmethod
    def _duplicate(row: int, answer: Answer) -> Row:
        """A number that came before: denied as its first row was, or because that row has the call."""
        if answer.verdict == "allow":
            answer = Answer("deny", DUPLICATE, states=answer.states, zones=answer.zones)
        return Row(answer, duplicate_of=row)

    def _unusable(self, given: Given) -> Answer:
        """What the rules on numbers say of one that may not be called at all; they read nothing but its kind."""
        kind = given.number.kind
        answer = self._numbers.get(kind)
        if answer is None:
            facts, evidence = self._gatherer.gather(given, LookUp())
            decision = Decision(self._engine, facts, self._engine.judge(facts), None, evidence)
            reasons = [reason for reason in decision.reasons if reason["topic"] == "number"]
            answer = _denied(reasons) if reasons else Answer("deny", "invalid_input")
            self._numbers[kind] = answer
        return answer

    def _answer(self, facts: Facts, evidence: object) -> Answer:
        key = _signature(facts)
        answer = self._answers.get(key) if key is not None else None
        if answer is None:
            decision = Decision(self._engine, facts, self._engine.judge(facts), None, evidence)
            answer = _answer(decision, facts)
            if key is not None and len(self._answers) < _MOST_REMEMBERED:
                self._answers[key] = answer
        return answer


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


def _answer(decision: Decision, facts: Facts) -> Answer:
    places = {"states": tuple(dict.fromkeys(state for state, _ in facts.places)), "zones": tuple(dict.fromkeys(zone for _, zone in facts.places))}
    if decision.allowed:
        duties = tuple(decision.obligations)
        codes = tuple(dict.fromkeys(_duty(entry) for entry in duties))
        return Answer("allow", obligations=codes, duties=duties, valid_until=decision.valid_until or "", **places)
    return _denied(decision.reasons, retry_at=decision.retry_at or "", **places)


def _denied(reasons: Sequence[Mapping[str, object]], **more: object) -> Answer:
    first = reasons[0]
    lasting = () if more.get("retry_at") else [reason for reason in reasons if reason["topic"] not in PASSING]
    main = (*lasting, first)[0]
    needs = tuple(sorted({name for reason in reasons for name in reason.get("needs", ())}))
    return Answer(
        "deny", str(first["kind"]), str(first["rule"]), tuple(str(reason["rule"]) for reason in reasons), str(first["citation"] or ""),
        str(first["message"]), (str(main["rule"]), str(main["kind"]), str(main["citation"] or "")), needs, **more,
    )  # fmt: skip


def _duty(entry: Mapping[str, object]) -> str:
    """A duty as one word; what is to be confirmed belongs to it."""
    if entry["duty"] == "confirm":
        return f"confirm:{','.join(entry['params']['facts'])}"
    return str(entry["duty"])
