"""Recorded decisions made again: on the law and the knowledge of their moment, or on other law."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dialguard.audit.errors import LogError
from dialguard.audit.kept import Kept
from dialguard.audit.reading import Reader, Record
from dialguard.audit.text import decode, encode
from dialguard.facts import clock
from dialguard.packs.pack import Packs
from dialguard.packs.yamlfile import PackError

COMPARED = ("verdict", "reasons", "obligations", "retry_at", "valid_until")
_PLUMBING = frozenset({"lookup_unavailable", "rule_error", "clock_untrusted", "audit_unavailable", "pack_stale"})

MakeGuard = Callable[..., Any]
"""A Guard of some packs: ``make(packs=..., no_store=..., disable=...)``."""


class Outcome(NamedTuple):
    """What became of one replay. ``same`` None: it could not be, and ``why`` says so. ``differs`` holds, for each field that is not
    the same, what was recorded and what comes out."""

    id: str
    same: bool | None
    why: str | None
    differs: dict[str, tuple[Any, Any]]


class Replayer:
    """Makes decisions again; ``packs`` None: each on the rules that decided it, kept in the log."""

    def __init__(self, reader: Reader, make: MakeGuard, packs: Packs | None = None) -> None:
        self.reader, self._make, self._packs = reader, make, packs
        self._rules: dict[str, Packs] = {}
        self._guards: dict[tuple, Any] = {}
        self._campaigns: dict[int, dict[str, str]] = {}

    def again(self, record: Record) -> Outcome:
        """One decision made again."""
        was = record.body["decision"]
        try:
            body, notes = self.reader.whole(record)
            if notes:
                raise LogError("; ".join(notes))
            found = plain(self._decide(body))
        except (LogError, PackError, ValueError) as error:
            return Outcome(was["id"], None, f"{error}".splitlines()[0], {})
        was = body["decision"]
        if was["obligations"] and isinstance(was["obligations"][0], str):  # recorded without their texts
            found["obligations"] = [each["rule"] for each in found["obligations"]]
        differs = {name: (was[name], found[name]) for name in COMPARED if was[name] != found[name]}
        faults = sorted({str(reason["kind"]) for reason in was["reasons"]} & _PLUMBING)
        if differs and faults:
            return Outcome(was["id"], None, f"something was out of order when it was decided ({', '.join(faults)})", {})
        if differs and body["reserve"] and was["verdict"] == "deny":
            return Outcome(was["id"], None, "slots that others held then may have been counted, and these are not kept", {})
        if differs and body["events"]:
            return Outcome(was["id"], None, "event rules fed facts that are not kept", {})
        return Outcome(was["id"], not differs, None, differs)

    def _decide(self, body: dict[str, Any]) -> Mapping[str, Any]:
        guard = self._guard(body)
        attempt, campaign = body["attempt"], body.get("campaign")
        named = attempt.get("campaign")
        if isinstance(named, str) and campaign is not None:
            known = self._campaigns.setdefault(id(guard), {})
            digest = encode(campaign).decode()
            if known.get(named) != digest:
                guard.add_campaign({**campaign, "id": named})
                known[named] = digest
        elif campaign is not None:
            attempt["campaign"] = campaign
        feed = body["kept"].get("feed")
        guard.look_back(clock.parse_instant(body["known_at"]), self.reader.kept.path(feed) if feed is not None else None)
        return guard.check({**attempt, "at": body["decision"]["at"], "reserve": False}).as_dict()

    def _guard(self, body: dict[str, Any]) -> Any:
        switched_off = body["decision"]["evidence"].get("switched_off", {})
        rules = body["kept"].get("rules") if self._packs is None else "given"
        if rules is None:
            raise LogError("the rule files that decided it were not kept")
        key = (rules, body["store"] == "none", *sorted(switched_off.items()))
        if key not in self._guards:
            packs = self._packs if self._packs is not None else self._of(rules, self.reader.kept)
            known = {rule: reason for rule, reason in switched_off.items() if self._packs is None or rule in packs.by_id}
            self._guards[key] = self._make(packs=packs, no_store=body["store"] == "none", disable=known)
        return self._guards[key]

    def _of(self, rules: str, kept: Kept) -> Packs:
        if rules not in self._rules:
            self._rules[rules] = kept.rules(rules)
        return self._rules[rules]


def plain(decision: Mapping[str, Any]) -> dict[str, Any]:
    """A decision as it reads once it has been JSON."""
    return decode(encode(dict(decision)))


def law_changes(outcome: Outcome) -> tuple[list[str], list[str]]:
    """The rules that deny now and did not, and those that denied and do not now."""
    was, now = outcome.differs.get("reasons", ([], []))
    before, after = {str(reason["rule"]) for reason in was}, {str(reason["rule"]) for reason in now}
    return sorted(after - before), sorted(before - after)
