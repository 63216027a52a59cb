"""The tables as SQL for VICIdial: ``vicidial_call_times``, ``vicidial_state_call_times``, ``vicidial_call_time_holidays``.

As the dialer's hopper reads them (``bin/AST_VDhopper.pl``; tables in ``extras/MySQL_AST_CREATE_tables.sql`` and its upgrades): times are
HHMM integers, dialable is ``start <= now < stop`` of the lead's clock; a weekday of 0 and 0 means the default, so that a closed one is
2400 and 2400, and so is a holiday. A lead whose state has a record goes by that alone. Holidays of states came with schema 1350.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dialguard.expr.nodes import Windows
from dialguard.export.law import Gap, Table, common

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CLOSED = (2400, 2400)
CALL_TIME = "dialguard"


def files(table: Table) -> tuple[dict[str, str], list[Gap]]:
    """``vicidial.sql``, and what VICIdial cannot say."""
    gaps = [
        Gap("all", "", "closed days", "VICIdial goes by the date of its server, not of the called person: near midnight the two differ"),
        Gap(
            "all", "", "hours", "a call that an agent dials by hand passes them by, unless the campaign has manual_dial_call_time_check on"
        ),
        Gap("all", "", "closed days", "a lead without a state has no closed days here: give every lead its state"),
    ]
    states = {name: place for name, place in table.places.items() if name != "US"}
    lines = [
        f"-- Call times from the law in force on {date.fromordinal(table.on).isoformat()} ({_scope(table)}). A floor, not a permission.",
        "-- For VICIdial with database schema 1350 or later; review, then: mysql asterisk < vicidial.sql",
        f"-- Then choose the call time `{CALL_TIME}` as Local Call Time of each campaign.",
    ]
    holidays, records = [], []
    for name, place in states.items():
        ids = []
        for day, (called, rule) in place.closed.items():
            at = date.fromordinal(day)
            ids.append(f"dg{name}{at:%Y%m%d}")
            holidays.append(_replace("vicidial_call_time_holidays", {
                "holiday_id": ids[-1], "holiday_name": f"{name} {called}"[:100], "holiday_comments": rule[:255],
                "holiday_date": at.isoformat(), "holiday_status": "ACTIVE", "ct_default_start": CLOSED[0], "ct_default_stop": CLOSED[1],
            }))  # fmt: skip
        record = {"state_call_time_id": f"dg-{name.lower()}", "state_call_time_state": name}
        record |= {"state_call_time_name": f"DialGuard {table.names[name]}"[:30], "state_call_time_comments": _scope(table)[:255]}
        held = f"|{'|'.join(ids)}|" if ids else ""
        records.append(_replace("vicidial_state_call_times", record | _week("sct", place.hours) | {"ct_holidays": held}))
        gaps += [
            Gap(name, "", "hours", f"one window a day: of the {len(windows)} on {DAYS[day]} only the longest is here")
            for day, windows in enumerate(place.hours)
            if len(windows) > 1
        ]
    # A lead without a state, or of a state that is none of ours, may be anywhere: only what is open everywhere.
    everywhere = common([place.hours for place in table.places.values()])
    rules = "|".join(f"dg-{name.lower()}" for name in states)
    last = {"call_time_id": CALL_TIME, "call_time_name": "DialGuard", "call_time_comments": _scope(table)[:255]}
    lines += [*holidays, *records, _replace("vicidial_call_times", last | _week("ct", everywhere) | {"ct_state_call_times": f"|{rules}|"})]
    limits = [limit for place in table.places.values() for limit in place.limits]
    rolling = [limit for limit in limits if limit.hours == 24]
    if rolling:
        lines += [
            "-- The lowest limit of 24 hours, for every lead (first: Admin, System Settings, Enable 24-Hour Called Count Limits):",
            "-- UPDATE vicidial_campaigns SET call_limit_24hour_method='PHONE_NUMBER',call_limit_24hour_scope='SYSTEM_WIDE',"
            f"call_limit_24hour='{min(limit.attempts for limit in rolling)}' WHERE campaign_id='YOUR_CAMPAIGN';",
        ]
    for limit in dict.fromkeys(limits):
        if limit.hours != 24:
            gaps.append(Gap(limit.jurisdiction, limit.rule, "limits", f"no limit of {limit.attempts} in {limit.period} per {limit.per}"))
        else:
            gaps.append(Gap(limit.jurisdiction, limit.rule, "limits", "VICIdial counts calls to a number; "
                            "the lowest limit of all states is offered for the whole campaign, as a comment to be completed"))  # fmt: skip
    return {"vicidial.sql": "\n".join(lines) + "\n"}, gaps


def _scope(table: Table) -> str:
    return ", ".join(f"{fact.rpartition('.')[2]} {value}" for fact, value in table.scope.items())


def _week(prefix: str, week: Windows) -> dict[str, object]:
    """The columns of the hours. The default is what is open on every day that is open at all."""
    days = [_window(windows) for windows in week]
    opened = [day for day in days if day != CLOSED] or [CLOSED]
    default = max(start for start, _ in opened), min(stop for _, stop in opened)
    named = zip(("default", *DAYS), (default if default[0] < default[1] else CLOSED, *days), strict=True)
    return {f"{prefix}_{day}_{end}": value for day, window in named for end, value in zip(("start", "stop"), window, strict=True)}


def _window(windows: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The longest window in whole minutes within it."""
    start, stop = max(((-(-start // 60), stop // 60) for start, stop in windows), key=lambda window: window[1] - window[0], default=(0, 0))
    return (start // 60 * 100 + start % 60, stop // 60 * 100 + stop % 60) if start < stop else CLOSED


def _replace(name: str, values: dict[str, object]) -> str:
    quoted = ",".join("'" + str(value).replace("\\", "").replace("'", "''") + "'" for value in values.values())
    return f"REPLACE INTO {name} ({','.join(values)}) VALUES ({quoted});"
