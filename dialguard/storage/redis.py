"""The store for many machines: Redis in front, filled from a folder's ledger and lists, and holding nothing that is not there.

One decision is one round trip: its look-up brings the number's rows and attempts, the seller's declaration, and the bits of all lists
for the area code, together with the mark of that area code. Redis that is empty, flushed, half filled, behind, away or slow raises
``LookUpFailed``; it never reads as a store that knows nothing.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dialguard.facts.clock import Peer
from dialguard.ledger.erasing import Erased
from dialguard.ledger.errors import LedgerError
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.pseudonyms import FOLDER, Keys, is_hidden
from dialguard.ledger.rows import Row, moment, text
from dialguard.ledger.rows import number as checked_number
from dialguard.ledger.write import Recorder
from dialguard.model.moment import Instant
from dialguard.model.records import LookUp, LookUpFailed
from dialguard.storage import redis_codec as codec
from dialguard.storage import redis_lists
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.ports import Recorded
from dialguard.storage.redis_ask import Asker
from dialguard.storage.redis_held import Held, found_of, held_of
from dialguard.storage.redis_journal import Journal
from dialguard.storage.redis_keeper import Keeper
from dialguard.storage.redis_link import BULK_TIMEOUT, Link
from dialguard.storage.redis_slots import Brought, RedisTable, release
from dialguard.storage.redis_url import address
from dialguard.storage.waiting import Waiting

if TYPE_CHECKING:
    import numpy as np

    from dialguard.lists.catalog import Version, VersionAnswer
    from dialguard.lists.reassigned import Answer

_FRESH = 1.0
"""Seconds for which the lists' answers that came with a look-up serve, where nobody asks to refresh."""


class _Seen(NamedTuple):
    """What the last look-up of a thread brought of the lists, or why it failed."""

    national: str
    at: float
    tag: str = ""
    listing: redis_lists.Listing | None = None
    bits: bytes = b""
    trouble: str | None = None

    @property
    def fresh(self) -> bool:
        """Whether it still serves."""
        return time.monotonic() - self.at <= _FRESH


class RedisStore(Recorder):
    """A ``Store`` in Redis. Safe to share between threads.

    ``url`` as in ``redis_url.address``. ``journal`` is the folder whose ledger is the record: with it the store can be written
    to and asked as of earlier moments; without it it is read only. Recording raises LedgerError when the ledger could not be
    written; where only Redis could not, the entry waits in the folder and is sent as soon as Redis is back.
    """

    def __init__(self, url: str, *, journal: str | Path | EmbeddedStore | None = None, timeout: float | None = None) -> None:
        to = address(url)
        if timeout is not None:
            to = to._replace(timeout=timeout)
        self._link = Link(to)
        given = journal if journal is not None else to.journal
        store = given if given is None or isinstance(given, EmbeddedStore) else EmbeddedStore(given)
        self._journal = None if store is None else Journal(self._link, store)
        folder = to.keys or (None if store is None else store.folder / FOLDER)
        self._keys = Keys() if folder is None else Keys(Path(folder))
        self._asker = Asker(self._link, self._journal, self._keys)
        self._local = threading.local()

    @property
    def link(self) -> Link:
        """The line to Redis."""
        return self._link

    @property
    def peer(self) -> Peer:
        """How far this machine's clock is from that of Redis."""
        return self._asker.times.peer

    @property
    def folder(self) -> Path | None:
        """The folder of the ledger, if one was named."""
        return None if self._journal is None else self._journal.store.folder

    @property
    def journal(self) -> Journal:
        """The folder behind it, which fills Redis. Raises LookUpFailed where none was named."""
        return self._folder("to fill Redis")

    # -- looking up

    def look_up(self, *, seller: str, number: str, person: str | None = None, at: Instant, as_of: Instant | None = None) -> LookUp:
        """What is known of one number; see ``storage.ports.Store``."""
        checked_number(number)
        if person is not None:
            text(person, "person")
        _check(seller, at, as_of)
        if as_of is not None:
            return self._folder("to answer as of an earlier moment").store.look_up(
                seller=seller, number=number, person=person, at=at, as_of=as_of
            )
        return self._look(seller, number, person, at)

    def _look(self, seller: str, number: str, person: str | None, at: Instant, brought: Brought | None = None) -> LookUp:
        """What is known now; where slots are asked for, ``brought`` takes them in."""
        if self._journal is not None:
            self._journal.hold(seller, number, person)
        tag = codec.tag_of(number)
        national = number[2:] if tag[0] != "x" and number[5] >= "2" else None
        try:
            bit = None if national is None else redis_lists.bit_of(national)
            answer, named = self._asker.ask_numbers(tag, seller, [number], bit, slotted=brought is not None)
        except LookUpFailed as error:
            if national is not None:
                self._local.seen = _Seen(national, time.monotonic(), trouble=str(error))
            raise
        if national is not None:
            self._local.seen = _Seen(national, time.monotonic(), tag, answer.listing, answer.bits)
        if brought is not None:
            brought.number(number, answer.now, answer.slots[0], *answer.values[number], at)
        own = held_of(answer.values, named, number, at, answer.declared)
        others: Sequence[Held] = ()
        if person is not None:
            keys = self._keys.of(answer.declared.keys)
            persons = [person, *(key.person(seller, person) for key in keys)]
            theirs = {other for each in persons for other in self._asker.numbers_of(seller, each, brought if each == person else None)}
            theirs.update(key.number(seller, other) for other in list(theirs) if not is_hidden(other) for key in keys)
            if self._journal is not None:
                for other in theirs:
                    self._journal.hold(seller, other, None)
            held = self._asker.hold(seller, sorted(theirs.difference(named[number])), at, brought, ())
            others = [each.unveiled(other, person, persons) if is_hidden(other) else each for other, each in held.items()]
        found = found_of(own, others, person, at)
        if found is None:
            return self._folder("for a moment before the latest outcome").store.look_up(seller=seller, number=number, person=person, at=at)
        return found

    def look_up_many(
        self,
        seller: str,
        numbers: Iterable[str],
        at: Instant,
        as_of: Instant | None = None,
        persons: Mapping[str, str] | None = None,
    ) -> dict[str, LookUp]:
        """What is known of many numbers; see ``storage.ports.Store``. On a cluster each area code is a state of its own."""
        asked = list(dict.fromkeys(checked_number(number, "numbers") for number in numbers))
        named = {number: text(person, "persons") for number, person in (persons or {}).items()}
        _check(seller, at, as_of)
        if as_of is not None:
            return self._folder("to answer as of an earlier moment").store.look_up_many(seller, asked, at, as_of, named)
        answers: dict[str, LookUp] = {}
        alone = [number for number in asked if number not in named]
        if self._journal is not None:
            for number in alone:
                self._journal.hold(seller, number, None)
        held = self._asker.hold(seller, alone, at)
        for number in asked:
            if number in named:
                answers[number] = self.look_up(seller=seller, number=number, person=named[number], at=at)
                continue
            found = found_of(held[number], (), None, at)
            if found is None:
                found = self._folder("for a moment before the latest outcome").store.look_up(seller=seller, number=number, at=at)
            answers[number] = found
        return answers

    def recorded(self, seller: str, at: Instant, as_of: Instant | None = None) -> Recorded:
        """Of whom the record holds anything. Without a folder all keys are gone through, and no number is told apart for having
        a consent alone."""
        _check(seller, at, as_of)
        if self._journal is not None:
            return self._journal.store.recorded(seller, at, as_of)
        if as_of is not None:
            self._folder("to answer as of an earlier moment")
        mine, numbers, people = codec.short(seller), set(), []
        for tag in codec.TAGS:  # what is recorded by now is there, or nobody vouches
            self._asker.ask(tag, seller, [], None, BULK_TIMEOUT)
        for kind in "ra":
            for names in self._link.scan(f"dg{{*}}{kind}:{mine}*"):
                numbers.update(codec.number_of(name.decode())[1] for name in names)
        for names in self._link.scan(f"dg{{p*}}p:{mine}*"):
            people += [self._link.ask(lambda client: client.get(name)) for name in names]  # noqa: B023 - asked at once
        used = {key for tag in codec.TAGS for key in self._asker.ask(tag, seller, [], None, BULK_TIMEOUT).declared.keys}
        persons = [person for person, _ in map(codec.decode_person, people) if person is not None]
        hidden = sorted(number for number in numbers if is_hidden(number))
        return Recorded(sorted(numbers.difference(hidden)), persons, [], hidden, self._keys.of(used))

    # -- lists

    def list_answers(
        self, code: str, national10: str, as_of: Instant | None = None, since: int | None = None
    ) -> "tuple[VersionAnswer, ...]":
        """What each loaded version of a list says of a ten-digit number: from the look-up of the same number just before, else asked."""
        if as_of is not None:
            return self._folder("to answer as of an earlier moment").store.list_answers(code, national10, as_of, since)
        seen: _Seen | None = getattr(self._local, "seen", None)
        if seen is None or seen.national != national10 or not seen.fresh:
            bit = redis_lists.bit_of(national10)
            answer = self._asker.ask(national10[:3], "", [], bit)
            seen = self._local.seen = _Seen(national10, time.monotonic(), national10[:3], answer.listing, answer.bits)
        if seen.listing is None:
            raise LookUpFailed(seen.trouble)
        return seen.listing.answers(code, seen.tag, seen.bits)

    def list_versions(self, code: str, as_of: Instant | None = None, since: int | None = None) -> "tuple[Version, ...]":
        """The loaded versions of a list."""
        if as_of is not None:
            return self._folder("to answer as of an earlier moment").store.list_versions(code, as_of, since)
        from dialguard.lists.succession import standing

        seen: _Seen | None = getattr(self._local, "seen", None)
        listing = seen.listing if seen is not None and seen.fresh else None
        if listing is None:
            listing = self._asker.ask("200", "", [], None).listing
        return standing(listing.versions.get(code, ()), since)

    def lists_mark(self) -> object | None:
        """The catalog of lists that came with the look-up just before; None where none did."""
        seen: _Seen | None = getattr(self._local, "seen", None)
        return None if seen is None or not seen.fresh else seen.listing

    def lists_say(self, codes: tuple[str, ...], national10: str, since: int | None) -> list[bool | None]:
        """What each loaded version of some lists says of a number; see ``storage.ports.Store``."""
        return [answer.listed for code in codes for answer in self.list_answers(code, national10, None, since)]

    def expect(self, seller: str, numbers: Iterable[str]) -> None:
        """Asks about these numbers together; see ``storage.ports.Store``. On a cluster each is asked about in its turn."""
        if self._stills:
            self._asker.ahead(text(seller, "seller"), [checked_number(number, "numbers") for number in numbers])

    def _ahead(self, seller: str, numbers: Iterable[str], slotted: bool) -> None:
        if self._stills:
            self._asker.ahead(text(seller, "seller"), [checked_number(number, "numbers") for number in numbers], slotted)

    def list_contains_many(self, version: "Version", npa: "np.ndarray", line: "np.ndarray") -> "np.ndarray":
        """What one version says of many numbers; see ``storage.ports.Store``. The bits of their area codes are pulled once and kept
        while they are used."""
        import numpy as np

        npa, line = np.asarray(npa), np.asarray(line)
        if npa.shape != line.shape or npa.ndim != 1 or npa.dtype.kind not in "iu" or line.dtype.kind not in "iu":
            raise ValueError("area codes and lines must be integer arrays of one dimension and one length")
        listing = self._asker.listing or self._asker.ask("200", "", [], None).listing
        counts = listing.counts.get((version.code, version.id))
        if counts is None:
            raise LookUpFailed(f"version {version.id} of list {version.code} is not in Redis any more; ask for the versions again")
        with self._asker.lock:
            for code in np.unique(npa).tolist():
                key = (version.code, version.id, code)
                if code in counts and key not in self._asker.blocks:
                    self._asker.blocks.put(key, self._asker.pull(listing, key), counts[code])
            return self._asker.blocks.contains_many(version, counts, npa, line)

    def reassigned(self, national10: str, as_of: Instant | None = None) -> "tuple[Answer, ...]":
        """What the Reassigned Numbers Database answered, where the folder that keeps up this Redis is at hand; else nothing."""
        return () if self._journal is None else self._journal.store.reassigned(national10, as_of)

    def refresh(self) -> None:
        """Forgets the lists' answers of the last look-up, and sends what waits for Redis, beside."""
        self._local.seen = None
        if getattr(self._local, "fresh", False):
            return
        self._asker.blocks.rest()
        if self._journal is not None:
            self._journal.store.waiting.look()
            self._journal.mend()
        self._local.fresh = self._stills > 0

    @contextmanager
    def still(self) -> Iterator[None]:
        """Each question is answered over the record as it then is, or was when the group was expected."""
        if self._stills:
            yield
            return
        self._local.stills = 1
        try:
            yield
        finally:
            self._local.stills, self._local.fresh = 0, False
            self._asker.forget()

    @property
    def _stills(self) -> int:
        return getattr(self._local, "stills", 0)

    def close(self) -> None:
        """Closes all connections; a later call opens new ones."""
        if self._journal is not None:
            self._journal.close()  # first: it may be sending in a thread of its own
        self._link.close()
        self._asker.blocks.clear()

    # -- reserving

    @contextmanager
    def together(self) -> Iterator[RedisTable]:
        """Where slots are taken, each by itself; see ``storage.slots.Reserving``."""
        table = RedisTable(self._link, self._journal, self._look, self._ahead)
        try:
            yield table
        finally:
            table.tidy()

    def release(self, *, seller: str, number: str, attempt: str) -> bool:
        """Gives a slot back; False where none was held, or the attempt has been recorded. Raises LookUpFailed."""
        return release(self._link, self._journal, seller, number, attempt)

    # -- recording

    def erase(self, *, seller: str, number: str, **said: Any) -> Erased:
        """Erases a number from a seller's record; see ``ledger.ledger.Ledger.erase``. Its name stays in an empty key of Redis and in
        the notes of what was sent until the next rebuild."""
        journal = self._recording()
        return journal.erase(seller, number, lambda: journal.store.ledger.erase(seller=seller, number=number, **said))

    def finish_erasing(self, *, seller: str, number: str, **said: Any) -> Erased:
        """Empties what has been kept of an erased number; see ``ledger.ledger.Ledger.finish_erasing``."""
        journal = self._recording()
        return journal.erase(seller, number, lambda: journal.store.finish_erasing(seller=seller, number=number, **said))

    def _names(self, seller: str, number: str) -> list[str]:
        return self._recording().store._names(seller, number)

    @property
    def waiting(self) -> Waiting:
        """Opt-outs that could not be recorded yet. Raises LedgerError where no folder was named."""
        return self._recording().store.waiting

    @property
    def ledger(self) -> Ledger:
        """The record. Raises LedgerError where no folder was named."""
        return self._recording().store.ledger

    def revoke(self, **fields: Any) -> str:
        """``record_revocation`` for what will not be told twice: the number is held until it is recorded; see ``waiting``."""
        return self.waiting.record(fields, self.record_revocation)

    def replay_waiting(self) -> int:
        """Records opt-outs that wait; how many numbers are left. Raises LedgerError."""
        return self.waiting.replay(self.record_revocation)

    def replay(self, *, adopt: bool = False) -> int:
        """Sends what waits for Redis; how many entries are left. ``adopt`` as in ``redis_journal.Journal.replay``."""
        return self._folder("to send what waits").replay(adopt=adopt)

    def keeper(self) -> Keeper:
        """What vouches for this Redis, for clients without the folder. Raises LookUpFailed where no folder was named."""
        return Keeper(self._link, self._folder("to vouch for Redis"))

    def settle(self) -> None:
        """Sends what was recorded into the folder alone; see ``EmbeddedStore.settle``. Raises LookUpFailed, LedgerError."""
        journal = self._recording()
        journal.replay()
        journal.store.settle()

    def _append(self, kind: str, rows: list[Row], *, ids: bool = True) -> list[int]:
        return self._recording().append(kind, rows, ids)

    def _find(self, kind: str, id_: int) -> Row | None:
        return self._recording().store._find(kind, id_)

    def _latest_attempt(self, seller: str, reference: str) -> int | None:
        return self._recording().store._latest_attempt(seller, reference)

    def _recording(self) -> Journal:
        if self._journal is None:
            raise LedgerError("nothing was recorded: this Redis store names no folder for its ledger; add journal=FOLDER to its URL")
        return self._journal

    # -- asking

    def _folder(self, why: str) -> Journal:
        if self._journal is None:
            raise LookUpFailed(f"{why}, the ledger is needed: add journal=FOLDER to the URL of Redis")
        return self._journal


def _check(seller: str, at: Instant, as_of: Instant | None) -> None:
    text(seller, "seller")
    moment(at, "at")
    if as_of is not None:
        moment(as_of, "as_of")
