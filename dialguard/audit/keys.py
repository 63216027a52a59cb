"""Keys of the decision log: one at a time for each tenant, in a file beside the log, never in it.

A key finds and opens what was sealed under it: a telephone number stands as one block of AES-256, the same each time; of
anything else there is a keyed hash to find it by (HMAC-SHA256), and the value is sealed (AES-256-GCM). The newest of a tenant seals; older ones go on finding
and opening. A destroyed key leaves its id and day behind: what it sealed cannot be read by anybody any more.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialguard.audit.errors import LogError
from dialguard.audit.text import moment
from dialguard.facts import clock
from dialguard.files import alone, whole

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
NUMBER_BYTES = 16
"""A plus sign and fifteen digits, the longest number of E.164, and a block of AES. Some numbers that are read as such have more."""
COVERED = "s-"
_BLOCK = hashlib.sha256().block_size
_SHOWN = 32
"""Hex digits of a keyed hash that are shown: 128 bits."""


@dataclass(frozen=True, eq=False)
class Key:
    """One key. ``secret`` None: it was destroyed at ``destroyed`` (RFC 3339)."""

    id: str
    tenant: str
    made: str
    secret: bytes | None = field(repr=False)
    destroyed: str | None = None
    shown: dict[str, str] = field(default_factory=dict, repr=False)
    """What stands in place of the numbers that the seller shows."""

    @cached_property
    def name(self) -> bytes:
        """The id, as records bear it."""
        return self.id.encode()

    @cached_property
    def _finding(self) -> tuple[Any, Any]:
        """SHA-256 begun over the inner and the outer pad of HMAC (RFC 2104, 4): what is the same for every text is worked out once."""
        key = hmac.digest(self._living, b"dialguard find", "sha256").ljust(_BLOCK, b"\0")
        inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in key)) for pad in (0x36, 0x5C))
        return inner, outer

    @cached_property
    def _sealing(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(hmac.digest(self._living, b"dialguard seal", "sha256"))

    @cached_property
    def _covering(self) -> "Cipher[modes.ECB]":
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        # No number is longer than one block, so that the cipher is a permutation of numbers and no mode is needed.
        return Cipher(algorithms.AES(hmac.digest(self._living, b"dialguard cover", "sha256")), modes.ECB())

    @cached_property
    def _coverer(self) -> "tuple[threading.Lock, CipherContext]":
        """The cipher made ready once, which one thread uses at a time: to make it takes longer than to cover a group of numbers."""
        return threading.Lock(), self._covering.encryptor()

    @property
    def _living(self) -> bytes:
        if self.secret is None:
            raise LogError(f"the key {self.id} was destroyed at {self.destroyed}")
        return self.secret

    def token(self, kind: str, text: str) -> str:
        """What stands in place of a text, the same for the same text: ``n-`` for a telephone number in E.164, ``p-`` for others."""
        inner, outer = self._finding
        inner, outer = inner.copy(), outer.copy()
        inner.update(f"{kind}:{text}".encode("utf-8", "surrogatepass"))
        outer.update(inner.digest())
        return f"{kind}-{self.id}-{outer.hexdigest()[:_SHOWN]}"

    def cover(self, numbers: Sequence[str]) -> list[str]:
        """What stands in place of telephone numbers in E.164, the same for the same number; ``uncover`` opens it. Raises ValueError for a
        number of more than ``NUMBER_BYTES``."""
        raw = "".join([number.ljust(NUMBER_BYTES, "\0") for number in numbers]).encode()
        if len(raw) != NUMBER_BYTES * len(numbers):
            raise ValueError("a number is longer than a block")
        free, cipher = self._coverer
        with free:
            blocks = cipher.update(raw).hex(" ", NUMBER_BYTES)
        begin = f"{COVERED}{self.id}-"
        return [begin + block for block in blocks.split()]

    def uncover(self, covered: str) -> str:
        """The number in the place of which this stands. Raises LogError where the key was destroyed, or it is none of this key's."""
        try:
            raw = self._covering.decryptor().update(bytes.fromhex(covered.removeprefix(f"{COVERED}{self.id}-")))
            found = raw.rstrip(b"\0").decode("ascii")
        except ValueError as error:
            if isinstance(error, LogError):
                raise
            found = ""
        if not found.startswith("+") or not found[1:].isdecimal():
            raise LogError(f"a number does not open with the key {self.id}: it was changed")
        return found

    def seal(self, raw: bytes, name: bytes) -> bytes:
        """Bytes sealed for the record ``name``, as base64. Nonces are random: a number may be given twice where a torn line was cut."""
        nonce = os.urandom(_NONCE_BYTES)
        return binascii.b2a_base64(nonce + self._sealing.encrypt(nonce, raw, name), newline=False)

    def open(self, box: str, name: str) -> bytes:
        """What was sealed. Raises LogError where the key was destroyed, or the box is not this key's for that record."""
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(box, validate=True)
            return self._sealing.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError) as error:
            if isinstance(error, LogError):
                raise
            raise LogError(f"what is sealed in {name} does not open with the key {self.id}: it was changed") from None


class Keys:
    """The keys in a file (JSON, mode 0600), made with the first key. What other processes do to it is seen at the next use.

    Raises LogError for a file that others may read, or that is not one of keys, and OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._name = path, os.fspath(path)
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}
        self._newest: dict[str, Key] = {}

    def current(self, tenant: str) -> Key:
        """The key that seals for a tenant; made where there is none."""
        self._refresh()
        found = self._newest.get(tenant)
        return found if found is not None else self.rotate(tenant, unless=True)

    def living(self, tenant: str | None = None) -> list[Key]:
        """The keys of a tenant, or of all, that were not destroyed."""
        return [key for key in self.all() if key.secret is not None and tenant in (None, key.tenant)]

    def all(self) -> list[Key]:
        """Every key, the oldest first."""
        self._refresh()
        return list(self._keys.values())

    def get(self, id_: str) -> Key:
        """The key with an id. Raises LogError where the file has none."""
        self._refresh()
        if id_ not in self._keys:
            raise LogError(f"the key file {self.path} has no key {id_}; name the right file with --keys")
        return self._keys[id_]

    def rotate(self, tenant: str, *, unless: bool = False) -> Key:
        """A new key for a tenant, which seals from now on; ``unless`` another process has just made one."""
        with self._alone() as keys:
            held = self._newest.get(tenant)
            if unless and held is not None:
                return held
            key = Key(f"k{os.urandom(4).hex()}", tenant, moment(clock.now()), os.urandom(32))
            self._write([*keys, key])
        return key

    def destroy(self, id_: str) -> Key:
        """Destroys a key, for good: what it sealed is erased."""
        with self._alone() as keys:
            old = self.get(id_)
            gone = Key(old.id, old.tenant, old.made, None, old.destroyed or moment(clock.now()))
            self._write([gone if key.id == id_ else key for key in keys])
        return gone

    def _refresh(self) -> None:
        try:
            there = os.stat(self._name)
        except FileNotFoundError:
            self._seen, self._keys, self._newest = None, {}, {}
            return
        seen = (there.st_ctime_ns, there.st_ino, there.st_size)
        if seen == self._seen:
            return
        if there.st_mode & 0o077:
            raise LogError(f"the key file {self.path} may be read by others; say: chmod 600 {self.path}")
        try:
            rows = json.loads(self.path.read_bytes())["keys"]
            keys = {row["id"]: _key(row) for row in rows}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise LogError(
                f"{self.path} is no key file, or a damaged one; bring back a copy: without it nothing sealed can be read"
            ) from None
        self._seen, self._keys = seen, keys
        self._newest = {key.tenant: key for key in keys.values() if key.secret is not None}

    @contextmanager
    def _alone(self) -> Iterator[list[Key]]:
        with alone(self.path.with_name(self.path.name + ".lock")):
            yield self.all()

    def _write(self, keys: list[Key]) -> None:
        rows = [
            {"id": key.id, "tenant": key.tenant, "made": key.made}
            | ({"destroyed": key.destroyed} if key.secret is None else {"secret": key.secret.hex()})
            for key in keys
        ]
        with whole(self.path) as file:
            file.write(json.dumps({"format": 1, "keys": rows}, indent=1).encode())
        self._seen = None
        self._refresh()


def _key(row: dict[str, str]) -> Key:
    secret = bytes.fromhex(row["secret"]) if "secret" in row else None
    if secret is None and "destroyed" not in row or secret is not None and len(secret) != 32:
        raise ValueError
    return Key(str(row["id"]), str(row["tenant"]), str(row["made"]), secret, row.get("destroyed"))
