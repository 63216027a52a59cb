"""What is written through the service counts from the next decision on, and what cannot be is refused by name."""

from pathlib import Path

import pytest

from dialguard.events.reading import read
from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.ledger.errors import LedgerError
from dialguard.model.moment import DAY
from dialguard.model.records import LookUpFailed
from dialguard.service.app import application
from dialguard.service.book import FILE, Book
from dialguard.service.desk import Desk
from dialguard.service.keyfile import KeyFile
from dialguard.service.keys import Keys
from dialguard.service.service import Service
from tests.service.asking import Answer, asked
from tests.service.conftest import CAMPAIGN, Everybody

NUMBER = "+13055550100"
WHO = {"seller": "Acme", "number": NUMBER}
PLACED = {"decision": "d-1", "outcome": "placed", "to": NUMBER, "campaign": "c", "channel": "voice"}


@pytest.fixture
def guard(tmp_path: Path, packs) -> Guard:
    made = Guard(tmp_path, packs=packs)
    made.add_campaign(CAMPAIGN)
    made.store.declare_complete("Acme", clock.now() - 400 * DAY, known_at=clock.now())
    return made


@pytest.fixture
def app(guard, tmp_path: Path):
    return application(Service({"default": Desk("default", guard, Book(tmp_path / FILE))}, Everybody()))


def post(app, path: str, body, method: str = "POST") -> Answer:
    return asked(app, method, f"/v1/{path}", body)


def held(guard: Guard):
    return guard.store.look_up(seller="Acme", number=NUMBER, at=clock.now())


def test_a_consent_with_its_proof(app, guard) -> None:
    answer = post(
        app,
        "consents",
        WHO
        | {"level": "express_written", "covers": ["live"], "obtained_at": "2026-01-02T10:00:00-05:00", "page": "https://acme.example/f"},
    )
    assert (answer.status, answer.json) == (201, {"id": "consent:1"})
    (found,) = held(guard).consents
    assert (found.level, found.covers, clock.format_instant(found.obtained_at)) == ("express_written", ("live",), "2026-01-02T15:00:00Z")


def test_a_revocation_counts_at_once_and_tells_its_last_day(app, guard) -> None:
    answer = post(app, "revocations", WHO | {"at": "2026-11-20T10:00:00-05:00", "scope": "marketing", "means": "stop_reply"})
    assert (answer.status, answer.json) == (201, {"id": "revocation:1", "deadline": "2026-12-07"})
    assert [(each.scope, each.means) for each in held(guard).revocations] == [("marketing", "stop_reply")]


def test_what_is_told_of_the_future_has_happened_by_now(app, guard) -> None:
    for path, body in (("revocations", WHO), ("dnc", WHO), ("outcomes", PLACED)):
        assert post(app, path, body | {"at": "2098-01-01T00:00:00Z"}).status in (200, 201)
    found = held(guard)
    assert found.revocations[0].at <= clock.now() and found.internal.listed and len(found.attempts) == 1


def test_the_sellers_own_list(app, guard) -> None:
    assert post(app, "dnc", WHO).json == {"id": "internal:1"}
    assert held(guard).internal.listed
    assert post(app, "dnc", WHO, "DELETE").json == {"id": "internal:2"}
    assert not held(guard).internal.listed


def test_a_relationship(app, guard) -> None:
    assert post(app, "relationships", WHO | {"last_transaction_at": "2026-10-01T00:00:00Z", "current": True}).status == 201
    assert held(guard).relationship.current is True


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("consents", WHO | {"level": "oral"}, ["level"]),
        ("consents", WHO | {"level": "express", "colour": "red"}, ["(body)"]),
        ("consents", {"seller": "Acme", "level": "express", "number": "12"}, ["number"]),
        ("consents", WHO | {"level": "express", "obtained_at": "yesterday"}, ["obtained_at"]),
        ("consents", WHO | {"level": "none", "covers": ["live"]}, ["covers"]),
        ("consents", WHO | {"level": "express", "supersedes": "consent:99"}, ["supersedes"]),
        ("consents", WHO | {"level": "express", "name": "a\nb"}, ["name"]),
        ("revocations", WHO | {"at": "2026-11-20T10:00:00Z", "received_at": "2026-11-19T10:00:00Z"}, ["received_at"]),
        ("revocations", {"number": NUMBER}, ["(body)"]),
        *[
            (path, body | {"at": blank}, ["at"])
            for path, body in (("revocations", WHO), ("dnc", WHO), ("outcomes", PLACED))
            for blank in ("", " ")
        ],
        ("relationships", WHO, ["entry"]),
        ("outcomes", PLACED | {"outcome": "vanished"}, ["outcome"]),
        ("outcomes", PLACED | {"campaign": "other"}, ["campaign"]),
        ("outcomes", {"decision": "d-1", "outcome": "placed"}, ["to", "campaign"]),
        ("outcomes", PLACED | {"to": "911911911911"}, ["number"]),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_recorded(app, guard, path: str, body, fields: list[str]) -> None:
    answer = post(app, path, body)
    assert (answer.status, answer.code, answer.fields) == (422, "input.invalid", fields)
    assert held(guard).consents == () and held(guard).attempts == () and NUMBER[2:] not in answer.body.decode()


def test_an_attempt_counts_once_however_often_it_is_told(app, guard) -> None:
    first = post(app, "outcomes", PLACED)
    assert first.json == {
        "decision": "d-1",
        "outcome": "placed",
        "attempt": "attempt:1",
        "revocation": None,
        "released": None,
        "again": False,
    }
    assert post(app, "outcomes", PLACED).json == first.json | {"again": True}
    assert post(app, "outcomes", PLACED | {"outcome": "answered"}).json["attempt"] == "attempt:1"
    assert post(app, "outcomes", PLACED | {"outcome": "answered"}).json["again"] is True
    found = held(guard)
    (attempt,) = found.attempts
    assert (attempt.channel, attempt.purpose, attempt.voice, attempt.outcome) == ("voice", "telemarketing", "live", "conversation")
    assert found.last_conversation_at == attempt.at
    assert post(app, "outcomes", PLACED | {"decision": "d-2", "outcome": "no_answer"}).json["attempt"] == "attempt:2"
    assert [each.outcome for each in held(guard).attempts] == ["conversation", "no_answer"]


@pytest.mark.parametrize(
    ("outcome", "channel", "revoked", "words"),
    [
        ("opted_out", "voice", ("all", "spoken"), "opted_out"), ("opted_out", "sms", ("all", "text_reply"), "opted_out"),
        ("wrong_number", "voice", ("all", "wrong_number"), "wrong_number"), ("refused", "voice", None, "refused"),
        ("abandoned", "voice", None, "abandoned"), ("did_not_connect", "voice", None, "did_not_connect"),
    ],
)  # fmt: skip
def test_an_opt_out_revokes_in_the_same_step(app, guard, outcome: str, channel: str, revoked, words: str) -> None:
    answer = post(app, "outcomes", PLACED | {"outcome": outcome, "channel": channel})
    assert answer.status == 200
    found = held(guard)
    assert [(each.scope, each.means) for each in found.revocations] == ([revoked] if revoked else [])
    assert (answer.json["revocation"] is not None) == bool(revoked)
    assert found.attempts[0].outcome == words
    assert (found.last_conversation_at is not None) == (outcome in ("opted_out", "refused") and channel == "voice")


def test_an_opt_out_of_texts_alone(app, guard) -> None:
    assert (
        post(app, "outcomes", PLACED | {"outcome": "opted_out", "channel": "sms", "scope": "medium", "words": "no more texts"}).status
        == 200
    )
    (found,) = held(guard).revocations
    assert (found.scope, found.channel) == ("medium", "sms")


def test_a_slot_that_is_not_used_is_given_back_and_one_that_is_used_is_not(app, guard) -> None:
    guard.add_campaign(CAMPAIGN | {"id": "e", "purpose": "emergency"})
    for place, outcome, released in (("a1", "not_placed", True), ("a2", "placed", None), ("a3", "not_placed", True)):
        decision = guard.check({"channel": "voice", "to": NUMBER, "campaign": "e", "id": place}, reserve=True)
        assert decision.reservation["id"] == place
        told = {"decision": decision.id, "outcome": outcome, "attempt_id": place, "to": NUMBER, "campaign": "e"}
        answer = post(app, "outcomes", told)
        assert (answer.status, answer.json["released"]) == (200, released)
        assert post(app, "outcomes", told).json["again"] is True
        assert guard.release(seller="Acme", to=NUMBER, id=place) is False  # it is given back, or was used up
    assert len(held(guard).attempts) == 1


class Heard:
    """Stands for what is told events."""

    def __init__(self) -> None:
        self.events: list[dict] = []

    def tell(self, event: dict) -> str:
        self.events.append(event)
        return event["id"]


def test_event_rules_are_told_what_they_know(guard, tmp_path: Path) -> None:
    heard = Heard()
    app = application(Service({"default": Desk("default", guard, Book(tmp_path / FILE), teller=heard)}, Everybody()))
    for outcome in ("placed", "no_answer", "abandoned", "abandoned", "opted_out"):
        assert post(app, "outcomes", PLACED | {"outcome": outcome}).status == 200
    assert [(each["event"], each["id"], each["campaign"], each["to"]) for each in heard.events] == [
        ("abandoned", "d-1:abandoned", "c", NUMBER), ("opted_out", "d-1:opted_out", "c", NUMBER),
    ]  # fmt: skip
    now = clock.now()
    assert [read(event, now).event for event in heard.events] == ["abandoned", "opted_out"]


def test_an_outcome_that_cannot_be_recorded_whole_revokes_nothing(app, guard) -> None:
    answer = post(app, "outcomes", PLACED | {"outcome": "opted_out", "decision": "a\nb"})
    assert (answer.code, answer.fields) == ("input.invalid", ["reference"]) and held(guard).revocations == ()


def test_what_was_placed_cannot_be_unplaced(app) -> None:
    post(app, "outcomes", PLACED)
    answer = post(app, "outcomes", PLACED | {"outcome": "not_placed"})
    assert (answer.status, answer.code) == (409, "resource.conflict")


def test_what_is_held_of_a_number(app) -> None:
    post(app, "consents", WHO | {"level": "express"})
    answer = asked(app, "GET", "/v1/numbers/305-555-0100?seller=Acme")
    assert answer.status == 200 and answer.json["number"] == NUMBER
    assert [(entry["kind"], entry["id"], entry["level"]) for entry in answer.json["entries"]] == [("consent", "consent:1", "express")]
    assert asked(app, "GET", "/v1/numbers/305-555-0100?seller=Bolt").json["entries"] == []
    assert asked(app, "GET", "/v1/numbers/305-555-0100").fields == ["seller"]
    assert asked(app, "GET", "/v1/numbers/12?seller=Acme").fields == ["number"]


def test_a_key_speaks_for_its_sellers_alone(guard, tmp_path: Path) -> None:
    guard.add_campaign(CAMPAIGN | {"id": "b", "seller": "Bolt"})
    _, token = KeyFile(tmp_path).create(scopes=["write", "check"], sellers=["Acme"])
    app = application(Service({"default": Desk("default", guard)}, Keys(tmp_path)))
    theirs = {"seller": "Bolt", "number": NUMBER}
    asks = [
        ("POST", "consents", theirs | {"level": "express"}),
        ("POST", "revocations", theirs),
        ("POST", "relationships", theirs | {"current": True}),
        ("POST", "dnc", theirs),
        ("DELETE", "dnc", theirs),
        ("POST", "outcomes", PLACED | {"campaign": "b"}),
    ]
    for method, path, body in asks:
        answer = asked(app, method, f"/v1/{path}", body, token=token)
        assert (answer.status, answer.code) == (403, "auth.seller"), path
    assert guard.store.look_up(seller="Bolt", number=NUMBER, at=clock.now()).attempts == ()
    assert asked(app, "POST", "/v1/outcomes", PLACED, token=token).status == 200


def test_a_record_that_cannot_be_written_is_said_without_its_place(app, guard, tmp_path: Path) -> None:
    guard.store.close()
    for path in tmp_path.glob("ledger.sqlite*"):
        path.unlink()
    (tmp_path / "ledger.sqlite").write_bytes(b"no database, but long enough to look like one" * 100)
    answer = post(app, "revocations", WHO)
    assert (answer.status, answer.code) == (503, "store.unavailable")
    assert str(tmp_path) not in answer.body.decode()


@pytest.mark.parametrize(
    ("path", "body"), [("revocations", WHO | {"at": "2026-11-20T10:00:00-05:00", "scope": "all"}), ("outcomes", PLACED | {"outcome": "opted_out"})]
)
def test_a_revocation_that_cannot_be_recorded_just_then_is_held_and_recorded_later(app, guard, monkeypatch, path, body) -> None:
    def full(*_, **__):
        raise LedgerError("the disk is full")

    monkeypatch.setattr(guard.store, "_append", full)
    assert post(app, path, body).status == 503
    with pytest.raises(LookUpFailed, match="has not been recorded yet"):
        held(guard)
    monkeypatch.undo()
    assert guard.store.replay_waiting() == 0
    assert len(held(guard).revocations) == 1
