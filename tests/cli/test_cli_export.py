"""``dialguard export``: files whole or not at all, nothing of the user's replaced unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Run


@pytest.mark.parametrize(
    ("target", "files"),
    [("csv", []), ("vicidial", ["vicidial.sql"]), ("genesys", ["attempt_limits.json", "callable_time_sets.json"])],
)
def test_the_files_of_each_target(run: Run, tmp_path: Path, target: str, files: list[str]) -> None:
    done = run("export", target, tmp_path / "out", "--json")
    every = sorted([*files, "closed_days.csv", "hours.csv", "limits.csv", "not_expressed.csv"])
    assert done.status == 0 and done.json["files"] == every
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == every
    assert done.json["not_expressed"] == len((tmp_path / "out" / "not_expressed.csv").read_text().splitlines()) - 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_is_replaced_only_when_asked_to(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    (tmp_path / "out" / "hours.csv").write_text("old")
    refused = run("export", "csv", tmp_path / "out")
    assert refused.status == 2 and "exists; give another name, or say --force" in refused.err
    assert (tmp_path / "out" / "hours.csv").read_text() == "old" and len(list((tmp_path / "out").iterdir())) == 2
    assert run("export", "csv", tmp_path / "out", "--force").status == 0
    assert (tmp_path / "out" / "hours.csv").read_text().startswith("jurisdiction,")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_is_left_where_it_cannot_be_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dialguard.export.files.os.fsync", full)
    done = run("export", "csv", tmp_path / "out")
    assert done.status == 2 and "No space left on device" in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_campaign_narrows_the_law(run: Run, tmp_path: Path) -> None:
    assert run("export", "csv", tmp_path / "any").status == 0
    assert run("export", "csv", tmp_path / "live", "--dialing", "manual", "--voice", "live").status == 0
    assert "ME,mon,09:00,17:00" in (tmp_path / "any" / "hours.csv").read_text()
    assert "ME,mon,08:00,21:00" in (tmp_path / "live" / "hours.csv").read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--on", "tomorrow"], "--on: found 'tomorrow', expected a date such as 2026-11-22"),
        (["--on", "2300-01-01"], "--on 2300-01-01: "),
        (["--rules", "/nowhere"], "there is no folder of rule files /nowhere"),
    ],
)
def test_mistakes(run: Run, tmp_path: Path, more: list[str], said: str) -> None:
    done = run("export", "csv", tmp_path / "out", *more)
    assert done.status == 2 and said in done.err and not (tmp_path / "out").exists()


def test_a_folder_that_is_missing(run: Run, tmp_path: Path) -> None:
    done = run("export", "csv", tmp_path / "no" / "out")
    assert done.status == 2 and f"there is no folder {tmp_path / 'no'} to make out in" in done.err
