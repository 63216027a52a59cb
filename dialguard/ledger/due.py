"""What of a seller's record falls due: consents and certificates that end, and revocations that must be carried out everywhere.

A reminder for people. Decisions do not read it: a consent ends by itself, a revocation counts at once, a certificate that
lapsed at a third party leaves the consent as it is and only its proof poorer.
"""

from collections.abc import Iterator
from typing import NamedTuple

from dialguard.facts import clock
from dialguard.ledger.deadline import deadline
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.rows import Row
from dialguard.model.moment import DAY, Instant


class Due(NamedTuple):
    """One thing that falls due. ``on`` is a date, RFC 3339 where the moment is known."""

    on: str
    what: str
    id: str
    number: str


def due(ledger: Ledger, seller: str, now: Instant, days: int) -> list[Due]:
    """What falls due from ``now`` until ``days`` later, the first first; entries that were corrected or retracted do not count.

    Raises LookUpFailed.
    """
    end = now + days * DAY
    first, last = (clock.format_instant(moment)[:10] for moment in (now, end))

    def of(kind: str, row: Row) -> Iterator[Due]:
        entry = f"{kind}:{row['id']}"
        if kind == "revocation":
            received = row["received_at"] or row["valid_at"]
            day = deadline(received) if received <= now else None
            if day is not None and first <= day.isoformat() <= last:
                yield Due(day.isoformat(), "carry out the revocation everywhere", entry, row["number"])
            return
        for field, what in (("expires_at", "the consent ends"), ("certificate_expires_at", "the certificate lapses")):
            if row[field] is not None and now < row[field] <= end:
                yield Due(clock.format_instant(row[field]), what, entry, row["number"])

    def standing(entries: Iterator[tuple[str, Row]]) -> list[Due]:
        found: dict[tuple[str, int], list[Due]] = {}
        for kind, row in entries:
            found.pop((kind, row["supersedes"]), None)
            if not row["void"] and (items := list(of(kind, row))):
                found[kind, row["id"]] = items
        return sorted(item for items in found.values() for item in items)

    return ledger.entries(seller, standing, kinds=("consent", "revocation"))
