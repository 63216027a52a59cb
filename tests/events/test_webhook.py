"""Alarms reach the webhook, signed, each until it is taken; nothing follows a redirect, and no number leaves."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dialguard.events.supervisor import Events
from dialguard.events.webhook import post
from tests.events.running import alarms, packs, started, until


class Receiver:
    """Keeps what is posted; ``answers`` are the next statuses, then 204."""

    def __init__(self, *answers: int) -> None:
        self.answers, self.got = list(answers), []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 204
                receiver.got.append((status, dict(self.headers), body))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/alarms"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver(request):
    made = Receiver(*getattr(request, "param", ()))
    yield made
    made.close()


@pytest.mark.parametrize("receiver", [(503, 302)], indirect=True)
def test_an_alarm_is_sent_until_it_is_taken_and_signed(tmp_path, receiver):
    events = started(tmp_path, webhook=receiver.url, secret="s3cret")
    events.tell({"event": "opted_out", "seller": "acme", "to": "+12025550123"})
    until(lambda: len(receiver.got) == 3)
    assert events.close()
    assert [status for status, _, _ in receiver.got] == [503, 302, 204]
    _, headers, body = receiver.got[-1]
    signed = hmac.new(b"s3cret", headers["X-Dialguard-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Dialguard-Signature"] == f"sha256={signed}"
    assert [json.loads(body)] == alarms(tmp_path) and b"2025550123" not in body


def test_an_alarm_that_nobody_took_is_sent_by_the_next_run(tmp_path, receiver):
    away = Receiver()
    away.close()
    events = started(tmp_path, webhook=away.url, secret="s")
    events.tell({"event": "opted_out", "seller": "acme", "to": "+12025550123"})
    until(lambda: len(alarms(tmp_path)) == 1)
    assert events.close()
    events = started(tmp_path, webhook=receiver.url, secret="s")
    until(lambda: len(receiver.got) == 1)
    until(events.alive)
    assert events.close()
    events = started(tmp_path, webhook=receiver.url, secret="s")
    events.tell({"event": "opted_out", "seller": "acme", "to": "+12025550124"})
    until(lambda: len(receiver.got) == 2)
    assert events.close() and len(alarms(tmp_path)) == 2


@pytest.mark.parametrize("url", ["ftp://x/y", "file:///etc/passwd", "https://", "http://a b/c"])
def test_what_is_no_address_is_refused(tmp_path, url):
    with pytest.raises(ValueError, match="the webhook is no address"):
        Events(tmp_path, packs(), webhook=url, secret="s")


def test_a_webhook_needs_a_secret(tmp_path):
    with pytest.raises(ValueError, match="a webhook needs a secret"):
        Events(tmp_path, packs(), webhook="https://example.com/x")


def test_nobody_there_is_not_taken():
    gone = Receiver()
    gone.close()
    assert post(gone.url, b"s", b"{}", timeout=1) is False
