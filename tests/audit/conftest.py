"""What the tests of the decision log share."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dialguard.audit import chain as chains
from dialguard.audit import standalone
from dialguard.audit.log import DecisionLog

CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "telemarketing"}


def body(log: DecisionLog, name: str, **attempt: Any) -> bytes:
    """A record with as little in it as there can be."""
    decision = {
        "id": f"d-{name}", "attempt_id": attempt.get("id", name), "at": "2026-11-24T11:00:00-07:00", "verdict": "allow",
        "valid_until": None, "reasons": [], "obligations": [{"rule": "x"}], "retry_at": None, "timezones": [], "evidence": {},
    }  # fmt: skip
    given = {"id": name, "to": "602-555-0123", "channel": "voice", "campaign": CAMPAIGN} | attempt
    return log.body(given, decision, campaign=CAMPAIGN, known_at=0, store="none", pieces={})


def lines(folder: Path) -> list[dict[str, Any]]:
    """Every line of every chain, as JSON says it, in order."""
    return [json.loads(line) for chain in standalone.chains(folder) for path in standalone.segments(chain) for line in path.open("rb")]


def ids(folder: Path) -> list[str]:
    """The ids of all decisions recorded, in order."""
    return [line["body"]["decision"]["id"] for line in lines(folder) if line["body"]["kind"] == "decision"]


def breaks(folder: Path, *witnesses: Path) -> list[str]:
    return [str(each) for each in standalone.verify(folder, witnesses).breaks]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "decisions"


@pytest.fixture
def broken_os(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts functions in the place of those of ``os`` in the module that writes; none given: the real ones again."""

    def use(**functions: Callable[..., Any]) -> None:
        names = {name: getattr(os, name) for name in dir(os)}
        monkeypatch.setattr(chains, "os", SimpleNamespace(**(names | functions)))

    return use
