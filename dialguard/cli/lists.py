"""``dialguard lists``: import a Do-Not-Call list or changes to it, see and verify what is held, take a version back."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dialguard.cli import common, reassigned
from dialguard.cli.common import UsageError
from dialguard.cli.progress import progress

if TYPE_CHECKING:
    from dialguard.lists.upkeep import Kept
    from dialguard.lists.versions import Version


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its actions."""
    command = commands.add_parser("lists", help="Do-Not-Call lists: import, changes, status, certificate, verify, rollback")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")

    action = actions.add_parser(
        "import", help="bring a full list in as a new version, whole or not at all",
        description="NAME is `national`, a state's two letters, litigator, do_not_originate, wireless_blocks, ported_to_wireless, "
        "ported_to_wireline, or a name of your own. The file is the publisher's full list, plain or zipped; its layout is recognised. "
        "A list of changes is refused.",
    )  # fmt: skip
    action.add_argument("name", metavar="NAME")
    action.add_argument("file", metavar="FILE", type=Path)
    action.add_argument("--published", metavar="DATE", help="day of the publisher's copy (default: the day the file was last changed)")
    action.add_argument("--effective", metavar="DATE", help="first day on which the law wants it used (default: the day published)")
    action.add_argument("--use-by", metavar="DATE", help="last day on which it may be used")
    action.add_argument("--san", metavar="NUMBER", help="the subscription account number under which it was fetched")
    action.add_argument("--area-codes", metavar="CODES", help="the area codes that the copy covers, separated by commas")
    action.add_argument(
        "--whole-plan", action="store_true",
        help="the copy of the national registry covers every area code (default: those that occur in the file, all if they are many)",
    )  # fmt: skip
    _allowances(action)
    _finish(action, import_list)

    action = actions.add_parser(
        "changes", help="apply a list of changes (numbers added and deleted) to the version held",
        description="FILE has rows with a number, a date, and A for added or D for deleted, plain or zipped. The result is a new version; "
        "the one before is kept. Refused when the changes do not continue that version.",
    )  # fmt: skip
    action.add_argument("name", metavar="NAME")
    action.add_argument("file", metavar="FILE", type=Path)
    action.add_argument("--published", metavar="DATE", help="day up to which the changes go (default: the day the file was last changed)")
    action.add_argument("--since", metavar="DATE", help="first day of which they tell (default: the first date in the file)")
    action.add_argument("--base", metavar="ID", help="the version to change (default: the latest that covers the area codes)")
    action.add_argument("--effective", metavar="DATE", help="first day on which the law wants it used (default: the day published)")
    action.add_argument("--use-by", metavar="DATE", help="last day on which it may be used")
    action.add_argument("--san", metavar="NUMBER", help="the subscription account number under which it was fetched")
    action.add_argument("--allow-gap", action="store_true", help="take it although it does not continue the version")
    _allowances(action)
    _finish(action, apply_changes)

    action = actions.add_parser("status", help="the versions held, how old they are, until when they may be used")
    action.add_argument("--warn-days", type=int, default=7, metavar="N", help="warn of a list that falls due within so many days (7)")
    action.add_argument("--check", action="store_true", help="exit with 1 when a list is damaged, stale, or due so soon")
    action.add_argument("--rules", action="append", default=[], metavar="DIR", type=Path, help="add a folder of rule files")
    _finish(action, show_status)

    action = actions.add_parser(
        "certificate", help="what lists were in force, for the records of the safe harbour: versions, dates, account, counts, digests",
        description="Reads every version in force again, and states it. 1 when one of them is out of date.",
    )  # fmt: skip
    action.add_argument("names", metavar="NAME", nargs="*", help="the lists (default: all that are held)")
    action.add_argument("--at", metavar="MOMENT", help="the moment of the scrub (default: now): the lists held and in force then")
    action.add_argument("--input", metavar="FILE", type=Path, help="the list of leads that was scrubbed: its digest is stated")
    action.add_argument("--output", metavar="FILE", type=Path, help="what the scrub wrote: its digest is stated")
    action.add_argument("--rules", action="append", default=[], metavar="DIR", type=Path, help="add a folder of rule files")
    _finish(action, show_certificate)

    action = actions.add_parser(
        "reassigned-query", help="write the questions for the Reassigned Numbers Database: numbers and days of the consents held",
        description="OUT gets rows of number and date, one for each consent of the seller, to be sent to the database.",
    )  # fmt: skip
    action.add_argument("out", metavar="OUT", type=Path)
    action.add_argument("--seller", required=True, help="whose consents")
    _finish(action, reassigned.query)

    action = actions.add_parser(
        "reassigned-answers", help="take a file of answers of the Reassigned Numbers Database",
        description="FILE has rows of number, date asked about, and answer (yes, no, no data), as CSV or as a JSON list.",
    )  # fmt: skip
    action.add_argument("file", metavar="FILE", type=Path)
    action.add_argument("--asked", metavar="MOMENT", help="when the database was asked (default: when the file was last changed)")
    _finish(action, reassigned.answers)

    _finish(actions.add_parser("verify", help="read every file again and compare it with what was imported; 1 when one is damaged"), verify)

    action = actions.add_parser("rollback", help="withdraw the latest version of a list, or the one named")
    action.add_argument("name", metavar="NAME")
    action.add_argument("--version", metavar="ID", help="the version to withdraw (default: the latest)")
    _finish(action, rollback)


def _allowances(action: argparse.ArgumentParser) -> None:
    action.add_argument("--expected-rows", type=int, metavar="N", help="refuse the file unless it has so many good rows")
    action.add_argument("--expected-sha256", metavar="DIGEST", help="refuse the file unless it has this digest")
    action.add_argument("--allow-shrink", action="store_true", help="take it although it has a fifth fewer numbers than the last")
    action.add_argument("--allow-outside", action="store_true", help="leave out rows in area codes that the subscription does not cover")
    action.add_argument("--allow-bad-rows", type=int, default=0, metavar="N", help="leave out up to so many rows that are no numbers")


def _finish(action: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    common.store_option(action)
    common.json_option(action)
    action.set_defaults(run=lambda options: _guarded(run, options))


def _guarded(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    from dialguard.lists.errors import ListError

    try:
        return run(options)
    except ListError as error:
        raise UsageError(str(error)) from None


def import_list(options: argparse.Namespace) -> int:
    """Import one file as a new version."""
    from dialguard.lists.importing import import_list as run

    codes = None if options.area_codes is None else [code.strip() for code in options.area_codes.split(",") if code.strip()]
    as_found = options.name == "national" and codes is None and not options.whole_plan
    return _take(options, partial(run, area_codes=codes, whole_plan=options.whole_plan, as_found=as_found), "importing")


def apply_changes(options: argparse.Namespace) -> int:
    """Apply one change list to a version held."""
    from dialguard.lists.changing import apply_changes as run

    since = None if options.since is None else common.day(options.since, "--since")
    return _take(options, partial(run, since=since, base=options.base, allow_gap=options.allow_gap), "applying changes")


def _take(options: argparse.Namespace, run: Callable[..., Version], title: str) -> int:
    """Run with the arguments that a full list and a change list share, and tell the outcome."""
    from dialguard.facts import clock
    from dialguard.lists.errors import ListAlreadyImported

    dates = {
        name: common.day(text, f"--{name.replace('_', '-')}")
        for name in ("published", "effective", "use_by")
        if (text := getattr(options, name)) is not None
    }
    for name in ("allow_bad_rows", "expected_rows"):
        if (getattr(options, name) or 0) < 0:
            raise UsageError(f"--{name.replace('_', '-')}: expected a whole number from 0")
    if "published" not in dates:
        dates["published"] = _last_changed(options.file)
        print(f"published: {dates['published']}, the day the file was last changed; --published says otherwise", file=sys.stderr)
    folder = common.store_folder(options)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ListAlreadyImported)
        with progress(title, "bytes") as tell:
            version = run(
                folder, options.name, options.file, **dates, san=options.san, received_at=clock.now(), allow_shrink=options.allow_shrink,
                allow_outside=options.allow_outside,
                allow_bad_rows=options.allow_bad_rows, expected_rows=options.expected_rows,
                expected_sha256=options.expected_sha256,
                progress=lambda step, done, whole: tell(done, done, whole) if step == "read" else None,
            )  # fmt: skip
    held = any(issubclass(warning.category, ListAlreadyImported) for warning in told)
    if options.json:
        common.print_json(_record(version) | {"already_imported": held})
        return 0
    print(f"{'held already' if held else 'imported'}: list {version.code}, version {version.id}: {_counted(version)}")
    return 0


def _counted(version: Version) -> str:
    """The numbers of a version in words."""
    changes = version.changes
    extra = f", {version.duplicates:,} doubled" if version.duplicates and changes is None else ""
    left = f", {version.bad_rows:,} rows left out" if version.bad_rows else ""
    made = "" if changes is None else f" ({changes.added:,} added to and {changes.removed:,} removed from version {changes.base})"
    covers = "every area code" if version.area_codes is None else f"{len(version.area_codes)} area codes"
    return f"{version.numbers:,} numbers{made}{extra}{left}; covers {covers}"


def _last_changed(file: Path) -> date:
    try:
        return date.fromtimestamp(file.stat().st_mtime)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None


def _record(version: Version) -> dict[str, object]:
    from dialguard.facts import clock
    from dialguard.lists.versions import as_record

    return as_record(version) | {"received_at": clock.format_instant(version.received_at)}


def show_status(options: argparse.Namespace) -> int:
    """Every list with its versions, how old they are and until when they may be used; with --check 1 when one needs work."""
    from dialguard.facts import clock
    from dialguard.lists.kinds import KINDS
    from dialguard.lists.upkeep import DUE_SOON, STALE, upkeep
    from dialguard.lists.versions import status
    from dialguard.packs.load import load

    if options.warn_days < 0:
        raise UsageError("--warn-days: expected a whole number from 0")
    ruled = load(options.rules).lists
    schedules = KINDS | ruled
    today = clock.fixed(clock.now(), 0).ordinal
    rows: list[dict[str, object]] = []
    told: list[str] = []
    for held in status(common.store_folder(options)):
        if held.problem is not None:
            rows.append({"code": held.code, "problem": str(held.problem)})
            told.append(f"{held.code}: {held.problem}")
            continue
        for kept in upkeep(held.versions, schedules.get(held.code), today, options.warn_days):
            rows.append(_standing(kept, today) | {"problem": None if held.code in schedules else "no rule reads a list of this name"})
            if kept.state in (DUE_SOON, STALE):
                told.append(_warning(kept, today))
    missing = [code for code in ruled if not any(row["code"] == code for row in rows)]
    if options.json:
        common.print_json({"versions": rows, "not_loaded": missing, "warnings": told})
    else:
        table = [
            (row["code"], row["id"], row["numbers"], f"published {row['published']}", common.counted(row["age_days"], "day") + " old",
             f"may be used through {row['last_day'] or 'any day'}", row["state"], _covers(row["area_codes"]), row["problem"] or "")
            for row in rows if "id" in row
        ]  # fmt: skip
        for line in common.columns(table) or ["no list is loaded"]:
            print(line)
        if missing:
            print(f"not loaded: {', '.join(missing)} (a number there is unknown to these lists, which denies)")
        for warning in told:
            print(warning, file=sys.stderr)
    return 1 if options.check and told else 0


def _standing(kept: Kept, today: int) -> dict[str, object]:
    """A version and how it stands, as JSON."""
    last = kept.last_day
    return _record(kept.version) | {
        "state": kept.state, "age_days": kept.age_days, "last_day": _iso(last), "next_due": _iso(kept.next_due),
        "days_left": None if last is None else last - today, "stale": last is not None and last < today,
    }  # fmt: skip


def _warning(kept: Kept, today: int) -> str:
    code, left = kept.version.code, (kept.last_day or today) - today
    when = (
        f"was due on {_iso(kept.next_due)}: it no longer answers, which denies"
        if left < 0
        else f"is due on {_iso(kept.next_due)}: {_left(left)}"
    )
    return f"{code}: version {kept.version.id} {when}; import the next version (dialguard lists import {code} FILE), or the changes since"


def _left(days: int) -> str:
    return "today is the last day on which it may be used" if days == 0 else f"{common.counted(days, 'day')} left"


def _iso(ordinal: int | None) -> str | None:
    return None if ordinal is None else date.fromordinal(ordinal).isoformat()


def show_certificate(options: argparse.Namespace) -> int:
    """The lists in force, read again and stated; 1 when one is out of date."""
    from dialguard.facts import clock
    from dialguard.lists.certificate import certificate, file_record, render
    from dialguard.lists.kinds import KINDS
    from dialguard.packs.load import load

    now = clock.now()
    at = now if options.at is None else common.moment(options.at, "--at")
    screened: dict[str, object] = {}
    for name in ("input", "output"):
        path = getattr(options, name)
        try:
            screened |= {} if path is None else {name: file_record(path)}
        except OSError as error:
            raise UsageError(f"--{name} {path}: {error.strerror}") from None
    body = certificate(
        common.store_folder(options), KINDS | load(options.rules).lists, issued_at=clock.format_instant(now), today=clock.fixed(at, 0).ordinal,
        as_of=None if options.at is None else at, codes=options.names, screened=screened or None,
    )  # fmt: skip
    if options.json:
        common.print_json(body)
    else:
        print(render(body, clock.format_instant), end="")
    return 0 if all(version["in_time"] for item in body["lists"] for version in item["versions"]) else 1


def _covers(codes: object) -> str:
    return "all area codes" if codes is None else f"{len(codes)} area codes"


def verify(options: argparse.Namespace) -> int:
    """Read every file again; 1 when one is not what was imported."""
    from dialguard.lists.versions import verify as run

    checked = run(common.store_folder(options))
    damaged = [entry for entry in checked if entry.problem is not None]
    if options.json:
        common.print_json([entry._asdict() for entry in checked])
    else:
        for entry in checked:
            print(f"{entry.code}  {entry.file}  {entry.problem or 'whole'}")
        print(f"{len(checked)} files read, {len(damaged)} damaged")
    return 1 if damaged else 0


def rollback(options: argparse.Namespace) -> int:
    """Withdraw a version."""
    from dialguard.facts import clock
    from dialguard.lists.versions import rollback as run

    left = run(common.store_folder(options), options.name, version_id=options.version, at=clock.now())
    if options.json:
        common.print_json({"code": options.name, "latest": None if left is None else left.id})
    else:
        print(f"withdrawn; the latest version of list {options.name} is now {left.id if left else 'none: the list is not loaded'}")
    return 0
