"""Reading numbers: every form gives one answer, every area code its kind, and nothing raises."""

from __future__ import annotations

import csv
import time
from datetime import date
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dialguard.facts.areacodes import ACTIVE
from dialguard.facts.numbers import AreaCodeFileError, Number, digits, load_area_codes, parse

DATA = files("dialguard").joinpath("data")
US = list(csv.DictReader(DATA.joinpath("npa.csv").read_text("utf-8").splitlines()))
OTHER = list(csv.DictReader(DATA.joinpath("npa_other.csv").read_text("utf-8").splitlines()))
NEW_YORK = Number("2125550123", "+12125550123", "212", "geographic", None, None, date(1947, 1, 1).toordinal())

FORMS = (
    "{a}{b}{c}", "+1{a}{b}{c}", "1{a}{b}{c}", "({a}) {b}-{c}", "{a}-{b}-{c}", "{a}.{b}.{c}", "{a} {b} {c}",
    "1-{a}-{b}-{c}", "1 ({a}) {b}-{c}", "+1 ({a}) {b}-{c}", "+1.{a}.{b}.{c}", "001 {a} {b} {c}", "011-1-{a}-{b}-{c}",
    "tel:+1-{a}-{b}-{c}", "Phone: {a}/{b}-{c}", "  {a}\u00a0{b}\u2011{c}\t", "\u202d+1 {a} {b} {c}\u202c", "'{a}{b}{c}",
    "{a}{b}{c}.0", "1{a}{b}{c}.00", "[{a}] {b}_{c}", "({a}) {b}.{c}", "{a}-{b}-{c} (cell)", "(+1) {a} {b} {c}",
    "tel:{a}{b}{c};phone-context=+1",
)  # fmt: skip


def test_there_are_380_codes_of_the_united_states() -> None:
    assert len(US) == 380


@pytest.mark.parametrize("row", US, ids=lambda row: row["npa"])
def test_every_us_area_code(row: dict[str, str]) -> None:
    npa, number = row["npa"], parse(f"+1{row['npa']}5550123")
    assert (number.npa, number.national, number.e164) == (npa, f"{npa}5550123", f"+1{npa}5550123")
    if row["in_service"]:
        day = date.fromisoformat(row["in_service"]).toordinal()
        assert (number.kind, number.reason, number.in_service_from) == ("geographic", None, day)
        assert number.reason_on(day) is None
        assert number.reason_on(day - 1) == f"Area code {npa} is not in service before {row['in_service']}."
    else:
        assert (number.kind, number.in_service_from) == ("unassigned", None)
        assert number.reason_on(date(2030, 1, 1).toordinal()) == f"Area code {npa} is not in service."


def test_two_codes_are_assigned_without_a_date() -> None:
    assert [row["npa"] for row in US if not row["in_service"]] == ["565", "761"]


@pytest.mark.parametrize("npa", "357 436 457 465 471 483 621 624 679 729 837 861 924".split())
def test_codes_that_phonenumbers_rejects_are_accepted(npa: str) -> None:
    assert parse(f"{npa}-234-5678").kind == "geographic"


KINDS = {
    "toll_free": "toll_free", "toll_free_planned": "unassigned", "toll_free_reserved": "unassigned",
    "premium_900": "premium", "nongeographic_5xx": "personal", "interexchange_carrier_700": "service",
    "us_government_710": "service", "n11_service": "invalid", "expansion": "unassigned", "reserved_block": "unassigned",
    "geographic_canada": "non_us", "nongeographic_canada": "non_us", "geographic_caribbean_atlantic": "non_us",
}  # fmt: skip


@pytest.mark.parametrize("row", OTHER, ids=lambda row: row["npa"])
def test_every_other_code(row: dict[str, str]) -> None:
    number = parse(row["npa"].replace("X", "4") + "2345678")
    assert number.kind == KINDS[row["kind"]]
    assert (number.reason is None) == (number.kind in ("toll_free", "personal"))


def test_every_code_not_in_the_tables_is_unassigned() -> None:
    listed = {row["npa"] for row in US + OTHER}
    rest = [f"{npa}" for npa in range(200, 1000) if f"{npa}" not in listed and f"{npa // 10}X" not in listed]
    assert "456" in rest and len(rest) > 150
    for npa in rest:
        assert (parse(npa + "2345678").kind, parse(npa + "2345678").reason) == (
            "unassigned",
            f"Area code {npa} is not assigned.",
        )


@pytest.mark.parametrize(
    ("exchange", "kind"),
    [("199", "invalid"), ("200", "geographic"), ("999", "geographic"), ("000", "invalid"), ("555", "geographic")]
    + [(f"{n}11", "invalid") for n in range(2, 10)]
    + [(f"{n}10", "geographic") for n in range(2, 10)]
    + [(f"{n}12", "geographic") for n in range(2, 10)],
)
def test_exchanges(exchange: str, kind: str) -> None:
    assert parse(f"212{exchange}0123").kind == kind
    assert parse(f"+1 (212) {exchange}.0123 x1").kind == kind


@pytest.mark.parametrize("text", ["0125550123", "1125550123", "199 555 0123", "+11125550123"])
def test_area_codes_begin_with_2_to_9(text: str) -> None:
    assert parse(text).kind == "invalid"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_number(form: str) -> None:
    assert parse(form.format(a="212", b="555", c="0123")) == NEW_YORK


numbers = st.builds(
    lambda row, exchange, line: (row["npa"], f"{exchange}", f"{line:04d}"),
    st.sampled_from([row for row in US if row["in_service"]]),
    st.integers(200, 999).filter(lambda nxx: nxx % 100 != 11),
    st.integers(0, 9999),
)


@given(numbers, st.sampled_from(FORMS))
def test_forms_of_any_number(parts: tuple[str, str, str], form: str) -> None:
    a, b, c = parts
    number = parse(form.format(a=a, b=b, c=c))
    assert (number.kind, number.national, number.reason) == ("geographic", a + b + c, None)
    assert number == parse(a + b + c)


@given(numbers)
def test_whole_numbers_of_spreadsheets(parts: tuple[str, str, str]) -> None:
    ten = "".join(parts)
    for value in (int(ten), float(ten), int("1" + ten), np.int64(ten), np.float64(ten), np.str_(ten)):
        assert parse(value).national == ten


@pytest.mark.parametrize(
    "text",
    ["{} x45", "{}x45", "{} ext 45", "{} ext. 45", "{} Ext:45", "{} extension 45", "{} #45", "{};ext=45", "{},45",
     "{},,45#", "tel:{};ext=45", "{} (x45)"],
)  # fmt: skip
@pytest.mark.parametrize("number", ["212-555-0123", "+12125550123", "(212) 555-0123"])
def test_extensions(text: str, number: str) -> None:
    assert parse(text.format(number)) == replace(NEW_YORK, extension="45")


@pytest.mark.parametrize(
    ("text", "ten"),
    [
        ("1-800-FLOWERS", "8003569377"),
        ("1 (800) flowers", "8003569377"),
        ("1-800-CONTACTS", "8002668228"),
        ("1-800-GO-FEDEX", "8004633339"),
        ("1-800-555-CALL", "8005552255"),
        ("1-800-NEW-HOME", "8006394663"),
        ("+1 800 356 WERS", "8003569377"),
    ],
)
def test_letters(text: str, ten: str) -> None:
    assert parse(text) == parse(ten)
    assert parse(text).kind == "toll_free"


@pytest.mark.parametrize(
    "text",
    [
        "212-555-XXXX", "212-555-012 JOHN", "FLOWERSHOP", "212-555-0123 JOHN", "212-555-01AB", "212-555-0123/0124",
        "212-555-0123, 212-555-0124", "212-555-0123 or 212-555-0124", "21255\n50123", "2+125550123", "1+2125550123",
        "2125550123;phone-context=+44", "2125550123*", "212-555-012", "21255501234", "22125550123", "+1 212 555",
        "+121255501234", "5550123", "555-0123", "12345", "123456", "", " ", "()", "-", "nan", "None", "N/A", "unknown",
        "2125550123.5", "212555012.0", "1212555012.0", "21255501.00", "2.125550123E9", "2.12556E+09", "2125550123e0",
    ],
)  # fmt: skip
def test_what_is_no_number(text: str) -> None:
    number = parse(text)
    assert (number.kind, number.national, number.e164) == ("invalid", None, None)
    assert number.reason and number.reason.endswith(".")


@pytest.mark.parametrize(
    "value",
    [None, True, False, float("nan"), float("inf"), -2125550123, 0, 2125550123.5, b"2125550123", [], {}, object(),
     10**5000, 10**15, 1e300, "9" * 400, "9" * 100, "1" * 1_000_000, "+" * 128, "\ud800" * 10, "\ufdfa" * 128, "x" * 128],
    ids=lambda value: f"{type(value).__name__}",
)  # fmt: skip
def test_hostile_values_are_invalid_at_once(value: object) -> None:
    began = time.perf_counter()
    number = parse(value)
    assert time.perf_counter() - began < 0.05
    assert number.kind == "invalid" and number.reason


@given(st.one_of(st.text(), st.text("+01259x#;,.-() \u00a0\uff11eEtl:", max_size=140), st.integers(), st.floats(), st.none()))
def test_nothing_raises_and_every_answer_is_whole(value: object) -> None:
    number = parse(value)
    assert number.kind in {
        "geographic", "toll_free", "premium", "personal", "service", "emergency", "non_us", "foreign", "unassigned",
        "invalid",
    }  # fmt: skip
    assert (number.reason is None) == (number.kind in ("geographic", "toll_free", "personal"))
    assert (number.national is None) == (number.npa is None)
    if number.national is not None:
        assert number.e164 == "+1" + number.national and number.npa == number.national[:3]
        assert parse(number.e164) == replace(number, extension=None)
    digits(value)


@given(st.text("0123456789", min_size=4, max_size=4), st.sampled_from(["(212) 555-{}", "+1212555{}", "900 555 {} x7"]))
def test_neither_reason_nor_repr_shows_the_number(line: str, form: str) -> None:
    number = parse(form.format(line))
    assert line not in repr(number)
    assert line not in (number.reason or "")


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+442079460958", "+442079460958"),
        ("+44 (0) 20 7946 0958", "+442079460958"),
        ("011 44 20 7946 0958", "+442079460958"),
        ("0044 20 7946 0958", "+442079460958"),
        ("tel:+52-55-5555-1234", "+525555551234"),
    ],
)
def test_foreign_numbers(text: str, e164: str) -> None:
    number = parse(text)
    assert (number.kind, number.e164, number.national, number.npa) == ("foreign", e164, None, None)
    assert number.reason == f"The country code +{e164[1:3]} is outside the United States."


def test_plus_and_ten_digits_is_not_taken_for_a_us_number() -> None:
    assert parse("+2125550123").kind == "invalid"  # +212 is Morocco
    assert parse("+999123456789").kind == "invalid"


@pytest.mark.parametrize("code", ["211", "311", "411", "511", "611", "711", "811", "988", "911", "9-1-1"])
def test_short_codes_of_the_network(code: str) -> None:
    assert parse(code).kind == ("emergency" if digits(code) == "911" else "service")
    assert parse(code).reason


def test_digits() -> None:
    assert digits("+1 (212) 555-0123") == digits("１２１２５５５０１２３") == digits(12125550123.0) == "2125550123"
    assert digits("555-0123") == "5550123"
    assert digits("no digits") == digits(None) == digits(float("nan")) == ""


@pytest.fixture
def restore():
    yield
    load_area_codes()


def write(folder: Path, *rows: str) -> Path:
    path = folder / "codes.csv"
    path.write_text("\n".join(("npa,state,timezones,overlay_of,in_service,notes", *rows)) + "\n", "utf-8")
    return path


def test_a_new_code_is_data(tmp_path: Path, restore: None) -> None:
    assert parse("2275550123").kind == "geographic"
    assert parse("4565550123").kind == "unassigned"
    extra = write(tmp_path, "456,TX,America/Chicago|America/Denver,915,2027-01-31,", "565,GA,US/Eastern,,2027-02-01,")
    assert len(load_area_codes(extra=extra)) == 381
    number = parse("4565550123")
    assert (number.kind, number.in_service_from) == ("geographic", date(2027, 1, 31).toordinal())
    assert ACTIVE.codes["456"].zones == ("America/Chicago", "America/Denver")
    assert parse("5655550123").kind == "geographic"
    assert list(load_area_codes(write(tmp_path, "212,NY,America/New_York,,,"))) == ["212"]
    assert parse("2275550123").kind == "unassigned"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("45,TX,America/Chicago,,,", "area code '45'; expected three digits, the first from 2 to 9"),
        ("156,TX,America/Chicago,,,", "area code '156'; expected three digits, the first from 2 to 9"),
        ("456,XX,America/Chicago,,,", "state 'XX' of area code 456; expected a USPS code such as TX"),
        ("456,TX,Europe/Paris,,,", "time zone 'Europe/Paris' of area code 456; expected a US zone such as America/Chicago"),
        ("456,TX,,,,", "time zone '' of area code 456; expected a US zone such as America/Chicago"),
        ("456,TX,US/Central,,1/2/27,", "in_service '1/2/27' of area code 456; expected a date such as 2026-01-30, or nothing"),
        ("212,NY,US/Eastern,,,\n212,NY,US/Eastern,,,", "area code 212 occurs twice"),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_changes_nothing(tmp_path: Path, row: str, fault: str) -> None:
    before = ACTIVE.codes
    path = write(tmp_path, row)
    with pytest.raises(AreaCodeFileError) as error:
        load_area_codes(path)
    assert str(error.value) == f"{path}:{2 + row.count(chr(10))}: {fault}"
    assert ACTIVE.codes is before


def test_files_that_are_no_area_codes(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    for content, fault in (
        (b"", "no column npa, state, timezones, in_service"),
        (b"npa,state\n", "no column timezones, in_service"),
        (b"npa,state,timezones,in_service\n", "no area code in it"),
        (b"npa,state,timezones,in_service\n\xff", "not UTF-8 text"),
    ):
        path.write_bytes(content)
        with pytest.raises(AreaCodeFileError, match=fault):
            load_area_codes(path)
    with pytest.raises(FileNotFoundError):
        load_area_codes(tmp_path / "absent.csv")
