"""What was worked out for one attempt and holds for another of which the law asks the same: its times, reasons and duties.

Judging costs little; saying why, until when and from when costs much more, and neighbouring attempts differ in nothing that the
law asks. The verdict itself is never recalled. ``Engine(recall=False)`` does without, and says the same.
"""

from operator import itemgetter

from dialguard.engine import reasons, search
from dialguard.engine.judge import Engine, Finding, Judgement
from dialguard.engine.memory import Duty, Frame, Memory, Span, Told
from dialguard.expr.nodes import facts_read
from dialguard.expr.when import HORIZON_DAYS, midnight
from dialguard.model.facts import Facts
from dialguard.model.history import History
from dialguard.model.moment import DAY, SECOND, Instant
from dialguard.packs.rule import LAST_DAY

LIMIT = 50_000
_HISTORY = "history.attempts"


def told(engine: Engine, facts: Facts, judgement: Judgement) -> Told:
    """What a judgement comes to. What it holds is not to be changed: others are told the same."""
    memory, at = engine.memory, facts.at
    if memory is None or facts.changes or judgement.errors or not facts.places:
        return _tell(engine, facts, judgement)
    here = (facts.places, facts.scope, *[(moment.ordinal, *deny) for moment, deny, _, _ in judgement.groups])
    frame = memory.frames.get(here) or _frame(engine, memory, here, facts, judgement)
    values = _values(frame, facts)
    if values is None:
        return _tell(engine, facts, judgement)
    second = at // SECOND if frame.by_second else None
    why = tuple(facts.why.items()) if facts.why else None
    key = (values, facts.due, why, second, *[(*oblige, *always) for _, _, oblige, always in judgement.groups])
    try:
        held = frame.told.get(key)
    except TypeError:  # a value that cannot be compared quickly
        return _tell(engine, facts, judgement)
    if held is None or not held.start <= at < held.end:
        held = _tell(engine, facts, judgement)
        held.end, held.frame, held.values = frame.midnight, frame, (values, facts.due)
        _make_room(memory)
        frame.told[key] = held
    return held


def time(engine: Engine, facts: Facts, judgement: Judgement, told: Told) -> Instant | None:
    """``valid_until`` of an allowed attempt, ``retry_at`` of a denied one."""
    span, at = told.span, facts.at
    if span is None or not span[0] <= at < span[1]:
        if told.frame is not None:
            span = told.frame.times.get(told.values)
        if span is None or not span[0] <= at < span[1]:
            span = _span(engine, facts, judgement, told.frame)
            if told.frame is not None:
                _make_room(engine.memory)
                told.frame.times[told.values] = span
        told.span, told.encoded = span, {}
    return span[2]


def obligations(engine: Engine, facts: Facts, judgement: Judgement, duties: list[Duty]) -> list[dict[str, object]]:
    """The duties with their texts; mappings of the caller's own."""
    found = []
    for number, rule, settled in duties:
        # A ban that one must vouch for names the facts that are missing, and these differ.
        found.append(
            dict(settled) if settled is not None else reasons.obligation(engine, facts, Finding(rule, judgement.groups[number][0]))
        )
    return found


def _span(engine: Engine, facts: Facts, judgement: Judgement, frame: Frame | None) -> Span:
    answer, examined = (search.retry if judgement.denied else search.expiry)(engine, facts)
    # Up to the last instant looked at, no law was asked but what is law now; an age in days is another after midnight, and a search
    # to its far end may end elsewhere a moment later.
    steady = frame is not None and examined < min(frame.other_law, facts.at + 399 * DAY) and (judgement.denied or answer is not None)
    end = min(frame.midnight, answer or frame.midnight) if steady else facts.at + 1
    return facts.at, end, answer


def _tell(engine: Engine, facts: Facts, judgement: Judgement) -> Told:
    return Told(_reasons(engine, facts, judgement), _duties(engine, facts, judgement), facts.at, facts.at + 1)


def _reasons(engine: Engine, facts: Facts, judgement: Judgement) -> list[dict[str, object]]:
    """Every rule that denied, the first being the one to show."""
    found: dict[str, dict[str, object]] = {}
    for finding in judgement.deny:
        reason = reasons.reason(engine, facts, finding)
        held = found.get(finding.rule)
        if held is not None and "needs" in held and "needs" in reason:  # in doubt in two zones
            held["needs"] = reason["needs"] = sorted({*held["needs"], *reason["needs"]})
        if held is None or reasons.KINDS.index(reason["kind"]) < reasons.KINDS.index(held["kind"]):
            found[finding.rule] = reason
    unjudged = [reasons.broken(jurisdiction, error) for jurisdiction, error in judgement.errors]
    if judgement.denied and not found and not unjudged:
        return [dict(reasons.NOWHERE)]
    return sorted([*found.values(), *unjudged], key=reasons.reason_order)


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
    if memory is not None:
        _make_room(memory)
        memory.duties[key] = held
    return held


def _make_room(memory: Memory) -> None:
    memory.kept += 1
    if memory.kept >= LIMIT:
        memory.kept = 0
        memory.frames.clear()
        memory.duties.clear()
        memory.coming.clear()


def _frame(engine: Engine, memory: Memory, here: tuple, facts: Facts, judgement: Judgement) -> Frame:
    moments = [moment for moment, _, _, _ in judgement.groups]
    denied = [engine.law(finding) for finding in judgement.deny]
    laws = [*denied, *(engine.law(finding) for finding in engine.timed(facts, facts.at))]
    names = {name for law in laws for node in (law.condition, *law.reliefs) for name in facts_read(node)}
    coming = _coming(engine, memory, min(moment.ordinal for moment in moments), max(moment.ordinal for moment in moments))
    names = names.union(*[coming.get(jurisdiction, ()) for jurisdiction in ("US", *(state for state, _ in facts.places))])
    pair = (*sorted(names - {_HISTORY}), "channel", "channel")  # itemgetter gives a tuple only for two names or more
    _make_room(memory)
    memory.frames[here] = found = Frame(
        itemgetter(*pair),
        _HISTORY in names,
        any(law.timed or "{local_time}" in law.rule.message for law in denied),
        min(midnight(engine.programs.next_law_change(moment.ordinal) or LAST_DAY, moment) for moment in moments),
        min(midnight(moment.ordinal + 1, moment) for moment in moments),
        {},
        {},
    )
    return found


def _coming(engine: Engine, memory: Memory, first: int, last: int) -> dict[str, frozenset[str]]:
    """By jurisdiction, what the rules read that begin, end or change while a time is searched for, and those to which they matter."""
    held = memory.coming.get((first, last))
    if held is None:
        found: dict[str, set[str]] = {}
        for rule in engine.packs.rules:
            if any(first < day <= last + HORIZON_DAYS for span in rule.spans for day in (span.first, span.last + 1)):
                for name in (rule.id, *rule.relieves, *rule.relieved_by):
                    other = engine.packs.by_id[name]
                    found.setdefault(rule.jurisdiction, set()).update(*[facts_read(span.condition) for span in other.spans])
        _make_room(memory)
        held = memory.coming[first, last] = {jurisdiction: frozenset(names) for jurisdiction, names in found.items()}
    return held


def _values(frame: Frame, facts: Facts) -> tuple | None:
    """What is read of the attempt, to be compared; None where it tells of earlier attempts, which are hardly ever the same."""
    if frame.counted:
        history = facts.values[_HISTORY]
        if type(history) is History:
            if history.entries or history.last_24h is not None or history.last_7d is not None or history.last_30d is not None:
                return None
            return (*frame.read(facts.values), history.complete_since)
    return frame.read(facts.values)
