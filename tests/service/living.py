"""A service in this process whose rules are watched, with a small law in the place of the shipped one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from dialguard.service.app import application
from dialguard.service.config import Settings
from dialguard.service.keys import SCOPES, Key
from dialguard.service.live import Live
from dialguard.service.service import Service
from dialguard.service.standing import Standing
from dialguard.service.tenants import Tenants
from tests.service.asking import Answer, asked_async

WAIT = 60.0
"""Seconds after which something that should have happened has not."""
CAMPAIGN = {"id": "c", "seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
ATTEMPT = {
    "to": "305-555-0123", "channel": "voice", "at": "2026-11-17T12:00:00-05:00", "campaign": "c", "consent": {"level": "none"},
    "dnc": {"national": False, "states": [], "internal": False}, "relationship": {"kind": "none"}, "history": {"attempts": []},
}  # fmt: skip


class Everybody:
    """Admits everybody to the default tenant."""

    tenants = frozenset({"default"})

    def find(self, token: str | None, address: str | None) -> Key:
        """A key that may do everything."""
        return Key("local", "default", frozenset(SCOPES))


class Living(NamedTuple):
    """A running service: the application, the service itself, its rules, and the operator's folder."""

    app: Any
    service: Service
    live: Live
    folder: Path

    async def ask(self, **more: object) -> Answer:
        """One attempt, decided."""
        return await asked_async(self.app, "POST", "/v1/check", ATTEMPT | more)

    async def rules(self, **more: object) -> tuple[str, set[str]]:
        """The revision of one decision, and which of our own rules denied."""
        answer = await self.ask(**more)
        assert answer.status == 200, answer.body
        found = answer.json
        return found["packs"], {each["rule"] for each in found["reasons"] if each["rule"].startswith("house.")}

    async def until(self, holds: Callable[[Standing], bool]) -> Standing:
        """The status once something holds of it."""
        end = time.monotonic() + WAIT
        while not holds(status := self.live.status()):
            assert time.monotonic() < end, status
            await asyncio.sleep(0.01)
        return status

    async def taken(self, before: str | None = None) -> str:
        """The digest that serves once the folder's files do, and another than ``before``."""
        return (await self.until(lambda status: status.state == "current" and status.digest != before)).digest

    async def refused(self) -> Standing:
        """The status once the folder's files were refused."""
        return await self.until(lambda status: status.refused is not None)


@asynccontextmanager
async def living(settings: Settings, base: Path, *, ready: bool = True) -> AsyncIterator[Living]:
    """Runs a service; ``ready``: waits until it decides."""
    live = Live(settings, base)
    service = Service({}, Everybody(), [live.open, Tenants(settings, live.rules, live.fit).open])
    service.ready = False
    async with service.running():
        found = Living(application(service), service, live, settings.rules[0] if settings.rules else Path())
        if ready:
            await found.until(lambda _: service.ready)
            service.desks["default"].guard.add_campaign(CAMPAIGN)
        yield found
