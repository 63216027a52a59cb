"""Event rules as they run: a folder, its process, and what came of the events told."""

from __future__ import annotations

import sys
from pathlib import Path

from simulations.faults.events import NUMBER, alarms, count, packs, recorded, started, until

__all__ = ["NUMBER", "alarms", "child_that", "count", "packs", "recorded", "started", "until"]


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
