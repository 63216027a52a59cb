"""Do-Not-Call registry files in the FTC's flat format: `202,5550123`, sorted, no header.

    python -m simulations.registry OUT --numbers 300000 --seed 7 --include-from leads.tsv --share 0.35

Numbers are unique and are written exchange by exchange, so a file of hundreds of millions needs no
more memory than a small one.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from random import Random

from simulations.population import (
    LINES_PER_EXCHANGE,
    apportion,
    area_code_weights,
    area_codes,
    below,
    exchanges,
    subscriber_number,
)


def lead_numbers(path: Path) -> list[str]:
    """The distinct subscribers' numbers of a lead file's `phone_number` column, ten digits, sorted."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        found = {subscriber_number(row["phone_number"]) for row in rows}
    return sorted(number for number in found if number)


def choose(numbers: Sequence[str], share: float, seed: int) -> set[str]:
    """Exactly `share` (0 to 1, rounded to whole numbers) of the numbers."""
    random = Random(seed)
    order = sorted((random.random(), number) for number in numbers)
    return {number for _, number in order[: round(share * len(numbers))]}


def generate(
    total: int, seed: int, codes: Collection[str] = (), held: Collection[str] = (), free: Collection[str] = ()
) -> Iterator[str]:
    """`total` distinct ten-digit numbers in order, all of `held` among them and none of `free`.

    `codes` narrows the area codes (default: all in service); `held` and `free` outside them are left out.
    Raises ValueError for an unknown area code, or a total that does not fit.
    """
    chosen = sorted(codes or area_codes())
    unknown = [code for code in chosen if code not in area_codes()]
    if unknown:
        raise ValueError(f"not area codes in service: {', '.join(unknown)}")
    held_in, free_in = _by_exchange(held), _by_exchange(free)
    fixed = [sum(len(held_in.get(f"{code}{nxx}", ())) for nxx in exchanges()) for code in chosen]
    barred = [sum(len(free_in.get(f"{code}{nxx}", ())) for nxx in exchanges()) for code in chosen]
    if total < sum(fixed):
        raise ValueError(f"{total:,} numbers are fewer than the {sum(fixed):,} lead numbers to include")
    # Half of an exchange at most, so that drawing at random stays quick.
    room = [len(exchanges()) * LINES_PER_EXCHANGE // 2 - f - b for f, b in zip(fixed, barred, strict=True)]
    parts = apportion(total - sum(fixed), [area_code_weights()[code] for code in chosen], room)
    return _generate(Random(seed), dict(zip(chosen, parts, strict=True)), held_in, free_in)


def _generate(
    random: Random, parts: Mapping[str, int], held: Mapping[str, frozenset[int]], free: Mapping[str, frozenset[int]]
) -> Iterator[str]:
    """The held numbers and `parts` others of each area code, in order."""
    none: frozenset[int] = frozenset()
    for code, part in parts.items():
        # Exchanges differ in how full they are.
        weights = [1 + below(random, 9) for _ in exchanges()]
        prefixes = [f"{code}{nxx}" for nxx in exchanges()]
        space = [LINES_PER_EXCHANGE - len(held.get(p, none)) - len(free.get(p, none)) for p in prefixes]
        for prefix, count in zip(prefixes, apportion(part, weights, space), strict=True):
            yield from _exchange(random, prefix, count, held.get(prefix, none), free.get(prefix, none))


def _by_exchange(numbers: Collection[str]) -> dict[str, frozenset[int]]:
    """Line numbers by the six digits before them."""
    return {
        prefix: frozenset(int(number[6:]) for number in group)
        for prefix, group in groupby(sorted(set(numbers)), key=lambda number: number[:6])
    }


def _exchange(random: Random, prefix: str, count: int, held: frozenset[int], free: frozenset[int]) -> Iterator[str]:
    """The held lines of an exchange and `count` others that are not free, in order."""
    lines = set(held)
    if count * 2 > LINES_PER_EXCHANGE:  # fuller than half: a shuffle of what is left beats drawing again and again
        left = [line for line in range(LINES_PER_EXCHANGE) if line not in held and line not in free]
        lines.update(line for _, line in sorted((random.random(), line) for line in left)[:count])
    while len(lines) < len(held) + count:
        line = below(random, LINES_PER_EXCHANGE)
        if line not in free:
            lines.add(line)
    for line in sorted(lines):
        yield f"{prefix}{line:04d}"


def write(path: Path, numbers: Iterator[str]) -> None:
    """Write numbers in the FTC's flat format with LF line ends."""
    with open(path, "w", encoding="ascii", newline="") as file:
        file.writelines(f"{number[:3]},{number[3:]}\n" for number in numbers)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.registry", description="Write a made-up registry file.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--numbers", type=int, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--area-codes", default="", help="comma separated; default: all in service")
    parser.add_argument("--include-from", type=Path, help="a lead file, part of whose numbers is to be registered")
    parser.add_argument("--share", type=float, default=0.35, help="which part of them, 0 to 1")
    options = parser.parse_args(arguments)
    leads = lead_numbers(options.include_from) if options.include_from else []
    codes = [code.strip() for code in options.area_codes.split(",") if code.strip()]
    leads = [number for number in leads if not codes or number[:3] in codes]
    held = choose(leads, options.share, options.seed)
    try:
        write(options.out, generate(options.numbers, options.seed, codes, held, set(leads) - held))
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
