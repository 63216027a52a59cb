"""The meaning of every operator at its edges: known, unknown, never, one unit to each side. Each case is judged by every evaluator."""

from datetime import date

import pytest

from dialguard.backends.closures import CERTAIN, POSSIBLE, predicate
from dialguard.expr import nodes
from dialguard.expr.fold import fold, replace, settle_reliefs
from dialguard.expr.nodes import FALSE, TRUE, UNKNOWN, All, Any, ClosedDay, Const, Count, ExpressionError, LocalTime, Not, Period, facts_read
from dialguard.expr.reference import evaluate, fixed_clock
from dialguard.facts import clock
from dialguard.model.history import Entry, History
from dialguard.model.moment import DAY, HOUR, MINUTE, NEVER, SECOND, Moment
from tests.expr import trees

T = "2026-03-03 12:00:00"  # a Tuesday
OPEN = None


def local(text: str, zone: str = "America/New_York") -> int:
    day, time = text.split()
    hours, minutes, seconds = map(int, time.split(":"))
    return clock.first_instant_at_or_after(date.fromisoformat(day).toordinal(), hours * 3600 + minutes * 60 + seconds, zone)


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


AT = local(T)


def test_(fact, operator, value, kind="", settled=False):
    return nodes.Test(fact, operator, value, kind, settled)


test_.__test__ = False
week = lambda *spans: (tuple(spans),) * 7  # noqa: E731
EIGHT_TO_NINE = LocalTime(week((8 * 3600, 21 * 3600)))
BUSINESS = LocalTime(((((9 * 3600, 12 * 3600), (13 * 3600, 17 * 3600)),) * 5 + ((), ())))
NIGHT = LocalTime(week((0, 3600), (23 * 3600, 86_400)))
CENTRAL = LocalTime(week((8 * 3600, 21 * 3600)), -6 * 3600)
WITHIN_18 = test_("began", "within", Period(months=18), "moment")
OLDER_18 = test_("began", "older_than", Period(months=18), "moment")
DAY_1 = Count(2, Period(hours=24))
TODAY = Count(1, Period(days=1), calendar_days=1)


def entries(*ago: int, **more) -> dict[str, object]:
    return {"history.attempts": History(tuple(Entry(AT - back) for back in ago), complete_since=trees.ALWAYS, asked_at=AT, **more)}


# what, condition, facts, local time (or None for T), expected
CASES = [
    ("constant true", TRUE, {}, T, True),
    ("constant false", FALSE, {}, T, False),
    ("constant unknown", UNKNOWN, {}, T, OPEN),
    # --- in
    ("flag set", test_("listed", "in", frozenset({True})), {"listed": True}, T, True),
    ("flag unset", test_("listed", "in", frozenset({True})), {"listed": False}, T, False),
    ("flag unknown", test_("listed", "in", frozenset({True})), {}, T, OPEN),
    ("flag that must be unset", test_("listed", "in", frozenset({False})), {"listed": False}, T, True),
    ("flag that must be unset is set", test_("listed", "in", frozenset({False})), {"listed": True}, T, False),
    ("flag that must be unset is unknown", test_("listed", "in", frozenset({False})), {}, T, OPEN),
    ("either value of a flag", test_("listed", "in", frozenset({True, False})), {"listed": False}, T, True),
    ("a word", test_("level", "in", frozenset({"low", "high"})), {"level": "high"}, T, True),
    ("another word", test_("level", "in", frozenset({"low", "high"})), {"level": "middle"}, T, False),
    ("a word unknown", test_("level", "in", frozenset({"low", "high"})), {"level": None}, T, OPEN),
    ("a word that is settled when unknown", test_("level", "in", frozenset({"low"}), settled=True), {}, T, False),
    ("a word that is settled and known", test_("level", "in", frozenset({"low"}), settled=True), {"level": "low"}, T, True),
    # --- numbers
    ("at least, one below", test_("rate", "at_least", 30_000), {"rate": 29_999}, T, False),
    ("at least, the mark", test_("rate", "at_least", 30_000), {"rate": 30_000}, T, True),
    ("at most, the mark", test_("rate", "at_most", 30_000), {"rate": 30_000}, T, True),
    ("at most, one above", test_("rate", "at_most", 30_000), {"rate": 30_001}, T, False),
    ("above, the mark", test_("rate", "above", 30_000), {"rate": 30_000}, T, False),
    ("above, one above", test_("rate", "above", 30_000), {"rate": 30_001}, T, True),
    ("below, the mark", test_("rate", "below", 30_000), {"rate": 30_000}, T, False),
    ("below, one below", test_("rate", "below", 30_000), {"rate": 29_999}, T, True),
    ("a number of nought", test_("rate", "at_most", 0), {"rate": 0}, T, True),
    ("a number unknown", test_("rate", "above", 30_000), {}, T, OPEN),
    # --- sets
    ("has one", test_("forms", "has_any", frozenset({"low"})), {"forms": frozenset({"low", "high"})}, T, True),
    ("has one of two", test_("forms", "has_any", frozenset({"low", "middle"})), {"forms": frozenset({"middle"})}, T, True),
    ("has none of them", test_("forms", "has_any", frozenset({"low"})), {"forms": frozenset({"high"})}, T, False),
    ("nothing at all", test_("forms", "has_any", frozenset({"low"})), {"forms": frozenset()}, T, False),
    ("a set unknown", test_("forms", "has_any", frozenset({"low"})), {}, T, OPEN),
    # --- stated
    ("stated", test_("rate", "stated", True), {"rate": 0}, T, True),
    ("stated false", test_("said", "stated", True), {"said": False}, T, True),
    ("stated never", test_("asked", "stated", True), {"asked": NEVER}, T, True),
    ("not stated asks for it", test_("said", "stated", True), {}, T, OPEN),
    ("not stated, settled", test_("listed", "stated", True, settled=True), {}, T, False),
    # --- months on local dates
    ("eighteen months to the day", WITHIN_18, {"began": local("2024-09-03 23:59:59")}, T, True),
    ("a second before that day", WITHIN_18, {"began": local("2024-09-02 23:59:59")}, T, False),
    ("older by a second", OLDER_18, {"began": local("2024-09-02 23:59:59")}, T, True),
    ("not older on the day", OLDER_18, {"began": local("2024-09-03 00:00:00")}, T, False),
    ("the last second of the last day", WITHIN_18, {"began": local("2024-09-03 12:00:00")}, "2026-03-03 23:59:59", True),
    ("the first second after", WITHIN_18, {"began": local("2024-09-03 12:00:00")}, "2026-03-04 00:00:00", False),
    ("clamped to the end of the month", test_("began", "within", Period(months=6), "moment"), {"began": local("2025-08-31 10:00:00")}, "2026-02-28 12:00:00", True),
    ("clamped, a day later", test_("began", "within", Period(months=6), "moment"), {"began": local("2025-08-31 10:00:00")}, "2026-03-01 12:00:00", False),
    ("from a leap day", test_("began", "within", Period(months=12), "moment"), {"began": local("2024-02-29 10:00:00")}, "2025-02-28 12:00:00", True),
    ("from a leap day, a day later", test_("began", "within", Period(months=12), "moment"), {"began": local("2024-02-29 10:00:00")}, "2025-03-01 12:00:00", False),
    ("this very moment", WITHIN_18, {"began": AT}, T, True),
    ("a moment that has not come", WITHIN_18, {"began": AT + 1}, T, False),
    ("nor is it older", OLDER_18, {"began": AT + 1}, T, False),
    ("never is not within", WITHIN_18, {"began": NEVER}, T, False),
    ("never is not older", OLDER_18, {"began": NEVER}, T, False),
    ("a moment unknown", WITHIN_18, {}, T, OPEN),
    ("older, unknown", OLDER_18, {"began": None}, T, OPEN),
    ("a century ago", WITHIN_18, {"began": clock.parse_instant("1900-01-01T00:00:00Z")}, T, False),
    ("older by a century", OLDER_18, {"began": clock.parse_instant("1900-01-01T00:00:00Z")}, T, True),
    ("the end of time", WITHIN_18, {"began": clock.parse_instant("9999-12-31T00:00:00Z")}, T, False),
    # --- days on local dates, hours and minutes exactly
    ("31 days to the day", test_("began", "within", Period(days=31), "moment"), {"began": local("2026-01-31 00:00:00")}, T, True),
    ("32 days", test_("began", "within", Period(days=31), "moment"), {"began": local("2026-01-30 23:59:59")}, T, False),
    ("the same day", test_("began", "within", Period(), "moment"), {"began": local("2026-03-03 00:00:00")}, T, True),
    ("the day before", test_("began", "within", Period(), "moment"), {"began": local("2026-03-02 23:59:59")}, T, False),
    ("24 hours less a microsecond", test_("began", "within", Period(hours=24), "moment"), {"began": AT - DAY + 1}, T, True),
    ("24 hours", test_("began", "within", Period(hours=24), "moment"), {"began": AT - DAY}, T, False),
    ("older than 24 hours", test_("began", "older_than", Period(hours=24), "moment"), {"began": AT - DAY}, T, True),
    ("five minutes less a microsecond", test_("began", "within", Period(minutes=5), "moment"), {"began": AT - 5 * MINUTE + 1}, T, True),
    ("five minutes", test_("began", "within", Period(minutes=5), "moment"), {"began": AT - 5 * MINUTE}, T, False),
    ("a day of 23 hours is still 24 hours away", test_("began", "within", Period(hours=24), "moment"), {"began": local("2026-03-07 12:00:00")}, "2026-03-08 12:30:00", True),
    # --- dates
    ("a date 31 days ago", test_("version", "within", Period(days=31), "date"), {"version": day("2026-01-31")}, T, True),
    ("a date 32 days ago", test_("version", "within", Period(days=31), "date"), {"version": day("2026-01-30")}, T, False),
    ("older date", test_("version", "older_than", Period(days=31), "date"), {"version": day("2026-01-30")}, T, True),
    ("a date not older", test_("version", "older_than", Period(days=31), "date"), {"version": day("2026-01-31")}, T, False),
    ("a date to come is not within", test_("version", "within", Period(days=31), "date"), {"version": day("2026-03-04")}, T, False),
    ("a date to come is not older", test_("version", "older_than", Period(days=31), "date"), {"version": day("2026-03-04")}, T, False),
    ("a date three months ago", test_("since", "within", Period(months=3), "date"), {"since": day("2025-12-03")}, T, True),
    ("a date never", test_("since", "within", Period(months=3), "date"), {"since": NEVER}, T, False),
    ("a date unknown", test_("since", "within", Period(months=3), "date"), {}, T, OPEN),
    # --- came
    ("has come", test_("began", "came", True, "moment"), {"began": AT}, T, True),
    ("has not come", test_("began", "came", True, "moment"), {"began": AT + 1}, T, False),
    ("never came", test_("began", "came", True, "moment"), {"began": NEVER}, T, False),
    ("came, unknown", test_("began", "came", True, "moment"), {}, T, OPEN),
    ("the date has come", test_("since", "came", True, "date"), {"since": day("2026-03-03")}, T, True),
    ("the date has not come", test_("since", "came", True, "date"), {"since": day("2026-03-04")}, T, False),
    # --- before, after
    ("before a date, the day before", test_("began", "before", day("2026-01-05"), "moment"), {"began": local("2026-01-04 23:59:59")}, T, True),
    ("before a date, that day", test_("began", "before", day("2026-01-05"), "moment"), {"began": local("2026-01-05 00:00:00")}, T, False),
    ("after a date, that day", test_("began", "after", day("2026-01-05"), "moment"), {"began": local("2026-01-05 23:59:59")}, T, False),
    ("after a date, the day after", test_("began", "after", day("2026-01-05"), "moment"), {"began": local("2026-01-06 00:00:00")}, T, True),
    ("never is not before", test_("began", "before", day("2026-01-05"), "moment"), {"began": NEVER}, T, False),
    ("never is not after", test_("began", "after", day("2026-01-05"), "moment"), {"began": NEVER}, T, False),
    ("before, unknown", test_("began", "before", day("2026-01-05"), "moment"), {}, T, OPEN),
    ("after another moment", test_("began", "after", "ended", "moment"), {"began": AT, "ended": AT - 1}, T, True),
    ("after the same moment", test_("began", "after", "ended", "moment"), {"began": AT, "ended": AT}, T, False),
    ("before another moment", test_("began", "before", "ended", "moment"), {"began": AT - 1, "ended": AT}, T, True),
    ("after what never was", test_("began", "after", "ended", "moment"), {"began": AT, "ended": NEVER}, T, False),
    ("what never was, after", test_("began", "after", "ended", "moment"), {"began": NEVER, "ended": AT}, T, False),
    ("after the unknown", test_("began", "after", "ended", "moment"), {"began": AT}, T, OPEN),
    ("the unknown after", test_("began", "after", "ended", "moment"), {"ended": AT}, T, OPEN),
    ("never after the unknown", test_("began", "after", "ended", "moment"), {"began": NEVER}, T, OPEN),
    ("dates compared", test_("since", "before", "version", "date"), {"since": day("2026-01-04"), "version": day("2026-01-05")}, T, True),
    ("a date before a date", test_("version", "after", day("2026-01-05"), "date"), {"version": day("2026-01-06")}, T, True),
    # --- windows held as a fact
    ("inside agreed hours", test_("agreed", "open", True), {"agreed": week((43_200, 43_201))}, T, True),
    ("a second after", test_("agreed", "open", True), {"agreed": week((43_200, 43_201))}, "2026-03-03 12:00:01", False),
    ("a second before", test_("agreed", "open", True), {"agreed": week((43_200, 43_201))}, "2026-03-03 11:59:59", False),
    ("closed all week", test_("agreed", "open", True), {"agreed": ((),) * 7}, T, False),
    ("hours unknown", test_("agreed", "open", True), {}, T, OPEN),
    ("that weekday alone", test_("agreed", "open", True), {"agreed": ((), ((0, 86_400),), (), (), (), (), ())}, T, True),
    ("another weekday", test_("agreed", "open", True), {"agreed": (((0, 86_400),), (), (), (), (), (), ())}, T, False),
    # --- the called party's clock
    ("one second before opening", EIGHT_TO_NINE, {}, "2026-03-03 07:59:59", False),
    ("opening", EIGHT_TO_NINE, {}, "2026-03-03 08:00:00", True),
    ("last second", EIGHT_TO_NINE, {}, "2026-03-03 20:59:59", True),
    ("closing", EIGHT_TO_NINE, {}, "2026-03-03 21:00:00", False),
    ("two windows a day, the first", BUSINESS, {}, "2026-03-03 11:59:59", True),
    ("two windows a day, between", BUSINESS, {}, "2026-03-03 12:00:00", False),
    ("two windows a day, the second", BUSINESS, {}, "2026-03-03 13:00:00", True),
    ("a day without windows", BUSINESS, {}, "2026-03-07 10:00:00", False),
    ("midnight opens", NIGHT, {}, "2026-03-03 00:00:00", True),
    ("midnight closes nothing", NIGHT, {}, "2026-03-03 23:59:59", True),
    ("one", NIGHT, {}, "2026-03-03 01:00:00", False),
    ("never open", LocalTime(week()), {}, T, False),
    ("always open", LocalTime(week((0, 86_400))), {}, T, True),
    # --- a fixed clock: 08:00 CST is 09:00 in New York in winter, 10:00 EDT in summer
    ("central standard, opening", CENTRAL, {}, "2026-03-03 09:00:00", True),
    ("central standard, a second before", CENTRAL, {}, "2026-03-03 08:59:59", False),
    ("central standard in summer", CENTRAL, {}, "2026-07-07 09:59:59", False),
    ("central standard in summer, opening", CENTRAL, {}, "2026-07-07 10:00:00", True),
    ("central standard, closing", CENTRAL, {}, "2026-03-03 22:00:00", False),
    ("a fixed clock has its own weekday", LocalTime((((0, 86_400),), (), (), (), (), (), ()), -6 * 3600), {}, "2026-03-03 00:30:00", True),
    # --- closed days (the calendar of the tests closes ordinals 0 and 1 of every seven and eleven)
    ("a closed day", ClosedDay("odd"), {}, date.fromordinal(7 * 105_670).isoformat() + " 00:00:00", True),
    ("the second closed day", ClosedDay("odd"), {}, date.fromordinal(7 * 105_670 + 1).isoformat() + " 23:59:59", True),
    ("the day after", ClosedDay("odd"), {}, date.fromordinal(7 * 105_670 + 2).isoformat() + " 00:00:00", False),
    # --- counts
    ("two in a day", DAY_1, entries(HOUR, 2 * HOUR), T, True),
    ("one in a day", DAY_1, entries(HOUR), T, False),
    ("just inside 24 hours", DAY_1, entries(HOUR, DAY - 1), T, True),
    ("24 hours ago no longer", DAY_1, entries(HOUR, DAY), T, False),
    ("this very moment counts", DAY_1, entries(0, HOUR), T, True),
    ("what is to come does not", DAY_1, entries(-1, HOUR), T, False),
    ("no record", DAY_1, {}, T, OPEN),
    ("since midnight", TODAY, entries(12 * HOUR), T, True),
    ("before midnight", TODAY, entries(12 * HOUR + 1), T, False),
    ("since midnight on a day of 23 hours", TODAY, {"history.attempts": History((Entry(local("2026-03-08 00:00:00")),), trees.ALWAYS)}, "2026-03-08 23:59:59", True),
    # --- joined
    ("all true", All((TRUE, EIGHT_TO_NINE)), {}, T, True),
    ("false wins over unknown", All((test_("listed", "in", frozenset({True})), FALSE)), {}, T, False),
    ("unknown wins over true", All((test_("listed", "in", frozenset({True})), TRUE)), {}, T, OPEN),
    ("all of nothing", All(()), {}, T, True),
    ("true wins over unknown", Any((test_("listed", "in", frozenset({True})), TRUE)), {}, T, True),
    ("unknown wins over false", Any((test_("listed", "in", frozenset({True})), FALSE)), {}, T, OPEN),
    ("any of nothing", Any(()), {}, T, False),
    ("the opposite", Not(EIGHT_TO_NINE), {}, T, False),
    ("the opposite of unknown", Not(UNKNOWN), {}, T, OPEN),
    ("not listed, unknown", Not(test_("listed", "in", frozenset({True}))), {}, T, OPEN),
    ("not a count, no record", Not(DAY_1), {}, T, OPEN),
]  # fmt: skip


@pytest.mark.parametrize(("what", "node", "facts", "at", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_every_operator_means(what, node, facts, at, expected) -> None:
    moment = Moment(local(at), "America/New_York", clock)
    facts = dict.fromkeys(trees.NAMES) | facts
    assert evaluate(node, facts, moment, trees.closed) is expected
    if node not in (All(()), Any(())):  # the builders never make these
        assert predicate(node, POSSIBLE, trees.closed, trees.VOCABULARY)(facts, moment) is (expected is not False)
        assert predicate(node, CERTAIN, trees.closed, trees.VOCABULARY)(facts, moment) is (expected is True)
    for fixed in (facts, {}, {name: value for name, value in facts.items() if name in ("listed", "level", "rate", "began")}):
        assert evaluate(fold(node, fixed), facts, moment, trees.closed) is expected


def test_a_missing_name_is_unknown_to_the_reference() -> None:
    moment = Moment(AT, "America/New_York", clock)
    assert evaluate(test_("listed", "in", frozenset({True})), {}, moment, trees.closed) is None
    assert evaluate(DAY_1, {}, moment, trees.closed) is None


def test_a_repeated_hour_is_inside_or_outside_twice() -> None:
    one_to_two = LocalTime(week((3600, 7200)))
    noon = local("2026-11-01 00:59:59")
    inside = [evaluate(one_to_two, {}, Moment(noon + ahead * SECOND, "America/New_York", clock), trees.closed) for ahead in (0, 1, 3600, 3601, 7200, 7201)]
    assert inside == [False, True, True, True, True, False]


def test_a_skipped_hour_never_comes() -> None:
    two_to_three = LocalTime(week((7200, 10_800)))
    before = local("2026-03-08 01:59:59")
    assert not any(evaluate(two_to_three, {}, Moment(before + ahead * SECOND, "America/New_York", clock), trees.closed) for ahead in range(0, 7200, 60))


def test_a_fixed_clock() -> None:
    assert fixed_clock(clock.parse_instant("2026-03-03T05:59:59Z"), -6 * 3600) == (0, 86_399)
    assert fixed_clock(clock.parse_instant("2026-03-03T06:00:00Z"), -6 * 3600) == (1, 0)


# ------------------------------------------------------------------------------------------------- building of nodes


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Period(days=-1), "negative"),
        (lambda: Period(days=1, hours=1), "not both"),
        (lambda: Period(months=1, minutes=1), "not both"),
        (lambda: nodes.Test("listed", "equals", True), "unknown operator"),
        (lambda: nodes.Test("listed", "in", True), "frozenset"),
        (lambda: nodes.Test("forms", "has_any", {"low"}), "frozenset"),
        (lambda: nodes.Test("began", "within", Period(days=1)), "moment or a date"),
        (lambda: nodes.Test("began", "within", 5, "moment"), "takes a period"),
        (lambda: LocalTime(((),) * 6), "seven days"),
        (lambda: LocalTime((((5, 5),),) * 7), "empty"),
        (lambda: LocalTime((((5, 86_401),),) * 7), "midnight"),
        (lambda: LocalTime((((10, 20), (15, 30)),) * 7), "out of order"),
    ],
)
def test_a_node_without_a_meaning_cannot_be_built(build, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        build()


@pytest.mark.parametrize(
    ("period", "text", "length"),
    [
        (Period(), "no time at all", 0), (Period(months=1), "1 month", 0), (Period(months=18), "18 months", 0), (Period(days=31), "31 days", 31 * DAY),
        (Period(hours=1), "1 hour", HOUR), (Period(minutes=5), "5 minutes", 5 * MINUTE), (Period(months=1, days=2), "1 month 2 days", 2 * DAY),
    ],
)  # fmt: skip
def test_periods_in_words_and_length(period: Period, text: str, length: int) -> None:
    assert str(period) == text and period.microseconds == length
    assert period.exact is (period.hours > 0 or period.minutes > 0)


def test_ends_of_months() -> None:
    assert Period(months=1).end_from(day("2026-01-31")) == day("2026-02-28")
    assert Period(months=1).end_from(day("2024-01-31")) == day("2024-02-29")
    assert Period(months=1).end_from(day("2026-03-31")) == day("2026-04-30")
    assert Period(months=1, days=1).end_from(day("2026-01-31")) == day("2026-03-01")
    assert Period(months=12).end_from(day("2025-12-31")) == day("2026-12-31")
    assert Period(days=31).end_from(day("2026-01-01")) == day("2026-02-01")


def test_joining_and_turning_take_away_what_is_settled() -> None:
    a, b = test_("listed", "in", frozenset({True})), test_("said", "in", frozenset({True}))
    assert nodes.conjunction() == TRUE and nodes.disjunction() == FALSE
    assert nodes.conjunction(a, TRUE, a) == a and nodes.disjunction(a, FALSE, a) == a
    assert nodes.conjunction(a, FALSE, b) == FALSE and nodes.disjunction(a, TRUE, b) == TRUE
    assert nodes.conjunction(a, All((b, a))) == All((a, b)) and nodes.disjunction(Any((a, b)), b) == Any((a, b))
    assert nodes.conjunction(a, Any((a, b))) == All((a, Any((a, b))))
    assert nodes.negation(Not(a)) == a and nodes.negation(TRUE) == FALSE and nodes.negation(UNKNOWN) == UNKNOWN and nodes.negation(a) == Not(a)


def test_what_a_condition_reads() -> None:
    node = All((Not(test_("began", "after", "ended", "moment")), Any((DAY_1, EIGHT_TO_NINE, test_("listed", "in", frozenset({True}))))))
    assert facts_read(node) == {"began", "ended", "listed", "history.attempts"}
    assert [type(part).__name__ for part in node.walk()] == ["All", "Not", "Test", "Any", "Count", "LocalTime", "Test"]


def test_what_is_fixed_is_gone_after_folding() -> None:
    listed, level = test_("listed", "in", frozenset({True})), test_("level", "in", frozenset({"low"}))
    hours = test_("agreed", "open", True)
    assert fold(All((listed, level)), {"listed": True}) == level
    assert fold(All((listed, level)), {"listed": False}) == FALSE
    assert fold(Any((listed, Not(level))), {"listed": False, "level": "low"}) == FALSE
    assert fold(All((listed, level)), {"listed": None}) == All((UNKNOWN, level))
    # What time moves stays, unless it is unknown for good.
    assert fold(All((hours, WITHIN_18, level)), {"agreed": week((0, 60)), "began": AT, "level": "low"}) == All((hours, WITHIN_18))
    assert fold(hours, {"agreed": None}) == UNKNOWN
    after = test_("began", "after", "ended", "moment")
    assert fold(after, {"began": AT}) == after and fold(after, {"began": AT, "ended": None}) == UNKNOWN


def test_parts_can_be_replaced() -> None:
    a, b = test_("listed", "in", frozenset({True})), test_("said", "in", frozenset({True}))
    node = All((a, Not(Any((a, b)))))
    assert replace(node, lambda part: TRUE if part == a else None) == FALSE
    assert replace(node, lambda part: FALSE if part == b else None) == All((a, Not(a)))
    assert replace(node, lambda part: None) == node


def test_facts_that_speak_only_for_the_caller_are_settled_where_they_loosen() -> None:
    a = test_("subject", "in", frozenset({"a"}))
    settled = test_("subject", "in", frozenset({"a"}), settled=True)
    b = test_("listed", "in", frozenset({True}))
    names = frozenset({"subject"})
    assert settle_reliefs(All((a, b)), names, True) == All((settled, b))
    assert settle_reliefs(Any((a, b)), names, False) == Any((a, b))
    assert settle_reliefs(Not(a), names, False) == Not(settled)
    assert settle_reliefs(Not(Not(a)), names, True) == settled
    assert settle_reliefs(Const(True), names, True) == TRUE


def test_a_node_that_nobody_knows_has_no_meaning() -> None:
    moment = Moment(AT, "America/New_York", clock)
    with pytest.raises(TypeError, match="no meaning"):
        evaluate(nodes.Node(), {}, moment, trees.closed)
    with pytest.raises(TypeError, match="no code"):
        predicate(nodes.Node(), POSSIBLE, trees.closed, trees.VOCABULARY)
