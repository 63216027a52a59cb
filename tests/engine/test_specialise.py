"""A registered campaign and the same campaign sent as an object are one campaign."""

import itertools

import pytest

from dialguard.guard import Guard

BASE = {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual"}
ATTEMPT = {"to": "+12125550123", "at": "2026-03-03T12:00:00-05:00", "dnc": {"national": False, "internal": False}, "consent": {"level": "none"}}
EXTRAS = (
    {},  # everything that only the caller can know is left open: it obliges, registered or not
    {"recording": True, "caller_states": ["NY"]},
    {"registry_version": "2026-02-20", "registry_area_codes": ["212"]},
    {"registered_states": ["NY"], "sms_registration": "registered", "sender_kind": "10dlc"},
    {"subject": "solar", "industry": "insurance", "caller_class": "nonprofit", "abandonment_rate": 0.01},
)


@pytest.mark.parametrize(("channel", "voice"), list(itertools.product(("voice", "sms", "rvm", "fax"), ("live", "prerecorded", "ai"))))
def test_registered_campaigns_are_judged_like_campaigns_sent_along(channel: str, voice: str) -> None:
    guard = Guard(no_store=True)
    for number, extra in enumerate(EXTRAS):
        campaign = BASE | {"voice": voice} | extra
        name = guard.add_campaign(campaign | {"id": f"c{number}"})
        attempt = ATTEMPT | {"channel": channel}
        assert plain(guard.check(attempt | {"campaign": name})) == plain(guard.check(attempt | {"campaign": campaign}))


def plain(decision) -> dict[str, object]:
    return {key: value for key, value in decision.as_dict().items() if key != "id"}


def test_a_campaign_registered_again_is_the_new_one() -> None:
    guard = Guard(no_store=True)
    for purpose in ("emergency", "telemarketing", "informational", "telemarketing", "emergency"):
        guard.add_campaign(BASE | {"id": "c", "voice": "live", "purpose": purpose})
        by_id = guard.check(ATTEMPT | {"channel": "voice", "campaign": "c"})
        sent = guard.check(ATTEMPT | {"channel": "voice", "campaign": BASE | {"voice": "live", "purpose": purpose}})
        assert plain(by_id) == plain(sent), purpose
