"""Who asks: the tenant and the scopes of a request. No key, no answer; what changed in the file of keys holds within a second."""

from __future__ import annotations

import hmac
import logging
import math
import os
import sqlite3
import time
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Protocol

from dialguard.facts import clock
from dialguard.model.moment import Instant
from dialguard.service import keyfile
from dialguard.service.keyfile import SCOPES, Record
from dialguard.service.problem import Problem
from dialguard.service.rates import Rates

__all__ = ["SCOPES", "Key", "Keyring", "Keys"]

LOOK = 1.0
"""Seconds between two looks whether the file changed."""
_LOG = logging.getLogger("dialguard.service")
_FILE_TIMEOUT = 0.05
_CHALLENGE = {"www-authenticate": 'Bearer realm="dialguard"'}


@dataclass(frozen=True, slots=True)
class Key:
    """An API key that was found: whose it is and what it may do. ``sellers``: of whom alone it may speak; None of everybody."""

    id: str
    tenant: str
    scopes: frozenset[str]
    sellers: frozenset[str] | None = None
    expires: Instant | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] | None = None
    slot: int = 0
    rate: float = 0.0
    """Requests a second; 0 is no limit."""
    burst: int = 1

    def confine(self, seller: str | None) -> None:
        """Raises Problem where the key may not speak of this seller; None is of every seller."""
        if self.sellers is not None and seller not in self.sellers:
            raise Problem("auth.seller")


class Keyring(Protocol):
    """What a service asks for its keys."""

    tenants: frozenset[str]
    """Tenants that have a key."""

    def find(self, token: str | None, address: str | None) -> Key:
        """The key of a request that came from an address. Raises Problem."""


class Keys:
    """The keys in a folder's file. For one thread: that of the event loop. ``rate``: requests a second of keys that have no limit of
    their own, 0 for none."""

    def __init__(self, folder: Path, rate: float = 0.0) -> None:
        self._path, self._rate = folder / keyfile.FILE, rate
        self._rates = Rates(folder / "keys.rates")
        self._file: sqlite3.Connection | None = None
        self._seen: object = None
        self._next = -math.inf
        self._by_id: dict[str, Record] = {}
        self._proven: dict[str, Key] = {}
        self._trouble = False
        self.tenants: frozenset[str] = frozenset()

    def find(self, token: str | None, address: str | None) -> Key:
        """See ``Keyring.find``."""
        now = time.monotonic()
        if now >= self._next:
            self.look(now)
        key = self._proven.get(token)
        if key is None:
            key = self._proven[token] = self._proved(token)
        if key.expires is not None and key.expires <= clock.now():
            raise Problem("auth.expired", headers=_CHALLENGE)
        if key.networks is not None and not within(key.networks, address):
            raise Problem("auth.address")
        if key.rate:
            wait = self._rates.take(key.slot, key.rate, key.burst, now)
            if wait:
                raise Problem("limit.rate", headers={"retry-after": str(math.ceil(wait))})
        return key

    def _proved(self, token: str | None) -> Key:
        """The key of a token whose secret is right. Raises Problem."""
        if self._trouble:
            raise Problem("auth.unavailable", headers={"retry-after": "1"})
        if not token:
            raise Problem("auth.missing", headers=_CHALLENGE)
        _, _, rest = token.partition("_")
        id_, _, secret = rest.partition("_")
        record = self._by_id.get(id_) if token.startswith("dg_") else None
        if record is None or not hmac.compare_digest(record.digest, keyfile.digest(secret)):
            raise Problem("auth.unknown", headers=_CHALLENGE)
        if record.revoked is not None:
            raise Problem("auth.revoked", headers=_CHALLENGE)
        rate = record.rate if record.rate is not None else self._rate
        return Key(
            record.id, record.tenant, frozenset(record.scopes), None if record.sellers is None else frozenset(record.sellers), record.expires,
            None if record.addresses is None else tuple(map(ip_network, record.addresses)), record.slot, rate,
            record.burst or max(1, math.ceil(rate)),
        )  # fmt: skip

    def look(self, now: float) -> None:
        """Takes up what changed in the file. Where it cannot be read, no key is known until it can: one may have been revoked."""
        self._next = now + LOOK
        try:
            status = os.stat(self._path)
            if self._file is None or self._seen is None or self._seen[:2] != (status.st_dev, status.st_ino):
                self.close()
                self._file = keyfile.connect(self._path, _FILE_TIMEOUT)
            seen = (status.st_dev, status.st_ino, self._file.execute("PRAGMA data_version").fetchone()[0])
            if seen == self._seen:
                return
            records = keyfile.read(self._file)
            self._rates.room(max((record.slot for record in records), default=0))
            trouble = False
        except FileNotFoundError:
            records, seen, trouble = [], None, False
            self.close()
        except (OSError, sqlite3.Error, ValueError) as error:
            if not self._trouble:
                _LOG.error("the keys cannot be read (%s); nobody is admitted until they can", type(error).__name__)
            records, seen, trouble = [], None, True
            self.close()
        self._by_id = {record.id: record for record in records}
        self._proven, self._trouble, self._seen = {}, trouble, seen
        self.tenants = frozenset(record.tenant for record in records if record.revoked is None)

    def close(self) -> None:
        """Closes the file; the next look opens it."""
        file, self._file, self._seen = self._file, None, None
        if file is not None:
            file.close()


@lru_cache(maxsize=10_000)
def within(networks: tuple[IPv4Network | IPv6Network, ...], address: str | None) -> bool:
    """Whether an address is in one of the networks."""
    try:
        found = ip_address(address or "")
    except ValueError:  # no address: a socket in the file system
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
