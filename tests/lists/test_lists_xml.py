"""Lists in XML."""

import os
import signal
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard.lists import importing, reading, xmlform
from dialguard.lists.catalog import Catalog
from dialguard.lists.changing import apply_changes
from dialguard.lists.errors import BadRowsError, ListImportError
from dialguard.lists.importing import import_list
from dialguard.lists.versions import open_version, read_index
from dialguard.lists.xmlform import XmlLayout, parse_xml

RECEIVED = 1_790_000_000_000_000


def numbers(root, version):
    reader = Catalog(root).reader(version)
    return {npa * 10**7 + 2_000_000 + int(bit) for npa in reader.counts() for bit in np.flatnonzero(np.unpackbits(reader.array(npa)))}


HEAD = "<?xml version='1.0' encoding='UTF-8'?>\n"


@pytest.mark.parametrize(
    "text",
    [
        "<list val='423'>\n<ph val='5550000' />\n<ph val='5550001' />\n</list>\n<list val='901'><ph val='5550002' /></list>",
        HEAD + "<list><ac val='423'><ph val='5550000'/><ph val='5550001'/></ac><ac val='901'><ph val='5550002'/></ac></list>\n",
        HEAD + "<list><ac val='423'/><ph val='5550000'/><ph val='5550001'/><ac val='901'/><ph val='5550002'/></list>\n",
        '<!-- registry -->\r\n<LIST VAL="423">\r\n<PH VAL="5550000"></PH>\r\n<ph  val = "5550001"/>\r\n</LIST><list val="901"><ph val="5550002"/></list>',
        "<dnc date='2026-09-01'><ph val='4235550000'/><ph val='4235550001'/><ph val='9015550002'/></dnc>",
        "<list val='423'><ph val='5550000' date='2020-01-01'/><ph val='5550001' date='2020-01-02'/></list><ac val='901'><ph val='5550002' date=''/></ac>",
    ],
)
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_shapes(take, root, text, bom):
    version = take(bom + text)
    assert numbers(root, version) == {4_235_550_000, 4_235_550_001, 9_015_550_002} and version.rows == 3
    assert open_version(root / "lists" / "own", read_index(root / "lists" / "own")[0]).manifest["layout"] == "XML"


def test_what_is_no_number_is_a_bad_row_with_its_line(take, root):
    text = """<list>
<ph val='5550000'/>
<ac val='423'><ph val='5550001'/>
<ph val='15550'/><ph val='x'/>
<ph/>
</ac><ph val='5550002'/>
stray <ac val='42'><ph val='5550003'/></ac>
<other val='1'/></list>"""
    with pytest.raises(BadRowsError) as caught:
        take(text)
    assert [row.line for row in caught.value.rows] == [2, 4, 4, 5, 6, 7, 7, 7, 8]
    said = " / ".join(row.why for row in caught.value.rows)
    for word in ("before any area code", "exchange that begins with 0", "'a' where a number", "'aaaaa' where a tag", "'99' where an area code", "a tag aaaaa with a val"):
        assert word in said
    assert numbers(root, take(text, allow_bad_rows=9)) == {4_235_550_001}


def test_a_row_outside_the_subscription_is_refused(take):
    with pytest.raises(ListImportError, match="1 row in area code 423; expected only 901"):
        take("<list val='423'><ph val='5550000'/></list>", area_codes={901})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<html><body>Please log in</body></html>", "unrecognised"),
        ("<list val='423'></list>", "unrecognised"),
        ("<list val='423'><ph val='5550000' type='A' date='2026-09-02'/></list>", "change_list"),
        ("<list val='423'><ph val='5550000' type='retired'/></list>", "ambiguous"),
        ("<list val='423'><ph val='5550000'", "unrecognised"),
    ],
)
def test_what_is_no_full_list_is_refused(take, text, kind):
    with pytest.raises(ListImportError) as caught:
        take(text)
    assert caught.value.kind == kind


CHANGES = "<list val='423'><ph val='5550000' change='{a}' on='2026-09-02'/><ph val='5550009' change='{b}' on='2026-09-02'/></list>"


@pytest.mark.parametrize(("a", "b"), [("D", "A"), ("delete", "add")])
def test_changes(take, root, source, a, b):
    take("<list val='423'><ph val='5550000'/><ph val='5550001'/></list>")
    version = apply_changes(root, "own", source(CHANGES.format(a=a, b=b), "c.xml"), published=date(2026, 9, 3), received_at=RECEIVED)
    assert numbers(root, version) == {4_235_550_001, 4_235_550_009}
    assert version.changes.first == date(2026, 9, 2).toordinal()


def test_changes_that_cannot_be_taken(take, root, source):
    take("<list val='423'><ph val='5550000'/><ph val='5550001'/></list>")

    def run(text):
        apply_changes(root, "own", source(text, "c.xml"), published=date(2026, 9, 3), received_at=RECEIVED)

    with pytest.raises(ListImportError, match="nothing says whether"):
        run("<list val='423'><ph val='5550000'/></list>")
    with pytest.raises(BadRowsError, match="'9999-99-99' where a date"):
        run(CHANGES.format(a="D", b="A").replace("</list>", "<ph val='5550008' change='A' on='2026-09-02'/>" * 3000 + "<ph val='5550008' change='A' on='2026-09-31'/></list>"))
    with pytest.raises(BadRowsError, match="'a' where A or D"):
        run(CHANGES.format(a="D", b="A").replace("</list>", "<ph val='5550008' change='A' on='2026-09-02'/>" * 3000 + "<ph val='5550008' change='X' on='2026-09-02'/></list>"))


def test_a_killed_import_goes_on_within_an_area_code(tmp_path, root, source, monkeypatch):
    monkeypatch.setattr(reading, "PIECE", 700)
    monkeypatch.setattr(importing, "CHECKPOINT", 1000)
    text = "".join(f"<list val='{npa}'>\n" + "".join(f"<ph val='{5_550_000 + n}' />\n" for n in range(100)) + "</list>\n" for npa in (423, 901))
    path = source(text, "new.xml")
    words = {"published": date(2026, 9, 2), "received_at": RECEIVED}

    def hook(step, done, whole):
        if step == "checkpoint" and done > len(text) * 0.6:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            import_list(root, "own", path, progress=hook, **words)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    steps = []
    version = import_list(root, "own", path, progress=lambda *step: steps.append(step[0]), **words)
    assert "resumed" in steps and version.rows == 200
    assert numbers(root, version) == {npa * 10**7 + 5_550_000 + n for npa in (423, 901) for n in range(100)}


PARTS = st.sampled_from(
    ["<ph val='5550000' />", '<ph val="5550001"/>', "<ph val='1550000'/>", "<ph val='55'/>", "\n", "<list val='423'>", "<ac val='901'/>", "<ac val='9'/>",
     "</list>", "<!-- c -->", "<b>", "x", "<ph>", "</ph>", "<!-- <ph val='5550003'/> -->", "<ph val='5550004' val='5550005'/>", "<ph val='5550006'>",
     "<PH val='5550007' />"]
)


@given(st.lists(PARTS, max_size=12), st.sampled_from([None, 305]))
@settings(deadline=None)
def test_the_fast_path_agrees_with_the_tag_by_tag_meaning(parts, code):
    piece = "".join(parts).encode()
    fast, after = parse_xml(XmlLayout(), piece, 1, code)
    rows, bad, slow_after = xmlform._walk(XmlLayout(), piece, 1, code)
    assert list(zip(fast.npa.tolist(), fast.line.tolist(), strict=True)) == [row[:2] for row in rows]
    assert (fast.bad, after) == (bad, slow_after)


def test_uniform_tags_take_the_fast_path(monkeypatch):
    monkeypatch.setattr(xmlform, "_walk", None)
    rows, code = parse_xml(XmlLayout(), b"<list val='423'>\n<ph val='5550000' />\n<ph val='5550001' />\n", 1, None)
    assert rows.line.tolist() == [5_550_000, 5_550_001] and (code, rows.lines) == (423, 3)
