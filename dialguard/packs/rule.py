"""A rule as the engine knows it: identity, law, and its condition for each span of dates."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dialguard.expr.nodes import Node

FIRST_DAY, LAST_DAY = 1, 3_652_059
"""Ordinals of the first and last dates there are (0001-01-01, 9999-12-31)."""


@dataclass(frozen=True, slots=True)
class Span:
    """The law of the local dates ``first`` to ``last`` (inclusive ordinals)."""

    first: int
    last: int
    condition: Node
    parameters: Mapping[str, object]
    duty_params: Mapping[str, object]
    citation: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of law. ``spans`` are the dates on which it is in force, in order, each with its condition.

    ``relieved_by`` holds the ids of the reliefs that name it. ``reads_asserted`` are facts that only the caller can know.
    """

    id: str
    title: str
    topic: str
    kind: str
    jurisdiction: str
    status: str
    citation: str | None
    confidence: str | None
    effective: int | None
    ends: int | None
    spans: tuple[Span, ...]
    message: str
    file: str
    line: int
    sources: tuple[str, ...] = ()
    relieves: tuple[str, ...] = ()
    relieved_by: tuple[str, ...] = ()
    claim: bool = False
    duty: str | None = None
    deny_unknown: bool = False
    reads_asserted: frozenset[str] = frozenset()
    values: Mapping[str, object] | None = None
    note: str | None = None
    not_covered: str | None = None
    supersedes: object | None = None
    tests: tuple = field(default=(), repr=False)
    zone: str | None = None
    scope: Mapping[str, str] = field(default_factory=dict)
    """The first value of each part of `applies`, by fact: where the rule's own examples start."""

    def span(self, ordinal: int) -> Span | None:
        """The law of that local date, or None where the rule is not in force."""
        for span in self.spans:
            if span.first <= ordinal <= span.last:
                return span
        return None

    @property
    def disputed(self) -> bool:
        """Whether courts or regulators differ; an operator may switch such a rule off."""
        return self.status == "disputed"


@dataclass(frozen=True, slots=True)
class ListSchedule:
    """How long a version of a do-not-call list may be used."""

    code: str
    name: str
    jurisdiction: str
    publish_on: tuple[tuple[int, int], ...] = ()
    use_within_days: int | None = None
    max_age_days: int | None = None
    citation: str | None = None
