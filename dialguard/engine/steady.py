"""For how long, and for whom, an answer stays as it is."""

from collections.abc import Iterator

from dialguard.engine.judge import Engine, Finding
from dialguard.engine.leaning import in_doubt
from dialguard.engine.programs import Law
from dialguard.engine.search import expiry, law_changes, next_step, retry
from dialguard.expr.fold import fold, replace
from dialguard.expr.nodes import FALSE, UNKNOWN, Node, Test, facts_read
from dialguard.expr.when import HORIZON_DAYS, midnight
from dialguard.model.facts import Facts
from dialguard.model.moment import Instant, Moment


def steady_until(engine: Engine, facts: Facts) -> Instant:
    """The first instant after the attempt at which anything may bite, oblige or be told otherwise: by a condition, another law, a list
    that falls due, or the next local day."""
    at = facts.at
    steps = [next_step(engine, facts, facts.values, finding) for finding in engine.timed(facts, at)]
    steps += [next_step(engine, facts, facts.values, Finding(law.rule.id, moment)) for _, law, moment in in_doubt(engine, facts)]
    steps += [change for change in facts.changes if change > at]
    steps += [facts.due, *law_changes(engine, facts, at)]
    for zone in {zone for _, zone in facts.places}:
        moment = Moment(at, zone, engine.clock)
        steps.append(midnight(moment.ordinal + 1, moment))
    return min(step for step in steps if step is not None)


def time_holds(engine: Engine, facts: Facts, denied: bool) -> bool:
    """Whether a search for ``retry_at`` or ``valid_until`` that found nothing finds nothing either from any moment of the next day."""
    search = retry(engine, facts, HORIZON_DAYS + 1) if denied else expiry(engine, facts, None, HORIZON_DAYS + 1)
    return search[0] is None


def tells_apart(engine: Engine, facts: Facts, names: frozenset[str]) -> bool:
    """Whether any law of the places, now or while a time is searched for, could answer otherwise if these facts, which are known, had
    other values, all else being as it is or as time makes it."""
    moved = {name for change in facts.changes for name, value in facts.at_instant(change).items() if value != facts.values[name]}
    known = {name: value for name, value in facts.values.items() if name not in names and name not in moved}

    def change(node: Node) -> Node | None:
        if isinstance(node, Test) and not names.isdisjoint(node.reads()) and any(known.get(name, 0) is None for name in node.reads()):
            return FALSE if node.settled else UNKNOWN  # for want of another fact it is open whatever these are
        return None

    def asks(node: Node) -> bool:
        return not names.isdisjoint(facts_read(node))

    for law in _laws(engine, facts):
        if not names.isdisjoint(law.reads):
            condition, *reliefs = (fold(replace(node, change), known) for node in (law.condition, *law.reliefs))
            if condition != FALSE and any(map(asks, (condition, *reliefs))):
                return True
    return False


def _laws(engine: Engine, facts: Facts) -> Iterator[Law]:
    for zone in {zone for _, zone in facts.places}:
        ordinal = Moment(facts.at, zone, engine.clock).ordinal
        days = [ordinal, *(day for day in engine.packs.law_changes if ordinal < day <= ordinal + HORIZON_DAYS)]
        for jurisdiction in ("US", *(state for state, other in facts.places if other == zone)):
            for day in days:
                yield from engine.programs.laws(jurisdiction, day).values()
