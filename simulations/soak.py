"""The service under a steady load for as long as one likes: what grows, and what becomes slower.

    python -m simulations.soak --minutes 30 [--write docs/faults.md]

Eight clients ask half as much as the service answered without pause in the first seconds; every twenty seconds the national list is
imported anew, each time with other numbers, and a rule of the operator's is changed. Each ten seconds its memory, descriptors, threads
and answers are noted.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks.timing import machine
from dialguard.facts import clock
from dialguard.lists.importing import import_list
from simulations.faults.service import recorded
from simulations.faults.table import existing, put
from simulations.served import Clients, Reply, Service

HEADING = "## Endurance"
EACH, IMPORT_EACH = 10.0, 20.0
LINES = 50_000
MOST = 5_000
"""Imports of a day and a bit."""
SWAPPED = "serve in the place of"
"""What the service says of rules that it took up."""


RULE = """\
jurisdiction: GA
name: Georgia
zone: America/New_York
rules:
  - id: house.ga-cap
    title: At most so many sales calls to one person in 24 hours
    topic: frequency
    kind: prohibition
    citation: Compliance manual, policy 7
    status: in_force
    applies: {{channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}}
    shape: attempt-cap
    parameters: {{maximum: {0}, period: {{hours: 24}}}}
    tests:
      - {{name: the first call, at: 2026-11-17 12:00:00, attempts: [], expect: silent}}
      - name: the fourth
        at: 2026-11-17 12:00:00
        attempts: [2026-11-17 09:00:00, 2026-11-17 10:00:00, 2026-11-17 10:30:00]
        expect: prohibited
"""


class Sample(NamedTuple):
    """The service at a moment: megabytes, descriptors, threads; and of the answers since the one before, how many, their median and
    99th percentile in milliseconds."""

    memory: float
    descriptors: int
    threads: int
    answers: int
    median: float
    slowest: float


def sample(pid: int, replies: Sequence[Reply]) -> Sample:
    """A sample of a process, with the replies since the last one."""
    status = Path(f"/proc/{pid}/status").read_text()
    memory, threads = (int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1]) for name in ("VmRSS", "Threads"))  # type: ignore[index]
    took = sorted(reply.took * 1000 for reply in replies) or [0.0]
    middle, last = took[len(took) // 2], took[int(len(took) * 0.99)]
    return Sample(memory / 1024, len(os.listdir(f"/proc/{pid}/fd")), threads, len(replies), middle, last)


def _import(folder: Path, number: int) -> None:
    file = folder / "national.txt"
    first = 2_000_000 + number
    file.write_text("".join(f"305,{first + 2 * line}\n" for line in range(LINES)), encoding="ascii")
    day = datetime.now(UTC).date() - timedelta(days=MOST)  # each a day later: files of one day count together
    import_list(folder, "national", file, published=day + timedelta(days=number), whole_plan=True, allow_shrink=True, received_at=clock.now())


def _change(law: Path, number: int) -> None:
    law.mkdir(exist_ok=True)
    draft = law.parent / "draft.yaml"
    draft.write_text(RULE.format(3 - number % 2), encoding="utf-8")
    draft.rename(law / "georgia.yaml")


class Soaked(NamedTuple):
    """A run: the rate, the samples without the first of the load, and what the answers were."""

    rate: float
    samples: list[Sample]
    kinds: Counter[str | None]
    imports: int
    swaps: int
    cut: int
    wrong: int
    lost: int


def run(folder: Path, seconds: float, each: float = EACH, imports_each: float = IMPORT_EACH, trial: float = 10.0) -> Soaked:
    """So many seconds of steady load on a service over a new folder."""
    service, law = Service(folder, 'rules = ["law"]\n'), folder / "law"
    _change(law, 0)
    _import(folder, 0)
    service.start()
    assert service.process is not None
    trying = Clients(service)
    time.sleep(trial)
    rate = len(trying.close()) / trial / 2
    clients, samples, replies, imports = Clients(service, rate=rate), [], [], 0
    kinds: Counter[str | None] = Counter()
    wrong, allowed = 0, []
    try:
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            due = begin + each * (len(samples) + 1)
            if time.monotonic() - begin >= imports_each * (imports + 1):
                imports += 1
                _import(folder, imports)
                _change(law, imports)
            time.sleep(max(0.0, due - time.monotonic()))
            replies = clients.take()
            kinds.update(reply.kind for reply in replies)
            wrong += sum(reply.wrong for reply in replies)
            allowed += [reply.id for reply in replies if reply.kind is None]
            samples.append(sample(service.process.pid, replies))
            print(" ".join(f"{value:g}" for value in (round(value, 1) for value in samples[-1])), flush=True)
        rest = clients.close()
    finally:
        service.end()
    kinds.update(reply.kind for reply in rest)
    wrong += sum(reply.wrong for reply in rest)
    held = recorded(folder / "decisions")
    lost = sum(id_ not in held for id_ in [*allowed, *(reply.id for reply in rest if reply.kind is None)])
    return Soaked(rate, samples, kinds, imports, service.said.count(SWAPPED), clients.cut, wrong, lost)


def page(found: Soaked, told: str, minutes: float) -> str:
    """The section of the page."""
    quarter = max(1, len(found.samples) // 4)
    rows = []
    for name, field in (("memory, MB", "memory"), ("descriptors", "descriptors"), ("threads", "threads"), ("median, ms", "median"),
                        ("99th percentile, ms", "slowest")):  # fmt: skip
        values = [float(getattr(each, field)) for each in found.samples]
        first, last = statistics.median(values[quarter : 2 * quarter] or values), statistics.median(values[-quarter:])
        drift = f"{(last - first) / first:+.1%}" if first else ""
        rows.append(f"| {name} | {first:.1f} | {last:.1f} | {drift} | {min(values):.1f} to {max(values):.1f} |")
    denied = ", ".join(f"{count:,} {kind}" for kind, count in found.kinds.most_common() if kind is not None)
    return f"""{HEADING}

```
{told}
```

{machine()}
**{minutes:g} minutes**, where a day is what is aimed at: {found.rate:.0f} decisions a second, half of what was answered without pause to
the same eight clients on the same machine; {found.imports} imports of a national list of {LINES:,} numbers and {found.swaps} changes of the
rules taken up beside them. {found.kinds.total():,} answers: {found.kinds[None]:,} allows, {denied}; {found.cut} cut. Wrong allows:
{found.wrong}; allows without a record: {found.lost}. All versions of the list are held; those whose place another has taken are closed.

| each ten seconds | median of the second quarter | of the last quarter | drift | least to most |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}
"""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--write", type=existing, metavar="FILE", help="put the figures into a page")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dgk") as place:
        found = run(Path(place) / "served", options.minutes * 60)
    section = page(found, f"python -m simulations.soak {' '.join(sys.argv[1:])}".strip(), options.minutes)
    print(section)
    if options.write is not None:
        options.write.write_text(put(options.write.read_text("utf-8"), HEADING, section), encoding="utf-8")
    if found.wrong or found.lost:
        sys.exit("allows that are wrong or have no record")


if __name__ == "__main__":
    main()
