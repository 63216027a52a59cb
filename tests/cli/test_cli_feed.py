"""`dialguard feed`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

FEED = {"checked_through": "2099-01-01T00:00:00Z", "declared": [{"state": "LA", "kind": "emergency", "from": "2026-11-01T00:00:00-06:00"}]}


def write(tmp_path: Path, feed: object) -> Path:
    path = tmp_path / "feed.json"
    path.write_text(feed if isinstance(feed, str) else json.dumps(feed), encoding="utf-8")
    return path


def test_check_and_show(run, tmp_path: Path) -> None:
    write(tmp_path, FEED)
    assert run("feed", "check", "--store", tmp_path).status == 0
    assert run("feed", "check", "--store", tmp_path, "--json").json["current"] is True
    assert run("feed", "show", "--store", tmp_path).out.split()[:2] == ["LA", "emergency"]
    assert run("feed", "show", tmp_path / "feed.json", "--json").json[0]["from"] == "2026-11-01T06:00:00Z"


def test_a_feed_that_is_not_current(run, tmp_path: Path) -> None:
    done = run("feed", "check", write(tmp_path, {**FEED, "checked_through": "2026-01-01T00:00:00Z"}))
    assert done.status == 1 and "not current" in done.out


@pytest.mark.parametrize("feed", ["", "[]", "{}", {"declared": [{}], "checked_through": "2026-01-01T00:00:00Z"}, {**FEED, "checked_through": "soon"}])
def test_a_feed_that_cannot_be_read(run, tmp_path: Path, feed: object) -> None:
    done = run("feed", "check", write(tmp_path, feed))
    assert done.status == 2 and "feed.json" in done.err and "Traceback" not in done.err


def test_no_feed(run, tmp_path: Path) -> None:
    assert run("feed", "show", "--store", tmp_path).status == 2
