"""From one rule of a file to a Rule: scope, shape, parameters by date, and the condition of each span of dates."""

from dataclasses import dataclass

from dialguard.expr.fold import settle_reliefs
from dialguard.expr.nodes import TRUE, Node, Test, conjunction, facts_read, negation
from dialguard.model.vocabulary import Vocabulary
from dialguard.packs import values
from dialguard.packs.conditions import Reader
from dialguard.packs.rule import FIRST_DAY, LAST_DAY, Rule, Span
from dialguard.packs.schema import RuleModel, ShapeModel
from dialguard.packs.yamlfile import Document, Path_, Problem, suggest

SCOPE = {
    "channels": "channel",
    "purposes": "campaign.purpose",
    "dialing": "campaign.dialing",
    "voice": "campaign.voice",
    "line_types": "line_type",
}


@dataclass(frozen=True)
class Surroundings:
    """What a rule may refer to."""

    vocabulary: Vocabulary
    shapes: dict[str, tuple[ShapeModel, Document]]
    calendars: frozenset[str]
    lists: frozenset[str]


def build(model: RuleModel, document: Document, path: Path_, jurisdiction: str, zone: str | None, around: Surroundings) -> tuple[Rule | None, list[Problem]]:
    """The rule, or None and what is wrong with it."""
    problems: list[Problem] = []

    def problem(where: Path_, message: str, hint: str = "") -> None:
        problems.append(document.problem((*path, *where), message, hint))

    _check_kind(model, problem)
    first = last = None
    try:
        first = values.iso_date(model.effective) if model.effective else None
        last = values.iso_date(model.ends) if model.ends else None
        if first and last and last < first:
            problem(("ends",), f"the rule ends ({model.ends}) before it takes effect ({model.effective})")
    except ValueError as error:
        problem(("effective",), str(error))
    shape = None
    if model.shape is not None:
        shape = around.shapes.get(model.shape)
        if shape is None:
            problem(("shape",), f"unknown shape `{model.shape}`", suggest(model.shape, around.shapes))
    spans: list[Span] = []
    if model.kind != "notice" and not problems:
        dated = _dated_parameters(model, shape[0] if shape else None, problem)
        for start, end, parameters, citation in _spans(model, first, last, dated):
            condition = _condition(model, document, path, shape, parameters, around, problems)
            duty = {key: _given(value, parameters) for key, value in (model.duty.params if model.duty else {}).items()}
            spans.append(Span(start, end, condition, parameters, duty, citation or model.citation))
            if problems:
                break
    if problems:
        return None, problems
    read = frozenset().union(*(facts_read(span.condition) for span in spans)) if spans else frozenset()
    return (
        Rule(
            id=model.id,
            title=model.title,
            topic=model.topic,
            kind=model.kind,
            jurisdiction=jurisdiction,
            status=model.status,
            citation=model.citation,
            confidence=model.confidence,
            effective=first,
            ends=last,
            spans=tuple(spans),
            message=model.message or (shape[0].message if shape else "") or model.title,
            file=document.file,
            line=document.positions.get(path, (1, 1))[0],
            sources=tuple(model.sources),
            relieves=tuple(model.relieves or ()),
            claim=model.claim,
            duty=model.duty.code if model.duty else None,
            deny_unknown=model.on_unknown == "deny",
            reads_asserted=frozenset(name for name in read if around.vocabulary.is_asserted(name)),
            values=model.values,
            note=model.note,
            not_covered=model.not_covered,
            supersedes=model.supersedes,
            tests=tuple(model.tests),
            zone=zone,
            scope=_first_values(model),
        ),
        [],
    )


def _first_values(model: RuleModel) -> dict[str, str]:
    if model.applies is None:
        return {}
    named = ((fact, getattr(model.applies, key)) for key, fact in SCOPE.items())
    return {fact: wanted[0] for fact, wanted in named if wanted != "any" and wanted}


def _check_kind(model: RuleModel, problem) -> None:
    decides = model.kind in ("prohibition", "obligation", "relief")
    if decides and model.applies is None:
        problem((), "`applies` is left out", "name channels, purposes, dialing, voice and line_types, each a list or `any`")
    if model.kind == "relief" and not model.relieves:
        problem((), "a relief names the rules that it relieves", "add relieves: [rule ids]")
    if model.kind != "relief" and (model.relieves or model.claim):
        problem(("relieves",) if model.relieves else ("claim",), f"`relieves` and `claim` belong to a relief, not to a {model.kind}")
    if model.kind == "obligation" and model.duty is None:
        problem((), "an obligation has a duty", "add duty: {code: .., params: {..}}")
    if model.on_unknown and model.kind != "prohibition":
        problem(("on_unknown",), "`on_unknown` belongs to a prohibition")
    if model.kind == "prohibition" and model.when is None and model.shape is None and model.unless is None:
        problem((), "a prohibition without `shape`, `when` or `unless` forbids everything that it applies to", "write when: {channel: [..]} if that is meant")
    if model.kind == "notice" and (model.when or model.unless or model.shape):
        problem((), "a notice decides nothing and has no conditions")


def _dated_parameters(model: RuleModel, shape: ShapeModel | None, problem) -> dict[str, list[tuple[int, object, str | None]]]:
    """Each parameter as (first ordinal, value, citation), in order."""
    dated: dict[str, list[tuple[int, object, str | None]]] = {}
    for name, value in model.parameters.items():
        if shape is not None and name not in shape.parameters and f"${name}" not in str(model.when) + str(model.unless) + str(model.duty):
            problem(("parameters", name), f"`{model.shape}` has no parameter `{name}`", suggest(name, shape.parameters))
        if isinstance(value, list) and value and all(isinstance(item, dict) and "value" in item for item in value):
            lines = []
            for index, item in enumerate(value):
                if set(item) - {"value", "from", "citation"}:
                    problem(("parameters", name, index), "a dated value has `from`, `value` and `citation`")
                try:
                    start = values.iso_date(item["from"]) if "from" in item else FIRST_DAY
                except ValueError as error:
                    problem(("parameters", name, index), str(error))
                    start = FIRST_DAY
                if lines and start <= lines[-1][0]:
                    problem(("parameters", name, index), "dated values stand in order, oldest first, each with its own date")
                lines.append((start, item["value"], item.get("citation")))
            dated[name] = lines
        else:
            dated[name] = [(FIRST_DAY, value, None)]
    for name, entry in (shape.parameters if shape else {}).items():
        if name not in dated:
            if "default" in entry:
                dated[name] = [(FIRST_DAY, entry["default"], None)]
            else:
                problem(("parameters",), f"the shape `{model.shape}` needs the parameter `{name}`")
    return dated


def _spans(model: RuleModel, first: int | None, last: int | None, dated) -> list[tuple[int, int, dict, str | None]]:
    if model.status == "vacated" or (model.status in ("pending", "stayed") and first is None):
        # Never in force, but its conditions are still checked: one span that holds no date.
        start, end = 2, 1
    else:
        start, end = first or FIRST_DAY, last or LAST_DAY
    cuts = sorted({start, *(line[0] for lines in dated.values() for line in lines if start < line[0] <= end)})
    spans = []
    for index, cut in enumerate(cuts):
        stop = cuts[index + 1] - 1 if index + 1 < len(cuts) else end
        chosen, citation = {}, None
        for name, lines in dated.items():
            current = [line for line in lines if line[0] <= cut]
            if current:
                chosen[name] = current[-1][1]
                citation = current[-1][2] or citation
            elif lines:
                chosen[name] = lines[0][1]
        spans.append((cut, stop, chosen, citation))
    return spans


def _given(value: object, parameters: dict) -> object:
    return parameters.get(value[1:], value) if isinstance(value, str) and value.startswith("$") else value


def _condition(model, document, path, shape, parameters, around: Surroundings, problems: list[Problem]) -> Node:
    reader = Reader(document, around.vocabulary, around.calendars, around.lists, parameters, problems)
    parts: list[Node] = []
    if model.applies is not None:
        for key, fact_name in SCOPE.items():
            wanted = getattr(model.applies, key)
            if wanted != "any":
                fact = around.vocabulary.get(fact_name)
                for index, item in enumerate(wanted):
                    if item not in fact.values:
                        problems.append(document.problem((*path, "applies", key, index), f"`{item}` is not one of {key}", suggest(item, fact.values)))
                if not wanted:
                    problems.append(document.problem((*path, "applies", key), f"`{key}` is empty", "name what it reaches, or `any`"))
                parts.append(Test(fact_name, "in", frozenset(wanted)))
    if shape is not None:
        shape_model, shape_document = shape
        inner = Reader(document, around.vocabulary, around.calendars, around.lists, parameters, [])
        parts.append(inner.condition(shape_model.when, (*path, "parameters")))
        problems.extend(inner.problems)
    if model.when is not None:
        parts.append(reader.condition(model.when, (*path, "when")))
    if model.unless is not None:
        parts.append(negation(reader.condition(model.unless, (*path, "unless"))))
    if model.claim:
        parts.append(Test("campaign.claims", "has_any", frozenset({model.id})))
    return settle_reliefs(conjunction(*parts) if parts else TRUE, around.vocabulary.relieves_only_if_stated, model.kind == "relief")
