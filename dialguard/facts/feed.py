"""Declared emergencies and proclaimed closed days: what the caller declares, and the operator's dated feed.

A known declaration prohibits where a rule says so; a feed that has not been checked up to the day leaves it unknown.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dialguard.model.moment import Instant


class FeedError(ValueError):
    """A feed file that cannot be used; says what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declaration: ``kind`` is ``emergency`` or ``closed_day``; no county or place means the whole state."""

    state: str
    kind: str = "emergency"
    county: str | None = None
    place: str | None = None
    start: Instant | None = None
    end: Instant | None = None

    def holds(self, instant: Instant) -> bool:
        """Whether it is in force at an instant (both ends inclusive)."""
        return (self.start is None or self.start <= instant) and (self.end is None or instant <= self.end)


@dataclass(frozen=True, slots=True)
class Feed:
    """The operator's feed; ``checked_through`` is the last instant for which absence means that none was declared."""

    declarations: tuple[Declaration, ...] = ()
    checked_through: Instant | None = None


def declarations(entries: Iterable[Mapping[str, object]]) -> tuple[Declaration, ...]:
    """Declarations from checked entries of an attempt."""
    return tuple(
        Declaration(
            str(entry["state"]), str(entry.get("kind", "emergency")), entry.get("county"), entry.get("place"), entry.get("from"), entry.get("until")
        )
        for entry in entries
    )  # fmt: skip


def declared(
    state: str, kind: str, entries: Iterable[Declaration], complete: bool, county: str | None, place: str | None, instant: Instant
) -> bool | None:
    """Whether a declaration of that kind holds where the person is; None when that is not known."""
    possible = False
    for entry in entries:
        if entry.state != state or entry.kind != kind or not entry.holds(instant):
            continue
        if entry.county is None and entry.place is None:
            return True
        if (entry.county is not None and _same(entry.county, county)) or (entry.place is not None and _same(entry.place, place)):
            return True
        if (entry.county is not None and county is None) or (entry.place is not None and place is None):
            possible = True
    return None if possible or not complete else False


def _same(left: str, right: str | None) -> bool:
    return right is not None and _plain(left) == _plain(right)


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace(".", "").removesuffix(" county").removesuffix(" parish").split())


def load(path: Path) -> Feed:
    """Read a feed file (JSON: {checked_through, declared: [...]}); raises FeedError."""
    from dialguard.facts import clock

    try:
        data = json.loads(path.read_text("utf-8"))
        entries = [
            {**entry, **{key: clock.parse_instant(entry[key]) for key in ("from", "until") if entry.get(key)}} for entry in data["declared"]
        ]
        return Feed(declarations(entries), clock.parse_instant(data["checked_through"]))
    except OSError as error:
        raise FeedError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FeedError(f"{path}: {error}; expected JSON {{checked_through: RFC 3339, declared: [{{state, from, until, ..}}]}}") from None
