"""What the HTTP interface takes and gives beside attempts and decisions (``model.contract``), as types."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from dialguard.model.contract import Channel, Purpose, Scope, Voice
from dialguard.service import standing

Line = Annotated[str, Meta(min_length=1, max_length=1000)]
"""One line of text."""
Number = Annotated[
    str, Meta(min_length=1, max_length=100, description="A telephone number in any usual US form, or E.164.", examples=["+13055550100"])
]
Moment = Annotated[str, Meta(max_length=40, description="RFC 3339 with its offset.", extra_json_schema={"format": "date-time"})]
Day = Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date"})]
Id = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_.:@-]{1,100}$", description="Letters, digits and _ . : @ -, at most 100.", examples=["spring-sale"])
]
State = Annotated[str, Meta(pattern=r"^[A-Za-z]{2}$")]
Share = Annotated[float, Meta(ge=0, le=1)]
Whole = Annotated[int, Meta(ge=0, lt=10**9)]
Entry = Annotated[str, Meta(pattern=r"^[a-z]+:[1-9][0-9]{0,17}$", examples=["consent:17"])]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}$")]
Web = Annotated[str, Meta(max_length=2000, pattern=r"^https?://")]


class _Body(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Unknown fields are errors."""


class _Entry(_Body, kw_only=True):
    """What every entry about a number says."""

    seller: Line
    number: Number
    person: Line | None = None


class Consent(_Entry, kw_only=True):
    """A consent of the number to the seller, and what proves it."""

    level: Literal["none", "express", "express_written"]
    form: list[Literal["oral", "request", "signed_permission", "agreement"]] | None = None
    covers: list[Literal["live", "autodialed", "prerecorded", "ai", "rvm", "texts", "other_hours"]] | None = None
    channels: list[Channel] | None = None
    obtained_at: Moment | None = None
    requested_at: Moment | None = None
    expires_at: Moment | None = None
    reference: Line | None = None
    supersedes: Entry | None = None
    name: Line | None = None
    purpose: Line | None = None
    source: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")] | None = None
    wording: Annotated[str, Meta(max_length=20_000)] | None = None
    wording_hash: Sha256 | None = None
    page: Web | None = None
    call: Line | None = None
    certificate_url: Web | None = None
    certificate_expires_at: Moment | None = None
    evidence_digest: Sha256 | None = None


class Revocation(_Entry, kw_only=True):
    """A withdrawal of consent. ``at`` absent is now, and a moment to come is now: it counts at once."""

    at: Moment | None = None
    scope: Scope | None = None
    subject: Line | None = None
    channel: Channel | None = None
    means: Line | None = None
    words: Annotated[str, Meta(max_length=20_000)] | None = None
    received_at: Moment | None = None
    supersedes: Entry | None = None


class Relationship(_Entry, kw_only=True):
    """What is newly known of a business relationship; a limb left out keeps what was known of it."""

    valid_at: Moment | None = None
    last_transaction_at: Moment | None = None
    last_inquiry_at: Moment | None = None
    ended_at: Moment | None = None
    donor_at: Moment | None = None
    current: bool | None = None
    open_contract: bool | None = None
    member: bool | None = None
    personal: bool | None = None
    supersedes: Entry | None = None


class Internal(_Entry, kw_only=True):
    """A number put on the seller's own list, or taken off it. ``scope`` absent is everything."""

    at: Moment | None = None
    scope: Line | None = None
    supersedes: Entry | None = None


class Held(_Body, kw_only=True):
    """Every entry on a number, of each its kind and what was recorded."""

    number: str
    seller: str
    at: Moment
    entries: list[dict[str, Any]]


Outcomes = Literal[
    "placed",
    "answered",
    "abandoned",
    "opted_out",
    "refused",
    "wrong_number",
    "voicemail",
    "no_answer",
    "busy",
    "did_not_connect",
    "not_placed",
]


class Outcome(_Body, kw_only=True):
    """What became of an attempt that was decided; ``to`` and ``campaign`` (a registered id) name it where the decision log does not."""

    decision: Annotated[str, Meta(min_length=1, max_length=200, description="The decision's id.", examples=["d-9f2c4e11ab03-1"])]
    outcome: Outcomes
    at: Moment | None = None
    attempt_id: Line | None = None
    to: Number | None = None
    from_: Number | None = field(default=None, name="from")
    channel: Channel | None = None
    campaign: Line | None = None
    person: Line | None = None
    debt: Line | None = None
    scope: Scope | None = None
    words: Annotated[str, Meta(max_length=2_000)] | None = None


class Told(_Body, kw_only=True, omit_defaults=False):
    """What an outcome came to. ``again``: it had been told before, and nothing was recorded twice."""

    decision: str
    outcome: str
    attempt: str | None = None
    revocation: str | None = None
    released: bool | None = None
    again: bool = False


class Recorded(_Body, kw_only=True):
    """The entry that was made. ``deadline``: the last day on which a revocation may still be carried into other systems."""

    id: str
    deadline: Day | None = None


class Claim(_Body, kw_only=True):
    """An exemption that a person claims."""

    exemption: Line
    by: Line
    at: Day | Moment
    evidence: Any = None


class Campaign(_Body, kw_only=True):
    """A campaign, as attempts name it by its id."""

    id: Id
    seller: Line
    purpose: Purpose
    subject: Line | None = None
    dialing: Literal["manual", "preview", "predictive", "automated", "random_sequential"] | None = None
    voice: Voice | None = None
    sms_registration: Literal["none", "pending", "registered"] | None = None
    sender_kind: Literal["10dlc", "toll_free", "short_code"] | None = None
    registry_version: Day | None = None
    registry_area_codes: list[Annotated[str, Meta(pattern=r"^[0-9]{3}$")]] | None = None
    recording: bool | None = None
    caller_states: list[State] | None = None
    registered_states: list[State] | None = None
    abandonment_rate: Share | None = None
    abandoned: Whole | None = None
    answered_live: Whole | None = None
    industry: Line | None = None
    caller_class: Line | None = None
    claims: list[Claim] | None = None


class Pause(_Body, kw_only=True):
    """Why, and by whom, a campaign is paused or goes on."""

    reason: Line
    by: Line
    until: Moment | None = None


class Resume(_Body, kw_only=True):
    """Why, and by whom, a campaign goes on."""

    reason: Line
    by: Line


class Paused(_Body, kw_only=True, omit_defaults=False):
    """A pause in force. ``campaign`` null: of every campaign of the seller."""

    id: str | None
    campaign: str | None
    since: Moment
    until: Moment | None
    by: str | None
    reason: str | None


class CampaignShown(_Body, kw_only=True, omit_defaults=False):
    """A registered campaign, and what pauses it."""

    campaign: Campaign
    pauses: list[Paused] = []


class Campaigns(_Body, kw_only=True):
    """All registered campaigns that the key may see."""

    campaigns: list[Campaign]


class Removed(_Body, kw_only=True):
    """A campaign that attempts may name no more."""

    id: str


class Stretch(_Body, kw_only=True, omit_defaults=False):
    """From ``start`` to before ``until`` the contact is allowed; ``closed_by`` are the reasons that deny it then."""

    start: Moment
    until: Moment
    closed_by: list[dict[str, Any]]
    obligations: list[dict[str, Any]]


class Windows(_Body, kw_only=True):
    """When a number may be called."""

    windows: list[Stretch]


class Rules(_Body, kw_only=True):
    """Rules of one revision of the packs, each in short."""

    packs: str
    rules: list[dict[str, Any]]


class Rule(Struct, kw_only=True):
    """One rule whole; there are more fields than these."""

    packs: str
    id: str
    kind: str
    topic: str
    jurisdiction: str
    title: str
    citation: str | None


class DecisionRecord(_Body, kw_only=True):
    """A record of the decision log, where it stands, and what of it cannot be shown any more."""

    chain: str
    seq: int
    hash: str
    not_shown: list[str]
    record: dict[str, Any]


class Decisions(_Body, kw_only=True):
    """Records of the decision log."""

    decisions: list[DecisionRecord]


class Status(_Body, kw_only=True):
    """How the service is."""

    status: Literal["ok"]


class Ready(_Body, kw_only=True):
    """The service may be asked; how its rules stand."""

    status: Literal["ready"]
    rules: standing.State


class Description(Struct, kw_only=True):
    """An OpenAPI document."""

    openapi: str
    paths: dict[str, Any]
