"""What falls due, at the line and one unit past it."""

import pytest

from dialguard.facts import clock
from dialguard.ledger.due import due
from dialguard.ledger.ledger import Ledger
from dialguard.model.moment import DAY

NOW = clock.parse_instant("2026-03-02T15:00:00Z")
A, B = "+13055550100", "+13055550101"


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "ledger.sqlite")
    yield made
    made.close()


def consent(ledger, **more):
    return ledger.record_consent(**{"seller": "acme", "number": A, "level": "express", "known_at": NOW - DAY, **more})


def test_nothing_is_due_of_an_empty_record(ledger):
    assert due(ledger, "acme", NOW, 30) == []


def test_ends_of_consents_and_certificates(ledger):
    url = "https://cert.example.com/1"
    for moment in (NOW, NOW + 1, NOW + 30 * DAY, NOW + 30 * DAY + 1):
        consent(ledger, expires_at=moment)
        consent(ledger, certificate_url=url, certificate_expires_at=moment)
    found = [(each.id, each.what) for each in due(ledger, "acme", NOW, 30)]
    assert found == [
        ("consent:4", "the certificate lapses"), ("consent:3", "the consent ends"),
        ("consent:6", "the certificate lapses"), ("consent:5", "the consent ends"),
    ]  # fmt: skip
    assert due(ledger, "other", NOW, 30) == []


def test_deadlines_of_revocations(ledger):
    ledger.record_revocation(seller="acme", number=B, at=NOW - 12 * DAY, known_at=NOW)  # Wednesday 18 February: by 4 March
    ledger.record_revocation(seller="acme", number=A, at=NOW - 12 * DAY, received_at=NOW, known_at=NOW)  # by 16 March
    ledger.record_revocation(seller="acme", number=A, at=NOW - 30 * DAY, known_at=NOW)  # long past
    ledger.record_revocation(seller="acme", number=A, at=NOW + DAY, known_at=NOW)  # still to come
    assert [(each.on, each.number) for each in due(ledger, "acme", NOW, 30)] == [("2026-03-04", B), ("2026-03-16", A)]
    assert [each.on for each in due(ledger, "acme", NOW, 2)] == ["2026-03-04"]
    assert due(ledger, "acme", NOW, 1) == []
    assert [each.on for each in due(ledger, "acme", NOW + 2 * DAY, 1)] == ["2026-03-04"]
    assert [each.on for each in due(ledger, "acme", NOW + 3 * DAY, 1)] == []


def test_what_was_corrected_or_retracted_does_not_count(ledger):
    first = consent(ledger, expires_at=NOW + DAY)
    second = consent(ledger, expires_at=NOW + 2 * DAY, supersedes=first)
    assert [each.id for each in due(ledger, "acme", NOW, 30)] == [second]
    ledger.retract(seller="acme", id=second, known_at=NOW)
    assert due(ledger, "acme", NOW, 30) == []
