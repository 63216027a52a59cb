"""`dialguard check`: one attempt, or JSON Lines with one decision a line whatever the lines hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

NIGHT, DAY = "2026-11-24T03:00:00-07:00", "2026-11-24T11:00:00-07:00"
CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live"}
# Nothing here is left to a store: Arizona, a live informational call, no revocation.
ATTEMPT = {
    "id": "a-1", "to": "602-555-0123", "channel": "voice", "at": DAY, "campaign": CAMPAIGN, "revocations": [],
    "dnc": {"national": False, "states": [], "internal": False}, "line_type": "landline",
}  # fmt: skip


def one(tmp_path: Path, attempt: object, name: str = "attempt.json") -> Path:
    path = tmp_path / name
    path.write_text(attempt if isinstance(attempt, str) else json.dumps(attempt), encoding="utf-8")
    return path


def telemarketing(**more: object) -> dict[str, object]:
    return {**ATTEMPT, "campaign": {**CAMPAIGN, "purpose": "telemarketing"}, **more}


# --------------------------------------------------------------------------------------------------- one attempt


def test_an_allowed_attempt(run, tmp_path: Path) -> None:
    done = run("check", one(tmp_path, ATTEMPT), "--no-store")
    assert done.status == 0 and done.err == ""
    assert done.json["verdict"] == "allow" and done.json["attempt_id"] == "a-1" and done.json["reasons"] == []
    assert done.out.count("\n") == 1


def test_a_denied_attempt_exits_1(run, tmp_path: Path) -> None:
    done = run("check", one(tmp_path, telemarketing(at=NIGHT)), "--no-store")
    assert done.status == 1
    assert done.json["verdict"] == "deny" and any(reason["topic"] == "calling_hours" for reason in done.json["reasons"])


def test_a_pretty_printed_file_is_one_attempt(run, tmp_path: Path) -> None:
    assert run("check", one(tmp_path, json.dumps(ATTEMPT, indent=2)), "--no-store").json["verdict"] == "allow"


def test_the_fields_of_a_decision(run, tmp_path: Path) -> None:
    done = run("check", one(tmp_path, ATTEMPT), "--no-store")
    assert set(done.json) == {
        "id", "attempt_id", "at", "verdict", "valid_until", "reasons", "obligations", "retry_at", "reservation", "jurisdictions",
        "timezones", "packs", "evidence",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1]", "found list, expected one attempt"),
        ('"x"', "found str"),
        (json.dumps({**ATTEMPT, "to": None}), "to: missing"),
        (json.dumps({"channel": "voice"}), "campaign: missing"),
        (json.dumps({**ATTEMPT, "colour": "red"}), "colour: unknown field"),
        (json.dumps({**ATTEMPT, "chanel": "voice"}), "did you mean `channel`?"),
        (json.dumps({**ATTEMPT, "at": "2026-11-24 11:00"}), "at: not a moment"),
        (json.dumps({**ATTEMPT, "campaign": {**CAMPAIGN, "purpose": "spam"}}), "campaign.purpose: found 'spam'"),
        (json.dumps({**ATTEMPT, "campaign": "nobody"}), "no campaign 'nobody' is registered"),
        ('{"to": 1, "to": 2}', "the key 'to' stands twice"),
        ('{"to": NaN}', "NaN is not JSON"),
        ("[" * 200_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_judged_exits_2(run, tmp_path: Path, text: str, says: str) -> None:
    done = run("check", one(tmp_path, text), "--no-store")
    assert (done.status, done.out) == (2, "")
    assert says in done.err and "Traceback" not in done.err


def test_all_mistakes_are_named_at_once(run, tmp_path: Path) -> None:
    done = run("check", one(tmp_path, {"campaign": {"voice": "loud"}, "x": 1}), "--no-store")
    assert all(name in done.err for name in ("to: missing", "channel: missing", "campaign.seller", "campaign.purpose", "campaign.voice", "x: unknown"))


def test_a_wrong_encoding_and_no_file(run, tmp_path: Path) -> None:
    path = tmp_path / "attempt.json"
    path.write_bytes(b'{"to": "Zo\xeb"}')
    assert "0xeb" in run("check", path, "--no-store").err
    done = run("check", tmp_path / "none.json", "--no-store")
    assert done.status == 2 and "none.json: No such file" in done.err


def test_a_number_of_400_digits_is_denied(run, tmp_path: Path) -> None:
    done = run("check", one(tmp_path, {**ATTEMPT, "to": "2" * 400}), "--no-store")
    assert done.status == 1 and done.json["verdict"] == "deny"


def test_for_a_reader(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialguard.cli.common.to_a_terminal", lambda: True)
    text = run("check", one(tmp_path, telemarketing(at=NIGHT)), "--no-store").out
    assert text.startswith("DENY") and "47 CFR 64.1200" in text and "not legal advice" in text
    assert "ALLOW" in run("check", one(tmp_path, ATTEMPT), "--no-store").out
    assert run("check", one(tmp_path, ATTEMPT), "--no-store", "--json").json["verdict"] == "allow"


# ---------------------------------------------------------------------------------------------------- JSON Lines

BAD = [
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b'{"to": NaN}',
    b'{"to": "\xff"}',
    b'{"to": 1, "to": 2}',
    b"[" * 100_000,
    b'{"colour": 1}',
    b'{"to": 1e999, "channel": "voice", "campaign": {}}',
    b"\x00",
]


def lines_of(*attempts: object) -> bytes:
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in attempts)


@pytest.mark.parametrize("way", ["stdin", "file"])
def test_one_decision_a_line_in_order(run, tmp_path: Path, way: str) -> None:
    good = [{**ATTEMPT, "id": str(n)} for n in range(len(BAD) + 1)]
    mixed = [each for pair in zip(good, BAD, strict=False) for each in pair] + [good[-1]]
    raw = lines_of(*mixed)
    if way == "stdin":
        done = run("check", "-", "--no-store", stdin=raw)
    else:
        (tmp_path / "in.jsonl").write_bytes(raw)
        done = run("check", tmp_path / "in.jsonl", "--no-store")
    assert done.status == 0 and done.err == ""
    assert len(done.lines) == len(mixed)
    for place, decision in enumerate(done.lines):
        if place % 2 == 0:
            assert decision["verdict"] == "allow" and decision["attempt_id"] == str(place // 2)
        else:
            assert decision["verdict"] == "deny"
            (reason,) = decision["reasons"]
            assert reason["kind"] == "invalid_input" and reason["message"].startswith(f"line {place + 1}: ")


def test_an_invalid_line_names_its_fields_and_echoes_its_id(run) -> None:
    (decision,) = run("check", "-", "--no-store", stdin=lines_of({"id": "x", "channel": "voice"})).lines
    assert decision["attempt_id"] == "x"
    assert decision["reasons"][0]["needs"] == ["campaign", "to"] and decision["reasons"][0]["field"] == "to"


def test_denied_lines_do_not_fail_the_command(run) -> None:
    done = run("check", "-", "--no-store", stdin=lines_of(telemarketing(at=NIGHT)))
    assert done.status == 0 and done.lines[0]["verdict"] == "deny"


def test_a_file_with_several_lines_is_json_lines_whatever_its_name(run, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_bytes(lines_of(ATTEMPT, ATTEMPT))
    done = run("check", tmp_path / "in.json", "--no-store")
    assert done.status == 0 and [decision["verdict"] for decision in done.lines] == ["allow", "allow"]


def test_an_object_over_several_lines_on_standard_input(run) -> None:
    done = run("check", "-", "--no-store", stdin=json.dumps(telemarketing(at=NIGHT), indent=1).encode())
    assert done.status == 1 and done.json["verdict"] == "deny"


def test_nothing_in_nothing_out_and_blank_lines(run) -> None:
    assert run("check", "-", "--no-store", stdin=b"") == (0, "", "")
    assert len(run("check", "-", "--no-store", stdin=b"\n" + lines_of(ATTEMPT) + b"  \n\n").lines) == 1


def test_an_error_inside_a_rule_denies_its_line(run, monkeypatch: pytest.MonkeyPatch) -> None:
    from dialguard.engine.judge import Engine

    monkeypatch.setattr(Engine, "judge", lambda *_: 1 / 0)
    (decision,) = run("check", "-", "--no-store", stdin=lines_of(ATTEMPT)).lines
    assert decision["verdict"] == "deny" and decision["reasons"][0]["kind"] == "rule_error"


# ------------------------------------------------------------------------------------------------------- options


def test_campaigns_by_name(run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("id: c\nseller: acme\npurpose: informational\ndialing: manual\nvoice: live\n", encoding="utf-8")
    done = run("check", one(tmp_path, {**ATTEMPT, "campaign": "c"}), "--no-store", "--campaign", tmp_path / "c.yaml")
    assert done.json["verdict"] == "allow"


def test_a_store_that_is_not_there_is_not_an_empty_one(run, tmp_path: Path) -> None:
    done = run("check", one(tmp_path, ATTEMPT), "--store", tmp_path / "typo")
    assert done.status == 2 and "no store folder" in done.err
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--disable", "us.fcc.calling-hours"], "expected RULE=REASON"),
        (["--disable", "no.such=why"], "no rule `no.such`"),
        (["--as-of", "yesterday"], "not a moment"),
        (["--rules", "none"], "no folder of rule files none"),
    ],
)
def test_wrong_options(run, tmp_path: Path, options: list[str], says: str) -> None:
    done = run("check", one(tmp_path, ATTEMPT), "--no-store", *options)
    assert done.status == 2 and says in done.err and done.out == ""


DENIED = {**ATTEMPT, "at": "2026-11-24T05:00:00-05:00", "to": "313-555-0123", "dnc": {"national": True, "states": [], "internal": False}}
"""At five in the morning, to a number in Michigan on the national list."""


def test_what_it_might_cost_is_told_on_request(run, tmp_path: Path) -> None:
    file = one(tmp_path, {**DENIED, "campaign": {**DENIED["campaign"], "purpose": "telemarketing"}, "consent": {"level": "none"}, "relationship": {"kind": "none"}})
    assert "exposure" not in run("check", file, "--no-store").json
    found = {each["rule"]: each["remedies"] for each in run("check", file, "--no-store", "--exposure").json["exposure"]}
    assert [(each["by"], each["most_usd"]) for each in found["us.fcc.dnc.national"]] == [("person", 1500)]
    assert [(each["by"], each["most_usd"]) for each in found["us.tsr.dnc.national"]] == [("regulator", 53088)]
    assert found["mi.calling-hours"] == []
    lines = run("check", "-", "--no-store", "--exposure", stdin=file.read_bytes().replace(b"\n", b"") + b"\n").lines
    assert {each["rule"] for each in lines[0]["exposure"]} == set(found)


def test_words_for_a_reader_tell_of_doubt_cost_and_what_is_switched_off(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialguard.cli.common.to_a_terminal", lambda: True)
    file = one(tmp_path, {**DENIED, "campaign": {**DENIED["campaign"], "purpose": "telemarketing"}, "consent": {"level": "none"}, "relationship": {"kind": "none"}})
    out = run("check", file, "--no-store", "--exposure").out
    for words in ("prohibited, disputed law", "us.fcc.dnc.national: the person called may sue, up to $1,500 (47 U.S.C. 227(c)(5))", "mi.calling-hours: none is stated"):
        assert words in out
    out = run("check", file, "--no-store", "--disable", "mi.calling-hours=advice of 3 May").out
    assert "disputed rules that are switched off" in out and "mi.calling-hours: advice of 3 May" in out and "disputed law" not in out


def test_store_and_no_store_exclude_each_other(run, tmp_path: Path) -> None:
    assert run("check", one(tmp_path, ATTEMPT), "--no-store", "--store", tmp_path).status == 2


def test_as_of_without_at_sets_the_moment(run, tmp_path: Path) -> None:
    attempt = {key: value for key, value in ATTEMPT.items() if key != "at"}
    done = run("check", one(tmp_path, attempt), "--no-store", "--as-of", "2026-03-03T17:00:00Z")
    assert done.json["at"] == "2026-03-03T10:00:00-07:00"


def test_unusable_rule_files_exit_1_and_decide_nothing(run, tmp_path: Path) -> None:
    folder = tmp_path / "rules" / "states"
    folder.mkdir(parents=True)
    (folder / "zz.yaml").write_text("jurisdiction: [\n", encoding="utf-8")
    done = run("check", one(tmp_path, ATTEMPT), "--no-store", "--rules", tmp_path / "rules")
    assert done.status == 1 and "zz.yaml" in done.err and done.out == ""


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    import subprocess

    path = tmp_path / "in.jsonl"
    path.write_bytes(lines_of(*[ATTEMPT] * 400))
    command = f"{sys.executable} -m dialguard check {path} --no-store | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stderr == "" and done.stdout.splitlines()[-1] == "0"


def test_usage(run) -> None:
    assert run().status == 2
    assert run("--version").out == "0.1.0\n"
    assert run("nonsense").status == 2
