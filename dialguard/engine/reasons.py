"""What a finding comes to in the public contract: the reason of a denial, or the duty of whoever goes on."""

from dialguard.engine import words
from dialguard.engine.judge import Engine, Finding
from dialguard.expr.outcome import PROHIBITED, needs
from dialguard.model.facts import Facts
from dialguard.packs.rule import TOPICS

KINDS = ("prohibited", "list_stale", "list_incomplete", "unknown_fact", "lookup_unavailable", "pack_stale", "rule_error",
         "invalid_input", "audit_unavailable", "clock_untrusted")  # fmt: skip
_TOPIC_ORDER = {topic: number for number, topic in enumerate(TOPICS)}
_PLUMBING = ("lookup_unavailable", "list_stale", "list_incomplete")

NOWHERE: dict[str, object] = {
    "rule": "number.invalid", "kind": "rule_error", "jurisdiction": "US", "topic": "number", "citation": None, "cures": [],
    "message": "The number lies in no place of the United States, and the rules on numbers do not speak of it.",
}  # fmt: skip


def reason(engine: Engine, facts: Facts, finding: Finding) -> dict[str, object]:
    """Why a rule denies: with certainty, or for want of which facts."""
    law, values = engine.law(finding), facts.values
    kind = engine.kind(finding, values)
    found: dict[str, object] = {
        "rule": law.rule.id,
        "kind": kind,
        "jurisdiction": law.rule.jurisdiction,
        "topic": law.rule.topic,
        "citation": law.citation,
        "message": words.sentence(law, values, finding.moment, engine.packs),
    }
    if kind != PROHIBITED:
        closed, vocabulary = engine.packs.closed, engine.packs.vocabulary
        missing = needs((law.condition, *law.reliefs), values, finding.moment, closed)
        faults = {facts.why[name] for name in missing if name in facts.why}
        found["kind"] = next((fault for fault in _PLUMBING if fault in faults), "unknown_fact")
        found["needs"] = sorted({vocabulary.asked(name) for name in missing})
        found["message"] = words.doubt(found["kind"], str(found["message"]))
    found["cures"] = list(law.relief_ids)
    if law.rule.disputed:
        found["status"] = "disputed"
    if law.rule.supersedes is not None:
        found["supersedes"] = law.rule.supersedes.rule
    if law.rule.confidence:
        found["confidence"] = law.rule.confidence
    return found


def obligation(engine: Engine, facts: Facts, finding: Finding) -> dict[str, object]:
    """What the dialer must do if it goes on, or vouch for."""
    law, values, packs = engine.law(finding), facts.values, engine.packs
    duty, params = law.rule.duty, dict(law.duty_params)
    message = law.rule.title
    if law.rule.kind == "prohibition":
        missing = needs((law.condition,), values, finding.moment, packs.closed)
        asked = sorted({packs.vocabulary.asked(name) for name in missing})
        message = f"{law.rule.title.rstrip('.')}: confirm {', '.join(asked)}."
        duty, params = duty or "confirm", params or {"facts": asked}
    found = {
        "rule": law.rule.id, "jurisdiction": law.rule.jurisdiction, "topic": law.rule.topic, "citation": law.citation,
        "message": message, "duty": duty, "params": params,
    }  # fmt: skip
    if law.rule.disputed:
        found["status"] = "disputed"
    if law.rule.confidence == "low":
        found["confidence"] = "low"
    return found


def broken(jurisdiction: str, error: str) -> dict[str, object]:
    """The reason of a denial because rules could not be judged."""
    return {
        "rule": "engine.error", "kind": "rule_error", "jurisdiction": jurisdiction, "topic": "other", "citation": None, "cures": [],
        "message": f"The rules of {jurisdiction} could not be judged ({error}); until they can be, the attempt is denied.",
    }  # fmt: skip


def plumbing(rule: str, kind: str, message: str) -> dict[str, object]:
    """The reason of a denial that no law gave."""
    return {"rule": rule, "kind": kind, "jurisdiction": "US", "topic": "other", "citation": None, "cures": [], "message": message}


def place_order(entry: dict[str, object]) -> tuple:
    """US before states, topics in the order of the law, then the id."""
    return (entry["jurisdiction"] != "US", entry["jurisdiction"], _TOPIC_ORDER.get(entry["topic"], 99), entry["rule"])


def reason_order(entry: dict[str, object]) -> tuple:
    """What is certain first, then what is missing; US before states, topics in the order of the law, then the id."""
    rank = {"prohibited": 0, "list_stale": 1, "list_incomplete": 1, "unknown_fact": 2}
    us = entry["jurisdiction"] != "US"
    return (rank.get(entry["kind"], 3), us, _TOPIC_ORDER.get(entry["topic"], 99), entry["rule"])
