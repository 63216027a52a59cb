"""What the answers of Redis tell of its clock: how far this machine's is from it, and whether it goes on.

A lease is compared with that clock. Where it stood still, as that of a machine that was paused, or was set back, a lease from before would
last on while those who recorded meanwhile have waited it out; so for its length none counts.
"""

import time

from dialguard.facts import clock
from dialguard.facts.clock import Peer
from dialguard.model.moment import SECOND, Instant
from dialguard.model.records import LookUpFailed
from dialguard.storage import lease

_SLACK, _SHARE = SECOND // 10, 100
"""Microseconds that it may fall back at once, and one part of so many of what has passed: clocks differ in speed, and are slewed."""


def _elapsed() -> int:
    return time.monotonic_ns() // 1_000


class Times:
    """Of the answers that one process gets. Safe to share between threads."""

    def __init__(self, one: bool) -> None:
        """``one``: all tags are of one server."""
        self._one = one
        self.peer = Peer("Redis")
        self._due = 0
        self._seen: dict[str, tuple[int, int]] = {}
        """By server, how far its clock was ahead of our monotonic one at least, and by the latter when."""
        self._back: dict[str, int] = {}
        """When it was seen to have fallen back."""

    def before(self) -> tuple[Instant, int]:
        """What both of our clocks show before one asks."""
        return clock.now(), _elapsed()

    def due(self, before: tuple[Instant, int]) -> bool:
        """Whether whoever asks for no lease is to ask for the time: now and then, and each time while it is doubted that ours is right."""
        return before[1] >= self._due or self.peer.doubt() is not None

    def heard(self, said: Instant, length: int, tag: str, before: tuple[Instant, int]) -> None:
        """An answer has come that tells the time, and the length of the lease under which it was given (microseconds; 0: none was asked
        for). Raises LookUpFailed where that lease does not count."""
        self.peer.heard(said, before[0])
        if not length:
            self._due = before[1] + SECOND
            return
        if (doubt := self.peer.doubt()) is not None:
            raise LookUpFailed(doubt)
        after, server = _elapsed(), "" if self._one else tag
        seen = self._seen.get(server)
        least = said - after if seen is None else seen[0] - (after - seen[1]) // _SHARE
        if said - before[1] < least - _SLACK:
            self._back[server] = after
            self._seen[server] = said - after, after
        elif said - after >= least:
            self._seen[server] = said - after, after
        back = self._back.get(server)
        if back is not None and after - back <= lease.patience(length / SECOND) * SECOND:
            raise LookUpFailed("the clock of Redis stood still or was set back, so that nobody vouches for it until a lease has passed")
