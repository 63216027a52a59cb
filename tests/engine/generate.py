"""Seeded facts, moments and whole attempts for comparing evaluators: boundaries are hit often, unknowns at every rate."""

import random
from collections.abc import Iterable

from dialguard.expr.nodes import ClosedDay, Count, LocalTime, Node, Period, Test
from dialguard.facts import clock
from dialguard.model.history import Entry, History
from dialguard.model.moment import DAY, HOUR, NEVER, SECOND, Moment
from dialguard.packs.load import Packs

ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage",
    "Pacific/Honolulu", "America/Puerto_Rico", "Pacific/Guam",
)  # fmt: skip
CHANNELS = ("voice", "sms", "mms", "rvm", "fax")
PURPOSES = ("telemarketing", "charitable", "political", "survey", "debt_collection", "healthcare", "informational", "emergency")
FIRST, LAST = 1_167_609_600 * SECOND, 1_893_456_000 * SECOND  # 2007 to 2030


def random_instant(rng: random.Random) -> int:
    """Any second of 2007 to 2030, often near the law's changes of late or a full hour."""
    if rng.random() < 0.6:
        base = rng.randrange(1_735_689_600, 1_861_920_000) * SECOND  # 2025 to 2028
    else:
        base = rng.randrange(FIRST // SECOND, LAST // SECOND) * SECOND
    if rng.random() < 0.5:
        base = base // HOUR * HOUR + rng.choice((-1, 0, 1)) * SECOND
    return base


class FactMaker:
    """Random values of facts, drawn from the values that the rules hold them against."""

    def __init__(self, packs: Packs, conditions: Iterable[Node]) -> None:
        self.packs = packs
        self.periods: dict[str, set[Period]] = {}
        self.words: dict[str, set[str]] = {}
        self.marks: dict[str, set[int]] = {}
        self.counts: set[Count] = set()
        self.names = {name for name in packs.vocabulary.facts if not name.endswith("*")}
        for condition in conditions:
            for node in condition.walk():
                if isinstance(node, Test):
                    self.names.update(node.reads())
                    if isinstance(node.value, Period):
                        self.periods.setdefault(node.fact, set()).add(node.value)
                    elif isinstance(node.value, frozenset):
                        self.words.setdefault(node.fact, set()).update(word for word in node.value if isinstance(word, str))
                    elif isinstance(node.value, int):
                        self.marks.setdefault(node.fact, set()).add(node.value)
                elif isinstance(node, Count):
                    self.counts.add(node)
        self.order = sorted(self.names)
        self.count_list = sorted(self.counts, key=repr)

    def facts(self, rng: random.Random, moment: Moment, unknown: float) -> dict[str, object]:
        """All facts, each unknown with the given probability."""
        found: dict[str, object] = {}
        for name in self.order:
            found[name] = None if rng.random() < unknown else self.value(rng, name, moment)
        return found

    def value(self, rng: random.Random, name: str, moment: Moment) -> object:
        """A value of one fact."""
        fact = self.packs.vocabulary.get(name)
        match fact.type:
            case "flag":
                return rng.random() < 0.3
            case "choice":
                return rng.choice(fact.values)
            case "text":
                return rng.choice([*sorted(self.words.get(name, ())), "something else"])
            case "set":
                pool = sorted(self.words.get(name, set()) | set(fact.values))
                return frozenset(word for word in pool if rng.random() < (0.05 if name == "campaign.claims" else 0.4))
            case "integer" | "rate":
                marks = sorted(self.marks.get(name, {0}))
                return max(0, rng.choice(marks) + rng.choice((-1, 0, 1)))
            case "windows":
                return tuple(tuple(sorted({(a, a + 3600) for a in rng.sample(range(0, 82_800, 3600), 2)})) for _ in range(7))
            case "attempts":
                return self.history(rng, moment)
        return self.time(rng, name, fact.type, moment)

    def time(self, rng: random.Random, name: str, kind: str, moment: Moment) -> object:
        """A date or moment, often right at the edge of a period that some rule asks about."""
        if rng.random() < 0.3:
            return NEVER
        periods = sorted(self.periods.get(name, ()), key=repr)
        days = rng.randrange(0, 900)
        if periods and rng.random() < 0.7:
            period = rng.choice(periods)
            if period.exact:
                return moment.instant - period.microseconds + rng.choice((-1, 0, 1))
            days = max(0, round(period.months * 30.437) + period.days + rng.choice((-2, -1, 0, 1, 2)))
        if rng.random() < 0.05:
            days = -rng.randrange(1, 40)
        if kind == "date":
            return moment.ordinal - days
        return moment.instant - days * DAY + rng.randrange(-DAY, DAY)

    def history(self, rng: random.Random, moment: Moment) -> History:
        """Earlier attempts, with fields that match now and then and edges of windows."""
        entries = []
        for _ in range(rng.choice((0, 0, 1, 2, 3, 4, 8, 9))):
            back = rng.choice((DAY, 7 * DAY, 30 * DAY, HOUR)) + rng.choice((-1, 0, 1, -HOUR, HOUR))
            if rng.random() < 0.5:
                back = rng.randrange(1, 8 * DAY)
            pick = lambda *words: rng.choice((None, *words))  # noqa: E731
            entries.append(
                Entry(
                    moment.instant - back, pick("+12125550123", "+13055550100"), pick(*CHANNELS), pick(*PURPOSES), pick("a", "b"),
                    pick("live", "prerecorded", "ai"), pick("answered", "no_answer", "did_not_connect"), pick("d1", "d2"), None,
                )
            )  # fmt: skip
        since = rng.choice((None, -(10**18), moment.instant - DAY, moment.instant - DAY + 1, moment.instant - 40 * DAY))
        bounds = [rng.choice((None, 0, 1, 2, 3, 7, 8)) if rng.random() < 0.3 else None for _ in range(3)]
        return History(tuple(entries), since, *bounds, moment.instant, "+12125550123", pick_own(rng), "d1", None)


def pick_own(rng: random.Random) -> str | None:
    """The attempt's own subject."""
    return rng.choice((None, "a", "b"))


def random_moment(rng: random.Random) -> Moment:
    """A random instant on the clock of a random zone."""
    return Moment(random_instant(rng), rng.choice(ZONES), clock)


__all__ = ["CHANNELS", "PURPOSES", "ZONES", "ClosedDay", "FactMaker", "LocalTime", "random_instant", "random_moment"]
