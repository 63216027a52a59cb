"""What an engine remembers of earlier attempts; ``recall.py`` reads and fills it."""

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from dialguard.model.moment import Instant

Duty = tuple[int, str, dict[str, object] | None]
"""The number of the group and the rule of a duty, and what it comes to where the rules alone settle that."""


Span = tuple[Instant, Instant, Instant | None]
"""The first moment and the one after the last at which the search for a time ends the same, and its end."""


class Told(Struct, eq=False):
    """What a judgement comes to: the reasons of a denial and the duties; once asked for, ``valid_until`` of an allow or ``retry_at``
    of a denial. It holds for attempts at ``start`` or later and before ``end``.

    ``frame`` and ``values`` are where the time is kept; None where it is not. ``encoded`` is for whoever gives all this as bytes,
    by form, and is emptied when the time is another; ``placed`` are the sources of the places and what they come to.
    """

    reasons: list[dict[str, object]]
    duties: list[Duty]
    start: Instant
    end: Instant
    frame: "Frame | None" = None
    values: tuple = ()
    span: Span | None = None
    encoded: dict[str, bytes] = {}
    placed: tuple[object, bytes] | None = None


class Frame(NamedTuple):
    """What is read of attempts in some places on which some rules bite: neighbours in all of it are told the same.

    ``by_second``: a reason names the time of day, or may be certain at one second and open at the next. ``counted``: earlier
    attempts are read. ``other_law`` is when other law applies, ``midnight`` when the local day ends.
    """

    read: Callable[[dict[str, object]], tuple]
    counted: bool
    by_second: bool
    other_law: Instant
    midnight: Instant
    times: dict[tuple, Span]
    told: dict[tuple, Told]


class Memory:
    """What one engine remembers, within bounds; threads may share it."""

    __slots__ = ("coming", "duties", "frames", "kept")

    def __init__(self) -> None:
        self.frames: dict[tuple, Frame] = {}
        self.duties: dict[tuple, list[Duty]] = {}
        self.coming: dict[tuple[int, int], dict[str, frozenset[str]]] = {}
        self.kept = 0
