"""The short way of ``POST /v1/check`` through uvicorn: no task, no future, one write.

A dialer's question is small, comes whole on a connection that stays open, and its answer is made on the event loop's thread in
microseconds. What ASGI does around it (a task, a scope, two messages each way) costs about as much as the decision. Every other
request, and each of these that is not plain, goes the ordinary way; tests hold the two together.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from dialguard.service.app import failure
from dialguard.service.desk import Answer, Ask
from dialguard.service.service import Service
from dialguard.service.web import BODY_LIMIT, Response, expect_json

_PLAIN = frozenset({b"host", b"user-agent", b"accept", b"accept-encoding", b"connection", b"content-length", b"content-type", b"authorization", b"x-api-key"})
"""Headers that change nothing, or that are read here; a request with any other goes the ordinary way."""
_DIGITS = len(str(BODY_LIMIT - 1))
"""Of the content length of a body that is not too large, whatever the digits are."""


class _Pending:
    """Stands where uvicorn keeps the request that is being answered, so that one sent after it waits for its turn."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self) -> None:
        self.response_complete = self.disconnected = False
        self.keep_alive = True
        self.message_event = self

    def set(self) -> None:
        """Nobody waits for the body of a request that has come whole."""


class ShortProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the short way in it. ``config.app`` carries the service as its attribute ``service``."""

    _body: list[bytes] | None = None
    _given: dict[bytes, bytes] = {}

    @property
    def _service(self) -> Service:
        return self.config.app.service

    def on_message_begin(self) -> None:
        # The scope of ASGI is made where it is needed.
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
        if self._body is None:
            super().on_message_complete()
            return
        body, self._body = self._body[0] if len(self._body) == 1 else b"".join(self._body), None
        self.cycle = pending = _Pending()
        try:
            given = self._given.get
            key = self._service.admit_header(given(b"authorization"), given(b"x-api-key"), self.client, "check")
            expect_json(given(b"content-type"))
            self._service.desk_of(key).put(Ask(body, "http", key.id, True), lambda answer: self._give(pending, answer))
        except Exception as error:
            self._give(pending, error)

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
