"""FastAGI: what is set on a channel for each question, and what stays on it when anything breaks."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.model.records import LookUpFailed
from dialguard.service import agi
from dialguard.service.desk import Desk
from dialguard.service.peers import Peers
from dialguard.service.service import Service
from tests.service.conftest import EVER, NOON

LOCAL = ("127.0.0.0/8",)


class Channel:
    """A channel of Asterisk: sends the environment as Asterisk 16 does, keeps the variables that are set on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.variables: dict[str, str] = {}
        self.order: list[str] = []

    def environment(self, request: str) -> None:
        path = request.partition("://")[2].partition("/")[2]
        lines = ["agi_network: yes", f"agi_network_script: {path}", f"agi_request: {request}", "agi_channel: Local/9@x-00000000;2", "agi_language: en",
                 "agi_type: Local", "agi_uniqueid: 1795343496.1", "agi_version: 16.28.0", "agi_callerid: unknown", "agi_calleridname: unknown",
                 "agi_callingpres: 0", "agi_callingani2: 0", "agi_callington: 0", "agi_callingtns: 0", "agi_dnid: unknown", "agi_rdnis: unknown",
                 "agi_context: x", "agi_extension: 9", "agi_priority: 2", "agi_enhanced: 0.0", "agi_accountcode: ", "agi_threadid: 1", "", ""]  # fmt: skip
        self.writer.write("\n".join(lines).encode())

    async def answer(self, reply: str = "200 result=1") -> str | None:
        """Takes one command and answers it; None at the end."""
        line = (await self.reader.readline()).decode()
        if not line:
            return None
        if reply.startswith("200"):
            name, value = re.fullmatch(r'SET VARIABLE (DIALGUARD_\w+) "((?:[^"\\]|\\.)*)"\n', line).groups()
            self.variables[name] = re.sub(r"\\(.)", r"\1", value)
            self.order.append(name)
        self.writer.write(f"{reply}\n".encode())
        return line


    async def rest(self) -> bytes:
        """What comes until the connection is closed; a reset closes it as well, with something unread."""
        found = b""
        try:
            while more := await self.reader.read(1000):
                found += more
        except ConnectionResetError:
            pass
        return found


async def within(desk: Desk | None, peers: Peers, act: Callable[[Channel], Awaitable[None]]) -> Channel:
    """The channel after ``act``, with FastAGI served meanwhile."""
    service = Service({} if desk is None else {"default": desk}, None)
    async with AsyncExitStack() as stack, asyncio.timeout(60):
        server = await stack.enter_async_context(agi.listening(("127.0.0.1", 0), peers, "default", False)(service))
        channel = Channel(*await asyncio.open_connection(*server.sockets[0].getsockname()))
        try:
            await act(channel)
        finally:
            channel.writer.close()
        return channel


def asked(desk: Desk | None, request: str) -> Channel:
    """The channel of a whole exchange."""

    async def act(channel: Channel) -> None:
        channel.environment(f"agi://127.0.0.1:4573/{request}")
        while await channel.answer() is not None:
            pass

    return asyncio.run(within(desk, Peers(LOCAL, 10), act))


ALL = {f"DIALGUARD_{name}" for name in ("VERDICT", "REASON", "RULE", "DETAIL", "DECISION", "RETRY_AT", "VALID_UNTIL", "OBLIGATIONS")}


def test_an_allow_is_set_last_and_a_denial_first(desk: Desk) -> None:
    channel = asked(desk, "check?campaign=ever&to=+15125550123&from=2125550100&ref=V1122103136000000123")
    assert set(channel.variables) == ALL
    assert channel.order[0] == channel.order[-1] == "DIALGUARD_VERDICT" and channel.order.count("DIALGUARD_VERDICT") == 2
    assert (channel.variables["DIALGUARD_VERDICT"], channel.variables["DIALGUARD_REASON"]) == ("ALLOW", "")
    assert channel.variables["DIALGUARD_DECISION"].startswith("d-")


def test_a_denial_says_why(desk: Desk) -> None:
    channel = asked(desk, "check?campaign=sales&to=5125550123&from=")
    found = channel.variables
    assert set(found) == ALL and channel.order.count("DIALGUARD_VERDICT") == 1
    assert (found["DIALGUARD_VERDICT"], found["DIALGUARD_REASON"]) == ("DENY", "unknown_fact")
    assert found["DIALGUARD_RULE"] == "us.fcc.dnc.national"
    assert "us.tsr.dnc.no-interference" in found["DIALGUARD_OBLIGATIONS"].split(",")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ("check?campaign=ever", "to: "), ("check?campaign=ever&to=", "to: "), ("check?to=5125550123", "campaign: "), ("check", "query: "),
        ("check?campaign=nobody&to=5125550123", "campaign: "), ("check?campaign=ever&to=5125550123&to=5125550124", "to: "),
        ("check?campaign=ever&to=5125550123&nonsense=1", "nonsense: "), ("check?campaign=ever&to=5125550123&at=2026-01-01", "at: "),
        ("check?campaign=ever&to=%FF", "to: "), ("check?campaign=ever&to=5125550123&channel=pigeon", "channel: "), ("", "path: "),
        ("else?campaign=ever&to=5125550123", "path: "), ("check/?campaign=ever&to=5125550123", "path: "),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_denied_and_the_mistake_named(desk: Desk, request_: str, field: str) -> None:
    found = asked(desk, request_).variables
    assert set(found) == ALL
    assert (found["DIALGUARD_VERDICT"], found["DIALGUARD_REASON"]) == ("DENY", "invalid_input")
    assert found["DIALGUARD_DETAIL"].startswith(field)


@pytest.fixture
def recording(packs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk with a record."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    guard = Guard(tmp_path, packs=packs)
    guard.add_campaign(EVER)
    return Desk("default", guard)


def attempts(desk: Desk) -> list[tuple[str, str | None]]:
    held = desk.guard.store.look_up(seller="Acme", number="+15125550123", at=clock.now())
    return [(each.channel, each.outcome) for each in held.attempts]


def test_what_came_of_a_call_is_recorded_once(recording: Desk) -> None:
    of = "campaign=ever&to=15125550123"
    decided = asked(recording, f"check?{of}&ref=1795343496.7").variables["DIALGUARD_DECISION"]
    for _ in range(2):
        found = asked(recording, f"outcome?decision={decided}&dialstatus=NOANSWER&ref=1795343496.7&{of}").variables
        assert found == {"DIALGUARD_OUTCOME": "no_answer", "DIALGUARD_REASON": "", "DIALGUARD_DETAIL": ""}
    assert attempts(recording) == [("voice", "no_answer")]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("ANSWER", "answered"), ("BUSY", "busy"), ("NOANSWER", "no_answer"), ("CANCEL", "placed"), ("CONGESTION", "placed"), ("CHANUNAVAIL", "placed"),
     ("TORTURE", "placed"), ("INVALIDARGS", "not_placed"), ("DONTCALL", "not_placed")],
)  # fmt: skip
def test_what_dial_says_is_an_outcome(recording: Desk, status: str, outcome: str) -> None:
    found = asked(recording, f"outcome?decision=d-1&dialstatus={status}&campaign=ever&to=15125550123").variables
    assert found["DIALGUARD_OUTCOME"] == outcome
    assert len(attempts(recording)) == (outcome != "not_placed")


@pytest.mark.parametrize("query", ["", "decision=d-1", "decision=d-1&outcome=vanished&campaign=ever&to=15125550123", "decision=d-1&outcome=placed",
                                   "decision=d-1&outcome=placed&campaign=nobody&to=15125550123", "decision=d-1&outcome=placed&campaign=ever&to=1"])  # fmt: skip
def test_an_outcome_that_is_not_one_is_not_recorded(recording: Desk, query: str) -> None:
    found = asked(recording, f"outcome?{query}").variables
    assert (found["DIALGUARD_OUTCOME"], found["DIALGUARD_REASON"]) == ("", "invalid_input") and found["DIALGUARD_DETAIL"]
    assert attempts(recording) == []


def test_every_failure_is_a_denial_with_its_own_kind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    question = "check?campaign=ever&to=5125550123"
    assert asked(None, question).variables["DIALGUARD_REASON"] == "service.not_ready"
    for error, kind in ((LookUpFailed("no answer"), "lookup_unavailable"), (RuntimeError('a "text"\nof 5125550123'), "service.fault")):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(desk, "ask", fail)
        found = asked(desk, question).variables
        assert (found["DIALGUARD_VERDICT"], found["DIALGUARD_REASON"]) == ("DENY", kind)
        assert "512" not in found["DIALGUARD_DETAIL"]


def test_a_verdict_is_a_denial_until_everything_else_is_set(desk: Desk) -> None:
    """The channel answers some commands and then says no, or is gone: it never holds an ALLOW."""

    async def breaks(channel: Channel, after: int, reply: str | None) -> None:
        channel.environment("agi://127.0.0.1/check?campaign=ever&to=5125550123")
        for _ in range(after):
            await channel.answer()
        if reply is not None:
            await channel.answer(reply)
            assert await channel.rest() == b""

    for reply in (None, "510 Invalid or unknown command", "511 Command Not Permitted on a dead channel or intercept routine",
                  "520-Invalid command syntax.  Proper usage follows:", "200 result=0", "nonsense"):  # fmt: skip
        for after in range(8):
            channel = asyncio.run(within(desk, Peers(LOCAL, 10), lambda channel, after=after, reply=reply: breaks(channel, after, reply)))
            assert channel.variables.get("DIALGUARD_VERDICT", "DENY") == "DENY"


def test_a_hang_up_is_told_before_an_answer(desk: Desk) -> None:
    async def act(channel: Channel) -> None:
        channel.environment("agi://127.0.0.1/check?campaign=ever&to=5125550123")
        channel.writer.write(b"HANGUP\n")
        while await channel.answer() is not None:
            pass

    assert asyncio.run(within(desk, Peers(LOCAL, 10), act)).variables["DIALGUARD_VERDICT"] == "ALLOW"


@pytest.mark.parametrize(
    "sent", [b"", b"\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"agi_request: " + b"x" * 5000 + b"\n\n", b"x: y\n" * 101 + b"\n", b"\xff\xfe\n\n", b"agi_network"]
)  # fmt: skip
def test_what_is_no_environment_is_not_answered(desk: Desk, sent: bytes) -> None:
    async def act(channel: Channel) -> None:
        channel.writer.write(sent)
        if not sent or not sent.endswith(b"\n"):
            channel.writer.write_eof()
        assert await channel.rest() == b""

    assert asyncio.run(within(desk, Peers(LOCAL, 10), act)).variables == {}


def test_an_exchange_that_takes_too_long_is_broken_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agi, "LIMIT", 0.05)

    async def silent(channel: Channel) -> None:
        channel.writer.write(b"agi_network: yes\n")
        assert await channel.rest() == b""

    async def slow(channel: Channel) -> None:
        channel.environment("agi://127.0.0.1/check?campaign=ever&to=5125550123")
        assert b"ALLOW" not in await channel.rest()

    for act in (silent, slow):
        assert asyncio.run(within(desk, Peers(LOCAL, 10), act)).variables.get("DIALGUARD_VERDICT", "DENY") == "DENY"


def test_who_is_not_a_peer_or_one_too_many_is_not_answered(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    async def act(channel: Channel) -> None:
        channel.environment("agi://127.0.0.1/check?campaign=ever&to=5125550123")
        assert await channel.rest() == b""

    asyncio.run(within(desk, Peers(["10.0.0.0/8"], 10), act))
    assert "127.0.0.1 is not among the peers" in caplog.text
    asyncio.run(within(desk, Peers(LOCAL, 0), act))


def test_duties_that_are_longer_than_a_command_go_on_in_a_second_variable() -> None:
    codes = [f"us.rule.{number:04}" for number in range(300)]
    parts = list(agi._parts("OBLIGATIONS", codes))
    assert [name for name, _ in parts] == ["OBLIGATIONS", "OBLIGATIONS_2", "OBLIGATIONS_3"]
    assert ",".join(part for _, part in parts).split(",") == codes and max(len(part) for _, part in parts) <= 1800
    assert list(agi._parts("OBLIGATIONS", [])) == [("OBLIGATIONS", "")]
