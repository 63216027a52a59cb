"""The short way of ``POST /v1/check`` through uvicorn: no task, no future, one write.

A dialer's question is small, comes whole on a connection that stays open, and its answer is made on the event loop's thread in
microseconds. What ASGI does around it (a task, a scope, two messages each way) costs about as much as the decision. Every other
request, and each of these that is not plain, goes the ordinary way; tests hold the two together.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from dialguard.asking import Answer
from dialguard.service.app import failure
from dialguard.service.desk import Ask
from dialguard.service.service import Service, token_of
from dialguard.service.web import BODY_LIMIT, Response, expect_json

_PLAIN = frozenset({b"host", b"user-agent", b"accept", b"accept-encoding", b"connection", b"content-length", b"content-type", b"authorization", b"x-api-key"})
"""Headers that change nothing, or that are read here; a request with any other goes the ordinary way."""
_DIGITS = len(str(BODY_LIMIT - 1))
"""Of the content length of a body that is not too large, whatever the digits are."""
_END = b"\r\n\r\n"


class _Head(NamedTuple):
    """What the parser read in the head of a plain request: the key, and how long the body is."""

    token: str | None
    length: int


_HEADS: dict[bytes, _Head] = {}
"""Heads, byte for byte, of requests that were admitted: a connection that stays open says the same each time."""
_MOST_HEADS, _LONGEST_HEAD = 10_000, 1_000


class _Nobody:
    """Waits for no body: a request that has come whole needs none."""

    @staticmethod
    def set() -> None:
        """Nobody is woken."""


class _Pending:
    """Stands where uvicorn keeps the request that is being answered, so that one sent after it waits for its turn."""

    response_complete = disconnected = False
    keep_alive = True
    message_event = _Nobody


class ShortProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the short way in it. ``config.app`` carries the service as its attribute ``service``."""

    _body: list[bytes] | None = None
    _given: dict[bytes, bytes] = {}
    _amid = False
    """Whether a message has begun that the parser has not seen the end of."""
    _fresh = b""
    """What has just come, where a message begins with it."""
    _answered = 0.0

    _service: Service | None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._service = getattr(self.config.app, "service", None)

    def data_received(self, data: bytes) -> None:
        if not self._amid and (self.cycle is None or self.cycle.response_complete):
            end = data.find(_END) + len(_END)
            head = _HEADS.get(data[:end])
            if head is not None and len(data) - end == head.length:
                self._put(data[end:], head.token)
                return
            self._fresh = data
        super().data_received(data)
        self._fresh = b""

    def on_message_begin(self) -> None:
        # The scope of ASGI is made where it is needed.
        self._amid = True
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        parser, cycle, headers = self.parser, self.cycle, dict(self.headers)
        if (
            self.url == b"/v1/check"
            and (cycle is None or cycle.response_complete)
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and len(headers) == len(self.headers)
            and _PLAIN.issuperset(headers)
            and len(headers.get(b"content-length", b"")) <= _DIGITS
        ):
            self._body, self._given = [], headers
        else:
            self._body = None
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.headers, self.expect_100_continue = url, headers, expects
            self.scope["headers"] = headers
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._body is None:
            super().on_body(body)
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        data, self._fresh, self._amid = self._fresh, b"", False
        if self._body is None:
            super().on_message_complete()
            return
        body, self._body = self._body[0] if len(self._body) == 1 else b"".join(self._body), None
        given = self._given.get
        token = token_of(given(b"authorization"), given(b"x-api-key"))
        if self._put(body, token, given(b"content-type")):
            end = data.find(_END) + len(_END)
            if 0 < len(body) == len(data) - end and end <= _LONGEST_HEAD and given(b"content-length") == b"%d" % len(body):
                if len(_HEADS) >= _MOST_HEADS:
                    _HEADS.clear()
                _HEADS[data[:end]] = _Head(token, len(body))

    def _put(self, body: bytes, token: str | None, media: bytes | None = None) -> bool:
        """Has a question answered; False where it was refused."""
        self.cycle = pending = _Pending()
        try:
            service, client = self._service, self.client
            key = service.admit(token, client[0] if client else None, "check")
            expect_json(media)
            service.desk_of(key).put(Ask(body, "http", key.id, True), partial(self._give, pending))
        except Exception as error:
            self._give(pending, error)
            return False
        return True

    def _give(self, pending: _Pending, answer: Answer | BaseException) -> None:
        pending.response_complete = True
        if self.transport.is_closing():
            return
        if type(answer) is Answer and pending.keep_alive:
            self.transport.write(b"%b%d\r\n\r\n%b" % (_head(self.server_state.default_headers), len(answer.json), answer.json))
        else:
            response = failure(answer) if isinstance(answer, BaseException) else Response(answer.json)
            self.transport.write(b"".join(self._written(response, pending.keep_alive)))
            if not pending.keep_alive:
                self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        # A timer for each answer costs more than to look, when it rings, whether it should have.
        self._answered = self.loop.time()
        if self.pipeline or self.timeout_keep_alive_task is None or self.transport.is_closing():
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1

    def timeout_keep_alive_handler(self) -> None:
        left = self._answered + self.timeout_keep_alive - self.loop.time()
        if self.cycle is not None and not self.cycle.response_complete:
            left = self.timeout_keep_alive
        if left > 0 and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _written(self, response: Response, keep_alive: bool) -> list[Any]:
        parts = [STATUS_LINE[response.status]]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        parts.append(b"content-type: %b\r\ncache-control: no-store\r\ncontent-length: %d\r\n" % (response.media.encode(), len(response.body)))
        for name, value in (response.headers or {}).items():
            parts.append(f"{name}: {value}\r\n".encode("latin-1"))
        parts += (b"\r\n" if keep_alive else b"connection: close\r\n\r\n", response.body)
        return parts


_HEAD: list[Any] = [None, b""]
"""The headers that uvicorn gave last, which it makes anew each second, and the beginning of a decision under them."""


def _head(default: list[tuple[bytes, bytes]]) -> bytes:
    """The response that carries a decision, up to the length of its body."""
    if _HEAD[0] is not default:
        lines = b"".join(b"%b: %b\r\n" % pair for pair in default)
        _HEAD[:] = default, b"%b%bcontent-type: application/json\r\ncache-control: no-store\r\ncontent-length: " % (STATUS_LINE[200], lines)
    return _HEAD[1]
