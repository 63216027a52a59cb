"""Innocent attempts: what honest callers do every day and the law lets through. Each row says why; each must be allowed.

A row is ``in`` (one place, or a list where the law is the same by design; ``but`` leaves places out), ``at`` (local time
there), a ``base`` of ``_bases.yaml`` and the fields in which it differs; ``only`` replaces the base by the whole attempt; ``as_of: at`` measures
the age of lists at that moment and not today.
"""

import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from dialguard import Guard
from dialguard.facts import clock
from dialguard.storage.memory import MemoryStore

HERE = Path(__file__).parent
ROW_KEYS = {"name", "why", "in", "but", "at", "base", "set", "only", "store", "as_of"}


class _Plain(yaml.CSafeLoader):
    """YAML in which only true and false are flags (`no` is an answer of a database) and moments stay text."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("timestamp", "bool")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Plain.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def _read(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), Loader=_Plain)


@cache
def _named() -> dict[str, Any]:
    return _read(HERE / "_bases.yaml")


def _merged(base: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """``other`` over ``base``, objects field by field; null takes a field away. Lists are replaced."""
    found = dict(base)
    for key, value in other.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = _merged(found[key], value)
        else:
            found[key] = value
    return found


def _base(name: str) -> dict[str, Any]:
    base = _named()["bases"][name]
    return _merged(_base(base["extends"]), base["set"]) if "extends" in base else base["set"]


def _attempt(row: dict[str, Any], state: str) -> dict[str, Any]:
    place = _named()["places"][state]
    where = {"to": place["to"], "contact": {"state": state, "zip": place["zip"]}}
    attempt = _merged(where, row["only"]) if "only" in row else _merged(_merged(_base(row["base"]), where), row.get("set", {}))
    attempt["at"] = datetime.fromisoformat(row["at"]).replace(tzinfo=ZoneInfo(attempt["contact"].get("timezone", place["zone"]))).isoformat()
    return attempt


def _rows() -> list[Any]:
    found, names = [], set()
    for path in sorted(HERE.glob("[a-z]*.yaml")):
        for row in _read(path)["rows"]:
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
