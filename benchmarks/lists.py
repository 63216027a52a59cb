"""Do-Not-Call lists: one look-up in a mapped list of bits beside a Python set, many beside numpy's own gather from the same file, an
import beside reading the file, a change list. ``simulations.full_size`` does the same with a registry of full size."""

import statistics
import tempfile
from datetime import date
from pathlib import Path
from random import Random
from time import perf_counter

import numpy as np
import polars

from benchmarks.timing import Contender, interleaved, show
from dialguard.facts import clock
from dialguard.lists.bits import FIRST_LINE, BitsReader
from dialguard.lists.catalog import Catalog
from dialguard.lists.changing import apply_changes
from dialguard.lists.importing import import_list
from simulations import registry, whole_registry
from simulations.population import Numbers

LISTED, ASKED, MANY, CHANGED = 1_000_000, 5_000, 2_000_000, 100_000
OURS, SET = "dialguard, bits in a mapped file", "a set of integers in memory"


def run(rounds: int) -> None:
    """Import a list a few times, then look numbers up in turns."""
    now = clock.now()
    today = date.fromordinal(clock.fixed(now, 0).ordinal)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = folder / "national.txt"
        registry.write(file, registry.generate(LISTED, 7))
        imports, reads = [], []
        for turn in range(max(3, rounds // 3)):
            start = perf_counter()
            version = import_list(folder / f"store{turn}", "national", file, published=today, whole_plan=True, received_at=now)
            between = perf_counter()
            frame = polars.read_csv(file, has_header=False, new_columns=["npa", "line"])
            imports.append(between - start)
            reads.append(perf_counter() - between)
        bits = Catalog(folder / "store0").reader(version)
        held = {code * 10_000_000 + line for code, line in frame.iter_rows()}
        source = Numbers(Random(1))
        # Half of what is asked for is listed.
        numbers = [source.draw() for _ in range(ASKED // 2)] + [str(number) for number in Random(2).sample(sorted(held), ASKED // 2)]
        Random(3).shuffle(numbers)
        if any(bits.contains(number) is not (int(number) in held) for number in numbers):
            raise SystemExit("the list and the set differ")
        contenders = [Contender(SET, lambda number: int(number) in held, numbers), Contender(OURS, bits.contains, numbers)]
        show(f"Is a ten-digit number on a list of {LISTED:,}?", interleaved(contenders, rounds * 4))
        took, read = statistics.median(imports), statistics.median(reads)
        print(f"  import of {LISTED:,} numbers: {took:.2f} s, {took / read:.1f} times polars' bare reading of the file ({read:.2f} s)")
        print(f"  {_many(bits, rounds)}")
        changes = folder / "changes.txt"
        changes.write_text("".join(whole_registry.changes(file, CHANGED // 2, CHANGED // 2, today, today, 5)), encoding="ascii")
        lives = []
        for turn in range(max(3, rounds // 3)):
            start = perf_counter()
            apply_changes(folder / f"store{turn}", "national", changes, published=today, received_at=now)
            lives.append(perf_counter() - start)
        print(f"  a change list of {CHANGED:,} lines live in {statistics.median(lives):.2f} s")


def _many(bits: BitsReader, rounds: int) -> str:
    """Look-ups of random numbers as arrays; numpy fetches the same bytes by places worked out beforehand."""
    rng = np.random.default_rng(1)
    blocks = np.array(bits.manifest["blocks"])
    slot, line = rng.integers(0, len(blocks), MANY), rng.integers(FIRST_LINE, 10_000_000, MANY)
    npa = blocks[slot]
    data = np.memmap(bits.path, np.uint8, "r").view(np.ndarray)
    place = 65_536 + slot * 1_000_000 + ((line - FIRST_LINE) >> 3)
    if not ((data[place] >> (7 - (line - FIRST_LINE) % 8)) & 1 == bits.contains_many(npa, line)).all():
        raise SystemExit("the list and its file differ")
    bare, ours = [], []
    for _ in range(max(5, rounds)):
        start = perf_counter()
        data[place]
        between = perf_counter()
        bits.contains_many(npa, line)
        bare.append(between - start)
        ours.append(perf_counter() - between)
    rate = statistics.median(b / o for b, o in zip(bare, ours, strict=True))
    return f"{MANY:,} look-ups as arrays: {MANY / statistics.median(ours) / 1e6:.0f} million a second, {rate:.2f} of the rate of a bare gather"
