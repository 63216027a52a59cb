"""A campaign that was registered decides as the same campaign sent as an object."""

from __future__ import annotations

import pytest

from dialguard import Guard
from dialguard.storage.memory import MemoryStore

SINCE = 1_577_836_800_000_000
CAMPAIGN = {"id": "c", "seller": "s", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}


@pytest.fixture(scope="module")
def guard() -> Guard:
    store = MemoryStore()
    store.declare_complete("s", SINCE, known_at=SINCE)
    return Guard(store)


def told(guard: Guard, campaign: object, **more: object) -> tuple:
    attempt = {"to": "5125550123", "channel": "voice", "at": "2026-11-24T10:00:00-06:00", "campaign": campaign}
    found = guard.check({**attempt, **more}).as_dict()
    return found["verdict"], found["reasons"], found["obligations"], found["retry_at"], found["valid_until"]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"dialing": "predictive"},
        {"dialing": "predictive", "abandonment_rate": 0.031},
        {"voice": "prerecorded"},
        {"registry_version": "2026-11-20", "registry_area_codes": ["512"]},
        {"purpose": "debt_collection"},
    ],
)
@pytest.mark.parametrize("attempt", [{"dnc": {"national": False, "states": []}}, {}, {"to": "2015550123"}, {"consent": {"level": "express"}}])
def test_registered_and_sent_agree(guard: Guard, more: dict, attempt: dict) -> None:
    campaign = {**CAMPAIGN, **more}
    name = guard.add_campaign(campaign)
    assert told(guard, name, **attempt) == told(guard, campaign, **attempt)


def test_registering_again_replaces_the_campaign() -> None:
    guard = Guard(no_store=True)
    for purpose in ("telemarketing", "informational", "telemarketing"):
        campaign = {**CAMPAIGN, "purpose": purpose}
        assert told(guard, guard.add_campaign(campaign)) == told(guard, campaign)
