"""The generated closures as an evaluator of single rules, for their examples."""

from functools import lru_cache

from dialguard.backends.closures import CERTAIN, POSSIBLE, Clause, Compiler, predicate
from dialguard.packs.testing import Evaluator


def closures() -> Evaluator:
    """See ``packs.testing.Evaluator``."""

    @lru_cache(maxsize=64)
    def program(clause, closed, vocabulary):
        return Compiler(closed, vocabulary).compile([clause], clause.kind)

    @lru_cache(maxsize=256)
    def one(node, mode, closed, vocabulary):
        return predicate(node, mode, closed, vocabulary)

    class Every(dict):
        def __missing__(self, name):
            return None

    def answer(kind, condition, reliefs, facts, moment, closed, vocabulary, deny_unknown) -> str:
        facts = Every(facts)
        if kind == "relief":
            if one(condition, CERTAIN, closed, vocabulary)(facts, moment):
                return "relieves"
            return "open" if one(condition, POSSIBLE, closed, vocabulary)(facts, moment) else "silent"
        deny: list[int] = []
        oblige: list[int] = []
        program(Clause(0, kind, condition, tuple(reliefs), deny_unknown), closed, vocabulary)(facts, moment, deny, oblige)
        if not deny:
            return "obliged" if oblige else "silent"
        certain = one(condition, CERTAIN, closed, vocabulary)(facts, moment)
        lifted = any(one(relief, POSSIBLE, closed, vocabulary)(facts, moment) for relief in reliefs)
        return "prohibited" if certain and not lifted else "unknown"

    return answer
