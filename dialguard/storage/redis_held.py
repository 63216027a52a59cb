"""What Redis holds of a number, decoded, and what is known of it at a moment."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from dialguard.ledger.fold import CONSENT, INTERNAL, REACH, Bucket, fold, in_force, unveiled, with_hidden
from dialguard.model.moment import Instant
from dialguard.model.records import LookUp
from dialguard.storage import redis_codec as codec

_moment = attrgetter("at")


class Held(NamedTuple):
    bucket: Bucket
    attempts: codec.Attempts
    declared: codec.Declared
    listed: Sequence[Bucket] = ()

    def unveiled(self, number: str, person: str, persons: Sequence[str]) -> "Held":
        """The same of an erased number of a person: rows that are theirs or nobody's."""
        return self._replace(bucket=unveiled(self.bucket, number, person, persons))


def held_of(
    values: Mapping[str, tuple[bytes | None, bytes | None]], named: Mapping[str, list[str]], number: str, at: Instant,
    declared: codec.Declared,
) -> Held:
    rows, attempts = values[number]
    bucket = _decoded(rows, number, at)
    hidden = [unveiled(_decoded(values[name][0], name, at), number, None) for name in named[number][1:] if values[name][0] is not None]
    own, listed = with_hidden(bucket, hidden) if hidden else (bucket, ())
    return Held(own, codec.NO_ATTEMPTS if attempts is None else codec.decode_attempts(attempts, number, at), declared, listed)


def _decoded(rows: bytes | None, number: str, at: Instant) -> list[list]:
    bucket = codec.decode_rows(rows, number)
    for kind in (CONSENT, INTERNAL):
        if bucket[kind]:
            bucket[kind] = [row for row in bucket[kind] if row[3] <= at]
    return bucket


def found_of(own: Held, others: Sequence[Held], person: str | None, at: Instant) -> LookUp | None:
    """What is known at a moment; None where Redis does not reach back so far: it keeps outcomes as they are now, and attempts for
    400 days before the newest."""
    for each in (own, *others):
        attempts = each.attempts
        if at < attempts.settled or (attempts.floor and at - REACH < attempts.floor):
            return None
    since, pauses, _ = own.declared
    since = since if since is None or since <= at else None
    pauses = in_force(pauses, at) if pauses else ()
    beside = [*(each.bucket for each in others), *own.listed]
    found = fold(own.bucket, beside, person, at, since, pauses)
    entries, spoken = own.attempts.entries, own.attempts.conversation
    for each in others:
        entries = entries + each.attempts.entries
        if each.attempts.conversation is not None:
            spoken = max(each.attempts.conversation, spoken or each.attempts.conversation)
    if not entries:
        return found
    if others:
        entries = sorted(entries, key=_moment)
    if found.last_conversation_at is not None:
        spoken = max(found.last_conversation_at, spoken or 0)
    return LookUp(
        found.consent, found.revocations, found.relationship, found.internal, tuple(entries), found.contact, spoken, since, found.consents,
        pauses,
    )
