"""The tests inside rule files: each example is judged by the reference meaning, and by any evaluator that is handed in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dialguard.expr.outcome import needs, outcome
from dialguard.expr.reference import evaluate
from dialguard.model.history import Entry, History
from dialguard.model.moment import NEVER, Clock, Moment
from dialguard.packs import values
from dialguard.packs.pack import Packs
from dialguard.packs.rule import Example, Rule

TEXTS = frozenset({"sms", "mms", "fax"})


@dataclass(frozen=True, slots=True)
class Failure:
    """One example whose answer is not the expected one, or that cannot be judged."""

    rule: str
    test: str
    file: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}  {self.rule}: {self.test}\n  {self.message}"


def run(packs: Packs, clock: Clock, rules: Iterable[Rule] | None = None) -> tuple[int, list[Failure]]:
    """Judge every example; the number judged, and those that failed."""
    number, failures = 0, []
    for rule in packs.rules if rules is None else rules:
        for test in rule.tests:
            number += 1
            try:
                found, missing = judge(packs, rule, test, clock)
            except ValueError as error:
                failures.append(Failure(rule.id, test.name, f"{rule.file}:{test.line}", str(error)))
                continue
            if found != test.expect:
                extra = f" (needs {', '.join(sorted(missing))})" if missing else ""
                failures.append(Failure(rule.id, test.name, f"{rule.file}:{test.line}", f"expected {test.expect}, found {found}{extra}"))
            elif test.needs is not None and sorted(test.needs) != sorted(missing):
                failures.append(
                    Failure(rule.id, test.name, f"{rule.file}:{test.line}", f"expected needs {sorted(test.needs)}, found {sorted(missing)}")
                )
    return number, failures


def judge(packs: Packs, rule: Rule, test: Example, clock: Clock, by: Callable[..., str] | None = None) -> tuple[str, frozenset[str]]:
    """The answer to one example and the facts that it wants; ValueError where the example makes no sense."""
    facts, moment = situation(packs, rule, test, clock)
    span = rule.span(moment.ordinal)
    if span is None:
        return "silent", frozenset()
    if rule.kind == "relief":
        value = evaluate(span.condition, facts, moment, packs.closed)
        missing = needs([span.condition], facts, moment, packs.closed)
        return {True: "relieves", None: "open", False: "silent"}[value], missing
    reliefs = conditions_of_reliefs(packs, rule, moment.ordinal)
    found = (by or outcome)(rule.kind, span.condition, reliefs, facts, moment, packs.closed, packs.vocabulary, rule.deny_unknown)
    if found == "silent":
        return found, frozenset()
    return found, needs([span.condition, *reliefs], facts, moment, packs.closed)


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
    if "channel" in test.given and "campaign.voice" not in test.given:
        facts["campaign.voice"] = _voice(facts["channel"], facts["campaign.voice"])
    if test.attempts == "unknown":
        facts.pop("history.attempts", None)
    else:
        facts["history.attempts"] = History(
            tuple(_entry(item, zone, clock) for item in test.attempts), complete_since=-(10**18), asked_at=moment.instant,
            subject=facts.get("campaign.subject"),
        )  # fmt: skip
    return facts, moment


def clean(packs: Packs, rule: Rule) -> dict[str, object]:
    """A clean and known person: lists clean, nothing held, nothing revoked; what `applies` names first."""
    vocabulary = packs.vocabulary
    facts: dict[str, object] = {}
    for name, fact in vocabulary.facts.items():
        if fact.absent is not None:
            facts[name] = frozenset(fact.absent) if fact.type == "set" else fact.absent
        elif fact.fact_class in ("store", "list") and not name.endswith("*"):
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
