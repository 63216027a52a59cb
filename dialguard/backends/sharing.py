"""What a program works out once: parts of conditions that several rules ask, and facts that a single test reads.

Costs are rough, in hundredths of a microsecond; they settle the order of tests and what is worth keeping, never an answer.
"""

from collections.abc import Callable, Iterable

from dialguard.expr.nodes import All, Any, ClosedDay, Const, Count, LocalTime, Node, Not, Test

POSSIBLE, CERTAIN, STUBBORN, YIELDING = "possible", "certain", "stubborn", "yielding"
OPPOSITE = {POSSIBLE: CERTAIN, CERTAIN: POSSIBLE, STUBBORN: YIELDING, YIELDING: STUBBORN}
"""The mode under a ``not``. Yielding is certain, but an unknown asserted fact takes the value that meets the test."""

Asked = tuple[Node, str]
"""A part of a condition and the mode in which it is asked."""

_TESTS = {"in": 2, "stated": 1, "has_any": 4, "before": 4, "after": 4, "came": 3, "open": 12, "within": 12, "older_than": 12}
_DEAR = 8


def cost(node: Node) -> int:
    """What it takes to work a condition out."""
    match node:
        case Const():
            return 0
        case Not(item):
            return cost(item)
        case All(items) | Any(items):
            return 1 + sum(map(cost, items))
        case Test(_, "in", value) if value in ({True}, {False}):
            return 1
        case Test(_, operator):
            return _TESTS.get(operator, 2)
        case LocalTime():
            return 3
        case ClosedDay():
            return 4
        case Count():
            return 100
    raise TypeError(f"no cost for {type(node).__name__}")


class Survey:
    """Counts how often each part of some conditions is asked, in which mode."""

    def __init__(self, plain: Callable[[Node, str], str]) -> None:
        self._plain = plain
        self._times: dict[Asked, int] = {}

    def add(self, node: Node, mode: str) -> None:
        """One more use of a condition."""
        mode = self._plain(node, mode)
        times = self._times[node, mode] = self._times.get((node, mode), 0) + 1
        if times == 1:  # what is below a part that is asked again is not worked out again
            below = OPPOSITE[mode] if isinstance(node, Not) else mode
            for child in node.children():
                self.add(child, below)

    def early(self, not_yet: Callable[[Node], bool]) -> list[Asked]:
        """Cheap parts that many rules ask, to be worked out first, save those ``not_yet``; a part of another stands before it."""
        found = [
            asked for asked, times in self._times.items() if times > 2 and 1 < cost(asked[0]) < _DEAR and not not_yet(asked[0])
        ]
        return sorted(found, key=lambda asked: cost(asked[0]))

    def late(self) -> list[Asked]:
        """Dear parts that more than one rule asks, to be worked out where they are first asked."""
        return [asked for asked, times in self._times.items() if times > 1 and cost(asked[0]) >= _DEAR]

    def read_once(self, kept: Iterable[Asked]) -> frozenset[str]:
        """Facts that the program reads in one test only, ``kept`` being the parts that are worked out once."""
        kept, reads = set(kept), {}
        for asked, times in self._times.items():
            if isinstance(asked[0], Test):
                for fact in asked[0].reads():
                    reads[fact] = reads.get(fact, 0) + (1 if asked in kept else times)
        return frozenset(fact for fact, number in reads.items() if number == 1)
