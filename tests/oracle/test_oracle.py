"""The rules on hours and closed days against the oracle, for a consumer who has nothing to do with the caller.

Every place of ``hours.yaml``, live and recorded voice and texts: the rules' open stretches, stepped through from one end to the next,
equal the oracle's minutes in ordinary weeks, in those of daylight saving, of changes of law and of the holidays of 2026 to 2028; a
second before, at and after each end too; and seeded minutes by the single decision under the whole law. ``DIALGUARD_ORACLE=whole``
takes all three years everywhere, each minute judged on its own too, voice calls to mobiles as well, and one minute in a hundred by the
single decision.
"""

import os
import random
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pytest
import yaml
from msgspec import structs

from dialguard import Guard
from dialguard.engine.judge import Engine
from dialguard.engine.search import retry_at, valid_until
from dialguard.expr.nodes import ClosedDay, LocalTime
from dialguard.facts import clock, reading
from dialguard.model.facts import Facts
from dialguard.packs.load import Packs, load, shipped_rules
from dialguard.storage.memory import MemoryStore
from tests.oracle import oracle

WHOLE = os.environ.get("DIALGUARD_ORACLE") == "whole"
SECOND, MINUTE = 1_000_000, 60_000_000
AROUND = 14 * 60
"""Minutes by which a week in UTC is widened to hold the local week of every zone."""
TOPICS = ("calling_hours", "holidays")
ORDINARY = [date(2026, 2, 4), date(2027, 8, 18), date(2028, 12, 6)]
DAYLIGHT_SAVING = [date(2026, 3, 8), date(2026, 11, 1), date(2027, 3, 14), date(2027, 11, 7), date(2028, 3, 12), date(2028, 11, 5)]
CHANGES = [date(2026, 5, 6), date(2026, 10, 18), date(2027, 1, 1)]
LINES = {"live": "landline", "recorded": "landline", "text": "wireless"}


def places() -> list[dict[str, Any]]:
    """Places whose rules are written, or that have none of their own."""
    written = {path.stem.upper() for path in (shipped_rules() / "states").glob("*.yaml")}
    return [place for place in oracle.LAW["places"] if all(state in written or not oracle.own_limits(state) for state in place["where"])]


def name(place: dict[str, Any]) -> str:
    """Short name of a place in test ids."""
    county = place["contact"].get("county", "")
    return "+".join(place["where"]) + (f"-{county.replace(' ', '')}" if county else "" if place["contact"] else "-area-code")


def spans(place: dict[str, Any]) -> tuple[tuple[int, int], ...]:
    """The stretches of UTC minutes that are compared in a place. Where a state has no days and no changes of its own, a sixth of the
    weeks that hold only other states' holidays: together the places take them all."""
    if any(state in oracle.closed_dates() for state in place["where"]):
        return stretches(None)
    return stretches(zlib.crc32(name(place).encode()) % 6)


@cache
def stretches(sixth: int | None) -> tuple[tuple[int, int], ...]:
    """All stretches, or those with a sixth of the holidays."""
    years = oracle.LAW["years"]
    if WHOLE:
        return ((oracle.minute(years[0], 1, 1), oracle.minute(years[1] + 1, 1, 1)),)
    days = {day for days in oracle.closed_dates().values() for dates in days.values() for day in dates}
    weeks = sorted({day - timedelta(day.weekday()) for day in days})
    weeks = [monday for number, monday in enumerate(weeks) if sixth in (None, number % 6)]
    weeks += [day - timedelta(day.weekday()) for day in (*ORDINARY, *DAYLIGHT_SAVING, *CHANGES)]
    found: list[tuple[int, int]] = []
    for monday in sorted(set(weeks)):
        start = oracle.minute(monday.year, monday.month, monday.day)
        end = start + 7 * oracle.DAY + AROUND
        start -= AROUND
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


@cache
def packs() -> Packs:
    return load([])


@cache
def hours_rules() -> frozenset[str]:
    """Prohibitions on hours and closed days, by topic or because they read the clock."""
    found = set()
    for rule in packs().rules:
        if rule.kind == "prohibition":
            nodes = (node for span in rule.spans for node in span.condition.walk())
            if rule.topic in TOPICS or any(isinstance(node, (LocalTime, ClosedDay)) for node in nodes):
                found.add(rule.id)
    return frozenset(found)


@cache
def guard() -> Guard:
    store, ever = MemoryStore(), clock.parse_instant("1990-01-01T00:00:00Z")
    store.declare_complete("Acme", ever, known_at=ever)
    return Guard(store, packs=packs())


@cache
def engine() -> Engine:
    """The rules on hours and closed days alone, with every relief."""
    rules = tuple(rule for rule in packs().rules if rule.kind == "relief" or rule.id in hours_rules())
    return Engine(replace(packs(), rules=rules), clock)


def attempt(place: dict[str, Any], kind: str, line: str, at: int) -> dict[str, Any]:
    """A cold contact of which everything is known: on no list, and nothing in the ledger, which is complete."""
    contact = {"kind": "consumer", "line_use": "residence", **place["contact"]}
    if place["contact"] and not place.get("unverified"):
        contact["address_basis"] = "verified"
    campaign = {"seller": "Acme", "purpose": "telemarketing", "subject": "roofing", "dialing": "manual", "industry": "home_improvement", "caller_class": "contractor"}
    if kind != "text":
        campaign["voice"] = "live" if kind == "live" else "prerecorded"
    return {
        "channel": "sms" if kind == "text" else "voice",
        "to": place["to"],
        "from": "515-555-0101",
        "at": datetime.fromtimestamp(at / SECOND, UTC).isoformat(),
        "contact": contact,
        "line_type": line,
        "line": {"charged": False},
        "dnc": {"national": False, "states": []},
        "emergency": {"declared": []},
        "campaign": campaign,
    }


def facts(place: dict[str, Any], kind: str, line: str, at: int) -> Facts:
    """The facts of such a contact, as the engine takes them."""
    found, _ = guard()._gatherer.gather(reading.read(attempt(place, kind, line, at), {}))
    return found


def by_steps(known: Facts, start: int, end: int) -> tuple[bytes, list[int]]:
    """The engine's minutes from ``start`` to before ``end``, filled from one end of a stretch to the next, and those ends."""
    judge, ends, minutes, at = engine(), [], bytearray(), start * MINUTE
    while at < end * MINUTE:
        here = structs.replace(known, at=at)
        allowed = not judge.judge(here).denied
        following = (valid_until if allowed else retry_at)(judge, here)
        following = end * MINUTE if following is None else following
        assert following % MINUTE == 0 and following > at, f"a stretch ends at {clock.format_instant(following)}"
        following = min(following, end * MINUTE)
        minutes += (b"\1" if allowed else b"\0") * ((following - at) // MINUTE)
        at = following
        ends.append(at)
    return bytes(minutes), ends


def differences(found: bytes, right: bytes, start: int) -> list[str]:
    """Where the two differ, as stretches, the first few."""
    shown, at = [], 0
    while found != right and at < len(right) and len(shown) < 8:
        if found[at] != right[at]:
            until = next((later for later in range(at, len(right)) if found[later] == right[later]), len(right))
            says = "open, the law closed" if found[at] else "closed, the law open"
            shown.append(f"{clock.format_instant((start + at) * MINUTE)} to {clock.format_instant((start + until) * MINUTE)}: the rules say {says}")
            at = until
        else:
            at += 1
    return shown


CASES = [
    pytest.param(place, kind, line, id=f"{name(place)}-{kind}" + ("" if line == LINES[kind] else f"-{line}"))
    for place in places()
    for kind in oracle.KINDS
    for line in ((LINES[kind],) if kind == "text" or not WHOLE else ("landline", "wireless"))
]


@pytest.mark.parametrize(("place", "kind", "line"), CASES)
def test_open_stretches(place: dict[str, Any], kind: str, line: str) -> None:
    for start, end in spans(place):
        right = oracle.is_open(place["where"], kind, start, end)
        known = facts(place, kind, line, start * MINUTE)
        assert {at.state for at in known.places} == set(place["where"])
        found, ends = by_steps(known, start, end)
        assert not differences(found, right, start)
        judge = engine()
        edges = edges_of(right)
        assert [at // MINUTE - start for at in ends[:-1]] == sorted(edges)
        for edge in edges:  # a second before, at, and a second after
            instant = (start + edge) * MINUTE
            for moment, minute in ((instant - SECOND, edge - 1), (instant, edge), (instant + SECOND, edge)):
                assert judge.judge(known, moment).denied != bool(right[minute]), clock.format_instant(moment)
        if WHOLE and line == LINES[kind]:
            each = bytes(not judge.judge(known, at * MINUTE).denied for at in range(start, end))
            assert not differences(each, right, start)


def edges_of(minutes: bytes) -> set[int]:
    """Minutes at which open turns to closed or back."""
    found, at = set(), 0
    while True:
        at = minutes.find(b"\0" if minutes[at] else b"\1", at)
        if at < 0:
            return found
        found.add(at)


@pytest.mark.parametrize(("place", "kind", "line"), [case for case in CASES if case.values[2] == LINES[case.values[1]]])
def test_single_decisions(place: dict[str, Any], kind: str, line: str) -> None:
    chosen = random.Random(f"{name(place)} {kind} {line}")
    for start, end in spans(place) if WHOLE else chosen.sample(spans(place), 6):
        right = oracle.is_open(place["where"], kind, start, end)
        for at in sorted(chosen.sample(range(end - start), (end - start) // 100 if WHOLE else 12)):
            second = chosen.choice((0, 0, chosen.randrange(60)))
            given = attempt(place, kind, line, (start + at) * MINUTE + second * SECOND)
            reasons = {reason["rule"]: reason["kind"] for reason in guard().check(given).reasons if reason["rule"] in hours_rules()}
            assert bool(reasons) != bool(right[at]), (given["at"], reasons)
            assert set(reasons.values()) <= {"prohibited"}, (given["at"], reasons)
            assert not reasons or {rule[:2].upper() for rule in reasons} <= {"US", *place["where"]}


def test_every_jurisdiction_is_stated() -> None:
    stated = set(oracle.LAW["jurisdictions"])
    assert len(stated) == 56
    assert {state for place in oracle.LAW["places"] for state in place["where"]} == stated
    assert set(packs().names) - {"US"} <= stated


def test_every_fact_on_hours_is_stated_or_lies_elsewhere() -> None:
    reviewed = {
        fact
        for facts_of_one in yaml.safe_load((shipped_rules() / "facts-index.yaml").read_text("utf-8")).values()
        for fact, about in facts_of_one.items()
        if about["topic"] in TOPICS
    }
    stated = {fact for law in (oracle.LAW["federal"], *oracle.LAW["jurisdictions"].values()) for fact in law["facts"]}
    assert not stated & oracle.LAW["elsewhere"].keys()
    assert reviewed <= stated | oracle.LAW["elsewhere"].keys()


MOVING = {  # month, weekday (Monday 0), which one (-1: the last), days after it
    "King": (1, 0, 3, 0), "King and Lee": (1, 0, 3, 0), "Presidents": (2, 0, 3, 0), "Washington": (2, 0, 3, 0),
    "Washington and Jefferson": (2, 0, 3, 0), "Washington and Presidents": (2, 0, 3, 0), "Confederate Memorial Day": (4, 0, 4, 0),
    "Arbor Day": (4, 4, -1, 0), "Memorial Day": (5, 0, -1, 0), "Jefferson Davis": (6, 0, 1, 0), "Victory Day": (8, 0, 2, 0),
    "Labor Day": (9, 0, 1, 0), "Columbus Day": (10, 0, 2, 0), "Election Day": (11, 0, 1, 1), "Thanksgiving": (11, 3, 4, 0),
    "day after Thanksgiving": (11, 3, 4, 1), "Inauguration Day": (1, 0, 2, 0),
}  # fmt: skip
FIXED = {
    "New Year": (1, 1), "Battle of New Orleans": (1, 8), "Rhode Island Independence Day": (5, 4), "Flag Day": (6, 14),
    "Juneteenth": (6, 19), "Independence Day": (7, 4), "Pioneer Day": (7, 24), "Huey P. Long": (8, 30), "All Saints": (11, 1),
    "Veterans Day": (11, 11), "Christmas": (12, 25),
}  # fmt: skip
EASTER = {2026: date(2026, 4, 5), 2027: date(2027, 3, 28), 2028: date(2028, 4, 16)}
AFTER_EASTER = {"Mardi Gras": -47, "Good Friday": -2, "Easter Sunday": 0}


@pytest.mark.parametrize(("state", "holiday"), [(state, holiday) for state, days in oracle.closed_dates().items() for holiday in days])
def test_dates_are_those_of_the_day(state: str, holiday: str) -> None:
    """The literal dates against the calendar's arithmetic, so that a slip of the pen shows."""
    dates = oracle.closed_dates()[state][holiday]
    assert dates == sorted(set(dates))
    if holiday in AFTER_EASTER:
        assert all(day == EASTER[day.year] + timedelta(AFTER_EASTER[holiday]) for day in dates)
    elif holiday in MOVING:
        month, weekday, number, after = MOVING[holiday]
        for day in dates:
            base = day - timedelta(after)
            assert (base.month, base.weekday()) == (month, weekday)
            assert (base.day - 1) // 7 + 1 == number or number == -1 and (base + timedelta(7)).month != month
    else:
        month, number = FIXED[holiday]
        for year in range(oracle.LAW["years"][0], oracle.LAW["years"][1] + 1):
            assert date(year, month, number) in dates
        for day in dates:
            near = [date(year, month, number) for year in (day.year, day.year + 1) if abs((date(year, month, number) - day).days) <= 4]
            assert len(near) == 1
            assert day == near[0] or day.weekday() in (0, 4)
            moved = near[0].weekday() >= 5 or (state, holiday) == ("UT", "Juneteenth")
            assert day == near[0] or moved
