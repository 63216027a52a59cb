"""A webhook to the service as it is started in earnest, with two workers: whichever is asked next denies."""

import http.client
from pathlib import Path
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from dialguard.facts import clock
from dialguard.model.moment import DAY
from dialguard.storage.embedded import EmbeddedStore
from tests.service.processes import WAIT, serving
from tests.service.test_twilio import NOON, OURS, THEIRS, TOKEN

CONFIG = f"""
folder = "store"
workers = 2
[twilio.default]
auth_tokens = ["{TOKEN}"]
url = "https://calls.acme.example/dg"
[twilio.default.numbers."{OURS}"]
seller = "acme"
"""
ATTEMPT = {
    "channel": "sms", "to": THEIRS, "at": NOON, "line_type": "wireless", "contact": {"state": "FL"},
    "campaign": {"seller": "acme", "purpose": "informational", "dialing": "manual"},
}  # fmt: skip


def test_every_worker_denies_from_the_answer_on(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store")
    now = clock.now()
    store.declare_complete("acme", now - 400 * DAY, known_at=now)
    store.record_consent(seller="acme", number=THEIRS, level="express_written", obtained_at=now - DAY, known_at=now)
    store.close()
    fields = {"MessageSid": "SM1", "From": THEIRS, "To": OURS, "Body": "STOP"}
    signature = RequestValidator(TOKEN).compute_signature("https://calls.acme.example/dg/twilio/message", fields)
    with serving(tmp_path, config=CONFIG) as served:
        served.ready(2)
        assert {served.ask(body=ATTEMPT)[1]["verdict"] for _ in range(10)} == {"allow"}
        connection = http.client.HTTPConnection(served.host, served.port, timeout=WAIT)
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/twilio/message", urlencode(fields), headers)
        answer = connection.getresponse()
        assert (answer.status, b"acme: you are opted out" in answer.read()) == (200, True)
        assert {served.ask(body=ATTEMPT)[1]["verdict"] for _ in range(40)} == {"deny"}
        connection.close()
        assert THEIRS[2:] not in served.said and TOKEN not in served.said
