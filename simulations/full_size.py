"""A registry of full size through its whole life: import, kill and resume, verify, look up, change. Prints what was measured.

    python -m simulations.full_size FOLDER --numbers 258500000 --kills 5

FOLDER needs room for the file (12 bytes a number) and three copies of the list (under 400 MB each); nothing in it is removed. Every
step is checked: the bits of sampled area codes are those that were generated, a list whose import was killed is the list of an import
that was not, and until then the version before it answers.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from random import Random

import numpy as np

from dialguard.facts import clock
from dialguard.lists.catalog import Catalog
from dialguard.lists.changing import apply_changes
from dialguard.lists.versions import open_version, read_index, verify
from simulations import whole_registry
from simulations.population import area_codes

PUBLISHED = date(2026, 10, 15)
ASKED = 4_000_000
_POLARS = "import sys, time, polars; t = time.perf_counter(); f = polars.read_csv(sys.argv[1], has_header=False); print(time.perf_counter() - t, len(f))"


def _import(store: Path, file: Path) -> subprocess.Popen[bytes]:
    command = ("lists", "import", "national", str(file), "--published", str(PUBLISHED), "--whole-plan", "--allow-shrink", "--store", str(store))
    return subprocess.Popen([sys.executable, "-m", "dialguard", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _timed(store: Path, file: Path) -> float:
    start = time.perf_counter()
    if _import(store, file).wait():
        raise SystemExit("the import failed")
    return time.perf_counter() - start


def _manifest(store: Path) -> dict[str, object]:
    folder = store / "lists" / "national"
    return open_version(folder, read_index(folder)[-1]).manifest


def _check_bits(store: Path, numbers: int, seed: int) -> int:
    """Compare every twentieth area code with what was generated; how many numbers these hold."""
    catalog = Catalog(store)
    reader = catalog.reader(catalog.versions("national")[-1])
    seen = 0
    for place, (code, lines) in enumerate(whole_registry.lines_of(numbers, seed)):
        if place % 20 == 0:
            wanted = np.zeros(8_000_000, bool)
            wanted[lines - 2_000_000] = True
            if not (np.unpackbits(reader.array(int(code))) == wanted).all():
                raise SystemExit(f"area code {code} is not what was generated")
            seen += len(lines)
    return seen


def _membership(store: Path) -> str:
    """Many random numbers against numpy fetching the same bytes from the same file, in turns."""
    catalog = Catalog(store)
    version = catalog.versions("national")[-1]
    reader = catalog.reader(version)
    rng = np.random.default_rng(1)
    npa = rng.choice(np.array(sorted(int(code) for code in area_codes())), ASKED)
    line = rng.integers(2_000_000, 10_000_000, ASKED)
    data = np.memmap(reader.path, np.uint8, "r").view(np.ndarray)
    slots = np.zeros(1000, np.int64)
    slots[reader.manifest["blocks"]] = np.arange(len(reader.manifest["blocks"]))
    place = 65_536 + slots[npa] * 1_000_000 + ((line - 2_000_000) >> 3)
    bare, ours = [], []
    for _ in range(9):
        start = time.perf_counter()
        data[place]
        between = time.perf_counter()
        catalog.contains_many(version, npa, line)
        bare.append(between - start)
        ours.append(time.perf_counter() - between)
    rate = float(np.median(np.array(bare) / np.array(ours)))
    return f"{ASKED / np.median(ours) / 1e6:.1f} million look-ups a second, {rate:.2f} of the rate of a bare gather ({ASKED / np.median(bare) / 1e6:.1f})"


def run(folder: Path, numbers: int, seed: int, kills: int) -> None:
    """All steps; raises SystemExit when one is not as it should be."""
    file = folder / "registry.txt"
    if not file.exists() or file.stat().st_size != numbers * whole_registry.WIDTH:
        start = time.perf_counter()
        whole_registry.write(file, numbers, seed)
        print(f"generated: {numbers:,} numbers, {file.stat().st_size / 1e9:.2f} GB, in {time.perf_counter() - start:.0f} s", flush=True)
    ratios = []
    for turn in range(2):
        took = _timed(folder / f"whole{turn}", file)
        read = float(subprocess.run([sys.executable, "-c", _POLARS, str(file)], capture_output=True, text=True, check=True).stdout.split()[0])
        ratios.append(took / read)
        print(f"import: {took:.1f} s, polars reading the same file {read:.1f} s: {took / read:.2f} times", flush=True)
    store = folder / "whole0"
    manifest = _manifest(store)
    size = sum(path.stat().st_size for path in (store / "lists").rglob("*") if path.is_file())
    print(f"on disk: {size / 1e6:.0f} MB, {len(manifest['blocks'])} area codes, {manifest['numbers']:,} numbers", flush=True)
    print(f"bits as generated: {_check_bits(store, numbers, seed):,} numbers in every twentieth area code", flush=True)
    start = time.perf_counter()
    if any(check.problem for check in verify(store)):
        raise SystemExit("verify found damage")
    print(f"verify: {time.perf_counter() - start:.1f} s", flush=True)
    print(f"membership: {_membership(store)}", flush=True)
    _killed(folder, file, kills, manifest)
    _changed(folder, file, store)


def _killed(folder: Path, file: Path, kills: int, manifest: dict[str, object]) -> None:
    store, random = folder / "killed", Random(3)
    small = folder / "old.txt"
    small.write_text("202,5550123\n", encoding="ascii")
    _timed(store, small)
    old = read_index(store / "lists" / "national")
    whole = _timed(folder / "again", file)
    done = 0
    while done < kills:
        child = _import(store, file)
        time.sleep(random.uniform(0.1, whole))
        child.kill()
        child.wait()
        if len(read_index(store / "lists" / "national")) > len(old):  # it was too late: begin anew
            store = folder / f"killed{done}"
            _timed(store, small)
            old = read_index(store / "lists" / "national")
            continue
        done += 1
        answers = Catalog(store).answers("national", 2_025_550_123)
        if read_index(store / "lists" / "national") != old or [answer.listed for answer in answers] != [True]:
            raise SystemExit("after a kill the version before was not intact")
    start = time.perf_counter()
    _timed(store, file)
    last = _manifest(store)
    if any(last[key] != manifest[key] for key in ("blocks_sha256", "counts", "numbers", "rows")):
        raise SystemExit("an import that was killed made another list")
    print(f"killed {kills} times, the version before intact each time; the last run ended in {time.perf_counter() - start:.1f} s, same digest", flush=True)


def _changed(folder: Path, file: Path, store: Path) -> None:
    last = date(2026, 11, 15)
    path = folder / "changes.txt"
    path.write_text("".join(whole_registry.changes(file, 50_000, 50_000, PUBLISHED, last, 5)), encoding="ascii")
    start, cpu = time.perf_counter(), time.process_time()
    version = apply_changes(store, "national", path, published=last, received_at=clock.now())
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    if version.changes is None or (version.changes.added, version.changes.removed) != (50_000, 50_000):
        raise SystemExit("the changes were not applied as they stand")
    print(f"changes: {version.rows:,} lines live in {took:.2f} s ({cpu:.2f} s of processor time)", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.full_size", description="Measure a registry of full size.")
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument("--numbers", type=int, default=whole_registry.FULL)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--kills", type=int, default=5, help="how often an import is killed on its way")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    run(options.folder, options.numbers, options.seed, options.kills)


if __name__ == "__main__":
    main()
