"""``dialguard``: commands are modules of this package, each with ``add(subparsers)`` and a function that returns the exit status."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from dialguard.cli.common import UsageError, counted
from dialguard.model.redaction import without_numbers

COMMANDS = (
    "check", "screen", "windows", "rules", "lists", "ledger", "campaign", "events", "feed", "redis", "serve", "keys", "decisions", "optout", "export",
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Quotes no telephone number of a wrong command line: what is printed on standard error ends in logs."""

    def error(self, message: str) -> NoReturn:
        super().error(without_numbers(message))


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="dialguard",
        description="Decides whether US law allows a call or text before it is placed. Not legal advice.",
        epilog="Exit status: 0 done, 1 a check failed (a denied single attempt, a failing rule test), 2 wrong usage or unreadable input.",
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"dialguard.cli.{name}").add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a check failed, 2 wrong usage or unreadable input."""
    top = parser()
    options = top.parse_args(arguments)
    if options.version:
        from dialguard import __version__

        print(__version__)
        return 0
    if options.command is None:
        top.print_help(sys.stderr)
        return 2
    from dialguard.packs.yamlfile import PackError

    try:
        status = options.run(options)
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"dialguard: {error}", file=sys.stderr)
        return 2
    except PackError as error:
        print(error, file=sys.stderr)
        print(f"dialguard: {counted(len(error.problems), 'problem')} in the rule files; nothing was decided", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dialguard: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone; nothing more can be said to it, not even when Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"dialguard: {f'{error.filename}: ' if error.filename else ''}{error.strerror or error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
