"""From the data of a rule file to typed nodes; every mistake is reported with its place and a suggestion."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dialguard.expr.nodes import (
    TRUE,
    ClosedDay,
    Count,
    LocalTime,
    Node,
    Test,
    conjunction,
    disjunction,
    negation,
)
from dialguard.model.vocabulary import Fact, Vocabulary
from dialguard.packs import values
from dialguard.packs.yamlfile import Document, Path_, Problem, shorten, suggest

WORDS = ("any", "all", "not", "local_time", "closed_day", "count")
"""The keys of a condition that are not facts."""
OPEN = object()
"""The value of a shape's parameter while the shape is read by itself: what turns on it cannot be checked yet."""
_STATE = re.compile(r"[A-Z]{2}$")
_COMPARISONS = ("at_least", "at_most", "above", "below")
MOST_PROBLEMS = 100
"""Mistakes told of one condition; after these nothing more is read."""
COUNT_FIELDS = ("channel", "purpose", "subject", "voice", "outcome", "debt", "to", "from")


class _Mistake(Exception):
    def __init__(self, path: Path_, message: str, hint: str = "") -> None:
        self.path, self.message, self.hint = path, message, hint


class _Undecided(Exception):
    """A part of a shape that turns on a parameter without a value."""


@dataclass
class Reader:
    """Reads the conditions of one rule (or shape) at one set of parameter values.

    ``origins`` says where in the document a parameter's value stands, ``fixed`` is one place for everything else (the
    condition of a shape stands in another file than the rule that uses it).
    """

    document: Document
    vocabulary: Vocabulary
    calendars: frozenset[str]
    lists: frozenset[str]
    parameters: Mapping[str, object] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    origins: Mapping[str, Path_] = field(default_factory=dict)
    fixed: Path_ | None = None

    def condition(self, data: object, path: Path_) -> Node:
        """The node for ``data``; on a mistake the problem is kept and TRUE returned."""
        if isinstance(data, dict) and data:
            return conjunction(*(self.condition_entry(key, value, (*path, key)) for key, value in data.items()))
        self._note(_Mistake(path, f"expected conditions as a mapping, found {shorten(data)}", "for example {contact.kind: consumer}"))
        return TRUE

    def _note(self, mistake: _Mistake) -> None:
        given = any(mistake.path[: len(origin)] == origin for origin in self.origins.values())
        path = mistake.path if self.fixed is None or given else self.fixed
        self.problems.append(self.document.problem(path, mistake.message, mistake.hint))

    def condition_entry(self, key: str, value: object, path: Path_) -> Node:
        """The node for one key of a mapping of conditions; TRUE where it holds a mistake."""
        if len(self.problems) >= MOST_PROBLEMS:
            return TRUE
        try:
            return self._entry(key, value, path)
        except _Mistake as mistake:
            self._note(mistake)
        except ValueError as error:
            self._note(_Mistake(path, f"`{key}`: {error}"))
        except _Undecided:
            pass
        return TRUE

    def _entry(self, key: str, value: object, path: Path_) -> Node:
        match key:
            case "any" | "all":
                if not isinstance(value, list) or not value:
                    raise _Mistake(path, f"`{key}` takes a list of conditions, found {shorten(value)}")
                join: Callable[..., Node] = disjunction if key == "any" else conjunction
                return join(*(self.condition(item, (*path, index)) for index, item in enumerate(value)))
            case "not":
                return negation(self.condition(value, path))
            case "local_time":
                return self._local_time(value, path)
            case "closed_day":
                calendar, path = self._resolved(value, path)
                if not isinstance(calendar, str) or calendar not in self.calendars:
                    raise _Mistake(path, f"unknown calendar {shorten(calendar)}", suggest(calendar, self.calendars))
                return ClosedDay(calendar)
            case "count":
                return self._count(value, path)
        return self._fact(*self._name(key, path), value, path)

    def _name(self, key: str, path: Path_) -> tuple[str, Path_]:
        """The name of a fact, whose last part a parameter may give, and where that name stands."""
        head, mark, tail = key.partition(".$")
        if not mark:
            return key, path
        last, origin = self._resolved(f"${tail}", path)
        return f"{head}.{last}", origin

    def _resolved(self, value: object, path: Path_) -> tuple[object, Path_]:
        """A value and where it stands; for ``$name`` those of the parameter."""
        if not isinstance(value, str) or not value.startswith("$"):
            return value, path
        name = value[1:]
        if name not in self.parameters:
            raise _Mistake(path, f"unknown parameter `{value}`", suggest(name, self.parameters))
        if self.parameters[name] is OPEN:
            raise _Undecided
        return self.parameters[name], self.origins.get(name, path)

    def _read(self, notation: Callable[[object], object], value: object, path: Path_) -> object:
        """A value in one of the small notations; a mistake in it is reported where it stands."""
        value, path = self._resolved(value, path)
        try:
            return notation(value)
        except ValueError as error:
            raise _Mistake(path, str(error)) from None

    def _local_time(self, value: object, path: Path_) -> Node:
        if not isinstance(value, dict) or set(value) - {"within", "outside", "clock"} or len(set(value) & {"within", "outside"}) != 1:
            raise _Mistake(path, "`local_time` takes `within` or `outside`, and `clock`", "for example {outside: {every_day: 08:00-21:00}}")
        which = "within" if "within" in value else "outside"
        hours = self._read(values.windows, value[which], (*path, which))
        node = LocalTime(hours, self._read(values.clock, value.get("clock", "called_party"), (*path, "clock")))
        return node if which == "within" else negation(node)

    def _count(self, value: object, path: Path_) -> Node:
        if not isinstance(value, dict):
            raise _Mistake(path, f"`count` takes a mapping, found {shorten(value)}", "for example {at_least: 3, last: {hours: 24}}")
        for key in value:
            if key not in ("at_least", "last", "per", "where"):
                raise _Mistake((*path, key), f"unknown key `{key}` in count", suggest(key, ("at_least", "last", "per", "where")))
        number, at = self._resolved(value.get("at_least"), (*path, "at_least"))
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise _Mistake(at, f"`at_least` takes a whole number from 1, found {shorten(number)}")
        per, at = self._resolved(value.get("per", "person"), (*path, "per"))
        if per not in ("person", "number", "debt"):
            raise _Mistake(at, f"`per` takes person, number or debt, found {shorten(per)}")
        length, at = self._resolved(value.get("last"), (*path, "last"))
        days = 0
        if isinstance(length, dict) and set(length) == {"calendar_days"}:
            days = length["calendar_days"]
            if not isinstance(days, int) or isinstance(days, bool) or days < 1:
                raise _Mistake(at, "`calendar_days` takes a whole number from 1")
            length = {"days": days}
        last = self._read(values.period, length, at)
        if last.months or last.minutes or not (last.days or last.hours):
            raise _Mistake(at, "`last` takes hours, days or calendar_days")
        where, same = self._where(value.get("where", {}), (*path, "where"))
        return Count(number, last, per, where, same, days)

    def _where(self, conditions: object, path: Path_) -> tuple[tuple, tuple[str, ...]]:
        """Which earlier attempts a count counts: fields with their values, and fields that must be the attempt's own."""
        if not isinstance(conditions, dict):
            raise _Mistake(path, f"`where` takes a mapping, found {shorten(conditions)}")
        where, same = [], []
        for name, wanted in conditions.items():
            if name not in COUNT_FIELDS:
                raise _Mistake((*path, name), f"unknown field `{name}` of an attempt", suggest(name, COUNT_FIELDS))
            wanted, at = self._resolved(wanted, (*path, name))
            if wanted == "same":
                if name not in ("subject", "debt", "to", "from"):
                    raise _Mistake(at, "`same` is for subject, debt, to and from")
                same.append(name)
                continue
            among = not (isinstance(wanted, dict) and set(wanted) == {"not"})
            wanted = wanted if among else wanted["not"]
            items = wanted if isinstance(wanted, list) else [wanted]
            fact = self.vocabulary.get("channel" if name == "channel" else f"campaign.{name}")
            for item in items:
                if not isinstance(item, str):
                    raise _Mistake(at, f"`{name}` takes words, found {shorten(item)}")
                if fact is not None and fact.values and item not in fact.values:
                    raise _Mistake(at, f"`{item}` is not a {name}", suggest(item, fact.values))
            if not items:
                raise _Mistake(at, f"`{name}` has no value")
            where.append((name, frozenset(items), among))
        return tuple(where), tuple(same)

    def _fact(self, name: str, named: Path_, value: object, path: Path_) -> Node:
        fact = self.vocabulary.get(name)
        if fact is None:
            raise _Mistake(named, f"unknown fact `{name}`", suggest(name, {*self.vocabulary.facts, *WORDS}))
        mistake = wrong_member(name, self.lists)
        if mistake:
            raise _Mistake(named, *mistake)
        if fact.type == "attempts":
            raise _Mistake(named, f"`{name}` is read by `count` only")
        value, path = self._resolved(value, path)
        if isinstance(value, dict):
            if not value:
                raise _Mistake(path, "an empty test")
            return conjunction(*(self._test(name, fact, op, *self._resolved(held, (*path, op))) for op, held in value.items()))
        if fact.type not in ("choice", "flag", "text"):
            raise _Mistake(path, f"`{name}` is a {fact.type}; it needs an operator", "for example {within: {months: 18}} or {has: x}")
        return Test(name, "in", self._choices(name, fact, value, path))

    def _choices(self, name: str, fact: Fact, value: object, path: Path_) -> frozenset:
        items = value if isinstance(value, list) else [value]
        if not items:
            raise _Mistake(path, f"`{name}` has no value to be held against")
        for item in items:
            if fact.type == "flag" and not isinstance(item, bool):
                raise _Mistake(path, f"`{name}` is true or false, found {shorten(item)}")
            if fact.type != "flag" and not isinstance(item, str):
                raise _Mistake(path, f"`{name}` takes words, found {shorten(item)}")
            if fact.values and item not in fact.values:
                raise _Mistake(path, f"`{item}` is not a value of `{name}`", suggest(item, fact.values))
        return frozenset(items)

    def _test(self, name: str, fact: Fact, operator: str, value: object, path: Path_) -> Node:
        if operator == "known":
            if not isinstance(value, bool):
                raise _Mistake(path, "`known` takes true or false")
            stated = Test(name, "stated", True)
            return stated if value else negation(stated)
        if operator in _COMPARISONS and (fact.ordered or fact.type in ("rate", "integer")):
            return self._comparison(name, fact, operator, value, path)
        if operator in ("has", "has_any") and fact.type == "set":
            return Test(name, "has_any", self._choices(name, fact, value, path))
        if operator == "open" and fact.type == "windows" and value is True:
            return Test(name, "open", True)
        if operator == "came" and fact.type in ("moment", "date") and value is True:
            return Test(name, "came", True, fact.type)
        if (operator == "open" and fact.type == "windows") or (operator == "came" and fact.type in ("moment", "date")):
            raise _Mistake(path, f"`{operator}` takes true, found {shorten(value)}", "put the condition under `not:` for the opposite")
        if operator in ("within", "older_than") and fact.type in ("moment", "date"):
            length = self._read(values.period, value, path)
            if fact.type == "date" and length.exact:
                raise _Mistake(path, f"`{name}` is a date; give days, months or years")
            return Test(name, operator, length, fact.type)
        if operator in ("before", "after") and fact.type in ("moment", "date"):
            other = self.vocabulary.get(str(value))
            if other is not None:
                if other.type != fact.type:
                    raise _Mistake(path, f"`{name}` is a {fact.type} and `{value}` a {other.type}; they cannot be compared")
                return Test(name, operator, str(value), fact.type)
            return Test(name, operator, self._read(values.iso_date, value, path), fact.type)
        allowed = {
            "choice": ["known"] + (["at_least", "at_most", "above", "below"] if fact.ordered else []),
            "flag": ["known"], "text": ["known"], "set": ["has", "has_any", "known"], "windows": ["open", "known"],
            "moment": ["within", "older_than", "before", "after", "came", "known"],
            "date": ["within", "older_than", "before", "after", "came", "known"],
        }.get(fact.type, [*_COMPARISONS, "known"])
        raise _Mistake(path, f"`{operator}` cannot be asked of `{name}`, a {fact.type}", suggest(operator, allowed))

    def _comparison(self, name: str, fact: Fact, operator: str, value: object, path: Path_) -> Node:
        if fact.ordered:
            if value not in fact.values:
                raise _Mistake(path, f"{shorten(value)} is not a value of `{name}`", suggest(value, fact.values))
            order = fact.values.index(value)
            keep = {
                "at_least": fact.values[order:], "at_most": fact.values[: order + 1],
                "above": fact.values[order + 1 :], "below": fact.values[:order],
            }[operator]
            if not keep:
                raise _Mistake(path, f"no value of `{name}` is {operator} `{value}`")
            return Test(name, "in", frozenset(keep))
        if fact.type == "rate":
            return Test(name, operator, self._read(values.rate, value, path))
        if not isinstance(value, int) or isinstance(value, bool):
            raise _Mistake(path, f"`{name}` takes a whole number, found {shorten(value)}")
        return Test(name, operator, value)


def wrong_member(name: str, lists: frozenset[str]) -> tuple[str, str] | None:
    """What is wrong with the last part of a fact of a family (a list, a state), as message and hint; None where nothing is."""
    family, _, code = name.rpartition(".")
    if family == "dnc.list" and code not in lists:
        return f"no list `{code}` is declared", suggest(code, lists)
    if family.startswith("emergency.") and not _STATE.match(code):
        return f"`{code}` is not a state", "expected a USPS code such as FL"
    return None
