"""Innocent attempts: what honest callers do every day and the law lets through. Each row says why; each must be allowed.

A row is ``in`` (one place or town, or a list where the law is the same by design; ``but`` leaves places out), ``at`` (one
or several local times there), a ``base`` of ``_bases.yaml`` and the fields in which it differs; ``only`` replaces the base by
the whole attempt; ``earlier`` gives attempts already made, at local times; ``facts`` names the law facts that make the row
innocent; ``as_of: at`` measures the age of lists at that moment and not today. ``denied`` is the row one unit past the line
(other times, earlier attempts or fields), with the rule (``by``) that must stand among the reasons.
"""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dialguard import Guard
from dialguard.facts import clock
from dialguard.storage.memory import MemoryStore
from tests.plain_rows import base, merged, read, rows

HERE = Path(__file__).parent
ROW_KEYS = {"name", "why", "facts", "in", "but", "at", "base", "set", "only", "earlier", "store", "as_of", "denied"}
DENIED_KEYS = {"at", "set", "earlier", "by"}


@cache
def _named() -> dict[str, Any]:
    return read(HERE / "_bases.yaml")


@cache
def _rows() -> list[tuple[str, dict[str, Any]]]:
    return rows(HERE, ROW_KEYS)


def _places(row: dict[str, Any]) -> list[str]:
    named = list(_named()["places"]) if row["in"] == "everywhere" else _listed(row["in"])
    return [place for place in named if place not in row.get("but", ())]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _attempt(row: dict[str, Any], name: str, at: str) -> dict[str, Any]:
    named = _named()
    place = named["places"].get(name) or named["towns"][name]
    where = {"to": place["to"], "contact": {"state": place.get("state", name), "zip": place["zip"]}}
    if "state" in place:
        where["contact"]["timezone"] = place["zone"]
    attempt = merged(where, row["only"]) if "only" in row else merged(merged(base(named["bases"], row["base"]), where), row.get("set", {}))
    zone = ZoneInfo(attempt["contact"].get("timezone", place["zone"]))
    attempt["at"] = _moment(at, zone)
    if "earlier" in row:
        attempt["history"] = {"attempts": [{**earlier, "at": _moment(one, zone)} for earlier in _listed(row["earlier"]) for one in _listed(earlier["at"])]}
    return attempt


def _moment(local: str, zone: ZoneInfo) -> str:
    """A local time with its offset; a time that stands twice is the first, unless it ends in ``again``."""
    return datetime.fromisoformat(local.removesuffix(" again")).replace(tzinfo=zone, fold=int(local.endswith(" again"))).isoformat()


def _past(row: dict[str, Any]) -> dict[str, Any]:
    """The row one unit past the line."""
    denied = row["denied"]
    assert set(denied) <= DENIED_KEYS and len(denied) > 1, f"{row['name']}: {denied}"
    return {**row, **{key: denied[key] for key in ("at", "earlier") if key in denied}, "set": merged(row.get("set", {}), denied.get("set", {}))}


def _cases(past: bool) -> list[Any]:
    found = []
    for file, row in _rows():
        if past and "denied" not in row:
            continue
        for place in _places(row):
            for at in _listed((_past(row) if past else row)["at"]):
                found.append(pytest.param(row, place, at, id=f"{file}: {row['name']} ({place} {at})"))
    return found


@pytest.fixture(scope="module")
def guards():
    """A guard for each way of asking: over an empty ledger that is declared complete, or over none."""
    from dialguard.packs.load import load

    packs, long_ago = load([]), clock.parse_instant("1990-01-01T00:00:00Z")

    @cache
    def guard(ledger: bool, as_of: str | None) -> Guard:
        if not ledger:
            return Guard(None, no_store=True, packs=packs, as_of=as_of)
        store = MemoryStore()
        store.declare_complete("Acme", long_ago, known_at=long_ago)
        return Guard(store, packs=packs, as_of=as_of)

    return lambda row, attempt: guard(row.get("store") != "none", attempt["at"] if "as_of" in row else None)


@pytest.mark.parametrize(("row", "place", "at"), _cases(past=False))
def test_innocent(row: dict[str, Any], place: str, at: str, guards) -> None:
    attempt = _attempt(row, place, at)
    decision = guards(row, attempt).check(attempt)
    assert decision.verdict == "allow", [(reason["rule"], reason["kind"], reason.get("needs"), reason["message"]) for reason in decision.reasons]


@pytest.mark.parametrize(("row", "place", "at"), _cases(past=True))
def test_one_unit_past(row: dict[str, Any], place: str, at: str, guards) -> None:
    attempt = _attempt(_past(row), place, at)
    decision = guards(row, attempt).check(attempt)
    rule = row["denied"]["by"]
    assert rule in [reason["rule"] for reason in decision.reasons], (decision.verdict, [reason["rule"] for reason in decision.reasons])


def test_rows_give_their_grounds() -> None:
    facts = {fact for listed in read(HERE.parents[1] / "rules" / "facts-index.yaml").values() for fact in listed}
    for file, row in _rows():
        assert row["why"].endswith("."), f"{file}: {row['name']}"
        assert row.get("facts") and set(row["facts"]) <= facts, f"{file}: {row['name']}: no such fact: {set(row.get('facts', ())) - facts}"


def test_there_are_two_thousand() -> None:
    assert len(_cases(past=False)) >= 2000
