"""`dialguard windows`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LIVE = {"id": "w", "seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live"}


@pytest.fixture
def store(run, tmp_path: Path) -> Path:
    """A store whose record is complete, so that nothing but the clock is in question."""
    assert run("ledger", "declare", "--seller", "acme", "--since", "2020-01-01", "--store", tmp_path / "store").status == 0
    return tmp_path / "store"


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "live.json"
    path.write_text(json.dumps(LIVE), encoding="utf-8")
    return path


def test_windows_as_json(run, live: Path, store: Path) -> None:
    done = run("windows", "602-555-0123", "--campaign", live, "--store", store, "--at", "2026-11-23T00:00:00-07:00", "--days", "2")
    assert done.status == 0
    for window in done.json["windows"]:
        assert set(window) == {"start", "until", "closed_by", "obligations"} and window["start"] < window["until"]
    assert done.json["now"]["verdict"] in ("allow", "deny")


def test_none_says_why(run, campaign: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialguard.cli.common.to_a_terminal", lambda: True)
    done = run("windows", "602-555-0123", "--campaign", campaign, "--store", store, "--at", "2026-11-23T12:00:00-07:00")
    assert "not at any time in the next 7 days" in done.out and "us.fcc.dnc.national (list_incomplete)" in done.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--days", "0"], "expected 1 to 400"),
        (["--days", "401"], "expected 1 to 400"),
        (["--at", "noon"], "not a moment"),
        (["--state", "Texas", "--zip", "x", "--timezone", "EST"], ""),
    ],
)
def test_options(run, live: Path, store: Path, arguments: list[str], says: str) -> None:
    done = run("windows", "602-555-0123", "--campaign", live, "--store", store, *arguments)
    assert (done.status == 2 and says in done.err) if says else done.status == 0


def test_a_campaign_that_is_not_usable(run, tmp_path: Path) -> None:
    for text, says in (("{}", "campaign.seller: missing"), ("[1]", "found list"), ("seller: [", "not JSON"), ('{"seller": "a"}', "campaign.purpose: missing")):
        path = tmp_path / "bad.json"
        path.write_text(text, encoding="utf-8")
        done = run("windows", "602-555-0123", "--campaign", path, "--no-store")
        assert done.status == 2 and says in done.err


def test_without_a_campaign_live_sales_calls_are_asked_about(run, tmp_path: Path) -> None:
    done = run("windows", "602-555-0123", "--no-store", "--at", "2026-11-23T00:00:00-07:00")
    assert done.status == 0
    assert any(reason["rule"] == "us.fcc.calling-hours" for reason in done.json["now"]["reasons"])
