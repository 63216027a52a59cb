"""The common case of reading an attempt: everything well-formed. Anything unusual raises, and the careful reader looks again.

It may only ever agree with the careful reader or raise one of UNUSUAL; a property test holds the two together.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

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
parse_from = lru_cache(maxsize=4096)(numbers.parse)
_span = lru_cache(maxsize=4096)(windows)
_day = lru_cache(maxsize=4096)(day)
_tuple = tuple.__new__
_NOWHERE: Mapping[str, str] = MappingProxyType({})
_FORMS, _COVERS, _CHANNELS = frozenset(FORMS), frozenset(COVERS), frozenset(CHANNELS)


@naming
def read(attempt: Mapping[str, object], campaigns: Mapping[str, Campaign]) -> Given:
    """A well-formed attempt whose campaign is registered."""
    sent = convert(attempt, contract.Attempt)
    campaign, channel = campaigns[sent.campaign], sent.channel
    started = campaign.start is not None
    facts = campaign.start.copy() if started else {}
    if channel == "voice":
        fixed = facts if started else campaign.facts
        if fixed["campaign.dialing"] is None or fixed["campaign.voice"] is None:
            raise ValueError
    number = numbers.parse(sent.to)
    if (number.e164 is None and (sent.to is None or sent.to == OPEN)) or sent.id == OPEN:
        raise ValueError
    from_number = at = person = consent = revocations = national = states = most = attempts = declared = debt = None
    address, related = _NOWHERE, False
    if sent.from_ is not None:
        shown = parse_from(sent.from_)
        from_number = shown.e164
        if from_number is None:
            _word(sent.from_)
        facts["caller_id.kind"] = shown.kind
    if sent.at is not None:
        at = _instant(sent.at)
        if not JUDGED_FROM <= at < JUDGED_BEFORE:
            raise ValueError
    facts["line_type"] = sent.line_type
    part = sent.contact
    if part is not None:
        person = part.id
        if person == OPEN or part.inconvenient is not None:
            raise ValueError
        if part.state is not None or part.zip is not None or part.county is not None or part.place is not None or part.timezone is not None:
            address = {name: _word(value) for name in ADDRESS if (value := getattr(part, name)) is not None}
        elif part.address_basis is not None:
            address = {"address_basis": part.address_basis}
        _contact(facts, part)
    part = sent.line
    if part is not None:
        facts["line.charged"] = part.charged
        if part.ported_to_wireless_at is not None:
            facts["line.ported_to_wireless_at"] = _instant(part.ported_to_wireless_at)
    part = sent.consent
    if part is not None:
        consent = _STATED_NONE if part == _NO_CONSENT else _consent(part)
    part = sent.revocations
    if part is not None:
        revocations = [_revocation(entry) for entry in part] if part else []
    part = sent.relationship
    if part is not None:
        related = (started and part == _NONE) or _relationship(facts, part)  # a campaign's start has it that there is none
    part = sent.dnc
    if part is not None:
        national, states = part.national, part.states
        if part.lists is not None or (states and not STATES.issuperset(states)):
            raise ValueError
        _dnc(facts, part)
    part = sent.history
    if part is not None:
        most, attempts = (part.last_24h, part.last_7d, part.last_30d), part.attempts
        if attempts:
            attempts = [_past(entry) for entry in attempts]
        if part.last_conversation_at is not None:
            facts["history.last_conversation_at"] = _instant(part.last_conversation_at)
    part = sent.caller_id
    if part is not None:
        facts["caller_id.attestation"] = part.attestation
        facts["caller_id.callable"] = part.callable
        facts["caller_id.do_not_originate"] = part.do_not_originate
        facts["caller_id.blocked"] = part.blocked
        facts["caller_id.name"] = name = part.name
        if name == OPEN:
            raise ValueError
    if sent.message is not None:
        _message(facts, sent.message)
    part = sent.debt
    if part is not None:
        debt = _word(part.id)
        if part.third_party is not None:
            facts["debt.third_party"] = part.third_party
    if sent.emergency is not None:
        declared = sent.emergency.declared
        if declared:
            raise ValueError
    return Given(
        sent.id, channel, number, from_number, at, sent.reserve, campaign, facts, started, person, address, consent, revocations, related,
        national, states, most, attempts, declared, debt,
    )  # fmt: skip


def judged_at(sent: object) -> int:
    """The moment of an attempt. Raises one of UNUSUAL."""
    at = _instant(sent)
    if not JUDGED_FROM <= at < JUDGED_BEFORE:
        raise ValueError
    return at


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
    if (
        type(value) is str
        and len(value) in (20, 25)
        and value[10] == "T"
        and value[19] in "Z+-"
        and value[17:19] != "60"
        and "1900" < value[:4] < "2200"
    ):
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
    """Agreed hours; the usual kind, a span a day, is remembered."""
    if type(sent) is dict and 0 < len(sent) <= 7 and all(type(span) is str for span in sent.values()):
        return _spans(tuple(sent.items()))
    return windows(sent)


@lru_cache(maxsize=4096)
def _spans(days: tuple[tuple[str, str], ...]) -> object:
    return windows(dict(days))


@naming
def _contact(facts: dict[str, object], sent: contract.Contact) -> None:
    hours = sent.agreed_hours
    if hours is not None:
        facts["contact.agreed_hours"] = _span(hours) if type(hours) is str else _hours(hours)
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
    found = {
        "at": _instant(sent.at),
        "scope": sent.scope,
        "subject": _word(sent.subject),
        "channel": sent.channel,
        "means": _word(sent.means),
    }
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
def _dnc(facts: dict[str, object], sent: contract.Dnc) -> None:
    if sent.national_since is not None:
        facts["dnc.national_since"] = _day(sent.national_since)
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


def _message(facts: dict[str, object], sent: contract.Message) -> None:
    if sent.body is not None:
        facts["message.body"] = _word(sent.body)
    facts["message.first"] = sent.first
    facts["message.optout_offered"] = sent.optout_offered
    facts["message.free_to_end_user"] = sent.free_to_end_user
    if sent.confirms_revocation is not None:
        facts["message.confirms_revocation"] = sent.confirms_revocation


def _past(sent: contract.PastAttempt) -> Entry:
    to, from_, subject, outcome, debt = sent.to, sent.from_, sent.subject, sent.outcome, sent.debt
    if (to is not None and not _plain(to)) or (from_ is not None and not _plain(from_)):
        raise ValueError
    if subject == OPEN or outcome == OPEN or debt == OPEN:
        raise ValueError
    return _tuple(Entry, (_instant(sent.at), to, sent.channel, sent.purpose, subject, sent.voice, outcome, debt, from_))


def _plain(number: str) -> bool:
    """Whether the careful reader would leave the number as it is: +1 and ten digits that make up a number."""
    return len(number) == 12 and number[0] == "+" and parse_from(number).e164 == number
