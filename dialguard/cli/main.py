"""``dialguard``: commands are modules of this package, each with ``add(subparsers)`` and a function that returns the exit status."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = ("rules",)


class UsageError(Exception):
    """A user's mistake: printed on standard error without a traceback; exit status 2."""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="dialguard",
        description="Decides whether US law allows a call or text before it is placed. Not legal advice.",
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
        top.print_help()
        return 2
    from dialguard.packs.yamlfile import PackError

    try:
        return options.run(options)
    except UsageError as error:
        print(f"dialguard: {error}", file=sys.stderr)
        return 2
    except PackError as error:
        print(error, file=sys.stderr)
        print(f"dialguard: {len(error.problems)} problem(s) in the rule files; nothing was decided", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dialguard: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
