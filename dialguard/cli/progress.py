"""How far a long command is: a bar on a terminal, a plain line now and then elsewhere. Always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS_BETWEEN_LINES = 5.0

Tell = Callable[[int, int, int], None]
"""Told how many rows (or bytes) are done for a reader, and how far that is of the whole."""


@contextmanager
def progress(title: str, unit: str) -> Iterator[Tell]:
    """Gives the function that is to be told. ``unit`` names what is counted: ``rows``."""
    if not sys.stderr.isatty():
        yield _lines(title, unit)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    parts = (
        TextColumn(title), BarColumn(), TaskProgressColumn(), TextColumn(f"{{task.fields[count]:,}} {unit}"),
        TextColumn("{task.fields[rate]:,.0f} a second"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*parts, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, count=0, rate=0.0)
        began = time.perf_counter()

        def tell(count: int, done: int, whole: int) -> None:
            bar.update(task, total=whole, completed=done, count=count, rate=count / max(time.perf_counter() - began, 1e-6))

        yield tell


def _lines(title: str, unit: str) -> Tell:
    began = last = time.perf_counter()

    def tell(count: int, done: int, whole: int) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last >= SECONDS_BETWEEN_LINES and done:
            last = now
            left = (now - began) * max(whole - done, 0) / done
            rate = count / (now - began)
            print(f"{title}: {count:,} {unit}, {done / whole:.0%}, {rate:,.0f} a second, {left:,.0f} s left", file=sys.stderr, flush=True)

    return tell
