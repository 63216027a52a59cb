"""``dialguard feed``: the operator's feed of declared emergencies and proclaimed closed days, ``feed.json`` in the store."""

from __future__ import annotations

import argparse
from pathlib import Path

from dialguard.cli import common
from dialguard.cli.common import UsageError


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its actions."""
    command = commands.add_parser(
        "feed", help="declared emergencies and proclaimed closed days: check, show",
        description="The feed is feed.json in the store folder: {checked_through: MOMENT, declared: [{state, kind, county, place, from, "
        "until}]}. kind is emergency or closed_day. Past checked_through, what was not declared is unknown.",
    )  # fmt: skip
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("check", check, "read the feed; 1 when it is not current"),
        ("show", show, "what is declared"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a feed file (default: feed.json in the store)")
        common.store_option(action)
        common.json_option(action)
        action.set_defaults(run=run)


def check(options: argparse.Namespace) -> int:
    """Read the feed and say whether it is current."""
    from dialguard.facts import clock

    path, feed = _load(options)
    current = feed.checked_through is not None and feed.checked_through >= clock.now()
    through = None if feed.checked_through is None else clock.format_instant(feed.checked_through)
    if options.json:
        common.print_json({"file": str(path), "declared": len(feed.declarations), "checked_through": through, "current": current})
    else:
        state = "current" if current else "not current: until it is, callers must check for emergencies themselves"
        print(f"{path}: {len(feed.declarations)} declarations, checked through {through}; {state}")
    return 0 if current else 1


def show(options: argparse.Namespace) -> int:
    """Every declaration."""
    from dialguard.facts import clock

    _, feed = _load(options)
    rows = [
        {
            "state": entry.state, "kind": entry.kind, "county": entry.county, "place": entry.place,
            "from": None if entry.start is None else clock.format_instant(entry.start),
            "until": None if entry.end is None else clock.format_instant(entry.end),
        }
        for entry in feed.declarations
    ]  # fmt: skip
    if options.json:
        common.print_json(rows)
        return 0
    table = [
        (
            row["state"],
            row["kind"],
            row["county"] or row["place"] or "everywhere",
            f"from {row['from'] or 'ever'}",
            f"until {row['until'] or 'further notice'}",
        )
        for row in rows
    ]
    for line in common.columns(table) or ["nothing is declared"]:
        print(line)
    return 0


def _load(options: argparse.Namespace):
    from dialguard.facts.feed import FORM, FeedError, load

    path = options.file if options.file is not None else common.store_folder(options) / "feed.json"
    if not path.is_file():
        raise UsageError(f"there is no feed {path}; expected {FORM}")
    try:
        return path, load(path)
    except FeedError as error:
        raise UsageError(str(error)) from None
