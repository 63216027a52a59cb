"""The service as it is started in earnest: a process of its own."""

import asyncio
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

WAIT = 60.0
"""Seconds after which something that should have happened has not."""
ATTEMPT = {
    "channel": "voice", "to": "+13055550100", "at": "2026-11-23T17:00:00Z",
    "campaign": {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"},
}  # fmt: skip


class Served:
    """A running service: where it listens, its first key, and what it said on standard error."""

    def __init__(self, process: subprocess.Popen, errors: Path) -> None:
        self.process, self._errors = process, errors
        self.context: ssl.SSLContext | None = None
        found = self.until(r"listening on (https?)://\[?([^\]\s]+?)\]?:(\d+), pid (\d+)")
        self.tls, self.host, self.port = found[1] == "https", found[2], int(found[3])
        key = re.search(r"shown again: (dg_\w+)", self.said)
        self.key = key and key[1]

    @property
    def said(self) -> str:
        """Everything on standard error so far."""
        return self._errors.read_text("utf-8")

    def until(self, pattern: str) -> re.Match[str]:
        """Waits until standard error matches."""
        end = time.monotonic() + WAIT
        while (found := re.search(pattern, self.said)) is None:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.02)
        return found

    def connect(self) -> http.client.HTTPConnection:
        """A connection to it."""
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port, timeout=WAIT, context=self.context)
        return http.client.HTTPConnection(self.host, self.port, timeout=WAIT)

    def ask(
        self, method: str = "POST", path: str = "/v1/check", body: object = ATTEMPT, key: str | None = None, **headers: str
    ) -> tuple[int, dict]:
        """Status and JSON of one request."""
        connection = self.connect()
        try:
            sent = json.dumps(body).encode() if method == "POST" else None
            bearer = key or self.key
            connection.request(
                method,
                path,
                sent,
                {**({"Authorization": f"Bearer {bearer}"} if bearer else {}), "Content-Type": "application/json", **headers},
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def ready(self, processes: int = 1) -> None:
        """Waits until so many processes have become ready since it was started; until then it says that it is not."""
        end = time.monotonic() + WAIT
        while self.said.count("is ready") < processes:
            status, answer = self.ask("GET", "/readyz")
            assert status == 200 or (status, answer["code"]) == (503, "service.not_ready")
            assert time.monotonic() < end, self.said
            time.sleep(0.02)

    def workers(self) -> set[int]:
        """Its processes but the first, without the one that multiprocessing keeps."""
        found = set()
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                if (
                    re.search(rf"^PPid:\t{self.process.pid}$", status.read_text(), re.M)
                    and b"spawn_main" in (status.parent / "cmdline").read_bytes()
                ):
                    found.add(int(status.parent.name))
            except OSError:
                pass
        return found


@contextmanager
def running(command: list[str], folder: Path, name: str) -> Iterator[subprocess.Popen]:
    """A program until it is to end, which it must not have done before; what it prints is in ``name``.printed of the folder."""
    with (folder / f"{name}.printed").open("wb") as printed:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed)
    try:
        yield process
        assert process.poll() is None, f"{name} ended"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def in_thread(held: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """What an asynchronous context gives, which is held open by a loop in a thread."""
    ready, end, found = threading.Event(), asyncio.Event(), []

    async def hold() -> None:
        async with held as given:
            found.append(given)
            ready.set()
            await end.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(hold(),), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)


@contextmanager
def serving(folder: Path, *options: str, config: str | None = None) -> Iterator[Served]:
    """A service over a folder; killed at the end where it still runs."""
    told = ["--store", str(folder)]
    if config is not None:
        (folder / "service.toml").write_text(config)
        told = ["--config", str(folder / "service.toml")]
    errors = folder / "errors.txt"
    with errors.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "dialguard", "serve", *told, "--port", "0", *options],
            stderr=file,
            env={**os.environ, "HOME": str(folder)},
        )
    try:
        yield Served(process, errors)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(WAIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
