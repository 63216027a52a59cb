"""What a campaign manager wants to see of a screened list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import numpy as np

from dialguard.model.moment import DAY, EPOCH_ORDINAL
from dialguard.packs.remedies import at_home
from dialguard.screening.answers import Answer
from dialguard.screening.screen import Screened, Screener

SHOWN = 12
"""Lines of a table shown to a reader; the rest is summed up. The JSON has all."""

_FIGURES = re.compile(r"(?<=Area code )\d+|(?<=country code \+)\d+|(?<=The number has )\d+(?= digits)|(?<=The text has )\d+")
"""What makes one problem look like many."""


class Summary:
    """Counts over the rows of a screen. Every row is in exactly one of callable now, callable later, not callable,
    duplicate and unusable; ``failed`` are those of the unusable that an error of the program has denied."""

    def __init__(self, screener: Screener) -> None:
        self._screener = screener
        self.rows = self.duplicates = self.unusable = self.failed = 0
        self.problems: Counter[str] = Counter()
        self._counts = np.zeros(0, np.int64)

    def add(self, rows: Screened) -> None:
        """Count some rows."""
        answers, problems = self._screener.answers, self._screener.problems
        self.rows += len(rows)
        usable = rows.problems == 0
        self.unusable += len(rows) - int(usable.sum())
        for number, count in _counted(rows.problems[~usable]):
            self.problems[_FIGURES.sub("...", problems[number])] += count
        self.failed += sum(count for number, count in _counted(rows.answers[~usable]) if answers[number].kind == "rule_error")
        self.duplicates += int((usable & rows.duplicates).sum())
        counts = np.bincount(rows.answers[usable & ~rows.duplicates], minlength=len(answers))
        counts[: len(self._counts)] += self._counts
        self._counts = counts

    @property
    def packs(self) -> str:
        """Digest of the rules that judged."""
        return self._screener.packs.digest

    def week(self) -> dict[str, object]:
        """The coming week: which share of the rows that may be called now or later may be called at each hour."""
        return self._screener.week((number, count) for number, count in enumerate(self._counts.tolist()) if count)

    @property
    def answered(self) -> list[tuple[Answer, int]]:
        """The answers that rows got which are neither duplicates nor unusable, with the number of rows."""
        return [(self._screener.answers[number], count) for number, count in enumerate(self._counts.tolist()) if count]

    def as_dict(self) -> dict[str, object]:
        """Everything counted, for programs."""
        now = later = never = 0
        reasons: Counter[tuple[str, str]] = Counter()
        later_by: Counter[tuple[str, str]] = Counter()
        among, needs, duties, retries = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
        states: dict[str, Counter[str]] = {}
        about: dict[str, str] = {}
        duty: dict[str, Mapping[str, object]] = {}
        for answer, rows in self.answered:
            state = states.setdefault("/".join(answer.states) if len(answer.states) < 6 else "not known", Counter())
            state["rows"] += rows
            if answer.verdict == "allow":
                now += rows
                state["now"] += rows
                duties.update(dict.fromkeys(answer.obligations, rows))
                for entry in answer.duties:
                    duty.setdefault(str(entry["duty"]), entry)
                continue
            rule, kind, citation = answer.main
            about.setdefault(rule, citation)
            reasons[rule, kind] += rows
            among.update(dict.fromkeys(answer.reasons, rows))
            needs.update(dict.fromkeys(answer.needs, rows))
            if answer.retry_at:
                later += rows
                later_by[rule, kind] += rows
                retries[answer.retry_at] += rows
                state["later"] += rows
            else:
                never += rows
                state["never"] += rows
                state[rule] += rows
        packs, today = self._screener.packs, EPOCH_ORDINAL + self._screener.at // DAY
        titles = packs.by_id
        return {
            "rows": self.rows, "callable_now": now, "callable_later": later, "not_callable": never,
            "duplicates": self.duplicates, "unusable": self.unusable, "failed": self.failed,
            "switched_off": dict(self._screener.switched_off),
            "reasons": [
                {
                    "rule": rule, "title": titles[rule].title if rule in titles else "", "kind": kind, "citation": about[rule],
                    "rows": count, "callable_later": later_by[rule, kind], "among_all": among[rule],
                    "remedies": at_home(packs.remedies.get(rule, ()), titles[rule], today) if rule in titles else [],
                }
                for (rule, kind), count in reasons.most_common()
            ],
            "all_reasons": dict(among.most_common()),
            "states": {name: {"rows": 0, "now": 0, "later": 0, "never": 0} | dict(counts) for name, counts in sorted(states.items())},
            "retry_at": dict(sorted(retries.items(), key=lambda item: datetime.fromisoformat(item[0]))),
            "needs": dict(needs.most_common()), "problems": dict(self.problems.most_common()),
            "obligations": [
                {"duty": name, "rows": count} | {key: duty[name.partition(":")[0]][key] for key in ("rule", "citation", "message", "params")}
                for name, count in duties.most_common()
            ],
        }  # fmt: skip


def _counted(numbers: np.ndarray) -> list[tuple[int, int]]:
    return [(number, count) for number, count in enumerate(np.bincount(numbers).tolist()) if count]


def local_hour(text: str) -> str:
    """A moment as the called party's clock shows it: Mon 2026-11-23 09:00."""
    return f"{datetime.fromisoformat(text):%a %Y-%m-%d %H:%M}"


def by_local_hour(retries: Mapping[str, int]) -> list[tuple[str, int]]:
    """Rows by the local time at which they may be called, the earliest first."""
    counted: Counter[tuple[str, str]] = Counter()
    for text, count in retries.items():
        counted[text[:16], local_hour(text)] += count
    return [(shown, count) for (_, shown), count in sorted(counted.items())]


def by_state(states: Mapping[str, Mapping[str, int]]) -> dict[str, Counter[str]]:
    """Counts by state; people who may be in one of several states together."""
    merged: dict[str, Counter[str]] = {}
    for name, counts in states.items():
        merged.setdefault("several" if "/" in name else name, Counter()).update(counts)
    return merged


def main_reason(counts: Mapping[str, int]) -> str:
    """The rule that takes most rows of a state for good, and how many."""
    rules = [(count, rule) for rule, count in counts.items() if rule not in ("rows", "now", "later", "never")]
    return "" if not rules else f"{max(rules)[1]} ({max(rules)[0]:,})"

