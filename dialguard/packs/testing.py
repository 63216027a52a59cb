"""The tests inside rule files: each example is judged by the reference meaning, and by any evaluator that is handed in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dialguard.expr.nodes import Node, facts_read
from dialguard.expr.outcome import needs, outcome
from dialguard.expr.reference import Closed, evaluate
from dialguard.model.history import Entry, History
from dialguard.model.moment import NEVER, Clock, Moment
from dialguard.model.records import TEXTS
from dialguard.model.vocabulary import Vocabulary
from dialguard.packs import values
from dialguard.packs.pack import Packs
from dialguard.packs.rule import Example, Rule
from dialguard.packs.yamlfile import Problem

RELIEF_ANSWERS = {True: "relieves", None: "open", False: "silent"}


@dataclass(frozen=True, slots=True)
class Failure:
    """One example whose answer is not the expected one, or that cannot be judged."""

    rule: str
    test: str
    file: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}  {self.rule}: {self.test}\n  {self.message}"


Evaluator = Callable[[str, Node, Sequence[Node], Mapping[str, object], Moment, Closed, Vocabulary, bool], str]
"""As ``expr.outcome.outcome``; for a relief the answer is relieves, open or silent."""


def run(
    packs: Packs, clock: Clock, rules: Iterable[Rule] | None = None, evaluators: Mapping[str, Evaluator] | None = None
) -> tuple[int, list[Failure]]:
    """Judge every example; the number judged, and those that failed. ``evaluators``, by name, must all answer the same.

    The examples of a shipped rule are judged by the shipped law alone, whatever an operator puts in its place.
    """
    number, failures = 0, []
    for rule in packs.rules if rules is None else rules:
        law = packs if packs.base is None or rule.operator else packs.base
        rule = law.by_id[rule.id]
        for test in rule.tests:
            number += 1
            wrong = failure(law, rule, test, clock, evaluators or {})
            if wrong:
                failures.append(Failure(rule.id, test.name, f"{rule.file}:{test.line}", wrong))
    return number, failures


def failure(packs: Packs, rule: Rule, test: Example, clock: Clock, evaluators: Mapping[str, Evaluator]) -> str:
    """What is wrong with the answer to one example; nothing where it is right."""
    try:
        found, missing = judge(packs, rule, test, clock)
        if found != test.expect:
            extra = f" (needs {', '.join(sorted(missing))})" if missing else ""
            return f"expected {test.expect}, found {found}{extra}"
        if test.needs is not None and sorted(test.needs) != sorted(missing):
            return f"expected needs {sorted(test.needs)}, found {sorted(missing)}"
        if test.duty is not None:
            held = _duty(rule, test, clock)
            if held != dict(test.duty):
                return f"expected the duty {dict(test.duty)}, found {held}"
        for name, evaluator in evaluators.items():
            other, _ = judge(packs, rule, test, clock, evaluator)
            if other != found:
                return f"the reference says {found}, and {name} say {other}; this is a fault of DialGuard"
    except ValueError as error:
        return str(error)
    return ""


def _duty(rule: Rule, test: Example, clock: Clock) -> dict[str, object]:
    span = rule.span(Moment(_instant(test.at, test.zone or rule.zone or "UTC", clock), test.zone or rule.zone or "UTC", clock).ordinal)
    return dict(span.duty_params) if span is not None else {}


def judge(packs: Packs, rule: Rule, test: Example, clock: Clock, by: Evaluator | None = None) -> tuple[str, frozenset[str]]:
    """The answer to one example and the facts that it wants; ValueError where the example makes no sense."""
    facts, moment = situation(packs, rule, test, clock)
    span = rule.span(moment.ordinal)
    if span is None:
        return "silent", frozenset()
    reliefs = [] if rule.kind == "relief" else conditions_of_reliefs(packs, rule, moment.ordinal)
    found = (by or _reference)(rule.kind, span.condition, reliefs, facts, moment, packs.closed, packs.vocabulary, rule.deny_unknown)
    if found == "silent" and rule.kind != "relief":
        return found, frozenset()
    return found, needs([span.condition, *reliefs], facts, moment, packs.closed)


def _reference(kind, condition, reliefs, facts, moment, closed, vocabulary, deny_unknown) -> str:
    if kind == "relief":
        return RELIEF_ANSWERS[evaluate(condition, facts, moment, closed)]
    return outcome(kind, condition, reliefs, facts, moment, closed, vocabulary, deny_unknown)


def conditions_of_reliefs(packs: Packs, rule: Rule, ordinal: int) -> list:
    """Conditions of the reliefs that name the rule and are law on that local date."""
    spans = [packs.by_id[relief].span(ordinal) for relief in rule.relieved_by]
    return [span.condition for span in spans if span is not None]


def situation(packs: Packs, rule: Rule, test: Example, clock: Clock) -> tuple[dict[str, object], Moment]:
    """The facts and the moment of an example."""
    zone = test.zone or rule.zone
    if not zone:
        raise ValueError("the file names no `zone` and neither does the test")

    def instant(text: object) -> int:
        return _instant(text, zone, clock)

    moment = Moment(instant(test.at), zone, clock)
    facts = clean(packs, rule)
    for name, value in test.given.items():
        fact = packs.vocabulary.get(name)
        if fact is None:
            raise ValueError(f"unknown fact `{name}` in `given`")
        if value == "unknown":
            facts.pop(name, None)
        else:
            facts[name] = values.example_value(name, fact, value, instant)
    if "channel" in facts and "channel" in test.given and "campaign.voice" not in test.given:
        facts["campaign.voice"] = _voice(facts["channel"], facts["campaign.voice"])
    if test.attempts == "unknown":
        facts.pop("history.attempts", None)
    else:
        facts["history.attempts"] = History(
            tuple(_entry(item, zone, clock) for item in test.attempts), complete_since=-(10**18), asked_at=moment.instant,
            subject=facts.get("campaign.subject"),
        )  # fmt: skip
    return facts, moment


def _of_families(packs: Packs, rule: Rule) -> set[str]:
    """Facts of a family (one a state or a list) that the rule or its reliefs read."""
    read: set[str] = set()
    for each in (rule, *(packs.by_id[relief] for relief in rule.relieved_by)):
        for span in each.spans:
            read |= facts_read(span.condition)
    return {name for name in read if name not in packs.vocabulary.facts}


def clean(packs: Packs, rule: Rule) -> dict[str, object]:
    """A clean and known person: lists clean, nothing held, nothing revoked; what `applies` names first."""
    vocabulary = packs.vocabulary
    facts: dict[str, object] = {}
    for name in sorted(_of_families(packs, rule)):
        facts[name] = vocabulary.get(name).absent
    for name, fact in vocabulary.facts.items():
        if name.endswith("*"):
            continue
        if fact.absent is not None:
            facts[name] = frozenset(fact.absent) if fact.type == "set" else fact.absent
        elif fact.fact_class in ("store", "list"):
            facts[name] = {"flag": False, "moment": NEVER, "date": NEVER, "set": frozenset(), "windows": ((),) * 7}.get(fact.type)
    facts["consent.level"] = "none"
    for code in packs.lists:
        facts[f"dnc.list.{code}"] = False
    facts = {name: value for name, value in facts.items() if value is not None}
    facts["number.kind"] = "geographic"
    first = rule.scope
    facts["channel"] = first.get("channel", "voice")
    facts["campaign.purpose"] = first.get("campaign.purpose", "telemarketing")
    if facts["channel"] in ("voice", "fax") or "campaign.dialing" in first:
        facts["campaign.dialing"] = first.get("campaign.dialing", "manual")
    facts["campaign.voice"] = first.get("campaign.voice") or _voice(facts["channel"], "live")
    if "line_type" in first:
        facts["line_type"] = first["line_type"]
    return facts


def _voice(channel: str, voice: str) -> str:
    if channel in TEXTS:
        return "text"
    return "prerecorded" if channel == "rvm" else ("live" if voice == "text" else voice)


def _instant(text: object, zone: str, clock: Clock) -> int:
    ordinal, second = values.local_time(text)
    return clock.first_instant_at_or_after(ordinal, second, zone)


def _entry(item: object, zone: str, clock: Clock) -> Entry:
    if isinstance(item, str):
        return Entry(_instant(item, zone, clock))
    if isinstance(item, dict) and "at" in item:
        fields = {("from_" if key == "from" else key): value for key, value in item.items() if key != "at"}
        try:
            return Entry(_instant(item["at"], zone, clock), **fields)
        except TypeError as error:
            raise ValueError(f"an attempt: {error}") from None
    raise ValueError(f"an attempt is a local time or a mapping with `at`, found {item!r}")


def unusable(packs: Packs, clock: Clock) -> list[Problem]:
    """Examples that name a time zone or a moment that the clock does not know, at their own lines."""
    problems = []
    for rule in packs.rules:
        for test in rule.tests:
            try:
                situation(packs, rule, test, clock)
            except ValueError as error:
                problems.append(Problem(rule.file, test.line, 1, f"{rule.id}: {test.name}: {error}"))
    return problems
