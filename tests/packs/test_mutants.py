"""What the examples of a rule notice, and the forms that stand for many examples."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dialguard.facts import clock
from dialguard.packs import mutants, sources
from dialguard.packs.assemble import with_parts
from dialguard.packs.load import PackError, load
from dialguard.packs.sources import shipped_rules
from dialguard.packs.testing import run

from .conftest import LAW

WHOLE = """\
      - {name: the week, at: 2026-03-05 12:00:00, week: {every_day: 08:00-20:00}, expect: prohibited}
      - {name: reach, at: 2026-03-03 20:00:00, exactly: {channels: [voice], purposes: [telemarketing]}, expect: prohibited}
      - {name: first day, at: 2021-07-01 20:00:00, expect: prohibited}
      - {name: the day before, at: 2021-06-30 20:00:00, expect: silent}
"""
FIRST = "      - {name: opening, at: 2026-03-03 08:00:00, expect: silent}\n"


def alive(base: Path, text: str, rule: str) -> tuple[int, list[str]]:
    (base / "states" / "fl.yaml").write_text(text)
    packs, parts = with_parts(*sources.collect(base, []))
    number, found = mutants.survivors(packs, parts, clock, [rule])
    return number, [mutant.change for mutant in found]


def test_a_rule_whose_examples_pin_it_down_has_no_survivor(base: Path) -> None:
    text = LAW.replace(FIRST, WHOLE.replace("      - {name: the day before, at: 2021-06-30 20:00:00, expect: silent}\n", ""), 1)
    number, found = alive(base, text, "fl.calling-hours")
    assert found == []
    # Four moved hours, two moved dates, seven weekdays, a channel and a purpose moved, two lines of applies dropped, kind and status.
    assert number == 4 + 2 + 7 + 2 + 2 + 2


def test_what_no_example_notices_is_told(base: Path) -> None:
    _, found = alive(base, LAW, "fl.calling-hours")
    kinds = Counter(change.split(":")[0] for change in found)
    assert kinds["applies.channels"] == kinds["applies.purposes"] == 1  # dropped; moved, the examples notice
    assert kinds["effective"] == 1  # the day after would not be noticed; the day before is
    assert kinds["parameters.hours"] == 6 and kinds["parameters.hours.every_day"] == 1  # Tuesday alone is looked at; and 08:00 to 07:59 is not


def test_a_relief_may_be_pinned_down_by_the_rule_that_it_lifts(base: Path) -> None:
    _, found = alive(base, LAW, "fl.calling-hours.agreed")
    assert not any("when" in change for change in found)
    without = LAW.replace("      - {name: a survey, at: 2026-03-03 20:00:00, given: {consent.covers: other_hours, campaign.purpose: survey}, expect: silent}\n", "")
    assert len(alive(base, without, "fl.calling-hours.agreed")[1]) > len(found)


def test_a_number_of_a_duty_is_noticed_by_an_example_that_names_it(base: Path) -> None:
    text = """\
  - id: fl.rings
    title: Let it ring
    topic: abandonment
    kind: obligation
    citation: none
    status: in_force
    applies: {channels: [voice], purposes: any, dialing: any, voice: any, line_types: any}
    duty: {code: ring_at_least, params: {seconds: 15}}
    tests:
      - {name: a call, at: 2026-03-03 12:00:00, exactly: {channels: [voice]}, expect: obliged%s}
"""
    assert [change for change in alive(base, LAW + text % "", "fl.rings")[1]] == [
        "duty.params.seconds: 15 becomes 16", "duty.params.seconds: 15 becomes 14",
    ]  # fmt: skip
    assert alive(base, LAW + text % ", duty: {seconds: 15}", "fl.rings")[1] == []
    (base / "states" / "fl.yaml").write_text(LAW + text % ", duty: {seconds: 16}")
    _, failures = run(load(base=base), clock)
    assert [failure.message for failure in failures] == ["expected the duty {'seconds': 16}, found {'seconds': 15}"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("week: {every_day: 08:00-20:00}", "week: {every_day: 08:01-20:00}", ["the week, mon 08:00:59", "expected prohibited, found silent"]),
        ("week: {every_day: 08:00-20:00}", "week: {mon-sat: 08:00-20:00}", ["the week, sun 12:00:00", "expected prohibited, found silent"]),
        ("exactly: {channels: [voice]", "exactly: {channels: [voice, fax]", ["reach, channels: fax", "expected prohibited, found silent"]),
        ("purposes: [telemarketing]}, expect", "purposes: [survey]}, expect", ["reach, purposes: telemarketing", "expected silent, found prohibited"]),
    ],
)  # fmt: skip
def test_each_example_that_a_form_stands_for_is_judged(base: Path, old: str, new: str, message: list[str]) -> None:
    assert old in WHOLE
    (base / "states" / "fl.yaml").write_text(LAW.replace(FIRST, FIRST + WHOLE.replace("the day before", "the eve").replace(old, new), 1))
    _, failures = run(load(base=base), clock)
    assert message in [[failure.test, failure.message] for failure in failures]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("exactly: {channels: [voise]}", "unknown word `voise`"),
        ("exactly: {channel: [voice]}", "channel"),
        ("exactly: {}", "exactly"),
        ("week: {monday: 08:00-20:00}", "unknown day 'monday'"),
        ("duty: 15", "expected a mapping for `duty`"),
    ],
)
def test_a_mistake_in_a_form_is_told(base: Path, form: str, message: str) -> None:
    (base / "states" / "fl.yaml").write_text(LAW.replace("at: 2026-03-03 08:00:00, expect: silent", f"at: 2026-03-03 08:00:00, {form}, expect: silent", 1))
    with pytest.raises(PackError) as raised:
        load(base=base)
    assert message in str(raised.value)


RULE = """\
  - id: fl.many
    title: Of everything one
    topic: consent
    kind: prohibition
    citation: none
    status: in_force
    on_unknown: deny
    applies: {channels: any, purposes: any, dialing: any, voice: any, line_types: any}
    parameters: {most: [{value: [predictive, automated]}, {from: 2021-04-01, value: [random_sequential]}]}
    when:
      dnc.internal: true
      campaign.dialing: $most
      contact.line_use: [residence, patient_room]
      campaign.caller_class: [bank, carrier]
      caller_id.name: {known: true}
      consent.covers: {has: live}
      not: {consent.level: {at_least: express}}
      relationship.ended_at: {within: {days: 6}, after: relationship.last_inquiry_at}
    tests:
      - {name: nothing to notice, at: 2026-03-03 12:00:00, given: {dnc.internal: false}, expect: silent}
"""


def test_what_is_moved(base: Path) -> None:
    def lived(path: str) -> list[str]:
        return [change.split(": ", 1)[1] for change in alive(base, LAW + RULE, "fl.many")[1] if change.startswith(f"{path}: ")]

    assert lived("when.dnc.internal") == ["True becomes False"]
    assert lived("kind") == []  # An obligation names its duty; without one the rule cannot be read.
    assert lived("status") == ["in_force becomes vacated"]
    assert lived("parameters.most.0.value") == [
        "predictive, automated becomes automated", "predictive, automated becomes manual, automated",
        "predictive, automated becomes predictive", "predictive, automated becomes predictive, manual",
    ]  # fmt: skip
    assert lived("parameters.most.1.value") == ["random_sequential becomes manual"]
    assert lived("when.contact.line_use") == [
        "residence, patient_room becomes patient_room", "residence, patient_room becomes business, patient_room",
        "residence, patient_room becomes residence", "residence, patient_room becomes residence, business",
    ]  # fmt: skip
    assert lived("when.campaign.caller_class") == ["bank, carrier becomes carrier", "bank, carrier becomes bank"]
    assert lived("when.caller_id.name.known") == ["True becomes False"]
    assert lived("when.consent.covers.has") == ["live becomes autodialed"]
    assert lived("when.not.consent.level.at_least") == ["express becomes none", "express becomes express_written"]
    assert [change.split(" becomes ")[1] for change in lived("when.relationship.ended_at")] == [
        "{'older_than': {'days': 6}, 'after': 'relationship.last_inquiry_at'}",
        "{'within': {'days': 6}, 'before': 'relationship.last_inquiry_at'}",
    ]
    assert lived("when.relationship.ended_at.within.days") == ["6 becomes 7", "6 becomes 5"]
    assert "on_unknown is deleted" in alive(base, LAW + RULE, "fl.many")[1]
    claimed = RULE.replace("kind: prohibition", "kind: relief").replace("on_unknown: deny", "claim: true\n    relieves: [fl.calling-hours]")
    assert "claim is deleted" in alive(base, LAW + claimed, "fl.many")[1]


ALIKE = {
    # First and last days of rules on closed days with no closed day beside them: a day sooner or later, every call is judged alike.
    "pa.holidays: effective": 2, "pa.holidays.texts: effective": 2, "ut.holidays: effective": 2, "ut.holidays: ends": 1,
    # A name that is sent is known to the caller alone: nothing ever says that none is sent, so a ban would oblige as the duty does.
    "us.callerid.telemarketing.name: kind": 1, "us.tsr.caller-id.name: kind": 1,
}  # fmt: skip
"""Changes that no call can tell apart, by rule and place."""


def test_every_mutant_of_the_shipped_law_is_killed() -> None:
    packs, parts = with_parts(*sources.collect(shipped_rules(), []))
    number, found = mutants.survivors(packs, parts, clock, [rule.id for rule in packs.rules])
    print(f"{number:,} mutants, {len(found):,} alive")
    assert number > 11_500
    told = Counter(f"{mutant.rule}: {mutant.change.split(':')[0]}" for mutant in found)
    assert told == ALIKE, "\n".join(map(str, found[-20:]))
