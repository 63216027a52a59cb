"""What the pages say of a rule is what its file says, which is read here by another reader."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
import yaml

from dialguard.packs.account import Fact
from dialguard.packs.load import Packs, shipped_rules
from dialguard.pages.topics import SUBJECTS

PLACES = (
    "AK AL AR AS AZ CA CO CT DC DE FL GA GU HI IA ID IL IN KS KY LA MA MD ME MI MN MO MP MS MT NC ND NE NH NJ NM NV NY OH OK OR PA PR RI "
    "SC SD TN TX US UT VA VI VT WA WI WV WY"
).split()
TOPICS = (
    "calling-hours holidays frequency state-dnc federal-dnc internal-dnc consent autodialer prerecorded ringless-voicemail sms caller-id "
    "disclosure registration recording abandonment revocation reassigned exemption recordkeeping emergency ai-voice carrier privacy other "
    "number house"
).split()
BLOCK = re.compile(r"^\(([\w.-]+)\)=\n(.*?)(?=^\([\w.-]+\)=$|^## |\Z)", re.M | re.S)
NUMBER = re.compile(r"\d+")


def plain(markdown: str) -> str:
    """Markdown as a reader sees it."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", markdown)


def folded(text: object) -> str:
    return " ".join(str(text).split())


@pytest.fixture(scope="session")
def written() -> dict[str, dict[str, Any]]:
    """The rules as their files have them, by id, with the jurisdiction."""
    found = {}
    for folder in ("federal", "states", "carriers"):
        for path in sorted((shipped_rules() / folder).glob("*.yaml")):
            document = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
            found |= {rule["id"]: rule | {"jurisdiction": document["jurisdiction"]} for rule in document["rules"]}
    return found


@pytest.fixture(scope="session")
def blocks(made: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Rule id to the page that holds it in full, and what stands there."""
    found = [(name, *block) for name, text in made.items() for block in BLOCK.findall(text)]
    twice = [rule for rule, number in Counter(rule for _, rule, _ in found).items() if number > 1]
    assert twice == []
    return {rule: (name, text) for name, rule, text in found}


def test_every_place_and_topic_has_a_page(made: dict[str, str], shipped: Packs) -> None:
    assert len(PLACES) == 57 and sorted(shipped.names) == PLACES
    assert {f"{code.lower()}.md" for code in PLACES} <= set(made)
    assert {f"topic-{topic}.md" for topic in TOPICS} == {name for name in made if name.startswith("topic-")}
    assert sorted(topic.replace("_", "-") for topics in SUBJECTS.values() for topic in topics) == sorted(TOPICS)
    index = made["index.md"]
    assert [name for name in made if name != "index.md" and f"({name})" not in index and not name.startswith("us-")] == []
    assert [name for name in made if name.startswith("us-") and f"({name})" not in made["us.md"]] == []


def test_every_rule_stands_once_on_its_jurisdictions_page_and_on_its_topics(made: dict[str, str], blocks: dict, written: dict) -> None:
    events = yaml.load((shipped_rules() / "events" / "events.yaml").read_text("utf-8"), yaml.CSafeLoader)
    assert set(blocks) == set(written) | {rule["id"] for rule in events["rules"]}
    for name, rule in written.items():
        page = blocks[name][0]
        assert page == f"{rule['jurisdiction'].lower()}.md" or page.startswith("us-") and rule["jurisdiction"] == "US", name
        topic = made[f"topic-{rule['topic'].replace('_', '-')}.md"]
        (row,) = [line for line in topic.splitlines() if line.startswith("|") and f"](#{name})" in line]
        assert folded(rule["title"]) in plain(row) and folded(rule.get("citation") or "no law") in plain(row), name
        if rule.get("not_covered"):
            assert folded(rule["not_covered"]) in plain(row).replace("`", "`"), name
        for day in (rule.get("effective"), rule.get("ends")):
            assert rule["status"] == "vacated" or not day or str(day) in row, name


def test_a_rule_says_what_its_file_says(blocks: dict, written: dict) -> None:
    for name, rule in written.items():
        text = plain(blocks[name][1])
        head, _, rest = text.partition("\n\n:Rule: ")
        assert head == "### " + folded(rule["title"]), name
        field = dict(re.findall(r"^:(\w+): (.*)$", ":Rule: " + rest, re.M))
        assert field["Rule"].startswith(f"`{name}`, {rule['kind']}"), name
        law = folded(rule.get("citation") or "no law: a rule of the house")
        assert field["Law"] == law or field["Law"].startswith(law + ", read at "), name
        assert re.findall(r"\(<(.*?)>\)", field["Law"]) == list(rule.get("sources") or []), name
        assert field["Confidence"] == (rule.get("confidence") or "not stated"), name
        shown = re.findall(r"\d{4}-\d\d-\d\d", field["Dates"])
        dated = [str(rule[key]) for key in ("effective", "ends") if rule.get(key)]
        assert shown == ([] if rule["status"] == "vacated" else dated), name
        words = {"in_force": "in force", "pending": "not yet in force"}.get(rule["status"], rule["status"])
        assert f"; {words}" in field["Dates"], name
        for key, title in (("note", "Note"), ("not_covered", "Does not cover")):
            assert (f"**{title}:** {folded(rule[key])}" in text) if rule.get(key) else (f"**{title}:**" not in text), (name, key)
        for other in rule.get("relieves") or ():
            assert f"(`{other}`)" in text.partition("**Lifts**")[2], (name, other)
            assert f"(`{name}`)" in blocks[other][1].partition("**Lifted by**")[2], (name, other)


def test_the_examples_are_those_of_the_file(blocks: dict, written: dict) -> None:
    seen = 0
    for name, rule in written.items():
        rows = [re.split("<td>", row)[1:] for row in re.findall(r"^<tr>(<td>.*)$", blocks[name][1], re.M)]
        told = {(unescape(situation), at[:19], answer.split(",")[0]) for at, situation, _, answer in rows}
        for test in rule.get("tests") or ():
            if "week" in test or "exactly" in test:  # these stand for many, each with its own name
                assert any(situation.startswith(f"{test['name']}, ") for situation, _, _ in told), (name, test["name"])
            else:
                assert (folded(test["name"]), str(test["at"]), test["expect"]) in told, (name, test["name"])
            seen += 1
    assert seen > 5_000


def numbers(value: object) -> Iterator[str]:
    """Every number in what a file says, whatever it is in."""
    yield from (found.lstrip("0") or "0" for found in NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3})", "", str(value))))


def in_months(value: object) -> str:
    """What a file says, its years as the months that a condition counts."""
    return re.sub(r"'years': (\d+)", lambda found: f"'months': {12 * int(found[1])}", str(value))


def last_days(parameters: object) -> Iterator[str]:
    """The numbers of the days on which law ends that later law replaces."""
    for changes in parameters.values() if isinstance(parameters, dict) else ():
        for change in changes if isinstance(changes, list) else ():
            if isinstance(change, dict) and change.get("from"):
                yield from numbers(date.fromisoformat(str(change["from"])) - timedelta(days=1))


def test_no_number_in_a_condition_is_another_than_in_the_file(blocks: dict, written: dict) -> None:
    """Both ways: what a condition shows stands in the rule or its shape, and the rule's parameters are shown."""
    shapes = {}
    for path in (shipped_rules() / "shapes").glob("*.yaml"):
        shapes |= yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)["shapes"]
    checked = 0
    for name, rule in written.items():
        text = re.sub(r"^(:Law:|:Rule:|\*\*Note|\*\*Does not cover|<|- \[).*$", "", plain(blocks[name][1]), flags=re.M)
        file = {key: found for key, found in rule.items() if key not in ("tests", "sources", "note", "not_covered")}
        allowed = set(numbers(file)) | set(numbers(shapes.get(rule.get("shape"), ""))) | set(last_days(rule.get("parameters"))) | set(numbers(in_months(file)))
        shown = set(numbers(text))
        assert shown <= allowed, (name, sorted(shown - allowed))
        for read in (str, in_months):  # the title may say years where the condition counts months
            lacking = set(numbers(read([rule.get("parameters"), rule.get("values")]))) - shown
            if not lacking:
                break
        assert not lacking, (name, sorted(lacking))
        checked += len(shown)
    assert checked > 2_000


def test_what_a_breach_may_cost_stands_with_the_notice_and_with_each_rule_that_it_reaches(blocks: dict, written: dict) -> None:
    def under(name: str, beginnings: list[str]) -> bool:
        return any(name == each or name.startswith(f"{each}.") for each in beginnings)

    heads: dict[str, list[str]] = {name: [] for name in written}
    amounts = 0
    for name, notice in written.items():
        for remedy in notice.get("remedies") or ():
            own = [line for line in plain(blocks[name][1]).splitlines() if line.startswith("- ") and folded(remedy["says"]) in line]
            usd = [f"${remedy[key]:,}" for key in ("least_usd", "most_usd") if key in remedy]
            assert any(all(each in line for each in usd) for line in own), name
            amounts += len(usd)
            years = remedy.get("limitation_years")
            assert not years or any(f"Within {years} year" in line for line in own), name
            for other, rule in written.items():
                if rule["kind"] in ("prohibition", "obligation") and under(other, remedy["reaches"]) and not under(other, remedy.get("but_not", [])):
                    heads[other].append(name)
    for name, notices in heads.items():
        if written[name]["kind"] != "notice":
            cost = blocks[name][1].partition("**A breach may cost,**")[2].partition("\n\n**")[0].partition("\n<details")[0]
            assert sorted(re.findall(r"^- \[.*?(?<!\\)\]\(#(.*?)\) \(", cost, re.M)) == sorted(notices), name
    assert amounts > 80 and len(heads["fl.state-dnc"]) >= 2


def test_links_lead_to_a_rule_or_a_page(made: dict[str, str], blocks: dict) -> None:
    for name, text in made.items():
        for target in re.findall(r"(?<!\\)\]\(([^<][^)]*)\)", text):
            assert target[1:] in blocks if target.startswith("#") else target in made or target == "../docs/http-api.md", (name, target)


def test_what_no_rule_decides_is_told_with_its_reason(made: dict[str, str], undecided: dict[Fact, str]) -> None:
    for fact, reason in undecided.items():
        assert f"- `{fact.id}`: {folded(reason)}" in plain(made[f"{fact.jurisdiction.lower()}.md"]), fact.id


def test_florida_at_a_glance(made: dict[str, str]) -> None:
    glance = made["fl.md"].partition("## At a glance")[2].partition("\n## ")[0]
    for line in (
        "| Sales calls by a person | 08:00-20:00 every day |",
        "| **Caps on attempts** | [No more than three solicitation calls to a person in 24 hours on the same subject](#fl.frequency) | "
        "Fla. Stat. 501.616(6)(b) | from 2021-07-01 |",
        "| **Do-not-call lists** | Florida Do Not Call List: new versions on January 1, April 1, July 1, October 1, binding at once | "
        "Fla. Stat. 501.059(3)-(4) |  |",
    ):
        assert line in glance
    for subject in ("Hours", "Consent, machines and texts", "Registration", "Disclosures and caller ID", "Recording", "Penalties and terms"):
        assert f"| **{subject}** |" in glance
    assert "No rule of its own on: closed days and emergencies, abandoned calls, other duties." in glance
    assert "fl.autodialer.2021" not in glance  # repealed
    assert "This is not legal advice." in made["fl.md"] and "presumed to reach" in made["fl.md"]


def test_law_that_is_not_in_force_stands_apart(made: dict[str, str]) -> None:
    now, _, other = made["topic-autodialer.md"].partition("## Not in force")
    assert "](#fl.autodialer)" in now and "](#fl.autodialer.2021)" not in now
    assert "](#fl.autodialer.2021)" in other and "2021-07-01<br>to 2023-05-24" in other
