"""The typed facts that rules may read, loaded from ``vocabulary.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass

TYPES = ("choice", "flag", "text", "integer", "rate", "moment", "date", "set", "windows", "attempts")
CLASSES = ("required", "derived", "store", "list", "asserted", "house", "situational")


class VocabularyError(ValueError):
    """A vocabulary entry that has no meaning; the message names it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One typed fact.

    ``fact_class`` settles what its absence means; ``asked`` is the field of an attempt to ask for when it is missing.
    """

    name: str
    type: str
    fact_class: str
    values: tuple[str, ...] = ()
    ordered: bool = False
    asked: str = ""
    absent: object = None
    relieves_only_if_stated: bool = False
    meaning: str = ""


class Vocabulary:
    """The facts by name; a name ``dnc.list.*`` stands for a family, one fact for each last part."""

    def __init__(self, facts: Mapping[str, Fact], duties: Mapping[str, str] | None = None) -> None:
        self.facts = dict(facts)
        self.duties = dict(duties or {})
        """The words for what a caller must do, with their meanings."""
        self._families = {name[:-1]: fact for name, fact in facts.items() if name.endswith(".*")}

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str) -> Fact | None:
        """The fact of that name, or of the family that the name belongs to; None when there is none."""
        fact = self.facts.get(name)
        if fact is None and "." in name:
            family = self._families.get(name[: name.rindex(".") + 1])
            if family is not None and name[-1] != ".":
                return family
        return fact

    def asked(self, name: str) -> str:
        """The field of an attempt that supplies the fact."""
        fact = self.get(name)
        return fact.asked if fact and fact.asked else name

    def is_asserted(self, name: str) -> bool:
        """Whether only the caller can know the fact."""
        fact = self.get(name)
        return fact is not None and fact.fact_class == "asserted"

    @property
    def relieves_only_if_stated(self) -> frozenset[str]:
        """Facts whose absence neither relieves nor leaves a relief open."""
        return frozenset(name for name, fact in self.facts.items() if fact.relieves_only_if_stated)


def load(data: object) -> Vocabulary:
    """Build a vocabulary from the data of its file; raises VocabularyError naming the entry at fault."""
    entries = data.get("facts") if isinstance(data, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise VocabularyError("expected a mapping `facts`")
    duties = data.get("duties") or {}
    if not isinstance(duties, dict) or not all(isinstance(meaning, str) for meaning in duties.values()):
        raise VocabularyError("expected `duties` as a mapping of words to meanings")
    facts = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            raise VocabularyError(f"{name}: expected a mapping")
        unknown = set(entry) - {"type", "class", "values", "ordered", "asked", "absent", "relieves_only_if_stated", "meaning"}
        if unknown:
            raise VocabularyError(f"{name}: unknown key {sorted(unknown)[0]}")
        if entry.get("type") not in TYPES:
            raise VocabularyError(f"{name}: type {entry.get('type')!r}; expected one of {', '.join(TYPES)}")
        if entry.get("class") not in CLASSES:
            raise VocabularyError(f"{name}: class {entry.get('class')!r}; expected one of {', '.join(CLASSES)}")
        facts[name] = Fact(
            name,
            entry["type"],
            entry["class"],
            tuple(str(value) for value in entry.get("values") or ()),
            bool(entry.get("ordered")),
            entry.get("asked") or "",
            entry.get("absent"),
            bool(entry.get("relieves_only_if_stated")),
            entry.get("meaning") or "",
        )
    return Vocabulary(facts, duties)
