"""The facts that time alone may change: consents and revocations, the end of a relationship, emergencies and proclaimed days."""

from dialguard.expr.nodes import facts_read
from dialguard.facts import consent, places
from dialguard.facts import feed as feeds
from dialguard.facts.given import Given
from dialguard.facts.held import Held
from dialguard.model.moment import Instant
from dialguard.packs.load import Packs

Watched = tuple[tuple[str, str, str], ...]
"""Facts of declarations that some rule reads: name, kind, state."""


def watched(packs: Packs) -> dict[str, tuple[str, str]]:
    """Facts of emergencies and proclaimed days that some rule reads: name -> (kind, state)."""
    names: dict[str, tuple[str, str]] = {}
    for rule in packs.rules:
        for span in rule.spans:
            for name in facts_read(span.condition):
                for prefix, kind in feeds.FAMILIES.items():
                    if name.startswith(prefix):
                        names[name] = (kind, name.removeprefix(prefix))
    return names


_ADDRESSED = frozenset({"address", "zip", "state"})


class Moving:
    """The facts that time alone may change."""

    __slots__ = ("address", "checked", "declared", "entries", "held", "home", "start", "watched")

    def __init__(self, feed: feeds.Feed, given: Given, held: Held, watched: Watched, where: places.Places, at: Instant) -> None:
        """``watched``: those that are asked in these places."""
        self.held, self.start, self.watched = held, at, watched
        self.address, self.declared = given.address, given.declared
        if watched:
            states = {state for state, _ in where.pairs}
            # A county is one of the state of the address.
            self.home = {state for state in states if not _ADDRESSED.isdisjoint(where.sources[state])} or states
            self.checked = feed.checked_through
            self.entries = feed.declarations + feeds.declarations(given.declared) if given.declared else feed.declarations

    def at(self, instant: Instant) -> dict[str, object]:
        """Their values at an instant."""
        found = self.held.consent_facts(instant)
        if self.held.ending is not None:
            found = found | self.held.relationship_facts(instant)
        if self.watched:
            found = dict(found)
            complete = self.declared is not None or (self.checked is not None and self.checked >= instant)
            there = (self.address.get("county"), self.address.get("place"))
            for name, kind, state in self.watched:
                county, place = there if state in self.home else (None, None)
                found[name] = feeds.declared(state, kind, self.entries, complete, county, place, instant)
        return found

    def changes(self) -> tuple[Instant, ...]:
        """The instants after the attempt at which one of them may change."""
        held = self.held
        if not held.consents and not held.revocations and not self.watched and held.ending is None:
            return ()
        points = consent.turning_points(held.consents, held.revocations, self.start)
        if held.ending is not None:
            points.append(held.ending)
        if self.watched:
            for entry in self.entries:
                points += [point for point in (entry.start, entry.end) if point is not None]
            if self.declared is None and self.checked is not None:
                points.append(self.checked + 1)
        return tuple(sorted({point for point in points if point > self.start}))
