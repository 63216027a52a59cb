"""Twilio's consent items on import."""

import json

import pytest

from dialguard.ledger.errors import ImportRefused
from dialguard.ledger.importing import Imported, import_file
from dialguard.ledger.incoming import Reading
from dialguard.ledger.ledger import Ledger
from dialguard.model.moment import DAY

NOW = 1_700_000_000_000_000
A, B = "+13055550100", "+13055550101"
ITEM = {
    "contact_id": A, "correlation_id": "ad388b5a46b33b874b0d41f7226db2ef", "sender_id": "MG00000000000000000000000000000000",
    "status": "opt-in", "source": "website", "date_of_consent": "2023-05-26T01:00:00Z",
}  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "ledger.sqlite")
    yield made
    made.close()


@pytest.fixture
def take(ledger, tmp_path):
    def take(items, now=NOW, **options):
        path = tmp_path / "items.json"
        path.write_text(json.dumps({"items": items}))
        return import_file(ledger, path, Reading(now=now, seller="acme", **options))

    return take


def test_an_opt_in_is_a_consent_to_texts_of_the_level_declared(ledger, take):
    assert take([ITEM]) == Imported({"consent": 1}, 0) and take([ITEM]) == Imported({}, 1)
    consent = ledger.look_up(seller="acme", number=A, at=NOW).consent
    assert (consent.level, consent.channels, consent.obtained_at) == ("express", ("sms", "mms"), 1_685_062_800_000_000)
    assert consent.reference == "Twilio sender " + ITEM["sender_id"]
    take([{**ITEM, "contact_id": B, "correlation_id": "2"}], level="express_written")
    assert ledger.look_up(seller="acme", number=B, at=NOW).consent.level == "express_written"


def test_an_opt_out_revokes_everything(ledger, take):
    out = {**ITEM, "status": "OPT-OUT", "source": "opt-out-message", "correlation_id": "3"}
    take([ITEM, out])
    revocation = ledger.look_up(seller="acme", number=A, at=NOW).revocations[0]
    assert (revocation.scope, revocation.means, revocation.channel) == ("all", "stop_reply", None)
    assert revocation.at == 1_685_062_800_000_000


def test_without_a_date_it_counts_from_when_it_was_recorded_and_still_only_once(ledger, take):
    undated = {name: value for name, value in ITEM.items() if name != "date_of_consent"}
    items = [undated, {**undated, "status": "opt-out", "correlation_id": "4", "date_of_consent": ""}]
    assert take(items) == Imported({"consent": 1, "revocation": 1}, 0)
    assert take(items, now=NOW + DAY) == Imported({}, 2)
    found = ledger.look_up(seller="acme", number=A, at=NOW)
    assert found.consent.obtained_at is None and found.revocations[0].at == NOW
    assert ledger.look_up(seller="acme", number=A, at=NOW - 1).consent is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"contact_id": "555"}, "row 2: contact_id: found '###', expected a telephone number"),
        ({"contact_id": None}, "row 2: contact_id: found nothing"),
        ({"status": "maybe"}, "row 2: status: found 'maybe', expected one of opt-in, opt-out"),
        ({"status": None}, "row 2: status: found nothing"),
        ({"source": "web"}, "row 2: source: found 'web', expected one of website"),
        ({"date_of_consent": "yesterday"}, "row 2: date_of_consent: found 'yesterday', expected RFC 3339"),
        ({"sender": "x"}, "row 2: sender: found a column that no consent item has"),
    ],
)
def test_a_malformed_item_is_named_and_nothing_is_recorded(ledger, take, change, says):
    with pytest.raises(ImportRefused) as raised:
        take([ITEM, {**ITEM, "correlation_id": "5", **change}])
    assert says in str(raised.value) and ledger.look_up(seller="acme", number=A, at=NOW).consents == ()
