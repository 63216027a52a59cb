"""uvicorn's protocol with bounds that it lacks: on connections, on headers, and on clients that are slow to say or to hear anything."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from dialguard.service.problem import Problem
from dialguard.service.short import ShortProtocol

_UNREAD = 1_000_000
"""Bytes of answers that a client may leave unread while it sends on."""
_AHEAD = 64
"""Requests that a client may send ahead of the answer to the first."""
_LEAST = 1_000
"""Bytes that a body must bring in each stretch of ``slow`` seconds."""


class BoundedProtocol(ShortProtocol):
    """``config.app.limits`` are the bounds (``config.Limits``)."""

    _received = _message = _looked = 0
    """Bytes received: by now, when the newest message began, and at the last look."""
    _open: bool | None = None
    """Whether the headers of the newest message are still coming (True), its body (False), or it is whole (None)."""
    _before: object = (0, None)
    """Where the connection stood at the last look."""
    _unread, _stuck = 0, 0.0
    """Bytes of answers that waited for the client at the last look, and for how many seconds it has taken none of them."""
    _full = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._limits = self.config.app.limits
        over = len(self.connections) / self._limits.connections
        self._full = over > 1  # it is told so when it has asked: an answer to nothing would be lost
        if over > 2:
            transport.abort()
            return
        self._timer = self.loop.call_later(self._limits.slow, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():  # it was refused, and says more
            return
        self._received += len(data)
        if self._full:
            self._refuse(Problem("limit.load", headers={"retry-after": "1"}))
        elif self.flow.write_paused and self.transport.get_write_buffer_size() > _UNREAD:
            self.transport.abort()
        else:
            super().data_received(data)
            if self._open and self._received - self._message > self._limits.header and not self.transport.is_closing():
                self._refuse(Problem("request.headers_too_large", f"expected at most {self._limits.header:,} bytes"))

    def on_message_begin(self) -> None:
        self._open, self._message = True, self._received
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._open = False
        if len(self.pipeline) >= _AHEAD:  # uvicorn keeps them all, and reads on
            raise ValueError("too many requests ahead of their answers")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._open = None
        super().on_message_complete()

    def _look(self) -> None:
        """Every ``slow`` seconds: cuts off a client that has been as slow since the last look as nobody is who means well."""
        came, self._looked = self._received - self._looked, self._received
        answering = self.cycle is not None and not self.cycle.response_complete
        now = "closing" if self.transport.is_closing() else (self._message, self.cycle)
        if now == "closing":
            slow = True
        elif self._open is False:
            slow = came < _LEAST and not self.flow.read_paused
        else:  # uvicorn's own timer runs while nothing comes between two requests
            slow = not answering and self.timeout_keep_alive_task is None
        unread = self.transport.get_write_buffer_size()
        self._stuck = self._stuck + self._limits.slow if unread and unread == self._unread else 0.0
        if (slow and now == self._before) or self._stuck >= self._limits.idle:
            self.transport.abort()
            return
        self._before, self._unread = now, unread
        self._timer = self.loop.call_later(self._limits.slow, self._look)

    def _refuse(self, problem: Problem) -> None:
        head: list[Any] = [
            STATUS_LINE[problem.status],
            b"content-type: application/problem+json\r\ncache-control: no-store\r\nconnection: close\r\n",
        ]
        head += (f"{name}: {value}\r\n".encode("latin-1") for name, value in problem.headers.items())
        body = problem.body()
        self.transport.write(b"".join([*head, b"content-length: %d\r\n\r\n" % len(body), body]))
        self.transport.close()
