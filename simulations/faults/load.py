"""Decisions at an even rate by several clients, while something is recorded now and then; every answer is judged by the truth."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from dialguard.guard import Guard
from dialguard.ledger.errors import LedgerError
from dialguard.model.records import LookUpFailed
from dialguard.storage.redis import RedisStore
from simulations.faults.world import CAMPAIGN, Number, World

PLUMBING = ("lookup_unavailable", "list_incomplete", "list_stale")
BARE = 2
"""So many of the clients do not know the folder."""
TURNS = 8
"""So many numbers a second come to be closed."""


class Answer(NamedTuple):
    """One decision: when it was asked for, what it took in seconds, its first reason (None: an allow), whether it was wrong, and
    whether the client knew the folder."""

    at: float
    took: float
    kind: str | None
    wrong: bool
    bare: bool


@dataclass
class Load:
    """Asks until it is stopped. ``fault`` and ``repair`` are done at a third and at two thirds."""

    world: World
    knowing: RedisStore
    bare: RedisStore
    rate: int
    clients: int
    seconds: float
    answers: list[Answer] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    fault_at: float = 0.0
    repair_at: float = 0.0
    repaired_at: float = 0.0
    left_alone_at: float | None = None
    """When the folder's store first knew that Redis is away."""

    def run(self, before: Callable[[], None], fault: Callable[[], None], repair: Callable[[], None]) -> Load:
        """The whole load; ``before`` is done a second before the fault."""
        guards = {False: Guard(store=self.knowing), True: Guard(store=self.bare)}
        for guard in guards.values():
            guard.add_campaign(CAMPAIGN)
        self._turned: list[Number] = []
        begin, self._stop = time.perf_counter() + 0.2, threading.Event()
        threads = [
            threading.Thread(target=self._client, args=(place, guards[place < BARE], place < BARE, begin)) for place in range(self.clients)
        ]
        threads += [threading.Thread(target=self._record, args=(begin,)), threading.Thread(target=self._watch)]
        for thread in threads:
            thread.start()
        try:
            self._wait(begin + self.seconds / 3 - 1)
            before()
            self._wait(begin + self.seconds / 3)
            self.fault_at = time.perf_counter()
            fault()
            self._wait(begin + self.seconds * 2 / 3)
            self.repair_at = time.perf_counter()
            repair()
            self.repaired_at = time.perf_counter()
            self._wait(max(begin + self.seconds, self.repaired_at + self.seconds / 6))
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        if self.errors:
            raise self.errors[0]
        return self

    def _wait(self, until: float) -> None:
        time.sleep(max(0.0, until - time.perf_counter()))

    def _client(self, place: int, guard: Guard, bare: bool, begin: float) -> None:
        draw, step, count = Random(place), self.clients / self.rate, 0
        try:
            while not self._stop.is_set():
                self._wait(begin + (count + place / self.clients) * step)
                count += 1
                turned = self._turned
                number = draw.choice(turned[-40:]) if turned and draw.random() < 0.3 else draw.choice(self.world.numbers)
                shut, start = self.world.shut_since.get(number.text), time.perf_counter()
                decision = guard.check(self.world.attempt(number.text))
                allowed = decision.verdict == "allow"
                took = time.perf_counter() - start
                kind = None if allowed else _kind({reason["kind"] for reason in decision.reasons})
                self.answers.append(Answer(start, took, kind, allowed and shut is not None and shut < start, bare))
        except BaseException as error:  # noqa: BLE001 - told by ``run``
            self.errors.append(error)
            self._stop.set()

    def _record(self, begin: float) -> None:
        waiting = [number for number in self.world.numbers if number.kind in ("turning", "capped")]
        Random(5).shuffle(waiting)
        for place, number in enumerate(waiting):
            self._wait(begin + place / TURNS)
            if self._stop.is_set():
                return
            try:
                self.world.turn(self.knowing, number)
                self._turned.append(number)
            except (LedgerError, LookUpFailed) as error:
                self.errors.append(error)

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            if self.fault_at and self.left_alone_at is None and self.knowing.link.away:
                self.left_alone_at = time.perf_counter()


def _kind(kinds: set[str]) -> str:
    return next((kind for kind in (*PLUMBING, "unknown_fact") if kind in kinds), min(kinds))


@dataclass(frozen=True)
class Figures:
    """What a load showed. Times in seconds, of answers in milliseconds; None: it did not happen."""

    decisions: int
    allows: int
    denies: Counter[str]
    wrong: int
    wrong_bare: int
    denied_bare: tuple[float, float, float]
    """The share of those without the folder that plumbing denied, before the fault, under it, and once repaired."""
    quick: tuple[tuple[float, float], ...]
    """Median and 99th percentile before the fault, under it, and once repaired."""
    detected: float | None
    left_alone: float | None
    repairing: float
    recovered: float | None


def figures(load: Load) -> Figures:
    """What a load showed. ``recovered``: from the end of the repair to the first half second in which plumbing denied no more than one
    in twenty (a busy machine lets look-ups time out now and then)."""
    answers = sorted(load.answers)
    asked = [answer.at for answer in answers]
    ends = (load.fault_at, load.repair_at, asked[-1] + 1)
    parts: list[list[float]] = [[], [], []]
    bare: list[list[bool]] = [[], [], []]
    for answer in answers:
        part = 0 if answer.at < ends[0] else 1 if answer.at < ends[1] else 2
        if answer.bare:
            bare[part].append(answer.kind in PLUMBING)
        else:
            parts[part].append(answer.took * 1000)
    broken = [answer.at + answer.took for answer in answers if answer.kind in PLUMBING and answer.at + answer.took >= load.fault_at]
    return Figures(
        len(answers),
        sum(answer.kind is None for answer in answers),
        Counter(answer.kind for answer in answers if answer.kind is not None),
        sum(answer.wrong for answer in answers if not answer.bare),
        sum(answer.wrong for answer in answers if answer.bare),
        tuple(sum(part) / max(1, len(part)) for part in bare),
        tuple(_quick(part) for part in parts),
        min(broken) - load.fault_at if broken else None,
        load.left_alone_at - load.fault_at if load.left_alone_at is not None else None,
        load.repaired_at - load.repair_at,
        _well([answer for answer in answers if answer.at >= load.repaired_at], load.repaired_at),
    )


def _well(answers: list[Answer], since: float) -> float | None:
    for place, first in enumerate(answers):
        if first.kind in PLUMBING:
            continue
        window = [answer.kind in PLUMBING for answer in answers[place:] if answer.at < first.at + 0.5]
        if sum(window) * 20 <= len(window):
            return first.at - since
    return None


def _quick(part: list[float]) -> tuple[float, float]:
    part = sorted(part) or [0.0]
    return part[len(part) // 2], part[int(len(part) * 0.99)]
