"""When a denial ends and a permission lapses, by hand and to the second, on a small law of its own (`minilaw`)."""

from datetime import date
from types import SimpleNamespace

import pytest

from dialguard.guard import Guard
from dialguard.model.records import LookUp
from tests.engine.minilaw import mini_law

PLACES = {"NY": "+12125550123", "LA": "+15045550123", "PA": "+12155550123", "FL": "+13055550123", "CA": "+12135550123", "AZ": "+16025550123",
          "two": "+18505550123", "HI": "+18085550123"}  # fmt: skip
CLEAN = {"dnc": {"national": False, "states": [], "internal": False}, "revocations": [], "consent": {"level": "none"}, "relationship": {"kind": "none"},
         "history": {"attempts": []}, "emergency": {"declared": []}}  # fmt: skip
VOICE = {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}


@pytest.fixture(scope="module")
def guard(tmp_path_factory) -> Guard:
    return Guard(no_store=True, packs=mini_law(tmp_path_factory.mktemp("law")))


def decide(guard: Guard, at: str, place: str = "NY", **more):
    purpose = more.pop("purpose", "telemarketing")
    campaign = VOICE | {"purpose": purpose} | more.pop("campaign", {})
    return guard.check(CLEAN | {"to": PLACES[place], "channel": "voice", "at": at, "campaign": campaign} | more)


RETRIES = [  # what, place, denied at, again at
    ("an hour before opening", "NY", "2026-03-03T07:00:00-05:00", "2026-03-03T08:00:00-05:00"),
    ("one second before opening", "NY", "2026-03-03T07:59:59-05:00", "2026-03-03T08:00:00-05:00"),
    ("half a second before opening", "NY", "2026-03-03T07:59:59.5-05:00", "2026-03-03T08:00:00-05:00"),
    ("at closing", "NY", "2026-03-03T21:00:00-05:00", "2026-03-04T08:00:00-05:00"),
    ("the night in which an hour is skipped", "NY", "2026-03-07T21:00:00-05:00", "2026-03-08T08:00:00-04:00"),
    ("the night in which an hour comes twice", "NY", "2026-10-31T22:00:00-04:00", "2026-11-01T08:00:00-05:00"),
    ("that night where the clock stands still", "AZ", "2026-10-31T22:00:00-07:00", "2026-11-01T08:00:00-07:00"),
    ("asked in another offset", "CA", "2026-03-04T05:00:00Z", "2026-03-04T08:00:00-08:00"),
    ("far west", "HI", "2026-03-03T21:00:00-10:00", "2026-03-04T08:00:00-10:00"),
    ("a stricter state", "FL", "2026-03-03T20:00:00-05:00", "2026-03-04T08:00:00-05:00"),
    ("two zones, the later of them opens", "two", "2026-03-03T06:00:00-05:00", "2026-03-03T09:00:00-05:00"),
    ("two zones, the earlier has closed", "two", "2026-03-03T20:30:00-05:00", "2026-03-04T09:00:00-05:00"),
    ("a Sunday closed in Louisiana", "LA", "2026-03-08T12:00:00-05:00", "2026-03-09T08:00:00-05:00"),
    ("Saturday evening before it", "LA", "2026-03-07T21:30:00-06:00", "2026-03-09T08:00:00-05:00"),
    ("Pennsylvania's last open Sunday", "PA", "2026-10-11T08:59:59-04:00", "2026-10-11T09:00:00-04:00"),
    ("its first closed Sunday", "PA", "2026-10-18T12:00:00-04:00", "2026-10-19T09:00:00-04:00"),
    ("the evening before the new law", "PA", "2026-10-17T21:30:00-04:00", "2026-10-19T09:00:00-04:00"),
]


@pytest.mark.parametrize(("what", "place", "at", "again"), RETRIES, ids=[case[0] for case in RETRIES])
def test_hours_days_and_changes_of_law(guard: Guard, what: str, place: str, at: str, again: str) -> None:
    decision = decide(guard, at, place)
    assert decision.verdict == "deny" and same(decision.retry_at, again)
    assert decide(guard, decision.retry_at, place).verdict == "allow"


def same(found: str | None, expected: str | None) -> bool:
    from dialguard.facts.clock import parse_instant

    return found == expected if None in (found, expected) else parse_instant(found) == parse_instant(expected)


def test_a_state_that_disagrees_with_the_area_code(guard: Guard) -> None:
    decision = decide(guard, "2026-03-03T22:00:00-05:00", "NY", contact={"state": "CA"})
    assert same(decision.retry_at, "2026-03-04T11:00:00-05:00")  # 08:00 in California, no less in New York
    decision = decide(guard, "2026-03-03T22:00:00-05:00", "NY", contact={"state": "CA", "address_basis": "verified"})
    assert decision.verdict == "allow" and same(decision.valid_until, "2026-03-03T21:00:00-08:00")


def past(*moments: str, **fields) -> dict[str, object]:
    return {"history": {"attempts": [{"at": moment, **fields} for moment in moments]}}


def test_a_cap_ends_when_the_window_has_moved_on(guard: Guard) -> None:
    three = past("2026-03-02T12:00:01-05:00", "2026-03-03T09:00:00-05:00", "2026-03-03T10:00:00-05:00", channel="voice")
    decision = decide(guard, "2026-03-03T12:00:00-05:00", **three)
    assert decision.rules == ("us.cap",) and same(decision.retry_at, "2026-03-03T12:00:01-05:00")
    four = past("2026-03-03T09:00:00-05:00", "2026-03-03T10:00:00-05:00", "2026-03-03T11:00:00-05:00", "2026-03-03T11:30:00-05:00")
    assert same(decide(guard, "2026-03-03T12:00:00-05:00", **four).retry_at, "2026-03-04T10:00:00-05:00")
    # The window opens at night: the hours have to open too.
    late = past("2026-03-03T02:00:00-05:00", "2026-03-03T02:30:00-05:00", "2026-03-03T20:00:00-05:00")
    assert same(decide(guard, "2026-03-03T20:30:00-05:00", **late).retry_at, "2026-03-04T08:00:00-05:00")


def test_an_attempt_still_to_come_counts_when_it_has(guard: Guard) -> None:
    two = past("2026-03-03T11:00:00-05:00", "2026-03-03T11:30:00-05:00", "2026-03-03T13:00:00-05:00")
    decision = decide(guard, "2026-03-03T12:00:00-05:00", **two)
    assert decision.verdict == "allow" and same(decision.valid_until, "2026-03-03T13:00:00-05:00")


def test_a_figure_bounds_what_was_before_the_asking(guard: Guard) -> None:
    decision = decide(guard, "2026-03-03T12:00:00-05:00", history={"last_24h": 3})
    assert decision.reasons[0]["kind"] == "unknown_fact" and same(decision.retry_at, "2026-03-04T12:00:00-05:00")
    assert decide(guard, "2026-03-03T12:00:00-05:00", history={"last_24h": 2}).verdict == "allow"
    assert decide(guard, "2026-03-03T12:00:00-05:00", history={}).retry_at is None  # time does not tell what was


def test_a_day_of_the_calendar_ends_at_midnight(guard: Guard) -> None:
    faxed = past("2026-03-08T00:30:00-05:00")
    decision = decide(guard, "2026-03-08T23:00:00-04:00", channel="fax", **faxed)
    assert decision.rules == ("us.daily",) and same(decision.retry_at, "2026-03-09T00:00:00-04:00")


def test_a_fixed_clock_knows_no_summer(guard: Guard) -> None:
    assert same(decide(guard, "2026-07-07T05:00:00-04:00", channel="sms").retry_at, "2026-07-07T11:00:00-04:00")
    assert same(decide(guard, "2026-03-03T05:00:00-05:00", channel="sms").retry_at, "2026-03-03T10:00:00-05:00")


def test_rest_in_days_ends_at_local_midnight_and_in_minutes_to_the_second(guard: Guard) -> None:
    spoken = {"history": {"attempts": [], "last_conversation_at": "2026-03-03T18:30:15-05:00"}, "contact": {"last_inbound_at": "2020-01-01T00:00:00Z"}}
    decision = decide(guard, "2026-03-04T12:00:00-05:00", purpose="debt_collection", **spoken)
    assert same(decision.retry_at, "2026-03-09T00:00:00-04:00")
    asked = {"history": {"attempts": [], "last_conversation_at": "2020-01-01T00:00:00Z"}, "contact": {"last_inbound_at": "2026-03-04T11:15:30-05:00"}}
    assert same(decide(guard, "2026-03-04T12:00:00-05:00", purpose="debt_collection", **asked).retry_at, "2026-03-04T12:45:30-05:00")


def test_a_relief_that_runs_out_and_one_that_is_not_yet_there(guard: Guard) -> None:
    bought = {"relationship": {"kind": "transaction", "last_at": "2025-12-08T10:00:00-05:00"}}
    sunday = decide(guard, "2026-03-08T12:00:00-04:00", purpose="survey", **bought)
    assert sunday.verdict == "allow" and sunday.valid_until is not None and same(sunday.valid_until, "2026-03-15T00:00:00-04:00")
    saturday = decide(guard, "2026-03-07T12:00:00-05:00", purpose="survey")
    assert same(saturday.valid_until, "2026-03-08T00:00:00-05:00")
    assert same(decide(guard, "2026-03-08T12:00:00-04:00", purpose="survey").retry_at, "2026-03-09T00:00:00-04:00")
    to_come = {"relationship": {"kind": "transaction", "last_at": "2026-03-08T15:00:00-04:00"}}
    assert same(decide(guard, "2026-03-08T12:00:00-04:00", purpose="survey", **to_come).retry_at, "2026-03-08T15:00:00-04:00")


def test_agreed_hours_open_and_close(guard: Guard) -> None:
    agreed = {"contact": {"agreed_hours": {"every_day": "06:00-07:00"}}}
    decision = decide(guard, "2026-03-03T05:00:00-05:00", **agreed)
    assert same(decision.retry_at, "2026-03-03T06:00:00-05:00")
    decision = decide(guard, "2026-03-03T06:30:00-05:00", **agreed)
    assert decision.verdict == "allow" and same(decision.valid_until, "2026-03-03T07:00:00-05:00")


def test_a_law_that_ends_and_one_that_begins(guard: Guard) -> None:
    denied = decide(guard, "2026-06-15T12:00:00-04:00", purpose="informational")
    assert denied.rules == ("us.passing",) and same(denied.retry_at, "2026-07-01T00:00:00-04:00")
    allowed = decide(guard, "2026-05-15T12:00:00-04:00", purpose="informational")
    assert allowed.verdict == "allow" and same(allowed.valid_until, "2026-06-01T00:00:00-04:00")
    assert decide(guard, "2026-07-01T00:00:00-04:00", purpose="informational").valid_until is None
    # In two zones the law begins first in the east and ends last in the west.
    assert same(decide(guard, "2026-06-15T12:00:00-04:00", "two", purpose="informational").retry_at, "2026-07-01T01:00:00-04:00")
    assert same(decide(guard, "2026-05-15T12:00:00-04:00", "two", purpose="informational").valid_until, "2026-06-01T00:00:00-04:00")


def test_what_time_does_not_cure(guard: Guard) -> None:
    assert decide(guard, "2026-03-03T12:00:00-05:00", revocations=[{"at": "2026-03-01T00:00:00Z"}]).retry_at is None
    assert decide(guard, "2026-03-03T22:00:00-05:00", dnc={"national": True, "internal": False}).retry_at is None
    assert decide(guard, "2026-03-03T12:00:00-05:00", dnc={"internal": False}).retry_at is None
    assert decide(guard, "2026-03-03T12:00:00-05:00", revocations="unknown", consent="unknown").retry_at is None
    for number in ("911", "+442079460958", "12", "+12005550123"):
        assert guard.check(CLEAN | {"to": number, "channel": "voice", "campaign": VOICE, "at": "2026-03-03T22:00:00-05:00"}).retry_at is None
    assert decide(guard, "2026-03-03T12:00:00-05:00").retry_at is None  # an allow has none


def test_a_revocation_to_come_ends_a_permission(guard: Guard) -> None:
    revoked = {"revocations": [{"at": "2026-03-03T14:00:00-05:00"}]}
    decision = decide(guard, "2026-03-03T12:00:00-05:00", **revoked)
    assert decision.verdict == "allow" and same(decision.valid_until, "2026-03-03T14:00:00-05:00")


def test_a_consent_to_come_lifts_a_revocation(guard: Guard) -> None:
    held = {"revocations": [{"at": "2026-03-01T00:00:00Z"}], "consent": {"level": "express", "obtained_at": "2026-03-03T14:00:00-05:00"}}
    assert same(decide(guard, "2026-03-03T12:00:00-05:00", **held).retry_at, "2026-03-03T14:00:00-05:00")
    ending = held | {"consent": {"level": "express", "obtained_at": "2026-03-02T14:00:00-05:00", "expires_at": "2026-03-03T18:00:00-05:00"}}
    assert same(decide(guard, "2026-03-03T12:00:00-05:00", **ending).valid_until, "2026-03-03T18:00:00-05:00")


# -------------------------------------------------------------------------------------------------------------- lists


def test_list_ages_stay_while_a_retry_is_searched(guard: Guard) -> None:
    copy = {"campaign": {"registry_version": "2026-01-31"}}  # 31 days old on 3 March
    decision = decide(guard, "2026-03-03T21:30:00-05:00", **copy)
    assert decision.rules == ("us.hours",) and same(decision.retry_at, "2026-03-04T08:00:00-05:00")
    stale = {"campaign": {"registry_version": "2026-01-30"}}
    decision = decide(guard, "2026-03-03T21:30:00-05:00", **stale)
    assert set(decision.rules) == {"us.hours", "us.copy"} and decision.retry_at is None


def test_list_ages_stay_in_two_zones(guard: Guard) -> None:
    copy = {"campaign": {"registry_version": "2026-01-31"}}
    decision = decide(guard, "2026-03-03T21:30:00-05:00", "two", **copy)
    assert same(decision.retry_at, "2026-03-04T09:00:00-05:00")


def test_a_permission_lapses_when_the_copy_is_too_old(guard: Guard) -> None:
    decision = decide(guard, "2026-03-03T12:00:00-05:00", campaign={"registry_version": "2026-01-31", "purpose": "telemarketing"})
    assert same(decision.valid_until, "2026-03-03T21:00:00-05:00")
    copied = Guard(no_store=True, packs=guard.packs)
    campaign = VOICE | {"registry_version": "2026-01-31"}
    text = copied.check(CLEAN | {"to": PLACES["NY"], "channel": "sms", "at": "2026-03-03T19:00:00-05:00", "campaign": campaign})
    assert same(text.valid_until, "2026-03-03T21:00:00-05:00")
    always = {"contact": {"agreed_hours": {"every_day": "all_day"}}}
    decision = decide(guard, "2026-03-03T12:00:00-05:00", campaign={"registry_version": "2026-01-31"}, **always)
    assert same(decision.valid_until, "2026-03-04T00:00:00-05:00")


def test_a_permission_lapses_when_a_list_falls_due(guard: Guard) -> None:
    def lists(effective: str, published: str):
        answer = SimpleNamespace(
            listed=False,
            version=SimpleNamespace(published=date.fromisoformat(published).toordinal(), effective=date.fromisoformat(effective).toordinal(), use_by=None),
        )
        return SimpleNamespace(
            refresh=lambda: None, look_up=lambda **_: LookUp(complete_since=0), list_answers=lambda *_: [answer], list_versions=lambda *_: (),
            reassigned=lambda *_: (),
        )

    at = "2026-03-31T19:59:00-04:00"
    always = {"contact": {"agreed_hours": {"every_day": "all_day"}}}
    quarter = Guard(lists("2026-01-01", "2026-03-20"), packs=guard.packs, as_of=at)
    sent = {"channel": "voice", "campaign": VOICE, "at": at, **always}
    assert same(quarter.check(sent | {"to": PLACES["FL"]}).valid_until, "2026-03-31T20:00:00-04:00")  # the state's hours come first
    sent = {"channel": "fax", "campaign": VOICE, "at": at}
    assert same(quarter.check(sent | {"to": PLACES["FL"]}).valid_until, "2026-04-01T00:00:00-04:00")
    assert same(quarter.check(sent | {"to": PLACES["two"]}).valid_until, "2026-04-01T00:00:00-04:00")
    assert same(quarter.check(sent | {"to": PLACES["NY"]}).valid_until, "2026-04-21T00:00:00-04:00")


VALID = [  # what, place, allowed at, until
    ("until closing", "NY", "2026-03-03T08:00:00-05:00", "2026-03-03T21:00:00-05:00"),
    ("the last second", "NY", "2026-03-03T20:59:59-05:00", "2026-03-03T21:00:00-05:00"),
    ("a stricter state", "FL", "2026-03-03T12:00:00-05:00", "2026-03-03T20:00:00-05:00"),
    ("two zones, the earlier closes", "two", "2026-03-03T12:00:00-05:00", "2026-03-03T20:00:00-05:00"),
    ("Pennsylvania before the new law", "PA", "2026-10-17T12:00:00-04:00", "2026-10-17T21:00:00-04:00"),
    ("and after it", "PA", "2026-10-19T12:00:00-04:00", "2026-10-19T20:00:00-04:00"),
]


@pytest.mark.parametrize(("what", "place", "at", "until"), VALID, ids=[case[0] for case in VALID])
def test_how_long_a_permission_lasts(guard: Guard, what: str, place: str, at: str, until: str) -> None:
    decision = decide(guard, at, place)
    assert decision.verdict == "allow" and same(decision.valid_until, until)
    assert decide(guard, until, place).verdict == "deny" and decision.retry_at is None


def test_nothing_in_sight(guard: Guard) -> None:
    assert decide(guard, "2026-08-03T12:00:00-04:00", purpose="informational").valid_until is None
    assert decide(guard, "2026-03-03T12:00:00-05:00").as_dict()["valid_until"] is not None
    denied = decide(guard, "2026-03-03T12:00:00-05:00", dnc={"national": True})
    assert denied.valid_until is None
