"""The law as loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from dialguard.expr.nodes import All, Test
from dialguard.model.vocabulary import Vocabulary
from dialguard.packs.calendars import ANYWHERE, Calendar
from dialguard.packs.eventrule import EventRule
from dialguard.packs.remedies import Sought, by_rule
from dialguard.packs.rule import ListSchedule, Rule
from dialguard.packs.yamlfile import Problem


@dataclass(frozen=True)
class Packs:
    """The law as loaded: rules in a fixed order, calendars, list schedules, and a digest over every file read."""

    rules: tuple[Rule, ...]
    calendars: Mapping[str, Calendar]
    lists: Mapping[str, ListSchedule]
    vocabulary: Vocabulary
    digest: str
    names: Mapping[str, str]
    presuming: frozenset[str] = frozenset()
    """States that presume that a number of their area codes reaches their residents."""
    warnings: tuple[Problem, ...] = field(default=(), repr=False)
    """What is no mistake, but not as good as it should be."""
    events: tuple[EventRule, ...] = ()
    """The rules of events, by id."""
    base: "Packs | None" = field(default=None, repr=False)
    """The shipped rules alone, where an operator's folders were read too."""

    def on(self, base: "Packs") -> "Packs":
        """The same with the shipped rules alone beside it."""
        return replace(self, base=base)

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        """Rules by their ids."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def remedies(self) -> dict[str, tuple[Sought, ...]]:
        """What breaking a rule may cost, by the rule's id; a rule without a remedy is left out."""
        return by_rule(self.rules)

    @cached_property
    def unsure_reliefs(self) -> dict[str, list[tuple[Rule, list[tuple[str, frozenset]]]]]:
        """Reliefs that nobody claims and that are disputed or of low confidence, by jurisdiction, each with facts and the words of which
        these must be one."""
        found: dict[str, list[tuple[Rule, list[tuple[str, frozenset]]]]] = {}
        for rule in self.rules:
            if rule.kind == "relief" and rule.unsure and not rule.claim and rule.spans:
                parts = [span.condition.items if isinstance(span.condition, All) else (span.condition,) for span in rule.spans]
                words = [
                    (part.fact, part.value)
                    for part in parts[0]
                    if isinstance(part, Test) and part.operator == "in" and all(part in each for each in parts)
                ]
                found.setdefault(rule.jurisdiction, []).append((rule, words))
        return found

    def closed(self, calendar: str, ordinal: int) -> str | None:
        """Name of the closed day that a local date is in a calendar, or None.

        A day that a calendar closes in some counties only closes the whole state: which county the person lives in is seldom known.
        """
        return self.calendars[calendar].closed(ordinal, ANYWHERE)

    @cached_property
    def law_changes(self) -> tuple[int, ...]:
        """Ordinals of the local dates on which some rule begins, changes or has just ended, in order."""
        days: set[int] = set()
        for rule in self.rules:
            for span in rule.spans:
                if span.first <= span.last:
                    days.update((span.first, span.last + 1))
        return tuple(sorted(days))
