"""What a connection may do is bounded: how many there are, how large headers are, how slow a client is, how much it leaves unread."""

import json
import socket
import time
from collections.abc import Iterator

import pytest

from dialguard.service.app import application
from dialguard.service.bounded import BoundedProtocol
from dialguard.service.config import Limits
from tests.service.conftest import served

SLOW = 0.25
WAIT = 30.0
BODY = json.dumps({"channel": "voice", "to": "+13055550100", "campaign": "c", "at": "2026-11-23T17:00:00Z"}).encode()
GET = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.fixture
def limits() -> Limits:
    return Limits(slow=SLOW, connections=4, header=2048, idle=1)


@pytest.fixture
def address(service, limits) -> Iterator[tuple[str, int]]:
    app = application(service)
    app.limits = limits
    with served(app, BoundedProtocol, timeout_keep_alive=1) as found:
        yield found


def connect(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, WAIT)


def heard(connection: socket.socket) -> bytes:
    """Everything until the service closes."""
    found = b""
    try:
        while piece := connection.recv(1 << 20):
            found += piece
    except ConnectionResetError:
        pass
    return found


def works(address: tuple[str, int]) -> bool:
    with connect(address) as connection:
        connection.sendall(GET)
        return connection.recv(1000).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "start",
    [
        b"", b"G", b"\r\n", b"POST /v1/check HTTP/1.1\r\nHost: here\r\nContent-", b"POST /v1/check HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{",
        b"POST /v1/check HTTP/1.1\r\nHost: here\r\nX-Other: 1\r\nContent-Length: 100\r\n\r\n{",
        b"POST /v1/check HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", GET + b"GET /he", GET + b"\r\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("drip", [False, True], ids=["silent", "dripping"])
def test_a_slow_client_is_cut_off(address, start: bytes, drip: bool) -> None:
    with connect(address) as connection:
        connection.sendall(start)
        if drip:
            connection.settimeout(SLOW / 8)
            end = time.monotonic() + WAIT
            while True:
                assert time.monotonic() < end
                try:
                    connection.sendall(b"\r\n" if start.endswith(b"\r\n") and b"HTTP" not in start[-20:] and b"{" not in start else b"1")
                    if connection.recv(10_000) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
        else:
            assert b"200" not in heard(connection)[12:]
    assert works(address)


def test_a_client_who_sends_a_long_body_steadily_is_heard(address) -> None:
    body = BODY + b" " * 20_000
    with connect(address) as connection:
        connection.sendall(b"POST /v1/check HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 1000):
            connection.sendall(body[start : start + 1000])
            time.sleep(SLOW / 5)
        assert heard(connection).startswith(b"HTTP/1.1 200 ")


def test_a_client_who_asks_now_and_then_stays(address) -> None:
    with connect(address) as connection:
        for _ in range(5):
            connection.sendall(GET)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
            time.sleep(SLOW)


@pytest.mark.parametrize("size", [2048, 2049])
def test_headers_are_as_large_as_they_may_be(address, size: int) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\nX-Long: "
    with connect(address) as connection:
        connection.sendall(head[:1])  # what comes together with the end of the headers is never kept waiting
        time.sleep(0.1)
        connection.sendall((head + b"x" * 5000)[1 : size + 1])
        time.sleep(0.1)
        try:
            connection.sendall(b"\r\n\r\n")
        except OSError:
            pass
        answer = heard(connection)
    if size == 2048:
        assert answer.startswith(b"HTTP/1.1 200 ")
    else:
        assert answer.startswith(b"HTTP/1.1 431 ") and b'"code":"request.headers_too_large"' in answer
    assert works(address)


def test_past_the_most_connections_each_is_told_to_come_again(address) -> None:
    held = [connect(address) for _ in range(4)]
    try:
        for connection in held:
            connection.sendall(GET)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        with connect(address) as connection:
            connection.sendall(b"POST /v1/check HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY))
            answer = heard(connection)
        assert answer.startswith(b"HTTP/1.1 503 ") and b"\r\nretry-after: 1\r\n" in answer and b'"code":"limit.load"' in answer
    finally:
        for connection in held:
            connection.close()
    end = time.monotonic() + WAIT
    while not works(address):
        assert time.monotonic() < end


@pytest.mark.parametrize(
    "asked",
    [GET, b"POST /v1/check HTTP/1.1\r\nHost: here\r\nContent-Type: text/csv\r\nContent-Length: 0\r\n\r\n"],
    ids=["ordinary", "short"],
)
def test_a_client_who_never_reads_is_cut_off(address, asked: bytes) -> None:
    with connect(address) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(3)  # a system whose buffers are full may never say that the other side has closed
        sent = 0
        with pytest.raises(OSError):
            while sent < 100_000_000:
                sent += connection.send(asked * 200)
    assert works(address)


def test_a_client_who_stops_reading_a_stream_is_cut_off(limits) -> None:
    async def app(scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            for what in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{what}.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(10_000):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})

    app.limits = limits
    with served(app, BoundedProtocol) as address, connect(address) as connection:
        connection.sendall(GET)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        for _ in range(4):
            time.sleep(SLOW)  # one who reads on is not cut off, however slowly
            assert connection.recv(1 << 20)
        time.sleep(1 + 4 * SLOW)
        assert len(heard(connection)) < 10_000 * 100_000


def test_a_client_who_asks_far_ahead_is_cut_off(address) -> None:
    with connect(address) as connection:
        connection.sendall(GET * 60)
        found = b""
        while found.count(b"HTTP/1.1 200 ") < 60:
            found += connection.recv(1 << 20)
    with connect(address) as connection:
        try:
            connection.sendall(GET * 1000)
        except OSError:
            pass
        assert heard(connection).count(b"HTTP/1.1 200 ") < 200
