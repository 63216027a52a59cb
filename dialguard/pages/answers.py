"""The page on what a decision says: the kinds of reasons, and every duty with the rules that impose it."""

from __future__ import annotations

from dialguard.engine.reasons import KINDS
from dialguard.packs.pack import Packs
from dialguard.pages import text
from dialguard.pages.text import page, plain, to

MEANINGS = {
    "prohibited": ("law", "The condition of the rule is met for certain, and nothing can lift it."),
    "unknown_fact": ("law", "The rule may forbid the contact; `needs` names the facts that would settle it."),
    "list_stale": ("your data", "A list is at hand, but older than the law allows: import the current version."),
    "list_incomplete": ("your data", "No version of the list that is in force covers the number: import it."),
    "lookup_unavailable": ("this system", "The store, or what the events feed, did not answer."),
    "pack_stale": ("this system", "The rules in force could not be renewed for longer than is allowed."),
    "rule_error": ("this system", "Rules could not be judged."),
    "invalid_input": ("your data", "The attempt cannot be read; every field at fault is named."),
    "audit_unavailable": ("this system", "The decision could not be recorded, so that it is no allow."),
    "clock_untrusted": ("this system", "The system's clock is in doubt, and with it every hour and date."),
}
"""Kind of a reason to whose matter it is and what it means."""


def answers(packs: Packs) -> str:
    """The page."""
    lines = [
        "A decision is `allow` or `deny`. A denial gives all its reasons, the first being the one to show; an allow may bear obligations. "
        "Nothing but an allow permits a contact: an error, a timeout or an answer that cannot be read is a denial.", "", "## Kinds of reasons", "",
    ]  # fmt: skip
    rows = ((f"`{kind}`", MEANINGS[kind][1], MEANINGS[kind][0]) for kind in KINDS)
    lines += text.table(("Kind", "Meaning", "A matter of"), rows, "days")
    lines += ["A reason names its rule by id; each rule has its place on these pages. Errors of the service have codes of their own: "
              "[HTTP interface](../docs/http-api.md).", "", "## Duties", "",
              "What an obligation asks of the caller, by the code that it bears. `confirm` is the duty of a rule whose facts only the caller "
              "can know.", ""]  # fmt: skip
    duties: dict[str, list[str]] = {}
    for rule in packs.rules:
        if rule.duty:
            duties.setdefault(rule.duty, []).append(f"{plain(rule.jurisdiction)}: {to(rule)}")
    meanings = packs.vocabulary.duties
    told = ((f"`{duty}`<br>{plain(meanings.get(duty, ''))}", "<br>".join(duties.get(duty, ()))) for duty in sorted({*meanings, *duties}))
    lines += text.table(("Duty", "Rules"), told, "duties")
    return page("What a decision says", lines)
