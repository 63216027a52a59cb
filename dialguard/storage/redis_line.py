"""One thread's own connection to Redis, on which no wait outlasts its time: between a client of redis-py and its connection more time
is spent than in the script, and its timeouts begin anew with every piece of an answer."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import redis
from redis.exceptions import NoScriptError, ResponseError

from dialguard.storage.redis_scripts import Script

PREPARING = 4
"""A connection is made, greeted and looked at within so many times the time of a look-up; far from here each takes a trip."""


class _Socket:
    """A socket whose every wait ends at one moment."""

    def __init__(self, inner: socket.socket) -> None:
        self.inner, self.ends = inner, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def _hurry(self) -> None:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time is left")
        self.inner.settimeout(left)

    def recv(self, *given: Any) -> bytes:
        self._hurry()
        return self.inner.recv(*given)

    def recv_into(self, *given: Any) -> int:
        self._hurry()
        return self.inner.recv_into(*given)

    def sendall(self, *given: Any) -> None:
        self._hurry()
        self.inner.sendall(*given)


@cache
def _timed(kind: type) -> type:
    """A kind of connection of redis-py whose sockets keep time."""

    class Timed(kind):
        preparing = 0.0

        def _connect(self) -> Any:
            made = _Socket(super()._connect())
            made.ends = time.monotonic() + self.preparing
            return made

    return Timed


class Line:
    """A connection, used by one thread."""

    def __init__(self, pool: Any, timeout: float, turn: int) -> None:
        """``pool`` says how connections are made; ``turn`` is the closing of the link that it was made after. Raises errors of
        redis-py."""
        self.pid, self.turn, self._timeout = os.getpid(), turn, timeout
        self._connection = _timed(pool.connection_class)(**pool.connection_kwargs)
        self._connection.preparing = PREPARING * timeout
        try:
            self._connection.connect()
        except BaseException:
            self._connection.disconnect()
            raise

    @property
    def usable(self) -> bool:
        """Whether this process made it."""
        return self.pid == os.getpid()

    def about(self) -> dict[str, str]:
        """What the server says of itself, on this connection. Raises errors of redis-py."""
        self._send(b"INFO")
        said = self._connection.read_response(disable_decoding=True)
        return dict(re.findall(r"(?m)^(\w+):(.*?)\r?$", said.decode("utf-8", "replace"))) if type(said) is bytes else {}

    def ask(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Runs a script within the time of a look-up. Raises errors of redis-py; the connection is closed after all but those with
        which the server refused."""
        if self._connection._sock is not None:
            self._connection._sock.ends = time.monotonic() + self._timeout
        try:
            self._send(b"EVALSHA", script.sha, len(keys), *keys, *args)
            try:
                return self._connection.read_response(disable_decoding=True)
            except NoScriptError:  # a server that was started anew; sent whole, it remembers
                self._send(b"EVAL", script.text, len(keys), *keys, *args)
                return self._connection.read_response(disable_decoding=True)
        except ResponseError:
            raise
        except BaseException:
            # Whatever is still to come on this connection would be taken for the next answer.
            self.close()
            raise

    def ask_many(self, script: Script, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        """Runs a script for each pair of keys and arguments, all within the time of one look-up. In the place of an answer that the server
        refused stands the error; other errors are raised as by ``ask``."""
        if self._connection._sock is None:
            raise redis.ConnectionError("closed")
        self._connection._sock.ends = time.monotonic() + self._timeout
        sha, found = script.sha, []
        try:
            whole = b"".join([_packed(b"EVALSHA", sha, len(keys), *keys, *args) for keys, args in calls])
            self._connection.send_packed_command([whole], check_health=False)
            for _ in calls:
                try:
                    found.append(self._connection.read_response(disable_decoding=True))
                except ResponseError as error:
                    found.append(error)
        except BaseException:
            self.close()
            raise
        return found

    def close(self) -> None:
        """Closes it."""
        self._connection.disconnect()

    def _send(self, *words: bytes | str | int) -> None:
        if self._connection._sock is None:  # redis-py would make another connection unasked, which nobody looked at
            raise redis.ConnectionError("closed")
        self._connection.send_packed_command([_packed(*words)], check_health=False)


def _packed(*words: bytes | str | int) -> bytes:
    """A command as it goes over the line."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word if type(word) is bytes else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)
