"""The URL of a Redis, taken apart."""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from dialguard.storage.lease import LEASE, LONGEST, SHORTEST

TIMEOUT = 0.02
"""Seconds that a look-up waits for a connection and for an answer."""
_SCHEMES = ("redis", "rediss", "unix")


class Address(NamedTuple):
    """A URL taken apart: what redis-py understands, and what is ours."""

    url: str
    shown: str
    cluster: bool
    timeout: float
    journal: str | None
    keys: str | None = None
    lease: float = LEASE


def address(url: str) -> Address:
    """Reads ``redis://[user:password@]host:port/db``, ``rediss://`` (TLS) or ``unix://path``; of ours are the parameters ``cluster``
    (yes), ``timeout`` (seconds of a look-up), ``journal`` (a store folder), ``keys`` (the folder with the keys of erased numbers, where
    that is not the one of ``journal``) and ``lease`` (seconds for which a keeper vouches). Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"found {parts.scheme}://, expected redis://, rediss:// (TLS) or unix://")
    ours: dict[str, str] = {}
    rest = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in ("cluster", "timeout", "journal", "keys", "lease"):
            ours[name] = value
        else:
            rest.append((name, value))
    cluster = ours.get("cluster", "no").lower()
    if cluster not in ("yes", "no"):
        raise ValueError(f"cluster={cluster!r:.20}: expected yes or no")
    try:
        timeout = float(ours.get("timeout", TIMEOUT))
        lease = float(ours.get("lease", LEASE))
        port = parts.port
    except ValueError as error:
        raise ValueError(f"the Redis URL: {error}") from None
    if not 0.001 <= timeout <= 60:
        raise ValueError("timeout: expected seconds from 0.001 to 60")
    if not SHORTEST <= lease <= LONGEST:
        raise ValueError(f"lease: expected seconds from {SHORTEST:g} to {LONGEST:g}")
    if parts.scheme != "unix" and not parts.hostname:
        raise ValueError("the Redis URL names no host; expected redis://host:6379/0")
    shown = f"{parts.scheme}://{parts.hostname or ''}{f':{port}' if port else ''}{parts.path}"
    asked = f"?{urlencode(rest)}" if rest else ""
    plain = f"{parts.scheme}://{parts.netloc}{parts.path}{asked}"
    return Address(plain, shown, cluster == "yes", timeout, ours.get("journal") or None, ours.get("keys") or None, lease)
