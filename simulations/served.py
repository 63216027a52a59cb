"""The service as a process of its own, over a folder with keys in it, and clients that ask it without pause."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dialguard.service.keyfile import KeyFile

WAIT = 120.0
"""Seconds after which a service that should have become ready has not."""
_KNOWN = {
    "channel": "voice", "line_type": "landline",
    "contact": {"state": "FL", "zip": "33101", "kind": "business", "address_basis": "verified"},
    "dnc": {"national": False, "states": [], "internal": False}, "consent": {"level": "none"}, "relationship": {"kind": "none"},
    "history": {"last_24h": 0, "last_7d": 0, "last_30d": 0},
}  # fmt: skip
_LISTED = {"national": True, "states": ["FL"], "internal": True}
_CALLER = {"seller": "Acme", "dialing": "manual", "voice": "live"}
QUESTIONS: tuple[tuple[bool, dict[str, object]], ...] = (
    (True, {**_KNOWN, "at": "2026-11-23T17:00:00Z", "campaign": {**_CALLER, "purpose": "survey"}}),
    (False, {**_KNOWN, "at": "2026-11-23T07:00:00Z", "campaign": {**_CALLER, "purpose": "telemarketing"}}),
    (False, {**_KNOWN, "at": "2026-11-23T17:00:00Z", "campaign": {**_CALLER, "purpose": "telemarketing"}, "dnc": _LISTED}),
)  # fmt: skip
"""Whether the law allows it, and the question: everything is known beforehand."""


class Service:
    """A service over a folder, started and killed as one likes."""

    def __init__(self, folder: Path, config: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._errors, self._config = folder, folder / "errors.txt", folder / "service.toml"
        self._config.write_text(f'folder = "."\n{config}', encoding="utf-8")
        _, self.key = KeyFile(folder).create(scopes=["check"])
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def said(self) -> str:
        """Its log."""
        return self._errors.read_text("utf-8")

    def start(self, until: str = "is ready") -> float:
        """Starts it; seconds until its log says that it is ready, or what else one waits for. Raises RuntimeError where it does not."""
        began = time.monotonic()
        with self._errors.open("w") as file:
            command = [sys.executable, "-m", "dialguard", "serve", "--config", str(self._config), "--port", "0"]
            self.process = subprocess.Popen(command, stderr=file, env={**os.environ, "HOME": str(self.folder)})
        while until not in (said := self.said):
            if self.process.poll() is not None or time.monotonic() - began > WAIT:
                raise RuntimeError(f"the service does not say that it {until}: {said}")
            time.sleep(0.01)
        found = re.search(r"listening on https?://[^\s]+?:(\d+), pid", said)
        assert found is not None
        self.port = int(found[1])
        return time.monotonic() - began

    def end(self, how: int = signal.SIGTERM) -> None:
        """Sends it a signal and waits for its end."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(WAIT)
        self.port = 0


class Reply(NamedTuple):
    """What a client received whole: when it asked (``time.perf_counter``), how many seconds that took, the status, the decision's id, its
    kind (None: an allow), and whether it is an allow that the law does not give."""

    asked: float
    took: float
    status: int
    id: str | None
    kind: str | None
    wrong: bool


class Clients:
    """Threads that ask in turn every question, each for another number, as fast as answers come, or ``rate`` a second in all."""

    def __init__(self, service: Service, clients: int = 8, rate: float | None = None) -> None:
        self._service, self._stop, self._ids = service, threading.Event(), itertools.count()
        self._pause = clients / rate if rate else 0.0
        self._headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
        self.replies: list[Reply] = []
        self.cut = 0
        """Questions that were not answered whole."""
        self._threads = [threading.Thread(target=self._run, args=(place,), daemon=True) for place in range(clients)]
        for thread in self._threads:
            thread.start()

    def take(self) -> list[Reply]:
        """The replies since the last time; they are not kept."""
        taken, self.replies = self.replies, []
        return taken

    def close(self) -> list[Reply]:
        """Ends them; every reply."""
        self._stop.set()
        for thread in self._threads:
            thread.join(WAIT)
        return self.replies

    def _run(self, place: int) -> None:
        connection: http.client.HTTPConnection | None = None
        due = time.perf_counter() + self._pause * place / len(self._threads)
        while not self._stop.is_set():
            if not self._service.port:
                time.sleep(0.005)
                continue
            if self._pause:
                time.sleep(max(0.0, due - time.perf_counter()))
                due = max(due + self._pause, time.perf_counter() - 1)
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=30)
                reply = self._ask(connection)
                self.replies.append(reply)
            except (OSError, http.client.HTTPException, ValueError):
                self.cut += 1
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.005)

    def _ask(self, connection: http.client.HTTPConnection) -> Reply:
        number = next(self._ids)
        lawful, question = QUESTIONS[number % len(QUESTIONS)]
        body = json.dumps({**question, "id": f"a{number}", "to": f"+1305555{number % 10_000:04}"})
        asked = time.perf_counter()
        connection.request("POST", "/v1/check", body, self._headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        took = time.perf_counter() - asked
        if answer.status != 200:
            return Reply(asked, took, answer.status, None, said["code"], False)
        allowed = said["verdict"] == "allow"
        kinds = [reason["kind"] for reason in said["reasons"]]
        kind = None if allowed else next((kind for kind in kinds if kind not in ("prohibited", "unknown_fact")), kinds[0])
        return Reply(asked, took, 200, said["id"], kind, allowed and not lawful)


def wait_for(what: Callable[[], bool], seconds: float = WAIT) -> float:
    """Waits until something holds; how many seconds. Raises TimeoutError."""
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > seconds:
            raise TimeoutError(what)
        time.sleep(0.01)
    return time.monotonic() - began
