"""One attempt against the law: every candidate rule, in every place where the person may be."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from dialguard.engine.memory import Memory
from dialguard.engine.programs import Law, Programs
from dialguard.expr.outcome import OBLIGED, PROHIBITED, SILENT, UNKNOWN_FACT, outcome
from dialguard.model.facts import Facts
from dialguard.model.moment import Clock, Instant, Moment
from dialguard.packs.load import Packs


class Finding(NamedTuple):
    """A rule, by its id, and the moment (instant and zone) at which it bites."""

    rule: str
    moment: Moment


Group = tuple[Moment, list[str], list[str], tuple[str, ...]]
"""One zone's findings: the moment there, the rules that deny, those that oblige, and those that oblige whatever the attempt is."""


class Judgement(Struct, eq=False):
    """What bites: findings that deny and findings that oblige. An attempt is allowed when none denies."""

    groups: list[Group]
    denied: bool
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def deny(self) -> list[Finding]:
        """Findings that deny."""
        return [Finding(rule, moment) for moment, deny, _, _ in self.groups for rule in deny]

    @property
    def oblige(self) -> list[Finding]:
        """Findings that oblige."""
        return [Finding(rule, moment) for moment, _, oblige, always in self.groups for rule in (*oblige, *always)]


class Engine:
    """Judges facts by the packs. ``disabled`` are disputed rules that an operator has switched off, each with the reason."""

    def __init__(
        self,
        packs: Packs,
        clock: Clock,
        *,
        index: bool = True,
        specialise: bool = True,
        recall: bool = True,
        disabled: Mapping[str, str] | None = None,
    ) -> None:
        self.packs, self.clock = packs, clock
        self.disabled = dict(disabled or {})
        self.programs = Programs(packs, index=index, specialise=specialise, disabled=frozenset(self.disabled))
        self._plans = self.programs.plans
        self._moments: dict[str, Moment] = {}
        self.memory = Memory() if recall else None

    def prepare(self, other: "Engine", now: Instant, campaigns: Mapping[str, tuple[str, Mapping[str, object]]]) -> None:
        """Compiles for now what another engine was asked for; see ``Programs.prepare``."""
        self.programs.prepare(other.programs, lambda zone: Moment(now, zone, self.clock).ordinal, campaigns)

    def judge(self, facts: Facts, instant: Instant | None = None) -> Judgement:
        """All findings at an instant (the attempt's own by default)."""
        try:
            if instant is None or instant == facts.at:
                groups, denied = self._run(facts, facts.at, facts.values)
            else:
                groups, denied = self._run(facts, instant, facts.at_instant(instant))
            return Judgement(groups, denied)
        except Exception as error:  # a rule that cannot be judged is never a rule that is skipped
            where = ", ".join(dict.fromkeys(("US", *(state for state, _ in facts.places))))
            return Judgement([], True, ((where, type(error).__name__),))

    def rule_ids(self, facts: Facts) -> list[str]:
        """The ids of the rules that deny, each once, in no order; an error in a rule is raised, not turned into a denial."""
        groups, _ = self._run(facts, facts.at, facts.values)
        if len(groups) == 1:  # a rule stands in one program
            return groups[0][1]
        return list({rule for group in groups for rule in group[1]})

    def _run(self, facts: Facts, instant: Instant, values: dict[str, object]) -> tuple[list[Group], bool]:
        places, scope = facts.places, facts.scope
        groups, moments = [], self._moments
        denied = not places  # whatever the rules say: what lies nowhere cannot be shown to be lawful
        plan = self._plans.get((places, scope)) or self.programs.plan(places, scope)
        for zone, first, end, programs, always in plan:
            moment = moments.get(zone)  # many attempts are judged at one instant
            if moment is None or moment.instant != instant:
                moment = moments[zone] = Moment(instant, zone, self.clock)
            if not first <= moment.ordinal < end:
                _, _, _, programs, always = self.programs.refresh(plan, zone, moment.ordinal, places, scope, facts.fixed)
            deny: list[str] = []
            oblige: list[str] = []
            for program in programs:
                program(values, moment, deny, oblige)
            if deny:
                denied = True
            groups.append((moment, deny, oblige, always))
        return groups, denied

    def kind(self, finding: Finding, values: dict[str, object]) -> str:
        """Whether a denial is certain (``prohibited``) or open (``unknown``)."""
        law = self.law(finding)
        certain, possible_reliefs = self.programs.certainty(law, finding.moment.ordinal)
        if certain(values, finding.moment) and not any(relief(values, finding.moment) for relief in possible_reliefs):
            return PROHIBITED
        return UNKNOWN_FACT

    def law(self, finding: Finding) -> Law:
        """The rule of a finding as it is law at its moment."""
        return self.programs.law(finding.rule, finding.moment.ordinal)

    def timed(self, facts: Facts, instant: Instant) -> list[Finding]:
        """The candidate rules that time alone may change, in every place; those on numbers do not."""
        found = []
        seen: set[str] = set()
        for state, zone in facts.places:
            moment = Moment(instant, zone, self.clock)
            for jurisdiction in (state,) if zone in seen else ("US", state):
                compiled = self.programs.compiled(jurisdiction, moment.ordinal, facts.scope, facts.fixed)
                found += [Finding(rule, moment) for rule in compiled.timed]
            seen.add(zone)
        return found


def judge_by_reference(
    packs: Packs, clock: Clock, facts: Facts, instant: Instant | None = None, disabled: frozenset[str] = frozenset()
) -> dict[str, str]:
    """The same by the reference meaning alone, rule by rule: rule id -> the strictest outcome over all places."""
    instant = facts.at if instant is None else instant
    values = facts.at_instant(instant)
    worst: dict[str, str] = {}
    rank = {SILENT: 0, OBLIGED: 1, UNKNOWN_FACT: 2, PROHIBITED: 3}
    for rule in packs.rules:
        if rule.kind not in ("prohibition", "obligation") or rule.id in disabled:
            continue
        if not facts.places and rule.topic != "number":
            continue
        for state, zone in facts.places or (("US", "UTC"),):
            if rule.jurisdiction not in ("US", state):
                continue
            moment = Moment(instant, zone, clock)
            span = rule.span(moment.ordinal)
            if span is None:
                continue
            reliefs = [
                relief_span.condition
                for relief in rule.relieved_by
                if relief not in disabled and (relief_span := packs.by_id[relief].span(moment.ordinal)) is not None
            ]
            found = outcome(rule.kind, span.condition, reliefs, values, moment, packs.closed, packs.vocabulary, rule.deny_unknown)
            if rank[found] > rank[worst.get(rule.id, SILENT)]:
                worst[rule.id] = found
    return worst


def strictest(engine: Engine, judgement: Judgement, values: Mapping[str, object]) -> dict[str, str]:
    """An engine's findings in the same form as the reference's, for comparison."""
    worst: dict[str, str] = {}
    rank = {OBLIGED: 1, UNKNOWN_FACT: 2, PROHIBITED: 3}
    for finding in judgement.oblige:
        worst.setdefault(finding.rule, OBLIGED)
    for finding in judgement.deny:
        kind = engine.kind(finding, values)
        if rank[kind] > rank.get(worst.get(finding.rule), 0):
            worst[finding.rule] = kind
    return worst
