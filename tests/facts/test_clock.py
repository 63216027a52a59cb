"""Local time against independent readings of the zone data, at every turn of the clock."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from dialguard.facts import clock

SECOND = 1_000_000
HOUR = 3600 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TERRITORIES = ("PR", "VI", "GU", "AS", "MP")
US_ZONES = sorted({*pytz.country_timezones("US"), *(z for code in TERRITORIES for z in pytz.country_timezones(code))})


def instant(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def oracle(zone: str) -> ZoneInfo:
    """The same zone file read by the standard library, which goes on after 2037 by the rule at the file's end."""
    with pytz.open_resource(zone) as file:
        return ZoneInfo.from_file(file, key=zone)


def expected(at: int, zone: ZoneInfo | pytz.BaseTzInfo) -> tuple[int, int, int, int]:
    moment = (EPOCH + timedelta(microseconds=at)).astimezone(zone)
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return moment.toordinal(), moment.weekday(), seconds, moment.utcoffset() // timedelta(seconds=1)


def test_there_are_zones_to_test():
    assert len(US_ZONES) >= 30 and {"America/Boise", "America/Metlakatla", "Pacific/Guam"} < set(US_ZONES)


@pytest.mark.parametrize("name", US_ZONES)
def test_every_minute_around_every_transition_2007_to_2040(name):
    zone = oracle(name)
    turns = clock.transitions(name, instant("2007-01-01T00:00:00Z"), instant("2041-01-01T00:00:00Z"))
    for turn in turns or [instant(f"{year}-03-14T09:00:00Z") for year in range(2007, 2041)]:
        seconds = {*range(-10_800, 10_801, 60), -1, 0, 1, 59, 60}
        for second in sorted(seconds):
            at = turn + second * SECOND
            assert clock.local(at, name) == expected(at, zone), (name, at)
        assert clock.local(turn - 1, name) == expected(turn - 1, zone)  # one microsecond before


@pytest.mark.parametrize("name", US_ZONES)
def test_no_transition_is_missed_or_invented_1967_to_2100(name):
    zone, at, end = oracle(name), instant("1967-01-01T12:00:00Z"), instant("2100-12-31T12:00:00Z")
    found = []
    before = expected(at, zone)[3]
    while at < end:  # no zone turned twice within five days
        following = at + 120 * HOUR
        offset = expected(following, zone)[3]
        if offset != before:
            low, high = at, following
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if expected(middle, zone)[3] == offset else (middle, high)
            found.append(high)
        at, before = following, offset
    assert clock.transitions(name, instant("1967-01-02T00:00:00Z"), end) == tuple(found)


@pytest.mark.parametrize("name", US_ZONES)
def test_pytz_agrees_up_to_its_last_transition(name):
    zone = pytz.timezone(name)
    for turn in clock.transitions(name, instant("2007-01-01T00:00:00Z"), instant("2038-01-01T00:00:00Z")):
        for at in (turn - 3 * HOUR, turn - SECOND, turn, turn + SECOND, turn + 3 * HOUR):
            assert clock.local(at, name) == expected(at, zone)


def test_polars_agrees_2007_to_2040():
    import polars as pl

    for name in US_ZONES:
        turns = clock.transitions(name, instant("2007-01-01T00:00:00Z"), instant("2041-01-01T00:00:00Z"))
        ats = [turn + d * SECOND for turn in turns for d in (-3601, -1, 0, 1, 3599)] or [instant("2026-07-01T00:00:00Z")]
        moments = pl.Series(ats, dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(name)
        ours = [clock.local(at, name) for at in ats]
        assert moments.dt.weekday().to_list() == [mine.weekday + 1 for mine in ours]
        assert moments.dt.date().to_list() == [date.fromordinal(mine.ordinal) for mine in ours]
        clocks = zip(moments.dt.hour(), moments.dt.minute(), moments.dt.second(), strict=True)
        assert [h * 3600 + m * 60 + s for h, m, s in clocks] == [mine.second for mine in ours]


def test_known_moments():
    # 2026-03-08: New York goes from 02:00 EST to 03:00 EDT at 07:00 UTC, a Sunday
    day = date(2026, 3, 8).toordinal()
    assert clock.local(instant("2026-03-08T06:59:59Z"), "America/New_York") == (day, 6, 2 * 3600 - 1, -5 * 3600)
    assert clock.local(instant("2026-03-08T07:00:00Z"), "America/New_York") == (day, 6, 3 * 3600, -4 * 3600)
    assert clock.local(instant("2026-07-01T12:00:00Z"), "America/Phoenix").offset == -7 * 3600
    assert clock.local(instant("2026-07-01T12:00:00Z"), "Pacific/Honolulu").offset == -10 * 3600
    assert clock.local(instant("2026-07-01T12:00:00Z"), "Pacific/Guam") == (date(2026, 7, 1).toordinal(), 2, 22 * 3600, 36_000)
    # first Sunday of November 2099
    assert clock.local(instant("2099-11-01T05:59:59Z"), "America/New_York").offset == -4 * 3600
    assert clock.local(instant("2099-11-01T06:00:00Z"), "America/New_York").offset == -5 * 3600
    assert clock.transitions("America/New_York", instant("2026-01-01T00:00:00Z"), instant("2027-01-01T00:00:00Z")) == (
        instant("2026-03-08T07:00:00Z"), instant("2026-11-01T06:00:00Z"),
    )  # fmt: skip
    turn = instant("2026-03-08T07:00:00Z")
    assert clock.transitions("America/New_York", turn, turn + 1) == (turn,)
    assert clock.transitions("America/New_York", turn + 1, turn + 2) == ()


def test_the_cached_day_ends_where_it_should():
    midnight = instant("2026-06-02T04:00:00Z")  # New York, EDT
    for at in (midnight - 1, midnight, midnight - 1, midnight + 24 * HOUR - 1, midnight + 24 * HOUR, midnight):
        assert clock.local(at, "America/New_York") == expected(at, oracle("America/New_York"))


@given(st.integers(instant("1967-01-01T00:00:00Z"), instant("2100-12-31T23:59:59Z")), st.sampled_from(US_ZONES))
def test_any_moment_and_back(at, name):
    mine = clock.local(at, name)
    assert mine == expected(at, oracle(name))
    assert mine.second in range(86_400) and mine.weekday == date.fromordinal(mine.ordinal).weekday()
    if instant("1967-01-03T00:00:00Z") < at < instant("2100-12-29T00:00:00Z"):
        back = clock.all_instants(mine.ordinal, mine.second, name)
        assert at // SECOND * SECOND in back and 1 <= len(back) <= 2
        assert clock.first_instant_at_or_after(mine.ordinal, mine.second, name) == back[0]
        assert list(back) == sorted(set(back))


@given(
    st.integers(date(1967, 1, 3).toordinal(), date(2100, 12, 29).toordinal()),
    st.integers(0, 86_400),
    st.sampled_from(US_ZONES),
)
def test_first_instant_is_the_first(ordinal, second, name):
    at = clock.first_instant_at_or_after(ordinal, second, name)
    here, just_before = clock.local(at, name), clock.local(at - 1, name)
    wanted = (ordinal, second) if second < 86_400 else (ordinal + 1, 0)
    assert (here.ordinal, here.second) >= wanted > (just_before.ordinal, just_before.second)


def test_a_gap_and_a_fold():
    gap, fold = date(2026, 3, 8).toordinal(), date(2026, 11, 1).toordinal()
    for zone, hours in (("America/New_York", 5), ("America/Denver", 7), ("America/Anchorage", 9)):
        end = instant("2026-03-08T00:00:00Z") + (2 + hours) * HOUR
        assert clock.all_instants(gap, 2 * 3600 - 1, zone) == (end - SECOND,)
        assert clock.all_instants(gap, 2 * 3600, zone) == ()
        assert clock.all_instants(gap, 3 * 3600 - 1, zone) == ()
        assert clock.all_instants(gap, 3 * 3600, zone) == (end,)
        for second in (2 * 3600, 2 * 3600 + 1800, 3 * 3600 - 1, 3 * 3600):
            assert clock.first_instant_at_or_after(gap, second, zone) == end
        early = instant("2026-11-01T00:00:00Z") + hours * HOUR  # 01:00 by the summer clock
        assert clock.all_instants(fold, 3600 - 1, zone) == (early - SECOND,)
        assert clock.all_instants(fold, 3600, zone) == (early, early + HOUR)
        assert clock.all_instants(fold, 2 * 3600 - 1, zone) == (early + HOUR - SECOND, early + 2 * HOUR - SECOND)
        assert clock.all_instants(fold, 2 * 3600, zone) == (early + 2 * HOUR,)
        assert clock.first_instant_at_or_after(fold, 3600 + 1800, zone) == early + HOUR // 2


def test_zones_without_summer_time_have_neither():
    for zone in ("America/Phoenix", "Pacific/Honolulu", "America/Puerto_Rico", "Pacific/Pago_Pago"):
        assert clock.transitions(zone, instant("1970-01-01T00:00:00Z"), instant("2100-12-31T00:00:00Z")) == ()
        assert len(clock.all_instants(date(2026, 3, 8).toordinal(), 2 * 3600, zone)) == 1


def test_fixed_offset():
    at = instant("2026-07-01T03:30:00Z")
    assert clock.fixed(at, -6 * 3600) == (date(2026, 6, 30).toordinal(), 1, 21 * 3600 + 1800, -21_600)
    assert clock.fixed(at, -6 * 3600) == clock.local(at, "Etc/GMT+6")
    assert clock.fixed(-1, 0) == (date(1969, 12, 31).toordinal(), 2, 86_399, 0)
    assert clock.local(at, "America/Chicago").second == 22 * 3600 + 1800  # an hour later than standard time


@pytest.mark.parametrize("zone", ["America/Nowhere", "america/new_york", "", "../../etc/passwd", "UTC\0", "Zürich", None, 5])
def test_unknown_zone_is_named(zone):
    with pytest.raises(ValueError, match="unknown time zone") as error:
        clock.local(0, zone)
    assert repr(zone) in str(error.value)
    for call in (clock.first_instant_at_or_after, clock.all_instants, lambda _o, _s, z: clock.transitions(z, 0, 1)):
        with pytest.raises(ValueError, match="unknown time zone"):
            call(739_000, 0, zone)


def test_outside_the_tables_is_refused_at_the_edge():
    first, end = instant("1967-01-01T00:00:00Z"), instant("2100-12-31T23:59:59Z") + SECOND
    for good in (first, end - 1):
        clock.local(good, "America/Denver")
        clock.local(good, "Etc/GMT+6")
    for bad in (first - 1, end):
        for zone in ("America/Denver", "Etc/GMT+6"):
            with pytest.raises(ValueError, match="1967 to 2100"):
                clock.local(bad, zone)
    with pytest.raises(ValueError, match="1967 to 2100"):
        clock.first_instant_at_or_after(date(2101, 1, 1).toordinal(), 0, "America/Denver")


# ---------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2026-11-22T14:05:00-05:00", "2026-11-22T19:05:00Z"),
        ("2026-11-22T14:05:00+05:30", "2026-11-22T08:35:00Z"),
        ("2026-11-22t19:05:00z", "2026-11-22T19:05:00Z"),
        ("2026-11-22 19:05:00Z", "2026-11-22T19:05:00Z"),
        ("2026-11-22T19:05:00-00:00", "2026-11-22T19:05:00Z"),
        ("2026-11-22T19:05:00.5Z", "2026-11-22T19:05:00.500000Z"),
        ("2026-11-22T19:05:00.1234569999999999Z", "2026-11-22T19:05:00.123456Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z"),
        ("2016-12-31T18:59:60.75-05:00", "2016-12-31T23:59:59.999999Z"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:01:00+00:01", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:58:59.999999-00:01", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_reading_moments(text, plain):
    assert clock.parse_instant(text) == instant(plain)
    assert clock.format_instant(clock.parse_instant(text)) == plain


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-11-22", "2026-11-22T14:05:00", "2026-11-22T14:05Z", "2026-11-22T14:05:00-0500", "2026-11-22T14:05:00-05",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T14:60:00Z",
        "2026-11-22T14:05:61Z", "2026-11-22T14:05:60Z", "2026-11-22T14:05:00.Z", "2026-11-22T14:05:00+24:00",
        "2026-11-22T14:05:00+05:60", " 2026-11-22T14:05:00Z", "2026-11-22T14:05:00Z\n", "２０２６-11-22T14:05:00Z",
        "0001-01-01T00:00:59.999999+00:01", "9999-12-31T23:59:00-00:01", "2026-11-22T14:05:00Z" * 50, "2026-11-22T14:05:00,5Z", 1_700_000_000, None, b"2026-11-22T14:05:00Z",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match="not a moment in time"):
        clock.parse_instant(text)


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)), st.integers(-23 * 60, 23 * 60))
def test_reading_agrees_with_the_standard_library(moment, minutes):
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    at = clock.parse_instant(moment.isoformat())
    assert at == (moment - EPOCH) // timedelta(microseconds=1)
    assert clock.parse_instant(clock.format_instant(at)) == at


@given(st.integers(instant("1967-01-01T00:00:00Z"), instant("2100-12-31T23:59:59Z")), st.sampled_from(US_ZONES))
def test_writing_in_a_zone_reads_back(at, name):
    text = clock.format_instant(at, name)
    assert clock.parse_instant(text) == at
    assert datetime.fromisoformat(text).astimezone(UTC) == EPOCH + timedelta(microseconds=at)


def test_writing():
    at = instant("2026-11-22T19:05:00Z")
    assert clock.format_instant(at) == "2026-11-22T19:05:00Z"
    assert clock.format_instant(at, "America/New_York") == "2026-11-22T14:05:00-05:00"
    assert clock.format_instant(at + 1, "Pacific/Guam") == "2026-11-23T05:05:00.000001+10:00"
    with pytest.raises(ValueError, match="years 1 to 9999"):
        clock.format_instant(10**30)


def test_now_is_the_present():
    before = datetime.now(UTC)
    at = clock.now()
    assert before <= EPOCH + timedelta(microseconds=at + 1) and EPOCH + timedelta(microseconds=at) <= datetime.now(UTC)


def test_version_is_evidence_and_pytz_is_loaded_late():
    assert clock.ZONE_DATA_VERSION == f"pytz {pytz.__version__} ({pytz.OLSON_VERSION})"
    code = "import sys, dialguard.facts.clock as c; c.now(); c.parse_instant('2026-01-01T00:00:00Z'); print('pytz' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    with pytest.raises(AttributeError, match="ZONE_DATA"):
        _ = clock.ZONE_DATA
