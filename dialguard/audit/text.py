"""JSON in one line of ASCII: whatever text it holds, it can break no line, hide nothing and move no cursor."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from dialguard.facts import clock
from dialguard.model.moment import Instant

_QUICK = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """JSON of a value in one line of printable ASCII. Raises TypeError or ValueError for what JSON cannot say."""
    try:
        raw = _QUICK.encode(value)
    except (UnicodeEncodeError, TypeError):  # half a surrogate pair; a mapping of another kind
        raw = b"\xff"
    if raw.isascii() and b"\x7f" not in raw:
        return raw
    if raw != b"\xff":
        value = msgspec.json.decode(raw)  # whatever types it was made of
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_plain)
    return text.replace("\x7f", "\\u007f").encode("ascii")


def moment(instant: Instant) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    second, rest = divmod(instant, 1_000_000)
    return f"{_second(second)}.{rest:06}Z"


@lru_cache(16)
def _second(second: int) -> str:
    return clock.format_instant(second * 1_000_000)[:-1]


def decode(raw: bytes) -> Any:
    """The value of such a line."""
    return json.loads(raw)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"JSON has nothing for {type(value).__name__}")
