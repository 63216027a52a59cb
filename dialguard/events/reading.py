"""An event as it is told becomes an ``Event``; every mistake is named, and no number is repeated."""

import os
import re
from collections.abc import Mapping

from dialguard.events.meaning import Event
from dialguard.facts import clock, numbers
from dialguard.ledger.rows import describe
from dialguard.model.moment import Instant
from dialguard.model.records import CHANNELS
from dialguard.packs.eventrule import NEEDS
from dialguard.packs.yamlfile import suggest

FIELDS = ("event", "id", "seller", "campaign", "to", "at", "channel", "code", "means", "reference", "person")
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class EventError(ValueError):
    """An event that cannot be told; ``errors`` pairs each field with what was found and what was expected."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors))


def read(said: object, now: Instant) -> Event:
    """The event; one without an id gets one, and one without a moment happened ``now``. Raises EventError."""
    if not isinstance(said, Mapping):
        raise EventError([("event", f"found {describe(said)}, expected an object with the fields of an event")])
    errors: list[tuple[str, str]] = []
    given = {str(name): value for name, value in said.items() if value is not None}
    for name in given:
        if name not in FIELDS:
            errors.append((describe(name)[1:-1], f"an unknown field; {suggest(name, FIELDS)}"))
    kind = given.get("event")
    if not isinstance(kind, str) or kind not in NEEDS:
        errors.append(("event", f"found {describe(kind)}; {suggest(kind, NEEDS)}"))
        kind = None
    for name in ("seller", *NEEDS.get(kind or "", ())):
        if name not in given:
            errors.append((name, "missing" + (f"; {kind} needs it" if name != "seller" else "")))
    found: dict[str, str] = {}
    for name in ("id", "seller", "campaign", "reference", "person"):
        if name in given:
            value = given[name]
            if isinstance(value, str) and 0 < len(value) <= 500 and value == value.strip() and value.isprintable():
                found[name] = value
            else:
                errors.append((name, f"found {describe(value)}, expected 1 to 500 printable characters without blanks at the ends"))
    for name in ("code", "means"):
        if name in given:
            value = str(given[name]) if type(given[name]) is int else given[name]
            if isinstance(value, str) and _WORD.fullmatch(value):
                found[name] = value
            else:
                errors.append((name, f"found {describe(value)}, expected a word of letters, digits, -, _ and ."))
    if "channel" in given:
        if given["channel"] in CHANNELS:
            found["channel"] = given["channel"]
        else:
            errors.append(("channel", f"found {describe(given['channel'])}; {suggest(given['channel'], CHANNELS)}"))
    if "to" in given:
        number = numbers.parse(given["to"])
        if number.e164 is None:
            errors.append(("to", number.reason or "not a telephone number"))
        else:
            found["to"] = number.e164
    at = now
    if "at" in given:
        try:
            at = min(clock.parse_instant(given["at"]), now)  # clocks of dialers run ahead; what is told has happened
        except (ValueError, TypeError, AttributeError):
            errors.append(("at", f"found {describe(given['at'])}, expected RFC 3339 with its offset"))
    if errors:
        raise EventError(errors)
    found.setdefault("id", f"e-{now:x}-{os.urandom(6).hex()}")
    return Event(event=kind, at=at, told_at=now, **found)
