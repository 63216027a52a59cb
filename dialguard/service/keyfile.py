"""The file of API keys, ``keys.sqlite`` in the service's folder. Of a key it holds a hash: who loses a key makes another."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.request import pathname2url

from dialguard.facts import clock
from dialguard.model.moment import Instant

FILE = "keys.sqlite"
SCOPES = ("check", "write", "import", "audit", "admin")
DEFAULT = "default"
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_FOR_SELLERS = frozenset({"check", "write"})
_TABLE = (
    "CREATE TABLE IF NOT EXISTS keys (slot INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, digest BLOB NOT NULL, "
    "name TEXT NOT NULL, tenant TEXT NOT NULL, scopes TEXT NOT NULL, sellers TEXT, addresses TEXT, rate REAL, burst INTEGER, "
    "created INTEGER NOT NULL, expires INTEGER, revoked INTEGER)"
)
_FIELDS = "slot, id, digest, name, tenant, scopes, sellers, addresses, rate, burst, created, expires, revoked"


class KeyFileError(ValueError):
    """A key that cannot be made, or a file that cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the file holds of a key. ``rate``: requests a second, and so many at once (``burst``); None is the service's own limit."""

    slot: int
    id: str
    digest: bytes
    name: str
    tenant: str
    scopes: tuple[str, ...]
    sellers: tuple[str, ...] | None
    addresses: tuple[str, ...] | None
    rate: float | None
    burst: int | None
    created: Instant
    expires: Instant | None
    revoked: Instant | None

    def state(self, now: Instant) -> str:
        """``active``, ``expired`` or ``revoked``."""
        return "revoked" if self.revoked is not None else "expired" if self.expires is not None and self.expires <= now else "active"


def digest(secret: str) -> bytes:
    """The hash of a secret. It is 256 random bits, so that a plain hash tells nothing of it."""
    return hashlib.sha256(secret.encode()).digest()


def tenant_name(text: str) -> str:
    """A tenant's name, which is its folder's too. Raises KeyFileError."""
    if not _TENANT.fullmatch(text):
        raise KeyFileError(f"the tenant {text!r:.70}: expected small letters, digits and hyphens, at most 63, such as acme-west")
    return text


class KeyFile:
    """Makes, lists and revokes keys. A running service sees a change within a second."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def create(
        self, *, name: str = "", tenant: str = DEFAULT, scopes: Iterable[str], sellers: Iterable[str] = (), addresses: Iterable[str] = (),
        rate: float | None = None, burst: int | None = None, expires: Instant | None = None,
    ) -> tuple[Record, str]:  # fmt: skip
        """A new key and its token, which is told here and never again. Raises KeyFileError naming what is wrong."""
        chosen, limited = tuple(sorted(set(scopes), key=_place)), tuple(dict.fromkeys(sellers))
        if not chosen:
            raise KeyFileError(f"a key without a scope may do nothing; expected some of {', '.join(SCOPES)}")
        if limited and not _FOR_SELLERS.issuperset(chosen):
            raise KeyFileError("a key for some sellers only can have the scopes check and write; the others reach over the whole tenant")
        if any(not seller.strip() for seller in limited):
            raise KeyFileError("a seller's name is empty")
        if rate is not None and not 0.001 <= rate <= 1e6:
            raise KeyFileError(f"found {rate:g} requests a second, expected from 0.001 to 1,000,000")
        if burst is not None and (rate is None or not 1 <= burst <= 10**6):
            raise KeyFileError(f"found a burst of {burst}, expected from 1 to 1,000,000, together with a rate")
        now = clock.now()
        if expires is not None and expires <= now:
            raise KeyFileError("the key would have expired already")
        id_, secret = secrets.token_hex(4), secrets.token_hex(32)
        row = (
            id_, digest(secret), name, tenant_name(tenant), json.dumps(chosen), json.dumps(limited) if limited else None,
            json.dumps([_network(each) for each in addresses]) if addresses else None, rate, burst, now, expires,
        )  # fmt: skip
        with self._open(create=True) as file:
            file.execute(
                f"INSERT INTO keys ({_FIELDS.removeprefix('slot, ').removesuffix(', revoked')}) VALUES ({','.join('?' * len(row))})", row
            )
            found = _records(file, "WHERE id = ?", (id_,))[0]
        return found, f"dg_{id_}_{secret}"

    def revoke(self, id_: str) -> Record:
        """Revokes a key, for good. Raises KeyFileError where there is no such key."""
        with self._open() as file:
            file.execute("UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL", (clock.now(), id_))
            found = _records(file, "WHERE id = ?", (id_,))
        if not found:
            raise KeyFileError(f"there is no key {id_!r:.40}; see: dialguard keys list")
        return found[0]

    def all(self) -> list[Record]:
        """Every key that was made, the oldest first. Raises KeyFileError."""
        if not self.path.exists():
            return []
        with self._open() as file:
            return _records(file)

    @contextmanager
    def _open(self, create: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            if create and not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.touch(mode=0o600)
            file = connect(self.path, timeout=10.0)
        except (OSError, sqlite3.Error) as error:
            raise KeyFileError(f"{self.path} cannot be opened: {getattr(error, 'strerror', None) or error}") from None
        try:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = FULL")
            with file:
                file.execute("BEGIN IMMEDIATE")
                file.execute(_TABLE)
                yield file
        except sqlite3.Error as error:
            raise KeyFileError(f"{self.path} cannot be read or written: {error}") from None
        finally:
            file.close()


def connect(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection to a file that is there. Raises sqlite3.Error."""
    return sqlite3.connect(
        f"file:{pathname2url(str(path.absolute()))}?mode=rw", uri=True, timeout=timeout, isolation_level=None, check_same_thread=False
    )


def read(file: sqlite3.Connection) -> list[Record]:
    """All keys by an open connection. Raises sqlite3.Error, ValueError for a file that holds something else."""
    return _records(file)


def _records(file: sqlite3.Connection, where: str = "", values: tuple[str, ...] = ()) -> list[Record]:
    def names(text: str | None) -> tuple[str, ...] | None:
        return None if text is None else tuple(json.loads(text))

    return [
        Record(slot, id_, hashed, name, tenant, names(scopes) or (), names(sellers), names(addresses), *rest)
        for slot, id_, hashed, name, tenant, scopes, sellers, addresses, *rest in file.execute(
            f"SELECT {_FIELDS} FROM keys {where} ORDER BY slot", values
        )
    ]


def _place(scope: str) -> int:
    if scope not in SCOPES:
        raise KeyFileError(f"found the scope {scope!r:.40}, expected some of {', '.join(SCOPES)}")
    return SCOPES.index(scope)


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise KeyFileError(f"{error}; expected an address such as 203.0.113.7, or a network such as 203.0.113.0/24") from None
