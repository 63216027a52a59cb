"""What the rows of a list get, and how the answers of several places make up one.

A person who may be in one of several places must be lawful to call in each: the answers of the places are worked out one by
one, and joined as one decision would have joined them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from dialguard.engine.decision import Decision
from dialguard.engine.judge import Engine, Judgement
from dialguard.engine.reasons import KINDS, reason_order
from dialguard.engine.search import ages_held, next_step, retry_at, valid_until
from dialguard.expr.nodes import facts_read
from dialguard.model.facts import Facts, Place
from dialguard.model.moment import Instant

COLUMNS = (
    "dg_verdict", "dg_kind", "dg_reason", "dg_reasons", "dg_citation", "dg_needs", "dg_obligations", "dg_retry_at", "dg_valid_until",
    "dg_recheck_at_dial", "dg_states", "dg_zones", "dg_duplicate", "dg_problem",
)  # fmt: skip
"""The columns added to every row, all of them text; lists are joined with ``;``."""

DUPLICATE = "duplicate"
PASSING = frozenset(("calling_hours", "holidays", "frequency"))
"""Topics of reasons that pass with time; where time alone does not cure a denial, another reason is the main one."""
Reason = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rows of one class get."""

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
    duties: tuple[Reason, ...] = field(default=(), hash=False, compare=False)
    duty_rules: tuple[str, ...] = ()
    """The rules of the duties; the same words may come from rules of several states."""
    retry_at: str = ""
    valid_until: str = ""
    recheck: tuple[str, ...] = ()
    """What an allowed number must be asked again for when it is dialed: ``consent`` (consent, revocation or own list may have
    changed in the store) and ``frequency`` (a cap counts the attempts made since)."""
    states: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """The values of COLUMNS but the last two."""
        return (
            self.verdict, self.kind, self.reason, ";".join(self.reasons), self.citation, ";".join(self.needs), ";".join(self.obligations),
            self.retry_at, self.valid_until, ";".join(self.recheck), ";".join(self.states), ";".join(self.zones),
        )  # fmt: skip


class Local:
    """A decision as far as one place has a say in it. What only a join of several places asks is worked out then."""

    def __init__(self, engine: Engine, facts: Facts, judgement: Judgement, decision: Decision) -> None:
        self._engine, self._facts, self._judgement = engine, facts, judgement
        self._open: np.ndarray | None = None
        self.denied = not decision.allowed
        self.reasons: list[Reason] = decision.reasons if self.denied else []
        self.duties: list[Reason] = [] if self.denied else decision.obligations

    @cached_property
    def opens(self) -> Instant | None:
        """When this place allows the call: now, or at the first later moment; None when time alone never brings it."""
        return retry_at(self._engine, self._facts) if self.denied else self._facts.at

    @cached_property
    def closes(self) -> Instant | None:
        """When it no longer does, counted from ``opens``; None when no end is in sight."""
        return None if self.opens is None else valid_until(self._engine, self._facts, self.opens)


    def open_at(self, instants: Sequence[Instant]) -> np.ndarray:
        """Whether it allows the call at each of some instants, lists and record held as they are."""
        if self._open is None:
            facts = ages_held(self._facts, self._engine.clock)
            self._open = np.array([not self._engine.judge(facts, max(instant, facts.at)).denied for instant in instants])
        return self._open

    def settled(self, moving: frozenset[str]) -> bool:
        """Whether some rule denies that time cannot change, whatever the moments of the facts ``moving``."""
        engine, facts = self._engine, self._facts
        return any(
            moving.isdisjoint(facts_read(engine.law(finding).moving)) and next_step(engine, facts, facts.values, finding) is None
            for finding in self._judgement.deny
        )

    @cached_property
    def content(self) -> tuple:
        """All that a join asks of it."""
        reasons = tuple((reason["rule"], reason["kind"], tuple(reason.get("needs", ()))) for reason in self.reasons)  # type: ignore[arg-type]
        return (reasons, tuple(map(_duty, self.duties)), tuple(str(duty["rule"]) for duty in self.duties), self.opens, self.closes)


def merged(reasons: Sequence[Sequence[Reason]]) -> list[Reason]:
    """The reasons of several places as one decision shows them: a rule once, the more certain kind, all that it needs."""
    found: dict[object, dict[str, object]] = {}
    for reason in (reason for group in reasons for reason in group):
        held = found.get(reason["rule"])
        if held is None:
            found[reason["rule"]] = dict(reason)
            continue
        both = {*held["needs"], *reason["needs"]} if "needs" in held and "needs" in reason else None
        if KINDS.index(str(reason["kind"])) < KINDS.index(str(held["kind"])):
            held = found[reason["rule"]] = dict(reason)
        if both is not None:
            held["needs"] = sorted(both)
    return sorted(found.values(), key=reason_order)


def allowed(duties: Sequence[Reason], **more: object) -> Answer:
    """The answer of a permission."""
    codes = tuple(dict.fromkeys(_duty(entry) for entry in duties))
    return Answer("allow", obligations=codes, duties=tuple(duties), duty_rules=tuple(str(entry["rule"]) for entry in duties), **more)  # type: ignore[arg-type]


def denied(reasons: Sequence[Reason], **more: object) -> Answer:
    """The answer of a denial."""
    first = reasons[0]
    lasting = () if more.get("retry_at") else [reason for reason in reasons if reason["topic"] not in PASSING]
    main = (*lasting, first)[0]
    needs = tuple(sorted({name for reason in reasons for name in reason.get("needs", ())}))  # type: ignore[attr-defined]
    return Answer(
        "deny", str(first["kind"]), str(first["rule"]), tuple(str(reason["rule"]) for reason in reasons), str(first["citation"] or ""),
        str(first["message"]), (str(main["rule"]), str(main["kind"]), str(main["citation"] or "")), needs, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def whole(facts: Facts, decision: Decision, recheck: tuple[str, ...]) -> Answer:
    """The answer of one decision; ``recheck`` is for a permission."""
    if decision.allowed:
        return allowed(decision.obligations, valid_until=decision.valid_until or "", recheck=recheck, **named(facts.places))
    return denied(decision.reasons, retry_at=decision.retry_at or "", **named(facts.places))


def named(places: Sequence[Place]) -> dict[str, tuple[str, ...]]:
    """The states and the zones of some places, each once."""
    return {"states": tuple(dict.fromkeys(state for state, _ in places)), "zones": tuple(dict.fromkeys(zone for _, zone in places))}


def _duty(entry: Reason) -> str:
    """A duty as one word; what is to be confirmed belongs to it."""
    if entry["duty"] == "confirm":
        return f"confirm:{','.join(entry['params']['facts'])}"  # type: ignore[index]
    return str(entry["duty"])
