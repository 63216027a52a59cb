import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard.lists import reading
from dialguard.lists.errors import BadRowsError, ListImportError
from dialguard.lists.formats import Layout, body, parse_row, shape, sniff
from dialguard.lists.reading import parse, slow

FLAT = Layout(None, 1, 0, None, False)
COLUMNS = Layout(",", 3, 1, None, False)
PAIR = Layout("|", 3, 0, 1, False)


@pytest.mark.parametrize(
    "text",
    ["202,5550123", "202\t5550123", "202|5550123", "202;5550123", "2025550123", "(202) 555-0123", "202-555-0123",
     "202.555.0123", "202 555 0123", "+1 202-555-0123", "+12025550123", "12025550123", "1-202-555-0123",
     "(202)555-0123", "202/555-0123", " 2025550123 ", "202,5550123 ", "2025550123\r"],
)
def test_writings_of_a_number(text):
    assert parse_row(FLAT, text) == (202, 5_550_123)


@pytest.mark.parametrize(
    ("text", "why"),
    [("202,550123", "9 digits"), ("2025,550123", "10 digits"), ("202,55501234", "11 digits"),
     ("1025550123", "begins with 1"), ("202,1999999", "exchange that begins with 1"), ("0025550123", "begins with 0"),
     ("2020555012", "exchange that begins with 0"), ("202-555-O123", "9 digits"), ("2025550123 x5", "11 digits"),
     ("2025550123,TX", "10 digits"), ("22025550123", "11 digits"), ("２０２５５５０１２３", "0 digits"),
     ("2025550123.0", "11 digits"), ("2,025,550,123", "10 digits")],
)
def test_bad_rows_say_why_without_the_number(text, why):
    found = parse_row(FLAT, text)
    assert isinstance(found, str) and why in found
    assert "555" not in found


def test_boundary_lines():
    assert parse_row(FLAT, "202,2000000") == (202, 2_000_000)
    assert parse_row(FLAT, "202,9999999") == (202, 9_999_999)
    assert parse_row(FLAT, "200,5550123") == (200, 5_550_123)
    assert isinstance(parse_row(FLAT, "202,1999999"), str)
    assert isinstance(parse_row(FLAT, "199,5550123"), str)


def test_rows_of_columns():
    assert parse_row(COLUMNS, 'x,(202) 555-0123,y') == (202, 5_550_123)
    assert parse_row(COLUMNS, '"Smith, J","2025550123",') == (202, 5_550_123)
    assert parse_row(COLUMNS, "x,2025550123") == "2 fields where 3 belong"
    assert "quote" in parse_row(COLUMNS, '"x,2025550123,y')
    assert parse_row(PAIR, "202|5550123|x") == (202, 5_550_123)
    assert "area code of 3 digits" in parse_row(PAIR, "20|5550123|x")
    assert "where 7 digits belong" in parse_row(PAIR, "202|555012|x")
    assert parse_row(PAIR, "  \r") is None


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("202,5550123\n202,5550124\n", FLAT),
        ("2025550123\r\n", FLAT),
        ("Phone\n2025550123\n", Layout(None, 1, 0, None, True)),
        ("AreaCode,Number\n202,5550123\n", Layout(None, 1, 0, None, True)),
        ("\n\nPhone\n2025550123\n", Layout(None, 1, 0, None, True)),
        ("TX|(202) 555-0123|x\nTX|(202) 555-0124|y\n", Layout("|", 3, 1, None, False)),
        ("state;ac;no\nTX;202;5550123\nTX;202;5550124\n", Layout(";", 3, 1, 2, True)),
        ("name\tphone\nSmith, J\t2025550123\nDoe, A\t2025550124\n", Layout("\t", 2, 1, None, True)),
        ('"2025550123"\n"2025550124"\n', Layout(",", 1, 0, None, False)),
        ('"202","5550123"\n"202","5550124"\n', Layout(",", 2, 0, 1, False)),
        ("2025550123  TX 20260101\n2025550124  TX 20260101\n", Layout(None, 1, 0, None, False, (0, 10))),
        ("NUMBER       ST\n(202)555-0123 TX\n(202)555-0124 TX\n", Layout(None, 1, 0, None, True, (0, 13))),
        ("TX 202-555-0123R\nTX 202-555-0124R\n", Layout(None, 1, 0, None, False, (3, 15))),
        ("2026-01-01,2025550123,78701\n2026-01-02,2025550124,78702\n", Layout(",", 3, 1, None, False)),
    ],
)
def test_layouts_are_recognised(text, layout):
    assert sniff(text.encode(), "f") == layout


def test_the_header_is_passed_over():
    text = b"\n \nPhone\n2025550123\n"
    assert body(text, sniff(text, "f")) == (9, 3)
    assert body(b"2025550123\n", FLAT) == (0, 0)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"", "empty"), (b"\r\n \n", "empty"), ("202,5550123\n".encode("utf-16"), "not_text"), (b"a\0b\n", "not_text"),
        (b"<?xml version='1.0'?><list val='202'>\n", "unrecognised"), (b"hello\nworld\n", "unrecognised"),
        (b"2025550123,3015550123\n2025550124,3015550124\n", "ambiguous"),
        (b"2025550123,\n2025550124,\n2025550125,3015550123\n", "ambiguous"),
        (b"202,5550123,\n202,5550124,\n202,5550125,3015550123\n", "ambiguous"),
        (b"202,5550123,301\n202,5550124,301\n", "ambiguous"),
        (b"2025550123,2026-01-01,A\n2025550124,2026-01-01,D\n", "change_list"),
        (b"202,5550123,2026-01-01,D\n202,5550124,2026-01-01,\n", "change_list"),
        (b"2025550123 20260101 A\n2025550124 20260101 D\n", "change_list"),
        (b"2025550123 3015550123\n2025550124 3015550124\n", "ambiguous"),
        (b"2025550123 TX           \n2025550124 TX 3015550124\n", "ambiguous"),
        (b"202555012320260101\n202555012420260101\n", "unrecognised"),
        (b"number,action\n2025550123,add\n2025550124,Delete\n", "change_list"),
    ],
)
def test_what_is_not_a_full_list_is_refused(text, kind):
    with pytest.raises(ListImportError) as caught:
        sniff(text, "f.txt")
    assert caught.value.kind == kind and "f.txt" in str(caught.value) and "555" not in str(caught.value)


def test_shape_masks_letters_and_digits():
    assert shape("Smith 202-555-0123\n\u202e") == "aaaaa 999-999-9999??"
    assert shape("9" * 41) == "9" * 40 + "..."


PLACED = Layout(None, 1, 0, None, False, (0, 10))
DIGITS = st.integers(0, 9_999_999_999).map(lambda n: f"{n:010}")
ROW = st.one_of(
    st.builds(lambda n: f"{n:010}", st.integers(2_002_000_000, 9_999_999_999)),
    st.builds(lambda n: f"{n // 10**7},{n % 10**7:07}", st.integers(2_002_000_000, 9_999_999_999)),
    st.builds(lambda n, x: f"x,{n[:3]}-{n[3:6]}-{n[6:]},{x}", DIGITS, st.sampled_from(["", "TX", '"', '"a"'])),
    st.builds(lambda n, x: f"{n[:3]}|{n[3:]}|{x}", DIGITS, st.sampled_from(["", "TX", "ü"])),
    st.builds(lambda n, x: f"{n}{x}", DIGITS, st.sampled_from([" TX", "  x", " ü", "5 x", "-ab"])),
    st.text("0123456789,|\"\r -(x", max_size=14),
)


@given(
    st.lists(ROW, min_size=1, max_size=6),
    st.integers(1, 4),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from([FLAT, COLUMNS, PAIR, Layout("|", 3, 1, 0, False), Layout(",", 1, 0, None, False), PLACED]),
)
@settings(max_examples=400, deadline=None)
def test_the_fast_path_agrees_with_the_row_by_row_meaning(rows, times, end, last, layout):
    piece = (end.join(rows * times) + (end if last else "")).encode()
    if piece:
        fast, plain = parse(layout, piece, 5), slow(layout, piece, 5)
        assert fast.npa.tolist() == plain.npa.tolist() and fast.line.tolist() == plain.line.tolist()
        assert fast.lines == plain.lines and fast.bad == plain.bad


@pytest.mark.parametrize(
    ("layout", "row"),
    [(FLAT, "202,5550123\n"), (FLAT, "(202) 555-0123\r\n"), (FLAT, "2025550123\n"), (COLUMNS, "7,202-555-0123,TX\n"),
     (COLUMNS, "7,202-555-0123,Texas\r\n"), (PAIR, "202|5550123|ü\n"), (PLACED, "2025550123 x\r\n")],
)
def test_uniform_rows_take_the_fast_path(monkeypatch, layout, row):
    monkeypatch.setattr(reading, "slow", None)
    rows = parse(layout, (row * 3).encode(), 1)
    assert rows.npa.tolist() == [202] * 3 and rows.line.tolist() == [5_550_123] * 3 and rows.lines == 3


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("piece", [1, 16, 1 << 20])
def test_line_ends_mark_and_pieces_make_no_difference(take, monkeypatch, end, bom, last, piece):
    monkeypatch.setattr(reading, "PIECE", piece if piece > 1 else 13)
    rows = ["Phone", "202,5550123", "", "2025550124", "202-555-0123"]
    version = take(bom + (end.join(rows) + (end if last else "")).encode())
    assert (version.rows, version.numbers, version.duplicates) == (3, 2, 1)


def test_zip_with_one_file(take, tmp_path):
    path = tmp_path / "202.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/list202.txt", "202,5550123\r\n" * 2 + "202,5550124\r\n")
    version = take(path)
    assert (version.rows, version.numbers, version.source) == (3, 2, "202.zip/list202.txt")


def test_zips_that_cannot_be_read(take, tmp_path):
    path = tmp_path / "list.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "2025550123\n")
        archive.writestr("b.txt", "2025550123\n")
    with pytest.raises(ListImportError, match="a zip with 2 files"):
        take(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "2025550123\n" * 50)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"2025550123\n2025", b"2025550123\n2026", 1))
    with pytest.raises(ListImportError, match="cannot be unpacked"):
        take(path)
    path.write_bytes(whole[:200])
    with pytest.raises(ListImportError, match="damaged or cut short"):
        take(path)


def test_a_line_that_does_not_end_is_refused(take, monkeypatch):
    with pytest.raises(ListImportError, match="a line that does not end"):
        take("2025550123," + "x" * 70_000)
    monkeypatch.setattr(reading, "PIECE", 1000)
    with pytest.raises(ListImportError, match="a line that does not end"):
        take("202,5550123\n" * 6000 + "x" * 5000)


def test_bad_rows_carry_their_line_numbers(take, root):
    rows = ["Phone"] + ["2025550123", "", "20255501", "2021999999"] * 9
    with pytest.raises(BadRowsError) as caught:
        take("\n".join(rows))
    error = caught.value
    assert error.count == 18 and len(error.rows) == 18
    assert [row.line for row in error.rows[:4]] == [4, 5, 8, 9]
    assert "line 4: '99999999' (8 digits) where a number of 10 digits belongs" in str(error)
    assert not (root / "lists" / "own").exists()


def test_only_the_first_twenty_bad_rows_are_shown(take, monkeypatch):
    monkeypatch.setattr(reading, "PIECE", 64)
    with pytest.raises(BadRowsError, match="and 5 more") as caught:
        take("2025550123\n" * 30 + "2025\n" * 25)
    assert [row.line for row in caught.value.rows] == list(range(31, 51)) and caught.value.count == 25
