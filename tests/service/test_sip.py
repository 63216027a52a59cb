"""The redirect server: what each message is answered, by real sockets where they matter."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from dialguard.model.records import LookUpFailed
from dialguard.service import sip
from dialguard.service.desk import Desk
from dialguard.service.peers import Peers
from dialguard.service.problem import Problem
from dialguard.service.service import Service
from dialguard.service.sip_message import Malformed, Request, address, number_of, parameter, read, user_of

SOURCE = ("127.0.0.1", 40000)


def message(method: str = "INVITE", uri: str = "sip:+15125550123@127.0.0.1", branch: str = "z9hG4bK1", more: str = "", to: str = "<sip:x@y>", **other: str) -> bytes:
    headers = {"Via": f"SIP/2.0/UDP 127.0.0.1:5071;branch={branch};rport", "From": "<sip:2125550100@h>;tag=f", "To": to, "Call-ID": "a@b", "CSeq": f"7 {method}"}
    headers |= {name.replace("_", "-"): value for name, value in other.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
    return f"{method} {uri} SIP/2.0\r\n{lines}{more}Content-Length: 0\r\n\r\n".encode()


def sent(desk: Desk | None, *messages: bytes, campaign: str | None = "ever") -> list[str]:
    """What the server sends for messages that come one after the other."""
    found: list[str] = []

    async def act() -> None:
        redirect = sip.Redirect(sip.Listener(Service({} if desk is None else {"default": desk}, None), "default", "next.example:5080", campaign))
        for each in messages:
            redirect.take(each, SOURCE, lambda data: found.append(data.decode()))
            while redirect._tasks:
                await asyncio.sleep(0.001)

    asyncio.run(act())
    return found


def status(answer: str) -> int:
    return int(answer.split(" ")[1])


def header(answer: str, name: str) -> str | None:
    return next((line.partition(":")[2].strip() for line in answer.split("\r\n") if line.lower().startswith(f"{name.lower()}:")), None)


def test_an_allowed_call_is_sent_on_to_the_next_hop(desk: Desk) -> None:
    (answer,) = sent(desk, message())
    assert answer.startswith("SIP/2.0 302 Moved Temporarily\r\n")
    assert header(answer, "Contact") == "<sip:+15125550123@next.example:5080>"
    assert header(answer, "Via") == "SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK1;rport=40000;received=127.0.0.1"
    assert (header(answer, "Call-ID"), header(answer, "CSeq"), header(answer, "From")) == ("a@b", "7 INVITE", "<sip:2125550100@h>;tag=f")
    assert header(answer, "To").startswith("<sip:x@y>;tag=") and header(answer, "X-DialGuard-Decision").startswith("d-")
    assert answer.endswith("Content-Length: 0\r\n\r\n")


def test_a_denied_call_is_declined_with_the_reason(desk: Desk) -> None:
    (answer,) = sent(desk, message(more="X-DialGuard-Campaign: sales\r\n"))
    assert answer.startswith("SIP/2.0 603 Decline\r\n") and header(answer, "Contact") is None
    assert header(answer, "Reason") == 'Q.850;cause=21;text="unknown_fact us.fcc.dnc.national"'
    assert (header(answer, "X-DialGuard-Reason"), header(answer, "X-DialGuard-Rule")) == ("unknown_fact", "us.fcc.dnc.national")


@pytest.mark.parametrize(
    ("made", "campaign", "found"),
    [
        (message(uri="sip:+15125550123@h;campaign=sales"), "ever", 603), (message(uri="sip:+15125550123@h;campaign=ever"), "sales", 302),
        (message(uri="sip:+15125550123@h;campaign=sales", more="X-DialGuard-Campaign: ever\r\n"), None, 302), (message(), None, 400),
        (message(more="X-DialGuard-Campaign: nobody\r\n"), "ever", 400),
        (message(more="X-DialGuard-Campaign: ever\r\nX-DialGuard-Campaign: sales\r\n"), "ever", 400),
    ],
)  # fmt: skip
def test_the_campaign_is_that_of_the_header_else_of_the_uri_else_of_the_listener(desk: Desk, made: bytes, campaign: str | None, found: int) -> None:
    assert [status(each) for each in sent(desk, made, campaign=campaign)] == [found]


def test_no_failure_sends_a_call_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [status(each) for each in sent(None, message())] == [503]
    for error in (LookUpFailed("x"), RuntimeError("+15125550123"), Problem("limit.load"), Problem("audit.unavailable"), TimeoutError()):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(desk, "ask", fail)
        (answer,) = sent(desk, message())
        assert status(answer) == 503 and "512555" not in answer

    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(sip, "LIMIT", 0.01)
    monkeypatch.setattr(desk, "ask", never)
    assert [status(each) for each in sent(desk, message())] == [503]


def test_a_retransmission_is_answered_as_the_first_and_decided_once(desk: Desk) -> None:
    first, again, other = sent(desk, message(), message(), message(branch="z9hG4bK2"))
    assert first == again and header(first, "X-DialGuard-Decision") != header(other, "X-DialGuard-Decision")
    old = message(branch="1")
    first, again = sent(desk, old, old)
    assert first == again


def test_the_other_methods(desk: Desk) -> None:
    assert sent(desk, message("ACK")) == []
    (options,) = sent(desk, message("OPTIONS"))
    assert (status(options), header(options, "Allow")) == (200, "INVITE, ACK, CANCEL, OPTIONS")
    assert [status(sent(desk, message(method))[0]) for method in ("BYE", "REGISTER", "NEW", "invite")] == [405, 405, 501, 501]
    assert [status(each) for each in sent(desk, message("CANCEL"))] == [481]
    assert [status(each) for each in sent(desk, message(), message("CANCEL"))] == [302, 200]


def test_a_cancel_before_the_decision_ends_the_call(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act() -> list[bytes]:
        go, found, ask = asyncio.Event(), [], desk.ask

        async def slow(*given: object) -> object:
            await go.wait()
            return await ask(*given)

        monkeypatch.setattr(desk, "ask", slow)
        redirect = sip.Redirect(sip.Listener(Service({"default": desk}, None), "default", "n", "ever"))
        for each in (message(), message(), message("CANCEL")):
            redirect.take(each, SOURCE, found.append)
            await asyncio.sleep(0)
        go.set()
        while redirect._tasks:
            await asyncio.sleep(0.001)
        redirect.take(message(), SOURCE, found.append)
        return found

    assert [status(each.decode()) for each in asyncio.run(act())] == [200, 487, 487]


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (message(To=""), [400]), (message(CSeq="7 BYE"), [400]), (message(CSeq="x INVITE"), [400]), (message(Call_ID=""), [400]),
        (message(more="nonsense\r\n"), [400]), (message(more="From: <sip:1@h>\r\n"), [400]), (message().replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"), [505]),
        (message(more="Require: gruu\r\n"), [420]), (message(to="<sip:x@y>;tag=1"), [481]), (message(uri="mailto:a@b"), [400]),
        (message(uri="sip:127.0.0.1"), [400]), (message(uri="sip:%FF@h"), [400]), (message(uri="sip:%zz@h"), [400]), (message(uri="sip:a>b@h"), [400]),
        (message(uri="tel:5550123;phone-context=example.com"), [400]), (message(uri="sip:alice@h"), [603]), (message(uri="sip:%0d%0aX:@h"), [603]),
        (message(Via=""), []), (message(Via="nonsense"), []), (b"", []), (b"\r\n\r\n", []), (b"\x00" * 1000, []), (b"SIP/2.0 200 OK\r\n\r\n", []),
        (b"INVITE\r\n\r\n", []), (message("ACK", CSeq="7 BYE"), []), (message()[:-4], [400]), (message(more="a: b\r\n" * 300), [400]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_answered_so_or_not_at_all(desk: Desk, made: bytes, found: list[int]) -> None:
    assert [status(each) for each in sent(desk, made)] == found


def test_no_answer_has_a_line_that_the_caller_made(desk: Desk) -> None:
    for made in (message(uri="sip:1%0d%0aX-Evil:1@h"), message(more="X-DialGuard-Campaign: a%0d%0ab\r\n"), message(From="<sip:1@h>;tag=\rX-Evil: 1")):
        assert all("\nX-Evil" not in each for each in sent(desk, made))


def test_folded_lines_and_compact_forms_are_read(desk: Desk) -> None:
    made = b"INVITE sip:+15125550123@h SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK9\r\n ;rport,\r\n\tSIP/2.0/TCP g;branch=z9hG4bK8\r\nf: sip:1@h;tag=1\r\nt: sip:2@h\r\ni: c\r\nCSEQ: 1 INVITE\r\n\r\n"
    (answer,) = sent(desk, made)
    assert (status(answer), header(answer, "Via")) == (302, "SIP/2.0/UDP h;branch=z9hG4bK9;rport=40000;received=127.0.0.1, SIP/2.0/TCP g;branch=z9hG4bK8")


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:+15125550123@h", "+15125550123"), ("sips:15125550123@h:5061", "15125550123"), ("SIP:512-555-0123@h;user=phone", "5125550123"),
        ("sip:%2B1(512)555.0123:secret@h", "+15125550123"), ("tel:+1-512-555-0123", "+15125550123"), ("tel:512-555-0123;phone-context=+1", "+15125550123"),
        ("sip:5125550123;phone-context=%2B1@h;user=phone", "+15125550123"), ("tel:+15125550123;npdi;rn=+15125550000", "+15125550123"),
        ("sip:15125550123;phone-context=+1@h", "+15125550123"), ("sip:alice@h", "alice"),
    ],
)  # fmt: skip
def test_numbers_of_uris(uri: str, number: str) -> None:
    assert number_of(user_of(uri)[0]) == number


@pytest.mark.parametrize("uri", ["tel:5550123;phone-context=+1-512", "tel:911;phone-context=+1", "tel:5125550123;phone-context=+44", "sip:@h", "sip:h", "http://h", "", "tel:"])
def test_what_is_no_number_of_a_uri(uri: str) -> None:
    with pytest.raises(Malformed):
        number_of(user_of(uri)[0])


def test_addresses_and_parameters() -> None:
    assert address('"A, <B\\" >" <sip:1@h;x=1>;tag=2, <sip:3@h>') == "sip:1@h;x=1"
    assert address("sip:1@h;tag=2") == "sip:1@h"
    assert [parameter('"a;tag=0" <sip:1@h;tag=3>;x="q;tag=4";TAG=2', name) for name in ("tag", "x", "y")] == ["2", '"q;tag=4"', None]


def test_who_calls_is_what_the_network_asserts() -> None:
    asserted = '"Acme" <sip:+12125550199@carrier;user=phone>, <tel:+12125550198>'
    for more, caller in (("", "2125550100"), (f"P-Asserted-Identity: {asserted}\r\n", "+12125550199"), ("P-Asserted-Identity: <sip:anonymous@h>\r\n", "2125550100")):
        assert sip._caller(read(message(more=more))) == caller
    assert sip._caller(read(message(From='"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'))) is None


def test_answers_are_kept_for_a_while_and_no_more_than_so_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip, "MOST", 2)
    answers = sent(desk, *(message(branch=f"z9hG4bK{branch}") for branch in "1231"))
    assert len({header(each, "X-DialGuard-Decision") for each in answers}) == 4
    monkeypatch.setattr(sip, "KEPT", -1.0)
    assert len({header(each, "X-DialGuard-Decision") for each in sent(desk, message(), message())}) == 2


def served(desk: Desk, peers: Peers, act: Callable[[tuple[str, int]], Awaitable[None]]) -> None:
    async def serve() -> None:
        part = sip.listening(("127.0.0.1", 0), peers, "default", False, "next.example", "ever")
        async with part(Service({"default": desk}, None)) as found, asyncio.timeout(60):
            await act(found)

    asyncio.run(serve())


def test_many_calls_on_one_tcp_connection(desk: Desk) -> None:
    async def act(where: tuple[str, int]) -> None:
        reader, writer = await asyncio.open_connection(*where)
        body = message(branch="z9hG4bKb").replace(b"Content-Length: 0", b"Content-Length: 5") + b"v=0\r\n"
        writer.write(b"\r\n\r\n" + body + message(branch="z9hG4bK2") + message("OPTIONS", branch="z9hG4bK3"))
        assert await reader.readexactly(2) == b"\r\n"
        found = sorted([(await reader.readuntil(b"\r\n\r\n")).split(b" ")[1] for _ in range(3)])
        assert found == [b"200", b"302", b"302"]
        writer.write(b"INVITE sip:1@h SIP/2.0\r\nVia: x\r\n\r\n")  # without a length nobody knows where it ends
        assert await reader.read() == b""
        writer.close()

    served(desk, Peers(["127.0.0.1"], 10), act)


def test_who_is_not_a_peer_is_not_answered(desk: Desk) -> None:
    async def act(where: tuple[str, int]) -> None:
        reader, writer = await asyncio.open_connection(*where)
        writer.write(message())
        try:
            assert await reader.read() == b""
        except ConnectionResetError:
            pass
        writer.close()

    served(desk, Peers(["10.0.0.0/8"], 10), act)


def test_a_request_is_what_was_read() -> None:
    assert read(message()) == Request("INVITE", "sip:+15125550123@127.0.0.1", (
        ("via", "SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK1;rport"), ("from", "<sip:2125550100@h>;tag=f"), ("to", "<sip:x@y>"), ("call-id", "a@b"),
        ("cseq", "7 INVITE"), ("content-length", "0"),
    ))  # fmt: skip


@pytest.mark.parametrize("value", ["<" * 60_000, '"' * 60_000, '"\\' * 30_000, "<sip:x@y" * 8_000, '"a" <sip:1@h' + ";x" * 30_000, "," * 60_000])
def test_a_header_made_to_be_slow_is_read_in_one_pass(desk: Desk, value: str) -> None:
    """Quadratic, each of these would take most of a minute and hold up every other call."""
    for made in (message(From=value), message(more=f"P-Asserted-Identity: {value}\r\n"), message(to=value), message(Via=f"SIP/2.0/UDP h;branch=z9hG4bK1;{value}")):
        assert [status(each) for each in sent(desk, made)] in ([302], [400], [481])
