"""Earlier attempts, and the one definition of counting them."""

from typing import NamedTuple

from dialguard.model.moment import DAY, HOUR, Instant


class Entry(NamedTuple):
    """One earlier attempt. A field that is None may have been anything: it matches every count."""

    at: Instant
    to: str | None = None
    channel: str | None = None
    purpose: str | None = None
    subject: str | None = None
    voice: str | None = None
    outcome: str | None = None
    debt: str | None = None
    from_: str | None = None

    def field(self, name: str) -> str | None:
        """The value of a field by its name in the contract."""
        return self.from_ if name == "from" else getattr(self, name)


class History(NamedTuple):
    """What is known of earlier attempts to this person by this seller.

    ``entries`` are attempts that are known to have been made; they are all of them back to ``complete_since`` (None:
    nowhere). ``last_24h``, ``last_7d`` and ``last_30d`` are upper bounds on the whole number in that time before ``asked_at``, or None.
    ``to``, ``subject`` and ``debt`` are the attempt's own, for counts of the same.
    """

    entries: tuple[Entry, ...] = ()
    complete_since: Instant | None = None
    last_24h: int | None = None
    last_7d: int | None = None
    last_30d: int | None = None
    asked_at: Instant = 0
    to: str | None = None
    subject: str | None = None
    debt: str | None = None
    from_: str | None = None

    def bound(self, start: Instant) -> int | None:
        """The least upper bound on all attempts after ``start`` (exclusive) up to ``asked_at``, or None."""
        bounds = []
        for number, length in ((self.last_24h, DAY), (self.last_7d, 7 * DAY), (self.last_30d, 30 * DAY)):
            if number is not None and self.asked_at - length <= start:
                bounds.append(number)
        return min(bounds, default=None)

    def own(self, name: str) -> str | None:
        """The attempt's own value of a field that a count may ask to be the same."""
        return {"to": self.to, "subject": self.subject, "debt": self.debt, "from": self.from_}[name]


def window_start(count_node, moment) -> Instant:
    """The instant after which (exclusive) entries are counted."""
    if count_node.calendar_days:
        first = moment.ordinal - count_node.calendar_days + 1
        return moment.clock.first_instant_at_or_after(first, 0, moment.zone) - 1
    return moment.instant - (count_node.last.days * 24 + count_node.last.hours) * HOUR


def matching(count_node, history: History) -> list[Instant]:
    """Instants of the entries that the count counts, at any time, in order."""
    same = count_node.same + {"number": ("to",), "debt": ("debt",), "person": ()}[count_node.per]
    found = []
    for entry in history.entries:
        for name, values, wanted in count_node.where:
            value = entry.field(name)
            if value is not None and (value in values) != wanted:
                break
        else:
            for name in same:
                value, own = entry.field(name), history.own(name)
                if value is not None and own is not None and value != own:
                    break
            else:
                found.append(entry.at)
    return sorted(found)


def count(count_node, history: History, moment) -> bool | None:
    """Whether the cap is reached: True, False, or None where the record does not reach back far enough.

    Known entries alone can prove that it is reached; a complete record or an upper bound, that it is not.
    """
    start = window_start(count_node, moment)
    number = sum(1 for at in matching(count_node, history) if start < at <= moment.instant)
    if number >= count_node.at_least:
        return True
    if history.complete_since is not None and history.complete_since <= start + 1:
        return False
    if history.complete_since is None and history.last_24h is history.last_7d is history.last_30d is None:
        return None
    if start >= history.asked_at > 0:  # nothing was placed after the moment of asking
        return False
    bound = history.bound(start)
    if bound is not None and moment.instant >= history.asked_at and bound < count_node.at_least:
        return False
    return None
