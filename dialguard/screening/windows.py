"""When a number may be called in the days to come, and what closes it each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from dialguard.facts import clock
from dialguard.model.moment import Instant

if TYPE_CHECKING:
    from dialguard.engine.decision import Decision

MOST = 2_000
"""Stretches after which the search ends; a day has a few at most."""


class Window(NamedTuple):
    """A stretch in which the contact is allowed: from ``start`` to before ``until``, RFC 3339 in the first place's zone.

    ``closed_by`` are the reasons that deny it at ``until``, the first being the one to show; empty where the stretch goes
    on past the days asked for. ``obligations`` are those of an attempt at its start.
    """

    start: str
    until: str
    closed_by: tuple[dict[str, object], ...]
    obligations: tuple[dict[str, object], ...]


def windows(check: Callable[[Instant], Decision], start: Instant, end: Instant) -> list[Window]:
    """The stretches between two instants in which ``check`` allows, in order.

    Each step is a decision at its own moment, so that a list falling due within the days closes them. A stretch that the
    clock is already in begins at ``start``.
    """
    found: list[Window] = []
    instant, decision = start, check(start)
    opened: Decision | None = None
    for _ in range(MOST):
        if decision.allowed:
            # Allowed again at once (a list fell due that another replaces) is one stretch.
            opened = opened or decision
            following = end if decision.valid_until is None else min(end, clock.parse_instant(decision.valid_until))
            if following >= end or following <= instant:
                return [*found, _window(opened, clock.format_instant(following, _zone(opened)), ())]
            decision = check(following)
            if not decision.allowed:
                found.append(_window(opened, decision.at, tuple(decision.reasons)))
                opened = None
        else:
            if decision.retry_at is None:
                return found
            following = clock.parse_instant(decision.retry_at)
            if following >= end or following <= instant:
                return found
            decision = check(following)
        instant = following
    return found


def _window(opened: Decision, until: str, closed_by: tuple[dict[str, object], ...]) -> Window:
    return Window(opened.at, until, closed_by, tuple(opened.obligations))


def _zone(decision: Decision) -> str:
    return decision.as_dict()["timezones"][0]["zone"]
