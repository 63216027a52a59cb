"""Rule files as read become the packs: every file checked, every problem gathered, and nothing built where there is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from dialguard.model import vocabulary as vocabularies
from dialguard.model.vocabulary import Vocabulary
from dialguard.packs import calendars, checks, linking, reading, remedies, sources, values, yamlfile
from dialguard.packs.build import Surroundings, build
from dialguard.packs.calendars import Calendar
from dialguard.packs.conditions import OPEN, Reader
from dialguard.packs.eventrule import EventRule
from dialguard.packs.events import event_file
from dialguard.packs.pack import Packs
from dialguard.packs.reading import Entry, File, Shape
from dialguard.packs.rule import ListSchedule, Rule
from dialguard.packs.sources import Source
from dialguard.packs.yamlfile import Document, PackError, Problem


def assemble(found: Sequence[Source], unreadable: Sequence[Problem] = ()) -> Packs:
    """The packs of these files; raises PackError with every problem of every file."""
    return _Assembler(found, unreadable).packs()


@dataclass(frozen=True)
class Parts:
    """What packs were made of: each rule as it was written, and what rules may refer to."""

    entries: Mapping[str, Entry]
    around: Surroundings


def with_parts(found: Sequence[Source], unreadable: Sequence[Problem] = ()) -> tuple[Packs, Parts]:
    """The packs, and what they were made of; raises PackError."""
    assembler = _Assembler(found, unreadable)
    packs = assembler.packs()
    return packs, assembler.parts


MOST_PROBLEMS = 500
"""Problems told at once; more are no longer mistakes in rules but something else."""

MOST_IN_CALENDAR = 10_000
"""Values in one calendar."""


class _Assembler:
    def __init__(self, found: Sequence[Source], unreadable: Sequence[Problem]) -> None:
        self.sources = found
        self.problems: list[Problem] = list(unreadable)
        self.warnings: list[Problem] = []
        self.missing = bool(unreadable)

    def packs(self) -> Packs:
        vocabulary = self._vocabulary()
        shapes = self._shapes()
        held, codes = self._calendars()
        files = self._files()
        lists = self._lists(files)
        around = Surroundings(vocabulary, shapes, codes, frozenset(lists))
        self._check_shapes(around)
        rules, entries = self._rules(files, around)
        events = self._events(entries)
        self.parts = Parts(entries, around)
        self.problems += islice(linking.check(entries, self.missing), MOST_PROBLEMS)
        self.problems += islice(remedies.check(entries, self.missing), MOST_PROBLEMS)
        if self.problems:
            raise PackError(self.problems)
        self.warnings += linking.warnings(entries)
        names: dict[str, str] = {}
        for file in files:
            names.setdefault(file.jurisdiction, file.name)
        whole = self._joined(rules, held, lists, vocabulary, files, names, events)
        if not any(source.operator for source in self.sources):
            return whole
        shipped = [file for file in files if not file.operator]
        own = self._joined(
            {key: rule for key, rule in rules.items() if not rule.operator},
            {code: calendar for code, (calendar, operator) in held.items() if not operator},
            {code: entry for code, entry in lists.items() if not entry[1]},
            vocabulary, shipped, {file.jurisdiction: names[file.jurisdiction] for file in shipped},
            [rule for rule in events if not rule.operator],
        )  # fmt: skip
        return whole.on(own)

    def _joined(
        self, rules, held, lists, vocabulary: Vocabulary, files: Sequence[File], names: Mapping[str, str], events: Sequence[EventRule]
    ) -> Packs:
        linked = linking.link(rules)
        return Packs(
            rules=tuple(linked[key] for key in sorted(linked)),
            calendars={code: entry[0] if isinstance(entry, tuple) else entry for code, entry in held.items()},
            lists={code: entry[0] for code, entry in lists.items()},
            vocabulary=vocabulary,
            digest=sources.digest(self.sources),
            names=dict(names),
            presuming=frozenset(file.jurisdiction for file in files if file.presumes_residence),
            warnings=tuple(sorted(set(self.warnings))),
            events=tuple(sorted(events, key=lambda rule: rule.id)),
        )

    def _document(self, source: Source) -> Document | None:
        try:
            return yamlfile.parse(source.raw, source.shown)
        except PackError as error:
            self.problems += error.problems
            self.missing = True
            return None

    def _of_kind(self, kind: str) -> list[Source]:
        return [source for source in self.sources if source.kind == kind]

    def _vocabulary(self) -> Vocabulary:
        for source in self._of_kind(sources.VOCABULARY):
            document = self._document(source)
            if document is not None:
                try:
                    return vocabularies.load(document.data)
                except vocabularies.VocabularyError as error:
                    self.problems.append(document.problem((), str(error)))
        raise PackError(self.problems)

    def _shapes(self) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {}
        for source in self._of_kind(sources.SHAPES):
            document = self._document(source)
            if document is None:
                continue
            found, problems = reading.shapes_file(document)
            self.problems += problems
            for name, shape in found.items():
                if name in shapes:
                    other = shapes[name]
                    hint = f"it stands in {other.document.file}:{other.document.line(other.path)}; give yours another name"
                    self.problems.append(document.problem(shape.path, f"the shape `{name}` is taken", hint))
                else:
                    shapes[name] = shape
        return shapes

    def _calendars(self) -> tuple[dict[str, tuple[Calendar, bool]], frozenset[str]]:
        """Calendars by code with whether they are an operator's, and all codes, those of unreadable files among them."""
        held: dict[str, tuple[Calendar, bool]] = {}
        codes: dict[str, str] = {}
        for source in self._of_kind(sources.CALENDAR):
            code = source.stem
            if code in codes:
                problem = Problem(
                    source.shown, 1, 1, f"the calendar `{code}` is taken", f"it stands in {codes[code]}; give yours another name"
                )
                self.problems.append(problem)
                continue
            codes[code] = source.shown
            document = self._document(source)
            if document is None:
                continue
            if len(document.positions) > MOST_IN_CALENDAR:
                text = f"a calendar of {len(document.positions):,} values"
                self.problems.append(document.problem((), text, f"at most {MOST_IN_CALENDAR:,}; is this a calendar?"))
                continue
            try:
                calendar = calendars.load(source.raw.decode("utf-8-sig"), source.shown)
            except PackError as error:
                self.problems += error.problems
                continue
            if calendar.code != code:
                self.problems.append(
                    Problem(source.shown, 1, 1, f"the file holds calendar `{calendar.code}`", f"name it {calendar.code}.yaml")
                )
            held[code] = (calendar, source.operator)
        return held, frozenset(codes)

    def _files(self) -> list[File]:
        files = []
        for source in self._of_kind(sources.RULES):
            document = self._document(source)
            if document is None:
                continue
            file, problems = reading.rule_file(document, source.operator)
            self.problems += problems
            if file is None:
                self.missing = True
                continue
            files.append(file)
            zone = file.document.data.get("zone")
            if isinstance(zone, str) and (wrong := checks.zone_problem(zone)):
                self.problems.append(document.problem(("zone",), *wrong))
        return files

    def _events(self, entries: Mapping[str, Entry]) -> list[EventRule]:
        found: dict[str, EventRule] = {}
        for source in self._of_kind(sources.EVENTS):
            document = self._document(source)
            rules, problems = event_file(document, source.operator) if document is not None else ([], [])
            self.problems += problems
            for rule in rules:
                if rule.id in found or rule.id in entries:
                    first = found.get(rule.id)
                    hint = f"it stands in {first.file}:{first.line}" if first else "a rule of law has it"
                    self.problems.append(Problem(rule.file, rule.line, 1, f"the id `{rule.id}` is taken", hint))
                found.setdefault(rule.id, rule)
        return list(found.values())

    def _lists(self, files: Sequence[File]) -> dict[str, tuple[ListSchedule, bool]]:
        held: dict[str, tuple[ListSchedule, bool]] = {}
        places: dict[str, str] = {}
        for file in files:
            for entry, path, unread in file.lists:
                days: list[tuple[int, int]] = []
                for index, day in enumerate(entry.publish_on):
                    try:
                        days.append(values.day_of_year(day))
                    except ValueError as error:
                        self.problems.append(file.document.problem((*path, "publish_on", index), str(error)))
                if entry.code in held and "code" not in unread:
                    hint = f"it stands in {places[entry.code]}" + ("; a list can be added, not changed" if file.operator else "")
                    self.problems.append(file.document.problem((*path, "code"), f"the list `{entry.code}` is declared twice", hint))
                    continue
                if not days and entry.max_age_days is None and unread.isdisjoint(("publish_on", "max_age_days")):
                    hint = "give publish_on or max_age_days"
                    self.problems.append(file.document.problem(path, f"the list `{entry.code}` never falls due", hint))
                if "code" in unread:
                    continue
                places[entry.code] = f"{file.document.file}:{file.document.line(path)}"
                schedule = ListSchedule(
                    entry.code,
                    entry.name,
                    file.jurisdiction or "",
                    tuple(sorted(days)),
                    entry.use_within_days,
                    entry.max_age_days,
                    entry.citation,
                )
                held[entry.code] = (schedule, file.operator)
        return held

    def _check_shapes(self, around: Surroundings) -> None:
        """Shapes by themselves, whether a rule uses them or not."""
        for name, shape in around.shapes.items():
            if shape.sound:
                self.problems += checks.check_shape(name, shape)
                parameters = dict.fromkeys(shape.model.parameters, OPEN)
                reader = Reader(shape.document, around.vocabulary, around.calendars, around.lists, parameters, self.problems)
                reader.condition(shape.model.when, (*shape.path, "when"))

    def _rules(self, files: Sequence[File], around: Surroundings) -> tuple[dict[str, Rule], dict[str, Entry]]:
        rules: dict[str, Rule] = {}
        entries: dict[str, Entry] = {}
        for file in files:
            for entry in file.rules:
                if len(self.problems) > MOST_PROBLEMS:
                    self.missing = True
                    self.problems.append(entry.problem((), f"more than {MOST_PROBLEMS} problems; from here on nothing was checked"))
                    return rules, entries
                rule, problems = build(entry, around)
                self.problems += problems
                self.problems += islice(checks.check(entry, around), MOST_PROBLEMS)
                if "id" in entry.unread:
                    continue
                self.warnings += checks.warnings(entry, around)
                first = entries.setdefault(entry.model.id, entry)
                if first is not entry:
                    place = f"{first.document.file}:{first.document.line(first.path)}"
                    self.problems.append(entry.problem(("id",), f"the id `{entry.model.id}` is taken", f"it stands in {place}"))
                elif rule is not None:
                    rules[rule.id] = rule
        return rules, entries
