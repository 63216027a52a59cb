"""Import and export: what goes out comes back the same, whole or not at all, and once."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from dialguard.ledger.errors import ImportRefused, LedgerError
from dialguard.ledger.exporting import export_file
from dialguard.ledger.importing import Imported, import_file
from dialguard.ledger.incoming import Reading
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.rows import KINDS
from dialguard.ledger.tables import FORMATS, TableError
from dialguard.model.moment import DAY

from .test_bitemporal import NUMBERS, histories, record

T = 1_700_000_000_000_000
NOW = T + 400 * DAY
A = NUMBERS[0]


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "ledger.sqlite")
    yield made
    made.close()


def take(ledger, path, **options):
    return import_file(ledger, path, Reading(now=NOW, **{"seller": "acme", **options}))


def write(tmp_path, text, name="in.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(ledger, kind="consent", seller="acme"):
    return ledger.entries(seller, lambda entries: [row for _, row in entries], kinds=[kind])


@given(histories(), st.sampled_from(FORMATS), st.sampled_from([None, T, T + 2]))
@settings(max_examples=25)
def test_what_goes_out_comes_back_the_same(entries, format, as_of):
    known_at = {(kind, id_): fields["known_at"] for kind, id_, fields in entries}
    for kind, _, fields in entries:  # nobody corrects what is not known yet: a part of such a record is refused
        named = ("attempt", fields["attempt"]) if kind == "outcome" else (kind, fields.get("supersedes"))
        assume(as_of is None or known_at.get(named, 0) <= fields["known_at"])
    with tempfile.TemporaryDirectory() as folder:
        first, second = Ledger(Path(folder) / "a.sqlite"), Ledger(Path(folder) / "b.sqlite")
        record(first, entries)
        out = Path(folder) / f"out.{format}"
        count = export_file(first, out, "acme", as_of=as_of)
        if count:
            done = take(second, out, keep_known_at=True)
            assert sum(done.added.values()) == count and done.there == 0
            assert take(second, out, keep_known_at=True) == Imported({}, count)
            if as_of is None:
                assert take(first, out, keep_known_at=True) == Imported({}, count)
        for number in NUMBERS:
            for known in (T, T + 1, T + 2) if as_of is None else (as_of,):
                asked = dict(seller="acme", number=number, person="p", at=T + 4, as_of=known)
                one, two = first.look_up(**asked), second.look_up(**asked)
                ids = [[each.id for each in (*found.consents, *found.revocations)] for found in (one, two)]
                assert [len(each) for each in ids] == [len(ids[0])] * 2
                assert strip(one) == strip(two)
        for ledger in (first, second):
            ledger.close()


def strip(found):
    """A look-up without the numbers of its entries, which another record counts anew."""
    return repr([(c.level, c.obtained_at, c.expires_at, c.channels) for c in found.consents]), [r.at for r in found.revocations], found.attempts, (
        found.relationship, found.internal, found.contact, found.last_conversation_at, found.complete_since,
    )  # fmt: skip


# -- what is refused, with its place


HEAD = "kind,number,level,obtained_at,channels,at,scope,id\n"


@pytest.mark.parametrize(
    ("name", "text", "mistakes"),
    [
        ("in.csv", HEAD + "consent,(305) 555-0100,express,2026-01-01,\"sms,voice\",,,1\nconsent,555,express,,,,,2\nconsent,3055550100,maybe,,,,,3\n", [
            "line 3: number: found '###', expected a telephone number: ", "line 4: level: found 'maybe', expected one of none, express"]),
        ("in.csv", HEAD + '"consent\n",3055550100,express,,,,,\n\nconsent,1,express,,,,,\n', ["line 5: number: found '#'"]),
        ("in.csv", HEAD + "consent,3055550100,express,,,,\n", ["line 2: found 7 cells, expected 8 as in the header"]),
        ("in.csv", HEAD + 'consent,"3055550100\n', ["line 2: no CSV from here on: unexpected end of data"]),
        ("in.csv", (HEAD + "consent,3055550100,").encode() + b"\xff,,,,,\n", ["line 2: byte 20 (0xff) is not valid UTF-8"]),
        ("in.csv", HEAD.replace("id", "scope") + "x\n", ["line 1: the header needs one name for each column; twice or empty: scope"]),
        ("in.csv", HEAD, ["there are no entries in it"]),
        ("in.csv", "", ["there are no entries in it"]),
        ("in.csv", HEAD + "consents,3055550100,express,,,,,\n", ["line 2: kind: found 'consents', expected one of consent"]),
        ("in.csv", "kind,numbr\nconsent,1\n", ["line 2: numbr: found a column that no such entry has", "(did you mean `number`?)"]),
        ("in.csv", HEAD + "consent,3055550100,express,,,2026-01-01,,\n", ["line 2: at: found a column that no such entry has"]),
        ("in.csv", HEAD + "consent,3055550100,express,tomorrow,,,,\n", ["line 2: obtained_at: found 'tomorrow', expected RFC 3339"]),
        ("in.csv", HEAD + "consent,3055550100,express,,,,,a\nconsent,3055550101,express,,,,,a\n", ["line 3: id: found the id of 2, which says something else"]),
        ("in.csv", "kind,number,current\nrelationship,3055550100,maybe\n", ["line 2: current: found 'maybe', expected true or false"]),
        ("in.csv", "kind,attempt,outcome,at\noutcome,attempt:7,busy,2026-01-01\n", ["line 2: attempt: found no attempt of this seller"]),
        ("in.csv", "kind,reference,outcome,at\noutcome,r-7,busy,2026-01-01\n", ["line 2: reference: found no attempt of this seller"]),
        ("in.csv", "kind,number,level,supersedes\nconsent,3055550100,express,consent:1\n", ["line 2: supersedes: found no such entry of this seller"]),
        ("in.csv", "kind,retracts\nconsent,consent:1\n", ["line 2: retracts: found no such entry of this seller"]),
        ("in.ndjson", '{"kind": "consent"\n{"kind": "consent", "kind": "x"}\n[]\n{"kind": "consent", "number": NaN}\n\n{"kind": "consent", "number": 3055550100}\n', [
            "line 1: not JSON: ", "line 2: not JSON: the key", "line 3: found list", "line 4: not JSON: NaN is not JSON", "line 6: level: found nothing"]),
        ("in.json", '{"items": [{"kind": "consent"}, 7]}', ["row 1: number: found nothing", "row 2: found int"]),
        ("in.json", '"x"', ["expected a list of objects"]),
        ("in.parquet", "PAR1 or not", ["no Parquet file, or a damaged one"]),
        ("in.xlsx", "", ["in.xlsx: the suffix .xlsx says no format; expected .csv, "]),
    ],
)  # fmt: skip
def test_every_mistake_is_named_with_its_place_and_nothing_is_recorded(ledger, tmp_path, name, text, mistakes):
    with pytest.raises(ImportRefused) as raised:
        take(ledger, write(tmp_path, text, name))
    said = str(raised.value)
    assert said.startswith(f"{name}: nothing was recorded")
    place = 0
    for mistake in mistakes:
        place = said.find(mistake, place)
        assert place >= 0, (mistake, said)
    assert [rows(ledger, kind) for kind in KINDS] == [[]] * len(KINDS)
    assert "0100" not in said


def test_a_mistake_found_late_leaves_nothing_of_what_was_written_before(ledger, tmp_path):
    lines = [f"consent,30555{place:05},express,,,,,{place}" for place in range(1200)]
    text = HEAD.replace("\n", ",supersedes\n") + "\n".join(line + "," for line in lines) + "\nconsent,3055550100,express,,,,,x,y\n"
    with pytest.raises(ImportRefused, match="line 1202: supersedes: found no such entry"):
        take(ledger, write(tmp_path, text))
    assert rows(ledger) == []
    assert take(ledger, write(tmp_path, HEAD + "\n".join(lines) + "\n")) == Imported({"consent": 1200}, 0)


def test_many_mistakes_are_counted(ledger, tmp_path):
    with pytest.raises(ImportRefused, match=r"line 21: .*\n  and 5 more$") as raised:
        take(ledger, write(tmp_path, HEAD + "consent,1,express,,,,,\n" * 25))
    assert len(raised.value.mistakes) == 25


def test_an_id_counts_once_and_may_not_change(ledger, tmp_path):
    one, two = "consent,3055550100,express,2026-01-01,,,,a\n", "consent,3055550101,express,,,,,b\n"
    assert take(ledger, write(tmp_path, HEAD + one + one)) == Imported({"consent": 1}, 1)
    assert take(ledger, write(tmp_path, HEAD + one + two)) == Imported({"consent": 1}, 1)
    later = Reading(now=NOW + DAY, seller="acme")
    assert import_file(ledger, write(tmp_path, HEAD + one + two), later) == Imported({}, 2)
    with pytest.raises(ImportRefused, match="line 2: id: found an entry that was imported before with other values"):
        take(ledger, write(tmp_path, HEAD + one.replace("express", "express_written")))
    assert take(ledger, write(tmp_path, HEAD + one), seller="other") == Imported({"consent": 1}, 0)
    no_id = "kind,number,level\nconsent,3055550100,express\n"
    assert take(ledger, write(tmp_path, no_id)) == take(ledger, write(tmp_path, no_id)) == Imported({"consent": 1}, 0)
    assert [row["id"] for row in rows(ledger)] == [1, 2, 4, 5]


def test_corrections_follow_the_ids_of_the_file_and_of_earlier_files(ledger, tmp_path):
    ledger.record_consent(seller="acme", number=A, level="express", known_at=T)  # consent:1, which is not the file's
    head = "kind,id,number,level,supersedes,retracts\n"
    first = head + "consent,consent:1,3055550101,express,,\nconsent,b,3055550101,express_written,consent:1,\n"
    assert take(ledger, write(tmp_path, first)).added == {"consent": 2}
    assert [(row["id"], row["supersedes"]) for row in rows(ledger)] == [(1, None), (2, None), (3, 2)]
    assert take(ledger, write(tmp_path, head + "consent,c,,,,b\n")).added == {"consent": 1}
    assert rows(ledger)[-1]["void"] == 1 and rows(ledger)[-1]["supersedes"] == 3
    with pytest.raises(ImportRefused, match="line 2: supersedes: found an entry that was corrected or retracted before"):
        take(ledger, write(tmp_path, head + "consent,d,3055550101,express,consent:1,\n"))
    without = head.replace("id,", "")
    assert take(ledger, write(tmp_path, without + "consent,3055550100,express,consent:1,\n")).added == {"consent": 1}
    assert rows(ledger)[-1]["supersedes"] == 1


def test_when_it_became_known(ledger, tmp_path):
    text = "kind,number,level,known_at\nconsent,3055550100,express,2024-05-01\n"
    with pytest.raises(ImportRefused, match="line 2: known_at: found a moment, expected a choice"):
        take(ledger, write(tmp_path, text))
    assert take(ledger, write(tmp_path, text), keep_known_at=False).added == {"consent": 1}
    assert take(ledger, write(tmp_path, text), keep_known_at=True).added == {"consent": 1}
    assert [row["known_at"] for row in rows(ledger)] == [NOW, 1_714_521_600_000_000]
    with pytest.raises(ImportRefused, match="line 2: known_at: found a moment to come"):
        take(ledger, write(tmp_path, text.replace("2024-05", "2999-05")), keep_known_at=True)


def test_one_seller_and_one_kind_where_they_are_named(ledger, tmp_path):
    text = "seller,number,level\nacme,3055550100,express\nother,3055550100,express\n"
    with pytest.raises(ImportRefused, match="line 3: seller: found 'other', expected acme"):
        take(ledger, write(tmp_path, text), kind="consent")
    assert take(ledger, write(tmp_path, text), kind="consent", seller=None).added == {"consent": 2}
    with pytest.raises(ImportRefused, match="line 2: kind: found revocation, expected consent"):
        take(ledger, write(tmp_path, "kind,number\nrevocation,3055550100\n"), kind="consent")


def test_an_export_that_fails_leaves_no_file(ledger, tmp_path, monkeypatch):
    ledger.record_consent(seller="acme", number=A, level="express", known_at=T)
    monkeypatch.setattr("dialguard.files.os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    for format in FORMATS:
        with pytest.raises(OSError):
            export_file(ledger, tmp_path / f"out.{format}", "acme")
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("ledger")] == []
    with pytest.raises(TableError, match="says no format"):
        export_file(ledger, tmp_path / "out.pdf", "acme")


def test_an_export_is_of_one_seller_and_one_moment_and_readable_by_its_owner_alone(ledger, tmp_path):
    for seller, known_at in (("acme", T), ("acme", T + 2), ("other", T)):
        ledger.record_consent(seller=seller, number=A, level="express", known_at=known_at)
    out = tmp_path / "out.ndjson"
    assert export_file(ledger, out, "acme", as_of=T + 1) == 1 and out.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line) for line in out.read_text().splitlines()] == [
        {"kind": "consent", "id": "consent:1", "seller": "acme", "number": A, "known_at": "2023-11-14T22:13:20Z", "level": "express"}
    ]


def test_an_import_that_cannot_be_written_says_so(ledger, tmp_path):
    ledger.suppress(seller="acme", number=A, at=T, known_at=T)

    @event.listens_for(ledger._engine, "connect")
    def limit(connection, _record):
        connection.execute(f"PRAGMA max_page_count = {pages}")

    pages = ledger._held().driver.execute("PRAGMA page_count").fetchone()[0]
    ledger.close()
    text = HEAD + "".join(f"consent,30555{place:05},express,,,,,{place}\n" for place in range(2000))
    with pytest.raises(LedgerError, match="nothing was recorded: the disk of .* is full"):
        take(ledger, write(tmp_path, text))
    assert rows(ledger) == []


def test_a_wording_is_kept_once_and_shown_with_each_consent(ledger, tmp_path):
    text = "number,level,id,wording\n" + "".join(f"30555{place:05},express,{place},\"I agree.\nCall me.\"\n" for place in range(5))
    assert take(ledger, write(tmp_path, text), kind="consent").added == {"consent": 5}
    ledger.record_consent(seller="acme", number=A, level="express", known_at=T, wording="I agree.\r\nCall me.")
    ledger.record_consent(seller="acme", number=A, level="express", known_at=T, wording_hash="ab" * 32)
    assert [row["wording"] for row in rows(ledger)] == ["I agree.\nCall me."] * 6 + [None]
    assert ledger._held().driver.execute("SELECT count(*) FROM wordings").fetchone() == (1,)
    assert take(ledger, write(tmp_path, text), kind="consent") == Imported({}, 5)
    assert export_file(ledger, tmp_path / "out.csv", "acme") == 7
    other = Ledger(tmp_path / "other.sqlite")
    assert take(other, tmp_path / "out.csv", keep_known_at=True).added == {"consent": 7}
    assert [row["wording"] for row in rows(other)] == [row["wording"] for row in rows(ledger)]
    assert take(ledger, tmp_path / "out.csv", keep_known_at=True) == Imported({}, 7)


def test_a_typed_table_of_another_program_is_taken(ledger, tmp_path):
    import datetime

    import polars as pl

    moment = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
    frame = pl.DataFrame({
        "number": [3055550100, 2125550102], "level": ["express", "express_written"], "obtained_at": [moment, None],
        "channels": [["sms", "voice"], None], "reference": [4711, None], "id": [1, 2],
    })  # fmt: skip
    frame.write_parquet(tmp_path / "in.parquet")
    assert take(ledger, tmp_path / "in.parquet", kind="consent").added == {"consent": 2}
    first, second = rows(ledger)
    assert (first["number"], first["obtained_at"], first["channels"], first["reference"]) == (
        "+13055550100", 1_767_268_800_000_000, '["voice", "sms"]', "4711",
    )  # fmt: skip
    assert second["number"] == "+12125550102" and second["channels"] is None
    naive = frame.with_columns(pl.col("obtained_at").dt.replace_time_zone(None), pl.col("id") + 2)
    naive.write_parquet(tmp_path / "naive.parquet")
    with pytest.raises(ImportRefused, match="row 1: obtained_at: found a moment without a zone"):
        take(ledger, tmp_path / "naive.parquet", kind="consent")
