"""Calendars against dates written by hand from the statutes, and against another package."""

from datetime import date
from pathlib import Path

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialguard.packs import calendars
from dialguard.packs.calendars import ANYWHERE, Calendar, load
from dialguard.packs.dayrules import SHIFTS, easter, parse_rule
from dialguard.packs.yamlfile import PackError

FOLDER = Path(__file__).parents[2] / "rules" / "calendars"


def shipped(code: str) -> Calendar:
    return load((FOLDER / f"{code}.yaml").read_text("utf-8"), code)


CALENDARS = {path.stem: shipped(path.stem) for path in sorted(FOLDER.glob("*.yaml"))}


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def iso(ordinals) -> list[str]:
    return [date.fromordinal(ordinal).isoformat() for ordinal in ordinals]


def closed(code: str, text: str, places=()) -> str | None:
    return CALENDARS[code].closed(day(text), places)


# Easter Sundays: 2026-04-05, 2027-03-28, 2028-04-16. 2026-07-04 is a Saturday; 2027-06-19 and 2027-12-25 are Saturdays,
# 2027-07-04 a Sunday; 2028-01-01 and 2028-11-11 are Saturdays. Mere Sundays are left out here.
FEDERAL = """
    2026: 01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25
    2027: 01-01 01-18 02-15 05-31 06-18 06-19 07-04 07-05 09-06 10-11 11-11 11-25 12-24 12-25 12-31
    2028: 01-01 01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-11 11-23 12-25
"""
EXPECTED = {
    "us": FEDERAL,
    # Good Friday, Flag Day (a Sunday in 2026), Election Day every year; Saturday holidays on Friday too
    "pa": FEDERAL
    + """
    2026: 04-03 06-14 06-15 11-03
    2027: 03-26 06-14 11-02
    2028: 04-14 06-14 11-07
    """,
    # no Juneteenth; the weekend shift is for New Year, 4 July and Christmas only
    "la": """
    2026: 01-01 01-08 01-19 02-16 02-17 04-03 05-25 07-03 07-04 08-30 09-07 10-12 11-01 11-11 11-26 12-25
    2027: 01-01 01-08 01-18 02-09 02-15 03-26 05-31 07-04 07-05 08-30 09-06 10-11 11-01 11-11 11-25 12-24 12-25 12-31
    2028: 01-01 01-08 01-17 02-21 02-29 04-14 05-29 07-04 08-30 09-04 10-09 11-01 11-11 11-23 12-25
    """,
    # Juneteenth on a Monday and on its date, never on Friday 2027-06-18; Pioneer Day (a Saturday in 2027); Easter
    # Sunday; Good Friday from 2026-05-06; Election Day from 2027
    "ut": """
    2026: 01-01 01-19 02-16 04-05 05-25 06-15 06-19 07-03 07-04 07-24 09-07 10-12 11-11 11-26 12-25
    2027: 01-01 01-18 02-15 03-26 03-28 05-31 06-19 06-21 07-04 07-05 07-23 07-24 09-06 10-11 11-02 11-11 11-25
    2027: 12-24 12-25 12-31
    2028: 01-01 01-17 02-21 04-14 04-16 05-29 06-19 07-04 07-24 09-04 10-09 11-07 11-10 11-11 11-23 12-25
    """,
    # Confederate Memorial Day, 4th Monday of April; Jefferson Davis, 1st Monday of June
    "al": FEDERAL
    + """
    2026: 04-27 06-01
    2027: 04-26 06-07
    2028: 04-24 06-05
    """,
    # 4 May, Victory Day (2nd Monday of August), Election Day in even years, the state's Monday beside the federal Friday
    "ri": FEDERAL
    + """
    2026: 05-04 07-06 08-10 11-03
    2027: 05-04 06-21 08-09 12-27
    2028: 01-03 05-04 08-14 11-07 11-13
    """,
    # Arbor Day, last Friday of April; the day after Thanksgiving
    "ne": FEDERAL
    + """
    2026: 04-24 11-27
    2027: 04-30 11-26
    2028: 04-28 11-24
    """,
}
EVERY_SUNDAY = {"la", "ut", "al"}


def literal(code: str) -> list[str]:
    dates = set()
    for line in EXPECTED[code].split("\n"):
        year, _, days = line.strip().partition(": ")
        dates |= {f"{year}-{text}" for text in days.split()}
    return sorted(dates)


def test_every_calendar_is_tested():
    assert set(CALENDARS) == set(EXPECTED)


@pytest.mark.parametrize("code", EXPECTED)
def test_dates_2026_to_2028(code):
    found = CALENDARS[code].days(2026, 2028)
    assert iso(o for o, name in found.items() if name != "Sunday") == literal(code)
    assert list(found) == sorted(found)


@pytest.mark.parametrize("code", EXPECTED)
def test_sundays(code):
    for text in ("2026-08-02", "2027-02-21", "2028-12-31"):
        assert closed(code, text) == ("Sunday" if code in EVERY_SUNDAY else None)
        assert closed(code, iso([day(text) - 1])[0]) is None


@pytest.mark.parametrize("code", EXPECTED)
def test_each_day_alone_agrees_with_the_years(code):
    all_days = CALENDARS[code].days(2026, 2028)
    fresh = shipped(code)
    for ordinal in range(day("2026-01-01"), day("2028-12-31") + 1):
        assert fresh.closed(ordinal) == all_days.get(ordinal)


def test_names():
    assert closed("pa", "2026-06-14") == "Flag Day"
    assert closed("pa", "2026-06-15") == "Flag Day (observed)"
    assert closed("ut", "2026-06-15") == "Juneteenth (observed)"
    assert closed("ut", "2027-07-23") == "Pioneer Day (observed)"
    assert closed("ut", "2027-07-04") == "Independence Day"  # a Sunday: the holiday names the day
    assert closed("ut", "2026-04-05") == "Easter Sunday"
    assert closed("la", "2026-11-01") == "All Saints' Day"
    assert closed("ri", "2028-01-03") == "New Year's Day (observed)"
    assert closed("al", "2026-04-27") == "Confederate Memorial Day"


@pytest.mark.parametrize(
    ("code", "open_on", "closed_on"),
    [
        ("ut", "2026-04-03", "2027-03-26"),  # Good Friday from 2026-05-06
        ("ut", "2025-04-18", "2028-04-14"),
        ("ut", "2026-11-03", "2027-11-02"),  # Election Day from 2027
        ("ut", "2021-06-21", "2022-06-20"),  # Juneteenth from 2022-06-01; 2022-06-19 was a Sunday
        ("al", "2024-06-19", "2025-06-19"),  # permanent from 2025-05-08
        ("ri", "2027-11-02", "2028-11-07"),  # Election Day in even years
        ("ri", "2020-06-19", "2021-06-18"),  # federal from 2021-06-17; 2021-06-19 was a Saturday
        ("us", "2020-06-19", "2021-06-18"),
        ("pa", "2026-11-27", "2025-11-04"),  # no day after Thanksgiving; Election Day in odd years too
        ("pa", "2026-06-16", "2025-06-13"),  # Flag Day 2025 was a Saturday
        ("la", "2026-06-19", "2023-07-03"),  # no Juneteenth; a day the governor proclaimed
        ("la", "2023-12-27", "2023-12-26"),
        ("la", "2028-11-10", "2020-12-31"),
        ("la", "2027-01-16", "2028-01-08"),  # Saturdays stay open, save a holiday
        ("ne", "2026-11-03", "2025-11-28"),
        ("ri", "2024-05-03", "2024-05-06"),  # 4 May 2024 was a Saturday: the state's Monday only
    ],
)
def test_the_edges_of_the_law(code, open_on, closed_on):
    assert closed(code, open_on) is None
    assert closed(code, closed_on) is not None


def test_juneteenth_in_utah_is_kept_on_a_monday():
    for text in ("2022-06-20", "2023-06-19", "2024-06-17", "2025-06-16", "2026-06-15", "2027-06-21", "2028-06-19", "2029-06-18"):
        assert closed("ut", text) is not None and date.fromisoformat(text).weekday() == 0


def test_victory_day_in_rhode_island():
    for text in ("2024-08-12", "2025-08-11", "2026-08-10", "2027-08-09", "2028-08-14"):
        assert closed("ri", text) == "Victory Day"


def test_days_of_single_counties():
    for text in ("2026-02-17", "2027-02-09", "2028-02-29"):
        assert closed("al", text) is None
        assert closed("al", text, ["Jefferson County"]) is None
        for places in (ANYWHERE, ["Mobile County"], {"mobile"}, "Mobile County", ("Jefferson County", "BALDWIN county")):
            assert closed("al", text, places) == "Mardi Gras"
        assert closed("la", text) == "Mardi Gras"  # the whole of Louisiana
    assert closed("la", "2028-01-10") is None
    assert closed("la", "2028-01-10", ["East Baton Rouge Parish"]) == "Inauguration Day"
    al = CALENDARS["al"]
    assert set(al.days(2026, 2026, ANYWHERE)) - set(al.days(2026, 2026)) == {day("2026-02-17")}


# ------------------------------------------------------------------------------------- against another package

# What the PyPI package `holidays` lacks (-) and adds (+) for 2026 to 2028, and why this project keeps its own data.
DIFFERENCES = {
    "us": {},
    "al": {},
    "ne": {"- day after Thanksgiving, in 62-301": "2026-11-27 2027-11-26 2028-11-24"},
    "la": {
        "- Battle of New Orleans, in 1:55": "2026-01-08 2027-01-08 2028-01-08",
        "- Huey P. Long Day, in 1:55": "2026-08-30 2027-08-30 2028-08-30",
        "- Columbus Day, in 1:55": "2026-10-12 2027-10-11 2028-10-09",
        "- All Saints' Day, in 1:55": "2026-11-01 2027-11-01 2028-11-01",
        "+ Juneteenth, not in 1:55(A)(1)": "2026-06-19 2027-06-18 2027-06-19 2028-06-19",
        "+ general election day, a day of state offices": "2026-11-03 2028-11-07",
        "+ Veterans Day moved, but 1:55 moves only three days": "2028-11-10",
    },
    "pa": {
        "- Good Friday, in 44 P.S. 11": "2026-04-03 2027-03-26 2028-04-14",
        "- Flag Day, in 44 P.S. 11": "2026-06-14 2026-06-15 2027-06-14 2028-06-14",
        "- Election Day, in 44 P.S. 11": "2026-11-03 2027-11-02 2028-11-07",
        "+ day after Thanksgiving, a day of state offices": "2026-11-27 2027-11-26 2028-11-24",
    },
    "ri": {
        "- 4 May, in 25-1-1": "2026-05-04 2027-05-04 2028-05-04",
        "- Election Day, in 25-1-1": "2026-11-03 2028-11-07",
        "- Saturday moves to Monday by 25-1-1": "2026-07-06 2027-06-21 2027-12-27 2028-01-03 2028-11-13",
    },
    "ut": {
        "- Easter Sunday, in 63G-1-301": "2026-04-05 2027-03-28 2028-04-16",
        "- Good Friday, from 2026-05-06": "2027-03-26 2028-04-14",
        "- Election Day, from 2027": "2027-11-02 2028-11-07",
        "- Juneteenth on a Monday": "2026-06-15 2027-06-21",
        "+ Juneteenth on a Friday, never in Utah": "2027-06-18",
    },
}


@pytest.mark.parametrize("code", EXPECTED)
def test_known_differences_from_the_holidays_package(code):
    package = holidays.country_holidays("US", subdiv=None if code == "us" else code.upper(), years=range(2026, 2029))
    theirs = {d.isoformat() for d in package if 2026 <= d.year <= 2028}
    ours = set(iso(o for o, name in CALENDARS[code].days(2026, 2028).items() if name != "Sunday"))
    lacks = {d for why, dates in DIFFERENCES[code].items() if why[0] == "-" for d in dates.split()}
    adds = {d for why, dates in DIFFERENCES[code].items() if why[0] == "+" for d in dates.split()}
    assert sorted(ours - theirs) == sorted(lacks)
    assert sorted(theirs - ours) == sorted(adds)


# --------------------------------------------------------------------------------------------------- arithmetic


def test_easter():
    known = "1961-04-02 1981-04-19 2000-04-23 2008-03-23 2011-04-24 2025-04-20 2026-04-05 2027-03-28 2028-04-16 2038-04-25 2100-03-28"
    for text in known.split():
        assert easter(int(text[:4])) == day(text)


@given(st.integers(1900, 2199))
def test_easter_is_a_sunday_in_its_season(year):
    assert date(year, 3, 22) <= date.fromordinal(easter(year)) <= date(year, 4, 25)
    assert date.fromordinal(easter(year)).weekday() == 6


@pytest.mark.parametrize(
    ("rule", "dates"),
    [
        ("jan 1", "2026-01-01"), ("feb 28", "2026-02-28"), ("dec 31", "2026-12-31"),
        ("1st thu jan", "2026-01-01"), ("4th wed jan", "2026-01-28"), ("last sat jan", "2026-01-31"),
        ("last sun feb", "2026-02-22"), ("last thu dec", "2026-12-31"), ("last fri dec", "2026-12-25"),
        ("easter", "2026-04-05"), ("easter -47", "2026-02-17"), ("easter +1", "2026-04-06"), ("easter -2", "2026-04-03"),
        ("tue after 1st mon nov", "2026-11-03"), ("mon after 1st mon nov", "2026-11-09"), ("sun after 1st mon nov", "2026-11-08"),
        ("tue after 1st mon nov in even years", "2026-11-03"), ("tue after 1st mon nov in odd years", ""),
        ("jan 1 in odd years", ""), ("fri after 4th thu nov", "2026-11-27"),
    ],
)  # fmt: skip
def test_rules(rule, dates):
    assert iso(parse_rule(rule)(2026)) == dates.split()


def test_every_weekday():
    sundays = parse_rule("weekday sun")(2028)
    assert (iso(sundays)[0], iso(sundays)[-1], len(sundays)) == ("2028-01-02", "2028-12-31", 53)
    assert iso(parse_rule("weekday sat")(2028))[0] == "2028-01-01"


@pytest.mark.parametrize(
    "rule",
    [
        "", "jan", "jan 0", "jan 32", "feb 29", "feb 30", "apr 31", "Jan 1", "january 1", "jan  1", " jan 1", "jan 1 ", "1 jan",
        "5th mon jan", "0th mon jan", "3rd monday jan", "3rd mon", "last mon", "easter-47", "easter - 47", "easter -100",
        "easter ½", "tue after mon nov", "weekday", "weekday sunday", "weekday sun in even years", "jan 1 in leap years",
        "jan 1 in even years in odd years", "in even years", "2026-01-01", "weekday sun after 12:00", "jan 1\njan 2", "jan ١",
        "jan 1" + " in even years" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises(ValueError):
        parse_rule(rule)


@pytest.mark.parametrize(
    ("word", "kept"),
    [  # Monday 2026-06-01 to Sunday 2026-06-07
        ("none", "01 02 03 04 05 06 07"), ("sunday_to_monday", "01 02 03 04 05 06 08"), ("nearest", "01 02 03 04 05 05 08"),
        ("next_monday", "01 02 03 04 05 08 08"), ("juneteenth_utah", "01 01 01 01 01 08 08"),
    ],
)  # fmt: skip
def test_observance(word, kept):
    for offset, wanted in enumerate(kept.split()):
        calendar = load(a_day(f"{{name: X, rule: jun {offset + 1}, observed: {word}}}"), "x.yaml")
        assert iso(calendar.days(2026, 2026)) == [f"2026-06-{wanted}"]
        both = load(a_day(f"{{name: X, rule: jun {offset + 1}, observed: {word}, keep_actual: true}}"), "x.yaml")
        assert iso(both.days(2026, 2026)) == sorted({f"2026-06-{wanted}", f"2026-06-0{offset + 1}"})
    assert len(SHIFTS) == 5


def test_the_span_of_the_law_includes_both_ends():
    text = "{name: X, rule: weekday wed, from: 2026-06-03, until: 2026-06-17}"
    assert iso(load(a_day(text), "x").days(2025, 2027)) == ["2026-06-03", "2026-06-10", "2026-06-17"]
    # the law of the observed date decides: 2028-01-01 is a Saturday
    text = "{name: X, rule: jan 1, observed: nearest, keep_actual: true, until: 2027-12-31}"
    assert iso(load(a_day(text), "x").days(2027, 2028)) == ["2027-01-01", "2027-12-31"]


def test_years_out_of_range_are_refused():
    us = CALENDARS["us"]
    assert us.days(1900, 1900) and us.days(2199, 2199)
    for text in ("1899-12-31", "2200-01-01"):
        with pytest.raises(ValueError, match="1900 to 2199"):
            us.closed(day(text))


# ------------------------------------------------------------------------------------------------------- files


def a_day(text: str) -> str:
    return f"calendar: x\ntitle: X\ncitation: none\nsources: [memory]\ndays:\n  - {text}\n"


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("{name: X}", 5, "no `rule`"),
        ("{rule: jan 1}", 5, "no `name`"),
        ("{name: '', rule: jan 1}", 6, "expected text for `name`"),
        ("{name: X, rule: 31 jan}", 15, "no rule for a date"),
        ("{name: X, rule: 20260101}", 15, "no rule for a date"),
        ("{name: X, rule: {jan: 1}}", 15, "no rule for a date"),
        ("{name: X, rule: }", 15, "no rule for a date"),
        ("{name: X, rule: [2026-02-30]}", 22, "expected a date"),
        ("{name: X, rule: [2026-2-3]}", 22, "expected a date"),
        ("{name: X, rule: [2026-01-01, 2026-01-01]}", 15, "stands twice"),
        ("{name: X, rule: jan 1, observed: friday}", 28, "found `friday`"),
        ("{name: X, rule: jan 1, observed: []}", 28, "an empty list"),
        ("{name: X, rule: jan 1, observed: [none, nearest]}", 28, "found `none`"),
        ("{name: X, rule: jan 1, observed: [nearest, nearest]}", 28, "found `nearest`"),
        ("{name: X, rule: weekday sun, observed: nearest}", 34, "is not moved"),
        ("{name: X, rule: jan 1, keep_actual: yes}", 28, "expected true or false"),
        ("{name: X, rule: jan 1, keep_actual: 'true'}", 28, "expected true or false"),
        ("{name: X, rule: jan 1, from: may 2026}", 28, "expected a date"),
        ("{name: X, rule: jan 1, from: 2026-05-06T00:00:00}", 28, "expected a date"),
        ("{name: X, rule: jan 1, until: }", 28, "expected a date"),
        ("{name: X, rule: jan 1, from: 2026-05-06, until: 2026-05-05}", 46, "lies before"),
        ("{name: X, rule: jan 1, scope: Mobile County}", 28, "found `Mobile County`"),
        ("{name: X, rule: jan 1, scope: []}", 28, "an empty list"),
        ("{name: X, rule: jan 1, scope: [1]}", 36, "found `1`"),
        ("{name: X, rule: jan 1, observd: nearest}", 28, "unknown key `observd`"),
        ("{name: X, rule: jan 1, rule: jan 2}", 28, "stands twice"),
        ("jan 1", 5, "expected a mapping"),
        ("[jan 1]", 5, "expected a mapping"),
    ],
)
def test_faults_name_their_place(text, column, part):
    with pytest.raises(PackError) as error:
        load(a_day(text), "x.yaml")
    problems = error.value.problems
    assert [(p.file, p.line, p.column) for p in problems] == [("x.yaml", 6, column)]
    assert part in problems[0].message


def test_a_near_word_is_suggested():
    with pytest.raises(PackError, match=r"(?s)x.yaml:6:28.*observd.*did you mean `observed`"):
        load(a_day("{name: X, rule: jan 1, observd: nearest}"), "x.yaml")


def test_all_faults_come_at_once():
    text = "calendar: X!\ntitle: []\ndays:\n  - name: A\n    rule: jan 32\n  - rule: jan 1\n    from: never\n"
    with pytest.raises(PackError) as error:
        load(text, "x.yaml")
    assert [p.line for p in error.value.problems] == [1, 1, 1, 2, 5, 6, 7]


@pytest.mark.parametrize(
    "text",
    [
        "", "# nothing\n", "[]", "calendar", "calendar: x\n", "a: [", "\t", "a: &a [*a]", "--- 1\n--- 2\n", "[" * 100_000,
        "{a: " * 100_000, a_day("!!python/object:os.system {name: X}"), "calendar: x\0", "\ud800",
        "calendar: x\ntitle: X\ncitation: c\nsources: [m]\ndays: []\n", "calendar: x\ntitle: X\ncitation: c\nsources: [m]\ndays:\n",
    ],
)  # fmt: skip
def test_hostile_files_are_refused(text):
    with pytest.raises(PackError):
        load(text, "x.yaml")


def test_calendar_facts_are_kept():
    pa = CALENDARS["pa"]
    assert (pa.code, pa.title) == ("pa", "Pennsylvania legal holidays")
    assert "44 P.S. 11" in pa.citation and pa.sources and "Stricter readings" in pa.note
    juneteenth = next(entry for entry in CALENDARS["al"].entries if entry.name == "Juneteenth")
    assert juneteenth.first == day("2025-05-08") and juneteenth.last is None and juneteenth.citation == "HB 165 (2025)"
    assert calendars.FIRST_YEAR < 1967 and calendars.LAST_YEAR > 2100
