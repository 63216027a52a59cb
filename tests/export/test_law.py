"""The tables say what the rules say, and where they do not they say so."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from dialguard import Guard
from dialguard.export.law import Table, common, scope, table
from dialguard.facts import clock, regions
from dialguard.model.contract import Channel, Purpose
from dialguard.packs.load import Packs, load

from .conftest import ON

H = 3600


def every(*windows: tuple[int, int]) -> tuple:
    return (tuple((start * H, end * H) for start, end in windows),) * 7


def week(weekdays: tuple, saturday: tuple | None, sunday: tuple | None) -> tuple:
    return tuple(((day[0] * H, day[1] * H),) if day else () for day in (weekdays,) * 5 + (saturday, sunday))


def dates(found: Table, state: str) -> dict[str, str]:
    return {date.fromordinal(day).isoformat(): name for day, (name, _) in found.places[state].closed.items()}


def test_hours(strict: Table, live: Table) -> None:
    assert strict.places["FL"].hours == every((8, 20))
    assert strict.places["TX"].hours == week((9, 21), (9, 21), (12, 21))
    assert strict.places["AL"].hours == week((8, 20), (8, 20), None)
    assert strict.places["AK"].hours == every((8, 21))  # no hours of its own
    assert strict.places["US"].hours == every((8, 21))
    assert strict.places["RI"].hours == week((9, 18), (10, 17), None)
    assert len(strict.places) == 57
    # Maine's hours are for recorded voices: they bind whoever does not say that the voice is live.
    assert strict.places["ME"].hours == week((9, 17), None, None)
    assert live.places["ME"].hours == every((8, 21))


def test_a_law_with_a_clock_of_its_own_is_open_on_it_in_summer_and_winter(strict: Table) -> None:
    assert strict.places["MS"].hours == week((9, 20), (9, 20), None)
    assert [gap.why for gap in strict.gaps if gap.rule == "ms.calling-hours"][0].startswith("goes by a clock of its own")


def test_closed_days(strict: Table, live: Table) -> None:
    found = dates(strict, "AL")
    assert found["2026-11-26"] == "Thanksgiving" and found["2026-12-25"] == "Christmas Day"
    assert found["2027-07-05"] == "Independence Day (observed)"
    assert "2026-11-29" not in found  # a Sunday, on which no hour is open
    assert dates(strict, "FL") == {} and dates(strict, "US") == {}
    assert "2026-12-25" in dates(strict, "NE") and dates(live, "NE") == {}  # Nebraska's are for recorded voices
    assert [(gap.about, gap.why[:30]) for gap in strict.gaps if gap.rule == "ne.holidays"] == [
        ("closed days", "the whole day is taken as clos"), ("closed days", "taken without what lifts it: n"),
    ]  # fmt: skip
    (pennsylvania,) = [gap.why for gap in strict.gaps if gap.rule == "pa.holidays"]
    assert pennsylvania == "taken without what lifts it: pa.ebr, pa.ebr.inquiry, pa.holidays.nonprofit"


def test_limits(strict: Table, live: Table) -> None:
    (florida,) = strict.places["FL"].limits
    assert florida[:6] == ("FL", "fl.frequency", 3, 24, "24 hours", "person")
    assert [limit[2:6] for limit in strict.places["ME"].limits] == [(1, 8, "8 hours", "number")]
    assert live.places["ME"].limits == () and strict.places["TX"].limits == ()


def test_debt_collection_has_federal_limits_everywhere(shipped: Packs) -> None:
    found = table(shipped, ON, scope("voice", "debt_collection"))
    assert [limit.rule for limit in found.places["AK"].limits] == ["us.regf.frequency.7-in-7"]
    assert [limit.rule for limit in found.places["WA"].limits] == ["us.regf.frequency.7-in-7", "wa.debt-frequency"]


def test_every_channel_and_purpose_has_tables(shipped: Packs) -> None:
    for channel in get_args(Channel):
        for purpose in get_args(Purpose):
            found = table(shipped, ON, scope(channel, purpose))
            assert len(found.places) == 57 and all(len(place.hours) == 7 for place in found.places.values())
    emergency = table(shipped, ON, scope("voice", "emergency"))
    assert emergency.places["AK"].hours == every((0, 24))


def test_the_channel_has_its_word_on_the_voice() -> None:
    assert scope("sms", "survey", voice="live")["campaign.voice"] == scope("fax", "survey")["campaign.voice"] == "text"
    assert scope("rvm", "survey")["campaign.voice"] == "prerecorded" and scope("rvm", "survey", voice="ai")["campaign.voice"] == "ai"
    assert "campaign.voice" not in scope("voice", "survey")


def test_what_is_taken_strictly_is_said(strict: Table, live: Table) -> None:
    rules = {gap.rule for gap in strict.gaps}
    assert {"il.calling-hours.securities", "me.calling-hours-automated", "me.frequency-automated", "us.fcc.calling-hours"} <= rules
    assert "fl.calling-hours" not in rules  # all of it is in the table
    assert "me.calling-hours-automated" not in {gap.rule for gap in live.gaps}
    assert [(gap.rule, gap.why) for gap in strict.gaps if gap.about == "change of law"] == [
        ("ut.holidays", "changes on 2027-01-01: export again for that day"),
        ("ut.holidays.2027", "changes on 2027-01-01: export again for that day"),
    ]


RULE = """\
jurisdiction: FL
name: Florida
zone: America/New_York
rules:
  - id: fl.test
    title: Test
    topic: calling_hours
    kind: prohibition
    citation: Test Code 1
    confidence: high
    status: in_force
    effective: {effective}
    ends: null
    applies: {{channels: any, purposes: any, dialing: any, voice: any, line_types: any}}
    shape: calling-hours
    parameters:
      hours: {{mon-sun: [08:00-12:00, 14:00:30-20:00]}}
    message: The local time {{local_time}} is outside {{hours}}.
    tests:
      - {{name: noon, at: 2027-11-24 11:00:00, expect: silent}}
      - {{name: after noon, at: 2027-11-24 13:00:00, expect: prohibited}}
"""


@pytest.mark.parametrize(
    ("effective", "hours"), [("2026-11-22", ((8 * H, 12 * H), (14 * H + 30, 20 * H))), ("2026-11-23", ((8 * H, 20 * H),))]
)
def test_a_rule_of_the_operator_counts_from_its_day(tmp_path: Path, effective: str, hours: tuple) -> None:
    (tmp_path / "fl.yaml").write_text(RULE.format(effective=effective))
    found = table(load([tmp_path]), ON, scope("voice", "telemarketing"))
    assert found.places["FL"].hours == (hours,) * 7
    assert [gap.why for gap in found.gaps if gap.rule == "fl.test"] == (
        [] if effective == "2026-11-22" else ["changes on 2026-11-23: export again for that day"]
    )


def test_hours_common_to_weeks() -> None:
    assert common([every((8, 20)), every((0, 9), (12, 24))]) == every((8, 9), (12, 20))
    assert common([every()]) == every()


AREA_CODES: dict[str, list[tuple[str, str]]] = {}
for row in (Path(regions.__file__).parent.parent / "data" / "npa.csv").read_text("utf-8").splitlines()[1:]:
    npa, state, zone, _, since, *_ = row.split(",")
    if "|" not in zone and "0" < since < "2026":  # of these, the person's clock is known by the number alone
        AREA_CODES.setdefault(state, []).append((npa, zone))


def test_the_engine_agrees_at_every_second(live: Table, shipped: Packs) -> None:
    """Outside the hours a plain sales call is denied by a rule of hours in one half of the year at least; inside never."""
    guard, chance = Guard(no_store=True, packs=shipped), random.Random(7)
    monday = {"winter": date(2027, 1, 11).toordinal(), "summer": date(2027, 7, 12).toordinal()}
    edges = sorted({bound for place in live.places.values() for day in place.hours for window in day for bound in window})
    states, seen = sorted(AREA_CODES), [0, 0]
    for _ in range(2_000):
        state, day = chance.choice(states), chance.randrange(7)
        second = chance.choice((chance.randrange(86_400), chance.choice(edges) % 86_400, chance.choice(edges) - 1))
        npa, zone = chance.choice(AREA_CODES[state])
        campaign = {"seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
        denied = []
        for first in monday.values():
            (instant,) = clock.all_instants(first + day, second, zone)
            decision = guard.check({
                "to": f"+1{npa}5550123", "channel": "voice", "at": clock.format_instant(instant),
                "campaign": campaign | ({"industry": "securities"} if state == "IL" else {}),
                "contact": {"kind": "consumer"}, "line_type": "wireless",
            })  # fmt: skip
            denied.append(decision.verdict == "deny" and any(reason["topic"] == "calling_hours" for reason in decision.reasons))
        inside = any(start <= second < end for start, end in live.places[state].hours[day])
        assert any(denied) is not inside, (state, day, second, zone, denied)
        seen[inside] += 1
    assert len(states) > 45 and min(seen) > 500


def test_the_engine_agrees_on_every_closed_day(live: Table, shipped: Packs) -> None:
    """At an hour that is open, each day of the year is denied by a rule of holidays if and only if the tables close it."""
    guard, seen = Guard(no_store=True, packs=shipped), 0
    for state, place in live.places.items():
        if not any(rule.topic == "holidays" for rule in shipped.rules if rule.jurisdiction == state):
            continue
        npa, zone = AREA_CODES[state][0]
        for day in range(ON, ON + 366):
            windows = place.hours[(day + 6) % 7]
            if not windows:
                continue
            (instant,) = clock.all_instants(day, windows[0][0], zone)
            decision = guard.check({
                "to": f"+1{npa}5550123", "channel": "voice", "at": clock.format_instant(instant), "contact": {"kind": "consumer"},
                "campaign": {"seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}, "line_type": "wireless",
            })  # fmt: skip
            closed = any(reason["topic"] == "holidays" for reason in decision.reasons)
            assert closed is (day in place.closed), (state, date.fromordinal(day))
            seen += closed
    assert seen > 60
