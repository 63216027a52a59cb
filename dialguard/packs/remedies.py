"""What breaking a rule may cost: damages, penalties, and how long they may be sought, as notices say it. Nothing here decides.

A remedy belongs to a notice and names the rules that it reaches. Amounts are dollars for one violation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialguard.packs.rule import DECIDING, FIRST_DAY, LAST_DAY, Remedy, Rule
from dialguard.packs.yamlfile import Problem, suggest

if TYPE_CHECKING:  # a start from compiled rules needs no pydantic
    from dialguard.packs.reading import Entry
    from dialguard.packs.schema import RuleModel

BY = {
    "person": "the person called may sue", "regulator": "a regulator may act", "prosecutor": "an offence",
    "unstated": "who may seek it is not stated",
}  # fmt: skip
"""Who may seek a remedy, in words."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A remedy with the notice that it stands in."""

    notice: Rule
    remedy: Remedy

    @property
    def limitation_citation(self) -> str | None:
        """Where the period in which it may be sought stands."""
        return self.remedy.limitation_citation or (self.notice.citation if self.remedy.limitation_years else None)


def read(model: RuleModel) -> tuple[Remedy, ...]:
    """The remedies of a notice as written; a most that is left out is the least."""
    return tuple(
        Remedy(
            by=each.by, reaches=tuple(each.reaches), but_not=tuple(each.but_not), says=each.says, least_usd=each.least_usd,
            most_usd=each.least_usd if each.most_usd is None else each.most_usd, from_call=each.from_call,
            limitation_years=each.limitation_years, limitation_citation=each.limitation_citation,
        )
        for each in model.remedies
    )  # fmt: skip


def reaches(remedy: Remedy, rule: Rule) -> bool:
    """Whether a remedy is for the breach of a rule, or of the one in whose place that stands."""
    names = [rule.id] if rule.supersedes is None else [rule.id, rule.supersedes.rule]
    return rule.kind in DECIDING and any(_under(name, remedy.reaches) and not _under(name, remedy.but_not) for name in names)


def by_rule(rules: Sequence[Rule]) -> dict[str, tuple[Sought, ...]]:
    """The remedies for each rule: its own jurisdiction's first, those of people before others."""
    told = [Sought(notice, remedy) for notice in rules for remedy in notice.remedies]
    found = {rule.id: [each for each in told if reaches(each.remedy, rule)] for rule in rules if rule.kind in DECIDING}
    order = list(BY)
    return {
        rule.id: tuple(sorted(found[rule.id], key=lambda each: (each.notice.jurisdiction != rule.jurisdiction, order.index(each.remedy.by))))
        for rule in rules if found.get(rule.id)
    }  # fmt: skip


def at_home(found: Sequence[Sought], rule: Rule, ordinal: int) -> list[dict[str, object]]:
    """Those of the rule's own jurisdiction whose notice is law on a local date, as data: they hold wherever the person is."""
    return [
        as_data(each) for each in found
        if each.notice.jurisdiction == rule.jurisdiction and _stands(each.notice)
        and (each.notice.effective or FIRST_DAY) <= ordinal <= (each.notice.ends or LAST_DAY)
    ]  # fmt: skip


def as_data(each: Sought) -> dict[str, object]:
    """A remedy as data."""
    remedy, notice = each.remedy, each.notice
    return {
        "rule": notice.id, "jurisdiction": notice.jurisdiction, "by": remedy.by, "least_usd": remedy.least_usd, "most_usd": remedy.most_usd,
        "from_call": remedy.from_call, "says": remedy.says, "citation": notice.citation, "confidence": notice.confidence,
        "limitation_years": remedy.limitation_years, "limitation_citation": each.limitation_citation,
        "reaches": list(remedy.reaches), "but_not": list(remedy.but_not),
    }  # fmt: skip


def sentence(each: Sought) -> str:
    """A remedy in words: who, how much, what of it, how long, where it stands."""
    remedy, notice = each.remedy, each.notice
    since = f", from call {remedy.from_call} on" if remedy.from_call > 1 else ""
    years = remedy.limitation_years
    until = f"Within {years} year{'s' if years != 1 else ''} ({each.limitation_citation})." if years else "Limitation period not stated."
    doubtful = f", confidence {notice.confidence}" if notice.confidence != "high" else ""
    return f"{BY[remedy.by]}{since}: {amount(remedy.least_usd, remedy.most_usd)}. {remedy.says} {until} [{notice.citation}; {notice.id}{doubtful}]"


def amount(least: int | None, most: int | None) -> str:
    """The range for one violation in words."""
    if most is None:
        return "amount not stated"
    if least is None:
        return f"up to ${most:,}"
    return f"${least:,} to ${most:,}" if most > least else f"${least:,}"


def check(entries: Mapping[str, Entry], missing: bool) -> Iterator[Problem]:
    """What is wrong with remedies among the rules. ``missing``: some file could not be read, so that a rule not found may stand there."""
    deciding = {key: entry.jurisdiction for key, entry in entries.items() if entry.model.kind in DECIDING}
    for entry in entries.values():
        if "remedies" in entry.unread:
            continue
        for number, remedy in enumerate(entry.model.remedies):
            if entry.model.kind != "notice":
                yield entry.problem(("remedies",), f"`remedies` belong to a notice, not to a {entry.model.kind}")
                break
            least, most = remedy.least_usd, remedy.most_usd
            if least is not None and most is not None and most < least:
                yield entry.problem(("remedies", number, "most_usd"), f"the most ({most}) is below the least ({least})")
            if remedy.limitation_citation and remedy.limitation_years is None:
                yield entry.problem(("remedies", number, "limitation_citation"), "a citation without its `limitation_years`")
            for key in ("reaches", "but_not"):
                for place, name in enumerate(getattr(remedy, key)):
                    named = {where for other, where in deciding.items() if _under(other, (name,))}
                    if not named and not missing:
                        yield entry.problem(
                            ("remedies", number, key, place),
                            f"`{name}` is no rule that decides, nor the beginning of one",
                            suggest(name, deciding),
                        )
                    elif named - {entry.jurisdiction, "US", None}:
                        yield entry.problem(
                            ("remedies", number, key, place),
                            f"`{name}` is law of {', '.join(sorted(named))}",
                            "a remedy is for rules of its own jurisdiction, or of US",
                        )


def _stands(notice: Rule) -> bool:
    return notice.status in ("in_force", "disputed", "repealed") or (
        notice.status in ("pending", "stayed") and notice.effective is not None
    )


def _under(name: str, beginnings: Sequence[str]) -> bool:
    return any(name == beginning or name.startswith(f"{beginning}.") for beginning in beginnings)
