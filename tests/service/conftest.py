"""A service on a real port, served by uvicorn in a thread."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.packs.load import load
from dialguard.service.app import application
from dialguard.service.desk import Desk
from dialguard.service.keys import SCOPES, Key
from dialguard.service.service import Service
from dialguard.service.short import ShortProtocol

CAMPAIGN = {"id": "c", "seller": "Acme", "purpose": "telemarketing", "dialing": "predictive", "voice": "live"}


EVER = {"id": "ever", "seller": "Acme", "purpose": "emergency", "dialing": "manual", "voice": "live"}
"""What is allowed by an attempt alone."""
NOON = clock.parse_instant("2026-11-17T12:00:00-06:00")


class Everybody:
    """Admits everybody to the default tenant: for tests that are not about keys."""

    tenants = frozenset({"default"})

    def find(self, token: str | None, address: str | None) -> Key:
        """A key that may do everything."""
        return Key("local", "default", frozenset(SCOPES))


@pytest.fixture(scope="session")
def packs():
    return load()


@contextmanager
def served(app: Callable, http: object = ShortProtocol, **more: object) -> Iterator[tuple[str, int]]:
    """The address of the application while it is served."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=http, ws="none", access_log=False, log_level="warning", lifespan="on", server_header=False, **more)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def service(packs) -> Service:
    guard = Guard(no_store=True, packs=packs)
    guard.add_campaign(CAMPAIGN)
    return Service({"default": Desk("default", guard)}, Everybody())


@pytest.fixture
def desk(packs, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """At noon, with ``ever`` and a campaign of sales."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    guard = Guard(no_store=True, packs=packs)
    guard.add_campaign(EVER)
    guard.add_campaign({**EVER, "id": "sales", "purpose": "telemarketing"})
    return Desk("default", guard)


@pytest.fixture
def app(service):
    return application(service)
