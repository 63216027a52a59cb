"""The facts of one attempt as the engine takes them: values by name, and how they may change as time moves on."""

import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import NamedTuple

from msgspec import Struct

from dialguard.model.moment import Instant


class Place(NamedTuple):
    """A state and a time zone in which the called person may be."""

    state: str
    zone: str


def naming(function: FunctionType) -> FunctionType:
    """Decorator of a function that reads or enters many facts by name: its texts become the one copy that Python keeps of each.

    A look-up then finds the very object that is the key and compares no letters; Python does so by itself only for texts that
    look like identifiers, and the names of facts have a dot.
    """
    code = function.__code__
    function.__code__ = code.replace(co_consts=tuple(sys.intern(each) if type(each) is str else each for each in code.co_consts))
    return function


class Facts(Struct, eq=False):
    """What is known of one attempt.

    ``values`` holds every fact by name, None where it is unknown, as of ``at``. ``refresh(instant)`` gives them as of another
    instant with everything held but time; it differs only past one of the instants in ``changes``. ``why`` says of an
    unknown fact that a list or a look-up is at fault (``list_stale``, ``list_incomplete``, ``lookup_unavailable``).
    ``due`` is the instant at which the first list used falls due. ``scope`` is what programs are compiled for: channel,
    purpose, dialing, voice and the key of a registered campaign, whose ``fixed`` facts are then given.
    """

    values: dict[str, object]
    at: Instant
    places: tuple[Place, ...]
    scope: tuple
    fixed: Mapping[str, object] | None = None
    changes: tuple[Instant, ...] = ()
    refresh: Callable[[Instant], dict[str, object]] | None = None
    why: Mapping[str, str] = {}
    due: Instant | None = None

    def at_instant(self, instant: Instant) -> dict[str, object]:
        """The values as of an instant not before ``at``."""
        if self.refresh is None or not any(self.at < change <= instant for change in self.changes):
            return self.values
        return self.refresh(instant)
