"""The common case of reading an attempt: everything well-formed. Anything unusual raises, and the careful reader looks again.

It may only ever agree with the careful reader or raise LookupError, TypeError, ValueError or AttributeError; a property
test holds the two together.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache

from dialguard.facts import numbers
from dialguard.facts.attempt import OPEN, Campaign, Given
from dialguard.facts.readers import ADDRESS, CONSENT, CONTACT, LINE_TYPES, PAST, PLAIN, RELATIONSHIP, REVOCATION, day, strings, windows
from dialguard.model.moment import SECOND
from dialguard.model.records import CHANNELS, COVERS, FORMS, LEVELS, PURPOSES, SCOPES, VOICES

_read_iso = datetime.fromisoformat
_parse_from = lru_cache(maxsize=4096)(numbers.parse)


def _instant(value: str) -> int:
    """RFC 3339 in its two plain forms, 2026-03-03T10:00:00Z and 2026-03-03T10:00:00-05:00; else ValueError."""
    length = len(value)
    if (length == 25 and value[22] == ":" or length == 20 and value[19] == "Z") and value[16] == ":" and value[10] == "T" and value[4] == "-":
        if value[0] != "0":
            return int(_read_iso(value).timestamp()) * SECOND
    raise ValueError


def _flag(value: object) -> bool:
    if value is True or value is False:
        return value
    raise ValueError


def _text(value: object) -> str:
    if type(value) is str and value != OPEN:
        return value
    raise ValueError


def _whole(value: object) -> int:
    if type(value) is int and 0 <= value < 10**9:
        return value
    raise ValueError


def _table(words: tuple[str, ...]) -> Callable[[str], str]:
    return {word: word for word in words}.__getitem__


_WORDS = {
    "level": LEVELS, "revoked_scope": SCOPES, "revoked_channel": CHANNELS, "kind": ("none", "inquiry", "transaction", "personal"),
    "scope": SCOPES, "channel": CHANNELS, "purpose": PURPOSES, "voice": VOICES, "attestation": ("A", "B", "C", "none"),
    "line_use": ("residence", "business", "emergency_line", "patient_room"),
}  # fmt: skip
_SETS = {"form": FORMS, "covers": COVERS, "channels": CHANNELS}
_FLAGS = frozenset({
    "charged", "callable", "do_not_originate", "blocked", "first", "optout_offered", "free_to_end_user", "confirms_revocation",
    "current", "open_contract", "member", "personal", "at_work", "employer_forbids", "attorney",
})  # fmt: skip


def _some(words: tuple[str, ...]) -> Callable[[object], frozenset[str]]:
    known = frozenset(words)

    def read(value: object) -> frozenset[str]:
        found = frozenset(value) if type(value) is list else frozenset((_text(value),))
        if not found <= known:
            raise ValueError
        return found

    return read


def _reader(name: str) -> Callable[[object], object]:
    if name in _WORDS:
        return _table(_WORDS[name])
    if name in _SETS:
        return _some(_SETS[name])
    if name in _FLAGS:
        return _flag
    return _instant if name.endswith("at") else _text


def _fields(names) -> dict[str, Callable[[object], object]]:
    return {name: _reader(name) for name in names}


def _object(table: Mapping[str, Callable], value: Mapping[str, object]) -> dict[str, object]:
    return {key: table[key](item) for key, item in value.items() if item is not None}


def _plain(prefix: str, table: Mapping[str, Callable]) -> Callable:
    entries = {key: (f"{prefix}.{key}", read) for key, read in table.items()}

    def section(given: Given, value: Mapping[str, object], _campaigns) -> None:
        facts = given.facts
        for key, item in value.items():
            name, read = entries[key]
            if item is not None:
                facts[name] = read(item)

    return section


def _id(given: Given, value: object, _campaigns) -> None:
    given.id = _text(value)


def _channel(given: Given, value: object, _campaigns) -> None:
    given.channel = _CHANNEL(value)


def _to(given: Given, value: object, _campaigns) -> None:
    if value == OPEN:
        raise ValueError
    given.number = numbers.parse(value)


def _from(given: Given, value: object, _campaigns) -> None:
    number = _parse_from(_text(value))
    given.facts["caller_id.kind"] = number.kind
    given.from_number = number.e164


def _at(given: Given, value: object, _campaigns) -> None:
    given.at = _instant(value)


def _reserve(given: Given, value: object, _campaigns) -> None:
    given.reserve = _flag(value)


def _campaign(given: Given, value: object, campaigns: Mapping[str, Campaign]) -> None:
    given.campaign = campaigns[value]


def _line_type(given: Given, value: object, _campaigns) -> None:
    given.facts["line_type"] = _LINE_TYPE(value)


_CHANNEL, _LINE_TYPE = _table(CHANNELS), _table(LINE_TYPES)
_CONTACT_FIELDS = _fields(CONTACT) | {"agreed_hours": windows, "kind": _table(("consumer", "business"))}
_CONTACT_FACTS = {key: (f"contact.{key}", read) for key, read in _CONTACT_FIELDS.items()}
_ADDRESS_FIELDS = frozenset(ADDRESS) - {"address_basis"}


def _contact(given: Given, value: Mapping[str, object], _campaigns) -> None:
    facts = given.facts
    for key, item in value.items():
        if item is None:
            continue
        if key in _ADDRESS_FIELDS:
            given.address[key] = _text(item)
        elif key == "id":
            given.person = _text(item)
        else:
            name, read = _CONTACT_FACTS[key]
            facts[name] = read(item)


_CONSENT_FIELDS = {key: read for key, read in _fields(CONSENT).items() if not key.startswith("revoked")}
_RELATIONSHIP_FIELDS, _REVOCATION_FIELDS, _PAST_FIELDS = _fields(RELATIONSHIP), _fields(REVOCATION), _fields(PAST)


def _consent(given: Given, value: Mapping[str, object], _campaigns) -> None:
    given.consent = _object(_CONSENT_FIELDS, value)


def _relationship(given: Given, value: Mapping[str, object], _campaigns) -> None:
    given.relationship = _object(_RELATIONSHIP_FIELDS, value)


def _entries(table: Mapping[str, Callable], value: list) -> list[dict[str, object]]:
    if type(value) is not list:
        raise ValueError
    found = [_object(table, item) for item in value]
    for entry in found:
        entry["at"]  # required: KeyError leaves it to the careful reader
    return found


def _revocations(given: Given, value: list, _campaigns) -> None:
    given.revocations = _entries(_REVOCATION_FIELDS, value)


def _history(given: Given, value: Mapping[str, object], _campaigns) -> None:
    for key, item in value.items():
        if item is None:
            continue
        if key == "attempts":
            given.attempts = _entries(_PAST_FIELDS, item)
        elif key == "last_conversation_at":
            given.facts["history.last_conversation_at"] = _instant(item)
        else:
            given.bounds[_BOUND(key)] = _whole(item)


_BOUND = _table(("last_24h", "last_7d", "last_30d"))
_INTERNAL = {"internal": _flag, "internal_since": _instant, "internal_scope": _text}
_DNC = {
    "national_since": ("dnc.national_since", day), "reassigned": ("dnc.reassigned", _table(("yes", "no", "no_data"))),
    "reassigned_asked_at": ("dnc.reassigned_asked_at", _instant), "litigator": ("dnc.litigator", _flag),
}  # fmt: skip


def _dnc(given: Given, value: Mapping[str, object], _campaigns) -> None:
    internal = None
    for key, item in value.items():
        if item is None:
            continue
        if key == "national":
            given.national = _flag(item)
        elif key == "states":
            given.states = strings(item) if item != OPEN else _text(item)
        elif key in _INTERNAL:
            internal = internal or {}
            internal[key] = _INTERNAL[key](item)
        else:
            name, read = _DNC[key]
            given.facts[name] = read(item)
    given.internal = internal


def _emergency(given: Given, value: Mapping[str, object], _campaigns) -> None:
    if value != {"declared": []}:
        raise ValueError
    given.declared = []


def _debt(given: Given, value: Mapping[str, object], _campaigns) -> None:
    for key, item in value.items():
        if key == "id":
            given.debt = _text(item)
        elif key == "third_party":
            given.facts["debt.third_party"] = _flag(item)
        else:
            raise KeyError(key)


_SECTIONS: dict[str, Callable] = {
    "id": _id, "channel": _channel, "to": _to, "from": _from, "at": _at, "reserve": _reserve, "campaign": _campaign,
    "contact": _contact, "line_type": _line_type, "line": _plain("line", _fields(PLAIN["line"])),
    "caller_id": _plain("caller_id", _fields(PLAIN["caller_id"])), "message": _plain("message", _fields(PLAIN["message"])),
    "consent": _consent, "revocations": _revocations, "relationship": _relationship, "dnc": _dnc, "history": _history,
    "emergency": _emergency, "debt": _debt,
}  # fmt: skip


def read(attempt: Mapping[str, object], campaigns: Mapping[str, Campaign]) -> Given:
    """A well-formed attempt whose campaign is registered."""
    given = Given()
    for key, value in attempt.items():
        if value is not None:
            _SECTIONS[key](given, value, campaigns)
    campaign = given.campaign
    if campaign is None or given.number is None or not given.channel:
        raise ValueError
    if given.channel == "voice" and (campaign.facts["campaign.dialing"] is None or campaign.facts["campaign.voice"] is None):
        raise ValueError
    return given
