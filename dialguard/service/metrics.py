"""What a tenant's desk does, counted as it happens and given in the text form of Prometheus. No number, no id, no seller is in it."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dialguard.facts import clock
from dialguard.model.moment import SECOND
from dialguard.model.records import LookUpFailed

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

    def buckets(self) -> list[tuple[str, float]]:
        """Pairs of bound and how many were at most so large, the last being all."""
        total, found = 0, []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            found.append((bound, total))
        return found


class Metrics:
    """Counts of one desk in this process. For the event loop's thread."""

    def __init__(self) -> None:
        self.decided: Counter[tuple[str, str]] = Counter()
        """By verdict and, of a denial, the kind of its first reason."""
        self.failed: Counter[str] = Counter()
        """Attempts that were not decided, by the kind of the failure."""
        self.seconds, self.sizes = Histogram(_SECONDS), Histogram(_SIZES)

    def note(self, answers: Sequence[Any], seconds: float) -> None:
        """Counts a group and what came of it."""
        self.seconds.note(seconds)
        self.sizes.note(len(answers))
        for answer in answers:
            if isinstance(answer, BaseException):
                self.failed[type(answer).__name__] += 1
            elif answer.decision.allowed:
                self.decided["allow", ""] += 1
            else:
                self.decided["deny", str(answer.decision.told.reasons[0]["kind"])] += 1


def text(metrics: Metrics, guard: Guard, ready: bool) -> bytes:
    """A desk's metrics and what it decides by, as Prometheus reads them."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(metrics, guard, ready))
    return generate_latest(registry)


class _Families:
    """The families of one scrape."""

    def __init__(self, metrics: Metrics, guard: Guard, ready: bool) -> None:
        self._metrics, self._guard, self._ready = metrics, guard, ready

    def collect(self) -> Iterator[Any]:
        """Every family."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        metrics, guard, worker = self._metrics, self._guard, str(os.getpid())
        decided = CounterMetricFamily(
            "dialguard_decisions", "Attempts decided, by verdict and kind of the first reason.", labels=("worker", "verdict", "kind")
        )
        for (verdict, kind), count in metrics.decided.items():
            decided.add_metric((worker, verdict, kind), count)
        yield decided
        failed = CounterMetricFamily("dialguard_undecided", "Attempts that could not be decided, by failure.", labels=("worker", "failure"))
        for name, count in metrics.failed.items():
            failed.add_metric((worker, name), count)
        yield failed
        for name, told, histogram in (
            ("dialguard_group_seconds", "Seconds in which a group of attempts was decided and recorded.", metrics.seconds),
            ("dialguard_group_size", "Attempts that were decided together.", metrics.sizes),
        ):
            family = HistogramMetricFamily(name, told, labels=("worker",))
            family.add_metric((worker,), histogram.buckets(), histogram.sum)
            yield family
        ready = GaugeMetricFamily("dialguard_ready", "1 where the service may be asked.", labels=("worker",))
        ready.add_metric((worker,), float(self._ready))
        yield ready
        packs = GaugeMetricFamily("dialguard_packs", "The rules that decide, by their digest.", labels=("worker", "digest"))
        packs.add_metric((worker, guard.packs.digest), len(guard.packs.rules))
        yield packs
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
