"""Rules that change under load: a service as a process, asked all the time, while good and bad rule files are dropped in.

``python -m simulations.rule_changes [--seconds 60] [--clients 8] [--workers 1]`` prints how long each kind of change took to decide, or
to be refused with file and line, and what the clients saw. It fails on a request that was not decided, and on a decision whose rules
are not those of the revision that it names.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HEAD = "jurisdiction: FL\nname: Florida\nzone: America/New_York\nrules:\n"
ATTEMPT = {
    "channel": "voice", "to": "+13055550100", "at": "2026-11-23T17:00:00Z",
    "campaign": {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"},
}  # fmt: skip


def rule(id_: str, hours: str = "08:00-09:00", expect: str = "prohibited", more: str = "") -> str:
    """A rule file of an operator: calls outside of these hours are forbidden, so one at noon is; ``expect`` of it at noon."""
    return HEAD + f"""\
  - id: {id_}
    title: Our hours
    topic: calling_hours
    kind: prohibition
    citation: Policy 1
    status: in_force
    applies: {{channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}}
    shape: calling-hours
    parameters: {{hours: {{every_day: {hours}}}}}
{more}    tests:
      - {{name: noon, at: 2026-11-17 12:00:00, expect: {expect}}}
"""


CONFIRMED = "    supersedes: {rule: fl.calling-hours, citation: c, date: 2026-01-01, approver: J. Doe, reason: r}\n"
LOOSER = rule("house.looser", "08:00-21:00", "silent", CONFIRMED)
BAD: dict[str, bytes] = {
    "torn": rule("house.bad")[:-30].encode(),
    "truncated": rule("house.bad")[:120].encode(),
    "not UTF-8": rule("house.bad").encode().replace(b"Policy", b"Polic\xff"),
    "a key twice": rule("house.bad").replace("    kind:", "    title: again\n    kind:").encode(),
    "an alias bomb": b"a: &a [x,x]\n" + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9)),
    "50 MB": b"# " + b"x" * 50_000_000,
    "10,000 deep": b"a: " + b"[" * 10_000,
    "an example that fails": rule("house.bad", expect="silent").encode(),
    "looser, not confirmed": LOOSER.encode(),
}


class Clients:
    """Ask one after the other; ``seen`` is what each revision was seen with."""

    def __init__(self, port: int, key: str, number: int) -> None:
        self.port, self.key = port, key
        self.asked, self.failed, self.seen, self.times = 0, 0, dict[str, set[tuple[str, ...]]](), list[float]()
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers, body = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}, json.dumps(ATTEMPT)
        while not self._stop.wait(0.005):
            start = time.perf_counter()
            connection.request("POST", "/v1/check", body, headers)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            spent = time.perf_counter() - start
            with self._lock:
                self.asked += 1
                self.times.append(spent)
                if answer.status != 200:
                    self.failed += 1
                else:
                    ours = tuple(sorted(each["rule"] for each in found["reasons"] if each["rule"].startswith("house.n")))
                    self.seen.setdefault(found["packs"], set()).add(ours)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def serving(folder: Path, workers: int) -> Iterator[tuple[int, str]]:
    """Port and key of a service over a folder."""
    (folder / "law").mkdir()
    (folder / "service.toml").write_text(f'folder = "store"\nrules = ["law"]\nworkers = {workers}\n')
    errors = folder / "errors.txt"
    with errors.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "dialguard", "serve", "--config", str(folder / "service.toml"), "--port", "0"], stderr=file
        )  # fmt: skip
    try:
        while errors.read_text().count("is ready") < workers:
            time.sleep(0.1)
        said = errors.read_text()
        yield int(re.search(r"127\.0\.0\.1:(\d+), pid", said)[1]), re.search(r"shown again: (dg_\w+)", said)[1]
    finally:
        process.terminate()
        process.wait(60)


def standing(port: int, key: str) -> dict:
    """What a worker says of its rules."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/v1/packs", headers={"Authorization": f"Bearer {key}"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def put(path: Path, raw: bytes) -> None:
    """A file written beside and renamed."""
    (path.parent / ".beside").write_bytes(raw)
    (path.parent / ".beside").replace(path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.rule_changes", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1, help="with several the times are those of whichever answers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serving(Path(name), options.workers) as (port, key):
        law, taken, refused = Path(name) / "law", list[float](), dict[str, list[float]]()
        clients = Clients(port, key, options.clients)
        end, number = time.monotonic() + options.seconds, 0
        while time.monotonic() < end:
            number += 1
            before = standing(port, key)["digest"]
            start = time.monotonic()
            put(law / "good.yaml", rule(f"house.n{number}").encode())
            while standing(port, key)["digest"] == before:
                time.sleep(0.01)
            taken.append(time.monotonic() - start)
            kind = list(BAD)[number % len(BAD)]
            start = time.monotonic()
            put(law / "bad.yaml", BAD[kind])
            while (found := standing(port, key)["refused"]) is None:
                time.sleep(0.01)
            refused.setdefault(kind, []).append(time.monotonic() - start)
            if not all(each["file"].endswith("bad.yaml") and each["line"] for each in found["troubles"]):
                sys.exit(f"{kind}: {found}")
            (law / "bad.yaml").unlink()
            while standing(port, key)["state"] != "current":
                time.sleep(0.01)
        clients.end()
    times = sorted(clients.times)
    print(f"{clients.asked:,} requests, {clients.failed} not decided; {len(clients.seen)} revisions decided")
    print(f"answer: median {1000 * statistics.median(times):.1f} ms, 99 in 100 within {1000 * times[int(len(times) * 0.99)]:.1f} ms, longest {1000 * times[-1]:.0f} ms")
    print(f"a good change decides after {statistics.median(taken):.2f} s (longest {max(taken):.2f} s, {len(taken)} changes)")
    for kind, found in sorted(refused.items()):
        print(f"{kind:<24} refused with file and line after {statistics.median(found):.2f} s (longest {max(found):.2f} s)")
    mixed = {digest: rules for digest, rules in clients.seen.items() if len(rules) != 1}
    if clients.failed or mixed:
        sys.exit(f"not decided: {clients.failed}; revisions that were seen with several sets of rules: {mixed}")


if __name__ == "__main__":
    main()
