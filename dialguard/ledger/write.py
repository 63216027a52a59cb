"""Writing to the record: the one set of functions that every store offers.

The record is append-only and keeps two times of every entry: when it was true, and ``known_at``, when it was recorded
(the caller's clock; nothing here reads the time). A correction is a new entry that ``supersedes`` an earlier one by id;
a retraction takes one back. Both leave what was known before them as it was.

Every function returns the id of the new entry, raises ``RecordError`` (a ValueError) for a malformed value and
``LedgerError`` where the record could not be written. On return the entry is durable; on an error nothing was recorded.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dialguard.ledger.errors import RecordError
from dialguard.ledger.rows import COLUMNS, Row, build, entry_id, text
from dialguard.ledger.rows import number as checked_number
from dialguard.model.moment import Instant
from dialguard.model.records import LookUp


class Recorder:
    """What can be recorded. A store supplies ``look_up``, ``_append``, ``_find``, ``_latest_attempt`` and ``_names``."""

    def record_consent(
        self,
        *,
        seller: str,
        number: str,
        level: str,
        known_at: Instant,
        person: str | None = None,
        form: str | Sequence[str] | None = None,
        covers: Sequence[str] | None = None,
        obtained_at: Instant | None = None,
        requested_at: Instant | None = None,
        expires_at: Instant | None = None,
        channels: Sequence[str] | None = None,
        reference: str | None = None,
        supersedes: str | None = None,
        name: str | None = None,
        purpose: str | None = None,
        source: str | None = None,
        wording: str | None = None,
        wording_hash: str | None = None,
        page: str | None = None,
        call: str | None = None,
        certificate_url: str | None = None,
        certificate_expires_at: Instant | None = None,
        evidence_digest: str | None = None,
    ) -> str:
        """A consent of the number to the seller. It is in force from ``obtained_at`` (absent: from ``known_at``) until
        ``expires_at`` (exclusive). Level ``none`` ends every earlier consent of the number.

        What proves it (16 CFR 310.5(a)(8)): who gave it (``name``), to what end (``purpose``), where (``source``, a word;
        ``page`` an address; ``call`` the reference of a call), the request as it was shown (``wording``; ``wording_hash`` its
        SHA-256, worked out where the wording is given), ``certificate_url`` with the moment at which the certificate lapses
        there, and ``evidence_digest``, the SHA-256 of the file that holds the proof. None of it changes a decision."""
        fields = dict(
            seller=seller, number=number, level=level, known_at=known_at, person=person, form=form, covers=covers,
            obtained_at=obtained_at, requested_at=requested_at, expires_at=expires_at, channels=channels,
            reference=reference, supersedes=supersedes, name=name, purpose=purpose, source=source, wording=wording,
            wording_hash=wording_hash, page=page, call=call, certificate_url=certificate_url,
            certificate_expires_at=certificate_expires_at, evidence_digest=evidence_digest,
        )  # fmt: skip
        return self._record("consent", fields)

    def record_revocation(
        self,
        *,
        seller: str,
        number: str,
        at: Instant,
        known_at: Instant,
        scope: str | None = None,
        subject: str | None = None,
        channel: str | None = None,
        means: str | None = None,
        person: str | None = None,
        supersedes: str | None = None,
        words: str | None = None,
        received_at: Instant | None = None,
    ) -> str:
        """A revocation made at ``at``; ``scope`` absent is ``all``. ``words`` are what was said or written.

        ``received_at`` (absent: ``at``) is when it reached the seller: from then the ten business days of 47 CFR
        64.1200(a)(10) are counted. They are shown and loosen nothing: a revocation counts from ``at``.
        """
        fields = dict(
            seller=seller, number=number, at=at, known_at=known_at, scope=scope, subject=subject, channel=channel,
            means=means, person=person, supersedes=supersedes, words=words, received_at=received_at,
        )  # fmt: skip
        return self._record("revocation", fields)

    def record_relationship(
        self,
        *,
        seller: str,
        number: str,
        known_at: Instant,
        valid_at: Instant | None = None,
        last_transaction_at: Instant | None = None,
        last_inquiry_at: Instant | None = None,
        ended_at: Instant | None = None,
        donor_at: Instant | None = None,
        current: bool | None = None,
        open_contract: bool | None = None,
        member: bool | None = None,
        personal: bool | None = None,
        person: str | None = None,
        supersedes: str | None = None,
    ) -> str:
        """What is newly known of the relationship; a limb left out keeps what was known of it.

        ``valid_at`` (absent: ``known_at``) is since when the flags hold; moments carry their own date.
        """
        fields = dict(
            seller=seller, number=number, known_at=known_at, valid_at=valid_at, last_transaction_at=last_transaction_at,
            last_inquiry_at=last_inquiry_at, ended_at=ended_at, donor_at=donor_at, current=current,
            open_contract=open_contract, member=member, personal=personal, person=person, supersedes=supersedes,
        )  # fmt: skip
        return self._record("relationship", fields)

    def suppress(
        self,
        *,
        seller: str,
        number: str,
        at: Instant,
        known_at: Instant,
        scope: str | None = None,
        person: str | None = None,
        supersedes: str | None = None,
        reason: str | None = None,
    ) -> str:
        """Puts the number on the seller's own list from ``at``; ``scope`` absent is everything."""
        fields = dict(seller=seller, number=number, at=at, known_at=known_at, scope=scope, person=person, reason=reason)
        return self._record("internal", {**fields, "action": "add", "supersedes": supersedes})

    def unsuppress(
        self,
        *,
        seller: str,
        number: str,
        at: Instant,
        known_at: Instant,
        scope: str | None = None,
        person: str | None = None,
        supersedes: str | None = None,
    ) -> str:
        """Takes the number off the seller's own list from ``at``; ``scope`` absent takes it off in every scope."""
        fields = dict(seller=seller, number=number, at=at, known_at=known_at, scope=scope, person=person)
        return self._record("internal", {**fields, "action": "remove", "supersedes": supersedes})

    def lift_erasure(self, *, seller: str, number: str, consent: str, at: Instant, known_at: Instant) -> str:
        """Takes an erased number off the list on which its erasure keeps it, on the strength of a later ``consent`` (its id) of the person:
        in full (no narrowed channels or coverage, no end) and with proof (evidence_digest, certificate_url or a wording)."""
        names = self._names(text(seller, "seller"), checked_number(number))
        row = self._own("consent", entry_id(consent, "consent", "consent"), seller, "consent")
        known = self.look_up(seller=seller, number=number, at=at)
        held = known.internal
        if not names or held is None or not held.listed:
            raise RecordError("number", "a number that is on no list for an erasure", "one that was erased from this seller's record")
        in_force = row["level"] != "none" and f"consent:{row['id']}" in {each.id for each in known.consents}
        if not in_force or row["valid_at"] <= (held.since or 0):
            found = f"consent:{row['id']}, not of this number, not in force, or not later than the erasure"
            raise RecordError("consent", found, "a later consent")
        if any(row[field] is not None for field in ("covers", "channels", "expires_at")):
            raise RecordError("consent", "a consent in part (covers, channels or expires_at)", "one in full")
        if all(row[field] is None for field in ("evidence_digest", "certificate_url", "wording_hash")):
            raise RecordError("consent", "a consent without proof", "one with evidence_digest, certificate_url or wording")
        reason = f"consent:{row['id']}"
        fields = dict(seller=seller, action="remove", at=at, known_at=known_at, reason=reason)
        return [self._record("internal", {**fields, "number": name}) for name in (*names, number)][-1]

    def record_contact(
        self,
        *,
        seller: str,
        number: str,
        known_at: Instant,
        valid_at: Instant | None = None,
        agreed_hours: Sequence[Any] | None = None,
        inconvenient: Sequence[Any] | None = None,
        at_work: bool | None = None,
        employer_forbids: bool | None = None,
        attorney: bool | None = None,
        ceased_at: Instant | None = None,
        last_inbound_at: Instant | None = None,
        conversation_at: Instant | None = None,
        person: str | None = None,
        supersedes: str | None = None,
    ) -> str:
        """What the consumer asked for or told us; a fact left out keeps what was known of it, ``[]`` clears windows.

        ``valid_at`` (absent: ``known_at``) is since when windows and flags hold; moments carry their own date.
        ``conversation_at`` is a conversation that was no attempt of ours: the consumer called.
        """
        fields = dict(
            seller=seller, number=number, known_at=known_at, valid_at=valid_at, agreed_hours=agreed_hours,
            inconvenient=inconvenient, at_work=at_work, employer_forbids=employer_forbids, attorney=attorney,
            ceased_at=ceased_at, last_inbound_at=last_inbound_at, conversation_at=conversation_at, person=person,
            supersedes=supersedes,
        )  # fmt: skip
        return self._record("contact", fields)

    def record_attempt(
        self,
        *,
        seller: str,
        number: str,
        at: Instant,
        known_at: Instant,
        channel: str | None = None,
        purpose: str | None = None,
        subject: str | None = None,
        voice: str | None = None,
        outcome: str | None = None,
        debt: str | None = None,
        from_: str | None = None,
        reference: str | None = None,
        person: str | None = None,
    ) -> str:
        """An attempt to ``number`` made at ``at``. ``reference`` is the caller's own id, to attach an outcome by."""
        fields = dict(
            seller=seller, number=number, at=at, known_at=known_at, channel=channel, purpose=purpose, subject=subject,
            voice=voice, outcome=outcome, debt=debt, from_=from_, reference=reference, person=person,
        )  # fmt: skip
        return self._record("attempt", fields)

    def record_outcome(
        self,
        *,
        seller: str,
        outcome: str,
        at: Instant,
        known_at: Instant,
        attempt: str | None = None,
        reference: str | None = None,
    ) -> str:
        """The outcome of the attempt with this id, or of the latest that bears the caller's own ``reference``."""
        fields = dict(seller=seller, outcome=outcome, at=at, known_at=known_at, attempt=attempt, reference=reference)
        return self._record("outcome", fields)

    def declare_complete(self, seller: str, since: Instant | None, *, known_at: Instant) -> str:
        """Declares that from ``since`` every attempt is recorded, and that all consents, revocations, relationships and
        own-list entries in force then were entered. The last declaration counts; ``since`` None withdraws it."""
        return self._record("declaration", dict(seller=seller, since=since, known_at=known_at))

    def pause_campaign(
        self, *, seller: str, campaign: str | None, at: Instant, known_at: Instant, reason: str, by: str, until: Instant | None = None
    ) -> str:
        """Nobody is contacted for the campaign (None: for any of the seller's) from ``at`` to before ``until``; None: until it is
        resumed. ``by`` is the rule or the person."""
        fields = dict(seller=seller, campaign=campaign, at=at, known_at=known_at, until=until, reason=reason, by=by)
        return self._record("pause", {**fields, "action": "pause"})

    def resume_campaign(self, *, seller: str, campaign: str | None, at: Instant, known_at: Instant, reason: str, by: str) -> str:
        """Lifts, from ``at`` on, every pause of the campaign that was recorded before; None: those of the seller as a whole.

        ``by`` is the person that answers for it: no rule lifts a pause."""
        fields = dict(seller=seller, campaign=campaign, at=at, known_at=known_at, reason=reason, by=by)
        return self._record("pause", {**fields, "action": "resume"})

    def retract(self, *, seller: str, id: str, known_at: Instant) -> str:
        """Takes back an entry that should not have been made (to change one, supersede it), for good."""
        kind = str(id).partition(":")[0]
        if kind not in COLUMNS:
            raise RecordError("id", repr(kind), "the id of an entry of one of " + ", ".join(COLUMNS))
        checked = build("declaration", {"seller": seller, "known_at": known_at})
        old = self._own(kind, entry_id(id, kind, "id"), checked["seller"], "id")
        row = {**old, "known_at": checked["known_at"], "supersedes": old["id"], "void": 1}
        del row["id"]
        return f"{kind}:{self._append(kind, [row])[0]}"

    def record_many(self, kind: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Records many entries of one kind, all or none, and gives their number.

        A row is a mapping with the arguments of the function above (of ``internal``: with ``action`` ``add`` or
        ``remove``). All rows are checked before the first is written, and while they are written no one else can
        write: up to some 200,000 rows a call are no burden.

        Raises RecordError naming the row (from 1): also where a row corrects one of the same call.
        """
        checked = []
        for place, fields in enumerate(rows, 1):
            try:
                checked.append(self._checked(kind, fields))
            except RecordError as error:
                raise error.at_row(place) from None
        if checked:
            self._append(kind, checked, ids=False)
        return len(checked)

    def _record(self, kind: str, fields: Mapping[str, Any]) -> str:
        return f"{kind}:{self._append(kind, [self._checked(kind, fields)])[0]}"

    def _checked(self, kind: str, fields: Mapping[str, Any]) -> Row:
        row = build(kind, fields)
        if row.get("supersedes") is not None:
            self._own(kind, row["supersedes"], row["seller"], "supersedes")
        if kind == "outcome":
            reference, attempt = row.pop("reference"), row.pop("attempt")
            if attempt is None:
                attempt = self._latest_attempt(row["seller"], text(reference, "reference"))
                if attempt is None:
                    found = "no attempt of this seller that bears it"
                    raise RecordError("reference", found, "the reference of a recorded attempt")
            row["attempt_id"] = self._own("attempt", attempt, row["seller"], "attempt")["id"]
        return row

    def _own(self, kind: str, id_: int, seller: str, field: str) -> Row:
        row = self._find(kind, id_)
        if row is None or row["seller"] != seller or row["void"]:
            found = f"no entry {kind}:{id_} of this seller"
            raise RecordError(field, found, "the id of an entry that was recorded for it")
        return row

    def look_up(self, *, seller: str, number: str, person: str | None = None, at: Instant, as_of: Instant | None = None) -> LookUp:
        """What is known of one number; see ``storage.ports.Store``."""
        raise NotImplementedError

    def _names(self, seller: str, number: str) -> list[str]:
        """Under which names a number may stand in the seller's record since it was erased."""
        raise NotImplementedError

    def _append(self, kind: str, rows: list[Row], *, ids: bool = True) -> list[int]:
        """Appends checked rows in one transaction; their numbers in order, or [] without ``ids``."""
        raise NotImplementedError

    def _find(self, kind: str, id_: int) -> Row | None:
        """The row with this number as it was recorded, ``id`` included."""
        raise NotImplementedError

    def _latest_attempt(self, seller: str, reference: str) -> int | None:
        """The number of the latest attempt with the caller's own reference."""
        raise NotImplementedError


def already_replaced() -> RecordError:
    """The error of a correction or retraction whose target was corrected or retracted before."""
    found = "an entry that was corrected or retracted before"
    return RecordError("supersedes", found, "the entry that stands in its place")
