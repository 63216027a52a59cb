"""Requests that arrive together are decided together: one look at what changed, one write of their records."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from dialguard.service.problem import Problem

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Groups(Generic[Asked, Answered]):
    """Collects what is asked in one turn of the event loop. ``decide`` answers a group in order, an exception in the place of an
    answer that cannot be given. ``most``: how many may wait; past that the service says that it has too much to do."""

    def __init__(self, decide: Callable[[Sequence[Asked]], Sequence[Answered | BaseException]], most: int) -> None:
        self._decide, self._most = decide, most
        self._waiting: list[tuple[Asked, Callable[[Answered | BaseException], None]]] = []

    def put(self, asked: Asked, give: Callable[[Answered | BaseException], None]) -> None:
        """Has ``give`` called with the answer, or with the exception in its place. Raises Problem when too many wait."""
        waiting = self._waiting
        if not waiting:
            asyncio.get_running_loop().call_soon(self._run)
        elif len(waiting) >= self._most:
            raise Problem("limit.load", headers={"retry-after": "1"})
        waiting.append((asked, give))

    async def ask(self, asked: Asked) -> Answered:
        """The answer. Raises Problem when too many wait, and what stands in the place of the answer."""
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()

        def give(answer: Answered | BaseException) -> None:
            if future.done():  # whoever asked went away
                return
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        self.put(asked, give)
        return await future

    def _run(self) -> None:
        group, self._waiting = self._waiting, []
        try:
            answers = self._decide([asked for asked, _ in group])
        except Exception as error:  # nothing of the group was answered, and each is told
            answers = [error] * len(group)
        for (_, give), answer in zip(group, answers, strict=True):
            give(answer)
