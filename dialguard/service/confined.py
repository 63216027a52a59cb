"""A tenant's desk as a key sees it that may speak for some sellers only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from dialguard.asking import Answer
from dialguard.engine.decision import Decision
from dialguard.service.desk import Ask, Desk, read
from dialguard.service.keys import Key


class Confined:
    """Hands on what the key may ask. Whoever uses the ``guard`` itself confines the seller first (``Key.confine``)."""

    def __init__(self, desk: Desk, key: Key) -> None:
        self._desk, self._key = desk, key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)

    async def ask(self, ask: Ask) -> Decision:
        """See ``Desk.ask``. Raises Problem for another seller's attempt."""
        return await self._desk.ask(self._checked(ask))

    def put(self, ask: Ask, give: Callable[[Answer | BaseException], None]) -> None:
        """See ``Groups.put``. Raises Problem, InvalidInput."""
        self._desk.put(self._checked(ask), give)

    def decide(self, asks: Sequence[Ask]) -> list[Answer | BaseException]:
        """See ``Desk.decide``."""
        answers: list[Answer | BaseException] = []
        for ask in asks:
            try:
                answers += self._desk.decide([self._checked(ask)])
            except Exception as error:
                answers.append(error)
        return answers

    def _checked(self, ask: Ask) -> Ask:
        """The same question, read once: what is judged is what was looked at."""
        attempt = read(ask.attempt)
        self._key.confine(self._desk.guard.seller_of(attempt))
        return replace(ask, attempt=attempt)
