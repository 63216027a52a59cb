"""The fields of an entry as people and files write them, and how they stand in a row of the record.

A plain entry is a mapping of JSON values: moments in RFC 3339, lists of words, true and false. ``plain`` makes one of a
row; ``read_field`` takes one field of a file, written as CSV, JSON or Parquet would have it, to what ``rows.build`` takes.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from dialguard.facts import clock, numbers
from dialguard.ledger.errors import RecordError
from dialguard.ledger.pseudonyms import is_name
from dialguard.ledger.rows import CORRECTABLE, FIELDS, describe
from dialguard.model import strict

WORDS = frozenset({"form", "covers", "channels"})
FLAGS = frozenset({"current", "open_contract", "member", "personal", "at_work", "employer_forbids", "attorney"})
WINDOWS = frozenset({"agreed_hours", "inconvenient"})
NUMBERS = frozenset({"number", "from"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
_RENAMED = {"valid_at": "at", "from_number": "from", "attempt_id": "attempt", "actor": "by"}


def is_moment(field: str) -> bool:
    """Whether a field is a moment."""
    return field in ("at", "since", "until") or field.endswith("_at")


def fields_of(kind: str) -> tuple[str, ...]:
    """The fields of a kind in a file, ``id`` first: those of the entry, and what it replaces or takes back."""
    own = ["from" if field == "from_" else field for field in FIELDS[kind]]
    if kind in CORRECTABLE:
        own.append("supersedes")
    if "number" in own:
        own.append("retracts")
    return ("id", *own)


def plain(kind: str, row: Mapping[str, Any], *, moments_as_text: bool = True) -> dict[str, Any]:
    """A row of the record as a plain entry, every field of its kind in order; what it does not say is None.

    ``moments_as_text`` False leaves moments as int microseconds.
    """
    said: dict[str, Any] = {}
    for column, value in row.items():
        field = _RENAMED.get(column, column)
        if field == "at" and "at" not in FIELDS[kind]:
            field = "valid_at"
        said[field] = value
    replaced = None if row.get("supersedes") is None else f"{kind}:{row['supersedes']}"
    said["id"] = f"{kind}:{row['id']}"
    said["supersedes"], said["retracts"] = (None, replaced) if row.get("void") else (replaced, None)
    if kind == "outcome":
        said["attempt"] = f"attempt:{row['attempt_id']}"
    return {field: _plain(field, said.get(field), moments_as_text) for field in fields_of(kind)}


def _plain(field: str, value: Any, moments_as_text: bool) -> Any:
    if value is None:
        return None
    if is_moment(field):
        return clock.format_instant(value) if moments_as_text else value
    if field in WORDS or field in WINDOWS:
        return json.loads(value)
    return bool(value) if field in FLAGS else value


def read_field(field: str, value: object) -> Any:
    """The value that ``rows.build`` takes; None for an empty cell. Raises RecordError."""
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        return None
    if field in NUMBERS:
        return _number(field, value)
    if is_moment(field):
        return _moment(field, value)
    if field in WORDS and isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    if field in FLAGS and isinstance(value, str) and value.lower() in _YES | _NO:
        return value.lower() in _YES
    if field in WINDOWS and isinstance(value, str):
        try:
            return strict.loads(value)
        except ValueError:
            raise RecordError(field, describe(value), 'a list of windows in JSON, such as [{"from": "09:00", "to": "12:00"}]') from None
    if type(value) is int and not (field in WINDOWS or field in FLAGS or field in WORDS):
        return str(value)  # an id or a debt that a table took for a number
    return value


def _number(field: str, value: object) -> str:
    if is_name(value):
        return str(value)
    found = numbers.parse(value)
    if found.e164 is None:
        raise RecordError(field, describe(value), f"a telephone number: {found.reason or 'ten digits, or + and the country code'}")
    return found.e164


def _moment(field: str, value: object) -> int:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise RecordError(field, "a moment without a zone", "a moment in UTC, or text in RFC 3339 with its offset")
        since = value - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if isinstance(value, date):
        value = value.isoformat()
    if isinstance(value, str):
        try:
            return clock.parse_instant(f"{value}T00:00:00Z" if len(value) == 10 else value)
        except ValueError:
            pass
    raise RecordError(field, describe(value), "RFC 3339 with its offset, or a date such as 2026-11-22 (its first moment in UTC)")
