"""States and territories, the time zones they keep, and what a ZIP or a county says of them.

Zones are the eleven *canonical* names whose clocks differ (`ZONES`): every other US name of the
time-zone database has kept the same clock as one of them since 2011 at the latest (Metlakatla
since 2019). Tables: `split_zones.csv` (zone by county where a state has two; 49 CFR 71.5-71.13),
`counties.csv` (FIPS codes and names of the counties of those states), `zip3_tz.csv` (what the
first three digits of a ZIP say) and `zip_overrides.csv` (prefixes and single ZIPs that say more). All
four are our own compilations of public facts; a ZIP's state is that of its post office.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

Zones = tuple[str, ...]
"""Canonical zone names, distinct and sorted."""

_EASTERN, _CENTRAL = "America/New_York", "America/Chicago"
_MOUNTAIN, _PACIFIC = "America/Denver", "America/Los_Angeles"
_ALASKA, _SAMOA = "America/Anchorage", "Pacific/Pago_Pago"
_ARIZONA, _HAWAII = "America/Phoenix", "Pacific/Honolulu"
_ATLANTIC, _CHAMORRO, _ADAK = "America/Puerto_Rico", "Pacific/Guam", "America/Adak"

ZONES: frozenset[str] = frozenset(
    (_EASTERN, _CENTRAL, _MOUNTAIN, _PACIFIC, _ALASKA, _ADAK, _ARIZONA, _HAWAII, _ATLANTIC, _CHAMORRO, _SAMOA)
)

_ALIASES = {
    _EASTERN: "US/Eastern US/Michigan US/East-Indiana EST5EDT America/Detroit America/Fort_Wayne America/Indianapolis "
    "America/Louisville America/Kentucky/Louisville America/Kentucky/Monticello America/Indiana/Indianapolis "
    "America/Indiana/Marengo America/Indiana/Petersburg America/Indiana/Vevay America/Indiana/Vincennes "
    "America/Indiana/Winamac",
    _CENTRAL: "US/Central US/Indiana-Starke CST6CDT America/Knox_IN America/Indiana/Knox America/Indiana/Tell_City "
    "America/Menominee America/North_Dakota/Beulah America/North_Dakota/Center America/North_Dakota/New_Salem",
    _MOUNTAIN: "US/Mountain MST7MDT Navajo America/Boise America/Shiprock",
    _PACIFIC: "US/Pacific PST8PDT",
    _ALASKA: "US/Alaska America/Juneau America/Sitka America/Yakutat America/Nome America/Metlakatla",
    _ADAK: "US/Aleutian America/Atka",
    _ARIZONA: "US/Arizona MST",
    _HAWAII: "US/Hawaii HST Pacific/Johnston",
    _ATLANTIC: "America/St_Thomas America/Virgin",
    _CHAMORRO: "Pacific/Saipan",
    _SAMOA: "US/Samoa Pacific/Samoa Pacific/Midway",
}
_CANONICAL = {name.casefold(): zone for zone, names in _ALIASES.items() for name in (zone, *names.split())}

# States with one zone that have no row for the whole state in split_zones.csv.
_ONE_ZONE = {
    _EASTERN: "CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV",
    _CENTRAL: "AR IA IL LA MN MO MS OK WI",
    _MOUNTAIN: "CO MT WY",
    _PACIFIC: "CA WA",
}

_STATE_FIPS = dict(
    pair.split(":")
    for pair in (
        "01:AL 02:AK 04:AZ 05:AR 06:CA 08:CO 09:CT 10:DE 11:DC 12:FL 13:GA 15:HI 16:ID 17:IL 18:IN 19:IA 20:KS 21:KY "
        "22:LA 23:ME 24:MD 25:MA 26:MI 27:MN 28:MS 29:MO 30:MT 31:NE 32:NV 33:NH 34:NJ 35:NM 36:NY 37:NC 38:ND 39:OH "
        "40:OK 41:OR 42:PA 44:RI 45:SC 46:SD 47:TN 48:TX 49:UT 50:VT 51:VA 53:WA 54:WV 55:WI 56:WY 60:AS 66:GU 69:MP "
        "72:PR 78:VI"
    ).split()
)

STATES: frozenset[str] = frozenset(_STATE_FIPS.values())
"""The 56 jurisdictions: 50 states, DC, PR, VI, GU, AS, MP (USPS codes)."""

_NAMES = (
    "AL Alabama, AK Alaska, AZ Arizona, AR Arkansas, CA California, CO Colorado, CT Connecticut, DE Delaware, DC District of "
    "Columbia, FL Florida, GA Georgia, HI Hawaii, ID Idaho, IL Illinois, IN Indiana, IA Iowa, KS Kansas, KY Kentucky, LA "
    "Louisiana, ME Maine, MD Maryland, MA Massachusetts, MI Michigan, MN Minnesota, MS Mississippi, MO Missouri, MT Montana, "
    "NE Nebraska, NV Nevada, NH New Hampshire, NJ New Jersey, NM New Mexico, NY New York, NC North Carolina, ND North Dakota, "
    "OH Ohio, OK Oklahoma, OR Oregon, PA Pennsylvania, RI Rhode Island, SC South Carolina, SD South Dakota, TN Tennessee, TX "
    "Texas, UT Utah, VT Vermont, VA Virginia, WA Washington, WV West Virginia, WI Wisconsin, WY Wyoming, PR Puerto Rico, VI "
    "Virgin Islands, VI US Virgin Islands, GU Guam, AS American Samoa, MP Northern Mariana Islands"
)
STATE_NAMES: Mapping[str, str] = {re.sub("[^a-z]", "", entry[3:].lower()): entry[:2] for entry in _NAMES.split(", ")}
"""USPS codes by the English name, in small letters without blanks."""

MILITARY_STATES: frozenset[str] = frozenset(("AA", "AE", "AP"))

_MILITARY_PREFIXES = frozenset({f"{n:03d}" for n in range(90, 100)} | {"340"} | {str(n) for n in range(962, 967)})
_ZIP = re.compile(r"\s*(\d{5})(?:-?\d{4})?\s*", re.ASCII)
_COUNTY_WORDS = re.compile(
    r"\b(?:county|co|parish|borough|census area|city and borough|consolidated municipality|municipality|of)\b\.?"
)


def canonical_zone(name: str) -> str | None:
    """The canonical zone of a US time-zone name (any letter case), or None if it is not one."""
    return _CANONICAL.get(name.strip().casefold())


def state_zones(state: str) -> Zones:
    """The zones that a state keeps by law, wherever in it a person may be.

    state: a USPS code of `STATES`; anything else raises ValueError. Zones that a border town keeps
    by custom alone (Phenix City AL, Kenton OK) come only with its county or ZIP.
    """
    try:
        return _split().state[state]
    except (KeyError, TypeError):
        raise ValueError(f"unknown state {state!r}: expected a USPS code such as 'TX' (56 are known)") from None


def county_of_fips(code: str) -> tuple[str, str | None] | None:
    """A five-digit FIPS county code as (state, county name); None if it is of no state.

    The name is None where the state has one zone (its counties are not listed); a code that a listed
    state does not have gives None as a whole.
    """
    state = _STATE_FIPS.get(code[:2])
    if state is None:
        return None
    listed = _counties().get(state)
    if listed is None:
        return state, None
    name = listed.get(code)
    return (state, name) if name else None


def county_zones(state: str, county: str) -> Zones | None:
    """The zones of a county, named or as FIPS code, of a state; None if the state has no such county.

    Both zones come back where the line runs through the county. Where the state has one zone
    throughout, any name gives that zone.
    """
    listed = _counties().get(state)
    if listed is None:
        return state_zones(state)
    name = county_key(listed.get(county.strip(), county))
    if name not in _county_keys(state):
        return None
    split = _split()
    return split.county[state].get(name, split.default[state])


def zip_places(code: str) -> Mapping[str, Zones] | str:
    """What a ZIP says: state to zones, or one sentence saying why it says nothing.

    code: five digits, or ZIP+4 with or without the hyphen. The state is that of the post office; a few
    ZIPs deliver across a state line.
    """
    found = _ZIP.fullmatch(code)
    if not found:
        return f"ZIP {code.strip()[:20]!r} is not five digits (a leading zero may have been lost)."
    five = found[1]
    if five[:3] in _MILITARY_PREFIXES:
        return f"ZIP {five} is a military post office: it does not say where the person is."
    table = _zip_table()
    area = table.get(five)
    if area is None:
        area = table.get(five[:3])
    if area is None:
        return f"ZIP {five} is of no known prefix: nothing was inferred from it."
    return area or f"ZIP {five} is outside the United States: nothing was inferred from it."


def county_key(name: str) -> str:
    """A county's name reduced so that 'De Kalb Co.', 'DeKalb' and 'DEKALB COUNTY' are the same."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = re.sub(r"\b(?:saint|ste)\b", "st", plain)
    return re.sub(r"[^a-z0-9]", "", _COUNTY_WORDS.sub(" ", plain))


class _Split(NamedTuple):
    default: dict[str, Zones]  # where no county is listed apart
    county: dict[str, dict[str, Zones]]  # by state and county_key
    state: dict[str, Zones]  # all that the law gives some part of the state
    widest: dict[str, frozenset[str]]  # and what a border town keeps by custom


@cache
def _split() -> _Split:
    default = {state: (zone,) for zone, states in _ONE_ZONE.items() for state in states.split()}
    county: dict[str, dict[str, Zones]] = {}
    lawful = {state: set(zones) for state, zones in default.items()}
    widest = {state: set(zones) for state, zones in default.items()}
    for row in _rows("split_zones.csv"):
        state, zones = row["state"], _zones(row["timezones"])
        widest.setdefault(state, set()).update(zones)
        if row["kind"] != "custom":
            lawful.setdefault(state, set()).update(zones)
        if row["county"] == "*":
            default[state] = zones
        else:
            for name in row["county"].split("|"):
                county.setdefault(state, {})[county_key(name)] = zones
    return _Split(
        default,
        county,
        {state: tuple(sorted(zones)) for state, zones in lawful.items()},
        {state: frozenset(zones) for state, zones in widest.items()},
    )


@cache
def _counties() -> dict[str, dict[str, str]]:
    listed: dict[str, dict[str, str]] = {}
    for row in _rows("counties.csv"):
        listed.setdefault(row["state"], {})[row["fips"]] = row["county"]
    return listed


@cache
def _county_keys(state: str) -> frozenset[str]:
    return frozenset(county_key(name) for name in _counties()[state].values())


@cache
def _zip_table() -> dict[str, dict[str, Zones]]:
    table: dict[str, dict[str, Zones]] = {}
    widest = _split().widest
    for row in _rows("zip3_tz.csv"):
        zones = _zones(row["timezones"])
        # A prefix carries a few zones from sources that err (Adak in Colorado): a state's own zones only.
        table[row["zip3"]] = {
            state: tuple(zone for zone in zones if zone in widest[state]) for state in row["states"].split("|")
        }
    for row in _rows("zip_overrides.csv"):
        zones = _zones(row["timezones"])
        table[row["zip"]] = {state: zones for state in row["states"].split("|") if state}
    return table


def _zones(cell: str) -> Zones:
    return tuple(sorted({_CANONICAL[name.casefold()] for name in cell.split("|") if name}))


def _rows(name: str) -> Iterator[dict[str, str]]:
    with files("dialguard").joinpath("data", name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
