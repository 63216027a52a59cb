"""From the data of a rule file to typed nodes; every mistake is reported with its place and a suggestion."""

from collections.abc import Callable
from dataclasses import dataclass, field

from dialguard.expr.nodes import (
    TRUE,
    ClosedDay,
    Count,
    ExpressionError,
    LocalTime,
    Node,
    Test,
    conjunction,
    disjunction,
    negation,
)
from dialguard.model.vocabulary import Fact, Vocabulary
from dialguard.packs import values
from dialguard.packs.yamlfile import Document, Path_, Problem, suggest

_COMPARISONS = ("at_least", "at_most", "above", "below")
_COUNT_FIELDS = ("channel", "purpose", "subject", "voice", "outcome", "debt", "to", "from")


class _Mistake(Exception):
    def __init__(self, path: Path_, message: str, hint: str = "") -> None:
        self.path, self.message, self.hint = path, message, hint


@dataclass
class Reader:
    """Reads the conditions of one rule (or shape) at one set of parameter values."""

    document: Document
    vocabulary: Vocabulary
    calendars: frozenset[str]
    lists: frozenset[str]
    parameters: dict[str, object] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def condition(self, data: object, path: Path_) -> Node:
        """The node for ``data``; on a mistake the problem is kept and TRUE returned."""
        try:
            return self._condition(data, path)
        except _Mistake as mistake:
            self.problems.append(self.document.problem(mistake.path, mistake.message, mistake.hint))
            return TRUE

    def _condition(self, data: object, path: Path_) -> Node:
        if not isinstance(data, dict) or not data:
            raise _Mistake(path, f"expected conditions as a mapping, found {_kind(data)}", "for example {contact.kind: consumer}")
        return conjunction(*(self.condition_entry(key, value, (*path, key)) for key, value in data.items()))

    def condition_entry(self, key: str, value: object, path: Path_) -> Node:
        try:
            return self._entry(key, value, path)
        except _Mistake as mistake:
            self.problems.append(self.document.problem(mistake.path, mistake.message, mistake.hint))
        except (ValueError, ExpressionError) as error:
            self.problems.append(self.document.problem(path, f"`{key}`: {error}"))
        return TRUE

    def _entry(self, key: str, value: object, path: Path_) -> Node:
        match key:
            case "any" | "all":
                if not isinstance(value, list) or not value:
                    raise _Mistake(path, f"`{key}` takes a list of conditions, found {_kind(value)}")
                join: Callable[..., Node] = disjunction if key == "any" else conjunction
                return join(*(self.condition(item, (*path, index)) for index, item in enumerate(value)))
            case "not":
                return negation(self.condition(value, path))
            case "local_time":
                return self._local_time(value, path)
            case "closed_day":
                calendar = self._parameter(value, path)
                if calendar not in self.calendars:
                    raise _Mistake(path, f"unknown calendar `{calendar}`", suggest(calendar, self.calendars))
                return ClosedDay(calendar)
            case "count":
                return self._count(value, path)
        return self._fact(self._name(key), value, path)

    def _name(self, key: str) -> str:
        head, mark, tail = key.partition(".$")
        return f"{head}.{self._parameter('$' + tail, ())}" if mark else key

    def _parameter(self, value: object, path: Path_) -> object:
        if isinstance(value, str) and value.startswith("$"):
            if value[1:] not in self.parameters:
                raise _Mistake(path, f"unknown parameter `{value}`", suggest(value[1:], self.parameters))
            return self.parameters[value[1:]]
        return value

    def _local_time(self, value: object, path: Path_) -> Node:
        if not isinstance(value, dict) or set(value) - {"within", "outside", "clock"} or len(set(value) & {"within", "outside"}) != 1:
            raise _Mistake(path, "`local_time` takes `within` or `outside`, and `clock`")
        which = "within" if "within" in value else "outside"
        hours = values.windows(self._parameter(value[which], (*path, which)))
        node = LocalTime(hours, values.clock(self._parameter(value.get("clock", "called_party"), path)))
        return node if which == "within" else negation(node)

    def _count(self, value: object, path: Path_) -> Node:
        if not isinstance(value, dict):
            raise _Mistake(path, f"`count` takes a mapping, found {_kind(value)}")
        for key in value:
            if key not in ("at_least", "last", "per", "where"):
                raise _Mistake((*path, key), f"unknown key `{key}` in count", suggest(key, ("at_least", "last", "per", "where")))
        number = self._parameter(value.get("at_least"), path)
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise _Mistake((*path, "at_least"), f"`at_least` takes a whole number from 1, found {number!r}")
        per = self._parameter(value.get("per", "person"), path)
        if per not in ("person", "number", "debt"):
            raise _Mistake((*path, "per"), f"`per` takes person, number or debt, found {per!r}")
        length = self._parameter(value.get("last"), path)
        days = 0
        if isinstance(length, dict) and set(length) == {"calendar_days"}:
            days = length["calendar_days"]
            if not isinstance(days, int) or days < 1:
                raise _Mistake((*path, "last"), "`calendar_days` takes a whole number from 1")
            length = {"days": days}
        last = values.period(length)
        if last.months or last.minutes or not (last.days or last.hours):
            raise _Mistake((*path, "last"), "`last` takes hours, days or calendar_days")
        where, same = [], []
        conditions = value.get("where") or {}
        if not isinstance(conditions, dict):
            raise _Mistake((*path, "where"), f"`where` takes a mapping, found {_kind(conditions)}")
        for name, wanted in conditions.items():
            if name not in _COUNT_FIELDS:
                raise _Mistake((*path, "where", name), f"unknown field `{name}` of an attempt", suggest(name, _COUNT_FIELDS))
            wanted = self._parameter(wanted, path)
            if wanted == "same":
                if name not in ("subject", "debt", "to", "from"):
                    raise _Mistake((*path, "where", name), "`same` is for subject, debt, to and from")
                same.append(name)
                continue
            among = not (isinstance(wanted, dict) and set(wanted) == {"not"})
            wanted = wanted if among else wanted["not"]
            items = wanted if isinstance(wanted, list) else [wanted]
            fact = self.vocabulary.get("channel" if name == "channel" else f"campaign.{name}")
            for item in items:
                if fact is not None and fact.values and item not in fact.values:
                    raise _Mistake((*path, "where", name), f"`{item}` is not a {name}", suggest(item, fact.values))
            where.append((name, frozenset(map(str, items)), among))
        return Count(number, last, per, tuple(where), tuple(same), days)

    def _fact(self, name: str, value: object, path: Path_) -> Node:
        fact = self.vocabulary.get(name)
        if fact is None:
            raise _Mistake(path, f"unknown fact `{name}`", suggest(name, {*self.vocabulary.facts, "any", "all", "not", "local_time", "closed_day", "count"}))
        if name.startswith("dnc.list.") and name.removeprefix("dnc.list.") not in self.lists:
            raise _Mistake(path, f"no list `{name.removeprefix('dnc.list.')}` is declared", suggest(name.removeprefix("dnc.list."), self.lists))
        if fact.type == "attempts":
            raise _Mistake(path, f"`{name}` is read by `count` only")
        value = self._parameter(value, path)
        if isinstance(value, dict):
            if not value:
                raise _Mistake(path, "an empty test")
            return conjunction(*(self._test(name, fact, op, self._parameter(held, (*path, op)), (*path, op)) for op, held in value.items()))
        if fact.type not in ("choice", "flag", "text"):
            raise _Mistake(path, f"`{name}` is a {fact.type}; it needs an operator", "for example {within: {months: 18}} or {has: x}")
        return Test(name, "in", self._choices(fact, value, path))

    def _choices(self, fact: Fact, value: object, path: Path_) -> frozenset:
        items = value if isinstance(value, list) else [value]
        if fact.type == "flag":
            for item in items:
                if not isinstance(item, bool):
                    raise _Mistake(path, f"`{fact.name}` is true or false, found {item!r}")
            return frozenset(items)
        for item in items:
            if isinstance(item, (bool, int)) or item is None or isinstance(item, (dict, list)):
                raise _Mistake(path, f"`{fact.name}` takes words, found {item!r}")
            if fact.values and item not in fact.values:
                raise _Mistake(path, f"`{item}` is not a value of `{fact.name}`", suggest(item, fact.values))
        return frozenset(items)

    def _test(self, name: str, fact: Fact, operator: str, value: object, path: Path_) -> Node:
        if operator == "known":
            if not isinstance(value, bool):
                raise _Mistake(path, "`known` takes true or false")
            stated = Test(name, "stated", True)
            return stated if value else negation(stated)
        if operator in _COMPARISONS:
            return self._comparison(name, fact, operator, value, path)
        if operator in ("has", "has_any") and fact.type == "set":
            return Test(name, "has_any", self._choices(fact, value, path))
        if operator == "open" and fact.type == "windows" and value is True:
            return Test(name, "open", True)
        if operator == "came" and fact.type in ("moment", "date") and value is True:
            return Test(name, "came", True, fact.type)
        if operator in ("within", "older_than") and fact.type in ("moment", "date"):
            length = values.period(value)
            if fact.type == "date" and length.exact:
                raise _Mistake(path, f"`{name}` is a date; give days, months or years")
            return Test(name, operator, length, fact.type)
        if operator in ("before", "after") and fact.type in ("moment", "date"):
            other = self.vocabulary.get(str(value))
            if other is not None:
                if other.type != fact.type:
                    raise _Mistake(path, f"`{name}` is a {fact.type} and `{value}` a {other.type}; they cannot be compared")
                return Test(name, operator, str(value), fact.type)
            return Test(name, operator, values.iso_date(value), fact.type)
        allowed = {
            "choice": ["known"] + (["at_least", "at_most", "above", "below"] if fact.ordered else []),
            "flag": ["known"], "text": ["known"], "set": ["has", "has_any", "known"], "windows": ["open", "known"],
            "moment": ["within", "older_than", "before", "after", "came", "known"],
            "date": ["within", "older_than", "before", "after", "came", "known"],
        }.get(fact.type, [*_COMPARISONS, "known"])
        raise _Mistake(path, f"`{operator}` cannot be asked of `{name}`, a {fact.type}", suggest(operator, allowed))

    def _comparison(self, name: str, fact: Fact, operator: str, value: object, path: Path_) -> Node:
        if fact.type == "choice" and fact.ordered:
            if value not in fact.values:
                raise _Mistake(path, f"`{value}` is not a value of `{name}`", suggest(value, fact.values))
            order = fact.values.index(value)
            keep = {
                "at_least": fact.values[order:], "at_most": fact.values[: order + 1],
                "above": fact.values[order + 1 :], "below": fact.values[:order],
            }[operator]
            return Test(name, "in", frozenset(keep))
        if fact.type == "rate":
            return Test(name, operator, values.rate(value))
        if fact.type == "integer":
            if not isinstance(value, int) or isinstance(value, bool):
                raise _Mistake(path, f"`{name}` takes a whole number, found {value!r}")
            return Test(name, operator, value)
        raise _Mistake(path, f"`{operator}` cannot be asked of `{name}`, a {fact.type}")


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case int() | str():
            return f"`{value}`"
        case list():
            return "a list"
    return "a mapping"
