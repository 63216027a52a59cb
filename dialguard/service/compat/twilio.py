"""Twilio's webhooks: texts that come in, what became of texts, what became of calls.

A text that asks to stop is a revocation, recorded before Twilio has its answer, and that answer is the one confirmation. From the moment
its signature is found good the number is held; it stays so where the record cannot be written (see ``storage.waiting``).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import msgspec

from dialguard import optout
from dialguard.facts import numbers
from dialguard.ledger.errors import RecordError
from dialguard.model.moment import Instant
from dialguard.model.records import LookUpFailed
from dialguard.service import bodies
from dialguard.service.compat import signature
from dialguard.service.config import TwilioNumber
from dialguard.service.problem import Problem
from dialguard.service.routes import outcomes
from dialguard.service.web import JSON, Request, Response, Route, once
from dialguard.service.writing import now, store_of, written

if TYPE_CHECKING:
    from dialguard.service.desk import Desk

BLOCKS = frozenset({"21610", "30004", "30007", "30032", "30034"})
"""Error codes of texts that a carrier or Twilio does not let through (https://www.twilio.com/docs/api/errors)."""
UNSUBSCRIBED = "21610"
"""The recipient replied STOP to this sender: a revocation, whoever received it."""
_FORM, _TWIML = "application/x-www-form-urlencoded", "text/xml; charset=utf-8"
_MOST_FIELDS = 500
_QUERY = {
    "tenant": "Whose webhook it is; `default` where it is left out.",
    "seller": "For whom the number sends, where the configuration does not say.",
    "campaign": "The same of the campaign.", "decision": "The id of the decision that allowed the text or call.",
    "bodySHA256": "Twilio's digest of a body in JSON.",
}  # fmt: skip
_SID = re.compile(r"[A-Za-z0-9]{2,64}")
_ADDRESS = re.compile(r"\+\d{7,15}")
_CONFIRMED = ("stop_reply", "text_reply")
"""How a revocation was made that was confirmed, or by another system need not be again."""
_SENT = frozenset({"sent", "delivered", "undelivered"})
_CALLS = {"busy": "busy", "no-answer": "no_answer", "failed": "placed", "canceled": "placed"}
"""Outcomes by ``CallStatus``. What may have rung counts as made: Twilio does not say that it did not."""
_LOG = logging.getLogger("dialguard.service")


class _Heard(NamedTuple):
    """A webhook whose signature is good: its fields, those of its address, and for whom the number sends."""

    desk: Desk
    fields: Mapping[str, str]
    asked: Mapping[str, str]
    of: TwilioNumber
    sid: str | None

    def number(self, field: str) -> str:
        """A field as an E.164 number. Raises Problem."""
        text = self.fields.get(field, "").rpartition(":")[2]  # whatsapp:+1...
        found = numbers.parse(text).e164 or (text if _ADDRESS.fullmatch(text) else None)
        if found is None:
            raise Problem("input.invalid", errors=[(field, "expected a telephone number")])
        return found


async def message(request: Request) -> Response:
    """Hear a text that came in; an opt-out is recorded, and the answer is the one confirmation in TwiML."""
    heard = await _heard(request, "To")
    text, at, kind = heard.fields.get("Body", ""), now(), heard.fields.get("OptOutType", "").upper()
    asks = optout.read(text)
    found = optout.answer(asks, text, at, heard.of.name or heard.of.seller)
    if kind == "STOP" and (found.revocation is None or found.revocation["scope"] != "all"):
        # A word of the account's own, by which Twilio has stopped everything.
        found = optout.Answer({"at": at, "scope": "all", "means": "stop_reply", "words": text.strip() or None})
    reply = None
    if found.review:
        _LOG.warning("twilio: a person is to look at the message %s: %s", heard.sid, found.why)
    if found.revocation is not None:
        confirmed = await _revoked(heard, heard.number("From"), found.revocation, "message")
        if confirmed and not kind:  # Twilio has answered what it names
            reply = found.reply
    elif not kind and asks.verdict == "help":
        reply = heard.of.help
    return _twiml(reply)


async def status(request: Request) -> Response:
    """Hear what became of a text: a carrier's block revokes or is told to the event rules; a text that was sent counts as made."""
    heard = await _heard(request, "From")
    code, number = heard.fields.get("ErrorCode", ""), heard.number("To")
    if code == UNSUBSCRIBED:
        await _revoked(heard, number, {"at": now(), "scope": "all", "means": "carrier_block"}, code)
    if code in BLOCKS:
        event = {"event": "carrier_block", "to": number, "code": code, "channel": "sms", "id": heard.sid and f"twilio-{heard.sid}-{code}"}
        await _tell(heard, event)
    if "decision" in heard.asked and heard.fields.get("MessageStatus") in _SENT:
        await _became(heard, number, "sms", "placed", heard.asked["decision"])
    return _twiml(None)


async def call(request: Request) -> Response:
    """Hear what became of a call that was made; it counts as an attempt with that outcome."""
    heard = await _heard(request, "From")
    state, by = heard.fields.get("CallStatus", ""), heard.fields.get("AnsweredBy", "")
    outcome = _CALLS.get(state)
    if state == "completed":
        outcome = "voicemail" if by.startswith("machine") else "placed" if by == "fax" else "answered"
    decision = heard.asked.get("decision") or heard.sid
    if outcome is not None:
        if decision is None:
            raise Problem("input.invalid", errors=[("CallSid", "missing")])
        await _became(heard, heard.number("To"), "voice", outcome, decision)
    return _twiml(None)


async def _heard(request: Request, ours: str) -> _Heard:
    """The webhook, once its signature is found good. ``ours`` is the field of our own number. Raises Problem."""
    asked = request.query(*_QUERY)
    account = request.service.twilio.get(asked.get("tenant", "default"))
    body = await request.body()
    fields, signed = _fields(request, body, asked)
    given = request.header(b"x-twilio-signature") or b""
    if account is None or signed is None:
        raise Problem("auth.signature")
    if not signature.is_signed(account.auth_tokens, _url(request, account.url), signed, given.decode("latin-1")):
        raise Problem("auth.signature")
    desk = request.service.desk(asked.get("tenant", "default"))
    said = dict(reversed(fields))  # of a field that stands twice the first
    names = said.get(ours, "").rpartition(":")[2], said.get("MessagingServiceSid", "")
    named = next((account.numbers[name] for name in names if name in account.numbers), None)
    seller, campaign = asked.get("seller"), asked.get("campaign")
    if named is None and not seller:
        _LOG.error("twilio: [twilio.%s.numbers] does not name the number of a webhook, and its address no seller", desk.tenant)
        raise Problem("input.invalid", errors=[(ours, "a number that the configuration does not name; nor does the address a seller")])
    of = named or TwilioNumber(seller=seller)
    of = of.model_copy(update={name: value for name, value in (("seller", seller), ("campaign", campaign)) if value})
    sid = next((said[name] for name in ("MessageSid", "SmsMessageSid", "SmsSid", "CallSid") if _SID.fullmatch(said.get(name, ""))), None)
    return _Heard(desk, said, asked, of, sid)


def _fields(request: Request, body: bytes, asked: Mapping[str, str]) -> tuple[signature.Fields, signature.Fields | None]:
    """The fields of a webhook, and those that are signed beside its address; None where its body cannot be what was signed."""
    if request.media == JSON:
        if not signature.is_body(body, asked.get("bodySHA256", "")):
            return (), None
        try:
            fields = msgspec.json.decode(body, type=dict[str, str])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Problem("request.malformed", "expected an object whose values are texts") from None
        once(body)
        return list(fields.items()), ()
    if request.media != _FORM:
        raise Problem("request.media_type", f"found {request.media[:60]!r}, expected {_FORM} or {JSON}")
    try:
        fields = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem("request.malformed", "the body is no form in UTF-8") from None
    return fields, fields


def _url(request: Request, public: str | None) -> str:
    """The address that Twilio called, to the letter."""
    scope = request.scope
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    if public is None:
        public = f"{scope['scheme']}://{(request.header(b'host') or b'').decode('latin-1')}"
    query = scope["query_string"].decode("latin-1")
    return public.rstrip("/") + path + (f"?{query}" if query else "")


async def _revoked(heard: _Heard, number: str, revocation: Mapping[str, Any], what: str) -> bool:
    """Records a revocation once, and tells of it; whether it may be confirmed. Raises Problem where the record could not be written: then
    the number is held until it was."""
    store, desk, at = store_of(heard.desk), heard.desk, revocation["at"]
    fields = {"seller": heard.of.seller, "number": number, "known_at": at, **revocation}
    with store.waiting.holding(heard.of.seller, number):
        again, first = await asyncio.shield(written(lambda: _record(desk, fields, heard.sid, what)))
    if not again:
        wrong = revocation["means"] == "wrong_number"
        event = {"event": "wrong_number" if wrong else "opted_out", "to": number, "channel": "sms", "means": revocation["means"]}
        await _tell(heard, event)
    return first and not again


def _record(desk: Desk, fields: Mapping[str, Any], sid: str | None, what: str) -> tuple[bool, bool]:
    """Records a revocation: whether it had been recorded before, and whether none of this person was confirmed since the consent.

    What the service keeps beside the record tells one delivery from the next; where that cannot be had, it is recorded all the same."""
    store = desk.guard.store
    done = False
    try:
        with desk.book.telling(f"twilio-{sid}" if sid else f"twilio-at-{fields['at']}") as told:
            if what in told.before:
                return True, False
            first = not _confirmed(store, fields["seller"], fields["number"], fields["at"])
            _revoke(store, fields)
            done = True
            told.note(what, {"outcome": what})
        return False, first
    except LookUpFailed:
        if not done:
            _revoke(store, fields)
        return False, False


def _revoke(store: Any, fields: Mapping[str, Any]) -> None:
    try:
        store.revoke(**fields)
    except RecordError as error:
        if error.field != "words":
            raise
        store.revoke(**{**fields, "words": None})  # the evidence is less than the revocation


def _confirmed(store: Any, seller: str, number: str, at: Instant) -> bool:
    """Whether an opt-out of this person was confirmed since the consent. Raises LookUpFailed."""
    found = store.ledger.look_up(seller=seller, number=number, at=at)
    since = max((consent.obtained_at or 0 for consent in found.consents), default=0)
    return any(each.means in _CONFIRMED and each.at >= since for each in found.revocations)


async def _became(heard: _Heard, number: str, channel: str, outcome: str, decision: str) -> None:
    """Records what became of an attempt. Raises Problem, InvalidInput."""
    if heard.of.campaign is None:
        raise Problem("input.invalid", errors=[("campaign", "missing in the configuration of the number and in the webhook's address")])
    if heard.desk.guard.campaign(heard.of.campaign).seller != heard.of.seller:
        raise Problem("input.invalid", errors=[("campaign", "it is another seller's")])
    from_ = numbers.parse(heard.fields.get("From", "")).e164
    body = bodies.Outcome(decision=decision, outcome=outcome, to=number, from_=from_, channel=channel, campaign=heard.of.campaign)
    await outcomes.tell(heard.desk, body)


async def _tell(heard: _Heard, event: Mapping[str, Any]) -> None:
    """Tells the event rules, where there are any. Nothing that must not be lost depends on it."""
    teller = heard.desk.teller
    if teller is None:
        return
    whole = {"seller": heard.of.seller, "campaign": heard.of.campaign, "reference": heard.sid, **event}
    try:
        await asyncio.to_thread(teller.tell, whole)
    except Exception as error:
        _LOG.error("twilio: the event %s could not be told: %s", event["event"], type(error).__name__)


def _twiml(reply: str | None) -> Response:
    said = "" if reply is None else f"<Message>{escape(reply)}</Message>"
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n<Response>{said}</Response>'.encode(), media=_TWIML)


ROUTES = [
    Route("POST", "/twilio/message", None, message, "Hear a text that came in through Twilio", None, None, _QUERY, ("text/xml",)),
    Route("POST", "/twilio/status", None, status, "Hear what became of a text sent through Twilio", None, None, _QUERY, ("text/xml",)),
    Route("POST", "/twilio/call", None, call, "Hear what became of a call made through Twilio", None, None, _QUERY, ("text/xml",)),
]
