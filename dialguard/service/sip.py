"""A SIP redirect server over UDP and TCP: an INVITE is answered 302 to go on, 603 to refuse, 503 where nothing was decided.

It keeps no state but the answers of the last seconds, so that a retransmission is answered as the first was (RFC 3261, 8.2.7); answers
are not repeated by themselves: a client sends an INVITE again until it has one.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from dialguard.engine.decision import Decision
from dialguard.service import sip_message
from dialguard.service.desk import Ask
from dialguard.service.peers import Peers, refusal
from dialguard.service.problem import where
from dialguard.service.service import Service
from dialguard.service.sip_message import Malformed, Request

LIMIT = 4.0
"""Seconds that a decision may take."""
KEPT, MOST = 32.0, 20_000
"""Seconds (64 times T1) that an answer is kept for retransmissions, and how many."""
_IDLE = 60.0
_ALLOW = ("Allow", "INVITE, ACK, CANCEL, OPTIONS")
_KNOWN = {"BYE", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER", "MESSAGE", "UPDATE"}
_LOG = logging.getLogger("dialguard.service")
Headers = tuple[tuple[str, str], ...]
Send = Callable[[bytes], None]


@dataclass(frozen=True)
class Listener:
    """Whom a listener serves, and how; see ``listening``."""

    service: Service
    tenant: str
    next_hop: str
    campaign: str | None = None


class Redirect:
    """Answers messages; ``send`` gets what is to be sent back."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._answers: OrderedDict[tuple[str, ...], tuple[float, bytes | None, Request]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, data: bytes, source: tuple[str, int], send: Send) -> None:
        """Takes one message from a peer. Where that fails, this one alone goes without an answer."""
        try:
            self._take(data, source, send)
        except Exception as error:
            self._fault(error)

    def _take(self, data: bytes, source: tuple[str, int], send: Send) -> None:
        try:
            request = sip_message.read(data)
        except Malformed as error:
            if error.request is not None and error.request.method != "ACK":
                send(error.request.response(error.status, _tag(), (_warning(str(error)),), source))
            return
        if request is None or request.method == "ACK":
            return
        self._forget()
        if request.method == "CANCEL":
            self._cancel(request, source, send)
        elif request.transaction in self._answers:
            answered = self._answers[request.transaction][1]
            if answered is not None:  # else the first is being decided
                send(answered)
        elif request.method == "INVITE":
            self._answers[request.transaction] = time.monotonic(), None, request
            task = asyncio.create_task(self._invite(request, source, send))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif request.method == "OPTIONS":
            self._answer(request, 200, (_ALLOW, ("Accept", "application/sdp")), source, send)
        else:
            self._answer(request, 405 if request.method in _KNOWN else 501, (_ALLOW,), source, send)

    async def _invite(self, request: Request, source: tuple[str, int], send: Send) -> None:
        try:
            async with asyncio.timeout(LIMIT):
                status, headers = await _decided(self._listener, request)
        except Malformed as error:
            status, headers = 400, (_warning(str(error)),)
        except Exception as error:
            kind, text, code = refusal(error)
            status = 400 if kind == "invalid_input" else 503
            headers = (("X-DialGuard-Reason", kind), _warning(text), *((("Retry-After", "1"),) if status == 503 and code == 503 else ()))
        if self._answers.get(request.transaction, (0, b""))[1] is None:  # else it was cancelled meanwhile
            try:
                self._answer(request, status, headers, source, send)
            except Exception as error:
                self._fault(error)
                self._answers.pop(request.transaction, None)  # whoever sends it again is answered anew

    def _fault(self, error: Exception) -> None:
        self._listener.service.untold(self._listener.tenant, "sip")
        _LOG.error("SIP: fault: %s at %s; there is no answer", type(error).__name__, where(error))

    def _cancel(self, request: Request, source: tuple[str, int], send: Send) -> None:
        """What was answered already cannot be called back (RFC 3261, 9.2)."""
        kept = self._answers.get(request.transaction)
        send(request.response(481 if kept is None else 200, _tag(), (), source))
        if kept is not None and kept[1] is None:
            self._answer(kept[2], 487, (), source, send)

    def _answer(self, request: Request, status: int, headers: Headers, source: tuple[str, int], send: Send) -> None:
        sent = request.response(status, _tag(), headers, source)
        self._answers[request.transaction] = time.monotonic(), sent, request
        self._answers.move_to_end(request.transaction)
        send(sent)

    def _forget(self) -> None:
        old = time.monotonic() - KEPT
        while self._answers and (len(self._answers) >= MOST or next(iter(self._answers.values()))[0] < old):
            self._answers.popitem(last=False)


async def _decided(listener: Listener, request: Request) -> tuple[int, Headers]:
    """Status and headers for an INVITE. Raises Malformed, and what a desk raises."""
    if sip_message.parameter(request.get("to") or "", "tag") is not None:
        return 481, ()
    if request.get("require"):
        return 420, (("Unsupported", request.get("require") or ""),)
    if sum(name == "x-dialguard-campaign" for name, _ in request.headers) > 1:
        raise Malformed("expected one X-DialGuard-Campaign")
    user, parameters = sip_message.user_of(request.uri)
    attempt = {"channel": "voice", "to": sip_message.number_of(user), "id": request.get("call-id")}
    campaign = request.get("x-dialguard-campaign") or parameters.get("campaign") or listener.campaign
    if campaign:
        attempt["campaign"] = campaign
    caller = _caller(request)
    if caller:
        attempt["from"] = caller
    decision = await listener.service.desk(listener.tenant).ask(Ask(attempt, "sip", None, True))
    return _told(decision, f"<sip:{user}@{listener.next_hop}>")


def _caller(request: Request) -> str | None:
    """The calling number, where there is one: as the network asserts it, else as the caller says (RFC 3325)."""
    for name in ("p-asserted-identity", "from"):
        try:
            number = sip_message.number_of(sip_message.user_of(sip_message.address(request.get(name) or ""))[0])
        except Malformed:
            continue
        if re.fullmatch(r"\+?\d{7,15}", number):
            return number
    return None


def _told(decision: Decision, contact: str) -> tuple[int, Headers]:
    if decision.allowed:
        until = (("X-DialGuard-Valid-Until", decision.valid_until),) if decision.valid_until else ()
        return 302, (("Contact", contact), ("X-DialGuard-Decision", decision.id), *until)
    first = decision.reasons[0]
    retry = (("X-DialGuard-Retry-At", decision.retry_at),) if decision.retry_at else ()
    return 603, (
        ("Reason", f'Q.850;cause=21;text="{_safe(first["kind"])} {_safe(first["rule"])}"'), ("X-DialGuard-Reason", _safe(first["kind"])),
        ("X-DialGuard-Rule", _safe(first["rule"])), ("X-DialGuard-Decision", decision.id), *retry,
    )  # fmt: skip


def _warning(text: str) -> tuple[str, str]:
    return "Warning", f'399 dialguard "{_safe(text)}"'


def _safe(text: object) -> str:
    return re.sub(r'[^ -~]|["\\]', "'", str(text))[:300]


def _tag() -> str:
    return secrets.token_hex(8)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, redirect: Redirect, peers: Peers) -> None:
        self._redirect, self._peers = redirect, peers

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        if self._peers.admit(source, "SIP"):
            self._redirect.take(data, source[:2], lambda sent: self._transport.sendto(sent, _back(sent, source)))


def _back(sent: bytes, source: tuple[str, int]) -> tuple[str, int]:
    """Where an answer goes: to the address that asked, at the port it asked from (RFC 3581) or named (RFC 3261, 18.2.2)."""
    via = next(line[5:] for line in sent.decode("utf-8", "surrogateescape").split("\r\n") if line.startswith("Via: "))
    if sip_message.parameter(via, "rport"):
        return source
    port = re.search(r":(\d{1,5})$", sip_message.sent_by(via))
    return (source[0], int(port[1]) if port and 0 < int(port[1]) < 65_536 else 5060, *source[2:])


async def _stream(redirect: Redirect, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection; it ends with what cannot be told apart into messages."""
    source = writer.get_extra_info("peername")[:2]
    while True:
        async with asyncio.timeout(_IDLE):
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.strip():  # a keep-alive, which is answered (RFC 5626, 4.4.1)
                writer.write(b"\r\n")
                continue
            length = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d{1,5})[ \t]*\r$", head)
            if length is None or int(length[1]) > sip_message.LARGEST:
                return
            await reader.readexactly(int(length[1]))
            await writer.drain()
        redirect.take(head, source, lambda sent: None if writer.is_closing() else writer.write(sent))


def listening(
    address: tuple[str, int], peers: Peers, tenant: str, shared: bool, next_hop: str, campaign: str | None = None
) -> Callable[[Service], AbstractAsyncContextManager[tuple[str, int]]]:
    """A part of a service: the redirect server at an address, UDP and TCP, for one tenant; ``shared`` where other processes listen there
    too. ``next_hop``: host and port at which an allowed call goes on; ``campaign``: of calls that name none."""

    @asynccontextmanager
    async def part(service: Service) -> AsyncIterator[tuple[str, int]]:
        redirect = Redirect(Listener(service, tenant, next_hop, campaign))

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                if peers.admit(writer.get_extra_info("peername"), "SIP"):
                    async with peers.one():
                        await _stream(redirect, reader, writer)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                pass  # it ended, or will not
            except Exception as error:
                _LOG.error("SIP: fault: %s at %s; the connection is closed", type(error).__name__, where(error))
            finally:
                writer.close()

        async with AsyncExitStack() as stack:
            try:
                server = await asyncio.start_server(serve, *address, limit=sip_message.LARGEST, reuse_port=shared)
                await stack.enter_async_context(server)
                found = server.sockets[0].getsockname()[:2]
                datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: _Datagrams(redirect, peers), local_addr=found, reuse_port=shared
                )
                stack.callback(datagrams.close)
            except OSError as error:
                raise OSError(f"cannot listen on {address[0]} port {address[1]} for SIP: {error.strerror}") from None
            yield found

    return part
