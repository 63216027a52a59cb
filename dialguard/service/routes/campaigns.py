"""``/v1/campaigns``: the campaigns that attempts may name by id, kept beside the record; every worker takes a change up within a second."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from dialguard.facts import clock
from dialguard.facts.attempt import read_campaign
from dialguard.ledger.rows import text
from dialguard.service import bodies
from dialguard.service.book import Taken
from dialguard.service.problem import Problem
from dialguard.service.web import Request, Response, Route, json
from dialguard.service.writing import now, read, store_of, written

_NOBODY = "+12010000000"
"""A number that nobody can have."""


def _checked(body: bodies.Campaign) -> dict[str, Any]:
    """The campaign's fields. Raises InvalidInput, RecordError where the record could not hold its seller."""
    campaign = msgspec.to_builtins(body)
    text(body.seller, "seller")
    read_campaign(campaign)
    return campaign


async def _kept(request: Request, campaign: dict[str, Any], *, new: bool) -> bool:
    book = request.desk.book
    try:
        changed = await asyncio.to_thread(book.put, campaign, new=new)
    except Taken:
        raise Problem("resource.conflict", "a campaign of this id is registered and says something else; PUT replaces it") from None
    book.follow(request.desk.guard)
    return changed


async def _one(request: Request, id_: str) -> dict[str, Any]:
    """A registered campaign. Raises Problem."""
    found = (await asyncio.to_thread(request.desk.book.campaigns)).get(id_)
    if found is None:
        raise Problem("resource.unknown", "no campaign of this id is registered")
    return found


async def register(request: Request) -> Response:
    """Register a campaign."""
    campaign = _checked(await request.read(bodies.Campaign))
    changed = await _kept(request, campaign, new=True)
    return json(campaign, 201 if changed else 200)


async def replace(request: Request) -> Response:
    """Register a campaign under this id, in the place of one that is."""
    body = await request.read(bodies.Campaign)
    if body.id != request.params["id"]:
        raise Problem("input.invalid", errors=[("id", "is another than that of the path")])
    campaign = _checked(body)
    await _kept(request, campaign, new=False)
    return json(campaign)


async def remove(request: Request) -> Response:
    """Register a campaign no more: attempts that name it are refused."""
    book, id_ = request.desk.book, request.params["id"]
    if not await asyncio.to_thread(book.remove, id_):
        raise Problem("resource.unknown", "no campaign of this id is registered")
    book.follow(request.desk.guard)
    return json(bodies.Removed(id=id_))


async def every(request: Request) -> Response:
    """All registered campaigns."""
    found = await asyncio.to_thread(request.desk.book.campaigns)
    return json({"campaigns": list(found.values())})


async def one(request: Request) -> Response:
    """A campaign, and what pauses it now."""
    campaign = await _one(request, request.params["id"])
    return json({"campaign": campaign, "pauses": await _pauses(request, campaign)})


async def _pauses(request: Request, campaign: dict[str, Any]) -> list[bodies.Paused]:
    store, moment = request.desk.guard.store, now()
    if store is None:
        return []
    found = await asyncio.to_thread(lambda: store.look_up(seller=campaign["seller"], number=_NOBODY, at=moment).pauses)
    return [
        bodies.Paused(
            id=pause.id, campaign=pause.campaign, since=clock.format_instant(pause.since), by=pause.by, reason=pause.reason,
            until=None if pause.until is None else clock.format_instant(pause.until),
        )
        for pause in found if pause.campaign in (None, campaign["id"])
    ]  # fmt: skip


async def _record(request: Request, kind: type, function: str) -> Response:
    body = await request.read(kind)
    campaign, store, moment = await _one(request, request.params["id"]), store_of(request), now()
    until = {} if getattr(body, "until", None) is None else {"until": read("until", body.until)}
    said = {"seller": campaign["seller"], "campaign": campaign["id"], "by": body.by, "reason": body.reason}
    await written(lambda: getattr(store, function)(**said, **until, at=moment, known_at=moment))
    return json({"campaign": campaign, "pauses": await _pauses(request, campaign)})


async def pause(request: Request) -> Response:
    """Nobody is contacted for a campaign until then, or until it goes on."""
    return await _record(request, bodies.Pause, "pause_campaign")


async def resume(request: Request) -> Response:
    """Lift every pause of a campaign that was recorded so far."""
    return await _record(request, bodies.Resume, "resume_campaign")


ROUTES = [
    Route("POST", "/v1/campaigns", "admin", register, "Register a campaign", bodies.Campaign, bodies.Campaign, status=201),
    Route("GET", "/v1/campaigns", "admin", every, "All campaigns", None, bodies.Campaigns),
    Route("GET", "/v1/campaigns/{id}", "admin", one, "A campaign, and what pauses it", None, bodies.CampaignShown),
    Route("PUT", "/v1/campaigns/{id}", "admin", replace, "Register or replace a campaign", bodies.Campaign, bodies.Campaign),
    Route("DELETE", "/v1/campaigns/{id}", "admin", remove, "Remove a campaign", None, bodies.Removed),
    Route("POST", "/v1/campaigns/{id}/pause", "admin", pause, "Pause a campaign", bodies.Pause, bodies.CampaignShown),
    Route("POST", "/v1/campaigns/{id}/resume", "admin", resume, "Let a campaign go on", bodies.Resume, bodies.CampaignShown),
]
