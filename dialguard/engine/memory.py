"""What an engine remembers of earlier attempts; ``recall.py`` reads and fills it."""

from collections.abc import Callable
from typing import NamedTuple

from dialguard.model.moment import Instant


class Asked(NamedTuple):
    """What is read of an attempt, and how."""

    names: tuple[str, ...]
    read: Callable[[dict[str, object]], tuple]


class Plan(NamedTuple):
    """What the rules of some places that time may change read, from when other law applies, and when the local day ends."""

    asked: Asked
    other_law: Instant
    midnight: Instant


Duty = tuple[int, str, dict[str, object] | None]
"""The number of the group and the rule of a duty, and what it comes to where the rules alone settle that."""


class Memory:
    """What one engine remembers, within bounds; threads may share it."""

    __slots__ = ("duties", "laws", "plans", "reasons", "times", "vouching")

    def __init__(self) -> None:
        self.plans: dict[tuple, Plan] = {}
        self.laws: dict[tuple[str, int], tuple[Asked, bool]] = {}
        self.times: dict[tuple, tuple[Instant, Instant, Instant | None]] = {}
        self.reasons: dict[tuple, dict[str, object]] = {}
        self.duties: dict[tuple, list[Duty]] = {}
        self.vouching: dict[tuple, dict[str, object]] = {}
