"""All pages of the law, worked out from the packs and a date alone: the same packs and date give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dialguard.packs.account import Fact
from dialguard.packs.pack import Packs
from dialguard.packs.rule import TOPICS
from dialguard.pages import rule as rules
from dialguard.pages.answers import answers
from dialguard.pages.calendar import calendar
from dialguard.pages.hours import Hours
from dialguard.pages.places import places
from dialguard.pages.text import NOT_ADVICE, by_name, day, page, plain
from dialguard.pages.topics import NAMES, file, topic


def pages(packs: Packs, undecided: Mapping[Fact, str], on: int) -> dict[str, str]:
    """File name to Markdown (MyST). ``undecided`` are the facts without a rule and why; ``on`` is an ordinal.

    Raises ValueError for a date outside the calendars' years.
    """
    hours = Hours(packs, on)
    found = {
        "index.md": _index(packs, on),
        "hours.md": hours.page(),
        "calendar.md": calendar(packs, hours, on),
        "answers.md": answers(packs),
    }
    for name in packs.names:
        found |= places(packs, hours, undecided, name)
    found |= {file(name): topic(packs, name, on) for name in TOPICS}
    if packs.events:
        found["events.md"] = page("Rules of events", _events(packs))
    return found


def _index(packs: Packs, on: int) -> str:
    federal, *states = by_name(packs)
    lines = [
        f"What the rules say, as of {day(on)}: {len(packs.rules):,} rules, worked into these pages from the rule files themselves "
        f"(digest `{packs.digest[:16]}`).", "", NOT_ADVICE, "",
        "- [Hours and closed days of all states](hours.md)", "- [What changes in the next twelve months](calendar.md)",
        "- [What a decision says](answers.md): kinds of reasons, duties", *(["- [Rules of events](events.md)"] if packs.events else []), "",
        "## Where", "", f"[{plain(packs.names[federal])}](us.md) applies everywhere. Beside it:", "",
        ":::{container} columns", *(f"- [{plain(packs.names[name])}]({name.lower()}.md)" for name in states), ":::", "",
        "## What", "", ":::{container} columns", *(f"- [{NAMES[name][0]}]({file(name)})" for name in TOPICS), ":::", "",
        "## How to read a rule", "", *_READING, *_tree("Tables", ["hours.md", "calendar.md", "answers.md", *(["events.md"] if packs.events else [])]),
        *_tree("Jurisdictions", [f"{name.lower()}.md" for name in (federal, *states)]),
        *_tree("Topics", [file(name) for name in TOPICS]),
    ]  # fmt: skip
    return page("The law", lines)


_READING = (
    "*Channels* are `voice`, `sms`, `mms` (picture messages), `rvm` (voicemail left without a ring) and `fax`; a *contact* is an attempt on any "
    "of them.",
    "",
    "A *prohibition* denies, an *obligation* says what the caller must do, a *relief* lifts the rules that it names, and a *notice* decides "
    "nothing: it tells of penalties and terms. What is not known counts against the contact: an unknown prohibition denies, an unknown "
    "relief lifts nothing.",
    "",
    "*Confidence* says how surely the law was read: *high* from the text itself, *low* from others' accounts. A *disputed* rule is one of "
    "which courts or regulators differ; it is on unless an operator switches it off with a reason, and decisions show it.",
    "",
    "The *examples* are the rule's own tests, run with every change. Each starts from a person of whom nothing stands against a contact, and "
    "gives what differs. Their answers: `prohibited`, `obliged`, `relieves`; `silent` (the rule does not speak); `unknown` and `open` (it "
    "cannot be settled, and counts as above).",
    "",
)


def _tree(caption: str, files: list[str]) -> Iterator[str]:
    yield from ("```{toctree}", ":hidden:", f":caption: {caption}", *(file.removesuffix(".md") for file in files), "```", "")


def _events(packs: Packs) -> Iterator[str]:
    yield "What happens when something is told of a call or a text afterwards. These rules only tighten."
    yield ""
    yield "## Every rule"
    yield ""
    for one in packs.events:
        yield from rules.event(one)
