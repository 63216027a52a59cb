"""Which store is asked, and what stands beside it in its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dialguard.facts import feed
from dialguard.facts.fed import Fed

if TYPE_CHECKING:
    from dialguard.storage.ports import Store


def default_store() -> str:
    """The folder of the embedded store when none is named: DIALGUARD_STORE, else ~/.dialguard."""
    return os.environ.get("DIALGUARD_STORE") or str(Path.home() / ".dialguard")


def open_store(store: str | os.PathLike[str] | Store | None) -> Store:
    """A store object as it is, the embedded store of a folder, or the one behind ``redis://``, ``rediss://`` or ``unix://``."""
    if store is not None and not isinstance(store, (str, os.PathLike)):
        return store
    name = os.fspath(store) if store is not None else default_store()
    if name.startswith(("redis://", "rediss://", "unix://")):
        from dialguard.storage.redis import RedisStore

        return RedisStore(name)
    if "://" in name:
        raise ValueError(f"store {name.split('://')[0]}:// is not known; expected a folder or redis://host:port/0")
    from dialguard.storage.embedded import EmbeddedStore

    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ValueError(f"the store {name} is a file; expected a folder") from None
    except OSError as error:
        raise ValueError(f"the store folder {name} cannot be made: {error.strerror}") from None
    return EmbeddedStore(name)


def feed_of(store: object) -> feed.Feed:
    """The emergencies and proclaimed days beside a store; none where it has no folder."""
    path = feed_file_of(store)
    return feed.load(path) if path is not None else feed.Feed()


def feed_file_of(store: object) -> Path | None:
    """Where these stand, if they do."""
    folder = getattr(store, "folder", None)
    path = Path(folder) / "feed.json" if folder is not None else None
    return path if path is not None and path.is_file() else None


def fed_of(store: object) -> Fed | None:
    """What the event rules feed beside a store."""
    folder = getattr(store, "folder", None)
    return None if folder is None else Fed(Path(folder))
