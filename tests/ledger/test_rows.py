"""What the record takes and refuses; each refusal names field, found and expected."""

import pytest

from dialguard.ledger.errors import RecordError
from dialguard.ledger.rows import EARLIEST, KINDS, LATEST, build, wording_hash

T = 1_700_000_000_000_000
BASE = {"seller": "acme", "number": "+13055550100", "known_at": T}
GOOD = {
    "consent": {**BASE, "level": "express"},
    "revocation": {**BASE, "at": T},
    "relationship": {**BASE, "current": True},
    "internal": {**BASE, "action": "add", "at": T},
    "contact": {**BASE, "attorney": True},
    "attempt": {**BASE, "at": T},
    "outcome": {"seller": "acme", "attempt": "attempt:1", "outcome": "busy", "at": T, "known_at": T},
    "declaration": {"seller": "acme", "since": T, "known_at": T},
    "pause": {"seller": "acme", "campaign": "c", "action": "pause", "at": T, "known_at": T, "reason": "complaints", "by": "house.complaints"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_least_entry_of_each_kind_is_taken(kind):
    assert build(kind, GOOD[kind])["known_at"] == T


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field) for kind in KINDS for field in GOOD[kind] if field not in ("since", "current", "attorney", "attempt", "campaign")],
)
def test_each_required_field_is_missed_by_name(kind, field):
    with pytest.raises(RecordError) as raised:
        build(kind, {**GOOD[kind], field: None})
    assert (raised.value.field, raised.value.found) == (field, "nothing")


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("consent", {"level": "written"}, "level: found 'written', expected one of none, express, express_written"),
        ("consent", {"level": "expres"}, "did you mean `express`?"),
        ("consent", {"chanels": ["sms"]}, "chanels: found an unknown field.*did you mean `channels`?"),
        ("consent", {"channels": "sms"}, "channels: found 'sms', expected a list with at least one of voice"),
        ("consent", {"channels": []}, "channels: found list .*, expected a list with at least one of voice"),
        ("consent", {"channels": ["sms", 7]}, "channels: found an int of 1 digit"),
        ("consent", {"form": "verbal"}, "form: found 'verbal', expected one of oral"),
        ("consent", {"covers": ["robots"]}, "covers: found 'robots'"),
        ("consent", {"level": "none", "channels": ["sms"]}, "channels: found a value beside level `none`.*revocation"),
        ("consent", {"level": "none", "expires_at": T}, "expires_at: found a value beside level `none`"),
        ("consent", {"obtained_at": T, "expires_at": T}, "expires_at: found a moment not after obtained_at"),
        ("consent", {"obtained_at": 1_700_000_000}, "obtained_at: found an int of 10 digits, expected an instant from 1971"),
        ("consent", {"obtained_at": 1_700_000_000_000}, "obtained_at: found an int of 13 digits, expected an instant from 1971"),
        ("consent", {"obtained_at": 1.7e15}, "obtained_at: found float"),
        ("consent", {"obtained_at": True}, "obtained_at: found bool True"),
        ("consent", {"seller": " acme"}, "seller: found ' acme', expected 1 to 1000 printable characters"),
        ("consent", {"seller": "ac\nme"}, "seller: found"),
        ("consent", {"person": "\ud800"}, "person: found"),
        ("consent", {"reference": "x" * 1001}, "reference: found"),
        ("consent", {"number": "(305) 555-0100"}, r"number: found '\(###\) ###-####', expected an E.164 number"),
        ("consent", {"supersedes": "revocation:1"}, "supersedes: found 'revocation:#', .*`consent:17`"),
        ("consent", {"supersedes": "consent:0"}, "supersedes: found"),
        ("attempt", {"supersedes": "attempt:1"}, "supersedes: found an unknown field"),
        ("consent", {"wording": ""}, "wording: found '', expected 1 to 20000 printable characters, lines allowed"),
        ("consent", {"wording": "x" * 20_001}, "wording: found"),
        ("consent", {"wording": "yes\x00"}, "wording: found"),
        ("consent", {"wording": "yes \u202eno"}, "wording: found"),
        ("consent", {"wording": "yes", "wording_hash": "0" * 64}, "wording_hash: found the hash of another wording, expected 8a798890fe93"),
        ("consent", {"wording_hash": "0" * 63}, "wording_hash: found '#+', expected a SHA-256 as 64 hexadecimal digits"),
        ("consent", {"evidence_digest": "md5:" + "0" * 32}, "evidence_digest: found"),
        ("consent", {"page": "example.com/form"}, "page: found 'example.com/form', expected an address that begins with https://"),
        ("consent", {"certificate_url": "https://"}, "certificate_url: found"),
        ("consent", {"certificate_url": "javascript:alert(1)"}, "certificate_url: found"),
        ("consent", {"certificate_expires_at": T}, "certificate_expires_at: found a moment without a certificate"),
        ("consent", {"source": "Web Site"}, "source: found 'Web Site', expected a word in lower case"),
        ("consent", {"name": "Ann\nExample"}, "name: found"),
        ("revocation", {"words": 7}, "words: found an int of 1 digit"),
        ("revocation", {"received_at": T - 1}, "received_at: found a moment before `at`"),
        ("revocation", {"scope": "everything"}, "scope: found 'everything', expected one of all, marketing"),
        ("revocation", {"channel": "email"}, "channel: found 'email'"),
        ("relationship", {"current": None}, "entry: found no statement, expected at least one of last_transaction_at"),
        ("relationship", {"current": 1}, "current: found an int of 1 digit, expected true or false"),
        ("internal", {"action": "delete"}, "action: found 'delete', expected one of add, remove"),
        ("contact", {"attorney": None, "valid_at": T}, "entry: found no statement"),
        ("contact", {"agreed_hours": "09:00"}, "agreed_hours: found '##:##', expected a list of windows"),
        ("contact", {"agreed_hours": [float("nan")]}, "agreed_hours: found list"),
        ("contact", {"inconvenient": [{1, 2}]}, "inconvenient: found list"),
        ("attempt", {"purpose": "sales"}, "purpose: found 'sales'"),
        ("attempt", {"voice": "robot"}, "voice: found 'robot'"),
        ("attempt", {"outcome": "Conversation"}, "outcome: found 'Conversation', expected a word in lower case"),
        ("outcome", {"reference": "r"}, "attempt: found both or neither"),
        ("outcome", {"attempt": None}, "attempt: found both or neither"),
        ("outcome", {"attempt": "7"}, "attempt: found '#', expected the id of an entry of this kind, like `attempt:17`"),
        ("declaration", {"since": "2024-01-01"}, "since: found '####-##-##', expected an instant"),
    ],
)
def test_a_malformed_value_is_refused_by_name(kind, fields, words):
    with pytest.raises(RecordError, match=words):
        build(kind, {**GOOD[kind], **fields})


def test_an_unknown_kind_is_refused():
    with pytest.raises(RecordError, match="kind: found 'consents', expected one of consent, .*did you mean `consent`?"):
        build("consents", {})


def test_the_plausible_instants_end_where_they_say():
    for good in (EARLIEST, LATEST - 1):
        assert build("declaration", {**GOOD["declaration"], "since": good})["since"] == good
    for bad in (EARLIEST - 1, LATEST):
        with pytest.raises(RecordError, match="since: found an int of 1. digits"):
            build("declaration", {**GOOD["declaration"], "since": bad})


def test_no_message_shows_a_number():
    for value in ("3055550100", "+1 305 555 0100", "٣٠٥", (305, 5550100)):
        with pytest.raises(RecordError) as raised:
            build("consent", {**GOOD["consent"], "number": value})
        assert not any(character.isdigit() for character in raised.value.found)
    for field in ("number", "person", "obtained_at", "reference"):
        with pytest.raises(RecordError) as raised:
            build("consent", {**GOOD["consent"], field: 13055550100})
        assert raised.value.found == "an int of 11 digits"


def test_a_list_of_words_has_one_spelling():
    assert build("consent", {**GOOD["consent"], "channels": ("sms", "voice", "sms")})["channels"] == '["voice", "sms"]'


def test_a_wording_has_one_hash_whatever_its_line_ends():
    rows = [build("consent", {**GOOD["consent"], "wording": text}) for text in ("I agree.\nCall me.", " I agree.\r\nCall me.\n")]
    assert rows[0]["wording"] == rows[1]["wording"] == "I agree.\nCall me."
    assert rows[0]["wording_hash"] == rows[1]["wording_hash"] == wording_hash("I agree.\rCall me.")
    assert build("consent", {**GOOD["consent"], "wording_hash": "SHA256:" + "AB" * 32})["wording_hash"] == "ab" * 32
    assert build("consent", {**GOOD["consent"], **{field: rows[0][field] for field in ("wording", "wording_hash")}})["wording"]


def test_a_wording_may_hold_any_writing():
    for text in ("J\u2019accepte \u2013 100\u00a0%", "同意します", "✅ yes\tno", "👩\u200d👧"):
        assert build("consent", {**GOOD["consent"], "wording": text})["wording"] == text


def test_a_revocation_may_reach_us_at_once():
    assert build("revocation", {**GOOD["revocation"], "received_at": T})["received_at"] == T
