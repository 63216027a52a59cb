"""One attempt against the law: every candidate rule, in every place where the person may be."""

from collections.abc import Mapping
from typing import NamedTuple

from dialguard.engine.programs import NOWHERE, Compiled, Law, Programs
from dialguard.expr.outcome import OBLIGED, PROHIBITED, SILENT, UNKNOWN_FACT, outcome
from dialguard.model.facts import Facts
from dialguard.model.moment import Clock, Instant, Moment
from dialguard.packs.load import Packs


class Finding(NamedTuple):
    """A rule, by its number in the packs, and the moment (instant and zone) at which it bites."""

    index: int
    moment: Moment


class Judgement:
    """What bites: findings that deny and findings that oblige. An attempt is allowed when none denies."""

    __slots__ = ("_groups", "denied")

    def __init__(self) -> None:
        self._groups: list[tuple[Moment, list[int], list[int], tuple[int, ...]]] = []
        self.denied = False

    def run(self, compiled: Compiled, values: dict[str, object], moment: Moment) -> None:
        """Judge by one program at one moment."""
        deny: list[int] = []
        oblige: list[int] = []
        compiled.program(values, moment, deny, oblige)
        if deny:
            self.denied = True
        self._groups.append((moment, deny, oblige, compiled.always))

    @property
    def deny(self) -> list[Finding]:
        """Findings that deny."""
        return [Finding(index, moment) for moment, deny, _, _ in self._groups for index in deny]

    @property
    def oblige(self) -> list[Finding]:
        """Findings that oblige."""
        return [Finding(index, moment) for moment, _, oblige, always in self._groups for index in (*oblige, *always)]


class Engine:
    """Judges facts by the packs. ``disabled`` are disputed rules that an operator has switched off."""

    def __init__(
        self, packs: Packs, clock: Clock, *, index: bool = True, specialise: bool = True, disabled: frozenset[str] = frozenset()
    ) -> None:
        self.packs, self.clock = packs, clock
        self.programs = Programs(packs, index=index, specialise=specialise, disabled=disabled)

    def judge(self, facts: Facts, instant: Instant | None = None) -> Judgement:
        """All findings at an instant (the attempt's own by default)."""
        if instant is None or instant == facts.at:
            instant, values = facts.at, facts.values
        else:
            values = facts.at_instant(instant)
        judgement = Judgement()
        programs, scope, fixed = self.programs, facts.scope, facts.fixed
        if not facts.places:
            moment = Moment(instant, "UTC", self.clock)
            judgement.run(programs.compiled(NOWHERE, moment.ordinal, scope, fixed), values, moment)
            judgement.denied = True  # whatever the rules say: what lies nowhere cannot be shown to be lawful
            return judgement
        seen: dict[str, Moment] = {}
        for state, zone in facts.places:
            moment = seen.get(zone)
            if moment is None:
                moment = seen[zone] = Moment(instant, zone, self.clock)
                judgement.run(programs.compiled("US", moment.ordinal, scope, fixed), values, moment)
            judgement.run(programs.compiled(state, moment.ordinal, scope, fixed), values, moment)
        return judgement

    def kind(self, finding: Finding, values: dict[str, object]) -> str:
        """Whether a denial is certain (``prohibited``) or open (``unknown``)."""
        law = self.law(finding)
        certain, possible_reliefs = self.programs.certainty(law, finding.moment.ordinal)
        if certain(values, finding.moment) and not any(relief(values, finding.moment) for relief in possible_reliefs):
            return PROHIBITED
        return UNKNOWN_FACT

    def law(self, finding: Finding) -> Law:
        """The rule of a finding as it is law at its moment."""
        return self.programs.law(finding.index, finding.moment.ordinal)

    def timed(self, facts: Facts, instant: Instant) -> list[Finding]:
        """The candidate rules that time alone may change, in every place; those on numbers do not."""
        found = []
        seen: set[str] = set()
        for state, zone in facts.places:
            moment = Moment(instant, zone, self.clock)
            for jurisdiction in (state,) if zone in seen else ("US", state):
                compiled = self.programs.compiled(jurisdiction, moment.ordinal, facts.scope, facts.fixed)
                found += [Finding(index, moment) for index in compiled.timed]
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
        worst.setdefault(engine.packs.rules[finding.index].id, OBLIGED)
    for finding in judgement.deny:
        rule_id, kind = engine.packs.rules[finding.index].id, engine.kind(finding, values)
        if rank[kind] > rank.get(worst.get(rule_id), 0):
            worst[rule_id] = kind
    return worst
