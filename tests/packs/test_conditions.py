"""Conditions: what each form means as nodes, and what is said of each mistake, at its own place."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialguard.expr.nodes import ALL_DAY, TRUE, All, Any, ClosedDay, Count, LocalTime, Not, Period
from dialguard.expr.nodes import Test as Asked
from dialguard.model import vocabulary as vocabularies
from dialguard.packs import yamlfile
from dialguard.packs.conditions import OPEN, Reader

RULES = Path(__file__).parents[2] / "rules"
VOCABULARY = vocabularies.load(yamlfile.read(RULES / "vocabulary.yaml").data)
EVERY_DAY = (((28_800, 72_000),),) * 7


def reader(text: str, **parameters: object) -> tuple[Reader, object]:
    document = yamlfile.parse(text.encode(), "x.yaml")
    return Reader(document, VOCABULARY, frozenset({"la"}), frozenset({"FL"}), parameters), document.data


def node(text: str, **parameters: object):
    read, data = reader(text, **parameters)
    found = read.condition(data, ())
    assert read.problems == []
    return found


def mistakes(text: str, **parameters: object) -> list[tuple[int, int, str, str]]:
    read, data = reader(text, **parameters)
    read.condition(data, ())
    return [(problem.line, problem.column, problem.message, problem.hint) for problem in read.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("line_type: wireless", Asked("line_type", "in", frozenset({"wireless"}))),
        ("line_type: [wireless, voip]", Asked("line_type", "in", frozenset({"wireless", "voip"}))),
        ("dnc.national: true", Asked("dnc.national", "in", frozenset({True}))),
        ("dnc.list.FL: false", Asked("dnc.list.FL", "in", frozenset({False}))),
        ("dnc.list.$code: true", Asked("dnc.list.FL", "in", frozenset({True}))),
        ("emergency.in.LA: true", Asked("emergency.in.LA", "in", frozenset({True}))),
        ("consent.level: {at_least: express}", Asked("consent.level", "in", frozenset({"express", "express_written"}))),
        ("consent.level: {above: express}", Asked("consent.level", "in", frozenset({"express_written"}))),
        ("consent.level: {at_most: express}", Asked("consent.level", "in", frozenset({"none", "express"}))),
        ("consent.level: {below: express}", Asked("consent.level", "in", frozenset({"none"}))),
        ("consent.form: {has: request}", Asked("consent.form", "has_any", frozenset({"request"}))),
        ("consent.form: {has_any: [request, oral]}", Asked("consent.form", "has_any", frozenset({"request", "oral"}))),
        ("campaign.abandonment_rate: {above: 3%}", Asked("campaign.abandonment_rate", "above", 30_000)),
        ("campaign.abandonment_rate: {at_most: 0.25%}", Asked("campaign.abandonment_rate", "at_most", 2_500)),
        ("relationship.ended_at: {within: {months: 18}}", Asked("relationship.ended_at", "within", Period(months=18), "moment")),
        ("relationship.ended_at: {within: {years: 2}}", Asked("relationship.ended_at", "within", Period(months=24), "moment")),
        ("campaign.registry_version: {older_than: {days: 31}}", Asked("campaign.registry_version", "older_than", Period(days=31), "date")),
        ("consent.obtained_at: {before: 2013-10-16}", Asked("consent.obtained_at", "before", 735_157, "moment")),
        ("consent.obtained_at: {after: dnc.internal_since}", Asked("consent.obtained_at", "after", "dnc.internal_since", "moment")),
        ("relationship.ended_at: {came: true}", Asked("relationship.ended_at", "came", True, "moment")),
        ("contact.agreed_hours: {open: true}", Asked("contact.agreed_hours", "open", True)),
        ("line.charged: {known: true}", Asked("line.charged", "stated", True)),
        ("line.charged: {known: false}", Not(Asked("line.charged", "stated", True))),
        ("local_time: {within: {every_day: 08:00-20:00}}", LocalTime(EVERY_DAY)),
        ("local_time: {outside: $hours}", Not(LocalTime(EVERY_DAY))),
        ("local_time: {within: {mon: all_day, sun: none}, clock: UTC-06:00}", LocalTime((ALL_DAY, *((),) * 6), -21_600)),
        ("closed_day: la", ClosedDay("la")),
        ("closed_day: $calendar", ClosedDay("la")),
        ("count: {at_least: 3, last: {hours: 24}}", Count(3, Period(hours=24))),
        ("count: {at_least: $n, last: {calendar_days: 2}, per: number}", Count(4, Period(days=2), "number", (), (), 2)),
        (
            "count: {at_least: 1, last: {days: 7}, where: {channel: [voice], outcome: {not: busy}, subject: same}}",
            Count(1, Period(days=7), "person", (("channel", frozenset({"voice"}), True), ("outcome", frozenset({"busy"}), False)), ("subject",)),
        ),
        ("not: {dnc.national: true}", Not(Asked("dnc.national", "in", frozenset({True})))),
        (
            "any: [{dnc.national: true}, {channel: sms, line_type: voip}]",
            Any((
                Asked("dnc.national", "in", frozenset({True})),
                All((Asked("channel", "in", frozenset({"sms"})), Asked("line_type", "in", frozenset({"voip"})))),
            )),
        ),
        ("all: [{channel: sms}, {channel: sms}]", Asked("channel", "in", frozenset({"sms"}))),
    ],
)  # fmt: skip
def test_meaning(text: str, expected) -> None:
    assert node(text, hours={"every_day": "08:00-20:00"}, calendar="la", n=4, code="FL") == expected


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("chanel: sms", 1, "unknown fact `chanel`", "did you mean `channel`?"),
        ("channel: telex", 1, "`telex` is not a value of `channel`", "expected one of: fax, mms, rvm, sms, voice"),
        ("channel: []", 1, "`channel` has no value to be held against", ""),
        ("channel: 3", 1, "`channel` takes words, found `3`", ""),
        ("channel: null", 1, "`channel` takes words, found nothing", ""),
        ("channel: {at_least: sms}", 11, "`at_least` cannot be asked of `channel`, a choice", "expected one of: known"),
        ("dnc.national: 1", 1, "`dnc.national` is true or false, found `1`", ""),
        ("dnc.national: 'true'", 1, "`dnc.national` is true or false, found `true`", ""),
        ("dnc.list.TX: true", 1, "no list `TX` is declared", "expected one of: FL"),
        ("dnc.list.$code: true", 1, "unknown parameter `$code`", ""),
        ("emergency.in.fl: true", 1, "`fl` is not a state", "expected a USPS code such as FL"),
        ("consent.level: {at_least: oral}", 17, "`oral` is not a value of `consent.level`", "expected one of: express, express_written, none"),
        ("consent.level: {above: express_written}", 17, "no value of `consent.level` is above `express_written`", ""),
        ("consent.level: {}", 1, "an empty test", ""),
        ("consent.form: request", 1, "`consent.form` is a set; it needs an operator", "for example {within: {months: 18}} or {has: x}"),
        ("consent.form: {has: spoken}", 16, "`spoken` is not a value of `consent.form`", "expected one of: agreement, oral, request, signed_permission"),
        ("relationship.ended_at: {within: {moons: 1}}", 25, "unknown unit 'moons'; expected years, months, days, hours or minutes", ""),
        ("relationship.ended_at: {within: 18}", 25, "expected a period such as {months: 18}, {days: 31} or {hours: 24}", ""),
        ("campaign.registry_version: {within: {hours: 3}}", 29, "`campaign.registry_version` is a date; give days, months or years", ""),
        ("consent.obtained_at: {before: 16.10.2013}", 23, "'16.10.2013' is not a date; expected YYYY-MM-DD", ""),
        ("consent.obtained_at: {after: dnc.national_since}", 23, "`consent.obtained_at` is a moment and `dnc.national_since` a date; they cannot be compared", ""),
        ("relationship.ended_at: {came: false}", 25, "`came` takes true, found `false`", "put the condition under `not:` for the opposite"),
        ("contact.agreed_hours: {open: yes}", 24, "`open` takes true, found `yes`", "put the condition under `not:` for the opposite"),
        ("line.charged: {known: 1}", 16, "`known` takes true or false", ""),
        ("campaign.abandonment_rate: {above: 0.03}", 29, "'0.03' is not a share; expected a per cent value such as 3%", ""),
        ("history.attempts: 3", 1, "`history.attempts` is read by `count` only", ""),
        ("local_time: {within: {mon: 9-17}}", 14, "'9-17' is not a window; expected HH:MM-HH:MM, none or all_day", ""),
        ("local_time: {within: {mon: 20:00-08:00}}", 14, "'20:00-08:00' is not a window within one day", ""),
        ("local_time: {within: {mon: none, mon-fri: none}}", 14, "mon is given twice", ""),
        ("local_time: {within: {every_day: all_day}, clock: EST}", 44, "unknown clock 'EST'; expected called_party or a fixed one such as UTC-06:00", ""),
        ("local_time: {clock: called_party}", 1, "`local_time` takes `within` or `outside`, and `clock`", "for example {outside: {every_day: 08:00-21:00}}"),
        ("closed_day: xx", 1, "unknown calendar `xx`", "expected one of: la"),
        ("closed_day: [la]", 1, "unknown calendar a list", "expected one of: la"),
        ("count: 3", 1, "`count` takes a mapping, found `3`", "for example {at_least: 3, last: {hours: 24}}"),
        ("count: {last: {hours: 24}}", 1, "`at_least` takes a whole number from 1, found nothing", ""),
        ("count: {at_least: 0, last: {hours: 24}}", 9, "`at_least` takes a whole number from 1, found `0`", ""),
        ("count: {at_least: true, last: {hours: 24}}", 9, "`at_least` takes a whole number from 1, found `true`", ""),
        ("count: {at_least: 1, last: {months: 1}}", 22, "`last` takes hours, days or calendar_days", ""),
        ("count: {at_least: 1, last: {calendar_days: 0}}", 22, "`calendar_days` takes a whole number from 1", ""),
        ("count: {at_least: 1, last: {days: 1}, per: day}", 39, "`per` takes person, number or debt, found `day`", ""),
        ("count: {at_least: 1, last: {days: 1}, when: x}", 39, "unknown key `when` in count", "did you mean `where`?"),
        ("count: {at_least: 1, last: {days: 1}, where: {chanel: sms}}", 47, "unknown field `chanel` of an attempt", "did you mean `channel`?"),
        ("count: {at_least: 1, last: {days: 1}, where: {channel: telex}}", 47, "`telex` is not a channel", "expected one of: fax, mms, rvm, sms, voice"),
        ("count: {at_least: 1, last: {days: 1}, where: {channel: same}}", 47, "`same` is for subject, debt, to and from", ""),
        ("dnc.national: {within: {days: 1}}", 16, "`within` cannot be asked of `dnc.national`, a flag", "expected one of: known"),
        ("campaign.abandonment_rate: {has: 3%}", 29, "`has` cannot be asked of `campaign.abandonment_rate`, a rate", "expected one of: above, at_least, at_most, below, known"),
        ("relationship.ended_at: {withn: {days: 1}}", 25, "`withn` cannot be asked of `relationship.ended_at`, a moment", "did you mean `within`?"),
        ("relationship.ended_at: {within: {days: -1}}", 25, "-1 is not a whole number of days", ""),
        ("relationship.ended_at: {within: {years: 201}}", 25, "201 years is longer than 200 years; {came: true} asks for any time", ""),
        ("relationship.ended_at: {within: {days: 1, hours: 1}}", 25, "expected a period such as {months: 18}, {days: 31} or {hours: 24}", ""),
        ("local_time: {within: {}}", 14, "expected hours such as {every_day: 08:00-21:00} or {mon-fri: 09:00-20:00, sun: none}", ""),
        ("local_time: {within: {monday: none}}", 14, "unknown day 'monday'; expected every_day, mon .. sun, or a span such as mon-fri", ""),
        ("local_time: {within: {fri-mon: none}}", 14, "unknown day 'fri-mon'; expected every_day, mon .. sun, or a span such as mon-fri", ""),
        ("local_time: {within: {mon: [09:00-12:00, 11:59-13:00]}}", 14, "windows of one day overlap", ""),
        ("local_time: {within: {mon: 09:60-12:00}}", 14, "'09:60-12:00' is not a window within one day", ""),
        ("count: {at_least: 1, last: {days: 1}, where: x}", 39, "`where` takes a mapping, found `x`", ""),
        ("count: {at_least: 1, last: {days: 1}, where: {outcome: [1]}}", 47, "`outcome` takes words, found `1`", ""),
        ("count: {at_least: 1, last: {days: 1}, where: {outcome: []}}", 47, "`outcome` has no value", ""),
        ("any: x", 1, "`any` takes a list of conditions, found `x`", ""),
        ("any: []", 1, "`any` takes a list of conditions, found an empty list", ""),
        ("any: [x]", 7, "expected conditions as a mapping, found `x`", "for example {contact.kind: consumer}"),
        ("not: {}", 1, "expected conditions as a mapping, found an empty mapping", "for example {contact.kind: consumer}"),
    ],
)  # fmt: skip
def test_mistakes(text: str, column: int, message: str, hint: str) -> None:
    (found,) = mistakes(text)
    assert found[:3] == (1, column, message)
    assert not hint or found[3] == hint


def test_whole_numbers_are_compared() -> None:
    fact = vocabularies.Fact("calls", "integer", "store")
    document = yamlfile.parse(b"calls: {at_least: 3}\n", "x")
    read = Reader(document, vocabularies.Vocabulary({"calls": fact}), frozenset(), frozenset())
    assert read.condition(document.data, ()) == Asked("calls", "at_least", 3)
    assert read.condition({"calls": {"below": True}}, ()) == TRUE
    assert [problem.message for problem in read.problems] == ["`calls` takes a whole number, found `true`"]


def test_no_more_than_a_hundred_mistakes_of_one_condition_are_told() -> None:
    assert len(mistakes("".join(f"k{number}: 1\n" for number in range(300)))) == 100


def test_all_mistakes_of_a_condition_are_told() -> None:
    text = "chanel: sms\nany:\n  - {line_type: x}\n  - not: {dnc.national: 3}\nlocal_time: {within: $hours}\n"
    assert [line for line, *_ in mistakes(text)] == [1, 3, 4, 5]


def test_a_mistake_in_a_parameter_stands_at_the_parameter() -> None:
    document = yamlfile.parse(b"parameters:\n  hours: {mon: x}\nwhen:\n  local_time: {outside: $hours}\n", "x")
    read = Reader(
        document, VOCABULARY, frozenset(), frozenset(), {"hours": {"mon": "x"}}, origins={"hours": ("parameters", "hours")}
    )  # fmt: skip
    assert read.condition(document.data["when"], ("when",)) == TRUE
    (problem,) = read.problems
    assert problem.line == 2 and "'x' is not a window" in problem.message


def test_a_part_of_a_shape_that_turns_on_a_parameter_waits_for_its_value() -> None:
    read, data = reader("local_time: {outside: $hours}\nchanel: sms\n", hours=OPEN)
    read.condition(data, ())
    assert [problem.message for problem in read.problems] == ["unknown fact `chanel`"]
