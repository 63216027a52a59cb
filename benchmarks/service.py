"""HTTP decisions a second, beside FastAPI answering a stub: one worker, one core, 32 connections that stay open.

Every server runs pinned to one core and the load to another; they take turns, a few seconds each. What is compared is the processor
time of the server for a request, which another process on the machine disturbs less than the rate; the rate is shown too. FastAPI
answers every request with one decision of median length, checked and written by a complete response model.
"""

import itertools
import json
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

from benchmarks.dials import CAMPAIGN, numbers
from dialguard.facts import clock
from dialguard.facts.numbers import parse
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY, HOUR, SECOND
from dialguard.storage.embedded import EmbeddedStore
from simulations import redis_servers, registry

LISTED, CONSENTED, PREPARED = 300_000, 300_000, 600_000
CONNECTIONS = 32
SPELL = 4.0
"""Seconds of load on one server in one turn."""
HALF = 20.0
"""Seconds of load at half of what it can do, of which only the 99th percentile is shown."""
STEP = 80_000
"""Attempts, more than one spell makes, after which the next begins: no number is asked about twice while a slot is held for it."""
FASTAPI = "FastAPI, a stub"


@dataclass
class _Server:
    name: str
    process: subprocess.Popen[bytes]
    port: int
    key: str
    bodies: Path
    spent: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    turns: int = 0
    late_at_half: float = 0.0


def run(rounds: int) -> None:
    """Time each in turns and print the table."""
    try:
        import fastapi  # noqa: F401 - the contender
    except ModuleNotFoundError:
        print("\nHTTP: not measured, fastapi is not here: .venv/bin/pip install fastapi")
        return
    with tempfile.TemporaryDirectory(prefix="dg") as name, ExitStack() as stack:
        root = Path(name)
        plain, taking = root / "plain.ndjson", root / "taking.ndjson"
        consented = _bodies(plain, taking)
        servers = []
        for kind, bodies in (("no slot", plain), ("a slot taken", taking)):
            folder = root / kind.replace(" ", "-")
            _fill(folder, consented)
            servers.append(stack.enter_context(_ours(f"DialGuard, {kind}", folder, bodies, "")))
        if redis_servers.executable() is not None:
            folder = root / "redis"
            _fill(folder, consented)
            redis = stack.enter_context(redis_servers.server(root))
            rebuild = [sys.executable, "-m", "dialguard", "redis", "rebuild", "--url", redis.url, "--store", str(folder)]
            subprocess.run(rebuild, check=True, stdout=subprocess.DEVNULL)
            servers.append(stack.enter_context(_ours("DialGuard, Redis, no slot", folder, plain, f'[tenants.default]\nstore = "{redis.url}"\n')))
        stub = root / "median.json"
        stub.write_bytes(_median(servers[0]))
        servers.insert(0, stack.enter_context(_fastapi(stub, plain)))
        for server in servers:  # once untimed: programs are compiled, answers made
            _measure(server)
            server.spent, server.rates, server.late = [], [], []
        for turn in range(rounds):
            for step in range(len(servers)):
                _measure(servers[(turn + step) % len(servers)])
        for server in servers:
            server.late_at_half = _load(server, HALF, statistics.median(server.rates) / 2)[2]
        _show(servers, len(stub.read_bytes()))


def _bodies(plain: Path, taking: Path) -> list[str]:
    """Attempts as JSON, on a Tuesday afternoon to come, and the numbers of which a consent is held."""
    random, called = Random(5), numbers(4)
    start = (clock.now() // DAY + 2) * DAY
    while date.fromordinal(clock.fixed(start, 0).ordinal).weekday() != 1:
        start += DAY
    found = []
    with plain.open("wb") as one, taking.open("wb") as other:
        for index in range(PREPARED):
            to = next(called)
            at = clock.format_instant(start + 17 * HOUR + random.randrange(3600) * SECOND, "America/New_York")
            attempt = {"id": f"call-{index}", "channel": "voice", "to": to, "from": "+12125550100", "at": at, "campaign": CAMPAIGN["id"],
                       "line_type": random.choice(("wireless", "wireless", "landline"))}  # fmt: skip
            one.write(json.dumps(attempt | {"reserve": False}).encode() + b"\n")
            other.write(json.dumps(attempt).encode() + b"\n")
            if index % (PREPARED // CONSENTED) == 0:
                found.append(str(parse(to).e164))
    return sorted(set(found))


def _fill(folder: Path, consented: list[str]) -> None:
    """A national list and a complete ledger with consents."""
    folder.mkdir()
    now, seller = clock.now(), str(CAMPAIGN["seller"])
    file = folder.parent / "national.txt"
    if not file.exists():
        registry.write(file, registry.generate(LISTED, 7))
    import_list(folder, "national", file, published=date.fromordinal(clock.fixed(now, 0).ordinal), whole_plan=True, received_at=now)
    store = EmbeddedStore(folder)
    store.declare_complete(seller, now - 800 * DAY, known_at=now - 800 * DAY)
    store.record_many("consent", [
        {"seller": seller, "number": to, "level": "express_written", "obtained_at": now - day * DAY, "known_at": now - day * DAY}
        for day, to in zip(itertools.cycle(range(2, 400)), consented, strict=False)
    ])  # fmt: skip
    store.close()


@contextmanager
def _ours(name: str, folder: Path, bodies: Path, more: str) -> Iterator[_Server]:
    port = _free_port()
    config = folder / "service.toml"
    config.write_text(f'listen = "127.0.0.1:{port}"\nfolder = "{folder}"\n{more}')
    made = subprocess.run(
        [sys.executable, "-m", "dialguard", "keys", "create", "--store", str(folder), "--scope", "check", "--scope", "write", "--scope", "admin", "--json"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    key = json.loads(made.stdout)["key"]
    with _process([sys.executable, "-m", "dialguard", "serve", "--config", str(config)]) as process:
        _wait(port, "/readyz")
        _ask(port, "/v1/campaigns", key, json.dumps(CAMPAIGN).encode())
        yield _Server(name, process, port, key, bodies)


@contextmanager
def _fastapi(stub: Path, bodies: Path) -> Iterator[_Server]:
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.service_stub:app", "--port", str(port), "--no-access-log", "--log-level", "error"]
    with _process([*command, "--loop", "uvloop", "--http", "httptools"], DIALGUARD_STUB=str(stub)) as process:
        _wait(port, "/healthz")
        yield _Server(FASTAPI, process, port, secrets.token_hex(8), bodies)


@contextmanager
def _process(command: list[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
            os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def _wait(port: int, path: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _ask(port: int, path: str, key: str, body: bytes) -> bytes:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers), timeout=10) as answer:
        return answer.read()


def _median(server: _Server) -> bytes:
    """The decision of median length among many."""
    with server.bodies.open("rb") as file:
        answers = sorted((_ask(server.port, "/v1/check", server.key, body) for body, _ in zip(file, range(301), strict=False)), key=len)
    return answers[len(answers) // 2]


def _measure(server: _Server) -> None:
    """One spell of load, as fast as answers come."""
    before = _cpu(server.process.pid)
    done, seconds, late = _load(server, SPELL, 0)
    server.spent.append((_cpu(server.process.pid) - before) / done * 1e6)
    server.rates.append(done / seconds)
    server.late.append(late)


def _load(server: _Server, spell: float, rate: float) -> tuple[int, float, float]:
    """How many answers came in how many seconds, and the 99th percentile in milliseconds."""
    asked = [server.port, server.key, server.bodies, CONNECTIONS, spell, server.turns * STEP, rate]
    server.turns += 1
    load = subprocess.Popen([sys.executable, "-m", "benchmarks.service_load", *map(str, asked)], stdout=subprocess.PIPE)
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(load.pid, {max(os.sched_getaffinity(0))})
    said, _ = load.communicate(timeout=spell + 60)
    done, seconds, late, wrong = json.loads(said)
    if wrong:
        raise RuntimeError(f"{server.name}: {wrong} of {done} answers were not 200")
    return done, seconds, late


def _cpu(pid: int) -> float:
    """Processor seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(servers: list[_Server], length: int) -> None:
    print(f"\nHTTP: POST /v1/check, one worker, {CONNECTIONS} connections; answers of about {length:,} bytes, each decision recorded")
    base = servers[0]
    print(f"  {'':28}{'us of processor':>16}{'times FastAPI':>20}{'requests/s':>12}{'p99 ms':>8}{'at half':>9}")
    for server in servers:
        ratios = sorted(other / mine for other, mine in zip(base.spent, server.spent, strict=True))
        ratio = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        print(
            f"  {server.name:28}{statistics.median(server.spent):>16.1f}{ratio:>20}{statistics.median(server.rates):>12,.0f}"
            f"{statistics.median(server.late):>8.1f}{server.late_at_half:>9.1f}"
        )
