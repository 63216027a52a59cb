"""Do-Not-Call lists: one look-up in a mapped list of bits beside a Python set, and an import beside reading the file."""

import statistics
import tempfile
from datetime import date
from pathlib import Path
from random import Random
from time import perf_counter

import polars

from benchmarks.timing import Contender, interleaved, show
from dialguard.facts import clock
from dialguard.lists.catalog import Catalog
from dialguard.lists.importing import import_list
from simulations import registry
from simulations.population import Numbers

LISTED, ASKED = 1_000_000, 5_000
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
