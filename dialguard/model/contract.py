"""The public contract of an attempt as types: what a caller may send, checked in one pass by msgspec.

Field by field as in the documentation; every field but ``channel``, ``to`` and ``campaign`` may be left out. An attempt may be
sent as such an object or as the JSON that it stands for; the word ``unknown`` (which leaves a field open) only in JSON.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Moment = Any
"""RFC 3339 text with an offset, or a datetime with one."""
Channel = Literal["voice", "sms", "mms", "rvm", "fax"]
Purpose = Literal[
    "telemarketing", "charitable", "political", "survey", "debt_collection", "healthcare", "informational", "emergency"
]  # fmt: skip
Voice = Literal["live", "prerecorded", "ai"]
Scope = Literal["all", "marketing", "category", "medium"]
Count = Annotated[int, Meta(ge=0, lt=10**9)]


class _Part(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """Unknown fields are errors."""


class Contact(_Part):
    """Who is called and where that person is, as far as known."""

    id: str | None = None
    state: str | None = None
    zip: str | None = None
    county: str | None = None
    place: str | None = None
    timezone: str | None = None
    address_basis: Literal["verified", "stated"] | None = None
    kind: Literal["consumer", "business"] | None = None
    line_use: Literal["residence", "business", "emergency_line", "patient_room"] | None = None
    agreed_hours: Any = None
    inconvenient: Any = None
    at_work: bool | None = None
    employer_forbids: bool | None = None
    attorney: bool | None = None
    ceased_at: Moment | None = None
    last_inbound_at: Moment | None = None


class Line(_Part):
    """The called line."""

    charged: bool | None = None
    ported_to_wireless_at: Moment | None = None


class Consent(_Part):
    """The best consent held for this seller, channel and number."""

    level: Literal["none", "express", "express_written"] | None = None
    form: Any = None
    covers: Any = None
    obtained_at: Moment | None = None
    requested_at: Moment | None = None
    expires_at: Moment | None = None
    channels: Any = None
    revoked_at: Moment | None = None
    revoked_scope: Scope | None = None
    revoked_subject: str | None = None
    revoked_channel: Channel | None = None


class Revocation(_Part):
    """One withdrawal of consent."""

    at: Moment
    scope: Scope | None = None
    subject: str | None = None
    channel: Channel | None = None
    means: str | None = None


class Relationship(_Part):
    """The business relationship, each limb on its own."""

    kind: Literal["none", "inquiry", "transaction", "personal"] | None = None
    last_at: Moment | None = None
    last_transaction_at: Moment | None = None
    last_inquiry_at: Moment | None = None
    ended_at: Moment | None = None
    current: bool | None = None
    open_contract: bool | None = None
    donor_at: Moment | None = None
    member: bool | None = None
    personal: bool | None = None


class Dnc(_Part):
    """What lists say of the number."""

    national: bool | None = None
    national_since: Any = None
    states: frozenset[str] | None = None
    lists: Any = None
    internal: bool | None = None
    internal_since: Moment | None = None
    internal_scope: str | None = None
    reassigned: Literal["yes", "no", "no_data"] | None = None
    reassigned_asked_at: Moment | None = None
    litigator: bool | None = None


class PastAttempt(_Part):
    """One earlier attempt."""

    at: Moment
    to: str | None = None
    channel: Channel | None = None
    purpose: Purpose | None = None
    subject: str | None = None
    voice: Voice | None = None
    outcome: str | None = None
    debt: str | None = None
    from_: str | None = field(default=None, name="from")


class History(_Part):
    """Earlier attempts to this person by this seller."""

    last_24h: Count | None = None
    last_7d: Count | None = None
    last_30d: Count | None = None
    attempts: list[PastAttempt] | None = None
    last_conversation_at: Moment | None = None


class CallerId(_Part):
    """The caller ID that will be shown."""

    attestation: Literal["A", "B", "C", "none"] | None = None
    callable: bool | None = None
    do_not_originate: bool | None = None
    name: str | None = None
    blocked: bool | None = None


class Message(_Part):
    """A text message."""

    body: str | None = None
    first: bool | None = None
    optout_offered: bool | None = None
    free_to_end_user: bool | None = None
    confirms_revocation: bool | None = None


class Debt(_Part):
    """The debt that a collector calls about."""

    id: str | None = None
    third_party: bool | None = None


class Emergency(_Part):
    """Declarations known to the caller."""

    declared: list[dict[str, Any]] | None = None


class Attempt(_Part):
    """One call or text that somebody wants to place."""

    channel: Channel
    to: Any
    campaign: Any
    id: str | None = None
    from_: str | None = field(default=None, name="from")
    at: Moment | None = None
    reserve: bool | None = None
    contact: Contact | None = None
    line_type: Literal["wireless", "landline", "voip", "toll_free"] | None = None
    line: Line | None = None
    consent: Consent | None = None
    revocations: list[Revocation] | None = None
    relationship: Relationship | None = None
    dnc: Dnc | None = None
    history: History | None = None
    caller_id: CallerId | None = None
    message: Message | None = None
    debt: Debt | None = None
    emergency: Emergency | None = None
