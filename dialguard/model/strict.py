"""JSON as it is handed in, without what JSON has not (NaN), and without a key twice: of two nobody knows which was meant."""

import json
from typing import Any

from dialguard.model.redaction import without_numbers


def loads(text: str | bytes) -> Any:
    """What it says. Raises ValueError saying what is wrong and where, JSONDecodeError included, and RecursionError."""
    return json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) != len(items):
        names = [name for name, _ in items]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {without_numbers(twice)!r:.60} stands twice in one object; leave the wrong one out")
    return found


def _constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON; leave the field out, or write null")
