"""All rule files of a folder (and an operator's folders) as one checked set: the packs."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from dialguard.model import vocabulary as vocabularies
from dialguard.model.vocabulary import Vocabulary
from dialguard.packs import calendars, values, yamlfile
from dialguard.packs.build import Surroundings, build
from dialguard.packs.calendars import Calendar
from dialguard.packs.rule import ListSchedule, Rule
from dialguard.packs.schema import TOPICS, RuleFile, ShapesFile
from dialguard.packs.yamlfile import Document, PackError, Problem, suggest

LAW_FOLDERS = ("federal", "states", "carriers")


@dataclass(frozen=True)
class Packs:
    """The law as loaded: rules in a fixed order, calendars, list schedules, and a digest over every file read."""

    rules: tuple[Rule, ...]
    calendars: Mapping[str, Calendar]
    lists: Mapping[str, ListSchedule]
    vocabulary: Vocabulary
    digest: str
    names: Mapping[str, str]
    presuming: frozenset[str] = frozenset()
    """States that presume that a number of their area codes reaches their residents."""

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        """Rules by their ids."""
        return {rule.id: rule for rule in self.rules}

    def closed(self, calendar: str, ordinal: int) -> str | None:
        """Name of the closed day that a local date is in a calendar, or None."""
        return self.calendars[calendar].closed(ordinal)

    @cached_property
    def law_changes(self) -> tuple[int, ...]:
        """Ordinals of the local dates on which some rule begins, changes or has just ended, in order."""
        days: set[int] = set()
        for rule in self.rules:
            for span in rule.spans:
                if span.first <= span.last:
                    days.update((span.first, span.last + 1))
        return tuple(sorted(days))


def shipped_rules() -> Path:
    """The folder of the rule files that came with the package: inside the wheel, or at the root of a checkout."""
    here = Path(__file__).resolve().parent.parent
    for folder in (here / "_rules", here.parent / "rules"):
        if (folder / "vocabulary.yaml").is_file():
            return folder
    raise PackError([Problem(str(here), 1, 1, "the shipped rule files are missing", "install the package again")])


def load(folders: Iterable[Path] = (), base: Path | None = None) -> Packs:
    """Read the shipped rules and the operator's ``folders``; raises PackError with every problem of every file."""
    base = base or shipped_rules()
    loader = _Loader(base, [Path(folder) for folder in folders])
    return loader.load()


class _Loader:
    def __init__(self, base: Path, folders: list[Path]) -> None:
        self.base, self.folders = base, folders
        self.problems: list[Problem] = []
        self.digest = hashlib.sha256()

    def read(self, path: Path, root: Path) -> Document | None:
        shown = str(path.relative_to(root.parent)) if path.is_relative_to(root.parent) else str(path)
        try:
            document = yamlfile.read(path, shown)
        except PackError as error:
            self.problems.extend(error.problems)
            return None
        self.digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
        return document

    def load(self) -> Packs:
        vocabulary_file = self.read(self.base / "vocabulary.yaml", self.base)
        if vocabulary_file is None:
            raise PackError(self.problems)
        try:
            vocabulary = vocabularies.load(vocabulary_file.data)
        except vocabularies.VocabularyError as error:
            raise PackError([vocabulary_file.problem((), str(error))]) from None
        shapes = self._shapes()
        held = self._calendars()
        files = self._files()
        lists = self._lists(files)
        around = Surroundings(vocabulary, shapes, frozenset(held), frozenset(lists))
        presuming = frozenset(model.jurisdiction for model, _ in files if model.presumes_residence_by_area_code)
        rules: dict[str, Rule] = {}
        names: dict[str, str] = {}
        for model, document in files:
            names.setdefault(model.jurisdiction, model.name)
            for index, entry in enumerate(model.rules):
                path = ("rules", index)
                if entry.topic not in TOPICS:
                    self.problems.append(document.problem((*path, "topic"), f"unknown topic `{entry.topic}`", suggest(entry.topic, TOPICS)))
                rule, problems = build(entry, document, path, model.jurisdiction, model.zone, around)
                self.problems.extend(problems)
                if entry.id in rules:
                    other = rules[entry.id]
                    self.problems.append(document.problem((*path, "id"), f"the id `{entry.id}` is taken", f"first in {other.file}:{other.line}"))
                elif rule is not None:
                    rules[entry.id] = rule
        linked = self._link(rules)
        if self.problems:
            raise PackError(self.problems)
        return Packs(tuple(linked[key] for key in sorted(linked)), held, lists, vocabulary, self.digest.hexdigest(), names, presuming)

    def _shapes(self):
        found = {}
        for path in self._yaml(self.base / "shapes", *(folder / "shapes" for folder in self.folders)):
            document = self.read(path, path.parent.parent)
            model = self._validate(ShapesFile, document)
            for name, shape in (model.shapes if model else {}).items():
                found[name] = (shape, document)
        return found

    def _calendars(self) -> dict[str, Calendar]:
        held: dict[str, Calendar] = {}
        for folder in (self.base / "calendars", *(folder / "calendars" for folder in self.folders)):
            if folder.is_dir():
                try:
                    held.update(calendars.load_dir(folder))
                except (PackError, calendars.CalendarError) as error:
                    self.problems.extend(getattr(error, "problems", ()))
                for path in self._yaml(folder):
                    self.digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return held

    def _files(self) -> list[tuple[RuleFile, Document]]:
        found = []
        for name in LAW_FOLDERS:
            for path in self._yaml(self.base / name):
                found.append((path, self.base))
        for folder in self.folders:
            if not folder.is_dir():
                self.problems.append(Problem(str(folder), 1, 1, "no such folder of rule files"))
                continue
            for path in sorted(folder.rglob("*.y*ml")):
                if path.parent.name not in ("shapes", "calendars"):
                    found.append((path, folder))
        files = []
        for path, root in found:
            document = self.read(path, root)
            model = self._validate(RuleFile, document)
            if model is not None:
                files.append((model, document))
        return files

    @staticmethod
    def _yaml(*folders: Path) -> list[Path]:
        return [path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.y*ml"))]

    def _validate(self, kind, document: Document | None):
        if document is None:
            return None
        try:
            return kind.model_validate(document.data)
        except ValidationError as error:
            for entry in error.errors(include_url=False, include_context=False):
                self.problems.append(_schema_problem(document, entry, kind))
            return None

    def _lists(self, files) -> dict[str, ListSchedule]:
        held: dict[str, ListSchedule] = {}
        for model, document in files:
            for index, entry in enumerate(model.lists):
                path = ("lists", index)
                if entry.code in held:
                    self.problems.append(document.problem((*path, "code"), f"the list `{entry.code}` is declared twice"))
                days: list[tuple[int, int]] = []
                for day in entry.publish_on:
                    try:
                        days.append(values.day_of_year(day))
                    except ValueError as error:
                        self.problems.append(document.problem((*path, "publish_on"), str(error)))
                if not days and entry.max_age_days is None:
                    self.problems.append(document.problem(path, f"the list `{entry.code}` never falls due", "give publish_on or max_age_days"))
                held[entry.code] = ListSchedule(
                    entry.code, entry.name, model.jurisdiction, tuple(sorted(days)), entry.use_within_days, entry.max_age_days, entry.citation
                )
        return held

    def _link(self, rules: dict[str, Rule]) -> dict[str, Rule]:
        """Reliefs name their rules; superseding rules take the place of the old ones."""
        relieved: dict[str, list[str]] = {}
        replaced: dict[str, str] = {}
        for rule in rules.values():
            if rule.supersedes is not None:
                replaced[rule.supersedes.rule] = rule.id
        for rule in rules.values():
            for target in rule.relieves:
                other = rules.get(target)
                if other is None:
                    self._complain(rule, f"`{rule.id}` relieves `{target}`, which does not exist", suggest(target, rules))
                elif other.kind not in ("prohibition", "obligation"):
                    self._complain(rule, f"`{rule.id}` relieves `{target}`, which is a {other.kind}")
                elif other.jurisdiction != rule.jurisdiction:
                    self._complain(rule, f"`{rule.id}` relieves a rule of {other.jurisdiction}", "a relief reaches only its own jurisdiction's rules")
                else:
                    relieved.setdefault(target, []).append(rule.id)
                    if target in replaced:
                        relieved.setdefault(replaced[target], []).append(rule.id)
        linked = {}
        for key, rule in rules.items():
            rule = replace(rule, relieved_by=tuple(sorted(set(relieved.get(key, ())))))
            if key in replaced and replaced[key] in rules:
                rule = _cut(rule, values.iso_date(rules[replaced[key]].supersedes.date))
            if rule.supersedes is not None:
                if rule.supersedes.rule not in rules:
                    self._complain(rule, f"`{rule.id}` supersedes `{rule.supersedes.rule}`, which does not exist", suggest(rule.supersedes.rule, rules))
                start = values.iso_date(rule.supersedes.date)
                rule = replace(rule, spans=tuple(replace(s, first=max(s.first, start)) for s in rule.spans))
            linked[key] = rule
        return linked

    def _complain(self, rule: Rule, message: str, hint: str = "") -> None:
        self.problems.append(Problem(rule.file, rule.line, 1, message, hint))


def _cut(rule: Rule, ordinal: int) -> Rule:
    """The rule with its last day before ``ordinal``."""
    spans = tuple(replace(span, last=min(span.last, ordinal - 1)) for span in rule.spans if span.first < ordinal)
    return replace(rule, spans=spans, ends=ordinal - 1)


def _schema_problem(document: Document, entry: dict, kind) -> Problem:
    location = tuple(part for part in entry["loc"] if not (isinstance(part, str) and part.startswith(("list[", "literal["))))
    message = {
        "extra_forbidden": f"unknown key `{location[-1] if location else ''}`",
        "missing": f"`{location[-1] if location else ''}` is left out",
    }.get(entry["type"], f"`{location[-1] if location else ''}`: {entry['msg']}, found {entry.get('input')!r:.60}")
    hint = ""
    if entry["type"] == "extra_forbidden":
        hint = suggest(location[-1], _keys(kind, location[:-1]))
    return document.problem(location, message, hint)


def _keys(kind, location) -> list[str]:
    """The keys that a model knows at a location, for suggestions."""
    from dialguard.packs import schema

    models = {"rules": schema.RuleModel, "lists": schema.ListModel, "tests": schema.RuleTest, "applies": schema.Applies,
              "duty": schema.Duty, "supersedes": schema.Supersedes, "shapes": schema.ShapeModel}  # fmt: skip
    for part in location:
        kind = models.get(part, kind) if isinstance(part, str) else kind
    return list(kind.model_fields)
