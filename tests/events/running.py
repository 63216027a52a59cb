"""Event rules as they run: a folder, its process, and what came of the events told."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from dialguard.events.supervisor import Events
from dialguard.packs.load import Packs, load

NUMBER = "+1202555{:04}"


@cache
def packs() -> Packs:
    return load()


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits until something holds, which it does at some time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.01)


def started(folder: Path, **options) -> Events:
    events = Events(folder, packs(), **options)
    until(events.alive)
    return events


def recorded(folder: Path) -> dict[str, list[str]]:
    """By kind of entry, the sources of what was recorded: ``event:rule:place:id``."""
    if not (folder / "ledger.sqlite").exists():
        return {}
    with sqlite3.connect(folder / "ledger.sqlite") as file:
        if not file.execute("SELECT 1 FROM sqlite_master WHERE name = 'imports'").fetchone():
            return {}
        rows = file.execute("SELECT kind, source_id FROM imports").fetchall()
    found: dict[str, list[str]] = {}
    for kind, source in rows:
        found.setdefault(kind, []).append(source)
    return found


def count(folder: Path, table: str) -> int:
    with sqlite3.connect(folder / "ledger.sqlite") as file:
        return file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def alarms(folder: Path) -> list[dict]:
    path = folder / "events" / "alarms.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def child_that(tmp_path: Path, what: str) -> tuple[str, ...]:
    """The command of a process in which durable_rules does something at the event whose code is POISON; ``what`` is Python."""
    script = tmp_path / "poisoned.py"
    script.write_text(
        f"""
import ctypes, os, signal, sys, time
from dialguard.events import child
from dialguard.events.matcher import Matcher
real = Matcher.fired

def fired(self, event, counts):
    if event.code == "POISON":
        {what}
    return real(self, event, counts)

Matcher.fired = fired
sys.exit(child.main())
""",
        "utf-8",
    )
    return (sys.executable, str(script))
