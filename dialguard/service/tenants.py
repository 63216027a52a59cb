"""Tenants: each has a folder, and in it its ledger, lists, decisions and campaigns. Nothing is shared but the law.

The default tenant's folder is the service's own; that of another is ``tenants/NAME`` in it. Lists are not shared between tenants
either: a registry is subscribed to by one who may use it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from dialguard.audit.log import DecisionLog
from dialguard.events.supervisor import Events, Teller
from dialguard.facts.clock import Watch
from dialguard.guard import Guard
from dialguard.ledger.place import FILE, url_of
from dialguard.model.records import LookUpFailed
from dialguard.packs.load import Packs
from dialguard.packs.sources import Source
from dialguard.service import book
from dialguard.service.book import Book
from dialguard.service.config import Settings
from dialguard.service.desk import Desk
from dialguard.service.keyfile import DEFAULT, tenant_name
from dialguard.service.service import Service
from dialguard.storage.embedded import EmbeddedStore

FOLDER, LOG = "tenants", "decisions"
LOOK = 0.5
"""Seconds between two looks for tenants that are new or could not be opened before, and for campaigns that changed."""
_LOG = logging.getLogger("dialguard.service")


class Crossed(ValueError):
    """Two tenants would have the same record."""


def folder_of(root: Path, tenant: str) -> Path:
    """A tenant's folder. Raises KeyFileError for what is no tenant's name."""
    return root if tenant == DEFAULT else root / FOLDER / tenant_name(tenant)


def names(settings: Settings, keys: frozenset[str] = frozenset()) -> list[str]:
    """Every tenant: the default one, those of the configuration, those that have a folder, those that have a key."""
    there = settings.folder / FOLDER
    folders = [path.name for path in there.iterdir() if path.is_dir() and not path.name.startswith(".")] if there.is_dir() else []
    return [DEFAULT, *sorted({*settings.tenants, *folders, *keys} - {DEFAULT})]


class Rules(NamedTuple):
    """The rules of new desks, and the files they were made of where those may be others by now."""

    packs: Packs
    files: Sequence[Source] | None = None


def open_desk(settings: Settings, tenant: str, packs: Packs, watch: Watch | None = None, files: Sequence[Source] | None = None) -> Desk:
    """A tenant's desk, which denies while ``watch`` doubts the system's clock. Raises what opening its store or switching off its rules
    raises."""
    folder = folder_of(settings.folder, tenant)
    folder.mkdir(parents=True, exist_ok=True)
    table = settings.tenants.get(tenant)
    store: object
    if table is not None and table.store is not None:
        from dialguard.storage.redis import RedisStore

        store = RedisStore(table.store, journal=folder)
    else:
        store = EmbeddedStore(folder, follow=True)
        with suppress(LookUpFailed):  # then each decision says so
            store.warm()
    said = settings.decisions
    log = DecisionLog(folder / LOG, numbers=said.numbers, sync=said.sync, witness=said.witness, door="http")
    try:
        guard = Guard(store, rules=settings.rules, disable=settings.disable, packs=packs, log=log, watch=watch, files=files)
        teller = _teller(settings, folder, packs)
    except BaseException:
        log.close()
        raise
    log.watch()
    return Desk(tenant, guard, Book(folder / book.FILE), log, teller, settings.limits.waiting)


def _teller(settings: Settings, folder: Path, packs: Packs) -> Teller | None:
    """Whom events are told, where the configuration has event rules run."""
    if not settings.events.on:
        return None

    url, alarms = url_of(folder / FILE), settings.alarms
    ledger = None if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=False)
    return Events(folder, packs, ledger=ledger, webhook=alarms.webhook, secret=alarms.secret)


def record_of(folder: Path) -> str:
    """What tells the record of one folder from another's, however each is named. Raises PlaceError."""
    url = url_of(folder.resolve() / FILE)
    return f"{url.host}:{url.port}/{url.database}" if url.host else str(Path(str(url.database)).resolve())


class Tenants:
    """Opens the desks of a service while it already answers that it is not ready, and goes on looking for new tenants."""

    def __init__(
        self, settings: Settings, load: Callable[[Settings], Rules | None], fit: Callable[[Mapping[str, Desk]], None] = lambda desks: None
    ) -> None:  # fmt: skip
        """``load`` gives the rules, None where there are none yet; ``fit`` is given the desks that were opened before anybody may ask
        there: the rules may have changed meanwhile."""
        self._settings, self._load, self._fit = settings, load, fit
        self._told: dict[str, str] = {}
        self._watch = Watch(_LOG.warning)

    @asynccontextmanager
    async def open(self, service: Service) -> AsyncIterator[None]:
        """A part of the service: opens its desks, and closes their stores at the end."""
        task = asyncio.create_task(self._keep_open(service))
        try:
            yield
        finally:
            service.ready = False
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            for desk in service.desks.values():
                desk.close()

    async def _keep_open(self, service: Service) -> None:
        while True:
            opened = await asyncio.to_thread(self._missing, frozenset(service.desks), service.keys.tenants)
            self._fit(opened)
            service.desks.update(opened)
            if not service.ready and DEFAULT in service.desks:
                service.ready = True
                _LOG.info("process %d is ready", os.getpid())
            for desk in service.desks.values():
                desk.book.follow(desk.guard)
            await asyncio.sleep(LOOK)

    def _missing(self, opened: frozenset[str], keys: frozenset[str]) -> dict[str, Desk]:
        """Desks of tenants that have none yet. What fails is logged once and tried again."""
        found: dict[str, Desk] = {}
        try:
            wanted = [name for name in names(self._settings, keys) if name not in opened]
        except OSError as error:
            self._tell("the folder of the tenants", error)
            return {}
        try:
            rules = self._load(self._settings) if wanted else None
        except Exception as error:
            self._tell("the rules", error)
            return {}
        for name in wanted:
            if rules is not None:
                try:
                    self._apart(name, opened | found.keys())
                    found[name] = open_desk(self._settings, name, rules.packs, self._watch, rules.files)
                    self._told.pop(name, None)
                except Exception as error:
                    self._tell(f"the tenant {name}", error)
        return found

    def _apart(self, tenant: str, others: frozenset[str]) -> None:
        """Raises Crossed where another tenant has the same record."""
        here = record_of(folder_of(self._settings.folder, tenant))
        for other in others:
            if record_of(folder_of(self._settings.folder, other)) == here:
                raise Crossed(f"its record is that of the tenant {other}; each needs one of its own")

    def _tell(self, what: str, error: Exception) -> None:
        text = str(error)
        if self._told.get(what) != text:
            self._told[what] = text
            _LOG.error("%s cannot be opened, and what needs it is answered 503; it is tried again: %s", what, text)
