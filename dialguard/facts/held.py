"""What caller and store together say of consent, relationship, internal list, contact and history.

An adverse fact holds if either says so; a stated consent or relationship replaces the held one; absence in the store is
known only where the seller's record is declared complete.
"""

from collections.abc import Mapping, Sequence

from dialguard.facts import consent as consents
from dialguard.facts.given import NO_RELATIONSHIP, Given
from dialguard.facts.readers import windows
from dialguard.model.facts import naming
from dialguard.model.history import Entry, History
from dialguard.model.moment import DAY, NEVER, Instant
from dialguard.model.records import CONVERSATION, LookUp, Revocation

ALWAYS = -(10**18)
"""Complete since before any record."""
CLOSED = ((),) * 7
_IN_FORCE = frozenset({"consent.expires_at", "consent.channels", "consent.covers", "consent.revoked_at"})
_LIMBS = ("last_transaction_at", "last_inquiry_at", "ended_at", "donor_at")
_FLAGS = ("current", "open_contract", "member", "personal")
NOTHING_TOLD: dict[str, object] = {
    "contact.agreed_hours": CLOSED, "contact.inconvenient": CLOSED, "contact.inconvenient_places": frozenset(), "contact.at_work": False,
    "contact.employer_forbids": False, "contact.attorney": False, "contact.ceased_at": NEVER, "contact.last_inbound_at": NEVER,
}  # fmt: skip
NOTHING_HELD = LookUp()


class Held:
    """What is held of one contact by caller and store, ready to be judged at an instant."""

    __slots__ = ("complete", "consent_known", "consents", "ending", "found", "given", "kind", "revocations", "revocations_known")

    def __init__(self, given: Given, found: LookUp, at: Instant) -> None:
        self.given, self.found = given, found
        self.ending: Instant | None = None
        """When the relationship will end, where that is told and still to come."""
        self.kind = consents.contact_kind(given.channel, given.campaign.facts["campaign.voice"])
        since = found.complete_since
        self.complete = since is not None and since <= at
        stated = given.consent
        whole = stated is not None
        if whole:
            # Whether it is in force may be left open: then it is neither a consent nor the lack of one.
            doubtful = stated.level != "none" and not _IN_FORCE.isdisjoint(given.open)
            self.consents, self.consent_known = (stated,) if stated.level != "none" and not doubtful else (), not doubtful
        else:
            self.consents = found.consents or ((found.consent,) if found.consent is not None else ())
            self.consent_known = self.complete or bool(self.consents)
        self.revocations = found.revocations
        if given.revocations:
            self.revocations = (*(Revocation(**entry) for entry in given.revocations), *found.revocations)
        self.revocations_known = given.revocations is not None or self.complete or (whole and "consent.revoked_at" not in given.open)

    def steady(self, at: Instant) -> bool:
        """Whether one stated consent in force, and no more, is all there is: nothing about it moves with time."""
        if len(self.consents) != 1 or self.given.open or self.ending is not None or not self.consent_known or not self.revocations_known:
            return False
        only = self.consents[0]
        purpose = self.given.campaign.facts["campaign.purpose"]
        return only.expires_at is None and consents.in_force(only, self.given.channel, self.kind, purpose, at)

    def put_consent(self, values: dict[str, object]) -> None:
        """Enter that one consent."""
        consents.put_one(values, self.consents[0], values["campaign.purpose"])

    def consent_facts(self, instant: Instant) -> dict[str, object]:
        """Consent and revocation at an instant."""
        if not self.revocations and not self.consents:
            found = consents.NOTHING if self.consent_known and self.revocations_known else dict(consents.NOTHING)
        else:
            facts = self.given.campaign.facts
            found = consents.consent_facts(
                self.consents, self.revocations, self.given.channel, facts["campaign.purpose"], facts["campaign.subject"], instant,
                self.kind,
            )  # fmt: skip
        if not self.consent_known and found["consent.level"] == "none":
            found.update(dict.fromkeys(consents.NO_CONSENT))
        elif self.given.open and self.given.consent is not None and found["consent.level"] != "none":
            found.update(dict.fromkeys(name for name in consents.NO_CONSENT if name in self.given.open))
        if not self.revocations_known and not found["revocations"]:
            found["revocations"] = None
            found["revocations.any"] = found["revocations.any"] or None
            found["message.within_five_minutes"] = found["message.within_five_minutes"] or None
        return found

    def relationship_facts(self, instant: Instant) -> dict[str, object]:
        """What an end that was still to come changes at an instant."""
        if self.ending is None or self.ending > instant:
            return {}
        return {"relationship.ended_at": self.ending, "relationship.current": False}

    def put(self, values: dict[str, object], at: Instant) -> None:
        """Enter what does not depend on the moment."""
        self._internal(values)
        self._relationship(values, at)
        _end(values, at)
        ended = values["relationship.ended_at"]
        if isinstance(ended, int) and ended > at:
            self.ending, values["relationship.ended_at"] = ended, NEVER
        if values["relationship.current"] and "relationship.ended_at" in self.given.open:
            values["relationship.current"] = None
        self._contact(values)
        values["history.attempts"] = self._history(at)
        spoken, said = self.found.last_conversation_at, values["history.last_conversation_at"]
        if said is None:
            values["history.last_conversation_at"] = spoken if spoken is not None else NEVER if self.complete else None
        elif spoken is not None and (said is NEVER or spoken > said or said > at):
            values["history.last_conversation_at"] = spoken
        if self.given.attempts:
            _conversation(values, self.given.attempts, at)

    def _internal(self, values: dict[str, object]) -> None:
        listed, held = values["dnc.internal"], self.found.internal
        if listed is not None:
            if held is None or not held.listed:
                return
            since, scope = values["dnc.internal_since"], values["dnc.internal_scope"]
            if held.since is not None:
                since = max(since, held.since) if listed and isinstance(since, int) else held.since
            listed, scope = True, held.scope if not listed or scope == held.scope else None
        elif held is not None and (held.listed or self.complete):
            listed, since, scope = held.listed, held.since if held.since is not None else NEVER, held.scope
        elif self.complete:
            listed, since, scope = False, NEVER, None
        else:
            return
        values["dnc.internal"], values["dnc.internal_since"], values["dnc.internal_scope"] = listed, since, scope

    def _relationship(self, values: dict[str, object], at: Instant) -> None:
        held = self.found.relationship
        if self.given.states_relationship():
            ended, said = held.ended_at if held is not None else None, values["relationship.ended_at"]
            if ended is not None and (said is None or said is NEVER or said > at or ended > said):
                values["relationship.ended_at"] = ended
            return
        if self.complete:
            values.update(NO_RELATIONSHIP)
        if held is not None:
            for name in (*_LIMBS, *_FLAGS):
                value = getattr(held, name)
                if value is not None and value is not False:
                    values[f"relationship.{name}"] = value

    def _contact(self, values: dict[str, object]) -> None:
        held, unread = self.found.contact, False
        if held is not None:
            for name in ("at_work", "employer_forbids", "attorney", "last_inbound_at"):
                stored, key = getattr(held, name), f"contact.{name}"
                if stored is not None and (values[key] is None or stored is True):
                    values[key] = stored
            if held.ceased_at is not None:
                said = values["contact.ceased_at"]
                values["contact.ceased_at"] = held.ceased_at if said is None or said is NEVER else min(said, held.ceased_at)
            if held.agreed_hours is not None and values["contact.agreed_hours"] is None:
                values["contact.agreed_hours"], _ = windows_of(held.agreed_hours)
                unread = values["contact.agreed_hours"] is None
            if held.inconvenient is not None:
                self._inconvenient(values, held.inconvenient)
        if self.complete:
            for key, none in NOTHING_TOLD.items():
                if values[key] is None and not (
                    (key == "contact.agreed_hours" and unread)
                    or (key == "contact.inconvenient" and held is not None and held.inconvenient is not None)
                ):
                    values[key] = none

    @staticmethod
    def _inconvenient(values: dict[str, object], held: tuple[object, ...]) -> None:
        stored, places = windows_of(held)
        said = values["contact.inconvenient"]
        if stored is None or said is None:
            values["contact.inconvenient"] = stored
        else:
            values["contact.inconvenient"] = tuple(_union(one, other) for one, other in zip(said, stored, strict=True))
        values["contact.inconvenient_places"] = places | (values["contact.inconvenient_places"] or frozenset())

    def _history(self, at: Instant) -> History | None:
        given = self.given
        since = ALWAYS if given.attempts is not None else self.found.complete_since
        entries = list(given.attempts) if given.attempts else []
        accounts = {index: entry.at for index, entry in enumerate(entries)} if self.found.attempts else {}
        for entry in self.found.attempts:
            index = next((index for index, at_ in accounts.items() if at_ == entry.at and _agree(entries[index], entry)), None)
            if index is None:
                entries.append(entry)
            else:  # the caller's own account of the same attempt; it stands for one only
                del accounts[index]
                entries[index] = Entry(*(one if one == other else None for one, other in zip(entries[index], entry, strict=True)))
        return _history(given, given.campaign.facts["campaign.subject"], tuple(entries), since, at)


@naming
def put_alone(values: dict[str, object], given: Given, at: Instant) -> bool:
    """What ``Held`` comes to where no store is asked and the caller states a consent, or none, and nothing that moves with time.
    Anything else is left alone, which False says."""
    stated = given.consent
    if stated is None or given.revocations or given.open or type(values["relationship.ended_at"]) is int:
        return False
    if stated.level != "none":  # that there is none stands among the values from the start
        channel, purpose = given.channel, values["campaign.purpose"]
        kind = consents.contact_kind(channel, values["campaign.voice"])
        if stated.expires_at is not None or not consents.in_force(stated, channel, kind, purpose, at):
            return False
        consents.put_one(values, stated, purpose)
    attempts = given.attempts
    if attempts:
        values["history.attempts"] = _history(given, values["campaign.subject"], tuple(attempts), ALWAYS, at)
        _conversation(values, attempts, at)
    else:
        values["history.attempts"] = _history(given, values["campaign.subject"], (), None if attempts is None else ALWAYS, at)
    return True


@naming
def put_recorded(values: dict[str, object], given: Given, found: LookUp, at: Instant) -> Sequence[object] | None:
    """What ``Held`` comes to where the record is complete and holds nothing of the contact but, perhaps, one consent, and the caller
    says nothing that moves with time or is left open: the consents. Anything else is left alone, which None says."""
    since = found.complete_since
    if since is None or since > at or given.open or given.revocations or type(values["relationship.ended_at"]) is int:
        return None
    if (
        found.revocations
        or found.attempts
        or not (found.relationship is found.internal is found.contact is found.last_conversation_at is None)
    ):
        return None
    stated = given.consent
    if stated is None:
        held = found.consents or (() if found.consent is None else (found.consent,))
    else:
        held = (stated,) if stated.level != "none" else ()
    if held:
        channel, facts = given.channel, given.campaign.facts
        kind = consents.contact_kind(channel, facts["campaign.voice"])
        if len(held) > 1 or held[0].expires_at is not None or not consents.in_force(held[0], channel, kind, facts["campaign.purpose"], at):
            return None
        consents.put_one(values, held[0], values["campaign.purpose"])
    if not given.states_relationship():
        values.update(NO_RELATIONSHIP)
    if values["dnc.internal"] is None:
        values["dnc.internal"], values["dnc.internal_since"], values["dnc.internal_scope"] = False, NEVER, None
    for key, none in NOTHING_TOLD.items():
        if values[key] is None:
            values[key] = none
    attempts = given.attempts
    values["history.attempts"] = _history(
        given, given.campaign.facts["campaign.subject"], tuple(attempts or ()), since if attempts is None else ALWAYS, at
    )
    if values["history.last_conversation_at"] is None:
        values["history.last_conversation_at"] = NEVER
    if attempts:
        _conversation(values, attempts, at)
    return held


def _history(given: Given, subject: object, entries: tuple[Entry, ...], since: Instant | None, at: Instant) -> History | None:
    """The history of these entries, all of them back to ``since``, with the bounds that the caller gives."""
    day, week, month = given.most or given.upper_bounds()
    if since is None:
        if not entries and day is None and week is None and month is None:
            return None
    elif (day or week or month) and _more(entries, at, day or 0, week or 0, month or 0):
        since = None  # the caller knows of attempts that the record does not hold
    return _new(History, (
        entries, since, day, week, month, at, given.number.e164, subject, given.debt, given.from_number,
    ))  # fmt: skip


def put_waiting(values: dict[str, object], given: Given, waiting: tuple[Entry, ...], at: Instant) -> None:
    """Let attempts that others are about to make count as made. The bounds of the caller may have left them out."""
    held = values["history.attempts"]
    if held is None:
        subject = given.campaign.facts["campaign.subject"]
        held = History(asked_at=at, to=given.number.e164, subject=subject, debt=given.debt, from_=given.from_number)
    more = {name: bound + len(waiting) for name in _BOUNDS if (bound := getattr(held, name)) is not None}
    values["history.attempts"] = held._replace(entries=held.entries + waiting, **more)


_BOUNDS = ("last_24h", "last_7d", "last_30d")
_new = tuple.__new__


def _more(entries: tuple[Entry, ...], at: Instant, day: int, week: int, month: int) -> bool:
    """Whether there were more attempts in one of the times before ``at`` than the entries show."""
    for entry in entries:
        before = at - entry.at
        if 0 <= before < 30 * DAY:
            month -= 1
            if before < 7 * DAY:
                week -= 1
                if before < DAY:
                    day -= 1
    return day > 0 or week > 0 or month > 0


def _conversation(values: dict[str, object], attempts: Sequence[Entry], at: Instant) -> None:
    """A conversation among the attempts that the caller sends is one, whatever else is said."""
    for entry in attempts:
        if entry.outcome == CONVERSATION and entry.at <= at:
            held = values["history.last_conversation_at"]
            if held is None or held is NEVER or held > at or entry.at > held:
                values["history.last_conversation_at"] = entry.at


def _end(values: dict[str, object], at: Instant) -> None:
    """From its end on a relationship is not current, unless a later transaction began it anew; an end told for the very moment of a
    transaction or an inquiry comes after it."""
    ended, bought = values["relationship.ended_at"], values["relationship.last_transaction_at"]
    if not isinstance(ended, int):
        return
    if ended in (bought, values["relationship.last_inquiry_at"]):
        ended = values["relationship.ended_at"] = ended + 1
    if ended <= at and not (isinstance(bought, int) and ended < bought <= at):
        values["relationship.current"] = False


def _agree(one: Entry, other: Entry) -> bool:
    return all(left is None or right is None or left == right for left, right in zip(one, other, strict=True))


def windows_of(stored: Sequence[object]) -> tuple[object | None, frozenset[str]]:
    """Windows and places as the ledger keeps them: texts ``HH:MM-HH:MM``, mappings of days, from, to, or of a place.

    The windows are None where one of them cannot be read.
    """
    week, places = CLOSED, frozenset()
    for item in stored:
        if isinstance(item, Mapping) and not item.keys() & {"from", "to"}:
            named = item.get("places", [item.get("place")])
            if not isinstance(named, list) or not all(isinstance(place, str) for place in named):
                return None, places
            places |= frozenset(named)
            continue
        try:
            read = windows([item])
        except (TypeError, ValueError):
            return None, places
        week = tuple(_union(one, other) for one, other in zip(week, read, strict=True))
    return week, places


def _union(one, other):
    merged: list[tuple[int, int]] = []
    for start, end in sorted((*one, *other)):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)

