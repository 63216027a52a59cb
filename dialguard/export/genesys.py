"""The tables as bodies for Genesys Cloud: callable time sets (``POST /api/v2/outbound/callabletimesets``) and attempt limits
(``POST /api/v2/outbound/attemptlimits``), as its SDKs and its Terraform provider describe them: day 1 is Monday, times are HH:mm:ss.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from dialguard.expr.nodes import DAY_SECONDS, Windows
from dialguard.export.law import Gap, Table, common
from dialguard.facts.regions import state_zones


def files(table: Table) -> tuple[dict[str, str], list[Gap]]:
    """``callable_time_sets.json`` and ``attempt_limits.json``, each a list of bodies, and what Genesys Cloud cannot say."""
    gaps = [Gap("all", "", "hours", "a set goes by the contact's time zone, not by its state: use a state's set for a list of that state "
                "alone, and `DialGuard any state` for all other lists")]  # fmt: skip
    states = {name: place for name, place in table.places.items() if name != "US"}
    zones: dict[str, list[Windows]] = {}
    for name, place in states.items():
        for zone in state_zones(name):
            zones.setdefault(zone, []).append(place.hours)
        if place.closed:
            rules = ", ".join(sorted({rule for _, rule in place.closed.values()}))
            gaps.append(Gap(name, rules, "closed days", f"no closed days: stop the state on {len(place.closed)} days (closed_days.csv)"))
    sets = [_set(name, {zone: place.hours for zone in state_zones(name)}) for name, place in states.items()]
    sets.append(_set("any state", {zone: common(weeks) for zone, weeks in sorted(zones.items())}))
    limits = []
    for name, place in states.items():
        daily = [limit for limit in place.limits if limit.hours == 24 and limit.attempts > 1]
        for limit in place.limits:
            what = f"{limit.attempts} in {limit.period} per {limit.per}"
            if limit in daily:
                gaps.append(Gap(name, limit.rule, "limits", f"no rolling period: {what} is here {limit.attempts // 2} a day, since any "
                                "24 hours lie in two days"))  # fmt: skip
            else:
                gaps.append(Gap(name, limit.rule, "limits", f"no limit of {what}"))
        if daily:
            most = min(limit.attempts // 2 for limit in daily)
            limits.append({"name": f"DialGuard {name}", "maxAttemptsPerContact": most, "maxAttemptsPerNumber": most,
                           "timeZoneId": state_zones(name)[0], "resetPeriod": "TODAY"})  # fmt: skip
    return {"callable_time_sets.json": _json(sets), "attempt_limits.json": _json(limits)}, gaps


def _set(name: str, weeks: dict[str, Windows]) -> dict[str, object]:
    return {"name": f"DialGuard {name}", "callableTimes": [{"timeZoneId": zone, "timeSlots": _slots(week)} for zone, week in weeks.items()]}


def _slots(week: Windows) -> list[dict[str, object]]:
    return [
        {"day": day, "startTime": _time(start), "stopTime": _time(min(stop, DAY_SECONDS - 1))}
        for day, windows in enumerate(week, 1)
        for start, stop in windows
    ]


def _time(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def _json(bodies: Sequence[object]) -> str:
    return json.dumps(bodies, indent=1) + "\n"
