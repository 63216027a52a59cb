"""Where one tenant's attempts are decided: its guard, its record of decisions, and nothing of anybody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter

import msgspec
from msgspec import Struct

from dialguard.asking import Answer, Question
from dialguard.audit.log import DecisionLog
from dialguard.engine.decision import Decision
from dialguard.events.supervisor import Teller
from dialguard.guard import Guard
from dialguard.model import contract
from dialguard.service.book import Book
from dialguard.service.groups import Groups
from dialguard.service.metrics import Metrics
from dialguard.service.problem import Problem

WAITING = 2000
"""Requests that may wait for a tenant's desk."""
_typed = msgspec.json.Decoder(contract.Attempt).decode
_plain = msgspec.json.Decoder().decode


class Ask(Struct, frozen=True, gc=False):
    """One attempt to be decided: JSON or a mapping, by which door and with which key it came."""

    attempt: bytes | Mapping[str, object]
    door: str = "http"
    key: str | None = None
    reserve: bool = False


class Desk:
    """Decides, records, answers. All of it on the event loop's thread: a decision takes microseconds."""

    def __init__(
        self, tenant: str, guard: Guard, book: Book | None = None, log: DecisionLog | None = None, teller: Teller | None = None,
        waiting: int = WAITING,
    ) -> None:  # fmt: skip
        """``log`` is the guard's own; ``teller`` is told events, where rules are run on them; ``waiting``: how many may wait."""
        self.tenant, self.guard, self.log, self.teller = tenant, guard, log, teller
        self.book = book or Book(None)
        self.book.follow(guard)
        self.metrics = Metrics()
        self._doors: dict[tuple[str, str | None], Mapping[str, str | None]] = {}
        self._groups: Groups[Ask, Answer] = Groups(self.decide, waiting)
        self.put = self._groups.put

    async def ask(self, ask: Ask) -> Decision:
        """One decision, recorded. Raises InvalidInput, Problem."""
        return (await self._groups.ask(ask)).decision

    def decide(self, asks: Sequence[Ask]) -> list[Answer | BaseException]:
        """The decisions of a group, recorded together; in the place of one that cannot be judged, why."""
        start = perf_counter()
        try:
            answers = self._decided(asks)
        except Exception as error:  # nothing of the group was answered, and each is told
            answers = [error] * len(asks)
        self.metrics.note(answers, perf_counter() - start)
        return answers

    def _decided(self, asks: Sequence[Ask]) -> list[Answer | BaseException]:
        questions, amiss = [], {}
        for place, ask in enumerate(asks):
            try:
                attempt = ask.attempt
                questions.append(Question(read(attempt), ask.reserve, self._by(ask.door, ask.key), attempt if type(attempt) is bytes else None))
            except (ValueError, Problem) as error:
                amiss[place] = error
        answers = self.guard.answer(questions)
        if amiss:
            told = iter(answers)
            return [amiss[place] if place in amiss else next(told) for place in range(len(asks))]
        return answers

    def _by(self, door: str, key: str | None) -> Mapping[str, str | None]:
        """What the record says of where an attempt came from; there are few such."""
        found = self._doors.get((door, key))
        if found is None:
            found = self._doors[door, key] = {"door": door, "key": key, "tenant": self.tenant}
        return found

    def close(self) -> None:
        """Closes the record of decisions, the telling of events and the store."""
        for part in (self.teller, self.log, self.book, self.guard.store):
            if part is not None and hasattr(part, "close"):
                part.close()


def read(sent: bytes | Mapping[str, object]) -> object:
    """An attempt from its JSON: typed where it is well-formed, else as it was sent, so that every mistake can be named."""
    if not isinstance(sent, bytes):
        return sent
    try:
        try:
            return _typed(sent)
        except msgspec.ValidationError:
            return _plain(sent)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem("request.malformed", f"the body is no JSON: {error}") from None
    except UnicodeDecodeError:
        raise Problem("request.malformed", "the body is not in UTF-8") from None
