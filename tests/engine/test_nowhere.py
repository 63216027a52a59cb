"""A number that lies in no place of the United States: the rules on numbers alone speak, and it is always denied."""

import pytest

from dialguard import Guard
from dialguard.facts import clock
from dialguard.facts.reading import read
from dialguard.engine.judge import judge_by_reference

CAMPAIGN = {"seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard(no_store=True)


@pytest.mark.parametrize(
    ("to", "rule"),
    [
        ("9005550123", "number.premium"),
        ("+14165550123", "number.foreign"),
        ("+442079460000", "number.foreign"),
        ("911", "number.emergency"),
        ("411", "number.emergency"),
        ("12", "number.invalid"),
        ("(000) 555-1212", "number.invalid"),
        ("9", "number.invalid"),
    ],
)
def test_only_the_rules_on_numbers_speak(guard: Guard, to: str, rule: str) -> None:
    decision = guard.check({"to": to, "channel": "voice", "at": "2026-03-03T23:30:00-05:00", "campaign": CAMPAIGN})
    assert decision.verdict == "deny"
    assert [reason["rule"] for reason in decision.reasons] == [rule]
    assert decision.reasons[0]["kind"] == "prohibited"
    assert decision.retry_at is None
    assert decision.as_dict()["jurisdictions"] == []


@pytest.mark.parametrize("to", ["8005550123", "5005550123"])
def test_numbers_without_a_place_that_may_be_called_count_everywhere(guard: Guard, to: str) -> None:
    decision = guard.check({"to": to, "channel": "voice", "at": "2026-03-03T12:00:00-05:00", "campaign": CAMPAIGN})
    assert len(decision.as_dict()["jurisdictions"]) == 56


def test_the_reference_agrees(guard: Guard) -> None:
    given = read({"to": "4165550123", "channel": "voice", "at": "2026-03-03T12:00:00-05:00", "campaign": CAMPAIGN}, {})
    facts, _ = guard._gatherer.gather(given)
    found = {rule: outcome for rule, outcome in judge_by_reference(guard.packs, clock, facts).items()}
    assert found == {"number.foreign": "prohibited"}


def test_without_a_rule_on_numbers_it_is_denied_all_the_same(guard: Guard) -> None:
    given = read({"to": "4165550123", "channel": "voice", "at": "2026-03-03T12:00:00-05:00", "campaign": CAMPAIGN}, {})
    facts, _ = guard._gatherer.gather(given)
    facts.values["number.kind"] = "geographic"
    assert guard._engine.judge(facts).denied
