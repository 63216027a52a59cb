"""Which rules are candidates, and the programs compiled from them.

A program is the law of one jurisdiction on one stretch of dates between two changes of law, for one channel and one
campaign: what those fix is folded away. ``index`` and ``specialise`` switch the two shortcuts off; the answers are the same.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dialguard.backends.closures import CERTAIN, Clause, Compiler, Program, predicate
from dialguard.expr.fold import TIMED, fold
from dialguard.expr.nodes import FALSE, TRUE, All, ClosedDay, Const, Count, LocalTime, Node, Test, facts_read
from dialguard.model.facts import Place
from dialguard.packs.load import Packs
from dialguard.packs.rule import FIRST_DAY, LAST_DAY, Rule

SCOPE_FACTS = ("channel", "campaign.purpose", "campaign.dialing", "campaign.voice")
NOWHERE = "nowhere"
"""In the place of a jurisdiction: the rules on numbers alone, for a number that lies in no place."""
LIMIT = 2000
PREPARED = 500
"""Plans, and rules that denied, that are compiled before anybody asks."""


@dataclass(frozen=True)
class Law:
    """A rule on one stretch of dates: its condition and the conditions of the reliefs that name it, unfolded."""

    rule: Rule
    condition: Node
    reliefs: tuple[Node, ...]
    relief_ids: tuple[str, ...]
    parameters: Mapping[str, object]
    duty_params: Mapping[str, object]
    citation: str | None

    @cached_property
    def moving(self) -> All:
        """The parts of condition and reliefs that time alone may change, each once."""
        parts = (part for node in (self.condition, *self.reliefs) for part in node.walk())
        return All(tuple(dict.fromkeys(
            part for part in parts
            if isinstance(part, (LocalTime, ClosedDay, Count)) or (isinstance(part, Test) and part.operator in TIMED)
        )))  # fmt: skip

    @cached_property
    def reads(self) -> frozenset[str]:
        """The facts that condition and reliefs may read."""
        return frozenset().union(*map(facts_read, (self.condition, *self.reliefs)))

    @property
    def timed(self) -> bool:
        """Whether time alone can change it."""
        return bool(self.moving.items)


@dataclass(frozen=True)
class Compiled:
    """A program (None where there is nothing to ask), the obligations that hold whatever the attempt is, and the rules that
    time may change."""

    program: Program | None
    always: tuple[str, ...]
    candidates: tuple[str, ...]
    timed: tuple[str, ...]


Stop = tuple[str, int, int, tuple[Program, ...], tuple[str, ...]]
"""One zone of an attempt: the zone, the local dates (from the first to before the last) on which this is the law, the programs of
its places there, and the obligations that always hold."""


class Programs:
    """Compiles on demand and keeps a bounded number of programs."""

    def __init__(self, packs: Packs, *, index: bool = True, specialise: bool = True, disabled: frozenset[str] = frozenset()) -> None:
        self.packs = packs
        self.index, self.specialise = index, specialise
        self.disabled = disabled
        self._starts = packs.law_changes
        self._stretches: dict[int, int] = {}
        self._laws: dict[tuple[str, int], dict[str, Law]] = {}
        self._law_of: dict[tuple[str, int], Law] = {}
        self._compiled: dict[tuple, Compiled] = {}
        self._programs: dict[tuple[Clause, ...], Program] = {}
        self.plans: dict[tuple[tuple[Place, ...], tuple], list[Stop]] = {}
        """What to run, by places and scope."""
        self._certain: dict[tuple[str, int], tuple] = {}
        self._by_place: dict[str, list[Rule]] = {}
        for rule in packs.rules:
            if rule.kind in ("prohibition", "obligation"):
                self._by_place.setdefault(rule.jurisdiction, []).append(rule)
                if rule.topic == "number":
                    self._by_place.setdefault(NOWHERE, []).append(rule)

    def stretch(self, ordinal: int) -> int:
        """The number of the stretch of unchanged law that a local date lies in."""
        number = self._stretches.get(ordinal)
        if number is None:
            if len(self._stretches) > LIMIT:
                self._stretches.clear()
            number = self._stretches[ordinal] = bisect_right(self._starts, ordinal)
        return number

    def next_law_change(self, ordinal: int) -> int | None:
        """The first local date after ``ordinal`` on which some rule changes."""
        position = bisect_right(self._starts, ordinal)
        return self._starts[position] if position < len(self._starts) else None

    def laws(self, jurisdiction: str, ordinal: int) -> Mapping[str, Law]:
        """Prohibitions and obligations of a jurisdiction that are law on that date, by their ids."""
        key = (jurisdiction, self.stretch(ordinal))
        held = self._laws.get(key)
        if held is None:
            held = self._laws[key] = {law.rule.id: law for law in self._law(jurisdiction, ordinal)}
        return held

    def _law(self, jurisdiction: str, ordinal: int):
        for rule in self._by_place.get(jurisdiction, ()):
            span = rule.span(ordinal)
            if span is None or rule.id in self.disabled:
                continue
            reliefs = [
                (relief, self.packs.by_id[relief].span(ordinal)) for relief in rule.relieved_by if relief not in self.disabled
            ]
            inforce = [(relief, relief_span.condition) for relief, relief_span in reliefs if relief_span is not None]
            yield Law(
                rule, span.condition, tuple(node for _, node in inforce), tuple(relief for relief, _ in inforce),
                span.parameters, span.duty_params, span.citation,
            )  # fmt: skip

    def plan(self, places: tuple[Place, ...], scope: tuple) -> list[Stop]:
        """A new plan for attempts in these places: one stop for each zone; ``refresh`` puts in the law of a date."""
        if len(self.plans) >= LIMIT:
            self._forget()
        zones = dict.fromkeys(zone for _, zone in places) or ("UTC",)
        held = self.plans[places, scope] = [(zone, 0, 0, (), ()) for zone in zones]
        return held

    def prepare(self, other: "Programs", today: Callable[[str], int], campaigns: Mapping[str, tuple[str, Mapping[str, object]]]) -> None:
        """Compiles what other programs were asked for, of which another thread may be making use. ``today``: the local date in a zone;
        ``campaigns``: by the key of each there, its key here and what it fixes."""
        for places, (*scope, key) in [*other.plans][-PREPARED:]:
            here, fixed = campaigns.get(key, (None, None)) if key is not None else (None, None)
            wanted = (*scope, here)
            if (here is None) is (key is None) and (places, wanted) not in self.plans:
                plan = self.plan(places, wanted)
                for zone, *_ in [*plan]:
                    self.refresh(plan, zone, today(zone), places, wanted, fixed)
        for rule, _ in [*other._certain][-PREPARED:]:
            if (found := self.packs.by_id.get(rule)) is not None:
                day = today(found.zone or "UTC")
                if rule in self.laws(found.jurisdiction, day):
                    self.certainty(self.law(rule, day), day)

    def refresh(
        self, plan: list[Stop], zone: str, ordinal: int, places: tuple[Place, ...], scope: tuple, fixed: Mapping[str, object] | None
    ) -> Stop:
        """The plan's stop in a zone, with the programs that are law on a local date."""
        stretch = self.stretch(ordinal)
        first = self._starts[stretch - 1] if stretch else FIRST_DAY
        end = self._starts[stretch] if stretch < len(self._starts) else LAST_DAY + 1
        here = ["US", *(state for state, other in places if other == zone)] if places else [NOWHERE]
        found = [self.compiled(jurisdiction, ordinal, scope, fixed) for jurisdiction in here]
        always = tuple(rule for each in found for rule in each.always)
        stop = (zone, first, end, tuple(each.program for each in found if each.program), always)
        plan[next(number for number, old in enumerate(plan) if old[0] == zone)] = stop
        return stop

    def compiled(self, jurisdiction: str, ordinal: int, scope: tuple, fixed: Mapping[str, object] | None) -> Compiled:
        """The program of a jurisdiction on a date. ``scope`` are the values of SCOPE_FACTS and a campaign's key (or None);
        ``fixed`` gives all facts that the campaign fixes, where it is registered."""
        key = (jurisdiction, self.stretch(ordinal), scope if self.specialise or self.index else None)
        held = self._compiled.get(key)
        if held is None:
            if len(self._compiled) >= LIMIT:
                self._forget()
            held = self._compiled[key] = self._compile(jurisdiction, ordinal, scope, fixed)
        return held

    def _compile(self, jurisdiction: str, ordinal: int, scope: tuple, fixed: Mapping[str, object] | None) -> Compiled:
        known = dict(zip(SCOPE_FACTS, scope, strict=False))
        folding = self.folding(scope, fixed) if self.specialise else {}
        clauses, always, timed = [], [], []
        for law in self.laws(jurisdiction, ordinal).values():
            condition = fold(law.condition, known) if self.index else law.condition
            if condition == FALSE:
                continue
            condition = fold(condition if self.specialise else law.condition, folding)
            reliefs = [fold(relief, folding) for relief in law.reliefs]
            if condition == FALSE or TRUE in reliefs:
                continue
            reliefs = tuple(relief for relief in reliefs if relief not in (FALSE, Const(None)))
            if law.timed:
                timed.append(law.rule.id)
            if law.rule.kind == "obligation" and isinstance(condition, Const) and not reliefs:
                always.append(law.rule.id)
                continue
            clauses.append(Clause(law.rule.id, law.rule.kind, condition, reliefs, law.rule.deny_unknown))
        key = tuple(clauses)
        program = self._programs.get(key)
        if program is None and clauses:  # campaigns that differ in nothing that the rules ask share it
            program = self._programs[key] = Compiler(self.packs.closed, self.packs.vocabulary).compile(clauses, f"{jurisdiction} {scope}")
        return Compiled(program, tuple(always), tuple(clause.rule for clause in clauses), tuple(timed))

    def folding(self, scope: tuple, fixed: Mapping[str, object] | None) -> dict[str, object]:
        """What a campaign settles before any attempt is seen."""
        # The channel has its word on the voice. An asserted fact that the campaign leaves open stays in sight: it obliges.
        asserted = self.packs.vocabulary.is_asserted
        kept = {name: value for name, value in (fixed or {}).items() if value is not None or not asserted(name)}
        return kept | dict(zip(SCOPE_FACTS, scope, strict=False))

    def rules_of(self, jurisdiction: str) -> Sequence[Rule]:
        """The prohibitions and obligations of a jurisdiction, whatever the date, but for those switched off."""
        return [rule for rule in self._by_place.get(jurisdiction, ()) if rule.id not in self.disabled]

    def reliefs_of(self, rule: Rule) -> Sequence[Rule]:
        """The reliefs that name a rule, but for those switched off."""
        return [self.packs.by_id[relief] for relief in rule.relieved_by if relief not in self.disabled]

    def _forget(self) -> None:
        self.plans.clear()
        self._compiled.clear()
        self._programs.clear()

    def law(self, rule: str, ordinal: int) -> Law:
        """One rule on one date, by its id."""
        key = (rule, self.stretch(ordinal))
        held = self._law_of.get(key)
        if held is None:
            held = self._law_of[key] = self.laws(self.packs.by_id[rule].jurisdiction, ordinal)[rule]
        return held

    def certainty(self, law: Law, ordinal: int) -> tuple:
        """The law's condition compiled as *certain* and its reliefs as *possible*: certain and none possible means prohibited."""
        key = (law.rule.id, self.stretch(ordinal))
        held = self._certain.get(key)
        if held is None:
            closed, vocabulary = self.packs.closed, self.packs.vocabulary
            held = self._certain[key] = (
                predicate(law.condition, CERTAIN, closed, vocabulary),
                tuple(predicate(relief, "possible", closed, vocabulary) for relief in law.reliefs),
            )
        return held
