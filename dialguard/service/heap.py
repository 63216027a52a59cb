"""Python's collector of reference cycles, kept from going through what stays.

A full collection goes through every object there is, rules and kept answers too, and for tens of milliseconds nothing is decided. Here what
one leaves is set aside, so that the next goes through what was made since; now and then all is gone through again.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from dialguard.service.service import Service

WHOLE = 3600.0
"""Seconds between two collections that go through everything."""


@asynccontextmanager
async def sparing(service: Service) -> AsyncIterator[None]:
    """A part of the service: the collector, as long as it is served."""
    gc.callbacks.append(_aside)
    task = asyncio.create_task(_whole())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gc.callbacks.remove(_aside)
        gc.unfreeze()


def _aside(phase: str, collected: Mapping[str, int]) -> None:
    if phase == "stop" and collected["generation"] == 2:
        gc.freeze()


async def _whole() -> None:
    while True:
        await asyncio.sleep(WHOLE)
        gc.unfreeze()
        gc.collect()
