"""Rule files as plain data: what is read, and where each mistake is said to stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialguard.packs import yamlfile
from dialguard.packs.yamlfile import PackError, Problem, parse, read, shorten, suggest


def problems(raw: bytes | str) -> tuple[Problem, ...]:
    with pytest.raises(PackError) as caught:
        parse(raw.encode() if isinstance(raw, str) else raw, "x.yaml")
    return caught.value.problems


def test_words_stay_words() -> None:
    text = "a: NO\nb: yes\nc: 2026-01-01\nd: 08:00-20:00\ne: 1.5\nf: 0x1f\ng: 010\nh: 12345678901234567890\n"
    assert parse(text.encode(), "x").data == {
        "a": "NO", "b": "yes", "c": "2026-01-01", "d": "08:00-20:00", "e": "1.5", "f": "0x1f", "g": "010", "h": "12345678901234567890",
    }  # fmt: skip


def test_null_flags_and_whole_numbers() -> None:
    text = "a: null\nb: ~\nc:\nd: true\ne: false\nf: 12\ng: -3\nh: '12'\ni: \"true\"\n"
    assert parse(text.encode(), "x").data == {
        "a": None, "b": None, "c": None, "d": True, "e": False, "f": 12, "g": -3, "h": "12", "i": "true",
    }  # fmt: skip


def test_every_value_has_its_position() -> None:
    document = parse(b"rules:\n  - id: a.b\n    when: {x: 1,\n           y: [2, 3]}\n", "x")
    assert document.positions[("rules", 0, "id")] == (2, 5)
    assert document.positions[("rules", 0, "when", "y")] == (4, 12)
    assert document.positions[("rules", 0, "when", "y", 1)] == (4, 19)


def test_a_problem_at_an_unknown_place_stands_at_the_nearest_known_one() -> None:
    document = parse(b"a:\n  b: 1\n", "x")
    assert document.problem(("a", "b", "c", 3), "wrong").line == 2
    assert (document.problem((), "wrong").line, document.line(("a", "b"))) == (1, 2)


def test_a_byte_order_mark_and_windows_lines_do_no_harm() -> None:
    assert parse(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "x").data == {"a": 1, "b": 2}


def test_every_duplicate_key_is_told_at_once() -> None:
    first, second = problems("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert (first.line, first.column, first.message) == (2, 11, "`c` stands twice in the same mapping")
    assert (second.line, second.hint) == (3, "first at line 1; remove one")


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: &x 1\n", 1, 4, "anchors and aliases"),
        ("a: 1\nb: *x\n", 2, 4, "anchors and aliases"),
        ("a: !!python/object:os.system x\n", 1, 4, "tag"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("? [a, b]\n: 1\n", 1, 3, "a key must be a word"),
        ("a:\n\tb: 1\n", 2, 1, "cannot start any token"),
        ("a: b: c\n", 1, 5, "mapping values are not allowed"),
        ("a: 'b\n", 2, 1, "end of stream"),
        ("a: \x00\n", 1, 4, "U+0000"),
        ("ab: x\u202ey\n", 1, 6, "U+202E"),
        ("", 1, 1, "empty"),
        ("# only a comment\n", 1, 1, "empty"),
    ],
)
def test_what_is_not_plain_is_refused_where_it_stands(text: str, line: int, column: int, words: str) -> None:
    (problem,) = problems(text)
    assert (problem.line, problem.column) == (line, column)
    assert words in problem.message


def test_bad_utf_8_names_byte_and_place() -> None:
    (problem,) = problems(b"a: 1\nbc: \xe9\n")
    assert (problem.line, problem.column) == (2, 5)
    assert problem.message == "byte 0xe9 is not valid UTF-8"


def test_depth_is_bounded_at_the_line_and_past_it() -> None:
    # The file itself is the first level.
    parse(("[" * yamlfile.MAX_DEPTH + "]" * yamlfile.MAX_DEPTH).encode(), "x")
    (problem,) = problems("[" * (yamlfile.MAX_DEPTH + 1) + "]" * (yamlfile.MAX_DEPTH + 1))
    assert problem.column == yamlfile.MAX_DEPTH + 1


def test_size_is_bounded_at_the_line_and_past_it(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    comment = b"a: 1 #" + b" " * (yamlfile.MAX_BYTES - 6)
    path.write_bytes(comment)
    assert read(path).data == {"a": 1}
    path.write_bytes(comment + b" ")
    with pytest.raises(PackError, match="1,000,001 bytes"):
        read(path)


def test_a_text_is_bounded_at_the_line_and_past_it() -> None:
    assert parse(b"a: " + b"x" * yamlfile.MAX_SCALAR, "x").data == {"a": "x" * yamlfile.MAX_SCALAR}
    (problem,) = problems(b"a: " + b"x" * (yamlfile.MAX_SCALAR + 1))
    assert problem.message == f"a text of {yamlfile.MAX_SCALAR + 1:,} characters"


def test_a_folder_and_a_missing_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").mkdir()
    with pytest.raises(PackError, match="this is a folder"):
        read(tmp_path / "d.yaml")
    with pytest.raises(PackError, match="cannot be read: No such file"):
        read(tmp_path / "none.yaml")


def test_an_error_holds_every_problem_once_in_order() -> None:
    one, two = Problem("a", 1, 1, "x"), Problem("a", 2, 1, "y", "hint")
    error = PackError([two, one, two])
    assert error.problems == (one, two)
    assert str(error) == "a:1:1  x\na:2:1  y\n  hint"


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("chanel", ["channel", "purpose"], "did you mean `channel`?"),
        ("zzz", ["b", "a"], "expected one of: a, b"),
        ("zzz", [f"k{n:02}" for n in range(20)], "expected one of: k00, k01, k02, k03, k04, k05, k06, k07, k08, k09, k10, k11, ..."),
        ("x" * 100_000, ["xx"], "expected one of: xx"),
        ("x", [], ""),
    ],
)
def test_suggestions(word: str, known: list[str], hint: str) -> None:
    assert suggest(word, known) == hint


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "nothing"), (True, "`true`"), (3, "`3`"), ("a", "`a`"), ([], "an empty list"), ({"a": 1}, "a mapping"), ("y" * 70, f"`{'y' * 60}...`")],
)
def test_values_are_shown_short(value: object, shown: str) -> None:
    assert shorten(value) == shown


_plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text("abc XYZ019:-.,äß", max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcd", min_size=1, max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcd", min_size=1, max_size=3), _plain, min_size=1, max_size=4))
def test_json_is_read_as_it_is(data: dict) -> None:
    import json

    assert parse(json.dumps(data, ensure_ascii=False).encode(), "x").data == data


@given(st.binary(max_size=200))
def test_any_bytes_are_data_or_a_told_mistake(raw: bytes) -> None:
    try:
        document = parse(raw, "x")
    except PackError as error:
        assert error.problems and all(problem.line >= 1 and problem.column >= 1 for problem in error.problems)
    else:
        assert document.positions[()]
