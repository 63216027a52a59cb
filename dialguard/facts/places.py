"""Where the called person may be: every pair of state and time zone that some evidence names.

Evidence adds up: an attempt must be lawful in each pair. Only a verified address stands alone, and even then
a state stays whose law presumes that the numbers of its area codes reach its residents.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from dialguard.facts.areacodes import ACTIVE, AreaCode
from dialguard.facts.numbers import Number
from dialguard.facts.regions import (
    MILITARY_STATES,
    STATES,
    Zones,
    canonical_zone,
    county_of_fips,
    county_zones,
    state_zones,
    zip_places,
)

__all__ = ["PRESUMING", "Place", "Places", "candidates", "state_zones"]

PRESUMING: frozenset[str] = frozenset(("FL",))
"""States that presume residence by area code (Fla. Stat. 501.059(8)(d)), unless the caller passes others."""


class Place(NamedTuple):
    """One place where the called person may be."""

    state: str
    """USPS code, one of 56."""
    zone: str
    """Canonical IANA name."""


class Places(NamedTuple):
    """All candidates. Shared between calls: do not change `sources`."""

    pairs: tuple[Place, ...]
    """Distinct and sorted; never empty."""
    sources: dict[str, tuple[str, ...]]
    """For each state and each zone in `pairs` what named it, in this order: `address` (verified), `zip`,
    `area_code`, `state` (stated state or county), `timezone`, `none` (no evidence: everywhere counts)."""
    problems: tuple[str, ...]
    """Evidence that was not usable or that disagrees, one sentence each."""


def candidates(
    number: Number,
    *,
    state: str | None = None,
    zip: str | None = None,  # noqa: A002  (the contract's name)
    county: str | None = None,
    place: str | None = None,
    timezone: str | None = None,
    address_basis: str | None = None,
    presuming: Iterable[str] = PRESUMING,
) -> Places:
    """Where the person at `number` may be. Never raises for bad evidence: it becomes a problem and counts for nothing.

    state: USPS code. zip: five digits or ZIP+4. county: FIPS code, or a name within the state or ZIP.
    place: accepted for completeness and not read, as no table says on which side of a zone's line a town lies.
    timezone: IANA name. address_basis: `verified` when state, ZIP and county are the seller's service or delivery
    address. presuming: USPS codes of the states whose area codes count beside a verified address elsewhere.

    A ZIP or county narrows the zones of the stated state; a time zone is added to each candidate state.
    Without any evidence all zones of all 56 jurisdictions count.
    """
    codes = ACTIVE.codes
    table = _table if _table.codes is codes else _rebuild()
    if zip is None and county is None and timezone is None:
        if state is None:
            return table.alone.get(number.npa, table.everywhere)
        if address_basis != "verified":
            found = table.with_state.get((number.npa, state)) if type(state) is str else None
            if found is not None:
                return found
    return table.weigh(
        number.npa,
        _text(state),
        _text(zip),
        _text(county),
        _text(timezone),
        address_basis == "verified",
        presuming if type(presuming) is frozenset else frozenset(presuming),
    )


_Found = dict[Place, set[str]]
_ORDER = ("address", "zip", "area_code", "state", "timezone", "none")


def _text(value: object) -> str | None:
    """Evidence as hashable text of bearable length."""
    if value is None:
        return None
    return value[:100] if isinstance(value, str) else f"of type {type(value).__name__}"


class _Table:
    """Answers that need no thought, worked out once for a table of area codes, and a bounded memory for the rest."""

    def __init__(self, codes: dict[str, AreaCode]) -> None:
        self.codes = codes
        self.everywhere = _places(_everywhere(), [])
        self.alone: dict[str | None, Places] = {}
        self.with_state: dict[tuple[str | None, str], Places] = {}
        for npa, area in codes.items():
            if area.state is not None:
                self.alone[npa] = self._weigh(npa, None, None, None, None, False, PRESUMING)
                self.with_state[npa, area.state] = self._weigh(npa, area.state, None, None, None, False, PRESUMING)
        self.weigh = lru_cache(maxsize=16_384)(self._weigh)

    def _weigh(
        self,
        npa: str | None,
        state: str | None,
        zip_code: str | None,
        county: str | None,
        timezone: str | None,
        verified: bool,
        presuming: frozenset[str],
    ) -> Places:
        problems: list[str] = []
        address = _address(state, zip_code, county, problems)
        alone = verified and bool(address)
        found: _Found = {}
        for at, (zones, labels) in address.items():
            _add(found, at, zones, {"address"} if verified else labels)
        if verified and not address:
            problems.append("The address is marked verified but names no usable state or ZIP: the area code counts.")
        area = self.codes.get(npa) if npa else None
        if area is not None and area.state is not None:
            elsewhere = area.state not in address
            if not alone or elsewhere and area.state in presuming:
                _add(found, area.state, area.zones, {"area_code"})
                if address and elsewhere:
                    why = "its law presumes residence by area code" if alone else "both count"
                    problems.append(f"Area code {npa} is of {area.state}, the address of {_list(address)}: {why}.")
        if timezone is not None:
            _add_zone(found, timezone, problems)
        return _places(found or _everywhere(), problems)


def _address(
    state: str | None, zip_code: str | None, county: str | None, problems: list[str]
) -> dict[str, tuple[set[str], set[str]]]:
    """State, ZIP and county as one address: state to (zones, labels). More than one state where they disagree."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    stated = _state(state, problems)
    if stated:
        found[stated] = (set(state_zones(stated)), {"state"})
    narrowed: set[str] = set()
    if zip_code is not None:
        there = zip_places(zip_code)
        if isinstance(there, str):
            problems.append(there)
        elif stated in there:
            found[stated] = (set(there[stated]), {"state", "zip"})
            narrowed.add(stated)
        else:
            if stated:
                problems.append(f"The stated state is {stated}, ZIP {zip_code[:10]} is in {_list(there)}: both count.")
            found |= {at: (set(zones), {"zip"}) for at, zones in there.items()}
            narrowed |= there.keys()
    if county is not None:
        _narrow_by_county(found, county.strip(), narrowed, problems)
    return found


def _state(state: str | None, problems: list[str]) -> str | None:
    code = (state or "").strip().upper()
    if code in STATES:
        return code
    if code in MILITARY_STATES:
        problems.append(f"State {code} is a military address: it does not say where the person is.")
    elif state is not None:
        problems.append(f"State {code[:20]!r} is none of the 56 USPS codes: nothing was inferred from it.")
    return None


def _narrow_by_county(
    found: dict[str, tuple[set[str], set[str]]], county: str, narrowed: set[str], problems: list[str]
) -> None:
    """Leave of each state's zones those of the county; a FIPS code also names the state."""
    shown = county[:40]
    if county.isdecimal():
        known = county_of_fips(county)
        if known is None:
            problems.append(f"County {shown} is no FIPS code of a county: nothing was inferred from it.")
            return
        state, name = known
        if found and state not in found:
            problems.append(f"County {shown} is in {state}, the address in {_list(found)}: both count.")
        if state not in found:
            found[state] = (set(county_zones(state, name or "") or ()), {"state"})
            return
        named: dict[str, Zones | None] = {state: county_zones(state, name or "")}
    else:
        named = {state: county_zones(state, county) for state in found}
    if not any(named.values()):
        where = f"is not in {_list(found)}" if found else "was given without a state"
        problems.append(f"County {shown!r} {where}: nothing was inferred from it.")
    for state, zones in named.items():
        if not zones:
            continue
        before, labels = found[state]
        both = before & set(zones) if state in narrowed else set(zones)
        if not both:
            problems.append(f"ZIP and county {shown!r} of {state} keep different time: both count.")
            both = before | set(zones)
        found[state] = (both, labels)


def _add_zone(found: _Found, timezone: str, problems: list[str]) -> None:
    """Add a stated zone to every candidate state; alone it names the states that keep it."""
    zone = canonical_zone(timezone)
    if zone is None:
        problems.append(f"Time zone {timezone[:40]!r} is no zone of the United States: nothing was inferred from it.")
        return
    states = {at.state for at in found}
    if not states:
        for state in STATES:
            if zone in state_zones(state):
                _add(found, state, state_zones(state), {"timezone"})
    elif not any(at.zone == zone for at in found):
        problems.append(f"The stated time zone {zone} is not that of {_list(states)}: both count.")
    for state in states:
        _add(found, state, (zone,), {"timezone"})


def _everywhere() -> _Found:
    return {Place(state, zone): {"none"} for state in STATES for zone in state_zones(state)}


def _add(found: _Found, state: str, zones: Iterable[str], labels: set[str]) -> None:
    for zone in zones:
        found.setdefault(Place(state, zone), set()).update(labels)


def _places(found: _Found, problems: list[str]) -> Places:
    named: dict[str, set[str]] = {}
    for at, labels in found.items():
        named.setdefault(at.state, set()).update(labels)
        named.setdefault(at.zone, set()).update(labels)
    sources = {name: tuple(label for label in _ORDER if label in named[name]) for name in sorted(named)}
    return Places(tuple(sorted(found)), sources, tuple(problems))


def _list(states: Iterable[str]) -> str:
    return " and ".join(sorted(states))


def _rebuild() -> _Table:
    global _table
    _table = _Table(ACTIVE.codes)
    return _table


_table = _Table(ACTIVE.codes)
