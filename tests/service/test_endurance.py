"""What a running service holds after many changes is what it held after few."""

from __future__ import annotations

import asyncio
import gc
import linecache
import os
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from dialguard.engine.judge import Engine
from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.lists.importing import import_list
from dialguard.packs.pack import Packs
from dialguard.service import live, trial
from dialguard.service.config import Settings
from simulations.rule_changes import rule
from tests.service.living import living
from tests.service.test_live import base, no_cache, own, put  # noqa: F401 - fixtures

CHANGES = 50


def mapped() -> int:
    """List files that this process has mapped."""
    return sum("/lists/" in line for line in Path("/proc/self/maps").read_text().splitlines())


def held() -> Counter[str]:
    """What this process holds that changes could leave behind."""
    gc.collect()
    found = Counter(type(each).__name__ for each in gc.get_objects() if type(each) in (Guard, Engine, Packs))
    found["descriptors"] = len(os.listdir("/proc/self/fd"))
    found["sources"] = sum(name.startswith("<dialguard") for name in linecache.cache)
    found["objects"] = len(gc.get_objects())
    return found


def test_fifty_changes_of_the_rules_leave_nothing_behind(tmp_path, base: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def here(found, compiled, code, shipped) -> trial.Report:
        """A trial without the start of a process."""
        files = [trial.File(os.fsencode(each.name), os.fsencode(each.shown), each.kind, each.operator, each.raw) for each in found]
        return trial.tried(trial.Asked(files, str(compiled), code, shipped))

    monkeypatch.setattr(trial, "run", here)
    monkeypatch.setattr(live, "LOOK", 0.01)

    async def run() -> tuple[Counter[str], Counter[str]]:
        async with living(Settings(folder=tmp_path / "store", rules=[own]), base) as service:
            digest = await service.taken()
            for change in range(CHANGES):
                if change == 10:
                    few = held()
                put(own / "a.yaml", rule(f"house.n{change}"))
                digest = await service.taken(digest)
                assert await service.rules() == (digest, {f"house.n{change}"})
            return few, held()

    few, many = asyncio.run(run())
    for name in ("Guard", "Engine", "Packs", "sources", "descriptors"):
        assert many[name] <= few[name] + 2, (name, few, many)
    assert many["objects"] < 1.02 * few["objects"]


def test_fifty_imports_leave_one_version_open(tmp_path, base: Path) -> None:  # noqa: F811
    store, file = tmp_path / "store", tmp_path / "list.txt"
    store.mkdir()

    async def run() -> None:
        async with living(Settings(folder=store), base) as service:
            for change in range(CHANGES):
                file.write_text(f"305555{change:04}\n3055550123\n", encoding="utf-8")
                published = date(2025, 1, 1) + timedelta(change)
                import_list(store, "litigator", file, published=published, whole_plan=True, received_at=clock.now())
                answer = await service.ask()
                assert answer.status == 200
                assert mapped() == 1
                if change == 10:
                    few = held()
            many = held()
            assert many["descriptors"] <= few["descriptors"] + 2
            assert many["objects"] < 1.02 * few["objects"]

    asyncio.run(run())
