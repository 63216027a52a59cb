"""A number is erased, in every store: what binds the seller goes on without it."""

import pytest

from dialguard.ledger.errors import LedgerError, RecordError
from dialguard.model.moment import DAY, HOUR
from dialguard.model.records import Internal, LookUp, LookUpFailed, Relationship, Revocation
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.redis import RedisStore
from tests.storage.conftest import vouch

T = 1_700_000_000_000_000
YEAR = 365 * DAY
A, B, C, D, FOREIGN = "+13055550100", "+13055550101", "+12125550102", "+13055550103", "+442071838750"
PROOF = {"evidence_digest": "a" * 64}


def ask(store, number=A, *, at=T + DAY, **more) -> LookUp:
    return store.look_up(seller="acme", number=number, at=at, **more)


def said(number=A, *, known_at=T - 100 * DAY, **more) -> dict:
    return {"seller": "acme", "number": number, "known_at": known_at, **more}


def erase(store, number=A, *, known_at=T, **more):
    return store.erase(seller="acme", number=number, known_at=known_at, **more)


def test_a_number_of_which_nothing_is_held_is_on_the_own_list_from_its_erasure_on(store):
    assert erase(store) == ({}, {}, ())
    assert ask(store, at=T) == LookUp(internal=Internal(True, T))
    assert ask(store, at=T - 1) == LookUp()
    assert ask(store, B) == ask(store, C) == LookUp()
    assert store.look_up(seller="other", number=A, at=T + DAY) == LookUp()


def test_scope_and_moment_of_the_request_stay(store):
    erase(store, at=T - 5 * DAY, scope="offers", reason="letter of 9 November")
    assert ask(store).internal == Internal(True, T - 5 * DAY, "offers")


def test_many_numbers_answer_as_one_does(store):
    store.suppress(at=T - DAY, **said(B))
    for number in (A, B, FOREIGN):
        erase(store, number)
    answers = store.look_up_many("acme", [A, B, C, D, FOREIGN], T + DAY)
    assert {number: answer.internal and answer.internal.since for number, answer in answers.items()} == {A: T, B: T, C: None, D: None, FOREIGN: T}
    assert answers == {number: ask(store, number) for number in answers}


def test_a_revocation_and_the_bars_of_a_person_outlive_the_rest(store):
    store.record_revocation(at=T - 5 * YEAR - 9 * DAY, scope="medium", channel="sms", words="no more", **said(known_at=T - 5 * YEAR - 9 * DAY))
    store.record_contact(
        attorney=True, at_work=True, ceased_at=T - 90 * DAY, agreed_hours=["09:00-12:00"], inconvenient=["12:00-13:00"],
        last_inbound_at=T - 99 * DAY, conversation_at=T - 98 * DAY, **said(),
    )  # fmt: skip
    assert erase(store) == ({}, {"revocation": 1, "contact": 1}, ())
    found = ask(store)
    assert found.revocations == (Revocation(T - 5 * YEAR - 9 * DAY, "medium", None, "sms", None, "revocation:1"),)
    assert (found.contact.attorney, found.contact.at_work, found.contact.ceased_at) == (True, True, T - 90 * DAY)
    assert (found.contact.inconvenient, found.last_conversation_at) == (("12:00-13:00",), T - 98 * DAY)
    assert found.contact.agreed_hours is found.contact.last_inbound_at is None


def test_what_is_only_kept_for_the_record_allows_nothing(store):
    store.record_consent(level="express_written", obtained_at=T - 50 * DAY, **said())
    store.record_relationship(current=True, last_transaction_at=T - 60 * DAY, **said())
    done = erase(store)
    assert [(kind, number, law) for kind, number, _, law in done.kept] == [("consent", 1, "16 CFR 310.5"), ("relationship", 1, "16 CFR 310.5")]
    found = ask(store)
    assert [consent.level for consent in found.consents] == ["none"]
    assert found.relationship == Relationship(T - 60 * DAY, None, T)
    assert ask(store, as_of=T - 1, at=T).consent.level == "express_written"


@pytest.mark.parametrize(
    ("purpose", "last", "law"),
    [
        ("telemarketing", 1827 * DAY - 1, "16 CFR 310.5(a)(2)"),
        ("charitable", 1827 * DAY - 1, "16 CFR 310.5(a)(2)"),
        (None, 1827 * DAY - 1, "16 CFR 310.5(a)(2)"),
        ("political", 400 * DAY - 1, "limits on attempts count it"),
    ],
)
def test_an_attempt_is_kept_until_its_term_is_over_and_not_beyond(store, purpose, last, law):
    over = last + 1 + (6 * HOUR if last > YEAR + 50 * DAY else 0)
    store.record_attempt(at=T - over, purpose=purpose, outcome="busy", **said(known_at=T - over))
    store.record_attempt(at=T - over + 1, purpose=purpose, **said(known_at=T - over))
    done = erase(store)
    assert done.removed == {"attempt": 1} and done.kept == (("attempt", 1, T + 1, law),)


def test_attempts_that_count_go_on_counting(store):
    store.record_attempt(at=T - DAY, purpose="informational", channel="voice", **said())
    erase(store)
    assert [(entry.at, entry.to) for entry in ask(store).attempts] == [(T - DAY, A)]


def test_what_was_kept_is_emptied_when_its_term_is_over_and_nothing_that_came_later(store):
    store.record_consent(level="express", obtained_at=T - 50 * DAY, **said())
    erase(store)
    store.record_consent(level="express_written", obtained_at=T + DAY, **said(known_at=T + DAY))
    early = store.finish_erasing(seller="acme", number=A, erased_at=T, now=T + 5 * YEAR)
    assert early.removed == {} and early.kept[0][:2] == ("consent", 2)
    done = store.finish_erasing(seller="acme", number=A, erased_at=T, now=T + 5 * YEAR + 3 * DAY)
    assert done.removed == {"consent": 2} and done.kept == ()
    assert [consent.level for consent in ask(store, at=T + 2 * DAY).consents] == ["express_written"]
    assert ask(store, at=T + 2 * DAY).internal == Internal(True, T)


def test_a_correction_still_stands_after_its_entry_was_emptied(store):
    old = T - 6 * YEAR
    first = store.record_attempt(at=old, purpose="telemarketing", **said(known_at=old))
    store.retract(seller="acme", id=first, known_at=old + DAY)
    erase(store)
    assert ask(store, at=old + 2 * DAY).attempts == ()


def test_to_erase_again_renews_the_request(store):
    erase(store)
    erase(store, known_at=T + 5 * DAY)
    assert ask(store, at=T + 4 * DAY).internal.since == T and ask(store, at=T + 5 * DAY).internal.since == T + 5 * DAY


def test_what_one_number_refused_goes_on_holding_for_the_persons_others(store):
    store.record_consent(level="express", obtained_at=T - 50 * DAY, **said(B, person="p"))
    for person, at in (("p", T - 9 * DAY), ("q", T - 8 * DAY), (None, T - 7 * DAY)):
        store.record_revocation(at=at, **said(A, person=person, known_at=T - 6 * YEAR))
    erase(store)
    assert [each.at for each in ask(store, B, person="p").revocations] == [T - 9 * DAY, T - 7 * DAY]
    assert ask(store, B, person="p").internal == Internal(True, T) and ask(store, B).internal is None
    assert [each.at for each in ask(store, B, person="q").revocations] == [T - 8 * DAY, T - 7 * DAY]
    assert ask(store, B).revocations == ()
    assert len(ask(store, A).revocations) == 3
    erase(store, B)
    assert [each.at for each in ask(store, B, person="p").revocations] == [T - 9 * DAY, T - 7 * DAY]
    assert ask(store, A, person="p").internal == Internal(True, T)


def test_an_entry_under_the_number_does_not_lift_an_erasure(store):
    erase(store)
    store.record_consent(level="express_written", obtained_at=T + DAY, **PROOF, **said(known_at=T + DAY))
    store.unsuppress(at=T + DAY, **said(known_at=T + DAY))
    assert ask(store, at=T + 2 * DAY).internal == Internal(True, T)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"obtained_at": T}, "consent"),
        ({"level": "none"}, "consent"),
        ({"channels": ["voice"]}, "consent"),
        ({"covers": ["live"]}, "consent"),
        ({"expires_at": T + 99 * DAY}, "consent"),
        ({"evidence_digest": None}, "consent"),
        ({"number": B}, "consent"),
    ],
)
def test_only_a_later_consent_in_full_and_with_proof_lifts_an_erasure(store, change, field):
    erase(store)
    asked = {"seller": "acme", "number": A, "at": T + 2 * DAY, "known_at": T + 2 * DAY}
    fields = {"level": "express", "obtained_at": T + DAY, **PROOF, **said(known_at=T + DAY), **change}
    if fields["level"] == "none":
        fields.pop("expires_at", None)
    wrong = store.record_consent(**fields)
    with pytest.raises(RecordError) as raised:
        store.lift_erasure(consent=wrong, **asked)
    assert raised.value.field == field and A not in str(raised.value)
    assert ask(store, at=T + 3 * DAY).internal == Internal(True, T)


def test_a_later_consent_in_full_with_proof_lifts_it(store):
    store.suppress(at=T - DAY, **said())
    erase(store)
    given = store.record_consent(level="express", obtained_at=T + 1, **PROOF, **said(known_at=T + DAY))
    store.lift_erasure(seller="acme", number=A, consent=given, at=T + 2 * DAY, known_at=T + 2 * DAY)
    assert ask(store, at=T + 2 * DAY).internal == Internal(False)
    assert ask(store, at=T + 2 * DAY - 1).internal == Internal(True, T)


def test_a_number_that_was_not_erased_has_nothing_to_lift(store):
    store.suppress(at=T - DAY, **said())
    given = store.record_consent(level="express", obtained_at=T + 1, **PROOF, **said(known_at=T + DAY))
    with pytest.raises(RecordError, match="one that was erased"):
        store.lift_erasure(seller="acme", number=A, consent=given, at=T + 2 * DAY, known_at=T + 2 * DAY)


def test_of_whom_anything_is_held_names_no_erased_number(store):
    store.record_revocation(at=T, **said(known_at=T - 6 * YEAR, person="p"))
    erase(store)
    found = store.recorded("acme", T)
    assert A not in found.numbers and not any(row[0] == A for row in found.consents)
    assert {key.number("acme", A) for key in found.keys} == set(found.hidden)
    assert [person for person in found.persons if person == found.keys[0].person("acme", "p")] and "p" not in found.persons
    assert store.recorded("other", T).hidden == type(found.hidden)()


# -- keys


@pytest.fixture(params=["embedded", "redis"])
def filed(request, tmp_path):
    """Makes stores over one folder."""

    def make():
        if request.param == "embedded":
            return EmbeddedStore(tmp_path)
        return RedisStore(url, journal=tmp_path)

    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        with_journal = RedisStore(url, journal=tmp_path)
        with_journal.journal.rebuild()
    make.folder = tmp_path
    return make


def test_the_key_is_for_this_user_alone(filed):
    erase(filed())
    (key,) = (filed.folder / "keys").iterdir()
    assert key.name == "1.key" and key.stat().st_mode & 0o777 == 0o600 and key.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", [lambda key: key.unlink(), lambda key: key.write_text("ab"), lambda key: key.write_text("cd" * 32)])
def test_without_its_key_a_record_answers_nothing_of_the_seller(filed, damage):
    erase(filed())
    damage(filed.folder / "keys" / "1.key")
    store = filed()
    for number in (A, B):
        with pytest.raises(LookUpFailed, match="key"):
            ask(store, number)
    with pytest.raises(LookUpFailed, match="key"):
        store.look_up_many("acme", [A], T)
    with pytest.raises(LookUpFailed, match="key"):
        store.recorded("acme", T)
    with pytest.raises(LedgerError, match="key"):
        store.lift_erasure(seller="acme", number=A, consent="consent:1", at=T, known_at=T)
    assert store.look_up(seller="other", number=A, at=T) == LookUp()


def test_after_a_rotation_the_newest_key_names_and_all_are_asked(filed):
    store, other = filed(), filed()
    erase(store)
    assert ask(other).internal == Internal(True, T)
    keys = (store.journal.store if isinstance(store, RedisStore) else store).ledger.keys
    keys.rotate()
    erase(store, B)
    for each in (store, other, filed()):
        assert ask(each).internal == ask(each, B).internal == Internal(True, T)
    assert sorted(file.name for file in (filed.folder / "keys").iterdir()) == ["1.key", "2.key"]
    assert len({key.id for key in store.recorded("acme", T).keys}) == 2
    (filed.folder / "keys" / "1.key").unlink()
    with pytest.raises(LookUpFailed, match="key"):
        ask(filed(), B)


def test_a_redis_store_without_keys_or_folder_knows_nothing_of_a_seller_with_erasures(redis_url, tmp_path):
    store = RedisStore(redis_url, journal=tmp_path)
    store.journal.rebuild()
    vouch(store)
    bare = RedisStore(redis_url)
    assert ask(bare) == LookUp()
    erase(store)
    for number in (A, C):
        with pytest.raises(LookUpFailed, match="key"):
            ask(bare, number)
    with pytest.raises(LookUpFailed, match="key"):
        bare.recorded("acme", T)
    keyed = RedisStore(f"{redis_url}&keys={tmp_path / 'keys'}")
    assert ask(keyed).internal == Internal(True, T) and ask(keyed, C) == LookUp()


def test_a_rebuilt_redis_holds_the_erasure_and_no_trace_of_the_number(redis_server, redis_url, tmp_path):
    store = RedisStore(redis_url, journal=tmp_path)
    store.journal.rebuild()
    store.record_contact(attorney=True, **said(D, person="p"))
    erase(store, D)
    from dialguard.storage.redis_verify import verify

    assert verify(store.link, store.journal, None).problems == ()
    for replace in (False, True):
        store.journal.rebuild(replace=replace)
        assert verify(store.link, store.journal, None).problems == ()
        assert ask(store, D).internal == Internal(True, T) and ask(store, D).contact.attorney
        with redis_server.client() as client:
            held = b"".join(name + (client.dump(name) or b"") for name in client.scan_iter("dg*") if b"}b:" not in name)
        assert D[5:].encode() not in held
    store.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"ledger.sqlite", "redis.sqlite", "1.key"} <= {path.name for path in files}
    assert [path.name for path in files if D[1:].encode() in path.read_bytes()] == []


def test_repr_of_a_key_shows_no_secret(filed):
    store = filed()
    erase(store)
    (key,) = store.recorded("acme", T).keys
    assert repr(key) == f"Key({key.id})"
