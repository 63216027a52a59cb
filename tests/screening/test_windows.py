"""The stretches in which a number may be called are exactly the moments that `check` allows."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dialguard import Guard, InvalidInput
from dialguard.facts import clock
from dialguard.screening.windows import windows

RULES = """\
jurisdiction: US
name: Test hours
zone: America/New_York
rules:
  - id: us.test.hours
    title: Test calls from noon to two, and on Wednesdays not at all
    topic: calling_hours
    kind: prohibition
    citation: Test Code 1
    confidence: high
    status: in_force
    effective: null
    ends: null
    applies: {channels: any, purposes: any, dialing: any, voice: any, line_types: any}
    shape: calling-hours
    parameters:
      hours: {mon-tue: 12:00-14:00, thu-sun: 12:00-14:00, wed: none}
    message: The local time {local_time} is outside {hours}.
    tests:
      - {name: noon, at: 2026-11-24 12:00:00, expect: silent}
      - {name: before noon, at: 2026-11-24 11:59:59, expect: prohibited}
      - {name: two, at: 2026-11-24 14:00:00, expect: prohibited}
      - {name: wednesday, at: 2026-11-25 12:30:00, expect: prohibited}
"""
CAMPAIGN = {"id": "w", "seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live"}
OPEN = {"revocations": [], "dnc": {"national": False, "states": [], "internal": False}}


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Guard:
    folder = tmp_path_factory.mktemp("rules") / "federal"
    folder.mkdir()
    (folder / "test.yaml").write_text(RULES, encoding="utf-8")
    guard = Guard(no_store=True, rules=[folder.parent])
    guard.add_campaign(CAMPAIGN)
    return guard


def stretches(guard: Guard, number: str, start: str, days: int) -> list:
    begin = clock.parse_instant(start)
    attempt = {"to": number, "channel": "voice", "campaign": "w", **OPEN}
    return windows(lambda at: guard.check({**attempt, "at": clock.format_instant(at)}), begin, begin + days * 86_400_000_000)


def test_the_days_of_a_week(guard: Guard) -> None:
    found = stretches(guard, "2125550123", "2026-11-23T00:00:00-05:00", 7)
    assert [(window.start, window.until) for window in found] == [
        (f"2026-11-{day}T12:00:00-05:00", f"2026-11-{day}T14:00:00-05:00") for day in (23, 24, 26, 27, 28, 29)
    ]
    assert {window.closed_by[0]["rule"] for window in found} == {"us.test.hours"}


def test_a_stretch_that_has_begun_and_one_that_goes_on(guard: Guard) -> None:
    found = stretches(guard, "2125550123", "2026-11-23T13:00:00-05:00", 1)
    assert [(window.start[11:19], window.until[11:19]) for window in found] == [("13:00:00", "14:00:00"), ("12:00:00", "13:00:00")]
    assert found[0].closed_by and not found[1].closed_by


def test_two_zones_narrow_a_stretch(guard: Guard) -> None:
    (window,) = stretches(guard, "8505550123", "2026-11-23T00:00:00-05:00", 1)  # 850 keeps two times
    assert datetime.fromisoformat(window.until) - datetime.fromisoformat(window.start) == timedelta(hours=1)


@pytest.mark.parametrize("start", ["2026-03-06T00:00:00-05:00", "2026-10-30T00:00:00-04:00"])
def test_inside_allowed_outside_denied(guard: Guard, start: str) -> None:
    """Across both changes of clocks: at each edge, a second before it, and every half hour."""
    begin, end = clock.parse_instant(start), clock.parse_instant(start) + 4 * 86_400_000_000
    found = stretches(guard, "2125550123", start, 4)
    spans = [(clock.parse_instant(window.start), clock.parse_instant(window.until)) for window in found]
    assert len(spans) == 4
    edges = [edge + step for span in spans for edge in span for step in (-1_000_000, 0)]
    for instant in [*range(begin, end, 1_800_000_000), *edges]:
        if begin <= instant < end:
            decision = guard.check({"to": "2125550123", "channel": "voice", "campaign": "w", **OPEN, "at": clock.format_instant(instant)})
            assert decision.allowed is any(start <= instant < until for start, until in spans)


def test_none_where_time_does_not_cure(guard: Guard) -> None:
    assert guard.windows("2125550123", {**CAMPAIGN, "purpose": "telemarketing"}, 3, at="2026-11-23T00:00:00-05:00") == []


def test_guard_windows_reads_its_arguments(guard: Guard, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at: "):
        guard.windows("2125550123", "w", at="soon")
    with pytest.raises(InvalidInput, match="contact.town"):
        guard.windows("2125550123", "w", contact={"town": "Austin"})
