"""Names for numbers and persons that the record may not keep: keyed hashes, by keys in files beside the record, never in it.

The name of an erased number is itself shaped like a number that nobody can have (``+0``, digits, lower-case hexadecimal), so that
every table and store holds it as it holds numbers, and every collation sorts it alike::

    +0 305 1f2e3d4c 16 digits SipHash-2-4 32 digits HMAC-SHA256
       |   |        `- asked of many numbers at once, as a sieve
       |   `- the key's id, from the SHA-256 of the key
       `- area code, or 0 and the first two digits of a number outside the North American plan

Both hashes are keyed for one seller: without the key nothing but the area code can be read from a name, nor can two sellers' names be
told to be of one number.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from dialguard.files import sync_folder
from dialguard.model.records import LookUpFailed

FOLDER = "keys"
_NAME = re.compile(r"\+0[0-9]{3}([0-9a-f]{8})([0-9a-f]{16})[0-9a-f]{32}")
_PERSON = re.compile(r"~[0-9a-f]{8}[0-9a-f]{32}")
_SIZE = 32
_WORD = (1 << 64) - 1


def is_hidden(number: str) -> bool:
    """Whether a number of the record is the name of an erased one."""
    return number.startswith("+0")


def is_name(value: object) -> bool:
    """Whether a value has the form of the name of an erased number."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_hidden_person(person: str) -> bool:
    """Whether a person of the record is the name of an erased one."""
    return _PERSON.fullmatch(person) is not None


def key_of(name: str) -> str:
    """The id of the key by which the name of an erased number was made."""
    return name[5:13]


def sieve_of(name: str) -> int:
    """The SipHash in the name of an erased number."""
    return int(name[13:29], 16)


class Key(NamedTuple):
    """A secret of 32 bytes and its id. Its repr does not show it."""

    id: str
    secret: bytes

    def number(self, seller: str, number: str) -> str:
        """The name of an E.164 number in the record of a seller."""
        place = number[2:5] if len(number) == 12 and number[1] == "1" else f"0{number[1:3]}"
        sieve = siphash(self.sieve(seller), int(number[1:]))
        return f"+0{place}{self.id}{sieve:016x}{self._mac('number', seller, number)}"

    def person(self, seller: str, person: str) -> str:
        """The name of a person in the record of a seller."""
        return f"~{self.id}{self._mac('person', seller, person)}"

    def sieve(self, seller: str) -> bytes:
        """The key of SipHash for a seller."""
        return _derived(self.secret, f"sieve\0{seller}")

    def _mac(self, what: str, seller: str, value: str) -> str:
        return hmac.digest(self.secret, f"{what}\0{seller}\0{value}".encode(), "sha256")[:16].hex()

    def __repr__(self) -> str:
        return f"Key({self.id})"


@lru_cache(maxsize=256)
def _derived(secret: bytes, what: str) -> bytes:
    return hmac.digest(secret, what.encode(), "sha256")[:16]


class Keys:
    """The keys of one store: files ``1.key``, ``2.key``, ... of a folder, for this user alone; the newest names, all are asked.

    Without a folder there is a key in memory, which ends with the process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._held: tuple[Key, ...] | None = None

    @property
    def kept(self) -> bool:
        """Whether they outlive the process."""
        return self._folder is not None

    def held(self, again: bool = False) -> tuple[Key, ...]:
        """All keys, the oldest first, as they were last read; ``again`` reads the folder. A file that holds no key counts as missing."""
        if self._folder is not None and (again or self._held is None):
            files = sorted((file for file in self._folder.glob("*.key") if file.stem.isdigit()), key=lambda file: int(file.stem))
            self._held = tuple(key for file in files if (key := _read(file)) is not None)
        return self._held or ()

    def of(self, ids: Iterable[str]) -> Sequence[Key]:
        """The keys with these ids. Raises LookUpFailed where one is not here: what it hides must not read as nothing."""
        asked = set(ids)
        if not asked:
            return ()
        found = [key for key in self.held() if key.id in asked]
        if len(found) < len(asked):
            found = [key for key in self.held(again=True) if key.id in asked]
        if len(found) < len(asked):
            missing = ", ".join(sorted(asked - {key.id for key in found}))
            back = f"put its file back into {self._folder}"
            todo = "name the folder of its keys in the store's URL: keys=FOLDER" if self._folder is None else back
            raise LookUpFailed(f"the record hides erased numbers by the key {missing}, which is not here; {todo}")
        return found

    def newest(self) -> Key:
        """The key by which numbers are named from now on; the first is made on its first use. Raises OSError."""
        held = self.held(again=True)
        return held[-1] if held else self.rotate()

    def rotate(self) -> Key:
        """Makes a new key. Raises OSError."""
        held = self.held(again=True)
        secret = secrets.token_bytes(_SIZE)
        if self._folder is None:
            self._held = (*held, _key(secret))
            return self._held[-1]
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._folder / f".{secrets.token_hex(8)}.part"
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secret.hex())
                file.flush()
                os.fsync(file.fileno())
            numbers = [int(file.stem) for file in self._folder.glob("*.key") if file.stem.isdigit()]
            try:
                os.link(part, self._folder / f"{max(numbers, default=0) + 1}.key")  # refuses where another process was quicker
            except FileExistsError:
                pass
            sync_folder(self._folder)
        finally:
            part.unlink(missing_ok=True)
        return self.held(again=True)[-1]


def _read(file: Path) -> Key | None:
    try:
        secret = bytes.fromhex(file.read_text("ascii"))
    except (OSError, ValueError):
        return None
    return _key(secret) if len(secret) == _SIZE else None


def _key(secret: bytes) -> Key:
    return Key(hashlib.sha256(secret).hexdigest()[:8], secret)


def siphash(key: bytes, word: Any) -> Any:
    """SipHash-2-4 of one word of 64 bits, or of an array of them (numpy, uint64). ``key``: 16 bytes."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v0, v1, v2, v3 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, word ^ (k1 ^ 0x7465646279746573)
    state = _round(*_round(v0, v1, v2, v3))
    length = 8 << 56
    v0, v1, v2, v3 = _round(*_round(state[0] ^ word, state[1], state[2], state[3] ^ length))
    state = (v0 ^ length, v1, v2 ^ 0xFF, v3)
    for _ in range(4):
        state = _round(*state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _round(v0: Any, v1: Any, v2: Any, v3: Any) -> tuple[Any, Any, Any, Any]:
    v0 = (v0 + v1) & _WORD
    v1 = _turned(v1, 13) ^ v0
    v0 = _turned(v0, 32)
    v2 = (v2 + v3) & _WORD
    v3 = _turned(v3, 16) ^ v2
    v0 = (v0 + v3) & _WORD
    v3 = _turned(v3, 21) ^ v0
    v2 = (v2 + v1) & _WORD
    v1 = _turned(v1, 17) ^ v2
    return v0, v1, _turned(v2, 32), v3


def _turned(word: Any, bits: int) -> Any:
    return (word << bits) & _WORD | word >> (64 - bits)
