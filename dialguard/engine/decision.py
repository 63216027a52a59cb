"""The answer to one attempt. The verdict is settled at once; reasons, obligations and times are worked out when read."""

import itertools
import os
from collections.abc import Callable, Mapping
from functools import cached_property

from msgspec import Struct

from dialguard.engine import recall
from dialguard.engine.judge import Engine, Judgement
from dialguard.engine.reasons import KINDS, NOWHERE, broken, reason_order
from dialguard.model.facts import Facts

_PREFIX = os.urandom(6).hex()
_NUMBERS = itertools.count(1)


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
            reason = recall.reason(self._engine, self._facts, finding)
            held = found.get(finding.rule)
            if held is not None and "needs" in held and "needs" in reason:  # in doubt in two zones
                held["needs"] = reason["needs"] = sorted({*held["needs"], *reason["needs"]})
            if held is None or KINDS.index(reason["kind"]) < KINDS.index(held["kind"]):
                found[finding.rule] = reason
        unjudged = [broken(jurisdiction, error) for jurisdiction, error in self._judgement.errors]
        if self._judgement.denied and not found and not unjudged:
            return [dict(NOWHERE)]
        return sorted([*found.values(), *unjudged], key=reason_order)

    @cached_property
    def obligations(self) -> list[dict[str, object]]:
        """What the dialer must do if it goes on; what asserted facts it must vouch for is among them."""
        return recall.duties(self._engine, self._facts, self._judgement)

    @property
    def obligation_ids(self) -> list[str]:
        """The rules of ``obligations``, in its order; cheap."""
        return recall.duty_ids(self._engine, self._facts, self._judgement)

    @property
    def retry_at(self) -> str | None:
        """The first moment at which time alone would cure a denial, RFC 3339 in the first place's zone; else None."""
        return None if self.allowed else self._time

    @property
    def valid_until(self) -> str | None:
        """An allow must not be used at or after this moment; None when none is in sight."""
        return self._time if self.allowed else None

    @cached_property
    def _time(self) -> str | None:
        instant = recall.time(self._engine, self._facts, self._judgement)
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
