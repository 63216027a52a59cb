"""What an attempt says, once it has been read: the attempt, its campaign, and the error where it cannot be judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from dialguard.facts.consent import Stated
from dialguard.facts.numbers import Number
from dialguard.model.history import Entry
from dialguard.model.moment import NEVER, Instant
from dialguard.model.redaction import without_numbers

NO_RELATIONSHIP: dict[str, object] = {
    "relationship.last_transaction_at": NEVER, "relationship.last_inquiry_at": NEVER, "relationship.ended_at": NEVER,
    "relationship.donor_at": NEVER, "relationship.current": False, "relationship.open_contract": False,
    "relationship.member": False, "relationship.personal": False,
}  # fmt: skip

OPEN = "unknown"
"""The word that leaves a field open."""


class InvalidInput(ValueError):
    """An attempt that cannot be judged; ``errors`` pairs each field with what was found and what was expected.

    Whatever field a telephone number was put in, its digits are shown as ``#``: errors end in logs.
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = [(without_numbers(name), without_numbers(text)) for name, text in errors]
        super().__init__("; ".join(f"{name}: {text}" for name, text in self.errors))


@dataclass(slots=True)
class Campaign:
    """A campaign, checked. ``facts`` are the values that it fixes, None where it leaves a fact open."""

    id: str | None
    seller: str
    facts: dict[str, object]
    registry_area_codes: frozenset[str] | None
    claims: tuple[Mapping[str, object], ...] = ()
    key: str | None = None
    start: dict[str, object] | None = None
    """All facts of the rules with what the campaign fixes entered; set when the campaign is registered."""
    fixed: dict[str, object] | None = None
    """What a registered campaign says, without what it leaves open."""
    scopes: dict[str, tuple] = field(default_factory=dict)
    """What programs are compiled for, by channel; entered as it is asked for."""


class Given(Struct, eq=False):
    """What the caller says. ``facts`` are plain facts by name; the rest needs a moment, a store or the rules to be judged."""

    id: str | None = None
    channel: str = ""
    number: Number | None = None
    from_number: str | None = None
    at: Instant | None = None
    reserve: bool | None = None
    campaign: Campaign | None = None
    facts: dict[str, object] = {}
    started: bool = False
    """Whether ``facts`` already holds every fact (the campaign's start)."""
    person: str | None = None
    address: Mapping[str, str] = {}
    consent: Stated | None = None
    revocations: list[dict[str, object]] | None = None
    related: bool = False
    """Whether ``facts`` already holds a stated relationship, which then replaces the held one."""
    national: bool | None = None
    states: frozenset[str] | None = None
    most: tuple[int | None, int | None, int | None] | None = None
    """The bounds of 24 hours, 7 and 30 days in a row, or None where ``bounds`` holds those that were given."""
    attempts: list[Entry] | None = None
    declared: list[dict[str, object]] | None = None
    debt: str | None = None
    relationship: dict[str, object] | None = None
    internal: dict[str, object] | None = None
    lists: dict[str, dict[str, object]] | None = None
    bounds: dict[str, int] = {}
    open: frozenset[str] = frozenset()
    """Fields that the caller left open in an object that it gave."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Given):
            return NotImplemented
        if self.states_relationship() != other.states_relationship() or self.upper_bounds() != other.upper_bounds():
            return False
        return self.known_facts() == other.known_facts() and all(getattr(self, name) == getattr(other, name) for name in _GIVEN)

    __hash__ = None

    def states_relationship(self) -> bool:
        """Whether the caller says anything of the relationship."""
        return self.related or bool(self.relationship)

    def upper_bounds(self) -> tuple[int | None, int | None, int | None]:
        """At most so many attempts in 24 hours, 7 and 30 days; None where nothing is said."""
        get = self.bounds.get
        return self.most or (get("last_24h"), get("last_7d"), get("last_30d"))

    def told(self) -> dict[str, object]:
        """What ``relationship`` and ``internal`` say, as facts."""
        found: dict[str, object] = {}
        if self.relationship:
            found |= NO_RELATIONSHIP
            kind = self.relationship.get("kind")
            if kind == "inquiry" or kind == "transaction":
                # A limb that is named without its date is open, not absent.
                found[f"relationship.last_{kind}_at"] = self.relationship.get("last_at")
            elif kind == "personal":
                found["relationship.personal"] = True
            for name, value in self.relationship.items():
                if name != "kind" and name != "last_at":
                    found[f"relationship.{name}"] = value
            found |= dict.fromkeys(name for name in NO_RELATIONSHIP if name in self.open)
        if self.internal:
            found["dnc.internal"] = self.internal["internal"]
            found["dnc.internal_since"] = self.internal.get("internal_since", None if "dnc.internal_since" in self.open else NEVER)
            found["dnc.internal_scope"] = self.internal.get("internal_scope")
        return found

    def known_facts(self) -> dict[str, object]:
        """Every fact that is known so far, what the campaign's start supplies included."""
        start = {} if self.started or self.campaign is None or self.campaign.start is None else self.campaign.start
        return {name: value for name, value in (start | self.facts | self.told()).items() if value is not None}


_COMPARED_OTHERWISE = frozenset({"facts", "started", "related", "relationship", "internal", "bounds", "most"})
_GIVEN = tuple(name for name in Given.__struct_fields__ if name not in _COMPARED_OTHERWISE)
