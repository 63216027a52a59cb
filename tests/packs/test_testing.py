"""The examples inside rule files: from what they start, how they are judged, and what is said of one that fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dialguard.cli.main import main
from dialguard.backends.examples import closures
from dialguard.facts import clock
from dialguard.model.moment import NEVER
from dialguard.packs.load import load
from dialguard.packs.rule import Example
from dialguard.packs.testing import judge, run, situation, unusable

from .conftest import LAW


def test_the_small_law_judges_its_examples_right(base: Path) -> None:
    assert run(load(base=base), clock, evaluators={"closures": closures()}) == (18, [])


def test_every_shipped_example_is_judged_right_by_both_evaluators() -> None:
    number, failures = run(load(cached=False), clock, evaluators={"closures": closures()})
    assert failures == [] and number > 1000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: closing, at: 2026-03-03 20:00:00, expect: prohibited", "name: closing, at: 2026-03-03 20:00:00, expect: silent", "expected silent, found prohibited"),
        ("name: closing, at: 2026-03-03 20:00:00", "name: closing, at: 2026-03-03 19:59:59", "expected prohibited, found silent"),
        ("needs: [consent.covers]", "needs: [consent.level]", "expected needs ['consent.level'], found ['consent.covers']"),
        ("given: {consent.covers: unknown}, expect: unknown", "given: {consent.covers: unknown}, expect: prohibited", "expected prohibited, found unknown (needs consent.covers)"),
        ("name: agreed, at: 2026-03-03 20:00:00, given: {consent.covers: other_hours}, expect: relieves", "name: agreed, at: 2026-03-03 20:00:00, expect: relieves", "expected relieves, found silent"),
        ("parameters: {maximum: 3,", "parameters: {maximum: 4,", "expected prohibited, found silent"),
        ("every_day: 08:00-20:00", "every_day: 08:00-20:01", "expected prohibited, found silent"),
    ],
)  # fmt: skip
def test_a_wrong_example_or_a_moved_boundary_fails_at_its_own_line(base: Path, old: str, new: str, message: str) -> None:
    text = LAW.replace(old, new, 1)
    assert text != LAW
    (base / "states" / "fl.yaml").write_text(text)
    _, failures = run(load(base=base), clock)
    assert message in [failure.message for failure in failures]
    for failure in failures:
        name, line = failure.file.split(":")
        assert (name, f"name: {failure.test}," in text.splitlines()[int(line) - 1]) == ("rules/states/fl.yaml", True)


def test_an_evaluator_that_differs_is_a_fault_of_ours(base: Path) -> None:
    _, failures = run(load(base=base), clock, evaluators={"guessing": lambda *_: "silent"})
    assert failures and all("the reference says" in failure.message and "guessing say silent" in failure.message for failure in failures)


def test_examples_start_from_a_clean_known_person(base: Path) -> None:
    packs = load(base=base)
    example = Example("x", "2026-03-03 12:00:00", "silent", 1)
    facts, moment = situation(packs, packs.by_id["fl.frequency"], example, clock)
    assert (moment.second, moment.zone) == (43_200, "America/New_York")
    assert (facts["channel"], facts["campaign.purpose"], facts["campaign.voice"], facts["campaign.dialing"]) == ("voice", "telemarketing", "live", "manual")
    assert (facts["dnc.national"], facts["dnc.list.FL"], facts["consent.level"], facts["revocations"]) == (False, False, "none", False)
    assert (facts["consent.obtained_at"], facts["contact.kind"]) == (NEVER, "consumer")
    assert facts["history.attempts"].entries == ()
    assert not {"line_type", "campaign.industry", "caller_id.callable", "line.charged"} & set(facts)


def test_what_is_given_changes_the_facts(base: Path) -> None:
    packs = load(base=base)
    given = {
        "channel": "sms", "dnc.national": "unknown", "consent.covers": ["live", "texts"], "consent.obtained_at": "2025-05-22 10:00:00",
        "dnc.national_since": "2020-01-01", "dnc.internal_since": "never", "campaign.abandonment_rate": "3%",
        "contact.agreed_hours": {"mon": "09:00-10:00"}, "campaign.industry": "newspaper",
    }  # fmt: skip
    example = Example("x", "2026-03-03 12:00:00", "silent", 1, given=given, attempts=({"at": "2026-03-03 11:00:00", "from": "+1212", "channel": "sms"},))
    facts, moment = situation(packs, packs.by_id["fl.frequency"], example, clock)
    assert (facts["channel"], facts["campaign.voice"], "dnc.national" in facts) == ("sms", "text", False)
    assert facts["consent.covers"] == {"live", "texts"} and facts["dnc.internal_since"] is NEVER
    assert facts["consent.obtained_at"] == 1_747_922_400_000_000  # 14:00 UTC
    assert facts["contact.agreed_hours"][0] == ((32_400, 36_000),)
    (entry,) = facts["history.attempts"].entries
    assert (moment.instant - entry.at, entry.from_, entry.channel) == (3_600_000_000, "+1212", "sms")


def test_an_example_may_leave_the_channel_open(base: Path) -> None:
    packs = load(base=base)
    example = Example("x", "2026-03-03 21:00:00", "unknown", 1, given={"channel": "unknown"})
    assert judge(packs, packs.by_id["fl.calling-hours"], example, clock) == ("unknown", frozenset({"channel"}))


def test_an_example_whose_zone_no_clock_knows_is_told(base: Path, own: Callable[..., Path]) -> None:
    (base / "states" / "fl.yaml").write_text(LAW.replace("name: closing, at: 2026-03-03 20:00:00,", "name: closing, zone: Atlantis/Capital, at: 2026-03-03 20:00:00,"))
    (problem,) = unusable(load(base=base), clock)
    assert problem.line == 20 and "unknown time zone 'Atlantis/Capital'" in problem.message


# --- the commands ------------------------------------------------------------------------------------------------------

GOOD = """\
jurisdiction: FL
name: Florida
zone: America/New_York
rules:
  - id: house.no-sunday
    title: Not on Sunday
    topic: house
    kind: prohibition
    citation: null
    status: in_force
    applies: {channels: [voice], purposes: any, dialing: any, voice: any, line_types: any}
    when: {local_time: {within: {sun: all_day}}}
    message: Sunday, {local_date}.
    tests:
      - {name: a Sunday, at: 2026-03-08 12:00:00, expect: prohibited}
      - {name: a Monday, at: 2026-03-09 00:00:00, expect: silent}
      - {name: a Saturday, at: 2026-03-07 23:59:59, expect: silent}
      - {name: a text, at: 2026-03-08 12:00:00, given: {channel: sms}, expect: silent}
"""


def test_check_says_how_much_was_read(shipped: Path, own: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", "--rules", str(own(a=GOOD))]) == 0
    out = capsys.readouterr()
    assert "no problems; digest " in out.out and out.err == ""


def test_check_prints_everything_wrong_and_fails(shipped: Path, own: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = own(a=GOOD.replace("local_time:", "locl_time:").replace("2026-03-09 00:00:00", "2026-03-32 00:00:00"))
    assert main(["rules", "check", "--rules", str(folder)]) == 1
    err = capsys.readouterr().err
    assert f"{folder}/a.yaml:12:12  unknown fact `locl_time`\n  did you mean `local_time`?" in err
    assert "a.yaml:16:26  '2026-03-32' is not a date" in err and "2 problems in the rule files" in err


def test_check_as_json(shipped: Path, own: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", "--json", "--rules", str(own(a=GOOD.replace("local_time:", "locl_time:")))]) == 1
    found = json.loads(capsys.readouterr().out)
    (problem,) = found["problems"]
    assert (problem["line"], problem["column"], problem["hint"]) == (12, 12, "did you mean `local_time`?")
    assert found["rules"] is None


def test_warnings_fail_only_when_strict(shipped: Path, own: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = own(a=GOOD.replace("      - {name: a text, at: 2026-03-08 12:00:00, given: {channel: sms}, expect: silent}\n", ""))
    assert main(["rules", "check", "--rules", str(folder)]) == 0
    assert "warning: " in (out := capsys.readouterr().out) and "`house.no-sunday` has 3 tests" in out and "1 warning; digest" in out
    assert main(["rules", "check", "--strict", "--rules", str(folder)]) == 1


def test_test_names_the_example_that_fails(shipped: Path, own: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = own(a=GOOD.replace("2026-03-09 00:00:00, expect: silent", "2026-03-09 00:00:00, expect: prohibited"))
    assert main(["rules", "test", "house.", "--rules", str(folder)]) == 1
    out = capsys.readouterr().out
    assert out == f"{folder}/a.yaml:16  house.no-sunday: a Monday\n  expected prohibited, found silent\n4 examples, 1 failed\n"


def test_list_has_the_promised_fields(shipped: Path, own: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list", "--json", "--rules", str(own(a=GOOD))]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    promised = {"id", "kind", "topic", "jurisdiction", "status", "citation", "effective", "ends", "file"}
    assert all(promised <= set(row) for row in rows.values())
    assert rows["house.no-sunday"]["kind"] == "prohibition" and rows["house.no-sunday"]["file"].endswith("a.yaml")


def test_many_warnings_are_cut_short_unless_strict(shipped: Path, own: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    body = GOOD.split("rules:\n")[1].split("    tests:")[0]
    folder = own(a=GOOD.split("rules:\n")[0] + "rules:\n" + "".join(body.replace("no-sunday", f"no-{n}") for n in range(30)))
    assert main(["rules", "check", "--rules", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.count("warning: ") == 20 and "... and 10 more warnings" in out and "30 warnings; digest" in out
    assert main(["rules", "check", "--strict", "--rules", str(folder)]) == 1
    assert capsys.readouterr().out.count("warning: ") == 30


def test_the_results_as_json(shipped: Path, own: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = own(a=GOOD.replace("2026-03-09 00:00:00, expect: silent", "2026-03-09 00:00:00, expect: prohibited"))
    assert main(["rules", "test", "house.no-sunday", "--json", "--rules", str(folder)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["examples"] == 4 and found["failed"][0]["place"].endswith("a.yaml:16")


def test_list_for_people(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list"]) == 0
    first = capsys.readouterr().out.splitlines()[0].split()
    assert first == ["fl.calling-hours", "prohibition", "calling_hours", "in_force", "2021-07-01.."]


def test_schema_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "DialGuard rule file"


def test_a_rule_that_is_not_there_is_a_usage_error(shipped: Path, own: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "show", "house.no-sundy", "--rules", str(own(a=GOOD))]) == 2
    assert "did you mean `house.no-sunday`?" in capsys.readouterr().err
    assert main(["rules", "test", "nothing.begins-so"]) == 2
    for action in ("check", "list"):
        assert main(["rules", action, "--rules", "/nowhere"]) == 2
        assert "there is no folder of rule files /nowhere" in capsys.readouterr().err
