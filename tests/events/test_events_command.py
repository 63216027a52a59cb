"""``dialguard events``: tell, run, status."""

import json
import os
import signal
import subprocess
import sys

from dialguard.cli.main import main
from tests.events.running import recorded, until


def test_what_is_told_is_dealt_with_by_the_next_run(tmp_path, capsys):
    store = ["--store", str(tmp_path)]
    assert main(["events", "status", *store]) == 0 and capsys.readouterr().out == "event rules: not in use\n"
    lines = [
        {"event": "wrong_number", "seller": "acme", "to": "(202) 555-0101", "id": "one"},
        {"event": "wrong_numbr", "seller": "acme", "to": "(202) 555-0102"},
        {"event": "complaint", "seller": "acme", "to": "(202) 555-0103", "id": "three"},
    ]
    (tmp_path / "told.ndjson").write_text("".join(json.dumps(each) + "\n\n" for each in lines) + "{nonsense\n", "utf-8")
    assert main(["events", "tell", str(tmp_path / "told.ndjson"), *store]) == 1
    printed = capsys.readouterr()
    assert printed.out == "one\nthree\n"
    assert "line 3: event: found 'wrong_numbr'; did you mean `wrong_number`?; it was not told" in printed.err
    assert "line 7: not JSON" in printed.err and "555" not in printed.err
    assert main(["events", "run", "--once", *store]) == 0
    assert capsys.readouterr().err == f"8 event rules on {tmp_path}\n"
    assert sorted(recorded(tmp_path)["internal"]) == ["event:house.event.complaint:0:three", "event:house.event.wrong-number:1:one"]
    assert main(["events", "status", "--json", *store]) == 0
    assert json.loads(capsys.readouterr().out) == {"running": None, "alarms": 2}


def test_a_run_ends_when_it_is_asked_to(tmp_path, capsys):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    running = subprocess.Popen([sys.executable, "-m", "dialguard", "events", "run", "--store", str(tmp_path)], env=environment)
    facts = tmp_path / "events" / "facts.json"
    until(lambda: facts.exists() and json.loads(facts.read_text("utf-8"))["caught_up"])
    assert main(["events", "status", "--store", str(tmp_path)]) == 0 and "running" in capsys.readouterr().out
    running.send_signal(signal.SIGTERM)
    assert running.wait(30) == 0 and not facts.exists()


def test_mistakes_are_told_without_a_traceback(tmp_path, capsys):
    store = ["--store", str(tmp_path)]
    assert main(["events", "run", "--webhook", "ftp://x", *store]) == 2
    assert "a webhook needs a secret" in capsys.readouterr().err
    assert main(["events", "tell", str(tmp_path / "nothing"), *store]) == 2
    assert "No such file" in capsys.readouterr().err
