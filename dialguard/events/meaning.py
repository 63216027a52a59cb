"""The meaning of event rules: a pure function from the events so far to what the last of them brings about."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from dialguard.model.moment import Instant
from dialguard.packs.eventrule import Effect, EventRule


class Event(Struct, frozen=True, omit_defaults=True):
    """One event as it was told. ``to`` is E.164 text, ``at`` when it happened, ``told_at`` when it was told.

    ``reference`` is the caller's own id of the attempt, ``person`` its own id of the person.
    """

    id: str
    event: str
    seller: str
    at: Instant
    told_at: Instant
    campaign: str | None = None
    to: str | None = None
    channel: str | None = None
    code: str | None = None
    means: str | None = None
    reference: str | None = None
    person: str | None = None


class Action(Struct, frozen=True):
    """What a rule does because of an event. ``place`` is that of the effect among those of the rule."""

    rule: str
    event: str
    place: int
    effect: Effect


def hears(rule: EventRule, event: Event) -> bool:
    """Whether a rule's ``on`` and ``where`` hold of an event; a field that was not told is none of the words asked for."""
    return event.event in rule.on and all(getattr(event, name) in words for name, words in rule.where)


def key(per: str, event: Event) -> tuple[str, str | None]:
    """Whose events are counted together: always one seller's. Those that do not say which are together too."""
    return event.seller, {"seller": "", "number": event.to, "campaign": event.campaign}[per]


def period(at: Instant, start: Instant, each: int) -> int:
    """In which of the periods that follow one another from ``start`` a moment lies."""
    return (at - start) // each


def excess(part: int, among: int, above: int) -> int:
    """Above 0 where ``part`` is more than ``above`` millionths of ``among``; in whole numbers, so that nothing is rounded."""
    return part * 1_000_000 - above * among


def fires(rule: EventRule, events: Sequence[Event]) -> bool:
    """Whether the last event makes a rule act. An event told late counts those after it as well: doubt tightens."""
    event = events[-1]
    if not hears(rule, event):
        return False
    if rule.count is not None:
        of, since = key(rule.count.per, event), event.at - rule.count.last
        return sum(hears(rule, each) and key(rule.count.per, each) == of and each.at > since for each in events) >= rule.count.at_least
    if rule.share is not None:
        share = rule.share
        calls = [each for each in events if each.event in share.among and key("campaign", each) == key("campaign", event)]
        now = period(event.at, calls[0].at, share.each)
        same = [each for each in calls if period(each.at, calls[0].at, share.each) == now]
        part = sum(each.event == share.of for each in same)
        return len(same) >= share.from_ and excess(part, len(same), share.above) > 0
    return True


def fires_on(rule: EventRule, event: Event, counts: Mapping[str, int]) -> bool:
    """The same by what was counted (``Tally.add``)."""
    if not hears(rule, event):
        return False
    if rule.count is not None:
        return counts.get(rule.id, 0) >= rule.count.at_least
    return rule.share is None or counts.get(rule.id, 0) > 0


def actions(rules: Sequence[EventRule], events: Sequence[Event]) -> list[Action]:
    """What the last of the events brings about, rule by rule."""
    return done(rules, [rule.id for rule in rules if fires(rule, events)], events[-1])


def done(rules: Iterable[EventRule], fired: Iterable[str], event: Event) -> list[Action]:
    """The actions of the rules that fired, in their order."""
    chosen = set(fired)
    return [Action(rule.id, event.id, place, effect) for rule in rules if rule.id in chosen for place, effect in enumerate(rule.do)]
