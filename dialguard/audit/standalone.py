#!/usr/bin/env python3
"""Verifies a DialGuard decision log. This one file and Python's standard library (3.11 or newer) suffice.

    python verify_decisions.py FOLDER [--checkpoints FILE ...] [--json]

A log is a folder with one folder a chain (``chain-...``). A chain is written by one process at a time, as segments named by
their first sequence number (``000000000001.ndjson``). A line is one JSON object in ASCII, in exactly this form:

    {"seq":12,"body":{...},"hash":"<64 hex digits>"}

where hash = SHA-256 of the 32 bytes of the hash before it (of zeros for seq 1) followed by all bytes of the line before
``,"hash":``. Sequence numbers rise by one, from 1, through all segments. The first line of a segment has a body of kind
``begin`` that names its chain and the hash before it; the last line of every segment but the last is of kind ``end`` and states
how many lines stand before it. What records refer to as ``kept`` (campaigns, rule files, obligations) lies in ``kept/``, each
piece under the SHA-256 of its bytes. A line of kind ``answer`` holds what several decisions say alike, under the first 32 digits of
the SHA-256 of what it has ``said``; a decision that names an ``answer`` stands after it in the same segment.

Checkpoints (one JSON object a line: chain, seq, hash, at) say what a chain had come to at a moment. The file
``checkpoints.ndjson`` in the folder is always read, where it is there. Whoever can write to the folder can rewrite chains and
that file alike: only checkpoints kept elsewhere, given with --checkpoints, prove that nothing was rewritten, and what was cut
off after the last of them cannot be seen.

Exit status: 0 the log is whole, 1 it is broken (each break is named with chain and sequence number), 2 wrong usage.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

START = bytes(32)
"""The hash before the first line of a chain."""
_KIND = re.compile(rb'\{"kind":"([a-z]+)"(?:,"answer":"([0-9a-f]*)")?(,"said":(?=\{))?[,{]?(?:"kept":\{([^{}]*)\})?')
_DIGEST = re.compile(rb'"([0-9a-f]{64})"')
CHAIN = re.compile(r"chain-[0-9a-f]{16}")
SEGMENT = re.compile(r"[0-9]{12,}\.ndjson")


class Break(NamedTuple):
    """One thing that is wrong: the chain ('' where it is none), the sequence number at which it shows (0: none), and what it is."""

    chain: str
    seq: int
    what: str

    def __str__(self) -> str:
        where = f"{self.chain} at seq {self.seq}" if self.seq else self.chain
        return f"{where}: {self.what}" if where else self.what


class Checkpoint(NamedTuple):
    """What a chain had come to."""

    chain: str
    seq: int
    hash: str
    source: str


@dataclass
class Account:
    """What was verified. ``latest`` is the last checkpoint of each chain, ``ends`` the last line of each."""

    breaks: list[Break] = field(default_factory=list)
    records: int = 0
    chains: int = 0
    segments: int = 0
    pieces: int = 0
    checkpoints: int = 0
    ends: dict[str, tuple[int, str]] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)


def segments(chain: Path) -> list[Path]:
    """The segments of a chain in order."""
    return sorted((path for path in chain.iterdir() if SEGMENT.fullmatch(path.name)), key=lambda path: int(path.stem))


def chains(folder: Path) -> list[Path]:
    """The chains of a log."""
    return sorted(path for path in folder.iterdir() if CHAIN.fullmatch(path.name) and path.is_dir())


class Line(NamedTuple):
    """A line taken apart: what is hashed, its sequence number, its body, its hash."""

    said: bytes
    seq: int
    body: bytes
    hash: bytes


def parse(line: bytes) -> Line | None:
    """A line with its end, or None where it has not the form of one."""
    comma = line.find(b",", 7, 27)
    number, hashed = line[7:comma], line[-67:-3]
    framed = line[:7] == b'{"seq":' and line[comma : comma + 9] == b',"body":{' and line[-77:-67] == b'},"hash":"' and line[-3:] == b'"}\n'
    if not framed or not number.isdigit() or number[:1] == b"0":
        return None
    try:
        raw = bytes.fromhex(hashed.decode("ascii"))
    except ValueError:
        return None
    return Line(line[:-76], int(number), line[comma + 8 : -76], raw) if raw.hex().encode() == hashed else None


def digest(before: bytes, said: bytes) -> bytes:
    """The hash of a line whose hashed part is ``said``."""
    return hashlib.sha256(before + said).digest()


def verify(folder: Path, checkpoints: Iterable[Path] = ()) -> Account:
    """Verifies every chain of a log against itself, its kept pieces and all checkpoints. Raises OSError."""
    account = Account()
    own = folder / "checkpoints.ndjson"
    wanted: dict[str, dict[int, list[Checkpoint]]] = {}
    for path in (*([own] if own.exists() else ()), *checkpoints):
        for found in _checkpoints(path, account):
            wanted.setdefault(found.chain, {}).setdefault(found.seq, []).append(found)
            account.latest[found.chain] = max(found.seq, account.latest.get(found.chain, 0))
            account.checkpoints += 1
    refers: dict[str, tuple[str, int]] = {}
    for path in chains(folder):
        account.chains += 1
        _chain(path, wanted.pop(path.name, {}), account, refers)
    for name, points in wanted.items():
        source = next(iter(points.values()))[0].source
        account.breaks.append(Break(name, max(points), f"the chain is missing; {source} has a checkpoint of it"))
    _pieces(folder / "kept", refers, account)
    return account


def _checkpoints(path: Path, account: Account) -> Iterator[Checkpoint]:
    lines = path.read_bytes().split(b"\n")
    for place, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            said = json.loads(line)
            found = Checkpoint(said["chain"], said["seq"], said["hash"], path.name)
            if not (isinstance(found.chain, str) and isinstance(found.seq, int) and isinstance(found.hash, str)):
                raise ValueError
            yield found
        except (ValueError, KeyError, TypeError):
            if place < len(lines):  # a last line without its end was being written when the process died
                account.breaks.append(Break("", 0, f"{path.name} line {place}: not a checkpoint"))


def _chain(chain: Path, wanted: dict[int, list[Checkpoint]], account: Account, refers: dict[str, tuple[str, int]]) -> None:
    """Walks one chain. After a break it goes on from the line found, so that every break is named once."""
    seq, before, count = 0, START, 0
    name, breaks = chain.name, account.breaks
    paths = segments(chain)
    for path in paths:
        account.segments += 1
        first, ended, count, answers = True, False, 0, set()
        with path.open("rb") as file:
            for line in file:
                found = parse(line)
                if ended:
                    breaks.append(Break(name, seq + 1, f"{path.name} goes on after its end"))
                    ended = False
                if found is None:
                    what = "the last line is cut short" if not line.endswith(b"\n") and path is paths[-1] else "no line of a log"
                    breaks.append(Break(name, seq + 1, f"{what} ({path.name})"))
                    continue
                now, expected = found.seq, seq + 1
                fits = digest(before, found.said) == found.hash
                if now != expected:
                    breaks.append(Break(name, expected, f"expected seq {expected}, found {now} ({path.name})"))
                elif not fits:
                    breaks.append(Break(name, now, f"the hash does not fit the line and the one before it ({path.name})"))
                for point in wanted.pop(now, ()):
                    if point.hash != found.hash.hex():
                        breaks.append(Break(name, now, f"the hash differs from the checkpoint in {point.source}: history was rewritten"))
                kind = _KIND.match(found.body)
                if kind is None:
                    breaks.append(Break(name, now, f"the body names no kind ({path.name})"))
                    kind = (b"", b"", None, None, b"")
                if (kind[1] == b"begin") is not first:
                    breaks.append(Break(name, now, f"a segment begins with its first line and nowhere else ({path.name})"))
                elif first:
                    _begin(found, path, before, fits, breaks)
                elif kind[1] == b"end":
                    ended = True
                    if said_by(found.body).get("count") != count:
                        breaks.append(
                            Break(name, now, f"the end states another number of lines than the {count} that stand there ({path.name})")
                        )
                if kind[1] == b"answer":
                    answers.add(kind[2])
                    if kind[2] != hashlib.sha256(found.body[kind.end(3) : -1]).hexdigest()[:32].encode():
                        breaks.append(Break(name, now, f"the answer is not the one that its name says ({path.name})"))
                elif kind[2] is not None and kind[2] not in answers:
                    breaks.append(Break(name, now, f"its answer does not stand before it ({path.name})"))
                for piece in _DIGEST.findall(kind[4] or b""):
                    refers.setdefault(piece.decode(), (name, now))
                seq, before, first = now, found.hash, False
                count += 1
                account.records += 1
        if path is not paths[-1] and not ended:
            breaks.append(Break(name, seq + 1, f"{path.name} has no end, though a segment follows"))
    account.ends[name] = (seq, before.hex())
    for missing in sorted(wanted):
        source = wanted[missing][0].source
        if missing <= seq:
            breaks.append(Break(name, missing, f"the line of the checkpoint in {source} is missing"))
        else:
            breaks.append(
                Break(name, seq + 1, f"the chain ends at seq {seq}; {source} has a checkpoint of seq {missing}: its tail was cut")
            )
            break


def _begin(line: Line, path: Path, before: bytes, fits: bool, breaks: list[Break]) -> None:
    name, said = path.parent.name, said_by(line.body)
    if said.get("chain") != name:
        breaks.append(Break(name, line.seq, f"{path.name} begins as a segment of another chain"))
    elif int(path.stem) != line.seq:
        breaks.append(Break(name, line.seq, f"{path.name} begins with another sequence number than its name says"))
    elif fits and said.get("before") != before.hex():
        breaks.append(Break(name, line.seq, f"{path.name} begins with another hash than the segment before it ends with"))


def said_by(body: bytes) -> dict:
    """The object that a body is, empty where it is none."""
    try:
        found = json.loads(body)
    except ValueError:  # it was changed, which its hash tells
        return {}
    return found if isinstance(found, dict) else {}


def _pieces(folder: Path, refers: dict[str, tuple[str, int]], account: Account) -> None:
    """Every kept piece has the bytes that its name says, and none is missing that a record or a list of rule files names."""
    present = set()
    for path in sorted(folder.glob("*/*")) if folder.is_dir() else ():
        if not re.fullmatch("[0-9a-f]{64}", path.name):
            continue
        account.pieces += 1
        present.add(path.name)
        raw = path.read_bytes()
        chain, seq = refers.get(path.name, ("", 0))
        if hashlib.sha256(raw).hexdigest() != path.name:
            account.breaks.append(Break(chain, seq, f"kept/{path.name[:2]}/{path.name} was changed"))
        elif raw.startswith(b'{"rules":'):  # a revision of the rules: its files
            for file in said_by(raw).get("files", ()):
                refers.setdefault(file["sha256"], (chain, seq))
    for piece in sorted(set(refers) - present):
        account.breaks.append(Break(*refers[piece], f"kept/{piece[:2]}/{piece}, which it refers to, is missing"))


def report(account: Account) -> list[str]:
    """The outcome for a reader."""
    lines = [str(each) for each in account.breaks]
    counts = [("line", account.records), ("segment", account.segments), ("chain", account.chains), ("kept piece", account.pieces)]
    counted = [f"{number:,} {word}{'' if number == 1 else 's'}" for word, number in (*counts, ("checkpoint", account.checkpoints))]
    lines.append(f"{', '.join(counted)}: {'BROKEN' if account.breaks else 'whole'}")
    after = sum(end - account.latest.get(chain, 0) for chain, (end, _) in account.ends.items())
    if after > 0:
        lines.append(f"{after:,} of them after the last checkpoint of their chain; whether more stood there cannot be seen.")
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Verify the log that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument(
        "--checkpoints", action="append", default=[], type=Path, metavar="FILE", help="checkpoints kept elsewhere (repeatable)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"there is no folder {options.folder}")
    try:
        account = verify(options.folder, options.checkpoints)
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}")
    if options.json:
        said = {name: getattr(account, name) for name in ("records", "segments", "chains", "pieces", "checkpoints")}
        print(json.dumps({"whole": not account.breaks, "breaks": [each._asdict() for each in account.breaks], **said}))
    else:
        print("\n".join(report(account)))
    return 1 if account.breaks else 0


if __name__ == "__main__":
    sys.exit(main())
