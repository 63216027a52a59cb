"""Text of the packs as Markdown: nothing in it is markup, and every rule has one place that others link to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape

from dialguard.engine.words import parameter_in_words
from dialguard.packs.pack import Packs
from dialguard.packs.rule import Rule, Span

_MARKUP = re.compile(r"([\\*_{}\[\]<>#|~&$])")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
NOT_ADVICE = "**This is not legal advice.** The rules are a reading of public law; check a rule against its source before you rely on it."


def plain(text: str) -> str:
    """Text on one line, with what Markdown would read as markup escaped; code between backticks stays code."""
    pieces = " ".join(text.split()).split("`")
    if len(pieces) % 2 == 0:
        return _MARKUP.sub(r"\\\1", "'".join(pieces))
    return "`".join(piece if index % 2 else _MARKUP.sub(r"\\\1", piece) for index, piece in enumerate(pieces))


def day(ordinal: int) -> str:
    """An ordinal as ``2026-10-18``."""
    return date.fromordinal(ordinal).isoformat()


def to(rule: Rule, words: str = "") -> str:
    """A link to the rule's own place, by its title unless other words are given."""
    return f"[{plain(words or rule.title)}](#{rule.id})"


def by_name(packs: Packs) -> list[str]:
    """Jurisdictions by their names, federal law first."""
    return sorted(packs.names, key=lambda name: (name != "US", packs.names[name]))


def place(packs: Packs, jurisdiction: str) -> str:
    """A link to a jurisdiction's page."""
    return f"[{plain(packs.names.get(jurisdiction, jurisdiction))}]({jurisdiction.lower()}.md)"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], name: str = "") -> list[str]:
    """A table as lines; ``name`` is its class, by which the style sheet knows it."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return [f":::{{container}} {name}", *lines, ":::", ""] if name else [*lines, ""]


def page(title: str, *parts: Iterable[str]) -> str:
    """A whole page."""
    return "\n".join([f"# {title}", "", *(line for part in parts for line in part)]).rstrip() + "\n"


def in_force(rule: Rule, on: int) -> bool:
    """Whether the rule is law on that date (ordinal); a notice has no condition, and goes by its own dates."""
    if rule.kind != "notice":
        return rule.span(on) is not None
    begun = (rule.effective or 0) <= on <= (rule.ends or on)
    return begun and rule.status in ("in_force", "disputed")


def since(rule: Rule) -> str:
    """The dates of a rule, for a reader."""
    if rule.status == "vacated":
        return "never applied"
    begins = (
        f"from {day(rule.effective)}" if rule.effective else "not yet dated" if rule.status in ("pending", "stayed") else "no date given"
    )
    return begins + (f" to {day(rule.ends)}" if rule.ends else "")


def standing(rule: Rule) -> str:
    """What a reader should know before relying on the rule; nothing where it is plainly in force and surely read."""
    doubts = [] if rule.status == "in_force" else [rule.status]
    if rule.confidence in ("low", "medium"):
        doubts.append(f"{rule.confidence} confidence")
    return ", ".join(doubts)


def law(rule: Rule) -> str:
    """The citation; a rule that is no law says so."""
    return plain(rule.citation) if rule.citation else "no law: a rule of the house"


def says(rule: Rule, span: Span | None) -> str:
    """The rule's message with the parameters of that span; figures of a single attempt are left out."""

    def figure(found: re.Match[str]) -> str:
        name = found[1]
        if span is not None and name in span.parameters:
            return parameter_in_words(span.parameters[name])
        return "…"

    return plain(_PLACEHOLDER.sub(figure, rule.message))


def value(found: object) -> str:
    """A value of a rule file in words, not yet escaped."""
    match found:
        case None:
            return "not stated"
        case bool():
            return "yes" if found else "no"
        case Mapping():
            return ", ".join(f"{name}: {value(item)}" for name, item in found.items())
        case list() | tuple() | frozenset():
            return ", ".join(map(value, found))
    return str(found)


def html(text: str) -> str:
    """Text inside HTML, on one line."""
    return escape(" ".join(text.split()), quote=False)
