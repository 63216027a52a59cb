"""One rule in full: what it says, its law, its dates, what it does not cover, its examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dialguard.expr import explain
from dialguard.packs import remedies
from dialguard.packs.describe import in_force
from dialguard.packs.eventrule import EventRule
from dialguard.packs.pack import Packs
from dialguard.packs.rule import DECIDING, FIRST_DAY, LAST_DAY, Example, Rule, Span
from dialguard.pages.text import day, html, law, plain, says, since, to, value

KINDS = {
    "prohibition": "prohibition: it denies", "obligation": "obligation: the caller must do it", "relief": "relief: it lifts other rules",
    "notice": "notice: it decides nothing",
}  # fmt: skip
STATUS = {
    "in_force": "in force", "pending": "not yet in force", "stayed": "stayed", "repealed": "repealed", "vacated": "vacated",
    "disputed": "disputed: the courts or the regulators differ; on, unless an operator switches it off",
}  # fmt: skip
_HEADS = {"prohibition": "Denied when", "obligation": "Required when", "relief": "Lifted when"}


def rule(packs: Packs, one: Rule) -> Iterator[str]:
    """The rule as lines of Markdown, under a heading that others link to."""
    spans = in_force(one) or list(one.spans[:1])
    yield f"({one.id})="
    yield f"### {plain(one.title)}"
    yield ""
    yield f":Rule: `{one.id}`, {KINDS[one.kind]}"
    yield f":Law: {law(one)}{_sources(one.sources)}"
    yield f":Dates: {since(one)}; {STATUS[one.status]}"
    yield f":Confidence: {one.confidence or 'not stated'}"
    if one.duty:
        yield f":Duty: `{one.duty}`{''.join(f'; {_pairs(span.duty_params)}' for span in spans[-1:] if span.duty_params)}"
    if one.supersedes:
        told = one.supersedes
        yield f":Instead of: `{told.rule}` from {day(told.day)}, by {plain(told.approver)}: {plain(told.citation)}; {plain(told.reason)}"
    yield ""
    for span in spans:
        yield from _condition(packs, one, span, len(spans) > 1)
    if one.kind == "prohibition" and spans:
        open_ = (
            "" if one.deny_unknown or not one.reads_asserted else ", unless only the caller can know it: then the caller must confirm it"
        )
        yield f"What is not known denies{open_}."
        yield ""
    if one.kind == "relief" and one.claim:
        yield "Only when the caller claims it by its id: a person must have judged that it holds."
        yield ""
    yield from _named(packs, "Lifted by", one.relieved_by)
    yield from _named(packs, "Lifts", one.relieves)
    yield from _cost(packs, one)
    if (told := says(one, spans[-1] if spans else None)) != plain(one.title):
        yield f"**Says:** {told}"
        yield ""
    if one.values:
        yield from (f"- {plain(key.replace('_', ' '))}: {plain(value(found))}" for key, found in one.values.items())
        yield ""
    for head, text in (("Note", one.note), ("Does not cover", one.not_covered)):
        if text:
            yield f"**{head}:** {plain(text)}"
            yield ""
    if one.tests:
        yield from _examples(one)


def event(one: EventRule) -> Iterator[str]:
    """A rule of events as lines of Markdown."""
    yield f"({one.id})="
    yield f"### {plain(one.title)}"
    yield ""
    yield f":Rule: `{one.id}`, event rule"
    yield f":Law: {plain(one.citation) if one.citation else 'no law: a rule of the house'}{_sources(one.sources)}"
    asked = "".join(f", {name} {' or '.join(words)}" for name, words in one.where)
    yield f":When told: {plain(' or '.join(one.on) + asked)}"
    yield f":Then: {plain(', '.join(map(str, one.do)))}"
    yield ""
    yield f"**Says:** {plain(one.message)}"
    yield ""
    if one.note:
        yield f"**Note:** {plain(one.note)}"
        yield ""


def _sources(sources: tuple[str, ...]) -> str:
    if not sources:
        return ""
    return ", read at " + " ".join(f"[{number}](<{source}>)" for number, source in enumerate(sources, 1))


def _condition(packs: Packs, one: Rule, span: Span, dated: bool) -> Iterator[str]:
    head, *rest = explain.lines(span.condition, packs.vocabulary)
    when = ""
    if dated:
        first = day(span.first) if span.first > FIRST_DAY else "the beginning"
        when = f"From {first}{f' to {day(span.last)}' if span.last < LAST_DAY else ''} ({plain(span.citation or 'no citation')}): "
    yield f"**{when}{_HEADS[one.kind]}** {plain(head)}"
    yield ""
    for line in rest:
        text = line.lstrip()
        yield " " * (len(line) - len(text) - 2) + "- " + plain(text.removeprefix("- "))
    if rest:
        yield ""


def _named(packs: Packs, head: str, ids: tuple[str, ...]) -> Iterator[str]:
    if not ids:
        return
    yield f"**{head}**"
    yield ""
    for other in ids:
        named = packs.by_id.get(other)
        yield f"- {to(named)} (`{other}`){', when claimed' if named.claim else ''}" if named else f"- `{other}`"
    yield ""


def _cost(packs: Packs, one: Rule) -> Iterator[str]:
    """What a breach of the rule may cost; of a notice, its own remedies and for the breach of what."""
    told = packs.remedies.get(one.id, ()) if one.kind in DECIDING else [remedies.Sought(one, remedy) for remedy in one.remedies]
    if told:
        yield "**A breach may cost,** for one violation (an estimate):"
        yield ""
    for each in told:
        if one.kind in DECIDING:
            yield f"- {to(each.notice)} ({plain(packs.names[each.notice.jurisdiction])}): {plain(remedies.sentence(each))}"
        else:
            but = f", but not {_ids(packs, each.remedy.but_not)}" if each.remedy.but_not else ""
            yield f"- {plain(remedies.sentence(each))} For {_ids(packs, each.remedy.reaches)}{but}."
    if told:
        yield ""


def _ids(packs: Packs, ids: tuple[str, ...]) -> str:
    """Ids of rules, linked, or their beginnings."""
    return ", ".join(to(packs.by_id[name], name) if name in packs.by_id else f"`{name}` and what is below it" for name in ids)


def _examples(one: Rule) -> Iterator[str]:
    # One block of HTML without an empty line: seventeen thousand examples as Markdown tables take minutes.
    yield f'<details class="examples"><summary>{len(one.tests)} example{"s" if len(one.tests) > 1 else ""}</summary>'
    yield "<table><thead><tr><th>local time<th>situation<th>given<th>answer</thead><tbody>"
    yield from (_example(one, test) for test in one.tests)
    yield "</tbody></table></details>"
    yield ""


def _example(one: Rule, test: Example) -> str:
    zone = f" {test.zone}" if test.zone and test.zone != one.zone else ""
    given = [_pairs(test.given, escaped=False)] if test.given else []
    if test.attempts:
        earlier = test.attempts if isinstance(test.attempts, str) else "; ".join(value(item) for item in test.attempts)
        given.append(f"earlier attempts: {earlier}")
    needs = f", needs {', '.join(test.needs) or 'nothing'}" if test.needs is not None else ""
    cells = (test.at + zone, test.name, "; ".join(given), test.expect + needs)
    return "<tr>" + "".join(f"<td>{html(cell)}" for cell in cells)


def _pairs(values: Mapping[str, object], escaped: bool = True) -> str:
    told = ", ".join(f"{key} {value(found)}" for key, found in values.items())
    return plain(told) if escaped else told
