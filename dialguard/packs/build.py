"""From one rule of a file to a Rule: scope, shape, parameters by date, and the condition of each span of dates."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dialguard.expr.fold import settle_reliefs
from dialguard.expr.nodes import TRUE, Node, Test, conjunction, facts_read, negation
from dialguard.model.vocabulary import Vocabulary
from dialguard.packs import remedies, values
from dialguard.packs.conditions import OPEN, Reader
from dialguard.packs.examples import SCOPE, examples
from dialguard.packs.reading import Entry, Shape
from dialguard.packs.rule import FIRST_DAY, LAST_DAY, Rule, Span, Supersession
from dialguard.packs.schema import RuleModel
from dialguard.packs.yamlfile import Path_, Problem, shorten, suggest

MOST_DATES = 200
"""Dated values of one parameter."""

Tell = Callable[..., None]
"""(where in the rule, message, hint, the keys that it turns on) -> None."""


@dataclass(frozen=True)
class Surroundings:
    """What a rule may refer to."""

    vocabulary: Vocabulary
    shapes: Mapping[str, Shape]
    calendars: frozenset[str]
    lists: frozenset[str]


@dataclass(frozen=True)
class _Line:
    """One dated value of a parameter and where it stands."""

    first: int
    value: object
    citation: str | None
    path: Path_


def build(entry: Entry, around: Surroundings) -> tuple[Rule | None, list[Problem]]:
    """The rule, or None, and everything that is wrong with it."""
    problems: list[Problem] = []
    model = entry.model

    def tell(where: Path_, message: str, hint: str = "", about: tuple[str, ...] = ()) -> None:
        # What cannot be read is told already; nothing that turns on it is told besides.
        if entry.unread.isdisjoint(about):
            problems.append(entry.problem(where, message, hint))

    _check_kind(model, tell)
    first, last = (_date(model, key, tell) for key in ("effective", "ends"))
    if first and last and last < first:
        tell(("ends",), f"the rule ends ({model.ends}) before it takes effect ({model.effective})")
    shape = None
    if model.shape is not None:
        shape = around.shapes.get(model.shape)
        if shape is None:
            tell(("shape",), f"unknown shape `{model.shape}`", suggest(model.shape, around.shapes))
    known = model.shape is None or shape is not None
    dated = _dated_parameters(entry, shape, tell)
    spans: list[Span] = []
    if model.kind != "notice" or "kind" in entry.unread:
        for start, end, lines in _spans(model, first, last, dated):
            parameters = {name: line.value for name, line in lines.items()}
            condition = _condition(entry, shape, lines, around, problems, known)
            duty = _duty(model, parameters, tell, known)
            spans.append(Span(start, end, condition, parameters, duty, _latest_citation(lines, start) or model.citation))
    supersession = _supersession(entry, tell)
    if problems or entry.unread:
        return None, list(dict.fromkeys(problems))
    read = frozenset().union(*(facts_read(span.condition) for span in spans)) if spans else frozenset()
    return (
        Rule(
            id=model.id,
            title=model.title,
            topic=model.topic,
            kind=model.kind,
            jurisdiction=entry.jurisdiction or "",
            status=model.status,
            citation=model.citation,
            confidence=model.confidence,
            effective=first,
            ends=last,
            spans=tuple(spans),
            message=model.message or (shape.model.message if shape else "") or model.title,
            file=entry.document.file,
            line=entry.document.line(entry.path),
            sources=tuple(model.sources),
            relieves=tuple(model.relieves or ()),
            claim=model.claim,
            duty=model.duty.code if model.duty else None,
            deny_unknown=model.on_unknown == "deny",
            reads_asserted=frozenset(name for name in read if around.vocabulary.is_asserted(name)),
            values=model.values,
            remedies=remedies.read(model),
            note=model.note,
            not_covered=model.not_covered,
            supersedes=supersession,
            tests=examples(entry, around.vocabulary),
            zone=entry.zone,
            scope=_first_values(model),
            fingerprint=_fingerprint(entry, shape),
            operator=entry.operator,
        ),
        [],
    )


def _fingerprint(entry: Entry, shape: Shape | None) -> str:
    data = dict(entry.data)
    if isinstance(data.get("supersedes"), dict):
        data["supersedes"] = {key: value for key, value in data["supersedes"].items() if key != "confirm"}
    whole = [data, shape.model.model_dump(mode="json") if shape else None]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _first_values(model: RuleModel) -> dict[str, str]:
    if model.applies is None:
        return {}
    named = ((fact, getattr(model.applies, key)) for key, fact in SCOPE.items())
    return {fact: wanted[0] for fact, wanted in named if wanted != "any" and wanted}


def _date(model: RuleModel, key: str, tell: Tell) -> int | None:
    text = getattr(model, key)
    try:
        return values.iso_date(text) if text else None
    except ValueError as error:
        tell((key,), str(error))
        return None


def _supersession(entry: Entry, tell: Tell) -> Supersession | None:
    model = entry.model.supersedes
    if model is None:
        return None
    try:
        day = values.iso_date(model.date)
    except ValueError as error:
        tell(("supersedes", "date"), str(error))
        return None
    line = entry.document.line((*entry.path, "supersedes"))
    return Supersession(model.rule, model.citation, day, model.approver, model.reason, model.confirm, line)


def _check_kind(model: RuleModel, tell: Tell) -> None:
    decides = model.kind in ("prohibition", "obligation", "relief")
    if decides and model.applies is None:
        hint = "name channels, purposes, dialing, voice and line_types, each a list or `any`"
        tell((), "`applies` is left out", hint, ("kind", "applies"))
    if model.kind == "relief" and not model.relieves:
        tell((), "a relief names the rules that it relieves", "add relieves: [rule ids]", ("kind", "relieves"))
    if model.kind != "relief" and (model.relieves or model.claim):
        where = ("relieves",) if model.relieves else ("claim",)
        tell(where, f"`relieves` and `claim` belong to a relief, not to a {model.kind}", about=("kind",))
    if model.kind == "obligation" and model.duty is None:
        tell((), "an obligation has a duty", "add duty: {code: .., params: {..}}", ("kind", "duty"))
    if model.on_unknown and model.kind != "prohibition":
        tell(("on_unknown",), "`on_unknown` belongs to a prohibition", about=("kind",))
    if model.kind == "prohibition" and model.when is None and model.shape is None and model.unless is None:
        hint = "write when: {channel: [..]} if that is meant"
        tell(
            (),
            "a prohibition without `shape`, `when` or `unless` forbids everything that it applies to",
            hint,
            ("kind", "when", "shape", "unless"),
        )
    if model.kind == "notice" and (model.when or model.unless or model.shape):
        tell((), "a notice decides nothing and has no conditions", about=("kind",))


def _dated_parameters(entry: Entry, shape: Shape | None, tell: Tell) -> dict[str, list[_Line]]:
    """Each parameter as its dated values, oldest first."""
    dated: dict[str, list[_Line]] = {}
    for name, value in entry.model.parameters.items():
        path = ("parameters", name)
        if (
            isinstance(value, list)
            and value
            and all(isinstance(item, dict) for item in value)
            and any("value" in item or "from" in item for item in value)
        ):
            dated[name] = _lines(value, path, tell)
        else:
            dated[name] = [_Line(FIRST_DAY, value, None, path)]
    for name, declared in (shape.model.parameters if shape else {}).items():
        if name not in dated:
            if "default" in declared:
                dated[name] = [_Line(FIRST_DAY, declared["default"], None, ("shape",))]
            else:
                tell(("parameters",), f"the shape `{entry.model.shape}` needs the parameter `{name}`", about=("parameters",))
                dated[name] = [_Line(FIRST_DAY, OPEN, None, ("shape",))]
    return dated


def _lines(items: list, path: Path_, tell: Tell) -> list[_Line]:
    if len(items) > MOST_DATES:
        tell(path, f"`{path[-1]}` has {len(items):,} dated values", f"at most {MOST_DATES}")
    lines: list[_Line] = []
    for index, item in enumerate(items[:MOST_DATES]):
        here = (*path, index)
        for key in item:
            if key not in ("value", "from", "citation"):
                tell((*here, key), f"unknown key `{key}` in a dated value", suggest(key, ("value", "from", "citation")))
        if "value" not in item and not set(item) - {"from", "citation"}:
            tell(here, "a dated value has a `value`", "for example {from: 2026-01-01, value: 3, citation: ..}")
        citation = item.get("citation")
        if citation is not None and not isinstance(citation, str):
            tell((*here, "citation"), f"`citation` takes text, found {shorten(citation)}")
        start = FIRST_DAY
        if "from" in item:
            try:
                start = values.iso_date(item["from"])
            except ValueError as error:
                tell((*here, "from"), str(error))
                continue
        if lines and start <= lines[-1].first:
            tell(here, "dated values stand in order, oldest first, each with its own date")
        lines.append(_Line(start, item.get("value", OPEN), citation if isinstance(citation, str) else None, (*here, "value")))
    return lines or [_Line(FIRST_DAY, OPEN, None, path)]


def _spans(
    model: RuleModel, first: int | None, last: int | None, dated: Mapping[str, list[_Line]]
) -> list[tuple[int, int, dict[str, _Line]]]:
    """The spans of dates between changes of parameters, each with the values in force."""
    if model.status == "vacated" or (model.status in ("pending", "stayed") and first is None):
        # Never in force, but its conditions are still checked: one span that holds no date.
        start, end = 2, 1
    else:
        start, end = first or FIRST_DAY, last or LAST_DAY
    cuts = sorted({start, *(line.first for lines in dated.values() for line in lines if start < line.first <= end)})
    spans = []
    for index, cut in enumerate(cuts):
        stop = cuts[index + 1] - 1 if index + 1 < len(cuts) else end
        # Before its first date a parameter has its first value.
        chosen = {name: ([line for line in lines if line.first <= cut] or lines[:1])[-1] for name, lines in dated.items()}
        spans.append((cut, stop, chosen))
    return spans


def _latest_citation(lines: Mapping[str, _Line], day: int) -> str | None:
    cited = [line for line in reversed(lines.values()) if line.citation and line.first <= day]
    return max(cited, key=lambda line: line.first).citation if cited else None


def _duty(model: RuleModel, parameters: Mapping[str, object], tell: Tell, known: bool) -> dict[str, object]:
    found = {}
    for key, value in (model.duty.params if model.duty else {}).items():
        if isinstance(value, str) and value.startswith("$"):
            if value[1:] not in parameters and known:
                tell(("duty", "params", key), f"unknown parameter `{value}`", suggest(value[1:], parameters), ("parameters",))
            value = parameters.get(value[1:], value)
        found[key] = value
    return found


def _condition(
    entry: Entry, shape: Shape | None, lines: Mapping[str, _Line], around: Surroundings, problems: list[Problem], known: bool
) -> Node:
    model, document, path = entry.model, entry.document, entry.path
    parameters = {name: line.value for name, line in lines.items()}
    origins = {name: (*path, *line.path) for name, line in lines.items() if line.path != ("shape",)}
    found: list[Problem] = []
    reader = Reader(document, around.vocabulary, around.calendars, around.lists, parameters, found, origins)
    parts: list[Node] = []
    if model.applies is not None:
        for key, fact in SCOPE.items():
            wanted = getattr(model.applies, key)
            if wanted != "any":
                parts.append(Test(fact, "in", frozenset(wanted)))
    if shape is not None and shape.sound:
        inner = Reader(document, around.vocabulary, around.calendars, around.lists, parameters, found, origins, (*path, "shape"))
        parts.append(inner.condition(shape.model.when, (*path, "shape")))
    if model.when is not None:
        parts.append(reader.condition(model.when, (*path, "when")))
    if model.unless is not None:
        parts.append(negation(reader.condition(model.unless, (*path, "unless"))))
    if model.claim:
        # A relief that stands in the place of a shipped one holds for those who claim the old one too.
        claimed = {model.id, model.supersedes.rule} if model.supersedes else {model.id}
        parts.append(Test("campaign.claims", "has_any", frozenset(claimed)))
    # Without its shape or its parameters a rule lacks names that it may rightly use.
    unsure = not known or "parameters" in entry.unread
    problems.extend(problem for problem in found if not (unsure and problem.message.startswith("unknown parameter")))
    return settle_reliefs(conjunction(*parts) if parts else TRUE, around.vocabulary.relieves_only_if_stated, model.kind == "relief")
