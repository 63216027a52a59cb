"""What befalls an import of a list: killed at random moments of a large load, and files that are not what they should be.

    python -m simulations.faults.lists 20000000 [--write docs/faults.md]
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection
from datetime import date
from pathlib import Path
from random import Random

from dialguard.facts import clock
from dialguard.lists.catalog import Catalog
from dialguard.lists.errors import ListImportError
from dialguard.lists.importing import import_list
from dialguard.lists.versions import open_version, read_index, verify
from simulations import whole_registry
from simulations.faults.table import existing, put

KILLS = 50
CHECKPOINTS = 8
"""So many in a file; by itself an import writes one down every 256 MB."""
HEADING = "## Lists"
PUBLISHED = date(2026, 10, 15)
OLD, OLD_LISTED, OLD_CLEAR = "202,5550123\n", 2_025_550_123, 2_025_550_124
_PROGRAM = """
import sys
from datetime import date
from dialguard.lists import importing
from dialguard.lists.importing import import_list
importing.CHECKPOINT = int(sys.argv[4])
print("ready", flush=True)
import_list(sys.argv[1], "national", sys.argv[2], published=date(2026, 10, 15), whole_plan=True, allow_shrink=True, received_at=int(sys.argv[3]),
            progress=lambda step, done, of: print(step, flush=True) if step == "resumed" else None)
"""


def run(lines: int, kills: int = KILLS, codes: Collection[str] = ()) -> list[tuple[str, str]]:
    """Everything; raises SystemExit where something is not as it should be. ``codes`` narrows the area codes."""
    with tempfile.TemporaryDirectory(prefix="dgl") as place:
        folder = Path(place)
        file = folder / "registry.txt"
        whole_registry.write(file, lines, 7, codes)
        return [*_killed(folder, file, lines, kills), *_refused(folder, file, lines)]


def _begin(store: Path) -> None:
    """A store in which the version before is held."""
    small = store.parent / "old.txt"
    small.write_text(OLD, encoding="ascii")
    import_list(store, "national", small, published=date(2026, 10, 1), whole_plan=True, received_at=clock.now())


def _import(store: Path, file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _PROGRAM, str(store), str(file), str(clock.now()), str(file.stat().st_size // CHECKPOINTS)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    return child


def _content(store: Path) -> tuple[object, ...]:
    folder = store / "lists" / "national"
    manifest = open_version(folder, read_index(folder)[-1]).manifest
    return tuple(manifest[key] for key in ("blocks_sha256", "counts", "numbers", "rows"))


class _Serving(threading.Thread):
    """Asks for a number that the old version lists and one that it does not, all along."""

    def __init__(self, store: Path) -> None:
        super().__init__(daemon=True)
        self.store, self.asked, self.wrong, self.stop = store, 0, 0, threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.002):
            catalog = Catalog(self.store)
            listed, clear = (catalog.answers("national", number)[0].listed for number in (OLD_LISTED, OLD_CLEAR))
            self.asked += 1
            self.wrong += listed is not True or clear is not False


def _killed(folder: Path, file: Path, lines: int, kills: int) -> list[tuple[str, str]]:
    whole, store, draw = folder / "whole", folder / "killed", Random(3)
    _begin(whole)
    child, start = _import(whole, file), time.perf_counter()
    child.communicate()
    took = time.perf_counter() - start
    _begin(store)
    serving = _Serving(store)
    serving.start()
    done = resumed = late = 0
    while done < kills:
        child = _import(store, file)
        time.sleep(draw.uniform(0, took))
        child.kill()
        said, _ = child.communicate()
        resumed += "resumed" in said
        if len(read_index(store / "lists" / "national")) > 1:  # it was too late: begin anew
            late += 1
            serving.stop.set()
            serving.join()
            store = folder / f"killed{late}"
            _begin(store)
            asked, wrong = serving.asked, serving.wrong
            serving = _Serving(store)
            serving.asked, serving.wrong = asked, wrong
            serving.start()
            continue
        done += 1
    serving.stop.set()
    serving.join()
    child = _import(store, file)
    said, _ = child.communicate()
    resumed += "resumed" in said
    if child.returncode or _content(store) != _content(whole):
        raise SystemExit("an import that was killed made another list than one that was not")
    if serving.wrong or not serving.asked or any(check.problem for check in verify(store)):
        raise SystemExit("the version before did not go on answering")
    return [
        (f"killed with SIGKILL at {kills} random moments of an import of {lines:,} lines ({took:.1f} s), {CHECKPOINTS} checkpoints a file",
         f"the version before answered {serving.asked:,} times meanwhile, 0 wrong; {resumed} imports went on from a checkpoint; "
         "the same digest as an import that was not killed"),
    ]  # fmt: skip


def _refused(folder: Path, file: Path, lines: int) -> list[tuple[str, str]]:
    store = folder / "whole"
    before = _content(store)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    cut = folder / "cut.txt"
    cut.write_bytes(file.read_bytes()[: 12 * (lines // 2) - 5])
    shrunk = folder / "shrunk.txt"
    shrunk.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[: lines - lines // 5 - 1]))
    cases = (
        ("a file cut in half within a line", cut, {}),
        ("a file cut in half, its digest known", cut, {"expected_sha256": digest}),
        ("one row fewer than expected", file, {"expected_rows": lines + 1}),
        ("a digest of another file", file, {"expected_sha256": "0" * 64}),
        ("a fifth and one number fewer than the version before", shrunk, {}),
    )
    found = []
    for what, path, options in cases:
        try:
            import_list(store, "national", path, published=date(2026, 11, 15), whole_plan=True, received_at=clock.now(), **options)
        except ListImportError as error:
            if _content(store) != before:
                raise SystemExit(f"{what}: it was refused, and the list is another one") from None
            found.append((what, f"refused: `{error.kind}`"))
        else:
            raise SystemExit(f"{what}: it was taken")
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.faults.lists", description=__doc__.splitlines()[0])
    parser.add_argument("lines", type=int)
    parser.add_argument("--write", type=existing, metavar="FILE", help="put the table at the end of a page")
    options = parser.parse_args()
    rows = "\n".join(f"| {what} | {said} |" for what, said in run(options.lines))
    told = f"python -m simulations.faults.lists {' '.join(sys.argv[1:])}"
    section = f"{HEADING}\n\n```\n{told}\n```\n\n| what | shown |\n| --- | --- |\n{rows}\n"
    print(section)
    if options.write is not None:
        options.write.write_text(put(options.write.read_text("utf-8"), HEADING, section), encoding="utf-8")


if __name__ == "__main__":
    main()
