"""What a campaign manager wants to see of a screened list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from dialguard.screening.screen import Row

SHOWN = 12
"""Lines of a table shown to a reader; the rest is summed up. The JSON has all."""

_FIGURES = re.compile(r"(?<=Area code )\d+|(?<=country code \+)\d+|(?<=The number has )\d+(?= digits)|(?<=The text has )\d+")
"""What makes one problem look like many."""


class Summary:
    """Counts over the rows of a screen. Every row is in exactly one of callable now, callable later, not callable,
    duplicate and unusable; ``failed`` are those of the unusable that an error of the program has denied."""

    def __init__(self) -> None:
        self.rows = self.now = self.later = self.never = self.duplicates = self.unusable = self.failed = 0
        self.reasons: Counter[str] = Counter()
        self.all_reasons: Counter[str] = Counter()
        self.states: dict[str, Counter[str]] = {}
        self.retries: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()
        self.needs: Counter[str] = Counter()
        self.duties: Counter[str] = Counter()
        self._later: Counter[str] = Counter()
        self._about: dict[str, Sequence[str]] = {}
        self._duty: dict[str, Mapping[str, object]] = {}

    def add(self, rows: Iterable[Row]) -> None:
        """Count some rows."""
        for row in rows:
            self.rows += 1
            answer = row.answer
            if row.problem:
                self.unusable += 1
                self.failed += answer.kind == "rule_error"
                self.problems[_FIGURES.sub("...", row.problem)] += 1
                continue
            if row.duplicate_of is not None:
                self.duplicates += 1
                continue
            state = self.states.setdefault("/".join(answer.states) if len(answer.states) < 6 else "not known", Counter())
            state["rows"] += 1
            if answer.verdict == "allow":
                self.now += 1
                state["now"] += 1
                self.duties.update(answer.obligations)
                for entry in answer.duties:
                    self._duty.setdefault(str(entry["duty"]), entry)
                continue
            rule, *about = answer.main
            self.reasons[rule] += 1
            self.all_reasons.update(answer.reasons)
            self.needs.update(answer.needs)
            self._about.setdefault(rule, about)
            if answer.retry_at:
                self.later += 1
                state["later"] += 1
                self.retries[answer.retry_at] += 1
                self._later[rule] += 1
            else:
                self.never += 1
                state[rule] += 1
                state["never"] += 1

    def as_dict(self) -> dict[str, object]:
        """Everything counted, for programs."""
        return {
            "rows": self.rows, "callable_now": self.now, "callable_later": self.later, "not_callable": self.never,
            "duplicates": self.duplicates, "unusable": self.unusable, "failed": self.failed,
            "reasons": [
                {
                    "rule": rule, "rows": count, "callable_later": self._later[rule], "among_all": self.all_reasons[rule],
                    "kind": self._about[rule][0], "citation": self._about[rule][1],
                }
                for rule, count in self.reasons.most_common()
            ],
            "all_reasons": dict(self.all_reasons.most_common()),
            "states": {name: {"rows": 0, "now": 0, "later": 0, "never": 0} | dict(counts) for name, counts in sorted(self.states.items())},
            "retry_at": dict(sorted(self.retries.items(), key=lambda item: datetime.fromisoformat(item[0]))),
            "needs": dict(self.needs.most_common()), "problems": dict(self.problems.most_common()),
            "obligations": [
                {"duty": duty, "rows": count} | {key: self._duty[duty.partition(":")[0]][key] for key in ("rule", "citation", "message", "params")}
                for duty, count in self.duties.most_common()
            ],
        }  # fmt: skip


def local_hour(text: str) -> str:
    """A moment as the called party's clock shows it: Mon 2026-11-23 09:00."""
    return f"{datetime.fromisoformat(text):%a %Y-%m-%d %H:%M}"


def by_local_hour(retries: Mapping[str, int]) -> list[tuple[str, int]]:
    """Rows by the local time at which they may be called, the earliest first."""
    counted: Counter[tuple[str, str]] = Counter()
    for text, count in retries.items():
        counted[text[:16], local_hour(text)] += count
    return [(shown, count) for (_, shown), count in sorted(counted.items())]


def by_state(states: Mapping[str, Counter[str]]) -> dict[str, Counter[str]]:
    """Counts by state; people who may be in one of several states together."""
    merged: dict[str, Counter[str]] = {}
    for name, counts in states.items():
        merged.setdefault("several" if "/" in name else name, Counter()).update(counts)
    return merged


def main_reason(counts: Mapping[str, int]) -> str:
    """The rule that takes most rows of a state for good, and how many."""
    rules = [(count, rule) for rule, count in counts.items() if rule not in ("rows", "now", "later", "never")]
    return "" if not rules else f"{max(rules)[1]} ({max(rules)[0]:,})"

