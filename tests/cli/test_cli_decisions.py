"""`dialguard check --log` and `dialguard decisions`: what they print, what they refuse, how they exit."""

from __future__ import annotations

import json
from pathlib import Path

import polars
import pytest

from tests.cli.conftest import Run
from tests.cli.test_cli_check import ATTEMPT, one, telemarketing

NUMBERS = ("6025550123", "555-0123", "4805550100")


@pytest.fixture
def store(run: Run, tmp_path: Path) -> Path:
    """A store with four recorded decisions, two of them of a call that was then made."""
    lines = tmp_path / "in.ndjson"
    campaign = {**ATTEMPT["campaign"], "purpose": "telemarketing", "subject": "solar", "registry_version": "2026-11-20"}
    call = {
        **ATTEMPT,
        "id": "lead-1",
        "from": "+14805550100",
        "campaign": campaign,
        "consent": {"level": "none"},
        "history": {"attempts": []},
    }
    attempts = [call, {**call, "id": "lead-2"}, ATTEMPT, telemarketing(id="night", at="2026-11-24T03:00:00-07:00")]
    lines.write_text("\n".join(map(json.dumps, attempts)), "utf-8")
    done = run("check", lines, "--no-store", "--log", tmp_path / "store" / "decisions")
    assert [each["verdict"] for each in done.lines] == ["allow", "allow", "allow", "deny"]
    return tmp_path / "store"


def test_a_single_attempt_is_recorded_and_exits_as_without_a_log(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "decisions"
    assert run("check", one(tmp_path, ATTEMPT), "--no-store", "--log", log).status == 0
    assert run("check", one(tmp_path, telemarketing(at="2026-11-24T03:00:00-07:00")), "--no-store", "--log", log).status == 1
    assert run("check", one(tmp_path, {"to": "x"}), "--no-store", "--log", log).status == 2  # no decision, no record
    assert len(run("decisions", "find", "--log", log, "--json").lines) == 2


def test_a_log_that_cannot_be_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("check", one(tmp_path, ATTEMPT), "--no-store", "--log", tmp_path / "file" / "log")
    assert done.status == 2 and "cannot be made" in done.err and done.out == "" and "Traceback" not in done.err


def test_find_by_everything(run: Run, store: Path) -> None:
    def found(*how: str) -> list[str]:
        return [each["attempt_id"] for each in run("decisions", "find", "--store", store, "--json", *how).lines]

    assert found() == ["lead-1", "lead-2", "a-1", "night"]
    assert found("--number", "(602) 555-0123") == ["lead-1", "lead-2", "a-1", "night"]
    assert found("--number", "480-555-0100") == ["lead-1", "lead-2"]
    assert found("--number", "602-555-0124") == []
    assert found("--verdict", "deny") == ["night"] and found("--rule", "us.fcc.calling-hours") == ["night"]
    assert found("--rule", "us.tsr.records.call-detail") == []  # an obligation denies nothing
    assert found("--seller", "acme", "--verdict", "allow") == ["lead-1", "lead-2", "a-1"] and found("--seller", "other") == []
    assert found("--since", "2026-11-24T12:00:00Z") == found() and found("--until", "2026-11-24T12:00:00Z") == []
    assert found("--tenant", "default") == found() and found("--tenant", "x") == []


def test_find_for_a_reader_moves_no_cursor(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "decisions"
    run("check", one(tmp_path, {**ATTEMPT, "id": "a\x1b[2J\n\u202eb"}), "--no-store", "--log", log)
    done = run("decisions", "find", "--log", log)
    assert "a\\x1b[2J\\n\\u202eb" in done.out and done.out.count("\n") == 2 and "\x1b" not in done.out


def test_show(run: Run, store: Path) -> None:
    by_attempt = run("decisions", "show", "lead-2", "--store", store)
    assert by_attempt.json["attempt"]["to"] == "602-555-0123" and by_attempt.json["campaign"]["subject"] == "solar"
    assert run("decisions", "show", by_attempt.json["decision"]["id"], "--store", store).out == by_attempt.out
    assert len(by_attempt.json["decision"]["obligations"]) > 10
    done = run("decisions", "show", "nobody", "--store", store)
    assert done.status == 2 and "no decision 'nobody'" in done.err


def test_verify_and_its_exit_status(run: Run, store: Path) -> None:
    done = run("decisions", "verify", "--store", store, "--json")
    assert done.status == 0 and done.json["whole"] is True
    (path,) = (store / "decisions").glob("chain-*/*.ndjson")
    path.write_bytes(path.read_bytes().replace(b"lead-2", b"lead-3"))
    done = run("decisions", "verify", "--store", store)
    assert done.status == 1 and f"{path.parent.name} at seq 3: the hash does not fit" in done.out


@pytest.mark.parametrize("action", [("find",), ("verify",), ("show", "x"), ("replay", "--all"), ("export", "x.csv")])
def test_no_log_there(run: Run, tmp_path: Path, action: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("decisions", *action, "--store", tmp_path / "none")
    assert done.status == 2 and "there is no decision log in" in done.err and not (tmp_path / "x.csv").exists()


def test_replay_and_its_exit_status(run: Run, store: Path, tmp_path: Path) -> None:
    done = run("decisions", "replay", "--all", "--store", store)
    assert (done.status, done.out) == (0, "4 decisions: 4 the same, 0 different, 0 that cannot be made again\n")
    rules = tmp_path / "law"
    rules.mkdir()
    (rules / "az.yaml").write_text(LAW, "utf-8")
    done = run("decisions", "replay", "--seller", "acme", "--packs", "current", "--rules", rules, "--store", store)
    assert done.status == 0 and "allow is now deny; denied by house.az-solar" in done.out
    assert done.out.endswith(
        "4 decisions: 1 the same, 3 different, 0 that cannot be made again\n"
    )  # of the one at night the subject is not known
    assert run("decisions", "replay", "--store", store).status == 2
    assert run("decisions", "replay", "nobody", "--store", store).status == 2
    assert "--packs current" in run("decisions", "replay", "--all", "--rules", rules, "--store", store).err


LAW = """
jurisdiction: AZ
name: Arizona
zone: America/Phoenix
rules:
  - id: house.az-solar
    title: No sales of solar panels
    topic: house
    kind: prohibition
    citation: Compliance manual, policy 9
    status: in_force
    message: Nobody is called about solar panels.
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    when: {campaign.subject: solar}
"""


def test_a_destroyed_key(run: Run, store: Path) -> None:
    (key,) = run("decisions", "keys", "--store", store, "--json").json
    done = run("decisions", "keys", "--destroy", key["id"], "--store", store, "--json")
    assert done.json[0]["state"].startswith("destroyed 2026-11-24")
    shown = run("decisions", "show", "lead-1", "--store", store).json
    assert shown["attempt"]["to"].startswith("s-") and f"the key {key['id']} was destroyed" in shown["not_shown"][0]
    done = run("decisions", "replay", "--all", "--store", store)
    assert done.status == 0 and "0 the same, 0 different, 4 that cannot be made again" in done.out
    assert run("decisions", "verify", "--store", store).status == 0
    assert run("decisions", "keys", "--destroy", "k0", "--store", store).status == 2
    assert run("decisions", "find", "--number", "6025550123", "--store", store).out == "0 decisions\n"


def test_export(run: Run, store: Path, tmp_path: Path) -> None:
    done = run("decisions", "export", tmp_path / "x.parquet", "--store", store)
    assert done.out.endswith("x.parquet: 4 decisions\n")
    frame = polars.read_parquet(tmp_path / "x.parquet")
    assert frame["attempt_id"].to_list() == ["lead-1", "lead-2", "a-1", "night"] and frame["to"].to_list() == ["602-555-0123"] * 4
    assert frame["at"].dtype == polars.Datetime("us", "UTC") and "us.fcc.calling-hours" in frame["rules"][3]
    done = run("decisions", "export", tmp_path / "x.csv", "--verdict", "deny", "--store", store, "--json")
    assert done.json["decisions"] == 1 and (tmp_path / "x.csv").read_text().count("\n") == 2
    assert run("decisions", "export", tmp_path / "x.csv", "--store", store).status == 2  # it exists
    assert run("decisions", "export", tmp_path / "x.doc", "--store", store).status == 2


def test_call_records_are_joined_with_what_was_recorded(run: Run, store: Path, tmp_path: Path) -> None:
    told = ("--seller", "acme", "--store", store)
    run("attempt", "602-555-0123", "--channel", "voice", "--reference", "lead-2", "--at", "2026-11-24T18:05:00Z", *told)
    run("outcome", "no_answer", "--reference", "lead-2", "--at", "2026-11-24T18:05:30Z", *told)
    run("outcome", "conversation", "--reference", "lead-2", "--at", "2026-11-24T18:06:00Z", *told)
    done = run("decisions", "export", tmp_path / "calls.ndjson", "--call-records", "--store", store, "--json")
    assert done.json["missing"] == {"telemarketer": 2, "duration": 2, "caller_id_authorization": 2, "disposition": 1, "transfer": 2}
    first, second = [json.loads(line) for line in (tmp_path / "calls.ndjson").read_text().splitlines()]
    assert second == {
        "decision": second["decision"], "attempt": "lead-2", "placed": "yes", "seller": "acme", "product": "solar",
        "calling_number": "+14805550100", "called_number": "602-555-0123", "date": "2026-11-24", "time": "11:05:00-07:00",
        "caller_id_number_and_name": "+14805550100", "disposition": "conversation",
        "missing": ["telemarketer", "duration", "caller_id_authorization", "transfer"],
    }  # fmt: skip
    assert first["placed"] == "not recorded" and first["time"] == "11:00:00-07:00" and "disposition" in first["missing"]


def test_the_fields_are_those_of_the_law() -> None:
    from dialguard.audit.export import CALL_FIELDS
    from dialguard.packs.load import load

    (span, *_) = load([]).by_id["us.tsr.records.call-detail"].spans
    assert list(CALL_FIELDS) == span.duty_params["fields"]


def test_the_verifier_is_printed_whole(run: Run) -> None:
    from dialguard.audit import standalone

    assert run("decisions", "verifier").out == Path(standalone.__file__).read_text("utf-8")


def test_no_number_in_the_log_nor_on_standard_error(run: Run, store: Path) -> None:
    files = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert [number for number in NUMBERS if number.encode() in files] == []
    done = run("decisions", "find", "--number", "602555012", "--store", store)
    assert done.status == 2 and "602555012" not in done.err
