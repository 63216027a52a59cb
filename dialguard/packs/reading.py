"""Rule files against their schema, entry by entry: a mistake in one rule hides nothing in the rest, not even of that rule.

What has a mistake is reported and taken out, so that whatever is left can still be checked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from dialguard.packs import schema
from dialguard.packs.schema import MOST_LISTS, MOST_RULES, MOST_TESTS, ListModel, RuleFile, RuleModel, ShapeModel, ShapesFile
from dialguard.packs.yamlfile import Document, Path_, Problem, shorten, suggest

MOST_PROBLEMS = 100
"""Problems shown of one file: beyond these it is not a rule file with mistakes but something else."""

_NESTED = {"tests": schema.RuleTest, "applies": schema.Applies, "exactly": schema.Reach, "duty": schema.Duty, "supersedes": schema.Supersedes,
           "remedies": schema.Remedy}  # fmt: skip
_EXPECTED = {
    "id": "a dotted id such as fl.calling-hours",
    "rule": "the id of a rule",
    "relieves": "the ids of rules",
    "reaches": "the ids of rules, or their beginnings",
    "jurisdiction": "US or a USPS code such as FL",
    "at": "a local time such as 2026-03-03 19:59:59",
    "effective": "a date such as 2026-10-18",
    "ends": "a date such as 2026-10-18",
    "date": "a date such as 2026-10-18",
    "publish_on": "days of the year such as 04-01",
    "zone": "a time zone such as America/New_York",
    "code": "a word of letters, digits, - and _",
}
_UNREAD = {"id": "unread.rule", "title": "-", "topic": "other", "kind": "prohibition", "citation": None, "status": "in_force"}
_UNREAD_SHAPE = {"parameters": {}, "when": {"channel": "voice"}, "message": "-"}


@dataclass(frozen=True)
class Entry:
    """One rule of a file with what surrounds it. ``unread`` are its keys that hold a mistake or are left out."""

    model: RuleModel
    data: Mapping[str, object]
    document: Document
    path: Path_
    unread: frozenset[str]
    tests: tuple[int, ...]
    """Of each readable test, its number in the file."""
    jurisdiction: str | None
    zone: str | None
    operator: bool

    def problem(self, where: Path_, message: str, hint: str = "") -> Problem:
        """A problem at a part of the rule."""
        return self.document.problem((*self.path, *where), message, hint)


@dataclass(frozen=True)
class Shape:
    """A shared condition, where it stands, and whether it is free of mistakes."""

    model: ShapeModel
    document: Document
    path: Path_
    sound: bool = True


@dataclass(frozen=True)
class File:
    """One file of rules. ``jurisdiction`` and ``name`` are None where they cannot be read."""

    document: Document
    operator: bool
    jurisdiction: str | None
    name: str | None
    presumes_residence: bool
    lists: tuple[tuple[ListModel, Path_, frozenset[str]], ...]
    """Each with its place and its keys that hold a mistake."""
    rules: tuple[Entry, ...]


def rule_file(document: Document, operator: bool) -> tuple[File | None, list[Problem]]:
    """The rules and lists of one file, and every mistake against the schema."""
    problems: list[Problem] = []
    if not isinstance(document.data, dict):
        return None, [
            document.problem((), f"expected a rule file, found {shorten(document.data)}", "it begins with jurisdiction, name and rules")
        ]
    entries = {key: items(document, key, problems) for key in ("lists", "rules")}
    head = {key: value for key, value in document.data.items() if key not in entries}
    whole, unread_head, found = salvage(RuleFile, head, document, (), {"jurisdiction": "US", "name": "-"})
    problems += found
    jurisdiction = whole.jurisdiction if whole and "jurisdiction" not in unread_head else None
    zone = whole.zone if whole else None
    lists, rules = [], []
    for path, data in entries["lists"]:
        model, unread, found = salvage(ListModel, data, document, path, {"code": "-", "name": "-"})
        problems += found
        if model is not None:
            lists.append((model, path, unread))
    for path, data in entries["rules"]:
        if len(problems) > MOST_PROBLEMS:
            break
        model, unread_keys, found, tests = _rule(data, document, path)
        problems += found
        if model is not None:
            rules.append(Entry(model, data, document, path, unread_keys, tests, jurisdiction, zone, operator))
    name = whole.name if whole and "name" not in unread_head else None
    presumes = bool(whole and whole.presumes_residence_by_area_code)
    return File(document, operator, jurisdiction, name, presumes, tuple(lists), tuple(rules)), bounded(document, problems)


def shapes_file(document: Document) -> tuple[dict[str, Shape], list[Problem]]:
    """The shapes of one file by name, and every mistake against the schema."""
    data = document.data
    if not isinstance(data, dict) or not isinstance(data.get("shapes"), dict):
        return {}, [document.problem((), "expected a mapping `shapes`", "shapes: {name: {parameters: .., when: .., message: ..}}")]
    problems = [
        document.problem((key,), f"unknown key `{key}`", suggest(key, ShapesFile.model_fields)) for key in data if key != "shapes"
    ]
    found = {}
    for name, entry in data["shapes"].items():
        path = ("shapes", name)
        model, unread, wrong = salvage(ShapeModel, entry, document, path, _UNREAD_SHAPE)
        problems += wrong
        found[name] = Shape(model or ShapeModel(**_UNREAD_SHAPE), document, path, model is not None and not wrong)
    return found, bounded(document, problems)


def items(document: Document, key: str, problems: list[Problem]) -> list[tuple[Path_, object]]:
    items = document.data.get(key)
    if items is None:
        return []
    if not isinstance(items, list):
        problems.append(document.problem((key,), f"`{key}` is a list, found {shorten(items)}", f"begin each of the {key} with `- `"))
        return []
    most = MOST_LISTS if key == "lists" else MOST_RULES
    if len(items) > most:
        problems.append(document.problem((key, most), f"the file has {len(items):,} {key}", f"at most {most:,}; split it"))
    return [((key, index), item) for index, item in enumerate(items[:most])]


def _rule(data: object, document: Document, path: Path_) -> tuple[RuleModel | None, frozenset[str], list[Problem], tuple[int, ...]]:
    """One rule without its unreadable parts and tests."""
    tests = data.get("tests") if isinstance(data, dict) else None
    short = isinstance(tests, list) and len(tests) <= MOST_TESTS
    model, unread, problems = salvage(RuleModel, {**data, "tests": []} if short else data, document, path, _UNREAD)
    good = []
    for number, test in enumerate(tests if short else ()):
        found, _, wrong = salvage(schema.RuleTest, test, document, (*path, "tests", number), None)
        problems += wrong
        if found is not None:
            good.append((number, found))
    if model is not None:
        applies = model.applies
        if "applies" in unread and isinstance(data["applies"], dict):
            any_ = dict.fromkeys(schema.Applies.model_fields, "any")
            applies = salvage(schema.Applies, data["applies"], document, path, any_)[0]
        model = model.model_copy(update={"tests": [test for _, test in good], "applies": applies})
    return model, unread, problems, tuple(number for number, _ in good)


def salvage(
    kind: type[BaseModel], data: object, document: Document, path: Path_, stand_in: Mapping[str, object] | None
) -> tuple[Any, frozenset[str], list[Problem]]:
    """The model without the keys that hold a mistake (``stand_in`` gives what cannot be left out), those keys, the mistakes."""
    try:
        return kind.model_validate(data), frozenset(), []
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=True)
    problems = list(_problems(kind, document, path, errors))
    if not isinstance(data, dict) or stand_in is None:
        return None, frozenset(), problems
    unread = frozenset(str(entry["loc"][0]) for entry in errors if entry["loc"])
    rest = {key: value for key, value in data.items() if key not in unread}
    try:
        return kind.model_validate({**{key: value for key, value in stand_in.items() if key not in rest}, **rest}), unread, problems
    except ValidationError:
        return None, unread, problems


def _problems(kind: type[BaseModel], document: Document, path: Path_, errors: list) -> Iterator[Problem]:
    places = [(_place(entry["loc"]), entry) for entry in errors[: MOST_PROBLEMS + 1]]
    told: set[tuple] = set()
    for place, entry in places:
        # A value that may be a list or a word fails as both: the mistake inside the list is the one to tell.
        if any(other != place and other[: len(place)] == place for other, _ in places) or place in told:
            continue
        told.add(place)
        message, hint = _words(kind, place, entry)
        yield document.problem((*path, *place), message, hint)


def _place(location: tuple) -> tuple:
    return tuple(part for part in location if not (isinstance(part, str) and part.startswith(("list[", "literal["))))


def _words(kind: type[BaseModel], place: tuple, entry: Mapping[str, Any]) -> tuple[str, str]:
    """Message and hint of one mistake."""
    names = [part for part in place if isinstance(part, str)]
    name, found, context = (names[-1] if names else ""), entry.get("input"), entry.get("ctx") or {}
    owner = _owner(kind, place)
    match entry["type"]:
        case "extra_forbidden":
            return f"unknown key `{name[:80]}`", suggest(name, owner.model_fields)
        case "missing":
            return f"`{name}` is left out", f"expected {_EXPECTED[name]}" if name in _EXPECTED else ""
        case "model_type" | "dict_type" | "dict_attributes_type":
            return f"expected a mapping{_of(name)}, found {shorten(found)}", ""
        case "string_too_short":
            return f"`{name}` is empty", ""
        case "bool_type":
            return f"`{name}` is true or false, found {shorten(found)}", ""
        case "literal_error":
            return f"`{name}` cannot be {shorten(found)}", suggest(found, _literals(owner, name))
        case "list_type":
            words = _literals(owner, name)
            hint = f"write {name}: [{found}] for one value" if isinstance(found, str) and len(found) < 60 else ""
            return f"`{name}` takes a list{f' or `{words[0]}`' if words else ''}, found {shorten(found)}", hint
        case "too_long":
            return f"`{name}` has {context.get('actual_length', 0):,} entries", f"at most {context.get('max_length', 0):,}"
        case "string_type":
            hint = "put it in quotes" if isinstance(found, (int, bool)) else ""
            return f"`{name}` takes text, found {shorten(found)}", hint
        case "greater_than_equal" | "less_than_equal":
            sign, limit = ("less", context.get("ge")) if "ge" in context else ("more", context.get("le"))
            return f"`{name}` cannot be {sign} than {limit}, found {shorten(found)}", ""
    expected = f"expected {_EXPECTED[name]}" if name in _EXPECTED else entry["msg"]
    return f"`{name}` cannot be {shorten(found)}", expected


def _of(name: str) -> str:
    return f" for `{name}`" if name else ""


def _owner(kind: type[BaseModel], place: tuple) -> type[BaseModel]:
    """The model in which the last name of a place stands."""
    for part in place[:-1]:
        kind = _NESTED.get(part, kind) if isinstance(part, str) else kind
    return kind


def _literals(kind: type[BaseModel], name: str) -> list[str]:
    """The words that a field may be."""
    field = kind.model_fields.get(name)
    words: list[str] = []
    todo = [field.annotation] if field else []
    while todo:
        for part in get_args(todo.pop()):
            words.append(part) if isinstance(part, str) else todo.append(part)
    return words


def bounded(document: Document, problems: list[Problem]) -> list[Problem]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    rest = document.problem((), f"more than {MOST_PROBLEMS} problems; the first {MOST_PROBLEMS} are shown", "is this a rule file?")
    return [*sorted(problems)[:MOST_PROBLEMS], rest]
