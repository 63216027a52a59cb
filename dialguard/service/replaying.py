"""While the service runs, opt-outs that could not be recorded are recorded as soon as that can be done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dialguard.service.service import Service

LOOK = 1.0
"""Seconds between two tries."""
_LOG = logging.getLogger("dialguard.service")


@asynccontextmanager
async def replaying(service: Service) -> AsyncIterator[None]:
    """A part of the service."""
    task = asyncio.create_task(_replay(service))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _replay(service: Service) -> None:
    troubled: set[str] = set()
    while True:
        for tenant, desk in list(service.desks.items()):
            replay = getattr(desk.guard.store, "replay_waiting", None)
            if replay is None:
                continue
            try:
                await asyncio.to_thread(replay)
                troubled.discard(tenant)
            except Exception as error:
                if tenant not in troubled:
                    _LOG.error(
                        "opt-outs of the tenant %s wait, and their numbers are denied until they are recorded: %s",
                        tenant,
                        type(error).__name__,
                    )
                troubled.add(tenant)
        await asyncio.sleep(LOOK)
