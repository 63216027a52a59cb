"""What no example asks is found near one: the situations by which a superseding rule is weighed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dialguard.packs import yamlfile
from dialguard.packs.load import load

from .superseding import HOURS, Own, changes, packs


@pytest.mark.parametrize(
    ("old", "new", "varied"),
    [
        ("08:00-20:00", "07:59-20:00", "the time"),
        ("every_day: 08:00-20:00", "mon-sat: 08:00-20:00, sun: 08:00-20:00:01", "the time"),
        ("channels: [voice]", "channels: [voice]", ""),
        ("shape: calling-hours", "shape: calling-hours\n    unless: {campaign.industry: newspaper}", "campaign.industry newspaper"),
        ("shape: calling-hours", "shape: calling-hours\n    unless: {campaign.industry: newspaper, contact.kind: business}", "campaign.industry newspaper, contact.kind business"),
        ("shape: calling-hours", "shape: calling-hours\n    when: {line_type: [wireless, landline, voip]}", ""),
        ("shape: calling-hours", "shape: calling-hours\n    unless: {relationship.last_transaction_at: {within: {days: 1}}}", "relationship.last_transaction_at"),
        ("shape: calling-hours", "shape: calling-hours\n    unless: {closed_day: la}", "the time"),
        ("shape: calling-hours", "shape: calling-hours\n    when: {count: {at_least: 1, last: {hours: 1}}}", ""),
        ("shape: calling-hours", "shape: calling-hours\n    unless: {count: {at_least: 9, last: {days: 30}}}", "9 earlier attempts"),
        ("shape: calling-hours", "shape: calling-hours\n    unless: {campaign.industry: a, campaign.subject: b, campaign.caller_class: c, line_type: voip, contact.line_use: business, line.charged: true}", "campaign.industry a"),
        ("shape: calling-hours", "shape: calling-hours\n    unless: {campaign.industry: a, local_time: {within: {every_day: 22:00-22:30}}}", "campaign.industry a, the time"),
        ("shape: calling-hours", "shape: calling-hours\n    unless: {campaign.industry: a, closed_day: la, count: {at_least: 7, last: {days: 9}}}", "campaign.industry a, 7 earlier attempts, the time"),
        ("shape: calling-hours", "shape: calling-hours\n    unless: {any: [{line_type: voip, campaign.industry: a}, {line_type: landline, campaign.industry: b}]}", "campaign.industry"),
        ("shape: calling-hours", "shape: calling-hours\n    unless: {relationship.last_transaction_at: {within: {months: 2400}}}", "relationship.last_transaction_at"),
        ("dialing: any", "dialing: [manual, preview, predictive, automated]", "campaign.dialing random_sequential"),
    ],
)  # fmt: skip
def test_what_no_example_asks_is_found_near_one(base: Path, own: Own, old: str, new: str, varied: str) -> None:
    found = changes(packs(base, own, HOURS.replace(old, new)))
    if old == new:
        assert found == []
    else:
        assert any(change.varied.startswith(varied) for change in found)


@pytest.mark.parametrize(
    ("old", "new", "loosens"),
    [
        ("maximum: 3", "maximum: 3", False),
        ("maximum: 3", "maximum: 2", False),
        ("maximum: 3", "maximum: 4", True),
        ("hours: 24", "hours: 25", False),
        ("hours: 24", "hours: 23", True),
        ("hours: 24", "calendar_days: 1", True),
        ("hours: 24}", "hours: 24}, per: number", True),
    ],
)
def test_caps(base: Path, own: Own, old: str, new: str, loosens: bool) -> None:
    cap = (
        HOURS.replace("calling-hours\n    parameters: {hours: {every_day: 08:00-20:00}}", "attempt-cap\n    parameters: {maximum: 3, period: {hours: 24}}")
        .replace("rule: fl.calling-hours", "rule: fl.frequency")
        .replace(old, new)
    )
    assert bool(changes(packs(base, own, cap))) is loosens


@pytest.mark.parametrize(
    ("period", "loosens"),
    [("{months: 18}", False), ("{months: 17}", True), ("{days: 547}", True), ("{months: 19}", False)],
)
def test_a_period_is_tried_at_its_very_edge(base: Path, own: Own, period: str, loosens: bool) -> None:
    text = (base / "states" / "fl.yaml").read_text().replace("    shape: calling-hours\n", "    shape: calling-hours\n    when: {dnc.internal_since: {within: {months: 18}}}\n", 1)
    text = text.replace("expect: prohibited", "given: {dnc.internal_since: 2026-03-01}, expect: prohibited", 1)
    (base / "states" / "fl.yaml").write_text(text)
    new = HOURS.replace("    shape: calling-hours\n", f"    shape: calling-hours\n    when: {{dnc.internal_since: {{within: {period}}}}}\n")
    assert bool(changes(packs(base, own, new))) is loosens


def test_a_copy_of_a_shipped_rule_loosens_nothing(own: Own) -> None:
    """Every rule of Florida's and Pennsylvania's files, each in its own place."""
    files = {}
    for name in ("fl", "pa"):
        data = yamlfile.read(Path(__file__).parents[2] / "rules" / "states" / f"{name}.yaml").data
        rules = []
        for rule in data["rules"]:
            told = {"rule": rule["id"], "citation": "c", "date": "2027-01-01", "approver": "a", "reason": "r"}
            rules.append({**rule, "id": f"house.{rule['id']}", "tests": [], "supersedes": told})
        files[name] = json.dumps({**data, "lists": [], "rules": rules}, ensure_ascii=False)
    found = load([own(**files)], cached=False)
    assert len([rule for rule in found.rules if rule.supersedes]) > 30
    assert changes(found) == []
