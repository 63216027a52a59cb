"""The rules of a running service: watched, tried when they change, and swapped in between two groups of decisions.

A change that is not usable leaves the rules that serve as they are, and ``status`` says what is wrong where. A start with unusable
files takes up the revision that served last; where there is none the service is not ready. Rules that have not been what the folders
hold for longer than ``[packs] stale_hours`` deny everything.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


from dialguard.events.supervisor import Events
from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.model.moment import HOUR, SECOND, Instant
from dialguard.packs import cache, sources
from dialguard.packs.load import load
from dialguard.packs.pack import Packs
from dialguard.packs.signing import Mark, verify
from dialguard.packs.sources import Source
from dialguard.packs.yamlfile import PackError, Problem
from dialguard.service.config import Settings
from dialguard.service.desk import Desk
from dialguard.service.revisions import FOLDER, Revisions
from dialguard.service.service import Service
from dialguard.service.standing import Refused, Standing, Trouble
from dialguard.service.tenants import Rules
from dialguard.service.trial import Report, TrialFailed, shipped_digest, troubles

LOOK = 0.25
"""Seconds between two looks at the folders. Files are read once two looks saw the same."""
BUILT = 3
"""Revisions that are kept ready."""
CONFIRMED = 600 * SECOND
"""How often it is noted on disk that the rules are what the folders hold."""
RETRY, RETRY_AT_MOST = 5.0, 300.0
"""Seconds until files that could not be tried are tried again, doubled each time."""
_LOG = logging.getLogger("dialguard.service")


@dataclass(eq=False)
class Revision:
    """Rules that were tried, and what decides by them."""

    packs: Packs
    files: Sequence[Source]
    signed: Mapping[str, Mark]
    guards: dict[str, Guard] = field(default_factory=dict)


class Live:
    """A part of the service. Everything but ``status`` is for the event loop's thread."""

    def __init__(self, settings: Settings, base: Path | None = None) -> None:
        self._settings, self._base = settings, base or sources.shipped_rules()
        self._folders = [Path(folder) for folder in settings.rules]
        self._revisions = Revisions(settings.folder / FOLDER)
        self._code, self._shipped = cache.code(), ""
        self._built: dict[str, Revision] = {}
        self.active: Revision | None = None
        self._since = self._confirmed = self._noted = 0
        self._current = self._from_last = self._kept = False
        self._refused: Refused | None = None
        self._decided: object = None
        self._last: object = None
        self._retry: tuple[float, float] | None = None
        self._nudge = asyncio.Event()
        self._looks = 0
        self._asked = 0

    def rules(self, _: Settings) -> Rules | None:
        """The rules that serve; None where none do, or not yet."""
        active = self.active
        return None if active is None else Rules(active.packs, active.files)

    def status(self) -> Standing:
        """Which rules serve, and what is wrong with those that do not."""
        if self.active is None:
            return Standing("none", refused=self._refused)
        state = "refused" if self._refused is not None else "current" if self._current else "changing"
        if self._from_last and state != "current":
            state = "last_good"
        if self._stale() is not None:
            state = "stale"
        shown, packs = clock.format_instant, self.active.packs
        return Standing(
            state, packs.digest, len(packs.rules), shown(self._since), shown(self._confirmed),
            None if self._current else shown(self._stale_at), self._kept, dict(self.active.signed), self._refused,
        )  # fmt: skip

    async def reload(self, force: bool, who: str) -> Standing:
        """The status after the folders were looked at again, also where they did not change. ``force``: a signed revision may be older
        than one that served."""
        if force:
            found, _ = await asyncio.to_thread(sources.collect, self._base, self._folders)
            digest = sources.digest(found)
            _LOG.warning("the key %s has the rules %.12s taken even where they are an older revision", who, digest)
            await asyncio.to_thread(self._revisions.force, digest)
        wanted = self._asked = max(self._asked, self._looks) + 1
        self._nudge.set()
        while self._looks < wanted:
            await asyncio.sleep(0.02)
        return self.status()

    @asynccontextmanager
    async def open(self, service: Service) -> AsyncIterator[None]:
        """A part of the service: watches the rules."""
        service.rules = self
        task = asyncio.create_task(self._watch(service))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._note(always=True)

    def fit(self, desks: Mapping[str, Desk]) -> None:
        """Has desks that were opened meanwhile decide by the rules that serve now."""
        for desk in desks.values():
            if self.active is not None and desk.guard.packs is not self.active.packs:
                desk.guard = desk.guard.renewed(self.active.packs, self.active.files)
                _told(desk, self.active.packs)
            desk.guard.stale = self._stale()

    # ------------------------------------------------------------------------------------------------- watching

    async def _watch(self, service: Service) -> None:
        while True:
            asked = self._asked
            try:
                settled = await self._look(service, asked > self._looks)
            except Exception as error:
                self._current, settled = False, True
                _LOG.error("the rules cannot be looked at: %s", type(error).__name__)
            if settled:
                self._looks = max(self._looks, asked)
            for desk in service.desks.values():
                desk.guard.stale = self._stale()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), LOOK)
            self._nudge.clear()

    async def _look(self, service: Service, asked: bool) -> bool:
        """Looks once at the folders; whether they have been dealt with as they are."""
        stamp = await asyncio.to_thread(sources.stamp, self._base, self._folders)
        again = asked or (self._retry is not None and time.monotonic() >= self._retry[0])
        if stamp == self._decided and not again:
            if self._current:
                self._confirmed = clock.now()
                await self._note()
            return True
        if stamp != self._decided:
            self._current = False
        if stamp != self._last and self.active is not None:  # somebody may be writing
            self._last = stamp
            return False
        found, problems = await asyncio.to_thread(sources.collect, self._base, self._folders)
        if await asyncio.to_thread(sources.stamp, self._base, self._folders) != stamp:
            self._last = None
            return False
        self._last = self._decided = stamp
        await self._take(service, found, problems)
        return True

    async def _take(self, service: Service, found: Sequence[Source], problems: Sequence[Problem]) -> None:
        digest = sources.digest(found)
        try:
            if problems:
                raise PackError(problems)
            signed = await asyncio.to_thread(self._signed, found, digest)
            if self.active is None or self.active.packs.digest != digest:
                revision = self._built.get(digest) or Revision(await self._tried(found), found, signed)
                revision.signed = signed
                await self.activate(service, revision)
            self._retry = None
            self._current, self._from_last, self._refused, self._confirmed = True, False, None, clock.now()
            await self._save(self.active)
        except PackError as error:
            self._retry = None
            await self._refuse(service, digest, troubles(error.problems))
        except (TrialFailed, OSError, ValueError, RuntimeError) as error:
            wait = RETRY if self._retry is None else min(2 * self._retry[1], RETRY_AT_MOST)
            self._retry = time.monotonic() + wait, wait
            await self._refuse(service, digest, [Trouble(str(self._base), 1, 1, str(error))])

    async def _tried(self, found: Sequence[Source]) -> Packs:
        if not self._shipped:
            self._shipped = shipped_digest(found)
            if not self._folders:  # what came with the program was tried before it was released
                return await asyncio.to_thread(load, (), self._base)
        report: Report = await asyncio.to_thread(self._revisions.tried, found, self._code, self._shipped)
        if report.troubles:
            raise PackError([Problem(each.file, each.line, each.column, each.message, each.hint) for each in report.troubles])
        packs = await asyncio.to_thread(self._revisions.packs, report.compiled, found)
        if packs.digest != sources.digest(found):
            raise ValueError("the compiled rules are not those that were tried")
        self._shipped = shipped_digest(found)
        return packs

    def _signed(self, found: Sequence[Source], digest: str) -> dict[str, Mark]:
        """Who signed which folder, where that is asked for. Raises PackError."""
        trusted = self._settings.packs.signed_by
        marks = {str(folder): verify(folder, found, trusted) for folder in self._folders} if trusted else {}
        before = self._revisions.signed() if self.active is None else self.active.signed
        for folder, mark in marks.items():
            held = before.get(folder)
            if held is not None and mark.revision < held.revision:
                text = f"this is revision {mark.revision}, and revision {held.revision} served before"
                if not self._revisions.forced(digest):
                    hint = "sign the folder with a later number, or reload with force"
                    raise PackError([Problem(str(Path(folder) / sources.SIGNATURE), 1, 1, text, hint)])
                _LOG.warning("the rules in %s go back: %s", folder, text)
        return marks

    async def _refuse(self, service: Service, digest: str, found: list[Trouble]) -> None:
        self._current = False
        if self._refused is None or self._refused.troubles != found:
            told = "the rules that serve go on" if self.active is not None else "no rules serve"
            more = f"; and {len(found) - 1} more" if len(found) > 1 else ""
            _LOG.error("the rules in the folders are not used, and %s: %s%s", told, found[0], more)
        self._refused = Refused(digest, clock.format_instant(clock.now()), found)
        if self.active is None:
            with suppress(PackError, ValueError):
                await self._take_last(service)

    async def _take_last(self, service: Service) -> None:
        """The revision that served last serves."""
        held = await asyncio.to_thread(self._revisions.last)
        trusted = self._settings.packs.signed_by
        if held is None:
            return
        keys = {mark.key for mark in held.saved.signed.values()}
        if trusted and not (keys and keys <= set(trusted)):
            return
        packs = await asyncio.to_thread(lambda: self._revisions.packs(cache.key(held.files), held.files))
        await self.activate(service, Revision(packs, held.files, held.saved.signed))
        self._from_last = self._kept = True
        self._confirmed = held.saved.confirmed
        _LOG.warning(
            "the rules %.12s serve, which served last and were confirmed at %s", packs.digest, clock.format_instant(self._confirmed)
        )

    # ------------------------------------------------------------------------------------------------- swapping

    async def activate(self, service: Service, revision: Revision) -> None:
        """Makes and prepares a guard of the revision for each desk beside those that decide, then has all of them decide. Raises what
        making a guard does."""
        before = self.active
        for name, desk in [*service.desks.items()]:
            built = revision.guards.get(name)
            revision.guards[name] = await asyncio.to_thread(desk.guard.renewed, revision.packs, revision.files, built)
        self._swap(service, revision)
        if before is None:
            _LOG.info("the rules %.12s serve", revision.packs.digest)
        else:
            _LOG.info("the rules %.12s serve in the place of %.12s", revision.packs.digest, before.packs.digest)

    def _swap(self, service: Service, revision: Revision) -> None:
        """In one turn of the event loop: no group of decisions is under way."""
        made = revision.guards
        new = {name: made.get(name) or desk.guard.renewed(revision.packs, revision.files) for name, desk in service.desks.items()}
        for name, desk in service.desks.items():
            new[name].adopt(desk.guard)  # what was registered meanwhile
        for name, desk in service.desks.items():
            desk.guard = new[name]
            _told(desk, revision.packs)
        revision.guards = new
        self.active, self._since, self._kept = revision, clock.now(), False
        self._built.pop(revision.packs.digest, None)
        self._built[revision.packs.digest] = revision
        while len(self._built) > BUILT:
            del self._built[next(iter(self._built))]
            gc.unfreeze()  # what was set aside of it (see ``heap``) can be collected

    # ------------------------------------------------------------------------------------------------- keeping

    async def _save(self, revision: Revision) -> None:
        try:
            await asyncio.to_thread(self._revisions.save, revision.files, revision.packs.digest, self._confirmed, revision.signed)
            self._kept, self._noted = True, self._confirmed
        except OSError as error:
            self._kept = False
            _LOG.error("the rules that serve cannot be kept for the next start: %s", error.strerror)

    async def _note(self, always: bool = False) -> None:
        """Notes now and then on disk that the rules are what the folders hold."""
        if self.active is None or not self._current or not (always or self._confirmed - self._noted >= CONFIRMED):
            return
        self._noted = self._confirmed
        if not self._kept:
            await self._save(self.active)
            return
        try:
            await asyncio.to_thread(self._revisions.confirm, self.active.packs.digest, self._confirmed)
        except OSError as error:
            _LOG.error("it cannot be noted that the rules are those of the folders: %s", error.strerror)

    @property
    def _stale_at(self) -> Instant:
        return self._confirmed + int(self._settings.packs.stale_hours * HOUR)

    def _stale(self) -> str | None:
        """Why the rules must no longer be used, where that is so."""
        if self.active is None or self._current or clock.now() < self._stale_at:
            return None
        since = clock.format_instant(self._confirmed)
        return f"The rules have not been what the folders of rule files hold since {since}; until they are, attempts are denied."


def _told(desk: Desk, packs: Packs) -> None:
    """Has the event rules of these packs run, where event rules run."""
    if isinstance(desk.teller, Events):
        desk.teller.take(packs)
