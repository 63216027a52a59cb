"""The answer to one attempt. The verdict is settled at once; reasons, obligations and times are worked out when read."""

import itertools
import os
from collections.abc import Callable, Mapping
from functools import cached_property

from msgspec import Struct

from dialguard.engine import words
from dialguard.engine.judge import Engine, Finding, Judgement
from dialguard.engine.search import retry_at, valid_until
from dialguard.expr.outcome import PROHIBITED, needs
from dialguard.model.facts import Facts
from dialguard.packs.rule import TOPICS

_PREFIX = os.urandom(6).hex()
_NUMBERS = itertools.count(1)
KINDS = ("prohibited", "list_stale", "list_incomplete", "unknown_fact", "lookup_unavailable", "pack_stale", "rule_error",
         "invalid_input", "audit_unavailable", "clock_untrusted")  # fmt: skip
_TOPIC_ORDER = {topic: number for number, topic in enumerate(TOPICS)}
_PLUMBING = ("lookup_unavailable", "list_stale", "list_incomplete")


_NOWHERE: dict[str, object] = {
    "rule": "number.invalid", "kind": "rule_error", "jurisdiction": "US", "topic": "number", "citation": None, "cures": [],
    "message": "The number lies in no place of the United States, and the rules on numbers do not speak of it.",
}  # fmt: skip


class Decision(Struct, eq=False, dict=True):
    """May this attempt go ahead, why, what must the caller do, and when could it instead.

    ``verdict`` is ``allow`` or ``deny``. The other fields are those of the public contract; ``as_dict`` gives all of them.
    """

    _engine: Engine
    _facts: Facts
    _judgement: Judgement
    attempt_id: str | None
    _gathered: Callable[[], Mapping[str, object]]

    @cached_property
    def id(self) -> str:
        """Unique id of this decision."""
        return f"d-{_PREFIX}-{next(_NUMBERS):x}"

    @property
    def allowed(self) -> bool:
        """Whether the verdict is allow."""
        return not self._judgement.denied

    @property
    def verdict(self) -> str:
        """``allow`` or ``deny``."""
        return "deny" if self._judgement.denied else "allow"

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of the rules that denied, in no order and without their reasons; cheap."""
        return tuple(dict.fromkeys(finding.rule for finding in self._judgement.deny))

    @cached_property
    def reasons(self) -> list[dict[str, object]]:
        """Every rule that denied, the first being the one to show."""
        found: dict[str, dict[str, object]] = {}
        for finding in self._judgement.deny:
            reason = self._reason(finding)
            held = found.get(finding.rule)
            if held is not None and "needs" in held and "needs" in reason:  # in doubt in two zones
                held["needs"] = reason["needs"] = sorted({*held["needs"], *reason["needs"]})
            if held is None or KINDS.index(reason["kind"]) < KINDS.index(held["kind"]):
                found[finding.rule] = reason
        broken = [_broken(jurisdiction, error) for jurisdiction, error in self._judgement.errors]
        if self._judgement.denied and not found and not broken:
            return [_NOWHERE]
        return sorted([*found.values(), *broken], key=_reason_order)

    def _reason(self, finding: Finding) -> dict[str, object]:
        law, values = self._engine.law(finding), self._facts.values
        kind = self._engine.kind(finding, values)
        reason: dict[str, object] = {
            "rule": law.rule.id,
            "kind": kind,
            "jurisdiction": law.rule.jurisdiction,
            "topic": law.rule.topic,
            "citation": law.citation,
            "message": words.sentence(law, values, finding.moment, self._engine.packs),
        }
        if kind != PROHIBITED:
            closed, vocabulary = self._engine.packs.closed, self._engine.packs.vocabulary
            missing = needs((law.condition, *law.reliefs), values, finding.moment, closed)
            faults = {self._facts.why[name] for name in missing if name in self._facts.why}
            reason["kind"] = next((fault for fault in _PLUMBING if fault in faults), "unknown_fact")
            reason["needs"] = sorted({vocabulary.asked(name) for name in missing})
            reason["message"] = words.doubt(reason["kind"], str(reason["message"]))
        reason["cures"] = list(law.relief_ids)
        if law.rule.disputed:
            reason["status"] = "disputed"
        if law.rule.supersedes is not None:
            reason["supersedes"] = law.rule.supersedes.rule
        if law.rule.confidence:
            reason["confidence"] = law.rule.confidence
        return reason

    @cached_property
    def obligations(self) -> list[dict[str, object]]:
        """What the dialer must do if it goes on; what asserted facts it must vouch for is among them."""
        found: dict[str, dict[str, object]] = {}
        for finding in self._judgement.oblige:
            if finding.rule not in found:
                found[finding.rule] = self._obligation(finding)
        return sorted(found.values(), key=_place_order)

    def _obligation(self, finding: Finding) -> dict[str, object]:
        law, values, packs = self._engine.law(finding), self._facts.values, self._engine.packs
        duty, params = law.rule.duty, dict(law.duty_params)
        message = law.rule.title
        if law.rule.kind == "prohibition":
            missing = needs((law.condition,), values, finding.moment, packs.closed)
            asked = sorted({packs.vocabulary.asked(name) for name in missing})
            message = f"{law.rule.title.rstrip('.')}: confirm {', '.join(asked)}."
            duty, params = duty or "confirm", params or {"facts": asked}
        return {
            "rule": law.rule.id, "jurisdiction": law.rule.jurisdiction, "topic": law.rule.topic, "citation": law.citation,
            "message": message, "duty": duty, "params": params,
        }  # fmt: skip

    @cached_property
    def retry_at(self) -> str | None:
        """The first moment at which time alone would cure a denial, RFC 3339 in the first place's zone; else None."""
        if self.allowed:
            return None
        instant = retry_at(self._engine, self._facts)
        return None if instant is None else self._shown(instant)

    @cached_property
    def valid_until(self) -> str | None:
        """An allow must not be used at or after this moment; None when none is in sight."""
        if not self.allowed:
            return None
        instant = valid_until(self._engine, self._facts)
        return None if instant is None else self._shown(instant)

    def _shown(self, instant: int) -> str:
        places = self._facts.places
        return self._engine.clock.format_instant(instant, places[0].zone if places else "UTC")

    @property
    def at(self) -> str:
        """The moment judged."""
        return self._shown(self._facts.at)

    @cached_property
    def evidence(self) -> dict[str, object]:
        """What the answer rests on."""
        found = dict(self._gathered())
        if self._engine.disabled:
            found["switched_off"] = dict(self._engine.disabled)
        return found

    def as_dict(self) -> dict[str, object]:
        """The decision as the public JSON."""
        places = self._facts.places
        sources = self.evidence.get("places", {})
        return {
            "id": self.id,
            "attempt_id": self.attempt_id,
            "at": self.at,
            "verdict": self.verdict,
            "valid_until": self.valid_until,
            "reasons": self.reasons,
            "obligations": self.obligations,
            "retry_at": self.retry_at,
            "reservation": None,
            "jurisdictions": [{"state": state, "from": list(sources.get(state, ()))} for state in dict.fromkeys(p[0] for p in places)],
            "timezones": [{"zone": zone, "from": list(sources.get(zone, ()))} for zone in dict.fromkeys(p[1] for p in places)],
            "packs": self._engine.packs.digest,
            "evidence": self.evidence,
        }

    def __repr__(self) -> str:
        first = f", {self.reasons[0]['rule']}" if self.reasons else ""
        return f"<Decision {self.verdict}{first}>"


def _broken(jurisdiction: str, error: str) -> dict[str, object]:
    return {
        "rule": "engine.error", "kind": "rule_error", "jurisdiction": jurisdiction, "topic": "other", "citation": None, "cures": [],
        "message": f"The rules of {jurisdiction} could not be judged ({error}); until they can be, the attempt is denied.",
    }  # fmt: skip


def _place_order(entry: dict[str, object]) -> tuple:
    return (entry["jurisdiction"] != "US", entry["jurisdiction"], _TOPIC_ORDER.get(entry["topic"], 99), entry["rule"])


def _reason_order(reason: dict[str, object]) -> tuple:
    rank = {"prohibited": 0, "list_stale": 1, "list_incomplete": 1, "unknown_fact": 2}
    us = reason["jurisdiction"] != "US"
    return (rank.get(reason["kind"], 3), us, _TOPIC_ORDER.get(reason["topic"], 99), reason["rule"])
