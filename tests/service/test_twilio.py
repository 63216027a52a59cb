"""Twilio's webhooks, signed by Twilio's own library: opt-outs become revocations, once, and what cannot be recorded is held."""

import asyncio
import json
import sqlite3
import threading
from pathlib import Path
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from dialguard.events.reading import read as read_event
from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.ledger.errors import LedgerError
from dialguard.model.moment import DAY
from dialguard.service import replaying
from dialguard.service.app import application
from dialguard.service.book import FILE, Book
from dialguard.service.config import Twilio
from dialguard.service.desk import Desk
from dialguard.service.service import Service
from dialguard.storage.embedded import EmbeddedStore
from tests.service.asking import Answer, asked, asked_async
from tests.service.conftest import Everybody

TOKEN, URL = "3f1c0de5a7b94e2c8d6f00112233aabb", "https://calls.acme.example"
OURS, THEIRS = "+13055550199", "+13055550142"
_DAYS = clock.now() // DAY + 1
NOON = clock.format_instant((_DAYS + (6 - _DAYS) % 7) * DAY + 17 * 60 * 60 * 1_000_000)
"""Noon in Florida on the next Wednesday after today."""
CALLS = {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
FORM = "application/x-www-form-urlencoded"
EMPTY = b'<?xml version="1.0" encoding="UTF-8"?>\n<Response></Response>'
CONFIRMATION = b"<Message>Acme Ltd: you are opted out and will get no more messages or calls from us.</Message>"


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    made = EmbeddedStore(tmp_path, write_timeout=0.2)
    made.declare_complete("acme", clock.now() - 400 * DAY, known_at=clock.now())
    return made


@pytest.fixture
def app(store, tmp_path: Path, packs):
    desk = Desk("default", Guard(store, packs=packs), Book(tmp_path / FILE))
    service = Service({"default": desk}, Everybody())
    numbers = {OURS: {"seller": "acme", "name": "Acme Ltd", "campaign": "c", "help": "Acme <help>: call 305-555-0100"}}
    service.twilio = {"default": Twilio.model_validate({"auth_tokens": ["another-token", TOKEN], "url": URL, "numbers": numbers})}
    return application(service)


def form(**fields: str) -> dict[str, str]:
    return {"MessageSid": "SM" + "0" * 32, "From": THEIRS, "To": OURS, "Body": "STOP", "NumMedia": "0", "MessagingServiceSid": ""} | fields


def signed(path: str, fields: dict[str, str], token: str = TOKEN, url: str = URL) -> list[tuple[bytes, bytes]]:
    return [(b"x-twilio-signature", RequestValidator(token).compute_signature(url + path, fields).encode())]


def posted(app, path: str, sent: dict[str, str], headers=None) -> Answer:
    """A form as Twilio sends it; signed unless other headers are given."""
    return asyncio.run(posted_async(app, path, sent, headers))


async def posted_async(app, path: str, sent: dict[str, str], headers=None) -> Answer:
    headers = signed(path, sent) if headers is None else headers
    return await asked_async(app, "POST", path, urlencode(sent).encode(), media=FORM, headers=headers)


def told(app, path: str = "/twilio/message", **fields: str) -> Answer:
    """A webhook as Twilio sends it."""
    return posted(app, path, form(**fields))


def revocations(store) -> list[tuple[str, str, str | None]]:
    found = store.ledger.look_up(seller="acme", number=THEIRS, at=clock.now()).revocations
    return [(each.scope, each.means, each.channel) for each in found]


def test_stop_is_a_revocation_and_the_answer_the_confirmation(app, store) -> None:
    answer = told(app)
    assert (answer.status, answer.media) == (200, "text/xml; charset=utf-8")
    assert answer.body == EMPTY.replace(b"><", b">" + CONFIRMATION + b"<")
    assert revocations(store) == [("all", "stop_reply", None)]
    (entry,) = store.ledger.entries("acme", list, kinds=["revocation"])
    assert entry[1]["words"] == "STOP"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("s.t.o.p!!", ("all", "stop_reply", None)),
        ("Please take me off your list", ("all", "text_reply", None)),
        ("ya no me manden mensajes", ("all", "text_reply", None)),
        ("stop calling, text is fine", ("medium", "text_reply", "voice")),
        ("not interested", ("marketing", "unclear_reply", None)),
        ("wrong number", ("all", "wrong_number", None)),
    ],
)
def test_other_words(app, store, text: str, found: tuple[str, str, str | None]) -> None:
    answer = told(app, Body=text)
    assert answer.status == 200 and revocations(store) == [found]
    assert (b"<Message>" in answer.body) is (found[1] in ("stop_reply", "text_reply"))


@pytest.mark.parametrize("text", ["START", "hello", "", "I'll stop by at 5"])
def test_what_is_no_opt_out_records_nothing_and_lifts_nothing(app, store, text: str) -> None:
    told(app, MessageSid="SM1")
    assert told(app, MessageSid="SM2", Body=text).body == EMPTY
    assert revocations(store) == [("all", "stop_reply", None)]


def test_help_is_answered_with_the_campaigns_text(app, store) -> None:
    assert told(app, Body="help").body == EMPTY.replace(b"><", b"><Message>Acme &lt;help&gt;: call 305-555-0100</Message><")
    assert told(app, Body="help", OptOutType="HELP").body == EMPTY
    assert revocations(store) == []


def test_what_twilio_has_confirmed_is_not_confirmed_again(app, store) -> None:
    assert told(app, OptOutType="STOP").body == EMPTY
    assert revocations(store) == [("all", "stop_reply", None)]


@pytest.mark.parametrize("text", ["ARRET", "not interested", "stop calling, text is fine", ""])
def test_a_word_of_the_accounts_own_stops_everything(app, store, text: str) -> None:
    assert told(app, OptOutType="STOP", Body=text).body == EMPTY
    assert revocations(store) == [("all", "stop_reply", None)]


def test_a_delivery_repeated_is_recorded_and_confirmed_once(app, store) -> None:
    assert CONFIRMATION in told(app).body
    assert told(app).body == told(app).body == EMPTY
    assert revocations(store) == [("all", "stop_reply", None)]


def test_a_second_stop_is_not_confirmed_and_one_after_a_new_consent_is(app, store) -> None:
    assert CONFIRMATION in told(app, MessageSid="SM1").body
    assert told(app, MessageSid="SM2").body == EMPTY
    now = clock.now()
    store.record_consent(seller="acme", number=THEIRS, level="express_written", obtained_at=now, known_at=now)
    assert CONFIRMATION in told(app, MessageSid="SM3").body


def test_who_may_be_asked_by_whatsapp(app, store) -> None:
    assert CONFIRMATION in told(app, From=f"whatsapp:{THEIRS}", To=f"whatsapp:{OURS}").body
    assert revocations(store) == [("all", "stop_reply", None)]


def test_what_is_not_signed_is_refused_and_records_nothing(app, store) -> None:
    sent = form()
    right = signed("/twilio/message", sent)[0][1]
    wrong = [
        [], [(b"x-twilio-signature", b"")], [(b"x-twilio-signature", b"\xff")], signed("/twilio/message", sent, token="x" * 32),
        signed("/twilio/status", sent), signed("/twilio/message", sent | {"Body": "START"}), signed("/twilio/message", {}),
        signed("/twilio/message", sent, url="http://calls.acme.example"), [(b"x-twilio-signature", right[:-2] + b"A=")],
    ]  # fmt: skip
    found = [posted(app, "/twilio/message", sent, headers) for headers in wrong]
    found.append(posted(app, "/twilio/message?tenant=other", sent))
    found.append(posted(app, "/twilio/message", sent | {"Body": "HALT"}, signed("/twilio/message", sent)))
    assert {(answer.status, answer.code) for answer in found} == {(403, "auth.signature")}
    assert revocations(store) == []


@pytest.mark.parametrize(
    ("public", "called"),
    [
        ("https://a.example", "https://a.example"), ("https://a.example", "https://a.example:443"),
        ("http://a.example:8080/dg/", "http://a.example:8080/dg"),
        ("http://a.example", "http://a.example:80"), ("https://a.example:8443", "https://a.example"), (None, "http://calls.example:9000"),
    ],
)  # fmt: skip
def test_the_address_that_was_called_is_signed(app, store, public: str | None, called: str) -> None:
    account = app.service.twilio["default"]
    app.service.twilio = {"default": account.model_copy(update={"url": public})}
    sent, path = form(Body="Stop é ñ +&= ü"), "/twilio/message?seller=acme&campaign=c%20d"
    headers = [*signed(path, sent, url=called), (b"host", b"calls.example:9000")]
    assert posted(app, path, sent, headers).status == 200


def test_a_body_in_json_is_signed_by_its_digest(app, store) -> None:
    body = json.dumps(form()).encode()
    digest = RequestValidator(TOKEN).compute_hash(body.decode())
    path = f"/twilio/message?bodySHA256={digest}"
    assert RequestValidator(TOKEN).validate(URL + path, body.decode(), signed(path, {})[0][1].decode())
    assert asked(app, "POST", path, body, headers=signed(path, {})).status == 200
    assert revocations(store) == [("all", "stop_reply", None)]
    for other, headers in ((body + b" ", signed(path, {})), (body, []), (body, signed(path, form()))):
        assert asked(app, "POST", path, other, headers=headers).code == "auth.signature"
    assert asked(app, "POST", "/twilio/message", body, headers=signed("/twilio/message", {})).code == "auth.signature"


def test_a_number_that_is_nobodys_is_an_error_that_twilio_shows(app, store, caplog) -> None:
    answer = told(app, To="+13055550177")
    assert (answer.status, answer.fields) == (422, ["To"])
    assert "+13055550177" not in caplog.text and THEIRS not in caplog.text and "numbers" in caplog.text
    sent, path = form(To="+13055550177"), "/twilio/message?seller=acme"
    assert posted(app, path, sent).status == 200
    assert revocations(store) == [("all", "stop_reply", None)]


def test_who_asks_from_what_is_no_number(app, store) -> None:
    assert told(app, From="ACME").fields == ["From"]
    assert told(app, From="ACME", Body="hello").body == EMPTY
    assert told(app, From="+447700900123").status == 200


# -- what cannot be recorded


def denied(guard: Guard) -> list[str]:
    attempt = {"channel": "sms", "to": THEIRS, "campaign": {"seller": "acme", "purpose": "informational", "dialing": "manual"}, "at": NOON}
    return [str(reason["kind"]) for reason in guard.check(attempt).reasons]


def test_where_the_record_cannot_be_written_the_number_is_held_until_it_can(app, store, packs, tmp_path: Path) -> None:
    elsewhere = Guard(tmp_path, packs=packs)
    before = denied(elsewhere)
    assert "lookup_unavailable" not in before
    lock = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    answer = told(app)
    assert (answer.status, answer.code) == (503, "store.unavailable")
    for guard in (app.service.desks["default"].guard, elsewhere, Guard(tmp_path, packs=packs)):
        assert "lookup_unavailable" in denied(guard)
    assert (tmp_path / "waiting.log").stat().st_mode & 0o777 == 0o600
    with pytest.raises(LedgerError):
        store.replay_waiting()
    assert "lookup_unavailable" in denied(elsewhere)
    lock.close()
    assert elsewhere.store.replay_waiting() == 0
    assert revocations(store) == [("all", "stop_reply", None)]
    assert "lookup_unavailable" not in denied(elsewhere) + denied(app.service.desks["default"].guard)


def test_what_twilio_sends_again_is_recorded_then(app, store, tmp_path: Path) -> None:
    lock = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert told(app).status == 503
    lock.close()
    assert CONFIRMATION in told(app).body
    assert revocations(store) == [("all", "stop_reply", None)]


def test_a_revocation_does_not_need_what_is_kept_beside_the_record(app, store, tmp_path: Path) -> None:
    app.service.desks["default"].book.close()
    (tmp_path / FILE).write_bytes(b"no database " * 100)
    assert told(app).body == EMPTY
    assert revocations(store) == [("all", "stop_reply", None)]


def test_a_revocation_does_not_need_the_event_rules(app, store) -> None:
    class Broken:
        def tell(self, event) -> None:
            raise OSError

    app.service.desks["default"].teller = Broken()
    assert CONFIRMATION in told(app).body
    assert revocations(store) == [("all", "stop_reply", None)]


# -- from the answer on


def test_from_the_answer_on_every_check_denies(app, store, packs, tmp_path: Path) -> None:
    """Two hundred people opt out at once; each is checked, here and in another worker, as soon as their answer is there."""
    people = [f"+1305555{number:04}" for number in range(200, 400)]
    at = clock.now() - DAY
    written = {"seller": "acme", "level": "express_written", "obtained_at": at, "known_at": clock.now()}
    store.record_many("consent", [written | {"number": number} for number in people])
    here, elsewhere = app.service.desks["default"].guard, Guard(EmbeddedStore(tmp_path, follow=True), packs=packs)
    campaign = {"id": "offers", "seller": "acme", "purpose": "informational", "dialing": "manual"}
    for guard in (here, elsewhere):
        guard.add_campaign(campaign)

    def allowed(guard: Guard, number: str) -> bool:
        attempt = {"channel": "sms", "to": number, "campaign": "offers", "at": NOON, "line_type": "wireless", "contact": {"state": "FL"}}
        return guard.check(attempt).allowed

    assert all(allowed(guard, number) for guard in (here, elsewhere) for number in people[:3])
    wrong: list[str] = []

    async def one(place: int, number: str) -> None:
        answer = await posted_async(app, "/twilio/message", form(From=number, MessageSid=f"SM{place}"))
        assert answer.status == 200
        if allowed(here, number):
            wrong.append("here")
        if await asyncio.to_thread(allowed, elsewhere, number):
            wrong.append("elsewhere")

    async def all_of_them() -> None:
        await asyncio.gather(*(one(place, number) for place, number in enumerate(people)))

    asyncio.run(all_of_them())
    assert wrong == []
    assert len(store.ledger.entries("acme", list, kinds=["revocation"])) == 200


@pytest.mark.parametrize("step", ["the book", "the ledger"])
def test_while_it_is_being_recorded_the_number_is_held(app, store, step: str) -> None:
    begun, go_on = threading.Event(), threading.Event()
    where, name = (store, "record_revocation") if step == "the ledger" else (app.service.desks["default"].book, "telling")
    right = getattr(where, name)

    def slow(*asked, **fields):
        begun.set()
        go_on.wait(20)
        return right(*asked, **fields)

    setattr(where, name, slow)
    thread = threading.Thread(target=lambda: told(app))
    thread.start()
    assert begun.wait(20)
    assert "lookup_unavailable" in denied(app.service.desks["default"].guard)
    go_on.set()
    thread.join(20)
    assert "lookup_unavailable" not in denied(app.service.desks["default"].guard)


def test_while_the_service_runs_what_waits_is_recorded(app, store, tmp_path: Path, caplog, monkeypatch) -> None:
    monkeypatch.setattr(replaying, "LOOK", 0.05)
    service = app.service
    service.parts = [replaying.replaying]
    lock = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert told(app).status == 503

    async def run() -> None:
        async with service.running():
            while "wait" not in caplog.text:
                await asyncio.sleep(0.02)
            assert revocations(store) == []
            lock.close()
            while not revocations(store):
                await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(run(), 60))
    assert revocations(store) == [("all", "stop_reply", None)] and THEIRS not in caplog.text
    assert caplog.text.count("opt-outs of the tenant default wait") == 1


def test_words_that_the_record_does_not_take_do_not_stop_a_revocation(app, store) -> None:
    assert told(app, OptOutType="STOP", Body="GENUG\x07JETZT").status == 200
    assert revocations(store) == [("all", "stop_reply", None)]
    ((_, entry),) = store.ledger.entries("acme", list, kinds=["revocation"])
    assert entry["words"] is None


@pytest.mark.parametrize(
    ("body", "media", "code"),
    [
        (b"\xff=%ff", FORM, "request.malformed"), (b"a=1&" * 600, FORM, "request.malformed"), (b"", FORM, "auth.signature"),
        (b"[" * 10_000, "application/json", "auth.signature"), (b"x", "text/plain", "request.media_type"),
        (b"x" * 1_000_001, FORM, "request.too_large"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/twilio/message", "/twilio/status", "/twilio/call"])
def test_what_is_no_webhook(app, path: str, body: bytes, media: str, code: str) -> None:
    assert asked(app, "POST", path, body, media=media).code == code
    assert asked(app, "POST", path + "?what=1", body, media=media).code == "input.invalid"


def test_many_opt_outs_of_one_person_at_once_are_confirmed_once(app, store) -> None:
    async def one(place: int) -> bytes:
        return (await posted_async(app, "/twilio/message", form(MessageSid=f"SM{place}"))).body

    async def all_of_them() -> list[bytes]:
        return await asyncio.gather(*(one(place) for place in range(20)))

    assert sum(CONFIRMATION in body for body in asyncio.run(all_of_them())) == 1
    assert len(revocations(store)) == 20


# -- what became of texts and calls


@pytest.fixture
def events(app) -> list[dict]:
    class Teller:
        found: list[dict] = []

        def tell(self, event) -> None:
            self.found.append(dict(event))

    app.service.desks["default"].teller = teller = Teller()
    teller.found = []
    return teller.found


def test_an_opt_out_is_told_to_the_event_rules_once(app, events) -> None:
    told(app)
    told(app)
    (event,) = events
    found = (event["event"], event["to"], event["seller"], event["campaign"], event["means"])
    assert found == ("opted_out", THEIRS, "acme", "c", "stop_reply")
    assert read_event(event, clock.now()).reference == "SM" + "0" * 32


def test_a_text_to_someone_who_unsubscribed_revokes(app, store, events) -> None:
    sent = {"From": OURS, "To": THEIRS, "MessageStatus": "failed", "ErrorCode": "21610", "Body": ""}
    assert told(app, "/twilio/status", **sent).body == EMPTY
    assert told(app, "/twilio/status", **sent).body == EMPTY
    assert revocations(store) == [("all", "carrier_block", None)]
    assert [event["event"] for event in events] == ["opted_out", "carrier_block", "carrier_block"]
    assert len({read_event(event, clock.now()).id for event in events[1:]}) == 1


@pytest.mark.parametrize("code", ["30007", "30034"])
def test_a_block_is_told_to_the_event_rules(app, store, events, code: str) -> None:
    told(app, "/twilio/status", From=OURS, To=THEIRS, MessageStatus="undelivered", ErrorCode=code)
    assert [(event["event"], event["code"], event["campaign"]) for event in events] == [("carrier_block", code, "c")]
    assert revocations(store) == []


def test_other_states_of_a_text_record_nothing(app, store, events) -> None:
    for state, code in (("queued", ""), ("delivered", ""), ("failed", "30003")):
        assert told(app, "/twilio/status", From=OURS, To=THEIRS, MessageStatus=state, ErrorCode=code).body == EMPTY
    assert events == [] and store.ledger.entries("acme", list, kinds=["attempt", "revocation"]) == []


@pytest.fixture
def registered(app):
    app.service.desks["default"].guard.add_campaign(CALLS)


def attempts(store) -> list[tuple[str, str | None, str | None]]:
    found = store.ledger.look_up(seller="acme", number=THEIRS, at=clock.now() + DAY).attempts
    return [(each.channel, each.outcome, each.from_) for each in found]


def test_a_text_that_was_sent_counts_once(app, store, registered) -> None:
    for state in ("queued", "sent", "delivered"):
        assert told(app, "/twilio/status?decision=d-1", From=OURS, To=THEIRS, MessageStatus=state).status == 200
    assert [channel for channel, *_ in attempts(store)] == ["sms"]


@pytest.mark.parametrize(
    ("state", "by", "outcome"),
    [
        ("completed", "", "conversation"), ("completed", "human", "conversation"), ("completed", "unknown", "conversation"),
        ("completed", "machine_end_beep", "voicemail"), ("completed", "fax", None), ("busy", "", "busy"), ("no-answer", "", "no_answer"),
        ("failed", "", None), ("canceled", "", None),
    ],
)  # fmt: skip
def test_what_became_of_a_call(app, store, registered, state: str, by: str, outcome: str | None) -> None:
    sent = {"CallSid": "CA1", "MessageSid": "", "From": OURS, "To": THEIRS, "CallStatus": state, "AnsweredBy": by}
    for _ in range(2):
        assert told(app, "/twilio/call", **sent).status == 200
    assert attempts(store) == [("voice", outcome, OURS)]


def test_a_call_under_way_has_no_outcome_yet(app, store, registered) -> None:
    for state in ("queued", "initiated", "ringing", "in-progress"):
        assert told(app, "/twilio/call", CallSid="CA1", From=OURS, To=THEIRS, CallStatus=state).status == 200
    assert attempts(store) == []


def test_a_campaign_that_is_not_known_or_anothers_is_refused(app, store) -> None:
    sent = {"CallSid": "CA1", "From": OURS, "To": THEIRS, "CallStatus": "busy"}
    assert told(app, "/twilio/call", **sent).fields == ["campaign"]
    app.service.desks["default"].guard.add_campaign(CALLS | {"seller": "bolt"})
    assert told(app, "/twilio/call", **sent).fields == ["campaign"]
    assert attempts(store) == []
