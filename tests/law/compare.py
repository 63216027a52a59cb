"""What a machine can compare between the reviewed facts of the law and the rules written from them, one sentence a difference.

A rule belongs to the fact with the longest id that its own id equals or extends at a dot. The rule files are read as plain data, and
nothing here is taken from the code that builds rules.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from dialguard.packs.yamlfile import parse

Fact = Mapping[str, object]
Rule = Mapping[str, object]
Measure = tuple[str, object]
"""A unit (s, months, usd, %, business days, count, date, hours) and how many of it."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SURE = ("low", "medium", "high")
STATUS = {"uncertain": "disputed"}
NAMED = ("agreement_must_name", "fields", "forbidden", "keywords", "must_state", "optout_keywords", "records", "required_fields")
"""Keys of a fact whose words name what is said, kept, held or read."""
UNITS = {
    "second": ("s", 1), "minute": ("s", 60), "hour": ("s", 3600), "day": ("s", 86_400), "week": ("s", 604_800),
    "month": ("months", 1), "quarter": ("months", 3), "year": ("months", 12),
}  # fmt: skip
_WINDOW = re.compile(r"\d\d:\d\d-\d\d:\d\d$")
_DATE = re.compile(r"\d{4}-\d\d-\d\d$")
_SECTION = re.compile(r"\d[\w.:-]*")


@dataclass
class Law:
    """Facts by id, the rules of each, all rules by id, and the lists of each jurisdiction."""

    facts: dict[str, Fact] = field(default_factory=dict)
    owned: dict[str, list[Rule]] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    lists: dict[str, list[Rule]] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)
    """Rules that belong to no fact."""


def read(facts: Path, rules: Path) -> Law:
    """The facts of a file of lines, and the rule files of a folder."""
    law = Law()
    for line in facts.read_text("utf-8").splitlines():
        fact = json.loads(line)
        law.facts[fact["id"]] = fact
    for path in sorted(rules.glob("*/*.yaml")):
        data = parse(path.read_bytes(), path.name).data
        law.lists.setdefault(str(data.get("jurisdiction")), []).extend(data.get("lists") or ())
        for rule in data.get("rules") or ():
            law.rules[rule["id"]] = rule
            parts = rule["id"].split(".")
            owner = next((name for n in range(len(parts), 0, -1) if (name := ".".join(parts[:n])) in law.facts), None)
            if owner:
                law.owned.setdefault(owner, []).append(rule)
            else:
                law.strangers.append(rule["id"])
    return law


def differences(law: Law) -> Iterator[str]:
    """Every difference, as `<fact or rule> <what>: <how>`."""
    for name in law.strangers:
        if not name.startswith(("house.", "number.")):
            yield f"{name} fact: it extends the id of none"
    for name, rules in law.owned.items():
        fact = law.facts[name]
        for rule in rules:
            yield from _dates(law, fact, rule)
            yield from _standing(fact, rule)
        yield from _reach(fact, rules)
        yield from _values(law, fact, rules)
        yield from _words(fact, rules)
        yield from _hours(fact, rules)
        yield from _citations(law, fact, rules)


def _dates(law: Law, fact: Fact, rule: Rule) -> Iterator[str]:
    """First and last day. Those of a relief count while a rule is law that it lifts."""
    lifted = [law.rules[name] for name in rule.get("relieves") or ()]
    soonest = min((other.get("effective") or "" for other in lifted), default="")
    latest = max((other.get("ends") or "~" for other in lifted), default="~")
    if max(rule.get("effective") or "", soonest) != max(fact["effective"] or "", soonest):
        yield f"{rule['id']} effective: {rule.get('effective')}, the fact has {fact['effective']}"
    if min(rule.get("ends") or "~", latest) != min(fact["ends"] or "~", latest):
        yield f"{rule['id']} ends: {rule.get('ends')}, the fact has {fact['ends']}"


def _standing(fact: Fact, rule: Rule) -> Iterator[str]:
    """The status, and how sure: never surer than the fact, and less sure only with a word on why."""
    status = STATUS.get(fact["status"], fact["status"])
    if rule["status"] != status:
        yield f"{rule['id']} status: {rule['status']}, the fact is {fact['status']}"
    sure, known = SURE.index(rule.get("confidence") or "low"), SURE.index(fact["confidence"])
    if sure > known or (sure < known and not rule.get("note")):
        yield f"{rule['id']} confidence: {rule.get('confidence')}, the fact has {fact['confidence']}"


def _reach(fact: Fact, rules: list[Rule]) -> Iterator[str]:
    """Channels and purposes, where the fact names some, against those of all its prohibitions and obligations."""
    deciding = [rule for rule in rules if rule["kind"] in ("prohibition", "obligation")]
    for key in ("channels", "purposes"):
        wanted = fact[key]
        if not deciding or wanted is None:
            continue
        found = set().union(*(_reached(rule, key) for rule in deciding))
        signs = [f"+{word}" for word in sorted(found - set(wanted))] + [f"-{word}" for word in sorted(set(wanted) - found)]
        if signs:
            yield f"{fact['id']} {key}: {' '.join(signs)}"


def _reached(rule: Rule, key: str) -> set[str]:
    named = rule["applies"][key]
    if named == "any":
        named = (rule.get("when") or {}).get("channel" if key == "channels" else "campaign.purpose", "any")
        if str(named).startswith("$"):
            named = rule["parameters"][named[1:]][-1]["value"]
    return {named} if isinstance(named, str) else set(named)


def _values(law: Law, fact: Fact, rules: list[Rule]) -> Iterator[str]:
    """Every measure of the fact stands in a rule, and every measure of a rule in the fact: in its values, or told in its prose."""
    lists = law.lists.get(str(fact["jurisdiction"]), []) if fact["topic"] == "state_dnc" else []
    written = {measure for rule in (*rules, *lists) for _, measure, _ in _of_rule(rule)}
    written |= {("date", rule[key]) for rule in rules for key in ("effective", "ends") if rule.get(key)}
    stated = list(_measures(fact["values"]))
    for path, measure, value in stated:
        if measure not in written and path[0] not in ("hours", "list", "federal_live_hours"):
            yield f"{fact['id']} value {'.'.join(path)}: {value} stands in no rule"
    held = {measure for _, measure, _ in stated} | {("date", each) for each in (fact["effective"], fact["ends"]) if each}
    told = set(fact["told"])
    dates = {each for other in law.facts.values() for each in (other["effective"], other["ends"]) if other["jurisdiction"] == fact["jurisdiction"]}
    for rule in rules:
        for path, measure, value in _of_rule(rule):
            known = measure in held or str(value).strip("%") in told or (measure[0] == "date" and value in dates)
            if not known:
                yield f"{rule['id']} number {'.'.join(path)}: {value} does not stand in the fact"


def _words(fact: Fact, rules: list[Rule]) -> Iterator[str]:
    """What a fact says must be said, kept, held or read, word by word, against the words of its rules."""
    written = {_plain(value) for rule in rules for path, value in _leaves(rule) if path[0] not in ("title", "note", "message")}
    for path, value in _leaves(fact["values"]):
        if path[-1] in NAMED and isinstance(value, str) and _plain(value) not in written:
            yield f"{fact['id']} word {'.'.join(path)}: {value} stands in no rule"


def _plain(value: object) -> str:
    return re.sub(r"[^a-z0-9]+", "_", str(value).lower().replace("authoris", "authoriz")).strip("_")


def _of_rule(rule: Rule) -> Iterator[tuple[tuple[str, ...], Measure, object]]:
    """The measures of a rule or a list; a parameter counts with the unit of the place that takes it."""
    parameters = rule.get("parameters") or {}
    taken = {value[1:] for _, value in _leaves(rule) if isinstance(value, str) and value.startswith("$")}
    for key, value in rule.items():
        if key == "parameters":
            value = {name: inner for name, inner in value.items() if name not in taken}
        if key not in ("id", "title", "tests", "sources", "effective", "ends", "citation", "status", "code", "name"):
            yield from _measures(value, (key,), parameters)


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("citation", "tests"):
                yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    else:
        yield path, value


def _measures(
    data: object, path: tuple[str, ...] = (), parameters: Mapping[str, object] = MappingProxyType({})
) -> Iterator[tuple[tuple[str, ...], Measure, object]]:
    for here, value in _leaves(data, path):
        if isinstance(value, str) and value[:1] == "$" and value[1:] in parameters:
            yield from _measures(parameters[value[1:]], here)
        else:
            yield from ((here, measure, value) for measure in _measure(here, value))


def _measure(path: tuple[str, ...], value: object) -> Iterator[Measure]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        unit, size = _unit(path)
        yield unit, round(value * size, 6)
    elif isinstance(value, str):
        if _DATE.match(value):
            yield "date", value
        elif _WINDOW.match(value):
            yield "hours", value
        elif re.match(r"[\d.]+%$", value):
            yield "%", float(value[:-1])


def _unit(path: tuple[str, ...]) -> tuple[str, float]:
    """The unit that the last key names, else the one before it; `calls_per_day` counts calls."""
    if any("usd" in key for key in path):
        return "usd", 1
    for key in reversed(path):
        if "percent" in key:
            return "%", 1
        if "business_day" in key:
            return "business days", 1
        if "calls" in key:
            break
        for word in re.split(r"[_.-]", key):
            if word.removesuffix("s") in UNITS:
                return UNITS[word.removesuffix("s")]
        if "rate" in key.split("_"):
            return "%", 100
    return "count", 1


def _hours(fact: Fact, rules: list[Rule]) -> Iterator[str]:
    """The week of the fact's hours against the week of the latest hours of each of its rules."""
    stated = fact["values"].get("hours")
    if not isinstance(stated, dict) or not set(stated) <= set(DAYS):
        return
    wanted = {day: stated.get(day, "none") for day in DAYS}
    for rule in rules:
        hours = (rule.get("parameters") or {}).get("hours")
        if hours is None:
            continue
        if isinstance(hours, list):
            hours = hours[-1]["value"]
        found = _week(hours)
        for day in DAYS:
            if found[day] != wanted[day]:
                yield f"{rule['id']} hours {day}: {found[day]}, the fact has {wanted[day]}"


def _week(hours: Mapping[str, str]) -> dict[str, str]:
    week = dict.fromkeys(DAYS, "none")
    for key, value in hours.items():
        first, _, last = key.partition("-")
        span = DAYS if key in ("every_day", "all_days") else DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]
        week.update(dict.fromkeys(span, value))
    return week


def _citations(law: Law, fact: Fact, rules: list[Rule]) -> Iterator[str]:
    """Every section that the fact cites is cited by a rule of it, and a rule cites no chapter that no fact of its law names."""
    known = {
        chapter(section)
        for other in law.facts.values()
        if other["jurisdiction"] in (fact["jurisdiction"], "US")
        for section in (*sections(str(other["citation"])), *other["told"])
    }
    cited: set[str] = set()
    for rule in rules:
        found = set().union(*(sections(text) for text in _cited(rule)))
        cited |= found
        for section in sorted(found):
            if chapter(section) not in known:
                yield f"{rule['id']} citation: {section} is cited by no fact"
    for section in sorted(sections(str(fact["citation"])) - cited):
        yield f"{fact['id']} citation: {section} is cited by no rule"


def _cited(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "citation" and isinstance(value, str):
                yield value
            elif key != "tests":
                yield from _cited(value)
    elif isinstance(node, list):
        for value in node:
            yield from _cited(value)


def sections(citation: str) -> set[str]:
    """The numbers of a citation without paragraphs; `42-284(18)(B)` is 42-284."""
    return {found.rstrip(".:-") for found in _SECTION.findall(re.sub(r"\([\w.-]*\)", " ", citation))}


def chapter(section: str) -> str:
    """A section without its last number; `4-99-112` is of 4-99."""
    return re.split(r"[.:-]\w*$", section)[0]
