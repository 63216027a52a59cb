"""The Python API: ``Guard(...).check(attempt) -> Decision``."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins

from dialguard.asking import Answer, Question
from dialguard.engine.decision import Decision
from dialguard.engine.judge import Engine
from dialguard.facts import clock, feed, quick, reading
from dialguard.facts.attempt import read_campaign
from dialguard.facts.gather import UNANSWERED, Gatherer, Sources
from dialguard.facts.given import Campaign, Given, InvalidInput
from dialguard.facts.numbers import parse
from dialguard.facts.readers import judged_at
from dialguard.model.moment import DAY
from dialguard.model.records import LookUp, LookUpFailed
from dialguard.opening import fed_of, feed_file_of, feed_of, open_store
from dialguard.packs.load import Packs, load
from dialguard.ready import Plain, Ready
from dialguard.reserve import Deciding, Wanted, decide

if TYPE_CHECKING:
    from dialguard.audit.log import DecisionLog
    from dialguard.audit.recording import Asked
    from dialguard.packs.sources import Source
    from dialguard.screening.screen import Screener
    from dialguard.screening.windows import Window
    from dialguard.storage.ports import Store

__all__ = ["Guard", "InvalidInput"]

_REGISTRATIONS = itertools.count()


class Guard:
    """Decides attempts by the shipped rule packs, an operator's own, and a store of lists, consent and history.

    ``store``: a folder (made on first write), a store object, or None for the default folder; ``no_store=True`` judges by
    the facts in each attempt alone. ``rules``: further folders of rule files. ``as_of``: RFC 3339, answer from what was known
    then. ``disable``: disputed rules switched off, id to recorded reason, which the evidence of every decision shows. ``log``: where
    ``check`` records each decision before it is returned; one that cannot be recorded is a denial. ``watch``: while it doubts the system's
    clock, every attempt is denied and no slot is taken. Raises PackError where the rule files are not usable, ValueError for other
    mistakes, AuditUnavailable where they cannot be kept in the log.

    ``packs`` are loaded rules, and ``files`` what they were made of, for the log, where that lies no more where it was read.
    """

    def __init__(
        self,
        store: str | os.PathLike[str] | Store | None = None,
        *,
        no_store: bool = False,
        rules: Iterable[str | os.PathLike[str]] = (),
        as_of: str | None = None,
        disable: Mapping[str, str] | None = None,
        packs: Packs | None = None,
        log: DecisionLog | None = None,
        watch: clock.Watch | None = None,
        files: Sequence[Source] | None = None,
    ) -> None:
        rules = list(rules)
        self.packs = packs if packs is not None else load([Path(folder) for folder in rules])
        if self.packs.base is not None:  # an operator's folder was read
            from dialguard.packs.supersede import verify_operator

            verify_operator(self.packs, clock)
        self.stale: str | None = None
        """Why the rules must no longer be used, where that is so: everything is then denied."""
        self.as_of = judged_at(as_of) if as_of is not None else None
        self.store = None if no_store else open_store(store)
        self._engine = Engine(self.packs, clock, disabled=_checked(self.packs, disable or {}))
        self._gatherer = Gatherer(Sources(self.packs, self.store, feed_of(self.store), self.as_of, fed_of(self.store)))
        self._campaigns: dict[str, Campaign] = {}
        self._registered: dict[str, tuple[Mapping[str, object], Mapping[str, str] | None]] = {}
        self._recording = None if log is None else self._record_in(log, [Path(folder) for folder in rules], files)
        self._watch, self._peer = watch, getattr(self.store, "peer", None)
        self._ready = Ready(self._engine, self._gatherer) if hasattr(self.store, "lists_mark") else None

    def add_campaign(self, campaign: Mapping[str, object]) -> str:
        """Register a campaign under its ``id``, so that attempts may name it; the rules are specialised for it once."""
        checked = read_campaign(campaign)
        if not checked.id:
            raise InvalidInput([("campaign.id", "missing")])
        checked.key = f"{checked.id}\0{next(_REGISTRATIONS)}"  # never twice: programs are kept by it
        checked.start = self._gatherer.start(checked)
        self._campaigns[checked.id] = checked
        self._registered[checked.id] = dict(campaign), self._recording.register(campaign) if self._recording is not None else None
        return checked.id

    def remove_campaign(self, id: str) -> bool:
        """Attempts may name this campaign no more; False where none of that id is registered."""
        self._registered.pop(id, None)
        return self._campaigns.pop(id, None) is not None

    def campaign(self, id: str) -> Campaign:
        """A registered campaign, as attempts name it. Raises InvalidInput where there is none."""
        try:
            return self._campaigns[id]
        except KeyError:
            raise InvalidInput([("campaign", f"no campaign {id!r:.60} is registered")]) from None

    def renewed(self, packs: Packs, files: Sequence[Source] | None, built: Guard | None = None) -> Guard:
        """A guard like this one, of its campaigns too, that decides by other packs. ``built``: one that was made so before, which is
        used again where it still knows the same emergencies. Raises what making a guard does."""
        made = built
        if made is None or made._gatherer.sources.feed != self._gatherer.sources.feed:
            log = None if self._recording is None else self._recording.log
            made = Guard(
                self.store, no_store=self.store is None, disable=self._engine.disabled, packs=packs, log=log, watch=self._watch, files=files
            )  # fmt: skip
        made.adopt(self)
        new = made._campaigns
        campaigns = {each.key: (new[id].key, new[id].fixed) for id, each in [*self._campaigns.items()] if id in new}
        made._engine.prepare(self._engine, clock.now(), campaigns)
        return made

    def adopt(self, other: Guard) -> None:
        """Registers another guard's campaigns, and no others."""
        there = dict(other._registered)
        for id in self._registered.keys() - there.keys():
            self.remove_campaign(id)
        for id, (campaign, _) in there.items():
            if id not in self._registered or self._registered[id][0] != campaign:
                self.add_campaign(campaign)

    def seller_of(self, attempt: Mapping[str, object]) -> str:
        """For whom an attempt would be made, as ``check`` reads it. Raises InvalidInput where it cannot be judged."""
        return reading.read(attempt, self._campaigns).campaign.seller

    def check(self, attempt: Mapping[str, object], *, reserve: bool = False) -> Decision:
        """Decide one attempt (the JSON of the public contract). Raises InvalidInput naming every mistake in it.

        ``reserve``: whether an allow takes a slot under the frequency caps, in the same step, where the attempt does not say; see
        ``Decision.reservation``.
        """
        if self._recording is None and self._watch is None:
            try:
                given = quick.read(attempt, self._campaigns)
            except quick.UNUSUAL:
                given = self._read(attempt)
            if given.at is None:
                given.at = self.as_of
            asks = reserve if given.reserve is None else given.reserve
            if not (asks and self._reserves(asks)):
                return self._judge(given)
            answer = self._reserved([Wanted(attempt, given, None)])[0]
        else:
            answer = self.answer([Question(attempt, reserve)])[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Decision) else answer.decision

    def check_together(self, attempts: Iterable[Mapping[str, object]], *, reserve: bool = False) -> list[Decision | Exception]:
        """Decide several attempts, each as ``check`` would, in their order; the slots of all are taken in one step.

        In place of a decision stands the exception that ``check`` would have raised.
        """
        questions = [Question(attempt, reserve) for attempt in attempts]
        if self._recording is None:
            with self.still():
                return self._decide_together(questions)
        return [answer if isinstance(answer, Exception) else answer.decision for answer in self.answer(questions)]

    def answer(self, questions: Sequence[Question]) -> list[Answer | Exception]:
        """The same, each decision with its JSON: all in one group."""
        with self.still():
            known_at, fed = self._known_at(), self._gatherer.sources.fed
            events = fed is not None and self.as_of is None and fed.alive() is not None
            answers = self._decide_together(questions)
        found = [Answer(answer, answer.as_json(texts=False)) if type(answer) is Decision else answer for answer in answers]
        if self._recording is not None:
            made = [self._asked(question, answer, events) for question, answer in zip(questions, found, strict=True) if type(answer) is Answer]
            refused = self._recording.recorded(made, known_at)
            if refused is not None:
                denials = iter(refused)
                found = [_answered(next(denials)) if type(answer) is Answer else answer for answer in found]
        return found

    def _decide_together(self, questions: Sequence[Question]) -> list[Decision | Exception]:
        if self._watch is None:
            return self._decided(questions)
        doubt = self._doubt()
        answers = self._decided(questions, slots=doubt is None)
        doubt = doubt or self._doubt()  # it may have been set while they were judged
        if doubt is None:
            return answers
        return [answer.refused("clock_untrusted", doubt) if isinstance(answer, Decision) else answer for answer in answers]

    def _doubt(self) -> str | None:
        return self._watch.doubt() or (self._peer.doubt() if self._peer is not None else None)

    def _decided(self, questions: Sequence[Question], slots: bool = True) -> list[Decision | Exception]:
        answers: list[Decision | Exception | None] = [None] * len(questions)
        judged: list[tuple[int, Plain | None, Given | None]] = []
        reserving: list[Wanted] = []
        ready = self._ready if self.as_of is None and self.stale is None else None
        if ready is not None:
            ready.begin()
        for number, question in enumerate(questions):
            try:
                attempt = question.attempt
                plain = ready.read(attempt, self._campaigns) if ready is not None else None
                given = self._read(attempt) if plain is None else None
                asks = plain.sent.reserve if given is None else given.reserve
                if slots and self._reserves(question.reserve if asks is None else asks):
                    reserving.append(Wanted(attempt, given, plain))
                else:
                    judged.append((number, plain, given))
            except Exception as error:
                answers[number] = error
        asked = self._expect([plain for _, plain, _ in judged if plain is not None])
        for number, plain, given in judged:
            try:
                if plain is not None and asked is not None:
                    answers[number] = self._ready_or_judged(plain, asked[plain.campaign.seller])
                else:
                    answers[number] = self._judge(given or self._read(plain.sent))
            except Exception as error:
                answers[number] = error
        reserved = iter(self._reserved(reserving) if reserving else ())
        return [next(reserved) if answer is None else answer for answer in answers]

    def _expect(self, plain: Sequence[Plain]) -> dict[str, Callable[[str, int], LookUp | None] | None] | None:
        """Tells the store of whom it will be asked, and by seller what it gives back; None where it cannot be asked so."""
        asked: dict[str, list[str]] = {}
        for each in plain:
            asked.setdefault(each.campaign.seller, []).append(each.number.e164)
        found = dict.fromkeys(asked)
        try:
            if asked:
                self.store.refresh()
            for seller, numbers in asked.items():
                if len(numbers) > 1:
                    with suppress(ValueError):  # who is asked about by itself is told so
                        found[seller] = self.store.expect(seller, numbers)
        except LookUpFailed:
            return None
        return found

    def release(self, *, seller: str, to: str, id: str) -> bool:
        """Give back the slot of an attempt that is not made; ``id`` is that of the reservation. False where none was held any more,
        or the attempt has been recorded. Raises InvalidInput, LookUpFailed."""
        number = parse(to).e164
        if number is None:
            raise InvalidInput([("to", "expected a telephone number")])
        if self.store is None:
            return False
        return self.store.release(seller=seller, number=number, attempt=id)

    def _ready_or_judged(self, plain: Plain, known: Callable[[str, int], LookUp | None] | None) -> Decision:
        number = plain.number.e164
        if plain.at is None:
            plain.at = clock.now()
        try:
            found = None if known is None else known(number, plain.at)
            if found is None:
                found = self.store.look_up(seller=plain.campaign.seller, number=number, at=plain.at)
            decision = self._ready.decide(plain, found)
        except LookUpFailed:
            found, decision = UNANSWERED, None
        if decision is not None:
            return decision
        given = self._read(plain.sent)
        given.at = plain.at
        return self._judge(given, found)

    def _judge(self, given: Given, found: LookUp | None = None) -> Decision:
        facts, evidence = self._gatherer.gather(given, found)
        decision = Decision(self._engine, facts, self._engine.judge(facts), given.id, evidence)
        return decision if self.stale is None else decision.refused("pack_stale", self.stale)

    def _reserves(self, asked: bool) -> bool:
        """Whether a slot that is asked for can be taken: not in no store, in the past, or by stale rules."""
        return asked and self.store is not None and self.as_of is None and self.stale is None

    def _reserved(self, wanted: Sequence[Wanted]) -> list[Decision | Exception]:
        return decide(Deciding(self._engine, self._gatherer, self._ready, self._read), wanted)

    def _read(self, attempt: Mapping[str, object]) -> Given:
        given = reading.read(attempt, self._campaigns)
        if given.at is None and self.as_of is not None:
            given.at = self.as_of
        return given

    def _record_in(self, log: DecisionLog, folders: list[Path], files: Sequence[Source] | None) -> Any:
        from dialguard.audit.recording import Recording

        store = "none" if self.store is None else "redis" if type(self.store).__name__ == "RedisStore" else "folder"
        return Recording(log, self.packs, folders, feed_file_of(self.store), store, files)

    def _known_at(self) -> int:
        return self.as_of if self.as_of is not None else clock.now()

    def _asked(self, question: Question, answer: Answer, events: bool) -> Asked:
        """What the log is told of an attempt; the campaign is None where a table's columns gave it."""
        attempt = question.attempt
        if isinstance(attempt, Struct):
            said, own = attempt.campaign, attempt.reserve
        else:
            said, own = attempt.get("campaign"), attempt.get("reserve")
        campaign, pieces = self._registered[said] if isinstance(said, str) else (to_builtins(said) if isinstance(said, Struct) else said, None)
        asked, sent = question.reserve if own is None else bool(own), question.sent
        return self._recording.asked(
            attempt if sent is None else sent, answer.decision, answer.json, campaign, pieces, asked, events, question.by
        )  # fmt: skip

    def look_back(self, as_of: int, feed_file: Path | None) -> None:
        """Answer from what was known at another instant, and by the feed in another file, from now on."""
        self.as_of = self._gatherer.sources.as_of = as_of
        self._gatherer.sources.feed = feed.load(feed_file) if feed_file is not None else feed.Feed()

    @contextmanager
    def still(self) -> Iterator[None]:
        """For a group of checks by one thread: within, the lists are looked at once and the record is asked in one state. For a moment
        only: what others record meanwhile is not seen before it ends."""
        fed = self._gatherer.sources.fed
        with nullcontext() if self.store is None else self.store.still(), nullcontext() if fed is None else fed.still():
            yield

    def windows(
        self,
        number: str,
        campaign: str | Mapping[str, object],
        days: int = 7,
        *,
        at: str | None = None,
        channel: str = "voice",
        contact: Mapping[str, object] | None = None,
    ) -> list[Window]:
        """The stretches of the coming ``days`` in which ``number`` may be called, and what closes each.

        ``campaign``: the id of a registered one, or an object. ``at``: RFC 3339, where to begin; now when absent.
        ``contact``: what is known of the person (state, zip, ...), as in an attempt. Raises InvalidInput.
        """
        from dialguard.screening.windows import windows

        start = self._moment(at)
        given = {"to": number, "channel": channel, "campaign": campaign, "contact": contact}
        # What one might ask is no decision: nothing of it is recorded.
        return windows(lambda instant: self._judge(self._read({**given, "at": clock.format_instant(instant)})), start, start + days * DAY)

    def screen(self, frame: Any, campaign: str | Mapping[str, object], at: str | None = None, *, channel: str = "voice", **columns: str) -> Any:
        """A polars or pandas DataFrame with the verdict of each row in ``dg_`` columns added; the same kind is returned.

        ``at``: RFC 3339, the one moment at which all are judged; now when absent. Columns are recognised by their names;
        ``phone="COLUMN"``, ``state="COLUMN"``, ... says otherwise. Raises InvalidInput for the campaign,
        ``screening.read.TableError`` for a frame without a phone column, LookUpFailed when the store cannot answer.
        """
        from dialguard.screening.frames import screen

        return screen(frame, self.screener(campaign, at, channel), columns)

    def screener(self, campaign: str | Mapping[str, object], at: str | None = None, channel: str = "voice") -> Screener:
        """What judges the rows of a list for one campaign at one moment (RFC 3339; now when absent) on one channel."""
        from dialguard.screening.screen import Screener

        name = campaign if isinstance(campaign, str) else self.add_campaign({"id": "campaign", **campaign})
        if not isinstance(campaign, str) and not campaign.get("id"):
            self._campaigns[name].id = None  # which of the seller's campaigns it is, is not known
        if name not in self._campaigns:
            raise InvalidInput([("campaign", f"no campaign {name!r:.60} is registered")])
        return Screener(self._engine, self._gatherer, self._campaigns, name, self._moment(at), channel)

    def _moment(self, at: str | None) -> int:
        if at is None:
            return self.as_of if self.as_of is not None else clock.now()
        try:
            return judged_at(at)
        except ValueError as error:
            raise InvalidInput([("at", str(error))]) from None


def _answered(decision: Decision) -> Answer:
    return Answer(decision, decision.as_json(texts=False))


def _checked(packs: Packs, disable: Mapping[str, str]) -> Mapping[str, str]:
    """Rules to switch off: each exists, is disputed, and has a reason."""
    for name, reason in disable.items():
        rule = packs.by_id.get(name)
        if rule is None:
            raise ValueError(f"no rule `{name}` to switch off")
        if not rule.disputed:
            raise ValueError(f"`{name}` is not disputed and cannot be switched off")
        if not reason or not reason.strip():
            raise ValueError(f"switching off `{name}` needs a reason")
    return disable
