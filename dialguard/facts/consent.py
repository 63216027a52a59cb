"""Consent, revocation and relationship as they stand at one instant, for one contact."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dialguard.model.facts import naming
from dialguard.model.moment import MINUTE, NEVER, Instant
from dialguard.model.records import COVERS, Consent, Revocation

class Stated(NamedTuple):
    """A consent as a caller states it; stands beside ``records.Consent`` and is judged the same."""

    level: str
    form: frozenset[str] | None = None
    covers: frozenset[str] | None = None
    obtained_at: Instant | None = None
    requested_at: Instant | None = None
    expires_at: Instant | None = None
    channels: frozenset[str] | None = None
    reference: str | None = None
    id: str | None = None


_NAMED_BY = {
    "voice": frozenset({"live", "autodialed", "prerecorded", "ai"}), "rvm": frozenset({"rvm"}), "sms": frozenset({"texts"}),
    "mms": frozenset({"texts"}), "fax": frozenset(),
}  # fmt: skip
"""What a consent must cover to be a consent to the channel."""
_BY_VOICE = {"live": frozenset({"live", "autodialed"}), "prerecorded": frozenset({"prerecorded"}), "ai": frozenset({"ai"})}
_GROUPS = {"voice": "voice", "rvm": "voice", "sms": "text", "mms": "text", "fax": "fax"}
_EVERYTHING = frozenset(COVERS) - {"other_hours"}
_BY_HAND = _EVERYTHING - {"autodialed", "prerecorded", "ai", "rvm"}


def reaches(revocation: Revocation, channel: str, purpose: str, subject: str | None) -> bool:
    """Whether a revocation speaks of this contact (scope absent is all; a subject absent on either side is the same)."""
    if purpose == "emergency":
        return False
    match revocation.scope:
        case "marketing":
            return purpose == "telemarketing"
        case "category":
            return revocation.subject is None or subject is None or revocation.subject == subject
        case "medium":
            return revocation.channel is None or _GROUPS[revocation.channel] == _GROUPS[channel]
    return True


def contact_kind(channel: str, voice: object) -> frozenset[str]:
    """What a consent must cover, one of these, to be a consent to this contact; nothing for a fax."""
    if channel == "voice":
        return _BY_VOICE.get(voice, _NAMED_BY["voice"])
    return _NAMED_BY[channel]


def in_force(consent: Consent | Stated, channel: str, kind: frozenset[str], purpose: str, instant: Instant) -> bool:
    """Whether a consent has begun, has not expired and reaches this contact by channel and by what it covers; revocations apart."""
    if consent.level == "none":
        return False
    if kind and kind.isdisjoint(covered(consent, purpose)):
        return False
    if consent.obtained_at is not None and consent.obtained_at > instant:
        return False
    if consent.expires_at is not None and consent.expires_at <= instant:
        return False
    return consent.channels is None or channel in consent.channels


def voided(consent: Consent, revocations: Iterable[Revocation], instant: Instant) -> bool:
    """Whether a revocation not older than the consent voids it; of a consent without a date, any does."""
    return any(
        revocation.at <= instant and (consent.obtained_at is None or revocation.at >= consent.obtained_at)
        for revocation in revocations
    )


def lifts(consent: Consent | Stated, revocation: Revocation, held: Iterable[Consent | Stated], channel: str) -> bool:
    """Whether a later consent in force lifts a revocation for a channel: it names the channel, by what it covers too, and is of no
    lesser level than the consents ``held`` for that channel that were revoked."""
    if consent.obtained_at is None or consent.obtained_at <= revocation.at:
        return False
    if consent.covers is not None and _NAMED_BY[channel].isdisjoint(consent.covers):
        return False
    return consent.level == "express_written" or not any(
        earlier.level == "express_written"
        and (earlier.obtained_at is None or earlier.obtained_at <= revocation.at)
        and (earlier.channels is None or channel in earlier.channels)
        for earlier in held
    )


def covered(consent: Consent, purpose: str) -> frozenset[str]:
    """What a consent covers: as stated, else as its level has it."""
    if consent.covers is not None:
        return frozenset(consent.covers)
    return _BY_HAND if consent.level == "express" and purpose == "telemarketing" else _EVERYTHING


def consent_facts(
    consents: Sequence[Consent | Stated],
    revocations: Sequence[Revocation],
    channel: str,
    purpose: str,
    subject: str | None,
    instant: Instant,
    kind: frozenset[str] = frozenset(),
) -> dict[str, object]:
    """The consent facts at an instant: the best consent in force, and whether a revocation bars the contact."""
    if not revocations and len(consents) == 1:
        only = consents[0]
        return NOT_REVOKED | _of(only, purpose) if in_force(only, channel, kind, purpose, instant) else NOTHING.copy()
    speaking = [revocation for revocation in revocations if revocation.at <= instant and reaches(revocation, channel, purpose, subject)]
    begun = [consent for consent in consents if in_force(consent, channel, kind, purpose, instant)]
    standing = [consent for consent in begun if not voided(consent, speaking, instant)]
    unlifted = [
        revocation
        for revocation in revocations
        if revocation.at <= instant and not any(lifts(consent, revocation, consents, channel) for consent in standing)
    ]
    barred = any(revocation in speaking for revocation in unlifted)
    facts: dict[str, object] = {
        "revocations": barred,
        "revocations.any": bool(unlifted),
        "message.within_five_minutes": any(0 <= instant - revocation.at <= 5 * MINUTE for revocation in speaking),
    }
    if not standing:
        return facts | NO_CONSENT
    best = max(standing, key=lambda consent: (consent.level == "express_written", consent.obtained_at or -(10**18)))
    return facts | _of(best, purpose)


@naming
def put_one(values: dict[str, object], consent: Consent | Stated, purpose: str) -> None:
    """Enter the facts of one consent in force that nothing revokes."""
    values["revocations"] = values["revocations.any"] = values["message.within_five_minutes"] = False
    values["consent.level"] = consent.level
    values["consent.form"] = frozenset(consent.form) if consent.form else _NONE
    values["consent.covers"] = covered(consent, purpose)
    values["consent.obtained_at"] = NEVER if consent.obtained_at is None else consent.obtained_at
    values["consent.requested_at"] = NEVER if consent.requested_at is None else consent.requested_at


_NONE: frozenset[str] = frozenset()


def _of(consent: Consent | Stated, purpose: str) -> dict[str, object]:
    return {
        "consent.level": consent.level,
        "consent.form": frozenset(consent.form or ()),
        "consent.covers": covered(consent, purpose),
        "consent.obtained_at": NEVER if consent.obtained_at is None else consent.obtained_at,
        "consent.requested_at": NEVER if consent.requested_at is None else consent.requested_at,
    }


NO_CONSENT: dict[str, object] = {
    "consent.level": "none",
    "consent.form": frozenset(),
    "consent.covers": frozenset(),
    "consent.obtained_at": NEVER,
    "consent.requested_at": NEVER,
}

NOT_REVOKED: dict[str, object] = {"revocations": False, "revocations.any": False, "message.within_five_minutes": False}
NOTHING: dict[str, object] = NO_CONSENT | NOT_REVOKED


def turning_points(consents: Iterable[Consent], revocations: Iterable[Revocation], after: Instant) -> list[Instant]:
    """Instants after ``after`` at which these facts may change."""
    points: list[Instant] = []
    for consent in consents:
        points += [point for point in (consent.obtained_at, consent.expires_at) if point is not None]
    for revocation in revocations:
        points += [revocation.at, revocation.at + 5 * MINUTE + 1]
    return [point for point in points if point > after]
