"""What every store does, run on each of them."""

import threading
from datetime import date

import pytest

from dialguard.ledger.errors import RecordError
from dialguard.lists.importing import import_list
from dialguard.lists.reassigned import import_answers
from dialguard.model.history import Entry
from dialguard.model.moment import DAY, HOUR
from dialguard.model.records import Consent, ContactRecord, Internal, LookUp, LookUpFailed, Relationship, Revocation
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.memory import MemoryStore
from dialguard.storage.slots import Asked
from tests.storage.conftest import opened

T = 1_700_000_000_000_000
A, B, C = "+13055550100", "+13055550101", "+12125550102"


class Following(EmbeddedStore):
    """Asked as a service asks it: in groups."""

    def look_up(self, **asked) -> LookUp:
        with self.still():
            return super().look_up(**asked)


@pytest.fixture(params=["memory", "embedded", "following", "redis", "cluster"])
def store(request, tmp_path):
    made = Following(tmp_path, follow=True) if request.param == "following" else opened(request.param, request, tmp_path)
    yield made
    made.close()


def ask(store, number=A, *, at=T, **more) -> LookUp:
    return store.look_up(seller="acme", number=number, at=at, **more)


def entry(number=A, *, known_at=T - 100 * DAY, **more) -> dict:
    return {"seller": "acme", "number": number, "known_at": known_at, **more}


# -- absence


def test_an_empty_store_knows_nothing_and_is_complete_for_nobody(store):
    assert ask(store) == LookUp()


def test_absence_is_known_only_from_the_declared_date_on(store):
    store.declare_complete("acme", T, known_at=T)
    assert ask(store, at=T).complete_since == T
    assert ask(store, at=T + 1).complete_since == T
    assert ask(store, at=T - 1).complete_since is None


def test_a_declaration_is_for_one_seller(store):
    store.declare_complete("acme", T - DAY, known_at=T)
    assert store.look_up(seller="other", number=A, at=T).complete_since is None


def test_the_last_declaration_counts_and_may_withdraw(store):
    store.declare_complete("acme", T - 9 * DAY, known_at=T - 8 * DAY)
    store.declare_complete("acme", T - 5 * DAY, known_at=T - 4 * DAY)
    assert ask(store).complete_since == T - 5 * DAY
    assert ask(store, at=T - 6 * DAY).complete_since is None
    store.declare_complete("acme", None, known_at=T)
    assert ask(store).complete_since is None
    assert ask(store, as_of=T - 1).complete_since == T - 5 * DAY
    assert ask(store, as_of=T - 4 * DAY - 1).complete_since == T - 9 * DAY


def test_sellers_never_cross(store):
    store.suppress(at=T - DAY, **entry(person="p"))
    store.record_consent(level="express", **entry(person="p"))
    store.record_attempt(at=T - DAY, **entry(person="p"))
    assert store.look_up(seller="acme2", number=A, person="p", at=T) == LookUp()


# -- pauses of campaigns


def pause(store, campaign="c", *, at=T - DAY, known_at=None, until=None, seller="acme"):
    store.pause_campaign(seller=seller, campaign=campaign, at=at, known_at=known_at or at, until=until, reason="too many", by="house.x")


def paused(store, at=T, **more):
    return [(each.campaign, each.since, each.until, each.by, each.id) for each in ask(store, at=at, **more).pauses]


def test_a_pause_stands_from_its_moment_until_just_before_its_end_for_every_number_of_its_seller(store):
    pause(store, at=T, until=T + DAY)
    pause(store, None, at=T + HOUR)
    assert [len(paused(store, at)) for at in (T - 1, T, T + HOUR, T + DAY - 1, T + DAY)] == [0, 1, 2, 2, 1]
    assert paused(store, T) == [("c", T, T + DAY, "house.x", "pause:1")]
    store.record_consent(level="express", **entry(B))
    assert {number: found.pauses for number, found in store.look_up_many("acme", [A, B], T).items()} == dict.fromkeys((A, B), ask(store).pauses)
    assert store.look_up(seller="other", number=A, at=T).pauses == ()


def test_who_resumes_a_campaign_lifts_what_was_recorded_before_and_nothing_else(store):
    pause(store, at=T - 3 * DAY)
    pause(store, at=T - 2 * DAY, until=T + 9 * DAY)
    pause(store, "d", at=T - 2 * DAY)
    pause(store, None, at=T - 2 * DAY)
    store.resume_campaign(seller="acme", campaign="c", at=T - DAY, known_at=T - DAY, reason="mended", by="Ann")
    assert [each[0] for each in paused(store)] == ["d", None]
    assert [each[0] for each in paused(store, T - DAY - 1)] == ["c", "c", "d", None]
    assert [each[0] for each in paused(store, as_of=T - DAY - 1)] == ["c", "c", "d", None]
    pause(store, at=T - 2 * DAY, known_at=T)  # of which nobody knew when it was resumed
    assert [each[0] for each in paused(store)] == ["d", None, "c"]
    store.resume_campaign(seller="acme", campaign=None, at=T, known_at=T, reason="mended", by="Ann")
    assert [each[0] for each in paused(store)] == ["d", "c"]


def test_a_shorter_pause_does_not_shorten_a_longer_one(store):
    pause(store, at=T - DAY)
    pause(store, at=T - HOUR, until=T + 1)
    assert [each[4] for each in paused(store, T + 1)] == ["pause:1"]


# -- consent


def test_a_consent_comes_back_as_it_was_recorded(store):
    id_ = store.record_consent(
        level="express_written",
        form="agreement",
        covers=["texts", "live"],
        obtained_at=T - 2 * DAY,
        requested_at=T - 3 * DAY,
        expires_at=T + DAY,
        channels={"sms", "voice"},
        reference="form 7",
        **entry(),
    )
    found = ask(store)
    assert found.consent == Consent(
        "express_written", ("agreement",), ("live", "texts"), T - 2 * DAY, T - 3 * DAY, T + DAY, ("voice", "sms"), "form 7", id_
    )
    assert found.consents == (found.consent,)


@pytest.mark.parametrize(("at", "held"), [(T - 1, False), (T, True), (T + DAY - 1, True), (T + DAY, False)])
def test_a_consent_counts_from_its_moment_until_just_before_its_end(store, at, held):
    store.record_consent(level="express", obtained_at=T, expires_at=T + DAY, **entry())
    assert (ask(store, at=at).consent is not None) is held


def test_a_consent_of_unknown_day_counts_from_when_it_was_recorded(store):
    store.record_consent(level="express", **entry(known_at=T))
    assert ask(store, at=T - 1).consent is None
    assert ask(store, at=T).consent.obtained_at is None


def test_the_highest_level_is_the_best_and_then_the_latest(store):
    written = store.record_consent(level="express_written", obtained_at=T - 9 * DAY, channels=["sms"], **entry())
    store.record_consent(level="express", obtained_at=T - DAY, **entry())
    assert ask(store).consent.id == written
    later = store.record_consent(level="express_written", obtained_at=T - 8 * DAY, channels=["voice"], **entry())
    assert [consent.id for consent in ask(store).consents] == [later, written, "consent:2"]


def test_the_latest_of_a_level_and_channels_stands_even_when_it_has_expired(store):
    store.record_consent(level="express_written", obtained_at=T - 9 * DAY, **entry())
    store.record_consent(level="express_written", obtained_at=T - 5 * DAY, expires_at=T - DAY, **entry())
    assert ask(store, at=T - DAY - 1).consent.obtained_at == T - 5 * DAY
    assert ask(store).consent is None


def test_a_later_none_ends_consent_and_a_newer_consent_begins_again(store):
    store.record_consent(level="express_written", obtained_at=T - 9 * DAY, channels=["sms"], **entry())
    none = store.record_consent(level="none", obtained_at=T - 5 * DAY, **entry())
    assert ask(store, at=T - 5 * DAY - 1).consent.level == "express_written"
    assert ask(store, at=T - 5 * DAY).consent == Consent("none", obtained_at=T - 5 * DAY, id=none)
    store.record_consent(level="express", obtained_at=T - 5 * DAY + 1, **entry())
    assert [consent.level for consent in ask(store).consents] == ["express"]


def test_a_consent_belongs_to_its_number_even_for_the_same_person(store):
    store.record_consent(level="express", **entry(A, person="p"))
    assert ask(store, B, person="p").consent is None


# -- revocation


def test_every_revocation_is_given_also_a_later_one(store):
    later = store.record_revocation(at=T + DAY, scope="category", subject="loans", channel="sms", means="STOP", **entry())
    first = store.record_revocation(at=T - DAY, **entry())
    assert ask(store).revocations == (
        Revocation(T - DAY, "all", id=first),
        Revocation(T + DAY, "category", "loans", "sms", "STOP", later),
    )


def test_a_person_revokes_on_every_number_but_not_for_another_person(store):
    store.record_revocation(at=T - DAY, **entry(B, person="p"))
    store.record_revocation(at=T - 2 * DAY, **entry(B, person="q"))
    store.record_revocation(at=T - 3 * DAY, **entry(B))
    assert ask(store, A).revocations == ()
    assert [one.at for one in ask(store, A, person="p").revocations] == [T - 3 * DAY, T - DAY]
    assert len(ask(store, B, person="p").revocations) == 3


# -- relationship


def test_each_limb_stands_on_its_own_by_its_own_date(store):
    store.record_relationship(last_transaction_at=T - 9 * DAY, **entry())
    store.record_relationship(last_inquiry_at=T - DAY, **entry())
    store.record_relationship(last_transaction_at=T + 1, donor_at=T, **entry())
    assert ask(store).relationship == Relationship(last_transaction_at=T - 9 * DAY, last_inquiry_at=T - DAY, donor_at=T)
    assert ask(store, at=T - 10 * DAY).relationship is None


def test_a_flag_holds_from_its_moment_until_the_next_statement_or_the_end(store):
    store.record_relationship(current=True, member=True, valid_at=T - 9 * DAY, **entry())
    store.record_relationship(current=False, valid_at=T - 5 * DAY, **entry())
    store.record_relationship(ended_at=T - 2 * DAY, **entry())
    assert ask(store, at=T - 9 * DAY - 1).relationship is None
    assert ask(store, at=T - 5 * DAY - 1).relationship == Relationship(current=True, member=True)
    assert ask(store, at=T - 5 * DAY).relationship == Relationship(member=True)
    assert ask(store).relationship == Relationship(ended_at=T - 2 * DAY)
    store.record_relationship(open_contract=True, valid_at=T - 2 * DAY, **entry())
    assert not ask(store).relationship.open_contract
    store.record_relationship(open_contract=True, valid_at=T - 2 * DAY + 1, **entry())
    assert ask(store).relationship.open_contract


def test_from_another_number_of_the_person_only_the_end_of_a_relationship_counts(store):
    store.record_relationship(current=True, valid_at=T - 9 * DAY, **entry(A))
    store.record_relationship(last_transaction_at=T - 3 * DAY, ended_at=T - DAY, **entry(B, person="p"))
    assert ask(store, A).relationship == Relationship(current=True)
    assert ask(store, A, person="p").relationship == Relationship(ended_at=T - DAY)


# -- own list


def test_a_number_is_listed_from_its_moment_until_it_is_taken_off(store):
    store.suppress(at=T - 9 * DAY, **entry())
    store.suppress(at=T - 5 * DAY, **entry())
    store.unsuppress(at=T - DAY, **entry())
    assert ask(store, at=T - 9 * DAY - 1).internal is None
    assert ask(store, at=T - 9 * DAY).internal == Internal(True, T - 9 * DAY)
    assert ask(store, at=T - 5 * DAY).internal == Internal(True, T - 5 * DAY)
    assert ask(store).internal == Internal(False)


def test_scopes_are_listed_apart_and_shown_as_the_wider(store):
    store.suppress(at=T - 9 * DAY, scope="loans", **entry())
    assert ask(store).internal == Internal(True, T - 9 * DAY, "loans")
    store.suppress(at=T - 8 * DAY, scope="cards", **entry())
    assert ask(store).internal == Internal(True, T - 8 * DAY, None)
    store.unsuppress(at=T - 7 * DAY, scope="cards", **entry())
    assert ask(store).internal == Internal(True, T - 9 * DAY, "loans")
    store.suppress(at=T - 6 * DAY, scope="all", **entry())
    store.unsuppress(at=T - 5 * DAY, scope="loans", **entry())
    assert ask(store).internal == Internal(True, T - 6 * DAY, None)
    store.unsuppress(at=T - 4 * DAY, **entry())
    assert ask(store).internal == Internal(False)


def test_the_own_list_holds_for_the_person_and_is_left_number_by_number(store):
    store.suppress(at=T - 9 * DAY, **entry(A, person="p"))
    store.suppress(at=T - 8 * DAY, **entry(B, person="p"))
    store.unsuppress(at=T - 7 * DAY, **entry(A, person="p"))
    assert ask(store, A).internal == Internal(False)
    assert ask(store, A, person="p").internal == Internal(True, T - 8 * DAY)
    assert ask(store, C, person="p").internal.listed
    store.unsuppress(at=T - 6 * DAY, **entry(B, person="p"))
    assert ask(store, C, person="p").internal is None


# -- attempts


def test_an_attempt_comes_back_as_it_was_recorded(store):
    store.record_attempt(
        at=T - DAY, channel="voice", purpose="debt_collection", subject="bill", voice="live", outcome="busy", debt="d1",
        from_="+18005550000", reference="x", **entry(),
    )  # fmt: skip
    assert ask(store).attempts == (
        Entry(T - DAY, A, "voice", "debt_collection", "bill", "live", "busy", "d1", "+18005550000"),
    )


def test_attempts_reach_back_400_days_up_to_the_moment_itself(store):
    moments = (T - 400 * DAY, T - 400 * DAY + 1, T, T + 1)
    store.record_many("attempt", [entry(at=at) for at in moments])
    assert [attempt.at for attempt in ask(store).attempts] == [T - 400 * DAY + 1, T]


def test_attempts_to_any_number_of_the_person_count(store):
    store.record_attempt(at=T - 3 * DAY, **entry(A))
    store.record_attempt(at=T - 2 * DAY, **entry(B))
    store.record_attempt(at=T - DAY, **entry(C, person="p"))
    store.record_consent(level="express", **entry(B, person="p"))
    assert [attempt.to for attempt in ask(store, A).attempts] == [A]
    assert [attempt.to for attempt in ask(store, A, person="p").attempts] == [A, B, C]


def test_an_outcome_is_attached_by_id_or_by_reference_and_counts_from_its_moment(store):
    first = store.record_attempt(at=T - DAY, **entry())
    store.record_attempt(at=T - 9 * HOUR, reference="r", **entry())
    store.record_attempt(at=T - 8 * HOUR, reference="r", outcome="busy", **entry())
    store.record_outcome(seller="acme", attempt=first, outcome="no_answer", at=T - DAY + HOUR, known_at=T - DAY + HOUR)
    store.record_outcome(seller="acme", attempt=first, outcome="voicemail", at=T - HOUR, known_at=T)
    store.record_outcome(seller="acme", reference="r", outcome="hung_up", at=T - HOUR, known_at=T)
    assert [attempt.outcome for attempt in ask(store).attempts] == ["voicemail", None, "hung_up"]
    assert [attempt.outcome for attempt in ask(store, at=T - HOUR - 1).attempts] == ["no_answer", None, "busy"]
    assert [attempt.outcome for attempt in ask(store, as_of=T - 1).attempts] == ["no_answer", None, "busy"]


def test_the_last_conversation_is_the_latest_attempt_that_was_one_or_a_stated_one(store):
    first = store.record_attempt(at=T - 9 * DAY, outcome="conversation", **entry())
    second = store.record_attempt(at=T - 5 * DAY, **entry(B, person="p"))
    assert ask(store).last_conversation_at == T - 9 * DAY
    store.record_outcome(seller="acme", attempt=second, outcome="conversation", at=T - 5 * DAY, known_at=T - DAY)
    store.record_outcome(seller="acme", attempt=second, outcome="complaint", at=T - 4 * DAY, known_at=T - DAY)
    found = ask(store, person="p")
    assert found.last_conversation_at == T - 5 * DAY
    assert found.attempts[1].outcome == "complaint"
    store.record_contact(conversation_at=T - 2 * DAY, **entry(C, person="p"))
    store.record_contact(conversation_at=T + 1, **entry(C, person="p"))
    assert ask(store, person="p").last_conversation_at == T - 2 * DAY
    assert ask(store, person="p").contact is None
    store.retract(seller="acme", id=first, known_at=T)
    assert ask(store).last_conversation_at is None


# -- contact facts


def test_contact_facts_come_back_each_by_its_latest_statement(store):
    store.record_contact(
        agreed_hours=["09:00-12:00"], inconvenient=[{"place": "work", "days": ["Mon"]}], at_work=True,
        employer_forbids=True, attorney=False, valid_at=T - 9 * DAY, **entry(),
    )  # fmt: skip
    store.record_contact(agreed_hours=[], at_work=False, valid_at=T - DAY, **entry())
    assert ask(store, at=T - 9 * DAY - 1).contact is None
    assert ask(store, at=T - DAY - 1).contact.agreed_hours == ("09:00-12:00",)
    assert ask(store).contact == ContactRecord((), ({"place": "work", "days": ["Mon"]},), False, True, False, None, None)


def test_contact_ceased_at_the_first_notice_and_the_last_message_counts(store):
    store.record_contact(ceased_at=T - DAY, last_inbound_at=T - 9 * DAY, **entry())
    store.record_contact(ceased_at=T - 5 * DAY, last_inbound_at=T - 3 * DAY, **entry())
    store.record_contact(ceased_at=T + 1, last_inbound_at=T + 1, **entry())
    found = ask(store).contact
    assert (found.ceased_at, found.last_inbound_at) == (T - 5 * DAY, T - 3 * DAY)


def test_bars_hold_for_the_person_and_favours_for_the_number(store):
    store.record_contact(
        agreed_hours=["09:00-12:00"], inconvenient=["12:00-13:00"], at_work=True, employer_forbids=True, attorney=True,
        ceased_at=T - DAY, last_inbound_at=T - DAY, **entry(B, person="p"),
    )  # fmt: skip
    store.record_contact(attorney=False, inconvenient=["20:00-21:00"], **entry(A))
    assert ask(store, A).contact == ContactRecord(None, ("20:00-21:00",), attorney=False)
    assert ask(store, A, person="p").contact == ContactRecord(
        None, ("20:00-21:00", "12:00-13:00"), None, True, True, T - DAY, None
    )


# -- corrections and two times


def test_a_correction_stands_in_place_of_the_entry_also_on_another_number(store):
    wrong = store.record_revocation(at=T - 9 * DAY, **entry(A, known_at=T - 9 * DAY))
    right = store.record_revocation(at=T - 9 * DAY, supersedes=wrong, **entry(B, known_at=T - 2 * DAY))
    assert ask(store, A).revocations == ()
    assert [one.id for one in ask(store, B).revocations] == [right]
    assert [one.id for one in ask(store, A, as_of=T - 2 * DAY - 1).revocations] == [wrong]
    assert ask(store, B, as_of=T - 2 * DAY - 1).revocations == ()


def test_a_retraction_leaves_what_was_known_before_it(store):
    id_ = store.suppress(at=T - 9 * DAY, **entry(known_at=T - 9 * DAY))
    store.retract(seller="acme", id=id_, known_at=T - DAY)
    assert ask(store).internal is None
    assert ask(store, as_of=T - DAY).internal is None
    assert ask(store, as_of=T - DAY - 1).internal == Internal(True, T - 9 * DAY)


def test_an_entry_is_corrected_once_and_only_by_its_own_seller(store):
    id_ = store.suppress(at=T - 9 * DAY, **entry())
    with pytest.raises(RecordError, match="no entry internal:1 of this seller"):
        store.retract(seller="other", id=id_, known_at=T)
    with pytest.raises(RecordError, match="no entry internal:7 of this seller"):
        store.suppress(at=T, supersedes="internal:7", **entry())
    void = store.retract(seller="acme", id=id_, known_at=T)
    for again in (id_, void):
        with pytest.raises(RecordError, match="found"):
            store.retract(seller="acme", id=again, known_at=T)
    with pytest.raises(RecordError, match="the id of an entry of this kind"):
        store.suppress(at=T, supersedes="consent:1", **entry())


def test_what_was_recorded_later_is_not_known_as_of_before(store):
    store.record_consent(level="express", obtained_at=T - 9 * DAY, **entry(known_at=T))
    assert ask(store, as_of=T - 1).consent is None
    assert ask(store, as_of=T).consent is not None
    assert ask(store, as_of=None, at=T - DAY).consent is not None


# -- many


def test_many_answers_are_the_single_answers(store):
    numbers = [f"+1305555{place:04}" for place in range(1203)]
    store.record_many("attempt", [entry(number, at=T - DAY) for number in numbers[::3]])
    store.record_many("consent", [entry(number, level="express") for number in numbers[::7]])
    store.record_attempt(at=T - HOUR, **entry(numbers[0], person="p"))
    store.record_attempt(at=T - HOUR, **entry(A, person="p"))
    store.declare_complete("acme", T - 9 * DAY, known_at=T)
    answers = store.look_up_many("acme", numbers + numbers[:5], T, None, {numbers[0]: "p", numbers[1]: "q"})
    assert list(answers) == numbers
    assert len(answers[numbers[0]].attempts) == 3
    for place in (0, 1, 2, 3, 7, 21, 499, 500, 501, 1000, 1202):
        person = {0: "p", 1: "q"}.get(place)
        assert answers[numbers[place]] == ask(store, numbers[place], person=person)
    assert store.look_up_many("acme", [], T, None) == {}


def test_a_batch_is_recorded_whole_or_not_at_all(store):
    good = entry(level="express", obtained_at=T - DAY)
    with pytest.raises(RecordError, match="row 3: number: found '###-####', expected an E.164 number") as raised:
        store.record_many("consent", [good, good, {**good, "number": "555-0100"}])
    assert raised.value.row == 3
    assert ask(store).consent is None

    def broken():
        yield good
        raise OSError("the file ended")

    with pytest.raises(OSError, match="the file ended"):
        store.record_many("consent", broken())
    assert ask(store).consent is None
    first = store.record_consent(**good)
    with pytest.raises(RecordError, match="corrected or retracted before"):
        store.record_many("consent", [{**good, "supersedes": first}, {**good, "supersedes": first}])
    assert ask(store).consent.id == first
    assert store.record_many("consent", [good, {**good, "number": B}]) == 2
    assert ask(store, B).consent is not None


# -- questions


@pytest.mark.parametrize("number", ["3055550100", "+1 305 555 0100", "+03055550100", "", "+1305", "+13055550100\n", 13055550100])
def test_a_number_in_another_form_is_refused_rather_than_found_clean(store, number):
    with pytest.raises(RecordError, match="an E.164 number as text"):
        ask(store, number)
    with pytest.raises(RecordError, match="an E.164 number as text"):
        store.look_up_many("acme", [A, number], T)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"seller": ""}, "seller"),
        ({"seller": "acme "}, "seller"),
        ({"person": ""}, "person"),
        ({"at": 1.5}, "at"),
        ({"at": None}, "at"),
        ({"at": True}, "at"),
        ({"at": 2**63}, "at"),
        ({"as_of": "now"}, "as_of"),
    ],
)
def test_a_malformed_question_names_its_field(store, more, field):
    with pytest.raises(RecordError) as raised:
        store.look_up(**{"seller": "acme", "number": A, "at": T, **more})
    assert raised.value.field == field


# -- lists


class FakeCatalog:
    refreshed = 0

    def answers(self, code, national10, as_of=None, since=None):
        return ((code, national10, as_of),)

    def versions(self, code, as_of=None, since=None):
        return (code,)

    def refresh(self):
        self.refreshed += 1


def test_without_lists_no_version_is_loaded(store):
    store.suppress(at=T, **entry())
    store.refresh()
    assert store.list_answers("US", "3055550100") == ()
    assert store.list_versions("US") == ()


def test_the_memory_store_asks_the_catalog_that_it_was_given():
    catalog = FakeCatalog()
    store = MemoryStore(catalog)
    assert store.list_answers("US", "3055550100", T) == (("US", "3055550100", T),)
    assert store.list_versions("US") == ("US",)
    store.refresh()
    assert catalog.refreshed == 1


def test_a_damaged_list_is_a_failed_look_up(tmp_path):
    folder = tmp_path / "lists" / "US"
    folder.mkdir(parents=True)
    (folder / "current.json").write_text("{")
    store = EmbeddedStore(tmp_path)
    with pytest.raises(LookUpFailed, match="a list could not be read"):
        store.list_answers("US", "3055550100")
    with pytest.raises(LookUpFailed, match="a list could not be read"):
        store.list_versions("US")


def test_a_mistyped_folder_is_no_store_that_knows_nothing(tmp_path):
    store = EmbeddedStore(tmp_path / "stroe")
    for question in (lambda: ask(store), lambda: store.look_up_many("acme", [A], T), lambda: store.list_answers("US", "3055550100")):
        with pytest.raises(LookUpFailed, match="there is no store folder"):
            question()
    assert not (tmp_path / "stroe").exists()
    store.suppress(at=T, **entry())
    assert ask(store).internal.listed


# -- a group of questions


def test_a_group_of_questions_sees_one_state_until_it_records_itself(tmp_path):
    store, other = EmbeddedStore(tmp_path), EmbeddedStore(tmp_path)
    store.suppress(at=T, **entry(A))
    with store.still():
        assert ask(store).internal.listed and ask(store, B).internal is None
        other.suppress(at=T, **entry(B))
        assert ask(store, B).internal is None
        with store.still():
            assert ask(store, B).internal is None
        store.record_contact(attorney=True, **entry(C))
        assert ask(store, B).internal.listed and ask(store, C).contact.attorney
        other.suppress(at=T, **entry(C))
        assert ask(store, C).internal is None
    assert ask(store, C).internal.listed
    with store.still():
        other.unsuppress(at=T, **entry(C))  # before the first question of the group
        assert not ask(store, C).internal.listed


def test_a_group_of_one_thread_does_not_hold_back_another(tmp_path):
    store, seen = EmbeddedStore(tmp_path), []
    store.suppress(at=T, **entry(A))

    def elsewhere() -> None:
        store.suppress(at=T, **entry(B))
        seen.append(ask(store, B).internal)

    with store.still():
        assert ask(store, B).internal is None
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert seen[0].listed and ask(store, B).internal is None


def test_trouble_within_a_group_is_told_and_ends_its_state(tmp_path):
    store = EmbeddedStore(tmp_path)
    store.suppress(at=T, **entry(A))
    with store.still():
        assert ask(store, A).internal.listed
        with pytest.raises(RuntimeError, match="stop"):
            store._ledger._read(lambda cursor: (_ for _ in ()).throw(RuntimeError("stop")), None)
        EmbeddedStore(tmp_path).suppress(at=T, **entry(B))
        assert ask(store, B).internal.listed


def test_what_is_reserved_within_a_group_counts_what_others_recorded(tmp_path):
    store = EmbeddedStore(tmp_path)
    store.record_attempt(at=T - 2 * DAY, **entry(A))
    with store.still():
        assert ask(store, A).attempts
        EmbeddedStore(tmp_path).record_attempt(at=T - HOUR, **entry(A))
        with store.together() as table:
            assert len(table.look(Asked("acme", A, None, None, T, b"")).found.attempts) == 2


def test_an_older_record_within_a_group_is_still_read_in_one_state(tmp_path):
    store = EmbeddedStore(tmp_path)
    store.suppress(at=T, **entry(A))
    with store.still():
        ask(store, A)
        store._ledger._held().version = 1  # as if the tables had been of an older version
        ask(store, A)
        assert store._ledger._held().driver.in_transaction
    assert not store._ledger._held().driver.in_transaction


def test_lists_are_looked_at_once_in_a_group(tmp_path):
    def imported(code: str) -> None:
        (tmp_path / "list.txt").write_text("3055550100\n")
        import_list(tmp_path, code, tmp_path / "list.txt", published=date(2023, 11, 1), whole_plan=True, received_at=T)
        import_answers(tmp_path, tmp_path / "list.txt.csv", asked_at=T, received_at=T)

    def found() -> tuple:
        store.refresh()
        return len(store.list_versions("national")), len(store.list_versions("FL")), len(store.reassigned("3055550100"))

    store = EmbeddedStore(tmp_path)
    (tmp_path / "list.txt.csv").write_text("3055550100,2023-11-01,yes\n")
    assert found() == (0, 0, 0)
    with store.still():
        assert found() == (0, 0, 0)
        imported("national")
        assert found() == (0, 0, 0)
    assert found() == (1, 0, 1)
    with store.still():
        imported("FL")  # before the first look
        assert found() == (1, 1, 1)


def test_what_is_followed_can_be_read_before_the_first_group(tmp_path):
    EmbeddedStore(tmp_path).suppress(at=T, **entry(A))
    store = EmbeddedStore(tmp_path, follow=True)
    store.warm()
    assert store._ledger._known._sellers["acme"].code(int(A))
    with pytest.raises(LookUpFailed):
        EmbeddedStore(tmp_path / "away", follow=True).warm()
