"""What rules are about, for a reader: the names of topics, what belongs together, and a page for each topic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dialguard.packs.pack import Packs
from dialguard.packs.rule import TOPICS, Rule
from dialguard.pages.text import in_force, law, page, place, plain, since, standing, table, to

NAMES = {
    "calling_hours": ("Calling hours", "When a person may be called or texted, on whose clock."),
    "holidays": ("Closed days", "Days on which nobody may be called."),
    "frequency": ("Caps on attempts", "How often one person may be called or texted."),
    "state_dnc": ("State do-not-call lists", "Lists that states keep, or the national registry by state law."),
    "federal_dnc": ("The national registry", "The national do-not-call registry: who may not be called, and how old a copy may be."),
    "internal_dnc": ("The seller's own list", "What a person's request to the seller itself does."),
    "consent": ("Consent", "Which contacts need whose consent, and in what form."),
    "autodialer": ("Autodialers", "Calls and texts placed by machines."),
    "prerecorded": ("Recorded voices", "Calls that play a recording."),
    "ringless_voicemail": ("Voicemail drops", "Messages left without a ring."),
    "sms": ("Texts", "What law speaks of texts alone."),
    "caller_id": ("Caller ID", "The number and the name that are shown."),
    "disclosure": ("Disclosures", "What has to be said, and when a call has to end."),
    "registration": ("Registration", "Licences, registrations and bonds of sellers and callers."),
    "recording": ("Recording calls", "Whose consent a recording needs."),
    "abandonment": ("Abandoned calls", "Calls that reach a person and no agent."),
    "revocation": ("Opting out", "What ends a permission, and what follows."),
    "reassigned": ("Reassigned and wrong numbers", "Numbers that came to somebody else."),
    "exemption": ("Exemptions", "Who or what is let off which rule. An exemption of a state reaches only that state's rules."),
    "recordkeeping": ("Records", "What has to be kept, and how long."),
    "emergency": ("Emergencies", "Declared emergencies and emergency lines."),
    "ai_voice": ("Artificial voices", "Voices made by machines, and machines that converse."),
    "carrier": ("Carriers' rules for texts", "Rules of carriers and their associations. They are not law; who breaks them is blocked."),
    "privacy": ("Privacy", "What the law of personal data asks of callers."),
    "other": ("Other rules, penalties and terms", "What belongs to no other topic; damages, penalties, periods of limitation."),
    "number": ("Numbers that cannot be called", "Numbers that are invalid, unassigned, abroad, or of emergency services."),
    "house": ("Rules of the house", "The operator's own rules. They are not law."),
}
"""Topic to its name and what it is about."""

SUBJECTS: dict[str, tuple[str, ...]] = {
    "Hours": ("calling_hours",),
    "Closed days and emergencies": ("holidays", "emergency"),
    "Caps on attempts": ("frequency",),
    "Do-not-call lists": ("state_dnc", "federal_dnc", "internal_dnc", "reassigned"),
    "Consent, machines and texts": ("consent", "autodialer", "prerecorded", "ai_voice", "ringless_voicemail", "sms"),
    "Registration": ("registration",),
    "Disclosures and caller ID": ("disclosure", "caller_id"),
    "Recording": ("recording",),
    "Opting out": ("revocation",),
    "Abandoned calls": ("abandonment",),
    "Records and privacy": ("recordkeeping", "privacy"),
    "Other duties": ("other", "carrier", "number", "house"),
    "Exemptions": ("exemption",),
}
"""How a jurisdiction's page is ordered."""
PENALTIES = "Penalties and terms"
"""Where notices of remedies, and on no topic of their own, stand."""


def file(topic: str) -> str:
    """The page of a topic."""
    return f"topic-{topic.replace('_', '-')}.md"


def subject(rule: Rule) -> str:
    """Under which heading of its jurisdiction's page a rule stands."""
    if rule.kind == "notice" and (rule.remedies or rule.topic == "other"):
        return PENALTIES
    return next(name for name, topics in SUBJECTS.items() if rule.topic in topics)


def ordered(rules: Sequence[Rule]) -> list[Rule]:
    """Rules as they stand in their files, topic by topic; federal law first."""
    return sorted(rules, key=lambda rule: (rule.jurisdiction != "US", rule.jurisdiction, TOPICS.index(rule.topic), rule.file, rule.line))


def topic(packs: Packs, name: str, on: int) -> str:
    """The page of one topic: every rule with its law and dates, jurisdiction by jurisdiction."""
    title, about = NAMES[name]
    rules = ordered([rule for rule in packs.rules if rule.topic == name])
    now, other = ([rule for rule in rules if in_force(rule, on) is state] for state in (True, False))
    lines = [about, "", *_rows(packs, now)] if now else [about, "", "No rule of this topic is in force.", ""]
    if other:
        lines += ["## Not in force", "", "Repealed, stayed, not yet in force, or never applied.", "", *_rows(packs, other)]
    return page(title, lines)


def _rows(packs: Packs, rules: list[Rule]) -> Iterator[str]:
    yield from table(("Where", "Rule", "Law", "Dates"), (_row(packs, rule) for rule in rules), "rules")


def _row(packs: Packs, rule: Rule) -> tuple[str, str, str, str]:
    what = to(rule) + f"<br>`{rule.id}`"
    if doubt := standing(rule):
        what += f" ({doubt})"
    if rule.not_covered:
        what += f"<br>Does not cover: {plain(rule.not_covered)}"
    return place(packs, rule.jurisdiction), what, law(rule), since(rule).replace(" to ", "<br>to ")
