"""A list of millions screened: reading and writing alone, ``dialguard screen``, and the rules as expressions of polars.

Each pass is a process of its own with one thread; the contenders take turns. DIALGUARD_BULK_ROWS rows (2,000,000), made once with their
lists and consents (see ``bulk_data``).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from benchmarks.bulk_data import Made, made

ROWS = 2_000_000
MOST_ROUNDS = 3
ORDER = ("floor", "floor_zstd", "ours", "ours_all", "straightforward", "state_by_state")
NAMES = {
    "floor": "read and write, five columns more", "floor_zstd": "the same, compressed as polars does", "ours": "dialguard screen",
    "ours_all": "dialguard screen, every column", "straightforward": "expressions of polars",
    "state_by_state": "expressions of polars, state by state",
}  # fmt: skip
PARTS = ("imports", "store", "tables", "one by one")
Pass = Mapping[str, float]


def one_pass(name: str, given: Made, output: Path) -> Pass:
    """What one pass in a process of its own says of itself. Raises SystemExit where it fails."""
    command = [sys.executable, "-m", "benchmarks.bulk_pass", name, str(given.leads), str(given.store), given.at, str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the pass {name} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def lasting(one: Pass) -> float:
    """Seconds of the work without what does not grow with the rows: opening the store, answers of new classes, tables to join."""
    return one["seconds"] - one.get("store", 0.0) - one.get("tables", 0.0)


def differences(ours: Path, theirs: Path) -> tuple[int, pl.DataFrame]:
    """How many rows of use there are that are no duplicates; and of those that the expressions judge otherwise, how many by verdicts
    and our reasons."""
    one = pl.scan_parquet(ours).select(pl.col("dg_verdict", "dg_reasons", "dg_problem").cast(pl.String), "dg_duplicate")
    other = pl.scan_parquet(theirs).select(theirs=pl.col("dg_verdict"), theirs_why=pl.col("dg_reasons"))
    both = pl.concat([one, other], how="horizontal").filter(pl.col("dg_problem").is_null() & ~pl.col("dg_duplicate"))
    counted = both.select(pl.len(), wrong=(pl.col("dg_verdict") != pl.col("theirs")).sum()).collect(engine="streaming")
    found = both.filter(pl.col("dg_verdict") != pl.col("theirs")).group_by("dg_verdict", "dg_reasons", "theirs_why").len("rows")
    return counted["len"][0], found.sort("rows", descending=True).collect()


def run(rounds: int) -> None:
    """Make the list where it is missing, let the contenders take turns, compare verdicts and print the table."""
    given = made(int(os.environ.get("DIALGUARD_BULK_ROWS", ROWS)))
    folder = given.leads.parent
    outputs = {name: folder / f"{name}.parquet" for name in ORDER}
    passes: dict[str, list[Pass]] = {name: [] for name in ORDER}
    for turn in range(min(rounds, MOST_ROUNDS)):
        for step in range(len(ORDER)):
            name = ORDER[(turn + step) % len(ORDER)]
            passes[name].append(one_pass(name, given, outputs[name]))
            print(f"  {json.dumps(passes[name][-1])}", file=sys.stderr, flush=True)
    _show(passes)
    rows, found = differences(outputs["ours_all"], outputs["straightforward"])
    print(f"  verdicts of the expressions that differ from ours: {found['rows'].sum():,} of {rows:,} (rows with a number, without duplicates)")
    for row in found.head(12).iter_rows():
        print(f"    {row}")
    for output in outputs.values():
        output.unlink()


def _show(passes: Mapping[str, Sequence[Pass]]) -> None:
    rows = int(passes["floor"][0]["rows"])
    print(f"\nA list of {rows:,} rows, a pass each in its own process, one thread; seconds are medians")
    head = ("seconds", "ratio", "(of the rounds)", "lasting", "ratio", *PARTS, "MB")
    print(f"  {'':38}" + "".join(f"  {name:>{max(8, len(name))}}" for name in head))
    for name, told in passes.items():
        ratios, kept = ([work(one) / work(base) for one, base in zip(told, passes["floor"], strict=True)] for work in (_whole, lasting))
        spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
        cells = [f"{statistics.median(map(_whole, told)):.1f}", f"{statistics.median(ratios):.2f}", spread]
        cells += [f"{statistics.median(map(lasting, told)):.1f}", f"{statistics.median(kept):.2f}"]
        cells += [f"{statistics.median(one.get(part, 0.0) for one in told):.2f}" for part in PARTS]
        cells.append(f"{max(one['megabytes'] for one in told):,}")
        print(f"  {NAMES[name]:38}" + "".join(f"  {cell:>{max(8, len(title))}}" for cell, title in zip(cells, head, strict=True)))
    print("  lasting: without store and tables (opening the store, answers of new classes, tables to join with), which do not grow with the rows")


def _whole(one: Pass) -> float:
    return one["seconds"]
