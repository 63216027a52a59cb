"""Telling the event rules what happened. Nothing that must not be lost depends on it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dialguard.events.supervisor import Teller

if TYPE_CHECKING:
    from dialguard.service.desk import Desk

_LOG = logging.getLogger("dialguard.service")


class Telling:
    """Where event rules are on, tells each tenant's. Safe to share between threads."""

    def __init__(self, on: bool = False) -> None:
        self._on = on
        self._tellers: dict[str, Teller] = {}

    def tell(self, desk: Desk, event: Mapping[str, object]) -> None:
        """Tells an event. It waits for the disk. One that cannot be told is logged, by its kind alone."""
        folder = getattr(desk.guard.store, "folder", None)
        if not self._on or folder is None:
            return
        try:
            teller = self._tellers.get(desk.tenant)
            if teller is None:
                teller = self._tellers.setdefault(desk.tenant, Teller(folder))
            teller.tell(event)
        except Exception as error:
            _LOG.error("an event %s could not be told: %s", event.get("event"), type(error).__name__)
