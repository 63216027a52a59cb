"""The careful reader of an attempt as the caller sends it: field by field, every mistake named, all at once."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from dialguard.facts import numbers
from dialguard.facts.consent import Stated
from dialguard.facts.given import OPEN, Campaign, Given, InvalidInput
from dialguard.facts.readers import (
    ADDRESS, CAMPAIGN, CAMPAIGN_OTHER, CONSENT, CONTACT, DECLARED, LINE_TYPES, LIST, PAST, PLAIN, RELATIONSHIP, REVOCATION,
    Read, day, flag, instant, instant_or_never, judged_at, list_code, one_of, share_up, states, strings, text, whole, windows, word,
)  # fmt: skip
from dialguard.model.history import Entry
from dialguard.model.records import CHANNELS


class _Reader:
    """Reads one object field by field; mistakes are gathered under the field's full name."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []
        self.open: set[str] = set()

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
            elif item == OPEN:
                self.open.add(f"{name}.{key}")
            elif item is not None:
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
    facts: dict[str, object] = dict.fromkeys(f"campaign.{name}" for name in CAMPAIGN)
    other: dict[str, object] = {}
    for name, item in reader.mapping(value, "campaign").items():
        read = CAMPAIGN.get(name)
        if read is None and name not in CAMPAIGN_OTHER:
            reader.unknown(f"campaign.{name}", (*CAMPAIGN, *CAMPAIGN_OTHER))
            continue
        if item is None or item == OPEN:
            continue
        if read is None:
            other[name] = item
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
            abandoned, answered = whole(other.get("abandoned")), whole(other.get("answered_live"))
            facts["campaign.abandonment_rate"] = share_up(Fraction(abandoned, answered)) if answered else 0 if not abandoned else 1_000_000
        except ValueError as error:
            reader.wrong("campaign.abandoned", f"{error} for abandoned and answered_live")
    codes = None
    if "registry_area_codes" in other:
        try:
            items = other["registry_area_codes"]
            codes = strings([str(item) for item in items] if isinstance(items, (list, tuple)) else items)
        except ValueError as error:
            reader.wrong("campaign.registry_area_codes", str(error))
    claims = _claims(reader, other.get("claims"))
    facts["campaign.claims"] = frozenset(str(claim["exemption"]) for claim in claims if "exemption" in claim)
    identity = other.get("id")
    return Campaign(
        identity if isinstance(identity, str) else None, seller if isinstance(seller, str) else "", facts, codes, tuple(claims), key
    )


def _claims(reader: _Reader, value: object) -> list[dict[str, object]]:
    if value is None:
        return []
    readers: dict[str, Read] = {"exemption": text, "by": text, "at": lambda item: day(item) and item, "evidence": lambda item: item}
    return reader.several(value, "campaign.claims", readers, required=("exemption", "by", "at"))


def read_carefully(attempt: Mapping[str, object], campaigns: Mapping[str, Campaign]) -> Given:
    """Check an attempt field by field; raises InvalidInput naming every mistake and everything required that is missing.

    ``quick`` reads what is well-formed in a fraction of the time and leaves the rest to this.
    """
    reader = _Reader()
    given = Given()
    for key, value in _nested(reader, reader.mapping(attempt, "attempt")).items():
        section = _SECTIONS.get(key)
        if section is None:
            reader.unknown(str(key), _SECTIONS)
        elif value is not None and value != OPEN:
            section(reader, given, value, campaigns)
    given.open = frozenset(reader.open)
    _required(reader, given)
    if reader.errors:
        raise InvalidInput(reader.errors)
    return given


def _nested(reader: _Reader, attempt: Mapping[str, object]) -> Mapping[str, object]:
    """The attempt with dotted names (``contact.state``) put into their objects, as columns of a table give them."""
    if not any(isinstance(key, str) and "." in key for key in attempt):
        return attempt
    nested: dict[str, object] = {}
    for key, value in sorted(attempt.items(), key=lambda entry: isinstance(entry[0], str) and "." in entry[0]):
        *path, last = key.split(".") if isinstance(key, str) else (key,)
        if path and path[0] not in _OBJECTS:
            reader.unknown(key, _SECTIONS)
            continue
        into = nested
        for part in path:
            into[part] = dict(held) if isinstance(held := into.get(part), Mapping) else {} if held is None else held
            into = into[part]
            if not isinstance(into, dict):
                reader.wrong(key, f"{part} is given too, and is no object")
                break
        else:
            into[last] = value
    return nested


def _required(reader: _Reader, given: Given) -> None:
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
    given.from_number = number.e164


def _campaign_section(reader: _Reader, given: Given, value: object, campaigns: Mapping[str, Campaign]) -> None:
    if isinstance(value, str):
        given.campaign = campaigns.get(value)
        if given.campaign is None:
            reader.wrong("campaign", f"no campaign {value!r:.60} is registered; register it or send it as an object")
    else:
        given.campaign = _campaign(reader, value, None)


_CONTACT_NAMES = (*ADDRESS, *CONTACT, "id", "inconvenient")


def _contact(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    for key, item in reader.mapping(value, "contact").items():
        if key not in _CONTACT_NAMES:
            reader.unknown(f"contact.{key}", _CONTACT_NAMES)
            continue
        if item == OPEN:
            given.facts[f"contact.{key}"] = None
        if item is None or item == OPEN:
            continue
        try:
            if key in ADDRESS:
                given.address[key] = word(item)
            elif key == "id":
                given.person = word(item)
            elif key == "inconvenient":
                _inconvenient(given, item)
            else:
                given.facts[f"contact.{key}"] = CONTACT[key](item)
        except ValueError as error:
            reader.wrong(f"contact.{key}", str(error))
    basis = given.address.get("address_basis")
    if basis not in (None, "verified", "stated"):
        reader.wrong("contact.address_basis", f"found {basis!r:.40}, expected verified or stated")


def _inconvenient(given: Given, item: object) -> None:
    places = frozenset()
    if isinstance(item, Mapping) and set(item) <= {"windows", "places"}:
        places, item = strings(item.get("places") or []), item.get("windows") or {"every_day": "none"}
    given.facts["contact.inconvenient"] = windows(item)
    given.facts["contact.inconvenient_places"] = places


def _line_type(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    try:
        given.facts["line_type"] = _LINE_TYPE(value)
    except ValueError as error:
        reader.wrong("line_type", str(error))


_LINE_TYPE = one_of(LINE_TYPES)


def _plain(name: str) -> Callable:
    readers = PLAIN[name]

    def section(reader: _Reader, given: Given, value: object, _campaigns) -> None:
        for key, item in reader.fields(value, name, readers).items():
            given.facts[f"{name}.{key}"] = item
        given.facts.update(dict.fromkeys(field for field in reader.open if field.startswith(f"{name}.")))

    return section


def _consent(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    found = reader.fields(value, "consent", CONSENT)
    if "revoked_at" in found:
        entry = {"at": found.pop("revoked_at")}
        for key in ("scope", "subject", "channel"):
            if f"revoked_{key}" in found:
                entry[key] = found.pop(f"revoked_{key}")
        given.revocations = [*(given.revocations or []), entry]
    for key in ("scope", "subject", "channel"):
        if found.pop(f"revoked_{key}", None) is not None and "consent.revoked_at" not in reader.open:
            reader.wrong("consent.revoked_at", f"missing beside revoked_{key}")
    if "level" in found:
        given.consent = Stated(**found)
    elif found:
        reader.wrong("consent.level", f"missing; {', '.join(sorted(found))} without a level says nothing")


def _revocations(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    entries = reader.several(value, "revocations", REVOCATION, required=("at",))
    given.revocations = [*(given.revocations or []), *entries]


def _relationship(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    found = reader.fields(value, "relationship", RELATIONSHIP)
    if "last_at" in found and "kind" not in found:
        reader.wrong("relationship.kind", "missing; last_at alone does not say what happened then")
    given.relationship = {**(given.relationship or {}), **found}


def _dnc(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    readers: dict[str, Read] = {
        "national": flag, "national_since": day, "states": states, "lists": lambda item: item, "internal": flag,
        "internal_since": instant, "internal_scope": text, "reassigned": one_of(("yes", "no", "no_data")),
        "reassigned_asked_at": instant, "litigator": flag,
    }  # fmt: skip
    found = reader.fields(value, "dnc", readers)
    for key in ("national_since", "reassigned", "reassigned_asked_at", "litigator"):
        if key in found or f"dnc.{key}" in reader.open:
            given.facts[f"dnc.{key}"] = found.get(key)
    given.national = found.get("national", given.national)
    given.states = found.get("states", given.states)
    if "lists" in found:
        given.lists = {
            list_code(code): reader.fields(entry, f"dnc.lists.{code}", LIST)
            for code, entry in reader.mapping(found["lists"], "dnc.lists").items()
        }
    internal = {key: found[key] for key in ("internal", "internal_since", "internal_scope") if key in found}
    if internal:
        if "internal" not in internal:
            reader.wrong("dnc.internal", f"missing; {', '.join(sorted(internal))} alone does not say whether the person is listed")
        given.internal = internal


_HISTORY_NAMES = ("last_24h", "last_7d", "last_30d", "attempts", "last_conversation_at")


def _history(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    for key, item in reader.mapping(value, "history").items():
        if key not in _HISTORY_NAMES:
            reader.unknown(f"history.{key}", _HISTORY_NAMES)
        if key not in _HISTORY_NAMES or item is None or item == OPEN:
            continue
        try:
            if key in ("last_24h", "last_7d", "last_30d"):
                given.bounds[key] = whole(item)
            elif key == "attempts":
                given.attempts = [_past(entry) for entry in reader.several(item, "history.attempts", PAST, required=("at",))]
            else:
                given.facts["history.last_conversation_at"] = instant_or_never(item)
        except ValueError as error:
            reader.wrong(f"history.{key}", str(error))


def _past(entry: dict[str, object]) -> Entry:
    for key, name in (("to", "to"), ("from", "from_")):
        if key in entry:
            number = entry.pop(key)
            entry[name] = numbers.parse(number).e164 or number
    return Entry(**({"at": 0} | entry))


def _emergency(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    for key, item in reader.mapping(value, "emergency").items():
        if key != "declared":
            reader.unknown(f"emergency.{key}", ("declared",))
        elif item is not None and item != OPEN:
            given.declared = reader.several(item, "emergency.declared", DECLARED, required=("state",))


def _debt(reader: _Reader, given: Given, value: object, _campaigns) -> None:
    found = reader.fields(value, "debt", {"id": word, "third_party": flag})
    given.debt = found.get("id", given.debt)
    if "third_party" in found or "debt.third_party" in reader.open:
        given.facts["debt.third_party"] = found.get("third_party")


_OBJECTS = frozenset({"campaign", "contact", "consent", "relationship", "dnc", "history", "emergency", "debt", *PLAIN})
_SECTIONS: dict[str, Callable] = {
    "id": _simple("id", word), "channel": _simple("channel", one_of(CHANNELS)), "to": _to, "from": _from,
    "at": _simple("at", judged_at), "reserve": _simple("reserve", flag), "campaign": _campaign_section, "contact": _contact,
    "line_type": _line_type, "line": _plain("line"), "caller_id": _plain("caller_id"), "message": _plain("message"),
    "consent": _consent, "revocations": _revocations, "relationship": _relationship, "dnc": _dnc, "history": _history,
    "emergency": _emergency, "debt": _debt,
}  # fmt: skip
