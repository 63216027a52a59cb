"""Rule files against their schema: every mistake is told, in words, where it stands; and the schema for editors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dialguard.packs import reading
from dialguard.packs.editor import rule_file_schema
from dialguard.packs.load import load
from dialguard.packs.yamlfile import PackError, parse

ROOT = Path(__file__).parents[2]

RULE = """\
    id: fl.x
    title: X
    topic: other
    kind: prohibition
    citation: null
    status: in_force
    applies: {channels: any, purposes: any, dialing: any, voice: any, line_types: any}
    when: {channel: fax}
"""


def told(text: str) -> list[tuple[int, str, str]]:
    """Line, message and hint of each mistake."""
    _, problems = reading.rule_file(parse(text.encode(), "x.yaml"), False)
    return [(problem.line, problem.message, problem.hint) for problem in sorted(problems)]


def rule(old: str = "", new: str = "", more: str = "") -> str:
    body = RULE.replace(old, new) if old else RULE
    assert not old or body != RULE
    return "jurisdiction: FL\nname: Florida\nrules:\n  - " + body.removeprefix("    ") + more


def test_a_good_rule_has_no_mistakes() -> None:
    assert told(rule()) == []


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        (rule("title: X", "titel: X"), 4, "`title` is left out", ""),
        (rule("id: fl.x", "id: FL"), 4, "`id` cannot be `FL`", "expected a dotted id such as fl.calling-hours"),
        (rule("kind: prohibition", "kind: prohibit"), 7, "`kind` cannot be `prohibit`", "did you mean `prohibition`?"),
        (rule("title: X", "title: ''"), 5, "`title` is empty", ""),
        (rule("title: X", "title: 12"), 5, "`title` takes text, found `12`", "put it in quotes"),
        (rule("channels: any", "channels: voice"), 10, "`channels` takes a list or `any`, found `voice`", "write channels: [voice] for one value"),
        (rule("channels: any", "channels: [voice, 1]"), 10, "`channels` takes text, found `1`", "put it in quotes"),
        (rule("channels: any", "channels: null"), 10, "`channels` takes a list or `any`, found nothing", ""),
        (rule("channels: any, ", ""), 10, "`channels` is left out", ""),
        (rule("channels: any", "chanels: any"), 10, "`channels` is left out", ""),
        (rule("when: {channel: fax}", "when: fax"), 11, "expected a mapping for `when`, found `fax`", ""),
        (rule(more="    claim: maybe\n"), 12, "`claim` is true or false, found `maybe`", ""),
        (rule(more="    effective: 20210701\n"), 12, "`effective` takes text, found `20210701`", "put it in quotes"),
        (rule(more="    effective: 7/1/2021\n"), 12, "`effective` cannot be `7/1/2021`", "expected a date such as 2026-10-18"),
        (rule(more="    duty: {code: Ring}\n"), 12, "`code` cannot be `Ring`", "expected a word of letters, digits, - and _"),
        (rule(more="    tests: 3\n"), 12, "`tests` takes a list, found `3`", ""),
        (rule(more="    tests: [a]\n"), 12, "expected a mapping, found `a`", ""),
        (rule(more="    tests:\n      - {name: a, at: noon, expect: silent}\n"), 13, "`at` cannot be `noon`", "expected a local time such as 2026-03-03 19:59:59"),
        (rule(more="    tests:\n      - {name: a, at: 2026-03-03 10:00, expect: deny}\n"), 13, "`expect` cannot be `deny`", "expected one of: obliged, open, prohibited, relieves, silent, unknown"),
        (rule(more="    tests:\n      - {name: a, at: 2026-03-03 10:00, expct: silent, expect: silent}\n"), 13, "unknown key `expct`", "did you mean `expect`?"),
        (rule(more="    tests:\n      - {name: a, at: 2026-03-03 10:00, expect: silent, attempts: 3}\n"), 13, "`attempts` takes a list or `unknown`, found `3`", ""),
        (rule(more="    supersedes: {rule: fl.x, citation: c, date: 2027-01-01, approver: a}\n"), 12, "`reason` is left out", ""),
        ("name: Florida\n", 1, "`jurisdiction` is left out", "expected US or a USPS code such as FL"),
        ("jurisdiction: Florida\nname: x\n", 1, "`jurisdiction` cannot be `Florida`", "expected US or a USPS code such as FL"),
        ("jurisdiction: FL\nname: x\nrules: 3\n", 3, "`rules` is a list, found `3`", "begin each of the rules with `- `"),
        ("jurisdiction: FL\nname: x\nrules:\n  - 3\n", 4, "expected a mapping, found `3`", ""),
        ("jurisdiction: FL\nname: x\nlists: [{code: a b, name: x}]\n", 3, "`code` cannot be `a b`", "expected a word of letters, digits, - and _"),
        ("jurisdiction: FL\nname: x\nlists: [{code: a, name: x, use_within_days: 400}]\n", 3, "`use_within_days` cannot be more than 366, found `400`", ""),
        ("- 1\n", 1, "expected a rule file, found a list", "it begins with jurisdiction, name and rules"),
    ],
)  # fmt: skip
def test_mistakes_in_words(text: str, line: int, message: str, hint: str) -> None:
    assert (line, message, hint) in told(text)


def test_one_mistake_is_told_once() -> None:
    assert len(told(rule("channels: any", "channels: voice"))) == 1
    assert len(told(rule("channels: any", "channels: [1]"))) == 1


def test_a_mistake_hides_nothing_in_the_same_rule_or_in_others() -> None:
    second = RULE.replace("id: fl.x", "id: fl.y").replace("kind: prohibition", "kind: ban").removeprefix("    ")
    text = rule("title: X", "titel: X", f"    tests:\n      - {{name: a}}\n      - {{at: 1}}\n  - {second}")
    found = told(text + "colour: red\n")
    assert {line for line, _, _ in found} == {4, 5, 13, 14, 18, 23}
    assert [message for line, message, _ in found if line == 18] == ["`kind` cannot be `ban`"]


def test_what_is_left_of_a_faulty_rule_is_kept() -> None:
    text = rule("channels: any", "channels: 3", "    tests:\n      - {name: a}\n      - {name: b, at: 2026-03-03 10:00, expect: silent}\n")
    file, _ = reading.rule_file(parse(text.encode(), "x"), False)
    (entry,) = file.rules
    assert entry.unread == {"applies"} and entry.model.applies.channels == "any" and entry.model.when == {"channel": "fax"}
    assert (entry.tests, entry.model.tests[0].name) == ((1,), "b")


def test_thousands_of_mistakes_are_cut_short() -> None:
    text = "jurisdiction: FL\nname: x\nrules:\n" + "  - {a: 1}\n" * 5000
    found = told(text)
    assert len(found) == reading.MOST_PROBLEMS + 1
    assert any(message.startswith("more than 100 problems") for _, message, _ in found)


# --- the schema for editors ------------------------------------------------------------------------------------------


def faults(schema: dict, value: object, root: dict, path: str = "") -> Iterator[str]:
    """Where a value does not fit a JSON Schema; the keywords that ours uses, and no others."""
    known = {
        "$ref", "$schema", "$defs", "additionalProperties", "anyOf", "const", "default", "description", "enum", "items", "maxProperties",
        "maxItems", "minItems", "minLength", "minProperties", "minimum", "maximum", "oneOf", "pattern", "patternProperties", "properties", "required",
        "title", "type", "uniqueItems",
    }  # fmt: skip
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        yield from faults(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, root, path)
    for key, most in (("anyOf", 99), ("oneOf", 1)):
        fitting = sum(not list(faults(each, value, root, path)) for each in schema.get(key, ()))
        if key in schema and not 1 <= fitting <= most:
            yield f"{path}: fits {fitting} of {key}"
    types = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(isinstance(value, types[each]) and (each != "integer" or not isinstance(value, bool)) for each in wanted):
        yield f"{path}: not {wanted}"
        return
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is not among the words"
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{path}: {value!r} does not match {schema['pattern']}"
        if len(value) < schema.get("minLength", 0):
            yield f"{path}: too short"
    if isinstance(value, int) and not isinstance(value, bool) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: out of range"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 99_999) or (schema.get("uniqueItems") and len(set(value)) < len(value)):
            yield f"{path}: items"
        for number, item in enumerate(value):
            yield from faults(schema.get("items", {}), item, root, f"{path}/{number}")
    if isinstance(value, dict):
        if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", 999_999):
            yield f"{path}: number of keys"
        yield from (f"{path}: no {key}" for key in schema.get("required", ()) if key not in value)
        for key, item in value.items():
            fitting = [schema["properties"][key]] if key in schema.get("properties", {}) else []
            fitting += [each for pattern, each in schema.get("patternProperties", {}).items() if re.search(pattern, key)]
            more = schema.get("additionalProperties", True)
            if not fitting and more is False:
                yield f"{path}: unknown key {key}"
            for each in fitting or ([more] if isinstance(more, dict) else []):
                yield from faults(each, item, root, f"{path}/{key}")


@pytest.fixture(scope="module")
def schema() -> dict:
    return json.loads((ROOT / "docs" / "rule-file.schema.json").read_text("utf-8"))


def test_the_published_schema_is_the_true_one(schema: dict) -> None:
    assert schema == rule_file_schema(), "run: dialguard rules schema > docs/rule-file.schema.json"


def test_every_shipped_rule_file_fits_the_schema(schema: dict) -> None:
    number = 0
    for folder in ("federal", "states", "carriers"):
        for path in sorted((ROOT / "rules" / folder).glob("*.yaml")):
            assert list(faults(schema, parse(path.read_bytes(), path.name).data, schema)) == [], path
            number += 1
    assert number > 5


@pytest.mark.parametrize(
    "old_new",
    [
        ("channel: fax", "chanel: fax"),
        ("channel: fax", "channel: telex"),
        ("channel: fax", "consent.level: {at_last: express}"),
        ("channel: fax", "consent.covers: live"),
        ("channel: fax", "local_time: {within: {mon: 9-5}}"),
        ("channel: fax", "local_time: {clock: called_party}"),
        ("channel: fax", "any: [{channl: fax}]"),
        ("channel: fax", "dnc.national: 1"),
        ("channel: fax", "relationship.ended_at: {within: {moons: 3}}"),
        ("channels: any", "channels: [telex]"),
        ("topic: other", "topic: weather"),
        ("status: in_force", "status: maybe"),
    ],
)
def test_the_schema_sees_mistakes(schema: dict, old_new: tuple[str, str]) -> None:
    good = parse(rule().encode(), "x").data
    assert list(faults(schema, good, schema)) == []
    assert list(faults(schema, parse(rule(*old_new).encode(), "x").data, schema)) != []


def test_the_schema_knows_what_conditions_may_say(schema: dict) -> None:
    for condition in (
        "dnc.list.FL: true", "emergency.in.LA: [true, false]", "not: {all: [{line_type: [wireless, voip]}]}", "channel: $reached",
        "local_time: {outside: $hours, clock: UTC-06:00}", "count: {at_least: $n, last: {calendar_days: 1}, where: {outcome: {not: [busy]}}}",
        "consent.obtained_at: {after: dnc.internal_since}", "campaign.abandonment_rate: {above: 3%}", "contact.agreed_hours: {open: true}",
    ):  # fmt: skip
        assert list(faults(schema, parse(rule("channel: fax", condition).encode(), "x").data, schema)) == [], condition


def test_a_yaml_library_reads_the_schema_as_the_checker_does() -> None:
    # What an editor sees through a YAML library is what the checker sees through its own reading, for the words of the language.
    text = rule()
    assert yaml.safe_load(text) == parse(text.encode(), "x").data


def test_load_tells_the_mistakes_of_all_files_together(base: Path) -> None:
    (base / "states" / "ga.yaml").write_text("jurisdiction: GA\nname: Georgia\nrules: [{id: ga.x}]\n")
    (base / "states" / "al.yaml").write_text("jurisdiction: AL\nname: Alabama\ncolour: red\n")
    with pytest.raises(PackError) as caught:
        load(base=base)
    assert {problem.file for problem in caught.value.problems} == {"rules/states/ga.yaml", "rules/states/al.yaml"}
