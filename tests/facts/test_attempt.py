"""Reading an attempt: what is required, what is refused, and that every mistake is named at once."""

import re
from datetime import datetime, timezone

import pytest

from dialguard.facts import clock
from dialguard.facts.attempt import read_campaign
from dialguard.facts.given import InvalidInput
from dialguard.facts.reading import read
from dialguard.model.history import Entry
from dialguard.model.moment import SECOND

CAMPAIGN = {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
LEAST = {"to": "(212) 555-0123", "channel": "voice", "campaign": CAMPAIGN}


def given(**fields):
    return read(LEAST | fields, {})


def errors(attempt) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        read(attempt, {})
    return dict(caught.value.errors)


def wrong(**fields) -> dict[str, str]:
    return errors(LEAST | fields)


def moment(text: str) -> int:
    return clock.parse_instant(text)


# ------------------------------------------------------------------------------------------------- what is required


def test_everything_that_is_missing_is_named_in_one_error() -> None:
    assert errors({}) == {"to": "missing", "channel": "missing", "campaign": "missing"}
    assert errors({"channel": "voice", "campaign": {}}) == {
        "to": "missing", "campaign.seller": "missing", "campaign.purpose": "missing",
        "campaign.dialing": "missing (required for voice)", "campaign.voice": "missing (required for voice)",
    }  # fmt: skip


def test_dialing_and_voice_are_required_for_voice_alone() -> None:
    sparse = {"seller": "Acme", "purpose": "informational"}
    for channel in ("sms", "mms", "rvm", "fax"):
        assert given(channel=channel, campaign=sparse).channel == channel
    assert set(wrong(campaign=sparse)) == {"campaign.dialing", "campaign.voice"}


@pytest.mark.parametrize("nothing", [None, "unknown"])
def test_null_and_unknown_do_not_fill_a_required_field(nothing: str | None) -> None:
    assert errors({"to": nothing, "channel": nothing, "campaign": nothing}) == {"to": "missing", "channel": "missing", "campaign": "missing"}
    assert set(wrong(campaign=CAMPAIGN | {"purpose": nothing, "voice": nothing})) == {"campaign.purpose", "campaign.voice"}


def test_mistakes_and_gaps_come_together() -> None:
    assert set(errors({"to": "2125550123", "at": "yesterday", "campaign": {"purpose": "sales", "seller": "Acme"}, "reserve": "yes"})) == {
        "channel", "at", "campaign.purpose", "reserve",
    }  # fmt: skip


def test_null_and_absent_are_the_same() -> None:
    nothing = dict.fromkeys(("id", "from", "at", "reserve", "contact", "line_type", "line", "consent", "revocations", "relationship", "dnc",
                             "history", "caller_id", "message", "debt", "emergency"))  # fmt: skip
    assert read(LEAST | nothing, {}) == read(LEAST, {})
    assert given(contact={"id": None, "state": None}, consent={"level": None}, dnc={"national": None}).consent is None


# ---------------------------------------------------------------------------------------------------- unknown fields


@pytest.mark.parametrize(
    ("fields", "name", "suggestion"),
    [
        ({"chanel": "sms"}, "chanel", "channel"),
        ({"contact": {"stat": "FL"}}, "contact.stat", "state"),
        ({"contact": {"stat": None}}, "contact.stat", "state"),
        ({"contact": {"stat": "unknown"}}, "contact.stat", "state"),
        ({"consent": {"level": "express", "cover": ["live"]}}, "consent.cover", "covers"),
        ({"history": {"last_24": 3}}, "history.last_24", "last_24h"),
        ({"history": {"last_24": "unknown"}}, "history.last_24", "last_24h"),
        ({"history": {"attempts": [{"at": "2026-03-03T10:00:00Z", "chanel": "sms"}]}}, "history.attempts[0].chanel", "channel"),
        ({"campaign": CAMPAIGN | {"purposes": "x"}}, "campaign.purposes", "purpose"),
        ({"campaign": CAMPAIGN | {"purposes": None}}, "campaign.purposes", "purpose"),
        ({"dnc": {"nationl": True}}, "dnc.nationl", "national"),
        ({"dnc": {"lists": {"FL": {"listd": True}}}}, "dnc.lists.FL.listd", "listed"),
        ({"emergency": {"declare": []}}, "emergency.declare", "declared"),
        ({"emergency": {"declared": [{"state": "FL", "untill": "x"}]}}, "emergency.declared[0].untill", "until"),
        ({"revocations": [{"at": "2026-03-03T10:00:00Z", "scop": "all"}]}, "revocations[0].scop", "scope"),
        ({"relationship": {"kindd": "none"}}, "relationship.kindd", "kind"),
        ({"caller_id": {"attest": "A"}}, "caller_id.attest", "attestation"),
        ({"message": {"bodi": "x"}}, "message.bodi", "body"),
        ({"line": {"charge": True}}, "line.charge", "charged"),
        ({"debt": {"idd": "7"}}, "debt.idd", "id"),
        ({"to.x": "7"}, "to.x", ""),
        ({"channel.x": "sms"}, "channel.x", ""),
    ],
)
def test_an_unknown_field_is_an_error_that_names_it(fields: dict, name: str, suggestion: str) -> None:
    found = wrong(**fields)
    assert set(found) == {name}
    assert "unknown field" in found[name] and suggestion in found[name]


# ------------------------------------------------------------------------------------------------------ wrong values


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"channel": "call"}, "channel"),
        ({"channel": ["voice"]}, "channel"),
        ({"at": "2026-03-03T10:00:00"}, "at"),
        ({"at": 1772550000}, "at"),
        ({"at": "1950-01-01T00:00:00Z"}, "at"),
        ({"at": "2500-01-01T00:00:00Z"}, "at"),
        ({"at": "0001-01-01T00:00:00Z"}, "at"),
        ({"reserve": 1}, "reserve"),
        ({"campaign": 7}, "campaign"),
        ({"campaign": "nobody"}, "campaign"),
        ({"campaign": CAMPAIGN | {"seller": ""}}, "campaign.seller"),
        ({"campaign": CAMPAIGN | {"seller": 7}}, "campaign.seller"),
        ({"campaign": CAMPAIGN | {"abandonment_rate": float("nan")}}, "campaign.abandonment_rate"),
        ({"campaign": CAMPAIGN | {"abandonment_rate": 3}}, "campaign.abandonment_rate"),
        ({"campaign": CAMPAIGN | {"abandoned": 3}}, "campaign.abandoned"),
        ({"campaign": CAMPAIGN | {"registry_version": "last week"}}, "campaign.registry_version"),
        ({"campaign": CAMPAIGN | {"registry_version": "2026-02-20Tuesday"}}, "campaign.registry_version"),
        ({"campaign": CAMPAIGN | {"registered_states": ["Florida"]}}, "campaign.registered_states"),
        ({"campaign": CAMPAIGN | {"claims": [{"exemption": "x"}]}}, "campaign.claims[0].by"),
        ({"contact": "c-7"}, "contact"),
        ({"contact": {"kind": "person"}}, "contact.kind"),
        ({"contact": {"address_basis": "guessed"}}, "contact.address_basis"),
        ({"contact": {"agreed_hours": {"every_day": "9-5"}}}, "contact.agreed_hours"),
        ({"contact": {"attorney": "yes"}}, "contact.attorney"),
        ({"line_type": "mobile"}, "line_type"),
        ({"consent": {"level": "written"}}, "consent.level"),
        ({"consent": {"obtained_at": "2026-03-03T10:00:00Z"}}, "consent.level"),
        ({"consent": {"level": "express", "form": ["spoken"]}}, "consent.form"),
        ({"consent": {"level": "express", "revoked_scope": "all"}}, "consent.revoked_at"),
        ({"consent": {"level": "express", "revoked_channel": "sms"}}, "consent.revoked_at"),
        ({"revocations": {"at": "2026-03-03T10:00:00Z"}}, "revocations"),
        ({"revocations": [{"scope": "all"}]}, "revocations[0].at"),
        ({"relationship": {"last_at": "2026-03-03T10:00:00Z"}}, "relationship.kind"),
        ({"dnc": {"national": "no"}}, "dnc.national"),
        ({"dnc": {"states": ["Florida"]}}, "dnc.states"),
        ({"dnc": {"states": ["XX"]}}, "dnc.states"),
        ({"dnc": {"states": "FL, TX"}}, "dnc.states"),
        ({"dnc": {"lists": {"FL": True}}}, "dnc.lists.FL"),
        ({"dnc": {"internal_since": "2026-03-03T10:00:00Z"}}, "dnc.internal"),
        ({"history": {"last_24h": -1}}, "history.last_24h"),
        ({"history": {"last_24h": 2.5}}, "history.last_24h"),
        ({"history": {"last_24h": True}}, "history.last_24h"),
        ({"history": {"attempts": [{"channel": "sms"}]}}, "history.attempts[0].at"),
        ({"history": {"attempts": {}}}, "history.attempts"),
        ({"emergency": {"declared": [{"state": "Florida"}]}}, "emergency.declared[0].state"),
        ({"emergency": {"declared": [{"county": "Leon"}]}}, "emergency.declared[0].state"),
        ({"emergency": []}, "emergency"),
        ({"debt": {"third_party": "yes"}}, "debt.third_party"),
    ],
)
def test_a_wrong_value_is_refused_and_named(fields: dict, name: str) -> None:
    found = wrong(**fields)
    assert name in found and all(key.startswith(name.partition("[")[0]) for key in found)
    assert "expected" in found[name] or "missing" in found[name] or "registered" in found[name]


def test_something_that_is_no_object_is_refused() -> None:
    for attempt in (None, [], "x", 7):
        assert "attempt" in errors(attempt)


def test_codes_of_states_are_read_in_either_case() -> None:
    assert given(dnc={"states": ["fl", "NJ"]}).states == {"FL", "NJ"}
    assert given(dnc={"lists": {"fl": {"listed": True}}}).lists == {"FL": {"listed": True}}
    assert given(emergency={"declared": [{"state": "la"}]}).declared == [{"state": "LA"}]
    assert given(campaign=CAMPAIGN | {"registered_states": ["fl"]}).campaign.facts["campaign.registered_states"] == {"FL"}


# ------------------------------------------------------------------------------------------------------- what is read


def test_the_short_form_of_a_revocation_is_one_more_of_them() -> None:
    found = given(
        consent={"level": "express", "revoked_at": "2026-03-01T10:00:00Z", "revoked_scope": "category", "revoked_subject": "solar"},
        revocations=[{"at": "2026-02-01T10:00:00Z", "scope": "medium", "channel": "sms"}],
    )
    assert sorted(found.revocations, key=lambda entry: entry["at"]) == [
        {"at": moment("2026-02-01T10:00:00Z"), "scope": "medium", "channel": "sms"},
        {"at": moment("2026-03-01T10:00:00Z"), "scope": "category", "subject": "solar"},
    ]


def test_a_revocation_may_be_given_without_a_consent() -> None:
    found = given(consent={"revoked_at": "2026-03-01T10:00:00Z"})
    assert found.consent is None and found.revocations == [{"at": moment("2026-03-01T10:00:00Z")}]


def test_numbers_of_earlier_attempts_are_read_in_any_form() -> None:
    found = given(history={"attempts": [{"at": "2026-03-01T10:00:00Z", "to": "(212) 555-0123", "from": "1-800-555-0100", "debt": "7"}]})
    assert found.attempts == [Entry(moment("2026-03-01T10:00:00Z"), to="+12125550123", debt="7", from_="+18005550100")]


def test_ids_may_be_numbers() -> None:
    found = given(id=17, contact={"id": 4}, debt={"id": 9}, history={"attempts": [{"at": "2026-03-01T10:00:00Z", "debt": 9}]})
    assert (found.id, found.person, found.debt, found.attempts[0].debt) == ("17", "4", "9", "9")


def test_a_moment_may_be_a_datetime_with_an_offset() -> None:
    assert given(at=datetime(2026, 3, 3, 15, tzinfo=timezone.utc)).at == moment("2026-03-03T10:00:00-05:00")
    assert "at" in wrong(at=datetime(2026, 3, 3, 15))


def test_first_and_last_moments_that_can_be_judged() -> None:
    assert given(at="1970-01-01T00:00:01Z").at == SECOND
    assert given(at="2098-12-31T23:59:59Z").at == moment("2098-12-31T23:59:59Z")
    assert "at" in wrong(at="1969-12-31T23:59:59Z")
    assert "at" in wrong(at="2099-01-01T00:00:00Z")


def test_dotted_names_are_the_fields_of_their_object() -> None:
    flat = {"contact.state": "FL", "consent.level": "express", "consent.obtained_at": "2026-03-01T10:00:00Z", "dnc.national": False}
    nested = {"contact": {"state": "FL"}, "consent": {"level": "express", "obtained_at": "2026-03-01T10:00:00Z"}, "dnc": {"national": False}}
    assert given(**flat) == given(**nested)
    mixed = {"dnc": {"national": False}, "dnc.states": ["FL"], "dnc.lists.NJ.listed": True}
    assert given(**mixed) == given(dnc={"national": False, "states": ["FL"], "lists": {"NJ": {"listed": True}}})
    campaign = {f"campaign.{name}": value for name, value in CAMPAIGN.items()}
    assert read({"to": LEAST["to"], "channel": "voice", **campaign}, {}) == read(LEAST, {})
    assert "campaign.voice" in errors({"to": "2125550123", "channel": "voice", "campaign": "c", "campaign.voice": "ai"})


def test_windows_in_their_three_forms() -> None:
    day = ((9 * 3600, 17 * 3600),)
    week = (day,) * 7
    assert given(contact={"agreed_hours": "09:00-17:00"}).facts["contact.agreed_hours"] == week
    assert given(contact={"agreed_hours": {"every_day": "09:00-17:00"}}).facts["contact.agreed_hours"] == week
    assert given(contact={"agreed_hours": ["09:00-17:00"]}).facts["contact.agreed_hours"] == week
    monday = given(contact={"agreed_hours": [{"days": ["mon"], "from": "09:00", "to": "17:00"}]}).facts["contact.agreed_hours"]
    assert monday == (day, (), (), (), (), (), ())


def test_inconvenient_times_and_places() -> None:
    facts = given(contact={"inconvenient": {"windows": {"mon": "09:00-17:00"}, "places": ["work"]}}).facts
    assert facts["contact.inconvenient"][0] == ((9 * 3600, 17 * 3600),) and facts["contact.inconvenient_places"] == {"work"}
    facts = given(contact={"inconvenient": {"mon": "09:00-17:00"}}).facts
    assert facts["contact.inconvenient_places"] == frozenset()


def test_the_abandonment_rate_is_never_rounded_down() -> None:
    def rate(**fields):
        return read_campaign(CAMPAIGN | fields).facts["campaign.abandonment_rate"]

    assert rate(abandonment_rate=0.03) == 30_000
    assert rate(abandonment_rate=0.0300000001) == 30_001
    assert rate(abandoned=3, answered_live=100) == 30_000
    assert rate(abandoned=30_000_001, answered_live=1_000_000_000 - 1) == 30_001
    assert rate(abandoned=0, answered_live=0) == 0
    assert rate(abandoned=1, answered_live=0) == 1_000_000


def test_area_codes_paid_for_may_be_numbers() -> None:
    assert read_campaign(CAMPAIGN | {"registry_area_codes": [212, "305"]}).registry_area_codes == {"212", "305"}


def test_a_claim_names_who_made_it_and_when() -> None:
    claim = {"exemption": "us.x", "by": "J. Doe", "at": "2026-03-01", "evidence": "form 7"}
    checked = read_campaign(CAMPAIGN | {"claims": [claim]})
    assert checked.facts["campaign.claims"] == {"us.x"} and checked.claims == (claim,)
    with pytest.raises(InvalidInput) as caught:
        read_campaign(CAMPAIGN | {"claims": [{"exemption": "us.x", "by": "J. Doe", "at": "soon"}]})
    assert [name for name, _ in caught.value.errors] == ["campaign.claims[0].at"]


@pytest.mark.parametrize("number", ["2125550123", "+12125550123", "(212) 555-0123", "1-212-555-0123", "212.555.0123", "-2125550123"])
@pytest.mark.parametrize(
    "mistake",
    [
        lambda number: {"channel": number}, lambda number: {"contact": number}, lambda number: {number: 1}, lambda number: {"campaign": number},
        lambda number: {"history": {"attempts": [{"at": "2026-01-01T00:00:00Z", "to": {"x": number}}]}}, lambda number: {"at": number},
        lambda number: {"consent": {"level": number, number: 1}}, lambda number: {"revocations": number}, lambda number: {"id": [number]},
    ],
)  # fmt: skip
def test_no_error_shows_a_telephone_number(number: str, mistake) -> None:
    with pytest.raises(InvalidInput) as error:
        read({"to": number, "channel": "voice", "campaign": CAMPAIGN, **mistake(number)}, {})
    shown = f"{error.value} {error.value.errors}"
    assert not re.search(r"5\D{0,3}0123", shown) and "#" in shown


def test_an_error_shows_dates_and_short_figures() -> None:
    with pytest.raises(InvalidInput, match="found '2026-11-17 10:00:00', expected .* 2026"):
        read({"to": "2125550123", "channel": "voice", "campaign": CAMPAIGN, "at": "2026-11-17 10:00:00"}, {})
