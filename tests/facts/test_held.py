"""What caller and store together say: adverse facts hold from either side, statements replace, absence needs a complete record."""

import pytest

from dialguard.facts.clock import parse_instant
from dialguard.facts.held import ALWAYS, CLOSED
from dialguard.model.history import Entry
from dialguard.model.moment import DAY, HOUR, NEVER, SECOND
from dialguard.model.records import Consent, ContactRecord, Internal, LookUp, Relationship, Revocation
from tests.facts.gathering import AT, CAMPAIGN, facts_of, values_of

NOW = parse_instant(AT)
SINCE = NOW - 900 * DAY
EMPTY = LookUp(complete_since=SINCE)
MORNING = (((9 * 3600, 12 * 3600),),) * 7


def rfc(instant: int) -> str:
    from dialguard.facts.clock import format_instant

    return format_instant(instant)


# ------------------------------------------------------------------------------------------------- a complete record


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("consent.level", "none"), ("consent.form", frozenset()), ("consent.covers", frozenset()), ("consent.obtained_at", NEVER),
        ("consent.requested_at", NEVER), ("revocations", False), ("revocations.any", False), ("message.within_five_minutes", False),
        ("relationship.last_transaction_at", NEVER), ("relationship.last_inquiry_at", NEVER), ("relationship.ended_at", NEVER),
        ("relationship.donor_at", NEVER), ("relationship.current", False), ("relationship.open_contract", False),
        ("relationship.member", False), ("relationship.personal", False), ("dnc.internal", False), ("dnc.internal_since", NEVER),
        ("history.last_conversation_at", NEVER), ("contact.agreed_hours", CLOSED), ("contact.inconvenient", CLOSED),
        ("contact.inconvenient_places", frozenset()), ("contact.at_work", False), ("contact.employer_forbids", False),
        ("contact.attorney", False), ("contact.ceased_at", NEVER), ("contact.last_inbound_at", NEVER),
    ],
)  # fmt: skip
def test_absence_is_known_where_the_record_is_complete_and_unknown_elsewhere(name: str, absent) -> None:
    assert values_of(found=EMPTY)[name] == absent
    assert values_of(found=LookUp())[name] is None
    # A record that is complete from tomorrow on says nothing of today.
    assert values_of(found=LookUp(complete_since=NOW + 1))[name] is None
    assert values_of(found=LookUp(complete_since=NOW))[name] == absent


def test_a_complete_record_counts_from_its_day_on() -> None:
    history = values_of(found=EMPTY)["history.attempts"]
    assert history.complete_since == SINCE and history.entries == ()
    assert values_of(found=LookUp())["history.attempts"] is None


# ------------------------------------------------------------------------------------------------------------ consent


def test_a_given_consent_replaces_the_held_one() -> None:
    held = LookUp(consents=(Consent("express_written", obtained_at=NOW - DAY),), complete_since=SINCE)
    assert values_of(found=held)["consent.level"] == "express_written"
    assert values_of({"consent": {"level": "express"}}, found=held)["consent.level"] == "express"
    assert values_of({"consent": {"level": "none"}}, found=held)["consent.level"] == "none"
    assert values_of({"consent": {"level": "unknown"}}, found=held)["consent.level"] == "express_written"


def test_a_held_revocation_voids_a_given_consent_that_is_not_newer() -> None:
    held = LookUp(revocations=(Revocation(NOW - DAY),), complete_since=SINCE)

    def stated(obtained: int):
        return values_of({"consent": {"level": "express", "obtained_at": rfc(obtained)}}, found=held)

    for obtained in (NOW - 2 * DAY, NOW - DAY):
        assert stated(obtained)["consent.level"] == "none" and stated(obtained)["revocations"] is True
    assert stated(NOW - DAY + SECOND)["consent.level"] == "express" and stated(NOW - DAY + SECOND)["revocations"] is False
    assert values_of({"consent": {"level": "express"}}, found=held)["consent.level"] == "none"


def test_a_consent_stated_whole_was_not_revoked() -> None:
    values = values_of({"consent": {"level": "express", "obtained_at": rfc(NOW - DAY)}})
    assert values["revocations"] is False and values["consent.requested_at"] is NEVER and values["consent.form"] == frozenset()
    assert values_of({"consent": {"level": "none"}})["revocations"] is False


def test_revocations_hold_if_either_says_so() -> None:
    held = LookUp(revocations=(Revocation(NOW - DAY),), complete_since=SINCE)
    assert values_of({"revocations": []}, found=held)["revocations"] is True
    assert values_of({"revocations": [{"at": rfc(NOW - DAY)}]}, found=EMPTY)["revocations"] is True
    assert values_of({"revocations": []})["revocations"] is False
    assert values_of({"revocations": [{"at": rfc(NOW + SECOND)}]})["revocations"] is False


def test_revocations_alone_say_nothing_of_consent() -> None:
    assert values_of({"revocations": []})["consent.level"] is None
    # A revocation that reaches the contact voids whatever consent there was.
    assert values_of({"consent": {"revoked_at": rfc(NOW - DAY)}})["revocations"] is True


def test_an_incomplete_record_may_miss_a_revocation_but_not_invent_one() -> None:
    assert values_of(found=LookUp(consents=(Consent("express", obtained_at=NOW - DAY),)))["revocations"] is None
    assert values_of(found=LookUp(revocations=(Revocation(NOW - DAY),)))["revocations"] is True
    values = values_of(found=LookUp(revocations=(Revocation(NOW - DAY, "medium", channel="sms"),)))
    assert values["revocations"] is None and values["revocations.any"] is True


def test_a_consent_held_for_another_channel_is_none_where_the_record_is_complete() -> None:
    texts = (Consent("express_written", obtained_at=NOW - DAY, channels=("sms",)),)
    assert values_of(found=LookUp(consents=texts, complete_since=SINCE))["consent.level"] == "none"


# ------------------------------------------------------------------------------------------------------- relationship


def test_a_given_relationship_replaces_the_held_one_limb_by_limb() -> None:
    held = LookUp(relationship=Relationship(last_transaction_at=NOW - DAY, member=True), complete_since=SINCE)
    assert values_of(found=held)["relationship.last_transaction_at"] == NOW - DAY
    values = values_of({"relationship": {"kind": "inquiry", "last_at": rfc(NOW - 2 * DAY)}}, found=held)
    assert values["relationship.last_inquiry_at"] == NOW - 2 * DAY
    assert values["relationship.last_transaction_at"] is NEVER and values["relationship.member"] is False
    values = values_of({"relationship": {"last_transaction_at": rfc(NOW - 3 * DAY), "last_inquiry_at": rfc(NOW - DAY), "current": True}})
    assert (values["relationship.last_transaction_at"], values["relationship.last_inquiry_at"]) == (NOW - 3 * DAY, NOW - DAY)
    assert values["relationship.current"] is True and values["relationship.open_contract"] is False and values["relationship.donor_at"] is NEVER


def test_no_relationship_and_a_personal_one() -> None:
    values = values_of({"relationship": {"kind": "none"}})
    assert values["relationship.last_transaction_at"] is NEVER and values["relationship.personal"] is False
    assert values_of({"relationship": {"kind": "personal"}})["relationship.personal"] is True


def test_a_limb_that_is_named_without_its_date_is_open() -> None:
    assert values_of({"relationship": {"kind": "transaction"}})["relationship.last_transaction_at"] is None
    assert values_of({"relationship": {"kind": "transaction"}})["relationship.last_inquiry_at"] is NEVER


def test_an_end_holds_if_either_says_so_and_the_later_one() -> None:
    held = LookUp(relationship=Relationship(ended_at=NOW - DAY), complete_since=SINCE)
    stated = {"kind": "transaction", "last_at": rfc(NOW - 9 * DAY)}
    assert values_of({"relationship": stated}, found=held)["relationship.ended_at"] == NOW - DAY
    assert values_of({"relationship": stated | {"ended_at": rfc(NOW - 2 * DAY)}}, found=held)["relationship.ended_at"] == NOW - DAY
    assert values_of({"relationship": stated | {"ended_at": rfc(NOW - HOUR)}}, found=held)["relationship.ended_at"] == NOW - HOUR
    # An end announced for later does not hide the one that has come.
    assert values_of({"relationship": stated | {"ended_at": rfc(NOW + DAY)}}, found=held)["relationship.ended_at"] == NOW - DAY


def test_an_end_told_for_later_counts_when_it_has_come() -> None:
    stated = {"kind": "transaction", "last_at": rfc(NOW - 9 * DAY), "current": True, "ended_at": rfc(NOW + DAY)}
    facts = facts_of({"relationship": stated})
    assert facts.values["relationship.ended_at"] is NEVER and facts.values["relationship.current"] is True
    assert facts.changes == (NOW + DAY,)
    before, after = facts.at_instant(NOW + DAY - 1), facts.at_instant(NOW + DAY)
    assert before["relationship.ended_at"] is NEVER and before["relationship.current"] is True
    assert after["relationship.ended_at"] == NOW + DAY and after["relationship.current"] is False
    # Beside a consent and a revocation that move too.
    facts = facts_of({"relationship": stated, "consent": {"level": "express", "expires_at": rfc(NOW + 2 * DAY)}})
    assert facts.changes == (NOW + DAY, NOW + 2 * DAY)
    assert facts.at_instant(NOW + 2 * DAY)["relationship.current"] is False and facts.at_instant(NOW + 2 * DAY)["consent.level"] == "none"


# ------------------------------------------------------------------------------------------------------ internal list


def test_the_sellers_own_list_holds_if_either_says_so() -> None:
    listed = LookUp(internal=Internal(True, NOW - DAY, "texts"), complete_since=SINCE)
    values = values_of({"dnc": {"internal": False}}, found=listed)
    assert values["dnc.internal"] is True and values["dnc.internal_since"] == NOW - DAY and values["dnc.internal_scope"] == "texts"
    values = values_of({"dnc": {"internal": True, "internal_since": rfc(NOW - 2 * DAY)}}, found=EMPTY)
    assert values["dnc.internal"] is True and values["dnc.internal_since"] == NOW - 2 * DAY
    assert values_of({"dnc": {"internal": False}})["dnc.internal"] is False
    assert values_of({"dnc": {"internal": True}})["dnc.internal_since"] is NEVER


def test_a_number_taken_off_is_known_to_be_off_only_in_a_complete_record() -> None:
    assert values_of(found=LookUp(internal=Internal(False), complete_since=SINCE))["dnc.internal"] is False
    assert values_of(found=LookUp(internal=Internal(False)))["dnc.internal"] is None
    assert values_of(found=LookUp(internal=Internal(True, NOW - DAY)))["dnc.internal"] is True


def test_the_wider_of_two_scopes_holds() -> None:
    everything = LookUp(internal=Internal(True, NOW - DAY), complete_since=SINCE)
    assert values_of({"dnc": {"internal": True, "internal_scope": "texts"}}, found=everything)["dnc.internal_scope"] is None
    texts = LookUp(internal=Internal(True, NOW - DAY, "texts"), complete_since=SINCE)
    assert values_of({"dnc": {"internal": True}}, found=texts)["dnc.internal_scope"] is None
    assert values_of({"dnc": {"internal": True, "internal_scope": "calls"}}, found=texts)["dnc.internal_scope"] is None
    assert values_of({"dnc": {"internal": True, "internal_scope": "texts"}}, found=texts)["dnc.internal_scope"] == "texts"


# ------------------------------------------------------------------------------------------------------------ contact


def contact(**fields) -> LookUp:
    return LookUp(contact=ContactRecord(**fields), complete_since=SINCE)


@pytest.mark.parametrize("name", ["at_work", "employer_forbids", "attorney"])
def test_a_bar_holds_if_either_says_so(name: str) -> None:
    assert values_of({"contact": {name: False}}, found=contact(**{name: True}))[f"contact.{name}"] is True
    assert values_of({"contact": {name: True}}, found=contact(**{name: False}))[f"contact.{name}"] is True
    assert values_of({"contact": {name: False}}, found=EMPTY)[f"contact.{name}"] is False
    assert values_of(found=contact(**{name: False}))[f"contact.{name}"] is False


def test_inconvenient_times_of_both_sides_add_up() -> None:
    held = contact(inconvenient=({"days": ["mon"], "from": "11:00", "to": "14:00"},))
    week = values_of({"contact": {"inconvenient": {"mon": "09:00-12:00", "tue": "08:00-09:00"}}}, found=held)["contact.inconvenient"]
    assert week[0] == ((9 * 3600, 14 * 3600),) and week[1] == ((8 * 3600, 9 * 3600),)
    assert values_of(found=held)["contact.inconvenient"][0] == ((11 * 3600, 14 * 3600),)


def test_windows_of_the_record_may_be_written_as_attempts_write_them() -> None:
    assert values_of(found=contact(agreed_hours=("09:00-12:00",)))["contact.agreed_hours"] == MORNING
    overlapping = contact(inconvenient=("09:00-11:00", {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "10:00", "to": "12:00"}))
    assert values_of(found=overlapping)["contact.inconvenient"] == MORNING
    assert values_of(found=contact(agreed_hours=()))["contact.agreed_hours"] == CLOSED


def test_places_of_the_record_are_inconvenient_too() -> None:
    held = contact(inconvenient=({"place": "work", "days": ["Mon"]}, "09:00-12:00"))
    values = values_of(found=held)
    assert values["contact.inconvenient_places"] == {"work"} and values["contact.inconvenient"] == MORNING
    values = values_of({"contact": {"inconvenient": {"places": ["church"]}}}, found=held)
    assert values["contact.inconvenient_places"] == {"work", "church"}


def test_windows_of_the_record_that_nobody_can_read_are_unknown() -> None:
    values = values_of(found=contact(inconvenient=("after lunch",), agreed_hours=("mornings",)))
    assert values["contact.inconvenient"] is None and values["contact.agreed_hours"] is None
    # What can be read of them holds all the same for what the caller states.
    assert values_of({"contact": {"agreed_hours": "09:00-12:00"}}, found=contact(agreed_hours=("mornings",)))["contact.agreed_hours"] == MORNING
    assert values_of({"contact": {"inconvenient": "09:00-12:00"}}, found=contact(inconvenient=("after lunch",)))["contact.inconvenient"] is None


def test_the_end_of_contact_holds_if_either_says_so() -> None:
    held = contact(ceased_at=NOW - DAY)
    assert values_of(found=held)["contact.ceased_at"] == NOW - DAY
    assert values_of({"contact": {"ceased_at": rfc(NOW - 2 * DAY)}}, found=held)["contact.ceased_at"] == NOW - 2 * DAY
    # A moment that has not come does not hide one that has.
    assert values_of({"contact": {"ceased_at": rfc(NOW + DAY)}}, found=held)["contact.ceased_at"] == NOW - DAY
    assert values_of({"contact": {"ceased_at": rfc(NOW - HOUR)}}, found=EMPTY)["contact.ceased_at"] == NOW - HOUR


# ------------------------------------------------------------------------------------------------------------ history


def test_the_later_conversation_counts_of_those_that_have_been() -> None:
    held = LookUp(last_conversation_at=NOW - DAY, complete_since=SINCE)
    assert values_of(found=held)["history.last_conversation_at"] == NOW - DAY
    assert values_of({"history": {"last_conversation_at": rfc(NOW - HOUR)}}, found=held)["history.last_conversation_at"] == NOW - HOUR
    assert values_of({"history": {"last_conversation_at": rfc(NOW - 9 * DAY)}}, found=held)["history.last_conversation_at"] == NOW - DAY
    assert values_of({"history": {"last_conversation_at": rfc(NOW + DAY)}}, found=held)["history.last_conversation_at"] == NOW - DAY


def past(at: int, **fields) -> Entry:
    return Entry(at, **fields)


def test_attempts_of_both_sides_add_up_and_the_same_one_counts_once() -> None:
    held = LookUp(attempts=(past(NOW - 2 * HOUR, to="+12125550123", channel="voice", outcome="busy"),), complete_since=SINCE)

    def entries(*stated):
        return values_of({"history": {"attempts": list(stated)}}, found=held)["history.attempts"].entries

    assert len(entries()) == 1
    assert len(entries({"at": rfc(NOW - 2 * HOUR)})) == 1
    assert len(entries({"at": rfc(NOW - 2 * HOUR), "to": "212-555-0123", "channel": "voice", "outcome": "busy"})) == 1
    assert len(entries({"at": rfc(NOW - HOUR)})) == 2
    # Another channel, another attempt; and one account stands for one attempt only.
    assert len(entries({"at": rfc(NOW - 2 * HOUR), "channel": "sms"})) == 2
    assert len(entries({"at": rfc(NOW - 2 * HOUR)}, {"at": rfc(NOW - 2 * HOUR)})) == 2


def test_two_held_attempts_of_one_moment_stay_two() -> None:
    both = (past(NOW - HOUR, to="+12125550123"), past(NOW - HOUR, to="+12125550124"))
    history = values_of({"history": {"attempts": [{"at": rfc(NOW - HOUR)}]}}, found=LookUp(attempts=both, complete_since=SINCE))["history.attempts"]
    assert len(history.entries) == 2


def test_an_account_of_the_same_attempt_matches_whatever_either_leaves_out() -> None:
    held = LookUp(attempts=(past(NOW - HOUR, channel="voice", outcome="no_answer"),), complete_since=SINCE)
    (entry,) = values_of({"history": {"attempts": [{"at": rfc(NOW - HOUR), "purpose": "telemarketing", "channel": "voice"}]}}, found=held)["history.attempts"].entries
    assert entry == Entry(NOW - HOUR, channel="voice")


def test_the_callers_list_of_attempts_is_whole() -> None:
    assert values_of({"history": {"attempts": []}})["history.attempts"].complete_since == ALWAYS
    assert values_of({"history": {"last_24h": 0}})["history.attempts"].complete_since is None


def test_figures_beyond_the_record_show_that_it_is_not_whole() -> None:
    held = LookUp(attempts=(past(NOW - HOUR), past(NOW - 3 * DAY)), complete_since=SINCE)
    for bounds in ({"last_24h": 1}, {"last_7d": 2}, {"last_30d": 2}, {"last_24h": 1, "last_7d": 2, "last_30d": 2}, {"last_24h": 0}):
        assert values_of({"history": bounds}, found=held)["history.attempts"].complete_since == SINCE, bounds
    for bounds in ({"last_24h": 2}, {"last_7d": 3}, {"last_30d": 3}, {"last_24h": 1, "last_7d": 5}):
        assert values_of({"history": bounds}, found=held)["history.attempts"].complete_since is None, bounds


def test_consent_is_judged_for_the_contact_at_hand() -> None:
    held = LookUp(revocations=(Revocation(NOW - DAY, "category", "solar"),), complete_since=SINCE)
    assert values_of({"campaign": CAMPAIGN | {"subject": "solar"}}, found=held)["revocations"] is True
    assert values_of({"campaign": CAMPAIGN | {"subject": "roofs"}}, found=held)["revocations"] is False
    assert values_of({"campaign": CAMPAIGN}, found=held)["revocations"] is True
