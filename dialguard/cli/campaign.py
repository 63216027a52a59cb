"""``dialguard campaign``: pause, resume and status. A pause made by an event rule is lifted here, by a person, with the reason."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from dialguard.cli import common
from dialguard.cli.common import UsageError

if TYPE_CHECKING:
    from dialguard.model.records import Pause

_NOBODY = "+12010000000"
"""A number that nobody can have."""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its actions."""
    command = commands.add_parser("campaign", help="pause a campaign, resume it, or show what is paused")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("pause", pause, "nobody is contacted for a campaign until it is resumed"),
        ("resume", resume, "lift every pause of a campaign that was recorded so far"),
    ):
        action = actions.add_parser(name, help=text)
        which = action.add_mutually_exclusive_group(required=True)
        which.add_argument("campaign", nargs="?", metavar="ID", help="the campaign's id, as attempts bear it")
        which.add_argument("--all", action="store_true", help="the seller as a whole")
        action.add_argument("--seller", required=True, metavar="NAME")
        action.add_argument("--by", required=True, metavar="NAME", help="who answers for it")
        action.add_argument("--reason", required=True, metavar="TEXT")
        if name == "pause":
            action.add_argument("--until", metavar="MOMENT", help="RFC 3339, or a date (default: until it is resumed)")
        common.store_option(action)
        common.json_option(action)
        action.set_defaults(run=run)
    action = actions.add_parser("status", help="the pauses in force, since when, by whom and why")
    action.add_argument("--seller", required=True, metavar="NAME")
    common.store_option(action)
    common.json_option(action)
    action.set_defaults(run=status)


def pause(options: argparse.Namespace) -> int:
    """Record a pause."""
    until = None if options.until is None else common.moment(options.until, "--until")
    return _record(options, "pause_campaign", {"until": until})


def resume(options: argparse.Namespace) -> int:
    """Record that a campaign goes on."""
    return _record(options, "resume_campaign", {})


def _record(options: argparse.Namespace, function: str, more: dict[str, Any]) -> int:
    from dialguard.facts import clock
    from dialguard.ledger.errors import LedgerError, RecordError

    store, now = _open(options), clock.now()
    said = {"seller": options.seller, "campaign": None if options.all else options.campaign, "by": options.by, "reason": options.reason}
    try:
        entry = getattr(store, function)(**said, **more, at=now, known_at=now)
    except RecordError as error:
        raise UsageError(f"--{error.field}: found {error.found}, expected {error.expected}; nothing was recorded") from None
    except LedgerError as error:
        raise UsageError(str(error)) from None
    finally:
        store.close()
    common.print_json({"id": entry}) if options.json else print(f"recorded: {entry}")
    return 0


def status(options: argparse.Namespace) -> int:
    """Show what is paused."""
    from dialguard.facts import clock
    from dialguard.model.records import LookUpFailed

    store, now = _open(options), clock.now()
    try:
        found = store.look_up(seller=options.seller, number=_NOBODY, at=now).pauses
    except (LookUpFailed, ValueError) as error:
        raise UsageError(str(error)) from None
    finally:
        store.close()
    if options.json:
        common.print_json({"pauses": [_shown(each) for each in found]})
    elif not found:
        print("nothing is paused")
    for each in () if options.json else map(_shown, found):
        until = f" until {each['until']}" if each["until"] else ""
        print(f"{each['campaign'] or '(every campaign)'}  since {each['since']}{until}, by {each['by']}: {each['reason']}")
    return 0


def _shown(pause: Pause) -> dict[str, Any]:
    from dialguard.facts.clock import format_instant

    until = None if pause.until is None else format_instant(pause.until)
    return {
        "id": pause.id, "campaign": pause.campaign, "since": format_instant(pause.since), "until": until, "by": pause.by, "reason": pause.reason,
    }  # fmt: skip


def _open(options: argparse.Namespace) -> Any:
    from dialguard.opening import default_store, open_store

    try:
        return open_store(options.store if options.store is not None else default_store())
    except ValueError as error:
        raise UsageError(str(error)) from None
