"""Fair timing on a shared machine: contenders take turns in one process, and only their ratios are meant to be read."""

import gc
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter, perf_counter_ns


@dataclass(frozen=True)
class Contender:
    """A function and the inputs that it is called with, in order. A slow one uses only the first ``most`` of a slice."""

    name: str
    call: Callable[[object], object]
    inputs: Sequence[object]
    most: int | None = None


@dataclass(frozen=True)
class Result:
    """One contender's time a call in microseconds and its ratio to the first contender: medians over the rounds."""

    name: str
    microseconds: float
    ratio: float
    low: float
    high: float


def interleaved(contenders: Sequence[Contender], rounds: int, size: int = 250) -> list[Result]:
    """Time the contenders in turns, ``rounds`` times each, on slices of ``size`` inputs that follow each other.

    Each slice is gone through once untimed, so that it lies in the processor's cache as facts do that were just gathered. In
    every round the order of the contenders moves on by one. A ratio is the median of the ratios of the rounds; ``low``
    and ``high`` are its 10th and 90th percentiles.
    """
    times: list[list[float]] = [[] for _ in contenders]
    gc.collect()
    gc.freeze()
    try:
        for turn in range(rounds):
            for step in range(len(contenders)):
                number = (turn + step) % len(contenders)
                times[number].append(_slice(contenders[number], turn, size))
    finally:
        gc.unfreeze()
    results = []
    for contender, spent in zip(contenders, times, strict=True):
        ratios = sorted(mine / base for mine, base in zip(spent, times[0], strict=True))
        low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
        results.append(Result(contender.name, statistics.median(spent) * 1e6, statistics.median(ratios), low, high))
    return results


def _slice(contender: Contender, turn: int, size: int) -> float:
    """Seconds a call on one slice."""
    total = len(contender.inputs)
    first = turn * size % max(1, total - size + 1)
    part = contender.inputs[first : first + min(size, contender.most or size)]
    call = contender.call
    for item in part:
        call(item)
    start = perf_counter()
    for item in part:
        call(item)
    return (perf_counter() - start) / len(part)


@dataclass(frozen=True)
class Pair:
    """A function that is timed beside a base on the same inputs; each input is made when its turn comes and used once."""

    name: str
    call: Callable[[object], object]
    inputs: Iterator[object]


def paired(pairs: Sequence[Pair], base: str, base_call: Callable[[object], object], rounds: int, chunk: int) -> list[Result]:
    """Time single calls: each pair's call and the base's on one input after another, in ``rounds`` chunks that take turns.

    A ratio is the median over the rounds of the ratio of the medians of a chunk.
    """
    mine: list[list[float]] = [[] for _ in pairs]
    ratios: list[list[float]] = [[] for _ in pairs]
    others: list[float] = []
    gc.collect()
    gc.freeze()
    try:
        for turn in range(rounds):
            for number, pair in enumerate(pairs):
                spent, other = _both(pair.call, base_call, islice(pair.inputs, chunk))
                mine[number].append(spent)
                others.append(other)
                ratios[number].append(spent / other)
    finally:
        gc.unfreeze()
    results = [Result(base, statistics.median(others) / 1e3, 1.0, 1.0, 1.0)]
    for pair, spent, found in zip(pairs, mine, ratios, strict=True):
        found.sort()
        low, high = found[len(found) // 10], found[-1 - len(found) // 10]
        results.append(Result(pair.name, statistics.median(spent) / 1e3, statistics.median(found), low, high))
    return results


def _both(call: Callable[[object], object], other: Callable[[object], object], inputs: Iterable[object]) -> tuple[float, float]:
    """Median nanoseconds of a call and of the other one."""
    times: list[int] = []
    other_times: list[int] = []
    for item in inputs:
        start = perf_counter_ns()
        call(item)
        between = perf_counter_ns()
        other(item)
        end = perf_counter_ns()
        times.append(between - start)
        other_times.append(end - between)
    return statistics.median(times), statistics.median(other_times)


def show(title: str, results: Sequence[Result], notes: Sequence[str] = ()) -> None:
    """Print a table of results."""
    base = results[0].name
    width = max(len(result.name) for result in results)
    print(f"\n{title}")
    print(f"  {'':{width}}  {'us a call':>10}  {'ratio to ' + base:>{12 + len(base)}}  {'(10 to 90 %)':>16}")
    for result in results:
        spread = f"({_figure(result.low)} to {_figure(result.high)})"
        print(f"  {result.name:{width}}  {_figure(result.microseconds):>10}  {_figure(result.ratio):>{12 + len(base)}}  {spread:>16}")
    for note in notes:
        print(f"  {note}")


def ratio(results: Sequence[Result], slow: str, quick: str) -> float:
    """How many times the time of ``quick`` the contender ``slow`` takes, by their ratios to the first one."""
    held = {result.name: result.ratio for result in results}
    return held[slow] / held[quick]


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """The interpreter and the machine in a line."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Python {platform.python_version()}, {model}, {os.cpu_count()} processors{load}. Read ratios; times swing with the machine."
