"""Files in and out: every row comes back whole and in order, and what cannot be read leaves nothing behind."""

from __future__ import annotations

import csv
import gzip
import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from dialguard.screening.columns import recognise
from dialguard.screening.files import screen_file
from dialguard.screening.read import CHUNK, open_source
from dialguard.screening.source import TableError
from dialguard.screening.screen import Screened
from dialguard.screening.answers import COLUMNS, Answer
from dialguard.screening.write import Output
from simulations import leads


class Parrot:
    """Stands in for the law: allows every number and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, object]] = []
        self.answers = [Answer("allow", obligations=("ring_at_least", "say_name"), states=("TX",)), Answer("deny", "invalid_input")]
        self.problems = [""]

    def screen(self, columns, broken=None):
        rows = len(columns["to"])
        self.asked += [{field: series[place] for field, series in columns.items()} for place in range(rows)]
        answers, problems = numpy.zeros(rows, numpy.int32), numpy.zeros(rows, numpy.int32)
        for place, why in (broken or {}).items():
            answers[place], problems[place] = 1, len(self.problems)
            self.problems.append(why)
        return Screened(answers, problems, numpy.zeros(rows, bool))


def through(path: Path, out: Path, force: bool = False, quotes: bool = True, encoding: str = "utf-8", **told: str) -> Parrot:
    """Screen a file with the parrot."""
    parrot = Parrot()
    source = open_source(path, encoding, quotes)
    screen_file(source, recognise(source.columns, told), parrot, Output(out, source, force))  # type: ignore[arg-type]
    return parrot


def only(folder: Path, *names: str) -> bool:
    return sorted(path.name for path in folder.iterdir()) == sorted(names)


@pytest.fixture
def phones(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text("name,phone\nAnn,5125550123\nBob,5125550124\n", encoding="utf-8")
    return path


def read_csv(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter, strict=True))


# ------------------------------------------------------------------------------------------- rows in = rows out


def test_vicidial_export_keeps_every_field(tmp_path: Path) -> None:
    """Quotes, accents and formulas in tab-separated text stand for themselves."""
    source, out = tmp_path / "leads.tsv", tmp_path / "out.tsv"
    leads.write(source, CHUNK + 300, 9)
    through(source, out)
    before = source.read_text("utf-8").split("\n")
    after = out.read_text("utf-8").split("\n")
    assert len(before) == len(after)
    width = len(leads.COLUMNS)
    assert [line.split("\t")[:width] for line in after[:-1]] == [line.split("\t") for line in before[:-1]]
    assert after[0].split("\t")[width:] == list(COLUMNS)
    assert {line.split("\t")[width] for line in after[1:-1]} == {"allow"}


FIELD = st.text(alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00\r"), max_size=8)


@given(rows=st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=6))
def test_any_csv_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("csv")
    source, out = folder / "in.csv", folder / "out.csv"
    with open(source, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("phone", "note"), *(("5", *row[1:]) for row in rows)])
    through(source, out)
    with open(source, encoding="utf-8", newline="") as file:
        before = list(csv.reader(file))
    with open(out, encoding="utf-8", newline="") as file:
        after = list(csv.reader(file))
    assert [row[:2] for row in after] == before


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text(f"name{delimiter}phone\nAnn{delimiter}5125550123\n", encoding="utf-8")
    assert through(source, out).asked == [{"to": "5125550123"}]
    assert read_csv(out, delimiter)[0]["name"] == "Ann"


def test_a_tab_separated_csv_becomes_a_real_csv(tmp_path: Path) -> None:
    source, out = tmp_path / "in.tsv", tmp_path / "out.csv"
    source.write_text('phone\tnote\n5125550123\twants 24" door, white\n', encoding="utf-8")
    through(source, out)
    assert read_csv(out)[0]["note"] == 'wants 24" door, white'


def test_what_tab_separated_text_cannot_hold_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text('phone,note\n5125550123,"two\nlines"\n', encoding="utf-8")
    with pytest.raises(TableError, match="row 1 holds a tab or a line break"):
        through(source, tmp_path / "out.tsv")
    assert only(tmp_path, "in.csv")


def test_ragged_rows_stay_and_are_not_callable(tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("name,phone\nAnn,5125550123\nBob\nCy, Jr.,5125550124\n\nDee,5125550125\n\n\n", encoding="utf-8")
    through(source, out)
    rows = read_csv(out)
    assert [row["name"] for row in rows] == ["Ann", "Bob", "Cy", "", "Dee"]
    assert rows[2]["phone"] == " Jr. 5125550124"  # nothing that stood in the row is lost
    assert [row["dg_verdict"] for row in rows] == ["allow", "deny", "deny", "allow", "allow"]
    assert rows[1]["dg_problem"] == "the row has 1 fields where the header names 2"


def test_gzip_in_and_out(tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv.gz", tmp_path / "out.csv.gz"
    source.write_bytes(gzip.compress(b"phone\n5125550123\n"))
    through(source, out)
    assert gzip.decompress(out.read_bytes()).decode().splitlines()[1].startswith("5125550123,allow")


def test_utf8_mark_and_other_encodings(tmp_path: Path) -> None:
    marked, other, wide = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"
    marked.write_bytes("phone,name\n5125550123,Zoë\n".encode("utf-8-sig"))
    other.write_bytes("phone,name\n5125550123,Zoë\n".encode("cp1252"))
    wide.write_bytes("phone,name\n5125550123,Zoë\n".encode("utf-16"))
    for path, encoding in ((marked, "utf-8"), (other, "cp1252"), (wide, "utf-16")):
        out = tmp_path / f"out-{path.name}"
        through(path, out, encoding=encoding)
        assert read_csv(out)[0]["name"] == "Zoë"


def test_ndjson_keeps_each_object(tmp_path: Path) -> None:
    source, out = tmp_path / "in.ndjson", tmp_path / "out.jsonl"
    objects = [{"phone": 5125550123, "tags": ["a", {"b": 1}]}, {"name": None, "phone": "x"}, {"other": 1.5}, {"phone": float(1)}]
    source.write_text("".join(json.dumps(each) + "\n" for each in objects), encoding="utf-8")
    through(source, out)
    after = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [{key: value for key, value in row.items() if key not in COLUMNS} for row in after] == objects
    assert all(set(COLUMNS) <= set(row) for row in after)


def test_parquet_keeps_types(tmp_path: Path) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    count = CHUNK + 5
    table = pyarrow.table({"phone": pyarrow.array([5125550123] * count), "when": pyarrow.array([1_700_000_000_000_000_001] * count, pyarrow.timestamp("ns"))})
    parquet.write_table(table, source)
    through(source, out)
    after = parquet.read_table(out)
    assert after.select(["phone", "when"]).equals(table)
    assert after.column("dg_verdict").to_pylist() == ["allow"] * count
    assert after.schema.field("dg_duplicate").type == pyarrow.bool_()


@pytest.mark.parametrize("suffix", ["csv", "tsv", "ndjson", "parquet"])
@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_any_kind_to_any_kind(tmp_path: Path, kind: str, suffix: str) -> None:
    source, out = tmp_path / f"in.{kind}", tmp_path / f"out.{suffix}"
    rows = [{"phone": "5125550123", "name": "Zoë"}, {"phone": "x", "name": ""}]
    match kind:
        case "csv":
            source.write_text("phone,name\n5125550123,Zoë\nx,\n", encoding="utf-8")
        case "ndjson":
            source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        case "parquet":
            parquet.write_table(pyarrow.Table.from_pylist(rows), source)
    through(source, out)
    again = open_source(out)
    assert again.columns == ["phone", "name", *COLUMNS]
    (chunk,) = again.chunks()
    assert chunk.series(0).to_list() == ["5125550123", "x"]
    assert [name or "" for name in chunk.series(1).to_list()] == ["Zoë", ""]


def test_screening_a_result_again_replaces_its_columns(tmp_path: Path, phones: Path) -> None:
    first, second = tmp_path / "one.csv", tmp_path / "two.csv"
    through(phones, first)
    through(first, second)
    assert first.read_bytes() == second.read_bytes()


# ------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("in.csv", b"", "the file is empty"),
        ("in.csv", b"\n\n  \n", "the file is empty"),
        ("in.csv", b"phone,name\n", "no rows below the header"),
        ("in.csv", b"name,city\nAnn,Austin\n", "no column with telephone numbers"),
        ("in.csv", b"5125550123\n5125550124\n", "no column with telephone numbers"),
        ("in.csv", "phone,name\n1,a\n5125550123,Zo\u00eb\n".encode("cp1252"), "line 3 holds byte 0xeb"),
        ("in.csv", b"phone\n1\n" * 9000 + b"\xff\n", "line 18,001 holds byte 0xff"),
        ("in.csv", "phone,name\n1,a\n".encode("utf-16"), "UTF-16"),
        ("in.csv", b"PK\x03\x04rest", "zip archive or an Excel workbook"),
        ("in.csv", b"PAR1rest", "a Parquet file"),
        ("in.csv", b'phone,name\n1,"Ann\n2,Bob\n', "is not closed"),
        ("in.csv", b'phone,name\n1,"Ann" x\n', "line 2"),
        ("in.csv", b"phone\x00,name\n1,a\n", "null bytes"),
        ("in.csv", b"phone,phone\n1,2\n", "stands 2 times"),
        ("in.csv.gz", gzip.compress(b"phone\n" + bytes(range(48, 58)) * 9000)[:-20], "ends early or is damaged"),
        ("in.csv.gz", b"phone\n1\n", "not gzipped"),
        ("in.csv", gzip.compress(b"phone\n1\n", mtime=0), "gzipped, against its name"),
        ("in.ndjson", b'{"phone": 1}\n{"phone": ', "line 2 is not JSON"),
        ("in.ndjson", b'{"phone": 1}\n[1]\n', "line 2: found list"),
        ("in.ndjson", b'{"phone": 1}\n{"phone": 1, "phone": 2}\n', "line 2: the key 'phone' stands twice"),
        ("in.ndjson", b"[" * 100_000, "line 1"),
        ("in.ndjson", b'{"name": 1}\n', "no column with telephone numbers"),
        ("in.ndjson", b"{}\n", "no column with telephone numbers"),
        ("in.parquet", b"PAR1" + bytes(50), "not a whole Parquet file"),
        ("in.xlsx", b"PK\x03\x04", "does not say what kind of file"),
        ("in", b"phone\n1\n", "does not say what kind of file"),
        ("in.parquet.gz", b"PAR1", "does not say what kind of file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=says.replace("+", r"\+")):
        through(tmp_path / name, tmp_path / "out.csv")
    assert only(tmp_path, name)


def test_a_truncated_parquet_file(tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    parquet.write_table(pyarrow.table({"phone": ["5125550123"] * 5000}), source)
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match="not a whole Parquet file"):
        through(source, tmp_path / "out.csv")
    # A page damaged in the middle is found only while reading; nothing must have been left by then.
    hurt = bytearray(whole)
    hurt[4:40] = b"\xff" * 36
    source.write_bytes(hurt)
    with pytest.raises(TableError):
        through(source, tmp_path / "out.csv")
    assert only(tmp_path, "in.parquet")


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        open_source(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(TableError, match="not a file"):
        open_source(tmp_path / "folder.csv")


def test_unknown_encoding(phones: Path) -> None:
    with pytest.raises(TableError, match="encoding 'utf-9' is not known"):
        open_source(phones, "utf-9")


def test_plain_quotes(tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('phone,name\n1,"Ann" x\n', encoding="utf-8")
    through(source, out, quotes=False)
    assert read_csv(out)[0]["name"] == '"Ann" x'


# ------------------------------------------------------------------------------------------------- whole or absent


def test_an_existing_file_is_not_replaced_unless_told(tmp_path: Path, phones: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("precious", encoding="utf-8")
    with pytest.raises(TableError, match="exists"):
        through(phones, out)
    assert out.read_text("utf-8") == "precious"
    through(phones, out, force=True)
    assert len(read_csv(out)) == 2


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path, phones: Path) -> None:
    source = open_source(phones)
    out = tmp_path / "out.csv"
    output = Output(out, source)
    out.write_text("precious", encoding="utf-8")
    with pytest.raises(TableError, match="exists"):
        screen_file(source, recognise(source.columns, {}), Parrot(), output)  # type: ignore[arg-type]
    assert out.read_text("utf-8") == "precious" and only(tmp_path, "in.csv", "out.csv")


def test_the_input_is_never_the_output(phones: Path) -> None:
    with pytest.raises(TableError, match="take the place of the input"):
        through(phones, phones, force=True)
    assert len(read_csv(phones)) == 2


def test_a_folder_that_is_not_there(tmp_path: Path, phones: Path) -> None:
    with pytest.raises(TableError, match="cannot be written"):
        through(phones, tmp_path / "none" / "out.csv")


def test_an_interrupted_screen_leaves_nothing(tmp_path: Path, phones: Path) -> None:
    class Interrupted(Parrot):
        def screen(self, rows, broken=None):
            raise KeyboardInterrupt

    source = open_source(phones)
    with pytest.raises(KeyboardInterrupt):
        screen_file(source, recognise(source.columns, {}), Interrupted(), Output(tmp_path / "out.csv", source))  # type: ignore[arg-type]
    assert only(tmp_path, "in.csv")


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may grow past ``size`` bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "ndjson", "parquet", "csv.gz"])
@pytest.mark.parametrize("size", [0, 2_000])
def test_a_full_disk_leaves_nothing(tmp_path: Path, suffix: str, size: int) -> None:
    source = tmp_path / "in.csv"
    notes = Parrot().__hash__()
    source.write_text("phone,note\n" + "".join(f"5125550123,{hash((notes, n)):x}\n" for n in range(CHUNK * 2)), encoding="utf-8")
    with full_disk(size), pytest.raises(TableError, match="cannot be written"):
        through(source, tmp_path / f"out.{suffix}")
    assert only(tmp_path, "in.csv")
