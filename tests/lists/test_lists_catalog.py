import os
import subprocess
import sys
from datetime import date

import numpy as np
import pytest

from dialguard.lists.catalog import Catalog, VersionAnswer
from dialguard.lists.errors import ListDamaged, ListError
from dialguard.lists.versions import verify

RECEIVED = 1_790_000_000_000_000


def test_a_list_that_was_never_imported_has_no_versions(root):
    catalog = Catalog(root)
    assert catalog.codes() == () and catalog.versions("national") == () and catalog.answers("TX", "2025550123") == ()
    assert catalog.refresh() is False
    assert not root.exists()


def test_answers_come_in_order_of_publication_then_receipt(take, root):
    late = take([2_025_550_123], published=date(2026, 9, 3))
    early = take([2_025_550_124], published=date(2026, 9, 1))
    second = take([2_025_550_125], published=date(2026, 9, 1), received_at=RECEIVED + 1, allow_shrink=True)
    catalog = Catalog(root)
    assert catalog.versions("own") == (early, second, late)
    assert catalog.answers("own", "2025550125") == (
        VersionAnswer(early, False), VersionAnswer(second, True), VersionAnswer(late, False),
    )
    assert catalog.contains(second, 2_025_550_125) is True


def test_covered_and_not(take, root):
    version = take([2_025_550_123], "national", area_codes={202, 305})
    catalog = Catalog(root)
    asked = {"2025550123": True, "2025550124": False, "3055550123": False, "4045550123": None}
    assert {n: catalog.answers("national", n)[0].listed for n in asked} == asked
    npa = np.array([int(n[:3]) for n in asked])
    line = np.array([int(n[3:]) for n in asked])
    assert catalog.contains_many(version, npa, line).tolist() == [1, 0, 0, -1]
    whole = take([2_025_550_123], "TX")
    assert catalog.contains(whole, "4045550123") is False


@pytest.mark.parametrize("number", ["2021550123", "202555012", 1_025_550_123, None])
def test_no_number_no_answer(take, root, number):
    take([2_025_550_123])
    with pytest.raises(ValueError, match="not a national number"):
        Catalog(root).answers("own", number)
    with pytest.raises(ValueError, match="not a national number"):
        Catalog(root).answers("never imported", number)


def test_refresh_takes_up_a_new_version_and_keeps_what_is_open(take, root):
    first = take([2_025_550_123], area_codes={202})
    catalog = Catalog(root)
    reader = catalog.reader(first)
    assert catalog.versions("TX") == ()
    second = take([3_055_550_123], published=date(2026, 9, 2), area_codes={305})
    take([2_025_550_123], "TX")
    assert catalog.versions("own") == (first,) and catalog.versions("TX") == ()
    assert catalog.refresh() is True
    assert catalog.versions("own") == (first, second) and len(catalog.versions("TX")) == 1
    assert catalog.reader(first) is reader
    assert catalog.codes() == ("TX", "own")


@pytest.mark.parametrize("settled", [True, False])
def test_lists_without_a_folder_are_taken_up_as_soon_as_they_have_one(take, root, settled):
    """However long ago the lists' folder was changed last, and also where the list's own was made before its index."""
    take([2_025_550_123])
    catalog, folder = Catalog(root), root / "lists"
    assert catalog.versions("TX") == catalog.versions("FL") == ()
    for code in ("TX", "FL"):
        if settled:
            os.utime(folder, (1, 1))
        assert catalog.refresh() is False and catalog.refresh() is False
        if code == "FL":
            (folder / code).mkdir()
            assert catalog.refresh() is False
            if settled:
                os.utime(folder, (1, 1))
            assert catalog.refresh() is False
        take([2_025_550_123], code)
        if settled and code == "FL":
            os.utime(folder, (1, 1))  # its folder was there before
        assert catalog.refresh() is True
        assert len(catalog.versions(code)) == 1


def test_a_version_that_is_not_held(take, root):
    version = take([2_025_550_123])
    with pytest.raises(ListError, match="is not held"):
        Catalog(root.parent / "elsewhere").reader(version)


def test_damage_raises_until_it_is_mended(take, root):
    version = take([2_025_550_123])
    path = root / "lists" / "own" / version.file_name
    whole = path.read_bytes()
    catalog = Catalog(root)
    for content in (whole[:-1], b"", whole[:100] + b"X" + whole[101:]):
        path.write_bytes(content)
        with pytest.raises(ListDamaged, match=path.name):
            catalog.answers("own", "2025550123")
    path.unlink()
    with pytest.raises(ListDamaged, match="cannot be read"):
        catalog.answers("own", "2025550123")
    path.write_bytes(whole)
    assert catalog.answers("own", "2025550123")[0].listed is True


def test_a_file_in_the_place_of_another_is_damage(take, root):
    first = take([2_025_550_123])
    second = take([2_025_550_124], published=date(2026, 9, 2))
    folder = root / "lists" / "own"
    os.replace(folder / second.file_name, folder / first.file_name)
    with pytest.raises(ListDamaged, match="do not agree"):
        Catalog(root).reader(first)
    assert [check.problem is None for check in verify(root)] == [False, False]


def test_an_index_that_says_another_date_than_the_file_is_damage(take, root):
    take([2_025_550_123], use_by=date(2026, 9, 30))
    index = root / "lists" / "own" / "current.json"
    index.write_text(index.read_text().replace("2026-09-30", "2036-09-30"))
    with pytest.raises(ListDamaged, match="do not agree"):
        Catalog(root).answers("own", "2025550123")


def test_a_flipped_bit_and_a_stray_file_are_found_by_verify(take, root):
    version = take([2_025_550_123])
    path = root / "lists" / "own" / version.file_name
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    (path.parent / "stray.bits").write_bytes(b"")
    found = {check.file: check.problem for check in verify(root)}
    assert "digest" in found[path.name] and "no version of the index" in found["stray.bits"]


def test_scalar_lookups_need_no_numpy():
    code = "import sys, dialguard.lists.catalog, dialguard.lists.importing; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
