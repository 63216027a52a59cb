"""``dialguard redis``: fill a Redis from a store folder, compare the two, vouch for it, see how it stands."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from dialguard.cli import common
from dialguard.cli.common import UsageError, counted

if TYPE_CHECKING:
    from dialguard.storage.redis import RedisStore

_URL = "DIALGUARD_REDIS"


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its actions."""
    command = commands.add_parser(
        "redis", help="a Redis in front of a store folder, for many machines: rebuild, verify, sync, keep, status",
        description="Redis holds nothing that is not in the folder: its ledger is the record, its lists are the lists.",
    )  # fmt: skip
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")

    action = actions.add_parser(
        "rebuild", help="make Redis what the folder is",
        description="A Redis that was filled from this folder goes on answering meanwhile. Any other is unknown until the end.",
    )  # fmt: skip
    action.add_argument("--lists", action="store_true", help="only take up the lists as they are now, after an import or a rollback")
    action.add_argument("--replace", action="store_true", help="empty it first, also where another folder filled it")
    _finish(action, rebuild)

    action = actions.add_parser("verify", help="compare Redis with the folder; 1 when they differ")
    action.add_argument(
        "--samples", type=int, default=10_000, metavar="N", help="compare what is held of so many numbers (10000; 0: of all)"
    )
    _finish(action, verify)

    _finish(
        actions.add_parser("sync", help="send what was recorded since, as stores in Python do by themselves; 1 when something still waits"),
        sync,
    )
    _finish(
        actions.add_parser(
            "keep",
            help="vouch for Redis, for clients on other machines, until it is stopped; as `dialguard serve` does by itself",
            description="Clients that do not know the folder get answers only while somebody who knows it vouches that Redis lacks nothing.",
        ),  # fmt: skip
        keep,
    )
    _finish(
        actions.add_parser("status", help="servers, lists, and what waits to be sent; 1 when it is not filled or something waits"), status
    )


def _finish(action: argparse.ArgumentParser, run: Callable[[argparse.Namespace, RedisStore], int]) -> None:
    action.add_argument(
        "--url", metavar="URL", help=f"redis://[user:password@]host:port/0, rediss:// (TLS), unix://; ?cluster=yes (default: ${_URL})"
    )
    common.store_option(action)
    common.json_option(action)
    action.set_defaults(run=lambda options: _run(run, options))


def _run(run: Callable[[argparse.Namespace, RedisStore], int], options: argparse.Namespace) -> int:
    from dialguard.ledger.errors import LedgerError
    from dialguard.model.records import LookUpFailed
    from dialguard.storage.redis import RedisStore

    url = options.url or os.environ.get(_URL)
    if not url:
        raise UsageError(f"--url: which Redis? Expected redis://host:6379/0, here or in ${_URL}")
    folder = common.store_folder(options)
    if not folder.is_dir():
        raise UsageError(f"there is no store folder {folder}; check the path, or import a list or record something first")
    try:
        store = RedisStore(url, journal=folder)
    except ValueError as error:
        raise UsageError(f"--url: {error}") from None
    try:
        return run(options, store)
    except (LookUpFailed, LedgerError) as error:
        raise UsageError(str(error)) from None
    finally:
        store.close()


def rebuild(options: argparse.Namespace, store: RedisStore) -> int:
    """Fill Redis, or only its lists."""
    from dialguard.model.records import LookUpFailed

    told = _Told("rebuild")
    if options.lists:
        blocks = store.journal.filler.lists(told)
        if options.json:
            common.print_json({"blocks": blocks})
        else:
            print(f"lists taken up: bits of {counted(blocks, 'area code')}")
        return 0
    try:
        filled = store.journal.rebuild(replace=options.replace, told=told)
    except LookUpFailed as error:
        raise UsageError(f"{error}; until a rebuild ends, what is not filled reads as unknown") from None
    if options.json:
        common.print_json(filled._asdict())
    else:
        print(
            f"filled: {counted(filled.versions, 'version')} of lists with bits of {counted(filled.blocks, 'area code')}, "
            f"{counted(filled.numbers, 'number')}, {counted(filled.persons, 'person')}, {counted(filled.sellers, 'declaration')}"
            + (f"; removed {counted(filled.removed, 'old key')}" if filled.removed else "")
        )
    return 0


def verify(options: argparse.Namespace, store: RedisStore) -> int:
    """Compare Redis with the folder."""
    from dialguard.storage.redis_verify import verify as compare

    if options.samples < 0:
        raise UsageError("--samples: expected a whole number from 0")
    found = compare(store.link, store.journal, options.samples or None, _Told("verify"))
    if options.json:
        common.print_json(found._asdict())
    else:
        print(
            f"compared: bits of {counted(found.blocks, 'area code')}, {counted(found.numbers, 'number')}, "
            f"{counted(found.persons, 'person')}: "
            + (f"{counted(found.count, 'difference')}" if found.count else "no difference")
        )
        for problem in found.problems:
            print(f"  {problem}")
        if found.count > len(found.problems):
            print(f"  and {found.count - len(found.problems):,} more")
        if found.count:
            print("to mend it: dialguard redis rebuild")
    return 1 if found.count else 0


def sync(options: argparse.Namespace, store: RedisStore) -> int:
    """Send what waits, and what was recorded in the folder alone."""
    left = store.replay(adopt=True)
    if options.json:
        common.print_json({"waiting": left})
    else:
        print("nothing waits" if not left else f"{left:,} still waiting; see: dialguard redis status")
    return 1 if left else 0


def keep(options: argparse.Namespace, store: RedisStore) -> int:
    """Vouch until it is stopped, and say when that changes."""
    from dialguard.storage.redis_keeper import Kept

    stopped, last = threading.Event(), ""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())

    def told(how: Kept | str) -> None:
        nonlocal last
        if isinstance(how, str):
            said, of = f"not vouched for: {how}", None
        else:
            of = how
            said = f"vouched for {of.kept} of {of.tags} parts" + (f": {of.why}" if of.why else "")
        if said == last:
            return
        last = said
        if options.json:
            common.print_json({"kept": of.kept if of else 0, "parts": of.tags if of else None, "why": of.why if of else how})
        else:
            print(said)
        sys.stdout.flush()

    store.keeper().run(stopped, told)
    return 0


def status(options: argparse.Namespace, store: RedisStore) -> int:
    """How Redis stands."""
    from dialguard.storage.redis_verify import standing

    found = standing(store.link, store.journal)
    sound = found.filled == found.tags and not found.waiting
    if options.json:
        common.print_json({**found._asdict(), "sound": sound})
        return 0 if sound else 1
    for server in found.servers:
        limit = f" of {server['maxmemory']:,} ({server['policy']})" if server["maxmemory"] else ""
        print(f"Redis {server['version']}, {server['role']}, {server['used_memory']:,} bytes used{limit}")
    if found.filled == found.tags:
        print("filled")
    else:
        print(
            "not filled" if not found.filled else f"half filled: {found.filled} of {found.tags} parts",
            "- answers unknown; run: dialguard redis rebuild",
        )
    for line in common.columns([(code, version, numbers, "numbers") for code, version, numbers in found.lists]):
        print(f"  {line}")
    print(f"{counted(found.waiting or 0, 'thing')} waiting to be sent")
    return 0 if sound else 1


class _Told:
    """Says on standard error how far a long run is, a line now and then."""

    def __init__(self, title: str) -> None:
        self._title, self._last = title, time.perf_counter()

    def __call__(self, what: str, number: int) -> None:
        now = time.perf_counter()
        if now - self._last >= 5.0:
            self._last = now
            print(f"{self._title}: {number:,} {what}", file=sys.stderr, flush=True)
