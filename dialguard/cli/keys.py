"""``dialguard keys``: API keys of the service: create, list, revoke."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dialguard.cli import common
from dialguard.cli.common import UsageError

if TYPE_CHECKING:
    from dialguard.service.keyfile import Record


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its actions."""
    command = commands.add_parser(
        "keys", help="API keys of the service: create, list, revoke",
        description="Keys lie hashed in keys.sqlite in the service's folder. A running service takes up a change within a second.",
    )  # fmt: skip
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")

    action = actions.add_parser("create", help="make a key and print it: it is not shown again")
    action.add_argument(
        "--scope", action="append", required=True, metavar="SCOPE", help="check, write, import, audit or admin (repeatable)"
    )
    action.add_argument("--name", default="", metavar="TEXT", help="what the key is for")
    action.add_argument("--tenant", default="default", metavar="NAME", help="whose key it is (default)")
    action.add_argument("--seller", action="append", default=[], metavar="NAME", help="the only seller that it may speak for (repeatable)")
    action.add_argument(
        "--from", action="append", default=[], dest="addresses", metavar="NETWORK",
        help="an address or network that it may be used from, such as 203.0.113.0/24 (repeatable)",
    )  # fmt: skip
    action.add_argument("--rate", type=float, metavar="N", help="requests a second, over all workers")
    action.add_argument("--burst", type=int, metavar="N", help="so many of them at once (as many as a second's)")
    action.add_argument("--expires", metavar="MOMENT", help="RFC 3339, or a date")
    _finish(action, create)

    _finish(actions.add_parser("list", help="every key, without what it opens"), show)

    action = actions.add_parser("revoke", help="a key is refused from now on, within a second")
    action.add_argument("id", metavar="ID", help="the key's id: the part after dg_")
    _finish(action, revoke)


def _finish(action: argparse.ArgumentParser, run: object) -> None:
    common.store_option(action)
    common.json_option(action)
    action.set_defaults(run=lambda options: _run(run, options))


def _run(run, options: argparse.Namespace) -> int:
    from dialguard.service.keyfile import KeyFile, KeyFileError

    try:
        return run(options, KeyFile(common.store_folder(options)))
    except KeyFileError as error:
        raise UsageError(str(error)) from None


def create(options: argparse.Namespace, file) -> int:
    """Make a key."""
    record, token = file.create(
        name=options.name, tenant=options.tenant, scopes=options.scope, sellers=options.seller, addresses=options.addresses, rate=options.rate,
        burst=options.burst, expires=None if options.expires is None else common.moment(options.expires, "--expires"),
    )  # fmt: skip
    common.print_json({"key": token, **_shown(record)}) if options.json else print(token)
    return 0


def show(options: argparse.Namespace, file) -> int:
    """List the keys."""
    rows = [_shown(record) for record in file.all()]
    if options.json:
        common.print_json({"keys": rows})
        return 0
    table = [
        (
            row["id"], row["state"], row["tenant"], ",".join(row["scopes"]), ",".join(row["sellers"] or ["(every seller)"]),
            f"until {row['expires']}" if row["expires"] else "", row["name"],
        )
        for row in rows
    ]  # fmt: skip
    for line in common.columns(table) or ["no key was made yet"]:
        print(line)
    return 0


def revoke(options: argparse.Namespace, file) -> int:
    """Revoke a key."""
    record = file.revoke(options.id)
    common.print_json(_shown(record)) if options.json else print(f"revoked: {record.id}")
    return 0


def _shown(record: Record) -> dict[str, object]:
    from dialguard.facts import clock

    def moment(at: int | None) -> str | None:
        return None if at is None else clock.format_instant(at)

    return {
        "id": record.id, "state": record.state(clock.now()), "name": record.name, "tenant": record.tenant, "scopes": record.scopes,
        "sellers": record.sellers, "addresses": record.addresses, "rate": record.rate, "burst": record.burst,
        "created": moment(record.created), "expires": moment(record.expires), "revoked": moment(record.revoked),
    }  # fmt: skip
