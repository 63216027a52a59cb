"""Frames come back as the kind they were, each row with its answer."""

from __future__ import annotations

import pandas
import polars
import pytest

from dialguard import Guard, InvalidInput
from dialguard.screening.source import TableError
from dialguard.screening.answers import COLUMNS

AT = "2026-11-24T11:00:00-05:00"
CAMPAIGN = {"seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live"}
NUMBERS = ["602-555-0123", None, "911", "6025550123", "2125550123"]


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard(no_store=True)


def test_polars(guard: Guard) -> None:
    frame = polars.DataFrame({"phone": NUMBERS, "state": ["AZ", "AZ", None, "AZ", "NJ"], "n": range(5)})
    found = guard.screen(frame, CAMPAIGN, AT)
    assert isinstance(found, polars.DataFrame)
    assert found.select(frame.columns).equals(frame)
    assert found.columns == [*frame.columns, *COLUMNS]
    assert found["dg_duplicate"].to_list() == [False, False, False, True, False]
    assert [problem is not None for problem in found["dg_problem"].to_list()] == [False, True, True, False, False]
    assert found["dg_states"].to_list()[0] == "AZ" and set(found["dg_states"].to_list()[4].split(";")) == {"NJ", "NY"}


def test_pandas_with_its_index_and_its_missing_values(guard: Guard) -> None:
    frame = pandas.DataFrame({"Phone": NUMBERS, "zip": [85001.0, None, float("nan"), 85001, 7030]}, index=[9, 9, "x", 3, 1])
    found = guard.screen(frame, CAMPAIGN, AT)
    assert isinstance(found, pandas.DataFrame)
    pandas.testing.assert_frame_equal(found[["Phone", "zip"]], frame)
    assert list(found.index) == [9, 9, "x", 3, 1]
    assert list(found["dg_duplicate"]) == [False, False, False, True, False]
    assert found["dg_problem"].isna().tolist() == [True, False, False, True, True]
    assert set(found["dg_states"].iloc[4].split(";")) == {"NJ", "NY"}


def test_both_kinds_agree_and_with_check(guard: Guard) -> None:
    data = {"phone": [2125550100 + n for n in range(40)] + [float("nan")], "state": ["NY", "NJ", "CT", ""] * 10 + ["NY"]}
    one = guard.screen(polars.DataFrame(data, strict=False), CAMPAIGN, AT)
    two = guard.screen(pandas.DataFrame(data), CAMPAIGN, AT)
    for name in COLUMNS:
        assert one[name].to_list() == [None if pandas.isna(value) else value for value in two[name]]
    alone = guard.check({"to": data["phone"][1], "channel": "voice", "campaign": CAMPAIGN, "at": AT, "contact": {"state": "NJ"}})
    assert one["dg_verdict"][1] == alone.verdict


def test_told_columns(guard: Guard) -> None:
    frame = polars.DataFrame({"a": ["602-555-0123"], "b": ["NM"]})
    assert guard.screen(frame, CAMPAIGN, AT, phone="a", state="b")["dg_states"].to_list() == ["AZ;NM"]


def test_an_empty_frame(guard: Guard) -> None:
    found = guard.screen(polars.DataFrame({"phone": []}, schema={"phone": polars.String}), CAMPAIGN, AT)
    assert found.columns == ["phone", *COLUMNS] and len(found) == 0


def test_what_is_refused(guard: Guard) -> None:
    with pytest.raises(TableError, match="no column with telephone numbers"):
        guard.screen(polars.DataFrame({"name": ["Ann"]}), CAMPAIGN, AT)
    with pytest.raises(TableError, match="found list"):
        guard.screen([{"phone": 1}], CAMPAIGN, AT)
    with pytest.raises(InvalidInput, match=r"campaign\.seller"):
        guard.screen(polars.DataFrame({"phone": ["x"]}), {"purpose": "survey"}, AT)
    with pytest.raises(InvalidInput, match="no campaign 'none'"):
        guard.screen(polars.DataFrame({"phone": ["x"]}), "none", AT)
    with pytest.raises(InvalidInput, match="at: "):
        guard.screen(polars.DataFrame({"phone": ["x"]}), CAMPAIGN, "yesterday")
