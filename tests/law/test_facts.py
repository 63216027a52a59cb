"""The rules against the reviewed facts of the law, by machine: every difference stands in `differences.yaml` with its reason.

`facts.jsonl` is made by ``python -m simulations.law_facts`` from the reviewed facts; see `compare.py` for what is compared.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from dialguard.packs.sources import shipped_rules
from dialguard.packs.yamlfile import parse
from simulations import law_facts

from . import compare

HERE = Path(__file__).parent
FACTS = HERE / "facts.jsonl"


def test_rules_agree_with_their_facts_but_where_a_reason_is_given() -> None:
    law = compare.read(FACTS, shipped_rules())
    found = list(compare.differences(law))
    groups = parse((HERE / "differences.yaml").read_bytes(), "differences").data
    listed = [each for group in groups for each in group["differences"]]
    print(f"{len(law.facts)} facts, {len(law.rules)} rules, {compared(law):,} values compared, {len(found)} differences")
    assert sorted(set(found) - set(listed)) == [], "mend the rule, or list the difference with a reason in tests/law/differences.yaml"
    assert sorted(set(listed) - set(found)) == [], "no longer so: take it out of tests/law/differences.yaml"
    assert [each for each, number in Counter(listed).items() if number > 1] == []
    assert [group for group in groups if len(group["reason"]) < 30 or len(group["differences"]) > 20] == []


def compared(law: compare.Law) -> int:
    """Numbers, dates and hours in the values of facts that have rules."""
    return sum(len(list(compare._measures(law.facts[name]["values"]))) for name in law.owned)


def test_the_facts_compared_are_those_that_are_accounted_for() -> None:
    index = parse((shipped_rules() / "facts-index.yaml").read_bytes(), "index").data
    facts = [json.loads(line) for line in FACTS.read_text("utf-8").splitlines()]
    expected = [(name, code, about["topic"], about["status"]) for code, names in index.items() for name, about in names.items()]
    assert [(fact["id"], fact["jurisdiction"], fact["topic"], fact["status"]) for fact in facts] == expected


FACT = """\
jurisdiction: FL
facts:
  - id: fl.hours
    topic: calling_hours
    requirement: Calls from eight to eight, three a day, for ten years since 2021.
    values: {hours: {mon: "08:00-20:00", sun: "none"}, max_calls: 3, window_hours: 24, wait_days: 7, since: 2021-07-01, must_state: [Spoken name]}
    applies_to: {channels: [voice, sms], purposes: [telemarketing]}
    citation: Fla. Stat. 501.616(6)(a)
    effective: 2021-07-01
    ends: null
    status: in_force
    confidence: medium
    notes: ""
"""
RULES = """\
jurisdiction: FL
name: Florida
rules:
  - id: fl.hours
    title: Hours
    topic: calling_hours
    kind: prohibition
    citation: Fla. Stat. 501.616(6)(a)
    confidence: medium
    status: in_force
    effective: 2021-07-01
    applies: {channels: [voice, sms], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    parameters: {hours: {mon: 08:00-20:00}, most: 3}
    when: {count: {at_least: $most, last: {hours: 24}}}
    unless: {relationship.ended_at: {older_than: {weeks: 1}}}
    duty: {code: identify, params: {must_state: [spoken_name]}}
"""
RELIEF = """\
  - id: fl.hours.asked
    title: Asked
    topic: exemption
    kind: relief
    citation: Fla. Stat. 501.616(6)(a)
    confidence: medium
    status: in_force
    applies: {channels: any, purposes: any, dialing: any, voice: any, line_types: any}
    relieves: [fl.hours]
"""


def found(folder: Path, facts: str, rules: str) -> list[str]:
    (folder / "states").mkdir()
    (folder / "federal.yaml").write_text("jurisdiction: US\nfacts: []\n")
    (folder / "states" / "FL.yaml").write_text(facts)
    (folder / "facts.jsonl").write_text("\n".join(law_facts.lines(folder)) + "\n")
    (folder / "rules" / "states").mkdir(parents=True)
    (folder / "rules" / "states" / "fl.yaml").write_text(rules)
    return list(compare.differences(compare.read(folder / "facts.jsonl", folder / "rules")))


def test_a_week_is_seven_days_and_a_relief_is_dated_by_what_it_lifts(tmp_path: Path) -> None:
    assert found(tmp_path, FACT, RULES + RELIEF) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("effective: 2021-07-01", "effective: 2021-07-02", ["fl.hours effective: 2021-07-02, the fact has 2021-07-01", "fl.hours value since: 2021-07-01 stands in no rule"]),
        ("    status: in_force", "    status: in_force\n    ends: 2030-01-01", ["fl.hours ends: 2030-01-01, the fact has None"]),
        ("status: in_force", "status: disputed", ["fl.hours status: disputed, the fact is in_force"]),
        ("confidence: medium", "confidence: high", ["fl.hours confidence: high, the fact has medium"]),
        ("confidence: medium", "confidence: low", ["fl.hours confidence: low, the fact has medium"]),
        ("[voice, sms]", "[voice, fax]", ["fl.hours channels: +fax -sms"]),
        ("[telemarketing]", "any", ["fl.hours purposes: +any -telemarketing"]),
        ("mon: 08:00-20:00", "mon-tue: 08:00-20:00", ["fl.hours hours tue: 08:00-20:00, the fact has none"]),
        ("most: 3", "most: 4", ["fl.hours value max_calls: 3 stands in no rule", "fl.hours number when.count.at_least: 4 does not stand in the fact"]),
        ("hours: 24", "hours: 25", ["fl.hours value window_hours: 24 stands in no rule", "fl.hours number when.count.last.hours: 25 does not stand in the fact"]),
        ("weeks: 1", "days: 10", ["fl.hours value wait_days: 7 stands in no rule"]),
        ("[spoken_name]", "[name]", ["fl.hours word must_state: Spoken name stands in no rule"]),
        ("501.616(6)(a)", "817.06", ["fl.hours citation: 817.06 is cited by no fact", "fl.hours citation: 501.616 is cited by no rule"]),
        ("id: fl.hours", "id: fl.other", ["fl.other fact: it extends the id of none"]),
    ],
)  # fmt: skip
def test_a_difference_is_told(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert old in RULES
    assert found(tmp_path, FACT, RULES.replace(old, new, 1)) == expected


def test_a_relief_that_outlives_its_fact_is_told(tmp_path: Path) -> None:
    facts = FACT + FACT.split("facts:\n")[1].replace("fl.hours", "fl.hours.asked").replace("effective: 2021", "effective: 2022")
    expected = "fl.hours.asked effective: None, the fact has 2022-07-01"
    assert expected in found(tmp_path, facts, RULES + RELIEF)


def test_the_facts_are_made_from_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "states").mkdir()
    (tmp_path / "federal.yaml").write_text(FACT.replace("FL", "US"))
    monkeypatch.setattr("sys.argv", ["law_facts", str(tmp_path)])
    assert law_facts.main() == 0
    fact = json.loads(capsys.readouterr().out)
    assert (fact["effective"], fact["channels"], fact["values"]["max_calls"]) == ("2021-07-01", ["voice", "sms"], 3)
    assert fact["told"] == ["10", "2021", "3", "501.616", "6", "8"]
    monkeypatch.setattr("sys.argv", ["law_facts", str(tmp_path / "none")])
    assert law_facts.main() == 2
