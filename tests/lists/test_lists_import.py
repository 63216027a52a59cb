import hashlib
import json
import os
from datetime import date

import pytest

from dialguard.lists import importing, reading, versions
from dialguard.lists.bits import BLOCK, HEADER
from dialguard.lists.catalog import Catalog
from dialguard.lists.errors import BadRowsError, ListAlreadyImported, ListDamaged, ListError, ListImportError
from dialguard.lists.versions import list_codes, read_index, rollback, status, verify

DAY = 86_400_000_000
RECEIVED = 1_790_000_000_000_000
BASE = [2_025_550_000 + n for n in range(100)]


def refused(kind, call, *args, **options):
    with pytest.raises(ListImportError) as caught:
        call(*args, **options)
    assert caught.value.kind == kind, caught.value
    return str(caught.value)


def test_a_version_keeps_what_was_said_of_it(take, root):
    version = take(
        BASE + BASE[:3], "TX", "q4.txt", published=date(2026, 9, 1), effective=date(2026, 10, 1),
        use_by=date(2026, 11, 29), san="12345-6", area_codes={"202", 305}, expected_rows=103,
    )
    assert (version.code, version.rows, version.numbers, version.duplicates) == ("TX", 103, 100, 3)
    assert version.published == date(2026, 9, 1).toordinal()
    assert version.effective == date(2026, 10, 1).toordinal() and version.use_by == date(2026, 11, 29).toordinal()
    assert (version.area_codes, version.san, version.source) == ({202, 305}, "12345-6", "q4.txt")
    assert version.received_at == RECEIVED and version.id == f"2026-09-01-{version.digest[:12]}"
    assert Catalog(root).versions("TX") == (version,)
    assert sorted(os.listdir(root / "lists" / "TX")) == [f"{version.id}.bits", "current.json"]
    assert [check.problem for check in verify(root)] == [None]
    (found,) = status(root)
    assert (found.code, found.versions, found.size) == ("TX", (version,), HEADER + BLOCK)


@pytest.mark.parametrize("code", ["", "a/b", "..", "National", "tx", "Tx", "a b", "x\n", "n" * 65, "ä"])
def test_names_that_no_list_can_have(take, root, code):
    refused("code", take, BASE, code)
    assert list_codes(root) == ()
    with pytest.raises(ListError):
        Catalog(root).versions(code)


def test_dates_that_cannot_be(take):
    day = date(2026, 9, 21)  # of RECEIVED, in UTC
    refused("dates", take, BASE, published=date(2026, 9, 23))
    refused("dates", take, BASE, published=day, use_by=date(2026, 9, 20))
    refused("dates", take, BASE, published=day, effective=date(2026, 10, 1), use_by=date(2026, 9, 30))
    assert take(BASE, published=date(2026, 9, 22), use_by=date(2026, 9, 22))


def test_national_needs_its_area_codes(take):
    assert "whole_plan" in refused("area_codes", take, BASE, "national")
    refused("area_codes", take, BASE, "national", area_codes={202}, whole_plan=True)
    refused("area_codes", take, BASE, "national", area_codes=set())
    refused("area_codes", take, BASE, "national", area_codes={"20"})
    assert take(BASE, "national", whole_plan=True).area_codes is None


def test_an_area_code_outside_the_subscription_is_refused_unless_told(take, root):
    rows = [*BASE, 3_015_550_123, *BASE]
    assert "1 row in area code 301; expected only 202" in refused("outside", take, rows, "national", area_codes={202})
    refused("outside", take, rows, "national", area_codes={202}, allow_bad_rows=1)
    assert Catalog(root).versions("national") == ()
    version = take(rows, "national", area_codes={202}, allow_outside=True, expected_rows=201)
    assert (version.rows, version.bad_rows) == (200, 1)
    (answer,) = Catalog(root).answers("national", 3_015_550_123)
    assert answer.listed is None


def test_bad_rows_change_nothing_and_may_be_allowed_by_number(take, root, tree):
    take(BASE)
    before = tree()
    rows = "".join(f"{n}\n" for n in BASE) + "20255\n" * 2
    with pytest.raises(BadRowsError):
        take(rows, allow_bad_rows=1)
    assert tree() == before
    assert take(rows, allow_bad_rows=2).bad_rows == 2


def test_no_rows_is_refused(take, root):
    refused("empty", take, "")
    refused("empty", take, "Phone\n")
    refused("empty", take, "Phone\n2021999999\n", allow_bad_rows=9)
    assert not (root / "lists" / "own").exists()


def test_the_digest_expected(take, source, root):
    digest = hashlib.sha256(source(BASE).read_bytes()).hexdigest()
    assert f"expected {'0' * 64}" in refused("digest", take, BASE, expected_sha256="0" * 64)
    assert not (root / "lists" / "own").exists()
    assert take(BASE, expected_sha256=f" {digest.upper()}").digest == digest


def test_the_number_of_rows_expected(take, tree):
    before = tree()
    assert "100 rows" in refused("expected_rows", take, BASE, expected_rows=101)
    assert tree() == before
    assert take(BASE, expected_rows=100)


@pytest.mark.parametrize("name", ["301.txt", "dnc_301_2026-09-01.txt", "AC301.csv", "list-npa301.txt", "204-301.txt"])
def test_an_area_code_in_the_name_that_is_not_in_the_file(take, name):
    assert "numbers in area code 202" in refused("file_name", take, BASE, name=name)


@pytest.mark.parametrize(
    "name",
    ["202.txt", "dnc_ac202.txt", "301_202.csv", "2026-09-01.txt", "0f0b2a4c-1234-4abc-9def-202301404505.txt",
     "x301.txt", "list.202"],
)
def test_names_that_agree_or_say_nothing(take, name):
    assert take(BASE, name=name).numbers == 100


def test_a_fifth_fewer_is_refused_and_one_number_less_than_that_is_not(take, tree):
    first = take(BASE)
    before = tree()
    later = {"published": date(2026, 9, 2), "received_at": RECEIVED + 1}
    message = refused("shrink", take, BASE[:80], **later)
    assert "80 numbers, 100 in version " + first.id in message and "allow_shrink" in message
    assert tree() == before
    assert take(BASE[:81], **later).numbers == 81
    later = {"published": date(2026, 9, 3), "received_at": RECEIVED + 2}
    assert take(BASE[:5], **later, allow_shrink=True).numbers == 5


def test_an_area_code_that_vanishes_is_a_shrink(take):
    small, large = range(3_015_550_000, 3_015_551_000), range(2_025_550_000, 2_025_559_999)
    take([*large, *small])
    later = {"published": date(2026, 9, 2)}
    assert "area code 301 has 0 numbers, 1,000" in refused("shrink", take, large, **later)
    assert "area code 301 has 800 numbers" in refused("shrink", take, [*large, *small[:800]], **later)
    assert take([*large, *small[:801]], **later)
    later = {"published": date(2026, 9, 3)}
    assert take(large, **later).numbers == 9_999  # 801 is below the 1,000 from which one area code is judged


def test_shrink_is_judged_on_the_area_codes_that_both_versions_cover(take):
    take(BASE, "national", area_codes={202})
    take([3_015_550_000], "national", area_codes={301}, published=date(2026, 9, 2))
    refused("shrink", take, [3_015_550_001, 2_025_550_000], "national", area_codes={202}, allow_outside=True)
    take(BASE[:81], "national", area_codes={202}, received_at=RECEIVED + 1)


def test_shrink_is_judged_by_the_latest_version_of_each_area_code(take):
    other = [3_015_550_000 + n for n in range(100)]
    take(BASE, "national", area_codes={202})
    take(other, "national", "b.txt", area_codes={301}, published=date(2026, 9, 2))
    words = {"published": date(2026, 9, 3)}
    refused("shrink", take, BASE[:80], "national", "c.txt", area_codes={202}, **words)
    refused("shrink", take, [*BASE[:80], *other], "national", "c.txt", area_codes={202, 301}, **words)
    assert take([*BASE[:81], *other], "national", "c.txt", area_codes={202, 301, 305}, **words)


def test_an_older_version_is_judged_by_the_one_before_it(take, root):
    take(BASE)
    older = take(BASE[:10], published=date(2026, 8, 1))
    assert [v.numbers for v in Catalog(root).versions("own")] == [10, 100]
    assert Catalog(root).versions("own")[0] == older


def test_the_same_file_again_returns_the_version_held(take, root, tree):
    first = take(BASE)
    before = tree()
    with pytest.warns(ListAlreadyImported, match=first.id):
        assert take(BASE, name="copy.txt", received_at=RECEIVED + DAY) == first
    assert tree() == before
    refused("same_file", take, BASE, use_by=date(2026, 12, 1))
    refused("same_file", take, BASE, area_codes={202})
    assert tree() == before
    renewed = take(BASE, published=date(2026, 9, 8))
    assert renewed.id != first.id and len(Catalog(root).versions("own")) == 2


def test_rollback_and_as_of(take, root):
    first = take(BASE)
    second = take(BASE[1:], published=date(2026, 9, 8), received_at=RECEIVED + 10)
    catalog = Catalog(root)
    listed = [[a.listed for a in catalog.answers("own", BASE[0], as_of)] for as_of in
              (RECEIVED - 1, RECEIVED, RECEIVED + 9, RECEIVED + 10, None)]
    assert listed == [[], [True], [True], [True, False], [True, False]]
    assert rollback(root, "own", at=RECEIVED + 20) == first
    assert [v.id for v in catalog.versions("own")] == [first.id, second.id]
    assert catalog.refresh() is True and catalog.refresh() is False
    assert catalog.versions("own") == (first,)
    assert [v.id for v in catalog.versions("own", RECEIVED + 19)] == [first.id, second.id]
    assert catalog.versions("own", RECEIVED + 20) == (first,)
    assert status(root)[0].withdrawn == 1 and len(verify(root)) == 2
    again = take(BASE[1:], published=date(2026, 9, 8), received_at=RECEIVED + 30)
    assert again.id == second.id + "-2"
    assert rollback(root, "own", version_id=first.id) == again
    assert rollback(root, "own") is None
    with pytest.raises(ListError, match="no version is held"):
        rollback(root, "own")
    with pytest.raises(ListError, match="no version x"):
        rollback(root, "own", version_id="x")
    with pytest.raises(ListError, match="no version is held"):
        rollback(root, "none")
    assert not (root / "lists" / "none").exists()


def test_a_rollback_without_a_moment_undoes_the_past_too(take, root):
    take(BASE)
    rollback(root, "own")
    assert Catalog(root).versions("own", RECEIVED + 1) == ()


def test_two_imports_of_one_list_do_not_meet(take, root):
    take(BASE)
    with versions.locked(root / "lists" / "own"):
        assert "another import" in refused("busy", take, BASE[1:], published=date(2026, 9, 2))
        assert take(BASE, "other")
    assert take(BASE[1:], published=date(2026, 9, 2))


def test_a_source_that_cannot_be_read(take, tmp_path, root):
    refused("unreadable", take, tmp_path / "nothing.txt")
    refused("unreadable", take, tmp_path)
    assert not root.exists()


def test_a_source_that_changes_under_the_import_is_refused(take, source, root, monkeypatch):
    path = source(BASE)

    def during(step_wanted, text, mode):
        def hook(step, done, whole):
            if step == step_wanted:
                with open(path, mode) as file:
                    file.write(text)

        return hook

    refused("changed", take, path, progress=during("read", "202,5559999\n", "a"))
    refused("changed", take, path, progress=during("digest", "202,5559999\n", "a"))
    refused("changed", take, path, progress=during("read", "", "w"))
    monkeypatch.setattr(reading, "PIECE", 600)
    source(BASE)
    refused("changed", take, path, progress=during("read", "202,5559999\n", "a"))  # grows faster than it is read
    assert not (root / "lists" / "own").exists()


def test_a_store_that_cannot_be_written(take, root, tmp_path):
    root.write_text("a file where the folder belongs")
    refused("storage", take, BASE)


def test_a_damaged_index_stops_imports_and_lookups(take, root, tree):
    take(BASE)
    index = root / "lists" / "own" / "current.json"
    whole = index.read_text()
    catalog = Catalog(root)
    assert catalog.answers("own", BASE[0])[0].listed is True
    for text in ("", whole[:-9], "[]", whole.replace('"own"', '"other"', 1),
                 whole.replace('"rows": 100', '"rows": 1.5'), whole.replace('"format": 1', '"format": 9', 1), whole.replace("2026-09-01", "2026-99-01")):
        index.write_text(text)
        before = tree()
        with pytest.raises(ListDamaged, match="current.json"):
            take(BASE[1:], published=date(2026, 9, 2))
        assert tree() == before
        catalog.refresh()
        with pytest.raises(ListDamaged, match="move it away"):
            catalog.answers("own", BASE[0])
        assert verify(root)[0].problem and status(root)[0].problem
    index.unlink()
    with pytest.raises(ListDamaged, match="missing while versions are there"):
        Catalog(root).versions("own")
    index.write_text(whole)
    catalog.refresh()
    assert catalog.answers("own", BASE[0])[0].listed is True


def test_a_damaged_version_does_not_stop_its_cure(take, root):
    first = take(BASE)
    path = root / "lists" / "own" / first.file_name
    path.write_bytes(path.read_bytes()[:-1])
    assert "bytes where" in verify(root)[0].problem
    refused("shrink", take, BASE[:80], published=date(2026, 9, 2))
    take(BASE[:81], published=date(2026, 9, 2))
    assert [check.problem is None for check in verify(root)] == [False, True]


def test_only_the_list_folder_is_written(take, root):
    take(BASE)
    assert os.listdir(root) == ["lists"] and os.listdir(root / "lists") == ["own"]
    record = json.loads((root / "lists" / "own" / "current.json").read_text())["versions"][0]
    assert record["published"] == "2026-09-01" and read_index(root / "lists" / "own")[0].version.rows == 100


def test_progress_reaches_the_whole(take, source):
    told = []
    take(source(BASE), progress=lambda *step: told.append(step))
    assert [step for step, _, _ in told] == ["digest", "read", "count", "written", "placed", "listed", "done"]
    assert all(done == whole for _, done, whole in told)
    assert importing.CHECKPOINT > 2 * 1200


def test_national_as_found_covers_what_occurs_in_it(take):
    version = take([2_025_550_000, 3_055_550_001], "national", as_found=True)
    assert version.area_codes == {202, 305}
    assert take([2_025_550_000, 3_055_550_001], "national", as_found=True).id == version.id


def test_national_of_many_area_codes_as_found_is_the_whole_registry(take):
    rows = [npa * 10_000_000 + 5_550_000 for npa in range(201, 401)]
    assert take(rows, "national", as_found=True).area_codes is None
    assert len(take(rows[:-1], "national", as_found=True, published=date(2026, 9, 2), allow_shrink=True).area_codes) == 199
