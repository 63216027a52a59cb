"""The store without a server: one folder with ``ledger.sqlite`` (the record) and ``lists/`` (the mapped lists)."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dialguard.facts.clock import Peer
from dialguard.ledger.erasing import Erased
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.rows import Row
from dialguard.ledger.write import Recorder
from dialguard.lists.errors import ListError
from dialguard.model.moment import Instant
from dialguard.model.records import LookUp
from dialguard.storage.ports import LookUpFailed, Recorded
from dialguard.storage.changes import Changes
from dialguard.storage.lease import Leases, Turn
from dialguard.storage.slots_local import FILE, Locked, Slots, release
from dialguard.storage.waiting import Waiting

if TYPE_CHECKING:
    import numpy as np

    from dialguard.lists.catalog import Catalog, Version, VersionAnswer
    from dialguard.lists.reassigned import Answer, ReassignedAnswers

T = TypeVar("T")


class _Still(threading.local):
    """Whether this thread holds the store still, and what it then need not look for again."""

    on = False
    fresh = False
    unasked = False
    """No answer of the Reassigned Numbers Database is there."""


class EmbeddedStore(Recorder):
    """A ``Store`` in a folder, which can be written to. Threads and processes may share the folder.

    Writing creates what is missing; reading a folder that is not there raises ``LookUpFailed``, since a mistyped path
    must not read as a store that knows nothing.
    """

    def __init__(self, folder: str | Path, *, write_timeout: float = 10.0, follow: bool = False) -> None:
        """``write_timeout``: seconds that a write waits for another process's lock. ``follow``: keep in memory of whom the record holds
        anything, for processes that answer group after group (see ``still``); the first group reads it."""
        self._folder = Path(folder)
        self._ledger = Ledger(self._folder / "ledger.sqlite", write_timeout=write_timeout, follow=follow)
        self._seen = False
        self._still = _Still()
        self._slots = Slots(self._folder / FILE)
        self._leases, self._changes = Leases(self._folder), Changes(self._folder)
        self.waiting = Waiting(self._folder)
        """Opt-outs that could not be recorded yet."""

    @property
    def peer(self) -> Peer | None:
        """How far this machine's clock is from that of the ledger's server, where there is one."""
        return self._ledger.peer

    @property
    def folder(self) -> Path:
        """Where the store lies."""
        return self._folder

    def look_up(
        self, *, seller: str, number: str, person: str | None = None, at: Instant, as_of: Instant | None = None
    ) -> LookUp:
        """What is known of one number; see ``storage.ports.Store``."""
        self._check_folder()
        if self.waiting.any:
            self.waiting.hold(seller, number)
        return self._ledger.look_up(seller=seller, number=number, person=person, at=at, as_of=as_of)

    def look_up_many(
        self,
        seller: str,
        numbers: Iterable[str],
        at: Instant,
        as_of: Instant | None = None,
        persons: Mapping[str, str] | None = None,
    ) -> dict[str, LookUp]:
        """What is known of many numbers; see ``storage.ports.Store``."""
        self._check_folder()
        if self.waiting.any:
            numbers = list(numbers)
            for number in numbers:
                self.waiting.hold(seller, number)
        return self._ledger.look_up_many(seller, numbers, at, as_of, persons)

    def list_answers(
        self, code: str, national10: str, as_of: Instant | None = None, since: int | None = None
    ) -> "tuple[VersionAnswer, ...]":
        """What each loaded version of a list says of a ten-digit number."""
        return self._ask_lists(self._catalog.answers, code, national10, as_of, since)

    def list_versions(self, code: str, as_of: Instant | None = None, since: int | None = None) -> "tuple[Version, ...]":
        """The loaded versions of a list."""
        return self._ask_lists(self._catalog.versions, code, as_of, since)

    def lists_mark(self) -> object:
        """The same object as long as lists answer from the same versions."""
        return self._catalog.mark

    def lists_say(self, codes: tuple[str, ...], national10: str, since: int | None) -> list[bool | None]:
        """What each loaded version of some lists says of a number; see ``storage.ports.Store``."""
        if not self._seen:
            self._check_folder()
        try:
            return self._catalog.said(codes, national10, since)
        except (ListError, OSError) as error:
            raise _unread(error) from error

    def expect(self, seller: str, numbers: Iterable[str]) -> Callable[[str, Instant], LookUp | None] | None:
        """The next look-ups will be of these; see ``storage.ports.Store``."""
        found = self._ledger.expect(seller, numbers)
        return None if self.waiting.any else found

    def list_contains_many(self, version: "Version", npa: "np.ndarray", line: "np.ndarray") -> "np.ndarray":
        """What one version says of many numbers; see ``storage.ports.Store``."""
        return self._ask_lists(self._catalog.contains_many, version, npa, line)

    def reassigned(self, national10: str, as_of: Instant | None = None) -> "tuple[Answer, ...]":
        """What the Reassigned Numbers Database answered of a ten-digit number."""
        if self._still.unasked:
            return ()
        return self._ask_lists(self._answers.of, national10, as_of)

    @cached_property
    def _answers(self) -> "ReassignedAnswers":
        from dialguard.lists.reassigned import ReassignedAnswers

        return ReassignedAnswers(self._folder)

    def recorded(self, seller: str, at: Instant, as_of: Instant | None = None) -> Recorded:
        """Of whom the record holds anything; see ``storage.ports.Store``."""
        self._check_folder()
        found = Recorded(*self._ledger.recorded(seller, at, as_of))
        if self.waiting.any:  # whoever asks about a whole list asks about these
            self.waiting.hold(seller, "")
            found = found._replace(numbers=[*found.numbers, *(number for whose, number in self.waiting.numbers if whose == seller)])
        answered = set(self._ask_lists(self._answers.numbers, as_of))
        if not answered:
            return found
        # An answer of the Reassigned Numbers Database speaks of a number's own consent.
        alone = [row for row in found.consents if row[0] not in answered]
        return found._replace(numbers=[*found.numbers, *answered], consents=alone)

    def erase(self, **asked: Any) -> Erased:
        """Erases a number from a seller's record; see ``ledger.ledger.Ledger.erase``."""
        erased = self._ledger.erase(**asked)
        self.settle()
        return erased

    def finish_erasing(self, **asked: Any) -> Erased:
        """Empties what has been kept of an erased number; see ``ledger.ledger.Ledger.finish_erasing``."""
        return self._ledger.finish_erasing(**asked)

    @property
    def ledger(self) -> Ledger:
        """The record."""
        return self._ledger

    def revoke(self, **fields: Any) -> str:
        """``record_revocation`` for what will not be told twice: the number is held until it is recorded; see ``waiting``."""
        return self.waiting.record(fields, self.record_revocation)

    def replay_waiting(self) -> int:
        """Records opt-outs that wait; how many numbers are left. Raises LedgerError."""
        return self.waiting.replay(self.record_revocation)

    @contextmanager
    def together(self) -> Iterator[Locked]:
        """Where slots are taken, by one process and thread at a time; see ``storage.slots.Reserving``."""
        self._check_folder()
        with self._slots.alone() as file:
            self.move_on()  # what was recorded while one waited counts
            table = Locked(self, file)
            yield table
            table.flush()

    def release(self, *, seller: str, number: str, attempt: str) -> bool:
        """Gives a slot back; False where none was held, or the attempt has been recorded."""
        self._check_folder()
        return release(self, self._slots, seller=seller, number=number, attempt=attempt)

    def refresh(self) -> None:
        """Takes up list versions that were imported since: one look at each list that was asked for."""
        if self._still.fresh:
            return
        self.waiting.look()
        self._ask_lists(self._catalog.refresh)
        if self._still.on:
            self._still.fresh = True
            self._still.unasked = not self._ask_lists(self._answers.path.exists)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Within, this thread's questions are answered over one state of lists and record; see ``storage.ports.Store``."""
        if self._still.on:
            yield
            return
        self._still.on = True
        try:
            with self._ledger.still():
                yield
        finally:
            self._still.on = self._still.fresh = self._still.unasked = False

    def settle(self) -> None:
        """Where this folder fills a Redis: returns once nobody who asks there can miss what has been recorded here, whether it knows the
        folder or somebody vouches for it. What is recorded by the functions of this store is settled when they return. Raises LedgerError."""
        self._changes.tell()
        if self._leases.turn() is None:
            return
        from dialguard.storage.redis_source import Source

        tips: dict[str, int] | None
        try:
            tips = Source(self._ledger).tips()
        except LookUpFailed:
            tips = None  # then all leases are waited out

        def sent(turn: Turn) -> bool:
            return tips is not None and all(turn.sent.get(kind, 0) >= tip for kind, tip in tips.items())

        self._leases.outwait(sent)

    def warm(self) -> None:
        """Where the record is followed: reads now of whom it holds anything, for which the first group would wait. Raises LookUpFailed."""
        with self.still():
            self.look_up(seller="nobody", number="+12025550100", at=0)

    def move_on(self) -> None:
        """Within ``still``: the next question is answered over the record as it then is."""
        self._ledger.move_on()

    def close(self) -> None:
        """Closes the ledger's connections; a later call opens new ones."""
        self._ledger.close()
        self._slots.close()

    def _check_folder(self) -> None:
        if not self._seen:
            if not self._folder.is_dir():
                raise LookUpFailed(f"there is no store folder {self._folder}; check the path, or record into it first")
            self._seen = True

    @cached_property
    def _catalog(self) -> "Catalog":
        from dialguard.lists.catalog import Catalog  # brings the list readers, which a ledger alone does not need

        return Catalog(self._folder)

    def _ask_lists(self, question: Callable[..., T], *words: Any) -> T:
        if not self._seen:
            self._check_folder()
        try:
            return question(*words)
        except (ListError, OSError) as error:
            raise _unread(error) from error

    def _append(self, kind: str, rows: list[Row], *, ids: bool = True) -> list[int]:
        made = self._ledger._append(kind, rows, ids=ids)
        self.settle()
        return made

    def _find(self, kind: str, id_: int) -> Row | None:
        return self._ledger._find(kind, id_)

    def _names(self, seller: str, number: str) -> list[str]:
        return self._ledger._names(seller, number)

    def _latest_attempt(self, seller: str, reference: str) -> int | None:
        return self._ledger._latest_attempt(seller, reference)

    def may_have_called(self, seller: str, number: str) -> bool:
        """False: the record, as it was looked up last within ``still``, holds no attempt of the number."""
        return self._ledger.may_have_called(seller, number)

    def latest_attempts(self, seller: str, references: Sequence[str]) -> dict[str, int | None]:
        """By the caller's own ids, the latest attempt that bears each, or None. Raises LookUpFailed."""
        return self._ledger.latest_attempts(seller, references)

    def _numbers_of(self, seller: str, person: str) -> list[str]:
        return self._ledger._numbers_of(seller, person)


def _unread(error: Exception) -> LookUpFailed:
    return LookUpFailed(f"a list could not be read: {error}")
