"""The client denies whatever is not a whole, timely, own allow."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dialguard import client as client_module
from dialguard.client import Client
from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.service.app import application
from dialguard.service.desk import Desk
from dialguard.service.keyfile import KeyFile
from dialguard.service.keys import Keys
from dialguard.service.service import Service
from tests.service.conftest import CAMPAIGN, served

NOW = clock.parse_instant("2026-11-23T17:00:00Z")
ATTEMPT = {"id": "a-1", "channel": "voice", "to": "+13055550100", "campaign": "c"}
ALLOW = {"id": "d-1", "attempt_id": "a-1", "verdict": "allow", "valid_until": "2026-11-23T17:00:01Z", "reasons": [], "obligations": []}
DENY = {**ALLOW, "verdict": "deny", "valid_until": None, "reasons": [{"rule": "us.fcc.hours", "kind": "prohibited"}]}


def heard(connection: socket.socket) -> bytes:
    """A whole request; nothing where the other side ended before."""
    said = b""
    while b"\r\n\r\n" not in said or len(said.partition(b"\r\n\r\n")[2]) < int(
        said.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
    ):
        piece = connection.recv(65_536)
        if not piece:
            return b""
        said += piece
    return said


@contextmanager
def hostile(answer: Callable[[socket.socket, bytes, int], bool]) -> Iterator[str]:
    """The URL of a server that does as ``answer`` does with a connection, what came on it, and which request it is; False closes."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()
    count = [0]

    def talk(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(20)
            try:
                while not ended.is_set():
                    said = heard(connection)
                    if not said:
                        return
                    count[0] += 1
                    if not answer(connection, said, count[0]):
                        return
            except OSError:
                pass

    def run() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        ended.set()
        listening.close()


def whole(body: object, status: str = "200 OK", media: str = "application/json", *more: str) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media}", f"Content-Length: {len(raw)}", *more]
    return "\r\n".join([*lines, "", ""]).encode() + raw


def says(raw: bytes) -> Callable[[socket.socket, bytes, int], bool]:
    def answer(connection: socket.socket, said: bytes, number: int) -> bool:
        connection.sendall(raw)
        return True

    return answer


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    made = [NOW]
    monkeypatch.setattr(clock, "now", lambda: made[0])
    return made


def test_an_allow_is_an_allow_until_it_ends(now: list[int]) -> None:
    with hostile(says(whole(ALLOW))) as url:
        answer = Client(url, "k", timeout=20).check(ATTEMPT)
    assert answer.allowed and answer.reason is None and answer.decision == ALLOW
    now[0] += 999_999
    assert answer.allowed
    now[0] += 1
    assert not answer.allowed


def test_a_deny_names_its_rule() -> None:
    with hostile(says(whole(DENY))) as url:
        answer = Client(url, "k", timeout=20).check(ATTEMPT)
    assert (answer.allowed, answer.verdict, answer.reason, answer.decision) == (False, "deny", "us.fcc.hours", DENY)


TRUNCATED = whole(ALLOW)[:-3]
WRONG = {
    "401": (whole({"code": "auth.missing"}, "401 Unauthorized", "application/problem+json"), "client.status"),
    "503": (whole({"code": "limit.load"}, "503 Service Unavailable"), "client.status"),
    "an allow with another status": (whole(ALLOW, "202 Accepted"), "client.status"),
    "a redirect": (whole(ALLOW, "302 Found", "application/json", "Location: /v1/check"), "client.status"),
    "HTML": (whole(b"<html>allow</html>", "200 OK", "text/html"), "client.unreadable"),
    "HTML that says it is JSON": (whole(b"<html>allow</html>"), "client.unreadable"),
    "JSON that says it is HTML": (whole(ALLOW, "200 OK", "text/html"), "client.unreadable"),
    "nothing": (whole(b""), "client.unreadable"),
    "a list": (whole([ALLOW]), "client.unreadable"),
    "a word": (whole(b'"allow"'), "client.unreadable"),
    "not UTF-8": (whole(json.dumps(ALLOW).encode("utf-16")), "client.unreadable"),
    "two verdicts": (whole(json.dumps(ALLOW).replace('"verdict"', '"verdict": "deny", "verdict"').encode()), "client.unreadable"),
    "NaN": (whole(json.dumps({**ALLOW, "x": float("nan")}).encode()), "client.unreadable"),
    "deeply nested": (whole(b"[" * 100_000), "client.unreadable"),
    "another verdict": (whole({**ALLOW, "verdict": "Allow"}), "client.unreadable"),
    "no verdict": (whole({name: value for name, value in ALLOW.items() if name != "verdict"}), "client.unreadable"),
    "no valid_until": (whole({name: value for name, value in ALLOW.items() if name != "valid_until"}), "client.unreadable"),
    "no reasons": (whole({name: value for name, value in ALLOW.items() if name != "reasons"}), "client.unreadable"),
    "an allow with a reason": (whole({**DENY, "verdict": "allow"}), "client.unreadable"),
    "no decision": (whole({**ALLOW, "id": ""}), "client.unreadable"),
    "another attempt": (whole({**ALLOW, "attempt_id": "a-2"}), "client.other"),
    "no attempt": (whole({**ALLOW, "attempt_id": None}), "client.other"),
    "an allow that ended": (whole({**ALLOW, "valid_until": "2026-11-23T17:00:00Z"}), "client.expired"),
    "an allow that ends at no time": (whole({**ALLOW, "valid_until": "tomorrow"}), "client.unreadable"),
    "an allow that ends at a number": (whole({**ALLOW, "valid_until": 4e9}), "client.unreadable"),
    "no HTTP": (b"allow\r\n\r\n", "client.unreachable"),
    "SMTP": (b"220 mail.example.com ready\r\n", "client.unreachable"),
    "a million headers": (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1_000_000, "client.unreachable"),
    "too large": (whole(json.dumps(ALLOW).encode() + b" " * 1_000_001), "client.unreachable"),
    "a length that is none": (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + json.dumps(ALLOW).encode(), "client.timeout"),
    "a chunk that is none": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "client.unreachable"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_anything_else_is_a_deny(case: str) -> None:
    raw, reason = WRONG[case]
    with hostile(says(raw)) as url:
        answer = Client(url, "k", timeout=1 if reason == "client.timeout" else 20).check(ATTEMPT)
    assert (answer.allowed, answer.verdict, answer.reason) == (False, "deny", reason)
    assert "3055550100" not in repr(answer)


def test_the_code_of_a_problem_is_told() -> None:
    with hostile(says(whole(b'{"code":"auth.revoked"}', "401 Unauthorized"))) as url:
        assert Client(url, "k", timeout=20).check(ATTEMPT).detail == "401 auth.revoked"


@pytest.mark.parametrize("cut", [0, 1, 20, 60, len(TRUNCATED)])
def test_half_an_answer_is_a_deny(cut: int) -> None:
    def answer(connection: socket.socket, said: bytes, number: int) -> bool:
        connection.sendall(TRUNCATED[:cut])
        return False

    with hostile(answer) as url:
        found = Client(url, "k", timeout=20).check(ATTEMPT)
    assert not found.allowed and found.reason in ("client.unreachable", "client.unreadable")


@pytest.mark.parametrize("step", [0, 1])
def test_a_service_that_is_slow_or_drips_is_a_deny_in_time(step: int) -> None:
    def answer(connection: socket.socket, said: bytes, number: int) -> bool:
        if not step:
            time.sleep(3)
        for place in range(0, len(TRUNCATED), step or len(TRUNCATED)):
            connection.sendall(TRUNCATED[place : place + step])
            time.sleep(0.1)
        return True

    with hostile(answer) as url:
        asked = Client(url, "k", timeout=0.5)
        assert asked.check(ATTEMPT).reason == "client.timeout"


def test_the_late_answer_to_one_attempt_is_never_taken_for_that_to_the_next() -> None:
    def answer(connection: socket.socket, said: bytes, number: int) -> bool:
        if number == 1:
            time.sleep(1)
        connection.sendall(whole({**ALLOW, "attempt_id": "a-1"} if number == 1 else {**DENY, "attempt_id": "a-2"}))
        return True

    with hostile(answer) as url:
        asked = Client(url, "k", timeout=0.5)
        assert asked.check(ATTEMPT).reason == "client.timeout"
        assert asked.check({**ATTEMPT, "id": "a-2"}).reason == "us.fcc.hours"


def test_two_answers_to_one_attempt_leave_the_next_with_its_own() -> None:
    with hostile(says(whole(ALLOW) * 2)) as url:
        asked = Client(url, "k", timeout=20)
        assert asked.check(ATTEMPT).allowed
        assert asked.check({**ATTEMPT, "id": "a-2"}).reason == "client.other"


def test_nobody_there_is_a_deny() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert Client(f"http://127.0.0.1:{port}", "k").check(ATTEMPT).reason == "client.unreachable"
    assert Client("http://nowhere.invalid", "k").check(ATTEMPT).reason == "client.unreachable"


def test_a_connection_that_was_closed_while_idle_is_opened_anew() -> None:
    def answer(connection: socket.socket, said: bytes, number: int) -> bool:
        connection.sendall(whole(ALLOW))
        return False

    with hostile(answer) as url:
        asked = Client(url, "k", timeout=20)
        for _ in range(3):
            assert asked.check(ATTEMPT).allowed
            time.sleep(0.05)


def test_an_answer_that_is_the_last_of_its_connection_is_read(now: list[int]) -> None:
    def answer(connection: socket.socket, said: bytes, number: int) -> bool:
        raw = whole(ALLOW, "200 OK", "application/json", "Connection: close")
        connection.sendall(raw[:-20])
        time.sleep(0.1)
        connection.sendall(raw[-20:])
        return False

    with hostile(answer) as url:
        asked = Client(url, "k", timeout=20)
        for _ in range(3):
            assert asked.check(ATTEMPT).allowed


@pytest.mark.parametrize("attempt", [{"at": object()}, {"x": float("nan")}, {1: 2, (3,): 4}, None, [], "x", {"to": "\udc80"}])
def test_what_cannot_be_sent_is_a_deny(attempt: object) -> None:
    with hostile(says(whole(ALLOW))) as url:
        answer = Client(url, "k", timeout=20).check(attempt)
    assert not answer.allowed and answer.reason in ("client.unsendable", "client.other")


@pytest.mark.parametrize(
    ("url", "key", "timeout"),
    [
        ("ftp://x", "k", 1),
        ("localhost:8080", "k", 1),
        ("http://", "k", 1),
        ("http://x?y", "k", 1),
        ("http://x", "a\nb", 1),
        ("http://x", "é", 1),
        ("http://x", "k", 0),
    ],
)
def test_what_cannot_be_a_client_is_told(url: str, key: str, timeout: float) -> None:
    with pytest.raises(ValueError):
        Client(url, key, timeout=timeout)


def test_against_the_service_itself(packs, tmp_path, now: list[int]) -> None:
    record, key = KeyFile(tmp_path).create(scopes=["check"])
    guard = Guard(no_store=True, packs=packs)
    guard.add_campaign(CAMPAIGN | {"purpose": "survey", "dialing": "manual"})
    with served(application(Service({"default": Desk("default", guard)}, Keys(tmp_path)))) as (host, port):
        asked = Client(f"http://{host}:{port}", key, timeout=20)
        known = {
            **ATTEMPT, "line_type": "landline", "contact": {"state": "FL", "zip": "33101", "kind": "business", "address_basis": "verified"},
            "dnc": {"national": False, "states": [], "internal": False}, "consent": {"level": "none"}, "relationship": {"kind": "none"},
            "history": {"last_24h": 0, "last_7d": 0, "last_30d": 0},
        }  # fmt: skip
        answer = asked.check(known)
        assert answer.allowed, answer
        del known["id"]
        assert asked.check(known).allowed
        now[0] = clock.parse_instant("2026-11-23T09:00:00Z")
        assert asked.check({**known, "campaign": "nobody"}).detail == "422 input.invalid"
        KeyFile(tmp_path).revoke(record.id)
        asked.close()
        end = time.monotonic() + 20
        while (detail := asked.check(known).detail) != "401 auth.revoked":
            assert time.monotonic() < end and detail is None
            time.sleep(0.05)


def test_a_service_whose_certificate_is_not_known_is_a_deny(tmp_path) -> None:
    from tests.service.test_run import certificate

    file, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)

        def run() -> None:
            for _ in range(2):
                try:
                    with context.wrap_socket(listening.accept()[0], server_side=True) as connection:
                        heard(connection)  # what is left unread would reset the connection
                        connection.sendall(whole(ALLOW))
                except OSError:
                    pass

        thread = threading.Thread(target=run)
        thread.start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        assert Client(url, "k", timeout=20).check(ATTEMPT).reason == "client.unreachable"
        assert Client(url, "k", timeout=20, tls=ssl.create_default_context(cafile=str(file))).check(ATTEMPT).allowed
        thread.join()


def test_a_fault_of_the_client_is_a_deny(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("+13055550100")

    monkeypatch.setattr(client_module, "HTTPConnection", broken)
    answer = Client("http://127.0.0.1:1", "k").check(ATTEMPT)
    assert (answer.reason, answer.detail) == ("client.fault", "RuntimeError")
