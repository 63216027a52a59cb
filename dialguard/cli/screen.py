"""``dialguard screen``: a whole list before launch. Every row comes back with its verdict, and a summary is printed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dialguard.cli import common
from dialguard.cli.common import NOT_ADVICE, UsageError
from dialguard.cli.progress import progress

if TYPE_CHECKING:
    from dialguard.screening.columns import Columns
    from dialguard.screening.report import Summary


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "screen",
        help="screen a list: CSV, tab-separated, NDJSON or Parquet",
        description="Reads a list, decides every row at one moment and writes all rows in order with dg_ columns added: verdict, "
        "reasons, citation, what the caller must do, when it could be called instead. The kind of each file is told by its name.",
    )
    command.add_argument("input", metavar="IN", type=Path, help="the list (.csv, .tsv, .txt, .psv, .ndjson, .jsonl, .parquet; text also .gz)")
    command.add_argument("output", metavar="OUT", type=Path, help="the file to write; it appears when it is whole")
    command.add_argument("--campaign", required=True, metavar="FILE", type=Path, help="the campaign, JSON or YAML")
    command.add_argument("--seller", metavar="NAME", help="the seller, in place of the campaign's")
    command.add_argument("--channel", default="voice", choices=("voice", "sms", "mms", "rvm", "fax"), help="default voice")
    command.add_argument("--at", metavar="MOMENT", help="judge at this moment (RFC 3339; default now)")
    command.add_argument(
        "--map", action="append", default=[], metavar="FIELD=COLUMN[,..]",
        help="which column is which: phone=COL,state=COL,zip=COL; FIELD= leaves one out; also fields of an attempt (consent.level=COL)",
    )  # fmt: skip
    command.add_argument("--encoding", default="utf-8", help="encoding of a text file (default utf-8)")
    command.add_argument("--no-quotes", action="store_true", help="quotation marks are plain characters (always so with tabs)")
    command.add_argument("--columns", metavar="NAME[,..]", help="which dg_ columns to add, such as verdict,reasons,retry_at (default all)")
    command.add_argument("--report", metavar="FILE", type=Path, help="write a report with charts, one HTML file that needs nothing else")
    command.add_argument("--force", action="store_true", help="replace OUT and the report if they exist")
    common.judging_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Screen the list; 0 when the output was written."""
    from dialguard.facts.given import InvalidInput
    from dialguard.model.records import LookUpFailed
    from dialguard.screening.columns import recognise
    from dialguard.screening.files import screen_file
    from dialguard.screening.read import TableError, open_source
    from dialguard.screening.write import Output

    _report_place(options)
    try:
        source = open_source(options.input, options.encoding, not options.no_quotes)
        columns = recognise(source.columns, _told(options.map))
        guard = common.open_guard(options)
        campaign = common.read_campaign(options.campaign) | ({"seller": options.seller} if options.seller else {})
        screener = guard.screener(campaign, options.at, options.channel)
        output = Output(options.output, source, options.force, _added(options.columns))
        _say_columns(columns)
        with progress("screening", "rows") as tell:
            summary = screen_file(source, columns, screener, output, lambda rows, done: tell(rows, done, source.size))
    except TableError as error:
        text = str(error)
        raise UsageError(text if str(options.input) in text or str(options.output) in text else f"{options.input}: {text}") from None
    except InvalidInput as error:
        lines = [f"{options.campaign}: not a usable campaign", *(f"{name}: {text}" for name, text in error.errors)]
        raise UsageError("\n  ".join(lines)) from None
    except LookUpFailed as error:
        raise UsageError(f"the store cannot answer, so nothing was screened: {error}") from None
    if summary.failed:
        print(f"dialguard: {summary.failed:,} rows were denied because of an error in this program; see dg_problem and report it", file=sys.stderr)
    if options.report is not None:
        _write_report(options.report, summary, {"source": options.input.name, "at": guard_time(screener.at), "campaign": campaign | {"channel": options.channel}})
    if options.json:
        common.print_json(summary.as_dict() | {"output": str(options.output), "at": guard_time(screener.at)})
    else:
        print("\n".join(in_words(summary, options.output, guard_time(screener.at), options.report)))
    return 0


def _added(told: str | None) -> tuple[str, ...]:
    from dialguard.screening.answers import COLUMNS

    if told is None:
        return COLUMNS
    names = [name if name.startswith("dg_") else f"dg_{name}" for name in map(str.strip, told.split(","))]
    for name in names:
        if name not in COLUMNS:
            raise UsageError(f"--columns {name}: there is no such column; expected some of {', '.join(known[3:] for known in COLUMNS)}")
    return tuple(names)


def _report_place(options: argparse.Namespace) -> None:
    """Before hours of work: that a report can be written."""
    path = options.report
    if path is None:
        return
    if path in (options.input, options.output):
        raise UsageError(f"{path}: the report needs a name of its own")
    if path.exists() and not options.force:
        raise UsageError(f"{path} exists; give another name, or say --force to replace it")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}")


def _write_report(path: Path, summary: Summary, about: dict[str, object]) -> None:
    from dialguard.screening.html import html_report

    text = html_report(summary.as_dict() | about | {"week": summary.week(), "packs": summary.packs})
    part = path.with_name(f".{path.name}.dialguard-part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"{path}: cannot be written ({error.strerror or error}); the screened list is complete") from None


def guard_time(instant: int) -> str:
    """A moment in UTC."""
    from dialguard.facts import clock

    return clock.format_instant(instant // 1_000_000 * 1_000_000)


def _told(options: list[str]) -> dict[str, str]:
    told: dict[str, str] = {}
    for pair in ",".join(options).split(",") if options else ():
        field, equals, column = pair.partition("=")
        if not equals or not field.strip():
            raise UsageError(f"--map {pair}: expected FIELD=COLUMN, such as phone=Telephone")
        told[field.strip()] = column.strip()
    return told


def _say_columns(columns: Columns) -> None:
    passed = f"; not screened: {', '.join(columns.passed_over)}" if columns.passed_over else ""
    print(f"columns: {columns.shown()}{passed}", file=sys.stderr)


def in_words(summary: Summary, output: Path, at: str, report_file: Path | None = None) -> list[str]:
    """The summary for a reader."""
    from dialguard.screening import report

    found = summary.as_dict()
    rows, now = found["rows"], found["callable_now"]
    lines = [f"{rows:,} rows in, {rows:,} rows out; judged at {at}", ""]
    lines += common.columns(
        [
            ("callable now", now, f"({now / rows:.0%})"),
            ("callable later", found["callable_later"], "time alone cures it"),
            ("not callable", found["not_callable"], "the law or your data stand against it"),
            ("duplicates", found["duplicates"], "of a number further up; not to be called twice"),
            ("unusable", found["unusable"], "no number that may be called"),
        ]
    )
    reasons = [(r["rule"], r["rows"], r["callable_later"], r["among_all"], r["kind"], r["citation"]) for r in found["reasons"]]
    lines += _table("dropped out, by main reason: rows, of these callable later, rows with it among their reasons", reasons)
    lines += _table("missing facts that would settle it", [(name, count) for name, count in found["needs"].items()])
    states = sorted(report.by_state(found["states"]).items(), key=lambda item: item[1]["rows"] - item[1]["now"], reverse=True)
    table = [(name, c["rows"], c["now"], c["later"], c["never"], report.main_reason(c)) for name, c in states]
    lines += _table("by state: rows, now, later, not callable and why", table)
    later = report.by_local_hour(found["retry_at"])
    lines += _table("callable later, on the called party's clock", [(shown, count) for shown, count in later])
    lines += _table("unusable, by why", [(count, why) for why, count in found["problems"].items()])
    lines += _table("with every call made now, the caller must", [(o["rows"], common.cited(o["message"], o["citation"])) for o in found["obligations"]])
    written = [f"written: {output}"] + ([f"report: {report_file}"] if report_file is not None else [])
    return [*lines, "", *written, NOT_ADVICE]


def _table(title: str, rows: list[tuple]) -> list[str]:
    from dialguard.screening.report import SHOWN

    if not rows:
        return []
    rest = len(rows) - SHOWN
    shown = [f"  {line}" for line in common.columns(rows[:SHOWN])]
    return ["", title, *shown, *([f"  and {rest:,} more lines (--json has all)"] if rest > 0 else [])]
