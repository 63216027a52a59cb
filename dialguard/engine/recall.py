"""What was worked out for one attempt and holds for another of which the law asks the same: its times, reasons and duties.

Judging costs little; saying why, until when and from when costs much more, and neighbouring attempts differ in nothing that the
law asks. The verdict itself is never recalled. ``Engine(recall=False)`` does without, and says the same.
"""

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import NamedTuple, TypeVar

from dialguard.engine import reasons, search
from dialguard.engine.judge import Engine, Finding, Judgement
from dialguard.engine.memory import Asked, Duty, Memory, Plan
from dialguard.expr.nodes import Node, facts_read
from dialguard.expr.when import midnight
from dialguard.model.facts import Facts
from dialguard.model.history import History
from dialguard.model.moment import DAY, SECOND, Instant
from dialguard.packs.rule import LAST_DAY

T = TypeVar("T")
Told = dict[str, object]
Telling = Callable[[Engine, Facts, Finding], Told]
LIMIT = 50_000
_HISTORY = "history.attempts"


def time(engine: Engine, facts: Facts, judgement: Judgement) -> Instant | None:
    """``valid_until`` of an allowed attempt, ``retry_at`` of a denied one."""
    find, memory = search.retry if judgement.denied else search.expiry, engine.memory
    if memory is None or facts.changes or judgement.errors or not facts.places:
        return find(engine, facts)[0]
    plan = _plan(engine, memory, facts, judgement)
    values = _values(plan.asked, facts)
    denied = tuple(
        (number, rule, _values(_law(engine, memory, rule, moment.ordinal)[0], facts))
        for number, (moment, deny, _, _) in enumerate(judgement.groups)
        for rule in deny
    )
    if values is None or any(read is None for _, _, read in denied):
        return find(engine, facts)[0]
    key = (facts.places, facts.scope, values, denied, facts.due)
    try:
        held = memory.times.get(key)
    except TypeError:  # a value that cannot be compared quickly
        return find(engine, facts)[0]
    if held is not None and held[0] <= facts.at < held[1]:
        return held[2]
    answer, examined = find(engine, facts)
    # Up to the last instant looked at, no law was asked but what is law now. A search to its far end may end elsewhere tomorrow.
    if examined < min(plan.other_law, facts.at + 399 * DAY) and (judgement.denied or answer is not None):
        _keep(memory.times, key, (facts.at, plan.midnight if answer is None else min(answer, plan.midnight), answer))
    return answer


def reason(engine: Engine, facts: Facts, finding: Finding) -> dict[str, object]:
    """``reasons.reason``; a mapping of the caller's own."""
    if engine.memory is None:
        return reasons.reason(engine, facts, finding)
    return dict(_recalled(engine, engine.memory, facts, finding, engine.memory.reasons, reasons.reason))


def _recalled(engine: Engine, memory: Memory, facts: Facts, finding: Finding, kept: dict[tuple, Told], tell: Telling) -> Told:
    moment = finding.moment
    asked, by_second = _law(engine, memory, finding.rule, moment.ordinal)
    values = None if facts.changes else _values(asked, facts)
    if values is None:
        return tell(engine, facts, finding)
    when = moment.instant // SECOND if by_second else moment.ordinal
    key = (finding.rule, moment.zone, when, values, tuple(facts.why.items()) if facts.why else None)
    try:
        held = kept.get(key)
    except TypeError:  # a value that cannot be compared quickly
        return tell(engine, facts, finding)
    return held if held is not None else _keep(kept, key, tell(engine, facts, finding))


def duties(engine: Engine, facts: Facts, judgement: Judgement) -> list[dict[str, object]]:
    """What the dialer must do, sorted; mappings of the caller's own."""
    memory, groups = engine.memory, judgement.groups
    found = []
    for number, rule, same in _duties(engine, facts, judgement):
        if same is None:  # a ban that one must vouch for names the facts that are missing, and these differ
            finding = Finding(rule, groups[number][0])
            same = reasons.obligation(engine, facts, finding) if memory is None else _vouching(engine, memory, facts, finding)
        found.append(dict(same))
    return found


def duty_ids(engine: Engine, facts: Facts, judgement: Judgement) -> list[str]:
    """The rules of ``duties``, in its order."""
    return [rule for _, rule, _ in _duties(engine, facts, judgement)]


def _duties(engine: Engine, facts: Facts, judgement: Judgement) -> list[Duty]:
    stretch, memory = engine.programs.stretch, engine.memory
    key = tuple((stretch(moment.ordinal), *oblige, *always) for moment, _, oblige, always in judgement.groups)
    held = memory.duties.get(key) if memory is not None else None
    if held is not None:
        return held
    found: dict[str, tuple[Duty, dict[str, object]]] = {}
    for number, (moment, _, oblige, always) in enumerate(judgement.groups):
        for rule in (*oblige, *always):
            if rule not in found:
                duty = reasons.obligation(engine, facts, Finding(rule, moment))
                settled = engine.packs.by_id[rule].kind == "obligation"
                found[rule] = (number, rule, duty if settled else None), duty
    held = [duty for duty, _ in sorted(found.values(), key=lambda pair: reasons.place_order(pair[1]))]
    return held if memory is None else _keep(memory.duties, key, held)


def _vouching(engine: Engine, memory: Memory, facts: Facts, finding: Finding) -> dict[str, object]:
    return _recalled(engine, memory, facts, finding, memory.vouching, reasons.obligation)


def _keep(kept: dict[tuple, T], key: tuple, value: T) -> T:
    if len(kept) >= LIMIT:
        kept.clear()
    kept[key] = value
    return value


def _plan(engine: Engine, memory: Memory, facts: Facts, judgement: Judgement) -> Plan:
    moments = [moment for moment, _, _, _ in judgement.groups]
    key = (facts.places, facts.scope, *[moment.ordinal for moment in moments])
    held = memory.plans.get(key)
    if held is None:
        laws = [engine.law(finding) for finding in engine.timed(facts, facts.at)]
        conditions = [node for law in laws for node in (law.condition, *law.reliefs)]
        changes = [midnight(engine.programs.next_law_change(moment.ordinal) or LAST_DAY, moment) for moment in moments]
        ends = [midnight(moment.ordinal + 1, moment) for moment in moments]
        held = _keep(memory.plans, key, Plan(_asked(conditions), min(changes), min(ends)))
    return held


def _law(engine: Engine, memory: Memory, rule: str, ordinal: int) -> tuple[Asked, bool]:
    """What a rule and its reliefs read, and whether its reason may be another at the next second."""
    key = (rule, engine.programs.stretch(ordinal))
    held = memory.laws.get(key)
    if held is None:
        law = engine.programs.law(rule, ordinal)
        held = _keep(memory.laws, key, (_asked((law.condition, *law.reliefs)), law.timed or "{local_time}" in law.rule.message))
    return held


def _asked(conditions: Iterable[Node]) -> Asked:
    names = sorted({name for condition in conditions for name in facts_read(condition)} - {_HISTORY})
    counted = any(_HISTORY in facts_read(condition) for condition in conditions)
    pair = (*names, "channel", "channel")  # itemgetter gives a tuple only for two names or more
    return Asked((*names, _HISTORY) if counted else tuple(names), itemgetter(*pair))


def _values(asked: Asked, facts: Facts) -> tuple | None:
    """What is read of the attempt, to be compared; None where it tells of earlier attempts, which are hardly ever the same."""
    values = facts.values
    if asked.names and asked.names[-1] == _HISTORY:
        history = values[_HISTORY]
        if type(history) is History:
            if history.entries or history.last_24h is not None or history.last_7d is not None or history.last_30d is not None:
                return None
            return (*asked.read(values), history.complete_since)
    return asked.read(values)
