"""Columns are found by their names, and what a spreadsheet did to their values is undone."""

from __future__ import annotations

import polars as pl
import pytest

from dialguard import Guard
from dialguard.facts.given import InvalidInput
from dialguard.screening.columns import cleaned, recognise
from dialguard.screening.read import series_of
from dialguard.screening.source import TableError
from simulations import leads


def fields(names: list[str], row: list[object], **told: str) -> dict[str, object]:
    columns = recognise(names, told).fields(lambda place: series_of([row[place]]))
    found = {field: cleaned(field, series[0]) for field, series in columns.items()}
    return {field: value for field, value in found.items() if value is not None}


def test_vicidial_list_export() -> None:
    found = recognise(leads.COLUMNS, {})
    assert {name: found.names[place] for name, place in found.places.items()} == {
        "phone": "phone_number", "state": "state", "zip": "postal_code", "dial_code": "phone_code",
    }  # fmt: skip
    assert found.passed_over == ("alt_phone",)
    # The offset at the time of loading is wrong after a change of clocks, so it is never a time zone.
    assert "timezone" not in found.places


@pytest.mark.parametrize(
    ("names", "phone"),
    [
        (["number1", "number2", "first_name"], "number1"),
        (["Account Number", "First Name", "Phone1", "Phone2"], "Phone1"),
        (["Mobile", "email"], "Mobile"),
        (["Home Phone", "Phone Number"], "Phone Number"),
        (["name", "Telephone"], "Telephone"),
        (["TO"], "TO"),
    ],
)
def test_phone_columns_of_other_systems(names: list[str], phone: str) -> None:
    found = recognise(names, {})
    assert found.names[found.places["phone"]] == phone


@pytest.mark.parametrize("names", [["first_name", "last_name"], [], ["5125550123", "Ann"], ["phone_type"]])
def test_without_a_phone_column_nothing_is_guessed(names: list[str]) -> None:
    with pytest.raises(TableError, match="no column with telephone numbers"):
        recognise(names, {})


def test_told_columns_and_fields() -> None:
    found = fields(["a", "b", "c", "state"], ["5125550123", "TX", " express ", "NY"], phone="a", state="b", **{"consent.level": "c"})
    assert found == {"to": "5125550123", "contact.state": "TX", "consent.level": "express"}
    assert fields(["phone", "state"], ["5125550123", "NY"], state="") == {"to": "5125550123"}
    assert fields(["phone", "state", "st"], ["5125550123", "NY", "TX"], **{"contact.state": "st"})["contact.state"] == "TX"


def test_told_columns_that_are_not_there() -> None:
    with pytest.raises(TableError, match="no column 'tel'"):
        recognise(["phone"], {"phone": "tel"})
    with pytest.raises(TableError, match="cannot be mapped to 'zipp'"):
        recognise(["phone"], {"zipp": "phone"})


def test_a_phone_column_that_stands_twice() -> None:
    with pytest.raises(TableError, match="stands 2 times"):
        recognise(["phone", "phone"], {})


@pytest.mark.parametrize(
    ("value", "zip_code"),
    [
        ("07030", "07030"), ("7030", "07030"), (7030, "07030"), (7030.0, "07030"), ("7030-1234", "07030-1234"), ("501", "00501"),
        ("70301234", "070301234"), ("78701", "78701"), ("78701-0001", "78701-0001"), ("", None), ("nan", None), (None, None),
        (float("nan"), None), ("K1A 0B6", "K1A 0B6"),
    ],
)  # fmt: skip
def test_zip_codes(value: object, zip_code: str | None) -> None:
    assert fields(["phone", "zip"], ["x", value]).get("contact.zip") == zip_code


@pytest.mark.parametrize(
    ("code", "number", "read"),
    [
        ("1", "5125550123", "5125550123"),
        ("", "5125550123", "5125550123"),
        ("44", "2079460123", "+442079460123"),
        (44, "2079460123", "+442079460123"),
        ("+52", "5512345678", "+525512345678"),
        ("44", "+49 30 901820", "+49 30 901820"),
        ("44", "", ""),
        ("x", "5125550123", "5125550123"),
    ],
)
def test_another_countrys_dial_code_goes_before_the_number(code: object, number: str, read: str) -> None:
    assert fields(["phone_code", "phone_number"], [code, number])["to"] == read


@pytest.mark.parametrize(("word", "kind"), [("Mobile", "wireless"), ("LANDLINE", "landline"), ("home", None), ("W", None), ("toll-free", "toll_free")])
def test_line_types(word: str, kind: str | None) -> None:
    assert fields(["phone", "phone_type"], ["x", word]).get("line_type") == kind


@pytest.mark.parametrize(("said", "code"), [("new  jersey", "NJ"), ("District of Columbia", "DC"), ("Jersey", "JERSEY"), ("U.S. Virgin Islands", "VI")])
def test_states_by_their_names(said: str, code: str) -> None:
    assert fields(["phone", "state"], ["x", said])["contact.state"] == code


def test_states_in_any_case_and_flags() -> None:
    found = fields(["phone", "state", "c"], ["x", "tx ", "TRUE"], **{"contact.at_work": "c"})
    assert found["contact.state"] == "TX" and found["contact.at_work"] is True


def test_caller_id_and_revocations_of_a_row_count_as_in_an_attempt() -> None:
    revoked = [{"at": "2026-11-01T00:00:00Z"}]
    rows = [(None, None), (None, []), (None, revoked), ("not a number", None), ("2125550199", [{"at": "2026-12-01T00:00:00Z"}])]
    columns = recognise(["phone", "cid", "stops"], {"from": "cid", "revocations": "stops"})
    assert columns.places == {"phone": 0, "from": 1, "revocations": 2}
    guard, at = Guard(no_store=True), "2026-11-24T11:00:00-05:00"
    campaign = {"id": "c", "seller": "acme", "purpose": "political", "dialing": "manual", "voice": "live"}
    screener = guard.screener(campaign, at)
    found = screener.screen({
        "to": pl.Series(["2155550101", "2155550102", "2155550103", "2155550104", "2155550105"]),
        "from": pl.Series([cid for cid, _ in rows]), "revocations": pl.Series([stops for _, stops in rows]),
    })  # fmt: skip
    verdicts = []
    for place, ((cid, stops), answer) in enumerate(zip(rows, found.answers.tolist(), strict=True)):
        asked = {"to": f"215555010{place + 1}", "channel": "voice", "campaign": "c", "at": at, "from": cid, "revocations": stops}
        told = screener.answers[answer]
        try:
            alone = guard.check({key: value for key, value in asked.items() if value is not None})
        except InvalidInput:
            assert told.kind == "invalid_input"
        else:
            assert (told.verdict, told.reasons) == (alone.verdict, tuple(reason["rule"] for reason in alone.reasons))
        verdicts.append(told.verdict)
    assert verdicts[1] == "allow" and verdicts[2] == "deny"
