"""Runs the service: one process on uvicorn, or several that share the port, each with its own desks."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

import uvicorn
from uvicorn.supervisors import Multiprocess

from dialguard.service import app as application
from dialguard.service.bounded import BoundedProtocol
from dialguard.service.config import Settings
from dialguard.service.heap import sparing
from dialguard.service.keeping import keeping
from dialguard.service.keyfile import SCOPES, KeyFile
from dialguard.service.keys import Keys
from dialguard.service.live import Live
from dialguard.service.problem import where
from dialguard.service.replaying import replaying
from dialguard.service.service import Service
from dialguard.service.tenants import Tenants
from dialguard.service.workers import Workers

_LOG = logging.getLogger("dialguard.service")
_BACKLOG = 2048


class Unusable(ValueError):
    """The service cannot start; the text says why and what to do."""


class Worker:
    """Makes the application of one process. It goes to worker processes as it is, with nothing opened yet."""

    service: Service

    def __init__(self, settings: Settings) -> None:
        self.settings, self.limits = settings, settings.limits

    def __call__(self) -> Callable:
        """The application, not ready until the rules and the stores are open. Called in the process that serves it."""
        log()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        settings = self.settings
        if settings.workers > 1 and sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: no worker outlives a killed parent
        rules = Live(settings)
        parts = [sparing, rules.open, Tenants(settings, rules.rules, rules.fit).open, replaying, keeping, *listeners(settings)]
        if settings.workers > 1:
            parts.append(Workers(settings.folder).telling)
        self.service = Service({}, Keys(settings.folder, settings.limits.rate), parts)
        self.service.ready = False
        self.service.twilio = settings.twilio
        return application.application(self.service)


def listeners(settings: Settings) -> list[Callable[[Service], AbstractAsyncContextManager[object]]]:
    """The parts of a service that listen for what is not HTTP."""
    shared, most = settings.workers > 1, settings.limits.connections
    found = []
    if settings.agi is not None:
        from dialguard.service import agi, peers

        address = settings.agi.listen.host, settings.agi.listen.port
        found.append(agi.listening(address, peers.Peers(settings.agi.peers, most), settings.agi.tenant, shared))
    if settings.sip is not None:
        from dialguard.service import peers, sip

        address = settings.sip.listen.host, settings.sip.listen.port
        admitted = peers.Peers(settings.sip.peers, most)
        found.append(sip.listening(address, admitted, settings.sip.tenant, shared, settings.sip.next_hop, settings.sip.campaign))
    return found


def run(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT; the exit status. Raises Unusable."""
    log()
    config, listening = _uvicorn(settings), _listen(settings)
    first_key(settings)
    shown = f"http{'s' if settings.tls else ''}://{settings.listen.rpartition(':')[0]}:{listening.getsockname()[1]}"
    print(f"dialguard: listening on {shown}, pid {os.getpid()}", file=sys.stderr, flush=True)
    if settings.workers > 1:
        supervisor = _Supervisor(config, [listening])
        supervisor.run()
        return 1 if any(process.exitcode == 3 for process in supervisor.processes) else 0
    for end in (signal.SIGTERM, signal.SIGINT):
        signal.signal(end, _ended)  # uvicorn sends itself again what ended it
    uvicorn.Server(config).run([listening])
    return 0


def first_key(settings: Settings) -> None:
    """Where no key was ever made, makes one that may do everything, and prints it once. Raises KeyFileError."""
    file = KeyFile(settings.folder)
    if not file.all():
        _, token = file.create(name="first", scopes=SCOPES)
        print(f"dialguard: no API key was there; this one may do everything and is not shown again: {token}", file=sys.stderr, flush=True)


def _uvicorn(settings: Settings) -> uvicorn.Config:
    tls, limits = settings.tls, settings.limits
    if tls is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, password=lambda: "")
        except (ssl.SSLError, OSError, ValueError) as error:
            raise Unusable(f"tls: {tls.certificate} and {tls.key} cannot be used: {error}") from None
    return uvicorn.Config(
        Worker(settings), factory=True, http=BoundedProtocol, ws="none", loop="auto", lifespan="on", interface="asgi3", workers=settings.workers,
        log_config=None, access_log=False, server_header=False, proxy_headers=bool(settings.proxy.trusted),
        forwarded_allow_ips=list(settings.proxy.trusted), backlog=_BACKLOG, timeout_keep_alive=limits.idle,
        timeout_graceful_shutdown=settings.stop_within, ssl_certfile=tls and tls.certificate, ssl_keyfile=tls and tls.key,
    )  # fmt: skip


def _listen(settings: Settings) -> socket.socket:
    address = settings.listen
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        made = socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise Unusable(f"cannot listen on {address}: {error.strerror}; is another service there already?") from None
    made.set_inheritable(True)
    return made


class _Supervisor(Multiprocess):
    def handle_hup(self) -> None:
        """uvicorn would replace the workers, also before the new ones are ready."""


def _ended(number: int, frame: object) -> None:
    sys.exit(0)


class _Plain(logging.Formatter):
    """Of an exception its kind and its place: its text could hold what must not stand in a log."""

    def formatException(self, ei: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
        return f"{ei[0].__name__} at {where(ei[1])}"


def log() -> None:
    """Sends the log to standard error, one line an event."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Plain("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
