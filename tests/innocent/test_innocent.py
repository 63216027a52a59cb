"""Innocent attempts: what honest callers do every day and the law lets through. Each row says why; each must be allowed.

A row is ``in`` (one place, or a list where the law is the same by design; ``but`` leaves places out), ``at`` (local time
there), a ``base`` of ``_bases.yaml`` and the fields in which it differs; ``only`` replaces the base by the whole attempt; ``as_of: at`` measures
the age of lists at that moment and not today.
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
from tests.plain_rows import merged, read

HERE = Path(__file__).parent
ROW_KEYS = {"name", "why", "in", "but", "at", "base", "set", "only", "store", "as_of"}


@cache
def _named() -> dict[str, Any]:
    return read(HERE / "_bases.yaml")


def _base(name: str) -> dict[str, Any]:
    base = _named()["bases"][name]
    return merged(_base(base["extends"]), base["set"]) if "extends" in base else base["set"]


def _attempt(row: dict[str, Any], state: str) -> dict[str, Any]:
    place = _named()["places"][state]
    where = {"to": place["to"], "contact": {"state": state, "zip": place["zip"]}}
    attempt = merged(where, row["only"]) if "only" in row else merged(merged(_base(row["base"]), where), row.get("set", {}))
    attempt["at"] = datetime.fromisoformat(row["at"]).replace(tzinfo=ZoneInfo(attempt["contact"].get("timezone", place["zone"]))).isoformat()
    return attempt


def _rows() -> list[Any]:
    found, names = [], set()
    for path in sorted(HERE.glob("[a-z]*.yaml")):
        for row in read(path)["rows"]:
            assert set(row) <= ROW_KEYS and row["why"].endswith("."), f"{path.name}: {row}"
            assert (path, row["name"]) not in names, f"{path.name}: twice: {row['name']}"
            names.add((path, row["name"]))
            states = list(_named()["places"]) if row["in"] == "everywhere" else row["in"] if isinstance(row["in"], list) else [row["in"]]
            for state in states:
                if state not in row.get("but", ()):
                    found.append(pytest.param(row, state, id=f"{path.stem}: {row['name']} ({state})"))
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

    return guard


@pytest.mark.parametrize(("row", "state"), _rows())
def test_innocent(row: dict[str, Any], state: str, guards) -> None:
    attempt = _attempt(row, state)
    decision = guards(row.get("store") != "none", attempt["at"] if "as_of" in row else None).check(attempt)
    assert decision.verdict == "allow", [(reason["rule"], reason["kind"], reason.get("needs"), reason["message"]) for reason in decision.reasons]
