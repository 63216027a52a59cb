"""The tests of a rule as examples: one situation and one answer each. Two forms stand for many.

``exactly: {channels: [voice], purposes: [telemarketing]}`` is the answer for each of these words in turn, and `silent` for every
other word of the kind. ``week: {mon-sat: 09:00-21:00, sun: none}`` is `silent` within these hours of the week of ``at`` and the answer
outside: at each edge and one second before it, and at noon of a closed day.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from dialguard.model.vocabulary import Vocabulary
from dialguard.packs import values
from dialguard.packs.reading import Entry
from dialguard.packs.rule import Example
from dialguard.packs.schema import RuleTest

SCOPE = {
    "channels": "channel",
    "purposes": "campaign.purpose",
    "dialing": "campaign.dialing",
    "voice": "campaign.voice",
    "line_types": "line_type",
}
"""The parts of `applies` and the facts that they limit."""
_NOON, _DAY = 43_200, 86_400


def examples(entry: Entry, vocabulary: Vocabulary) -> tuple[Example, ...]:
    """The tests of a rule with their lines."""
    found: list[Example] = []
    for number, test in zip(entry.tests, entry.model.tests, strict=True):
        line = entry.document.line((*entry.path, "tests", number))
        for name, changes, expect in _cases(test, vocabulary):
            at, given = changes.pop("at", test.at), {**test.given, **changes}
            attempts = test.attempts if isinstance(test.attempts, str) else tuple(test.attempts)
            needs = None if test.needs is None or expect != test.expect else tuple(test.needs)
            duty = test.duty if expect == test.expect else None
            found.append(Example(f"{test.name}{name}", at, expect, line, test.zone, given, attempts, needs, duty))
    return tuple(found)


def reach(test: RuleTest) -> dict[str, list[str]]:
    """What ``exactly`` names."""
    return {key: wanted for key in SCOPE if test.exactly is not None and (wanted := getattr(test.exactly, key)) is not None}


def _cases(test: RuleTest, vocabulary: Vocabulary) -> Iterator[tuple[str, dict[str, Any], str]]:
    """What is added to the name, what is changed, and the answer."""
    if test.exactly is None and test.week is None:
        yield "", {}, test.expect
    for key, wanted in reach(test).items():
        for word in vocabulary.facts[SCOPE[key]].values:
            if word != "unknown":
                yield f", {key}: {word}", {SCOPE[key]: word}, test.expect if word in wanted else "silent"
    if test.week is not None:
        yield from _week(test)


def _week(test: RuleTest) -> Iterator[tuple[str, dict[str, Any], str]]:
    try:
        ordinal, week = values.local_time(test.at)[0], values.windows(test.week)
    except ValueError:
        return  # told where examples are checked
    monday = ordinal - date.fromordinal(ordinal).weekday()
    for day, spans in enumerate(week):
        seconds = {_NOON} | {second for start, end in spans for second in (start - 1, start, end - 1, end)}
        for second in sorted(second for second in seconds if 0 <= second < _DAY):
            at = f"{date.fromordinal(monday + day).isoformat()} {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            inside = any(start <= second < end for start, end in spans)
            yield f", {values.DAYS[day]} {at[11:]}", {"at": at}, "silent" if inside else test.expect
