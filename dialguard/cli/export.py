"""``dialguard export``: hours, closed days and caps of the law for dialers that keep their own tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from dialguard.cli import common
from dialguard.cli.common import NOT_ADVICE, UsageError

DIALING = ("manual", "preview", "predictive", "automated", "random_sequential")
TARGETS = ("vicidial", "genesys", "csv")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    from dialguard.model.contract import Channel, Purpose, Voice

    command = commands.add_parser("export", help="hours, closed days and caps of the law as tables for a dialer")
    command.add_argument("target", choices=TARGETS, help="for which dialer; csv for any")
    command.add_argument("folder", metavar="FOLDER", type=Path, help="a new folder for the files")
    command.add_argument("--on", metavar="DATE", help="the law in force on this date (default: today)")
    command.add_argument("--purpose", default="telemarketing", choices=get_args(Purpose), help="default telemarketing")
    command.add_argument("--channel", default="voice", choices=get_args(Channel), help="default voice")
    command.add_argument("--dialing", choices=DIALING, help="default: the strictest law of any")
    command.add_argument("--voice", choices=get_args(Voice), help="default: the strictest law of any")
    command.add_argument("--rules", action="append", default=[], metavar="DIR", type=Path, help="add a folder of rule files (repeatable)")
    command.add_argument("--force", action="store_true", help="replace the files of an earlier export in the folder")
    common.json_option(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the files and say what they leave out; 0 when they are written."""
    from dialguard.export import genesys, plain, vicidial
    from dialguard.export.files import write
    from dialguard.export.law import scope, table
    from dialguard.facts import clock
    from dialguard.guard import Guard

    for folder in options.rules:
        if not folder.is_dir():
            raise UsageError(f"there is no folder of rule files {folder}")
    if not options.folder.resolve().parent.is_dir():
        raise UsageError(f"there is no folder {options.folder.parent} to make {options.folder.name} in")
    # The date where it is earliest: a closed day that has ended in Maine lasts in Hawaii.
    on = common.day(options.on, "--on").toordinal() if options.on else clock.local(clock.now(), "Pacific/Pago_Pago").ordinal
    common_to_all = scope(options.channel, options.purpose, options.dialing, options.voice)
    try:
        found = table(Guard(no_store=True, rules=options.rules).packs, on, common_to_all)
    except ValueError as error:
        raise UsageError(f"--on {options.on}: {error}") from None
    files, gaps = ({}, []) if options.target == "csv" else (vicidial if options.target == "vicidial" else genesys).files(found)
    gaps = [*found.gaps, *gaps]
    files |= plain.files(found) | {"not_expressed.csv": plain.not_expressed(gaps)}
    try:
        write(options.folder, files, force=options.force)
    except FileExistsError:
        raise UsageError(f"{options.folder} exists; give another name, or say --force to replace the files in it") from None
    if options.json or not common.to_a_terminal():
        changes = [gap._asdict() for gap in gaps if gap.about == "change of law"]
        common.print_json({"folder": str(options.folder), "files": sorted(files), "not_expressed": len(gaps), "changes": changes})
        return 0
    for name in sorted(files):
        print(options.folder / name)
    print(f"{common.counted(len(gaps), 'thing')} that the tables do not say, or say more strictly than the law: not_expressed.csv")
    for gap in gaps:
        if gap.about == "change of law":
            print(f"  {gap.rule} {gap.why}")
    print(f"The tables are a floor: what they allow may still be unlawful. {NOT_ADVICE}")
    return 0
