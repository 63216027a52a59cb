"""An import that is killed at any point has recorded all or nothing, and the next one completes it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from dialguard.ledger.importing import Imported, import_file
from dialguard.ledger.incoming import Reading
from dialguard.ledger.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
COUNT = 3000
CODE = """
import sys, pathlib
from dialguard.ledger.importing import import_file
from dialguard.ledger.incoming import Reading
from dialguard.ledger.ledger import Ledger
ledger = Ledger(sys.argv[1])
print("ready", flush=True)
import_file(ledger, pathlib.Path(sys.argv[2]), Reading(now=1_700_000_000_000_000, seller="acme"))
print("done", flush=True)
"""


def test_an_import_that_is_killed_records_all_or_nothing(tmp_path):
    path, file = tmp_path / "ledger.sqlite", tmp_path / "in.csv"
    file.write_text("kind,id,number,level\n" + "".join(f"consent,{i},30555{i:05},express\n" for i in range(COUNT)))
    ledger = Ledger(path)
    ledger.suppress(seller="acme", number="+13055550100", at=1_700_000_000_000_000, known_at=1_700_000_000_000_000)
    found = []
    for tenths in range(6):
        child = subprocess.Popen([sys.executable, "-c", CODE, path, file], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "ready\n"
        time.sleep(tenths / 10)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        found.append(ledger.entries("acme", lambda entries: sum(1 for _ in entries), kinds=["consent"]))
    assert set(found) <= {0, COUNT} and found == sorted(found)
    done = import_file(ledger, file, Reading(now=1_700_000_000_000_001, seller="acme"))
    assert done in (Imported({"consent": COUNT}, 0), Imported({}, COUNT))
    assert ledger.entries("acme", lambda entries: sum(1 for _ in entries), kinds=["consent"]) == COUNT
