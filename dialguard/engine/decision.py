"""The answer to one attempt. The verdict is settled at once; reasons, obligations and times are worked out when read."""

import itertools
import os
from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from msgspec import Struct
from msgspec.json import Encoder

from dialguard.engine import recall
from dialguard.engine.judge import Engine, Judgement
from dialguard.engine.leaning import leans_on
from dialguard.engine.memory import Told
from dialguard.engine.reasons import plumbing, reason_order
from dialguard.model.facts import Facts
from dialguard.model.kept import kept
from dialguard.packs.remedies import at_home

_PREFIX = os.urandom(6).hex()


class Form(NamedTuple):
    """A decision as JSON without what is its own: from the verdict to the rules that decided, and the evidence; ``zone`` is the one in which
    its moments are shown."""

    zone: str
    shared: bytes
    evidence: bytes
    named: bool
    """Whether the evidence names an entry of the person's."""
    outcome: tuple[str, str]
    """See ``Decision.outcome``."""


def _renew() -> None:
    global _PREFIX
    _PREFIX = os.urandom(6).hex()


os.register_at_fork(after_in_child=_renew)  # a child counts on from where its parent was
_NUMBERS = itertools.count(1)
_encode = Encoder().encode
_AMISS = {"audit_unavailable": "engine.audit", "clock_untrusted": "engine.clock", "pack_stale": "engine.packs"}
"""What a denial is ascribed to when it is not the law's."""


def new_id() -> str:
    """An id for a decision, which no other has."""
    return f"d-{_PREFIX}-{next(_NUMBERS):x}"


class Decision(Struct, eq=False, dict=True):
    """May this attempt go ahead, why, what must the caller do, and when could it instead.

    ``verdict`` is ``allow`` or ``deny``. The other fields are those of the public contract; ``as_dict`` gives all of them.
    """

    _engine: Engine
    _facts: Facts
    _judgement: Judgement
    attempt_id: str | None
    _gathered: Callable[[], Mapping[str, object]]
    reservation: Mapping[str, object] | None = None
    """``id`` and ``expires_at`` of the slot that was taken under the caps; None where none was."""
    _amiss: tuple[str, str] | None = None
    """Kind and message of what denies whatever the law says."""
    _form: Form | None = None
    """What others of which the law asks the same are told in JSON too; None: to be made."""
    called: str | None = None
    """The ten digits of the called number, where the answer was kept ready."""

    @kept
    def id(self) -> str:
        """Unique id of this decision."""
        return new_id()

    @property
    def allowed(self) -> bool:
        """Whether the verdict is allow."""
        return not self._judgement.denied and self._amiss is None

    @property
    def outcome(self) -> tuple[str, str]:
        """The verdict and, of a denial, the kind of its first reason."""
        form = self._form
        if form is not None and self._amiss is None:
            return form.outcome
        return self.verdict, "" if self.allowed else self.told.reasons[0]["kind"]

    @property
    def verdict(self) -> str:
        """``allow`` or ``deny``."""
        return "allow" if self.allowed else "deny"

    @property
    def facts(self) -> Facts:
        """What was judged; of an answer that was kept ready, what is no other's for any law."""
        return self._facts

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of the rules that denied, in no order and without their reasons; cheap."""
        return tuple(dict.fromkeys(finding.rule for finding in self._judgement.deny))

    @kept
    def told(self) -> Told:
        """Reasons and duties as they are kept; not to be changed."""
        told = recall.told(self._engine, self._facts, self._judgement)
        if self._amiss is None:
            return told
        kind, message = self._amiss
        found = sorted([*told.reasons, plumbing(_AMISS.get(kind, "engine.reservation"), kind, message)], key=reason_order)
        return Told(found, told.duties, told.start, told.end)

    @kept
    def reasons(self) -> list[dict[str, object]]:
        """Every rule that denied, the first being the one to show."""
        return [dict(reason) for reason in self.told.reasons]

    @kept
    def obligations(self) -> list[dict[str, object]]:
        """What the dialer must do if it goes on; what asserted facts it must vouch for is among them."""
        return recall.obligations(self._engine, self._facts, self._judgement, self.told.duties)

    @property
    def obligation_ids(self) -> list[str]:
        """The rules of ``obligations``, in its order; cheap."""
        return [rule for _, rule, _ in self.told.duties]

    @property
    def retry_at(self) -> str | None:
        """The first moment at which time alone would cure a denial, RFC 3339 in the first place's zone; else None."""
        return None if self.allowed else self.time

    @property
    def valid_until(self) -> str | None:
        """An allow must not be used at or after this moment; None when none is in sight."""
        return self.time if self.allowed else None

    @property
    def time(self) -> str | None:
        """``retry_at`` of a denial, ``valid_until`` of an allow."""
        if self._amiss is not None:
            return None
        instant = recall.time(self._engine, self._facts, self._judgement, self.told)
        return None if instant is None else self._shown(instant)

    def refused(self, kind: str, message: str) -> "Decision":
        """A denial in place of this decision, whatever the law says, under the same id and without a slot."""
        found = Decision(self._engine, self._facts, self._judgement, self.attempt_id, self._gathered, None, (kind, message))
        found.__dict__["id"] = self.id
        return found

    def reserve(self, name: str, lapses: int) -> None:
        """Note the slot that was taken, under which id and until when it is held."""
        self.reservation = {"id": name, "expires_at": self._shown(lapses)}

    def _shown(self, instant: int) -> str:
        places = self._facts.places
        return self._engine.clock.format_instant(instant, places[0].zone if places else "UTC")

    @property
    def at(self) -> str:
        """The moment judged."""
        return self._shown(self._facts.at)

    @kept
    def evidence(self) -> dict[str, object]:
        """What the answer rests on."""
        found = dict(self._gathered())
        if self._engine.disabled:
            found["switched_off"] = dict(self._engine.disabled)
        if self.allowed and (leaning := leans_on(self._engine, self._facts)):
            found["leans_on"] = leaning
        return found

    @property
    def exposure(self) -> list[dict[str, object]]:
        """An estimate of what this attempt might cost if it were made: of each rule that forbids it for certain, the remedies, which
        may be none, by the law of the first place's date. See ``packs/remedies.py``."""
        packs, told = self._engine.packs, [reason["rule"] for reason in self.told.reasons if reason["kind"] == "prohibited"]
        day = date.fromisoformat(self.at[:10]).toordinal()
        return [{"rule": rule, "remedies": at_home(packs.remedies.get(rule, ()), packs.by_id[rule], day)} for rule in told]

    @property
    def shared(self) -> Form | None:
        """What others are told in the same bytes of JSON; None where its JSON is its own, or names an entry of the person's."""
        form = self._form
        return None if form is None or form.named or self._amiss is not None else form

    @property
    def line_type(self) -> str | None:
        """``wireless``, ``landline``, ``voip`` or ``toll_free``; None where it was not known."""
        found = self._facts.values.get("line_type")
        return found if isinstance(found, str) else None

    @property
    def packs(self) -> str:
        """The digest of the rules that decided."""
        return self._engine.packs.digest

    def as_dict(self, *, texts: bool = True) -> dict[str, object]:
        """The decision as the public JSON; ``texts`` False gives of each obligation the rule's id alone."""
        return {
            "id": self.id,
            "attempt_id": self.attempt_id,
            "at": self.at,
            "verdict": self.verdict,
            "valid_until": self.valid_until,
            "reasons": self.reasons,
            "obligations": self.obligations if texts else self.obligation_ids,
            "retry_at": self.retry_at,
            **self._where(),
            "reservation": self.reservation,
            "evidence": self.evidence,
        }

    def as_json(self, *, texts: bool = True) -> bytes:
        """``as_dict`` as JSON; of neighbouring attempts what they share is written once."""
        form = self._form
        if form is None or texts or self._amiss is not None:
            form = self.form(texts=texts)
        elif form.named:
            form = form._replace(evidence=_encode(self.evidence))
        own = b"null" if self.reservation is None else _encode(self.reservation)
        return b'{"id":"%b","attempt_id":%b,"at":"%b",%b,"reservation":%b,"evidence":%b}' % (
            self.id.encode(), b"null" if self.attempt_id is None else _encode(self.attempt_id), self._engine.clock.format_instant(self._facts.at, form.zone).encode(), form.shared, own,
            form.evidence,
        )  # fmt: skip

    def form(self, *, texts: bool = False) -> Form:
        """All of the JSON that is not this decision's own."""
        told, time = self.told, self.time
        form = None if texts else told.encoded.get("codes")
        if form is None:
            form = _encode({
                "verdict": self.verdict, "valid_until": time if self.allowed else None, "reasons": told.reasons,
                "obligations": self.obligations if texts else self.obligation_ids, "retry_at": None if self.allowed else time,
            })[1:-1]  # fmt: skip
            if not texts:  # in texts there is what this attempt alone must vouch for
                told.encoded["codes"] = form
        evidence = self.evidence
        sources = evidence.get("places")
        held = told.placed  # attempts by their area code alone share the very object
        if held is None or held[0] is not sources:
            held = told.placed = sources, _encode(self._where())[1:-1]
        places = self._facts.places
        outcome = (self.verdict, "" if self.allowed else told.reasons[0]["kind"])
        return Form(places[0].zone if places else "UTC", b"%b,%b" % (form, held[1]), _encode(evidence), "consent" in evidence, outcome)

    def _where(self) -> dict[str, object]:
        """What was taken into account, and from what; by which law."""
        places, sources = self._facts.places, self.evidence.get("places", {})
        return {
            "jurisdictions": [{"state": state, "from": list(sources.get(state, ()))} for state in dict.fromkeys(p[0] for p in places)],
            "timezones": [{"zone": zone, "from": list(sources.get(zone, ()))} for zone in dict.fromkeys(p[1] for p in places)],
            "packs": self.packs,
        }

    def __repr__(self) -> str:
        first = f", {self.reasons[0]['rule']}" if self.reasons else ""
        return f"<Decision {self.verdict}{first}>"
