"""The examples inside the files of event rules, judged by the meaning and by durable_rules where it is installed."""

from collections.abc import Iterable, Iterator

from dialguard.events.meaning import Event, actions
from dialguard.events.tally import Tally
from dialguard.facts import clock
from dialguard.packs.eventrule import EventExample, EventRule
from dialguard.packs.testing import Failure

_AT = "2026-03-03 12:00:00"


def run(rules: Iterable[EventRule]) -> tuple[int, list[Failure]]:
    """How many examples were judged, and those that failed."""
    number, failures = 0, []
    for rule in rules:
        for test in rule.tests:
            number += 1
            wrong = _failure(rule, test)
            if wrong:
                failures.append(Failure(rule.id, test.name, f"{rule.file}:{test.line}", wrong))
    return number, failures


def _failure(rule: EventRule, test: EventExample) -> str:
    try:
        told = list(events(test))
    except (ValueError, TypeError) as error:
        return f"the example cannot be read: {error}"
    found = [str(action.effect) for action in actions([rule], told)]
    if found != list(test.expect):
        return f"expected {', '.join(test.expect) or 'nothing'}, found {', '.join(found) or 'nothing'}"
    try:
        from dialguard.events.matcher import Matcher
    except ImportError:  # durable_rules is an extra
        return ""
    matcher, tally = Matcher([rule]), Tally([rule])
    fired: list[str] = []
    for event in told:
        fired = matcher.fired(event, tally.add(event))
    if bool(fired) is not bool(found):
        return f"the meaning says {found or 'nothing'}, and durable_rules {fired or 'nothing'}; this is a fault of DialGuard"
    return ""


def events(test: EventExample) -> Iterator[Event]:
    """The events of an example, at times of UTC, of seller ``acme``, campaign ``c`` and one number where it does not say."""
    number = 0
    for each in test.events:
        said = {"seller": "acme", "campaign": "c", "to": "+12025550101", **each}
        at = clock.parse_instant(str(said.pop("at", _AT)).replace(" ", "T") + "Z")
        for _ in range(int(said.pop("times", 1))):
            number += 1
            yield Event(id=str(number), at=at, told_at=at, **{name: str(value) for name, value in said.items()})
