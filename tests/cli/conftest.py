"""What the tests of the commands share."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from dialguard.cli.main import main
from dialguard.facts import clock
from dialguard.packs.load import Packs, load

NOW = clock.parse_instant("2026-11-24T12:00:00Z")
"""The day of these tests: a list's age is measured today."""

CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", "registry_version": "2026-11-20"}


class Done(NamedTuple):
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self) -> list:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Done]


@pytest.fixture(scope="session")
def shipped() -> Packs:
    """The shipped packs, read once: they do not change while the tests run."""
    return load([])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shipped: Packs) -> Run:
    """Runs a command in this process; the default store lies in the test's own folder."""
    monkeypatch.setenv("DIALGUARD_STORE", str(tmp_path / "default-store"))
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr("dialguard.guard.load", lambda folders: load(folders) if folders else shipped)

    def command(*arguments: object, stdin: bytes | None = None) -> Done:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse on wrong usage
            status = int(stop.code or 0)
        found = capsys.readouterr()
        return Done(status, found.out, found.err)

    return command


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    path = tmp_path / "campaign.json"
    path.write_text(json.dumps(CAMPAIGN), encoding="utf-8")
    return path
