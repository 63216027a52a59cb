"""The wheel carries all that a decision needs, and works in another folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", str(ROOT), "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--wheel-dir", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("dialguard-*.whl")
    return built


def tracked(folder: str, suffixes: tuple[str, ...]) -> set[str]:
    """Files of a source folder, relative to it, as posix paths."""
    base = ROOT / folder
    return {path.relative_to(base).as_posix() for path in base.rglob("*") if path.suffix in suffixes}


def test_the_wheel_contains_code_rules_and_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"dialguard/{name}" for name in tracked("dialguard", (".py",))} <= names
    rules = {f"dialguard/_rules/{name}" for name in tracked("rules", (".yaml",))}
    assert rules and rules <= names
    data = {f"dialguard/data/{name}" for name in tracked("dialguard/data", (".csv", ".json", ".yaml"))}
    assert "dialguard/data/npa.csv" in data and data <= names
    outside = {name.split("/")[0] for name in names} - {"dialguard", "dialguard-0.1.0.dist-info"}
    assert outside == set()
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_wheel_states_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = Parser().parsestr(archive.read("dialguard-0.1.0.dist-info/METADATA").decode("utf-8"))
        commands = archive.read("dialguard-0.1.0.dist-info/entry_points.txt").decode("utf-8")
    assert about["Name"] == "dialguard" and about["Version"] == "0.1.0"
    assert about["Requires-Python"] == ">=3.11" and about["License-Expression"] == "Apache-2.0"
    always = {re.split(r"[<>=; \[]", need)[0].lower() for need in about.get_all("Requires-Dist") if "extra ==" not in need}
    assert always == {
        "cryptography", "httptools", "matplotlib", "msgspec", "numpy", "pandas", "phonenumbers", "polars", "prometheus-client", "pyarrow", "pydantic", "pytz", "pyyaml", "redis", "rich", "sqlalchemy", "uvicorn", "uvloop",
    }  # fmt: skip
    assert "durable-rules==2.0.28; extra == 'events'" in about.get_all("Requires-Dist")
    assert "dialguard = dialguard.cli.main:main" in commands


def test_the_wheel_decides_in_another_folder(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *arguments], cwd=elsewhere, env=environment, capture_output=True, text=True)

    where = run("-c", "import dialguard; print(dialguard.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(site), where
    attempt = {
        "to": "2122345678",
        "channel": "voice",
        "at": "2026-03-10T03:00:00-04:00",
        "campaign": {"id": "c", "seller": "s", "purpose": "telemarketing", "dialing": "manual", "voice": "live"},
    }
    (elsewhere / "attempt.json").write_text(json.dumps(attempt), encoding="utf-8")
    done = run("-m", "dialguard", "check", "attempt.json", "--no-store")
    assert done.returncode == 1, done.stderr
    decision = json.loads(done.stdout)
    assert decision["verdict"] == "deny" and decision["packs"]
    # Three in the morning: closed by a rule file, so the rule files of the wheel were read.
    hours = ("us.fcc.calling-hours", "us.tsr.calling-hours")
    assert [reason["rule"] for reason in decision["reasons"] if reason["rule"].startswith(hours)]


def test_every_dependency_is_pinned_with_hashes() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[0-9][^ ]*( ; .+?)? \\\n", entry), entry
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", entry)) >= 1, entry
    pinned = {entry.split("==")[0] for entry in entries}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needs = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
        *project["build-system"]["requires"],
    ]
    named = {re.split(r"[<>=\[]", need)[0].lower() for need in needs}
    assert named <= pinned
    # What needs a compiler is installed apart, where there is one.
    apart = (ROOT / "requirements-events.lock").read_text("utf-8")
    assert re.findall(r"^(\S+==\S+) \\$", apart, re.M) == project["project"]["optional-dependencies"]["events"] and "--hash=sha256:" in apart


def test_the_lock_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    assert not re.search(r"https?:|file:|index|find-links|trusted|@", text)
