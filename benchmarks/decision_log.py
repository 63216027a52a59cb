"""The decision log: records made and written in groups, verified and searched, beside the least that could be done."""

import hashlib
import json
import os
import re
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from benchmarks.timing import Contender, interleaved, show
from dialguard import Guard
from dialguard.audit import standalone
from dialguard.audit.log import DecisionLog
from dialguard.audit.reading import Reader, Wanted
from dialguard.audit.recording import Asked
from dialguard.facts import clock

GROUP = 20
CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live"}
MEGABYTES = int(os.environ.get("DIALGUARD_LOG_MEGABYTES", "200"))
"""Size of the log that is verified and searched."""


def run(rounds: int) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("DIALGUARD_BENCH_FOLDER")) as folder:
        _writing(Path(folder), rounds)
        _reading(Path(folder), max(3, rounds // 5))


def _writing(folder: Path, rounds: int) -> None:
    with DecisionLog(folder / "one", keys=folder / "keys.json") as log, open(folder / "bare", "wb", buffering=0) as bare:
        guard = Guard(no_store=True, log=log)
        guard.add_campaign(CAMPAIGN)
        attempt = {
            "id": "lead-8812",
            "to": "602-555-0123",
            "from": "+14805550100",
            "channel": "voice",
            "campaign": "c",
            "at": "2026-11-24T11:00:00-07:00",
        }
        attempt |= {"revocations": [], "dnc": {"national": False, "states": [], "internal": False}, "line_type": "landline"}
        decision = guard.check(attempt)
        campaign, pieces = guard._registered["c"]
        asked = Asked(json.dumps(attempt).encode(), decision, campaign, pieces, False, False)
        answer = decision.as_json(texts=False)
        body = guard._recording.body
        record = body(asked, answer, 0, door="http", key="k1")
        kilobyte = b'{"kind":"decision","x":"%b"}' % (b"x" * 975)

        def make() -> bytes:
            return body(asked, answer, 0, door="http", key="k1")

        contenders = [
            Contender("write, bare", lambda _: bare.write(b"".join([record] * GROUP)), range(10_000)),
            Contender("SHA-256", lambda _: [hashlib.sha256(record).hexdigest() for _ in range(GROUP)], range(10_000)),
            Contender("chain and write, 1 kB", lambda _: log.append([kilobyte] * GROUP), range(10_000)),
            Contender("chain and write", lambda _: log.append([record] * GROUP), range(10_000)),
            Contender("mask, seal, encode", lambda _: [make() for _ in range(GROUP)], range(10_000)),
            Contender("all of it", lambda _: log.append([make() for _ in range(GROUP)]), range(10_000)),
            Contender("decide", lambda _: [guard._judge(guard._read(attempt)).as_json(texts=False) for _ in range(GROUP)], range(10_000)),
        ]
        results = interleaved(contenders, rounds, 50)
        each = [f"{result.name} {result.microseconds / GROUP:.1f}" for result in results]
        show(f"The decision log: groups of {GROUP} records of {len(record):,} bytes", results, [f"us a record: {', '.join(each)}"])


def _reading(folder: Path, rounds: int) -> None:
    log = DecisionLog(folder / "large", keys=folder / "keys.json")
    decision = {"attempt_id": "a", "at": "x", "verdict": "deny", "reasons": [], "obligations": [], "evidence": {}, "x": "x" * 700}
    others = {"campaign": CAMPAIGN, "known_at": clock.now(), "store": "none", "pieces": {}}
    count = 0
    while count * 1_500 < MEGABYTES * 1_000_000:
        group = [
            log.body({"to": f"602555{number:04}", "channel": "voice"}, {**decision, "id": f"d-{count + number}"}, **others)
            for number in range(1_000)
        ]  # fmt: skip
        log.append(group)
        count += len(group)
    log.close()
    reader = Reader(log.folder, log.keys)
    paths = [path for chain in standalone.chains(log.folder) for path in standalone.segments(chain)]
    size = sum(path.stat().st_size for path in paths)

    def digest() -> None:
        for path in paths:
            with path.open("rb") as file:
                hashlib.file_digest(file, "sha256")

    def scan() -> None:
        for path in paths:
            re.findall(rb"not there at all", path.read_bytes())

    def never(wanted: Wanted) -> Callable[[], object]:
        return lambda: list(reader.find(wanted))

    ways: list[tuple[str, Callable[[], object]]] = [
        ("SHA-256 of the files", digest),
        ("verify", lambda: standalone.verify(log.folder)),
        ("read and search with re", scan),
        ("find an id", never(Wanted(id=f"d-{count // 2}"))),
        ("find a number", never(Wanted(number="+16025559999"))),
    ]
    times: dict[str, list[float]] = {name: [] for name, _ in ways}
    for _ in range(rounds):
        for name, way in ways:
            start = perf_counter()
            way()
            times[name].append(perf_counter() - start)
    print(f"\nA log of {count:,} records, {size / 1e6:.0f} MB, in the page cache")
    for name, spent in times.items():
        seconds = statistics.median(spent)
        print(f"  {name:26}  {seconds:7.2f} s  {size / 1e6 / seconds:7.0f} MB/s  10 million records: {seconds / count * 1e7:6.0f} s")
