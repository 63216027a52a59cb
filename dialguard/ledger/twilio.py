"""Twilio's consent items (Consent Management API: contact_id, correlation_id, sender_id, status, source, date_of_consent).

An opt-in is a consent to texts. It says nothing of a signature, so its level is what the importer declares. An opt-out is a
revocation of everything: what a person stops with one word reaches further than the sender that was answered (47 CFR
64.1200(a)(10)). Without a date an opt-in counts from when it is recorded, and an opt-out from that moment as well.
"""

from collections.abc import Mapping
from typing import Any

from dialguard.facts import clock
from dialguard.ledger.errors import RecordError, suggest
from dialguard.ledger.fields import read_field
from dialguard.ledger.rows import describe
from dialguard.model.moment import Instant

NEEDED = ("contact_id", "status")
STATUSES = ("opt-in", "opt-out")
SOURCES = ("website", "offline", "opt-in-message", "opt-out-message", "others")
_ALSO = ("seller", "person", "kind", "correlation_id", "sender_id", "source", "date_of_consent")


def is_item(cells: Mapping[str, Any]) -> bool:
    """Whether a row has the fields of an item."""
    return all(name in cells for name in NEEDED)


def fields(cells: Mapping[str, Any], level: str, now: Instant) -> dict[str, Any]:
    """The entry of an item, with ``dated``: whether the item says when. Raises RecordError."""
    for name in cells:
        if name not in NEEDED + _ALSO:
            raise RecordError(str(name)[:40], "a column that no consent item has", "one of " + ", ".join(NEEDED + _ALSO))
    status, source = _one_of(cells, "status", STATUSES), _one_of(cells, "source", SOURCES)
    if status is None:
        raise RecordError("status", "nothing", "one of " + ", ".join(STATUSES))
    try:
        number = read_field("number", cells["contact_id"])
    except RecordError as error:
        raise RecordError("contact_id", error.found, error.expected) from None
    if number is None:
        raise RecordError("contact_id", "nothing", "a telephone number")
    at = cells.get("date_of_consent") or None
    if at is not None:
        try:
            at = clock.format_instant(read_field("obtained_at", at))
        except RecordError as error:
            raise RecordError("date_of_consent", error.found, error.expected) from None
    sender = read_field("reference", cells.get("sender_id"))
    if sender is not None and not isinstance(sender, str):
        raise RecordError("sender_id", describe(sender), "the sender, as text")
    said = {"number": number, "id": cells.get("correlation_id"), "dated": at is not None}
    said |= {name: cells[name] for name in ("seller", "person") if name in cells}
    if status == "opt-in":
        reference = None if sender is None else f"Twilio sender {sender}"
        how = None if source is None else source.replace("-", "_")
        return said | dict(kind="consent", level=level, channels=["sms", "mms"], obtained_at=at, source=how, reference=reference)
    means = "stop_reply" if source == "opt-out-message" else source
    return said | dict(kind="revocation", at=at or clock.format_instant(now), scope="all", means=means)


def _one_of(cells: Mapping[str, Any], name: str, words: tuple[str, ...]) -> str | None:
    value = cells.get(name)
    word = value.strip().lower() if isinstance(value, str) else value
    if word in (None, "") or word in words:
        return word or None
    raise RecordError(name, describe(value), "one of " + ", ".join(words) + suggest(str(word), words))
