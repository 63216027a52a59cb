"""A Do-Not-Call registry of full size in the FTC's flat format, and changes to it.

    python -m simulations.whole_registry OUT --numbers 258500000 --seed 7
    python -m simulations.whole_registry OUT --changes CHANGES --adds 50000 --deletes 50000 --from 2026-10-16 --to 2026-11-15

Every line has twelve bytes (``202,5550123``), sorted, so that a number is found by bisection. The size of the real registry was
about 258.5 million numbers on 2025-09-30. ``simulations.registry`` writes smaller ones with given numbers in them.
"""

from __future__ import annotations

import argparse
import mmap
from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

import numpy as np

from simulations.population import LINES_PER_EXCHANGE, Numbers, apportion, area_code_weights, area_codes, exchanges

FULL = 258_500_000
WIDTH = 12


def lines_of(total: int, seed: int, codes: Collection[str] = ()) -> Iterator[tuple[str, np.ndarray]]:
    """Each area code in order with its lines (the last seven digits, sorted): together exactly ``total`` numbers.

    ``codes`` narrows the area codes (default: all in service). Raises ValueError when the total does not fit.
    """
    chosen = sorted(codes or area_codes())
    room = [len(exchanges()) * LINES_PER_EXCHANGE] * len(chosen)
    parts = apportion(total, [area_code_weights()[code] for code in chosen], room)
    for code, part in zip(chosen, parts, strict=True):
        yield code, _lines(np.random.default_rng([seed, int(code)]), part)


def _lines(rng: np.random.Generator, count: int) -> np.ndarray:
    """``count`` distinct lines, some exchanges nine times as full as others."""
    full = len(exchanges()) * LINES_PER_EXCHANGE
    weight = rng.integers(1, 10, len(exchanges())).astype(np.float32)
    chance = np.minimum(weight / weight.mean() * (count / full), 1.0)
    taken = (rng.random((len(exchanges()), LINES_PER_EXCHANGE), np.float32) < chance[:, None]).reshape(-1)
    off = int(np.count_nonzero(taken)) - count
    if off:
        pool = np.flatnonzero(taken if off > 0 else ~taken)
        taken[rng.choice(pool, abs(off), replace=False)] = off < 0
    place = np.flatnonzero(taken)
    return np.array(exchanges(), np.int64)[place // LINES_PER_EXCHANGE] * LINES_PER_EXCHANGE + place % LINES_PER_EXCHANGE


def text_of(code: str, lines: np.ndarray) -> bytes:
    """The rows of an area code as the file has them."""
    text = np.empty((len(lines), WIDTH), np.uint8)
    text[:, :4] = np.frombuffer(f"{code},".encode(), np.uint8)
    rest = lines.astype(np.uint32)
    for place in range(WIDTH - 2, 3, -1):
        rest, digit = np.divmod(rest, np.uint32(10))
        text[:, place] = digit + 48
    text[:, -1] = 10
    return text.tobytes()


def write(path: Path, total: int, seed: int, codes: Collection[str] = ()) -> None:
    """Write a registry file; needs some 100 MB of memory whatever its size."""
    with open(path, "wb") as file:
        for code, lines in lines_of(total, seed, codes):
            file.write(text_of(code, lines))


def changes(registry: Path, adds: int, deletes: int, first: date, last: date, seed: int) -> list[str]:
    """Rows of a change list to a registry file, by date: ``2025550123,2026-10-16,A``.

    Each number changes once; added numbers are not in the file, deleted ones are. Raises ValueError when the file is shorter.
    """
    random = Random(seed)
    draw = Numbers(random)
    with open(registry, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        rows = len(held) // WIDTH
        if deletes > rows:
            raise ValueError(f"{deletes:,} deletions from a registry of {rows:,} numbers")
        gone = {_row(held, place) for place in random.sample(range(rows), deletes)}
        codes = {held[place * WIDTH : place * WIDTH + 3].decode() for place in range(0, rows, max(1, rows // 100_000))}
        new: set[str] = set()
        while len(new) < adds:
            number = draw.draw()
            if number[:3] in codes and not _holds(held, rows, number):
                new.add(number)
    days = (last - first).days + 1
    # The first and last day are always among them, since a change list is known by its dates.
    marked = [(number, "A") for number in sorted(new)] + [(number, "D") for number in sorted(gone)]
    random.shuffle(marked)
    dated = sorted((first + timedelta(days=place * days // len(marked)), number, mark) for place, (number, mark) in enumerate(marked))
    return [f"{number},{day.isoformat()},{mark}\n" for day, number, mark in dated]


def _row(held: mmap.mmap, place: int) -> str:
    text = held[place * WIDTH : (place + 1) * WIDTH - 1].decode()
    return text[:3] + text[4:]


def _holds(held: mmap.mmap, rows: int, number: str) -> bool:
    low, high = 0, rows
    while low < high:
        middle = (low + high) // 2
        if _row(held, middle) < number:
            low = middle + 1
        else:
            high = middle
    return low < rows and _row(held, low) == number


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.whole_registry", description="Write a made-up registry of full size.")
    parser.add_argument("out", type=Path, help="the registry file; with --changes it is read")
    parser.add_argument("--numbers", type=int, default=FULL)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--area-codes", default="", help="comma separated; default: all in service")
    parser.add_argument("--changes", type=Path, metavar="FILE", help="write a change list to the registry file instead")
    parser.add_argument("--adds", type=int, default=50_000)
    parser.add_argument("--deletes", type=int, default=50_000)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2026, 10, 16))
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=date(2026, 11, 15))
    options = parser.parse_args(arguments)
    try:
        if options.changes is None:
            write(options.out, options.numbers, options.seed, [code.strip() for code in options.area_codes.split(",") if code.strip()])
        else:
            rows = changes(options.out, options.adds, options.deletes, options.first, options.last, options.seed)
            options.changes.write_text("".join(rows), encoding="ascii")
    except (OSError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
