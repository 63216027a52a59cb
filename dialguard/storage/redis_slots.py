"""Slots in Redis: a script takes one where nothing was taken or recorded since one looked, and otherwise one looks again.

A slot stands at the number, and where the attempt names a person at the person first, so that of two numbers of one person only one
takes the last place. Redis may lose what it was told last (a failover, a restart): a script sees that the server is another one
and gives no slot until those of the journal were put back, and, where somebody keeps no journal, until all lost ones have lapsed.
"""

from collections.abc import Callable, Sequence
from typing import Any

from dialguard.ledger.rows import number as checked_number
from dialguard.ledger.rows import text
from dialguard.model.history import Entry
from dialguard.model.moment import DAY, Instant
from dialguard.model.records import LookUp, LookUpFailed
from dialguard.storage import redis_codec as codec
from dialguard.storage import redis_scripts as scripts
from dialguard.storage import slots
from dialguard.storage.redis_fill import checked
from dialguard.storage.redis_journal import Journal
from dialguard.storage.redis_link import Link, amiss
from dialguard.storage.slots_local import forget, note
from dialguard.storage.slots import HELD, RECORDED, Asked, Seen, Slot


class Brought:
    """What a look-up brings of slots: those of the number, of the person, and of the person's other numbers."""

    def __init__(self) -> None:
        self.now: Instant = 0
        self.slots: dict[str, dict[str, Slot]] = {}
        self.later: list[Entry] = []
        self.of_person: dict[str, Slot] = {}
        self.seen: tuple[bytes, bytes, bytes] = (b"", b"", b"")
        """Of the number: how far its slots, rows and attempts had come."""
        self.person_seen = b""

    def number(self, number: str, now: Instant, held: bytes, rows: bytes | None, attempts: bytes | None, at: Instant) -> None:
        """Of the number itself."""
        self.now = now
        generation, self.slots[number] = codec.decode_slots(held)
        self.seen = generation, (rows or b"")[:5], (attempts or b"")[:5]
        self._after(number, attempts, at)

    def person(self, held: bytes) -> None:
        """Of the person."""
        self.person_seen, self.of_person = codec.decode_slots(held)

    def other(self, number: str, held: bytes, attempts: bytes | None, at: Instant) -> None:
        """Of another number of the person."""
        _, self.slots[number] = codec.decode_slots(held)
        self._after(number, attempts, at)

    def _after(self, number: str, attempts: bytes | None, at: Instant) -> None:
        if attempts is not None:
            self.later += [entry for entry in codec.decode_attempts(attempts, number, at + DAY).entries if entry.at > at]

    def all(self) -> list[tuple[str, Slot]]:
        """Every slot by the short id of its attempt. What stands at a number goes before what stands at the person of the same attempt."""
        found = [pair for held in self.slots.values() for pair in held.items()]
        for name, slot in self.of_person.items():
            if name[:12] not in self.slots.get(name[12:], ()):
                found.append((name[:12], slot))
        return found


class RedisTable:
    """The table of a Redis store; ``look_up`` is the store's own, which fills in what it brings of slots."""

    def __init__(self, link: Link, journal: Journal | None, look_up: Callable[[str, str, str | None, Instant, Brought], LookUp]) -> None:
        self._link, self._journal, self._look_up = link, journal, look_up

    def look(self, asked: Asked) -> Seen:
        """What is known and what waits, of each number at one moment."""
        checked_number(asked.number)
        text(asked.seller, "seller")
        if asked.person is not None:
            text(asked.person, "person")
        brought = Brought()
        found = self._look_up(asked.seller, asked.number, asked.person, asked.at, brought)
        name = None if asked.attempt is None else codec.short(asked.attempt)
        mine = None if name is None else brought.slots[asked.number].get(name)
        own = slots.same(mine, asked.content, brought.now)
        if own is not None and own.state == HELD and asked.person is not None:
            there = brought.of_person.get(name + asked.number)
            if there is None or there.state != HELD:  # given back at the person: it is to be taken anew
                own = None
        others = [slot for each, slot in brought.all() if each != name or slot.entry.to != asked.number]
        later = tuple(brought.later)
        if own is not None:
            own = own._replace(attempt=asked.attempt)
            if own.state == RECORDED:
                found, later = slots.left_out(found, later, own, asked.at)
        return Seen(found, slots.waiting(others, later, brought.now, asked.at), own, brought)

    def take(self, seen: Seen, asked: Asked, attempt: str, entry: Entry) -> Slot | None:
        """A slot; None where anything was taken or recorded since ``seen``, or slots that were lost have just been put back."""
        brought = seen.ticket
        name = codec.short(text(attempt, "attempt"))
        slot = Slot(attempt, entry, brought.now, brought.now + slots.LAPSE, asked.content)
        if self._journal is not None:
            note(self._journal.store, asked, slot)
        of_person = None
        if asked.person is not None:
            key = codec.person_key(asked.seller, asked.person, "s")
            of_person = key, name + asked.number
            if self._take(key[3:6], [key], [brought.person_seen], of_person[1], slot, asked.person) is None:
                return None  # it stays in the journal: it may have been put back, and be found as one's own
        tag = codec.tag_of(asked.number)
        keys = [codec.number_key(kind, asked.seller, asked.number) for kind in "sra"]
        try:
            taken = self._take(tag, keys, brought.seen, name, slot, asked.person)
        except LookUpFailed:
            self._give_back(of_person)  # if it was taken after all, it lapses
            raise
        if taken is None:
            self._give_back(of_person)
            return None
        return slot._replace(since=taken[1], lapses=taken[0])

    def _take(
        self, tag: str, keys: Sequence[str], seen: Sequence[bytes], field: str, slot: Slot, person: str | None
    ) -> tuple[Instant, Instant] | None:
        journal = self._journal
        ledger, least = (b"", 0) if journal is None else (journal.ledger, journal.newest(tag))
        said = codec.encode_said(slot.content, slot.entry, person)
        args = [ledger, least, seen[0], field, slots.LAPSE, said, codec.KEPT_SLOT, slot.entry.at, *seen[1:]]
        answer = self._link.look(scripts.TAKE, [codec.mark_key(tag), *keys], args, tag)
        word = answer[0] if type(answer) is list else b""
        if word == b"taken":
            return answer[1], answer[2]
        if word == b"changed":
            return None
        if word == b"failover":
            return self._settle(tag, bool(answer[1]))
        if word == b"quiet":
            raise LookUpFailed(_WAITING)
        if word == b"announce":
            for each in self._link.run_many(scripts.ANNOUNCE, [([codec.mark_key(each)], ()) for each in codec.TAGS]):
                checked(each)
            raise LookUpFailed("Redis is told of a dialer that keeps no journal of its reservations; ask again in three seconds")
        if word == b"other" and journal is not None and journal.owns(answer[1]):
            raise LookUpFailed("Redis was rebuilt just now; ask again")
        if word == b"behind" and journal is not None:
            raise journal.lost(tag, int(answer[1]))
        raise amiss(word)

    def _settle(self, tag: str, others: bool) -> None:
        """Redis may have lost slots of this tag: those that are known here are put back, and for others it is waited."""
        if self._journal is not None:
            self._journal.filler.put_back(tag)
        quiet = slots.QUIET if others or self._journal is None else 0
        checked(self._link.run(scripts.SETTLE, [codec.mark_key(tag)], [quiet]))
        if quiet:
            raise LookUpFailed(_WAITING)

    def _give_back(self, of_person: tuple[str, str] | None) -> None:
        if of_person is not None:
            key, field = of_person
            try:
                self._link.look(scripts.RELEASE, [codec.mark_key(key[3:6]), key], [field], key[3:6])
            except LookUpFailed:
                pass  # it lapses


_WAITING = "Redis failed over or was filled anew, and may have lost reservations; until they have lapsed (two minutes) none is given"


def release(link: Link, journal: Journal | None, seller: str, number: str, attempt: str) -> bool:
    """Gives a slot back, at the number and at the person."""
    tag, name = codec.tag_of(checked_number(number)), codec.short(text(attempt, "attempt"))
    held = _release(link, codec.number_key("s", text(seller, "seller"), number), name, tag)
    if held is None:
        return False
    person = codec.decode_slot(name, held)[1]
    if person is not None:
        key = codec.person_key(seller, person, "s")
        _release(link, key, name + number, key[3:6])
    if journal is not None:
        forget(journal.store, seller, number, attempt)
    return True


def _release(link: Link, key: str, field: str, tag: str) -> bytes | None:
    answer = link.look(scripts.RELEASE, [codec.mark_key(tag), key], [field], tag)
    checked(answer)
    return answer[1] or None
