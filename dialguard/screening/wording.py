"""Figures and foreign text as a report shows them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

_TELEPHONE = re.compile(r"(?<!\d)(?:\+?1[\s.-]?)?\(?[2-9]\d{2}\)?[\s.-]{0,2}\d{3}[\s.-]?\d{4}(?!\d)|\+\d{8,15}(?!\d)")


def clean(text: object, most: int = 400) -> str:
    """Text from outside on one line: no control, direction or broken characters, at most so many of the rest. Not escaped."""
    kept = " ".join("".join(" " if unicodedata.category(char)[0] == "C" else char for char in str(text)[: 4 * most]).split())
    return kept if len(kept) <= most else f"{kept[: most - 1]}…"


def unnumbered(text: object) -> str:
    """Clean text in which whatever looks like a telephone number is left out."""
    return _TELEPHONE.sub("(number left out)", clean(text))


def percent(part: int, whole: int) -> str:
    """A share that is 0 or 100 only where it is exactly so: <1%, 43%, >99%."""
    return percent_of(part / whole) if whole else "–"


def percent_of(share: float) -> str:
    """The same of a share from 0 to 1."""
    if 0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{share:.0%}"


def moment(text: object) -> str:
    """An RFC 3339 moment for a reader, in UTC: Mon 23 Nov 2026, 15:30 UTC; as it stands where it is none."""
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError:
        return clean(text)
    return f"{read.astimezone(UTC):%a %-d %b %Y, %H:%M} UTC" if read.tzinfo else clean(text)


def hour(of_day: int) -> str:
    """An hour of the day, 0 to 24, as an American clock has it: 8 am."""
    return f"{(of_day - 1) % 12 + 1} {'am' if of_day % 24 < 12 else 'pm'}"
