"""What befalls the process of the event rules: killed and stopped at random moments while events are told.

    python -m simulations.faults.events [--kills 500] [--write docs/faults.md]

What each event must come to is known beforehand, and is looked for in the record and among the alarms: nothing may be lost, nothing
come twice, and at no moment may less be revoked or listed than before.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from benchmarks.timing import machine
from dialguard.events.supervisor import Events
from dialguard.packs.load import Packs, load
from simulations.faults.table import existing, put

HEADING = "## The event rules"
NUMBER = "+1202555{:04}"
_TOLD = ("complaint", "refused", "wrong_number", "answered", "abandoned", "opted_out")


@cache
def packs() -> Packs:
    """The shipped rules."""
    return load()


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits until something holds, which it does at some time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.01)


def started(folder: Path, **options) -> Events:
    """The event rules over a folder, once their process lives."""
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
    """The rows of a table of the record."""
    with sqlite3.connect(folder / "ledger.sqlite") as file:
        return file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def alarms(folder: Path) -> list[dict]:
    """The alarms in the folder's file."""
    path = folder / "events" / "alarms.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


class Harmed(NamedTuple):
    """A run: kills and stops, starts of the process, events told; of what they must come to, how much was lost, came twice or came of
    nothing, and how often less was revoked or listed than before."""

    harmed: int
    starts: int
    told: int
    due: int
    lost: int
    twice: int
    odd: int
    looser: int


def harmed(folder: Path, kills: int) -> Harmed:
    """Kills (nine in ten) and stops the process so often while two threads tell events."""
    draw, events = random.Random(7), started(folder, segment=20_000)
    told: list[tuple[str, str]] = []
    done = threading.Event()

    def tell() -> None:
        teller, number = random.Random(11), 0
        while not done.is_set():
            number += 1
            kind = teller.choice(_TOLD)
            to = NUMBER.format(number % 10_000)
            told.append((kind, events.tell({"event": kind, "seller": "acme", "campaign": f"c{number % 5}", "to": to})))
            time.sleep(0.004)

    threads = [threading.Thread(target=tell) for _ in range(2)]
    for thread in threads:
        thread.start()
    times = looser = 0
    before: Counter[str] = Counter()
    while times < kills:
        if draw.random() < 0.8:  # else while it begins
            beat = events._beat()
            until(lambda: events._beat() != beat)  # noqa: B023 - asked at once
        time.sleep(draw.random() * 0.3)
        if (pid := events.pid) is not None:
            try:
                os.kill(pid, signal.SIGKILL if draw.random() < 0.9 else signal.SIGSTOP)
            except ProcessLookupError:
                pass
            times += 1
        if times % 10 == 0:
            now = Counter({kind: len(found) for kind, found in recorded(folder).items()})
            looser += bool(before - now)
            before = now
    done.set()
    for thread in threads:
        thread.join()
    beat = events._beat()
    until(lambda: events._beat() != beat and events.alive(), 120)  # the last kill may not have been noticed yet
    if not events.close(60):
        raise SystemExit("what was told was not dealt with within 60 seconds")
    due, found = _due(told), _found(folder)
    return Harmed(
        times, events.starts, len(told), due.total(), (due - found).total(), (found - due).total() - sum(key not in due for key in found),
        sum(key not in due for key in found), looser,
    )  # fmt: skip


def _due(told: list[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """What events must come to: revocations, listings, alarms, and that each was counted."""
    due: Counter[tuple[str, str]] = Counter()
    for kind, id_ in told:
        due["seen", id_] += 1
        due["calls", ""] += kind in ("answered", "abandoned")
        due["revoked", id_] += kind == "wrong_number"
        due["listed", id_] += kind in ("wrong_number", "complaint")
        due["alarm", id_] += kind in ("wrong_number", "complaint", "opted_out")
    return +due


def _found(folder: Path) -> Counter[tuple[str, str]]:
    sources = recorded(folder)
    listed = [source for source in sources["internal"] if ":house.event.refused" not in source]
    found = Counter([("revoked", source.rpartition(":")[2]) for source in sources["revocation"]])
    found.update(("listed", source.rpartition(":")[2]) for source in listed)
    found.update(("alarm", each["event_id"]) for each in alarms(folder) if each["level"] == "notice")
    with sqlite3.connect(folder / "events" / "state.sqlite") as state:
        found.update(("seen", id_) for (id_,) in state.execute("SELECT id FROM seen"))
        found["calls", ""] = state.execute("SELECT sum(among) FROM calls WHERE rule = ''").fetchone()[0]
    for kind, table in (("revocation", "revocations"), ("internal", "internal_dnc")):
        if count(folder, table) != len(sources[kind]):
            raise SystemExit(f"{count(folder, table)} {table} were recorded for {len(sources[kind])} events")
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.faults.events", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="how often it is killed or stopped (50)")
    parser.add_argument("--write", type=existing, metavar="FILE", help="put the figures into a page")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dge") as place:
        found = harmed(Path(place) / "store", options.kills)
    section = f"""{HEADING}

```
{f"python -m simulations.faults.events {' '.join(sys.argv[1:])}".strip()}
```

{machine()}
The process of the event rules is killed with SIGKILL (nine in ten) or stopped at random moments, one in five while it begins, and two
threads tell events meanwhile. What each must come to (a revocation, a listing, an alarm, that it is counted) is looked for at the end.

| kills and stops | starts | events told | what they must come to | lost | twice | of nothing | less revoked or listed than before |
| --- | --- | --- | --- | --- | --- | --- | --- |
| {found.harmed:,} | {found.starts:,} | {found.told:,} | {found.due:,} | {found.lost} | {found.twice} | {found.odd} | {found.looser} |
"""
    print(section)
    if options.write is not None:
        options.write.write_text(put(options.write.read_text("utf-8"), HEADING, section), encoding="utf-8")
    if found.lost or found.twice or found.odd or found.looser:
        sys.exit("something was lost, came twice, came of nothing, or became looser")


if __name__ == "__main__":
    main()
