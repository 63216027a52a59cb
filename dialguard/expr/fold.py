"""Partial evaluation: what a campaign and a channel fix is worked out once, and only the rest is asked of an attempt."""

from collections.abc import Callable, Mapping

from dialguard.expr.nodes import FALSE, UNKNOWN, All, Any, Const, Node, Not, Test, conjunction, disjunction, negation
from dialguard.expr.reference import holds

TIMED = frozenset({"within", "older_than", "came", "open"})


def fold(node: Node, fixed: Mapping[str, object]) -> Node:
    """The condition with every test on a fixed fact settled; a fixed fact of value None stays unknown for good.

    The result has the same value as the original for all facts that agree with ``fixed``.
    """
    match node:
        case All(items):
            return conjunction(*(fold(item, fixed) for item in items))
        case Any(items):
            return disjunction(*(fold(item, fixed) for item in items))
        case Not(item):
            return negation(fold(item, fixed))
        case Test() if all(name in fixed for name in node.reads()) and (
            node.operator not in TIMED or fixed[node.fact] is None
        ):
            if any(fixed[name] is None for name in node.reads()):
                return FALSE if node.settled else UNKNOWN
            if node.kind:
                return node
            return Const(holds(node, fixed, None))
    return node


def replace(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """The condition with each node for which ``change`` answers replaced by the answer."""
    answer = change(node)
    if answer is not None:
        return answer
    match node:
        case All(items):
            return conjunction(*(replace(item, change) for item in items))
        case Any(items):
            return disjunction(*(replace(item, change) for item in items))
        case Not(item):
            return negation(replace(item, change))
    return node


def settle_reliefs(node: Node, names: frozenset[str], loosens: bool) -> Node:
    """Mark tests on ``names`` as settled where meeting them would loosen the answer.

    Some facts speak only for the caller (its class, its industry): left out, they do not relieve, and they do not leave
    a relief open either. ``loosens`` says whether this condition being true loosens (a relief, an ``unless``).
    """
    match node:
        case All(items):
            return conjunction(*(settle_reliefs(item, names, loosens) for item in items))
        case Any(items):
            return disjunction(*(settle_reliefs(item, names, loosens) for item in items))
        case Not(item):
            return negation(settle_reliefs(item, names, not loosens))
        case Test(fact, operator, value, kind, _) if loosens and fact in names:
            return Test(fact, operator, value, kind, settled=True)
    return node
