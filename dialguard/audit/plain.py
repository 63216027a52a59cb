"""The record of a decision put together from parts: of an attempt that gives no more than numbers, words and moments, whose answer
others were given too.

What the records of one campaign, key and door share stands with the answer that they share once in a segment, on a line of its own under the
SHA-256 of its bytes. Read, it says what ``record.record`` gives, and it is not made where it might not; a test holds the two together.
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
_VERDICT, _EVIDENCE = b',"verdict":', len(b',"evidence":}')
NAME = 32
"""Hex digits of a digest by which an answer is named in its segment."""


class _Answer(NamedTuple):
    """What records share: its name, empty where it cannot stand apart; its line; and what it was made of, so that nothing else comes to
    bear the identity of that."""

    name: bytes
    said: bytes
    made_of: tuple


class Parts:
    """Writes such records, and keeps what they share. ``policy`` as in ``record.NUMBERS``; ``store`` and ``door`` as in ``DecisionLog.body``."""

    def __init__(self, policy: str, store: str, door: str) -> None:
        self._policy, self._store, self._door = policy, store, door
        self._answers: dict[tuple, _Answer] = {}

    def record(
        self, sent: bytes, decision: bytes, form: Form, moments: bytes, key: Key | None, pieces: Mapping[str, str], seller: str, reserve: bool,
        events: bool, by: Mapping[str, str | None], called: str | None = None, covered: str | None = None,
    ) -> Sharing | None:  # fmt: skip
        """The line of a decision's record, ``decision`` being its JSON, made of ``form``, which names the called number nowhere but in the
        attempt's own id, and ``moments`` those of ``moments_of``; None: it is to be made with care. ``pieces`` and ``seller`` are those
        of a registered campaign; ``called`` are the ten digits of the called number, where it was read before, and ``covered`` what stands
        in place of it where numbers are sealed. Raises LogError."""
        try:
            attempt = _decode(sent)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        to, from_, policy, boxed = attempt.get("to"), attempt.get("from"), self._policy, False
        given = (id(form), id(pieces), id(by), reserve, events, from_ is None)
        answer = self._answers.get(given) or self._answer(given, form, pieces, seller, reserve, events, from_ is None, by)
        name, said = answer.name, answer.said
        if not FIELDS.issuperset(attempt) or not name:
            return None
        if key is not None:
            if covered is not None and (written := shape(to, "+1" + called)) is not None:
                attempt["to"] = covered + written
            else:
                attempt["to"], called = number(key, to, policy)
                boxed = attempt["to"][:2] != COVERED
            if called is None or _names(attempt.get("id"), called) or _names(attempt.get("campaign"), called):
                return None
            if from_ is not None:
                attempt["from"] = shown(key, from_, policy)
                boxed = boxed or attempt["from"][:2] != COVERED
        verdict = decision.index(_VERDICT)
        own = decision[:verdict], decision[verdict + 1 + len(form.shared) : -len(form.evidence) - _EVIDENCE]
        line = b'{"kind":"decision","answer":"%b",%b,"attempt":%b,"decision":%b%b}' % (name, moments, _encode(attempt), *own)
        if not line.isascii() or b"\x7f" in line:
            return None
        if boxed and policy == "sealed":
            hidden = [(path, value) for path, value in ((_TO, to), (_FROM, from_)) if value is not None and attempt[path[1]][:2] != COVERED]
            box = key.seal(_encode(hidden), own[0][7 : own[0].index(b'"', 7)])
            return Sharing(b'%b,"sealed":{"key":"%b","box":"%b"}}' % (line, key.name, box), name, said)
        return Sharing(line + b"}", name, said)

    def _answer(
        self, given: tuple, form: Form, pieces: Mapping[str, str], seller: str, reserve: bool, events: bool, alone: bool,
        by: Mapping[str, str | None],
    ) -> _Answer:  # fmt: skip
        told = b'{%b,"evidence":%b}' % (form.shared, form.evidence)
        masked = ("attempt.to",) if alone else ("attempt.to", "attempt.from")
        said = encode({
            "kept": pieces, "tenant": by.get("tenant", "default"), "seller": seller, "door": by.get("door") or self._door,
            "key": by.get("key"), "store": self._store,
            "reserve": reserve, "events": events, "product": VERSION, "claims": None, "decision": msgspec.Raw(told),
            "masks": {} if self._policy == "clear" else dict.fromkeys(masked, self._policy),
        })  # fmt: skip
        name = hashlib.sha256(said).hexdigest()[:NAME].encode() if told.isascii() and b"\x7f" not in told else b""
        if len(self._answers) >= _LIMIT:
            self._answers.clear()
        found = self._answers[given] = _Answer(name, b'{"kind":"answer","answer":"%b","said":%b}' % (name, said), (form, pieces, by))
        return found


def moments_of(now: Instant, known_at: Instant) -> bytes:
    """When records of a group are made, and from what was known when."""
    return encode({"at": moment(now), "known_at": moment(known_at)})[1:-1]


def _names(value: str | bool | None, called: str) -> bool:
    """Whether the called number's digits stand in a text."""
    return type(value) is str and called[-4:] in value and called in _NO_DIGIT.sub("", value)
