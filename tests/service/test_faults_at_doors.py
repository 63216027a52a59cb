"""What fails behind the doors that are no plain check: FastAGI, SIP and batches. At every port and stage it is the protocol's refusal, is
counted, and the next one is answered."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from dialguard.engine.decision import Decision
from dialguard.facts import clock
from dialguard.ledger.errors import LedgerError
from dialguard.service import agi, sip
from dialguard.service.app import application
from dialguard.service.config import Settings
from dialguard.service.desk import Desk
from dialguard.service.peers import Peers
from dialguard.service.routes import batch
from dialguard.service.service import Service
from dialguard.service.tenants import open_desk
from tests.service.asking import asked
from tests.service.conftest import Everybody
from tests.service.test_agi import EVER, LOCAL, Channel
from tests.service.test_agi import asked as agi_asked
from tests.service.test_faults_within import ERRORS, NUMBER, PLACES, SECRET, Broken, broken, counted
from tests.service.test_sip import header, message, sent, served, status

KINDS = {"lookup_unavailable", "rule_error", "audit_unavailable", "service.fault"}
NOON = clock.parse_instant("2026-11-17T12:00:00-06:00")
FAILURES = (*ERRORS, LedgerError(f"the record is locked by {NUMBER}"), TimeoutError(SECRET))
HERE = tuple(place for place in PLACES if place not in ("list", "start"))
"""Emergency calls, by which all is tried here, ask no list; a campaign that is registered was started."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory, packs) -> Iterator[Desk]:
    """One desk for all: each failure must leave it as it was."""
    made = open_desk(Settings(folder=tmp_path_factory.mktemp("doors")), "default", packs)
    made.guard.add_campaign(EVER)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


def by_agi(desk: Desk) -> tuple[bool, str]:
    """Whether it is an allow, and else the kind of the refusal."""
    found = agi_asked(desk, f"check?campaign=ever&to={NUMBER}").variables
    assert found["DIALGUARD_VERDICT"] in ("ALLOW", "DENY")
    return found["DIALGUARD_VERDICT"] == "ALLOW", found.get("DIALGUARD_REASON", "")


def by_sip(desk: Desk) -> tuple[bool, str]:
    (answer,) = sent(desk, message(uri=f"sip:{NUMBER}@127.0.0.1"))
    assert status(answer) in (302, 603, 503)
    return status(answer) == 302, header(answer, "X-DialGuard-Reason") or header(answer, "Reason") or ""


def rows(desk: Desk, media: str) -> list[tuple[bool, str]]:
    attempt = {"to": NUMBER, "campaign": "ever", "channel": "voice", "reserve": True}
    body = f"{json.dumps(attempt)}\n" * 3 if media == batch.NDJSON else f"to,campaign\n{NUMBER},ever\n"
    answer = asked(application(Service({"default": desk}, Everybody())), "POST", "/v1/check/batch", body.encode(), media=media)
    assert answer.status == 200
    if media == batch.CSV:
        table = list(csv.DictReader(io.StringIO(answer.body.decode())))
        return [(row["verdict"] == "allow", row["kind"] if row["status"] == "decided" else row["status"]) for row in table]
    found = []
    for line in map(json.loads, answer.body.splitlines()):
        if line["status"] == "problem":
            found.append((False, line["problem"]["code"]))
        else:
            reasons = line["decision"]["reasons"]
            found.append((line["decision"]["verdict"] == "allow", reasons[0]["kind"] if reasons else ""))
    return found


def by_ndjson(desk: Desk) -> tuple[bool, str]:
    found = rows(desk, batch.NDJSON)
    assert len(found) == 3 and len(set(found)) == 1
    return found[0]


def by_csv(desk: Desk) -> tuple[bool, str]:
    (found,) = rows(desk, batch.CSV)
    return found


DOORS = {"agi": by_agi, "sip": by_sip, "ndjson": by_ndjson, "csv": by_csv}
CODES = {"store.unavailable": "lookup_unavailable", "audit.unavailable": "audit_unavailable"}


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("door", "place"), [(door, place) for door in DOORS for place in HERE if (door, place) != ("csv", "store.together")])
def test_what_fails_is_refused_and_counted(desk: Desk, monkeypatch, caplog, door: str, place: str, error: Exception) -> None:
    ask = DOORS[door]
    allowed, kind = ask(desk)
    assert allowed, kind
    before = counted(desk)

    def fail(*_: object, **__: object):
        raise error

    with monkeypatch.context() as patch:
        holder, name, instead = broken(place, desk, fail)
        patch.setattr(holder, name, instead)
        allowed, kind = ask(desk)
    assert not allowed and any(each in CODES.get(kind, kind) for each in KINDS), kind
    assert "secret" not in caplog.text and NUMBER[1:] not in caplog.text and "5550147" not in caplog.text
    assert counted(desk) == before + (3 if door == "ndjson" else 1)
    assert ask(desk)[0]


# ----------------------------------------------------------------------------------------- behind the desk: answers that cannot be told


def untold(desk: Desk, door: str) -> int:
    return desk.metrics.untold[door]


@pytest.mark.parametrize("name", ["obligation_ids", "valid_until", "reasons"])
@pytest.mark.parametrize("door", DOORS)
def test_a_decision_that_cannot_be_told_is_a_refusal(desk: Desk, monkeypatch, caplog, door: str, name: str) -> None:
    def fail(self):
        raise Broken(SECRET)

    with monkeypatch.context() as patch:
        patch.setattr(Decision, name, property(fail))
        allowed, kind = DOORS[door](desk)
    used = {"agi": {"obligation_ids", "valid_until"}, "sip": {"valid_until"}, "ndjson": set(), "csv": {"obligation_ids", "valid_until"}}[door]
    # An allow has no reasons, and the row of a batch as NDJSON is what was recorded.
    assert (allowed, "service.fault" in kind) == ((False, True) if name in used else (True, False))
    assert "secret" not in caplog.text and NUMBER not in caplog.text
    assert DOORS[door](desk)[0]


def test_rows_that_cannot_be_written_are_counted_and_the_others_are_given(desk: Desk, monkeypatch) -> None:
    before, write = untold(desk, "batch"), batch._as_ndjson

    def fail(row: int, id_: str | None, answer: object) -> bytes:
        if row == 2 and not isinstance(answer, Exception):
            raise Broken(SECRET)
        return write(row, id_, answer)

    monkeypatch.setattr(batch, "_as_ndjson", fail)
    assert rows(desk, batch.NDJSON) == [(True, ""), (False, "service.fault"), (True, "")]
    assert untold(desk, "batch") == before + 1


@pytest.mark.parametrize("stage", ["read", "response"])
def test_a_sip_message_that_cannot_be_answered_goes_without_an_answer_and_the_next_has_one(desk: Desk, monkeypatch, caplog, stage: str) -> None:
    def fail(*_: object):
        raise Broken(SECRET)

    before = untold(desk, "sip")
    with monkeypatch.context() as patch:
        patch.setattr(*(sip.sip_message, "read") if stage == "read" else (sip.sip_message.Request, "response"), fail)
        assert sent(desk, message(), message()) == []  # the second time it is no retransmission of what is being decided
    assert untold(desk, "sip") == before + 2 and "Broken" in caplog.text and "secret" not in caplog.text
    assert [status(each) for each in sent(desk, message())] == [302]


def test_over_udp_a_fault_does_not_end_the_listener(desk: Desk, monkeypatch) -> None:
    read, failed = sip.sip_message.read, []

    def once(data: bytes):
        if not failed:
            failed.append(data)
            raise Broken(SECRET)
        return read(data)

    monkeypatch.setattr(sip.sip_message, "read", once)

    async def act(where: tuple[str, int]) -> None:
        answers: asyncio.Queue[bytes] = asyncio.Queue()

        class Client(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, _: object) -> None:
                answers.put_nowait(data)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Client, remote_addr=where)
        while not failed:
            transport.sendto(message())
            await asyncio.sleep(0.01)
        transport.sendto(message())
        assert (await answers.get()).startswith(b"SIP/2.0 302 ")
        transport.close()

    served(desk, Peers(LOCAL, 10), act)


# ----------------------------------------------------------------------------------------- who asks is slow, or goes away


def exchanges(desk: Desk, *acts: Callable[[Channel], Awaitable[None]]) -> list[Channel]:
    """Channels of one listener, one after the other."""

    async def run() -> list[Channel]:
        found = []
        async with AsyncExitStack() as stack, asyncio.timeout(60):
            server = await stack.enter_async_context(agi.listening(("127.0.0.1", 0), Peers(LOCAL, 1), "default", False)(Service({"default": desk}, None)))
            for act in acts:
                channel = Channel(*await asyncio.open_connection(*server.sockets[0].getsockname()))
                await act(channel)
                channel.writer.close()
                found.append(channel)
        return found

    return asyncio.run(run())


async def whole(channel: Channel) -> None:
    channel.environment(f"agi://127.0.0.1:4573/check?campaign=ever&to={NUMBER}")
    while await channel.answer() is not None:
        pass


@pytest.mark.parametrize(
    ("goes", "answered"), [*((True, answered) for answered in range(9)), *((False, answered) for answered in (0, 1, 8))],
    ids=lambda each: {True: "goes", False: "stays silent"}[each] if isinstance(each, bool) else None,
)  # fmt: skip
def test_a_channel_that_stops_in_the_middle_was_never_allowed_and_holds_up_nobody(desk: Desk, monkeypatch, goes: bool, answered: int) -> None:
    """With one connection at a time the next is answered only once the first was given up."""
    before = untold(desk, "agi")

    async def stop(channel: Channel) -> None:
        channel.environment(f"agi://127.0.0.1:4573/check?campaign=ever&to={NUMBER}")
        for _ in range(answered):
            await channel.answer()
        if goes:
            channel.writer.close()
        while untold(desk, "agi") == before:
            await asyncio.sleep(0.01)
        monkeypatch.setattr(agi, "LIMIT", 60.0)  # the next one has time

    monkeypatch.setattr(agi, "LIMIT", 60.0 if goes else 1.0)
    first, second = exchanges(desk, stop, whole)
    assert first.variables.get("DIALGUARD_VERDICT", "DENY") == "DENY" and second.variables["DIALGUARD_VERDICT"] == "ALLOW"
    assert untold(desk, "agi") == before + 1


def test_a_sip_client_that_goes_before_its_answer_harms_nobody(desk: Desk) -> None:
    async def act(where: tuple[str, int]) -> None:
        for _ in range(5):
            _, writer = await asyncio.open_connection(*where)
            writer.write(message())
            writer.transport.abort()
        reader, writer = await asyncio.open_connection(*where)
        writer.write(message(branch="z9hG4bKlast"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 302 ")
        writer.close()

    served(desk, Peers(LOCAL, 10), act)


def test_a_sip_decision_that_takes_too_long_is_503_and_the_next_is_answered(desk: Desk, monkeypatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    with monkeypatch.context() as patch:
        patch.setattr(sip, "LIMIT", 0.05)
        patch.setattr(type(desk), "ask", never)
        (answer,) = sent(desk, message())
    assert (status(answer), header(answer, "X-DialGuard-Reason"), header(answer, "Contact")) == (503, "service.fault", None)
    assert by_sip(desk)[0]


def test_an_agi_decision_that_takes_too_long_leaves_a_denial(desk: Desk, monkeypatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    with monkeypatch.context() as patch:
        patch.setattr(agi, "LIMIT", 0.1)
        patch.setattr(type(desk), "ask", never)
        (channel,) = exchanges(desk, whole)
    assert channel.variables == {"DIALGUARD_VERDICT": "DENY"}
    assert by_agi(desk)[0]


def test_a_batch_whose_sender_or_taker_goes_leaves_the_desk_as_it_was(desk: Desk) -> None:
    row = json.dumps({"to": NUMBER, "campaign": "ever", "channel": "voice"}).encode() + b"\n"
    scope = {"type": "http", "method": "POST", "path": "/v1/check/batch", "query_string": b"", "headers": [(b"content-type", batch.NDJSON.encode())], "client": None}  # fmt: skip

    async def run(taken: int | None) -> None:
        app = application(Service({"default": desk}, Everybody()))
        coming = [{"type": "http.request", "body": row * batch.SLICE, "more_body": True}] * 3

        async def receive() -> dict[str, object]:
            return coming.pop() if coming else {"type": "http.disconnect"}

        async def send(message: object) -> None:
            nonlocal taken
            if taken is not None:
                taken -= 1
                if taken < 0:
                    raise OSError("the client went away")

        try:
            await app(scope, receive, send)
        except OSError:
            assert taken is not None

    before = counted(desk)
    asyncio.run(run(None))
    assert counted(desk) == before + 3 * batch.SLICE
    asyncio.run(run(2))
    assert by_ndjson(desk)[0]
