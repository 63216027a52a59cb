"""From the fields of an entry to a checked row of the record. A malformed value raises ``RecordError``.

A row is a mapping of column to int, text or None: lists are kept as JSON text, flags as 0 and 1.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from dialguard.ledger.errors import RecordError, suggest
from dialguard.ledger.pseudonyms import is_name
from dialguard.model.moment import Instant
from dialguard.model.records import CHANNELS, COVERS, FORMS, LEVELS, PURPOSES, SCOPES, VOICES

Row = dict[str, Any]

ALWAYS = 2**63 - 1
"""The ``as_of`` that hides nothing."""
EARLIEST, LATEST = 31_536_000_000_000, 7_258_118_400_000_000
"""1971 and 2200: seconds or milliseconds taken for microseconds fall before 1971."""

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls but for tab and newline, marks that turn the reading direction, halves of a character."""
_URL = re.compile(r"https?://[^\s/]+\S*")

_COMMON = ("id", "number", "person", "valid_at", "known_at")
COLUMNS: dict[str, tuple[str, ...]] = {
    "consent": _COMMON
    + ("level", "form", "covers", "obtained_at", "requested_at", "expires_at", "channels", "reference"),
    "revocation": _COMMON + ("scope", "subject", "channel", "means"),
    "relationship": _COMMON
    + ("last_transaction_at", "last_inquiry_at", "ended_at", "donor_at")
    + ("current", "open_contract", "member", "personal"),
    "internal": _COMMON + ("action", "scope"),
    "contact": _COMMON
    + ("agreed_hours", "inconvenient", "at_work", "employer_forbids", "attorney")
    + ("ceased_at", "last_inbound_at", "conversation_at"),
    "attempt": _COMMON + ("channel", "purpose", "subject", "voice", "outcome", "debt", "from_number"),
}
"""The kinds of entry that belong to a number, and the columns of each in the order in which readers unpack them."""
OUTCOME_COLUMNS = ("id", "outcome", "valid_at", "known_at")


def describe(value: object) -> str:
    """The value without its digits: whatever field it was put in, it may be a telephone number."""
    if isinstance(value, str):
        return re.sub(r"\d", "#", repr(value[:40]))
    if type(value) is int:
        digits = len(str(abs(value)))
        return f"an int of {digits} digit{'s' if digits > 1 else ''}"
    return f"{type(value).__name__} " + re.sub(r"\d", "#", repr(value)[:40])


def number(value: object, field: str = "number") -> str:
    """An E.164 number as text; anything else raises."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return value
    raise RecordError(field, describe(value), "an E.164 number as text, '+' and 7 to 15 digits")


def recorded_number(value: object, field: str) -> str:
    """A number as the record holds it: also the name of an erased one, which another record's export brings."""
    return str(value) if is_name(value) else number(value, field)


def text(value: object, field: str) -> str:
    """One line of printable text without blanks at its ends; anything else raises."""
    if isinstance(value, str) and 0 < len(value) <= 1000 and value == value.strip() and value.isprintable():
        return value
    raise RecordError(field, describe(value), "1 to 1000 printable characters without blanks at the ends")


def _lines(value: object, field: str) -> str:
    """Text of several lines as it was shown or said, its line ends as one newline."""
    if isinstance(value, str):
        found = value.replace("\r\n", "\n").replace("\r", "\n").strip()
        if 0 < len(found) <= 20_000 and not _UNSHOWN.search(found):
            return found
    raise RecordError(field, describe(value), "1 to 20000 printable characters, lines allowed")


def _digest(value: object, field: str) -> str:
    """A SHA-256 as 64 small hexadecimal digits."""
    if isinstance(value, str) and (found := _SHA256.fullmatch(value.strip().lower())):
        return found[1]
    raise RecordError(field, describe(value), "a SHA-256 as 64 hexadecimal digits, as sha256sum prints it")


def _web(value: object, field: str) -> str:
    if isinstance(value, str) and _URL.fullmatch(value) and len(value) <= 2000 and value.isprintable():
        return value
    raise RecordError(field, describe(value), "an address that begins with https:// or http://, without blanks")


def wording_hash(wording: str) -> str:
    """The SHA-256 of a wording in UTF-8, line ends as one newline and no blanks at its ends, as hexadecimal digits."""
    return hashlib.sha256(_lines(wording, "wording").encode()).hexdigest()


def moment(value: object, field: str) -> Instant:
    """Any instant that the store can hold; used for questions."""
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    raise RecordError(field, describe(value), "an instant, int microseconds since 1970-01-01T00:00:00Z")


def _instant(value: object, field: str) -> Instant:
    if type(value) is int and EARLIEST <= value < LATEST:
        return value
    expected = "an instant from 1971 to 2199, int microseconds since 1970-01-01T00:00:00Z (14 to 16 digits)"
    raise RecordError(field, describe(value), expected)


def _flag(value: object, field: str) -> int:
    if isinstance(value, bool):
        return int(value)
    raise RecordError(field, describe(value), "true or false")


def _word(value: object, field: str) -> str:
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    raise RecordError(field, describe(value), "a word in lower case letters, digits and underscores, like `no_answer`")


def _one_of(words: tuple[str, ...]) -> Callable[[object, str], str]:
    def check(value: object, field: str) -> str:
        if isinstance(value, str) and value in words:
            return value
        hint = suggest(value, words) if isinstance(value, str) else ""
        raise RecordError(field, describe(value), "one of " + ", ".join(words) + hint)

    return check


def _some_of(words: tuple[str, ...], *, or_one: bool = False) -> Callable[[object, str], str]:
    one = _one_of(words)

    def check(value: object, field: str) -> str:
        if or_one and isinstance(value, str):
            value = (value,)
        if not isinstance(value, list | tuple | set | frozenset) or not value:
            raise RecordError(field, describe(value), "a list with at least one of " + ", ".join(words))
        chosen = {one(item, field) for item in value}
        return json.dumps([word for word in words if word in chosen])

    return check


def _windows(value: object, field: str) -> str:
    if isinstance(value, list | tuple):
        try:
            return json.dumps(value, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError):
            pass
    raise RecordError(field, describe(value), "a list of windows (JSON values)")


def entry_id(value: object, kind: str, field: str) -> int:
    """The number within an id such as ``consent:17``; an id of another kind raises."""
    if isinstance(value, str) and re.fullmatch(rf"{kind}:[1-9][0-9]{{0,17}}", value):
        return int(value.partition(":")[2])
    raise RecordError(field, describe(value), f"the id of an entry of this kind, like `{kind}:17`")


Checks = Mapping[str, Callable[[object, str], Any]]
_ENTRY: Checks = {"seller": text, "number": recorded_number, "person": text, "known_at": _instant}
FIELDS: dict[str, Checks] = {
    "consent": {
        **_ENTRY,
        "level": _one_of(LEVELS),
        "form": _some_of(FORMS, or_one=True),
        "covers": _some_of(COVERS),
        "obtained_at": _instant,
        "requested_at": _instant,
        "expires_at": _instant,
        "channels": _some_of(CHANNELS),
        "reference": text,
        **dict.fromkeys(("name", "purpose", "call"), text),
        "source": _word,
        "wording": _lines,
        "wording_hash": _digest,
        "page": _web,
        "certificate_url": _web,
        "certificate_expires_at": _instant,
        "evidence_digest": _digest,
    },
    "revocation": {
        **_ENTRY,
        "at": _instant,
        "scope": _one_of(SCOPES),
        "subject": text,
        "channel": _one_of(CHANNELS),
        "means": text,
        "words": _lines,
        "received_at": _instant,
    },
    "relationship": {
        **_ENTRY,
        "valid_at": _instant,
        **dict.fromkeys(("last_transaction_at", "last_inquiry_at", "ended_at", "donor_at"), _instant),
        **dict.fromkeys(("current", "open_contract", "member", "personal"), _flag),
    },
    "internal": {**_ENTRY, "action": _one_of(("add", "remove")), "at": _instant, "scope": text, "reason": text},
    "contact": {
        **_ENTRY,
        "valid_at": _instant,
        "agreed_hours": _windows,
        "inconvenient": _windows,
        **dict.fromkeys(("at_work", "employer_forbids", "attorney"), _flag),
        **dict.fromkeys(("ceased_at", "last_inbound_at", "conversation_at"), _instant),
    },
    "attempt": {
        **_ENTRY,
        "at": _instant,
        "channel": _one_of(CHANNELS),
        "purpose": _one_of(PURPOSES),
        "subject": text,
        "voice": _one_of(VOICES),
        "outcome": _word,
        "debt": text,
        "from_": text,
        "reference": text,
    },
    "outcome": {
        "seller": text,
        "attempt": text,
        "reference": text,
        "outcome": _word,
        "at": _instant,
        "known_at": _instant,
    },
    "declaration": {"seller": text, "since": _instant, "known_at": _instant},
    "pause": {
        "seller": text,
        "campaign": text,
        "action": _one_of(("pause", "resume")),
        "at": _instant,
        "until": _instant,
        "reason": text,
        "by": text,
        "known_at": _instant,
    },
}
KINDS = tuple(FIELDS)
CORRECTABLE = ("consent", "revocation", "relationship", "internal", "contact")
"""Kinds whose entries a new one may replace. Attempts are only retracted; of outcomes and declarations the last counts;
a pause is lifted."""

_REQUIRED = {
    "consent": ("seller", "number", "level", "known_at"),
    "revocation": ("seller", "number", "at", "known_at"),
    "relationship": ("seller", "number", "known_at"),
    "internal": ("seller", "number", "action", "at", "known_at"),
    "contact": ("seller", "number", "known_at"),
    "attempt": ("seller", "number", "at", "known_at"),
    "outcome": ("seller", "outcome", "at", "known_at"),
    "declaration": ("seller", "known_at"),
    "pause": ("seller", "action", "at", "known_at", "reason", "by"),
}


def build(kind: str, fields: Mapping[str, Any]) -> Row:
    """The row of one entry. ``fields`` that are None count as absent; an unknown or malformed field raises.

    Raises RecordError: naming field, found and expected.
    """
    if kind not in FIELDS:
        raise RecordError("kind", repr(kind), "one of " + ", ".join(KINDS) + suggest(str(kind), KINDS))
    checks = FIELDS[kind]
    row: Row = dict.fromkeys(checks)
    for field, value in fields.items():
        if field == "supersedes" and kind in CORRECTABLE:
            row[field] = None if value is None else entry_id(value, kind, field)
        elif field not in checks:
            expected = "one of " + ", ".join(checks) + suggest(str(field), checks)
            raise RecordError(str(field), "an unknown field", expected)
        elif value is not None:
            row[field] = checks[field](value, field)
    for field in _REQUIRED[kind]:
        if row[field] is None:
            raise RecordError(field, "nothing", "a value: it is required")
    _SHAPES[kind](row)
    if kind in COLUMNS:
        row["void"] = 0
        row.setdefault("supersedes", None)
    return row


def _shape_consent(row: Row) -> None:
    if row["level"] == "none":
        # A narrowed 'none' would be a revocation in disguise, and the engine reads revocations as such.
        for field in ("form", "covers", "channels", "expires_at"):
            if row[field] is not None:
                found, expected = "a value beside level `none`", "nothing; to end consent in part, record a revocation"
                raise RecordError(field, found, expected)
    if row["expires_at"] is not None and row["obtained_at"] is not None and row["expires_at"] <= row["obtained_at"]:
        raise RecordError("expires_at", "a moment not after obtained_at", "a later moment, or nothing")
    if row["wording"] is not None:
        own = wording_hash(row["wording"])
        if row["wording_hash"] not in (None, own):
            raise RecordError("wording_hash", "the hash of another wording", f"{own[:12]}..., or nothing: it is worked out")
        row["wording_hash"] = own
    if row["certificate_expires_at"] is not None and row["certificate_url"] is None:
        raise RecordError("certificate_expires_at", "a moment without a certificate", "certificate_url as well")
    # Where the day is not known, the consent is only known to have existed when somebody wrote it down.
    row["valid_at"] = row["known_at"] if row["obtained_at"] is None else row["obtained_at"]


def _shape_revocation(row: Row) -> None:
    row["valid_at"] = row.pop("at")
    row["scope"] = row["scope"] or "all"
    if row["received_at"] is not None and row["received_at"] < row["valid_at"]:
        raise RecordError("received_at", "a moment before `at`", "the moment at which it reached you, not before it was made")


def _shape_statement(row: Row) -> None:
    stated = [field for field in row if field not in (*_ENTRY, "valid_at", "supersedes")]
    if all(row[field] is None for field in stated):
        raise RecordError("entry", "no statement", "at least one of " + ", ".join(stated))
    if row["valid_at"] is None:
        row["valid_at"] = row["known_at"]


def _shape_internal(row: Row) -> None:
    row["valid_at"] = row.pop("at")
    if row["scope"] == "all":
        row["scope"] = None


def _shape_attempt(row: Row) -> None:
    row["valid_at"] = row.pop("at")
    row["from_number"] = row.pop("from_")


def _shape_outcome(row: Row) -> None:
    row["valid_at"] = row.pop("at")
    if (row["attempt"] is None) == (row["reference"] is None):
        raise RecordError("attempt", "both or neither of attempt and reference", "one of them, to say which attempt")
    if row["attempt"] is not None:
        row["attempt"] = entry_id(row["attempt"], "attempt", "attempt")


def _shape_declaration(row: Row) -> None:
    row["valid_at"] = row["known_at"] if row["since"] is None else row["since"]


def _shape_pause(row: Row) -> None:
    row["valid_at"], row["actor"] = row.pop("at"), row.pop("by")
    if row["until"] is not None and (row["action"] == "resume" or row["until"] <= row["valid_at"]):
        raise RecordError("until", "a moment not after `at`, or beside `resume`", "a later moment, or nothing")


_SHAPES: dict[str, Callable[[Row], None]] = {
    "consent": _shape_consent,
    "revocation": _shape_revocation,
    "relationship": _shape_statement,
    "internal": _shape_internal,
    "contact": _shape_statement,
    "attempt": _shape_attempt,
    "outcome": _shape_outcome,
    "declaration": _shape_declaration,
    "pause": _shape_pause,
}
