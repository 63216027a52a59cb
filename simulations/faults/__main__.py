"""``python -m simulations.faults [--seconds 60] [--rate 500] [--clients 8] [NAME ...]``: the faults named, or all, as one table.

``--write docs/faults.md`` puts the table there. What befalls imports of lists is ``python -m simulations.faults.lists``.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.timing import machine
from dialguard.model.records import LookUpFailed
from dialguard.storage.redis import RedisStore
from simulations import redis_servers
from simulations.faults import lists, table
from simulations.faults.kinds import FAULTS, Fault, scene
from simulations.faults.load import Figures, Load, figures
from simulations.faults.world import SELLER, Number

CYCLES = 10


def measure(fault: Fault, seconds: float, rate: int, clients: int, timeout: float | None = None, lines: int = 800) -> Figures:
    """A fault under load, and what it showed."""
    with scene(fault, lines, timeout) as made:
        made.world.check()
        load = Load(made.world, made.knowing, made.bare, rate, clients, seconds)
        found = figures(load.run(lambda: fault.before(made), lambda: fault.fault(made), lambda: fault.repair(made)))
        made.world.check()
        return found


def grown(fault: Fault, timeout: float | None = None, cycles: int = CYCLES) -> tuple[int, int] | None:
    """By how many threads and descriptors this process grew from the end of the first of ``cycles`` faults to that of the last; None for
    one that happens once."""
    if fault.once:
        return None
    with scene(fault, 16, timeout) as made:
        counts = []
        for _ in range(cycles):
            for do in (fault.before, fault.fault):
                do(made)
                _ask(made.knowing, made.bare, made.world.numbers)
            fault.repair(made)
            ends = time.monotonic() + 20
            while not _ask(made.knowing, made.bare, made.world.numbers) and time.monotonic() < ends:
                time.sleep(0.05)
            while any(thread.name == "dialguard-redis" for thread in threading.enumerate()):
                time.sleep(0.01)
            counts.append((threading.active_count(), len(os.listdir("/proc/self/fd"))))
        return counts[-1][0] - counts[0][0], counts[-1][1] - counts[0][1]


def _ask(knowing: RedisStore, bare: RedisStore, numbers: Sequence[Number]) -> bool:
    """Some look-ups; whether all were answered."""
    good = True
    for store in (knowing, bare):
        for number in numbers[:4]:
            store.refresh()
            try:
                store.look_up(seller=SELLER, number=number.text, at=1)
            except LookUpFailed:
                good = False
    return good


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.faults", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="one or more of: " + ", ".join(repr(fault.name) for fault in FAULTS))
    parser.add_argument("--seconds", type=float, default=60, help="of a load; the fault comes at a third, the repair at two thirds (60)")
    parser.add_argument("--rate", type=int, default=500, help="decisions a second (500)")
    parser.add_argument("--clients", type=int, default=8, help="how many ask, two of them without the folder (8)")
    parser.add_argument("--timeout", type=float, help="seconds of a look-up (what the product has by itself)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into a page")
    options = parser.parse_args(arguments)
    known = {fault.name: fault for fault in FAULTS}
    for name in options.names:
        if name not in known:
            parser.error(f"no fault {name!r}; there are {', '.join(known)}")
    if redis_servers.executable() is None:
        parser.error("no redis-server here: install the development dependencies, or set DIALGUARD_REDIS_SERVER")
    rows = []
    for fault in [known[name] for name in options.names] or FAULTS:
        found = measure(fault, options.seconds, options.rate, options.clients, options.timeout)
        rows.append(table.row(fault, found, grown(fault, options.timeout)))
        print(table.shown([rows[-1]]), flush=True)
    told = "python -m simulations.faults" + "".join(f" {shlex.quote(word)}" for word in (sys.argv[1:] if arguments is None else arguments))
    page = table.page(rows, told, machine(), redis_servers.version(), options)
    if options.write is not None:
        there = options.write.read_text("utf-8") if options.write.exists() else ""
        options.write.write_text("".join((page, *there.partition(f"\n{lists.HEADING}")[1:])), encoding="utf-8")
    print(page)
    if any(row.wrong for row in rows):
        sys.exit("wrong allows")


if __name__ == "__main__":
    main()
