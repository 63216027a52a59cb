"""The common case of reading an attempt: everything well-formed. Anything unusual raises, and the careful reader looks again.

It may only ever agree with the careful reader or raise one of UNUSUAL; a property test holds the two together.
"""

from collections.abc import Mapping
from functools import lru_cache

from msgspec import ValidationError, convert

from dialguard.facts import numbers
from dialguard.facts.consent import Stated
from dialguard.facts.given import NO_RELATIONSHIP, OPEN, Campaign, Given
from dialguard.facts.readers import ADDRESS, JUDGED_BEFORE, JUDGED_FROM, day, instant, windows
from dialguard.facts.regions import STATES
from dialguard.model import contract
from dialguard.model.facts import naming
from dialguard.model.history import Entry
from dialguard.model.moment import NEVER, SECOND
from dialguard.model.records import CHANNELS, COVERS, FORMS

UNUSUAL = (LookupError, TypeError, ValueError, AttributeError, OverflowError, ValidationError)
_parse_from = lru_cache(maxsize=4096)(numbers.parse)
_span = lru_cache(maxsize=4096)(windows)
_bare, _tuple = object.__new__, tuple.__new__
_FORMS, _COVERS, _CHANNELS = frozenset(FORMS), frozenset(COVERS), frozenset(CHANNELS)


@naming
def read(attempt: Mapping[str, object], campaigns: Mapping[str, Campaign]) -> Given:
    """A well-formed attempt whose campaign is registered."""
    sent = convert(attempt, contract.Attempt)
    given = _bare(Given)
    given.campaign = campaign = campaigns[sent.campaign]
    if campaign.start is None:
        given.facts = facts = {}
    else:
        given.facts = facts = campaign.start.copy()
        given.started = True
    given.channel = channel = sent.channel
    if channel == "voice" and (campaign.facts["campaign.dialing"] is None or campaign.facts["campaign.voice"] is None):
        raise ValueError
    given.id = _word(sent.id)
    given.number = number = numbers.parse(sent.to)
    if number.e164 is None and (sent.to is None or sent.to == OPEN):
        raise ValueError
    if sent.from_ is not None:
        shown = _parse_from(sent.from_)
        if shown.e164 is None:
            _word(sent.from_)
        facts["caller_id.kind"] = shown.kind
        given.from_number = shown.e164
    if sent.at is not None:
        given.at = at = _instant(sent.at)
        if not JUDGED_FROM <= at < JUDGED_BEFORE:
            raise ValueError
    given.reserve = sent.reserve
    facts["line_type"] = sent.line_type
    if sent.contact is not None:
        _contact(given, facts, sent.contact)
    line = sent.line
    if line is not None:
        facts["line.charged"] = line.charged
        if line.ported_to_wireless_at is not None:
            facts["line.ported_to_wireless_at"] = _instant(line.ported_to_wireless_at)
    consent = sent.consent
    if consent is not None:
        given.consent = _STATED_NONE if consent == _NO_CONSENT else _consent(consent)
    revocations = sent.revocations
    if revocations is not None:
        given.revocations = [_revocation(entry) for entry in revocations] if revocations else []
    relationship = sent.relationship
    if relationship is not None:
        if given.started and relationship == _NONE:  # as the campaign's start has it
            given.related = True
        else:
            given.related = _relationship(facts, relationship)
    if sent.dnc is not None:
        _dnc(given, facts, sent.dnc)
    if sent.history is not None:
        _history(given, facts, sent.history)
    if sent.caller_id is not None:
        shown_id = sent.caller_id
        facts["caller_id.attestation"] = shown_id.attestation
        facts["caller_id.callable"] = shown_id.callable
        facts["caller_id.do_not_originate"] = shown_id.do_not_originate
        facts["caller_id.blocked"] = shown_id.blocked
        facts["caller_id.name"] = name = shown_id.name
        if name == OPEN:
            raise ValueError
    if sent.message is not None:
        message = sent.message
        if message.body is not None:
            facts["message.body"] = _word(message.body)
        facts["message.first"] = message.first
        facts["message.optout_offered"] = message.optout_offered
        facts["message.free_to_end_user"] = message.free_to_end_user
        if message.confirms_revocation is not None:
            facts["message.confirms_revocation"] = message.confirms_revocation
    if sent.debt is not None:
        given.debt = _word(sent.debt.id)
        if sent.debt.third_party is not None:
            facts["debt.third_party"] = sent.debt.third_party
    if sent.emergency is not None:
        given.declared = declared = sent.emergency.declared
        if declared:
            raise ValueError
    return given


def _word(value: str | None) -> str | None:
    if value == OPEN:
        raise ValueError
    return value


def _instant(value: object) -> int:
    """RFC 3339 from remembered parts: a date, an hour with its minute, and the seconds with the offset are each seldom new."""
    try:
        return _DATES[value[:11]] + _MINUTES[value[11:17]] + _ENDS[value[17:]]
    except (KeyError, TypeError):
        return _remember(value)


def _remember(value: object) -> int:
    found = instant(value)
    # The parts stand for themselves only where the whole is of one plain form; a leap second or a fraction is not.
    if type(value) is str and len(value) in (20, 25) and value[10] == "T" and value[19] in "Z+-" and value[17:19] != "60" and "1900" < value[:4] < "2200":
        if len(_DATES) < 50_000:
            _DATES[value[:11]] = instant(f"{value[:11]}00:00:00Z")
        if len(_ENDS) < 10_000:
            _ENDS[value[17:]] = instant(f"2000-01-02T00:00:{value[17:]}") - instant("2000-01-02T00:00:00Z")
    return found


_DATES: dict[str, int] = {}
_MINUTES = {f"{minute // 60:02}:{minute % 60:02}:": minute * 60 * SECOND for minute in range(1440)}
_ENDS: dict[str, int] = {}


def _some(value: object, known: frozenset[str]) -> frozenset[str]:
    found = frozenset((value,)) if type(value) is str else frozenset(value)
    if not found <= known:
        raise ValueError
    return found


def _hours(sent: object) -> object:
    """Agreed hours; the usual kinds, a span or a span a day, are remembered."""
    if type(sent) is str:
        return _span(sent)
    if type(sent) is dict and 0 < len(sent) <= 7 and all(type(span) is str for span in sent.values()):
        return _spans(tuple(sent.items()))
    return windows(sent)


@lru_cache(maxsize=4096)
def _spans(days: tuple[tuple[str, str], ...]) -> object:
    return windows(dict(days))


@naming
def _contact(given: Given, facts: dict[str, object], sent: contract.Contact) -> None:
    if sent.state is not None or sent.zip is not None or sent.county is not None or sent.place is not None or sent.timezone is not None:
        given.address = {name: _word(value) for name in ADDRESS if (value := getattr(sent, name)) is not None}
    elif sent.address_basis is not None:
        given.address = {"address_basis": sent.address_basis}
    given.person = person = sent.id
    if person == OPEN or sent.inconvenient is not None:
        raise ValueError
    if sent.agreed_hours is not None:
        facts["contact.agreed_hours"] = _hours(sent.agreed_hours)
    if sent.kind is not None:
        facts["contact.kind"] = sent.kind
    facts["contact.line_use"] = sent.line_use
    facts["contact.at_work"] = sent.at_work
    facts["contact.employer_forbids"] = sent.employer_forbids
    facts["contact.attorney"] = sent.attorney
    if sent.ceased_at is not None:
        facts["contact.ceased_at"] = _instant(sent.ceased_at)
    if sent.last_inbound_at is not None:
        facts["contact.last_inbound_at"] = _instant(sent.last_inbound_at)


_NO_CONSENT, _STATED_NONE = contract.Consent(level="none"), Stated("none")


def _consent(sent: contract.Consent) -> Stated:
    if sent.level is None or sent.revoked_at is not None or sent.revoked_scope is not None:
        raise ValueError
    if sent.revoked_subject is not None or sent.revoked_channel is not None:
        raise ValueError
    obtained, requested, expires = sent.obtained_at, sent.requested_at, sent.expires_at
    form, covers, channels = sent.form, sent.covers, sent.channels
    return _tuple(Stated, (
        sent.level,
        None if form is None else _some(form, _FORMS),
        None if covers is None else _some(covers, _COVERS),
        None if obtained is None else _instant(obtained),
        None if requested is None else _instant(requested),
        None if expires is None else _instant(expires),
        None if channels is None else _some(channels, _CHANNELS),
        None,
        None,
    ))  # fmt: skip


def _revocation(sent: contract.Revocation) -> dict[str, object]:
    found = {"at": _instant(sent.at), "scope": sent.scope, "subject": _word(sent.subject), "channel": sent.channel, "means": _word(sent.means)}
    return {name: value for name, value in found.items() if value is not None}


_NOTHING_SAID, _NONE = contract.Relationship(), contract.Relationship(kind="none")


@naming
def _relationship(facts: dict[str, object], sent: contract.Relationship) -> bool:
    """Enter it; whether anything is said."""
    kind, last = sent.kind, sent.last_at
    if kind is None and (last is not None or sent == _NOTHING_SAID):
        if last is not None:
            raise ValueError
        return False
    facts.update(NO_RELATIONSHIP)
    if last is not None:
        last = _instant(last)
    if kind == "transaction":
        facts["relationship.last_transaction_at"] = last
    elif kind == "inquiry":
        facts["relationship.last_inquiry_at"] = last
    elif kind == "personal":
        facts["relationship.personal"] = True
    if sent.last_transaction_at is not None:
        facts["relationship.last_transaction_at"] = _instant(sent.last_transaction_at)
    if sent.last_inquiry_at is not None:
        facts["relationship.last_inquiry_at"] = _instant(sent.last_inquiry_at)
    if sent.ended_at is not None:
        facts["relationship.ended_at"] = _instant(sent.ended_at)
    if sent.donor_at is not None:
        facts["relationship.donor_at"] = _instant(sent.donor_at)
    if sent.current is not None:
        facts["relationship.current"] = sent.current
    if sent.open_contract is not None:
        facts["relationship.open_contract"] = sent.open_contract
    if sent.member is not None:
        facts["relationship.member"] = sent.member
    if sent.personal is not None:
        facts["relationship.personal"] = sent.personal
    return True


@naming
def _dnc(given: Given, facts: dict[str, object], sent: contract.Dnc) -> None:
    if sent.lists is not None:
        raise ValueError
    if sent.national_since is not None:
        facts["dnc.national_since"] = day(sent.national_since)
    given.national = sent.national
    given.states = states = sent.states
    if states and not STATES.issuperset(states):
        raise ValueError
    if sent.internal is not None:
        facts["dnc.internal"] = sent.internal
        facts["dnc.internal_since"] = NEVER if sent.internal_since is None else _instant(sent.internal_since)
        facts["dnc.internal_scope"] = scope = sent.internal_scope
        if scope == OPEN:
            raise ValueError
    elif sent.internal_since is not None or sent.internal_scope is not None:
        raise ValueError
    facts["dnc.reassigned"] = sent.reassigned
    if sent.reassigned_asked_at is not None:
        facts["dnc.reassigned_asked_at"] = _instant(sent.reassigned_asked_at)
    if sent.litigator is not None:
        facts["dnc.litigator"] = sent.litigator


def _history(given: Given, facts: dict[str, object], sent: contract.History) -> None:
    given.most = (sent.last_24h, sent.last_7d, sent.last_30d)
    attempts = sent.attempts
    if attempts is not None:
        given.attempts = [_past(entry) for entry in attempts] if attempts else []
    if sent.last_conversation_at is not None:
        facts["history.last_conversation_at"] = _instant(sent.last_conversation_at)


def _past(sent: contract.PastAttempt) -> Entry:
    to, from_, subject, outcome, debt = sent.to, sent.from_, sent.subject, sent.outcome, sent.debt
    if (to is not None and not _plain(to)) or (from_ is not None and not _plain(from_)):
        raise ValueError
    if subject == OPEN or outcome == OPEN or debt == OPEN:
        raise ValueError
    return _tuple(Entry, (_instant(sent.at), to, sent.channel, sent.purpose, subject, sent.voice, outcome, debt, from_))


def _plain(number: str) -> bool:
    """Whether the careful reader would leave the number as it is: +1 and ten digits that make up a number."""
    return len(number) == 12 and number[0] == "+" and _parse_from(number).e164 == number
