"""A list screened by class tables gets, row by row, what single decisions say: on hard rows, at hard moments, in any order.

``DIALGUARD_SCREENED=50000`` judges as many rows in all instead of the few thousand of the usual run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from random import Random

import pytest

from dialguard import Guard
from dialguard.facts import clock
from dialguard.facts.regions import STATES, zip_places
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY, HOUR, SECOND, Instant
from dialguard.packs.load import load
from dialguard.screening.columns import cleaned
from dialguard.screening.read import series_of
from dialguard.storage.embedded import EmbeddedStore
from simulations.population import area_codes

ROWS = int(os.environ.get("DIALGUARD_SCREENED", "4000"))
NIGHTS = (
    "2026-11-24T11:00:00-05:00", "2026-11-24T07:59:59-05:00", "2026-11-24T20:00:00-06:00", "2026-11-26T13:00:00-05:00",  # Thanksgiving
    "2026-11-01T01:30:00-04:00", "2027-03-14T03:00:00-04:00", "2026-12-25T10:00:00-08:00", "2026-11-22T12:30:00-06:00",  # a Sunday
    "2026-07-03T15:00:00-04:00", "2026-12-31T21:00:00-05:00", "2026-11-27T23:59:59-05:00", "2026-11-25T09:00:00-10:00",
)  # fmt: skip
CAMPAIGNS: tuple[Mapping[str, object], ...] = (
    {"purpose": "telemarketing", "dialing": "manual", "voice": "live", "subject": "windows", "registry_version": "2026-11-20"},
    {"purpose": "telemarketing", "dialing": "automated", "voice": "prerecorded", "registered_states": sorted(STATES)},
    {"purpose": "telemarketing", "dialing": "predictive", "voice": "ai", "caller_class": "bank"},
    {"purpose": "debt_collection", "dialing": "predictive", "voice": "live"},
    {"purpose": "charitable", "dialing": "manual", "voice": "live", "caller_class": "nonprofit"},
    {"purpose": "informational", "dialing": "automated", "voice": "prerecorded"},
    {"purpose": "political", "dialing": "automated", "voice": "live"},
    {"purpose": "healthcare", "dialing": "automated", "voice": "prerecorded", "caller_class": "hipaa"},
)
CHANNELS = ("voice", "voice", "voice", "sms", "rvm")
TWO_ZONES = [code for code, row in area_codes().items() if "|" in row["timezones"]]
ZIPS = ("47601", "37402", "79912", "79835", "99546", "00501", "96799", "83501", "59301", "86515", "junk", "", "1234")
"""On both sides of lines between zones, off the mainland, and none at all."""


def a_number(random: Random) -> str:
    code = random.choice(TWO_ZONES) if random.random() < 0.3 else random.choice(list(area_codes()))
    return f"{code}{random.randrange(200, 999)}{random.randrange(10_000):04}"


def written(random: Random, number: str) -> object:
    return random.choice((
        number, number, number, f"+1{number}", f"({number[:3]}) {number[3:6]}-{number[6:]}", f"1-{number[:3]}-{number[3:6]}-{number[6:]}",
        f"{number} x12", "911", "", None, "416-555-0123", "800-555-0199", "900-555-0123", "12", "+44 20 7946 0123",
    ))  # fmt: skip


def a_row(random: Random, number: str) -> dict[str, object]:
    row: dict[str, object] = {
        "to": written(random, number) if random.random() < 0.15 else number,
        "contact.state": random.choice((None, None, "", area_codes()[number[:3]]["state"], random.choice(sorted(STATES)), "new jersey", "??", "AE")),
        "contact.zip": random.choice((None, None, *ZIPS)),
        "contact.county": random.choice((None, None, None, None, "Harris", "Orleans", "junk")),
        "contact.timezone": random.choice((None, None, None, None, "America/Chicago", "US/Eastern", "Europe/Paris")),
        "line_type": random.choice((None, "wireless", "cell", "landline", "voip", "satellite")),
        "contact.kind": random.choice((None, None, "consumer", "business")),
        "contact.id": random.choice((None, None, f"p{number[-2:]}")),
    }
    return row


def around(random: Random, at: Instant) -> Instant:
    """A moment at, just before or just after the edge of a period of some law."""
    days = random.choice((0, 1, 7, 30, 31, 90, 92, 180, 182, 183, 365, 366, 540, 547, 548, 549, 730, 1000))
    return at - days * DAY + random.choice((0, -SECOND, SECOND, HOUR, -HOUR, 30 * HOUR, -30 * HOUR, random.randrange(DAY)))


def record(random: Random, store: EmbeddedStore, number: str, at: Instant) -> None:
    whose = {"seller": "acme", "number": f"+1{number}", "known_at": at - 2 * DAY}
    person = random.choice((None, None, None, f"p{number[-2:]}"))
    for _ in range(random.choice((1, 1, 1, 2))):
        match random.randrange(10):
            case 0 | 1 | 2 | 3 | 4:
                level = random.choice(("express", "express_written", "none"))
                more = {} if level == "none" else {
                    "form": random.choice((None, ["oral"], ["request"], ["signed_permission"])),
                    "covers": random.choice((None, None, ["live"], ["live", "autodialed", "prerecorded"], ["texts"])),
                    "channels": random.choice((None, None, ["voice"], ["sms"])),
                    "expires_at": random.choice((None, None, None, at + 3 * DAY)),
                }  # fmt: skip
                asked = random.choice((None, None, around(random, at)))
                store.record_consent(**whose, person=person, level=level, obtained_at=around(random, at), requested_at=asked, **more)
            case 5:
                store.record_revocation(**whose, at=around(random, at), scope=random.choice((None, "marketing", "all")))
            case 6:
                store.suppress(**whose, at=around(random, at))
            case 7:
                store.record_relationship(**whose, last_transaction_at=around(random, at), current=random.choice((None, True, False)))
            case 8:
                store.record_contact(**whose, valid_at=at - 5 * DAY, attorney=True)
            case _:
                for hours in random.sample(range(1, 200), random.randrange(1, 5)):
                    store.record_attempt(**whose | {"known_at": at}, at=at - hours * HOUR, channel="voice", purpose="telemarketing")


@pytest.fixture(scope="module")
def numbers() -> list[str]:
    random = Random(5)
    return [a_number(random) for _ in range(max(200, ROWS // 8))]


def a_store(folder: Path, numbers: list[str], at: Instant, seed: int) -> EmbeddedStore:
    """A national list that is of use for some of the moments, two lists of states, and a record of one number in three."""
    random = Random(seed)
    folder.mkdir()
    today = date.fromordinal(clock.fixed(at, 0).ordinal)
    for code, share, days in (("national", 0.3, random.choice((3, 3, 40))), ("FL", 0.1, 20), ("PA", 0.1, 20), ("TX", 0.1, 100)):
        file = folder / f"{code}.txt"
        chosen = [number for number in numbers if random.random() < share] or ["2155550101"]
        file.write_text("".join(f"{number[:3]},{number[3:]}\n" for number in chosen), encoding="utf-8")
        covers = {"area_codes": sorted({number[:3] for number in random.sample(numbers, 150)} | {number[:3] for number in chosen})} if code == "national" else {}
        if covers and random.random() < 0.7:
            covers = {"whole_plan": True}
        import_list(folder, code, file, published=date.fromordinal(today.toordinal() - days), received_at=at - DAY, **covers)
    store = EmbeddedStore(folder)
    if random.random() < 0.8:
        store.declare_complete("acme", at - random.choice((10, 900)) * DAY, known_at=at - DAY)
    for number in numbers:
        if random.random() < 0.35:
            record(random, store, number, at)
    return store


@pytest.mark.parametrize("case", range(len(NIGHTS)))
def test_a_row_in_a_list_is_answered_as_alone(tmp_path: Path, numbers: list[str], case: int) -> None:
    random = Random(case)
    when = NIGHTS[case]
    at = clock.parse_instant(when)
    store = a_store(tmp_path / "store", numbers, at, case)
    packs = load()
    # The moment from which one looks back is the moment itself: a list is then as old as it was.
    guard = Guard(store, packs=packs, as_of=when)
    each = max(1, ROWS // len(NIGHTS) // 2)
    for turn in range(2):
        campaign = {"id": "c", "seller": "acme", **CAMPAIGNS[(case + turn * 5) % len(CAMPAIGNS)]}
        channel = CHANNELS[(case + turn) % len(CHANNELS)] if campaign["purpose"] != "debt_collection" else "voice"
        rows = [a_row(random, number) for number in random.sample(numbers, min(each, len(numbers)))]
        while len(rows) < each:
            rows += [a_row(random, number) for number in numbers]
        random.shuffle(rows)
        screener = guard.screener(campaign, when, channel)
        columns = {name: series_of([row[name] for row in rows]) for name in rows[0]}
        half = len(rows) // 2
        parts = [screener.screen({name: series[start:end] for name, series in columns.items()}) for start, end in ((0, half), (half, len(rows)))]
        answers = [number for part in parts for number in part.answers.tolist()]
        problems = [number for part in parts for number in part.problems.tolist()]
        duplicates = [flag for part in parts for flag in part.duplicates.tolist()]
        compared = 0
        for row, number, problem, again in zip(rows, answers, problems, duplicates, strict=True):
            if again or problem:
                assert screener.answers[number].verdict == "deny"
                continue
            fields = {name: value for name in row if (value := cleaned(name, row[name])) is not None}
            alone = guard.check({"channel": channel, "campaign": "c", "at": when, **fields})
            told = screener.answers[number]
            shown = {name: value for name, value in fields.items() if name != "to"} | {"area": str(fields["to"])[:5], "campaign": campaign}
            assert told.verdict == alone.verdict, shown
            assert told.reasons == tuple(reason["rule"] for reason in alone.reasons), shown
            assert told.needs == tuple(sorted({need for reason in alone.reasons for need in reason.get("needs", ())})), shown
            assert told.kind == (alone.reasons[0]["kind"] if alone.reasons else ""), shown
            assert (told.retry_at, told.valid_until) == (alone.retry_at or "", alone.valid_until or ""), shown
            if alone.allowed:
                assert [entry["rule"] for entry in told.duties] == [entry["rule"] for entry in alone.obligations], shown
            assert set(told.states) == {entry["state"] for entry in alone.as_dict()["jurisdictions"]}, shown
            compared += 1
        assert compared > each // 3


def test_zips_lie_on_both_sides() -> None:
    """The rows above are hard because of them."""
    assert sum(not isinstance(zip_places(code), str) for code in ZIPS if code) >= 8
    assert len(TWO_ZONES) > 15
