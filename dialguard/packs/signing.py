"""An operator's folder of rule files, signed: who vouches for exactly these files, and as the how-manieth revision.

The file ``SIGNATURE`` at the top of the folder is JSON: ``revision``, ``key`` (the public key) and ``signature`` (Ed25519 over the
digest of the folder's rule files and the revision; both in base64).
"""

import base64
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dialguard.files import whole
from dialguard.packs import sources
from dialguard.packs.sources import SIGNATURE, Source
from dialguard.packs.yamlfile import PackError, Problem

_MOST = 4096


class Mark(msgspec.Struct, frozen=True):
    """What a signature says: the revision, and by which public key."""

    revision: int
    key: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    revision: int
    key: str
    signature: str


class Signed(NamedTuple):
    """A folder that was signed: the digest of its files and the public key."""

    digest: str
    key: str


def public_key(text: str) -> str:
    """A public key as it is compared. Raises ValueError for what is none."""
    try:
        raw = base64.b64decode(text, validate=True)
        return _encoded(Ed25519PublicKey.from_public_bytes(raw).public_bytes_raw())
    except ValueError:
        raise ValueError("expected an Ed25519 public key: 32 bytes in base64, as `dialguard rules sign` shows it") from None


def sign(folder: Path, key: Path, revision: int) -> Signed:
    """Signs the rule files of a folder as they are. Raises PackError for files that cannot be read, ValueError for a key that is none."""
    try:
        private = load_pem_private_key(key.read_bytes(), None)
    except OSError as error:
        raise ValueError(f"the key {key} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(
            f"{key} is no Ed25519 private key in PEM without a password; make one: openssl genpkey -algorithm ed25519 -out {key}"
        )
    found, problems = sources.collect(sources.shipped_rules(), [folder])
    if problems:
        raise PackError(problems)
    digest, shown = _digest(folder, found), _encoded(private.public_key().public_bytes_raw())
    written = _File(revision, shown, _encoded(private.sign(_message(digest, revision))))
    with whole(folder / SIGNATURE) as file:
        file.write(msgspec.json.format(msgspec.json.encode(written)) + b"\n")
        os.fchmod(file.fileno(), 0o644)
    return Signed(digest, shown)


def verify(folder: Path, found: Sequence[Source], trusted: Collection[str]) -> Mark:
    """Who signed the files that were read from a folder, one of the trusted keys; raises PackError."""
    path = folder / SIGNATURE

    def refused(message: str) -> PackError:
        return PackError([Problem(str(path), 1, 1, message, "sign the folder as it is now: dialguard rules sign")])

    try:
        with path.open("rb") as file:
            raw = file.read(_MOST + 1)
    except OSError as error:
        raise refused(f"the signature cannot be read: {error.strerror}") from None
    try:
        said = msgspec.json.decode(raw, type=_File)
        signature, key = base64.b64decode(said.signature, validate=True), public_key(said.key)
    except ValueError:
        raise refused("this is no signature of a folder of rule files") from None
    if key not in trusted:
        raise refused(f"the folder is signed by {key}, which is none of the keys in `signed_by`")
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(signature, _message(_digest(folder, found), said.revision))
    except InvalidSignature:
        raise refused("the signature does not fit the rule files") from None
    return Mark(said.revision, key)


def _digest(folder: Path, found: Sequence[Source]) -> str:
    return sources.digest([each for each in found if each.operator and Path(each.shown).is_relative_to(folder)])


def _message(digest: str, revision: int) -> bytes:
    return f"dialguard rules 1\n{revision}\n{digest}\n".encode()


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
