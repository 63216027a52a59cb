"""The record of a decision put together from parts: of an attempt that gives no more than numbers, words and moments.

What the records of one campaign, key and door share is written once. It gives what ``record.record`` gives, and nothing where it might
not; a test holds the two together.
"""

import re
from collections.abc import Mapping

import msgspec

from dialguard.audit.keys import Key
from dialguard.audit.record import number, shown
from dialguard.audit.text import encode, moment
from dialguard.model.moment import Instant
from dialguard.model.version import VERSION

FIELDS = frozenset({"id", "channel", "to", "from", "at", "campaign", "line_type", "reserve"})
_NO_DIGIT = re.compile(r"\D")
_decode = msgspec.json.Decoder(dict[str, str | bool | None]).decode
_LIMIT = 10_000
_TO, _FROM = ("attempt", "to"), ("attempt", "from")


class Parts:
    """Writes such records, and keeps what they share. ``policy`` as in ``record.NUMBERS``; ``store`` and ``door`` as in ``DecisionLog.body``."""

    def __init__(self, policy: str, store: str, door: str) -> None:
        self._policy, self._store, self._door = policy, store, door
        self._one = b'{"attempt.to":"%b"}' % policy.encode()
        self._two = b'{"attempt.to":"%b","attempt.from":"%b"}' % (policy.encode(), policy.encode())
        self._shared: dict[tuple, tuple[bytes, bytes, Mapping[str, str]]] = {}

    def record(
        self, sent: bytes, decision: bytes, moments: bytes, key: Key | None, pieces: Mapping[str, str], seller: str, reserve: bool, events: bool,
        by: Mapping[str, str | None],
    ) -> bytes | None:  # fmt: skip
        """The line of a decision's record, ``decision`` being its JSON, which names the called number nowhere but in the attempt's own id,
        and ``moments`` those of ``moments_of``; None: it is to be made with care. ``pieces`` and ``seller`` are those of a registered
        campaign. Raises LogError."""
        try:
            attempt = _decode(sent)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if not FIELDS.issuperset(attempt) or not decision.isascii() or b"\x7f" in decision:
            return None
        given = (id(pieces), reserve, events, *by.items())
        first, second, _ = self._shared.get(given) or self._keep(given, pieces, seller, reserve, events, **by)
        if key is None:
            return b'%b%b%b%b,"decision":%b,"masks":{}}' % (first, moments, second, encode(attempt), decision)
        policy, to, from_ = self._policy, attempt.get("to"), attempt.get("from")
        attempt["to"], called = number(key, to, policy)
        if called is None or _names(attempt.get("id"), called) or _names(attempt.get("campaign"), called):
            return None
        if from_ is None:
            hidden, masks = ((_TO, to),), self._one
        else:
            hidden, masks = ((_TO, to), (_FROM, from_)), self._two
            attempt["from"] = shown(key, from_, policy)
        if policy != "sealed":
            return b'%b%b%b%b,"decision":%b,"masks":%b}' % (first, moments, second, encode(attempt), decision, masks)
        box = key.seal(encode(hidden), decision[7 : decision.index(b'"', 7)].decode())
        return b'%b%b%b%b,"decision":%b,"masks":%b,"sealed":{"key":"%b","box":"%b"}}' % (
            first, moments, second, encode(attempt), decision, masks, key.id.encode(), box,
        )  # fmt: skip

    def _keep(
        self, given: tuple, pieces: Mapping[str, str], seller: str, reserve: bool, events: bool, tenant: str = "default",
        door: str | None = None, key: str | None = None,
    ) -> tuple[bytes, bytes, Mapping[str, str]]:  # fmt: skip
        first = encode({"kind": "decision", "kept": pieces})[:-1] + b","
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
