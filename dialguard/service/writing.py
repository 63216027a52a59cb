"""Writing to a tenant's record for a request: off the event loop's thread, since a write waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, structs

from dialguard.facts import clock
from dialguard.ledger.errors import LedgerError, RecordError
from dialguard.ledger.fields import read_field
from dialguard.model.moment import Instant
from dialguard.service.problem import Problem, wrong
from dialguard.service.web import Request

if TYPE_CHECKING:
    from dialguard.service.desk import Desk

T = TypeVar("T")


async def written(work: Callable[[], T]) -> T:
    """What ``work`` gives, done in another thread. Raises Problem that names the field, or says that nothing was recorded."""
    try:
        return await asyncio.to_thread(work)
    except RecordError as error:
        raise wrong(error) from None
    except LedgerError as error:
        raise Problem("store.unavailable") from error


def store_of(asked: Request | Desk) -> Any:
    """The tenant's store. Raises Problem where it keeps none."""
    store = getattr(asked, "desk", asked).guard.store
    if store is None:
        raise Problem("store.unavailable", "this service was started without a store")
    return store


def read(name: str, value: object) -> Any:
    """One field as the record takes it. Raises Problem, also where it is blank."""
    try:
        found = read_field(name, value)
    except RecordError as error:
        raise wrong(error) from None
    if found is None:
        raise Problem("input.invalid", errors=[(name, "found nothing, expected a value; what is not known is left out")])
    return found


def fields(body: Struct, *, now: Instant) -> dict[str, Any]:
    """A body's fields as the record's functions take them. Raises Problem."""
    return {"known_at": now} | {name: read(name, value) for name, value in structs.asdict(body).items() if value is not None}


def told_at(given: Mapping[str, Any], now: Instant) -> Instant:
    """When something happened that was told just now: by now at the latest, whatever the teller's clock says."""
    return min(given.get("at", now), now)


def now() -> Instant:
    """This moment."""
    return clock.now()
