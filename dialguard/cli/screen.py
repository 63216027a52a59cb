"""``dialguard screen``: a whole list before launch. Every row comes back with its verdict, and a summary is printed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dialguard.cli import common
from dialguard.cli.common import NOT_ADVICE, UsageError
from dialguard.cli.progress import progress
from dialguard.model.redaction import without_numbers

if TYPE_CHECKING:
    from dialguard.guard import Guard
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
    command.add_argument(
        "input", metavar="IN", type=Path, help="the list (.csv, .tsv, .txt, .psv, .ndjson, .jsonl, .parquet; text also .gz)"
    )
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
    command.add_argument(
        "--certificate", metavar="FILE", type=Path,
        help="write which lists were scrubbed against: versions, dates, account, counts, digests (JSON; text where it ends in .txt)",
    )  # fmt: skip
    command.add_argument("--force", action="store_true", help="replace OUT, the report and the certificate if they exist")
    common.judging_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Screen the list; 0 when the output was written."""
    from dialguard.facts import clock
    from dialguard.facts.given import InvalidInput
    from dialguard.model.records import LookUpFailed
    from dialguard.screening.columns import recognise
    from dialguard.screening.files import screen_file
    from dialguard.screening.read import open_source
    from dialguard.screening.source import TableError
    from dialguard.screening.write import Output

    _place(options, options.report, "report")
    _place(options, options.certificate, "certificate")
    began = clock.now()
    try:
        source = open_source(options.input, options.encoding, not options.no_quotes)
        columns = recognise(source.columns, _told(options.map))
        guard = common.open_guard(options)
        folder = _list_folder(options, guard)
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
        print(
            f"dialguard: {summary.failed:,} rows were denied because of an error in this program; see dg_problem and report it",
            file=sys.stderr,
        )
    if options.report is not None:
        _write_report(
            options.report,
            summary,
            {"source": options.input.name, "at": guard_time(screener.at), "campaign": campaign | {"channel": options.channel}},
        )
    if options.certificate is not None and folder is not None:
        _write_certificate(options, guard, folder, began, screener.at, summary)
    if options.json:
        common.print_json(summary.as_dict() | {"output": str(options.output), "at": guard_time(screener.at)})
    else:
        beside = (("report", options.report), ("certificate", options.certificate))
        print("\n".join(in_words(summary, options.output, guard_time(screener.at), *beside)))
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


def _place(options: argparse.Namespace, path: Path | None, what: str) -> None:
    """Before hours of work: that a report or certificate can be written."""
    if path is None:
        return
    if path in (options.input, options.output) or options.report == options.certificate:
        raise UsageError(f"{path}: the {what} needs a name of its own")
    if path.exists() and not options.force:
        raise UsageError(f"{path} exists; give another name, or say --force to replace it")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}")


def _list_folder(options: argparse.Namespace, guard: Guard) -> Path | None:
    """Where the lists lie that a certificate speaks of; None where none was asked for."""
    if options.certificate is None:
        return None
    from dialguard.lists.versions import list_codes

    folder: Path | None = getattr(guard.store, "folder", None)
    if folder is None:
        raise UsageError(
            "--certificate: there are no lists to speak of; name the store folder that holds them (--store; journal= of Redis)"
        )
    if not list_codes(folder):
        raise UsageError(f"--certificate: no list is held in {folder}; import one: dialguard lists import national FILE --published DATE")
    return folder


def _write_certificate(options: argparse.Namespace, guard: Guard, folder: Path, began: int, at: int, summary: Summary) -> None:
    """The lists that were held when the screen began, each read again, with what went in and came out."""
    from dialguard.facts import clock
    from dialguard.lists.certificate import certificate, codes_in_force, file_record, render
    from dialguard.lists.errors import ListError
    from dialguard.lists.kinds import KINDS

    found = summary.as_dict()
    try:
        screened = {
            "input": file_record(options.input), "output": file_record(options.output), "rows": found["rows"], "judged_at": guard_time(at),
            **{name: found[name] for name in ("callable_now", "callable_later", "not_callable", "duplicates", "unusable")},
        }  # fmt: skip
        schedules, today = KINDS | guard.packs.lists, clock.fixed(at, 0).ordinal
        as_of = guard.as_of if guard.as_of is not None else began
        codes = codes_in_force(folder, schedules, today, as_of)
        if not codes:
            raise UsageError("--certificate: no list was in force; the screened list is complete, the certificate was not written")
        body = certificate(
            folder, schedules, issued_at=guard_time(clock.now()), today=today, as_of=as_of, codes=codes, screened=screened
        )
    except (ListError, OSError) as error:
        raise UsageError(f"--certificate: {error}; the screened list is complete, the certificate was not written") from None
    as_text = options.certificate.suffix == ".txt"
    _write(options.certificate, render(body, clock.format_instant) if as_text else json.dumps(body, ensure_ascii=False, indent=2) + "\n")
    if not all(version["in_time"] for item in body["lists"] for version in item["versions"]):
        print("dialguard: a list in the certificate is out of date", file=sys.stderr)


def _write_report(path: Path, summary: Summary, about: dict[str, object]) -> None:
    from dialguard.screening.html import html_report

    _write(path, html_report(summary.as_dict() | about | {"week": summary.week(), "packs": summary.packs}))


def _write(path: Path, text: str) -> None:
    """A file that is there whole or not at all."""
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
    print(without_numbers(f"columns: {columns.shown()}{passed}"), file=sys.stderr)


def in_words(summary: Summary, output: Path, at: str, *beside: tuple[str, Path | None]) -> list[str]:
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
    lines += _table(
        "with every call made now, the caller must", [(o["rows"], common.cited(o["message"], o["citation"])) for o in found["obligations"]]
    )
    written = [f"written: {output}", *(f"{what}: {file}" for what, file in beside if file is not None)]
    return [*lines, "", *written, NOT_ADVICE]


def _table(title: str, rows: list[tuple]) -> list[str]:
    from dialguard.screening.report import SHOWN

    if not rows:
        return []
    rest = len(rows) - SHOWN
    shown = [f"  {line}" for line in common.columns(rows[:SHOWN])]
    return ["", title, *shown, *([f"  and {rest:,} more lines (--json has all)"] if rest > 0 else [])]
