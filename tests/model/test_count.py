"""Counting earlier attempts, held against a model of its own that goes entry by entry and says what follows from what is known."""

import random
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard.backends.counting import counter
from dialguard.expr.nodes import Count, Period
from dialguard.facts import clock
from dialguard.model.history import Entry, History, count
from dialguard.model.moment import DAY, HOUR, SECOND, Moment

ALWAYS = -(10**18)
AT = clock.parse_instant("2026-03-03T17:00:00Z")
NEW_YORK = Moment(AT, "America/New_York", clock)
OWN, OTHER = "+12125550123", "+13055550100"


def utc(instant: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=instant)


def local_midnight(day: date, zone: str) -> int:
    """The first instant of a local date, found by going through the hours about it."""
    first = int(datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp()) * SECOND
    for quarter in range(-15 * 4, 15 * 4):
        instant = first + quarter * HOUR // 4
        if clock.local(instant, zone).ordinal == day.toordinal():
            return instant
    raise AssertionError("no such day")


def model(node: Count, history: History, at: int, zone: str) -> bool | None:
    """True when known attempts reach the number; False when what may have been cannot; None between."""
    if node.calendar_days:
        today = date.fromordinal(clock.local(at, zone).ordinal)
        after = local_midnight(today - timedelta(days=node.calendar_days - 1), zone) - 1
    else:
        after = at - node.last.hours * HOUR - node.last.days * DAY
    certain = 0
    for entry in history.entries:
        if not after < entry.at <= at:
            continue
        fields = {"channel": entry.channel, "purpose": entry.purpose, "subject": entry.subject, "voice": entry.voice, "outcome": entry.outcome,
                  "debt": entry.debt, "to": entry.to, "from": entry.from_}  # fmt: skip
        own = {"to": history.to, "subject": history.subject, "debt": history.debt, "from": history.from_}
        counted = True
        for name, values, among in node.where:
            if fields[name] is not None:
                counted = counted and (fields[name] in values if among else fields[name] not in values)
        same = set(node.same)
        if node.per == "number":
            same.add("to")
        if node.per == "debt":
            same.add("debt")
        for name in same:
            if fields[name] is not None and own[name] is not None:
                counted = counted and fields[name] == own[name]
        certain += counted
    if certain >= node.at_least:
        return True
    recorded = history.complete_since is not None and history.complete_since <= after + 1
    if recorded:
        return False
    figures = [(history.last_24h, DAY), (history.last_7d, 7 * DAY), (history.last_30d, 30 * DAY)]
    if history.complete_since is None and all(figure is None for figure, _ in figures):
        return None
    if after >= history.asked_at:
        return False
    most = [figure for figure, length in figures if figure is not None and history.asked_at - length <= after]
    return False if most and min(most) < node.at_least else None


def random_count(rng: random.Random) -> Count:
    where = []
    for name, pool in (("channel", ("voice", "sms")), ("purpose", ("survey", "political")), ("voice", ("live", "ai")), ("outcome", ("busy", "answered"))):
        if rng.random() < 0.3:
            where.append((name, frozenset(rng.sample(pool, rng.choice((1, 2)))), rng.random() < 0.6))
    calendar = rng.choice((0, 0, 1, 3))
    last = Period(days=calendar) if calendar else rng.choice((Period(hours=1), Period(hours=24), Period(hours=25), Period(days=2), Period(days=7), Period(days=8), Period(days=30), Period(days=31)))
    same = tuple(name for name in ("subject", "debt", "to", "from") if rng.random() < 0.2)
    return Count(rng.choice((1, 2, 3)), last, rng.choice(("person", "number", "debt")), tuple(where), same, calendar)


def random_history(rng: random.Random, at: int) -> History:
    pick = lambda *words: rng.choice((None, *words))  # noqa: E731
    entries = []
    for _ in range(rng.choice((0, 1, 2, 3, 5, 8))):
        back = rng.choice((0, HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY, rng.randrange(8 * DAY), rng.randrange(DAY)))
        entries.append(
            Entry(
                at - back + rng.choice((-1, 0, 0, 1)), pick(OWN, OTHER), pick("voice", "sms", "rvm"), pick("survey", "political"), pick("solar", "roofs"),
                pick("live", "ai"), pick("busy", "answered"), pick("d1", "d2"), pick("+18005550100", "+18005550199"),
            )
        )  # fmt: skip
    asked = at - rng.choice((0, 0, 0, HOUR, 3 * DAY))
    since = rng.choice((None, None, ALWAYS, at - DAY, at - DAY + 1, at - DAY + 2, at - 7 * DAY, asked, asked - rng.randrange(40 * DAY)))
    figures = [rng.choice((None, None, 0, 1, 2, 3)) for _ in range(3)]
    return History(tuple(entries), since, *figures, asked, pick(OWN), pick("solar"), pick("d1"), pick("+18005550100"))


@settings(max_examples=4000)
@given(st.integers(0, 2**48))
def test_every_way_of_counting(seed: int) -> None:
    rng = random.Random(seed)
    zone = rng.choice(("America/New_York", "America/Phoenix", "Pacific/Guam", "America/Adak"))
    at = clock.parse_instant(rng.choice(("2026-03-08T12:00:00Z", "2026-11-01T12:00:00Z", "2026-03-03T05:00:00Z"))) + rng.randrange(-40, 40) * HOUR // 2
    node, history = random_count(rng), random_history(rng, at)
    expected = model(node, history, at, zone)
    moment = Moment(at, zone, clock)
    assert count(node, history, moment) is expected
    assert counter(node)(history, moment) is expected


@settings(max_examples=500)
@given(st.integers(0, 2**48))
def test_more_attempts_never_lower_a_count_and_more_doubt_never_clears_it(seed: int) -> None:
    rng = random.Random(seed)
    node, history = random_count(rng), random_history(rng, AT)
    before = count(node, history, NEW_YORK)
    more = history._replace(entries=(*history.entries, *random_history(rng, AT).entries))
    assert before is not True or count(node, more, NEW_YORK) is True
    less = history._replace(complete_since=None, last_24h=None, last_7d=None, last_30d=None)
    assert count(node, less, NEW_YORK) is (True if before is True else None)


# ---------------------------------------------------------------------------------------------------- by hand, literal


def reached(at_least: int, entries: list[Entry], *, last=None, where=(), same=(), per="person", calendar=0, at: int = AT, **known) -> bool | None:
    node = Count(at_least, last or Period(hours=24), per, tuple(where), tuple(same), calendar)
    history = History(tuple(entries), known.pop("since", ALWAYS), asked_at=AT, **known)
    found = count(node, history, Moment(at, "America/New_York", clock))
    assert counter(node)(history, Moment(at, "America/New_York", clock)) is found
    return found


def test_rolling_windows_are_half_open_at_the_far_end() -> None:
    assert reached(1, [Entry(AT - DAY + 1)]) is True
    assert reached(1, [Entry(AT - DAY)]) is False
    assert reached(1, [Entry(AT)]) is True
    assert reached(1, [Entry(AT + 1)]) is False
    assert reached(1, [Entry(AT - 7 * DAY + 1)], last=Period(days=7)) is True
    assert reached(1, [Entry(AT - 7 * DAY)], last=Period(days=7)) is False


def test_calendar_days_begin_at_local_midnight() -> None:
    midnight = clock.parse_instant("2026-03-03T00:00:00-05:00")
    assert reached(1, [Entry(midnight)], last=Period(days=1), calendar=1) is True
    assert reached(1, [Entry(midnight - 1)], last=Period(days=1), calendar=1) is False
    assert reached(1, [Entry(midnight - DAY)], last=Period(days=2), calendar=2) is True
    assert reached(1, [Entry(midnight - DAY - 1)], last=Period(days=2), calendar=2) is False


def test_a_field_missing_in_an_entry_matches_and_so_does_one_missing_in_the_attempt() -> None:
    voice = [("channel", frozenset({"voice"}), True)]
    assert reached(1, [Entry(AT, channel="voice")], where=voice) is True
    assert reached(1, [Entry(AT, channel="sms")], where=voice) is False
    assert reached(1, [Entry(AT)], where=voice) is True
    spared = [("outcome", frozenset({"did_not_connect"}), False)]
    assert reached(1, [Entry(AT, outcome="did_not_connect")], where=spared) is False
    assert reached(1, [Entry(AT, outcome="answered")], where=spared) is True
    assert reached(1, [Entry(AT)], where=spared) is True
    assert reached(1, [Entry(AT, subject="roofs")], same=["subject"], subject="solar") is False
    assert reached(1, [Entry(AT, subject="roofs")], same=["subject"], subject=None) is True
    assert reached(1, [Entry(AT)], same=["subject"], subject="solar") is True


def test_per_person_number_and_debt() -> None:
    other = [Entry(AT, to=OTHER, debt="d2")]
    assert reached(1, other, per="person", to=OWN) is True
    assert reached(1, other, per="number", to=OWN) is False
    assert reached(1, other, per="number", to=OTHER) is True
    assert reached(1, other, per="debt", debt="d1") is False
    assert reached(1, other, per="debt", debt="d2") is True
    assert reached(1, other, per="debt", debt=None) is True  # all debts are one


@pytest.mark.parametrize(("since", "expected"), [(AT - DAY + 1, False), (AT - DAY, False), (AT - DAY + 2, None), (AT, None), (None, None), (ALWAYS, False)])
def test_a_count_is_known_where_the_window_begins_within_the_record(since, expected) -> None:
    assert reached(1, [], since=since) is expected
    assert reached(1, [Entry(AT)], since=since) is True  # what is known to have been made counts anyhow


def test_the_figures_are_upper_bounds() -> None:
    assert reached(3, [], since=None, last_24h=2) is False
    assert reached(3, [], since=None, last_24h=3) is None
    assert reached(3, [], since=None, last_7d=2) is False  # a longer time bounds a shorter one
    assert reached(3, [], since=None, last_7d=2, last=Period(days=7)) is False
    assert reached(3, [], since=None, last_24h=2, last=Period(days=7)) is None  # a shorter one does not bound a longer
    assert reached(1, [], since=None, last_30d=0, last=Period(days=30)) is False
    for length, figure in ((Period(hours=25), "last_24h"), (Period(days=8), "last_7d"), (Period(days=31), "last_30d")):
        assert reached(1, [], since=None, last=length, **{figure: 0}) is None
    assert reached(3, [], since=None, last_24h=9, last_7d=2) is False  # the least of them
    # The bound is on all attempts, so it bounds those of one channel too.
    assert reached(3, [], since=None, last_24h=2, where=[("channel", frozenset({"voice"}), True)]) is False


def test_later_the_figures_bound_what_was_before_the_asking() -> None:
    assert reached(3, [], since=None, last_24h=3, at=AT + DAY - 1) is None
    assert reached(3, [], since=None, last_24h=3, at=AT + DAY) is False
    assert reached(3, [], since=None, last_7d=2, last=Period(days=7), at=AT + HOUR) is False
    assert reached(1, [], since=AT - HOUR, at=AT + 23 * HOUR - 2) is None
    assert reached(1, [], since=AT - HOUR, at=AT + 23 * HOUR) is False
