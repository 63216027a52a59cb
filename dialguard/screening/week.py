"""The coming week of a screened list: which share of it may be called at each hour of the called party's clock."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dialguard.model.moment import HOUR, Clock, Instant
from dialguard.screening.tables import Tables

HOURS = 7 * 24
_ENOUGH = 0.995
"""Share of the rows that is counted, the most frequent answers first; the rest is not worth its time."""


def week(tables: Tables, answered: Iterable[tuple[int, int]], at: Instant, clock: Clock) -> dict[str, object]:
    """``hours``: seven days from Monday, 24 shares each, judged at half past every hour of the seven days from ``at``, consents
    and lists held as they are. ``rows``: how many rows were counted, those that may be called now or later.

    ``answered``: numbers of answers and of their rows.
    """
    open_rows = sorted(((number, rows) for number, rows in answered if tables.opens(number)), key=lambda entry: -entry[1])
    wanted = _ENOUGH * sum(rows for _, rows in open_rows)
    instants = [at // HOUR * HOUR + hour * HOUR + HOUR // 2 for hour in range(HOURS)]
    callable_, counted = np.zeros(HOURS), 0
    for number, rows in open_rows:
        if counted >= wanted:
            break
        zone, masks = tables.open_at(number, instants)
        first = clock.local(instants[0], zone)
        slot = (first.weekday * 24 + first.second // 3600 + np.arange(HOURS)) % HOURS
        callable_[slot] += rows * masks
        counted += rows
    shares = callable_ / counted if counted else callable_
    return {"hours": [[round(float(share), 4) for share in day] for day in shares.reshape(7, 24)], "rows": counted}
