"""When the answer changes: ``retry_at`` for a denial, ``valid_until`` for a permission.

Between two instants at which some condition may change, nothing changes; so the search steps from one such instant to the
next. For a denial it may leap: while one rule that denies cannot change, the answer stays.
"""

from msgspec.structs import astuple

from dialguard.engine.judge import Engine, Finding
from dialguard.expr.when import HORIZON_DAYS, midnight, next_change
from dialguard.model.facts import Facts
from dialguard.model.moment import DAY, SECOND, Clock, Instant, Moment

LIMIT = 20_000
REGISTRY_COPY = "campaign.registry_version"
"""The one list age that rules ask about; those of other lists are settled when facts are gathered."""


class _AgesHeld(Facts, eq=False):
    """Facts whose copy of the national registry grows no older than it was at the attempt: lists are renewed meanwhile."""

    clock: Clock | None = None

    @classmethod
    def of(cls, facts: Facts, clock: Clock) -> "_AgesHeld":
        """The same facts, held so."""
        return cls(*astuple(facts)[: len(Facts.__struct_fields__)], clock)

    def at_instant(self, instant: Instant) -> dict[str, object]:
        values, version = Facts.at_instant(self, instant), self.values.get(REGISTRY_COPY)
        if not isinstance(version, int):
            return values
        days = min(self.clock.local(instant, zone).ordinal - self.clock.local(self.at, zone).ordinal for _, zone in self.places)
        return {**values, REGISTRY_COPY: version + days}


def ages_held(facts: Facts, clock: Clock) -> Facts:
    """The same facts, to be judged at later moments: lists are renewed meanwhile."""
    return _AgesHeld.of(facts, clock)


def retry_at(engine: Engine, facts: Facts) -> Instant | None:
    """The first whole second at which the same attempt would be allowed when time alone cures it, else None.

    Facts are held as they are; clock, counts, periods and law move on; list ages stay. Searched 400 days ahead.
    """
    return retry(engine, facts)[0]


def retry(engine: Engine, facts: Facts, days: int = HORIZON_DAYS) -> tuple[Instant | None, Instant]:
    """``retry_at``, and the last instant that was looked at to find it."""
    end = facts.at + days * DAY
    instant = facts.at
    facts = _AgesHeld.of(facts, engine.clock)
    for _ in range(LIMIT):
        judgement = engine.judge(facts, instant)
        if not judgement.denied:
            return instant if instant > facts.at else None, instant
        findings = judgement.deny
        if not findings or judgement.errors or not facts.places:
            return None, instant
        values = facts.at_instant(instant)
        steps = [next_step(engine, facts, values, finding) for finding in findings]
        if any(step is None for step in steps):
            return None, instant
        instant = -(-max(steps) // SECOND) * SECOND
        if instant > end:
            return None, instant
    return None, instant


def valid_until(engine: Engine, facts: Facts, start: Instant | None = None) -> Instant | None:
    """The first instant after an allowed attempt at which it would be denied, or a list falls due; None when none is in sight.

    ``start``: from when it is allowed, where that is not the moment of the attempt but a later one (its ``retry_at``).
    """
    return expiry(engine, facts, start)[0]


def expiry(engine: Engine, facts: Facts, start: Instant | None = None, days: int = HORIZON_DAYS) -> tuple[Instant | None, Instant]:
    """``valid_until``, and the last instant that was looked at to find it."""
    end = facts.at + days * DAY
    instant = facts.at if start is None else start
    if instant > facts.at:
        facts = _AgesHeld.of(facts, engine.clock)
        facts.due = None
    for _ in range(LIMIT):
        values = facts.at_instant(instant)
        steps = [next_step(engine, facts, values, finding) for finding in engine.timed(facts, instant)]
        steps += [change for change in facts.changes if change > instant][:1]
        steps += law_changes(engine, facts, instant)
        steps = [step for step in steps if step is not None]
        nearest = min(steps, default=None)
        if facts.due is not None and (nearest is None or facts.due <= nearest):
            return facts.due, instant
        if nearest is None or nearest > end:
            return None, instant
        instant = nearest
        if engine.judge(facts, instant).denied:
            return instant, instant
    return instant, instant


def next_step(engine: Engine, facts: Facts, values: dict[str, object], finding: Finding) -> Instant | None:
    """The first instant at which a rule may answer otherwise in its place."""
    moment, law = finding.moment, engine.law(finding)
    steps = [next_change(law.moving, values, moment, engine.packs.closed)]
    steps += [change for change in facts.changes if change > moment.instant][:1]
    names = (law.rule.id, *law.rule.relieved_by)
    for name in names:
        for span in engine.packs.by_id[name].spans:
            for day in (span.first, span.last + 1):
                if moment.ordinal < day <= moment.ordinal + HORIZON_DAYS:
                    steps.append(midnight(day, moment))
    return min((step for step in steps if step is not None), default=None)


def law_changes(engine: Engine, facts: Facts, instant: Instant) -> list[Instant]:
    """The next instants, one a zone, at which other law applies in it."""
    found = []
    for zone in {zone for _, zone in facts.places}:
        moment = Moment(instant, zone, engine.clock)
        day = engine.programs.next_law_change(moment.ordinal)
        if day is not None and day <= moment.ordinal + HORIZON_DAYS:
            found.append(midnight(day, moment))
    return found
