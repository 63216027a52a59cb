"""What a rule file must hold beyond its schema and its conditions: scope, ids, messages, parameters and examples."""

import re
from collections.abc import Iterator, Mapping
from string import Formatter

from dialguard.model.records import TEXTS
from dialguard.packs import values
from dialguard.packs.build import Surroundings
from dialguard.packs.conditions import COUNT_FIELDS, wrong_member
from dialguard.packs.examples import SCOPE, reach
from dialguard.packs.reading import Entry, Shape
from dialguard.packs.rule import TOPICS
from dialguard.packs.yamlfile import Path_, Problem, shorten, suggest

FIGURES = ("local_time", "local_date", "local_day", "zone", "holiday", "count")
"""What a message may name besides the rule's parameters."""
FEWEST_TESTS = 4
ANSWERS = {
    "prohibition": ("silent", "prohibited", "unknown", "obliged"),
    "obligation": ("silent", "obliged"),
    "relief": ("silent", "relieves", "open"),
}
"""What an example of each kind of rule can expect."""

_HITS = frozenset({"prohibited", "obliged", "relieves"})
_EXAMPLE_FIELDS = ("at", *COUNT_FIELDS)
_ZONE = re.compile(r"[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_]+){1,2}$")


def check(entry: Entry, around: Surroundings) -> Iterator[Problem]:
    """Every problem of a rule that neither its schema nor its conditions show."""
    shape = around.shapes.get(entry.model.shape or "")
    if "topic" not in entry.unread and entry.model.topic not in TOPICS:
        yield entry.problem(("topic",), f"unknown topic `{entry.model.topic}`", suggest(entry.model.topic, TOPICS))
    yield from _prefix(entry)
    yield from _applies(entry, around)
    if "parameters" not in entry.unread and (entry.model.shape is None or shape is not None):
        yield from _parameters(entry, shape)
        yield from _message(entry, shape)
    yield from _examples(entry, around)


def warnings(entry: Entry, around: Surroundings) -> Iterator[Problem]:
    """What is no mistake, but not as good as it should be."""
    model = entry.model
    if model.duty is not None and not entry.operator and model.duty.code not in around.vocabulary.duties:
        hint = suggest(model.duty.code, around.vocabulary.duties)
        yield entry.problem(
            ("duty", "code"), f"`{model.duty.code}` is no word of the vocabulary of duties", f"{hint}; or give it a meaning there"
        )
    if model.kind not in ANSWERS or model.status not in ("in_force", "disputed"):
        return
    number, found = len(model.tests), {test.expect for test in model.tests}
    if number < FEWEST_TESTS:
        hint = f"a rule that decides has at least {FEWEST_TESTS}: the boundary, one unit past it, an unknown, a date outside the law"
        yield entry.problem((), f"`{model.id}` has {number} test{'s' if number != 1 else ''}", hint)
    elif not found & _HITS:
        yield entry.problem(("tests",), f"`{model.id}` has no test in which it holds", "add one")
    elif "silent" not in found and model.kind != "obligation":
        yield entry.problem(("tests",), f"`{model.id}` has no test in which it is silent", "add one")
    for name, value in model.parameters.items():
        first = value[0].get("from") if isinstance(value, list) and value and isinstance(value[0], dict) else None
        if isinstance(first, str) and (model.effective is None or first > model.effective):
            since = f"on {model.effective}" if model.effective else "without a date"
            hint = "its first value is taken for the time before; leave `from` out if that is meant"
            yield entry.problem(("parameters", name), f"`{name}` begins on {first}, and the rule {since}", hint)


def check_shape(name: str, shape: Shape) -> Iterator[Problem]:
    """What is wrong with a shape by itself: parameters that it does not use, and names that it does not have."""
    if not shape.sound:
        return
    used = set(_references(shape.model.when))
    spoken, wrong = _spoken(shape.model.message)
    for parameter, declared in shape.model.parameters.items():
        if parameter not in used and parameter not in spoken:
            yield shape.document.problem(
                (*shape.path, "parameters", parameter), f"the shape `{name}` does not use its parameter `{parameter}`", "remove it"
            )
        for key in set(declared) - {"default"}:
            hint = "a parameter of a shape has a `default`, or {} when each rule must give it"
            yield shape.document.problem((*shape.path, "parameters", parameter, key), f"unknown key `{key}`", hint)
    for problem, hint in wrong + [
        _unknown_figure(word, shape.model.parameters) for word in spoken if word not in {*shape.model.parameters, *FIGURES}
    ]:
        yield shape.document.problem((*shape.path, "message"), problem, hint)


def zone_problem(zone: str | None) -> tuple[str, str] | None:
    """What is wrong with the form of a time zone's name; whether there is such a zone only the clock knows."""
    if zone is None or _ZONE.match(zone):
        return None
    return f"unknown time zone {shorten(zone)}", "expected a name such as America/New_York"


def _prefix(entry: Entry) -> Iterator[Problem]:
    if entry.operator or entry.jurisdiction is None or "id" in entry.unread:
        return
    allowed = ("us", "number", "house") if entry.jurisdiction == "US" else (entry.jurisdiction.lower(),)
    first = entry.model.id.split(".")[0]
    if first not in allowed:
        expected = " or ".join(f"`{word}.`" for word in allowed)
        yield entry.problem(("id",), f"the id `{entry.model.id}` does not belong to {entry.jurisdiction}", f"begin it with {expected}")


def _applies(entry: Entry, around: Surroundings) -> Iterator[Problem]:
    scope = entry.model.applies
    if scope is None:
        return
    for key, fact_name in SCOPE.items():
        wanted, fact = getattr(scope, key), around.vocabulary.get(fact_name)
        if wanted == "any":
            continue
        if not wanted:
            yield entry.problem(("applies", key), f"`{key}` is empty", "name what it reaches, or `any`")
        for index, item in enumerate(wanted):
            where = ("applies", key, index)
            if item not in fact.values:
                hint = f"write {key}: any" if item == "any" else suggest(item, fact.values)
                yield entry.problem(where, f"`{item}` is not one of {key}", hint)
            elif item in wanted[:index]:
                yield entry.problem(where, f"`{item}` stands twice in {key}", "remove one")
    if isinstance(scope.channels, list) and isinstance(scope.voice, list) and scope.channels and scope.voice:
        if TEXTS.issuperset(scope.channels) and "text" not in scope.voice:
            yield entry.problem(
                ("applies", "voice"), "the rule reaches nothing: on sms, mms and fax the voice is `text`", "write voice: any, or name text"
            )
        elif scope.voice == ["text"] and TEXTS.isdisjoint(scope.channels):
            yield entry.problem(
                ("applies", "voice"), "the rule reaches nothing: only sms, mms and fax have the voice `text`", "write voice: any"
            )


def _parameters(entry: Entry, shape: Shape | None) -> Iterator[Problem]:
    model = entry.model
    used = {*_references(model.when), *_references(model.unless), *_references(model.duty.params if model.duty else None)}
    used.update(_spoken(model.message or "")[0])
    taken = shape.model.parameters if shape else {}
    for name in model.parameters:
        if name in taken or name in used:
            continue
        hint = suggest(name, taken) if taken else "remove it, or use it as $" + name
        owner = f"neither the shape `{model.shape}` nor the rule uses" if shape else "nothing uses"
        yield entry.problem(("parameters", name), f"{owner} the parameter `{name}`", hint)


def _message(entry: Entry, shape: Shape | None) -> Iterator[Problem]:
    if entry.model.message is None:
        return
    known = {*entry.model.parameters, *(shape.model.parameters if shape else ())}
    spoken, wrong = _spoken(entry.model.message)
    for problem, hint in wrong + [_unknown_figure(word, known) for word in spoken if word not in {*known, *FIGURES}]:
        yield entry.problem(("message",), problem, hint)


def _unknown_figure(word: str, parameters) -> tuple[str, str]:
    return f"the message names `{{{word}}}`, which is neither a parameter nor a figure", suggest(word, {*parameters, *FIGURES})


def _spoken(message: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The names that a message holds, and what is wrong with how it holds them."""
    names, wrong = [], []
    try:
        for _, name, form, conversion in Formatter().parse(message):
            if name is None:
                continue
            if form or conversion or not name.isidentifier():
                wrong.append((f"the message holds `{{{name[:40]}}}`", "write {parameter}, and double the braces for a brace itself"))
            else:
                names.append(name)
    except ValueError:
        wrong.append(("the message has a single brace", "write {parameter}, and double the braces for a brace itself"))
    return names, wrong


def _references(data: object) -> Iterator[str]:
    """Names of the parameters that a condition uses."""
    todo = [data]
    while todo:
        item = todo.pop()
        if isinstance(item, Mapping):
            todo += item.values()
            yield from (key.partition(".$")[2] for key in item if ".$" in key)
        elif isinstance(item, list):
            todo += item
        elif isinstance(item, str) and item.startswith("$"):
            yield item[1:]


def _examples(entry: Entry, around: Surroundings) -> Iterator[Problem]:
    model = entry.model
    first: dict[str, int] = {}
    for number, test in zip(entry.tests, model.tests, strict=True):
        path: Path_ = ("tests", number)
        here = entry.document.line((*entry.path, *path))
        if test.name in first:
            yield entry.problem((*path, "name"), f"two tests are named `{test.name}`", f"the other stands at line {first[test.name]}")
        first.setdefault(test.name, here)
        if "kind" not in entry.unread:
            answers = ANSWERS.get(model.kind, ())
            if test.expect not in answers:
                hint = f"expected one of: {', '.join(answers)}" if answers else "remove the test"
                yield entry.problem((*path, "expect"), f"a {model.kind} is never `{test.expect}`", hint)
        if test.zone is not None and (wrong := zone_problem(test.zone)):
            yield entry.problem((*path, "zone"), *wrong)
        if test.zone is None and entry.zone is None:
            yield entry.problem(path, "neither the test nor the file names a `zone`", "add zone: America/New_York or another")
        yield from (entry.problem((*path, *where), message, hint) for where, message, hint in _example(test, around))


def _example(test, around: Surroundings) -> Iterator[tuple[Path_, str, str]]:
    """What is wrong with the facts of an example: where in it, message, hint."""
    try:
        values.local_time(test.at)
    except ValueError as error:
        yield ("at",), str(error), ""
    for name, value in test.given.items():
        where, fact = ("given", name), around.vocabulary.get(name)
        if fact is None or name.endswith(".*"):
            yield where, f"unknown fact `{name}`", suggest(name, around.vocabulary.facts)
            continue
        if wrong := wrong_member(name, around.lists):
            yield where, *wrong
        if value != "unknown":
            try:
                values.example_value(name, fact, value, values.local_time)
            except ValueError as error:
                yield where, str(error), ""
    if test.exactly is not None and not reach(test):
        yield ("exactly",), "`exactly` names nothing", "for example exactly: {channels: [voice]}"
    for key, wanted in reach(test).items():
        known = around.vocabulary.facts[SCOPE[key]].values
        yield from ((("exactly", key), f"unknown word `{word}`", suggest(word, known)) for word in wanted if word not in known)
    if test.week is not None:
        try:
            values.windows(test.week)
        except ValueError as error:
            yield ("week",), str(error), ""
    for name in test.needs or ():
        if name not in around.vocabulary:
            yield ("needs",), f"unknown fact `{name}`", suggest(name, around.vocabulary.facts)
    for index, item in enumerate(test.attempts if isinstance(test.attempts, list) else ()):
        yield from ((("attempts", index, *where), message, hint) for where, message, hint in _attempt(item, around))


def _attempt(item: object, around: Surroundings) -> Iterator[tuple[Path_, str, str]]:
    entry = item if isinstance(item, dict) else {"at": item}
    if "at" not in entry:
        yield (), "an earlier attempt has `at`", "for example {at: 2026-03-03 10:00:00, channel: sms}"
    for name, value in entry.items():
        fact = around.vocabulary.get("channel" if name == "channel" else f"campaign.{name}")
        if name not in _EXAMPLE_FIELDS:
            yield (name,), f"unknown field `{name}` of an attempt", suggest(name, _EXAMPLE_FIELDS)
        elif name == "at":
            try:
                values.local_time(value)
            except ValueError as error:
                yield (name,), str(error), ""
        elif not isinstance(value, str) or (fact is not None and fact.values and value not in fact.values):
            yield (name,), f"{shorten(value)} is not a {name}", suggest(value, fact.values) if fact else "expected a word"
