"""What absence means, sentence by sentence: each class of facts, where the caller, the store and lists answer."""

import pytest

from dialguard.facts.given import InvalidInput
from dialguard.facts.clock import parse_instant
from dialguard.facts.feed import Declaration, Feed
from dialguard.facts.gather import Gatherer, Sources
from dialguard.facts.places import candidates
from dialguard.facts.reading import read
from dialguard.guard import Guard
from dialguard.model.moment import DAY, NEVER
from dialguard.model.records import LookUpFailed
from tests.facts.gathering import AT, CAMPAIGN, LEAST, facts_of, packs, values_of

NOW = parse_instant(AT)
CHOSEN = {"to": "+15045550123"}  # Louisiana, one zone, whose rules ask for emergencies and proclaimed days


class Broken:
    """A store that answers nothing."""

    def refresh(self) -> None:
        raise LookUpFailed("away")

    def look_up(self, **_):
        raise LookUpFailed("away")

    def list_answers(self, *_):
        raise LookUpFailed("away")

    list_versions = reassigned = list_answers


# ------------------------------------------------------------------------------------------------ classes of facts


def test_derived_facts_are_computed_and_every_candidate_counts() -> None:
    assert [place.state for place in facts_of({"to": "+12125550123", "contact": {"state": "NJ"}}).places] == ["NJ", "NY"]
    assert values_of({"to": "+18005550123"})["number.kind"] == "toll_free"
    assert values_of({"to": "+18005550123"})["line_type"] == "toll_free"
    assert values_of({"to": "+12125550123"})["number.kind"] == "geographic"


def test_places_worked_out_beforehand_stand_in_place_of_those_that_the_attempt_names() -> None:
    given = read(LEAST, {})
    gatherer = Gatherer(Sources(packs()))
    texan = candidates(given.number, state="TX", address_basis="verified")
    facts, evidence = gatherer.gather(given, None, texan)
    assert facts.places == texan.pairs == (("TX", "America/Chicago"), ("TX", "America/Denver"))
    assert evidence()["places"] is texan.sources
    assert gatherer.gather(given)[0].places == (("NY", "America/New_York"),)


def test_a_verified_address_stands_alone_unless_its_area_code_presumes_residence() -> None:
    verified = {"state": "NJ", "address_basis": "verified"}
    assert [place.state for place in facts_of({"to": "+12125550123", "contact": verified}).places] == ["NJ"]
    assert [place.state for place in facts_of({"to": "+13055550123", "contact": verified}).places] == ["FL", "NJ"]


@pytest.mark.parametrize(
    "name",
    [
        "consent.level", "consent.covers", "revocations", "revocations.any", "relationship.last_transaction_at", "relationship.current",
        "dnc.internal", "history.attempts", "history.last_conversation_at", "contact.agreed_hours", "contact.inconvenient",
        "contact.at_work", "contact.employer_forbids", "contact.attorney", "contact.ceased_at", "contact.last_inbound_at",
        "dnc.national", "line_type", "campaign.subject", "campaign.industry", "campaign.caller_class",
        "caller_id.attestation", "caller_id.callable", "caller_id.blocked", "caller_id.kind", "message.first", "message.optout_offered",
        "line.charged", "line.ported_to_wireless_at", "contact.line_use", "dnc.reassigned", "campaign.registry_version",
        "campaign.registry_covers_number", "campaign.recording", "campaign.registered_states", "campaign.abandonment_rate",
        "campaign.sms_registration",
    ],
)  # fmt: skip
def test_without_a_store_what_is_absent_is_unknown(name: str) -> None:
    values = values_of()
    assert name in values and values[name] is None


def test_what_is_absent_but_has_a_meaning() -> None:
    values = values_of()
    assert values["contact.kind"] == "consumer"
    assert values["debt.third_party"] is True
    assert values["dnc.litigator"] is False
    assert values["message.confirms_revocation"] is False
    assert values["campaign.claims"] == frozenset()


def test_every_rule_finds_every_fact_it_reads() -> None:
    """A fact that no gatherer enters would be a hole: a program reads it by name."""
    from dialguard.expr.nodes import facts_read

    values = values_of(CHOSEN)
    wanted = {name for rule in packs().rules for span in rule.spans for name in facts_read(span.condition)}
    assert wanted <= set(values) | {name for name in wanted if name.startswith(("emergency.", "dnc.list."))}
    assert {name for name in wanted if name.startswith(("emergency.", "dnc.list."))} <= set(values)


@pytest.mark.parametrize(("channel", "voice"), [("sms", "text"), ("mms", "text"), ("fax", "text"), ("rvm", "prerecorded"), ("voice", "live")])
def test_the_voice_that_a_channel_has(channel: str, voice: str) -> None:
    assert values_of({"channel": channel})["campaign.voice"] == voice


def test_ringless_voicemail_in_a_made_up_voice() -> None:
    assert values_of({"channel": "rvm", "campaign": CAMPAIGN | {"voice": "ai"}})["campaign.voice"] == "ai"
    assert values_of({"channel": "rvm", "campaign": {"seller": "Acme", "purpose": "survey"}})["campaign.voice"] == "prerecorded"
    assert values_of({"channel": "sms", "campaign": {"seller": "Acme", "purpose": "survey"}})["campaign.dialing"] is None


# ------------------------------------------------------------------------------------------------ the word `unknown`


def test_the_word_unknown_leaves_a_field_open() -> None:
    values = values_of({"contact": {"kind": "unknown"}, "debt": {"third_party": "unknown"}, "message": {"confirms_revocation": "unknown"},
                        "dnc": {"litigator": "unknown", "national": "unknown", "states": "unknown"}, "line_type": "unknown"})  # fmt: skip
    for name in ("contact.kind", "debt.third_party", "message.confirms_revocation", "dnc.litigator", "dnc.national", "line_type"):
        assert values[name] is None, name


def test_a_field_of_a_whole_statement_may_stay_open() -> None:
    values = values_of({"consent": {"level": "express", "form": "unknown", "obtained_at": "unknown"}})
    assert values["consent.level"] == "express"
    assert values["consent.form"] is None and values["consent.obtained_at"] is None
    assert values["consent.requested_at"] is NEVER
    values = values_of({"relationship": {"kind": "transaction", "last_at": "2026-01-05T00:00:00Z", "ended_at": "unknown", "member": "unknown"}})
    assert values["relationship.ended_at"] is None and values["relationship.member"] is None
    assert values["relationship.last_inquiry_at"] is NEVER and values["relationship.current"] is False
    values = values_of({"dnc": {"internal": True, "internal_since": "unknown"}})
    assert values["dnc.internal"] is True and values["dnc.internal_since"] is None


@pytest.mark.parametrize("field", ["expires_at", "channels", "covers"])
def test_whether_a_consent_is_in_force_may_stay_open(field: str) -> None:
    values = values_of({"consent": {"level": "express_written", field: "unknown"}})
    assert values["consent.level"] is None and values["consent.covers"] is None


def test_whether_a_consent_was_revoked_may_stay_open() -> None:
    values = values_of({"consent": {"level": "express", "obtained_at": "2026-01-05T00:00:00Z", "revoked_at": "unknown"}})
    assert values["revocations"] is None and values["consent.level"] is None


def test_a_leading_field_left_open_states_nothing() -> None:
    for attempt in ({"consent": {"level": "unknown"}}, {"relationship": {"kind": "unknown"}}, {"dnc": {"internal": "unknown"}}, {"revocations": "unknown"},
                    {"history": {"attempts": "unknown"}}):  # fmt: skip
        values = values_of(attempt)
        assert values == values_of()


# --------------------------------------------------------------------------------------------------------- emergencies


def test_emergencies_without_a_feed_are_open() -> None:
    values = values_of(CHOSEN)
    assert values["emergency.anywhere_in.LA"] is None and values["emergency.proclaimed_day.LA"] is None


def test_the_callers_list_of_declarations_is_whole() -> None:
    values = values_of(CHOSEN | {"emergency": {"declared": []}})
    assert values["emergency.anywhere_in.LA"] is False and values["emergency.proclaimed_day.LA"] is False
    values = values_of(CHOSEN | {"emergency": {"declared": [{"state": "LA"}]}})
    assert values["emergency.anywhere_in.LA"] is True and values["emergency.proclaimed_day.LA"] is False


def test_a_feed_answers_up_to_the_moment_it_was_checked() -> None:
    assert values_of(CHOSEN, feed=Feed((), NOW))["emergency.anywhere_in.LA"] is False
    assert values_of(CHOSEN, feed=Feed((), NOW - 1))["emergency.anywhere_in.LA"] is None
    assert values_of(CHOSEN, feed=Feed((Declaration("LA", start=NOW),), NOW - DAY))["emergency.anywhere_in.LA"] is True
    assert values_of(CHOSEN, feed=Feed((Declaration("LA", start=NOW + 1),), NOW))["emergency.anywhere_in.LA"] is False


def test_a_declaration_holds_if_either_the_feed_or_the_caller_says_so() -> None:
    feed = Feed((Declaration("LA"),), NOW)
    assert values_of(CHOSEN | {"emergency": {"declared": []}}, feed=feed)["emergency.anywhere_in.LA"] is True
    assert values_of(CHOSEN | {"emergency": {"declared": [{"state": "LA"}]}}, feed=Feed((), NOW))["emergency.anywhere_in.LA"] is True


def test_a_county_is_one_of_the_state_of_the_address() -> None:
    feed = Feed((Declaration("NY", county="Erie"),), NOW)
    there = values_of({"contact": {"state": "NY", "county": "Erie"}}, feed=feed)
    assert there["emergency.in.NY"] is True and there["emergency.perhaps_in.NY"] is False
    # The address is in Texas, the area code in New York: where in New York the person may be is not known.
    elsewhere = values_of({"contact": {"state": "TX", "county": "Erie"}}, feed=feed)
    assert elsewhere["emergency.in.NY"] is False and elsewhere["emergency.perhaps_in.NY"] is None


def test_facts_move_on_with_declarations_and_the_feed() -> None:
    facts = facts_of(CHOSEN, feed=Feed((Declaration("LA", start=NOW + DAY, end=NOW + 2 * DAY),), NOW + 3 * DAY))
    assert facts.changes == (NOW + DAY, NOW + 2 * DAY, NOW + 3 * DAY + 1)
    states = [facts.at_instant(at)["emergency.anywhere_in.LA"] for at in (NOW, NOW + DAY - 1, NOW + DAY, NOW + 2 * DAY - 1, NOW + 2 * DAY, NOW + 3 * DAY + 1)]
    assert states == [False, False, True, True, False, None]


# ------------------------------------------------------------------------------------------------------------ trouble


def test_a_store_that_does_not_answer_leaves_everything_of_its_kind_unknown() -> None:
    facts = facts_of(store=Broken())
    for name in ("consent.level", "revocations", "dnc.internal", "history.attempts", "relationship.member", "dnc.national"):
        assert facts.values[name] is None and facts.why[name] == "lookup_unavailable", name
    decision = Guard(Broken()).check(LEAST)
    assert decision.verdict == "deny" and "lookup_unavailable" in {reason["kind"] for reason in decision.reasons}


def test_what_the_caller_states_needs_no_store() -> None:
    facts = facts_of({"consent": {"level": "none"}, "dnc": {"national": False, "internal": False}}, store=Broken())
    assert facts.values["consent.level"] == "none" and facts.values["dnc.national"] is False and "dnc.national" not in facts.why


def test_a_list_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        facts_of({"dnc": {"lists": {"FLA": {"listed": True}}}})
    assert [name for name, _ in caught.value.errors] == ["dnc.lists.FLA"]
    assert values_of({"dnc": {"lists": {"WY": {"listed": True}}}})["dnc.national"] is None  # a state without a list of its own: no matter


@pytest.mark.parametrize("subject", [None, "solar"])
def test_the_attempts_own_marks_stand_beside_its_history(subject) -> None:
    attempt = {"history": {"attempts": []}, "debt": {"id": "d1"}, "from": "1-800-555-0100", "campaign": CAMPAIGN | {"subject": subject}}
    history = values_of(attempt)["history.attempts"]
    assert (history.to, history.debt, history.from_, history.subject, history.asked_at) == ("+12125550123", "d1", "+18005550100", subject, NOW)


def test_an_area_code_not_yet_in_service() -> None:
    from dialguard.facts.areacodes import ACTIVE

    day = parse_instant("2015-01-01T00:00:00Z") // DAY + 719_163
    npa, area = next((npa, area) for npa, area in sorted(ACTIVE.codes.items()) if area.state and (area.in_service_from or 0) > day)
    before = parse_instant("1970-01-05T00:00:00Z") + (area.in_service_from - 719_163 - 8) * DAY
    attempt = {"to": f"+1{npa}5550123"}
    from dialguard.facts.clock import format_instant

    assert values_of(attempt | {"at": format_instant(before)})["number.kind"] == "unassigned"
    assert values_of(attempt | {"at": format_instant(before + 9 * DAY)})["number.kind"] == "geographic"


# ---------------------------------------------------------------------------------------- what the hand-worked tables found


@pytest.mark.parametrize(
    ("covers", "voice", "level"),
    [
        (["texts"], "live", "none"),
        (["live"], "live", "express_written"),
        (["autodialed"], "live", "express_written"),
        (["live"], "prerecorded", "none"),
        (["prerecorded"], "prerecorded", "express_written"),
        (["prerecorded"], "ai", "none"),
        (["ai"], "ai", "express_written"),
        (["other_hours"], "live", "none"),
    ],
)
def test_a_consent_that_does_not_cover_the_contact_is_none(covers: list[str], voice: str, level: str) -> None:
    attempt = {"consent": {"level": "express_written", "covers": covers}, "campaign": CAMPAIGN | {"voice": voice}}
    assert values_of(attempt)["consent.level"] == level


@pytest.mark.parametrize(
    ("relationship", "current"),
    [
        ({"current": True, "ended_at": "2026-01-05T00:00:00Z"}, False),
        ({"current": True, "ended_at": "2026-01-05T00:00:00Z", "last_transaction_at": "2026-01-06T00:00:00Z"}, True),
        ({"current": True, "ended_at": "2026-01-05T00:00:00Z", "last_transaction_at": "2026-01-05T00:00:00Z"}, False),
        ({"current": True}, True),
        ({"current": True, "ended_at": "unknown"}, None),
    ],
)
def test_a_relationship_is_current_until_its_end(relationship: dict[str, object], current: bool | None) -> None:
    assert values_of({"relationship": relationship})["relationship.current"] is current


def test_an_end_told_for_the_moment_of_the_purchase_comes_after_it() -> None:
    values = values_of({"relationship": {"last_transaction_at": "2026-01-05T00:00:00Z", "ended_at": "2026-01-05T00:00:00Z"}})
    assert values["relationship.ended_at"] > values["relationship.last_transaction_at"]


def test_a_conversation_among_the_attempts_is_one() -> None:
    spoken = {"at": "2026-01-05T00:00:00Z", "outcome": "conversation"}
    found = values_of({"history": {"attempts": [spoken, {"at": "2026-01-06T00:00:00Z", "outcome": "no_answer"}]}})
    assert found["history.last_conversation_at"] == parse_instant(spoken["at"])
    assert values_of({"history": {"attempts": []}})["history.last_conversation_at"] is None


def test_the_word_never_says_that_it_did_not_happen() -> None:
    values = values_of(
        {"contact": {"ceased_at": "never", "last_inbound_at": "never"}, "history": {"last_conversation_at": "never"}, "line": {"ported_to_wireless_at": "never"}}
    )
    for name in ("contact.ceased_at", "contact.last_inbound_at", "history.last_conversation_at", "line.ported_to_wireless_at"):
        assert values[name] is NEVER, name
    with pytest.raises(InvalidInput):
        facts_of({"consent": {"level": "express", "obtained_at": "never"}})


def test_a_collector_without_a_store_may_say_that_nothing_stands_against_the_call() -> None:
    attempt = {
        "campaign": CAMPAIGN | {"purpose": "debt_collection"}, "at": "2026-03-03T12:00:00-05:00", "revocations": [], "consent": {"level": "none"},
        "contact": {"ceased_at": "never", "attorney": False, "inconvenient": {"every_day": "none"}, "agreed_hours": {"every_day": "none"},
                    "at_work": False, "employer_forbids": False, "kind": "consumer"},
        "history": {"attempts": [], "last_conversation_at": "never"}, "dnc": {"internal": False, "national": False, "states": []},
        "relationship": {"kind": "none"},
    }  # fmt: skip
    decision = Guard(no_store=True).check(LEAST | attempt)
    assert decision.verdict == "allow", decision.reasons
