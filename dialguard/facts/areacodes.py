"""The area codes of the North American Numbering Plan: what each is, and which state and zones it stands for.

`npa.csv` is the authority for the codes of the United States and its territories, `npa_other.csv` for
every other +1 code (compiled from the numbering administrator's public report of 2025-11-26). Codes
assigned later are loaded at run time by `load_area_codes`: no code change is needed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from dialguard.facts.regions import STATES, Zones, canonical_zone


class AreaCode(NamedTuple):
    """One area code. A tuple, so that looking it up and reading it cost next to nothing."""

    kind: str
    """`geographic`, `toll_free`, `premium`, `personal`, `service`, `non_us`, `unassigned` or `invalid`."""
    reason: str | None
    """Why no number of this code may be called, in one sentence; None if it may."""
    in_service_from: int | None
    """Proleptic ordinal of the day on which it entered or enters service; None where no date is known."""
    state: str | None
    """USPS code, for the area codes of the United States."""
    zones: Zones
    """Canonical zones of that area, sorted; empty outside the United States."""


class AreaCodeFileError(ValueError):
    """An area-code file that cannot be used; the message lists every fault with file and line."""


_COLUMNS = ("npa", "state", "timezones", "in_service")

# Kind in npa_other.csv: (kind, what is wrong with calling such a number).
_OTHER_KINDS: dict[str, tuple[str, str | None]] = {
    "toll_free": ("toll_free", None),
    "toll_free_planned": ("unassigned", "Area code {npa} is planned for toll-free numbers and not in use."),
    "toll_free_reserved": ("unassigned", "Area code {npa} is held for toll-free numbers and not in use."),
    "premium_900": ("premium", "Area code {npa} is for premium-rate numbers."),
    "nongeographic_5xx": ("personal", None),
    "interexchange_carrier_700": ("service", "Area code {npa} reaches a carrier's own services, not a subscriber."),
    "us_government_710": ("service", "Area code {npa} is for emergency telecommunications of the government."),
    "n11_service": ("invalid", "{npa} is a service code and never an area code."),
    "expansion": ("unassigned", "Area code {npa} is set aside for the growth of the numbering plan."),
    "reserved_block": ("unassigned", "Area code {npa} is reserved and cannot be assigned."),
    "geographic_canada": ("non_us", "Area code {npa} is in Canada, outside the United States."),
    "nongeographic_canada": ("non_us", "Area code {npa} is Canadian, outside the United States."),
    "geographic_caribbean_atlantic": ("non_us", "Area code {npa} is in {country}, outside the United States."),
}


class _Active:
    """Holds the table in use; it is replaced whole, so that a reader never sees half a load."""

    codes: dict[str, AreaCode]
    """Every code from 200 to 999; those of the United States have a state."""


ACTIVE = _Active()


def load_area_codes(path: str | Path | None = None, *, extra: str | Path | None = None) -> Mapping[str, AreaCode]:
    """Read the area codes and use them from now on; returns those of the United States by code.

    path: a CSV with the columns of the shipped `npa.csv` (npa, state, timezones, in_service; others are
    ignored; several timezones separated by `|`; in_service an ISO date or empty); None is the shipped file.
    extra: a CSV of the same form whose rows add new codes to the others or replace them.
    Raises AreaCodeFileError, and OSError where a file cannot be read; the former tables then stay in use.
    """
    faults: list[str] = []
    us = _read_us(files("dialguard").joinpath("data", "npa.csv") if path is None else Path(path), faults)
    if extra is not None:
        us |= _read_us(Path(extra), faults)
    if faults:
        raise AreaCodeFileError("\n".join(faults))
    codes = {str(npa): _unassigned(npa) for npa in range(200, 1000)}
    ACTIVE.codes = codes | _read_other() | us
    return us


def _unassigned(npa: int) -> AreaCode:
    return AreaCode("unassigned", f"Area code {npa} is not assigned.", None, None, ())


def _read_us(source: Traversable, faults: list[str]) -> dict[str, AreaCode]:
    found: dict[str, AreaCode] = {}
    before = len(faults)
    try:
        with source.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                faults.append(f"{source}:1: no column {', '.join(missing)}; expected {', '.join(_COLUMNS)}")
                return found
            for row in reader:
                fault = _us_row(row, found)
                if fault:
                    faults.append(f"{source}:{reader.line_num}: {fault}")
    except UnicodeDecodeError:
        faults.append(f"{source}: not UTF-8 text; save it as CSV in UTF-8")
    except csv.Error as error:
        faults.append(f"{source}: not readable as CSV ({error})")
    if not found and len(faults) == before:
        faults.append(f"{source}: no area code in it")
    return found


def _us_row(row: Mapping[str, str | None], found: dict[str, AreaCode]) -> str | None:
    """Add a row's code to `found`, or say what is wrong with it."""
    npa, state, names, since = ((row[name] or "").strip() for name in _COLUMNS)
    if not re.fullmatch(r"[2-9][0-9]{2}", npa):
        return f"area code {npa!r}; expected three digits, the first from 2 to 9"
    if npa in found:
        return f"area code {npa} occurs twice"
    if state not in STATES:
        return f"state {state!r} of area code {npa}; expected a USPS code such as TX"
    zones = {name: canonical_zone(name) for name in names.split("|")}
    for name, zone in zones.items():
        if zone is None:
            return f"time zone {name!r} of area code {npa}; expected a US zone such as America/Chicago"
    try:
        day = date.fromisoformat(since).toordinal() if since else None
    except ValueError:
        return f"in_service {since!r} of area code {npa}; expected a date such as 2026-01-30, or nothing"
    kind, reason = ("geographic", None) if day else ("unassigned", f"Area code {npa} is not in service.")
    found[npa] = AreaCode(kind, reason, day, state, tuple(sorted(zone for zone in set(zones.values()) if zone)))
    return None


def _read_other() -> dict[str, AreaCode]:
    codes: dict[str, AreaCode] = {}
    with files("dialguard").joinpath("data", "npa_other.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            kind, reason = _OTHER_KINDS[row["kind"]]
            since = row["in_service"]
            day = date.fromisoformat(since).toordinal() if since else None
            pattern = row["npa"]
            for npa in [pattern.replace("X", digit) for digit in "0123456789"] if "X" in pattern else [pattern]:
                text = reason and reason.format(npa=npa, country=row["country"].title())
                codes[npa] = AreaCode(kind, text, day, None, ())
    return codes


load_area_codes()
