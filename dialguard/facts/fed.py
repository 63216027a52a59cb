"""What the event rules feed: whether they are alive, and each campaign's share of abandoned calls, from one file in the store's folder.

``events/facts.json`` is touched by the events process twice a second and written anew when what it says changes. Where there is
no such file no events are used. A file that is older, or stands further in the future, than ``STALE`` means that the process is
away: what it feeds is then unknown.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dialguard.facts import clock
from dialguard.model.moment import SECOND, Instant
from dialguard.model.records import Pause

FOLDER, FILE = "events", "facts.json"
STALE = 2 * SECOND


class Share(NamedTuple):
    """The abandoned of a campaign's live-answered calls, in millionths, in the period from ``since`` to before ``until``."""

    since: Instant
    until: Instant
    share: int


class Fed:
    """Reads the file when it has changed. ``folder`` is the store's."""

    def __init__(self, folder: Path) -> None:
        self._path = os.fspath(folder / FOLDER / FILE)
        self._read = 0
        self._shares: dict[tuple[str, str], Share] | None = {}
        self._held: tuple[bool | None] | None = None

    @contextmanager
    def still(self) -> Iterator[None]:
        """Within, which is for a moment only, one look answers every question."""
        self._held = (self.alive(),)
        try:
            yield
        finally:
            self._held = None

    def alive(self) -> bool | None:
        """Whether the events process is there and has dealt with what was told it; None where no events are used."""
        held = self._held
        if held is not None:
            return held[0]
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return None
        except OSError:
            return False
        if abs(clock.now() - status.st_mtime_ns // 1000) > STALE:
            return False
        if self._read != status.st_mtime_ns:
            self._shares, self._read = self._load(), status.st_mtime_ns
        return self._shares is not None

    def share(self, seller: str, campaign: str, at: Instant) -> int | None:
        """The share that ``alive`` last saw, where it is known for the period in which ``at`` lies."""
        found = (self._shares or {}).get((seller, campaign))
        return found.share if found is not None and found.since <= at < found.until else None

    def _load(self) -> dict[tuple[str, str], Share] | None:
        """By seller and campaign; None while the process has not yet dealt with everything, or where the file cannot be read."""
        try:
            with open(self._path, "rb") as file:
                said = json.loads(file.read())
            if not said["caught_up"]:
                return None
            return {(seller, campaign): Share(since, until, share) for seller, campaign, since, until, share in said["abandoned"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None


def paused(pauses: tuple[Pause, ...], campaign: str | None) -> bool | None:
    """Whether a campaign is paused by those in force; unknown where it has no id and another of the seller's is."""
    if any(each.campaign is None or each.campaign == campaign for each in pauses):
        return True
    return None if pauses and campaign is None else False
