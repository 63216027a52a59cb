"""``dialguard optout``: what a reply to a text asks for; one message, or a file of them with a column ``text``."""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dialguard.cli import common
from dialguard.cli.common import UsageError

if TYPE_CHECKING:
    from dialguard.optout import OptOut

FIELDS = ("verdict", "tier", "scope", "subject", "channel", "words", "why")
_LONGEST_CELL = 10_000_000


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "optout",
        help="what a reply to a text asks for: an opt-out, help, texts again",
        description="Reads one message, or JSON Lines or CSV with a field `text` from standard input, to which the answer is added row by "
        "row in the same order. verdict: optout, unclear (one from marketing until a person decides), wrong_number, help, start, none.",
    )
    command.add_argument("text", nargs="*", metavar="TEXT", help="the message (default: many, from standard input)")
    command.add_argument("--words", action="append", default=[], metavar="FILE", type=Path, help="a file of your own phrases (repeatable)")
    command.add_argument("--asked-scope", choices=("marketing",), help="the message answers the question which messages to keep")
    common.json_option(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read and label; 0, or 2 where a line could not be read."""
    from dialguard import optout
    from dialguard.packs.yamlfile import PackError

    def label(text: object) -> OptOut:
        return optout.read(text, asked_scope=options.asked_scope, own=options.words)

    try:
        label("")
    except PackError as error:
        raise UsageError(str(error)) from None
    if options.text:
        heard = label(" ".join(options.text))
        if options.json or not common.to_a_terminal():
            common.print_json(cells(heard))
        else:
            scope = f", scope {heard.scope}" if heard.scope else ""
            print(f"{heard.verdict}{f' ({heard.tier})' if heard.tier else ''}{scope}: {heard.why}")
        return 0
    lines = io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", errors="replace", newline="")
    first = next((line for line in lines if line.strip()), "")
    every = itertools.chain((first,), lines)
    return _rows(every, label) if first.lstrip()[:1] == "{" else _table(every, label)


def cells(heard: OptOut) -> dict[str, object]:
    """The answer as fields."""
    return {name: getattr(heard, name) for name in FIELDS}


def _rows(lines: Iterable[str], label) -> int:
    """JSON Lines. A line that cannot be read is unclear, so that it is looked at, and told on standard error."""
    status = 0
    for place, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = common.load_json(line)
            if not isinstance(row, dict) or not isinstance(row.get("text"), str):
                raise ValueError("expected an object with a field `text`")
            print(json.dumps(row | cells(label(row["text"])), ensure_ascii=False))
        except ValueError as error:
            status = 2
            print(f"dialguard: line {place}: {error}", file=sys.stderr)
            print(json.dumps({"line": place, "verdict": "unclear", "why": f"not read: {error}"}))
    return status


def _table(lines: Iterator[str], label) -> int:
    """CSV with a header."""
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(lines)
    try:
        header: Sequence[str] = next(reader, [])
        place = header.index("text")
    except ValueError:
        found = ", ".join(header)[:80] or "nothing"
        raise UsageError(f"standard input: found {found}, expected JSON Lines or CSV with a column `text`") from None
    except csv.Error as error:
        raise UsageError(f"standard input: line 1: {error}") from None
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow((*header, *FIELDS))
    try:
        for row in reader:
            if row:
                heard = cells(label(row[place] if place < len(row) else ""))
                filled = (*row, *("" for _ in range(len(header) - len(row))))
                out.writerow((*filled, *("; ".join(value) if isinstance(value, tuple) else value for value in heard.values())))
    except csv.Error as error:
        raise UsageError(f"standard input: line {reader.line_num}: {error}; what came before it was read") from None
    return 0
