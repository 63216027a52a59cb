"""Event rules as a ruleset of durable_rules: one fact an event, with the counts that the rules ask for.

Only what this library does reliably is used: facts, each with an id of its own, asserted and taken back (a posted event is
consumed by the first rule that it meets); conditions of comparisons alone, no operator of absence; one session, where more than
1,024 end the process; actions of one argument, that only note a name; and no thread of its own, which could take an action away.
"""

import itertools
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from durable import engine, lang

from dialguard.events.meaning import Event
from dialguard.packs.eventrule import TOLD, EventRule

_SESSION = "events"


class _Host(engine.Host):
    """Without the threads that look for work."""

    def _run(self) -> None:
        pass


class Matcher:
    """Says which rules an event fires. For one thread."""

    def __init__(self, rules: Sequence[EventRule]) -> None:
        self._fired: list[str] = []
        self._ids = itertools.count(1)
        self._rules = tuple(rules)
        self._host = _Host()
        if rules:
            ruleset = lang.ruleset(_SESSION)
            with ruleset:
                for place, rule in enumerate(rules):
                    lang.when_all(_condition(rule, place))(self._noting(rule.id))
            name, definition = ruleset.define()
            self._host.register_rulesets({name: definition})
            lang._rulesets.clear()  # what was declared is registered here, and nowhere else

    def fired(self, event: Event, counts: Mapping[str, int]) -> list[str]:
        """The rules that fire. ``counts`` by rule: how many events there are, or how far a share is exceeded."""
        if not self._rules:
            return []
        fact: dict[str, Any] = {"id": str(next(self._ids)), "sid": _SESSION, "event": event.event}
        fact |= {name: value for name in TOLD if (value := getattr(event, name)) is not None}
        fact |= {f"n{place}": counts[rule.id] for place, rule in enumerate(self._rules) if rule.id in counts}
        self._fired.clear()
        try:
            self._host.assert_fact(_SESSION, fact)
        except engine.MessageNotHandledException:  # no rule met it
            pass
        finally:
            self._take_back(fact)
        state = self._host.get_state(_SESSION, _SESSION)
        if state.get("exception"):  # where the library hides what an action raised
            raise RuntimeError(f"an event rule failed: {state['exception']}")
        return sorted(set(self._fired))

    def _take_back(self, fact: dict[str, Any]) -> None:
        try:
            self._host.retract_fact(_SESSION, fact)
        except engine.MessageNotHandledException:
            pass

    def _noting(self, name: str) -> Any:
        def note(_) -> None:
            self._fired.append(name)

        return note


def _condition(rule: EventRule, place: int) -> Any:
    found = _one_of("event", rule.on)
    for name, words in rule.where:
        found = found & _one_of(name, words)
    if rule.count is not None:
        found = found & (getattr(lang.m, f"n{place}") >= rule.count.at_least)
    if rule.share is not None:
        found = found & (getattr(lang.m, f"n{place}") > 0)
    return found


def _one_of(name: str, words: Sequence[str]) -> Any:
    return reduce(or_, (getattr(lang.m, name) == word for word in words))
