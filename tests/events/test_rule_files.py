"""Files of event rules: every mistake with its place, examples that are judged, nothing that could loosen."""

import json
from pathlib import Path

import pytest

from dialguard.cli.main import main
from dialguard.packs.eventrule import VERBS
from dialguard.packs.events import event_file
from dialguard.packs.load import load
from dialguard.packs.yamlfile import parse

RULE = """jurisdiction: US
name: Ours
rules:
  - id: house.ours.hang-ups
    kind: event
    title: Three hang-ups
    topic: house
    citation: null
    status: in_force
    on: {event: refused, where: {means: hung_up}}
    count: {per: number, last: {days: 2}, at_least: 3}
    do:
      - suppress: {}
      - alarm: {level: urgent}
    message: The person hung up three times.
    tests:
      - {name: the third, events: [{event: refused, means: hung_up, times: 3}], expect: [suppress, alarm urgent]}
      - {name: otherwise said, events: [{event: refused, means: spoken, times: 3}], expect: []}
"""


def folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "mine" / "events").mkdir(parents=True)
    (tmp_path / "mine" / "events" / "ours.yaml").write_text(text, "utf-8")
    return tmp_path / "mine"


def test_an_operators_rule_is_read_listed_shown_and_tested(tmp_path, capsys):
    rules = ["--rules", str(folder(tmp_path, RULE))]
    assert main(["rules", "check", *rules]) == 0 and ", 9 event rules, " in capsys.readouterr().out
    assert main(["rules", "list", "--json", *rules]) == 0
    listed = {each["id"]: each for each in json.loads(capsys.readouterr().out)}
    ours = listed["house.ours.hang-ups"]
    assert (ours["kind"], ours["topic"], ours["status"], ours["do"]) == ("event", "house", "in_force", ["suppress", "alarm urgent"])
    assert {each["kind"] for each in listed.values()} >= {"prohibition", "event"}
    assert main(["rules", "test", "house.ours", *rules]) == 0 and capsys.readouterr().out == "2 examples, 0 failed\n"
    assert main(["rules", "show", "house.ours.hang-ups", *rules]) == 0
    assert "it is at least the 3. of the same number within 2 days" in capsys.readouterr().out


def test_a_wrong_example_fails(tmp_path, capsys):
    rules = ["--rules", str(folder(tmp_path, RULE.replace("times: 3}], expect: [suppress", "times: 2}], expect: [suppress")))]
    assert main(["rules", "test", "house.ours", *rules]) == 1
    assert "house.ours.hang-ups: the third\n  expected suppress, alarm urgent, found nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("event: refused, where", "event: refusd, where", "ours.yaml:10:10  unknown event `refusd`\n  did you mean `refused`?"),
        ("{means: hung_up}}", "{campaign: c}}", "ours.yaml:10:34  unknown field `campaign` of an event"),
        ("      - suppress: {}", "      - unsuppress: {}", "ours.yaml:13:9  a rule cannot `unsuppress`\n  did you mean `suppress`?"),
        ("      - suppress: {}", "      - resume: {}", "ours.yaml:13:9  a rule cannot `resume`"),
        ("      - suppress: {}", "      - revoke: {scope: none}", "ours.yaml:13:18  `scope` cannot be `none`\n  "),
        ("      - suppress: {}", "      - suppress: {until: 2027}", "ours.yaml:13:9  `suppress` takes nothing, found a mapping"),
        ("at_least: 3}", "at_least: 1}", "ours.yaml:11:43  `at_least` cannot be less than 2, found `1`"),
        ("{days: 2}", "{weeks: 2}", "ours.yaml:11:26  expected one of days, hours, minutes with a number"),
        ("per: number", "per: person", "ours.yaml:11:13  `per` cannot be `person`"),
        ("count: {per", "cuont: {per", "ours.yaml:11:5  unknown key `cuont`\n  did you mean `count`?"),
        ("event: refused, where: {means: hung_up}", "event: answered", "ours.yaml:11:13  the events of this rule need not say a number"),
        ("count: {per: number, last: {days: 2}, at_least: 3}", "share: {of: refused, among: [refused], each: {days: 2}, above: 3%, from: 1}", "ours.yaml:11:26  a share is of a campaign"),
        ("id: house.ours", "id: fl.ours", "ours.yaml:4:5  `fl.ours.hang-ups` does not begin with"),
        ("means: hung_up, times: 3}]", "means: hung_up, tmes: 3}]", "unknown field `tmes` of an event\n  did you mean `times`?"),
        ("status: in_force", "status: disputed", "`status` cannot be `disputed`"),
        ("    tests:", "    tsets:", "`tests` is left out"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(old, new, problem):
    assert old in RULE
    assert problem in str(mistakes(RULE.replace(old, new))[0])


def mistakes(text):
    rules, problems = event_file(parse(text.encode(), "ours.yaml"), True)
    assert (rules == []) is bool(problems)
    return problems


@pytest.mark.parametrize("taken", ["house.event.complaint", "house.litigator"])
def test_an_id_is_one_rules(tmp_path, capsys, taken):
    assert main(["rules", "check", "--rules", str(folder(tmp_path, RULE.replace("house.ours.hang-ups", taken)))]) == 1
    assert f"the id `{taken}` is taken" in capsys.readouterr().err


def test_all_mistakes_come_at_once():
    text = RULE.replace("event: refused, where", "event: refusd, where").replace("topic: house", "topic: hause").replace("- suppress", "- lift")
    assert len(mistakes(text)) == 3


def test_nothing_that_a_rule_can_do_lifts_anything():
    assert set(VERBS) == {"revoke", "suppress", "pause", "alarm"}
    for rule in load().events:
        for effect in rule.do:
            assert effect.how in (*sum(VERBS[effect.verb].values(), ()), "")


def test_compiled_packs_bring_the_event_rules(tmp_path, monkeypatch):
    monkeypatch.setenv("DIALGUARD_CACHE", str(tmp_path / "cache"))
    fresh, compiled = load(), load()
    assert fresh.events == compiled.events and [len(rule.tests) for rule in compiled.events] == [len(rule.tests) for rule in fresh.events]
    assert list((tmp_path / "cache").iterdir())
