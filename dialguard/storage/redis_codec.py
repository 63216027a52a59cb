"""What stands in Redis, byte by byte: names of keys, rows and attempts of a number, the numbers of a person.

Every key begins with ``dg`` and a *tag* in braces, so that a cluster keeps all keys of one tag on one node:

============================= ======================================================================================
key                           content
============================= ======================================================================================
``dg{305}``                   the mark of area code 305, a hash, set when all else is there: ``f`` format, ``l`` from
                              which ledger this was filled, ``w`` the version of that ledger written last, ``d`` the
                              digest of the catalog of lists; ``s`` and a seller's name in short: ``Declared``; ``i`` the
                              replication id under which all of it is known to be there; of slots: ``q`` until when none is
                              given, ``b`` since when somebody takes some who keeps no journal; ``v`` from when to when
                              somebody vouches that nothing is missing, by the server's clock
``dg{305}r:SELLERLINE``       what is recorded of a number but its attempts
``dg{305}a:SELLERLINE``       its attempts
``dg{305}s:SELLERLINE``       the slots taken for it, a hash by the short id of the attempt; under the empty name a number that
                              grows with each. Lapses by itself
``dg{p1a}s:SELLERPERSON``     the slots of a person, a hash by the short id of the attempt and its number
``dg{305}b:LIST:VERSION``     the bits of one version of a list, as in its file
``dg{p1a}p:SELLERPERSON``     the numbers of a person (both names in short); ``dg{p1a}`` is a mark as above
``dg{c}DIGEST``               a catalog of lists, by its SHA-256
============================= ======================================================================================

Values of numbers and persons begin with the version of the ledger they were made from (40 bits), so that an older one never
replaces a newer one. The name of an erased number stands whole where the LINE of others does. Numbers outside the North American plan
have the tags ``x10`` to ``x99``, their first two digits.
"""

import struct
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from dialguard.ledger.fold import ATTEMPT, REACH, Bucket
from dialguard.model.history import Entry
from dialguard.model.moment import DAY, SECOND, Instant
from dialguard.model.records import CHANNELS, CONVERSATION, PURPOSES, VOICES, LookUpFailed, Pause
from dialguard.storage.slots import HELD, LAPSE, RECORDED, RELEASED, SAME, Slot

FORMAT = b"1"
NUMBER_TAGS = (*(str(npa) for npa in range(200, 1000)), *(f"x{first}" for first in range(10, 100)))
PERSON_TAGS = tuple(f"p{place:02x}" for place in range(64))
TAGS = (*NUMBER_TAGS, *PERSON_TAGS)

WORDS = (
    *CHANNELS, *PURPOSES, *VOICES, CONVERSATION,
    "no_answer", "busy", "voicemail", "hung_up", "abandoned", "answered", "failed", "sent", "delivered", "undelivered",
    "wrong_number", "disconnected", "opt_out", "complaint", "blocked",
)  # fmt: skip
"""Words that stand as their place in this table. New ones are only ever added at its end."""
_PLACE = {word: place for place, word in enumerate(WORDS)}
_KEPT = REACH + 31 * DAY
"""How far back from the newest attempt all are kept; questions of an earlier moment go to the ledger."""
_MOST = 32_000
_HEAD = 5
_SIZE = struct.Struct(">I").unpack_from
_NARROW, _WIDE = struct.Struct(">IHBBB"), struct.Struct(">IHBHH")
"""An attempt: its moment in seven bytes, the places of what is said of it and of its outcome."""
FIELDS = ("channel", "purpose", "subject", "voice", "debt", "from")
"""The order of what is said of an attempt beside its outcome."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


@lru_cache(maxsize=4096)
def short(name: str) -> str:
    """A seller or person in twelve characters, 72 bits of its hash."""
    return urlsafe_b64encode(blake2b(name.encode(), digest_size=9).digest()).decode()


def tag_of(number: str) -> str:
    """The tag of an E.164 number: its area code, or ``x`` and its first two digits."""
    if number[1] == "0":  # the name of an erased number begins with its place
        return number[2:5] if number[2] != "0" else "x" + number[3:5]
    if len(number) == 12 and number[1] == "1" and number[2] >= "2":
        return number[2:5]
    return "x" + number[1:3]


def number_key(kind: str, seller: str, number: str) -> str:
    """The key of a number's rows (``r``), attempts (``a``) or slots (``s``)."""
    tag = tag_of(number)
    line = number if number[1] == "0" else number[1:] if tag[0] == "x" else number[5:]
    return f"dg{{{tag}}}{kind}:{short(seller)}{line}"


def number_of(key: str) -> tuple[str, str]:
    """The seller in short and the number of such a key."""
    tag, _, rest = key[3:].partition("}")
    seller, line = rest[2:14], rest[14:]
    if line[0] == "+":
        return seller, line
    return seller, f"+{line}" if tag[0] == "x" else f"+1{tag}{line}"


def person_key(seller: str, person: str, kind: str = "p") -> str:
    """The key of a person's numbers (``p``) or slots (``s``)."""
    name = short(f"{seller}\0{person}")
    return f"dg{{{person_tag(name)}}}{kind}:{short(seller)}{name}"


def person_tag(name: str) -> str:
    """The tag of a person by its short name."""
    return f"p{blake2b(name.encode(), digest_size=1).digest()[0] & 63:02x}"


def mark_key(tag: str) -> str:
    """The key of a tag's mark."""
    return f"dg{{{tag}}}"


def bits_key(tag: str, code: str, version: str) -> str:
    """The key of one area code's bits in a version of a list."""
    return f"dg{{{tag}}}b:{code}:{version}"


def catalog_key(digest: str) -> str:
    """The key of a catalog of lists."""
    return f"dg{{c}}{digest}"


def head(version: int) -> bytes:
    """The version of the ledger at the head of a value."""
    return version.to_bytes(_HEAD, "big")


def code(word: str | None) -> int | str | None:
    """A word as it stands in Redis."""
    return None if word is None else _PLACE.get(word, word)


def _word(coded: int | str | None) -> str | None:
    return WORDS[coded] if type(coded) is int else coded


class Damaged(LookUpFailed):
    """A value in Redis that is not of this format."""

    def __init__(self) -> None:
        super().__init__("a value in Redis is damaged or of another format; run `dialguard redis rebuild`")


# -- rows


def encode_rows(version: int, bucket: Bucket) -> bytes | None:
    """What is recorded of a number but its attempts; None where that is nothing."""
    kinds = [[(row[0], *row[2:]) for row in sorted(rows)] for rows in bucket[:ATTEMPT]]
    return head(version) + _pack(kinds) if any(kinds) else None


def decode_rows(value: bytes | None, number: str) -> list[list[list]]:
    """A bucket without attempts."""
    if value is None or len(value) == _HEAD:
        return [[], [], [], [], [], []]
    try:
        found = _unpack(value[_HEAD:])
        for rows in found:
            for row in rows:
                row.insert(1, number)
        if len(found) != ATTEMPT:
            raise Damaged
        found.append([])
        return found
    except (msgspec.DecodeError, TypeError, AttributeError):
        raise Damaged from None


# -- attempts


class Attempts(NamedTuple):
    """A number's attempts at a moment, the oldest first, and the latest that was a conversation. They are all, and as they were at
    that moment, from ``settled`` on and, where ``floor`` is not 0, from 400 days after it on."""

    entries: list[Entry]
    conversation: Instant | None
    settled: Instant
    floor: Instant


NO_ATTEMPTS = Attempts([], None, 0, 0)


def encode_attempts(version: int, rows: Iterable[tuple]) -> bytes | None:
    """The attempts of a number, from the rows of its bucket with all outcomes; None where there are none."""
    placed: dict[int, tuple] = {}
    last: dict[int, tuple] = {}
    spoken: set[int] = set()
    settled = 0
    for row in rows:
        placed[row[0]] = row
        if row[9] == CONVERSATION:
            spoken.add(row[0])
        if row[12] is not None:
            found = (row[14], row[15], row[12], row[13])
            last[row[0]] = max(found, last.get(row[0], found))
            settled = max(settled, row[14])
            if row[13] == CONVERSATION:
                spoken.add(row[0])
    if not placed:
        return None
    ordered = sorted(placed.values(), key=lambda row: (row[3], row[4], row[0]))
    floor = ordered[-1][3] - _KEPT
    kept = [row for row in ordered if row[3] > floor][-_MOST:]
    if len(kept) == len(ordered):
        floor = 0
    elif len(kept) == _MOST:
        floor = kept[0][3]
    combinations: dict[tuple, int] = {}
    outcomes: dict[int | str | None, int] = {None: 0}
    records = []
    for row in kept:
        said = (code(row[5]), code(row[6]), row[7], code(row[8]), row[10], row[11])
        outcome = code(last[row[0]][3] if row[0] in last else row[9])
        place = outcomes.setdefault(outcome, len(outcomes)) << 1 | (row[0] in spoken)
        records.append((row[3], combinations.setdefault(said, len(combinations)), place))
    width = 1 if len(combinations) < 256 and len(outcomes) < 128 else 2
    parts = [head(version), (len(records) | (width - 1) << 15).to_bytes(2, "big")]
    for at, said_place, place in records:
        parts.append(at.to_bytes(7, "big") + said_place.to_bytes(width, "big") + place.to_bytes(width, "big"))
    tail: list[object] = [[each for said in combinations for each in said], list(outcomes)[1:]]
    if settled or floor:
        # In whole seconds after the newest attempt, rounded up: a few bytes less.
        tail.append(max(0, -(-(settled - ordered[-1][3]) // SECOND)) if settled else None)
    if floor:
        tail.append(floor)
    parts.append(_pack(tail))
    return b"".join(parts)


@lru_cache(maxsize=4096)
def _tail(packed: bytes) -> tuple[list[tuple], list[str | None], int | None, Instant]:
    """What attempts say, their outcomes, seconds until they are settled, floor. Most numbers of a campaign have the same."""
    flat, words, *more = _unpack(packed)
    said = [(_word(c), _word(p), s, _word(v), d, f) for c, p, s, v, d, f in zip(*[iter(flat)] * len(FIELDS), strict=True)]
    return said, [None, *map(_word, words)], more[0] if more else None, more[1] if len(more) > 1 else 0


def decode_attempts(value: bytes, number: str, at: Instant) -> Attempts:
    """The attempts of a number in the 400 days up to a moment."""
    if len(value) == _HEAD:
        return NO_ATTEMPTS
    try:
        count = int.from_bytes(value[_HEAD : _HEAD + 2], "big")
        record, count = (_WIDE, count & 0x7FFF) if count >> 15 else (_NARROW, count)
        end = _HEAD + 2 + count * record.size
        said, outcomes, after, floor = _tail(value[end:])
        entries: list[Entry] = []
        spoken, moment, since = None, 0, at - REACH
        for high, middle, low, place, told in record.iter_unpack(value[_HEAD + 2 : end]):
            moment = high << 24 | middle << 8 | low
            if since < moment <= at:
                channel, purpose, subject, voice, debt, from_ = said[place]
                entries.append(Entry(moment, number, channel, purpose, subject, voice, outcomes[told >> 1], debt, from_))
                if told & 1:
                    spoken = moment
        return Attempts(entries, spoken, 0 if after is None else moment + after * SECOND, floor)
    except (msgspec.DecodeError, struct.error, TypeError, IndexError, ValueError):
        raise Damaged from None


# -- slots


def encode_said(content: bytes, entry: Entry, person: str | None) -> bytes:
    """What a slot says of its attempt, its moment left out."""
    said = (code(entry.channel), code(entry.purpose), entry.subject, code(entry.voice), entry.debt, entry.from_, entry.to, person)
    return content + _pack(said)


def encode_slot(slot: Slot, person: str | None) -> bytes:
    """A slot as the script that takes one writes it."""
    times = (slot.entry.at.to_bytes(7, "big"), slot.since.to_bytes(7, "big"), slot.lapses.to_bytes(7, "big"))
    return b"".join((_STATES[slot.state], *times, encode_said(slot.content, slot.entry, person)))


def decode_slot(name: str, value: bytes) -> tuple[Slot, str | None]:
    """A slot, under the short id of its attempt, and its person."""
    try:
        at, since, lapses = (int.from_bytes(value[place : place + 7], "big") for place in (1, 8, 15))
        channel, purpose, subject, voice, debt, from_, number, person = _unpack(value[30:])
        entry = Entry(at, number, _word(channel), _word(purpose), subject, _word(voice), None, debt, from_)
        return Slot(name[:12], entry, since, lapses, value[22:30], _NAMES[value[:1]]), person
    except (msgspec.DecodeError, TypeError, IndexError, ValueError, KeyError):
        raise Damaged from None


def decode_slots(value: bytes) -> tuple[bytes, dict[str, Slot]]:
    """The number that grows with each slot taken, and slots by name."""
    parts, place = [], 0
    while place < len(value):
        size = int.from_bytes(value[place : place + 2], "big")
        parts.append(value[place + 2 : place + 2 + size])
        place += 2 + size
    held = dict(zip(parts[::2], parts[1::2], strict=True))
    generation = held.pop(b"", b"")
    return generation, {name.decode(): decode_slot(name.decode(), each)[0] for name, each in held.items()}


KEPT_SLOT = (SAME + LAPSE) // 1000
"""Milliseconds after the last one was taken for which slots are kept."""
_STATES = {HELD: b"h", RECORDED: b"u", RELEASED: b"x"}
_NAMES = {letter: state for state, letter in _STATES.items()}


# -- the answer to a look-up


def decode_times(answer: bytes) -> tuple[Instant, int]:
    """Of what ``redis_scripts.READ`` put together: the moment by the clock of Redis, and microseconds of the lease, each 0 where it was not
    asked for."""
    if len(answer) < 34:
        raise Damaged
    return int.from_bytes(answer[22:29], "big"), int.from_bytes(answer[29:33], "big")


def decode_answer(answer: bytes) -> tuple[bytes, int, bytes, bytes, list[bytes | None]]:
    """The rest of it: ledger, version, bits, declaration, values."""
    try:
        place = 34 + answer[33]
        bits = answer[34:place]
        values: list[bytes | None] = []
        while place < len(answer):
            (size,) = _SIZE(answer, place)
            place += 4
            if size:
                values.append(answer[place : place + size - 1])
                place += size - 1
            else:
                values.append(None)
        if place != len(answer) or answer[0] != 43:
            raise Damaged
        return answer[1:17], int.from_bytes(answer[17:22], "big"), bits, values[0] or b"", values[1:]
    except (IndexError, struct.error):
        raise Damaged from None


# -- persons and declarations


def encode_person(version: int, person: str, numbers: Sequence[str]) -> bytes | None:
    """The numbers of a person; None where there are none."""
    return head(version) + _pack((person, sorted(numbers))) if numbers else None


def decode_person(value: bytes | None) -> tuple[str | None, list[str]]:
    """The person's own id and its numbers."""
    if value is None or len(value) == _HEAD:
        return None, []
    try:
        person, numbers = _unpack(value[_HEAD:])
        return person, numbers
    except (msgspec.DecodeError, TypeError, ValueError):
        raise Damaged from None


class Declared(NamedTuple):
    """What is said of a seller as a whole: since when its record is complete (None: not declared), all pauses of campaigns, and by
    which keys it hides erased numbers."""

    since: Instant | None = None
    pauses: tuple[Pause, ...] = ()
    keys: tuple[str, ...] = ()


def encode_declaration(version: int, seller: str, declared: Declared) -> bytes:
    """What is said of a seller as a whole."""
    return head(version) + _pack((seller, declared.since, [astuple(each) for each in declared.pauses], sorted(declared.keys)))


def decode_declaration(value: bytes, seller: str) -> Declared:
    """What is said of this seller as a whole; an older value says less."""
    if not value:
        return _NOTHING_DECLARED
    try:
        named, since, *rest = _unpack(value[_HEAD:])
        pauses = tuple(Pause(*each) for each in rest[0]) if rest else ()
        keys = tuple(rest[1]) if len(rest) > 1 else ()
    except (msgspec.DecodeError, TypeError, ValueError):
        raise Damaged from None
    if named != seller or not (since is None or type(since) is int) or not all(type(each.since) is int for each in pauses):
        raise Damaged
    return Declared(since, pauses, keys)


_NOTHING_DECLARED = Declared()
