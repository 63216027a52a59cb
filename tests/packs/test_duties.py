"""One vocabulary of duties: every word has a meaning and a use, the page lists what the rules say, recording has one kind of rule."""

from __future__ import annotations

import re
from pathlib import Path

from dialguard.packs.describe import duties, duties_page
from dialguard.packs.load import load

PACKS = load([])
ROOT = Path(__file__).parent.parent.parent


def test_the_page_is_the_true_one() -> None:
    assert (ROOT / "docs" / "duties.md").read_text("utf-8") == "\n".join(duties_page(PACKS)) + "\n", "run: dialguard rules duties > docs/duties.md"


def test_every_word_has_a_meaning_and_a_use() -> None:
    told = duties(PACKS)
    assert [each["duty"] for each in told if not each["meaning"]] == []
    assert [each["duty"] for each in told if not each["rules"]] == ["confirm"]  # what the engine asks by itself
    (ring,) = [each for each in told if each["duty"] == "ring_at_least"]
    assert ring["params"] == ["either", "rings", "seconds"] and ring["rules"] == {"US": ["us.tcpa.abandon.ring-time", "us.tsr.abandonment.ring"]}


def test_no_amount_of_money_for_a_breach_hides_in_a_duty() -> None:
    """Fines are remedies of notices; what a duty may name are fees and bonds."""
    costly = ("fine", "penalty", "forfeiture", "damages", "offence")
    assert [(each["duty"], name) for each in duties(PACKS) for name in each["params"] if any(word in name for word in costly)] == []


RULE = """
  - id: fl.rings
    title: Rings
    topic: abandonment
    kind: obligation
    citation: c
    status: in_force
    applies: {channels: [voice], purposes: any, dialing: any, voice: any, line_types: any}
    duty: {code: %s, params: {seconds: 15}}
"""


def test_a_rule_of_the_packs_uses_a_known_word(base: Path) -> None:
    file = base / "states" / "fl.yaml"
    file.write_text(file.read_text("utf-8") + RULE % "ring_at_lest", "utf-8")
    told = [str(problem) for problem in load(base=base).warnings if "ring_at_lest" in str(problem)]
    assert len(told) == 1 and "no word of the vocabulary of duties" in told[0] and "did you mean `ring_at_least`?" in told[0]


def test_an_operator_s_may_have_its_own(base: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "a.yaml").write_text("jurisdiction: FL\nname: Florida\nrules:" + RULE.replace("fl.rings", "house.rings") % "ring_our_way", "utf-8")
    packs = load([own], base)
    assert packs.by_id["house.rings"].duty == "ring_our_way" and not any("ring_our_way" in str(problem) for problem in packs.warnings)


ALL_PARTIES = {"AS", "CA", "CT", "DE", "FL", "GU", "IL", "MA", "MD", "MI", "MP", "MT", "NH", "NV", "PA", "PR", "VI", "WA"}


def test_recording_is_a_duty_in_every_state() -> None:
    rules = {rule.jurisdiction: rule for rule in PACKS.rules if rule.id == f"{rule.jurisdiction.lower()}.recording"}
    assert len(rules) == 56 and {rule.kind for rule in rules.values()} == {"obligation"} and {rule.duty for rule in rules.values()} == {"get_recording_consent"}
    parties = {code: rule.spans[-1].duty_params["parties"] for code, rule in rules.items()}
    assert {code for code, said in parties.items() if said == "all"} == ALL_PARTIES
    assert {said for code, said in parties.items() if code not in ALL_PARTIES} == {"one"}


def test_the_agents_end_of_the_line_names_the_same_states() -> None:
    told = str(PACKS.by_id["us.tsr.audio-recording-free-to-pay.state-law"].spans[-1].condition)
    assert set(re.findall(r"'([A-Z]{2})'", told)) == ALL_PARTIES
