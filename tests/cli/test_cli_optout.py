"""``dialguard optout``: one message, or a file of them."""

from __future__ import annotations

import csv
import io
from pathlib import Path


def test_one_message(run) -> None:
    done = run("optout", "please", "take me off your list")
    assert done.status == 0 and (done.json["verdict"], done.json["tier"], done.json["scope"]) == ("optout", "phrase", "all")
    assert run("optout", "KEEP", "--asked-scope", "marketing").json["scope"] == "marketing"


def test_json_lines_keep_their_order_and_lose_nothing(run) -> None:
    done = run("optout", stdin='{"id": 1, "text": "¡Ya basta!"}\n\n{bad\n{"id": 3}\n{"id": 4, "text": "see you at 5"}\n'.encode())
    assert done.status == 2 and [line["verdict"] for line in done.lines] == ["optout", "unclear", "unclear", "none"]
    assert "line 3: not JSON" in done.err and "line 4: expected an object with a field `text`" in done.err


def test_csv_gets_columns(run) -> None:
    done = run("optout", stdin="\ufeffid,text,note\r\n1,\"STOP, please\",a\r\n2,help\r\n3,\"two\nlines\",c\r\n".encode())
    rows = list(csv.DictReader(io.StringIO(done.out)))
    found = [(row["id"], row["verdict"], row["note"]) for row in rows]
    assert done.status == 0 and found == [("1", "optout", "a"), ("2", "help", ""), ("3", "none", "c")]


def test_mistakes_are_told(run, tmp_path: Path) -> None:
    assert "expected JSON Lines or CSV with a column `text`" in run("optout", stdin=b"message\nSTOP\n").err
    assert "found nothing" in run("optout", stdin=b"").err
    own = tmp_path / "own.yaml"
    own.write_text("innocent: [stop it]\n")
    done = run("optout", "hi", "--words", own)
    assert done.status == 2 and f"{own}:1:1  `innocent` is no key" in done.err
    assert run("optout", "hi", "--words", tmp_path / "none.yaml").status == 2


def test_a_long_cell_is_read(run) -> None:
    done = run("optout", stdin=b"text\n\"" + b"a " * 100_000 + b". STOP\"\n")
    assert done.status == 0 and list(csv.DictReader(io.StringIO(done.out), strict=True))[0]["verdict"] == "optout"
