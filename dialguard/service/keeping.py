"""While the service runs, it vouches for the Redis of each tenant that has one, for clients that do not know the tenant's folder."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from dialguard.service.service import Service

if TYPE_CHECKING:
    from dialguard.storage.redis_keeper import Kept

LOOK = 0.5
"""Seconds between two looks for tenants that are new."""
_LOG = logging.getLogger("dialguard.service")


@asynccontextmanager
async def keeping(service: Service) -> AsyncIterator[None]:
    """A part of the service: a thread for each tenant with a Redis."""
    stop = threading.Event()
    threads: dict[int, threading.Thread] = {}
    task = asyncio.create_task(_look(service, threads, stop))
    try:
        yield
    finally:
        task.cancel()
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
        for thread in threads.values():
            await asyncio.to_thread(thread.join)


async def _look(service: Service, threads: dict[int, threading.Thread], stop: threading.Event) -> None:
    while True:
        for tenant, desk in list(service.desks.items()):
            store = desk.guard.store
            if hasattr(store, "keeper") and id(store) not in threads:
                made = threading.Thread(target=_keep, args=(tenant, store, stop), name="dialguard-keeper", daemon=True)
                threads[id(store)] = made
                made.start()
        await asyncio.sleep(LOOK)


def _keep(tenant: str, store: Any, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            store.keeper().run(stop, _told(tenant))
        except Exception as error:
            _LOG.error("nobody vouches for the Redis of the tenant %s: %s; it is tried again", tenant, type(error).__name__)
            stop.wait(1.0)


def _told(tenant: str) -> Callable[[Kept | str], None]:
    """Writes into the log what changes, but not what is over at the next turn."""
    last: list[str | None] = [None, None]

    def told(how: Kept | str) -> None:
        why = how if isinstance(how, str) else how.why
        if why == last[0] and why != last[1]:
            last[1] = why
            if why is None:
                _LOG.info("the Redis of the tenant %s is vouched for", tenant)
            else:
                _LOG.warning("the Redis of the tenant %s is not vouched for, and clients without the folder are denied: %s", tenant, why)
        last[0] = why

    return told
