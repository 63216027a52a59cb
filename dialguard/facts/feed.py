"""Declared emergencies and proclaimed closed days: what the caller declares, and the operator's dated feed.

A known declaration prohibits where a rule says so; a feed that has not been checked up to the day leaves it unknown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dialguard.facts import clock
from dialguard.facts.readers import DECLARED
from dialguard.facts.regions import county_key, county_of_fips, county_zones
from dialguard.model import strict
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
        """Whether it is in force at an instant: from its start until before its end."""
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)


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


FAMILIES = {
    "emergency.in.": "emergency",
    "emergency.perhaps_in.": "perhaps",
    "emergency.anywhere_in.": "anywhere",
    "emergency.proclaimed_day.": "closed_day",
}
"""Families of facts, one fact a state, and what `declared` is asked for each."""


def declared(
    state: str, kind: str, entries: Iterable[Declaration], complete: bool, county: str | None, place: str | None, instant: Instant
) -> bool | None:
    """What is declared at an instant, for each kind of FAMILIES.

    ``emergency`` and ``closed_day``: where the person is; None where no declaration is known to reach the person and it is not
    known that there is none. ``anywhere``: an emergency in the state, whatever part of it. ``perhaps``: None where an emergency is
    declared in a part of the state and it is not known whether the person lives there, else False.
    """
    wanted = "closed_day" if kind == "closed_day" else "emergency"
    possible = False
    for entry in entries:
        if entry.state != state or entry.kind != wanted or not entry.holds(instant):
            continue
        if kind == "anywhere":
            return True
        if entry.county is None and entry.place is None:
            return kind != "perhaps"
        here = [] if entry.county is None else [_same_county(state, entry.county, county)]
        if entry.place is not None:
            here.append(None if place is None else county_key(entry.place) == county_key(place))
        if True in here:
            return kind != "perhaps"
        possible = possible or None in here
    if kind == "perhaps":
        return None if possible else False
    if kind == "closed_day" and possible:
        return True  # closed in a part of the state in which the person may be
    return False if complete else None


def _same_county(state: str, declared_in: str, lives_in: str | None) -> bool | None:
    """Whether two counties of a state, each a name or a FIPS code, are one; None where that cannot be told."""
    if lives_in is None:
        return None
    left, right = _county(state, declared_in), _county(state, lives_in)
    if left == right:
        return True
    known = county_zones(state, declared_in) and county_zones(state, lives_in)
    return False if known and left.isdecimal() == right.isdecimal() else None


def _county(state: str, written: str) -> str:
    """A county's name in one spelling; a FIPS code where no table has its name."""
    code = written.strip()
    if not code.isdecimal():
        return county_key(code)
    found = county_of_fips(code)
    return county_key(found[1]) if found is not None and found[0] == state and found[1] else code


FORM = "JSON {checked_through: RFC 3339, declared: [{state, kind, from, until, ..}]}"
"""What a feed file holds, for messages."""


def load(path: Path) -> Feed:
    """Read a feed file (JSON: {checked_through, declared: [{state, kind, county, place, from, until}]}); raises FeedError."""
    try:
        data = strict.loads(path.read_text("utf-8"))
        entries = [_checked(entry) for entry in data["declared"]]
        return Feed(declarations(entries), clock.parse_instant(data["checked_through"]))
    except OSError as error:
        raise FeedError(f"{path}: {error.strerror}") from None
    except KeyError as error:
        raise FeedError(f"{path}: `{error.args[0]}` is missing; expected {FORM}") from None
    except ValueError as error:
        raise FeedError(f"{path}: {error}; expected {FORM}") from None
    except (TypeError, AttributeError):
        raise FeedError(f"{path}: it is not of the form of a feed; expected {FORM}") from None


def _checked(entry: Mapping[str, object]) -> dict[str, object]:
    for key in entry.keys():  # what is no object has none
        if key not in DECLARED:
            raise ValueError(f"unknown key {key!r:.40} in a declaration; expected one of {', '.join(DECLARED)}")
    return {key: DECLARED[key](value) for key, value in entry.items() if value is not None}
