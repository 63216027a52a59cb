"""The short way through uvicorn answers as the ordinary way does, byte for byte but for ids and dates."""

import json
import re
import socket
import time

import pytest

from dialguard.service.problem import Problem
from dialguard.service.web import BODY_LIMIT
from tests.service.conftest import served

ATTEMPT = {"channel": "voice", "to": "+13055550100", "campaign": "c", "at": "2026-11-23T17:00:00Z"}
GOOD = json.dumps(ATTEMPT).encode()


def post(body: bytes, *headers: str, path: str = "/v1/check", version: str = "1.1") -> bytes:
    given = headers if any(each.lower().startswith("content-type") for each in headers) else ("Content-Type: application/json", *headers)
    lines = [f"POST {path} HTTP/{version}", "Host: here", f"Content-Length: {len(body)}", *given]
    return "\r\n".join([*lines, "", ""]).encode() + body


LAST = b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
CASES = {
    "an attempt": [post(GOOD)],
    "another seller's words": [post(json.dumps(ATTEMPT | {"id": "x1", "consent": {"level": "express_written"}}).encode())],
    "three, one after the other": [post(GOOD)] * 3,
    "pipelined": [post(GOOD) * 3],
    "pipelined with others between": [post(GOOD) + b"GET /readyz HTTP/1.1\r\nHost: here\r\n\r\n" + post(b"{}") + post(GOOD)],
    "in pieces": [post(GOOD)[:40], post(GOOD)[40:90], post(GOOD)[90:]],
    "a wrong field": [post(json.dumps(ATTEMPT | {"colour": "red"}).encode())],
    "no such campaign": [post(json.dumps(ATTEMPT | {"campaign": "other"}).encode())],
    "no JSON": [post(b"{")],
    "not UTF-8": [post(b'{"to": "\xff"}')],
    "nothing": [post(b"")],
    "a list": [post(b"[]")],
    "another content type": [post(GOOD, "Content-Type: text/csv")],
    "a charset": [post(GOOD, "Content-Type: application/json; charset=utf-8")],
    "too large": [post(b" " * (BODY_LIMIT + 1))],
    "as large as may be": [post(b" " * (BODY_LIMIT - len(GOOD)) + GOOD)],
    "HTTP/1.0": [post(GOOD, version="1.0")],
    "the last of its connection": [post(GOOD, "Connection: close")],
    "with texts": [post(GOOD, path="/v1/check?texts=true")],
    "an unknown header": [post(GOOD, "X-Other: 1")],
    "expecting 100": [post(GOOD, "Expect: 100-continue")],
    "a header twice": [post(GOOD, "Content-Type: application/json", "Content-Type: text/csv")],
    "the same head, another length of body": [post(GOOD), post(GOOD), post(GOOD)[: -len(GOOD)] + GOOD[:-1], b" "],
    "the same head, its body in pieces": [post(GOOD), post(GOOD)[:-5], post(GOOD)[-5:]],
    "the same head, another body": [post(GOOD), post(GOOD.replace(b"5550100", b"5550101")), post(GOOD.replace(b"voice", b"voise"))],
    "the same head, pipelined": [post(GOOD), post(GOOD) * 2, post(GOOD)],
    "the same head behind the end of another": [post(GOOD), b"GET /readyz HTTP/1.1\r\nHo", b"st: here\r\n\r\n" + post(GOOD)],
    "the same head within a body": [post(GOOD), post(b"[" + post(GOOD) + b"]")],
    "a known head that is another's body": [post(GOOD), post(post(GOOD))[: -len(post(GOOD))], post(GOOD), post(GOOD)],
    "an empty line before it": [post(GOOD), b"\r\n" + post(GOOD), post(GOOD)],
    "chunked": [b"POST /v1/check HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                + b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)],
}  # fmt: skip


def said(address: tuple[str, int], pieces: list[bytes]) -> bytes:
    """Everything that is answered until the connection is closed."""
    found = []
    with socket.create_connection(address, 10) as connection:
        for number, piece in enumerate([*pieces, LAST]):
            try:
                connection.sendall(piece)
            except OSError:
                assert number == len(pieces), "closed before it was asked"
            if number < len(pieces) - 1:
                connection.settimeout(0.05)
                try:
                    found.append(connection.recv(1 << 20))
                except TimeoutError:
                    pass
        connection.settimeout(10)
        try:
            while piece := connection.recv(1 << 20):
                found.append(piece)
        except ConnectionResetError:
            pass
    plain = re.sub(rb"d-[0-9a-f]{12}-[0-9a-f]+", b"d-0", b"".join(found))
    return re.sub(rb"date: [^\r]+\r\n", b"", plain)


def answers(plain: bytes) -> list[tuple[bytes, frozenset[bytes], bytes]]:
    """Status, headers in no order, and body of each answer."""
    found = []
    while plain:
        head, _, rest = plain.partition(b"\r\n\r\n")
        status, *headers = head.split(b"\r\n")
        length = next((int(header[16:]) for header in headers if header.startswith(b"content-length: ")), 0)
        headers = [header for header in headers if not header.startswith(b"content-length")]  # ids differ in length
        body = rest[:length]
        end = rest.find(b"HTTP/1.1 ")
        found.append((status, frozenset(headers), body if end < 0 else rest[:end]))
        plain = b"" if end < 0 else rest[end:]
    return found


@pytest.fixture
def both(app):
    with served(app) as short, served(app, "httptools") as ordinary:
        yield short, ordinary


@pytest.mark.parametrize("name", CASES)
def test_both_ways_answer_alike(both, name) -> None:
    short, ordinary = (answers(said(address, CASES[name])) for address in both)
    assert len(short) > (0 if "large" in name or "1.0" in name or "last" in name else 1)
    assert short == ordinary


def test_the_short_way_is_taken_by_a_plain_request_alone(app, monkeypatch) -> None:
    from dialguard.service.short import ShortProtocol

    taken = []
    give = ShortProtocol._give
    monkeypatch.setattr(ShortProtocol, "_give", lambda self, pending, answer: (taken.append(1), give(self, pending, answer)))
    with served(app) as address:
        with socket.create_connection(address, 10) as connection:
            for _ in range(3):
                connection.sendall(post(GOOD))
                whole = b""
                while b"\r\n\r\n" not in whole or len(whole.partition(b"\r\n\r\n")[2]) < int(re.search(rb"content-length: (\d+)", whole)[1]):
                    whole += connection.recv(1 << 20)
        assert len(taken) == 3
        for name in ("with texts", "an unknown header", "HTTP/1.0", "expecting 100", "the last of its connection"):
            said(address, CASES[name])
        assert len(taken) == 3


def test_a_head_that_was_read_is_not_read_again(app, monkeypatch) -> None:
    from dialguard.service.short import ShortProtocol

    read = []
    complete = ShortProtocol.on_headers_complete
    monkeypatch.setattr(ShortProtocol, "on_headers_complete", lambda self: (read.append(1), complete(self)))
    with served(app) as address:
        first = post(GOOD, "User-Agent: of this test")
        for _ in range(2):
            assert said(address, [first] * 3).count(b'"verdict":"deny"') == 3
    assert len(read) == 3  # once, and the request that ends each connection


def test_a_key_that_was_withdrawn_is_refused_in_a_head_that_is_known(app, service, monkeypatch) -> None:
    find = service.keys.find
    question = post(GOOD, "Authorization: Bearer dg_one")
    with served(app) as address:
        assert said(address, [question] * 2).count(b" 200 OK") == 3

        def gone(token: str | None, address: str | None):
            if token == "dg_one":
                raise Problem("auth.revoked")
            return find(token, address)

        monkeypatch.setattr(service.keys, "find", gone)
        assert said(address, [question] * 2).count(b" 401 ") == 2


def test_a_connection_is_closed_once_it_has_been_idle_since_its_last_answer(app) -> None:
    with served(app, timeout_keep_alive=1) as address, socket.create_connection(address, 10) as connection:
        for _ in range(4):  # longer in all than one may be idle
            connection.sendall(post(GOOD))
            assert b" 200 OK" in connection.recv(1 << 20)
            time.sleep(0.4)
        last = time.monotonic()
        assert connection.recv(1) == b""
        assert 0.4 < time.monotonic() - last < 5


def test_a_client_that_goes_away_harms_nobody(app) -> None:
    with served(app) as address:
        for cut in (5, 60, len(post(GOOD)) - 1, len(post(GOOD))):
            with socket.create_connection(address, 10) as connection:
                connection.sendall(post(GOOD)[:cut])
        assert b'"verdict":"deny"' in said(address, [post(GOOD)])
