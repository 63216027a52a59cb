"""A client of the service for dialers in Python. Whatever goes wrong is a deny: an attempt goes ahead on a whole, timely, own allow alone.

    client = Client("http://127.0.0.1:8080", key, timeout=0.25)
    answer = client.check({"channel": "voice", "to": "+13055550100", "campaign": "spring"})
    if answer.allowed:
        dial()
"""

from __future__ import annotations

import io
import json
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

from dialguard.facts import clock
from dialguard.model import strict

_LARGEST = 1_000_000
_PATH = "/v1/check"


@dataclass(frozen=True)
class Answer:
    """What the service said, or that it said nothing to go by: then ``reason`` begins with ``client.`` and ``decision`` is empty.

    ``reason`` is the first rule that denied, None of an allow. ``detail`` says more of a failure; it names no number.
    """

    verdict: str
    reason: str | None
    detail: str | None = None
    decision: Mapping[str, Any] = field(default_factory=dict)
    until: int | None = None
    """Instant at which an allow ends; None where none is in sight."""

    @property
    def allowed(self) -> bool:
        """Whether the attempt may go ahead now; asked again after ``valid_until``, no more."""
        return self.verdict == "allow" and (self.until is None or clock.now() < self.until)


class Client:
    """Asks a service. Threads may share it; each keeps a connection of its own.

    ``timeout``: seconds for the whole of one check, but for the look-up of the host's name. ``tls``: what to verify the service by, where
    the system's authorities do not do. Raises ValueError for a URL or a key that cannot be one.
    """

    def __init__(self, url: str, key: str, *, timeout: float = 1.0, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise ValueError("the service's URL: expected one such as https://dialguard.example.com")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("the key: expected one as `dialguard keys create` prints it")
        if not 0 < timeout <= 3600:
            raise ValueError("timeout: expected seconds up to 3600")
        self._place = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self._path = parts.path.rstrip("/") + _PATH
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Accept": "application/json"}
        self._timeout = timeout
        self._local = threading.local()

    def check(self, attempt: Mapping[str, Any]) -> Answer:
        """The answer to one attempt. Never raises: what fails is a deny."""
        try:
            asked = attempt["id"] if attempt.get("id") is not None else f"c-{secrets.token_hex(8)}"
            body = json.dumps({**attempt, "id": asked}, allow_nan=False).encode()
        except Exception as error:
            return _failed("unsendable", type(error).__name__)
        try:
            status, media, raw = self._sent(body, time.monotonic() + self._timeout)
        except TimeoutError:
            self.close()
            return _failed("timeout", f"no whole answer within {self._timeout:g} s")
        except (OSError, HTTPException) as error:
            self.close()
            return _failed("unreachable", type(error).__name__)
        except Exception as error:
            self.close()
            return _failed("fault", type(error).__name__)
        try:
            return _read(status, media, raw, asked)
        except Exception as error:
            return _failed("unreadable", type(error).__name__)

    def close(self) -> None:
        """Closes this thread's connection; the next check opens one."""
        kept = getattr(self._local, "connection", None)
        self._local.connection = None
        if kept is not None:
            kept.close()

    def _sent(self, body: bytes, deadline: float) -> tuple[int, str, bytes]:
        kept = getattr(self._local, "connection", None)
        if kept is not None:
            try:
                return self._exchanged(kept, body, deadline)
            except (RemoteDisconnected, BrokenPipeError, ConnectionResetError):  # closed while nothing was asked of it
                self.close()
        return self._exchanged(self._connected(deadline), body, deadline)

    def _connected(self, deadline: float) -> HTTPConnection:
        left = _left(deadline)
        made = (
            HTTPConnection(*self._place, timeout=left)
            if self._tls is None
            else HTTPSConnection(*self._place, timeout=left, context=self._tls)
        )
        self._local.connection = made
        made.connect()
        made.sock = _Timed(made.sock)
        return made

    def _exchanged(self, connection: HTTPConnection, body: bytes, deadline: float) -> tuple[int, str, bytes]:
        connection.sock.deadline = deadline
        connection.request("POST", self._path, body, self._headers)
        answer: HTTPResponse = connection.getresponse()
        raw = answer.read(_LARGEST + 1)
        if len(raw) > _LARGEST or not answer.isclosed():
            self.close()
            raise HTTPException
        if answer.will_close:
            self.close()
        return answer.status, answer.headers.get_content_type(), raw


class _Timed:
    """A socket each of whose waits ends at one moment, so that a service that drips cannot hold a dialer."""

    def __init__(self, made: socket.socket) -> None:
        self._socket, self.deadline = made, 0.0

    def sendall(self, data: bytes) -> None:
        """Sends it whole."""
        self._socket.settimeout(_left(self.deadline))
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What an answer is read from; the socket stays open until that is closed too."""
        return io.BufferedReader(_Reader(self, self._socket))

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()


class _Reader(io.RawIOBase):
    def __init__(self, timed: _Timed, made: socket.socket) -> None:
        self._timed, self._socket, self._raw = timed, made, made.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(_left(self._timed.deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _read(status: int, media: str, raw: bytes, asked: object) -> Answer:
    """The answer as it may be used. Raises ValueError and the like for what is no answer."""
    if status != 200:
        return _failed("status", f"{status}{_code(raw)}")
    found = strict.loads(raw.decode("utf-8"))
    if media != "application/json" or not isinstance(found, dict) or not isinstance(found.get("id"), str) or not found["id"]:
        raise ValueError
    if found.get("attempt_id") != asked or type(found["attempt_id"]) is not type(asked):
        return _failed("other", "the answer is to another attempt")
    reasons, ends = found["reasons"], found["valid_until"]
    if found["verdict"] == "deny":
        rule = reasons[0]["rule"] if reasons else None
        return Answer("deny", rule if isinstance(rule, str) else "client.unreadable", None, found)
    if found["verdict"] != "allow" or reasons != []:
        raise ValueError
    until = None if ends is None else clock.parse_instant(ends)
    if until is not None and until <= clock.now():
        return _failed("expired", "the allow had ended when it came")
    return Answer("allow", None, None, found, until)


def _code(raw: bytes) -> str:
    """The code of a problem, where there is one."""
    found = re.search(rb'"code":"([a-z_]{1,30}\.[a-z_]{1,30})"', raw)
    return f" {found[1].decode()}" if found else ""


def _failed(what: str, detail: str) -> Answer:
    return Answer("deny", f"client.{what}", detail)
