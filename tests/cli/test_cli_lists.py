"""`dialguard lists`."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tx.txt"
    path.write_text("5125550123\n5125550124\n5125550124\n", encoding="utf-8")
    return path


def test_import_status_verify_rollback(run, file: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    done = run("lists", "import", "TX", file, "--published", "2026-10-01", "--expected-rows", "3", "--store", store, "--json")
    assert done.status == 0 and done.json["numbers"] == 2 and done.json["duplicates"] == 1
    again = run("lists", "import", "TX", file, "--published", "2026-10-01", "--store", store)
    assert again.status == 0 and again.out.startswith("held already") and again.err == ""
    rows = run("lists", "status", "--store", store, "--json").json
    assert [row["code"] for row in rows["versions"]] == ["TX"] and "national" in rows["not_loaded"]
    assert "published 2026-10-01" in run("lists", "status", "--store", store).out
    assert run("lists", "verify", "--store", store).status == 0
    (bits,) = (store / "lists" / "TX").glob("*.bits")
    raw = bytearray(bits.read_bytes())
    raw[-1] ^= 1
    bits.write_bytes(raw)
    assert run("lists", "verify", "--store", store).status == 1
    assert "not loaded" in run("lists", "rollback", "TX", "--store", store).out
    assert run("lists", "status", "--store", store, "--json").json["versions"] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["TX", "{file}", "--published", "yesterday"], "--published: found 'yesterday'"),
        (["tx", "{file}", "--published", "2026-10-01"], "capitals"),
        (["national", "{file}", "--published", "2026-10-01", "--area-codes", "51"], "not an area code"),
        (["TX", "{file}", "--published", "2026-10-01", "--area-codes", "214"], "2"),
        (["TX", "{file}", "--published", "2026-10-01", "--expected-rows", "4"], "3 rows"),
        (["TX", "{file}", "--published", "2026-10-01", "--expected-rows", "-1"], "whole number from 0"),
        (["TX", "{file}", "--published", "2026-10-01", "--use-by", "2026-09-01"], "before it was published"),
        (["TX", "none.txt", "--published", "2026-10-01"], "No such file"),
    ],
)
def test_what_is_refused_leaves_the_store_as_it_was(run, file: Path, tmp_path: Path, arguments: list[str], says: str) -> None:
    store = tmp_path / "store"
    done = run("lists", "import", *(argument.format(file=file) for argument in arguments), "--store", store)
    assert done.status == 2 and says in done.err and "Traceback" not in done.err
    assert run("lists", "status", "--store", store, "--json").json["versions"] == []


def test_bad_rows_are_named_and_may_be_left_out(run, file: Path, tmp_path: Path) -> None:
    file.write_text("5125550123\n123\n5125550124\n", encoding="utf-8")
    done = run("lists", "import", "TX", file, "--published", "2026-10-01", "--store", tmp_path / "s")
    assert done.status == 2 and "line 2" in done.err
    assert run("lists", "import", "TX", file, "--published", "2026-10-01", "--allow-bad-rows", "1", "--store", tmp_path / "s").status == 0


def test_a_shrink_is_refused_unless_told(run, file: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    file.write_text("".join(f"512555{n:04}\n" for n in range(100)), encoding="utf-8")
    assert run("lists", "import", "TX", file, "--published", "2026-07-01", "--store", store).status == 0
    file.write_text("".join(f"512555{n:04}\n" for n in range(79)), encoding="utf-8")
    done = run("lists", "import", "TX", file, "--published", "2026-10-01", "--store", store)
    assert done.status == 2 and "fewer" in done.err
    assert run("lists", "import", "TX", file, "--published", "2026-10-01", "--allow-shrink", "--store", store).status == 0


def test_rollback_of_nothing(run, tmp_path: Path) -> None:
    done = run("lists", "rollback", "TX", "--store", tmp_path)
    assert done.status == 2 and "no version is held" in done.err


def test_status_of_nothing(run, tmp_path: Path) -> None:
    done = run("lists", "status", "--store", tmp_path)
    assert done.status == 0 and "no list is loaded" in done.out


def test_what_is_not_said_is_taken_from_the_file_and_told(run, file: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    done = run("lists", "import", "national", str(file), "--store", store)
    assert done.status == 0
    assert "the day the file was last changed" in done.err
    assert "covers 1 area codes" in done.out
    version = run("lists", "status", "--store", store, "--json").json["versions"][0]
    assert version["area_codes"] == [512]


def test_changes(run, file: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    assert run("lists", "import", "TX", file, "--published", "2026-10-01", "--store", store).status == 0
    changes = tmp_path / "changes.txt"
    changes.write_text("5125550123,2026-10-02,D\n5125550199,2026-10-02,A\n5125550198,2026-10-03,A\n", encoding="utf-8")
    done = run("lists", "import", "TX", changes, "--published", "2026-10-04", "--store", store)
    assert done.status == 2 and "dialguard lists changes" in done.err
    done = run("lists", "changes", "TX", changes, "--published", "2026-10-04", "--store", store)
    assert done.status == 0 and "3 numbers (2 added to and 1 removed from version 2026-10-01-" in done.out
    assert run("lists", "changes", "TX", changes, "--published", "2026-10-04", "--store", store).out.startswith("held already")
    rows = run("lists", "status", "--store", store, "--json").json["versions"]
    assert [row["numbers"] for row in rows] == [2, 3] and rows[1]["changes"]["base"] == rows[0]["id"]
    late = tmp_path / "late.txt"
    late.write_text("5125550123,2026-10-09,A\n", encoding="utf-8")
    done = run("lists", "changes", "TX", late, "--published", "2026-10-10", "--store", store)
    assert done.status == 2 and "published on 2026-10-04" in done.err and "Traceback" not in done.err
    assert run("lists", "changes", "TX", late, "--published", "2026-10-10", "--since", "2026-10-05", "--store", store).status == 0
    assert run("lists", "changes", "TX", late, "--published", "2026-10-11", "--base", "none", "--store", store).status == 2


def test_status_tells_the_age_and_warns_before_a_list_falls_due(run, file: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    words = ("lists", "status", "--store", store)
    assert run("lists", "import", "national", file, "--published", "2026-10-28", "--whole-plan", "--store", store).status == 0
    done = run(*words)  # 2026-11-24
    assert done.status == 0 and "27 days old" in done.out and "due soon" in done.out
    assert "is due on 2026-11-29: 4 days left" in done.err
    (row,) = run(*words, "--json").json["versions"]
    assert (row["age_days"], row["last_day"], row["next_due"], row["days_left"], row["state"]) == (27, "2026-11-28", "2026-11-29", 4, "due soon")
    assert run(*words, "--check").status == 1
    assert run(*words, "--check", "--warn-days", "3").status == 0
    assert run(*words, "--warn-days", "-1").status == 2
    assert run("lists", "import", "national", file, "--published", "2026-11-20", "--whole-plan", "--san", "1", "--store", store).status == 0
    done = run(*words, "--check")
    assert done.status == 0 and "replaced" in done.out and "current" in done.out and done.err == ""


def test_status_of_a_stale_list(run, file: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    assert run("lists", "import", "national", file, "--published", "2026-10-01", "--whole-plan", "--store", store).status == 0
    done = run("lists", "status", "--check", "--store", store)
    assert done.status == 1 and "was due on 2026-11-02" in done.err and "stale" in done.out


def test_a_certificate_states_what_was_in_force(run, file: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    assert run("lists", "certificate", "--store", store).status == 2
    words = ("--published", "2026-11-01", "--area-codes", "512", "--san", "10000001-1", "--store", store)
    assert run("lists", "import", "national", file, *words).status == 0
    changes = tmp_path / "changes.txt"
    changes.write_text("5125550123,2026-11-02,D\n5125550199,2026-11-20,A\n", encoding="utf-8")
    assert run("lists", "changes", "national", changes, "--published", "2026-11-20", "--san", "10000001-1", "--store", store).status == 0
    done = run("lists", "certificate", "--input", file, "--store", store, "--json")
    assert done.status == 0
    body = done.json
    (version,) = body["lists"][0]["versions"]
    (base,) = version["made_from"]
    assert (version["san"], version["numbers"], version["age_days"], version["last_day"]) == ("10000001-1", 2, 4, "2026-12-21")
    assert base["digest"] == body["screened"]["input"]["sha256"] == sha256(file.read_bytes()).hexdigest()
    assert version["digest"] == sha256(changes.read_bytes()).hexdigest()
    rest = {key: value for key, value in body.items() if key != "digest"}
    assert sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest() == body["digest"]
    text = run("lists", "certificate", "national", "--store", store).out
    assert "National Do Not Call Registry (national)" in text and "10000001-1" in text and version["bits_sha256"] in text
    assert run("lists", "certificate", "TX", "--store", store).status == 2
    assert run("lists", "certificate", "--input", tmp_path / "none", "--store", store).status == 2
    # Before anything was imported nothing was held.
    assert run("lists", "certificate", "--at", "2026-11-23", "--store", store).status == 2


def test_a_certificate_of_a_stale_or_damaged_list(run, file: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    assert run("lists", "import", "national", file, "--published", "2026-10-01", "--whole-plan", "--store", store).status == 0
    done = run("lists", "certificate", "--store", store)
    assert done.status == 1 and "OUT OF DATE" in done.out
    (bits,) = (store / "lists" / "national").glob("*.bits")
    raw = bytearray(bits.read_bytes())
    raw[-1] ^= 1
    bits.write_bytes(raw)
    done = run("lists", "certificate", "--store", store)
    assert done.status == 2 and "digest" in done.err and done.out == ""


def test_questions_to_the_reassigned_numbers_database_and_their_answers(run, tmp_path: Path) -> None:
    store, out = tmp_path / "s", tmp_path / "query.csv"
    words = ("--seller", "acme", "--store", store)
    assert run("lists", "reassigned-query", out, *words).status == 2
    consent = ("--level", "express", *words)
    assert run("consent", "512-555-0123", "--obtained-at", "2026-06-01", *consent).status == 0
    assert run("consent", "512-555-0124", "--obtained-at", "2026-11-24", *consent).status == 0
    done = run("lists", "reassigned-query", out, *words)
    assert done.status == 0 and "1 question; 1 consent left out" in done.out
    assert out.read_text() == "5125550123,2026-06-01\n"
    assert run("lists", "reassigned-query", out, *words).status == 2
    answers = tmp_path / "answers.csv"
    answers.write_text("5125550123,2026-06-01,yes\n", encoding="utf-8")
    take = ("lists", "reassigned-answers", answers, "--asked", "2026-11-20T12:00:00Z", "--store", store)
    assert run(*take).out == "imported: 1 answer (0 no, 0 no data, 1 yes)\n"
    assert run(*take, "--json").json == {"rows": 1, "already_imported": True, "no": 0, "no_data": 0, "yes": 1}
    answers.write_text("5125550123,2026-06-01,maybe\n", encoding="utf-8")
    done = run(*take)
    assert done.status == 2 and "line 1" in done.err and "5125550123" not in done.err
    assert run("lists", "reassigned-answers", tmp_path / "none", "--store", store).status == 2
    told = run("lists", "reassigned-answers", out, "--store", store)
    assert told.status == 2 and "when the file was last changed" in told.err
