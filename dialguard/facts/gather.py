"""From an attempt to its facts: what the caller says, what the store holds, what lists and feeds answer, where and when."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import NamedTuple

from dialguard.facts import clock, consent, lists, places
from dialguard.facts import feed as feeds
from dialguard.facts.areacodes import ACTIVE
from dialguard.facts.fed import Fed, paused
from dialguard.facts.given import NO_RELATIONSHIP, Campaign, Given, InvalidInput
from dialguard.facts.held import NOTHING_HELD, Held, put_alone, put_recorded
from dialguard.facts.moving import Moving, Watched, watched
from dialguard.facts.numbers import Number
from dialguard.facts.regions import STATES
from dialguard.lists import kinds, reassigned
from dialguard.model.facts import Facts, naming
from dialguard.model.moment import DAY, Instant
from dialguard.model.records import TEXTS, LookUp, LookUpFailed, Pause
from dialguard.packs.load import Packs
from dialguard.packs.rule import ListSchedule

CALLABLE = frozenset({"geographic", "toll_free", "personal"})
"""Kinds of number that may be called at all; of others there is no place to speak of, and the rules on numbers decide."""
_SURELY_BEGUN = date(1970, 1, 1).toordinal() - 2
"""Added to a UTC day's number: an ordinal that has begun everywhere."""
_RELATIONSHIP_OPEN: dict[str, object] = dict.fromkeys(NO_RELATIONSHIP)
UNANSWERED = LookUp()
"""For ``gather``: the store was asked, and did not answer."""
_NOTHING_AMISS: Mapping[str, str] = {}
_NOTHING_USED: dict[str, tuple[lists.Said, bool]] = {}


@dataclass
class Sources:
    """Where facts come from. ``store`` None judges by the attempt alone."""

    packs: Packs
    store: object | None = None
    feed: feeds.Feed = field(default_factory=feeds.Feed)
    as_of: Instant | None = None
    fed: Fed | None = None


@dataclass(frozen=True, slots=True)
class _Local:
    """What the rules want to know in one set of places: lists, and declarations by fact name (kind, state)."""

    pairs: tuple[places.Place, ...]

    lists: tuple[tuple[str, str, ListSchedule, tuple[str, ...]], ...]
    """Code, fact, schedule, and the zones in which the list is law: a state's in those of that state."""
    state_lists: tuple[tuple[str, str], ...]
    watched: Watched
    zones: tuple[str, ...]


class _Judged(NamedTuple):
    """What the versions of a list say on all the days that it may be where the list is law."""

    listed: bool | None
    why: str | None
    current: lists.Said | None
    due: Instant | None


class Gatherer:
    """Gathers the facts of attempts from one set of sources."""

    def __init__(self, sources: Sources) -> None:
        self.sources, self.packs = sources, sources.packs
        blank = _blank_facts(self.packs)
        self._watched = watched(self.packs)
        # What most callers say stands there from the start: what they leave out, or what else they say, is entered over it.
        blank |= dict.fromkeys(self._watched) | consent.NOTHING | NO_RELATIONSHIP
        self._blank = {sys.intern(name): value for name, value in blank.items()}
        self._locals: dict[tuple, _Local] = {}
        self._by_area_code: dict[str, tuple[places.Places, _Local]] = {}
        self._area_codes = ACTIVE.codes
        self._judged: dict[tuple, _Judged] = {}

    @naming
    def gather(
        self, given: Given, found: LookUp | None = None, where: places.Places | None = None
    ) -> tuple[Facts, Callable[[], dict[str, object]]]:
        """Facts, and what gives the evidence when it is asked for. Where bulk has worked them out beforehand, ``found`` is what
        the store holds (``UNANSWERED``: it failed) and ``where`` the places to judge in, in place of those that number and address name."""
        at = given.at
        if at is None:
            at = clock.now()
        number, campaign, store, channel = given.number, given.campaign, self.sources.store, given.channel
        npa, kind, opens = number.npa, number.kind, number.in_service_from
        if where is None and not given.address:
            if self._area_codes is not ACTIVE.codes:
                self._area_codes, self._by_area_code = ACTIVE.codes, {}
            where, here = self._by_area_code.get(npa) or self.located(number)
        else:
            where, here = self._placed(number, where or places.candidates(number, presuming=self.packs.presuming, **given.address))
        values = given.facts if given.started else self.start(campaign) | given.facts | given.told()
        if not given.related and not given.relationship:
            values.update(_RELATIONSHIP_OPEN)
        values["channel"] = channel
        if channel != "voice":
            self._voice(values, channel)
        if opens is not None and opens > at // DAY + _SURELY_BEGUN and number.reason_on(min(clock.local(at, zone).ordinal for zone in here.zones)):
            kind = "unassigned"
        values["number.kind"] = kind
        if kind == "toll_free":
            values["line_type"] = kind
        codes = campaign.registry_area_codes
        if codes is not None:
            values["campaign.registry_covers_number"] = npa in codes
        scope = campaign.scopes.get(channel) or self._scope(campaign, channel, values)
        if store is None and found is None and given.lists is None and not here.watched and put_alone(values, given, at):
            values["dnc.national"] = given.national
            states = given.states
            for code, name in here.state_lists:
                values[name] = None if states is None else code in states
            facts = Facts(values, at, here.pairs, scope, campaign.fixed, (), None, _NOTHING_AMISS)
            return facts, partial(_evidence, where, _NOTHING_USED, None, (), campaign, at)
        why: dict[str, str] = {}
        failed = found is UNANSWERED
        if failed:
            found = NOTHING_HELD
        elif found is None:
            found = NOTHING_HELD
            if store is not None and number.e164 is not None:
                try:
                    store.refresh()
                    found = store.look_up(seller=campaign.seller, number=number.e164, person=given.person, at=at, as_of=self.sources.as_of)
                except LookUpFailed:
                    failed = True
        used: dict[str, tuple[lists.Said, bool]] = {}
        # The age of a held list is measured at the later of the attempt and the moment from which one looks back.
        seen = at if store is None else max(at, self.sources.as_of if self.sources.as_of is not None else clock.now())
        due = self._lists(values, why, used, given, at, seen, here)
        changes: tuple[Instant, ...] = ()
        consents = None if here.watched else put_recorded(values, given, found, at)
        if consents is None:
            held = Held(given, found, at)
            held.put(values, at)
            if not here.watched and not held.revocations and held.steady(at):
                held.put_consent(values)
            elif here.watched or held.consents or held.revocations or held.ending is not None:
                moving = Moving(self.sources.feed, given, held, here.watched, where, at)
                values.update(moving.at(at))
                changes = moving.changes()
            else:
                values.update(held.consent_facts(at))
            consents = held.consents
        if store is not None:
            self._other_lists(values, why, given, at, seen, here)
            if number.national is not None:
                self._reassigned(values, why, number.national)
            self._campaign(values, why, found.pauses, campaign, at, failed)
        if failed:
            self._blame(values, why)
        facts = Facts(
            values, at, here.pairs, scope, campaign.fixed, changes,
            (lambda instant: {**values, **moving.at(instant)}) if changes else None, why, due,
        )  # fmt: skip
        return facts, partial(_evidence, where, used, found if store is not None else None, consents, campaign, at)

    def start(self, campaign: Campaign) -> dict[str, object]:
        """All facts unknown but for what the campaign fixes.

        What a registered campaign leaves open is not fixed: lists may answer it, and an unknown asserted fact must keep its
        name to become an obligation. Nor is the share of abandoned calls, of which the store may know worse.
        """
        if campaign.key is not None:
            campaign.fixed = {name: value for name, value in campaign.facts.items() if value is not None and name != "campaign.abandonment_rate"}
        return self._blank | campaign.facts

    def located(self, number: Number) -> tuple[places.Places, _Local]:
        """Places, and what is to be known there, of a number without an address: its area code settles both."""
        found = self._placed(number, places.candidates(number, presuming=self.packs.presuming))
        if number.npa is not None:
            self._by_area_code[number.npa] = found
        return found

    def _placed(self, number: Number, where: places.Places) -> tuple[places.Places, _Local]:
        pairs = where.pairs if number.kind in CALLABLE else ()
        return where, self._locals.get(pairs) or self._local(pairs)

    @staticmethod
    def _scope(campaign: Campaign, channel: str, values: dict[str, object]) -> tuple:
        found = campaign.scopes[channel] = (
            channel, values["campaign.purpose"], values["campaign.dialing"], values["campaign.voice"], campaign.key,
        )  # fmt: skip
        return found

    @staticmethod
    def _voice(values: dict[str, object], channel: str) -> None:
        if channel in TEXTS:
            values["campaign.voice"] = "text"
        elif channel == "rvm" and values["campaign.voice"] in (None, "live"):
            values["campaign.voice"] = "prerecorded"

    def _local(self, pairs: tuple) -> _Local:
        states = {state for state, _ in pairs}
        zones = tuple(dict.fromkeys(zone for _, zone in pairs)) or ("UTC",)
        zones_of = {state: tuple(dict.fromkeys(zone for of, zone in pairs if of == state)) for state in states}
        wanted = tuple(
            (code, sys.intern("dnc.national" if code == "national" else f"dnc.list.{code}"), schedule, zones_of.get(schedule.jurisdiction, zones))
            for code, schedule in self.packs.lists.items()
            if schedule.jurisdiction == "US" or schedule.jurisdiction in states
        )
        watched = tuple((name, kind, state) for name, (kind, state) in self._watched.items() if state in states)
        if len(self._locals) > 10_000:
            self._locals.clear()
        state_lists = tuple((code, name) for code, name, _, _ in wanted if code != "national")
        found = self._locals[pairs] = _Local(pairs, wanted, state_lists, watched, zones)
        return found

    def _lists(self, values, why: dict[str, str], used, given: Given, at: Instant, seen: Instant, here: _Local) -> Instant | None:
        """The list facts; returns the instant at which the first list that answered falls due. ``seen``: from when one looks back."""
        store, stated, national10 = self.sources.store, given.lists, given.number.national
        due: Instant | None = None
        if stated is not None:
            self._known_lists(stated)
        dated: tuple[str, ...] = ()
        for code, name, schedule, zones in here.lists:
            said = given.national if code == "national" else (code in given.states if given.states is not None else None)
            if store is None and (stated is None or code not in stated):
                values[name] = said
                continue
            if zones != dated:
                dated, days = zones, _days(zones, at, seen)
                first = min([day for _, day, _ in days])
            answers = [_stated(stated[code])] if stated is not None and code in stated else []
            if store is not None and national10 is not None:
                try:
                    answers += [_stored(answer) for answer in store.list_answers(code, national10, self.sources.as_of, first)]
                except LookUpFailed:
                    why[name] = "lookup_unavailable"
            judged = self._judge(code, schedule, answers, days)
            listed = judged.listed
            if said is not None:
                values[name] = bool(said or listed)
                why.pop(name, None)
                continue
            values[name] = listed
            if listed is None:
                why.setdefault(name, judged.why)
                continue
            current = judged.current
            if current is not None and current.published:
                used[code] = (current, listed)
                if code == "national" and values["campaign.registry_version"] is None:
                    values["campaign.registry_version"] = current.published
                    if values["campaign.registry_covers_number"] is None:  # which codes are paid for is the seller's to say
                        values["campaign.registry_covers_number"] = True
            if judged.due is not None:
                due = judged.due if due is None else min(due, judged.due)
        return due

    def _judge(self, code: str, schedule: ListSchedule, answers: list[lists.Said], days: tuple[tuple[str, int, int], ...]) -> _Judged:
        """A list's answers on the days (zone, date of the attempt, date at which age is measured); few are different."""
        key = (code, tuple(answers), days)
        found = self._judged.get(key)
        if found is None:
            verdicts = [lists.standing(answers, schedule, ordinal, aged) for ordinal, aged in {day[1:] for day in days}]
            last = min((verdict.last_day for verdict in verdicts if verdict.last_day is not None), default=None)
            if len(self._judged) > 10_000:
                self._judged.clear()
            found = self._judged[key] = _Judged(
                _strictest([verdict.listed for verdict in verdicts]),
                next((verdict.why for verdict in verdicts if verdict.listed is None), None),
                next((verdict.version for verdict in verdicts if verdict.version is not None), None),
                None if last is None else _ends(last, [zone for zone, _, _ in days]),
            )
        return found

    def _other_lists(self, values: dict[str, object], why: dict[str, str], given: Given, at: Instant, seen: Instant, here: _Local) -> None:
        """Facts of loaded lists that are no do-not-call lists, on each local date that the call may have."""
        store, as_of = self.sources.store, self.sources.as_of

        def ask(code: str, national10: str, since: int | None = None):
            return store.list_answers(code, national10, as_of, since)

        shown = given.from_number
        try:
            for code in kinds.KINDS:
                if store.list_versions(code, as_of):
                    break
            else:
                return
            days = {day[1:] for day in _days(here.zones, at, seen)}
            if given.number.national is not None:
                kinds.enter(values, why, [kinds.facts_of_called(ask, given.number.national, *day) for day in days])
            if shown is not None and shown.startswith("+1"):
                kinds.enter(values, why, [kinds.facts_of_shown(ask, shown[2:], *day) for day in days])
        except LookUpFailed:
            for name in ("dnc.litigator", "line_type", "caller_id.do_not_originate"):
                if not values[name]:
                    values[name], why[name] = None, "lookup_unavailable"

    def _reassigned(self, values: dict[str, object], why: dict[str, str], national10: str) -> None:
        """The answer of the Reassigned Numbers Database that speaks of the consent held; a yes holds whoever says it."""
        at = values["consent.obtained_at"]
        try:
            found = reassigned.facts_of(self.sources.store.reassigned(national10, self.sources.as_of), at if type(at) is int else None)
        except LookUpFailed:
            why.setdefault("dnc.reassigned", "lookup_unavailable")
            return
        if found and (values["dnc.reassigned"] is None or found["dnc.reassigned"] == "yes"):
            values.update(found)

    def _campaign(self, values, why: dict[str, str], pauses: tuple[Pause, ...], campaign: Campaign, at: Instant, failed: bool) -> None:
        """Whether the campaign is paused, and the share of its calls that were abandoned: the worse of what is held and said."""
        fed, held = self.sources.fed, None if failed else paused(pauses, campaign.id)
        if fed is not None and self.sources.as_of is None:
            alive = fed.alive()
            if alive is False and not held:
                held, why["campaign.paused"] = None, "lookup_unavailable"
            elif alive and campaign.id is not None:
                share, said = fed.share(campaign.seller, campaign.id, at), values["campaign.abandonment_rate"]
                if share is not None and (said is None or share > said):
                    values["campaign.abandonment_rate"] = share
        values["campaign.paused"] = held

    def _known_lists(self, stated: Mapping[str, object]) -> None:
        """A list that nobody knows may be a misspelt one that holds the number."""
        unknown = [code for code in stated if code not in self.packs.lists and code not in STATES]
        if unknown:
            raise InvalidInput([(f"dnc.lists.{code}", f"no such list; expected a USPS code or one of {', '.join(self.packs.lists)}") for code in unknown])

    def _blame(self, values: dict[str, object], why: dict[str, str]) -> None:
        """The store did not answer: every fact of its kind that is unknown is so for want of it."""
        for name, fact in self.packs.vocabulary.facts.items():
            if fact.fact_class == "store" and values.get(name) is None:
                why[name] = "lookup_unavailable"


def surely_begun(ordinal: int, at: Instant) -> bool:
    """Whether a date has begun everywhere."""
    return ordinal <= at // DAY + _SURELY_BEGUN


def _blank_facts(packs: Packs) -> dict[str, object]:
    blank: dict[str, object] = {}
    for name, fact in packs.vocabulary.facts.items():
        if not name.endswith("*"):
            absent = fact.absent
            blank[name] = frozenset(absent) if fact.type == "set" and absent is not None else absent
    blank.update({f"dnc.list.{code}": None for code in packs.lists if code != "national"})
    return blank


def _stated(entry: Mapping[str, object]) -> lists.Said:
    return lists.Said(entry.get("listed"), entry.get("published"), entry.get("effective"), entry.get("use_by"))


def _stored(answer) -> lists.Said:
    return lists.Said(answer.listed, answer.version.published, answer.version.effective, answer.version.use_by)


def _days(zones: Iterable[str], at: Instant, seen: Instant) -> tuple[tuple[str, int, int], ...]:
    """Zone, local date of the attempt, and local date at which the age of a list is measured."""
    return tuple([(zone, clock.local(at, zone).ordinal, clock.local(seen, zone).ordinal) for zone in zones])


def _ends(last: int, zones: Iterable[str]) -> Instant | None:
    """The first end of a local date; None where it lies beyond the zone tables."""
    try:
        return min(clock.first_instant_at_or_after(last + 1, 0, zone) for zone in zones)
    except ValueError:
        return None


def _strictest(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


def _evidence(where, used, found: LookUp | None, consents, campaign: Campaign, at: Instant) -> dict[str, object]:
    evidence: dict[str, object] = {"places": where.sources, "zone_data": clock.ZONE_DATA_VERSION}
    if where.problems:
        evidence["place_notes"] = list(where.problems)
    day = clock.local(at, where.pairs[0].zone).ordinal if used else 0
    for code, (said, listed) in used.items():
        evidence.setdefault("lists", {})[code] = {
            "published": date.fromordinal(said.published).isoformat(), "age_days": day - said.published, "listed": listed,
        }  # fmt: skip
    if found is not None:
        since = found.complete_since
        evidence["ledger_complete_since"] = clock.format_instant(since) if since is not None else None
        if found.pauses:
            evidence["pauses"] = [
                {"id": each.id, "campaign": each.campaign, "since": clock.format_instant(each.since), "by": each.by, "reason": each.reason}
                for each in found.pauses
            ]
    if consents and consents[0].reference:
        evidence["consent"] = {"id": consents[0].id, "reference": consents[0].reference}
    if campaign.claims:
        evidence["claims"] = [dict(claim) for claim in campaign.claims]
    return evidence
