"""From an attempt to its facts: what the caller says, what the store holds, what lists and feeds answer, where and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from dialguard.facts import clock, consent, lists, places
from dialguard.facts import feed as feeds
from dialguard.facts.attempt import TEXTS, Given, windows
from dialguard.model.facts import Facts
from dialguard.model.history import Entry, History
from dialguard.model.moment import DAY, NEVER, Instant
from dialguard.model.records import Consent, LookUp, LookUpFailed, Relationship, Revocation
from dialguard.packs import values as notation
from dialguard.packs.load import Packs

ALWAYS = -(10**18)
"""Complete since before any record."""
_CLOSED = ((),) * 7


@dataclass
class Sources:
    """Where facts come from. ``store`` None judges by the attempt alone."""

    packs: Packs
    store: object | None = None
    feed: feeds.Feed = field(default_factory=feeds.Feed)
    as_of: Instant | None = None


class Gatherer:
    """Gathers the facts of attempts from one set of sources."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.packs = sources.packs
        self._blank = dict.fromkeys(name for name in self.packs.vocabulary.facts if not name.endswith("*"))
        for code in self.packs.lists:
            self._blank[f"dnc.list.{code}"] = None
        self._blank.pop("dnc.list.national", None)
        self._watched = _watched(self.packs)
        for name in self._watched:
            self._blank[name] = None
        for name, fact in self.packs.vocabulary.facts.items():
            if fact.absent is not None and name in self._blank:
                self._blank[name] = frozenset(fact.absent) if fact.type == "set" else fact.absent

    def gather(self, given: Given, found: LookUp | None = None) -> tuple[Facts, dict[str, object]]:
        """Facts and evidence. ``found`` is a look-up made beforehand (bulk); else the store is asked."""
        at = given.at if given.at is not None else clock.now()
        where = places.candidates(given.number, presuming=self.packs.presuming, **given.address)
        values = self._blank.copy()
        why: dict[str, str] = {}
        evidence: dict[str, object] = {"places": where.sources, "zone_data": clock.ZONE_DATA_VERSION}
        if where.problems:
            evidence["place_notes"] = list(where.problems)
        campaign = given.campaign
        values.update(campaign.facts)
        values.update(given.facts)
        values.pop("\0from", None)
        values["channel"] = given.channel
        self._scope(values, given)
        ordinals = {clock.local(at, zone).ordinal for _, zone in where.pairs}
        values["number.kind"] = given.number.kind
        if given.number.kind == "geographic" and given.number.reason_on(min(ordinals)) is not None:
            values["number.kind"] = "unassigned"
        if given.number.kind == "toll_free":
            values["line_type"] = "toll_free"
        if campaign.registry_area_codes is not None:
            values["campaign.registry_covers_number"] = given.number.npa in campaign.registry_area_codes
        if found is None:
            found = self._look_up(given, at, why)
        due = self._lists(values, why, evidence, given, ordinals, where.pairs)
        held = _Held(given, found, at)
        held.put(values, self.sources.store is not None and found is not None, evidence)
        if found is None and self.sources.store is not None:
            for name in self._of_store:
                if values.get(name) is None:
                    why[name] = "lookup_unavailable"
        moving = _Moving(self, given, held, where.pairs, at)
        values.update(moving.at(at))
        changes = moving.changes()
        if campaign.claims:
            evidence["claims"] = [dict(claim) for claim in campaign.claims]
        scope = (given.channel, values["campaign.purpose"], values["campaign.dialing"], values["campaign.voice"], campaign.key)
        facts = Facts(
            values, at, where.pairs, scope, campaign.facts if campaign.key else None, changes,
            (lambda instant: {**values, **moving.at(instant)}) if changes else None, why, due,
        )  # fmt: skip
        return facts, evidence

    @property
    def _of_store(self) -> list[str]:
        return [name for name, fact in self.packs.vocabulary.facts.items() if fact.fact_class in ("store", "list")]

    @staticmethod
    def _scope(values: dict[str, object], given: Given) -> None:
        if given.channel in TEXTS:
            values["campaign.voice"] = "text"
        elif given.channel == "rvm" and values["campaign.voice"] in (None, "live"):
            values["campaign.voice"] = "prerecorded"

    def _look_up(self, given: Given, at: Instant, why: dict[str, str]) -> LookUp | None:
        store = self.sources.store
        if store is None:
            return LookUp()
        if given.number.e164 is None:
            return LookUp()
        try:
            store.refresh()
            return store.look_up(
                seller=given.campaign.seller, number=given.number.e164, person=given.person, at=at, as_of=self.sources.as_of
            )
        except LookUpFailed:
            return None

    def _lists(self, values, why, evidence, given: Given, ordinals: set[int], pairs) -> Instant | None:
        """The list facts; returns the instant at which the first list that answered falls due."""
        due_days = []
        states = {state for state, _ in pairs}
        for code, schedule in self.packs.lists.items():
            name = "dnc.national" if code == "national" else f"dnc.list.{code}"
            if code != "national" and schedule.jurisdiction != "US" and schedule.jurisdiction not in states:
                values[name] = None
                continue
            said = given.national if code == "national" else (code in given.states if given.states is not None else None)
            answers = []
            if code != "national" and given.lists is not None and code in given.lists:
                entry = given.lists[code]
                answers.append(lists.Said(entry.get("listed"), entry.get("published"), entry.get("effective"), entry.get("use_by")))
            try:
                answers += self._stored(code, given)
            except LookUpFailed:
                why[name] = "lookup_unavailable"
            verdicts = [lists.standing(answers, schedule, ordinal) for ordinal in ordinals]
            listed = _strictest([verdict.listed for verdict in verdicts])
            if said is not None:
                listed = True if (said or listed) else False
            elif listed is None and name not in why and (self.sources.store is not None or answers):
                why[name] = next(verdict.why for verdict in verdicts if verdict.listed is None)
            values[name] = listed
            if listed is not None:
                why.pop(name, None)
                if said is None:
                    due_days += [verdict.last_day for verdict in verdicts if verdict.last_day is not None]
                    newest = max((said for said in answers if said.published), key=lambda said: said.published, default=None)
                    if code == "national" and newest is not None and values["campaign.registry_version"] is None:
                        values["campaign.registry_version"] = newest.published
                        values["campaign.registry_covers_number"] = True
                    if newest is not None:
                        evidence.setdefault("lists", {})[code] = {
                            "published": _day(newest.published), "age_days": max(ordinals) - newest.published, "listed": listed,
                        }  # fmt: skip
        if not due_days:
            return None
        return min(clock.first_instant_at_or_after(min(due_days) + 1, 0, zone) for _, zone in pairs)

    def _stored(self, code: str, given: Given) -> list[lists.Said]:
        store = self.sources.store
        if store is None or given.number.national is None:
            return []
        answers = store.list_answers(code, given.number.national, self.sources.as_of)
        return [
            lists.Said(answer.listed, answer.version.published, answer.version.effective, answer.version.use_by) for answer in answers
        ]


def _strictest(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


def _day(ordinal: int) -> str:
    from datetime import date

    return date.fromordinal(ordinal).isoformat()


def _watched(packs: Packs) -> dict[str, tuple[str, str]]:
    """Facts of emergencies and proclaimed days that some rule reads: name -> (kind, state)."""
    from dialguard.expr.nodes import facts_read

    names: dict[str, tuple[str, str]] = {}
    for rule in packs.rules:
        for span in rule.spans:
            for name in facts_read(span.condition):
                for prefix, kind in (("emergency.in.", "emergency"), ("emergency.proclaimed_day.", "closed_day")):
                    if name.startswith(prefix):
                        names[name] = (kind, name.removeprefix(prefix))
    return names


class _Held:
    """What caller and store together say of consent, relationship, internal list and history."""

    def __init__(self, given: Given, found: LookUp | None, at: Instant) -> None:
        self.given, self.found = given, found if found is not None else LookUp()
        self.at = at
        since = self.found.complete_since
        self.complete = since is not None and since <= at
        self.consents, self.consent_known = self._consents()
        self.revocations, self.revocations_known = self._revocations()

    def _consents(self) -> tuple[list[Consent], bool]:
        stated = self.given.consent
        if stated is not None and "level" in stated:
            wanted = {each.name for each in fields(Consent)}
            values = {name: (tuple(value) if isinstance(value, frozenset) else value) for name, value in stated.items() if name in wanted}
            return [Consent(**values)], True
        held = list(self.found.consents or ([self.found.consent] if self.found.consent else []))
        return held, self.complete or bool(held)

    def _revocations(self) -> tuple[list[Revocation], bool]:
        stated = self.given.revocations
        own = [Revocation(**entry) for entry in stated or ()]
        whole = stated is not None or (self.given.consent is not None and "level" in self.given.consent)
        return own + list(self.found.revocations), whole or self.complete

    def put(self, values: dict[str, object], asked: bool, evidence: dict[str, object]) -> None:
        """Enter what does not depend on the moment."""
        self._internal(values)
        self._relationship(values)
        self._contact(values)
        values["history.attempts"] = self._history()
        spoken = self.found.last_conversation_at
        said = values["history.last_conversation_at"]
        if said is None:
            values["history.last_conversation_at"] = spoken if spoken is not None else NEVER if self.complete else None
        elif spoken is not None and (said is NEVER or spoken > said):
            values["history.last_conversation_at"] = spoken
        if asked:
            evidence["ledger_complete_since"] = (
                clock.format_instant(self.found.complete_since) if self.found.complete_since is not None else None
            )
        if self.consents and self.consents[0].reference:
            evidence["consent"] = {"id": self.consents[0].id, "reference": self.consents[0].reference}

    def _internal(self, values: dict[str, object]) -> None:
        stated, held = self.given.internal, self.found.internal
        if stated is not None and "internal" in stated:
            listed, since, scope = stated["internal"], stated.get("internal_since", NEVER), stated.get("internal_scope")
            if held is not None and held.listed:
                listed, since, scope = True, held.since if held.since is not None else since, scope or held.scope
        elif held is not None and (held.listed or self.complete):
            listed, since, scope = held.listed, held.since if held.since is not None else NEVER, held.scope
        elif self.complete:
            listed, since, scope = False, NEVER, None
        else:
            return
        values.update({"dnc.internal": listed, "dnc.internal_since": since, "dnc.internal_scope": scope})

    def _relationship(self, values: dict[str, object]) -> None:
        stated, held = self.given.relationship, self.found.relationship
        limbs = {"last_transaction_at", "last_inquiry_at", "ended_at", "donor_at"}
        flags = {"current", "open_contract", "member", "personal"}
        if stated:
            found: dict[str, object] = {limb: stated.get(limb, NEVER) for limb in limbs} | {flag: stated.get(flag, False) for flag in flags}
            kind = stated.get("kind")
            limb = {"inquiry": "last_inquiry_at", "transaction": "last_transaction_at"}.get(kind)
            if limb is not None and limb not in stated:
                found[limb] = stated.get("last_at")
            if kind == "personal":
                found["personal"] = True
            if held is not None and held.ended_at is not None and (found["ended_at"] is NEVER or held.ended_at > found["ended_at"]):
                found["ended_at"] = held.ended_at
        elif held is not None or self.complete:
            held = held or Relationship()
            found = {limb: NEVER if getattr(held, limb) is None else getattr(held, limb) for limb in limbs}
            found |= {flag: getattr(held, flag) for flag in flags}
            if not self.complete:
                found = {name: value for name, value in found.items() if value is not NEVER and value is not False}
        else:
            return
        values.update({f"relationship.{name}": value for name, value in found.items()})

    def _contact(self, values: dict[str, object]) -> None:
        held = self.found.contact
        empty = {"agreed_hours": _CLOSED, "inconvenient": _CLOSED, "inconvenient_places": frozenset(), "at_work": False,
                 "employer_forbids": False, "attorney": False, "ceased_at": NEVER, "last_inbound_at": NEVER}  # fmt: skip
        for name, none in empty.items():
            key = f"contact.{name}"
            stored = getattr(held, name, None) if held is not None else None
            if name in ("agreed_hours", "inconvenient") and stored is not None:
                stored = windows_of(stored)
            if values[key] is None:
                values[key] = stored if stored is not None else none if self.complete else None
            elif name in ("at_work", "employer_forbids", "attorney") and stored:
                values[key] = True
            elif name == "inconvenient" and stored is not None:
                values[key] = tuple(_union(one, other) for one, other in zip(values[key], stored, strict=True))
            elif name == "ceased_at" and values[key] is NEVER and stored is not None:
                values[key] = stored

    def _history(self) -> History | None:
        given = self.given
        entries = [Entry(**_renamed(entry)) for entry in given.attempts or ()]
        for past in self.found.attempts:
            entry = Entry(past.at, past.to, past.channel, past.purpose, past.subject, past.voice, past.outcome, past.debt, past.from_)
            if entry not in entries:
                entries.append(entry)
        since = ALWAYS if given.attempts is not None else self.found.complete_since
        if since is None and not entries and not given.bounds:
            return None
        for name, length in (("last_24h", DAY), ("last_7d", 7 * DAY), ("last_30d", 30 * DAY)):
            more = given.bounds.get(name)
            if more is not None and more > sum(1 for entry in entries if self.at - length < entry.at <= self.at):
                since = None  # the caller knows of attempts that the record does not hold
        return History(
            tuple(entries), since, given.bounds.get("last_24h"), given.bounds.get("last_7d"), given.bounds.get("last_30d"), self.at,
            given.number.e164, given.campaign.facts["campaign.subject"], given.debt, given.facts.get("\0from"),
        )  # fmt: skip


class _Moving:
    """The facts that time alone may change."""

    def __init__(self, gatherer: Gatherer, given: Given, held: _Held, pairs, at: Instant) -> None:
        self.given, self.held, self.start = given, held, at
        self.states = {state for state, _ in pairs}
        self.watched = {name: entry for name, entry in gatherer._watched.items() if entry[1] in self.states}
        source = gatherer.sources.feed
        self.checked = source.checked_through
        self.entries = source.declarations + feeds.declarations(given.declared or ())

    def at(self, instant: Instant) -> dict[str, object]:
        """Their values at an instant."""
        held, given = self.held, self.given
        purpose, subject = given.campaign.facts["campaign.purpose"], given.campaign.facts["campaign.subject"]
        found = consent.consent_facts(held.consents, held.revocations, given.channel, purpose, subject, instant)
        if not held.consent_known:
            for name in consent.NO_CONSENT:
                if found["consent.level"] == "none":
                    found[name] = None
        if not held.revocations_known and not found["revocations"]:
            found["revocations"] = None
            found["message.within_five_minutes"] = found["message.within_five_minutes"] or None
        complete = given.declared is not None or (self.checked is not None and self.checked >= instant)
        for name, (kind, state) in self.watched.items():
            found[name] = feeds.declared(
                state, kind, self.entries, complete, given.address.get("county"), given.address.get("place"), instant
            )
        return found

    def changes(self) -> tuple[Instant, ...]:
        """The instants after the attempt at which one of them may change."""
        points = consent.turning_points(self.held.consents, self.held.revocations, self.start)
        if self.watched:
            for entry in self.entries:
                points += [point for point in (entry.start, None if entry.end is None else entry.end + 1) if point is not None]
        return tuple(sorted({point for point in points if point > self.start}))


def _renamed(entry: dict[str, object]) -> dict[str, object]:
    found = {("from_" if key == "from" else key): value for key, value in entry.items()}
    if "to" in found:
        from dialguard.facts.numbers import parse

        found["to"] = parse(found["to"]).e164 or found["to"]
    return found


def windows_of(stored: object) -> object:
    """Windows as the ledger keeps them (a list of days, from, to), as the rules read them."""
    return windows(list(stored)) if isinstance(stored, (list, tuple)) and stored else notation.windows({"every_day": "none"})


def _union(one, other):
    merged: list[tuple[int, int]] = []
    for start, end in sorted((*one, *other)):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)

