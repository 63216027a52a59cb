"""Requests that arrive together are decided together: one look at what changed, one write of their records."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from dialguard.service.problem import Problem

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Groups(Generic[Asked, Answered]):
    """Collects what is asked in one turn of the event loop. ``decide`` answers a group in order; an exception in an answer's place is
    raised to whoever asked. ``most``: how many may wait; past that the service says that it has too much to do."""

    def __init__(self, decide: Callable[[Sequence[Asked]], Sequence[Answered | BaseException]], most: int) -> None:
        self._decide, self._most = decide, most
        self._waiting: list[tuple[Asked, asyncio.Future[Answered]]] = []

    async def ask(self, asked: Asked) -> Answered:
        """The answer. Raises Problem when too many wait, and what the answer raises."""
        waiting = self._waiting
        if len(waiting) >= self._most:
            raise Problem("limit.load", headers={"retry-after": "1"})
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answered] = loop.create_future()
        waiting.append((asked, future))
        if len(waiting) == 1:
            loop.call_soon(self._run)
        return await future

    def _run(self) -> None:
        group, self._waiting = self._waiting, []
        try:
            answers = self._decide([asked for asked, _ in group])
        except Exception as error:  # nothing of the group was answered, and each is told
            answers = [error] * len(group)
        for (_, future), answer in zip(group, answers, strict=True):
            if future.done():  # whoever asked went away
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
