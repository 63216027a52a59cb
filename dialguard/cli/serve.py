"""``dialguard serve``: the HTTP service."""

from __future__ import annotations

import argparse
from pathlib import Path

from dialguard.cli.common import UsageError


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "serve", help="answer over HTTP",
        description="Without any option: on 127.0.0.1:8080, from the default store, one process. SIGTERM ends it when what runs is done.",
    )  # fmt: skip
    command.add_argument("--config", type=Path, metavar="FILE", help="a TOML file; the options below count more")
    command.add_argument("--host", metavar="ADDRESS", help="where to listen (127.0.0.1)")
    command.add_argument("--port", type=int, metavar="N", help="on which port (8080; 0: any)")
    command.add_argument(
        "--store",
        metavar="DIR",
        help="the service's folder, or redis://... for the default tenant (default: $DIALGUARD_STORE, else ~/.dialguard)",
    )
    command.add_argument("--workers", type=int, metavar="N", help="processes that share the port (1)")
    command.add_argument("--check", action="store_true", help="read the configuration, say what is wrong with it, and end")
    command.set_defaults(run=serve)


def serve(options: argparse.Namespace) -> int:
    """Serve until it is told to end."""
    from dialguard.service import config
    from dialguard.service.keyfile import KeyFileError

    try:
        settings = config.load(options.config) if options.config is not None else config.Settings()
        settings = config.changed(settings, host=options.host, port=options.port, workers=options.workers, store=options.store)
    except config.ConfigError as error:
        raise UsageError("\n  ".join(["the configuration cannot be used", *error.problems])) from None
    if options.check:
        print("the configuration can be used")
        return 0
    from dialguard.service import run

    try:
        return run.run(settings)
    except (run.Unusable, KeyFileError) as error:
        raise UsageError(str(error)) from None
