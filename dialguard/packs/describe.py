"""One rule for a reader: its law, its condition in plain English, its reliefs in both directions, its examples."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from dialguard.expr import explain
from dialguard.model.moment import DAY
from dialguard.packs import remedies
from dialguard.packs.eventrule import EventRule
from dialguard.packs.pack import Packs
from dialguard.packs.rule import DECIDING, FIRST_DAY, LAST_DAY, Example, Rule, Span

_EFFECTS = {
    "prohibition": "A contact is denied when",
    "obligation": "The caller has the duty when",
    "relief": "The rules below are lifted when",
}
_STATUS = {
    "in_force": "in force", "pending": "not yet in force", "stayed": "stayed", "disputed": "disputed: on unless an operator switches it off",
    "repealed": "repealed", "vacated": "vacated, never applied",
}  # fmt: skip


def summary(rule: Rule) -> dict[str, object]:
    """The fields of a rule that ``rules list --json`` promises, and those that help to find one's way."""
    return {
        "id": rule.id,
        "kind": rule.kind,
        "topic": rule.topic,
        "jurisdiction": rule.jurisdiction,
        "status": rule.status,
        "citation": rule.citation,
        "effective": iso(rule.effective),
        "ends": iso(rule.ends),
        "file": rule.file,
        "line": rule.line,
        "title": rule.title,
        "confidence": rule.confidence,
        "relieves": list(rule.relieves),
        "relieved_by": list(rule.relieved_by),
        "supersedes": rule.supersedes.rule if rule.supersedes else None,
        "tests": len(rule.tests),
    }


def event_summary(rule: EventRule) -> dict[str, object]:
    """The same of an event rule, and what it hears and does."""
    return {
        "id": rule.id, "kind": "event", "topic": rule.topic, "jurisdiction": rule.jurisdiction, "status": "in_force", "citation": rule.citation,
        "effective": None, "ends": None, "file": rule.file, "line": rule.line, "title": rule.title, "on": list(rule.on),
        "where": {name: list(words) for name, words in rule.where}, "do": [str(effect) for effect in rule.do], "tests": len(rule.tests),
    }  # fmt: skip


def event_text(rule: EventRule) -> Iterator[str]:
    """An event rule as lines for a reader."""
    yield f"{rule.id}: {rule.title}"
    yield f"  event, {rule.topic}, {rule.jurisdiction}, in force"
    yield f"  law: {rule.citation or 'none; a rule of the house'}"
    yield from (f"  read at: {source}" for source in rule.sources)
    yield f"  file: {rule.file}:{rule.line}"
    asked = "".join(f", {name} {' or '.join(words)}" for name, words in rule.where)
    yield f"  When told: {' or '.join(rule.on)}{asked}"
    if rule.count:
        yield f"    and it is at least the {rule.count.at_least}. of the same {rule.count.per} within {rule.count.last / DAY:g} days"
    if rule.share:
        share = rule.share
        yield f"    and {share.of} is more than {share.above / 10_000:g} % of {' and '.join(share.among)} in the campaign's running period of"
        yield f"    {share.each / DAY:g} days, of which there are at least {share.from_}"
    yield f"  Then: {', '.join(map(str, rule.do))}"
    yield f"  says: {rule.message}"
    if rule.note:
        yield f"  note: {rule.note}"
    yield "  examples:"
    for test in rule.tests:
        yield f"    {test.name}: {', '.join(test.expect) or 'nothing'}"


def duties(packs: Packs) -> list[dict[str, object]]:
    """Each word of the vocabulary of duties: its meaning, the parameters that rules give it, and those rules by jurisdiction."""
    asked: dict[str, list[Rule]] = {}
    for rule in packs.rules:
        if rule.duty:
            asked.setdefault(rule.duty, []).append(rule)
    return [
        {
            "duty": word,
            "meaning": packs.vocabulary.duties.get(word, ""),
            "params": sorted(
                {key for rule in rules for span in rule.spans for key in span.duty_params} | ({"facts"} if word == "confirm" else set())
            ),
            "rules": {
                code: [rule.id for rule in rules if rule.jurisdiction == code]
                for code in dict.fromkeys(rule.jurisdiction for rule in rules)
            },
        }
        for word in sorted({*packs.vocabulary.duties, *asked})
        for rules in [asked.get(word, [])]
    ]


def duties_page(packs: Packs) -> Iterator[str]:
    """The same as a page in Markdown."""
    yield "# What rules ask of a caller"
    yield ""
    yield "A decision names under `obligations` what the caller must do if it goes on: `duty` is one of the words below, `params` say how,"
    yield "by the rule. Made by `dialguard rules duties`. This is not legal advice."
    yield ""
    yield "| duty | what to do | parameters | asked by |"
    yield "| --- | --- | --- | --- |"
    for each in duties(packs):
        rules: Mapping[str, list[str]] = each["rules"]
        told = ", ".join(
            f"{code}{f' ({len(ids)})' if len(ids) > 1 else ''}"
            for code, ids in sorted(rules.items(), key=lambda item: (item[0] != "US", item[0]))
        )
        params = ", ".join(f"`{name}`" for name in each["params"])
        yield f"| `{each['duty']}` | {each['meaning']} | {params} | {told or 'any rule, for facts that only the caller can know'} |"


def iso(ordinal: int | None) -> str | None:
    """An ordinal as ``2026-10-18``."""
    return date.fromordinal(ordinal).isoformat() if ordinal else None


def as_dict(packs: Packs, rule: Rule) -> dict[str, object]:
    """The whole rule as data."""
    return summary(rule) | {
        "sources": list(rule.sources),
        "spans": [
            {
                "from": iso(span.first) if span.first > FIRST_DAY else None,
                "until": iso(span.last) if span.last < LAST_DAY else None,
                "condition": explain.sentence(span.condition, packs.vocabulary),
                "parameters": dict(span.parameters),
                "duty": {"code": rule.duty, "params": dict(span.duty_params)} if rule.duty else None,
                "citation": span.citation,
            }
            for span in in_force(rule)
        ],
        "claim": rule.claim,
        "on_unknown": "deny" if rule.deny_unknown else None,
        "message": rule.message,
        "values": rule.values,
        "remedies": [remedies.as_data(each) for each in _remedies(packs, rule)],
        "note": rule.note,
        "not_covered": rule.not_covered,
        "examples": [
            {"name": test.name, "at": test.at, "zone": test.zone or rule.zone, "given": dict(test.given), "attempts": test.attempts, "expect": test.expect}
            for test in rule.tests
        ],
    }  # fmt: skip


def in_force(rule: Rule) -> list[Span]:
    """The spans that hold a date."""
    return [span for span in rule.spans if span.first <= span.last]


def as_text(packs: Packs, rule: Rule) -> Iterator[str]:
    """The whole rule as lines for a reader."""
    place = packs.names.get(rule.jurisdiction, rule.jurisdiction)
    yield f"{rule.id}: {rule.title}"
    yield f"  {rule.kind}, {rule.topic}, {place} ({rule.jurisdiction}), {_STATUS[rule.status]}"
    dates = f"from {iso(rule.effective) or 'as long as anyone needs'}" + (f" until {iso(rule.ends)}" if rule.ends else "")
    yield f"  {dates}; confidence {rule.confidence or 'not stated'}"
    yield f"  law: {rule.citation or 'none; a rule of the house'}"
    yield from (f"  read at: {source}" for source in rule.sources)
    yield f"  file: {rule.file}:{rule.line}"
    if rule.supersedes:
        told = rule.supersedes
        yield f"  stands in the place of {told.rule} from {iso(told.day)}: {told.citation}; {told.reason} ({told.approver})"
    yield ""
    yield from _law(packs, rule)
    yield from _others(packs, "Lifted by", rule.relieved_by)
    yield from _others(packs, "Lifts", rule.relieves)
    yield from _cost(packs, rule)
    if rule.values:
        yield "Values:"
        yield from (f"  {key}: {_value(value)}" for key, value in rule.values.items())
        yield ""
    if rule.kind != "notice":
        yield f"Message: {rule.message}"
    if rule.note:
        yield f"Note: {' '.join(rule.note.split())}"
    if rule.not_covered:
        yield f"Not covered: {' '.join(rule.not_covered.split())}"
    if rule.tests:
        yield ""
        yield f"Examples ({len(rule.tests)}), each from a clean known person:"
        yield from (f"  {line}" for test in rule.tests for line in _example(rule, test))


def _law(packs: Packs, rule: Rule) -> Iterator[str]:
    spans = in_force(rule)
    if rule.kind != "notice" and not spans:
        yield "It is in force on no date."
        yield ""
        spans = list(rule.spans[:1])
    for span in spans:
        if len(spans) > 1:
            first = iso(span.first) if span.first > FIRST_DAY else "the beginning"
            yield f"From {first}{f' until {iso(span.last)}' if span.last < LAST_DAY else ''} ({span.citation}):"
        head, *rest = explain.lines(span.condition, packs.vocabulary)
        yield f"{_EFFECTS[rule.kind]} {head}"
        yield from rest
        if rule.duty:
            yield f"  duty: {rule.duty} {_pairs(span.duty_params)}".rstrip()
        if span.parameters:
            yield f"  parameters: {_pairs(span.parameters)}"
        yield ""
    if rule.kind == "prohibition" and spans:
        unknown = (
            "an unknown fact denies"
            if rule.deny_unknown or not rule.reads_asserted
            else "an unknown fact denies, unless only the caller can know it"
        )
        yield f"When it cannot be settled: {unknown}."
        yield ""


def _others(packs: Packs, head: str, ids: tuple[str, ...]) -> Iterator[str]:
    if ids:
        yield f"{head}:"
        for other in ids:
            named = packs.by_id.get(other)
            claimed = " (when claimed)" if named is not None and named.claim else ""
            yield f"  {other}: {named.title if named else ''}{claimed}"
        yield ""


def _remedies(packs: Packs, rule: Rule) -> Sequence[remedies.Sought]:
    """Those for the breach of a rule; of a notice, its own."""
    return [remedies.Sought(rule, remedy) for remedy in rule.remedies] or packs.remedies.get(rule.id, ())


def _cost(packs: Packs, rule: Rule) -> Iterator[str]:
    told = _remedies(packs, rule)
    if rule.kind in DECIDING:
        yield "What a breach may cost, for one violation (an estimate, not advice):"
        for each in told:
            apart = "" if each.notice.jurisdiction == rule.jurisdiction else f"in {packs.names[each.notice.jurisdiction]}, "
            yield f"  {apart}{remedies.sentence(each)}"
        if not told:
            yield "  none is stated for this rule"
        yield ""
    elif rule.remedies:
        yield "Remedies:"
        for each in told:
            remedy = each.remedy
            yield f"  {remedies.sentence(each)}"
            apart = f", but not {', '.join(remedy.but_not)}" if remedy.but_not else ""
            yield f"    for {', '.join(remedy.reaches)}{apart}"
        yield ""


def _example(rule: Rule, test: Example) -> Iterator[str]:
    given = _pairs(test.given)
    where = f" {test.zone}" if test.zone and test.zone != rule.zone else ""
    yield f"{test.at}{where}  {test.name}: {test.expect}"
    if given:
        yield f"    given {given}"
    if test.attempts:
        earlier = test.attempts if isinstance(test.attempts, str) else "; ".join(_attempt(item) for item in test.attempts)
        yield f"    earlier attempts: {earlier}"
    if test.needs is not None:
        yield f"    needs {', '.join(test.needs) or 'nothing'}"


def _attempt(item: object) -> str:
    return _pairs(item) if isinstance(item, Mapping) else str(item)


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in values.items())


def _value(value: object) -> str:
    match value:
        case None:
            return "not stated"
        case bool():
            return str(value).lower()
        case list() | tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case Mapping():
            return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + "}"
    return str(value)
