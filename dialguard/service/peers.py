"""Who may ask by a protocol that knows no keys, and what a failure is called there."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import NamedTuple

from msgspec import ValidationError

from dialguard.service.keys import within
from dialguard.service.problem import problem_of

_LOG = logging.getLogger("dialguard.service")
_KINDS = {
    "input.invalid": "invalid_input", "request.malformed": "invalid_input", "store.unavailable": "lookup_unavailable",
    "audit.unavailable": "audit_unavailable",
}  # fmt: skip


class Peers:
    """The addresses that may ask, and how many of them at a time."""

    def __init__(self, networks: Iterable[str], most: int) -> None:
        self._networks, self._most = tuple(map(ip_network, networks)), most
        self._now = 0
        self._refused: set[str] = set()

    def admit(self, peer: tuple[str, int] | None, protocol: str) -> bool:
        """Whether a peer may ask now; who is not known is logged once."""
        address = peer[0] if peer else ""
        if not within(self._networks, address):
            if address not in self._refused and len(self._refused) < 1000:
                self._refused.add(address)
                _LOG.warning("%s: %s is not among the peers of the configuration and is not answered", protocol, address)
            return False
        return self._now < self._most

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """While one that was admitted is answered."""
        self._now += 1
        try:
            yield
        finally:
            self._now -= 1


class Refusal(NamedTuple):
    """What a failure is called where no problem+json is understood; ``status`` is that of HTTP."""

    kind: str
    text: str
    status: int


def refusal(error: Exception) -> Refusal:
    """The denial that a failure is."""
    if isinstance(error, ValidationError):
        return Refusal("invalid_input", str(error), 422)
    problem = problem_of(error)
    text = "; ".join(f"{field}: {message}" for field, message in problem.errors)[:400] or problem.detail or problem.title
    return Refusal(_KINDS.get(problem.code, problem.code), text, problem.status)
