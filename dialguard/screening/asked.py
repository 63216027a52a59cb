"""What the law of a place asks of a person, once the campaign has settled what it fixes: by it people are told apart, or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dialguard.engine.programs import Programs
from dialguard.expr.fold import fold
from dialguard.expr.nodes import FACT_OF_COUNT, FALSE, Count, Node, Test, facts_read
from dialguard.expr.reference import evaluate
from dialguard.model.facts import Place
from dialguard.model.moment import NEVER, Clock, Instant, Moment

OF_TIME = frozenset(("came", "within", "older_than", "before", "after"))
CONSENT = "consent."
LINE_TYPE = "line_type"


class Asked:
    """The tests that the rules make of a campaign's attempts from a moment on, jurisdiction by jurisdiction."""

    def __init__(self, programs: Programs, scope: tuple, fixed: Mapping[str, object] | None, at: Instant, clock: Clock) -> None:
        self._programs, self._at, self._clock = programs, at, clock
        self._known = programs.folding(scope, fixed)
        self._leaves: dict[str, frozenset[Node]] = {}
        self._person: dict[str, tuple[tuple[Test, ...], tuple[str, ...]]] = {}
        self._answers: dict[tuple, tuple[tuple[bool | None, ...], bool]] = {}
        self._recheck: dict[str, frozenset[str]] = {}

    def leaves(self, jurisdiction: str) -> frozenset[Node]:
        """Tests and counts of its rules and of the reliefs that name them, in the law of today and of the days to come."""
        found = self._leaves.get(jurisdiction)
        if found is None:
            found = self._leaves[jurisdiction] = frozenset(self._of(jurisdiction))
        return found

    def _of(self, jurisdiction: str) -> Iterator[Node]:
        today = Moment(self._at, "Pacific/Pago_Pago", self._clock).ordinal  # the last place to leave a date
        for rule in self._programs.rules_of(jurisdiction):
            live = False
            for span in rule.spans:
                condition = fold(span.condition, self._known) if span.last >= today else FALSE
                live = live or condition != FALSE
                yield from _leaves(condition)
            if live:
                for relief in self._programs.reliefs_of(rule):
                    for span in relief.spans:
                        if span.last >= today:
                            yield from _leaves(fold(span.condition, self._known))

    def of_person(self, place: Place) -> tuple[tuple[Test, ...], tuple[str, ...]]:
        """Tests of a person's consent and line in one place, in a fixed order, and the facts that they read."""
        found = self._person.get(place.state)
        if found is None:
            tests = {leaf for leaf in self.leaves("US") | self.leaves(place.state) if isinstance(leaf, Test)}
            tests = {test for test in tests if any(_of_person(name) for name in test.reads())}
            read = tuple(sorted({name for test in tests for name in test.reads()}))
            found = self._person[place.state] = tuple(sorted(tests, key=repr)), read
        return found

    def answers(self, place: Place, values: Mapping[str, object]) -> tuple[tuple[bool | None, ...], bool]:
        """What a person's line and consent answer to those tests that no moment of the consent decides; and whether some moment
        does decide another."""
        tests, read = self.of_person(place)
        key = (place, tuple([values.get(name) for name in read]))
        found = self._answers.get(key)
        if found is None:
            known = {name: values[name] for name in read if values.get(name) is not None}
            moment, closed = Moment(self._at, place.zone, self._clock), self._programs.packs.closed
            told = tuple(evaluate(test, known, moment, closed) for test in tests if not _by_moment(test, values))
            found = self._answers[key] = told, len(told) < len(tests)
        return found

    def bounded(self, fact: str, jurisdictions: Iterable[str]) -> set[Test]:
        """Every test of time on a fact with bounds that the moment fixes."""
        leaves = (leaf for jurisdiction in jurisdictions for leaf in self.leaves(jurisdiction))
        return {
            leaf for leaf in leaves
            if isinstance(leaf, Test) and leaf.fact == fact and leaf.operator in OF_TIME and not isinstance(leaf.value, str)
        }  # fmt: skip

    def recheck(self, places: Iterable[Place]) -> tuple[str, ...]:
        """What an allowed number must be asked again for when it is dialed; see ``Answer.recheck``."""
        return tuple(sorted({word for state in {"US", *(state for state, _ in places)} for word in self._rechecked(state)}))

    def _rechecked(self, jurisdiction: str) -> frozenset[str]:
        found = self._recheck.get(jurisdiction)
        if found is None:
            vocabulary = self._programs.packs.vocabulary
            facts = {name for leaf in self.leaves(jurisdiction) for name in facts_read(leaf)}
            stored = any((fact := vocabulary.get(name)) is not None and fact.fact_class == "store" for name in facts - {FACT_OF_COUNT})
            words = (["frequency"] if FACT_OF_COUNT in facts else []) + (["consent"] if stored else [])
            found = self._recheck[jurisdiction] = frozenset(words)
        return found


def _of_person(name: str) -> bool:
    return name == LINE_TYPE or name.startswith(CONSENT)


def _leaves(node: Node) -> Iterator[Node]:
    return (part for part in node.walk() if isinstance(part, Test | Count))


def _by_moment(test: Test, values: Mapping[str, object]) -> bool:
    """Whether a moment of the consent decides a test: not where the other side of a comparison is unknown or never was."""
    if test.operator not in OF_TIME:
        return False
    if not isinstance(test.value, str):
        return True
    other = test.value if test.fact.startswith(CONSENT) else test.fact
    return other.startswith(CONSENT) or not (values.get(other) is None or values[other] is NEVER)
