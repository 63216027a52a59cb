"""Files of event rules (``events/*.yaml``): their shape, and from it the rules, every mistake with its place."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from dialguard.model.moment import DAY, HOUR, MINUTE
from dialguard.model.records import CHANNELS
from dialguard.packs import values
from dialguard.packs.eventrule import NEEDS, OF_NUMBER, TOLD, VERBS, Count, Effect, EventExample, EventRule, Share
from dialguard.packs.reading import bounded, items, salvage
from dialguard.packs.rule import TOPICS
from dialguard.packs.schema import Jurisdiction, Mapping_, Model, Names, RuleId, Text
from dialguard.packs.yamlfile import Document, Path_, Problem, shorten, suggest

_UNITS = {"days": DAY, "hours": HOUR, "minutes": MINUTE}
_LONGEST = 366 * DAY
_EXAMPLE_FIELDS = ("event", "at", "seller", "campaign", "to", "times", *TOLD)
Period = dict[str, int]


class OnModel(Model):
    event: str | Names
    where: Mapping_ = Field(default_factory=dict)


class CountModel(Model):
    per: Literal["campaign", "number", "seller"]
    last: Period
    at_least: int = Field(ge=2, le=100_000)


class ShareModel(Model):
    of: str
    among: Names
    each: Period
    above: str
    from_: int = Field(alias="from", ge=1, le=1_000_000)


class EventTest(Model):
    name: Text
    events: Annotated[list[dict[str, object]], Field(min_length=1, max_length=1_000)]
    expect: Names


class EventModel(Model):
    id: RuleId
    kind: Literal["event"]
    title: Text
    topic: Text
    citation: str | None
    sources: Names = Field(default_factory=list)
    status: Literal["in_force"]
    on: dict[str, object]
    count: dict[str, object] | None = None
    share: dict[str, object] | None = None
    do: Annotated[list[dict[str, object]], Field(min_length=1, max_length=10)]
    message: Text
    note: str | None = None
    tests: Annotated[list[dict[str, object]], Field(min_length=1, max_length=1_000)]


class EventFile(Model):
    """One file of event rules."""

    jurisdiction: Jurisdiction
    name: Text


def event_file(document: Document, operator: bool) -> tuple[list[EventRule], list[Problem]]:
    """The rules of one file that are free of mistakes, and every mistake of the file."""
    if not isinstance(document.data, dict):
        return [], [
            document.problem(
                (), f"expected a file of event rules, found {shorten(document.data)}", "it begins with jurisdiction, name and rules"
            )
        ]
    problems: list[Problem] = []
    rules = items(document, "rules", problems)
    head = {key: value for key, value in document.data.items() if key != "rules"}
    whole, _, found = salvage(EventFile, head, document, (), {"jurisdiction": "US", "name": "-"})
    problems += found
    jurisdiction = whole.jurisdiction if whole else "US"
    built = [_Reader(document, path, problems).rule(data, jurisdiction, operator) for path, data in rules]
    return [rule for rule in built if rule is not None], bounded(document, problems)


def _lacking(field: str, kinds: Iterable[str]) -> bool:
    """Whether events of some of the kinds need not say a field."""
    return any(field not in NEEDS[kind] for kind in kinds if kind in NEEDS)


class _Reader:
    """Reads one rule; every mistake goes to ``problems``."""

    def __init__(self, document: Document, path: Path_, problems: list[Problem]) -> None:
        self.document, self.path, self.problems = document, path, problems

    def wrong(self, where: Path_, message: str, hint: str = "") -> None:
        self.problems.append(self.document.problem((*self.path, *where), message, hint))

    def part(self, kind: type[Model], data: object, where: Path_):
        found, _, problems = salvage(kind, data, self.document, (*self.path, *where), None)
        self.problems += problems
        return found

    def rule(self, data: object, jurisdiction: str, operator: bool) -> EventRule | None:
        before = len(self.problems)
        model: EventModel | None = self.part(EventModel, data, ())
        if model is None:
            return None
        if model.topic not in TOPICS:
            self.wrong(("topic",), f"unknown topic `{model.topic}`", suggest(model.topic, TOPICS))
        if model.id.partition(".")[0] not in ("us", "house", jurisdiction.lower()):
            self.wrong(("id",), f"`{model.id}` does not begin with `house.`, `us.` or its state's code")
        on = self.part(OnModel, model.on, ("on",))
        kinds = (on.event,) if on and isinstance(on.event, str) else tuple(on.event) if on else ()
        self.words(kinds, NEEDS, ("on", "event"), "event")
        where = tuple(self.where(on.where)) if on else ()
        count = self.count(model.count) if model.count is not None else None
        share = self.share(model.share, kinds) if model.share is not None else None
        if count and share:
            self.wrong(("share",), "a rule has `count` or `share`, not both", "write two rules")
        if count and count.per == "number" and _lacking("to", kinds):
            self.wrong(("count", "per"), "the events of this rule need not say a number", "count per campaign or seller")
        effects = tuple(effect for index, each in enumerate(model.do) if (effect := self.effect(each, kinds, ("do", index))) is not None)
        tests = tuple(test for index, each in enumerate(model.tests) if (test := self.example(each, ("tests", index))) is not None)
        if len(self.problems) > before:
            return None
        return EventRule(
            model.id, model.title, model.topic, jurisdiction, model.citation, kinds, where, count, share, effects, model.message,
            self.document.file, self.document.line(self.path), tuple(model.sources), model.note, operator, tests,
        )  # fmt: skip

    def words(self, found: tuple[str, ...], known, where: Path_, what: str) -> None:
        for word in found:
            if word not in known:
                self.wrong(where, f"unknown {what} `{str(word)[:60]}`", suggest(word, known))
        if not found:
            self.wrong(where, f"no {what} is named", suggest("", known))

    def where(self, asked: dict[str, object]) -> Iterator[tuple[str, tuple[str, ...]]]:
        for name, value in asked.items():
            place = ("on", "where", name)
            if name not in TOLD:
                self.wrong(place, f"unknown field `{name}` of an event", suggest(name, TOLD))
                continue
            several = value if isinstance(value, list) else [value]
            if not several or not all(isinstance(each, str | int) and not isinstance(each, bool) for each in several):
                self.wrong(place, f"`{name}` takes a word or a list of words, found {shorten(value)}")
                continue
            chosen = tuple(str(each) for each in several)
            if name == "channel":
                self.words(chosen, CHANNELS, place, "channel")
            yield name, chosen

    def period(self, found: Period, where: Path_) -> int:
        if (
            len(found) != 1
            or next(iter(found)) not in _UNITS
            or not 0 < (length := sum(n * _UNITS[unit] for unit, n in found.items())) <= _LONGEST
        ):
            self.wrong(where, "expected one of days, hours, minutes with a number, at most 366 days", "such as {days: 30}")
            return DAY
        return length

    def count(self, data: object) -> Count | None:
        model = self.part(CountModel, data, ("count",))
        return Count(model.per, self.period(model.last, ("count", "last")), model.at_least) if model else None

    def share(self, data: object, kinds: tuple[str, ...]) -> Share | None:
        model = self.part(ShareModel, data, ("share",))
        if model is None:
            return None
        self.words((model.of, *model.among), NEEDS, ("share",), "event")
        if model.of not in model.among:
            self.wrong(("share", "among"), f"`{model.of}` is not among them", "a share is one of the kinds among all of them")
        if not set(kinds) <= set(model.among):
            self.wrong(("on", "event"), "the rule hears events that its share does not count", "name kinds that stand in `among`")
        if _lacking("campaign", model.among):
            self.wrong(("share", "among"), "a share is of a campaign, and these events need not name one", "answered and abandoned do")
        try:
            above = values.rate(model.above)
        except ValueError as error:
            self.wrong(("share", "above"), str(error))
            above = 0
        return Share(model.of, tuple(model.among), self.period(model.each, ("share", "each")), above, model.from_)

    def effect(self, data: dict[str, object], kinds: tuple[str, ...], where: Path_) -> Effect | None:
        if len(data) != 1:
            self.wrong(where, f"expected one thing to do, found {len(data)}", "begin each with `- `")
            return None
        (verb, said), = data.items()
        if verb not in VERBS:
            self.wrong((*where, verb), f"a rule cannot `{verb[:60]}`", suggest(verb, VERBS))
            return None
        if verb in OF_NUMBER and _lacking("to", kinds):
            self.wrong((*where, verb), f"`{verb}` needs a number, which these events need not say")
        words = VERBS[verb]
        said = said or {}
        if not isinstance(said, dict) or set(said) - set(words):
            self.wrong((*where, verb), f"`{verb}` takes {', '.join(words) or 'nothing'}, found {shorten(said)}")
            return None
        for name, allowed in words.items():
            how = said.get(name, allowed[0])
            if how not in allowed:
                self.wrong((*where, verb, name), f"`{name}` cannot be {shorten(how)}", suggest(how, allowed))
                return None
            return Effect(verb, str(how))
        return Effect(verb)

    def example(self, data: object, where: Path_) -> EventExample | None:
        model: EventTest | None = self.part(EventTest, data, where)
        if model is None:
            return None
        for index, event in enumerate(model.events):
            for name in event:
                if name not in _EXAMPLE_FIELDS:
                    self.wrong((*where, "events", index, name), f"unknown field `{name}` of an event", suggest(name, _EXAMPLE_FIELDS))
            self.words((str(event.get("event")),), NEEDS, (*where, "events", index), "event")
        return EventExample(model.name, tuple(model.events), tuple(model.expect), self.document.line((*self.path, *where)))
