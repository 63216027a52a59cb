"""Slots in Redis: a script takes one where nothing was taken or recorded since one looked, and otherwise one looks again.

A slot stands at the number, and where the attempt names a person at the person first, so that of two numbers of one person only one
takes the last place. A server that may have lost slots (a failover, a restart) is not asked until those of the journal were put back,
and, where somebody keeps no journal, gives none until all lost ones have lapsed.
"""

from collections.abc import Callable, Iterable, Sequence
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

    def at_person(self, name: str, number: str) -> bool:
        """Whether the attempt of this short id holds a slot at the person already."""
        slot = self.of_person.get(name + number)
        return slot is not None and slot.state == HELD and slot.lapses > self.now

    def all(self) -> list[tuple[str, Slot]]:
        """Every slot by the short id of its attempt. What stands at a number goes before what stands at the person of the same attempt."""
        found = [pair for held in self.slots.values() for pair in held.items()]
        for name, slot in self.of_person.items():
            if name[:12] not in self.slots.get(name[12:], ()):
                found.append((name[:12], slot))
        return found


class RedisTable:
    """The table of a Redis store; ``look_up`` is the store's own, which fills in what it brings of slots, and ``ahead`` asks about several
    numbers at once."""

    def __init__(
        self, link: Link, journal: Journal | None, look_up: Callable[[str, str, str | None, Instant, Brought], LookUp],
        ahead: Callable[[str, Iterable[str], bool], None],
    ) -> None:  # fmt: skip
        self._link, self._journal, self._look_up, self._ahead = link, journal, look_up, ahead
        self._tried: dict[str, Asked] = {}

    def expect(self, seller: str, numbers: Iterable[str], attempts: Iterable[str]) -> None:
        """Asks what the first look at each number will need."""
        self._ahead(seller, numbers, True)

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
        if own is not None and own.state == HELD and asked.person is not None and not brought.at_person(name, asked.number):
            own = None  # the person's slot was lost: both are taken anew
        others = [slot for each, slot in brought.all() if each != name or slot.entry.to != asked.number]
        later = tuple(brought.later)
        if own is not None:
            own = own._replace(attempt=asked.attempt)
            self._tried.pop(asked.attempt, None)  # it was put back, and now stands
            if own.state == RECORDED:
                found, later = slots.left_out(found, later, own, asked.at)
        return Seen(found, slots.waiting(others, later, brought.now, asked.at), own, brought)

    def take(self, seen: Seen, asked: Asked, attempt: str, entry: Entry) -> Slot | None:
        """A slot; None where anything was taken or recorded since ``seen``, or slots that were lost have just been put back."""
        brought, name, own = seen.ticket, codec.short(text(attempt, "attempt")), seen.own
        if own is not None and own.state == RECORDED:
            return own
        slot = own or Slot(attempt, entry, brought.now, brought.now + slots.LAPSE, asked.content)
        if own is None and self._journal is not None:
            note(self._journal.store, asked, slot)
        if own is None and asked.ours:
            self._tried[attempt] = asked
        if asked.person is not None:
            key = codec.person_key(asked.seller, asked.person, "s")
            held = brought.at_person(name, asked.number)
            if self._take(key[3:6], [key], [brought.person_seen], name + asked.number, slot, asked.person, held) is None:
                return None
        tag = codec.tag_of(asked.number)
        keys = [codec.number_key(kind, asked.seller, asked.number) for kind in "sra"]
        taken = self._take(tag, keys, brought.seen, name, slot, asked.person, own is not None)
        if taken is None or own is not None:
            return taken and own
        self._tried.pop(attempt, None)
        return slot._replace(since=taken[2], lapses=taken[1])

    def tidy(self) -> None:
        """Gives back what was taken at the person, or was put back, of attempts that were not allowed in the end. Those whose id is the
        caller's may be asked twice at once, and one may rest on what the other took: theirs lapse."""
        for attempt, asked in self._tried.items():
            try:
                if self._journal is not None:
                    forget(self._journal.store, asked.seller, asked.number, attempt)
                if asked.person is not None:
                    key = codec.person_key(asked.seller, asked.person, "s")
                    _release(self._link, key, codec.short(attempt) + asked.number, key[3:6])
                release(self._link, None, asked.seller, asked.number, attempt)
            except LookUpFailed:
                pass  # it lapses

    def _take(
        self, tag: str, keys: Sequence[str], seen: Sequence[bytes], field: str, slot: Slot, person: str | None, held: bool
    ) -> list[Any] | None:
        """What the script answers; None where one has to look again. ``held``: it may have been put back just now, before others were."""
        journal = self._journal
        ledger, least = (b"", 0) if journal is None else (journal.ledger, journal.newest(tag))
        said = codec.encode_said(slot.content, slot.entry, person)
        args = [ledger, least, seen[0], field, "" if held else slots.LAPSE, said, codec.KEPT_SLOT, slot.entry.at, *seen[1:]]
        answer = self._link.look(scripts.TAKE, [codec.mark_key(tag), *keys], args, tag)
        word = answer[0] if type(answer) is list else b""
        if word == b"taken":
            return answer
        if word == b"changed":
            return None
        if word == b"anew" and journal is not None:
            raise journal.anew()
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
        raise amiss(word, *answer[1:]) if word == b"lapsed" else amiss(word)


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
