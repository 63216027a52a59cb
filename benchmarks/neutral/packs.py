"""The neutral rules as rule files with a vocabulary of their own, and attempts as the facts of that vocabulary.

A rule that asks for one state stands in that state's file, all others in the federal one.
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

from benchmarks.neutral.rules import Attempt, Condition, Leaf, home, rules
from dialguard.facts.regions import STATES, state_zones
from dialguard.model.facts import Facts, Place
from dialguard.model.moment import SECOND, Instant
from dialguard.packs.load import Packs, load

NAMES = {
    "purpose": "campaign.purpose", "dialing_mode": "campaign.dialing", "consent": "consent.level", "abandon_ppm": "campaign.abandonment_rate",
}  # fmt: skip
CONSENT = ("none", "express", "express_written")
_SCOPE = {"channel": "channels", "purpose": "purposes", "dialing_mode": "dialing", "line_type": "line_types"}
_COMPARISONS = {"<": "below", "<=": "at_most", ">": "above", ">=": "at_least"}
_VOCABULARY = {
    "channel": ("choice", "required", ("voice", "sms")),
    "campaign.purpose": ("choice", "required", ("telemarketing", "informational", "collections", "political", "emergency")),
    "campaign.dialing": ("choice", "situational", ("manual", "predictive", "prerecorded")),
    "campaign.voice": ("choice", "situational", ("live",)),
    "line_type": ("choice", "situational", ("wireless", "landline", "voip")),
    "state": ("choice", "derived", tuple(sorted(STATES))),
    "local_dow": ("integer", "derived", ()),
    "local_minute": ("integer", "derived", ()),
    "local_mmdd": ("text", "derived", ()),
    "dnc_national": ("flag", "list", ()),
    "dnc_state": ("flag", "list", ()),
    "dnc_internal": ("flag", "store", ()),
    "consent.level": ("choice", "store", CONSENT),
    "consent_age": ("integer", "store", ()),
    "consent_revoked": ("flag", "store", ()),
    "ebr_purchase_days": ("integer", "store", ()),
    "ebr_inquiry_days": ("integer", "store", ()),
    "attempts_24h": ("integer", "store", ()),
    "attempts_7d": ("integer", "store", ()),
    "attestation": ("choice", "asserted", ("A", "B", "C", "N")),
    "caller_id_ok": ("flag", "asserted", ()),
    "campaign.abandonment_rate": ("rate", "asserted", ()),
    "reassigned": ("flag", "asserted", ()),
    "exempt_org": ("flag", "situational", ()),
}


def neutral_packs(folder: Path) -> Packs:
    """The 127 rules, written to ``folder`` as rule files and loaded from it."""
    write(folder, rules())
    return load(base=folder, cached=False)


def write(folder: Path, held: Mapping[str, Condition]) -> None:
    """Vocabulary and rule files of the rules."""
    facts = {
        name: {"type": kind, "class": role, "values": list(words), "ordered": name == "consent.level"}
        for name, (kind, role, words) in _VOCABULARY.items()
    }
    _dump(folder / "vocabulary.yaml", {"facts": facts})
    files: dict[str, list[dict[str, object]]] = {}
    for name, condition in held.items():
        jurisdiction, rule = _rule(name, condition)
        files.setdefault(jurisdiction, []).append(rule)
    for jurisdiction, entries in files.items():
        path = folder / ("federal" if jurisdiction == "US" else "states") / f"{jurisdiction.lower()}.yaml"
        _dump(path, {"jurisdiction": jurisdiction, "name": jurisdiction, "rules": entries})


def _dump(path: Path, data: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(data, sort_keys=False, default_flow_style=False), "utf-8")


def _rule(name: str, condition: Condition) -> tuple[str, dict[str, object]]:
    applies, when = {}, []
    for part in _flat(condition):
        fact, test, value = part if isinstance(part, tuple) else (None, None, None)
        if fact == "state" and test == "==":
            continue
        if fact in _SCOPE and test in ("==", "in"):
            applies[_SCOPE[fact]] = [value] if test == "==" else list(value)
        else:
            when.append(_condition(part))
    reach = dict.fromkeys(("channels", "purposes", "dialing", "voice", "line_types"), "any") | applies
    return home(condition), {
        "id": name, "title": name, "topic": "other", "kind": "prohibition", "citation": None, "status": "in_force",
        "applies": reach, "when": {"all": when},
    }  # fmt: skip


def _flat(condition: Condition) -> list[Condition]:
    if isinstance(condition, dict) and "all" in condition:
        return [part for item in condition["all"] for part in _flat(item)]
    return [condition]


def _condition(condition: Condition) -> dict[str, object]:
    if isinstance(condition, tuple):
        return _test(condition)
    ((join, below),) = condition.items()
    return {join: _condition(below) if join == "not" else [_condition(item) for item in below]}


def _test(leaf: Leaf) -> dict[str, object]:
    fact, test, value = leaf
    name = NAMES.get(fact, fact)
    if test == "!=":
        return {"not": _test((fact, "==", value))}
    if test == "in":
        return {name: [_word(fact, item) for item in value]}
    if test == "==":
        whole = isinstance(value, int) and not isinstance(value, bool) and fact != "consent"
        return {name: {"at_least": value, "at_most": value} if whole else _word(fact, value)}
    return {name: {_COMPARISONS[test]: _word(fact, value)}}


def _word(fact: str, value: object) -> object:
    """A value as rule files write it."""
    if fact == "consent":
        return CONSENT[value]
    if fact == "local_mmdd":
        return _day(value)
    if fact == "abandon_ppm":
        return f"{value / 10_000:g}%"
    return value


def _day(mmdd: int) -> str:
    return f"{mmdd // 100:02}-{mmdd % 100:02}"


def facts_of(attempt: Attempt, at: Instant) -> Facts:
    """An attempt as the engine takes it, placed in its state and that state's first zone."""
    values = {NAMES.get(name, name): value for name, value in attempt.items()}
    values["consent.level"] = CONSENT[attempt["consent"]]
    values["local_mmdd"] = _day(attempt["local_mmdd"])
    values["campaign.voice"] = None
    scope = (attempt["channel"], attempt["purpose"], attempt["dialing_mode"], None, None)
    place = Place(attempt["state"], state_zones(attempt["state"])[0])
    return Facts(values, at, (place,), scope)


def moments(number: int) -> list[Instant]:
    """That many instants, 7.9 s apart, within four hours of 2026-03-02 from 17:00 UTC."""
    start, hours = 1_772_470_800, 4 * 3600
    return [(start + int(step * 7.919) % hours) * SECOND for step in range(number)]
