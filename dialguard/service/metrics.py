"""What a tenant's desk does, counted as it happens and given in the text form of Prometheus. No number, no id, no seller is in it."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, get_args

from msgspec import Struct

from dialguard.facts import clock
from dialguard.model.moment import SECOND
from dialguard.model.records import LookUpFailed
from dialguard.service.standing import Standing, State

if TYPE_CHECKING:
    from dialguard.guard import Guard

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Histogram:
    """How many values were at most so large, and their sum."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds, self.counts, self.sum = bounds, [0] * (len(bounds) + 1), 0.0

    def note(self, value: float) -> None:
        """Counts a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value



class Counts(Struct):
    """The counts of one tenant in one process, and how that stands. ``confirmed``: when its rules were last those in the folders."""

    worker: str
    decided: list[tuple[str, str, int]]
    failed: dict[str, int]
    untold: dict[str, int]
    seconds: tuple[list[int], float]
    sizes: tuple[list[int], float]
    ready: bool
    digest: str | None
    rules: int
    state: State
    confirmed: float | None


class Metrics:
    """Counts of one desk in this process. For the event loop's thread."""

    def __init__(self) -> None:
        self.decided: Counter[tuple[str, str]] = Counter()
        """By verdict and, of a denial, the kind of its first reason."""
        self.failed: Counter[str] = Counter()
        """Attempts that were not decided, by the kind of the failure."""
        self.untold: Counter[str] = Counter()
        """Answers that could not be given whole, by door."""
        self.seconds, self.sizes = Histogram(_SECONDS), Histogram(_SIZES)

    def note(self, answers: Sequence[Any], seconds: float) -> None:
        """Counts a group and what came of it."""
        self.seconds.note(seconds)
        self.sizes.note(len(answers))
        decided = self.decided
        for answer in answers:
            if isinstance(answer, BaseException):
                self.failed[type(answer).__name__] += 1
            else:
                decided[answer.decision.outcome] += 1

    def counts(self, standing: Standing, ready: bool) -> Counts:
        """The counts as they are."""
        confirmed = standing.confirmed_at
        return Counts(
            str(os.getpid()), [(*key, count) for key, count in self.decided.items()], dict(self.failed), dict(self.untold),
            ([*self.seconds.counts], self.seconds.sum), ([*self.sizes.counts], self.sizes.sum), ready, standing.digest, standing.rules,
            standing.state, None if confirmed is None else clock.parse_instant(confirmed) / SECOND,
        )  # fmt: skip


def text(workers: Sequence[Counts], guard: Guard) -> bytes:
    """A tenant's counts in all processes and the lists that it decides by, as Prometheus reads them."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(workers, guard))
    return generate_latest(registry)


class _Families:
    """The families of one scrape."""

    def __init__(self, workers: Sequence[Counts], guard: Guard) -> None:
        self._workers, self._guard = workers, guard

    def collect(self) -> Iterator[Any]:
        """Every family."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        guard = self._guard
        decided = CounterMetricFamily(
            "dialguard_decisions", "Attempts decided, by verdict and kind of the first reason.", labels=("worker", "verdict", "kind")
        )
        failed = CounterMetricFamily("dialguard_undecided", "Attempts that could not be decided, by failure.", labels=("worker", "failure"))
        untold = CounterMetricFamily(
            "dialguard_untold",
            "Answers that could not be given whole, so that nothing was allowed by them, by door.",
            labels=("worker", "door"),
        )
        seconds = HistogramMetricFamily(
            "dialguard_group_seconds", "Seconds in which a group of attempts was decided and recorded.", labels=("worker",)
        )
        sizes = HistogramMetricFamily("dialguard_group_size", "Attempts that were decided together.", labels=("worker",))
        ready = GaugeMetricFamily("dialguard_ready", "1 where the service may be asked.", labels=("worker",))
        packs = GaugeMetricFamily("dialguard_packs", "The rules that decide, by their digest.", labels=("worker", "digest"))
        states = GaugeMetricFamily("dialguard_packs_state", "1 for how the rules stand, as /v1/packs says it.", labels=("worker", "state"))
        confirmed = GaugeMetricFamily(
            "dialguard_packs_confirmed_timestamp_seconds", "When the rules were last those in the folders.", labels=("worker",)
        )
        for one in self._workers:
            for verdict, kind, count in one.decided:
                decided.add_metric((one.worker, verdict, kind), count)
            for name, count in one.failed.items():
                failed.add_metric((one.worker, name), count)
            for door, count in one.untold.items():
                untold.add_metric((one.worker, door), count)
            for family, bounds, (counts, total) in ((seconds, _SECONDS, one.seconds), (sizes, _SIZES, one.sizes)):
                family.add_metric((one.worker,), _buckets(bounds, counts), total)
            ready.add_metric((one.worker,), float(one.ready))
            if one.digest is not None:
                packs.add_metric((one.worker, one.digest), one.rules)
            for state in get_args(State):
                states.add_metric((one.worker, state), float(state == one.state))
            if one.confirmed is not None:
                confirmed.add_metric((one.worker,), one.confirmed)
        yield from (decided, failed, untold, seconds, sizes, ready, packs, states, confirmed)
        ages = GaugeMetricFamily("dialguard_list_age_seconds", "Since when the newest version of a list is here.", labels=("list",))
        unread = GaugeMetricFamily("dialguard_lists_unread", "Lists of which the store could not say which version it has.")
        amiss = 0
        for code in guard.packs.lists if guard.store is not None else ():
            try:
                versions = guard.store.list_versions(code)
            except LookUpFailed:
                amiss += 1
                continue
            if versions:
                ages.add_metric((code,), max(0, clock.now() - max(version.received_at for version in versions)) / SECOND)
        unread.add_metric((), amiss)
        yield ages
        yield unread


def _buckets(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Pairs of bound and how many were at most so large, the last being all."""
    return list(zip((*map(str, bounds), "+Inf"), accumulate(counts), strict=True))
