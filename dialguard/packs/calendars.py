"""Statutory holidays as data: which local dates the law closes, and under what name.

One YAML file a calendar, ``rules/calendars/<code>.yaml``, to be read from top to bottom by a lawyer::

    calendar: pa
    title: Pennsylvania legal holidays
    citation: 44 P.S. 11
    sources: ["https://…"]
    note: what was read and which readings were chosen
    days:
      - {name: Flag Day, rule: jun 14, observed: nearest, keep_actual: true}

A day has ``name`` and ``rule``, and as needed ``observed``, ``keep_actual``, ``from``, ``until``, ``citation``,
``scope`` and ``note``. The whole grammar of ``rule``:

* ``jan 1``, ``3rd mon jan``, ``last mon may``, ``easter``, ``easter -47`` (days from Easter Sunday);
* ``tue after 1st mon nov``: the first such weekday strictly after the other;
* any of those followed by ``in even years`` or ``in odd years``;
* ``weekday sun``: that weekday all year round;
* a list of ISO dates, for proclaimed days (``[]``: none proclaimed so far).

``observed`` says where a day on a weekend is kept, one word or a list of words that all hold: ``none`` (the default),
``sunday_to_monday``, ``nearest`` (Saturday to Friday, Sunday to Monday), ``next_monday`` (Saturday and Sunday to
Monday), ``juneteenth_utah`` (Tuesday to Friday to the Monday before, a weekend to the Monday after).
``keep_actual: true`` closes the date itself as well as the observed one. ``from`` and ``until`` (inclusive) are the
dates of the law; each closed date, actual or observed, counts if it lies between them. ``scope`` is ``statewide`` or
a list of counties; a county's day closes only for a caller who asks for that county or for ``ANYWHERE``.

Dates are proleptic Gregorian ordinals (``datetime.date.toordinal``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from dialguard.packs import yamlfile
from dialguard.packs.dayrules import RULE_HELP, SHIFTS, Dates, parse_rule, weekday_of

FIRST_YEAR, LAST_YEAR = 1900, 2199

ANYWHERE = frozenset({"*"})
"""Asks for every county's days: for a consumer whose county is not known."""


# ------------------------------------------------------------------------------------------------ calendars


def _county(name: str) -> str:
    """``Mobile County`` and ``mobile`` are one."""
    return re.sub(r" (county|parish)$", "", " ".join(name.casefold().split()))


@dataclass(frozen=True)
class Day:
    """One entry of a calendar."""

    name: str
    rule: str
    """As written; proclaimed dates joined by blanks."""
    dates: Dates
    observed: tuple[str, ...]
    keep_actual: bool
    first: int | None
    """First closed date of the law, an ordinal; None: as long as anyone needs."""
    last: int | None
    """Last closed date, inclusive; None: still in force."""
    citation: str
    scope: frozenset[str] | None
    """Counties, small letters, without the word county; None: the whole state."""
    note: str
    line: int

    def closed(self, year: int) -> Iterator[tuple[int, bool]]:
        """(date, is it the observed one) for the entry's dates of ``year``; an observed date may fall outside it."""
        for actual in self.dates(year):
            kept = {actual + SHIFTS[word][weekday_of(actual)] for word in self.observed}
            for ordinal in kept | {actual} if self.keep_actual else kept:
                if (self.first is None or self.first <= ordinal) and (self.last is None or ordinal <= self.last):
                    yield ordinal, ordinal != actual


@dataclass(frozen=True)
class Calendar:
    """The closed days of one jurisdiction, worked out a year at a time."""

    code: str
    title: str
    citation: str
    sources: tuple[str, ...]
    note: str
    entries: tuple[Day, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_years", {})
        object.__setattr__(self, "_counties", frozenset().union(*(day.scope or () for day in self.entries)))

    def _year(self, year: int, places: Collection[str]) -> dict[int, str]:
        cache: dict[Any, dict[int, str]] = self._years  # type: ignore[attr-defined]
        key: Any = year
        asked: frozenset[str] = frozenset()
        if places:
            places = (places,) if isinstance(places, str) else places
            known: frozenset[str] = self._counties  # type: ignore[attr-defined]
            asked = known if "*" in places else known.intersection(map(_county, places))
            key = (year, asked)
        if key not in cache:
            if not FIRST_YEAR <= year <= LAST_YEAR:
                raise ValueError(f"calendar {self.code}: year {year} lies outside {FIRST_YEAR} to {LAST_YEAR}")
            cache[key] = self._build(year, asked)
        return cache[key]

    def _build(self, year: int, places: Collection[str]) -> dict[int, str]:
        start, before = date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()
        ranked: dict[int, tuple[int, str]] = {}
        for day in self.entries:
            if day.scope is not None and day.scope.isdisjoint(places):
                continue
            weekly = day.rule.startswith("weekday ")
            for base in (year - 1, year, year + 1):  # 1 January may be observed on 31 December
                for ordinal, observed in day.closed(base):
                    # a holiday's own date names the day before an observed one, both before a mere Sunday
                    entry = (2, day.name) if weekly else (1, f"{day.name} (observed)") if observed else (0, day.name)
                    if start <= ordinal < before and entry[0] < ranked.get(ordinal, (3, ""))[0]:
                        ranked[ordinal] = entry
        return {ordinal: ranked[ordinal][1] for ordinal in sorted(ranked)}

    def closed(self, ordinal: int, places: Collection[str] = ()) -> str | None:
        """The name of the holiday that closes this local date, or None.

        Days of single counties count only when ``places`` holds the county's name, or is ``ANYWHERE``: give that
        one when the county is unknown, or known only by a number.

        Raises:
            ValueError: a year outside 1900 … 2199.
        """
        return self._year(date.fromordinal(ordinal).year, places).get(ordinal)

    def days(self, first_year: int, last_year: int, places: Collection[str] = ()) -> dict[int, str]:
        """Every closed date from the first to the last year, both included, in order, with its name."""
        return {o: name for year in range(first_year, last_year + 1) for o, name in self._year(year, places).items()}


# --------------------------------------------------------------------------------------------------- files

_CALENDAR_KEYS = ("calendar", "title", "citation", "sources", "note", "days")
_DAY_KEYS = ("name", "rule", "observed", "keep_actual", "from", "until", "citation", "scope", "note")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_At = tuple[str | int, ...]
_DATE_HELP = "write a date as YYYY-MM-DD"
_OBSERVED_HELP = f"expected one of {', '.join(SHIFTS)}, or a list of them without none"
_SCOPE_HELP = "expected statewide or a list of counties"


def _shown(value: object) -> str:
    """A value of a file, short enough for a message."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a mapping"
    return "nothing" if value is None else f"`{str(value)[:60]}`"


class _Reader:
    """Turns one document into a calendar and notes every fault on the way."""

    def __init__(self, document: yamlfile.Document) -> None:
        self.document = document
        self.problems: list[yamlfile.Problem] = []

    def wrong(self, at: _At, message: str, hint: str = "") -> None:
        self.problems.append(self.document.problem(at, message, hint))

    def mapping(self, value: object, at: _At, allowed: Collection[str], needed: Collection[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.wrong(at, f"found {_shown(value)}, expected a mapping", f"it needs {', '.join(needed)}")
            return {}
        for key in value:
            if key not in allowed:
                self.wrong((*at, key), f"unknown key `{key}`", yamlfile.suggest(key, allowed))
        for key in needed:
            if key not in value:
                self.wrong(at, f"no `{key}`", f"it needs {', '.join(needed)}")
        return {key: item for key, item in value.items() if key in allowed}

    def text(self, keys: dict[str, Any], key: str, at: _At) -> str:
        """Text folded to one line; absent: empty, and no fault of its own."""
        value = keys.get(key)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
        if key in keys:
            self.wrong((*at, key), f"found {_shown(value)}, expected text for `{key}`")
        return ""

    def texts(self, value: object, at: _At, hint: str) -> tuple[str, ...]:
        """The texts of a list that must not be empty."""
        if not isinstance(value, list) or not value:
            self.wrong(at, f"found {'an empty list' if value == [] else _shown(value)}", hint)
            return ()
        for i, item in enumerate(value):
            if not isinstance(item, str):
                self.wrong((*at, i), f"found {_shown(item)}", hint)
        return tuple(item for item in value if isinstance(item, str))

    def date(self, value: object, at: _At) -> int | None:
        try:
            if not isinstance(value, str) or not _ISO.fullmatch(value):
                raise ValueError
            return date.fromisoformat(value).toordinal()
        except ValueError:
            self.wrong(at, f"found {_shown(value)}, expected a date", _DATE_HELP)
            return None

    def rule(self, value: object, at: _At) -> tuple[str, Dates]:
        if isinstance(value, list):
            known = [ordinal for i, item in enumerate(value) if (ordinal := self.date(item, (*at, i))) is not None]
            dates = tuple(sorted(set(known)))
            if len(dates) < len(known):
                self.wrong(at, "a date stands twice in the list", "remove one")
            written = " ".join(date.fromordinal(ordinal).isoformat() for ordinal in dates)
            return written, lambda year: tuple(o for o in dates if date.fromordinal(o).year == year)
        try:
            if not isinstance(value, str):
                raise ValueError(RULE_HELP)
            return value, parse_rule(value)
        except ValueError as error:
            self.wrong(at, f"found {_shown(value)}, which is no rule for a date", f"expected {error}")
            return "", lambda year: ()

    def observed(self, value: object, at: _At) -> tuple[str, ...]:
        words = (value,) if isinstance(value, str) else self.texts(value, at, _OBSERVED_HELP)
        for word in dict.fromkeys(words):
            if word not in SHIFTS or (word == "none" and isinstance(value, list)) or words.count(word) > 1:
                self.wrong(at, f"found `{word}`", _OBSERVED_HELP)
        return tuple(word for word in words if word in SHIFTS) or ("none",)

    def day(self, value: object, at: _At) -> Day:
        keys = self.mapping(value, at, _DAY_KEYS, ("name", "rule"))
        rule, dates = self.rule(keys["rule"], (*at, "rule")) if "rule" in keys else ("", lambda year: ())
        observed = self.observed(keys.get("observed", "none"), (*at, "observed"))
        if rule.startswith("weekday ") and observed != ("none",):
            self.wrong((*at, "observed"), "a weekday all year round is not moved", "leave `observed` out")
        keep = keys.get("keep_actual", False)
        if not isinstance(keep, bool):
            self.wrong((*at, "keep_actual"), f"found {_shown(keep)}, expected true or false")
        first, last = (self.date(keys[key], (*at, key)) if key in keys else None for key in ("from", "until"))
        if first is not None and last is not None and last < first:
            self.wrong((*at, "until"), "`until` lies before `from`")
        scope, where = None, keys.get("scope", "statewide")
        if where != "statewide":
            scope = frozenset(map(_county, self.texts(where, (*at, "scope"), _SCOPE_HELP)))
        name, citation, note = (self.text(keys, key, at) for key in ("name", "citation", "note"))
        line = self.document.positions.get(at, (1, 1))[0]
        return Day(name, rule, dates, observed, keep is True, first, last, citation, scope, note, line)

    def calendar(self) -> Calendar:
        keys = self.mapping(self.document.data, (), _CALENDAR_KEYS, ("calendar", "title", "citation", "sources", "days"))
        code, title, citation, note = (self.text(keys, key, ()) for key in ("calendar", "title", "citation", "note"))
        if code and not re.fullmatch(r"[a-z][a-z0-9_-]*", code):
            self.wrong(("calendar",), f"found `{code}`, expected a code of small letters such as pa")
        sources = self.texts(keys["sources"], ("sources",), "expected a list of addresses") if "sources" in keys else ()
        listed, days = keys.get("days"), ()
        if isinstance(listed, list) and listed:
            days = tuple(self.day(item, ("days", i)) for i, item in enumerate(listed))
        elif "days" in keys:  # a calendar that closes nothing must not pass for one that was read
            self.wrong(("days",), f"found {_shown(listed or None)}, expected a list of one day or more")
        return Calendar(code, title, citation, sources, note, days)


def load(text: str, source: str) -> Calendar:
    """Reads one calendar. ``source`` names the file in errors.

    Raises:
        PackError: with every fault of the file.
    """
    reader = _Reader(yamlfile.parse(text.encode("utf-8", "surrogatepass"), source))
    calendar = reader.calendar()
    if reader.problems:
        raise yamlfile.PackError(reader.problems)
    return calendar
