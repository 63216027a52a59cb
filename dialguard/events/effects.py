"""What an action comes to: an entry of the record, or an alarm. There is nothing here that lifts anything."""

import hashlib
import hmac
import os
from pathlib import Path
from typing import Any

from dialguard.events.meaning import Action, Event
from dialguard.facts import clock
from dialguard.model.moment import Instant
from dialguard.packs.eventrule import EventRule

SET_ASIDE = "house.event.set-aside"
"""In the place of a rule where an event could not be judged."""

Entry = tuple[str, dict[str, Any], str]


def entry(action: Action, rule: EventRule, event: Event, now: Instant) -> Entry | None:
    """Kind, fields and source of what is recorded; None for an alarm."""
    effect, source = action.effect, f"event:{rule.id}:{action.place}:{event.id}"
    if effect.verb == "pause":
        return _pause(event, event.campaign if effect.how == "campaign" else None, " ".join(rule.message.split()), rule.id, now, source)
    of_number = {"seller": event.seller, "number": event.to, "person": event.person, "at": event.at, "known_at": now}
    if effect.verb == "suppress":
        return "internal", {**of_number, "action": "add"}, source
    if effect.verb == "revoke":
        whole = effect.how == "medium" and event.channel is None  # which medium is not known: all of them
        fields = {**of_number, "scope": "all" if whole else effect.how, "means": f"event: {event.event}"}
        return "revocation", {**fields, "channel": event.channel if effect.how == "medium" and not whole else None}, source
    return None


def set_aside(event: Event, why: str, now: Instant) -> Entry:
    """An event that no rule could judge pauses what it speaks of, until somebody has looked: it might have had to."""
    return _pause(event, event.campaign, f"an event could not be judged ({why})", SET_ASIDE, now, f"event:{SET_ASIDE}:0:{event.id}")


def _pause(event: Event, campaign: str | None, reason: str, by: str, now: Instant, source: str) -> Entry:
    # A campaign that was not told may be any of the seller's.
    fields = {"seller": event.seller, "campaign": campaign, "action": "pause", "at": event.at, "known_at": now, "reason": reason, "by": by}
    return "pause", fields, source


def alarm(rule: str, level: str, message: str, event: Event | None, now: Instant, key: bytes, id_: str) -> dict[str, Any]:
    """An alarm as it is written and sent: no number, but a keyed hash by which the same number is known again."""
    found: dict[str, Any] = {"id": hashlib.sha256(id_.encode()).hexdigest()[:32], "at": clock.format_instant(now), "level": level}
    found |= {"rule": rule, "message": " ".join(message.split())}
    if event is not None:
        found |= {"event": event.event, "event_id": event.id, "seller": event.seller, "campaign": event.campaign, "channel": event.channel}
        found |= {"code": event.code, "reference": event.reference, "happened_at": clock.format_instant(event.at)}
        if event.to is not None:
            found["number"] = "n-" + hmac.new(key, event.to.encode(), hashlib.sha256).hexdigest()[:20]
    return {name: value for name, value in found.items() if value is not None}


def number_key(folder: Path) -> bytes:
    """The key of the hashes, beside the journal, made on first use and readable by its owner alone."""
    path = folder / "numbers.key"
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(file, "wb") as new:
        new.write(made := os.urandom(32))
    return made
