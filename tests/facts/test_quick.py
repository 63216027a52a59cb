"""The quick reader agrees with the careful one or leaves the attempt to it."""

import copy

import msgspec
from hypothesis import given, settings
from hypothesis.strategies import sampled_from

from dialguard.facts import quick, reading
from dialguard.facts.attempt import Campaign, InvalidInput, read_campaign, read_carefully
from dialguard.guard import Guard
from dialguard.model.contract import Attempt
from tests.facts.attempts import attempts
from tests.facts.gathering import CAMPAIGN, packs

GUARD = Guard(no_store=True, packs=packs())
GUARD.add_campaign(CAMPAIGN | {"id": "c"})
GUARD.add_campaign({"id": "open", "seller": "Acme", "purpose": "survey"})
CAMPAIGNS: dict[str, Campaign] = GUARD._campaigns
BARE = {"c": read_campaign(CAMPAIGN), "open": read_campaign({"seller": "Acme", "purpose": "survey"})}


def both(sent: dict, campaigns: dict[str, Campaign]):
    """What each reader makes of it: the attempt, or None where it will not have it."""
    before = copy.deepcopy(sent)
    try:
        quickly = quick.read(sent, campaigns)
    except quick.UNUSUAL:
        quickly = None
    try:
        carefully = read_carefully(sent, campaigns)
    except InvalidInput as error:
        assert error.errors
        carefully = None
    assert repr(sent) == repr(before)
    return quickly, carefully


@settings(max_examples=1500)
@given(attempts(odd=0.05))
def test_the_quick_reader_never_says_anything_else(sent: dict) -> None:
    for campaigns in (CAMPAIGNS, BARE):
        quickly, carefully = both(sent, campaigns)
        if quickly is not None:
            assert carefully is not None and quickly == carefully


@settings(max_examples=500)
@given(attempts(odd=0.03), sampled_from(["c", "nobody", CAMPAIGN, {"seller": "Acme"}]))
def test_a_typed_attempt_is_read_as_the_json_that_it_came_from(sent: dict, campaign: object) -> None:
    """What is well-formed is typed before it is known whether the quick reader will have it."""
    try:
        raw = msgspec.json.encode({**sent, "campaign": campaign})
        typed = msgspec.json.decode(raw, type=Attempt)
    except (TypeError, ValueError):
        return

    def said(attempt: object) -> object:
        try:
            return reading.read(attempt, BARE)
        except InvalidInput as error:
            return sorted(error.errors)

    assert said(typed) == said(msgspec.json.decode(raw))


@settings(max_examples=300)
@given(attempts(odd=0))
def test_attempts_without_oddities_are_read_by_one_of_them_or_refused_for_a_reason(sent: dict) -> None:
    quickly, carefully = both(sent, CAMPAIGNS)
    assert quickly is None or quickly == carefully


def test_a_full_attempt_is_read_quickly() -> None:
    """The quick way would prove nothing if it left everything to the careful one."""
    sent = {
        "id": "a-1", "channel": "voice", "to": "+12125550123", "from": "+18005550100", "at": "2026-03-03T10:00:00-05:00", "campaign": "c", "reserve": False,
        "contact": {"id": "p", "state": "NY", "zip": "10001", "kind": "consumer", "agreed_hours": "09:00-17:00", "attorney": False},
        "line_type": "wireless", "line": {"charged": False},
        "consent": {"level": "express_written", "form": "agreement", "covers": ["live"], "obtained_at": "2026-01-05T00:00:00Z"},
        "revocations": [{"at": "2025-01-05T00:00:00Z", "scope": "medium", "channel": "sms"}],
        "relationship": {"kind": "transaction", "last_at": "2026-01-05T00:00:00Z"},
        "dnc": {"national": False, "states": ["FL"], "internal": False, "reassigned": "no"},
        "history": {"last_24h": 1, "attempts": [{"at": "2026-03-03T09:00:00.25Z", "to": "+12125550123", "from": "+18005550100", "channel": "voice"}]},
        "caller_id": {"attestation": "A", "callable": True}, "message": {"first": True}, "debt": {"id": "d"}, "emergency": {"declared": []},
    }  # fmt: skip
    for campaigns in (CAMPAIGNS, BARE):
        quickly, carefully = both(sent, campaigns)
        assert quickly is not None and quickly == carefully


def test_each_part_is_compared() -> None:
    one, other = both({"to": "+12125550123", "channel": "voice", "campaign": "c", "contact": {"state": "NY"}}, CAMPAIGNS)
    assert one == other
    other.address["state"] = "NJ"
    assert one != other


@settings(max_examples=300)
@given(attempts(odd=0.3))
def test_any_attempt_is_decided_or_refused_with_reasons(sent: dict) -> None:
    try:
        decision = GUARD.check(sent)
    except InvalidInput as error:
        assert all(isinstance(name, str) and text for name, text in error.errors)
        return
    assert decision.verdict in ("allow", "deny")
    assert decision.as_dict()["verdict"] == decision.verdict
