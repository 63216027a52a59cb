"""docs/rule-language.md: what the page shows is read as it says, and nothing of the language is left out of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml

from dialguard.facts import clock
from dialguard.model import vocabulary as vocabularies
from dialguard.packs import schema, yamlfile
from dialguard.packs.checks import FIGURES
from dialguard.packs.conditions import COUNT_FIELDS, WORDS, Reader
from dialguard.packs.load import load
from dialguard.packs.testing import run

from .superseding import HEAD, HOURS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rule-language.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S)
VOCABULARY = vocabularies.load(yamlfile.read(ROOT / "rules" / "vocabulary.yaml").data)
OPERATORS = ("at_least", "at_most", "above", "below", "has", "has_any", "within", "older_than", "before", "after", "came", "open", "known")


def section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)[1]


def rows(text: str) -> list[list[str]]:
    """The cells of a table, its head left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def conditions() -> Iterator[str]:
    """Every whole condition that the page shows; an operator alone goes with the fact before it."""
    text = section("Conditions")
    fact = ""
    for row in rows(text):
        for shown in re.findall(r"`([^`]+)`", row[0]):
            if shown.startswith("{"):
                yield f"{fact}: {shown}"
            else:
                fact = shown.partition(":")[0]
                yield shown
    for shown in re.findall(r"`([^`]+)`", text[text.index("Of note") :]):
        if re.match(r"(any|[a-z]+(\.[a-z_$]+)+): ", shown):
            yield shown


SHOWN = list(conditions())


@pytest.mark.parametrize("shown", SHOWN)
def test_a_condition_of_the_page_is_read(shown: str) -> None:
    document = yamlfile.parse(f"{{{shown}}}".encode(), "page.yaml")
    reader = Reader(document, VOCABULARY, frozenset({"la"}), frozenset({"FL"}), {"list": "FL"})
    reader.condition(document.data, ())
    assert reader.problems == []


def test_the_conditions_are_found_and_a_wrong_one_is_told() -> None:
    assert len(SHOWN) >= 20
    with pytest.raises(AssertionError):
        test_a_condition_of_the_page_is_read("consent.form: {has: a}")


def test_every_operator_word_and_field_is_on_the_page() -> None:
    text = section("Conditions")
    for word in (*OPERATORS, *WORDS, *COUNT_FIELDS, "calendar_days", "same", "all_day", "none"):
        assert re.search(rf"\b{word}\b", text), word
    reader = Reader(yamlfile.parse(b"{}", "x"), VOCABULARY, frozenset(), frozenset())
    hints = ""
    for name, fact in VOCABULARY.facts.items():
        if fact.type not in ("attempts",) and not name.endswith("*"):
            reader.condition({name: {"nonsense": 1}}, ())
            hints += f" {reader.problems.pop().hint}"
    assert set(re.findall(r"\b[a-z_]+\b", hints)) - {"expected", "one", "of", "did", "you", "mean"} == set(OPERATORS)


def test_the_families_of_facts_are_on_the_page() -> None:
    families = {name.removesuffix("*") for name in VOCABULARY.facts if name.endswith("*")}
    assert families == set(re.findall(r"`([a-z_.]+\.)XX`", PAGE))


def test_the_table_of_shapes_is_that_of_the_files() -> None:
    held = {}
    for path in (ROOT / "rules" / "shapes").glob("*.yaml"):
        for name, shape in yaml.safe_load(path.read_text("utf-8"))["shapes"].items():
            defaults = {key: value.get("default", "") for key, value in shape["parameters"].items()}
            held[name] = {key: f"[{', '.join(value)}]" if isinstance(value, list) else value for key, value in defaults.items()}
    told = {row[0].strip("`"): dict(re.findall(r"`(\w+)`(?: \(([^)]*)\))?", row[1])) for row in rows(section("Shapes"))}
    assert told == held


@pytest.mark.parametrize("model", [schema.RuleFile, schema.RuleModel, schema.ListModel, schema.Applies, schema.RuleTest, schema.Supersedes, schema.Remedy])
def test_every_key_is_on_the_page(model) -> None:
    assert [key for key in model.model_fields if not re.search(rf"\b{key}\b", PAGE)] == []


def test_every_kind_status_and_figure_is_on_the_page() -> None:
    words = (*get_args(schema.Kind), *get_args(schema.Status), *get_args(schema.Confidence), *FIGURES)
    assert [word for word in words if not re.search(rf"\b{word}\b", PAGE)] == []


def test_the_first_example_loads_and_its_tests_hold(base: Path) -> None:
    (base / "states" / "fl.yaml").write_text(BLOCKS[0], encoding="utf-8")
    packs = load(base=base)
    (rule,) = packs.rules
    assert rule.id == "fl.calling-hours" and packs.presuming == {"FL"} and packs.lists["FL"].use_within_days == 0
    assert run(packs, clock, packs.rules, {}) == (len(rule.tests), [])


def test_the_dated_parameters_load(base: Path, own) -> None:
    rule = HOURS.replace("shape: calling-hours", "shape: attempt-cap").replace("house.hours", "house.cap")
    rule = "\n".join(line for line in rule.splitlines() if "parameters" not in line and "supersedes" not in line)
    given = "".join(f"    {line}\n" for line in BLOCKS[1].splitlines()) + "      period: {hours: 24}\n"
    spans = load([own(a=f"{HEAD}{rule}\n{given}")], base).by_id["house.cap"].spans
    assert [span.parameters["maximum"] for span in spans] == [4, 3] and spans[1].citation == "Laws 2025 ch. 580"


def test_the_supersession_loads(base: Path, own) -> None:
    rule = "".join(f"{line}\n" for line in HOURS.splitlines() if "supersedes" not in line)
    found = load([own(a=f"{HEAD}{rule}    {BLOCKS[3]}")], base).by_id["house.hours"].supersedes
    assert (found.rule, found.approver, found.reason) == ("fl.calling-hours", "J. Doe", "the hours changed")


def test_the_limits_of_a_file_are_those_of_the_reader() -> None:
    told = f"at most {yamlfile.MAX_BYTES // 1_000_000} MB, {yamlfile.MAX_DEPTH} levels and {yamlfile.MAX_VALUES:,} values, each text at most {yamlfile.MAX_SCALAR:,}"
    assert told in " ".join(PAGE.split())


def test_the_remedies_load(tmp_path: Path) -> None:
    notice = "".join(f"    {line}\n" for line in BLOCKS[2].splitlines())
    head = "jurisdiction: FL\nname: Florida\nrules:\n  - {id: house.cost, title: T, topic: house, kind: notice, citation: null, status: in_force}\n"
    (tmp_path / "own.yaml").write_text(head.replace("- {", "- ").replace(", ", "\n    ").replace("}", "") + notice, "utf-8")
    (found,) = load([tmp_path]).by_id["house.cost"].remedies
    assert (found.least_usd, found.most_usd, found.from_call, found.but_not) == (500, 1500, 2, ("fl.autodialer.2021",))
