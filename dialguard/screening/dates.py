"""Moments that no rule can tell apart at the time of a screen, nor for some days after.

A consent of last May and one of last June are the same to every rule but those with a period that ends between them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dialguard.backends.frames import spans
from dialguard.expr.nodes import Test
from dialguard.facts.regions import STATES, state_zones
from dialguard.model.moment import DAY, Clock, Instant, Moment

STEADY_DAYS = 4
"""How long a class must hold together: over a night, a weekend and a holiday, so that the next opening lies within."""


class Steady:
    """Classes of the moments of one fact. Moments of a class meet the same tests, in every zone, from ``at`` on for STEADY_DAYS."""

    def __init__(self, tests: Iterable[Test], at: Instant, clock: Clock) -> None:
        """``tests`` of time on the fact, with bounds that the moment fixes."""
        zones = sorted({zone for state in STATES for zone in state_zones(state)})
        sides = [
            [spans(test, Moment(instant, zone, clock)) for instant in (at, at + STEADY_DAYS * DAY) for zone in zones]
            for test in sorted(tests, key=repr)
        ]
        edges = {edge for side in sides for found in side for first, last in found for edge in (first, last + 1) if edge <= at}
        self._edges = np.array(sorted(edges), np.int64)
        self._at = at
        kinds: dict[tuple[bool, ...], int] = {}
        kind_of = []
        for example in [int(self._edges[0]) - 1 if len(self._edges) else at, *self._edges.tolist()]:
            met = [{any(first <= example <= last for first, last in found) for found in side} for side in sides]
            steady = all(len(answers) == 1 for answers in met)
            kind_of.append(kinds.setdefault(tuple(answers == {True} for answers in met), len(kinds)) if steady else -1)
        self._kinds = np.array(kind_of, np.int64)

    def encode(self, moments: np.ndarray) -> np.ndarray:
        """The class of each moment (int64 Instants), -1 where it must be judged by itself."""
        kinds = self._kinds[np.searchsorted(self._edges, moments, side="right")]
        return np.where(moments > self._at, -1, kinds)
