"""What a store knows about one number (or person) for one seller.

Every moment is an ``Instant``: int microseconds since 1970-01-01T00:00:00Z. None means not known. The words in the
text fields are those of the public contract. Nothing here decides anything: an absent entry is *known* to be absent
only from ``LookUp.complete_since`` on.
"""

from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from dialguard.model.history import Entry
from dialguard.model.moment import Instant

CHANNELS = ("voice", "sms", "mms", "rvm", "fax")
TEXTS = frozenset({"sms", "mms", "fax"})
"""Channels on which there is no voice: the fact is `text`."""
LEVELS = ("none", "express", "express_written")
"""Levels of consent, the least first."""
FORMS = ("oral", "request", "signed_permission", "agreement")
COVERS = ("live", "autodialed", "prerecorded", "ai", "rvm", "texts", "other_hours")
SCOPES = ("all", "marketing", "category", "medium")
PURPOSES = (
    "telemarketing",
    "charitable",
    "political",
    "survey",
    "debt_collection",
    "healthcare",
    "informational",
    "emergency",
)
VOICES = ("live", "prerecorded", "ai")
CONVERSATION = "conversation"
"""The outcome of an attempt in which the person was spoken with (12 CFR 1006.14(b)(2)(i)(B))."""


class Consent(Struct, frozen=True, gc=False):
    """One consent. ``covers`` and ``channels`` None: as its level has it, and every channel. ``id`` names the entry.

    ``obtained_at`` None: the day is not known; such a consent counts only from when it was recorded.
    """

    level: str
    form: tuple[str, ...] | None = None
    covers: tuple[str, ...] | None = None
    obtained_at: Instant | None = None
    requested_at: Instant | None = None
    expires_at: Instant | None = None
    channels: tuple[str, ...] | None = None
    reference: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Revocation:
    """One withdrawal of consent. It may lie after the moment asked about: whoever judges compares ``at``."""

    at: Instant
    scope: str = "all"
    subject: str | None = None
    channel: str | None = None
    means: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Relationship:
    """The business relationship; each limb stands on its own. A limb that nobody stated is None or False.

    ``ended_at`` turns off every flag that was stated no later than it.
    """

    last_transaction_at: Instant | None = None
    last_inquiry_at: Instant | None = None
    ended_at: Instant | None = None
    current: bool = False
    open_contract: bool = False
    donor_at: Instant | None = None
    member: bool = False
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Internal:
    """The seller's own list: whether the number is on it, since its latest request, in which scope (None: all)."""

    listed: bool
    since: Instant | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """What the consumer asked for or told us. ``agreed_hours`` and ``inconvenient`` hold windows as they were given."""

    agreed_hours: tuple[Any, ...] | None = None
    inconvenient: tuple[Any, ...] | None = None
    at_work: bool | None = None
    employer_forbids: bool | None = None
    attorney: bool | None = None
    ceased_at: Instant | None = None
    last_inbound_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """That nobody is to be contacted for a campaign (None: for any of the seller's) from ``since`` to before ``until``.

    ``until`` None: until a person lifts it. ``by`` is the rule that paused it, or who did.
    """

    since: Instant
    campaign: str | None = None
    until: Instant | None = None
    reason: str | None = None
    by: str | None = None
    id: str | None = None


class LookUp(Struct, frozen=True, gc=False):
    """Everything that one look-up found, in force at the moment asked about (revocations: at any moment).

    ``complete_since`` is the date from which the seller's record is declared complete; None: absence proves nothing.
    ``attempts`` reach back 400 days, the oldest first. ``consents`` are all consents in force, the best first;
    ``consent`` is the first of them, and the others matter where it does not reach the channel of the attempt. ``pauses`` are
    those of the seller in force.
    """

    consent: Consent | None = None
    revocations: tuple[Revocation, ...] = ()
    relationship: Relationship | None = None
    internal: Internal | None = None
    attempts: tuple[Entry, ...] = ()
    contact: ContactRecord | None = None
    last_conversation_at: Instant | None = None
    complete_since: Instant | None = None
    consents: tuple[Consent, ...] = ()
    pauses: tuple[Pause, ...] = ()


class LookUpFailed(Exception):
    """The store could not answer (locked, unreadable, damaged, away). Never to be read as 'nothing found'.

    The text says what happened and what to do; it holds no telephone number.
    """
