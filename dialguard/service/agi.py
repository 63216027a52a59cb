"""FastAGI: what Asterisk, and VICIdial with it, asks in a dialplan before a call (docs/guides/asterisk-vicidial.md).

Asterisk sends its environment as ``name: value`` lines up to an empty one; then each command is one line, answered ``200 result=…`` or
``5xx …`` before the next may be sent (docs.asterisk.org, *Asterisk Gateway Interface*). The first command makes the verdict DENY and
the last one, where it is so, ALLOW: whatever breaks between the two leaves a denial on the channel.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import unquote

from msgspec import convert

from dialguard.engine.decision import Decision
from dialguard.service import bodies
from dialguard.service.desk import Ask
from dialguard.service.peers import Peers, refusal
from dialguard.service.problem import Problem, where
from dialguard.service.routes.outcomes import tell
from dialguard.service.service import Service

LIMIT = 10.0
"""Seconds that a whole exchange may take."""
_LINE, _LINES = 4096, 100
"""Bytes of a line and lines of an environment; Asterisk's own lines are shorter than 2,048 bytes."""
_VALUE = 1800
"""Characters of a variable: Asterisk reads a command of at most 2,047 bytes."""
_ATTEMPT = {"to": "to", "from": "from", "campaign": "campaign", "channel": "channel", "ref": "id"}
_OUTCOME = _ATTEMPT | {"ref": "attempt_id"} | {
    name: name for name in ("decision", "outcome", "dialstatus", "person", "debt", "scope", "words")
}
_OF_A_DECISION = ("RULE", "DECISION", "RETRY_AT", "VALID_UNTIL", "OBLIGATIONS")
DIALSTATUS = {"ANSWER": "answered", "BUSY": "busy", "NOANSWER": "no_answer", "INVALIDARGS": "not_placed", "DONTCALL": "not_placed"}
"""What Dial() says of a call, as an outcome. Of any other word nobody knows whether the telephone rang: the call counts as placed."""
_LOG = logging.getLogger("dialguard.service")


class Broken(Exception):
    """The other side did not keep to the protocol, or hung up."""


def listening(
    address: tuple[str, int], peers: Peers, tenant: str, shared: bool
) -> Callable[[Service], AbstractAsyncContextManager[asyncio.Server]]:
    """A part of a service: FastAGI at an address for one tenant; ``shared`` where other processes listen there too."""

    @asynccontextmanager
    async def part(service: Service) -> AsyncIterator[asyncio.Server]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                if peers.admit(writer.get_extra_info("peername"), "FastAGI"):
                    async with peers.one(), asyncio.timeout(LIMIT):
                        await _exchange(service, tenant, reader, writer)
            except (Broken, OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                service.untold(tenant, "agi")
                _LOG.warning("FastAGI: an exchange broke off (%s); its verdict is DENY or none", type(error).__name__)
            except Exception as error:
                service.untold(tenant, "agi")
                _LOG.error("FastAGI: fault: %s at %s; the verdict is DENY or none", type(error).__name__, where(error))
            finally:
                writer.close()

        try:
            server = await asyncio.start_server(serve, *address, limit=_LINE, reuse_port=shared)
        except OSError as error:
            raise OSError(f"cannot listen on {address[0]} port {address[1]} for FastAGI: {error.strerror}") from None
        async with server:
            yield server

    return part


async def _exchange(service: Service, tenant: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    path, query = _request(await _environment(reader))
    ask = _outcome if path == "outcome" else _check
    # An earlier answer may still stand there.
    _set(writer, "OUTCOME" if path == "outcome" else "VERDICT", "" if path == "outcome" else "DENY")
    for name, value in await ask(service, tenant, path, query):
        await _done(reader)
        _set(writer, name, value)
    await _done(reader)


async def _environment(reader: asyncio.StreamReader) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for _ in range(_LINES):
        line = (await reader.readuntil(b"\n")).decode("utf-8", "replace").strip()
        if not line:
            return found
        name, _, value = line.partition(":")
        found[name] = value.strip()
    raise Broken


def _request(environment: Mapping[str, str]) -> tuple[str, str]:
    """Path and query of what is asked for: ``agi://host:port/check?to=…``."""
    if "agi_request" not in environment:
        raise Broken
    path, _, query = environment["agi_request"].partition("://")[2].partition("/")[2].partition("?")
    return path, query


async def _check(service: Service, tenant: str, path: str, query: str) -> Iterator[tuple[str, str]]:
    """The variables in the order in which they are set; DIALGUARD_VERDICT is DENY before."""
    try:
        if path != "check":
            raise Problem("input.invalid", errors=[("path", "expected check or outcome")])
        attempt = {"channel": "voice"} | _asked(query, _ATTEMPT)
        decision = await service.desk(tenant).ask(Ask(attempt, "agi", None, True))
        return iter([*_told(decision)])
    except Exception as error:
        kind, detail, _ = refusal(error)
        return iter([*((name, "") for name in _OF_A_DECISION), ("REASON", kind), ("DETAIL", detail)])


async def _outcome(service: Service, tenant: str, path: str, query: str) -> Iterator[tuple[str, str]]:
    """DIALGUARD_OUTCOME is the outcome that was recorded, or stays empty."""
    try:
        body = _asked(query, _OUTCOME)
        status = body.pop("dialstatus", None)
        if status is not None:
            body.setdefault("outcome", DIALSTATUS.get(status, "placed"))
        told = await tell(service.desk(tenant), convert(body, bodies.Outcome))
    except Exception as error:
        kind, detail, _ = refusal(error)
        return iter([("REASON", kind), ("DETAIL", detail)])
    return iter([("REASON", ""), ("DETAIL", ""), ("OUTCOME", told.outcome)])


def _asked(query: str, fields: Mapping[str, str]) -> dict[str, str]:
    """What a query says, by the names that ``fields`` gives. A ``+`` is a plus, since nobody encodes the numbers in a dialplan; what is
    empty is not said. Raises Problem."""
    found: dict[str, str] = {}
    errors = []
    for pair in query.split("&"):
        name, given, value = pair.partition("=")
        if name not in fields or not given:
            errors.append((name[:40] or "query", f"expected name=value of {', '.join(fields)}"))
        elif fields[name] in found:
            errors.append((name, "it is given twice"))
        else:
            try:
                found[fields[name]] = unquote(value, errors="strict")
            except UnicodeDecodeError:
                errors.append((name, "expected UTF-8"))
    if errors:
        raise Problem("input.invalid", errors=errors)
    return {name: value for name, value in found.items() if value}


def _told(decision: Decision) -> Iterator[tuple[str, str]]:
    first = {} if decision.allowed else decision.reasons[0]
    yield "REASON", str(first.get("kind", ""))
    yield "RULE", str(first.get("rule", ""))
    yield "DETAIL", ""
    yield "DECISION", decision.id
    yield "RETRY_AT", decision.retry_at or ""
    yield "VALID_UNTIL", decision.valid_until or ""
    yield from _parts("OBLIGATIONS", decision.obligation_ids)
    if decision.allowed:
        yield "VERDICT", "ALLOW"


def _parts(name: str, codes: list[str]) -> Iterator[tuple[str, str]]:
    """Codes with commas between; what is more than one command holds goes on in ``NAME_2``, ``NAME_3``, …"""
    number, part = 1, ""
    for code in codes:
        if part and len(part) + 1 + len(code) > _VALUE:
            yield (name if number == 1 else f"{name}_{number}"), part
            number, part = number + 1, ""
        part = f"{part},{code}" if part else code
    yield (name if number == 1 else f"{name}_{number}"), part


def _set(writer: asyncio.StreamWriter, name: str, value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    clean = "".join(letter if letter.isprintable() else " " for letter in quoted)
    writer.write(f'SET VARIABLE DIALGUARD_{name} "{clean}"\n'.encode("utf-8", "replace"))


async def _done(reader: asyncio.StreamReader) -> None:
    """Reads the answer to a command. Raises Broken where it was not done."""
    line = await reader.readuntil(b"\n")
    if line.strip() == b"HANGUP":  # it says so once, before the answer
        line = await reader.readuntil(b"\n")
    if not line.startswith(b"200 result=1"):
        raise Broken
