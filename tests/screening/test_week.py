"""The hours of the coming week in which the rows of a list may be called."""

from __future__ import annotations

from dialguard import Guard
from dialguard.screening.read import series_of
from dialguard.screening.report import Summary

CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "debt_collection", "dialing": "manual", "voice": "live"}
STATED = {
    "contact.inconvenient": [], "contact.at_work": False, "contact.attorney": False, "contact.ceased_at": "never",
    "revocations": [], "history.attempts": [], "history.last_conversation_at": "never", "debt.third_party": True,
}  # fmt: skip


def test_hours_are_those_of_the_called_party() -> None:
    """Regulation F presumes 8 in the morning to 9 in the evening convenient; New York and Utah see that on their own clocks."""
    guard = Guard(no_store=True)
    screener = guard.screener(CAMPAIGN, "2026-11-24T12:10:00-05:00")
    rows = [{"to": number, **STATED} for number in ("2125550123", "2125550124", "8015550123", "12")]
    found = screener.screen({name: series_of([row[name] for row in rows]) for name in rows[0]})
    summary = Summary(screener)
    summary.add(found)
    week = summary.week()
    assert week["rows"] == 3
    for day in week["hours"]:
        assert [hour for hour, share in enumerate(day) if share == 1.0] == list(range(8, 21))
        assert all(share in (0.0, 1.0) for share in day)
