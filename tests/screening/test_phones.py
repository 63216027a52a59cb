"""A column of numbers is read exactly as each of its values alone."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from random import Random

import polars as pl
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import bulk_numbers
from dialguard.facts.areacodes import ACTIVE
from dialguard.facts.numbers import Number, parse
from dialguard.screening import phones
from dialguard.screening.phones import NONE, Phones, normalise
from simulations.leads import STYLES

PLAIN = (
    *(style for style in STYLES if "x" not in style),
    "[ABC] DEF_GHIJ", "ABC/DEF-GHIJ", "ABC.DEF-GHIJ.", "~ABCDEFGHIJ", " 1ABCDEFGHIJ", "(1) ABC DEF GHIJ", "ABCDEFGHIJ.0", "1ABCDEFGHIJ.0",
    "..ABCDEFGHIJ", "+1.ABC.DEF.GHIJ", "A B C D E F G H I J",
)  # fmt: skip
ODD = (
    *(style for style in STYLES if "x" in style),
    "ABC-DEF.GHIJ", "ABCDEF.GHIJ", "ABCDEFGHIJ.00", "ABCDEFGHIJ.", ".ABCDEFGHIJ", "ABCDEFGHI.0", "ABCDEFGHIJK.0", "+1ABCDEFGHIJ.0",
    "ABCDEFGHIJ.1", "+ABCDEFGHIJ", "1+ABCDEFGHIJ", "(+1) ABC DEF GHIJ", " +1ABCDEFGHIJ", "+1+ABCDEFGHIJ", "++1ABCDEFGHIJ", "2ABCDEFGHIJ",
    "0ABCDEFGHIJ", "001ABCDEFGHIJ", "0111ABCDEFGHIJ", "011ABCDEFGHIJ", "00ABCDEFGHIJ", "+011ABCDEFGHIJ", "1ABCDEFGHIJK", "ABCDEFGHI",
    "DEF-GHIJ", "ABC", "A.BCDEFGHIJe9", "A.BCDEFGHIJe+09", "ABC\u00a0DEF\u2011GHIJ", "\u202d+1 ABC DEF GHIJ\u202c", "'ABCDEFGHIJ",
    "ABCDEFGHIJ\t", "tel:+1-ABC-DEF-GHIJ", "ABCDEFGHIJ;ext=KL", "ABCDEFGHIJ,KL", "ABCDEFGHIJ #K", "ABCDEFGHIJ/ABCDEFGHIJ",
    "call ABCDEFGHIJ",
    "1-ABC-flowers", "ABC-get-help", "+44 20 7946 0KLM", "+52 55 1234 5KLM", "\uff0bABCDEFGHIJ", "ABCDEFGHIJ\x00",
)  # fmt: skip
TELEPHONE_MARKS = "0123456789" * 2 + "+1 -.()/[]_~x#,;e\t'\u00a0\u200b\u2011\u0663\uff13\x00Aé"
OTHER_DIGITS = ("٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "०१२३४५६७८९")


def written(style: str, digits: str) -> str:
    """Thirteen digits for the letters A to M of a style."""
    return style.translate(str.maketrans("ABCDEFGHIJKLM", digits))


def agree(column: pl.Series, values: Sequence[object]) -> Phones:
    """The law of the module: whatever the value, the answer of `parse`."""
    found = normalise(column)
    wanted = [parse(value) for value in values]
    assert found.national.tolist() == [NONE if number.national is None else int(number.national) for number in wanted]
    assert {place: wanted[place] for place in found.odd} == found.odd
    assert list(found.odd) == sorted(found.odd)
    for place, number in enumerate(wanted):
        if place not in found.odd:  # the area code alone says the rest
            area = ACTIVE.codes[number.npa or ""]
            assert number == Number(number.national, f"+1{number.national}", number.npa, area.kind, area.reason, None, area.in_service_from)
    assert [found.number(place) for place in range(len(found))] == wanted
    return found


digits = st.builds(
    lambda npa, exchange, rest: f"{npa:03d}{exchange:03d}{rest:07d}",
    st.integers(200, 999) | st.integers(0, 999),
    st.integers(200, 999) | st.integers(0, 999) | st.sampled_from([211, 911, 199, 200]),
    st.integers(0, 9_999_999),
)
plain = st.builds(written, st.sampled_from(PLAIN), digits)
texts = st.one_of(
    plain,
    st.builds(written, st.sampled_from(PLAIN + ODD), digits),
    st.builds(lambda text, ten: text.translate(str.maketrans("0123456789", ten)), plain, st.sampled_from(OTHER_DIGITS)),
    st.text(st.sampled_from(TELEPHONE_MARKS), max_size=24),
    st.text(max_size=12),
    st.builds(lambda text, size: text * size, st.sampled_from(["5", "2125550123", " ", "(", "x", "."]), st.integers(1, 300)),
    st.builds(lambda text, left, right: " " * left + text + " " * right, plain, st.integers(0, 130), st.integers(0, 3)),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.none() | texts, max_size=30))
def test_texts(values: list[str | None]) -> None:
    agree(pl.Series(values, dtype=pl.String), values)


@given(st.lists(st.none() | texts, max_size=12), st.lists(st.none() | texts, max_size=12), st.integers(0, 12))
def test_part_of_a_column_in_pieces(first: list[str | None], then: list[str | None], skipped: int) -> None:
    column = pl.Series(first, dtype=pl.String).append(pl.Series(then, dtype=pl.String))
    agree(column.slice(skipped), (first + then)[skipped:])
    agree(column.to_frame("a").filter(pl.Series([place % 3 != 1 for place in range(len(column))], dtype=pl.Boolean))["a"], [
        value for place, value in enumerate(first + then) if place % 3 != 1
    ])  # fmt: skip


@given(st.lists(st.none() | texts, max_size=12))
def test_categories(values: list[str | None]) -> None:
    agree(pl.Series(values, dtype=pl.String).cast(pl.Categorical), values)
    agree(pl.Series(values, dtype=pl.Enum(sorted({value for value in values if value is not None}))), values)


def test_empty_rows_and_pluses_at_the_end() -> None:
    for values in (["2125550123+", ""], ["", "+12125550123", "", ""], ["+", "", "+"], ["", "+"], ["+12125550123", "", "12125550123", ""]):
        agree(pl.Series(values), values)


def test_text_behind_a_null_is_not_read() -> None:
    text = pyarrow.array(["2125550123", "(212) 555-0123", "3125550123", "a very long text behind another null"])
    array = pyarrow.Array.from_buffers(text.type, 4, [pyarrow.py_buffer(bytes([0b0101])), *text.buffers()[1:]])
    agree(pl.Series(array), ["2125550123", None, "3125550123", None])


wholes = st.one_of(
    digits.map(lambda text: int(text[:10])), digits.map(lambda text: int("1" + text[:10])), digits.map(int), st.integers(-10, 10**9),
    st.sampled_from([0, -1, 2**63 - 1, 10**10, 10**10 - 1, 2 * 10**10, 2 * 10**10 - 1, 10**15, 10**15 - 1, 2_000_000_000, 1_999_999_999]),
)  # fmt: skip


@given(st.lists(st.none() | wholes, max_size=30))
def test_whole_numbers(values: list[int | None]) -> None:
    agree(pl.Series(values, dtype=pl.Int64), values)
    for kind in (pl.Int8, pl.Int32, pl.UInt32, pl.UInt64, pl.Int128):
        column = pl.Series(values, dtype=pl.Int64).cast(kind, strict=False)
        agree(column, column.to_list())


@given(st.lists(st.none() | wholes.map(float) | st.floats() | digits.map(lambda text: int(text[:10]) + 0.5), max_size=30))
def test_floats(values: list[float | None]) -> None:
    agree(pl.Series(values, dtype=pl.Float64), values)
    short = pl.Series(values, dtype=pl.Float64).cast(pl.Float32)
    agree(short, short.to_list())


@pytest.mark.parametrize(
    "values",
    [[], [None, None], [True, None], [b"2125550123"], [datetime.date(2026, 3, 3)], [decimal.Decimal(2125550123)], [["2125550123"], None],
     [{"a": "2125550123"}], [2**64 - 1, 2125550123, None]],
)  # fmt: skip
def test_columns_of_anything_else(values: list[object]) -> None:
    agree(pl.Series(values), values)


def test_equal_objects_may_read_differently() -> None:
    values = [1, True, 1.0, 2125550123, "2125550123", None, object(), [1]]
    agree(pl.Series(values, dtype=pl.Object), values)


@pytest.mark.parametrize("style", PLAIN)
def test_plain_forms_take_the_quick_way(style: str) -> None:
    values = [written(style, ten + "123") for ten in ("2125550123", "9996799999", "8002001000", "2009122222")]
    assert agree(pl.Series(values), values).odd == {}


@pytest.mark.parametrize("style", ODD)
def test_odd_forms_are_judged_with_care(style: str) -> None:
    values = [written(style, ten + "123") for ten in ("2125550123", "9996799999", "8002001000", "2009122222", "1125550123", "2129110123")]
    assert list(agree(pl.Series(values), values).odd) == list(range(6))


@pytest.mark.parametrize("exchange", ["000", "199", "200", "210", "211", "212", "311", "911", "999"])
@pytest.mark.parametrize("code", ["000", "199", "200", "211", "565", "999"])
def test_area_codes_and_exchanges_at_the_line(code: str, exchange: str) -> None:
    ten = f"{code}{exchange}0000"
    for column in (pl.Series([ten, f"+1{ten}", f"1{ten}"]), pl.Series([int(ten), int(f"1{ten}")]), pl.Series([float(ten)])):
        agree(column, column.to_list())


def test_a_hundred_thousand_rows() -> None:
    random, styles = Random(11), list(STYLES)
    weights = list(STYLES.values())
    values: list[str | None] = []
    for style in random.choices(styles, weights, k=100_000):
        text = written(style, f"{random.randrange(200, 1000)}{random.randrange(10**10):010d}")
        chance = random.random()
        if chance < 0.02:
            text = written(random.choice(ODD), f"{random.randrange(10**13):013d}")
        elif chance < 0.1:  # a byte dropped, doubled or changed
            place = random.randrange(len(text))
            text = text[:place] + random.choice(("", text[place] * 2, random.choice(TELEPHONE_MARKS))) + text[place + 1 :]
        elif chance < 0.11:
            text = random.choice(("", " ", "n/a", "-", "x" * 400, "7" * 600))
        values.append(None if chance > 0.995 else text)
    found = agree(pl.Series(values), values)
    assert 0.15 < len(found.odd) / len(found) < 0.35  # an exchange of three random digits is wrong in one of five


def test_wrong_lengths() -> None:
    random = Random(12)
    starts = ("", "0", "00", "011", "1", "9")
    values = [start + str(random.randrange(10**size)) for size in range(1, 18) for start in starts for _ in range(12)]
    values += [f"+{value}" for value in values[:300]] + [value[:2] + "." + value[2:] for value in values[:600]]
    values += [f"{number}" for number in range(1_000)] + [f"({number})" for number in range(0, 1_000, 7)]
    values += ["-", "", " ", "()", "+", "+7", "+9"] + ["7" * size for size in range(120, 140)]
    random.shuffle(values)
    agree(pl.Series(values), values)


def test_each_odd_value_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(phones, "parse", lambda value: asked.append(value) or parse(value))
    normalise(pl.Series(["n/a", "", "212-555-0123 x4", "2125550123", None] * 1_000))
    assert sorted(map(str, asked)) == ["", "212-555-0123 x4", "None", "n/a"]
    asked.clear()
    normalise(pl.Series([float("nan"), 2125550123.0, None, 0.0, -0.0] * 1_000))
    assert len(asked) == 3
    asked.clear()
    normalise(pl.Series([f"{number}" for number in range(2_000_000, 2_001_000)] + [f"212-911-{number}" for number in range(1_000, 2_000)]))
    assert len(asked) == 2  # the answer to seven digits, or to a wrong exchange, is the same for all


def test_what_comes_out_is_not_written_to_and_not_shown() -> None:
    found = normalise(pl.Series(["2125550123", "2125550123 x7"]))
    assert "212" not in repr(found)
    with pytest.raises(ValueError, match="read-only"):
        found.national[0] = 1
    assert found.number(-1).extension == "7"
    with pytest.raises(IndexError):
        found.number(2)


def test_every_disagreement_with_phonenumbers_is_explained() -> None:
    texts = bulk_numbers.leads(2_000, 5) + bulk_numbers.every_code(3, 6) + bulk_numbers.rare_forms(480, 7)
    found = bulk_numbers.disagreements(texts)
    assert found.pop(bulk_numbers.UNEXPLAINED, 0) == 0
    assert set(found) == set(bulk_numbers.KINDS_OF_DISAGREEMENT) - {bulk_numbers.UNEXPLAINED}


@pytest.mark.parametrize(
    ("text", "kind"),
    [("357-234-5678", bulk_numbers.NO_CODE), ("2125550123.0", bulk_numbers.OTHER_FORM), ("+44 20 7946 0123", bulk_numbers.FOREIGN),
     ("416-234-5678", bulk_numbers.NOT_US), ("212-911-5678 x4", bulk_numbers.N11), ("900-234-5678", bulk_numbers.PREMIUM),
     ("call 212-555-0123 or", bulk_numbers.PICKED), ("212-555-0123", None), ("n/a", None), ("200-234-5678", None)],
)  # fmt: skip
def test_kinds_of_disagreement(text: str, kind: str | None) -> None:
    assert bulk_numbers.disagreement(text) == kind


def test_what_nobody_explains_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = bulk_numbers.theirs("2125550123")
    monkeypatch.setattr(bulk_numbers, "theirs", lambda text: None if text == "212-555-0123" else taken)
    # All other numbers of the exchange are taken, and the number itself in another form.
    assert bulk_numbers.disagreement("212-555-0123") == bulk_numbers.OTHER_FORM
    monkeypatch.setattr(bulk_numbers, "theirs", lambda text: None if text in ("212-555-0123", "+12125550123") else taken)
    bulk_numbers._takes_code.cache_clear()
    assert bulk_numbers.disagreement("212-555-0123") == bulk_numbers.UNEXPLAINED
    bulk_numbers._takes_code.cache_clear()


def test_the_mixed_column_is_two_hundredths_bad() -> None:
    texts = bulk_numbers.mixed(4_000, 3)
    assert len(texts) == 4_000
    assert sum(parse(text).kind != "geographic" for text in texts) == pytest.approx(80, abs=3)
    assert 50 < len(normalise(pl.Series(texts)).odd) <= 80
    assert len({text for text in texts if parse(text).kind == "foreign"}) > 5
