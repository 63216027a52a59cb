"""Do the examples in the rule files pin the law down? Each rule is changed by one step, and some example must notice.

A *mutant* is a rule with one number, date, weekday, flag, level or word of a closed list moved by one, with a comparison turned round,
with its `unless` deleted, with an `any` and an `all` swapped, with one line of its `applies` dropped, or with its kind, status, claim
or `on_unknown` changed. It is *killed* when an example of the rule (or, for a relief, one of a
rule that it relieves) no longer answers as written, or when the changed rule cannot be read. What lives is a part of the law that
nobody has written an example for.
"""

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pydantic import ValidationError

from dialguard.model.moment import Clock
from dialguard.model.vocabulary import Fact
from dialguard.packs import values
from dialguard.packs.assemble import Parts
from dialguard.packs.build import build
from dialguard.packs.examples import SCOPE
from dialguard.packs.pack import Packs
from dialguard.packs.reading import Entry
from dialguard.packs.rule import DECIDING, Rule
from dialguard.packs.schema import RuleModel
from dialguard.packs.testing import failure
from dialguard.packs.values import DAYS
from dialguard.packs.yamlfile import Path_

_WINDOW = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)$", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d$", re.ASCII)
_RATE = re.compile(r"(\d+)(?:\.(\d{1,4}))?%$", re.ASCII)
_WHERE = {"channel": "channel", "purpose": "campaign.purpose", "voice": "campaign.voice"}
_STATUSES = ("in_force", "disputed")
_OPPOSITE = {"within": "older_than", "older_than": "within", "before": "after", "after": "before"}
_LEVELS = ("at_least", "at_most", "above", "below")
_IN_PARAMETERS = ("consent.level", "campaign.dialing", "channel", "campaign.purpose", "campaign.voice", "line_type")
"""Facts whose words a parameter may hold."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one rule: where in it, and from what to what."""

    rule: str
    file: str
    line: int
    change: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.rule}: {self.change}"


def survivors(packs: Packs, parts: Parts, clock: Clock, ids: Iterable[str]) -> tuple[int, list[Mutant]]:
    """How many mutants of these rules there are, and those that no example notices. Rules that are not in force and notices have none."""
    number, alive = 0, []
    for name in ids:
        rule, entry = packs.by_id[name], parts.entries[name]
        if rule.kind not in (*DECIDING, "relief") or rule.status not in _STATUSES:
            continue
        for path, change, data in _changes(entry, packs):
            number += 1
            if not _killed(packs, parts, clock, rule, entry, data):
                alive.append(Mutant(name, rule.file, _line(entry, path), change))
    return number, alive


def _killed(packs: Packs, parts: Parts, clock: Clock, rule: Rule, entry: Entry, data: dict[str, object]) -> bool:
    try:
        model = RuleModel.model_validate(data)
    except ValidationError:
        return True
    changed, problems = build(replace(entry, model=model, data=data), parts.around)
    if changed is None or problems:
        return True
    # The examples start where they did.
    changed = replace(changed, relieved_by=rule.relieved_by, scope=rule.scope)
    if _noticed(packs, changed, clock):
        return True
    if rule.kind != "relief":
        return False
    with_it = replace(packs, rules=tuple(changed if each.id == rule.id else each for each in packs.rules))
    return any(_noticed(with_it, packs.by_id[relieved], clock) for relieved in rule.relieves)


def _noticed(packs: Packs, rule: Rule, clock: Clock) -> bool:
    """Whether an example of the rule answers otherwise than it is written."""
    return any(failure(packs, rule, test, clock, {}) for test in rule.tests)


def _line(entry: Entry, path: Path_) -> int:
    return entry.document.line((*entry.path, *path))


def _changes(entry: Entry, packs: Packs) -> Iterator[tuple[Path_, str, dict[str, object]]]:
    """Every change: where, in words, and the rule's data with it."""
    data = entry.data
    for path, before, after in _steps(data, packs):
        changed = copy.deepcopy(dict(data))
        _put(changed, path, after)
        yield path, f"{'.'.join(map(str, path))}: {_short(before)} becomes {_short(after)}", changed
    for path, key, swapped in _swaps(data):
        changed = copy.deepcopy(dict(data))
        holder = _at(changed, path)
        items = list(holder.items())
        holder.clear()
        holder.update({swapped if name == key else name: value for name, value in items})
        yield (*path, key), f"{'.'.join(map(str, (*path, key)))} becomes {swapped}", changed
    if "unless" in data:
        changed = copy.deepcopy(dict(data))
        del changed["unless"]
        yield ("unless",), "unless is deleted", changed
    for key, wanted in (data.get("applies") or {}).items():
        if wanted != "any":
            changed = copy.deepcopy(dict(data))
            changed["applies"][key] = "any"
            yield ("applies", key), f"applies.{key}: {_short(wanted)} is dropped", changed
    for key in ("claim", "on_unknown"):
        if data.get(key):
            yield (key,), f"{key} is deleted", {name: value for name, value in data.items() if name != key}
    for key, others in (
        ("kind", {"prohibition": "obligation", "obligation": "prohibition"}),
        ("status", dict.fromkeys(_STATUSES, "vacated")),
    ):
        if data[key] in others:
            yield (key,), f"{key}: {data[key]} becomes {others[data[key]]}", {**data, key: others[data[key]]}


def _steps(data: dict[str, object], packs: Packs) -> Iterator[tuple[Path_, object, object]]:
    """Every number, date, hour, weekday, channel and purpose, with what it is moved to."""
    for key in ("effective", "ends"):
        if key in data:
            yield from (((key,), data[key], moved) for moved in _moves(data[key]))
    for key in ("parameters", "when", "unless"):
        if key in data:
            yield from _within(data[key], (key,), packs)
    duty = data.get("duty")
    if isinstance(duty, dict) and "params" in duty:
        yield from _within(duty["params"], ("duty", "params"), packs)
    for key, wanted in (data.get("applies") or {}).items():
        if wanted != "any":
            yield from _words(wanted, ("applies", key), packs.vocabulary.facts[SCOPE[key]])


def _within(node: object, path: Path_, packs: Packs) -> Iterator[tuple[Path_, object, object]]:
    if isinstance(node, dict):
        for key, value in node.items():
            here = (*path, key)
            if key == "citation":
                continue
            fact = packs.vocabulary.get(_WHERE.get(key, "") if path[-1] == "where" else key)
            if fact is not None and path[0] != "duty":
                yield from _of_fact(value, here, fact, packs)
            elif path[0] == "parameters" and (len(path) == 1 or key == "value") and (fact := _of_parameter(value, packs)):
                yield from _of_fact(value, here, fact, packs)
            else:
                yield from _within(value, here, packs)
        for moved in _weekdays(node):
            yield path, node, moved
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _within(value, (*path, index), packs)
    else:
        yield from ((path, node, moved) for moved in _moves(node))


def _of_fact(value: object, path: Path_, fact: Fact, packs: Packs) -> Iterator[tuple[Path_, object, object]]:
    """What is asked of a fact: the other flag, another word, the next level, the comparison turned round."""
    if isinstance(value, bool):
        yield path, value, not value
    elif not isinstance(value, dict):
        yield from _words(value, path, fact) if fact.values or isinstance(value, list) else _within(value, path, packs)
    else:
        for operator, held in value.items():
            here = (*path, operator)
            if operator in _OPPOSITE:
                yield path, value, {(_OPPOSITE[name] if name == operator else name): other for name, other in value.items()}
            if operator == "known":
                yield here, held, not held
            elif fact.ordered and operator in _LEVELS and held in fact.values:
                yield from ((here, held, level) for level in _beside(held, fact.values))
            elif operator in ("has", "has_any") and fact.values:
                yield from _words(held, here, fact)
            else:
                yield from _within(held, here, packs)


def _beside(word: str, words: tuple[str, ...]) -> list[str]:
    """The levels one step up and one step down."""
    at = words.index(word)
    return [words[index] for index in (at - 1, at + 1) if 0 <= index < len(words)]


def _of_parameter(value: object, packs: Packs) -> Fact | None:
    """The fact whose words a parameter, or one dated value of it, holds."""
    words = value if isinstance(value, list) else [value]
    return next(
        (packs.vocabulary.facts[name] for name in _IN_PARAMETERS if all(word in packs.vocabulary.facts[name].values for word in words)),
        None,
    )


def _moves(value: object) -> Iterator[object]:
    """A number, an hour, a date or a share, one step up and one step down."""
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        yield value + 1
        if value > 0:
            yield value - 1
    elif isinstance(value, str):
        if match := _WINDOW.match(value):
            first, last = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
            for start, end in ((first - 1, last), (first + 1, last), (first, last - 1), (first, last + 1)):
                if 0 <= start < end <= 1440:
                    yield f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
        elif _DATE.match(value):
            for step in (1, -1):
                yield (date.fromisoformat(value) + timedelta(days=step)).isoformat()
        elif match := _RATE.match(value):
            parts = values.rate(value)
            for step in (1, -1):
                yield f"{(parts + step) // 10_000}.{(parts + step) % 10_000:04}%"


def _weekdays(node: dict[str, object]) -> Iterator[dict[str, object]]:
    """Hours by weekday with one day taken out of a span of days, or moved to the next."""
    if not node or not all(_is_days(key) for key in node):
        return
    week = {}
    for key, value in node.items():
        for day in values._days(key):
            week[DAYS[day]] = value
    for day in DAYS:
        # The day gets its neighbour's hours where these are other ones, else it is closed, or opened where it was closed.
        mine = week.get(day, "none")
        others = [value for value in (week.get(other, "none") for other in DAYS) if value != mine]
        yield {**week, day: others[0] if others else ("none" if mine != "none" else "all_day")}


def _is_days(key: object) -> bool:
    try:
        values._days(key)
    except ValueError:
        return False
    return True


def _words(value: object, path: Path_, fact: Fact) -> Iterator[tuple[Path_, object, object]]:
    """A word taken out, or another in its place; a level becomes the one beside it."""
    if isinstance(value, list):
        for index, word in enumerate(value):
            rest = [*value[:index], *value[index + 1 :]]
            if rest:
                yield path, value, rest
            free = [other for other in fact.values if other not in value]
            if free:
                yield path, value, [*value[:index], free[0], *value[index + 1 :]]
    elif isinstance(value, str) and value in fact.values:
        others = _beside(value, fact.values) if fact.ordered else [next(other for other in fact.values if other != value)]
        yield from ((path, value, other) for other in others)


def _swaps(data: dict[str, object]) -> Iterator[tuple[Path_, str, str]]:
    """Every `any` and `all` of two parts or more."""
    for key in ("when", "unless"):
        if key in data:
            yield from _swaps_within(data[key], (key,))


def _swaps_within(node: object, path: Path_) -> Iterator[tuple[Path_, str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            other = {"any": "all", "all": "any"}.get(key)
            if other and other not in node and isinstance(value, list) and len(value) > 1:
                yield path, key, other
            yield from _swaps_within(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _swaps_within(value, (*path, index))


def _at(data: object, path: Path_) -> dict:
    for key in path:
        data = data[key]
    return data


def _put(data: object, path: Path_, value: object) -> None:
    _at(data, path[:-1])[path[-1]] = value


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) < 70 else f"{text[:67]}..."
