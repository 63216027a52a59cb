"""What befalls the service, done to a process of its own under load.

    python -m simulations.faults.service [--kills 1000] [--write docs/faults.md]

It is killed with SIGKILL so often, and its decision log lies on a disk that becomes full, and on one that is read-only when it starts
(where tmpfs can be mounted). Every allow that a client received is looked for in the log.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.timing import machine
from dialguard.audit import standalone
from simulations.faults.table import existing, put
from simulations.served import Clients, Reply, Service, wait_for

HEADING = "## The service"
HEAD = ("fault", "decisions", "allows", "denied or refused", "cut", "wrong allows", "allows without a record", "ms (median, p99)",
        "well after")  # fmt: skip
_DECISION = re.compile(rb'"decision":\{"id":"(d-[0-9a-z-]+)"')


class Unmountable(Exception):
    """Here no file system can be mounted."""


class Shown(NamedTuple):
    """A line of the table, and how many allows were wrong or not recorded."""

    cells: tuple[str, ...]
    wrong: int


def recorded(log: Path) -> set[str]:
    """The ids of all decisions in a log. Raises SystemExit where it does not verify but for torn tails that were noted."""
    breaks = standalone.verify(log).breaks
    if breaks:
        raise SystemExit(f"the decision log does not verify: {breaks[0]}")
    return {
        found.decode()
        for chain in standalone.chains(log) for path in standalone.segments(chain) for found in _DECISION.findall(path.read_bytes())
    }  # fmt: skip


def line(name: str, replies: Sequence[Reply], cut: int, log: Path, well: str) -> Shown:
    """The figures of a fault."""
    held = recorded(log)
    allows = [reply for reply in replies if reply.kind is None]
    lost = sum(reply.id not in held for reply in allows)
    wrong = sum(reply.wrong for reply in replies)
    kinds = Counter(reply.kind for reply in replies if reply.kind is not None)
    took = sorted(reply.took * 1000 for reply in replies) or [0.0]
    cells = (
        name, f"{len(replies):,}", f"{len(allows):,}", ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common()), f"{cut:,}",
        str(wrong), str(lost), f"{took[len(took) // 2]:.1f}, {took[int(len(took) * 0.99)]:.1f}", well,
    )  # fmt: skip
    return Shown(cells, wrong + lost)


def killed(folder: Path, kills: int, most: float = 0.5) -> Shown:
    """Killed so often at random moments within ``most`` seconds of being ready, under load; the log is verified each time up to 20 times,
    and each time that a twentieth of the kills is done."""
    service, draw = Service(folder), Random(11)
    log, starts = folder / "decisions", []
    clients = Clients(service)
    try:
        for number in range(1, kills + 1):
            starts.append(service.start())
            first = len(clients.replies)
            wait_for(lambda first=first: len(clients.replies) > first)
            time.sleep(draw.uniform(0, most))
            service.end(signal.SIGKILL)
            if number % max(1, kills // 20) == 0:
                held = recorded(log)
                if lost := [reply.id for reply in clients.replies if reply.kind is None and reply.id not in held]:
                    raise SystemExit(f"after kill {number}, {len(lost)} allows have no record, the first being {lost[0]}")
        starts.append(service.start())
        first = len(clients.replies)
        wait_for(lambda: len(clients.replies) > first + 50)
    finally:
        replies = clients.close()
        service.end()
    starts.sort()
    return line(f"SIGKILL, {kills:,} times", replies, clients.cut, log, f"{starts[len(starts) // 2]:.1f} s to start")


@contextmanager
def tmpfs(place: Path) -> Iterator[None]:
    """A small file system in memory. Raises Unmountable."""
    place.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(place)], capture_output=True).returncode:
        raise Unmountable("tmpfs cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(log: Path) -> None:
    with (log / "ballast").open("ab") as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    os.write(file.fileno(), b"x" * size)
            except OSError:
                pass


def full(folder: Path, seconds: float) -> Shown:
    """The disk on which the decision log is becomes full, for a third of so many seconds of load. Raises SystemExit where what cannot be
    recorded is not denied so, TimeoutError where nothing is allowed after the repair."""
    log = folder / "decisions"
    with tmpfs(log), _asked(folder, "is ready") as (service, clients):
        time.sleep(seconds / 3)
        _fill(log)
        broken = time.perf_counter()
        time.sleep(seconds / 3)
        mended = time.perf_counter()
        (log / "ballast").unlink()
        well = _well(clients, mended)
        time.sleep(seconds / 3)
        replies = clients.close()
        service.end()
        # The last page of a file on a full disk may have room for a record or two: these allows are recorded.
        under = Counter(reply.kind for reply in replies if broken < reply.asked and reply.asked + reply.took < mended)
        if under["audit_unavailable"] < 0.9 * under.total() or not under:
            raise SystemExit(f"the log's disk is full, and the answers meanwhile were {dict(under)}")
        return line("the log's disk becomes full", replies, clients.cut, log, well)


def read_only(folder: Path, seconds: float) -> Shown:
    """The disk is read-only when the service starts. (A disk that is written to cannot be made so from outside.) Raises as ``full``."""
    log = folder / "decisions"
    with tmpfs(log):
        subprocess.run(["mount", "-o", "remount,ro", str(log)], check=True)
        with _asked(folder, "cannot be opened") as (service, clients):
            time.sleep(seconds / 3)
            mended = time.perf_counter()
            subprocess.run(["mount", "-o", "remount,rw", str(log)], check=True)
            well = _well(clients, mended)
            replies = clients.close()
            service.end()
            under = Counter(reply.kind for reply in replies if reply.asked + reply.took < mended)
            if set(under) != {"service.not_ready"}:
                raise SystemExit(f"the log's disk is read-only, and the answers meanwhile were {dict(under)}")
            return line("the log's disk is read-only at the start", replies, clients.cut, log, well)


@contextmanager
def _asked(folder: Path, until: str) -> Iterator[tuple[Service, Clients]]:
    service = Service(folder)
    service.start(until)
    clients = Clients(service, rate=200)
    try:
        yield service, clients
    finally:
        clients.close()
        service.end()


def _well(clients: Clients, mended: float) -> str:
    def allows() -> list[Reply]:
        return [reply for reply in list(clients.replies) if reply.kind is None and reply.asked > mended]

    wait_for(lambda: bool(allows()), 30)
    return f"{min(reply.asked + reply.took for reply in allows()) - mended:.2f} s"


def run(kills: int, seconds: float, show: Callable[[Shown], object] = lambda shown: None) -> list[Shown]:
    """Everything."""
    found = []
    with tempfile.TemporaryDirectory(prefix="dgs") as place:
        for fault in (full, read_only):
            try:
                found.append(fault(Path(place) / fault.__name__, seconds))
            except Unmountable as error:
                found.append(Shown((f"the log's disk: {fault.__name__}", f"not done: {error}", *[""] * (len(HEAD) - 2)), 0))
            show(found[-1])
        if kills:
            found.append(killed(Path(place) / "killed", kills))
            show(found[-1])
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.faults.service", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="how often it is killed (20)")
    parser.add_argument("--seconds", type=float, default=9, help="of the load under which a disk fails; it does so for a third (9)")
    parser.add_argument("--write", type=existing, metavar="FILE", help="put the table at the end of a page")
    options = parser.parse_args()

    def shown(row: Shown) -> str:
        return f"| {' | '.join(row.cells)} |"

    rows = run(options.kills, options.seconds, lambda row: print(shown(row), flush=True))
    told = f"python -m simulations.faults.service {' '.join(sys.argv[1:])}".strip()
    table = "\n".join((f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}", *map(shown, rows)))
    section = f"""{HEADING}

```
{told}
```

{machine()}
Eight clients ask a process of its own; a third of the questions may be allowed, and which is known beforehand. *Cut*: not answered
whole. Of every allow that came whole the record is looked for by its id, and the chains are verified; a torn tail is cut and noted when
the log is opened anew. *Well after*: from the repair to the first allow. The median is of all answers, on a machine that has other work.

{table}
"""
    print(section)
    if options.write is not None:
        options.write.write_text(put(options.write.read_text("utf-8"), HEADING, section), encoding="utf-8")
    if any(row.wrong for row in rows):
        sys.exit("allows that are wrong or have no record")


if __name__ == "__main__":
    main()
