"""An event rule as loaded: which events it hears, what must have gathered, and what it then does.

What a rule may do is a closed list of things that tighten: nothing here can lift a revocation, a listing or a pause.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

NEEDS: dict[str, tuple[str, ...]] = {
    "answered": ("campaign",),
    "abandoned": ("campaign",),
    "opted_out": ("to",),
    "complaint": ("to",),
    "refused": ("to",),
    "wrong_number": ("to",),
    "carrier_block": ("to", "code"),
}
"""The kinds of event, and what each must say beside its seller. ``answered`` is a call that a person answered and somebody took,
``abandoned`` one that a person answered and nobody took in time; of one call only one of the two is told."""
TOLD = ("channel", "code", "means")
"""Fields of an event that a rule may ask for."""
VERBS: dict[str, dict[str, tuple[str, ...]]] = {
    "revoke": {"scope": ("all", "marketing", "medium")},
    "suppress": {},
    "pause": {"what": ("campaign", "seller")},
    "alarm": {"level": ("notice", "urgent")},
}
"""What a rule may do, the words that each takes, and the strictest of these first."""
OF_NUMBER = ("revoke", "suppress")


@dataclass(frozen=True, slots=True)
class Count:
    """That at least so many events which the rule hears, this one among them, happened within ``last`` microseconds."""

    per: str
    last: int
    at_least: int


@dataclass(frozen=True, slots=True)
class Share:
    """That events of the kind ``of`` are more than ``above`` millionths of those ``among``, in the running one of the periods of
    ``each`` microseconds that follow one another from the campaign's first such event, once there are ``from_`` of them."""

    of: str
    among: tuple[str, ...]
    each: int
    above: int
    from_: int


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to do: a word of ``VERBS`` and what goes with it ('' where nothing does)."""

    verb: str
    how: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.how}".strip()


@dataclass(frozen=True, slots=True)
class EventExample:
    """One test: events in the order in which they are told, and what the last of them brings about."""

    name: str
    events: Sequence[dict[str, object]]
    expect: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class EventRule:
    """One rule. ``on`` are kinds of event, ``where`` fields of ``TOLD`` with the values of which one must be told."""

    id: str
    title: str
    topic: str
    jurisdiction: str
    citation: str | None
    on: tuple[str, ...]
    where: tuple[tuple[str, tuple[str, ...]], ...]
    count: Count | None
    share: Share | None
    do: tuple[Effect, ...]
    message: str
    file: str
    line: int
    sources: tuple[str, ...] = ()
    note: str | None = None
    operator: bool = False
    tests: Sequence[EventExample] = field(default=(), repr=False)
