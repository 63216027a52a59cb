"""The page of hours, read as a reader reads it and held to the engine minute by minute."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from dialguard import Guard
from dialguard.facts import clock, regions
from dialguard.packs.load import Packs

CONTACT = {"kind": "consumer", "inconvenient": [], "at_work": False, "employer_forbids": False, "line_use": "residence"}
"""Somebody who named no times or places of their own."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONDAYS = (date(2027, 1, 11).toordinal(), date(2027, 7, 12).toordinal())
SALES = {"seller": "acme", "purpose": "telemarketing"}
ATTEMPTS = {
    "Sales calls by a person": {"channel": "voice", "campaign": SALES | {"dialing": "manual", "voice": "live"}},
    "Sales calls that play a recording": {"channel": "voice", "campaign": SALES | {"dialing": "automated", "voice": "prerecorded"}},
    "Sales texts": {"channel": "sms", "campaign": SALES | {"dialing": "automated"}},
    "Debt collection calls": {
        "channel": "voice", "campaign": {"seller": "acme", "purpose": "debt_collection", "dialing": "manual", "voice": "live"},
    },
}  # fmt: skip


def places() -> dict[str, tuple[str, list[str]]]:
    """State to an area code of it and the zones of that, of which there is one where the state has such a code."""
    found: dict[str, tuple[str, list[str]]] = {}
    for row in (Path(regions.__file__).parent.parent / "data" / "npa.csv").read_text("utf-8").splitlines()[1:]:
        npa, state, zones, _, since, *_ = row.split(",")
        if "0" < since < "2026" and (state not in found or "|" not in zones):
            found[state] = npa, zones.split("|")
    return found


def seconds(text: str) -> int:
    hour, minute, *rest = map(int, text.split(":"))
    return hour * 3600 + minute * 60 + sum(rest)


def spans(text: str) -> list[tuple[int, int]]:
    return [tuple(map(seconds, span.split("-"))) for span in re.findall(r"[\d:]+-[\d:]+", text)]  # type: ignore[misc]


def week(working: str, saturday: str, sunday: str) -> list[list[tuple[int, int]]]:
    """The cells of a row as seven days."""
    if not any(day in working for day in DAYS):
        return [spans(working)] * 5 + [spans(saturday), spans(sunday)]
    found: dict[str, list[tuple[int, int]]] = {}
    for part in working.split(", "):
        named = [day for day in DAYS if day in part]
        for day in DAYS[DAYS.index(named[0]) : DAYS.index(named[-1]) + 1]:
            found[day] = spans(part)
    return [found[day] for day in DAYS[:5]] + [spans(saturday), spans(sunday)]


def tables(page: str) -> dict[str, dict[str, list[list[tuple[int, int]]]]]:
    """Kind of contact to jurisdiction to week."""
    found = {}
    for section in page.split("\n## ")[1:]:
        rows = re.findall(r"^\| \[.*?\]\((\w\w)\.md\) \| (.*?) \| (.*?) \| (.*?) \| (?:none|\[\d+\]\(\w\w\.md\)) \|$", section, re.M)
        if rows:
            found[section.partition("\n")[0]] = {code.upper(): week(*cells) for code, *cells in rows}
    return found


def test_every_listed_window_is_the_engines(made: dict[str, str], shipped: Packs) -> None:
    """At each boundary of each table: one second inside is denied by no rule of hours, one outside by one in a half of the year at least."""
    guard, found, where = Guard(no_store=True, packs=shipped), tables(made["hours.md"]), places()
    assert list(found) == list(ATTEMPTS) and all(len(rows) == 57 for rows in found.values())
    asked = 0
    for kind, rows in found.items():
        for state, (npa, zones) in where.items():
            edges = {
                (zone, day, second)
                for zone in zones
                for day, opened in enumerate(rows[state])
                for bounds in (opened or [(43_200, 43_200)],)
                for start, end in bounds
                for second in (start - 1, start, end - 1, end)
                if 0 <= second < 86_400 and (day in (0, 4, 5, 6) or opened != rows[state][0])
            }
            for zone, day, second in edges:
                denied = []
                for monday in MONDAYS:
                    (instant,) = clock.all_instants(monday + day, second, zone)
                    attempt = ATTEMPTS[kind] | {"to": f"+1{npa}5550123", "at": clock.format_instant(instant), "contact": CONTACT, "line_type": "wireless"}
                    if state == "IL":  # its hours of securities are taken as if they always held
                        attempt["campaign"] = attempt["campaign"] | {"industry": "securities"}
                    reasons = guard.check(attempt).reasons
                    denied.append(any(reason["topic"] == "calling_hours" for reason in reasons))
                # Where the code has two zones, the person may be in either.
                here = [clock.local(instant, each) for each in zones]
                inside = all(any(start <= at.second < end for start, end in rows[state][(at.ordinal + 6) % 7]) for at in here)
                assert any(denied) is not inside, (kind, state, DAYS[day], second, denied)
                asked += len(denied)
    assert len(where) == 56 and asked > 6_000


@pytest.mark.parametrize(
    ("kind", "code", "hours"),
    [
        ("Sales calls by a person", "FL", ["08:00-20:00"] * 7),
        ("Sales calls by a person", "TX", ["09:00-21:00"] * 6 + ["12:00-21:00"]),
        ("Sales calls by a person", "AL", ["08:00-20:00"] * 6 + [""]),
        ("Sales calls by a person", "AK", ["08:00-21:00"] * 7),
        ("Sales calls that play a recording", "ME", ["09:00-17:00"] * 5 + ["", ""]),
        ("Debt collection calls", "FL", ["08:00-21:00"] * 7),
    ],
)
def test_hours_by_the_statutes(made: dict[str, str], kind: str, code: str, hours: list[str]) -> None:
    assert tables(made["hours.md"])[kind][code] == [spans(day) for day in hours]


def test_closed_days(made: dict[str, str]) -> None:
    closed = made["hours.md"].partition("## Closed days")[2]
    (alabama,) = [line for line in closed.splitlines() if "(al.md)" in line]
    assert "2026-11-26 Thanksgiving" in alabama and "2027-07-05 Independence Day (observed)" in alabama and "2027-11-22" not in alabama
    assert "sales texts" not in alabama  # Alabama's rule speaks of calls
    assert "| 2026-12-25 | Christmas Day |" in made["al.md"] and "[al.holidays](#al.holidays)" in made["al.md"]
    assert "(fl.md)" not in closed and "No day of the coming twelve months is closed" in made["fl.md"]
