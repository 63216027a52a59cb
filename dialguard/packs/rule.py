"""A rule as the engine knows it: identity, law, and its condition for each span of dates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dialguard.expr.nodes import Node

TOPICS = (
    "calling_hours", "holidays", "frequency", "state_dnc", "federal_dnc", "internal_dnc", "consent", "autodialer",
    "prerecorded", "ringless_voicemail", "sms", "caller_id", "disclosure", "registration", "recording", "abandonment",
    "revocation", "reassigned", "exemption", "recordkeeping", "emergency", "ai_voice", "carrier", "privacy", "other",
    "number", "house",
)  # fmt: skip
"""What rules are about, in the order in which reasons are shown."""

DECIDING = ("prohibition", "obligation")
"""The kinds of rules that answer an attempt; a relief answers only through them."""

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
class Example:
    """One test of a rule file, with its line: a situation and its answer, written from the statute.

    ``at`` is local time in ``zone`` (None: the file's); ``attempts`` is a sequence of earlier attempts or ``unknown``. ``duty`` are the
    parameters of the duty that goes with the answer.
    """

    name: str
    at: str
    expect: str
    line: int
    zone: str | None = None
    given: Mapping[str, object] = field(default_factory=dict)
    attempts: Sequence[object] | str = ()
    needs: tuple[str, ...] | None = None
    duty: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Supersession:
    """That a rule of an operator stands in the place of a shipped one, from when, by whom and why.

    ``day`` is an ordinal; ``confirm`` the digest that confirms what it loosens; ``line`` where it stands in its file.
    """

    rule: str
    citation: str
    day: int
    approver: str
    reason: str
    confirm: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a breach may cost, in dollars for one violation; None is an amount that is not stated.

    ``by``: who may seek it: person, regulator, prosecutor, unstated. ``reaches`` and ``but_not`` are rule ids or their dotted
    beginnings. ``from_call`` is the first call in twelve months for which it may be sought.
    """

    by: str
    reaches: tuple[str, ...]
    but_not: tuple[str, ...]
    says: str
    least_usd: int | None
    most_usd: int | None
    from_call: int
    limitation_years: int | None
    limitation_citation: str | None


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
    remedies: tuple[Remedy, ...] = ()
    note: str | None = None
    not_covered: str | None = None
    supersedes: Supersession | None = None
    tests: Sequence[Example] = field(default=(), repr=False)
    zone: str | None = None
    scope: Mapping[str, str] = field(default_factory=dict)
    """The first value of each part of `applies`, by fact: where the rule's own examples start."""

    fingerprint: str = ""
    """Digest of the rule as written, its shape included and its confirmation left out."""
    operator: bool = False
    """Whether it stands in an operator's folder and did not come with the package."""

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

    @property
    def unsure(self) -> bool:
        """Whether it is disputed, or the reading of its law of low confidence."""
        return self.status == "disputed" or self.confidence == "low"


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
