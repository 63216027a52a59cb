"""`dialguard screen` from file to file."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulations import leads

AT = "2026-11-24T10:30:00-05:00"


@pytest.fixture
def store(run, tmp_path: Path) -> Path:
    """Two lists and a complete record."""
    store = tmp_path / "store"
    for name, numbers, more in (("national", ["2125550101", "8015550101"], ["--whole-plan"]), ("PA", ["2155550101"], [])):
        path = tmp_path / f"{name}.txt"
        path.write_text("".join(f"{number}\n" for number in numbers), encoding="utf-8")
        assert run("lists", "import", name, path, "--published", "2026-11-20", *more, "--store", store).status == 0
    assert run("ledger", "declare", "--seller", "acme", "--since", "2020-01-01", "--store", store).status == 0
    return store


def write(tmp_path: Path, *rows: str, header: str = "name,phone,state") -> Path:
    path = tmp_path / "in.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_a_small_list(run, tmp_path: Path, campaign: Path, store: Path) -> None:
    source = write(
        tmp_path, "listed,212-555-0101,", "free,801-555-0102,UT", "again,(801) 555 0102,", "west,808-555-0101,HI", "bad,12,", "blank,,UT"
    )
    done = run("screen", source, tmp_path / "out.csv", "--campaign", campaign, "--at", AT, "--store", store)
    assert done.status == 0
    rows = read(tmp_path / "out.csv")
    assert [row["name"] for row in rows] == ["listed", "free", "again", "west", "bad", "blank"]
    assert [row["dg_verdict"] for row in rows] == ["deny", "allow", "deny", "deny", "deny", "deny"]
    listed, free, again, west, bad, blank = rows
    assert listed["dg_reason"] == "us.fcc.dnc.national" and listed["dg_kind"] == "prohibited" and "64.1200(c)" in listed["dg_citation"]
    assert "us.tsr.dnc.national" in listed["dg_reasons"].split(";") and listed["dg_retry_at"] == ""
    assert free["dg_valid_until"] and free["dg_states"] == "UT" and free["dg_zones"] == "America/Denver" and free["dg_obligations"]
    assert again["dg_duplicate"] == "true" and free["dg_duplicate"] == "" and again["dg_kind"] == "duplicate"
    assert west["dg_retry_at"] == "2026-11-24T08:00:00-10:00"  # half past five in Hawaii
    assert bad["dg_problem"] and blank["dg_problem"] and not free["dg_problem"]
    text = done.out
    assert "6 rows in, 6 rows out" in text and "Tue 2026-11-24 08:00" in text and str(tmp_path / "out.csv") in text
    assert "not legal advice" in text and "47 CFR 64.1200" in text
    assert "columns: phone = phone, state = state" in done.err


def test_the_summary_as_json(run, tmp_path: Path, campaign: Path, store: Path) -> None:
    source = write(tmp_path, "listed,212-555-0101,", "free,801-555-0102,UT", "again,(801) 555 0102,", "west,808-555-0101,HI", "bad,12,")
    found = run("screen", source, tmp_path / "out.parquet", "--campaign", campaign, "--at", AT, "--store", store, "--json").json
    assert (found["rows"], found["callable_now"], found["callable_later"], found["not_callable"]) == (5, 1, 1, 1)
    assert (found["duplicates"], found["unusable"]) == (1, 1)
    assert found["retry_at"] == {"2026-11-24T08:00:00-10:00": 1}
    assert found["output"].endswith("out.parquet") and found["at"] == "2026-11-24T15:30:00Z"


def test_a_vicidial_export_end_to_end(run, tmp_path: Path, campaign: Path, store: Path) -> None:
    leads.write(tmp_path / "leads.tsv", 2_500, 4)
    done = run("screen", tmp_path / "leads.tsv", tmp_path / "out.tsv", "--campaign", campaign, "--at", AT, "--store", store, "--json")
    assert done.status == 0 and done.json["rows"] == 2_500
    lines = (tmp_path / "out.tsv").read_text("utf-8").split("\n")
    assert len(lines) == 2_502
    known = {lead.number for lead in leads.generate(2_500, 4)}
    allowed = [line.split("\t") for line in lines[1:-1] if line.split("\t")[len(leads.COLUMNS)] == "allow"]
    assert 0 < len(allowed) == done.json["callable_now"]
    numbers = [row[11] for row in allowed]
    assert len({"".join(filter(str.isdigit, number))[-10:] for number in numbers if "x" not in number}) > 0
    digits = ["".join(filter(str.isdigit, number.split("x")[0].split("ext")[0])).removeprefix("1") for number in numbers]
    assert len(digits) == len(set(digits))  # nobody is to be called twice
    assert all(number in known or number[:3] in ("800", "833", "844", "855", "866", "877", "888") for number in digits)


@pytest.mark.parametrize(
    ("rows", "header", "options", "says"),
    [
        ([], "name,phone", [], "no rows below the header"),
        (["a,1"], "name,fon", [], "no column with telephone numbers"),
        (["a,1"], "name,phone", ["--map", "phone=fon"], "no column 'fon'"),
        (["a,1"], "name,phone", ["--map", "phone"], "expected FIELD=COLUMN"),
        (["a,1"], "name,phone", ["--at", "tomorrow"], "not a moment"),
        (["a,1"], "name,phone", ["--encoding", "x-y"], "not known"),
        (["a,1"], "name,phone", ["--store", "none"], "no store folder none"),
        (['a,"1'], "name,phone", [], "is not closed"),
    ],
)
def test_refusals_exit_2_and_leave_nothing(run, tmp_path: Path, campaign: Path, rows, header, options, says) -> None:
    source = write(tmp_path, *rows, header=header)
    before = set(os.listdir(tmp_path))
    store = [] if "--store" in options else ["--no-store"]
    done = run("screen", source, tmp_path / "out.csv", "--campaign", campaign, *store, *options)
    assert done.status == 2 and says in done.err and done.out == "" and "Traceback" not in done.err
    assert set(os.listdir(tmp_path)) == before


def test_an_unknown_campaign_field_is_named(run, tmp_path: Path) -> None:
    path = tmp_path / "campaign.json"
    path.write_text(json.dumps({"seller": "acme", "purpose": "survey", "dialling": "manual"}), encoding="utf-8")
    done = run("screen", write(tmp_path, "a,5125550123,"), tmp_path / "out.csv", "--campaign", path, "--no-store")
    assert done.status == 2 and "campaign.dialling: unknown field; did you mean `dialing`?" in done.err


def test_existing_output_needs_force(run, tmp_path: Path, campaign: Path) -> None:
    source, out = write(tmp_path, "a,8015550123,UT"), tmp_path / "out.csv"
    out.write_text("precious", encoding="utf-8")
    done = run("screen", source, out, "--campaign", campaign, "--no-store")
    assert done.status == 2 and "--force" in done.err and out.read_text("utf-8") == "precious"
    assert run("screen", source, out, "--campaign", campaign, "--no-store", "--force").status == 0
    assert len(read(out)) == 1


def test_seller_and_map(run, tmp_path: Path, campaign: Path, store: Path) -> None:
    source = write(tmp_path, "a,8015550123,UT", header="x,y,z")
    out = tmp_path / "out.csv"
    arguments = ("--campaign", campaign, "--store", store, "--at", AT, "--map", "phone=y,state=z", "--force")
    assert run("screen", source, out, *arguments).status == 0
    assert read(out)[0]["dg_verdict"] == "allow"
    # Another seller's record is not declared complete.
    assert run("screen", source, out, *arguments, "--seller", "other").status == 0
    assert read(out)[0]["dg_verdict"] == "deny"


def test_a_damaged_list_denies_and_a_damaged_ledger_stops(run, tmp_path: Path, campaign: Path, store: Path) -> None:
    source, out = write(tmp_path, "a,8015550123,UT"), tmp_path / "out.csv"
    (bits,) = (store / "lists" / "national").glob("*.bits")
    bits.write_bytes(bits.read_bytes()[:-10])
    assert run("screen", source, out, "--campaign", campaign, "--store", store, "--at", AT, "--force").status == 0
    assert read(out)[0]["dg_kind"] == "lookup_unavailable"
    out.unlink()
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (store / name).unlink(missing_ok=True)
    (store / "ledger.sqlite").write_bytes(b"not a database" * 1000)
    done = run("screen", source, out, "--campaign", campaign, "--store", store, "--at", AT)
    assert done.status == 2 and "nothing was screened" in done.err and not out.exists()


def test_progress_in_plain_lines(run, tmp_path: Path, campaign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialguard.cli.progress.SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr("dialguard.screening.read.CHUNK", 2_000)
    leads.write(tmp_path / "leads.tsv", 4_500, 4)
    done = run("screen", tmp_path / "leads.tsv", tmp_path / "out.csv", "--campaign", campaign, "--no-store")
    lines = [line for line in done.err.splitlines() if "a second" in line]
    assert len(lines) == 3 and "4,500 rows, 100%" in lines[-1] and "s left" in lines[0]


def test_a_bar_on_a_terminal(tmp_path: Path, campaign: Path) -> None:
    import pty

    leads.write(tmp_path / "leads.tsv", 2_100, 4)
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "dialguard", "screen", str(tmp_path / "leads.tsv"), str(tmp_path / "out.csv"), "--campaign", str(campaign)]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen([*command, "--no-store"], stderr=child, stdout=subprocess.PIPE, env=env, cwd=Path(__file__).parents[2])
    os.close(child)
    shown = b""
    while True:
        try:
            more = os.read(parent, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
    assert process.wait() == 0 and b"100%" in shown and b"a second" in shown
    assert b"2,100 rows in" in process.stdout.read()
    process.stdout.close()
    os.close(parent)


def on_a_full_disk(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command where no file may grow past 20,000 bytes."""

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [sys.executable, "-B", "-m", "dialguard", *map(str, arguments)]
    done = subprocess.run(command, preexec_fn=small, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    return done


def test_a_full_disk(tmp_path: Path, campaign: Path) -> None:
    leads.write(tmp_path / "leads.tsv", 300, 4)
    before = set(os.listdir(tmp_path))
    done = on_a_full_disk("screen", tmp_path / "leads.tsv", tmp_path / "out.csv", "--campaign", campaign, "--no-store")
    assert "cannot be written (File too large)" in done.stderr
    assert set(os.listdir(tmp_path)) == before


def test_a_full_disk_under_the_store(tmp_path: Path) -> None:
    (tmp_path / "tx.txt").write_text("5125550123\n", encoding="utf-8")
    done = on_a_full_disk("lists", "import", "TX", tmp_path / "tx.txt", "--published", "2026-10-01", "--store", tmp_path / "store")
    assert "could not be written" in done.stderr and not (tmp_path / "store" / "lists" / "TX").exists()
    done = on_a_full_disk("suppress", "5125550123", "--seller", "acme", "--store", tmp_path / "store")
    assert "nothing was recorded" in done.stderr


def test_a_read_only_folder(run, tmp_path: Path, campaign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another user than root would meet it; root may write anywhere."""

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "out.csv"))

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    done = run("screen", write(tmp_path, "a,8015550123,UT"), tmp_path / "out.csv", "--campaign", campaign, "--no-store")
    assert done.status == 2 and "cannot be written (Permission denied)" in done.err and "Traceback" not in done.err


def test_a_report_with_charts(run, tmp_path: Path, campaign: Path, store: Path) -> None:
    source = write(tmp_path, "listed,212-555-0101,", "free,801-555-0102,UT", "west,808-555-0101,HI", "bad,12,")
    out, page = tmp_path / "out.csv", tmp_path / "report.html"
    asked = ("screen", source, out, "--campaign", campaign, "--at", AT, "--store", store, "--report", page)
    done = run(*asked)
    assert done.status == 0 and f"report: {page}" in done.out
    text = page.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>") and "us.fcc.dnc.national" in text and "8015550102" not in text
    assert run(*asked).status == 2  # neither is replaced unasked
    out.unlink()
    again = run(*asked)
    assert again.status == 2 and "report.html exists" in again.err and not out.exists()
    assert run(*asked, "--force").status == 0
    assert run(*asked[:-1], tmp_path / "none" / "r.html", "--force").status == 2
    assert run(*asked[:-1], out, "--force").status == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_only_the_columns_that_are_wanted(run, tmp_path: Path, campaign: Path, store: Path) -> None:
    source = write(tmp_path, "listed,212-555-0101,", "free,801-555-0102,UT")
    asked = ("screen", source, tmp_path / "out.csv", "--campaign", campaign, "--at", AT, "--store", store, "--columns")
    assert run(*asked, "states, dg_verdict").status == 0
    assert [list(row) for row in read(tmp_path / "out.csv")][0] == ["name", "phone", "state", "dg_verdict", "dg_states"]
    wrong = run(*asked, "verdicts", "--force")
    assert wrong.status == 2 and "no such column" in wrong.err and "verdict, kind" in wrong.err


def test_a_certificate_says_which_lists_were_scrubbed_against_and_what_went_in_and_out(run, tmp_path: Path, campaign: Path, store: Path) -> None:
    source = write(tmp_path, "listed,212-555-0101,", "free,801-555-0102,UT")
    told = ("screen", source, tmp_path / "out.csv", "--campaign", campaign, "--at", AT, "--store", store)
    done = run(*told, "--certificate", tmp_path / "c.json")
    assert done.status == 0 and f"certificate: {tmp_path / 'c.json'}" in done.out
    body = json.loads((tmp_path / "c.json").read_text("utf-8"))
    assert [item["code"] for item in body["lists"]] == ["PA", "national"] and body["day"] == "2026-11-24"
    assert body["lists"][1]["versions"][0]["numbers"] == 2 and body["lists"][1]["versions"][0]["published"] == "2026-11-20"
    screened = body["screened"]
    assert (screened["rows"], screened["callable_now"], screened["not_callable"], screened["judged_at"]) == (2, 1, 1, "2026-11-24T15:30:00Z")
    for name, path in (("input", source), ("output", tmp_path / "out.csv")):
        raw = path.read_bytes()
        assert screened[name] == {"file": path.name, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    digest = body.pop("digest")
    assert digest == hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
    assert run(*told, "--certificate", tmp_path / "c.json").status == 2  # it exists
    assert run(*told, "--force", "--certificate", tmp_path / "c.txt").status == 0
    assert f"input: in.csv, {source.stat().st_size:,} bytes" in (tmp_path / "c.txt").read_text("utf-8")


def test_a_certificate_is_refused_before_the_work_where_there_is_nothing_to_certify(run, tmp_path: Path, campaign: Path) -> None:
    source = write(tmp_path, "free,801-555-0102,UT")
    told = ("screen", source, tmp_path / "out.csv", "--campaign", campaign, "--at", AT)
    (tmp_path / "bare").mkdir()
    for more, says in (
        (("--no-store", "--certificate", tmp_path / "c.json"), "no lists to speak of"),
        (("--store", tmp_path / "bare", "--certificate", tmp_path / "c.json"), "no list is held"),
        (("--no-store", "--certificate", source), "a name of its own"),
        (("--no-store", "--certificate", tmp_path / "none" / "c.json"), "there is no folder"),
    ):
        done = run(*told, *more)
        assert done.status == 2 and says in done.err and not (tmp_path / "out.csv").exists()


def test_a_list_imported_during_the_screen_is_not_in_its_certificate(run, tmp_path: Path, campaign: Path, store: Path, monkeypatch) -> None:
    from dialguard.facts import clock
    from dialguard.screening import files

    now, screen_file = clock.now(), files.screen_file

    def meanwhile(*arguments):
        monkeypatch.setattr(clock, "now", lambda: now + 1)
        (tmp_path / "TX.txt").write_text("5125550101\n", encoding="utf-8")
        assert run("lists", "import", "TX", tmp_path / "TX.txt", "--published", "2026-11-20", "--store", store).status == 0
        return screen_file(*arguments)

    monkeypatch.setattr(files, "screen_file", meanwhile)
    source = write(tmp_path, "free,801-555-0102,UT")
    done = run("screen", source, tmp_path / "out.csv", "--campaign", campaign, "--at", AT, "--store", store, "--certificate", tmp_path / "c.json")
    assert done.status == 0
    assert [item["code"] for item in json.loads((tmp_path / "c.json").read_text("utf-8"))["lists"]] == ["PA", "national"]
