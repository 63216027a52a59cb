"""An error inside a rule denies, with kind `rule_error`, and is never a rule that is skipped."""

from dialguard import Guard

ATTEMPT = {
    "to": "2125550123", "channel": "voice", "at": "2026-03-03T12:00:00-05:00",
    "campaign": {"seller": "acme", "purpose": "emergency", "dialing": "manual", "voice": "live"}, "revocations": [],
}  # fmt: skip


def test_an_error_in_a_rule_denies() -> None:
    guard = Guard(no_store=True)
    assert guard.check(ATTEMPT).verdict == "allow"
    given = guard._gatherer.gather

    def broken(*arguments):
        facts, evidence = given(*arguments)
        facts.values = {"channel": "voice"}  # a program that looks for any other fact fails
        return facts, evidence

    guard._gatherer.gather = broken
    decision = guard.check(ATTEMPT)
    assert decision.verdict == "deny"
    assert [reason["kind"] for reason in decision.reasons] == ["rule_error"]
    assert decision.retry_at is None
    assert "KeyError" in decision.reasons[0]["message"]
