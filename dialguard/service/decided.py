"""Decisions that were recorded, for those who ask about them afterwards: the tenant's decision log, read off the event loop's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dialguard.audit.errors import LogError
from dialguard.audit.keys import Keys
from dialguard.audit.log import default_keys
from dialguard.audit.reading import Reader, Wanted
from dialguard.facts import numbers
from dialguard.facts.attempt import read_campaign
from dialguard.facts.given import Campaign, InvalidInput
from dialguard.model.moment import DAY
from dialguard.service.writing import now

if TYPE_CHECKING:
    from dialguard.service.desk import Desk

T = TypeVar("T")
FOLDER = "decisions"
RECENT = 3 * DAY
"""How far back an outcome looks for its decision."""
_SLOW = ThreadPoolExecutor(2, "dialguard-slow")
"""Where long questions are asked: few at a time, so that decisions beside them stay quick, and writes do not wait for them."""


async def slowly(ask: Callable[[], T]) -> T:
    """What ``ask`` gives, asked where long questions are."""
    return await asyncio.get_running_loop().run_in_executor(_SLOW, ask)


class Made(NamedTuple):
    """An attempt that was decided. ``reference`` is the id under which its slot was reserved, ``campaign`` the campaign's."""

    seller: str
    number: str
    channel: str
    purpose: str | None
    subject: str | None
    voice: str | None
    debt: str | None
    from_: str | None
    person: str | None
    reference: str
    campaign: str | None

    def fields(self) -> dict[str, Any]:
        """The attempt as the record takes it."""
        return {name: value for name, value in self._asdict().items() if name != "campaign"}


def made_of(campaign: Campaign, number: str, channel: str, from_: str | None, person: str | None, debt: str | None, reference: str) -> Made:
    """An attempt of a campaign."""
    facts: Mapping[str, Any] = campaign.facts
    voice = facts["campaign.voice"] if channel in ("voice", "rvm") else None
    return Made(
        campaign.seller, number, channel, facts["campaign.purpose"], facts["campaign.subject"], voice, debt, from_, person, reference,
        campaign.id,
    )  # fmt: skip


def reader(desk: Desk) -> Reader | None:
    """The decision log of a tenant; None where it keeps none."""
    if desk.log is not None:
        return Reader(desk.log.folder, desk.log.keys)
    folder = getattr(desk.guard.store, "folder", None)
    if folder is None:
        return None
    log = Path(folder) / FOLDER
    try:
        return Reader(log, Keys(default_keys(log)))
    except LogError:
        return None


async def search(desk: Desk, id_: str) -> Made | None:
    """The attempt of a decision of the last days; None where it is not in the log, or cannot be opened any more."""

    def ask() -> Made | None:
        log = reader(desk)
        if log is None:
            return None
        for record in log.find(Wanted(id=id_, tenant=desk.tenant, since=now() - RECENT)):
            body, _ = log.whole(record)
            if body["decision"]["id"] == id_:
                return _made(body)
        return None

    return await slowly(ask)


def _made(body: Mapping[str, Any]) -> Made | None:
    attempt, decision = body["attempt"], body["decision"]
    number = numbers.parse(attempt.get("to")).e164
    try:
        campaign = read_campaign(body.get("campaign"))
    except InvalidInput:
        return None
    if number is None:
        return None
    from_ = numbers.parse(attempt["from"]).e164 if attempt.get("from") is not None else None
    contact, debt = attempt.get("contact") or {}, attempt.get("debt") or {}
    return made_of(campaign, number, attempt["channel"], from_, contact.get("id"), debt.get("id"), decision["attempt_id"] or decision["id"])
