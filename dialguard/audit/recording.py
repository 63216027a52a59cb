"""Decisions of one guard on their way into the log: no allow leaves without its record."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from dialguard.audit.chain import Sharing
from dialguard.audit.errors import AuditUnavailable, LogError
from dialguard.audit.keys import Key
from dialguard.audit.log import DecisionLog, without_claims
from dialguard.audit.plain import Parts, moments_of
from dialguard.engine.decision import Decision
from dialguard.facts import clock
from dialguard.packs.pack import Packs
from dialguard.packs.sources import Source, shipped_rules


class Asked(Struct, frozen=True, gc=False):
    """An attempt, its decision and the decision's JSON; its campaign, as it was given or registered, and what is kept of that (None:
    nothing yet); whether a slot was asked for, whether event rules fed facts, and by what door, key and tenant it came."""

    attempt: Mapping[str, Any] | Struct | bytes
    decision: Decision
    json: bytes
    campaign: Mapping[str, Any] | None
    pieces: Mapping[str, str] | None
    reserve: bool
    events: bool
    by: Mapping[str, str | None] = {}


class Recording:
    """Records the decisions that are made by one set of rules, one feed and one store. Raises LogError and AuditUnavailable where
    the rule files cannot be kept."""

    asked = Asked

    def __init__(
        self, log: DecisionLog, packs: Packs, folders: Sequence[Path], feed: Path | None, store: str, files: Sequence[Source] | None = None
    ) -> None:
        self.log, self.store = log, store
        self._parts = Parts(log.numbers, store, log.door)
        self._pieces = {"rules": log.keep_rules(packs, shipped_rules(), folders, files)}
        if feed is not None:
            self._pieces["feed"] = log.keep(feed.read_bytes())

    def register(self, campaign: Mapping[str, Any]) -> Mapping[str, str]:
        """The pieces of the records of a registered campaign, for ``body``."""
        return self._pieces | {"campaign": self.log.keep(without_claims(campaign))}

    def body(self, asked: Asked, known_at: int) -> bytes:
        """A decision's record; see ``DecisionLog.body``."""
        return self.log.body(
            asked.attempt, asked.json, campaign=asked.campaign, known_at=known_at, store=self.store,
            pieces=asked.pieces or self._pieces, reserve=asked.reserve, events=asked.events, **asked.by,
        )  # fmt: skip

    def recorded(self, decided: Sequence[Asked], known_at: int) -> list[Decision] | None:
        """Records decisions together; None where that was done, else the denials in their places."""
        try:
            seals: dict[str, Key | None] = {}
            moments, covered = moments_of(clock.now(), known_at), self._covered(decided, seals)
            self.log.append(
                [self._plain(asked, moments, seals, cover) or self.body(asked, known_at) for asked, cover in zip(decided, covered, strict=True)]
            )
        except AuditUnavailable as error:
            return [unrecorded(asked.decision, error) for asked in decided]
        return None

    def _covered(self, decided: Sequence[Asked], seals: dict[str, Key | None]) -> Iterable[str | None]:
        """What stands in place of the called numbers where that was kept with them, all worked out in one step."""
        tenants = {asked.by.get("tenant", "default") for asked in decided}
        if self.log.numbers != "sealed" or len(tenants) != 1:
            return [None] * len(decided)
        (tenant,) = tenants
        key = seals[tenant] = self.log.seal_of(tenant)
        try:
            found = iter(key.cover(["+1" + asked.decision.called for asked in decided if asked.decision.called is not None]))
        except (LogError, ValueError) as error:
            raise _unmade(error) from error
        return [None if asked.decision.called is None else next(found) for asked in decided]

    def _plain(self, asked: Asked, moments: bytes, seals: dict[str, Key | None], covered: str | None) -> Sharing | None:
        """The same where it is put together from parts; ``seals`` are the tenants' keys that were asked for."""
        decision, campaign, by = asked.decision, asked.campaign, asked.by
        form = decision.shared
        if form is None or asked.pieces is None or type(asked.attempt) is not bytes or campaign.get("claims"):
            return None
        tenant = by.get("tenant", "default")
        seal = seals[tenant] if tenant in seals else seals.setdefault(tenant, self.log.seal_of(tenant))
        try:
            return self._parts.record(
                asked.attempt, asked.json, form, moments, seal, asked.pieces, campaign["seller"], asked.reserve, asked.events, by,
                decision.called, covered,
            )  # fmt: skip
        except (LogError, TypeError, ValueError) as error:
            raise _unmade(error) from error


def _unmade(error: Exception) -> AuditUnavailable:
    return AuditUnavailable(f"the decision could not be made a record: {error if isinstance(error, LogError) else type(error).__name__}")


def unrecorded(decision: Decision, error: AuditUnavailable) -> Decision:
    """A denial in the place of a decision that could not be recorded. A slot that it took lapses by itself."""
    return decision.refused("audit_unavailable", f"The decision could not be recorded ({error}); until it can be, the attempt is denied.")
