"""How each field of an attempt is read: a word, a flag, a moment. Each raises ValueError saying what it found and expected."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from fractions import Fraction

from dialguard.facts import clock
from dialguard.facts.regions import STATES
from dialguard.model.moment import NEVER, Instant
from dialguard.model.records import CHANNELS, COVERS, FORMS, LEVELS, PURPOSES, SCOPES, VOICES
from dialguard.packs import values as notation

DIALING = ("manual", "preview", "predictive", "automated", "random_sequential")
LINE_TYPES = ("wireless", "landline", "voip", "toll_free")
Read = Callable[[object], object]


def text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"found {value!r:.40}, expected text")


def flag(value: object) -> bool:
    if value is True or value is False:
        return value
    raise ValueError(f"found {value!r:.40}, expected true or false")


def whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
        return value
    raise ValueError(f"found {value!r:.40}, expected a whole number from 0")


def one_of(words: tuple[str, ...]) -> Read:
    table = {word: word for word in words}

    def read(value: object) -> str:
        found = table.get(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"found {value!r:.40}, expected one of {', '.join(words)}")
        return found

    return read


def some_of(words: tuple[str, ...]) -> Read:
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


strings = some_of(())


def state(value: object) -> str:
    """A USPS code, in either case."""
    code = value.strip().upper() if isinstance(value, str) else None
    if code not in STATES:
        raise ValueError(f"found {value!r:.40}, expected the USPS code of a state or territory, such as FL")
    return code


def states(value: object) -> frozenset[str]:
    """USPS codes: a code that nobody knows must not pass for one that is not there."""
    return frozenset(map(state, strings(value)))


def list_code(value: object) -> str:
    """The code of a do-not-call list: a USPS code in either case, or a list's own word."""
    code = str(value).strip()
    return code.upper() if code.upper() in STATES else code


def instant(value: object) -> Instant:
    """RFC 3339 text, or a datetime with an offset."""
    if isinstance(value, str):
        return clock.parse_instant(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return clock.parse_instant(value.isoformat())
    raise ValueError(f"found {value!r:.40}, expected RFC 3339 with an offset, such as 2026-03-03T10:00:00-05:00")


def instant_or_never(value: object) -> object:
    """A moment, or the word ``never`` for what is known not to have happened."""
    return NEVER if value == "never" else instant(value)


JUDGED_FROM, JUDGED_BEFORE = clock.parse_instant("1970-01-01T00:00:01Z"), clock.parse_instant("2099-01-01T00:00:00Z")


def judged_at(value: object) -> Instant:
    """A moment that can be judged: the zone tables hold it and the time that is searched from there."""
    found = instant(value)
    if not JUDGED_FROM <= found < JUDGED_BEFORE:
        raise ValueError(f"found {value!s:.40}, expected a moment from 1970 to 2098")
    return found


def day(value: object) -> int:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.toordinal()
    if isinstance(value, str):
        try:
            if "T" in value:
                clock.parse_instant(value)
            return date.fromisoformat(value[:10] if "T" in value else value).toordinal()
        except ValueError:
            pass
    raise ValueError(f"found {value!r:.40}, expected a date such as 2026-03-03")


def rate(value: object) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return share_up(Fraction(str(value)))
    raise ValueError(f"found {value!r:.40}, expected a share from 0 to 1, such as 0.03")


def share_up(share: Fraction) -> int:
    """Parts per million, rounded up: a rate a hair over the limit stays over it."""
    return -((-share.numerator * 1_000_000) // share.denominator)


def windows(value: object) -> object:
    if isinstance(value, str):
        value = {"every_day": value}
    if isinstance(value, (list, tuple)):
        merged: dict[str, list[str]] = {}
        for item in value:
            if isinstance(item, str):
                item = dict(zip(("from", "to"), item.split("-"), strict=False))
            if not isinstance(item, Mapping) or not {"from", "to"} <= set(item) <= {"days", "from", "to"}:
                raise ValueError(f"found {item!r:.60}, expected {{days: [mon, ..], from: HH:MM, to: HH:MM}}")
            for day in item.get("days", notation.DAYS):
                merged.setdefault(str(day).lower(), []).append(f"{item['from']}-{item['to']}")
        value = merged or {"every_day": "none"}
    return notation.windows(dict(value) if isinstance(value, Mapping) else value)


def word(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return text(value)


PLAIN: dict[str, dict[str, Read]] = {
    "line": {"charged": flag, "ported_to_wireless_at": instant_or_never},
    "caller_id": {
        "attestation": one_of(("A", "B", "C", "none")), "callable": flag, "do_not_originate": flag, "name": text, "blocked": flag,
    },
    "message": {
        "body": text, "first": flag, "optout_offered": flag, "free_to_end_user": flag, "confirms_revocation": flag,
    },
}  # fmt: skip
CONTACT: dict[str, Read] = {
    "kind": one_of(("consumer", "business")),
    "line_use": one_of(("residence", "business", "emergency_line", "patient_room")),
    "agreed_hours": windows,
    "at_work": flag,
    "employer_forbids": flag,
    "attorney": flag,
    "ceased_at": instant_or_never,
    "last_inbound_at": instant_or_never,
}
ADDRESS = ("state", "zip", "county", "place", "timezone", "address_basis")
CONSENT: dict[str, Read] = {
    "level": one_of(LEVELS), "form": some_of(FORMS), "covers": some_of(COVERS), "obtained_at": instant,
    "requested_at": instant, "expires_at": instant, "channels": some_of(CHANNELS), "revoked_at": instant,
    "revoked_scope": one_of(SCOPES), "revoked_subject": text, "revoked_channel": one_of(CHANNELS),
}  # fmt: skip
REVOCATION: dict[str, Read] = {
    "at": instant, "scope": one_of(SCOPES), "subject": text, "channel": one_of(CHANNELS), "means": text,
}  # fmt: skip
RELATIONSHIP: dict[str, Read] = {
    "kind": one_of(("none", "inquiry", "transaction", "personal")), "last_at": instant, "last_transaction_at": instant,
    "last_inquiry_at": instant, "ended_at": instant, "current": flag, "open_contract": flag, "donor_at": instant,
    "member": flag, "personal": flag,
}  # fmt: skip
LIST: dict[str, Read] = {"listed": flag, "published": day, "effective": day, "use_by": day}
PAST: dict[str, Read] = {
    "at": instant, "to": text, "channel": one_of(CHANNELS), "purpose": one_of(PURPOSES), "subject": text,
    "voice": one_of(VOICES), "outcome": text, "debt": word, "from": text,
}  # fmt: skip
DECLARED: dict[str, Read] = {
    "state": state, "county": text, "place": text, "from": instant, "until": instant, "kind": one_of(("emergency", "closed_day")),
}  # fmt: skip
CAMPAIGN: dict[str, Read] = {
    "purpose": one_of(PURPOSES), "dialing": one_of(DIALING), "voice": one_of(VOICES), "subject": text, "industry": text,
    "caller_class": text, "recording": flag, "caller_states": states, "registered_states": states,
    "sms_registration": one_of(("none", "pending", "registered")), "sender_kind": one_of(("10dlc", "toll_free", "short_code")),
    "registry_version": day, "abandonment_rate": rate,
}  # fmt: skip
CAMPAIGN_OTHER = ("id", "seller", "registry_area_codes", "claims", "abandoned", "answered_live")
