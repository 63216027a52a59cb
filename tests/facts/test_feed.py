"""Declared emergencies and proclaimed days: where they hold, when, and what is not known."""

import json

import pytest

from dialguard.facts.clock import parse_instant
from dialguard.facts.feed import Declaration, FeedError, declared, load

AT = parse_instant("2026-08-28T17:00:00Z")


def state_of(*entries, state="LA", kind="emergency", complete=True, county=None, place=None, at=AT):
    return declared(state, kind, entries, complete, county, place, at)


def test_a_declaration_for_the_whole_state() -> None:
    whole = Declaration("LA")
    assert state_of(whole) is True
    assert state_of(whole, county="Orleans", place="New Orleans") is True
    assert state_of(whole, state="MS") is False
    assert state_of(whole, kind="closed_day") is False


def test_from_its_start_until_before_its_end() -> None:
    entry = Declaration("LA", start=AT, end=AT + 10)
    assert [state_of(entry, at=at) for at in (AT - 1, AT, AT + 10, AT + 11)] == [False, True, False, False]
    assert state_of(Declaration("LA", end=AT + 1)) is True and state_of(Declaration("LA", end=AT)) is False
    assert state_of(Declaration("LA", start=AT + 1)) is False


def test_nothing_declared_is_known_only_where_the_record_is_complete() -> None:
    assert state_of(complete=True) is False
    assert state_of(complete=False) is None
    assert state_of(Declaration("MS"), complete=False) is None


@pytest.mark.parametrize("written", ["Orleans", "orleans parish", "ORLEANS", "St. Orleans"])
def test_a_county_by_name(written: str) -> None:
    expected = written != "St. Orleans"
    assert state_of(Declaration("LA", county=written), county="Orleans") is expected
    assert state_of(Declaration("LA", county="Orleans Parish"), county=written) is expected


def test_a_county_by_fips_code() -> None:
    assert state_of(Declaration("LA", county="22071"), county="22071") is True
    assert state_of(Declaration("LA", county="22071"), county="22051") is False
    # No table has the names of Louisiana's parishes: whether 22071 is Orleans cannot be told.
    assert state_of(Declaration("LA", county="22071"), county="Orleans", kind="perhaps") is None
    assert state_of(Declaration("LA", county="Orleans"), county="22051", kind="perhaps") is None


@pytest.mark.parametrize(("declared_in", "lives_in"), [("12086", "Miami-Dade"), ("Miami-Dade County", "12086"), ("DeSoto", "De Soto"), ("St. Lucie", "Saint Lucie")])
def test_counties_of_a_state_in_several_spellings(declared_in: str, lives_in: str) -> None:
    assert state_of(Declaration("FL", county=declared_in), state="FL", county=lives_in) is True


def test_a_county_that_no_table_knows_is_not_known_to_be_another() -> None:
    assert state_of(Declaration("FL", county="Leon"), state="FL", county="Lyon", kind="perhaps") is None
    assert state_of(Declaration("FL", county="Lyon"), state="FL", county="Leon", kind="perhaps") is None
    assert state_of(Declaration("FL", county="Leon"), state="FL", county="Wakulla") is False


def test_where_the_person_is_not_known_the_declaration_may_reach_him() -> None:
    county, place = Declaration("LA", county="Orleans"), Declaration("LA", place="Gretna")
    assert state_of(county, kind="perhaps") is None
    assert state_of(county, place="Gretna", kind="perhaps") is None
    assert state_of(place, kind="perhaps") is None
    assert state_of(place, county="Orleans", kind="perhaps") is None
    assert state_of(county, county="Jefferson") is False
    assert state_of(place, place="Kenner") is False
    assert state_of(place, place="gretna") is True


def test_the_feed_of_the_operator(tmp_path) -> None:
    path = tmp_path / "feed.json"
    entry = {"state": "LA", "county": "Orleans", "from": "2026-08-28T00:00:00-05:00", "until": "2026-08-31T00:00:00-05:00"}
    path.write_text(json.dumps({"checked_through": "2026-08-30T00:00:00Z", "declared": [entry, {"state": "LA", "kind": "closed_day"}]}))
    feed = load(path)
    assert feed.checked_through == parse_instant("2026-08-30T00:00:00Z")
    assert feed.declarations[0] == Declaration("LA", "emergency", "Orleans", None, parse_instant(entry["from"]), parse_instant(entry["until"]))
    assert feed.declarations[1].kind == "closed_day"


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"declared": []}', '{"checked_through": "2026-08-30T00:00:00Z"}', '{"checked_through": "soon", "declared": []}',
        '{"checked_through": "2026-08-30T00:00:00Z", "declared": [{"county": "Leon"}]}',
        '{"checked_through": "2026-08-30T00:00:00Z", "declared": [{"state": "Florida"}]}',
        '{"checked_through": "2026-08-30T00:00:00Z", "declared": [{"state": "FL", "kind": "storm"}]}',
        '{"checked_through": "2026-08-30T00:00:00Z", "declared": [{"state": "FL", "untill": "2026-08-31T00:00:00Z"}]}',
        '{"checked_through": "2026-08-30T00:00:00Z", "declared": [{"state": "FL", "from": "Friday"}]}',
    ],
)  # fmt: skip
def test_a_feed_that_cannot_be_used_is_refused(tmp_path, text: str) -> None:
    path = tmp_path / "feed.json"
    path.write_text(text)
    with pytest.raises(FeedError, match="feed.json"):
        load(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "`declared` is missing"),
        ('{"declared": []}', "`checked_through` is missing"),
        ('{"declared": [{"kind": "emergency"}], "checked_through": "2026-01-01T00:00:00Z"}', "`state` is missing"),
        ('{"declared": ["LA"], "checked_through": "2026-01-01T00:00:00Z"}', "not of the form of a feed"),
        ("[]", "not of the form of a feed"),
        ('{"declared": [], "declared": [], "checked_through": "2026-01-01T00:00:00Z"}', "the key 'declared' stands twice"),
    ],
)
def test_what_is_wrong_with_a_feed_is_told(tmp_path, text: str, told: str) -> None:
    path = tmp_path / "feed.json"
    path.write_text(text)
    with pytest.raises(FeedError, match=f"feed.json: .*{told}.*; expected JSON"):
        load(path)


def test_a_missing_feed_is_refused(tmp_path) -> None:
    with pytest.raises(FeedError):
        load(tmp_path / "none.json")


def test_where_it_is_not_known_whether_the_person_lives_there() -> None:
    county = Declaration("LA", county="Orleans")
    assert state_of(county) is False  # not known to reach the person; what may be is asked apart
    assert state_of(county, kind="perhaps") is None
    assert state_of(county, kind="perhaps", county="Orleans") is False
    assert state_of(county, kind="perhaps", county="Jefferson") is False
    assert state_of(county, kind="anywhere", county="Jefferson") is True
    assert state_of(Declaration("LA"), kind="perhaps") is False
    assert state_of(kind="anywhere") is False
    assert state_of(kind="anywhere", complete=False) is None
    assert state_of(Declaration("LA", kind="closed_day", county="Orleans"), kind="closed_day") is True
