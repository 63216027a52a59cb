"""The JSON Schema of a rule file, for editors: keys, words and facts as one types them. The checker knows more.

``docs/rule-file.schema.json`` is this schema; ``dialguard rules schema`` prints it.
"""

from collections.abc import Iterable, Mapping

from dialguard.model import vocabulary as vocabularies
from dialguard.model.vocabulary import Fact, Vocabulary
from dialguard.packs import yamlfile
from dialguard.packs.examples import SCOPE
from dialguard.packs.conditions import COUNT_FIELDS
from dialguard.packs.rule import TOPICS
from dialguard.packs.schema import RuleFile
from dialguard.packs.sources import shipped_rules

Schema = dict[str, object]

_PARAMETER = {"$ref": "#/$defs/parameter"}
_PERIOD = {"$ref": "#/$defs/period"}
_WINDOWS = {"$ref": "#/$defs/windows"}
_DATE = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_LOCAL = {"type": "string", "pattern": r"^(never|\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?)$"}
_RATE = {"type": "string", "pattern": r"^\d+(\.\d{1,4})?%$"}


def rule_file_schema(vocabulary: Vocabulary | None = None) -> Schema:
    """The schema of one rule file, with the facts of the vocabulary (the shipped one)."""
    if vocabulary is None:
        vocabulary = vocabularies.load(yamlfile.read(shipped_rules() / "vocabulary.yaml").data)
    schema = RuleFile.model_json_schema()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "DialGuard rule file"}
    defs: dict[str, Schema] = schema["$defs"]
    condition = {"anyOf": [{"$ref": "#/$defs/condition"}, {"type": "null"}], "default": None}
    rule = defs["RuleModel"]["properties"]
    rule["topic"] = {"enum": list(TOPICS)}
    rule["when"] = condition | {"description": "Conditions that must hold, besides the shape's."}
    rule["unless"] = condition | {"description": "Conditions that must not hold."}
    for key, fact in SCOPE.items():
        words = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": list(vocabulary.get(fact).values)}}
        defs["Reach"]["properties"][key] = words | {"description": vocabulary.get(fact).meaning}
        defs["Applies"]["properties"][key] = {"anyOf": [words, {"const": "any"}], "description": vocabulary.get(fact).meaning}
    tests = defs["RuleTest"]["properties"]
    tests["given"], tests["week"] = {"$ref": "#/$defs/given"}, {"$ref": "#/$defs/windows"}
    defs |= {
        "parameter": {"type": "string", "pattern": r"^\$[A-Za-z_][A-Za-z0-9_]*$", "description": "The value of a parameter of the rule."},
        "period": _period(("years", "months", "days", "hours", "minutes")),
        "windows": _windows(),
        "condition": _object(_words(), vocabulary, _tests),
        "given": _object({}, vocabulary, _example),
    }
    defs["condition"]["minProperties"] = 1
    return schema


def _object(words: Mapping[str, Schema], vocabulary: Vocabulary, of) -> Schema:
    """A mapping whose keys are facts, beside some words."""
    properties, families = dict(words), {}
    for name, fact in vocabulary.facts.items():
        if fact.type == "attempts":
            continue
        described = of(fact, vocabulary) | {"description": fact.meaning}
        if name.endswith(".*"):
            families["^" + name[:-2].replace(".", r"\.") + r"\.[A-Za-z0-9_$-]+$"] = described
        else:
            properties[name] = described
    return {"type": "object", "properties": properties, "patternProperties": families, "additionalProperties": False}


def _words() -> dict[str, Schema]:
    several = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/condition"}}
    inside = {"anyOf": [_WINDOWS, _PARAMETER]}
    field = {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, _operators(("not", {"type": ["string", "array"]}))]
    }
    count = {
        "at_least": {"anyOf": [{"type": "integer", "minimum": 1}, _PARAMETER]},
        "last": {"anyOf": [_period(("days", "hours", "calendar_days")), _PARAMETER]},
        "per": {"enum": ["person", "number", "debt"]},
        "where": {"type": "object", "properties": dict.fromkeys(COUNT_FIELDS, field), "additionalProperties": False},
    }
    return {
        "any": several | {"description": "One of the conditions holds."},
        "all": several | {"description": "All of the conditions hold."},
        "not": {"$ref": "#/$defs/condition", "description": "The condition does not hold."},
        "local_time": {
            "type": "object",
            "properties": {"within": inside, "outside": inside, "clock": {"type": "string", "description": "called_party, UTC-06:00 or a parameter"}},
            "additionalProperties": False,
            "oneOf": [{"required": ["within"]}, {"required": ["outside"]}],
            "description": "The called party's clock, or the fixed one that the law names.",
        },
        "closed_day": {"type": "string", "description": "The local date is a closed day of this calendar."},
        "count": {
            "type": "object", "properties": count, "required": ["at_least", "last"], "additionalProperties": False,
            "description": "That many earlier attempts were made.",
        },
    }  # fmt: skip


def _tests(fact: Fact, vocabulary: Vocabulary) -> Schema:
    """What a condition may ask of a fact."""
    known = ("known", {"type": "boolean"})
    match fact.type:
        case "flag":
            return _any({"type": "boolean"}, {"type": "array", "minItems": 1, "items": {"type": "boolean"}}, _operators(known))
        case "choice":
            word = _word(fact)
            ordered = [(name, _any(word, _PARAMETER)) for name in ("at_least", "at_most", "above", "below")] if fact.ordered else []
            return _any(word, _PARAMETER, {"type": "array", "minItems": 1, "items": word}, _operators(*ordered, known))
        case "text":
            return _any({"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}, _operators(known))
        case "set":
            several = _any(_word(fact), _PARAMETER, {"type": "array", "minItems": 1, "items": _word(fact)})
            return _operators(("has", several), ("has_any", several), known)
        case "windows":
            return _operators(("open", {"const": True}), known)
        case "moment" | "date":
            others = [name for name, other in vocabulary.facts.items() if other.type == fact.type and other is not fact]
            other = _any(_DATE, _PARAMETER, {"enum": others})
            period = _any(_PERIOD, _PARAMETER)
            return _operators(
                ("within", period), ("older_than", period), ("before", other), ("after", other), ("came", {"const": True}), known
            )
    value = _RATE if fact.type == "rate" else {"type": "integer"}
    return _operators(*((name, _any(value, _PARAMETER)) for name in ("at_least", "at_most", "above", "below")), known)


def _example(fact: Fact, vocabulary: Vocabulary) -> Schema:
    """How an example writes a fact."""
    plain = {
        "flag": {"type": "boolean"}, "choice": _word(fact), "text": {"type": "string"}, "integer": {"type": "integer"}, "rate": _RATE,
        "set": _any(_word(fact), {"type": "array", "items": _word(fact)}), "windows": _WINDOWS, "moment": _LOCAL, "date": _LOCAL,
    }  # fmt: skip
    return _any(plain[fact.type], {"const": "unknown"})


def _word(fact: Fact) -> Schema:
    return {"enum": list(fact.values)} if fact.values else {"type": "string"}


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _operators(*pairs: tuple[str, Schema]) -> Schema:
    return {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": dict(pairs)}


def _period(units: Iterable[str]) -> Schema:
    number = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": dict.fromkeys(units, number),
    }


def _windows() -> Schema:
    span = {"type": "string", "pattern": r"^\d{2}:\d{2}(:\d{2})?-\d{2}:\d{2}(:\d{2})?$"}
    day = "(mon|tue|wed|thu|fri|sat|sun)"
    return {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "patternProperties": {f"^(every_day|{day}(-{day})?)$": _any(span, {"type": "array", "items": span}, {"enum": ["none", "all_day"]})},
        "description": "Half-open windows by day; days left out are closed.",
    }
