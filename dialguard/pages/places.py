"""The page of one jurisdiction: at a glance, then every rule in full, then what no rule decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby

from dialguard.packs.account import Fact
from dialguard.packs.pack import Packs
from dialguard.packs.remedies import BY, amount
from dialguard.packs.rule import ListSchedule, Rule
from dialguard.pages import rule as rules
from dialguard.pages import text
from dialguard.pages.hours import Hours
from dialguard.pages.text import NOT_ADVICE, day, in_force, law, page, plain, since, standing, to, value
from dialguard.pages.topics import NAMES, PENALTIES, SUBJECTS, ordered, subject

MANY = 100
"""Rules of which a page of its own is made for each subject; one page of them would be slow to open."""


def places(packs: Packs, hours: Hours, undecided: Mapping[Fact, str], name: str) -> dict[str, str]:
    """The page or pages of a jurisdiction, file name to text."""
    found = ordered([rule for rule in packs.rules if rule.jurisdiction == name])
    by_subject = {head: [rule for rule in found if subject(rule) == head] for head in (*SUBJECTS, PENALTIES)}
    code, title, on = name.lower(), plain(packs.names[name]), hours.on
    top = ["---", "tocdepth: 2", "---"]
    lines = [f"The law of {day(on)}. {NOT_ADVICE}", ""]
    if name != "US":
        lines += ["Federal law applies beside it: [United States](us.md).", ""]
    if name in packs.presuming:
        lines += ["A number of an area code of this state is presumed to reach somebody there, whatever else is known.", ""]
    lines += ["## At a glance", "", *hours.of(name), *_glance(packs, name, by_subject, on)]
    pages: dict[str, str] = {}
    if len(found) > MANY:
        lines += ["## Every rule in full", ""]
        part = [f"A part of [{title}]({code}.md): the law of {day(on)}. {NOT_ADVICE}", ""]
        for head, held in by_subject.items():
            if held:
                file = f"{code}-{head.split(',')[0].split(' and ')[0].lower().replace(' ', '-')}.md"
                pages[file] = "\n".join([*top, page(f"{title}: {head.lower()}", part, _by_topic(packs, held, on))])
                lines += [f"- [{head}]({file}): {len(held)} rule{'s' if len(held) > 1 else ''}"]
        lines += ["", "```{toctree}", ":hidden:", *(file.removesuffix(".md") for file in pages), "```", ""]
    else:
        for head, held in by_subject.items():
            if held:
                lines += [f"## {head}", "", *_full(packs, held, on)]
    lines += _undecided(undecided, name)
    pages[f"{code}.md"] = "\n".join([*top, page(title, lines)])
    return pages


def _glance(packs: Packs, name: str, by_subject: Mapping[str, list[Rule]], on: int) -> Iterator[str]:
    """Each subject with its rules in force, linked; exemptions are many, and stand with the rules that they lift."""
    rows, silent = [], []
    for head, held in by_subject.items():
        if head == "Exemptions":
            continue
        shown = [
            (_short(rule), law(rule), since(rule).replace(" to ", "<br>to "))
            for rule in held
            if rule.kind != "relief" and in_force(rule, on)
        ]
        if head == "Do-not-call lists":
            shown = [_list(schedule) for schedule in packs.lists.values() if schedule.jurisdiction == name] + shown
        if not shown:
            silent.append(head.lower())
        rows += [(f"**{head}**" if not number else "", *row) for number, row in enumerate(shown)]
    yield from text.table(("Subject", "Rule", "Law", "Dates"), rows, "glance")
    if silent:
        yield f"No rule of its own on: {', '.join(silent)}."
        yield ""
    lifted = [rule for rule in by_subject.get("Exemptions", ()) if in_force(rule, on)]
    if lifted:
        yield f"Exemptions in force: {len(lifted)}; each rule names those that lift it."
        yield ""


def _list(schedule: ListSchedule) -> tuple[str, str, str]:
    """A do-not-call list as a row: how old a version may be."""
    versions = ", ".join(f"{date(2000, month, number):%B} {number}" for month, number in schedule.publish_on)
    within = f"to be used within {schedule.use_within_days} days" if schedule.use_within_days else "binding at once"
    told = [f"new versions on {versions}, {within}"] if versions else []
    told += [f"a copy may be used for {schedule.max_age_days} days"] if schedule.max_age_days else []
    return f"{plain(schedule.name)}: {'; '.join(told)}", plain(schedule.citation or "no citation"), ""


def _short(rule: Rule) -> str:
    doubt = standing(rule)
    told = to(rule) + (f" ({doubt})" if doubt else "")
    if rule.remedies:
        told += "<br>" + "; ".join(f"{BY[each.by]}: {plain(amount(each.least_usd, each.most_usd))}" for each in rule.remedies)
    elif rule.kind == "notice" and rule.values:
        told += "<br>" + "; ".join(f"{plain(key.replace('_', ' '))}: {plain(value(found))}" for key, found in rule.values.items())
    return told


def _full(packs: Packs, held: list[Rule], on: int) -> Iterator[str]:
    for one in sorted(held, key=lambda rule: not in_force(rule, on)):
        yield from rules.rule(packs, one)


def _by_topic(packs: Packs, held: list[Rule], on: int) -> Iterator[str]:
    for name, found in groupby(held, key=lambda rule: rule.topic):
        yield f"## {NAMES[name][0]}"
        yield ""
        yield from _full(packs, list(found), on)


def _undecided(undecided: Mapping[Fact, str], name: str) -> Iterator[str]:
    found = [(fact, reason) for fact, reason in undecided.items() if fact.jurisdiction == name]
    if found:
        yield "## What no rule decides"
        yield ""
        yield "Facts of the law that were read and have no rule, each with the reason."
        yield ""
        yield from (f"- `{fact.id}`: {plain(reason)}" for fact, reason in found)
        yield ""
