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
