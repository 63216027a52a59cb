"""``dialguard events``: tell what became of calls and texts, run the rules on it, and show how they stand."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import sys
import threading
from pathlib import Path

from dialguard.cli import common
from dialguard.cli.common import UsageError, counted


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its actions."""
    command = commands.add_parser(
        "events", help="tell what became of calls and texts; run the rules that pause, suppress, revoke and alarm"
    )
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    action = actions.add_parser("tell", help="tell events, one JSON object a line; their ids are printed")
    action.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: standard input")
    _finish(action, tell)
    action = actions.add_parser(
        "run", help="run the rules until it is stopped (SIGINT, SIGTERM)",
        description="Runs the event rules until it is stopped. With --once it ends when everything told has been dealt with.",
    )  # fmt: skip
    action.add_argument("--rules", action="append", default=[], metavar="DIR", type=Path, help="add a folder of rule files (repeatable)")
    action.add_argument("--ledger", metavar="URL", help="where actions are recorded (default: the folder's own ledger)")
    action.add_argument("--webhook", metavar="URL", help="where alarms are sent; the secret is taken from $DIALGUARD_WEBHOOK_SECRET")
    action.add_argument("--once", action="store_true", help="end when everything told has been dealt with")
    _finish(action, run)
    action = actions.add_parser("status", help="whether the rules run; 1 where they should and do not")
    common.json_option(action)
    _finish(action, status)


def _finish(action: argparse.ArgumentParser, run: object) -> None:
    common.store_option(action)
    action.set_defaults(run=run)


def tell(options: argparse.Namespace) -> int:
    """Tell events. Each line is told or refused by itself; 1 where one was refused."""
    from dialguard.events.journal import JournalError
    from dialguard.events.reading import EventError
    from dialguard.events.supervisor import Teller

    told = refused = 0
    teller = Teller(common.store_folder(options))
    try:
        with sys.stdin if options.file == "-" else open(options.file, encoding="utf-8") as lines:
            for place, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    print(teller.tell(common.load_json(line)))
                    told += 1
                except (EventError, ValueError) as error:
                    text = str(error) if isinstance(error, EventError) else f"not JSON: {error}"
                    print(f"dialguard: line {place}: {text}; it was not told", file=sys.stderr)
                    refused += 1
    except UnicodeDecodeError:
        raise UsageError(f"{options.file}: not valid UTF-8; {counted(told, 'event')} told") from None
    except JournalError as error:
        raise UsageError(f"{error}; {counted(told, 'event')} told") from None
    finally:
        teller.close()
    return 1 if refused else 0


def run(options: argparse.Namespace) -> int:
    """Run the rules."""
    from dialguard.events.supervisor import Events
    from dialguard.facts import clock
    from dialguard.packs.load import load
    from dialguard.packs.supersede import verify_operator

    for folder in options.rules:
        if not folder.is_dir():
            raise UsageError(f"there is no folder of rule files {folder}")
    packs = load(options.rules)
    verify_operator(packs, clock)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    if importlib.util.find_spec("durable") is None:  # each start of the process would fail
        raise UsageError("event rules need the package durable_rules: pip install 'dialguard[events]' (it needs a C compiler)")
    secret = os.environ.get("DIALGUARD_WEBHOOK_SECRET", "")
    try:
        events = Events(common.store_folder(options), packs, ledger=options.ledger, webhook=options.webhook, secret=secret)
    except ValueError as error:
        raise UsageError(str(error)) from None
    print(f"{counted(len(packs.events), 'event rule')} on {common.store_folder(options)}", file=sys.stderr)
    while not stopped.wait(0.1) and not (options.once and (events.starts or events.alive())):
        pass
    if events.close(3600.0 if options.once else 10.0):
        return 0
    print("dialguard: the rules had not dealt with everything that was told; the next run goes on there", file=sys.stderr)
    return 1


def status(options: argparse.Namespace) -> int:
    """Show how they stand."""
    from dialguard.facts.fed import FOLDER, Fed

    folder = common.store_folder(options)
    alive = Fed(folder).alive()
    alarms = folder / FOLDER / "alarms.jsonl"
    number = sum(1 for _ in alarms.open("rb")) if alarms.is_file() else 0
    if options.json:
        print(json.dumps({"running": alive, "alarms": number}))
    else:
        told = {True: "running", False: "away or behind: pauses are unknown until they run", None: "not in use"}[alive]
        print(f"event rules: {told}; {counted(number, 'alarm')} in {alarms}" if number else f"event rules: {told}")
    return 1 if alive is False else 0
