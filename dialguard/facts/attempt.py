"""An attempt as the caller sends it, checked and brought into one form. Every mistake is named, all at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction

from dialguard.facts import clock, numbers
from dialguard.model.moment import Instant
from dialguard.model.records import CHANNELS, COVERS, FORMS, LEVELS, PURPOSES, SCOPES, VOICES
from dialguard.packs import values as notation

DIALING = ("manual", "preview", "predictive", "automated", "random_sequential")
LINE_TYPES = ("wireless", "landline", "voip", "toll_free")
TEXTS = frozenset({"sms", "mms", "fax"})
OPEN = "unknown"
"""The word that leaves a field open."""

Read = Callable[[object], object]


class InvalidInput(ValueError):
    """An attempt that cannot be judged; ``errors`` pairs each field with what was found and what was expected."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors))


@dataclass(slots=True)
class Campaign:
    """A campaign, checked. ``facts`` are the values that it fixes, None where it leaves a fact open."""

    id: str | None
    seller: str
    facts: dict[str, object]
    registry_area_codes: frozenset[str] | None
    claims: tuple[Mapping[str, object], ...] = ()
    key: str | None = None


@dataclass(slots=True)
class Given:
    """What the caller says. ``facts`` are plain facts by name; the rest needs a moment, a store or the rules to be judged."""

    id: str | None = None
    channel: str = ""
    number: numbers.Number | None = None
    at: Instant | None = None
    reserve: bool | None = None
    campaign: Campaign | None = None
    person: str | None = None
    address: dict[str, str] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    consent: dict[str, object] | None = None
    revocations: list[dict[str, object]] | None = None
    relationship: dict[str, object] | None = None
    internal: dict[str, object] | None = None
    national: bool | None = None
    states: frozenset[str] | None = None
    lists: dict[str, dict[str, object]] | None = None
    attempts: list[dict[str, object]] | None = None
    bounds: dict[str, int] = field(default_factory=dict)
    declared: list[dict[str, object]] | None = None
    debt: str | None = None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"found {value!r:.40}, expected text")


def _flag(value: object) -> bool:
    if value is True or value is False:
        return value
    raise ValueError(f"found {value!r:.40}, expected true or false")


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
        return value
    raise ValueError(f"found {value!r:.40}, expected a whole number from 0")


def _one_of(words: tuple[str, ...]) -> Read:
    table = {word: word for word in words}

    def read(value: object) -> str:
        found = table.get(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"found {value!r:.40}, expected one of {', '.join(words)}")
        return found

    return read


def _some_of(words: tuple[str, ...]) -> Read:
    known = frozenset(words)

    def read(value: object) -> frozenset[str]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, (list, tuple, set, frozenset)):
            raise ValueError(f"found {value!r:.40}, expected a list")
        for item in items:
            if not isinstance(item, str) or (known and item not in known):
                raise ValueError(f"found {item!r:.40}, expected {'one of ' + ', '.join(words) if words else 'text'}")
        return frozenset(items)

    return read


_strings = _some_of(())


def _instant(value: object) -> Instant:
    if isinstance(value, str):
        return clock.parse_instant(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return clock.parse_instant(value.isoformat())
    raise ValueError(f"found {value!r:.40}, expected RFC 3339 with an offset, such as 2026-03-03T10:00:00-05:00")


def _date(value: object) -> int:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.toordinal()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10] if "T" in value else value).toordinal()
        except ValueError:
            pass
    raise ValueError(f"found {value!r:.40}, expected a date such as 2026-03-03")


def _rate(value: object) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return _up(Fraction(str(value)))
    raise ValueError(f"found {value!r:.40}, expected a share from 0 to 1, such as 0.03")


def _up(share: Fraction) -> int:
    """Parts per million, rounded up: a rate a hair over the limit stays over it."""
    return -((-share.numerator * 1_000_000) // share.denominator)


def windows(value: object) -> object:
    if isinstance(value, str):
        value = {"every_day": value}
    if isinstance(value, (list, tuple)):
        merged: dict[str, list[str]] = {}
        for item in value:
            if not isinstance(item, Mapping) or not {"from", "to"} <= set(item) <= {"days", "from", "to"}:
                raise ValueError(f"found {item!r:.60}, expected {{days: [mon, ..], from: HH:MM, to: HH:MM}}")
            for day in item.get("days", notation.DAYS):
                merged.setdefault(day, []).append(f"{item['from']}-{item['to']}")
        value = merged or {"every_day": "none"}
    return notation.windows(dict(value) if isinstance(value, Mapping) else value)


def _address(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return _text(value)


_PLAIN: dict[str, dict[str, Read]] = {
    "line": {"charged": _flag, "ported_to_wireless_at": _instant},
    "caller_id": {
        "attestation": _one_of(("A", "B", "C", "none")), "callable": _flag, "do_not_originate": _flag, "name": _text, "blocked": _flag,
    },
    "message": {
        "body": _text, "first": _flag, "optout_offered": _flag, "free_to_end_user": _flag, "confirms_revocation": _flag,
    },
}  # fmt: skip
_CONTACT: dict[str, Read] = {
    "kind": _one_of(("consumer", "business")),
    "line_use": _one_of(("residence", "business", "emergency_line", "patient_room")),
    "agreed_hours": windows,
    "at_work": _flag,
    "employer_forbids": _flag,
    "attorney": _flag,
    "ceased_at": _instant,
    "last_inbound_at": _instant,
}
_ADDRESS = ("state", "zip", "county", "place", "timezone", "address_basis")
_CONSENT: dict[str, Read] = {
    "level": _one_of(LEVELS), "form": _some_of(FORMS), "covers": _some_of(COVERS), "obtained_at": _instant,
    "requested_at": _instant, "expires_at": _instant, "channels": _some_of(CHANNELS), "revoked_at": _instant,
    "revoked_scope": _one_of(SCOPES), "revoked_subject": _text, "revoked_channel": _one_of(CHANNELS),
}  # fmt: skip
_REVOCATION: dict[str, Read] = {
    "at": _instant, "scope": _one_of(SCOPES), "subject": _text, "channel": _one_of(CHANNELS), "means": _text,
}  # fmt: skip
_RELATIONSHIP: dict[str, Read] = {
    "kind": _one_of(("none", "inquiry", "transaction", "personal")), "last_at": _instant, "last_transaction_at": _instant,
    "last_inquiry_at": _instant, "ended_at": _instant, "current": _flag, "open_contract": _flag, "donor_at": _instant,
    "member": _flag, "personal": _flag,
}  # fmt: skip
_LIST: dict[str, Read] = {"listed": _flag, "published": _date, "effective": _date, "use_by": _date}
_PAST: dict[str, Read] = {
    "at": _instant, "to": _text, "channel": _one_of(CHANNELS), "purpose": _one_of(PURPOSES), "subject": _text,
    "voice": _one_of(VOICES), "outcome": _text, "debt": _text, "from": _text,
}  # fmt: skip
_DECLARED: dict[str, Read] = {
    "state": _text, "county": _text, "place": _text, "from": _instant, "until": _instant, "kind": _one_of(("emergency", "closed_day")),
}  # fmt: skip
_CAMPAIGN: dict[str, Read] = {
    "purpose": _one_of(PURPOSES), "dialing": _one_of(DIALING), "voice": _one_of(VOICES), "subject": _text, "industry": _text,
    "caller_class": _text, "recording": _flag, "caller_states": _strings, "registered_states": _strings,
    "sms_registration": _one_of(("none", "pending", "registered")), "sender_kind": _one_of(("10dlc", "toll_free", "short_code")),
    "registry_version": _date, "abandonment_rate": _rate,
}  # fmt: skip
_CAMPAIGN_OTHER = ("id", "seller", "registry_area_codes", "claims", "abandoned", "answered_live")


class _Reader:
    """Reads one object field by field; mistakes are gathered under the field's full name."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def wrong(self, name: str, text: str) -> None:
        self.errors.append((name, text))

    def mapping(self, value: object, name: str) -> Mapping[str, object]:
        if isinstance(value, Mapping):
            return value
        self.wrong(name, f"found {value!r:.40}, expected an object")
        return {}

    def fields(self, value: object, name: str, readers: Mapping[str, Read]) -> dict[str, object]:
        found = {}
        for key, item in self.mapping(value, name).items():
            reader = readers.get(key)
            if reader is None:
                self.unknown(f"{name}.{key}", readers)
            elif item is not None and item != OPEN:
                try:
                    found[key] = reader(item)
                except ValueError as error:
                    self.wrong(f"{name}.{key}", str(error))
        return found

    def unknown(self, name: str, known) -> None:
        from dialguard.packs.yamlfile import suggest

        self.wrong(name, f"unknown field; {suggest(name.rpartition('.')[2], list(known))}")

    def several(self, value: object, name: str, readers: Mapping[str, Read], required: tuple[str, ...] = ()) -> list[dict[str, object]]:
        if not isinstance(value, (list, tuple)):
            self.wrong(name, f"found {value!r:.40}, expected a list")
            return []
        found = []
        for index, item in enumerate(value):
            where = f"{name}[{index}]"
            entry = self.fields(item, where, readers)
            for key in required:
                if key not in entry and not any(field_name == f"{where}.{key}" for field_name, _ in self.errors):
                    self.wrong(f"{where}.{key}", "missing")
            found.append(entry)
        return found


def read_campaign(value: object, key: str | None = None) -> Campaign:
    """Check a campaign object; raises InvalidInput naming every mistake. ``key`` marks a registered campaign."""
    reader = _Reader()
    campaign = _campaign(reader, value, key)
    if reader.errors or campaign is None:
        raise InvalidInput(reader.errors)
    return campaign


def _campaign(reader: _Reader, value: object, key: str | None) -> Campaign | None:
    facts: dict[str, object] = dict.fromkeys(f"campaign.{name}" for name in _CAMPAIGN)
    other: dict[str, object] = {}
    for name, item in reader.mapping(value, "campaign").items():
        if item is None or item == OPEN:
            continue
        if name in _CAMPAIGN_OTHER:
            other[name] = item
            continue
        read = _CAMPAIGN.get(name)
        if read is None:
            reader.unknown(f"campaign.{name}", (*_CAMPAIGN, *_CAMPAIGN_OTHER))
            continue
        try:
            facts[f"campaign.{name}"] = read(item)
        except ValueError as error:
            reader.wrong(f"campaign.{name}", str(error))
    seller = other.get("seller")
    if not isinstance(seller, str) or not seller:
        reader.wrong("campaign.seller", "missing" if seller is None else f"found {seller!r:.40}, expected text")
    if facts["campaign.purpose"] is None and not any(name == "campaign.purpose" for name, _ in reader.errors):
        reader.wrong("campaign.purpose", "missing")
    if "abandoned" in other or "answered_live" in other:
        try:
            abandoned, answered = _whole(other.get("abandoned")), _whole(other.get("answered_live"))
            facts["campaign.abandonment_rate"] = _up(Fraction(abandoned, answered)) if answered else 0 if not abandoned else 1_000_000
        except ValueError as error:
            reader.wrong("campaign.abandoned", f"{error} for abandoned and answered_live")
    codes = None
    if "registry_area_codes" in other:
        try:
            items = other["registry_area_codes"]
            codes = _strings([str(item) for item in items] if isinstance(items, (list, tuple)) else items)
        except ValueError as error:
            reader.wrong("campaign.registry_area_codes", str(error))
    claims = _claims(reader, other.get("claims"))
    facts["campaign.claims"] = frozenset(str(claim["exemption"]) for claim in claims)
    identity = other.get("id")
    return Campaign(
        identity if isinstance(identity, str) else None, seller if isinstance(seller, str) else "", facts, codes, tuple(claims), key
    )


def _claims(reader: _Reader, value: object) -> list[dict[str, object]]:
    if value is None:
        return []
    readers: dict[str, Read] = {"exemption": _text, "by": _text, "at": lambda item: _date(item) and item, "evidence": lambda item: item}
    return reader.several(value, "campaign.claims", readers, required=("exemption", "by", "at"))


def read(attempt: Mapping[str, object], campaigns: Mapping[str, Campaign]) -> Given:
    """Check an attempt; raises InvalidInput naming every mistake and everything required that is missing."""
    reader = _Reader()
    given = Given()
    for key, value in reader.mapping(attempt, "attempt").items():
        section = _SECTIONS.get(key)
        if section is None:
            if "." in key:
                section_name, _, rest = key.partition(".")
                if section_name in _SECTIONS:
                    _SECTIONS[section_name](reader, given, {rest: value}, campaigns)
                    continue
            reader.unknown(key, _SECTIONS)
        elif value is not None and value != OPEN:
            section(reader, given, value, campaigns)
    _required(reader, given, attempt)
    if reader.errors:
        raise InvalidInput(reader.errors)
    return given


def _required(reader: _Reader, given: Given, attempt: Mapping[str, object]) -> None:
    named = {name for name, _ in reader.errors}
    if given.number is None and "to" not in named:
        reader.wrong("to", "missing")
    if not given.channel and "channel" not in named:
        reader.wrong("channel", "missing")
    if given.campaign is None:
        if not any(name.startswith("campaign") for name in named):
            reader.wrong("campaign", "missing")
        return
    facts = given.campaign.facts
    if given.channel == "voice":
        for name in ("campaign.dialing", "campaign.voice"):
            if facts[name] is None and name not in named:
                reader.wrong(name, "missing (required for voice)")


def _simple(name: str, read_value: Read) -> Callable:
    def section(reader: _Reader, given: Given, value: object, _campaigns) -> None:
        try:
            setattr(given, name, read_value(value))
        except ValueError as error:
            reader.wrong(name, str(error))

    return section


def _to(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    given.number = numbers.parse(value)


def _from(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    number = numbers.parse(value)
    given.facts["caller_id.kind"] = number.kind
    given.facts["\0from"] = number.e164


def _campaign_section(reader: _Reader, given: Given, value: object, campaigns: Mapping[str, Campaign]) -> None:
    if isinstance(value, str):
        given.campaign = campaigns.get(value)
        if given.campaign is None:
            reader.wrong("campaign", f"no campaign {value!r:.60} is registered; register it or send it as an object")
    else:
        given.campaign = _campaign(reader, value, None)


def _contact(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    for key, item in reader.mapping(value, "contact").items():
        if item is None or item == OPEN:
            continue
        try:
            if key in _ADDRESS:
                given.address[key] = _address(item)
            elif key == "id":
                given.person = _address(item)
            elif key == "inconvenient":
                _inconvenient(given, item)
            elif key in _CONTACT:
                given.facts[f"contact.{key}"] = _CONTACT[key](item)
            else:
                reader.unknown(f"contact.{key}", (*_ADDRESS, *_CONTACT, "id", "inconvenient"))
        except ValueError as error:
            reader.wrong(f"contact.{key}", str(error))
    basis = given.address.get("address_basis")
    if basis not in (None, "verified", "stated"):
        reader.wrong("contact.address_basis", f"found {basis!r:.40}, expected verified or stated")


def _inconvenient(given: Given, item: object) -> None:
    places = frozenset()
    if isinstance(item, Mapping) and set(item) <= {"windows", "places"}:
        places, item = _strings(item.get("places") or []), item.get("windows") or {"every_day": "none"}
    given.facts["contact.inconvenient"] = windows(item)
    given.facts["contact.inconvenient_places"] = places


def _line_type(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    try:
        given.facts["line_type"] = _LINE_TYPE(value)
    except ValueError as error:
        reader.wrong("line_type", str(error))


_LINE_TYPE = _one_of(LINE_TYPES)


def _plain(name: str) -> Callable:
    readers = _PLAIN[name]

    def section(reader: _Reader, given: Given, value: object, _campaigns) -> None:
        for key, item in reader.fields(value, name, readers).items():
            given.facts[f"{name}.{key}"] = item

    return section


def _consent(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    found = reader.fields(value, "consent", _CONSENT)
    if "revoked_at" in found:
        entry = {"at": found.pop("revoked_at")}
        for key in ("scope", "subject", "channel"):
            if f"revoked_{key}" in found:
                entry[key] = found.pop(f"revoked_{key}")
        given.revocations = [*(given.revocations or []), entry]
    given.consent = {**(given.consent or {}), **found}


def _revocations(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    entries = reader.several(value, "revocations", _REVOCATION, required=("at",))
    given.revocations = [*(given.revocations or []), *entries]


def _relationship(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    given.relationship = {**(given.relationship or {}), **reader.fields(value, "relationship", _RELATIONSHIP)}


def _dnc(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    readers: dict[str, Read] = {
        "national": _flag, "national_since": _date, "states": _strings, "lists": lambda item: item, "internal": _flag,
        "internal_since": _instant, "internal_scope": _text, "reassigned": _one_of(("yes", "no", "no_data")),
        "reassigned_asked_at": _instant, "litigator": _flag,
    }  # fmt: skip
    found = reader.fields(value, "dnc", readers)
    for key in ("national_since", "reassigned", "reassigned_asked_at", "litigator"):
        if key in found:
            given.facts[f"dnc.{key}"] = found[key]
    given.national = found.get("national", given.national)
    given.states = found.get("states", given.states)
    if "lists" in found:
        given.lists = {
            code: reader.fields(entry, f"dnc.lists.{code}", _LIST) for code, entry in reader.mapping(found["lists"], "dnc.lists").items()
        }
    internal = {key: found[key] for key in ("internal", "internal_since", "internal_scope") if key in found}
    if internal:
        given.internal = {**(given.internal or {}), **internal}


def _history(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    for key, item in reader.mapping(value, "history").items():
        if item is None or item == OPEN:
            continue
        try:
            if key in ("last_24h", "last_7d", "last_30d"):
                given.bounds[key] = _whole(item)
            elif key == "attempts":
                given.attempts = reader.several(item, "history.attempts", _PAST, required=("at",))
            elif key == "last_conversation_at":
                given.facts["history.last_conversation_at"] = _instant(item)
            else:
                reader.unknown(f"history.{key}", ("last_24h", "last_7d", "last_30d", "attempts", "last_conversation_at"))
        except ValueError as error:
            reader.wrong(f"history.{key}", str(error))


def _emergency(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    for key, item in reader.mapping(value, "emergency").items():
        if key != "declared":
            reader.unknown(f"emergency.{key}", ("declared",))
        elif item is not None and item != OPEN:
            given.declared = reader.several(item, "emergency.declared", _DECLARED, required=("state",))


def _debt(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    found = reader.fields(value, "debt", {"id": _address, "third_party": _flag})
    given.debt = found.get("id", given.debt)
    if "third_party" in found:
        given.facts["debt.third_party"] = found["third_party"]


_SECTIONS: dict[str, Callable] = {
    "id": _simple("id", _address), "channel": _simple("channel", _one_of(CHANNELS)), "to": _to, "from": _from,
    "at": _simple("at", _instant), "reserve": _simple("reserve", _flag), "campaign": _campaign_section, "contact": _contact,
    "line_type": _line_type, "line": _plain("line"), "caller_id": _plain("caller_id"), "message": _plain("message"),
    "consent": _consent, "revocations": _revocations, "relationship": _relationship, "dnc": _dnc, "history": _history,
    "emergency": _emergency, "debt": _debt,
}  # fmt: skip
