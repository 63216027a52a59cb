"""Alarms to an address of the operator's, one POST each, tried again until it is taken.

The body is the alarm as JSON; ``X-DialGuard-Signature`` is ``sha256=`` and the HMAC-SHA-256 of ``timestamp.body`` under the shared
secret, ``X-DialGuard-Timestamp`` seconds since 1970. An answer of 2xx takes it. Nothing is followed elsewhere.
"""

import hashlib
import hmac
import queue
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from dialguard.facts import clock

TIMEOUT = 5.0
LONGEST_WAIT = 300.0
"""Seconds between two tries, at most; the first wait is one, and each twice the one before."""


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """The signature of a body."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def checked(url: str) -> str:
    """An address that alarms may go to; ValueError for another."""
    found = urlsplit(url)
    if found.scheme not in ("http", "https") or not found.hostname or not url.isprintable() or " " in url:
        raise ValueError("the webhook is no address: expected https://host/path")
    return url


class _Straight(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


_OPENER = urllib.request.build_opener(_Straight, urllib.request.ProxyHandler())


def post(url: str, secret: bytes, body: bytes, timeout: float = TIMEOUT) -> bool:
    """One try; whether it was taken."""
    timestamp = str(clock.now() // 1_000_000)
    headers = {
        "Content-Type": "application/json", "User-Agent": "dialguard", "X-DialGuard-Timestamp": timestamp,
        "X-DialGuard-Signature": sign(secret, timestamp, body),
    }  # fmt: skip
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with _OPENER.open(request, timeout=timeout) as answer:
            return 200 <= answer.status < 300
    except (OSError, ValueError, urllib.error.URLError):  # refused, timed out, an answer that is none
        return False
    except Exception:  # noqa: BLE001 - http.client has errors of its own, and this thread must go on
        return False


class Sender:
    """Sends alarms in a thread of its own, the oldest first. ``taken`` gives the ids of those that were taken since."""

    def __init__(self, url: str, secret: bytes) -> None:
        self._url, self._secret = url, secret
        self._todo: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._taken: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="dialguard-alarms", daemon=True).start()

    def send(self, id_: str, body: bytes) -> None:
        """Sends an alarm as soon as those before it were taken."""
        self._todo.put((id_, body))

    def taken(self) -> list[str]:
        """Ids of alarms that were taken since the last time."""
        found = []
        while not self._taken.empty():
            found.append(self._taken.get())
        return found

    def _run(self) -> None:
        while True:
            id_, body = self._todo.get()
            wait = 1.0
            while not post(self._url, self._secret, body):
                time.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            self._taken.put(id_)
