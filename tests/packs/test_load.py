"""Folders of rule files as packs: what is found, checked, linked and refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from dialguard.packs import sources
from dialguard.packs.load import load
from dialguard.packs.yamlfile import PackError

HEAD = "jurisdiction: FL\nname: Florida\nzone: America/New_York\n"
SCOPE = "applies: {channels: [voice], purposes: any, dialing: any, voice: any, line_types: any}"


def messages(call: Callable[[], object]) -> list[str]:
    with pytest.raises(PackError) as caught:
        call()
    return [f"{Path(problem.file).name}:{problem.line} {problem.message}" for problem in caught.value.problems]


def rule(identity: str, *more: str, kind: str = "prohibition") -> str:
    """A rule of an operator's file, with further lines."""
    base = f"id: {identity}", "title: T", "topic: other", f"kind: {kind}", "citation: c", "status: in_force", SCOPE
    given = {line.split(":")[0] for line in more}
    lines = [line for line in base if line.split(":")[0] not in given] + list(more)
    if kind == "prohibition" and not given & {"when", "shape"}:
        lines.append("when: {dnc.national: true}")
    return "  - " + "\n    ".join(lines) + "\n"


def test_the_small_law_loads(base: Path) -> None:
    packs = load(base=base)
    assert [each.id for each in packs.rules] == ["fl.calling-hours", "fl.calling-hours.agreed", "fl.frequency", "fl.ring"]
    assert packs.by_id["fl.calling-hours"].relieved_by == ("fl.calling-hours.agreed",)
    assert (packs.names, set(packs.lists), set(packs.calendars), packs.warnings) == ({"FL": "Florida"}, {"FL"}, {"la"}, ())
    hours = packs.by_id["fl.calling-hours"]
    assert (hours.file, hours.line, hours.tests[0].line) == ("rules/states/fl.yaml", 7, 18)


def test_the_shipped_law_loads_without_warnings() -> None:
    packs = load(cached=False)
    assert packs.warnings == () and len(packs.rules) > 200 and packs.base is None


def test_a_file_dropped_in_adds_law(base: Path, own: Callable[..., Path]) -> None:
    folder = own(a=HEAD + "rules:\n" + rule("house.cap", "shape: attempt-cap", "parameters: {maximum: 2, period: {days: 7}}"))
    packs = load([folder], base)
    assert packs.by_id["house.cap"].operator and "house.cap" not in packs.base.by_id
    assert packs.digest != load(base=base).digest


def test_the_digest_does_not_depend_on_where_the_folders_lie(base: Path, own: Callable[..., Path], tmp_path: Path) -> None:
    folder = own(a=HEAD)
    first = load([folder], base).digest
    folder.rename(tmp_path / "elsewhere")
    assert load([tmp_path / "elsewhere"], base).digest == first
    (tmp_path / "elsewhere" / "a.yaml").write_text(HEAD + "\n")
    assert load([tmp_path / "elsewhere"], base).digest != first


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("shape: caling-hours",), "unknown shape `caling-hours`"),
        (("shape: calling-hours",), "the shape `calling-hours` needs the parameter `hours`"),
        (("shape: calling-hours", "parameters: {hours: {mon: none}, cap: 3}"), "neither the shape `calling-hours` nor the rule uses the parameter `cap`"),
        (("parameters: {cap: 3}",), "nothing uses the parameter `cap`"),
        (("message: It is {local_tme}",), "the message names `{local_tme}`, which is neither a parameter nor a figure"),
        (("message: It is {local_time!r}",), "the message holds `{local_time}`"),
        (("message: It is {", ), "the message has a single brace"),
        (("message: It is {0}",), "the message holds `{0}`"),
        (("parameters: {n: [{value: 3}, {from: 2026-01-01}]}", "when: {count: {at_least: $n, last: {days: 1}}}"), "a dated value has a `value`"),
        (("parameters: {n: [{value: 3, citation: 4}]}", "when: {count: {at_least: $n, last: {days: 1}}}"), "`citation` takes text, found `4`"),
        ((f"sources: [{', '.join('a' * 101)}]",), "`sources` has 101 entries"),
        (("topic: weather",), "unknown topic `weather`"),
        (("effective: 2027-02-29",), "'2027-02-29' is not a date; expected YYYY-MM-DD"),
        (("effective: 2027-01-01", "ends: 2026-12-31"), "the rule ends (2026-12-31) before it takes effect (2027-01-01)"),
        (("applies: {channels: [voice, voice], purposes: any, dialing: any, voice: any, line_types: any}",), "`voice` stands twice in channels"),
        (("applies: {channels: [telex], purposes: any, dialing: any, voice: any, line_types: any}",), "`telex` is not one of channels"),
        (("applies: {channels: [any], purposes: any, dialing: any, voice: any, line_types: any}",), "`any` is not one of channels"),
        (("applies: {channels: [], purposes: any, dialing: any, voice: any, line_types: any}",), "`channels` is empty"),
        (("applies: {channels: [sms], purposes: any, dialing: any, voice: [live], line_types: any}",), "the rule reaches nothing: on sms, mms and fax the voice is `text`"),
        (("applies: {channels: [voice], purposes: any, dialing: any, voice: [text], line_types: any}",), "the rule reaches nothing: only sms, mms and fax have the voice `text`"),
        (("relieves: [fl.ring]",), "`relieves` and `claim` belong to a relief, not to a prohibition"),
        (("duty: {code: ring, params: {n: $m}}",), "unknown parameter `$m`"),
        (("parameters: {n: [{value: 3}, {from: 2026-01-01, vale: 4}]}", "when: {count: {at_least: $n, last: {days: 1}}}"), "unknown key `vale` in a dated value"),
        (("parameters: {n: [{value: 3}, {from: 2026-13-01, value: 4}]}", "when: {count: {at_least: $n, last: {days: 1}}}"), "'2026-13-01' is not a date; expected YYYY-MM-DD"),
        (("parameters: {n: [{from: 2026-01-01, value: 3}, {from: 2025-01-01, value: 4}]}", "when: {count: {at_least: $n, last: {days: 1}}}"), "dated values stand in order, oldest first, each with its own date"),
        (("parameters: {n: [{value: 3}, {from: 2026-01-01, value: x}]}", "when: {count: {at_least: $n, last: {days: 1}}}"), "`at_least` takes a whole number from 1, found `x`"),
    ],
)  # fmt: skip
def test_mistakes_of_a_rule(base: Path, own: Callable[..., Path], lines: tuple[str, ...], message: str) -> None:
    folder = own(a=HEAD + "rules:\n" + rule("house.x", *lines))
    assert [each.split(" ", 1)[1] for each in messages(lambda: load([folder], base))] == [message]


@pytest.mark.parametrize(
    ("kind", "lines", "message"),
    [
        ("relief", (), "a relief names the rules that it relieves"),
        ("obligation", (), "an obligation has a duty"),
        ("obligation", ("duty: {code: x}", "on_unknown: deny"), "`on_unknown` belongs to a prohibition"),
        ("notice", ("when: {channel: fax}",), "a notice decides nothing and has no conditions"),
    ],
)
def test_mistakes_of_a_kind(base: Path, own: Callable[..., Path], kind: str, lines: tuple[str, ...], message: str) -> None:
    folder = own(a=HEAD + "rules:\n" + rule("house.x", *lines, kind=kind))
    assert [each.split(" ", 1)[1] for each in messages(lambda: load([folder], base))] == [message]


def test_a_prohibition_without_conditions_and_a_rule_without_applies_are_refused(base: Path, own: Callable[..., Path]) -> None:
    text = rule("house.x").replace("    when: {dnc.national: true}\n", "").replace(f"    {SCOPE}\n", "")
    found = messages(lambda: load([own(a=HEAD + "rules:\n" + text)], base))
    assert [each.split(" ", 1)[1] for each in found] == [
        "`applies` is left out", "a prohibition without `shape`, `when` or `unless` forbids everything that it applies to",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("test", "column", "message"),
    [
        ("{name: a, at: 2026-02-30 10:00:00, expect: silent}", "at", "'2026-02-30' is not a date; expected YYYY-MM-DD"),
        ("{name: a, at: 2026-02-03 24:00:00, expect: silent}", "at", "'2026-02-03 24:00:00' is not a local time"),
        ("{name: a, at: 2026-02-03 10:00:00, expect: relieves}", "expect", "a prohibition is never `relieves`"),
        ("{name: a, at: 2026-02-03 10:00:00, zone: NewYork, expect: silent}", "zone", "unknown time zone `NewYork`"),
        ("{name: a, at: 2026-02-03 10:00:00, given: {chanel: sms}, expect: silent}", "chanel", "unknown fact `chanel`"),
        ("{name: a, at: 2026-02-03 10:00:00, given: {channel: telex}, expect: silent}", "channel", "`channel` is a choice; 'telex' is not one"),
        ("{name: a, at: 2026-02-03 10:00:00, given: {dnc.list.TX: true}, expect: silent}", "dnc.list.TX", "no list `TX` is declared"),
        ("{name: a, at: 2026-02-03 10:00:00, given: {dnc.national: 1}, expect: silent}", "dnc.national", "`dnc.national` is a flag; 1 is not one"),
        ("{name: a, at: 2026-02-03 10:00:00, given: {history.attempts: 3}, expect: silent}", "history.attempts", "`history.attempts` is given as `attempts`"),
        ("{name: a, at: 2026-02-03 10:00:00, given: {consent.covers: [live, fax]}, expect: silent}", "consent.covers", "'fax' is not a value of `consent.covers`"),
        ("{name: a, at: 2026-02-03 10:00:00, given: {consent.obtained_at: soon}, expect: silent}", "consent.obtained_at", "'soon' is not a local time"),
        ("{name: a, at: 2026-02-03 10:00:00, needs: [dnc.nationl], expect: unknown}", "needs", "unknown fact `dnc.nationl`"),
        ("{name: a, at: 2026-02-03 10:00:00, attempts: [{channel: sms}], expect: silent}", "{channel", "an earlier attempt has `at`"),
        ("{name: a, at: 2026-02-03 10:00:00, attempts: [{at: 2026-02-03, chanel: sms}], expect: silent}", "chanel", "unknown field `chanel` of an attempt"),
        ("{name: a, at: 2026-02-03 10:00:00, attempts: [{at: 2026-02-03, channel: telex}], expect: silent}", "channel", "`telex` is not a channel"),
        ("{name: a, at: 2026-02-03 10:00:00, attempts: [yesterday], expect: silent}", "yesterday", "'yesterday' is not a local time"),
    ],
)  # fmt: skip
def test_mistakes_of_an_example_stand_at_its_own_line(base: Path, own: Callable[..., Path], test: str, column: str, message: str) -> None:
    text = HEAD + "rules:\n" + rule("house.x", "tests:", "  - {name: ok, at: 2026-02-03 10:00:00, expect: silent}", f"  - {test}")
    with pytest.raises(PackError) as caught:
        load([own(a=text)], base)
    (problem,) = caught.value.problems
    line = text.splitlines()[problem.line - 1]
    assert test in line and line[problem.column - 1 :].startswith(column)
    assert problem.message.startswith(message)


def test_two_examples_of_one_name_and_an_example_without_a_zone_are_told(base: Path, own: Callable[..., Path]) -> None:
    test = "  - {name: a, at: 2026-02-03 10:00:00, expect: silent}"
    text = "jurisdiction: FL\nname: x\nrules:\n" + rule("house.x", "tests:", test, test)
    found = [each.split(" ", 1)[1] for each in messages(lambda: load([own(a=text)], base))]
    assert found == ["neither the test nor the file names a `zone`", "neither the test nor the file names a `zone`", "two tests are named `a`"]


def test_ids_are_unique_over_all_files(base: Path, own: Callable[..., Path]) -> None:
    folder = own(a=HEAD + "rules:\n" + rule("fl.ring"), b=HEAD + "rules:\n" + rule("house.x") + rule("house.x"))
    assert messages(lambda: load([folder], base)) == ["a.yaml:5 the id `fl.ring` is taken", "b.yaml:13 the id `house.x` is taken"]


def test_an_id_that_is_taken_by_a_faulty_rule_is_taken(base: Path, own: Callable[..., Path]) -> None:
    text = HEAD + "rules:\n" + rule("house.x", "topic: weather") + rule("house.x")
    assert [each.split(" ", 1)[1] for each in messages(lambda: load([own(a=text)], base))] == ["unknown topic `weather`", "the id `house.x` is taken"]


@pytest.mark.parametrize(
    ("jurisdiction", "identity", "good"),
    [("FL", "fl.y", True), ("FL", "us.y", False), ("US", "us.y", True), ("US", "number.y", True), ("US", "house.y", True), ("US", "fl.y", False), ("TX", "fl.y", False)],
)
def test_the_ids_of_shipped_rules_belong_to_their_jurisdiction(base: Path, jurisdiction: str, identity: str, good: bool) -> None:
    text = f"jurisdiction: {jurisdiction}\nname: x\nzone: America/Chicago\nrules:\n" + rule(identity)
    (base / "federal" / "y.yaml").write_text(text)
    if good:
        assert identity in load(base=base).by_id
    else:
        assert messages(lambda: load(base=base)) == [f"y.yaml:5 the id `{identity}` does not belong to {jurisdiction}"]


def test_reliefs_name_rules_that_exist_decide_and_are_of_the_same_place(base: Path, own: Callable[..., Path]) -> None:
    text = HEAD + "rules:\n" + rule("house.p") + rule("house.r", "relieves: [house.p, house.q, house.r]", kind="relief")
    other = HEAD.replace("FL", "TX") + "rules:\n" + rule("house.s", "relieves: [house.p, house.p]", kind="relief")
    assert messages(lambda: load([own(a=text, b=other)], base)) == [
        "a.yaml:20 `house.r` relieves `house.q`, which does not exist",
        "a.yaml:20 `house.r` relieves `house.r`, which is a relief",
        "b.yaml:12 `house.s` relieves a rule of FL",
        "b.yaml:12 `house.s` relieves a rule of FL",
    ]


def test_a_rule_relieved_twice_by_one_relief_is_told(base: Path, own: Callable[..., Path]) -> None:
    text = HEAD + "rules:\n" + rule("house.p") + rule("house.r", "relieves: [house.p, house.p]", kind="relief")
    assert messages(lambda: load([own(a=text)], base)) == ["a.yaml:20 `house.p` stands twice"]


def test_an_unreadable_file_is_not_blamed_on_those_who_name_its_rules(base: Path) -> None:
    (base / "states" / "fl.yaml").write_text("a: [")
    text = HEAD.replace("FL", "US") + "rules:\n" + rule("us.r", "relieves: [us.gone]", kind="relief")
    (base / "federal" / "us.yaml").write_text(text)
    assert messages(lambda: load(base=base)) == ["fl.yaml:2 not well-formed YAML: did not find expected node content"]


def test_everything_wrong_in_every_kind_of_file_is_told_at_once(base: Path, own: Callable[..., Path]) -> None:
    folder = own(
        a=HEAD + "rules:\n" + rule("house.x", "when: {chanel: fax}"),
        b="jurisdiction: FL\nname: x\nzone: New York\ncolour: red\nlists: [{code: A, name: x}, {code: B, name: x, publish_on: [13-01]}]\n",
        c="a: 1\na: 2\n",
        shapes__s="shapes:\n  mine: {parameters: {x: {}}, when: {chanel: fax}, message: m}\n",
        calendars__zz="calendar: zz\ntitle: t\ncitation: c\nsources: [s]\ndays: [{name: a, rule: foo}]\n",
    )
    assert messages(lambda: load([folder], base)) == [
        "a.yaml:12 unknown fact `chanel`",
        "b.yaml:3 unknown time zone `New York`",
        "b.yaml:4 unknown key `colour`",
        "b.yaml:5 the list `A` never falls due",
        "b.yaml:5 the list `B` never falls due",
        "b.yaml:5 '13-01' is not a day of the year; expected MM-DD",
        "c.yaml:2 `a` stands twice in the same mapping",
        "zz.yaml:5 found `foo`, which is no rule for a date",
        "s.yaml:2 the shape `mine` does not use its parameter `x`",
        "s.yaml:2 unknown fact `chanel`",
    ]


def test_warnings_are_told_apart(base: Path, own: Callable[..., Path]) -> None:
    tests = [f"  - {{name: t{n}, at: 2026-02-0{n} 10:00:00, expect: silent}}" for n in range(1, 5)]
    text = HEAD + "rules:\n" + rule("house.few") + rule("house.mild", "tests:", *tests) + rule("house.gone", "status: vacated")
    text += rule("house.late", "effective: 2020-01-01", "parameters: {n: [{from: 2026-01-01, value: 3}]}", "when: {count: {at_least: $n, last: {days: 1}}}",
                 "tests:", *tests[:3], "  - {name: hit, at: 2026-02-05 10:00:00, expect: prohibited}")  # fmt: skip
    text += rule("house.never", "relieves: [house.gone]", "applies: {channels: [sms], purposes: any, dialing: any, voice: any, line_types: any}",
                 "tests:", *tests[:3], "  - {name: hit, at: 2026-02-05 10:00:00, expect: relieves}", kind="relief")  # fmt: skip
    assert [warning.message for warning in load([own(a=text)], base).warnings] == [
        "`house.few` has 0 tests",
        "`house.mild` has no test in which it holds",
        "`n` begins on 2026-01-01, and the rule on 2020-01-01",
        "`house.never` never relieves `house.gone`: their channels have nothing in common",
    ]


def test_a_rule_that_is_never_silent_is_warned_of(base: Path, own: Callable[..., Path]) -> None:
    tests = [f"  - {{name: t{n}, at: 2026-02-0{n} 10:00:00, expect: prohibited}}" for n in range(1, 5)]
    (warning,) = load([own(a=HEAD + "rules:\n" + rule("house.x", "tests:", *tests))], base).warnings
    assert warning.message == "`house.x` has no test in which it is silent"


def test_shapes_are_checked_by_themselves(base: Path, own: Callable[..., Path]) -> None:
    folder = own(
        shapes__s="shapes:\n  mine: {parameters: {x: {defult: 1}}, when: {channel: $x}, message: '{y} {'}\n  other: {parameters: 3}\n",
        shapes__t="- 1\n", shapes__u="colour: red\nshapes: {}\n",
    )  # fmt: skip
    assert messages(lambda: load([folder], base)) == [
        "s.yaml:2 unknown key `defult`", "s.yaml:2 the message has a single brace",
        "s.yaml:2 the message names `{y}`, which is neither a parameter nor a figure",
        "s.yaml:3 `message` is left out", "s.yaml:3 `when` is left out", "s.yaml:3 expected a mapping for `parameters`, found `3`",
        "t.yaml:1 expected a mapping `shapes`", "u.yaml:1 unknown key `colour`",
    ]  # fmt: skip


def test_a_rule_of_a_broken_shape_is_not_blamed(base: Path, own: Callable[..., Path]) -> None:
    folder = own(a=HEAD + "rules:\n" + rule("house.x", "shape: mine", "parameters: {x: 3}"), shapes__s="shapes:\n  mine: {parameters: {x: {}}, when: 3, message: m}\n")
    assert messages(lambda: load([folder], base)) == ["s.yaml:2 expected a mapping for `when`, found `3`"]


def test_calendars_bear_the_name_of_their_file_and_are_of_bounded_size(base: Path, own: Callable[..., Path]) -> None:
    days = "[" + ", ".join(["{name: a, rule: jan 1}"] * 4_000) + "]"
    text = "calendar: {}\ntitle: t\ncitation: c\nsources: [s]\ndays: {}\n"
    folder = own(calendars__aa=text.format("bb", "[{name: a, rule: jan 1}]"), calendars__cc=text.format("cc", days), calendars__dd="a: [")
    assert messages(lambda: load([folder], base)) == [
        "aa.yaml:1 the file holds calendar `bb`", "cc.yaml:1 a calendar of 12,007 values", "dd.yaml:2 not well-formed YAML: did not find expected node content",
    ]  # fmt: skip


def test_a_broken_vocabulary_stops_everything(base: Path) -> None:
    (base / "vocabulary.yaml").write_text("facts: {channel: {type: choise, class: required}}\n")
    (found,) = messages(lambda: load(base=base))
    assert found.startswith("vocabulary.yaml:1 channel: type 'choise'")
    (base / "vocabulary.yaml").write_text("facts: [")
    assert messages(lambda: load(base=base)) == ["vocabulary.yaml:2 not well-formed YAML: did not find expected node content"]


def test_an_installation_without_rules_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sources, "__file__", str(tmp_path / "dialguard" / "packs" / "sources.py"))
    with pytest.raises(PackError, match="the shipped rule files are missing"):
        sources.shipped_rules()


def test_hundreds_of_problems_stop_the_checking(base: Path, own: Callable[..., Path]) -> None:
    text = HEAD + "rules:\n" + "".join(rule(f"house.x{number}", "topic: weather") for number in range(600))
    found = messages(lambda: load([own(a=text)], base))
    assert len(found) == 502 and any("more than 500 problems" in each for each in found)


def test_dated_values_divide_the_time_in_force(base: Path, own: Callable[..., Path]) -> None:
    lines = (
        "effective: 2020-01-01", "ends: 2027-12-31",
        "parameters: {n: [{value: 3}, {from: 2024-01-01, value: 4, citation: Laws 2024}, {from: 2026-01-01, value: 5}]}",
        "when: {count: {at_least: $n, last: {days: 1}}}",
    )  # fmt: skip
    spans = load([own(a=HEAD + "rules:\n" + rule("house.x", *lines))], base).by_id["house.x"].spans
    found = [(date.fromordinal(span.first).isoformat(), date.fromordinal(span.last).isoformat(), span.parameters["n"], span.citation) for span in spans]
    assert found == [
        ("2020-01-01", "2023-12-31", 3, "c"), ("2024-01-01", "2025-12-31", 4, "Laws 2024"), ("2026-01-01", "2027-12-31", 5, "c"),
    ]  # fmt: skip


@pytest.mark.parametrize(("status", "effective", "holds"), [("in_force", None, True), ("disputed", None, True), ("pending", None, False), ("stayed", None, False), ("pending", "2020-01-01", True), ("vacated", "2020-01-01", False)])
def test_when_a_status_is_law(base: Path, own: Callable[..., Path], status: str, effective: str | None, holds: bool) -> None:
    lines = (f"status: {status}", f"effective: {effective or 'null'}")
    found = load([own(a=HEAD + "rules:\n" + rule("house.x", *lines))], base).by_id["house.x"]
    assert (found.span(date(2026, 1, 1).toordinal()) is not None) is holds


# --- an operator's folder ------------------------------------------------------------------------------------------


def test_an_operator_adds_and_never_replaces(base: Path, own: Callable[..., Path]) -> None:
    folder = own(
        a=HEAD + "lists: [{code: FL, name: x, max_age_days: 400}]\n",
        deep__shapes__s="shapes: {calling-hours: {parameters: {}, when: {channel: fax}, message: m}}\n",
        calendars__la="calendar: la\ntitle: t\ncitation: c\nsources: [s]\ndays: [{name: a, rule: jan 1}]\n",
        vocabulary="facts: {}\n",
    )
    found = sorted(messages(lambda: load([folder], base)))
    assert found == [
        "a.yaml:4 the list `FL` is declared twice", "la.yaml:1 the calendar `la` is taken", "s.yaml:1 the shape `calling-hours` is taken",
        "vocabulary.yaml:1 a folder of your own cannot have `vocabulary.yaml`",
    ]  # fmt: skip


def test_an_operator_may_add_shapes_calendars_and_lists(base: Path, own: Callable[..., Path]) -> None:
    folder = own(
        law__a=HEAD + "lists: [{code: mine, name: x, max_age_days: 4}]\nrules:\n"
        + rule("house.x", "shape: mine", "parameters: {list: mine}", "when: {closed_day: zz}"),
        shapes__s="shapes: {mine: {parameters: {list: {}}, when: {'dnc.list.$list': true}, message: 'On {list}.'}}\n",
        calendars__zz="calendar: zz\ntitle: t\ncitation: c\nsources: [s]\ndays: [{name: a, rule: jan 1}]\n",
    )  # fmt: skip
    packs = load([folder], base)
    assert (packs.by_id["house.x"].message, set(packs.calendars), set(packs.lists)) == ("On {list}.", {"la", "zz"}, {"FL", "mine"})
    assert (set(packs.base.calendars), set(packs.base.lists)) == ({"la"}, {"FL"})


def test_folders_that_are_not_there_or_are_the_shipped_ones(base: Path, tmp_path: Path) -> None:
    assert messages(lambda: load([tmp_path / "none", base], base)) == ["none:1 no such folder of rule files", "rules:1 these are the shipped rules, which are always read"]


def test_hidden_files_are_left_out_and_all_others_found(base: Path, own: Callable[..., Path]) -> None:
    folder = own(a=HEAD + "rules:\n" + rule("house.a"), deep__er__b=HEAD + "rules:\n" + rule("house.b"))
    (folder / ".hidden.yaml").write_text("a: [")
    (folder / ".git").mkdir()
    (folder / ".git" / "c.yaml").write_text("a: [")
    (folder / "README.md").write_text("a: [")
    (folder / "d.yml").write_text(HEAD + "rules:\n" + rule("house.d"))
    os.symlink(folder / "deep", folder / "link")
    assert messages(lambda: load([folder], base)) == ["b.yaml:5 the id `house.b` is taken"]
    (folder / "link").unlink()
    assert [each.id for each in load([folder], base).rules if each.operator] == ["house.a", "house.b", "house.d"]


def test_a_link_round_in_a_circle_is_told(base: Path, own: Callable[..., Path]) -> None:
    folder = own(a=HEAD)
    os.symlink(folder, folder / "again")
    assert messages(lambda: load([folder], base)) == ["again:1 this link leads back to a folder above it"]


def test_a_folder_with_too_many_files_is_refused(base: Path, own: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own(a=HEAD, b=HEAD)
    monkeypatch.setattr(sources, "MAX_FILES", 2)
    assert load([folder], base)
    monkeypatch.setattr(sources, "MAX_FILES", 1)
    (found,) = messages(lambda: load([folder], base))
    assert "more than 1 rule files" in found
