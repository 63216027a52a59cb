"""Random conditions over a small vocabulary, with facts and moments that stand on and beside their edges."""

import random

from dialguard.expr import nodes
from dialguard.expr.nodes import All, Any, ClosedDay, Const, Count, LocalTime, Node, Not, Period
from dialguard.facts import clock
from dialguard.model import vocabulary as vocabularies
from dialguard.model.history import Entry, History
from dialguard.model.moment import DAY, HOUR, MINUTE, NEVER, SECOND, Moment

ZONES = ("America/New_York", "America/Chicago", "America/Phoenix", "America/Los_Angeles", "America/Adak", "Pacific/Guam")
WORDS = ("low", "middle", "high")
ALWAYS = -(10**18)

VOCABULARY = vocabularies.load(
    {
        "facts": {
            "listed": {"type": "flag", "class": "store"},
            "said": {"type": "flag", "class": "asserted"},
            "level": {"type": "choice", "class": "store", "values": list(WORDS), "ordered": True},
            "stated": {"type": "choice", "class": "asserted", "values": list(WORDS)},
            "subject": {"type": "text", "class": "asserted"},
            "forms": {"type": "set", "class": "store", "values": list(WORDS)},
            "states": {"type": "set", "class": "asserted"},
            "rate": {"type": "rate", "class": "asserted"},
            "began": {"type": "moment", "class": "store"},
            "ended": {"type": "moment", "class": "store"},
            "asked": {"type": "moment", "class": "asserted"},
            "since": {"type": "date", "class": "store"},
            "version": {"type": "date", "class": "asserted"},
            "agreed": {"type": "windows", "class": "store"},
            "offered": {"type": "windows", "class": "asserted"},
            "history.attempts": {"type": "attempts", "class": "store"},
        }
    }
)
NAMES = tuple(VOCABULARY.facts)

# Nights on which clocks jump, and the days about them.
JUMPS = ("2025-03-09", "2025-11-02", "2026-03-08", "2026-11-01", "2027-03-14")


def closed(calendar: str, ordinal: int) -> str | None:
    """A calendar with closed days one and two in a row."""
    return "a closed day" if ordinal % (11 if calendar == "even" else 7) in (0, 1) else None


def moment(rng: random.Random) -> Moment:
    """A moment near a jump of the clock or anywhere in 2025 to 2027, often at a full minute or one second beside it."""
    zone = rng.choice(ZONES)
    if rng.random() < 0.5:
        base = clock.parse_instant(f"{rng.choice(JUMPS)}T12:00:00Z") + rng.randrange(-3 * DAY // HOUR, 3 * DAY // HOUR) * HOUR
    else:
        base = clock.parse_instant("2025-01-01T00:00:00Z") + rng.randrange(0, 1000 * 24) * HOUR
    base += rng.choice((0, 0, 30 * MINUTE, rng.randrange(3600) * SECOND)) + rng.choice((-1, 0, 0, 1)) * rng.choice((1, SECOND))
    return Moment(base, zone, clock)


def windows(rng: random.Random) -> tuple:
    """Windows on some days of the week, with edges at midnight and inside the hours that jumps skip or repeat."""
    edges = (0, 1, 3600, 5400, 7200, 7201, 9000, 10_800, 28_800, 43_200, 72_000, 75_600, 86_399, 86_400)
    week = []
    for _ in range(7):
        marks = sorted(rng.sample(edges, rng.choice((0, 2, 2, 2, 4))))
        week.append(tuple(zip(marks[::2], marks[1::2], strict=True)))
    return tuple(week)


def period(rng: random.Random, dates_only: bool = False) -> Period:
    """Periods of every unit, none at all among them."""
    kinds = [Period(days=rng.choice((0, 1, 7, 31))), Period(months=rng.choice((1, 3, 18)))]
    if not dates_only:
        kinds += [Period(hours=rng.choice((1, 24, 72))), Period(minutes=rng.choice((5, 90)))]
    return rng.choice(kinds)


def leaf(rng: random.Random) -> Node:
    """One test of any kind."""
    name = rng.choice((*NAMES, "local", "fixed", "closed", "const"))
    settled = rng.random() < 0.1 and not VOCABULARY.is_asserted(name)  # such a fact is situational
    if name == "local":
        return LocalTime(windows(rng))
    if name == "fixed":
        return LocalTime(windows(rng), rng.choice((-6 * 3600, -36_000, 0)))
    if name == "closed":
        return ClosedDay(rng.choice(("even", "odd")))
    if name == "const":
        return Const(rng.choice((True, False, None)))
    if name == "history.attempts":
        return count(rng)
    if rng.random() < 0.1:
        return nodes.Test(name, "stated", True, settled=settled)
    fact = VOCABULARY.get(name)
    match fact.type:
        case "flag":
            return nodes.Test(name, "in", rng.choice((frozenset({True}), frozenset({False}), frozenset({True, False}))), settled=settled)
        case "choice":
            return nodes.Test(name, "in", frozenset(rng.sample(WORDS, rng.choice((1, 2)))), settled=settled)
        case "text":
            return nodes.Test(name, "in", frozenset(rng.sample(("a", "b", "c"), rng.choice((1, 2)))), settled=settled)
        case "set":
            return nodes.Test(name, "has_any", frozenset(rng.sample(WORDS, rng.choice((1, 2)))), settled=settled)
        case "rate":
            return nodes.Test(name, rng.choice(("at_least", "at_most", "above", "below")), rng.choice((1, 30_000)), settled=settled)
        case "windows":
            return nodes.Test(name, "open", True, settled=settled)
    kind = fact.type
    operator = rng.choice(("within", "older_than", "came", "before", "after"))
    if operator in ("within", "older_than"):
        return nodes.Test(name, operator, period(rng, kind == "date"), kind, settled)
    if operator == "came":
        return nodes.Test(name, operator, True, kind, settled)
    others = [other for other in NAMES if other != name and VOCABULARY.get(other).type == kind]
    day = clock.local(clock.parse_instant("2026-03-08T12:00:00Z"), "UTC").ordinal + rng.choice((-1, 0, 1, 200))
    return nodes.Test(name, operator, rng.choice((*others, day)), kind, settled)


def count(rng: random.Random) -> Count:
    """A count of any shape."""
    where = []
    if rng.random() < 0.5:
        where.append(("channel", frozenset(rng.sample(("voice", "sms", "rvm"), rng.choice((1, 2)))), rng.random() < 0.7))
    if rng.random() < 0.3:
        where.append(("outcome", frozenset({"answered"}), rng.random() < 0.5))
    days = rng.choice((0, 0, 1, 2))
    last = Period(days=days) if days else rng.choice((Period(hours=24), Period(days=7), Period(hours=1), Period(days=30)))
    same = tuple(name for name in ("subject", "from") if rng.random() < 0.2)
    return Count(rng.choice((1, 1, 2, 3)), last, rng.choice(("person", "number", "debt")), tuple(where), same, days)


def tree(rng: random.Random, depth: int = 3) -> Node:
    """A condition; not in normal form."""
    shape = rng.random()
    if depth == 0 or shape < 0.25:
        return leaf(rng)
    if shape < 0.45:
        return Not(tree(rng, depth - 1))
    items = tuple(tree(rng, depth - 1) for _ in range(rng.choice((2, 2, 3))))
    return All(items) if shape < 0.75 else Any(items)


def facts(rng: random.Random, at: Moment, unknown: float) -> dict[str, object]:
    """A value, or None, for every name."""
    return {name: None if rng.random() < unknown else value(rng, name, at) for name in NAMES}


def value(rng: random.Random, name: str, at: Moment) -> object:
    """A value of one fact."""
    fact = VOCABULARY.get(name)
    match fact.type:
        case "flag":
            return rng.random() < 0.5
        case "choice":
            return rng.choice(WORDS)
        case "text":
            return rng.choice(("a", "b", "c", "d"))
        case "set":
            return frozenset(word for word in WORDS if rng.random() < 0.4)
        case "rate":
            return rng.choice((0, 1, 2, 29_999, 30_000, 30_001))
        case "windows":
            return windows(rng)
        case "attempts":
            return history(rng, at)
    if rng.random() < 0.15:
        return NEVER
    back = rng.choice((0, 1, 7, 31, 30, 89, 92, 540, 549, 550, rng.randrange(0, 600)))
    if rng.random() < 0.2:
        back = -rng.randrange(0, 3)
    if fact.type == "date":
        return at.ordinal - back
    exact = rng.choice((0, HOUR, 24 * HOUR, 72 * HOUR, 5 * MINUTE, 90 * MINUTE, back * DAY))
    return at.instant - exact + rng.choice((-SECOND, -1, 0, 1, SECOND, rng.randrange(-DAY, DAY)))


def history(rng: random.Random, at: Moment) -> History:
    """Earlier attempts (some still to come) at the edges of the counts' windows."""
    pick = lambda *words: rng.choice((None, *words))  # noqa: E731
    entries = tuple(
        Entry(
            at.instant - rng.choice((0, HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY, rng.randrange(3 * DAY))) + rng.choice((-SECOND, -1, 0, 1, SECOND)),
            pick("+12125550123", "+13055550100"), pick("voice", "sms", "rvm"), None, pick("a", "b"), None,
            pick("answered", "no_answer"), pick("d1", "d2"), pick("+18005550100", "+18005550199"),
        )
        for _ in range(rng.choice((0, 1, 2, 3, 5)))
    )  # fmt: skip
    since = rng.choice((None, ALWAYS, at.instant - DAY, at.instant - 7 * DAY + 1, at.instant - 40 * DAY, at.instant - rng.randrange(9 * DAY)))
    bounds = [rng.choice((None, None, 0, 1, 2, 3)) for _ in range(3)]
    own = (pick("+12125550123"), pick("a"), pick("d1"), pick("+18005550100"))
    return History(entries, since, *bounds, at.instant - rng.choice((0, 0, HOUR)), *own)
