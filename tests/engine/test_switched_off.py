"""A disputed rule may be switched off with a reason, which every decision then shows; no other rule may."""

import pytest

from dialguard import Guard

TEXT = {
    "to": "2145550123", "channel": "sms", "at": "2026-03-03T22:30:00-06:00", "line_type": "wireless", "line": {"charged": False},
    "campaign": {"seller": "acme", "purpose": "telemarketing", "dialing": "manual", "sms_registration": "registered"},
    "consent": {"level": "express_written", "obtained_at": "2026-01-03T10:00:00Z"}, "revocations": [], "relationship": {"kind": "none"},
    "dnc": {"national": False, "states": [], "internal": False, "reassigned": "no"}, "history": {"attempts": []},
}  # fmt: skip
DISPUTED = "us.fcc.hours.consented-texts-dispute"


def test_switching_a_disputed_rule_off_is_shown() -> None:
    on = Guard(no_store=True).check(TEXT)
    assert DISPUTED in on.rules
    reason = next(reason for reason in on.reasons if reason["rule"] == DISPUTED)
    assert reason["status"] == "disputed"
    off = Guard(no_store=True, disable={DISPUTED: "counsel's opinion of 2026-06-01"}).check(TEXT)
    assert DISPUTED not in off.rules
    assert off.evidence["switched_off"] == {DISPUTED: "counsel's opinion of 2026-06-01"}
    assert "switched_off" not in on.evidence


def test_a_duty_of_disputed_or_doubtful_law_says_so() -> None:
    attempt = {**TEXT, "to": "6715550123", "channel": "voice", "at": "2026-03-03T12:00:00+10:00",
               "campaign": {"seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live", "recording": True}}  # fmt: skip
    (guam,) = [duty for duty in Guard(no_store=True).check(attempt).obligations if duty["rule"] == "gu.recording"]
    assert (guam["status"], guam["confidence"]) == ("disputed", "low")
    (oregon,) = [duty for duty in Guard(no_store=True).check({**attempt, "to": "5035550123"}).obligations if duty["rule"] == "or.recording"]
    assert "status" not in oregon and "confidence" not in oregon


def test_what_else_forbids_still_does() -> None:
    """A rule switched off takes only its own answer away: every other reason stays."""
    at_night = {**TEXT, "channel": "voice", "to": "3135550123", "at": "2026-03-03T05:00:00-05:00",
                "campaign": {**TEXT["campaign"], "voice": "live"}, "consent": {"level": "none"}}  # fmt: skip
    on, off = Guard(no_store=True).check(at_night), Guard(no_store=True, disable={"mi.calling-hours": "advice"}).check(at_night)
    assert set(on.rules) - set(off.rules) == {"mi.calling-hours"} and set(off.rules) <= set(on.rules)
    assert off.verdict == "deny" and "us.fcc.calling-hours" in off.rules
    for before, after in zip((r for r in on.reasons if r["rule"] != "mi.calling-hours"), off.reasons, strict=True):
        assert before == after


@pytest.mark.parametrize(
    ("disable", "says"),
    [
        ({"us.fcc.calling-hours": "too strict"}, "is not disputed"),
        ({DISPUTED: "  "}, "needs a reason"),
        ({"us.no.such-rule": "x"}, "no rule"),
    ],
)
def test_what_may_not_be_switched_off(disable: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Guard(no_store=True, disable=disable)
