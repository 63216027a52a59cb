"""Numbers of which the store holds one consent and nothing else, which is most that it holds: told apart by kinds of consent."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from dialguard.facts.regions import STATES
from dialguard.model.moment import Clock, Instant
from dialguard.model.records import Consent, LookUp
from dialguard.screening.asked import Asked
from dialguard.screening.classes import Distinct
from dialguard.screening.dates import Steady

NONE = 0
"""The kind of a number without such a consent."""


class Consents:
    """Kinds of lone consents, from 1; those that are steady for a few days, so that one answer may stand for all of a kind."""

    def __init__(self, asked: Asked, rows: Sequence[tuple], nothing: LookUp, at: Instant, clock: Clock) -> None:
        """``rows`` as in ``storage.ports.Recorded``; ``nothing`` is what the store says of a number that it does not know."""
        self._nothing = nothing
        self.unsteady: list[str] = []
        """Numbers that must be judged one by one."""
        self._held: list[LookUp] = []
        if not rows:
            self._numbers, self._kinds = np.zeros(0, np.int64), np.zeros(0, np.int64)
            return
        numbers, levels, forms, covers, obtained, requested, channels = zip(*rows, strict=True)
        words: Distinct[tuple] = Distinct()
        said = np.array([words.number(key) for key in zip(levels, forms, covers, channels, strict=True)], np.int64)
        first, first_steady = _moments(asked, "consent.obtained_at", obtained, at, clock)
        asked, asked_steady = _moments(asked, "consent.requested_at", requested, at, clock)
        # Rules may hold the two moments against each other.
        order = np.sign(_filled(obtained) - _filled(requested)) + 1
        alike = (said * (first.max() + 1) + first) * (asked.max() + 1) * 3 + asked * 3 + order
        steady = first_steady & asked_steady & np.array([number.startswith("+1") and len(number) == 12 for number in numbers])
        self.unsteady = [numbers[place] for place in np.flatnonzero(~steady).tolist()]
        kept = np.flatnonzero(steady)
        _, example, kinds = np.unique(alike[kept], return_index=True, return_inverse=True)
        for place in kept[example].tolist():
            level, form, cover, channel = words.values[said[place]]
            self._held.append(
                _look_up(
                    Consent(level, _words(form), _words(cover), obtained[place], requested[place], None, _words(channel), None, None),
                    nothing,
                )
            )
        national = np.array([int(numbers[place][2:]) for place in kept.tolist()], np.int64)
        order = np.argsort(national)
        self._numbers, self._kinds = national[order], kinds[order] + 1

    @property
    def numbers(self) -> np.ndarray:
        """The numbers that have a kind, in order."""
        return self._numbers

    def held(self, kind: int) -> LookUp:
        """What the store holds of a number of a kind."""
        return self._nothing if kind == NONE else self._held[kind - 1]

    def encode(self, national: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The kind of each number; ``places`` are those that have one, the others have none."""
        found = np.zeros(len(national), np.int64)
        if len(places):
            found[places] = self._kinds[np.searchsorted(self._numbers, national[places])]
        return found


def _look_up(consent: Consent, nothing: LookUp) -> LookUp:
    return replace(nothing, consent=consent, consents=(consent,))


def _words(encoded: str | None) -> tuple[str, ...] | None:
    return None if encoded is None else tuple(json.loads(encoded))


def _filled(moments: Sequence[Instant | None]) -> np.ndarray:
    return np.array([-1 if moment is None else moment for moment in moments], np.int64)


def _moments(asked: Asked, fact: str, moments: Sequence[Instant | None], at: Instant, clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    """Classes from 0 (no moment), and which of them are steady."""
    missing = np.array([moment is None for moment in moments])
    kinds = Steady(asked.bounded(fact, ("US", *sorted(STATES))), at, clock).encode(_filled(moments))
    return np.where(missing, 0, np.maximum(kinds, 0) + 1), missing | (kinds >= 0)
