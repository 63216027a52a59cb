"""The made-up registry of full size, in small: its numbers, its file, its changes."""

from datetime import date

import pytest

from dialguard.lists.catalog import Catalog
from dialguard.lists.changing import apply_changes
from dialguard.lists.importing import import_list
from simulations import whole_registry

RECEIVED = 1_795_000_000_000_000  # 2026-11-18


def test_the_file_holds_so_many_distinct_numbers_in_order(tmp_path):
    file = tmp_path / "r.txt"
    whole_registry.write(file, 20_000, 7, ("202", "305"))
    rows = file.read_text().splitlines()
    assert len(rows) == len(set(rows)) == 20_000 and rows == sorted(rows) and {row[:4] for row in rows} == {"202,", "305,"}
    assert all(len(row) == 11 and row[4] in "23456789" for row in rows)
    whole_registry.write(tmp_path / "same.txt", 20_000, 7, ("202", "305"))
    assert (tmp_path / "same.txt").read_bytes() == file.read_bytes()


def test_an_area_code_may_be_full_and_no_fuller():
    full = len(whole_registry.exchanges()) * 10_000
    ((_, lines),) = whole_registry.lines_of(full, 7, ("202",))
    assert len(set(lines.tolist())) == full
    with pytest.raises(ValueError):
        list(whole_registry.lines_of(full + 1, 7, ("202",)))


def test_changes_apply_to_their_file_as_they_stand(tmp_path):
    file, store = tmp_path / "r.txt", tmp_path / "s"
    whole_registry.write(file, 20_000, 7, ("202", "305"))
    import_list(store, "national", file, published=date(2026, 10, 15), received_at=RECEIVED, whole_plan=True)
    rows = whole_registry.changes(file, 300, 200, date(2026, 10, 15), date(2026, 11, 15), 5)
    assert len(rows) == 500 and rows[0].split(",")[1] == "2026-10-15" and rows[-1].split(",")[1] == "2026-11-15"
    changes = tmp_path / "c.txt"
    changes.write_text("".join(rows))
    version = apply_changes(store, "national", changes, published=date(2026, 11, 15), received_at=RECEIVED)
    assert version.changes is not None and version.changes[4:] == (300, 200, 0) and version.numbers == 20_100
    reader = Catalog(store).reader(version)
    for row in rows:
        number, _, mark = row.strip().split(",")
        assert reader.contains(number) is (mark == "A")
    with pytest.raises(ValueError, match="deletions"):
        whole_registry.changes(file, 0, 20_001, date(2026, 10, 15), date(2026, 11, 15), 5)
