"""Whole answers kept ready, for attempts that say little and people of whom little is held.

A dialer whose store knows the rest sends a number, a channel and a campaign. Until the next moment at which some condition may
change, its answer depends on where the area code lies, on what lists and record say, and on nothing else: it is another's, but for
its names. All else is judged as ever, and ``tests/engine/test_ready.py`` holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from msgspec import Struct

from dialguard.engine.decision import Decision, Form, new_id
from dialguard.engine.judge import Engine, Judgement
from dialguard.engine.memory import Told
from dialguard.engine.steady import steady_until, tells_apart, time_holds
from dialguard.facts import clock, quick
from dialguard.facts.areacodes import ACTIVE
from dialguard.facts.gather import Gatherer, surely_begun
from dialguard.facts.given import Campaign
from dialguard.facts.numbers import Number, parse
from dialguard.facts.places import Places
from dialguard.lists import kinds
from dialguard.model import contract
from dialguard.model.facts import Facts
from dialguard.model.moment import DAY, EPOCH_ORDINAL, HOUR, Instant
from dialguard.model.records import LookUp, LookUpFailed

LIMIT = 20_000
"""Answers that are kept, and as many notes that one was asked for."""
MADE = 4
"""Answers that are made while one group waits: each takes as long as some dozens that are judged by themselves."""
_DATES = frozenset({"consent.obtained_at", "consent.requested_at"})


class Plain(Struct, eq=False, gc=False):
    """An attempt that gives no more than who is called, how, when, for which campaign, and on what kind of line."""

    sent: contract.Attempt
    number: Number
    campaign: Campaign
    shown: str | None
    """The number shown as the caller's, E.164."""
    at: Instant | None


class _Loaded(NamedTuple):
    """The loaded lists that are asked in a place, as long as ``mark`` is that of the store: those of which the versions count that stand,
    those of which all do, and those of the caller's own number."""

    mark: object = None
    standing: tuple[str, ...] = ()
    ever: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


class _Spot(Struct, eq=False):
    """Where an area code lies, one for all that lie so, and the lists that are asked there."""

    where: Places
    states: tuple[str, ...]
    """Do-not-call lists that are law there."""
    loaded: _Loaded = _Loaded()


class _Lane(Struct, eq=False):
    """What is alike of all attempts of one campaign into one area code, on one channel and kind of line, with one number shown, while the
    lists are those of ``mark`` and the day is the one after ``since``."""

    mark: object
    since: int
    base: object
    """One for all lanes of which the law asks the same."""
    standing: tuple[str, ...]
    ever: tuple[str, ...]
    shown: list[bool | None]
    """What lists say of the caller's own number."""


class _Answer(Struct, eq=False):
    """What attempts of one key come to from ``start`` to before ``end``."""

    start: Instant
    end: Instant
    facts: Facts
    judgement: Judgement
    told: Told
    form: Form | None
    """None: such attempts are judged by themselves, as what they are told names the second, or a law asks when consent was given."""
    evidence: Mapping[str, Any]


class Ready:
    """The answers of one engine. Threads may share it."""

    def __init__(self, engine: Engine, gatherer: Gatherer) -> None:
        self._engine, self._gatherer = engine, gatherer
        self._answers: dict[tuple, _Answer] = {}
        self._asked: set[tuple] = set()
        self._spots: dict[str, _Spot] = {}
        self._alike: dict[tuple, _Spot] = {}
        self._lanes: dict[tuple, _Lane] = {}
        self._bases: dict[tuple, object] = {}
        self.most = MADE
        self._left = 0
        self._codes = ACTIVE.codes

    @staticmethod
    def read(attempt: object, campaigns: Mapping[str, Campaign]) -> Plain | None:
        """A plain attempt of a registered campaign, well-formed; None: it is to be read with care."""
        if type(attempt) is not contract.Attempt or not (
            attempt.contact is attempt.consent is attempt.dnc is attempt.history is attempt.relationship is attempt.message is attempt.line
            is attempt.revocations is attempt.caller_id is attempt.debt is attempt.emergency is None
        ):  # fmt: skip
            return None
        try:
            campaign, at = campaigns[attempt.campaign], attempt.at
            if campaign.start is None or attempt.id == quick.OPEN:
                return None
            if attempt.channel == "voice" and (campaign.start["campaign.dialing"] is None or campaign.start["campaign.voice"] is None):
                return None
            shown = attempt.from_
            if shown is not None:
                shown = quick.parse_from(shown).e164
                if shown is None:
                    return None
            number = parse(attempt.to)
            if number.national is None:
                return None
            return Plain(attempt, number, campaign, shown, None if at is None else quick.judged_at(at))
        except quick.UNUSUAL:
            return None

    def begin(self) -> None:
        """Another group is to be decided."""
        self._left = self.most

    def decide(self, plain: Plain, found: LookUp) -> Decision | None:
        """The decision, where it is ready or can be made so; ``found`` is what the store, which was refreshed, has just said of the number.
        None: it is to be judged by itself."""
        try:
            return self._decided(plain, found)
        except LookUpFailed:  # a list, of which only some law asks
            return None

    def _decided(self, plain: Plain, found: LookUp) -> Decision | None:
        number, campaign, sent, store = plain.number, plain.campaign, plain.sent, self._gatherer.sources.store
        now = clock.now()
        at = now if plain.at is None else plain.at
        if at < now - HOUR:  # the age of a list is measured now, and the law is that of then
            return None
        opens = number.in_service_from
        if opens is not None and not surely_begun(opens, at):
            return None
        mark, since = store.lists_mark(), at // DAY + EPOCH_ORDINAL - 1  # somewhere it is still yesterday
        if self._codes is not ACTIVE.codes:
            self._spots, self._alike, self._answers, self._lanes, self._asked, self._codes = {}, {}, {}, {}, set(), ACTIVE.codes
        name = (number.npa, number.kind, campaign.key, sent.channel, sent.line_type, sent.from_)
        lane = self._lanes.get(name)
        if lane is None or lane.mark is not mark or lane.since != since:
            lane = self._lane(name, plain, mark, since)
        held = self._held(found, at)
        if lane is None or held is None or store.reassigned(number.national):
            return None
        said = store.lists_say(lane.standing, number.national, since)
        if lane.ever:
            said += store.lists_say(lane.ever, number.national, None)
        if mark is None or store.lists_mark() is not mark:
            return None
        fed, share = self._gatherer.sources.fed, None
        if fed is not None and (alive := fed.alive()) is not None:
            if not alive or campaign.id is None:
                return None
            share = fed.share(campaign.seller, campaign.id, at)
        key = (lane.base, share, found.complete_since, held, *said, *lane.shown)
        answer = self._answers.get(key)
        seen = at if at > now else now
        if answer is None or not (answer.start <= at and seen < answer.end):
            if answer is None and key not in self._asked:  # one that is asked for once is not worth the trouble
                self._note(key)
                return None
            if self._left <= 0:
                return None
            self._left -= 1
            answer = self._made(plain, found, at, seen, share)
            if seen < answer.end:  # else lists are as old in it as they are now, whenever it is asked for
                self._keep(key, answer)
        if answer.form is None:
            return None
        facts = answer.facts.__copy__()
        facts.at = at
        decision = Decision(
            self._engine, facts, answer.judgement, sent.id, partial(_evidence, answer.evidence, found), None, None, answer.form, number.national
        )  # fmt: skip
        known = decision.__dict__
        known["told"], known["id"] = answer.told, new_id()
        return decision

    def _lane(self, name: tuple, plain: Plain, mark: object, since: int) -> _Lane | None:
        """The lane of an attempt; None where such are judged by themselves."""
        number, campaign, store = plain.number, plain.campaign, self._gatherer.sources.store
        spot = self._spot(number)
        if spot is None:
            return None
        loaded = spot.loaded
        if loaded.mark is not mark:
            loaded = spot.loaded = self._load(spot, store, mark)
        shown: list[bool | None] = []
        if loaded.shown and plain.shown is not None:
            if plain.shown[:2] != "+1":
                return None
            shown = store.lists_say(loaded.shown, plain.shown[2:], since)
        covers = campaign.registry_area_codes is None or number.npa in campaign.registry_area_codes
        if len(self._lanes) >= LIMIT:
            self._lanes.clear()
            self._bases.clear()
        base = self._bases.setdefault((spot, mark, covers, *name[1:]), object())
        lane = self._lanes[name] = _Lane(mark, since, base, loaded.standing, loaded.ever, shown)
        return lane

    def _spot(self, number: Number) -> _Spot | None:
        spot = self._spots.get(number.npa)
        if spot is None:
            where, here = self._gatherer.located(number)
            if not here.pairs:
                return None
            key = (where.pairs, tuple(where.sources.items()), where.problems)
            spot = self._alike.setdefault(key, _Spot(where, tuple(code for code, _, _, _ in here.lists)))
            self._spots[number.npa] = spot
        return spot

    @staticmethod
    def _load(spot: _Spot, store: Any, mark: object) -> _Loaded:
        loaded = [code for code in (*spot.states, *kinds.KINDS) if store.list_versions(code)]
        apart = {kinds.DO_NOT_ORIGINATE, kinds.TO_WIRELESS}  # since when a number is ported is told by versions that stand no more
        standing = tuple(code for code in loaded if code not in apart)
        return _Loaded(mark, standing, *(tuple(code for code in loaded if code == each) for each in (kinds.TO_WIRELESS, kinds.DO_NOT_ORIGINATE)))

    @staticmethod
    def _held(found: LookUp, at: Instant) -> tuple | None:
        """What is held of the person, where it is one consent in force or nothing; None: it is more."""
        if found.revocations or found.attempts or found.pauses or found.last_conversation_at is not None:
            return None
        if not (found.relationship is found.internal is found.contact is None):
            return None
        if not found.consents:
            return () if found.consent is None else None
        consent = found.consents[0]
        begun = consent.obtained_at is None or consent.obtained_at <= at
        if len(found.consents) > 1 or consent.expires_at is not None or not begun:
            return None
        return consent.level, consent.form, consent.covers, consent.channels, bool(consent.reference)

    def _made(self, plain: Plain, found: LookUp, at: Instant, seen: Instant, share: int | None) -> _Answer:
        """The answer from the beginning of the hour on, or from the moment itself."""
        hour, campaign, fed = at - at % HOUR, plain.campaign, self._gatherer.sources.fed
        then = None if fed is None or not fed.alive() else fed.share(campaign.seller, campaign.id, hour)
        if then == share and all((consent.obtained_at or hour) <= hour for consent in found.consents) and (found.complete_since or hour) <= hour:
            answer = self._judged(plain, found, hour)
            if at < answer.end and seen < answer.end:
                return answer
        return self._judged(plain, found, at)

    def _judged(self, plain: Plain, found: LookUp, start: Instant) -> _Answer:
        given = quick.read(plain.sent, {plain.sent.campaign: plain.campaign})
        given.at = start
        facts, evidence = self._gatherer.gather(given, found)
        judgement = self._engine.judge(facts)
        decision = Decision(self._engine, facts, judgement, None, evidence)
        form, end = decision.form(), steady_until(self._engine, facts)
        timely = any("{local_time}" in self._engine.law(finding).rule.message for finding in judgement.deny)
        if judgement.errors or timely or (decision.time is None and not time_holds(self._engine, facts, judgement.denied)):
            form = None
        elif found.consents and tells_apart(self._engine, facts, _DATES):
            form = None
        return _Answer(start, end, facts, judgement, decision.told, form, decision.evidence)

    def _keep(self, key: tuple, answer: _Answer) -> None:
        if len(self._answers) >= LIMIT:
            self._answers.clear()
        self._answers[key] = answer

    def _note(self, key: tuple) -> None:
        if len(self._asked) >= LIMIT:
            self._asked.clear()
        self._asked.add(key)


def _evidence(shared: Mapping[str, Any], found: LookUp) -> dict[str, Any]:
    """The evidence of the first attempt, with the consent of this one."""
    if "consent" not in shared:
        return dict(shared)
    return {**shared, "consent": {"id": found.consents[0].id, "reference": found.consents[0].reference}}
