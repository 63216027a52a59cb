"""Counts of earlier attempts made quick: what does not change from attempt to attempt is worked out once."""

from collections.abc import Callable

from dialguard.expr.nodes import Count
from dialguard.model.history import Entry, History, count, window_start
from dialguard.model.moment import DAY, HOUR

_PLACES = {name.rstrip("_"): number for number, name in enumerate(Entry._fields)}
_OWN = {name.rstrip("_"): number for number, name in enumerate(History._fields)}
_SAME = {"number": ("to",), "debt": ("debt",), "person": ()}


def counter(node: Count) -> Callable[[History, object], bool | None]:
    """The same answers as ``model.history.count`` for one count: whether the cap is reached, None when that is not known."""
    where = tuple((_PLACES[name], values, wanted) for name, values, wanted in node.where)
    same = tuple((_PLACES[name], _OWN[name]) for name in node.same + _SAME[node.per])
    length = (node.last.days * 24 + node.last.hours) * HOUR
    cap, rolling = node.at_least, not node.calendar_days

    def reached(history: History, moment) -> bool | None:
        now = moment.instant
        start = now - length if rolling else window_start(node, moment)
        number = 0
        for entry in history.entries:
            if start < entry.at <= now:
                for place, values, wanted in where:
                    value = entry[place]
                    if value is not None and (value in values) != wanted:
                        break
                else:
                    for place, own in same:
                        value, mine = entry[place], history[own]
                        if value is not None and mine is not None and value != mine:
                            break
                    else:
                        number += 1
        if number >= cap:
            return True
        since, asked = history.complete_since, history.asked_at
        if since is not None and since <= start + 1:
            return False
        if start < asked <= now:
            # An upper bound on all attempts of a time that reaches back as far proves that there were too few.
            reach = asked - start
            for bound, within in ((history.last_24h, DAY), (history.last_7d, 7 * DAY), (history.last_30d, 30 * DAY)):
                if bound is not None and reach <= within and bound < cap:
                    return False
            return None
        return count(node, history, moment)

    return reached
