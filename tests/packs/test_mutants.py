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
    # Four moved hours, two moved dates, seven weekdays, a channel and a purpose moved, two lines of applies dropped; 08:01 and so on.
    assert number == 4 + 2 + 7 + 2 + 2


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


ALIKE = {"pa.holidays: effective": 2, "pa.holidays.texts: effective": 2, "ut.holidays: effective": 2, "ut.holidays: ends": 1}
"""First and last days of rules on closed days with no closed day beside them: a day sooner or later, every call is judged alike."""


def test_every_mutant_of_the_shipped_law_is_killed() -> None:
    packs, parts = with_parts(*sources.collect(shipped_rules(), []))
    number, found = mutants.survivors(packs, parts, clock, [rule.id for rule in packs.rules])
    print(f"{number:,} mutants, {len(found):,} alive")
    assert number > 7000
    told = Counter(f"{mutant.rule}: {mutant.change.split(':')[0]}" for mutant in found)
    assert told == ALIKE, "\n".join(map(str, found[-20:]))
