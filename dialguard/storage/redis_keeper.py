"""Vouching for Redis, for clients that do not know the folder: a lease on every tag, renewed while nothing of the folder is missing there.

A lease begins with a moment of the server's own clock that was taken before the folder was looked at (``lease`` says what the folder
is told in between), and is given only when everything that was then in the folder has been sent. So a renewal that comes late, or
from a process that stood still, is over when it arrives. One process keeps a folder's Redis at a time; others stand by.
"""

import fcntl
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from dialguard.ledger.errors import LedgerError
from dialguard.lists.catalog import Catalog
from dialguard.lists.errors import ListError
from dialguard.model.moment import SECOND
from dialguard.model.records import LookUpFailed
from dialguard.storage import lease, redis_codec, redis_lists, redis_scripts
from dialguard.storage.redis_journal import Journal
from dialguard.storage.redis_link import WRITE_TIMEOUT, Link

FILE = "redis.keeper"
PART = 4
"""A lease is renewed after a part of its length."""
_LOT = 64
"""Marks of one server that a script looks at in one go: it must not keep look-ups waiting."""
_WHY = {
    "e": "Redis holds nothing for some area codes, or was not filled to the end; run `dialguard redis rebuild`",
    "o": "Redis was filled from another folder than this one, or this folder fills another Redis now",
    "a": "Redis was started anew or another server took over; what it may have lost is being sent again",
    "t": "this is not the Redis to which was sent last, though nothing says that it lost anything; run `dialguard redis sync`",
    "l": "the lists of the folder are being taken up",
    "b": "Redis has lost its last entries; they are being sent again",
    "w": "something recorded has not reached Redis yet",
}


class Kept(NamedTuple):
    """How a turn went: tags that were vouched for, all tags, and why not all were."""

    kept: int
    tags: int
    why: str | None


class Keeper:
    """Keeps the Redis of one journal. To be used by one thread."""

    def __init__(self, link: Link, journal: Journal) -> None:
        self._link, self._journal, self.length = link, journal, link.to.lease
        size = 1 if link.to.cluster else _LOT
        self._lots = [redis_codec.TAGS[start : start + size] for start in range(0, len(redis_codec.TAGS), size)]
        self._begun: list[int] | None = None
        """For each lot a moment of its server's clock, from before the next look at the folder."""
        self._catalog, self._digest = Catalog(journal.store.folder), ""
        self._codes: tuple[str, ...] | None = None
        self._turn: lease.Turn | None = None
        self._turned = 0.0

    def turn(self) -> Kept:
        """One look at the folder, and what follows from it for the leases. Raises LedgerError, LookUpFailed."""
        try:
            return self._renew()
        except BaseException:
            self._begun = None
            self._let_go()
            raise

    def _renew(self) -> Kept:
        journal, queue = self._journal, self._journal.queue
        if self._begun is None:
            if queue.reigns is None:  # a folder from before reigns were written down
                queue.reign({mark.here.decode() for mark in journal.filler.marks().values()})
            begun, letters = self._call(None, {})
            if "a" in letters:  # before a turn is written, which would be waited out
                journal.anew()
                journal.caught_up()
                begun, letters = self._call(None, {})
                if "a" in letters:
                    return Kept(0, len(letters), _WHY["a"])
            self._begun = begun
        self._write(self._turn.sent if self._turn is not None else {})
        behind, noted = journal.caught_up()
        codes = self._catalog.codes()
        if self._catalog.refresh() or codes != self._codes:
            self._digest, self._codes = redis_lists.encode(self._catalog)[0], codes
        journal.forget_sent()
        everywhere = "*" in behind
        least = {tag: "" if everywhere or tag in behind else str(journal.newest(tag)) for tag in redis_codec.TAGS}
        self._begun, letters = self._call(self._begun, least)
        if not behind and not set(letters).intersection("eoatb"):
            self._write(noted)
        if "a" in letters:
            journal.anew()
            self._begun = None
        if "b" in letters:
            journal.look_for_losses()
        if "l" in letters:
            journal.filler.lists()
        why = next((_WHY[letter] for letter in _WHY if letter in letters), None)
        return Kept(letters.count("k"), len(redis_codec.TAGS), why)

    def _call(self, begun: list[int] | None, least: dict[str, str]) -> tuple[list[int], str]:
        """The moment of each lot's next lease, and a letter for each tag. ``begun``: those of this one, None: none is given."""
        queue = self._journal.queue
        common = [queue.ledger, " ".join(queue.reigns or ()), self._digest]
        length = int(self.length * SECOND)
        calls = [
            (
                [redis_codec.mark_key(tag) for tag in lot],
                [*common, 0 if begun is None else begun[place], length, *(least.get(tag, "") for tag in lot)],
            )
            for place, lot in enumerate(self._lots)
        ]
        answers = self._link.run_by_node(redis_scripts.KEEP, calls, WRITE_TIMEOUT)
        return [int(answer[1]) for answer in answers], "".join(answer[2].decode() for answer in answers)

    def _write(self, sent: dict[str, int]) -> None:
        self._turn, self._turned = lease.new(self.length, sent), time.monotonic()
        self._journal.leases.write(self._turn)

    def _let_go(self) -> None:
        """Where no lease can be left: nobody need wait for them."""
        if self._turn is not None and time.monotonic() - self._turned > lease.patience(self.length):
            self._journal.leases.over(self._turn)
            self._turn = None

    def run(self, stop: threading.Event, told: Callable[[Kept | str], None] = lambda how: None) -> None:
        """Keeps until it is stopped. ``told`` hears how each turn went, a string where it failed or another process keeps."""
        path = self._journal.store.folder / FILE
        while not stop.is_set():
            with open(path, "ab") as alone:
                try:
                    fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    told("another process keeps this folder's Redis; this one stands by")
                    stop.wait(self.length / PART)
                    continue
                self._keep(stop, told)

    def _keep(self, stop: threading.Event, told: Callable[[Kept | str], None]) -> None:
        before = self._journal.leases.turn()
        if before is not None and before.length > self.length:
            stop.wait(lease.patience(before.length))  # whoever records now would not wait long enough for its leases
        while not stop.is_set():
            try:
                told(self.turn())
            except (LedgerError, LookUpFailed) as error:
                told(str(error))
            except (ListError, OSError) as error:
                told(f"the folder cannot be read: {error}")
            stop.wait(self.length / PART)
