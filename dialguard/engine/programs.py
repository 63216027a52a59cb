"""Which rules are candidates, and the programs compiled from them.

A program is the law of one jurisdiction on one stretch of dates between two changes of law, for one channel and one
campaign: what those fix is folded away. ``index`` and ``specialise`` switch the two shortcuts off; the answers are the same.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from dialguard.backends.closures import CERTAIN, Clause, Compiler, Program, predicate
from dialguard.expr.fold import TIMED, fold
from dialguard.expr.nodes import FALSE, TRUE, ClosedDay, Const, Count, LocalTime, Node, Test, conjunction, negation
from dialguard.packs.load import Packs
from dialguard.packs.rule import Rule

SCOPE_FACTS = ("channel", "campaign.purpose", "campaign.dialing", "campaign.voice")
NOWHERE = "nowhere"
"""In the place of a jurisdiction: the rules on numbers alone, for a number that lies in no place."""
LIMIT = 2000


@dataclass(frozen=True)
class Law:
    """A rule on one stretch of dates: its condition and the conditions of the reliefs that name it, unfolded."""

    index: int
    rule: Rule
    condition: Node
    reliefs: tuple[Node, ...]
    relief_ids: tuple[str, ...]
    parameters: Mapping[str, object]
    duty_params: Mapping[str, object]
    citation: str | None

    @cached_property
    def whole(self) -> Node:
        """Condition and reliefs as one node, for walking."""
        return conjunction(self.condition, *(negation(relief) for relief in self.reliefs))

    @cached_property
    def timed(self) -> bool:
        """Whether time alone can change it."""
        return any(
            isinstance(node, (LocalTime, ClosedDay, Count)) or (isinstance(node, Test) and node.operator in TIMED)
            for node in self.whole.walk()
        )


@dataclass(frozen=True)
class Compiled:
    """A program with the obligations that hold whatever the attempt is, and the rules that time may change."""

    program: Program
    always: tuple[int, ...]
    candidates: tuple[int, ...]
    timed: tuple[int, ...]


class Programs:
    """Compiles on demand and keeps a bounded number of programs."""

    def __init__(self, packs: Packs, *, index: bool = True, specialise: bool = True, disabled: frozenset[str] = frozenset()) -> None:
        self.packs = packs
        self.index, self.specialise = index, specialise
        self.disabled = disabled
        self._starts = packs.law_changes
        self._stretches: dict[int, int] = {}
        self._laws: dict[tuple[str, int], tuple[Law, ...]] = {}
        self._compiled: dict[tuple, Compiled] = {}
        self._certain: dict[tuple[str, int], tuple] = {}
        self._by_place: dict[str, list[tuple[int, Rule]]] = {}
        for number, rule in enumerate(packs.rules):
            if rule.kind in ("prohibition", "obligation"):
                self._by_place.setdefault(rule.jurisdiction, []).append((number, rule))
                if rule.topic == "number":
                    self._by_place.setdefault(NOWHERE, []).append((number, rule))

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

    def laws(self, jurisdiction: str, ordinal: int) -> tuple[Law, ...]:
        """Prohibitions and obligations of a jurisdiction that are law on that date."""
        key = (jurisdiction, self.stretch(ordinal))
        held = self._laws.get(key)
        if held is None:
            held = self._laws[key] = tuple(self._law(jurisdiction, ordinal))
        return held

    def _law(self, jurisdiction: str, ordinal: int):
        for number, rule in self._by_place.get(jurisdiction, ()):
            span = rule.span(ordinal)
            if span is None or rule.id in self.disabled:
                continue
            reliefs = [
                (relief, self.packs.by_id[relief].span(ordinal)) for relief in rule.relieved_by if relief not in self.disabled
            ]
            inforce = [(relief, relief_span.condition) for relief, relief_span in reliefs if relief_span is not None]
            yield Law(
                number, rule, span.condition, tuple(node for _, node in inforce), tuple(relief for relief, _ in inforce),
                span.parameters, span.duty_params, span.citation,
            )  # fmt: skip

    def compiled(self, jurisdiction: str, ordinal: int, scope: tuple, fixed: Mapping[str, object] | None) -> Compiled:
        """The program of a jurisdiction on a date. ``scope`` are the values of SCOPE_FACTS and a campaign's key (or None);
        ``fixed`` gives all facts that the campaign fixes, where it is registered."""
        key = (jurisdiction, self.stretch(ordinal), scope if self.specialise or self.index else None)
        held = self._compiled.get(key)
        if held is None:
            if len(self._compiled) >= LIMIT:
                self._compiled.clear()
            held = self._compiled[key] = self._compile(jurisdiction, ordinal, scope, fixed)
        return held

    def _compile(self, jurisdiction: str, ordinal: int, scope: tuple, fixed: Mapping[str, object] | None) -> Compiled:
        known = dict(zip(SCOPE_FACTS, scope, strict=False))
        # The channel has its word on the voice. An asserted fact that the campaign leaves open stays in sight: it obliges.
        asserted = self.packs.vocabulary.is_asserted
        kept = {name: value for name, value in (fixed or {}).items() if value is not None or not asserted(name)}
        folding = kept | known if self.specialise else {}
        clauses, always, timed = [], [], []
        for law in self.laws(jurisdiction, ordinal):
            if self.index and fold(law.condition, known) == FALSE:
                continue
            condition = fold(law.condition, folding)
            reliefs = [fold(relief, folding) for relief in law.reliefs]
            if condition == FALSE or TRUE in reliefs:
                continue
            reliefs = tuple(relief for relief in reliefs if relief not in (FALSE, Const(None)))
            if law.timed:
                timed.append(law.index)
            if law.rule.kind == "obligation" and isinstance(condition, Const) and not reliefs:
                always.append(law.index)
                continue
            clauses.append(Clause(law.index, law.rule.kind, condition, reliefs, law.rule.deny_unknown))
        program = Compiler(self.packs.closed, self.packs.vocabulary).compile(clauses, f"{jurisdiction} {scope}")
        return Compiled(program, tuple(always), tuple(clause.index for clause in clauses), tuple(timed))

    def law(self, index: int, ordinal: int) -> Law:
        """One rule on one date, by its number."""
        jurisdiction = self.packs.rules[index].jurisdiction
        return next(law for law in self.laws(jurisdiction, ordinal) if law.index == index)

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
