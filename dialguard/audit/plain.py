"""The record of a decision put together from parts: of an attempt that gives no more than numbers, words and moments, whose answer
others were given too.

What the records of one campaign, key and door share is made once, and an answer stands once in a segment, under the SHA-256 of its
bytes. Read, it says what ``record.record`` gives, and it is not made where it might not; a test holds the two together.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from dialguard.audit.chain import Sharing
from dialguard.audit.keys import COVERED, Key
from dialguard.audit.record import number, shape, shown
from dialguard.audit.text import encode, moment
from dialguard.engine.decision import Form
from dialguard.model.moment import Instant
from dialguard.model.version import VERSION

FIELDS = frozenset({"id", "channel", "to", "from", "at", "campaign", "line_type", "reserve"})
_NO_DIGIT = re.compile(r"\D")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, str | bool | None]).decode
_LIMIT = 10_000
_TO, _FROM = ("attempt", "to"), ("attempt", "from")
_HEAD, _VERDICT, _EVIDENCE = b'{"kind":"decision","answer":"', b',"verdict":', len(b',"evidence":}')
NAME = 32
"""Hex digits of a digest by which an answer is named in its segment."""


class _Answer(NamedTuple):
    """An answer's name, empty where it cannot stand apart, and its line."""

    name: bytes
    said: bytes


class Parts:
    """Writes such records, and keeps what they share. ``policy`` as in ``record.NUMBERS``; ``store`` and ``door`` as in ``DecisionLog.body``."""

    def __init__(self, policy: str, store: str, door: str) -> None:
        self._policy, self._store, self._door = policy, store, door
        self._one = b'{"attempt.to":"%b"}' % policy.encode()
        self._two = b'{"attempt.to":"%b","attempt.from":"%b"}' % (policy.encode(), policy.encode())
        self._shared: dict[tuple, tuple[bytes, bytes, Mapping[str, str]]] = {}
        self._answers: dict[Form, _Answer] = {}

    def record(
        self, sent: bytes, decision: bytes, form: Form, moments: bytes, key: Key | None, pieces: Mapping[str, str], seller: str, reserve: bool,
        events: bool, by: Mapping[str, str | None], called: str | None = None, covered: str | None = None,
    ) -> Sharing | None:  # fmt: skip
        """The line of a decision's record, ``decision`` being its JSON, made of ``form``, which names the called number nowhere but in the
        attempt's own id, and ``moments`` those of ``moments_of``; None: it is to be made with care. ``pieces`` and ``seller`` are those
        of a registered campaign; ``called`` are the ten digits of the called number, where it was read before, and ``covered`` what stands
        in place of it where numbers are sealed. Raises LogError."""
        answer = self._answers.get(form) or self._answer(form)
        start = decision.index(_VERDICT)
        own = b"%b%b}" % (decision[:start], decision[start + 1 + len(form.shared) : -len(form.evidence) - _EVIDENCE])
        try:
            attempt = _decode(sent)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if not FIELDS.issuperset(attempt) or not own.isascii() or b"\x7f" in own or not answer.name:
            return None
        given = (id(pieces), reserve, events, *by.items())
        first, second, _ = self._shared.get(given) or self._keep(given, pieces, seller, reserve, events, **by)
        name, said = answer
        if key is None:
            return Sharing(b'%b%b%b%b%b%b,"decision":%b,"masks":{}}' % (_HEAD, name, first, moments, second, encode(attempt), own), name, said)
        policy, to, from_ = self._policy, attempt.get("to"), attempt.get("from")
        if covered is not None and (written := shape(to, "+1" + called)) is not None:
            attempt["to"] = covered + written
        else:
            attempt["to"], called = number(key, to, policy)
        if called is None or _names(attempt.get("id"), called) or _names(attempt.get("campaign"), called):
            return None
        masks = self._one
        if from_ is not None:
            masks, attempt["from"] = self._two, shown(key, from_, policy)
        line = b'%b%b%b%b%b%b,"decision":%b,"masks":%b' % (_HEAD, name, first, moments, second, encode(attempt), own, masks)
        if policy == "sealed":
            hidden = [(path, value) for path, value in ((_TO, to), (_FROM, from_)) if value is not None and attempt[path[1]][:2] != COVERED]
            if hidden:
                box = key.seal(_encode(hidden), own[7 : own.index(b'"', 7)])
                return Sharing(b'%b,"sealed":{"key":"%b","box":"%b"}}' % (line, key.name, box), name, said)
        return Sharing(line + b"}", name, said)

    def _answer(self, form: Form) -> "_Answer":
        told = b'{%b,"evidence":%b}' % (form.shared, form.evidence)
        plain = told.isascii() and b"\x7f" not in told
        name = hashlib.sha256(told).hexdigest()[:NAME].encode() if plain else b""
        if len(self._answers) >= _LIMIT:
            self._answers.clear()
        found = self._answers[form] = _Answer(name, b'{"kind":"answer","answer":"%b","decision":%b}' % (name, told))
        return found

    def _keep(
        self, given: tuple, pieces: Mapping[str, str], seller: str, reserve: bool, events: bool, tenant: str = "default",
        door: str | None = None, key: str | None = None,
    ) -> tuple[bytes, bytes, Mapping[str, str]]:  # fmt: skip
        first = b'","kept":%b,' % encode(pieces)
        second = encode({
            "tenant": tenant, "seller": seller, "door": door or self._door, "key": key, "store": self._store, "reserve": reserve,
            "events": events, "product": VERSION, "claims": None,
        })[1:-1]  # fmt: skip
        if len(self._shared) >= _LIMIT:
            self._shared.clear()
        # With the pieces, so that no other mapping comes to bear their identity.
        found = self._shared[given] = first, b',%b,"attempt":' % second, pieces
        return found


def moments_of(now: Instant, known_at: Instant) -> bytes:
    """When records of a group are made, and from what was known when."""
    return encode({"at": moment(now), "known_at": moment(known_at)})[1:-1]


def _names(value: str | bool | None, called: str) -> bool:
    """Whether the called number's digits stand in a text."""
    return type(value) is str and called[-4:] in value and called in _NO_DIGIT.sub("", value)
