"""Check and reserve in Redis: one script counts and takes the place, and nothing comes between."""

from collections.abc import Iterable

import msgspec

from dialguard.ledger.rows import moment, text
from dialguard.ledger.rows import number as checked_number
from dialguard.model.moment import Instant
from dialguard.model.records import LookUpFailed
from dialguard.storage import redis_codec as codec
from dialguard.storage import redis_scripts
from dialguard.storage.redis_journal import Journal
from dialguard.storage.redis_link import Link, amiss
from dialguard.storage.reserving import FIELDS, LAPSE, REMEMBERED, Limit, Reservation, checked

_pack = msgspec.msgpack.Encoder().encode


class Reserving:
    """The part of a Redis store that reserves."""

    _link: Link
    _journal: Journal | None

    def reserve(
        self,
        *,
        seller: str,
        number: str,
        attempt: str,
        at: Instant,
        limits: Iterable[Limit],
        lapse: int = LAPSE,
        **said: str | None,
    ) -> Reservation:
        """A place for an attempt under all ``limits``, checked and taken in one step.

        ``attempt`` is the caller's own id: asked again for the same one, the answer is the same and nothing more is taken;
        recorded as ``record_attempt(reference=...)``, the reservation becomes the attempt. ``lapse`` is in microseconds. ``said``
        are the attempt's ``FIELDS``. Counted are attempts and reservations of this number. Raises LookUpFailed.
        """
        checked_number(number)
        text(attempt, "attempt")
        text(seller, "seller")
        moment(at, "at")
        if lapse <= 0:
            raise ValueError("lapse: expected microseconds above 0")
        if "from_" in said:
            said["from"] = said.pop("from_")
        caps = checked(limits, said)
        if self._journal is not None:
            self._journal.hold(seller, number, None)
        tag = codec.tag_of(number)
        own = [_coded(name, said.get(name)) for name in codec.FIELDS]
        coded = [[(_place(name), [_coded(name, value) for value in values], wanted) for name, values, wanted in cap.where] for cap in caps]
        packed = [
            (cap.after, cap.below, where, [_place(name) for name in cap.same if name != "outcome"], cap.already)
            for cap, where in zip(caps, coded, strict=True)
        ]
        least, ledger = (0, b"") if self._journal is None else (self._journal.newest(tag), self._journal.ledger)
        args = [least, codec.short(attempt), at, lapse, REMEMBERED, _pack(own), _pack(packed), ledger]
        keys = [codec.mark_key(tag), codec.number_key("a", seller, number), codec.number_key("v", seller, number)]
        answer = self._link.look(redis_scripts.RESERVE, keys, args, tag)
        word = answer[0] if type(answer) is list else b""
        if word in (b"granted", b"held"):
            return Reservation(True, answer[1], again=word == b"held")
        if word == b"refused":
            return Reservation(False, limit=answer[1], counted=answer[2])
        if word == b"other" and self._journal is not None and self._journal.owns(answer[1]):
            raise LookUpFailed("Redis was rebuilt just now; ask again")
        if word == b"behind" and self._journal is not None:
            raise self._journal.lost(tag, int(answer[1]))
        if word == b"floor":
            raise LookUpFailed("a limit reaches back further than attempts are kept in Redis (400 days before the newest)")
        raise amiss(word)

    def release(self, *, seller: str, number: str, attempt: str) -> bool:
        """Gives a reserved place back; False where none was held, or the attempt has been recorded. Raises LookUpFailed."""
        checked_number(number)
        text(seller, "seller")
        tag = codec.tag_of(number)
        keys = [codec.mark_key(tag), codec.number_key("v", seller, number)]
        answer = self._link.look(redis_scripts.RELEASE, keys, [codec.short(text(attempt, "attempt"))], tag)
        if type(answer) is not list or answer[0] != b"ok":
            raise amiss(answer[0] if type(answer) is list else b"")
        return bool(answer[1])


def _coded(name: str, value: str | None) -> int | str | None:
    return value if name in ("subject", "debt", "from") else codec.code(value)


def _place(name: str) -> int:
    return FIELDS.index(name) + 1
