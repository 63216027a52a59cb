"""Asking Redis: one question in one tag, with the mark of the tag, so that what is missing never reads as nothing."""

import threading
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from dialguard.ledger.pseudonyms import Key, Keys
from dialguard.model.moment import Instant
from dialguard.model.records import LookUpFailed
from dialguard.storage import redis_codec as codec
from dialguard.storage import redis_lists, redis_scripts
from dialguard.storage.redis_held import Held, held_of
from dialguard.storage.redis_journal import Journal
from dialguard.storage.redis_link import BULK_TIMEOUT, Link, amiss
from dialguard.storage.redis_slots import Brought
from dialguard.storage.redis_time import Times

_LOT = 250
_TOGETHER = 64
"""Questions asked together, within the time of one."""


class Answer(NamedTuple):
    """What one question in one tag brought."""

    declared: codec.Declared
    bits: bytes
    values: Any
    listing: redis_lists.Listing
    now: Instant
    """By the clock of Redis; 0 where no slots were asked for."""
    slots: list[bytes]


class _Ahead(threading.local):
    """What a thread has asked ahead: answers by keys and arguments."""

    def __init__(self) -> None:
        self.answers: dict[tuple, bytes | LookUpFailed] = {}


class Asker:
    """Asks one Redis, where ``journal`` is the folder behind it if one was named. Every method raises LookUpFailed."""

    def __init__(self, link: Link, journal: Journal | None, keys: Keys) -> None:
        self._link, self._journal, self._keys = link, journal, keys
        self._asks_lease = int(journal is None)
        self.times = Times(one=not link.to.cluster)
        self.listing: redis_lists.Listing | None = None
        """The catalog of lists as of the last question."""
        self.blocks = redis_lists.Blocks()
        """Bits of whole area codes, of that catalog; to be used under ``lock``."""
        self.lock = threading.Lock()
        self._ahead = _Ahead()

    def ask(
        self, tag: str, seller: str, keys: Sequence[str], bit: int | None, timeout: float | None = None, slots: Sequence[str] = ()
    ) -> Answer:
        """One question in one tag; a second one where the catalog of lists has changed."""
        for _ in range(3):
            listing = self.listing
            every, args = self._question(listing, tag, seller, keys, bit, slots)
            ahead = self._ahead.answers.pop((*every, *args), None) if timeout is None and self._ahead.answers else None
            if isinstance(ahead, LookUpFailed):
                raise ahead
            if ahead is not None:
                found = ahead
            else:
                before = self.times.before()
                if not self._asks_lease and self.times.due(before):
                    args[-1] = 2
                if timeout is not None:
                    found = self._link.run(redis_scripts.READ, every, args, timeout)
                else:
                    found = self._link.look(redis_scripts.READ, every, args, tag)
                if type(found) is bytes and args[-1]:
                    self.times.heard(*codec.decode_times(found), tag, before)
            if type(found) is bytes:
                if listing is None:  # a catalog without a name
                    raise codec.Damaged
                ledger, version, bits, declared, values = codec.decode_answer(found)
                if self._journal is not None:
                    if not self._journal.owns(ledger):
                        raise amiss(b"other")
                    if version < self._journal.newest(tag):
                        if ahead is not None:
                            continue  # something was recorded since
                        raise self._journal.lost(tag, version)
                now, held = (codec.decode_times(found)[0], values[len(keys) :]) if slots else (0, [])
                return Answer(codec.decode_declaration(declared, seller), bits, values, listing, now, held)
            if found[0] == b"anew" and self._journal is not None:
                raise self._journal.anew()
            if found[0] != b"catalog" or len(found) < 2:
                raise amiss(*found)
            self._take(found[1])
        raise LookUpFailed("the lists in Redis are being replaced; ask again")

    def _question(
        self, listing: redis_lists.Listing | None, tag: str, seller: str, keys: Sequence[str], bit: int | None, slots: Sequence[str]
    ) -> tuple[list[str], list[Any]]:
        """Keys and arguments of READ."""
        asked = listing.asked(tag).keys if listing is not None and bit is not None else ()
        args = [listing.digest if listing is not None else "", codec.short(seller), len(keys), bit or 0, len(slots), self._asks_lease]
        return [codec.mark_key(tag), *keys, *slots, *asked], args

    def ahead(self, seller: str, numbers: Iterable[str], slotted: bool = False) -> None:
        """Asks about numbers now, all together, what ``ask_numbers`` will ask about each with its bit. What comes serves this thread once,
        until ``forget``; what does not is asked then."""
        keys, calls = self._keys.held(), []
        for number in dict.fromkeys(numbers):
            if self._journal is not None:
                try:
                    self._journal.hold(seller, number, None)
                except LookUpFailed:
                    continue  # it may have been sent, and be held no more, when the answer is taken up
            tag, names = codec.tag_of(number), [number, *(key.number(seller, number) for key in keys)]
            bit = None if tag[0] == "x" or number[5] < "2" else redis_lists.bit_of(number[2:])
            asked = [codec.number_key(kind, seller, name) for name in names for kind in "ra"]
            calls.append(self._question(self.listing, tag, seller, asked, bit, [codec.number_key("s", seller, number)] if slotted else ()))
        for start in range(0, len(calls), _TOGETHER):
            lot, before = calls[start : start + _TOGETHER], self.times.before()
            names = [(*every, *args) for every, args in lot]
            if not self._asks_lease and self.times.due(before):
                lot[0][1][-1] = 2
            for name, (every, args), answer in zip(names, lot, self._link.look_ahead(redis_scripts.READ, lot), strict=True):
                if type(answer) is bytes and args[-1]:
                    try:
                        self.times.heard(*codec.decode_times(answer), every[0][3:6], before)
                    except LookUpFailed as error:
                        answer = error
                if answer is not None:
                    self._ahead.answers[name] = answer

    def forget(self) -> None:
        """What was asked ahead and not used serves no more."""
        self._ahead.answers = {}

    def _take(self, digest: bytes | None) -> None:
        if digest is None:
            raise amiss(b"empty")
        name = digest.decode()
        value = self._link.ask(lambda client: client.get(codec.catalog_key(name)))
        self.listing = redis_lists.decode(name, value)
        with self.lock:
            self.blocks.clear()

    def pull(self, listing: redis_lists.Listing, key: tuple[str, str, int]) -> bytes | None:
        """The bits of (list, version, area code)."""
        code, version, npa = key
        tag = str(npa)
        answer = self._link.run(
            redis_scripts.PULL, [codec.mark_key(tag), codec.bits_key(tag, code, version)], [listing.digest, self._asks_lease]
        )
        if answer[0] == b"catalog":
            raise LookUpFailed("the lists in Redis were replaced meanwhile; begin again")
        if answer[0] != b"ok":
            raise amiss(*answer)
        return answer[1]

    def numbers_of(self, seller: str, person: str, brought: Brought | None = None) -> list[str]:
        """The numbers of a person; ``brought`` takes in the person's slots."""
        key = codec.person_key(seller, person)
        answer = self.ask(key[3:6], "", [key], None, slots=() if brought is None else (codec.person_key(seller, person, "s"),))
        if brought is not None:
            brought.person(answer.slots[0])
        name, numbers = codec.decode_person(answer.values[0])
        if name is not None and name != person:
            raise codec.Damaged
        return numbers

    def hold(
        self, seller: str, numbers: Sequence[str], at: Instant, brought: Brought | None = None, keys: Sequence[Key] | None = None
    ) -> dict[str, Held]:
        """What Redis holds of each number. ``keys``: by which it may be hidden, where that is known."""
        tags: dict[str, list[str]] = {}
        for number in numbers:
            tags.setdefault(codec.tag_of(number), []).append(number)
        found: dict[str, Held] = {}
        for tag, those in tags.items():
            for start in range(0, len(those), _LOT):
                lot = those[start : start + _LOT]
                timeout = BULK_TIMEOUT if len(numbers) > 20 else None
                answer, named = self.ask_numbers(tag, seller, lot, None, timeout, brought is not None, keys)
                if brought is not None:
                    for number, slots in zip(lot, answer.slots, strict=True):
                        brought.other(number, slots, answer.values[number][1], at)
                for number in lot:
                    found[number] = held_of(answer.values, named, number, at, answer.declared)
        return found

    def ask_numbers(
        self, tag: str, seller: str, numbers: Sequence[str], bit: int | None, timeout: float | None = None, slotted: bool = False,
        keys: Sequence[Key] | None = None,
    ) -> tuple[Answer, dict[str, list[str]]]:
        """What Redis holds of numbers of one tag, under their own and all names that they may have, and these: own number first.

        ``values`` of the answer are by name. Raises LookUpFailed, also where a key is missing by which the seller hides numbers.
        """
        known, keys = keys is not None, self._keys.held() if keys is None else keys
        while True:
            named = {number: [number, *(key.number(seller, number) for key in keys)] for number in numbers}
            names = [name for those in named.values() for name in those]
            asked = [codec.number_key(kind, seller, name) for name in names for kind in "ra"]
            slots = [codec.number_key("s", seller, number) for number in numbers] if slotted else ()
            answer = self.ask(tag, seller, asked, bit, timeout, slots)
            if known or {key.id for key in keys}.issuperset(answer.declared.keys):
                pairs = zip(answer.values[: len(asked) : 2], answer.values[1 : len(asked) : 2], strict=True)
                return answer._replace(values=dict(zip(names, pairs, strict=True))), named
            self._keys.of(answer.declared.keys)
            keys = self._keys.held()
