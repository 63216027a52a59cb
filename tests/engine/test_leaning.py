"""An allow that only a relief of low confidence makes possible says so; one that does not need it is silent."""

from __future__ import annotations

import json

import pytest

from dialguard import Guard

CLAIM = {"exemption": "de.registration.exempt", "by": "J. Doe", "at": "2026-01-01"}
CALL = {
    "to": "3025550123", "channel": "voice", "at": "2026-03-03T12:00:00-05:00", "line_type": "landline",
    "contact": {"kind": "consumer", "state": "DE"}, "consent": {"level": "none"}, "relationship": {"kind": "none"}, "revocations": [],
    "dnc": {"national": False, "states": [], "internal": False}, "history": {"attempts": []},
}  # fmt: skip
CAMPAIGN = {
    "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", "registered_states": [], "registry_version": "2026-03-01",
    "registry_area_codes": ["302"],
}  # fmt: skip
GUARD = Guard(no_store=True)


def decided(**campaign: object):
    return GUARD.check({**CALL, "campaign": {**CAMPAIGN, **campaign}})


def test_a_claim_that_lifts_a_rule() -> None:
    assert decided().rules == ("de.registration",)
    found = decided(claims=[CLAIM])
    assert found.verdict == "allow"
    assert found.evidence["leans_on"] == [{"rule": "de.registration", "relief": "de.registration.exempt", "confidence": "low"}]
    assert json.loads(found.as_json())["evidence"]["leans_on"] == found.as_dict()["evidence"]["leans_on"]


@pytest.mark.parametrize("campaign", [{"registered_states": ["DE"], "claims": [CLAIM]}, {"registered_states": ["DE"]}, {"purpose": "survey", "claims": [CLAIM]}])
def test_an_allow_that_needs_no_such_relief_is_silent(campaign: dict[str, object]) -> None:
    found = decided(**campaign)
    assert found.verdict == "allow" and "leans_on" not in found.evidence


def test_a_denial_leans_on_nothing() -> None:
    found = GUARD.check({**CALL, "at": "2026-03-03T05:00:00-05:00", "campaign": {**CAMPAIGN, "claims": [CLAIM]}})
    assert found.verdict == "deny" and "leans_on" not in found.evidence
