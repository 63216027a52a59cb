"""What the worker processes of a service tell each other: each keeps its counts in a file of its own, and whoever is asked for metrics
reads those of the others. A process alone does without."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from dialguard.service.metrics import Counts
from dialguard.service.service import Service

FOLDER = "workers"
EACH = 1.0
"""Seconds between two writes."""
GONE = 15.0
"""Seconds after which a process that wrote nothing is one no more."""
_LOG = logging.getLogger("dialguard.service")


class _Said(Struct):
    at: float
    """By the system's monotonic clock, which its processes share."""
    counts: dict[str, Counts]


class Workers:
    """The files, in a folder of the service's own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._own = folder / FOLDER, f"{os.getpid()}.json"
        self._failed = False

    @asynccontextmanager
    async def telling(self, service: Service) -> AsyncIterator[None]:
        """A part of a service: tells the others while it runs."""
        service.others = self.others
        task = asyncio.create_task(self._tell(service))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with suppress(OSError):
                (self._folder / self._own).unlink(missing_ok=True)

    def others(self, tenant: str) -> list[Counts]:
        """The counts of a tenant in the other processes, some of them a second old. Files of processes that are gone are removed."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            if path.name == self._own:
                continue
            with suppress(OSError, msgspec.MsgspecError):  # it ended meanwhile
                said = msgspec.json.decode(path.read_bytes(), type=_Said)
                if not 0 <= time.monotonic() - said.at < GONE:  # or it was written before the system was started
                    path.unlink(missing_ok=True)
                elif tenant in said.counts:
                    found.append(said.counts[tenant])
        return found

    async def _tell(self, service: Service) -> None:
        while True:
            standing = service.packs_status()
            counts = {name: desk.metrics.counts(standing, service.ready) for name, desk in service.desks.items()}
            try:
                await asyncio.to_thread(self._write, msgspec.json.encode(_Said(time.monotonic(), counts)))
                self._failed = False
            except OSError as error:
                if not self._failed:
                    _LOG.error("/metrics of other workers lacks the counts of this one: %s", error.strerror)
                self._failed = True
            await asyncio.sleep(EACH)

    def _write(self, raw: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._folder / f".{self._own}"
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(raw)
        beside.replace(self._folder / self._own)
