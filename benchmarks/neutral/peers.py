"""Other engines on the neutral rules. Each maker returns a function from an attempt to the ids of the rules it violates.

They are no dependencies: a maker raises ImportError where its package is not installed.
"""

import functools
import json
import operator
from collections.abc import Callable, Mapping

from benchmarks.neutral.rules import OPERATORS, Attempt, Condition

Check = Callable[[Attempt], list[str]]
_NEGATED = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def cel(held: Mapping[str, Condition]) -> Check:
    """Google's CEL in Rust (``common-expression-language``), every rule compiled beforehand, all asked in one list."""
    import cel

    program = cel.compile("[" + ", ".join(_cel(condition) for condition in held.values()) + "]")
    ids = tuple(held)
    return lambda attempt: [name for name, hit in zip(ids, program.execute(attempt), strict=True) if hit]


def _cel(condition: Condition) -> str:
    if isinstance(condition, tuple):
        fact, test, value = condition
        return f"{fact} {test} {json.dumps(value)}"
    ((join, below),) = condition.items()
    if join == "not":
        return f"!({_cel(below)})"
    return "(" + (" && " if join == "all" else " || ").join(map(_cel, below)) + ")"


def durable_rules(held: Mapping[str, Condition]) -> Check:
    """durable_rules with ``assert_fact`` and ``retract_fact``, the mode that finds every rule. (An event that is posted goes
    to one rule only.) A rule that always fires is added: without it a lawful attempt raises."""
    from durable.engine import MessageNotHandledException  # noqa: F401 - so that a broken installation is noticed here
    from durable.lang import assert_fact, get_host, m, retract_fact, ruleset, when_all

    hits: list[str] = []

    def action(name: str):
        return lambda context: hits.append(name)  # one argument only: with two it would count as asynchronous

    with ruleset("neutral"):
        for name, condition in held.items():
            when_all(_durable(m, condition, False))(action(name))
        when_all(m.channel != "\0")(lambda context: None)
    get_host()
    number = 0

    def check(attempt: Attempt) -> list[str]:
        nonlocal number
        number += 1
        hits.clear()
        fact = {**attempt, "id": number}
        assert_fact("neutral", fact)
        retract_fact("neutral", fact)
        return hits.copy()

    return check


def _durable(m, condition: Condition, negated: bool):
    """The condition in its words, which have neither ``not`` nor ``in``."""
    if isinstance(condition, tuple):
        fact, test, value = condition
        if test == "in":
            return _durable(m, {"any": [(fact, "==", item) for item in value]}, negated)
        return OPERATORS[_NEGATED[test] if negated else test](getattr(m, fact), value)
    ((join, below),) = condition.items()
    if join == "not":
        return _durable(m, below, not negated)
    both = (join == "all") != negated
    return functools.reduce(operator.and_ if both else operator.or_, [_durable(m, item, negated) for item in below])
