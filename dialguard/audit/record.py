"""The record of one decision: what was asked, what was answered, and what is masked in it.

``numbers`` says what becomes of telephone numbers and of who the person is: ``sealed`` (a number in E.164 under a cipher, of all else a
keyed hash to find by, the value itself sealed in the record), ``masked`` (the hash and the last two digits, the value nowhere) or ``clear``. The text of a message leaves
its digest. ``masks`` of a record names each place and what was done there.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from dialguard.audit.errors import LogError
from dialguard.audit.keys import COVERED, NUMBER_BYTES, Key, Keys
from dialguard.audit.text import decode, encode
from dialguard.facts import numbers

NUMBERS = ("sealed", "masked", "clear")
_NUMBER_FIELDS = tuple((name, ("attempt", name), f"attempt.{name}") for name in ("to", "from"))
_HIDDEN = (("contact", "id"), ("caller_id", "name"), ("campaign", "claims"))  # these claims as a column of a table
"""Fields that name a person, or hold what names one."""
_NAMING = frozenset(name for first, second in (*_HIDDEN, ("history", "attempts")) for name in (first, f"{first}.{second}")) - {"campaign"}
_MESSAGE = frozenset({"message", "message.body"})
_NO_DIGIT = re.compile(r"\D")
_OTHERS = bytes(set(range(256)) - set(b"0123456789"))
_NO_DIGITS = bytes.maketrans(b"0123456789", b"#" * 10)
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]")
_MOST_SHOWN = 10_000


class _Named(msgspec.Struct):
    id: str


_ID = b'{"id":"'
_named = msgspec.json.Decoder(_Named).decode

Path = tuple[str | int, ...]


def record(body: Mapping[str, Any], policy: str, key: Key | None) -> bytes:
    """The line of a decision's record: its body with numbers and names masked, ``masks`` and ``sealed`` added.

    ``body`` stays as it is; its ``decision`` may be JSON. ``key`` may be None for the policy ``clear``. Raises TypeError or ValueError
    for what JSON cannot say.
    """
    attempt = dict(body["attempt"])
    told: dict[str, Any] = {**body, "attempt": attempt}
    if isinstance(told["decision"], bytes):
        raw = told["decision"]
        decision_id = raw[7 : raw.index(b'"', 7)].decode() if raw.startswith(_ID) else _named(raw).id
        told["decision"] = msgspec.Raw(raw) if raw.isascii() and not told["claims"] else decode(raw)
    else:
        decision_id = told["decision"]["id"]
    masks: dict[str, str] = {}
    if not _MESSAGE.isdisjoint(attempt):
        _digest_message(attempt, key, masks)
    if policy == "clear":
        return encode(told | {"masks": masks})
    hidden: list[tuple[Path, object]] = []
    called = None
    for name, path, mask in _NUMBER_FIELDS:
        value = attempt.get(name)
        if value is not None:
            masks[mask] = policy
            if name == "to":
                attempt[name], called = number(key, value, policy)
            else:
                attempt[name] = shown(key, value, policy)
            if not attempt[name].startswith(COVERED):
                hidden.append((path, value))

    def hide(holder: Any, name: str | int, path: Path) -> None:
        value = holder[name]
        if value is not None:
            holder[name] = key.token("p", value if isinstance(value, str) else encode(value).decode())
            hidden.append((path, value))
            masks[".".join(map(str, path))] = policy

    if not _NAMING.isdisjoint(attempt):
        for field in _HIDDEN:
            found = _place(attempt, *field)
            if found is not None:
                hide(*found)
        for holder, name, path in _called_before(attempt):
            if holder[name] is not None:
                value = holder[name]
                holder[name], _ = number(key, value, policy)
                if not holder[name].startswith(COVERED):
                    hidden.append((path, value))
                masks[".".join(map(str, path))] = policy
    if told["claims"]:
        hide(told, "claims", ("claims",))
        told["decision"] = decision = {**told["decision"], "evidence": dict(told["decision"]["evidence"])}
        if "claims" in decision["evidence"]:
            hide(decision["evidence"], "claims", ("decision", "evidence", "claims"))
    told["masks"] = masks
    raw = encode(told)
    if called is not None and called[-4:].encode() in raw:  # perhaps the number again, in a text where nobody looks for one
        if isinstance(told["decision"], msgspec.Raw):
            told["decision"] = decode(bytes(told["decision"]))
        for holder, name, path in _strings(told, ("attempt", "decision")):
            if called in _NO_DIGIT.sub("", holder[name]) and not _DATE.match(holder[name]):
                hide(holder, name, path)
        raw = encode(told)
    if policy == "sealed" and hidden:
        box = key.seal(encode(hidden), decision_id.encode())
        raw = b'%b,"sealed":{"key":"%b","box":"%b"}}' % (raw[:-1], key.id.encode(), box)
    return raw


def number(key: Key, value: object, policy: str) -> tuple[str, str | None]:
    """What stands in place of a number, and its ten digits."""
    found = numbers.parse(value)
    if found.e164 is None:
        return key.token("p", value if isinstance(value, str) else encode(value).decode()), None
    if policy == "sealed" and (written := shape(value, found.e164)) is not None:
        return key.cover((found.e164,))[0] + written, found.national
    token = key.token("n", found.e164)
    return f"{token}-{found.e164[-2:]}" if policy == "masked" else token, found.national


def shape(value: object, e164: str) -> str | None:
    """How a number is written, to stand after what covers it: nothing where that is E.164, else the text with ``#`` for its digits, after a
    blank; None where these are not simply the number's, or no block holds it."""
    if len(e164) > NUMBER_BYTES:
        return None
    if value == e164:
        return ""
    if not isinstance(value, str) or not value.isascii() or "#" in value:
        return None
    raw = value.encode()
    digits = raw.translate(None, _OTHERS).decode()
    return f" {raw.translate(_NO_DIGITS).decode()}" if digits == e164[1:] or (digits == e164[2:] and e164[:2] == "+1") else None


def _filled(number: str, written: str) -> str:
    """The number as it was written."""
    if not written:
        return number
    digits = iter(number[-written.count("#") :])
    return "".join(next(digits) if each == "#" else each for each in written)


def shown(key: Key, value: object, policy: str) -> str:
    """The same for a number that the seller shows: they are few, and the same each time."""
    held = key.shown.get(value) if isinstance(value, str) else None
    if held is None:
        held, _ = number(key, value, policy)
        if isinstance(value, str) and len(key.shown) < _MOST_SHOWN:
            key.shown[value] = held
    return held


def unmask(body: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """The body as it was before it was masked. Raises LogError where it cannot be: masked for good, or its key is gone."""
    gone = sorted(path for path, how in body.get("masks", {}).items() if how == "masked")
    if gone:
        raise LogError(f"{', '.join(gone)}: masked when recorded, kept nowhere")
    attempt, masks = body["attempt"], body.get("masks", {})
    places = [(attempt, name, path) for name, path, _ in _NUMBER_FIELDS if name in attempt]
    for holder, name, path in (*places, *_called_before(attempt)):
        value = holder[name]
        if isinstance(value, str) and value.startswith(COVERED) and ".".join(map(str, path)) in masks:
            covered, _, written = value.partition(" ")
            holder[name] = _filled(keys.get(covered.split("-")[1]).uncover(covered), written)
    sealed = body.get("sealed")
    if sealed is not None:
        for path, value in decode(keys.get(sealed["key"]).open(sealed["box"], body["decision"]["id"])):
            holder = body
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = value
    return body


def _digest_message(attempt: dict[str, Any], key: Key | None, masks: dict[str, str]) -> None:
    found = _place(attempt, "message", "body")
    if found is not None and found[0][found[1]] is not None:
        holder, name, path = found
        text = str(holder[name])
        plain = f"b-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
        holder[name] = plain if key is None else key.token("b", text)
        masks[".".join(path)] = "digest"


def _place(attempt: dict[str, Any], first: str, second: str) -> tuple[Any, str, Path] | None:
    """Where a field stands (its object, copied, its name there, the path to it), or None; a table's columns give dotted names."""
    holder = attempt.get(first)
    if holder is not None and (type(holder) is dict or isinstance(holder, Mapping)) and second in holder:
        attempt[first] = holder = dict(holder)
        return holder, second, ("attempt", first, second)
    dotted = f"{first}.{second}"
    return (attempt, dotted, ("attempt", dotted)) if dotted in attempt else None


def _called_before(attempt: dict[str, Any]) -> Iterator[tuple[Any, str, Path]]:
    """The numbers in the attempts that the caller says were made before."""
    found = _place(attempt, "history", "attempts")
    if found is None or not found[0][found[1]] or not isinstance(found[0][found[1]], (list, tuple)):
        return
    holder, name, path = found
    holder[name] = entries = [dict(entry) if isinstance(entry, Mapping) else entry for entry in holder[name]]
    for place, entry in enumerate(entries):
        for field in ("to", "from"):
            if isinstance(entry, dict) and field in entry:
                yield entry, field, (*path, place, field)


def _strings(body: dict[str, Any], parts: tuple[str, ...]) -> Iterator[tuple[Any, Any, Path]]:
    """Every text in some parts of a body, each in a copy that may be written to."""
    for part in parts:
        stack: list[tuple[Any, Any, Path]] = [(body, part, (part,))]
        while stack:
            holder, name, path = stack.pop()
            value = holder[name]
            if isinstance(value, Mapping):
                holder[name] = value = dict(value)
                stack += [(value, each, (*path, each)) for each in value]
            elif isinstance(value, (list, tuple)):
                holder[name] = value = list(value)
                stack += [(value, each, (*path, each)) for each in range(len(value))]
            elif isinstance(value, str):
                yield holder, name, path
