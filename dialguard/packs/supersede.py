"""What an operator's rules do to the shipped law: a rule that loosens it is refused until its confirmation fits.

An operator's rule touches a shipped one in two ways only, and both say so under ``supersedes``: it stands in its place, or,
as a relief, it lifts it. The shipped rule's own examples are judged before and after, as if each fell under the later law;
so is the neighbourhood of each, at the values where the conditions turn. Where an answer is milder than before, the rule
loosens the law, and ``confirm`` must carry the digest over those answers, the old rule and the new one.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dialguard.expr.nodes import ClosedDay, Node, facts_read
from dialguard.expr.outcome import SEVERITY, SILENT, outcome
from dialguard.expr.reference import evaluate
from dialguard.model.moment import Clock, Moment
from dialguard.packs import linking
from dialguard.packs.pack import Packs
from dialguard.packs.rule import DECIDING, Rule
from dialguard.packs.samples import Neighbourhood
from dialguard.packs.testing import RELIEF_ANSWERS, conditions_of_reliefs, situation
from dialguard.packs.yamlfile import PackError, Problem

_RELIEF_RANK = {"silent": 0, "open": 1, "relieves": 2}
_SHOWN = 3


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One answer that becomes milder: of which shipped rule, in which of its examples, from what to what, under the law of when.

    ``varied`` says what was changed in the example; nothing where it stands as written.
    """

    varied: str
    rule: str
    example: str
    before: str
    after: str
    since: str

    def __str__(self) -> str:
        example = f"{self.example}, with {self.varied}" if self.varied else self.example
        return f"{self.rule}: {example}: {self.before} becomes {self.after}"


@dataclass(frozen=True, slots=True)
class Loosening:
    """A rule of an operator that loosens a shipped one, what it loosens, and the digest that confirms it."""

    rule: str
    replaced: str
    changes: tuple[Change, ...]
    digest: str
    confirm: str | None
    file: str
    line: int

    @property
    def confirmed(self) -> bool:
        """Whether the confirmation in the file fits."""
        return self.confirm == self.digest

    def problem(self) -> Problem:
        """Why it is refused."""
        shown = "; ".join(map(str, self.changes[:_SHOWN])) + (
            f"; and {len(self.changes) - _SHOWN} more" if len(self.changes) > _SHOWN else ""
        )
        told = "its confirmation does not fit" if self.confirm else "it is not confirmed"
        text = f"`{self.rule}` loosens `{self.replaced}`, and {told}: {shown}"
        return Problem(self.file, self.line, 1, text, f"if the law has changed so, write under `supersedes`: confirm: {self.digest}")


def verify_operator(packs: Packs, clock: Clock) -> tuple[Loosening, ...]:
    """What the operator's rules loosen, all of it confirmed; raises PackError where it is not.

    To be called once by whoever decides by ``packs``; packs without an operator's folder need nothing.
    """
    found = loosenings(packs, clock)
    problems = [loosening.problem() for loosening in found if not loosening.confirmed]
    if problems:
        raise PackError(problems)
    return found


def loosenings(packs: Packs, clock: Clock) -> tuple[Loosening, ...]:
    """Every rule of an operator that loosens a shipped one, confirmed or not."""
    if packs.base is None:
        return ()
    found = []
    others = {rule.id: rule for rule in packs.rules if rule.operator and rule.supersedes is None}
    for rule in packs.rules:
        if rule.supersedes is not None:
            # Each is weighed by itself: what another one loosens is that one's to confirm.
            linked = linking.link({**packs.base.by_id, **others, rule.id: rule})
            alone = replace(packs, rules=tuple(linked.values()))
            rule, old = alone.by_id[rule.id], packs.base.by_id[rule.supersedes.rule]
            changes = tuple(sorted(set(_changes(alone, rule, clock))))
            if changes:
                digest = _digest(alone, old, rule, changes)
                found.append(Loosening(rule.id, old.id, changes, digest, rule.supersedes.confirm, rule.file, rule.supersedes.line))
    return tuple(found)


def _digest(packs: Packs, old: Rule, rule: Rule, changes: Sequence[Change]) -> str:
    """Over the loosened answers, the old rule, the new one, and what an operator wrote that the new one turns on."""
    own = [packs.by_id[relief].fingerprint for relief in rule.relieved_by if packs.by_id[relief].operator]
    calendars = {
        node.calendar: [(day.rule, day.observed, day.keep_actual, day.first, day.last) for day in packs.calendars[node.calendar].entries]
        for span in rule.spans
        for node in span.condition.walk()
        if isinstance(node, ClosedDay)
    }
    told = [(change.varied, change.rule, change.example, change.before, change.after, change.since) for change in changes]
    whole = [old.fingerprint, rule.fingerprint, own, calendars, told]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _changes(packs: Packs, rule: Rule, clock: Clock) -> Iterator[Change]:
    base = packs.base
    old = base.by_id[rule.supersedes.rule]
    targets = [old] if old.kind in DECIDING else [base.by_id[target] for target in old.relieves]
    for target in targets:
        if target.kind in DECIDING:
            yield from _answers(packs, rule, target, clock)
    if old.kind == "relief" and rule.kind == "relief":
        yield from _reliefs(packs, rule, old, clock)


def _answers(packs: Packs, rule: Rule, old: Rule, clock: Clock) -> Iterator[Change]:
    """Milder answers of one shipped rule under the law from the superseding day on."""
    standing = [packs.by_id[old.id]]
    standing += [packs.by_id[new] for new, replaced in linking.replacements(packs.by_id).items() if replaced == old.id]
    reliefs = {relief for each in standing for relief in each.relieved_by}
    involved = [old, *(packs.base.by_id[relief] for relief in old.relieved_by), *standing, *(packs.by_id[relief] for relief in reliefs)]
    for day in _days(rule.supersedes.day, involved):
        before = _Law(packs.base, [old], day)
        after = _Law(packs, standing, day)
        since = date.fromordinal(day).isoformat()
        yield from _duties(old, before, after, since)
        if before.parts and not old.tests:
            yield Change("", old.id, "it has no examples", "no one can say", "what changes", since)
        for example, near, facts, moment in _situations(packs, old, clock):
            found = _milder(before, after, rule, packs, facts, moment, near)
            if found:
                changed, strict, mild = found
                yield Change(changed, old.id, example, strict, mild, since)


def _situations(packs: Packs, rule: Rule, clock: Clock) -> Iterator[tuple[str, bool, Mapping[str, object], Moment]]:
    """Each example, and whether its neighbourhood is looked at: of many that one test stands for, that of the first."""
    lines: set[int] = set()
    for test in rule.tests:
        try:
            yield test.name, test.line not in lines, *situation(packs, rule, test, clock)
            lines.add(test.line)
        except ValueError:
            continue  # an example that makes no sense is told where examples are judged


def _days(first: int, rules: Sequence[Rule]) -> list[int]:
    """The superseding day, and every later one on which a rule among these begins, changes or has ended."""
    edges = {edge for rule in rules for span in rule.spans if span.first <= span.last for edge in (span.first, span.last + 1)}
    return [first, *sorted(edge for edge in edges if first < edge <= date.max.toordinal())]


class _Law:
    """Some rules that together say what one shipped rule says, on one day."""

    def __init__(self, packs: Packs, rules: Sequence[Rule], day: int) -> None:
        self.packs = packs
        self.parts = [
            (rule, span, conditions_of_reliefs(packs, rule, day))
            for rule in rules
            if rule.kind in DECIDING and (span := rule.span(day)) is not None
        ]
        self.nodes: list[Node] = [node for _, span, reliefs in self.parts for node in (span.condition, *reliefs)]

    def answer(self, facts: Mapping[str, object], moment: Moment) -> str:
        packs = self.packs
        answers = [
            outcome(rule.kind, span.condition, reliefs, facts, moment, packs.closed, packs.vocabulary, rule.deny_unknown)
            for rule, span, reliefs in self.parts
        ]
        return max(answers, key=SEVERITY.__getitem__, default=SILENT)


def _milder(
    before: _Law, after: _Law, rule: Rule, packs: Packs, facts: Mapping[str, object], moment: Moment, near: bool = True
) -> tuple[str, str, str] | None:
    """The first situation at or near an example in which the answer is milder: what was changed, the answer before and after."""
    first = before.answer(facts, moment)
    answer = after.answer(facts, moment)
    if SEVERITY[answer] < SEVERITY[first]:
        return "", first, answer
    if not near or not before.parts or before.nodes == after.nodes:
        return None
    nodes = list(dict.fromkeys((*before.nodes, *after.nodes)))
    new = _read(after.nodes) - _read(before.nodes)
    for changed, varied, then in Neighbourhood(nodes, facts, moment, packs.vocabulary, packs.closed).situations(new):
        held = before.answer(_claimed(varied, rule), then)
        if held != SILENT and SEVERITY[answer := after.answer(varied, then)] < SEVERITY[held]:
            return changed, held, answer
    return None


def _claimed(facts: Mapping[str, object], rule: Rule) -> Mapping[str, object]:
    """The facts as the old law sees them: who claims the new relief would have claimed the old one."""
    claims = facts.get("campaign.claims")
    if isinstance(claims, frozenset) and rule.id in claims:
        return {**facts, "campaign.claims": claims | {rule.supersedes.rule}}
    return facts


def _read(nodes: Sequence[Node]) -> frozenset[str]:
    return frozenset().union(*map(facts_read, nodes)) if nodes else frozenset()


def _duties(old: Rule, before: _Law, after: _Law, since: str) -> Iterator[Change]:
    """A duty that is another than before: whether it is a milder one, no program can say."""
    held = {_duty(rule, span) for rule, span, _ in before.parts if rule.duty}
    found = {_duty(rule, span) for rule, span, _ in after.parts if rule.duty}
    if held and found and held != found:
        yield Change("", old.id, "the duty", ", ".join(sorted(held)), ", ".join(sorted(found)), since)


def _duty(rule: Rule, span) -> str:
    params = ", ".join(f"{key} {value}" for key, value in sorted(span.duty_params.items()))
    return f"{rule.duty} ({params})" if params else str(rule.duty)


def _reliefs(packs: Packs, rule: Rule, old: Rule, clock: Clock) -> Iterator[Change]:
    """A relief that stands in another's place and holds where that one did not."""
    for day in _days(rule.supersedes.day, [old, rule]):
        new = rule.span(day)
        if new is None:
            continue
        held = old.span(day)
        condition = held.condition if held else None
        for example, _, facts, moment in _situations(packs, old, clock):
            value = evaluate(condition, _claimed(facts, rule), moment, packs.closed) if condition is not None else False
            before, after = RELIEF_ANSWERS[value], RELIEF_ANSWERS[evaluate(new.condition, facts, moment, packs.closed)]
            if _RELIEF_RANK[after] > _RELIEF_RANK[before]:
                yield Change("", old.id, example, before, after, date.fromordinal(day).isoformat())
