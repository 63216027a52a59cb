"""The words and phrases of opt-outs, from ``rules/optout/*.yaml`` and an operator's own files, compiled for reading.

A phrase is words one after the other: ``<name>`` is a group of the file, ``a/b`` one of these, ``(x)`` may be missing, ``_`` is
any one word, ``*`` up to five words, ``^`` and ``$`` are the ends of a clause. An operator's file adds phrases under ``optout``
and ``unclear`` and cannot take any away.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from dialguard.optout.fold import fold
from dialguard.packs import yamlfile
from dialguard.packs.sources import shipped_rules
from dialguard.packs.yamlfile import Document, PackError, Problem, shorten, suggest

SECTIONS = (
    "optout", "marketing", "category", "unclear", "suspect", "wrong_number", "start", "help", "keeps_texts", "keeps_calls", "innocent",
)  # fmt: skip
ALONE = ("keep", "help", "start", "unclear")
OPERATOR = ("language", "groups", "optout", "unclear")
ANY, GAP = "_", "*"
MAX_GAP = 5
_TABLES = ("language", "groups", "calls", "texts", *SECTIONS)
_COMMON = ("keywords", "alone", "same", "slips", "ignored", "courtesies", "everything", "ordinary", "reactions", "confirmation")
_ELEMENT = re.compile(r"\([^()\s]+\)|[^()\s]+")
_MAX_OPTIONAL = 10


class Phrase(NamedTuple):
    """What a match means: its section (``keyword`` for a reserved word), as the file writes it, its language and source of law."""

    section: str
    text: str
    language: str
    citation: str | None = None
    opens: bool = False
    closes: bool = False
    alone: bool = False


class Node:
    """One step of the phrases: where each word, or label of a group, leads, and the phrases that end here."""

    __slots__ = ("ends", "next", "reached")

    def __init__(self) -> None:
        self.next: dict[str, Node] = {}
        self.ends: list[Phrase] = []
        self.reached: dict[str, tuple[Node, ...]] = {}

    def step(self, word: str, labels: "Mapping[str, tuple[str, ...]]") -> "tuple[Node, ...]":
        """The steps that a word of the phrases leads to; worked out once."""
        found = self.reached.get(word)
        if found is None:
            following = self.next
            found = self.reached[word] = tuple(following[label] for label in labels.get(word, (word,)) if label in following)
        return found


@dataclass(slots=True)
class Lexicon:
    """All files as one.

    ``labels`` gives the steps that a word may take beside itself, ``same`` and ``pairs`` one spelling for many; ``slips`` are one
    slip away from a word of the law and count alone, ``misspelled`` anywhere.
    """

    root: Node = field(default_factory=Node)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)
    pairs: dict[tuple[str, str], str] = field(default_factory=dict)
    slips: dict[str, str] = field(default_factory=dict)
    misspelled: dict[str, str] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    courtesies: set[str] = field(default_factory=set)
    everything: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    reactions: dict[str, str] = field(default_factory=dict)
    confirmation: dict[str, dict[str, str]] = field(default_factory=dict)
    token: re.Pattern[str] = re.compile("")

    def insert(self, steps: Sequence[str], phrase: Phrase) -> None:
        """Enter one way through a phrase."""
        node = self.root
        for step in steps:
            node = node.next.setdefault(step, Node())
        node.ends.append(phrase)


class _File:
    """One file on its way into the lexicon; mistakes are gathered."""

    def __init__(self, document: Document, lexicon: Lexicon, operator: bool) -> None:
        self.document, self.lexicon, self.operator = document, lexicon, operator
        self.problems: list[Problem] = []
        self.data = document.data if isinstance(document.data, dict) else {}
        self.groups: dict[str, frozenset[str]] = {}
        self.language = "en"

    def wrong(self, path: tuple[str | int, ...], message: str, hint: str = "") -> None:
        self.problems.append(self.document.problem(path, message, hint))

    def spellings(self) -> None:
        """What phrases of every file depend on: which forms are one word, and which words are left out of every message."""
        if self.operator or not self.data:
            return
        for name in ("calls", "texts", "ignored", "courtesies", "everything"):
            getattr(self.lexicon, name).update(word for _, word in self.texts_of((name,), self.data.get(name, [])))
        for name, values in self.mapping("same"):
            for _, form in self.texts_of(("same", name), values):
                parts = form.split()
                if len(parts) == 2:
                    self.lexicon.pairs[parts[0], parts[1]] = name
                else:
                    self.lexicon.same[form] = name

    def enter(self) -> None:
        """Phrases, and everything else."""
        known = OPERATOR if self.operator else _COMMON + _TABLES
        if not self.data:
            self.wrong((), f"found {shorten(self.document.data)}, expected a mapping", "its keys are " + ", ".join(known))
        for key in self.data:
            if key not in known:
                ours = self.operator and key in _COMMON + _TABLES
                why = "an operator's file adds phrases to opt-outs and unclear ones alone; " if ours else ""
                self.wrong((key,), f"`{key}` is no key of such a file", why + suggest(key, known))
        self.language = str(self.data.get("language") or "en")
        for name, values in self.mapping("groups"):
            self.groups[name] = frozenset(self.lexicon.same.get(word, word) for _, word in self.texts_of(("groups", name), values))
        for section in SECTIONS:
            for path, text in self.texts_of((section,), self.data.get(section, [])):
                self.phrase(path, text, Phrase(section, text, self.language))
        if not self.operator:
            self.common()

    def common(self) -> None:
        """What only the shipped file of common words has."""
        for place, entry in enumerate(self.data.get("keywords", ())):
            for path, text in self.texts_of(("keywords", place, "words"), entry["words"]):
                self.phrase(path, text, Phrase("keyword", text, "en", entry["citation"], alone=True))
        for name, values in self.mapping("alone"):
            for path, text in self.texts_of(("alone", name), values):
                self.phrase(path, text, Phrase(name, text, "en", alone=True))
        for name, values in self.mapping("reactions"):
            self.lexicon.reactions.update({text: name for _, text in self.texts_of(("reactions", name), values)})
        self.lexicon.confirmation.update(dict(self.mapping("confirmation")))

    def mapping(self, key: str) -> Iterator[tuple[str, object]]:
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            self.wrong((key,), f"found {shorten(value)}, expected a mapping")
            return
        yield from value.items()

    def texts_of(self, path: tuple[str | int, ...], values: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Each entry of a list of texts, folded."""
        if not isinstance(values, list):
            self.wrong(path, f"found {shorten(values)}, expected a list")
            return
        for place, value in enumerate(values):
            if isinstance(value, str) and value.strip():
                yield (*path, place), fold(value)
            else:
                self.wrong((*path, place), f"found {shorten(value)}, expected words", 'put a word such as "yes" or "no" in quotes')

    def phrase(self, path: tuple[str | int, ...], text: str, phrase: Phrase) -> None:
        """Enter every way through a phrase."""
        parts = self.joined(_ELEMENT.findall(text))
        opens, closes = parts[:1] == ["^"], parts[-1:] == ["$"]
        parts = parts[opens : len(parts) - closes]
        if not parts or text.count("(") != sum(part[0] == "(" for part in parts) or "^" in parts or "$" in parts:
            self.wrong(path, f"{shorten(text)} is no phrase", "^ stands first and $ last; ( and ) hold one word, group or choice")
            return
        if parts[0].strip("()") in (ANY, GAP) or parts[-1] == GAP or all(part in (ANY, GAP) or part[0] == "(" for part in parts):
            self.wrong(path, f"{shorten(text)} has no word that must be there, or does not begin and end with words", "it matches too much")
            return
        if sum(part[0] == "(" for part in parts) > _MAX_OPTIONAL:
            self.wrong(path, f"{shorten(text)} has more than {_MAX_OPTIONAL} words that may be missing", "write two phrases")
            return
        if phrase.section == "innocent" and sum(part not in (ANY, GAP) and part[0] != "(" for part in parts) < 2:
            self.wrong(path, f"{shorten(text)} would keep one word from counting", "an innocent phrase needs two words that must be there")
            return
        phrase = phrase._replace(opens=opens, closes=closes)
        ways: list[tuple[str, ...]] = [()]
        for part in parts:
            step = self.step(path, part.strip("()"))
            longer = [(*way, step) for way in ways]
            ways = [*ways, *longer] if part[0] == "(" else longer
        for way in dict.fromkeys(ways):
            self.lexicon.insert(way, phrase)

    def joined(self, parts: list[str]) -> list[str]:
        """The parts with two words made one where messages are read so."""
        found: list[str] = []
        for part in parts:
            pair = self.lexicon.pairs.get((found[-1], part)) if found else None
            if pair is None:
                found.append(part)
            else:
                found[-1] = pair
        return found

    def step(self, path: tuple[str | int, ...], element: str) -> str:
        """The label of a word, or of a set of words, which each of these is given."""
        if element in (ANY, GAP):
            return element
        words: set[str] = set()
        for option in element.split("/"):
            name = option[1:-1] if option[:1] == "<" and option[-1:] == ">" else None
            if name is None:
                words.add(self.lexicon.same.get(option, option))
            elif name in self.groups:
                words |= self.groups[name]
            else:
                self.wrong(path, f"there is no group {option}", suggest(name, self.groups))
        if not all(re.fullmatch(r"[a-z0-9]+|[^\w\s*^$<>()]", word) for word in words):
            self.wrong(path, f"`{element}` is no word, group or choice of them", "a phrase has words, <group>, a/b, (x), _, *, ^ and $")
        words -= self.lexicon.ignored
        if not words:
            self.wrong(path, f"`{element}` is left out of every message before phrases are looked for", "leave it out of the phrase")
            return element
        self.lexicon.words |= words
        if len(words) == 1:
            return words.pop()
        label = "/".join(sorted(words))
        for word in words:
            held = self.lexicon.labels.get(word, (word,))
            if label not in held:
                self.lexicon.labels[word] = (*held, label)
        return label


def build(documents: Sequence[tuple[Document, bool]]) -> Lexicon:
    """One lexicon of files, each with whether it is an operator's; raises PackError with every mistake."""
    lexicon, problems = Lexicon(), list[Problem]()
    files = [_File(document, lexicon, operator) for document, operator in documents]
    for file in files:
        file.spellings()
    for file in files:
        file.enter()
        problems += file.problems
    if problems:
        raise PackError(problems)
    shipped = {key: value for document, operator in documents if not operator for key, value in document.data.items()}
    ordinary = lexicon.words | set(lexicon.same) | set(shipped["ordinary"])
    for table, words in ((lexicon.slips, shipped["keywords"][0]["words"]), (lexicon.misspelled, shipped["slips"])):
        for word in words:
            if len(word) > 3:
                table.update({slip: lexicon.same.get(word, word) for slip in _slips(word) if slip not in ordinary})
    lexicon.words |= {part for name in lexicon.same.values() for part in name.split()}
    lexicon.symbols = {word for word in lexicon.words | set(lexicon.same) if not word.isalnum()}
    lexicon.token = re.compile("|".join(("[a-z0-9]+", *map(re.escape, sorted(lexicon.symbols)))))
    return lexicon


def _slips(word: str) -> Iterator[str]:
    """Every text one slip away: a letter left out, doubled or added, another one, two that changed places."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    for place in range(len(word) + 1):
        head, tail = word[:place], word[place:]
        yield from (head + letter + tail for letter in letters)
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]


@cache
def load(own: tuple[Path, ...] = ()) -> Lexicon:
    """The shipped words with the files of an operator; raises PackError."""
    shipped = [(yamlfile.read(path, f"rules/optout/{path.name}"), False) for path in sorted((shipped_rules() / "optout").glob("*.yaml"))]
    return build([*shipped, *((yamlfile.read(path), True) for path in own)])
