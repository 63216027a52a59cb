"""What a collection leaves is set aside, and what becomes garbage there is found by the next that goes through everything."""

from __future__ import annotations

import asyncio
import gc
import weakref

from dialguard.service import heap
from dialguard.service.heap import sparing
from dialguard.service.service import Service


class Ring:
    """Refers to itself, so that only the collector frees it."""

    def __init__(self) -> None:
        self.self = self


async def _through(step) -> None:
    async with sparing(Service({}, object())):
        await step()


def test_what_a_full_collection_leaves_is_not_gone_through_again(monkeypatch) -> None:
    monkeypatch.setattr(heap, "WHOLE", 0.05)

    async def step() -> None:
        ring = Ring()
        seen = weakref.ref(ring)
        gc.collect()
        assert gc.get_freeze_count() > 1000
        del ring
        gc.collect()
        assert seen() is not None
        for _ in range(100):
            await asyncio.sleep(0.02)
            if seen() is None:
                break
        assert seen() is None

    asyncio.run(_through(step))
    assert gc.get_freeze_count() == 0


def test_younger_ones_are_not_set_aside() -> None:
    async def step() -> None:
        before = gc.get_freeze_count()
        gc.collect(1)
        assert gc.get_freeze_count() <= before

    asyncio.run(_through(step))
