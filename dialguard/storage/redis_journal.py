"""The folder behind a Redis store: what is recorded goes to its ledger first, then to Redis, and waits in between."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar

from dialguard.ledger.erasing import Erased
from dialguard.ledger.errors import LedgerError
from dialguard.ledger.rows import Row
from dialguard.ledger.schema import ENTRIES, TABLES
from dialguard.model.records import LookUpFailed
from dialguard.storage import redis_codec as codec
from dialguard.storage.changes import Changes
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.lease import Leases
from dialguard.storage.redis_fill import Anew, Filled, Filler, Refused
from dialguard.storage.redis_link import Link, amiss
from dialguard.storage.redis_queue import Note, Queue

T = TypeVar("T")
_LOOK = 0.25
"""Seconds between two looks whether anything waits."""
_MANY = 20_000
"""Where more than so many entries were recorded past Redis, nobody is told from whom they concern."""
_ANYBODY = ("", "*")
_TOO_OLD = "Redis has lost entries that are older than what is remembered; run `dialguard redis rebuild`"
_BEHIND = "something recorded has not reached Redis yet; it is being sent"


class Journal:
    """An embedded store and what of it Redis does not hold yet."""

    def __init__(self, link: Link, store: EmbeddedStore) -> None:
        self.store, self._link = store, link
        self.queue, self.leases, self._changes = Queue(store.folder), Leases(store.folder), Changes(store.folder)
        self._waiting: set[tuple[str, str]] = set()
        self._passed: set[tuple[str, str]] = set()
        """Whom that concerns which was recorded into the folder alone, and of which no note was made yet."""
        self._seen: bytes | None = None
        """What stood in ``redis.changes`` when the folder was last looked at."""
        self._trouble: tuple[float, str] | None = None
        """Until when it is not looked at again, and why."""
        self._sent: dict[str, int] | None = None
        self._ledger: bytes | None = None
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._sending = threading.Lock()
        self._next = 0.0
        self._anew = False

    @cached_property
    def filler(self) -> Filler:
        """What sends and rebuilds."""
        return Filler(self._link, self.store, self.queue)

    @property
    def ledger(self) -> bytes:
        """The name by which Redis knows the ledger. Raises LookUpFailed."""
        found = self._ledger
        if found is None:
            try:
                found = self._ledger = self.queue.ledger.encode()
            except LedgerError as error:
                raise LookUpFailed(str(error)) from error
        return found

    def owns(self, name: bytes) -> bool:
        """Whether a Redis of this name was filled from this folder."""
        if name != self.ledger:
            self._ledger = None  # somebody may have rebuilt it meanwhile
        return name == self.ledger

    # -- reading

    def hold(self, seller: str, number: str, person: str | None) -> None:
        """Raises LookUpFailed where something recorded of these waits for Redis, by whichever process, or that cannot be known. To be
        called before Redis is asked."""
        if self.store.waiting.any:
            self.store.waiting.hold(seller, number)
        if self._changes.now() != self._seen:
            self._take_up()
        for held in (self._waiting, self._passed):
            if held and not held.isdisjoint(((seller, number), (seller, "*"), (seller, person), _ANYBODY)):
                raise LookUpFailed(_BEHIND)

    def _take_up(self) -> None:
        """Looks what others recorded, and has it sent. Raises LookUpFailed."""
        with self._looking:
            if self._changes.now() == self._seen:
                return  # another thread did
            if self._trouble is not None and time.monotonic() < self._trouble[0]:
                raise LookUpFailed(self._trouble[1])
            if not self.queue.exists:
                return  # it never filled a Redis
            try:
                self._look()
            except (LedgerError, LookUpFailed) as error:
                self._trouble = time.monotonic() + _LOOK, str(error)
                raise LookUpFailed(str(error)) from error
        self._next = 0.0
        self.mend()

    def _look(self) -> list[tuple[int, Note]]:
        """What is in the folder and not in Redis is held from now on; the notes of it. To be called under ``_looking``."""
        now = self._changes.now()
        passed = self._past() if now != self._seen or self._passed else set()  # before the notes, to which it goes
        left = self.queue.unsent()
        with self._lock:
            self._waiting, self._passed = {(note.seller, note.name) for _, note in left}, passed
        self._seen, self._trouble = now, None
        return left

    def _past(self) -> set[tuple[str, str]]:
        noted, tips = self.queue.noted(), self.filler.source.tips()
        if sum(max(0, tip - noted.get(kind, 0)) for kind, tip in tips.items()) > _MANY:
            return {_ANYBODY}
        return {(note.seller, note.name) for kind in TABLES for _, notes in self._after(kind, noted.get(kind, 0)) for note in notes}

    def newest(self, tag: str) -> int:
        """The version of the ledger that a tag's mark must have reached."""
        sent = self._sent
        if sent is None:
            try:
                sent = self._sent = self.queue.newest()
            except LedgerError as error:
                raise LookUpFailed(str(error)) from error
        return max(sent.get(tag, 0), sent.get("", 0), sent.get("*", 0) if tag[0] != "p" else 0)

    def forget_sent(self) -> None:
        """What other processes sent is looked up again."""
        self._sent = None

    def look_for_losses(self) -> None:
        """Has sent again what tags have lost that have fallen behind. Raises LookUpFailed."""
        for tag, mark in self.filler.marks().items():
            if mark.version is not None and mark.ledger == self.ledger and int(mark.version) < self.newest(tag):
                self.lost(tag, int(mark.version))

    def anew(self) -> LookUpFailed:
        """Redis is another server than before: what it lost is looked for, and sent again. The error to raise."""
        self._anew = True
        self._next = 0.0
        return amiss(b"anew")

    def lost(self, tag: str, version: int) -> LookUpFailed:
        """Redis has fallen behind what was sent to it: all of that is to be sent again. The error to raise."""
        try:
            known = self.queue.again(tag, version)
            left = self.queue.unsent()
        except LedgerError as error:
            return LookUpFailed(str(error))
        if not known:
            return LookUpFailed(_TOO_OLD)
        with self._lock:
            self._waiting = self._waiting | {(note.seller, note.name) for _, note in left}
            self._sent = None
            self._next = 0.0
        return LookUpFailed("Redis has lost its last entries; they are being sent again")

    # -- writing

    def append(self, kind: str, rows: list[Row], ids: bool) -> list[int]:
        """Records rows in the ledger and sends what changed; see ``ledger.write.Recorder._append``."""
        return self._noted(self._notes(kind, rows), lambda: self.store.ledger._append(kind, rows, ids=ids))

    def _noted(self, notes: Sequence[Note], work: Callable[[], T]) -> T:
        """What ``work`` gives, which changes the ledger in what the notes name; these are kept before it and sent after it, or wait until
        no client without the folder answers any more as if it were not recorded."""
        with self.queue.recording():
            first, last = self.queue.add(notes)
            try:
                made = work()
            except BaseException:
                self.queue.drop(first, last)
                raise
            left = self._send(list(zip(range(first, last + 1), notes, strict=True)))
        if left:
            self._changes.tell()
            self.leases.outwait(lambda turn: self._were_sent(left))
        return made

    def _were_sent(self, ids: Sequence[int]) -> bool:
        try:
            return not self.queue.left(ids[0], ids[-1])
        except LedgerError:
            return False

    def erase(self, seller: str, number: str, work: Callable[[], Erased]) -> Erased:
        """Erases a number in the ledger by ``work`` and sends what changed."""
        try:
            ledger = self.store.ledger
            names = [number, *ledger._names(seller, number), ledger.keys.newest().number(seller, number)]
            rows = ledger.entries(seller, list, kinds=ENTRIES, number=number)
        except (LookUpFailed, OSError) as error:
            raise LedgerError(f"nothing was erased: {error}") from None
        # Whoever has not the key must know first that there is one.
        notes: dict[Note, None] = {Note("d", seller, "*", None, "*"): None}
        for name in names:
            _note(notes, "r", seller, name, None, None)
            _note(notes, "a", seller, name, None, None)
        for person in {row["person"] for _, row in rows} - {None}:
            for name in (person, *(key.person(seller, person) for key in ledger.keys.held())):
                _note(notes, "r", seller, number, name, None)
        return self._noted(list(notes), work)

    def replay(self, *, adopt: bool = False) -> int:
        """Sends everything that waits, if nobody records just now; how many things are left. ``adopt``: also to a server that is whole, but
        not the one to which was sent last. Raises LedgerError, LookUpFailed."""
        with self._sending, self.queue.alone(wait=bool(self._passed)) as free:
            try:
                if free:
                    self._follow()
                    if not self._link.away:
                        self._catch_up(adopt=adopt)
            finally:
                left = self._left()  # others may have sent what waits here
        return len({(note.what, note.seller, note.name) for _, note in left})

    def caught_up(self) -> tuple[set[str], dict[str, int]]:
        """Sends what is in the folder and not in Redis: the tags of what could not be sent, and of opt-outs that are not recorded yet, and
        the newest id of each kind of entry that was looked at. Under a tag that is not named nothing is missing of what was in
        the folder when this began. Raises LedgerError, LookUpFailed."""
        waiting = self.store.waiting
        waiting.look()
        waiting.check()
        tips = self.filler.source.tips()
        noted, left = self.queue.noted(), self.queue.unsent()
        if left or self._anew or any(noted.get(kind, 0) < tip for kind, tip in tips.items()):
            with self._sending, self.queue.alone(wait=True):
                self._follow()
                noted = self.queue.noted()
                try:
                    self._catch_up(look=self._anew)
                finally:
                    left = self._left()
        return {note.tag for _, note in left}.union(codec.tag_of(number) for _, number in waiting.numbers), noted

    def _left(self) -> list[tuple[int, Note]]:
        with self._looking:
            return self._look()

    def rebuild(self, *, replace: bool = False, told: Callable[[str, int], None] = lambda what, number: None) -> Filled:
        """Makes Redis what the folder is; see ``redis_fill.Filler.rebuild``."""
        filled = self.filler.rebuild(replace=replace, told=told)
        with self._lock:
            self._sent = self._ledger = None
        self.replay()
        return filled

    def mend(self) -> None:
        """Now and then looks whether anything waits, and sends it in a thread of its own."""
        now = time.monotonic()
        if now < self._next:
            return
        self._ledger = self._sent = None  # other processes may have filled another Redis, or sent more
        self.leases.turn()  # the sooner it is seen, the sooner it has been waited out
        if self._sending.locked():
            return
        self._next = now + _LOOK
        try:
            if not self.queue.exists:
                return
            if (
                not self._anew
                and not self._waiting
                and not self._passed
                and self.filler.source.version() == sum(self.queue.noted().values())
                and not self.queue.waiting()
            ):
                return
        except (LedgerError, LookUpFailed) as error:
            self._seen, self._trouble = None, (now + _LOOK, str(error))  # what machines without the folder record may go on
            return
        threading.Thread(target=self._replay_quietly, name="dialguard-redis", daemon=True).start()

    def close(self) -> None:
        """Closes the folder's files."""
        with self._sending:
            self.store.close()
            self.queue.close()
            self._changes.close()

    def _follow(self) -> None:
        """Makes notes of what was recorded since the last time, by whomever: also past Redis, into the folder alone. While nobody
        records through this store; what it recorded itself is sent once more."""
        noted = self.queue.noted()
        for kind in TABLES:
            for last, notes in self._after(kind, noted.get(kind, 0)):
                self.queue.follow(kind, last, notes)

    def _after(self, kind: str, last: int) -> Iterator[tuple[int, list[Note]]]:
        """The notes of the entries of a kind after ``last``, lot by lot, each with the id that it ends with."""
        while rows := self.filler.source.after(kind, last):
            last = rows[-1][0]
            notes: dict[Note, None] = {}
            for _, seller, number, person, old_number, old_person, reference in rows:
                if kind in ("declaration", "pause"):
                    notes[Note("d", seller, "*", None, "*")] = None
                    continue
                what = "a" if kind in ("attempt", "outcome") else "r"
                _note(notes, what, seller, number, person, reference)
                if old_number is not None:
                    _note(notes, what, seller, old_number, old_person, None)
            yield last, list(notes)

    def _catch_up(self, *, look: bool = True, adopt: bool = False) -> None:
        """Sends what waits, and first, to ``look``, finds out what another server than before lacks of what was sent. Raises
        LookUpFailed."""
        self._sent, anew = None, []
        marks = self.filler.marks() if look else {}
        known = self.queue.reigns if adopt else None
        for tag, mark in marks.items():
            if mark.version is None or mark.ledger != self.ledger:
                continue
            if mark.sound and (known is None or mark.here.decode() in known):
                continue
            anew.append(tag)
            version = int(mark.version)
            if version < self.newest(tag) and not self.queue.again(tag, version):
                raise LookUpFailed(_TOO_OLD)
        if anew:
            self.queue.reign(mark.here.decode() for mark in marks.values())
            self.leases.outwait()  # the server before may answer as long as it was vouched for, and is told nothing more
        self._send(self.queue.unsent(), again=bool(anew))
        if anew and not self.queue.unsent():
            self.filler.put_back()
            self.filler.vouch({tag: self.newest(tag) for tag in anew})
        if look:
            self._anew = False

    def _replay_quietly(self) -> None:
        try:
            self.replay()
        except (LedgerError, LookUpFailed):
            pass  # it still waits, and is tried again

    def _send(self, notes: Sequence[tuple[int, Note]], again: bool = False) -> list[int]:
        """Sends what notes name; the ids of those that wait."""
        by_id = dict(notes)
        sent: dict[int, list[int]] = {}
        to = self.queue.reigns
        how = "1" if again else "0" if to is None else " ".join(sorted(to))
        try:
            for ids, version, trouble in self.filler.send(notes, how):
                if trouble is None:
                    sent.setdefault(version, []).extend(ids)
                elif isinstance(trouble, Anew):
                    self.anew()
                    break
                elif not isinstance(trouble, Refused):
                    break
        except LookUpFailed:
            pass  # what was not sent waits
        for version, ids in list(sent.items()):
            if not self.queue.sent(ids, version, to):
                del sent[version]
                continue
            with self._lock:
                known = self._sent
                if known is not None:
                    for id_ in ids:
                        tag = by_id[id_].tag
                        known[tag] = max(version, known.get(tag, 0))
        done = {id_ for ids in sent.values() for id_ in ids}
        waits = [id_ for id_, _ in notes if id_ not in done]
        left = {(note.seller, note.name) for id_, note in notes if id_ not in done}
        finished = {(note.seller, note.name) for id_, note in notes} - left
        with self._lock:
            if left or self._waiting:
                self._waiting = (self._waiting - finished) | left
        return waits

    def _notes(self, kind: str, rows: list[Row]) -> list[Note]:
        notes: dict[Note, None] = {}
        for row in rows:
            seller = row["seller"]
            if kind in ("declaration", "pause"):
                notes[Note("d", seller, "*", None, "*")] = None
                continue
            if kind == "outcome":
                attempt = self.store._find("attempt", row["attempt_id"])
                assert attempt is not None  # it was found when the row was checked
                _note(notes, "a", seller, attempt["number"], None, None)
                continue
            what = "a" if kind == "attempt" else "r"
            _note(notes, what, seller, row["number"], row["person"], row.get("reference") if not row["void"] else None)
            if row["supersedes"] is not None:
                old = self.store._find(kind, row["supersedes"])
                if old is not None:
                    _note(notes, what, seller, old["number"], old["person"], None)
        return list(notes)


def _note(notes: dict[Note, None], what: str, seller: str, number: str, person: str | None, reference: str | None) -> None:
    """Notes of an entry of a number and, where it names one, a person. ``reference`` is the caller's own id of an attempt."""
    notes[Note(what, seller, number, reference if what == "a" else None, codec.tag_of(number))] = None
    if person is not None:
        notes[Note("p", seller, person, None, codec.person_tag(codec.short(f"{seller}\0{person}")))] = None
