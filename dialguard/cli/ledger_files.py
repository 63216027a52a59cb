"""``ledger import``, ``export`` and ``due``: a seller's record from and to files, and what of it falls due."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dialguard.cli import common
from dialguard.cli.common import UsageError

if TYPE_CHECKING:
    from dialguard.ledger.ledger import Ledger

_KINDS = ("consent", "revocation", "relationship", "internal", "contact", "attempt", "outcome", "declaration", "pause")
_FORMATS = ("csv", "ndjson", "parquet")


def add(actions: argparse._SubParsersAction) -> None:
    """Add the actions to ``ledger``."""
    action = actions.add_parser(
        "import", help="record the entries of a file, all or none",
        description="Records every entry of a file, or none: each mistake is named with its line. An entry with an `id` comes once, "
        "however often the file is imported. Twilio's consent items (contact_id, status, ...) are taken as they are.",
    )  # fmt: skip
    action.add_argument("file", metavar="FILE", type=Path, help="CSV, NDJSON, JSON or Parquet")
    action.add_argument("--seller", metavar="NAME", help="whose record, where the rows do not say")
    action.add_argument("--kind", choices=_KINDS, help="what the rows are, where they do not say")
    action.add_argument("--level", choices=("express", "express_written"), help="level of Twilio's opt-ins (default express)")
    action.add_argument("--known-at", choices=("now", "file"), help="when the entries became known, for a file that says it (known_at)")
    _finish(action, import_)
    action = actions.add_parser("export", help="write a seller's record to a file, corrected and retracted entries too")
    action.add_argument("file", metavar="FILE", type=Path, help="CSV, NDJSON or Parquet, by its suffix")
    action.add_argument("--seller", required=True, metavar="NAME")
    action.add_argument("--kind", choices=_KINDS, action="append", help="only these (repeatable)")
    action.add_argument("--as-of", metavar="MOMENT", help="only what had been recorded by then: RFC 3339, or a date")
    action.add_argument("--force", action="store_true", help="replace the file where it exists")
    _finish(action, export)

    action = actions.add_parser("due", help="consents and certificates that end soon, revocations to be carried out everywhere")
    action.add_argument("--seller", required=True, metavar="NAME")
    action.add_argument("--days", type=int, default=30, metavar="N", help="how far ahead (default 30)")
    _finish(action, due, is_file=False)


def _finish(action: argparse.ArgumentParser, run: object, *, is_file: bool = True) -> None:
    if is_file:
        action.add_argument("--format", choices=_FORMATS, help="where the suffix of the file does not say it")
    common.store_option(action)
    common.json_option(action)
    action.set_defaults(run=run)


@contextlib.contextmanager
def _ledger(options: argparse.Namespace) -> Iterator[Ledger]:
    from dialguard.ledger.errors import ImportRefused, LedgerError
    from dialguard.ledger.tables import TableError
    from dialguard.model.records import LookUpFailed

    store = common.recording_store(options)
    try:
        yield common.ledger_of(store)
        if hasattr(store, "settle"):
            store.settle()  # what a file brought stands in the ledger; Redis follows
    except (ImportRefused, LedgerError, LookUpFailed, TableError) as error:
        raise UsageError(str(error)) from None
    finally:
        store.close()


def import_(options: argparse.Namespace) -> int:
    """Record the entries of a file."""
    from dialguard.facts import clock
    from dialguard.ledger.importing import import_file
    from dialguard.ledger.incoming import Reading

    with _ledger(options) as ledger:
        reading = Reading(
            now=clock.now(), kind=options.kind, seller=options.seller, level=options.level or "express",
            keep_known_at={"file": True, "now": False}.get(options.known_at),
        )  # fmt: skip
        done = import_file(ledger, options.file, reading, options.format)
    if options.json:
        common.print_json({"recorded": done.added, "there_before": done.there})
        return 0
    print("recorded: " + (", ".join(f"{count:,} {kind}" for kind, count in done.added.items()) or "nothing new"))
    if done.there:
        print(f"there before: {done.there:,}")
    return 0


def export(options: argparse.Namespace) -> int:
    """Write a seller's record to a file."""
    from dialguard.ledger.exporting import export_file

    _need_folder(options)
    if options.file.exists() and not options.force:
        raise UsageError(f"{options.file} exists; give another name, or say --force to replace it")
    as_of = None if options.as_of is None else common.moment(options.as_of, "--as-of")
    with _ledger(options) as ledger:
        count = export_file(ledger, options.file, options.seller, kinds=options.kind or _KINDS, as_of=as_of, format=options.format)
    if options.json:
        common.print_json({"file": str(options.file), "entries": count})
    else:
        print(f"{options.file}: {count:,} {'entry' if count == 1 else 'entries'}")
    return 0


def due(options: argparse.Namespace) -> int:
    """What of a seller's record falls due."""
    from dialguard.facts import clock
    from dialguard.ledger.due import due as find

    if not 0 <= options.days <= 3660:
        raise UsageError(f"--days {options.days}: expected 0 to 3660")
    _need_folder(options)
    with _ledger(options) as ledger:
        found = find(ledger, options.seller, clock.now(), options.days)
    if options.json:
        common.print_json([item._asdict() for item in found])
    else:
        print("\n".join(common.columns(found)) if found else f"nothing falls due within {common.counted(options.days, 'day')}")
    return 0


def _need_folder(options: argparse.Namespace) -> None:
    if "://" not in (options.store or "") and not common.store_folder(options).is_dir():
        # A mistyped folder must not read as a record that holds nothing.
        raise UsageError(f"there is no store folder {common.store_folder(options)}; check the path")
