"""One pass over the list, in a process of its own: ``python -m benchmarks.bulk_pass CONTENDER LEADS STORE AT OUTPUT``.

Prints one line of JSON: seconds of the work, of imports, of opening the store and of building tables, rows, megabytes of memory at
the peak. One thread, whoever does the work. Contenders are those of ``CONTENDERS``.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

for _name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_IO_THREADS"):
    os.environ[_name] = "1"  # read when the libraries are loaded, so before them

CAMPAIGN = {
    "id": "spring", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", "subject": "windows",
    "registered_states": ["TX"],
}  # fmt: skip
SHORT = ("dg_verdict", "dg_reasons", "dg_retry_at", "dg_states", "dg_zones")
"""What is added in the comparison."""


class Stopwatch:
    """Seconds by what they were spent on."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._open: list[str] = []

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Count the time until the end to ``name``; a name within another, or within itself, is counted once, to the outer one."""
        if self._open:
            yield
            return
        self._open.append(name)
        start = perf_counter()
        try:
            yield
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + perf_counter() - start
            self._open.pop()

    def wrap(self, owner: object, method: str, name: str) -> None:
        """Have every call of a method counted to ``name``."""
        inner = getattr(owner, method)

        def timed(*arguments: object, **named: object) -> object:
            with self.timing(name):
                return inner(*arguments, **named)

        setattr(owner, method, timed)


def one_thread() -> None:
    """What is not told by the environment."""
    import pyarrow

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)


def floor(leads: Path, store: Path, at: str, output: Path, watch: Stopwatch, compression: str = "snappy") -> int:
    """Read the list and write the same columns and five more of text, the same in every row."""
    import polars as pl

    said = dict(zip(SHORT, ("deny", "us.fcc.dnc.national", at, "TX", "America/Chicago"), strict=True))
    added = {name: pl.lit(value).cast(pl.Categorical) for name, value in said.items()}
    pl.scan_parquet(leads).with_columns(**added).sink_parquet(output, compression=compression)
    return pl.scan_parquet(output).select(pl.len()).collect().item()


def floor_zstd(leads: Path, store: Path, at: str, output: Path, watch: Stopwatch) -> int:
    """The same with the compression that polars takes by itself."""
    return floor(leads, store, at, output, watch, "zstd")


def ours(leads: Path, store: Path, at: str, output: Path, watch: Stopwatch, added: tuple[str, ...] | None = SHORT) -> int:
    """What ``dialguard screen`` does."""
    from dialguard import Guard
    from dialguard.screening.answers import COLUMNS
    from dialguard.screening.columns import recognise
    from dialguard.screening.files import screen_file
    from dialguard.screening.read import open_source
    from dialguard.screening.write import Output

    _watched(watch)
    source = open_source(leads)
    columns = recognise(source.columns, {})
    with watch.timing("store"):
        guard = Guard(store)
        screener = guard.screener(CAMPAIGN, at)
    return screen_file(source, columns, screener, Output(output, source, True, added or COLUMNS)).rows


def ours_all(leads: Path, store: Path, at: str, output: Path, watch: Stopwatch) -> int:
    """The same with every column that there is."""
    return ours(leads, store, at, output, watch, None)


def _watched(watch: Stopwatch) -> None:
    """Count what a screener spends on answers of new classes."""
    from dialguard.screening.screen import Screener
    from dialguard.screening.tables import Tables

    for method in ("cell", "add_place", "add_person"):
        watch.wrap(Tables, method, "tables")
    watch.wrap(Screener, "_one_by_one", "one by one")


def straightforward(leads: Path, store: Path, at: str, output: Path, watch: Stopwatch) -> int:
    """The rules as expressions of polars; see ``bulk_straight``."""
    from benchmarks.bulk_straight import screen

    return screen(leads, store, at, output, watch, CAMPAIGN)


def state_by_state(leads: Path, store: Path, at: str, output: Path, watch: Stopwatch) -> int:
    """The same, cut by state before the rules are asked, which a program for them would do."""
    from benchmarks.bulk_straight import screen

    return screen(leads, store, at, output, watch, CAMPAIGN, conjoined=False)


CONTENDERS: dict[str, Callable[[Path, Path, str, Path, Stopwatch], int]] = {
    "floor": floor, "floor_zstd": floor_zstd, "ours": ours, "ours_all": ours_all, "straightforward": straightforward,
    "state_by_state": state_by_state,
}  # fmt: skip
_LOADED = {"floor": ("polars",), "floor_zstd": ("polars",)}
_OURS = ("polars", "pyarrow.parquet", "dialguard.guard", "dialguard.screening.files", "dialguard.storage.embedded", "dialguard.cli.screen")


def main(name: str, leads: str, store: str, at: str, output: str) -> None:
    """Do the work and say what it took."""
    import importlib

    watch = Stopwatch()
    with watch.timing("imports"):
        one_thread()
        for module in _LOADED.get(name, _OURS if name.startswith("ours") else (*_OURS, "benchmarks.bulk_straight")):
            importlib.import_module(module)
    start = perf_counter()
    rows = CONTENDERS[name](Path(leads), Path(store), at, Path(output), watch)
    spent = perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"contender": name, "rows": rows, "seconds": round(spent, 3), "megabytes": round(peak)}
    print(json.dumps(told | {part: round(value, 3) for part, value in watch.spent.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
