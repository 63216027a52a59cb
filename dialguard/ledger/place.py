"""Where a record lies: in the file ``ledger.sqlite`` of a store, or in the database that ``ledger.url`` beside it names."""

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from dialguard.ledger.postgresql import DRIVER

FILE, ADDRESS, KEYS = "ledger.sqlite", "ledger.url", "keys"


class PlaceError(ValueError):
    """A place that cannot be used; the text says why and what to do, without a password."""


def url_of(target: str | Path) -> URL:
    """The URL of a path or URL as the user gave it. Raises PlaceError."""
    if "://" in str(target):
        return _url(str(target), "the ledger's address")
    path = Path(target)
    address = path.with_name(ADDRESS)
    if path.name != FILE or not address.exists():
        return URL.create("sqlite", database=str(path))
    if path.exists():
        raise PlaceError(f"{path.parent} holds both {FILE} and {ADDRESS}, two records of one store; move the one away that does not count")
    try:
        return _url(address.read_text("utf-8").strip(), str(address))
    except (OSError, UnicodeDecodeError):
        raise PlaceError(f"{address} cannot be read; it holds one line such as postgresql://dialguard@db.example.com/dialguard") from None


def keys_of(target: str | Path) -> Path | None:
    """Where the keys of erased numbers lie: beside the file, or in the folder that the parameter ``keys`` of a URL names."""
    if "://" not in str(target):
        return Path(target).with_name(KEYS)
    try:
        named = make_url(str(target)).query.get(KEYS)
    except (ArgumentError, ValueError):
        return None
    return Path(named) if isinstance(named, str) else None


def _url(text: str, where: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise PlaceError(f"{where} is no URL; expected one such as postgresql://dialguard@db.example.com/dialguard") from None
    url = url.difference_update_query([KEYS])
    return url.set(drivername=DRIVER) if url.drivername in ("postgresql", "postgres") else url
