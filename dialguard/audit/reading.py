"""Reading the decision log: the records that fit a question, found by a scan of the segments.

A scan looks for the bytes that every fitting line must hold (a keyed hash, an id, a rule), at the speed of memory, and reads only
the lines that hold them. There is no index to keep, to lose, or to disagree with the log.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from dialguard.audit import standalone
from dialguard.audit.errors import LogError
from dialguard.audit.kept import Kept
from dialguard.audit.keys import COVERED, NUMBER_BYTES, Keys
from dialguard.audit.record import unmask
from dialguard.audit.text import decode, encode, moment
from dialguard.facts import numbers
from dialguard.model.moment import Instant


class Record(NamedTuple):
    """One record of a decision, as it stands in the log."""

    chain: str
    seq: int
    hash: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What is looked for; None is anything. ``id``: of a decision or an attempt. ``number``: E.164, called or shown. ``since`` and
    ``until`` (exclusive): when it was recorded."""

    id: str | None = None
    number: str | None = None
    seller: str | None = None
    tenant: str | None = None
    verdict: str | None = None
    rule: str | None = None
    since: Instant | None = None
    until: Instant | None = None


class Reader:
    """The log in a folder, for questions. Raises LogError where there is none, OSError."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        if not folder.is_dir():
            raise LogError(f"there is no decision log in {folder}; decisions are recorded with `check --log {folder}`")
        self.folder, self.keys, self.kept = folder, keys, Kept(folder / "kept")

    def find(self, wanted: Wanted) -> Iterator[Record]:
        """The records that fit, as they were recorded one after the other."""
        needles, tokens = self._needles(wanted)
        since = moment(wanted.since) if wanted.since is not None else ""
        until = moment(wanted.until) if wanted.until is not None else "~"

        def of(chain: Path) -> Iterator[Record]:
            for record in _records(chain, needles, wanted):
                if since <= record.body["at"] < until and _fits(record.body, wanted, tokens):
                    yield record

        return heapq.merge(*(of(chain) for chain in standalone.chains(self.folder)), key=lambda record: record.body["at"])

    def whole(self, record: Record) -> tuple[dict[str, Any], list[str]]:
        """A record's body with what it refers to put in and what is sealed opened, and what could not be."""
        body, notes = decode(encode(record.body)), []
        try:
            body = unmask(body, self.keys)
        except LogError as error:
            notes.append(str(error))
        for name, digest in body["kept"].items():
            if name in ("obligations", "campaign"):
                try:
                    piece = decode(self.kept.read(digest))
                except LogError as error:
                    notes.append(str(error))
                    continue
                if name == "obligations":
                    body["decision"]["obligations"] = piece
                else:
                    body["campaign"] = piece | ({"claims": body["claims"]} if body["claims"] else {})
        return body, notes

    def _needles(self, wanted: Wanted) -> tuple[list[bytes], set[str]]:
        """Byte strings of which a fitting line holds one (none: any line may fit), and the tokens of what is looked for."""
        living = self.keys.living(wanted.tenant)
        if wanted.number is not None:
            covered = (wanted.number,) if len(wanted.number) <= NUMBER_BYTES else ()
            tokens = {token for key in living for token in (key.token("n", wanted.number), *key.cover(covered))}
            return [b'"' + token.encode() for token in tokens] + [wanted.number[-4:].encode()], tokens
        if wanted.id is not None:
            tokens = {key.token("p", wanted.id) for key in living}
            return [encode(wanted.id), *(f'"{token}"'.encode() for token in tokens)], tokens
        for name in ("rule", "seller", "verdict"):
            value = getattr(wanted, name)
            if value is not None:
                return [b'"%b":%b' % (name.encode(), encode(value))], set()
        return [], set()


def _fits(body: dict[str, Any], wanted: Wanted, tokens: set[str]) -> bool:
    decision, attempt = body["decision"], body["attempt"]
    if wanted.id is not None and decision["id"] != wanted.id and decision["attempt_id"] not in (wanted.id, *tokens):
        return False
    if wanted.number is not None and not any(_is_number(attempt.get(name), wanted.number, tokens) for name in ("to", "from")):
        return False
    if wanted.rule is not None and all(reason["rule"] != wanted.rule for reason in decision["reasons"]):
        return False
    told = ((wanted.seller, body["seller"]), (wanted.tenant, body["tenant"]), (wanted.verdict, decision["verdict"]))
    return all(asked is None or asked == said for asked, said in told)


def _is_number(value: object, number: str, tokens: set[str]) -> bool:
    if not isinstance(value, str):
        return False
    if value[:2] in ("n-", COVERED):
        return value.partition(" ")[0] in tokens or value[:-3] in tokens  # how it was written follows, or two digits
    return numbers.parse(value).e164 == number


def _records(chain: Path, needles: Sequence[bytes], wanted: Wanted) -> Iterator[Record]:
    paths = standalone.segments(chain)
    begun = [_begun(path) for path in paths]
    for place, path in enumerate(paths):
        late = wanted.until is not None and begun[place] >= wanted.until
        early = wanted.since is not None and place + 1 < len(paths) and 0 < begun[place + 1] <= wanted.since
        if not late and not early and path.stat().st_size:
            answers: dict[str, dict[str, Any]] = {}
            for line in _lines(path, needles):
                found = standalone.parse(line)
                body = standalone.said_by(found.body) if found is not None else {}
                if body.get("kind") == "decision":
                    yield Record(chain.name, found.seq, found.hash.hex(), _whole(body, answers, f"{path.name} of {chain.name}, seq {found.seq}"))
                elif body.get("kind") == "answer" and "said" in body:
                    answers[body["answer"]] = body["said"]


_ORDER = (
    "kind", "kept", "at", "known_at", "tenant", "seller", "door", "key", "store", "reserve", "events", "product", "claims", "attempt",
    "decision", "masks", "sealed",
)  # fmt: skip


def _whole(body: dict[str, Any], answers: Mapping[str, dict[str, Any]], where: str) -> dict[str, Any]:
    """A record with the answer that stands before it in its segment."""
    name = body.pop("answer", None)
    if name is not None:
        if name not in answers:
            raise LogError(f"{where}: its answer does not stand before it; `dialguard decisions verify` says what is broken")
        said, own = answers[name], body["decision"]
        reservation, shared = own.pop("reservation"), dict(said["decision"])
        evidence = dict(shared.pop("evidence"))
        decision = {**own, **shared, "reservation": reservation, "evidence": evidence}
        told = {**body, **said, "kept": dict(said["kept"]), "masks": dict(said["masks"]), "decision": decision}
        body = {**{each: told[each] for each in _ORDER if each in told}, **told}
    return body


def _begun(path: Path) -> Instant:
    with path.open("rb") as file:
        first = standalone.parse(file.readline())
    begun = standalone.said_by(first.body).get("begun") if first is not None else None
    return begun if isinstance(begun, int) else 0


_ANSWER = b'"body":{"kind":"answer","answer":"'


def _lines(path: Path, needles: Sequence[bytes]) -> Iterator[bytes]:
    """The lines of a segment that hold one of the needles, or of which the answer does, and all answers, in order; all lines where there
    is no needle."""
    if not needles:
        with path.open("rb") as file:
            yield from file
        return
    held = path.read_bytes()  # of a bounded size; a search in mapped memory is several times slower
    answers = {start: end for start, end in _holding(held, _ANSWER)}
    named = []
    for start, end in answers.items():
        if any(held.find(needle, start, end) >= 0 for needle in needles):
            name = held.index(_ANSWER, start) + len(_ANSWER)
            named.append(b'"answer":"' + held[name : held.index(b'"', name) + 1])
    found = answers | {start: end for needle in (*needles, *named) for start, end in _holding(held, needle)}
    for start in sorted(found):
        yield held[start : found[start]]


def _holding(held: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    """Where the lines that hold some bytes begin and end."""
    place = held.find(needle)
    while place >= 0:
        end = held.find(b"\n", place) + 1 or len(held)
        yield held.rfind(b"\n", 0, place) + 1, end
        place = held.find(needle, end)
