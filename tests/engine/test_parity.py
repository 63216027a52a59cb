"""The generated closures say what the reference says, on seeded (rule, facts) pairs with 0 to 60 % of the facts unknown."""

import os
import random

from dialguard.backends.closures import CERTAIN, Clause, Compiler, predicate
from dialguard.expr.fold import fold
from dialguard.expr.nodes import Const, FALSE, TRUE
from dialguard.expr.outcome import OBLIGED, PROHIBITED, SILENT, UNKNOWN_FACT, outcome
from dialguard.packs.load import load
from dialguard.packs.testing import conditions_of_reliefs
from tests.engine.generate import FactMaker, random_moment

PAIRS = int(os.environ.get("DIALGUARD_PARITY_PAIRS", "200000"))


class OneRule:
    """One rule's closures at one stretch of law, with and without facts folded in."""

    def __init__(self, packs, rule, condition, reliefs) -> None:
        self.rule, self.condition, self.reliefs, self.packs = rule, condition, reliefs, packs
        self.program = self._compile({})
        self.certain = predicate(condition, CERTAIN, packs.closed, packs.vocabulary)
        self.open = [predicate(relief, "possible", packs.closed, packs.vocabulary) for relief in reliefs]

    def _compile(self, fixed):
        condition = fold(self.condition, fixed)
        reliefs = [fold(relief, fixed) for relief in self.reliefs]
        if condition == FALSE or TRUE in reliefs:
            return None
        reliefs = tuple(relief for relief in reliefs if relief not in (FALSE, Const(None)))
        clause = Clause(0, self.rule.kind, condition, reliefs, self.rule.deny_unknown)
        return Compiler(self.packs.closed, self.packs.vocabulary).compile([clause], self.rule.id)

    def outcome(self, facts, moment, program="own") -> str:
        program = self.program if program == "own" else program
        deny, oblige = [], []
        if program is not None:
            program(facts, moment, deny, oblige)
        if oblige:
            return OBLIGED
        if not deny:
            return SILENT
        certain = self.certain(facts, moment) and not any(relief(facts, moment) for relief in self.open)
        return PROHIBITED if certain else UNKNOWN_FACT

    def folded(self, facts, moment) -> str:
        names = ("channel", "campaign.purpose", "campaign.dialing", "campaign.voice", "campaign.caller_class", "campaign.subject")
        return self.outcome(facts, moment, self._compile({name: facts[name] for name in names}))


def test_closures_agree_with_the_reference() -> None:
    packs = load()
    rules = [rule for rule in packs.rules if rule.kind in ("prohibition", "obligation") and rule.spans]
    maker = FactMaker(packs, [span.condition for rule in packs.rules for span in rule.spans])
    rng = random.Random(20261122)
    compiled: dict[tuple, OneRule] = {}
    tally = dict.fromkeys((SILENT, OBLIGED, UNKNOWN_FACT, PROHIBITED), 0)
    done = 0
    while done < PAIRS:
        moment = random_moment(rng)
        facts = maker.facts(rng, moment, rng.random() * 0.6)
        for rule in rng.sample(rules, min(40, len(rules))):
            span = rule.span(moment.ordinal)
            if span is None:
                continue
            _steer(rng, facts, rule, span)
            reliefs = tuple(conditions_of_reliefs(packs, rule, moment.ordinal))
            one = compiled.get((rule.id, span.first, reliefs))
            if one is None:
                one = compiled[rule.id, span.first, reliefs] = OneRule(packs, rule, span.condition, reliefs)
            expected = outcome(rule.kind, span.condition, reliefs, facts, moment, packs.closed, packs.vocabulary, rule.deny_unknown)
            found = one.outcome(facts, moment)
            assert found == expected, (rule.id, moment, facts)
            if done % 50 == 0:
                assert one.folded(facts, moment) == expected, ("folded", rule.id, moment, facts)
            tally[expected] += 1
            done += 1
    print(tally)
    assert min(tally.values()) > PAIRS // 200, tally  # every outcome occurs often, or the test proves little


def _steer(rng, facts, rule, span) -> None:
    """Mostly let the rule's own scope match, so that its condition is what is compared."""
    for name, value in rule.scope.items():
        if rng.random() < 0.85:
            facts[name] = value
