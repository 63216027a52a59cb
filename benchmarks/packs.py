"""Starting up: import, loading the rule packs from their files and from the compiled copy, the first decision."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

_CHILD = """
import json, time
begin = time.perf_counter()
import dialguard
imported = time.perf_counter()
from dialguard.packs.load import load
packs = load()
loaded = time.perf_counter()
guard = dialguard.Guard(no_store=True, packs=packs)
campaign = {"seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
guard.check({"to": "+12125550123", "channel": "voice", "campaign": campaign}).verdict
print(json.dumps([imported - begin, loaded - imported, time.perf_counter() - loaded, len(packs.rules)]))
"""


def run(rounds: int) -> None:
    """Start fresh processes in turns and print the medians."""
    files: list[list[float]] = []
    copies: list[list[float]] = []
    with tempfile.TemporaryDirectory() as cache:
        _start(cache)  # leaves the compiled copy behind
        for _ in range(max(3, rounds // 2)):
            files.append(_start(""))
            copies.append(_start(cache))
    print("\nStarting up, milliseconds in a fresh process")
    print(f"  {'':24}  {'import':>8}  {'load':>8}  {'first check':>12}")
    for name, found in (("rules read from files", files), ("from the compiled copy", copies)):
        imported, loaded, checked = (statistics.median(column) * 1e3 for column in list(zip(*found, strict=True))[:3])
        print(f"  {name:24}  {imported:8.0f}  {loaded:8.0f}  {checked:12.0f}")
    ratio = statistics.median(one[1] / other[1] for one, other in zip(files, copies, strict=True))
    print(f"  {files[0][3]} rules; the compiled copy loads {ratio:.1f} times as fast")


def _start(cache: str) -> list[float]:
    environment = os.environ | {"DIALGUARD_CACHE": cache}
    done = subprocess.run([sys.executable, "-c", _CHILD], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
