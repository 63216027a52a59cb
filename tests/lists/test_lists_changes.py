"""Change lists: what they make of a version, and what is refused."""

import os
import signal
import zipfile
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard.lists import changefile
from dialguard.lists.catalog import Catalog
from dialguard.lists.changefile import parse_changes, slow_changes, sniff_changes, stamp
from dialguard.lists.changing import apply_changes, last_changes
from dialguard.lists.errors import BadRowsError, ListAlreadyImported, ListDamaged, ListError, ListImportError
from dialguard.lists.importing import import_list
from dialguard.lists.versions import open_version, read_index, rollback, verify

DAY = 86_400_000_000
RECEIVED = 1_790_000_000_000_000  # 2026-09-21
PUBLISHED = date(2026, 9, 1)
BASE = [npa * 10**7 + 5_550_000 + n for npa in (202, 305) for n in range(100)]


@pytest.fixture
def change(root, source):
    """Applies rows (number, day of September, mark), or text, to list ``own``."""

    def run(rows, code="own", name="changes.txt", **options):
        text = rows if isinstance(rows, str) else "".join(f"{n},2026-09-{day:02},{mark}\n" for n, day, mark in rows)
        options.setdefault("published", date(2026, 9, 10))
        options.setdefault("received_at", RECEIVED + 1)
        return apply_changes(root, code, source(text, name), **options)

    return run


def listed(root, code="own"):
    version = Catalog(root).versions(code)[-1]
    reader = Catalog(root).reader(version)
    numbers = np.array([*range(2_025_549_900, 2_025_550_300), *range(3_055_549_900, 3_055_550_300), 7_135_550_001])
    answers = reader.contains_many(numbers // 10**7, numbers % 10**7)
    return set(numbers[answers == 1].tolist())


def refused(kind, call, *args, **options):
    with pytest.raises(ListImportError) as caught:
        call(*args, **options)
    assert caught.value.kind == kind, caught.value
    return str(caught.value)


def test_adds_and_deletes_make_a_new_version_of_known_descent(take, change, root):
    base = take(BASE, san="1-2", area_codes={202, 305, 713})
    rows = [(2_025_550_200, 1, "A"), (2_025_550_000, 2, "D"), (7_135_550_001, 3, "A"), (3_055_550_150, 4, "D"), (2_025_550_001, 5, "A")]
    version = change(rows, san="1-2")
    assert listed(root) == {*BASE, 2_025_550_200, 7_135_550_001} - {2_025_550_000}
    assert (version.numbers, version.rows, version.duplicates, version.area_codes) == (201, 5, 0, base.area_codes)
    found = version.changes
    assert (found.base, found.added, found.removed, found.absent) == (base.id, 2, 1, 1)
    assert (found.first, found.last) == (date(2026, 9, 1).toordinal(), date(2026, 9, 5).toordinal())
    assert found.base_sha256 == read_index(root / "lists" / "own")[0].manifest_sha256
    assert [check.problem for check in verify(root)] == [None, None]
    assert Catalog(root).versions("own") == (base, version)
    assert Catalog(root).versions("own", as_of=RECEIVED) == (base,)
    assert Catalog(root).contains(version, 4_045_550_000) is None


def test_the_result_is_the_full_list_of_that_day(take, change, root, tmp_path, source):
    take(BASE)
    change([(2_025_550_200, 1, "A"), (2_025_550_000, 2, "D")])
    import_list(tmp_path / "full", "own", source(sorted({*BASE, 2_025_550_200} - {2_025_550_000})), published=PUBLISHED, received_at=RECEIVED)
    ours, full = (open_version(at / "lists" / "own", read_index(at / "lists" / "own")[-1]).manifest for at in (root, tmp_path / "full"))
    assert [ours[key] for key in ("blocks", "counts", "blocks_sha256", "numbers")] == [full[key] for key in ("blocks", "counts", "blocks_sha256", "numbers")]


def test_the_last_change_counts_wherever_it_stands_and_doubt_keeps_a_number(take, change, root):
    take(BASE)
    a, b, c, d = BASE[:4]
    change([(a, 5, "A"), (a, 4, "D"), (b, 4, "A"), (b, 5, "D"), (c, 6, "A"), (c, 6, "D"), (d, 6, "D"), (d, 6, "A")], since=PUBLISHED)
    assert listed(root) == set(BASE) - {b}


def test_removed_and_added_again_each_moment_has_its_answer(take, change, root):
    take(BASE)
    number = BASE[0]
    change([(number, 2, "D")], name="a.txt", published=date(2026, 9, 2), received_at=RECEIVED + DAY)
    change([(number, 3, "A")], name="b.txt", published=date(2026, 9, 3), received_at=RECEIVED + 2 * DAY)
    catalog = Catalog(root)
    answers = [[answer.listed for answer in catalog.answers("own", number, as_of=RECEIVED + n * DAY)] for n in range(3)]
    assert answers == [[True], [True, False], [True, False, True]]


@pytest.mark.parametrize(
    ("published", "first", "last", "found"),
    [
        (date(2026, 9, 10), 3, 5, "begin on 2026-09-03"),
        (date(2026, 9, 10), 2, 5, ""),
        (date(2026, 9, 10), 1, 1, ""),
        (date(2026, 8, 31), 1, 1, "end on 2026-08-31"),
    ],
)
def test_changes_must_continue_the_version(take, change, tree, published, first, last, found):
    take(BASE)
    before = tree()
    rows = [(2_025_550_200, first, "A"), (2_025_550_201, last, "A")]
    if found:
        assert found in refused("base", change, rows, published=published)
        assert tree() == before
        assert change(rows, published=published, allow_gap=True).numbers == 202
    else:
        assert change(rows, published=published).numbers == 202


def test_old_changes_are_refused(take, change):
    take(BASE, published=date(2026, 9, 8))
    assert "end on 2026-09-07" in refused("base", change, [(2_025_550_200, 7, "A")])
    assert change([(2_025_550_200, 8, "A")])


def test_the_day_since_which_the_file_tells_may_be_said(take, change):
    take(BASE)
    rows = [(2_025_550_200, 6, "A")]
    refused("base", change, rows)
    refused("base", change, rows, since=date(2026, 9, 3))
    assert "none before" in refused("dates", change, rows, since=date(2026, 9, 7))
    assert change(rows, since=date(2026, 9, 2)).changes.first == date(2026, 9, 2).toordinal()


@pytest.mark.parametrize(("strange", "told", "taken"), [(19, False, True), (20, False, False), (20, True, True)])
def test_deletions_of_what_the_base_does_not_hold_speak_against_it(take, change, strange, told, taken):
    take(BASE)
    rows = [(n, 2, "D") for n in BASE[:20]] + [(2_025_551_000 + n, 2, "D") for n in range(strange)]
    if taken:
        assert change(rows, allow_gap=told).changes.absent == strange
    else:
        assert "20 of 40 deletions" in refused("base", change, rows)


def test_deletions_before_the_day_of_the_base_say_nothing(take, change):
    take(BASE)
    rows = [(2_025_551_000 + n, 1, "D") for n in range(100)] + [(BASE[0], 2, "D")]
    assert change(rows).changes.absent == 100


def test_a_base_may_be_named_and_must_be_held(take, change, root):
    refused("base", change, [(BASE[0], 2, "D")])
    assert not (root / "lists" / "own").exists()
    first = take(BASE)
    take(BASE[:-1], name="b.txt", published=date(2026, 9, 2))
    version = change([(BASE[0], 2, "D")], base=first.id)
    assert version.changes.base == first.id and version.numbers == 199
    refused("same_file", change, [(BASE[0], 2, "D")], base="another")
    refused("base", change, [(BASE[1], 2, "D")], base="another")
    with pytest.raises(ListError, match=r"was made from .* withdraw"):
        rollback(root, "own", version_id=first.id)
    rollback(root, "own", version_id=version.id)
    rollback(root, "own", version_id=first.id)


def test_the_base_is_the_latest_that_covers_the_area_codes(take, change):
    washington = take(BASE[:100], area_codes={202})
    take(BASE[100:], name="b.txt", area_codes={305})
    assert change([(BASE[0], 2, "D")]).changes.base == washington.id
    both = [(BASE[1], 2, "D"), (BASE[150], 2, "D")]
    assert "1 row in area code 305; expected only 202" in refused("outside", change, both, name="both.txt", published=date(2026, 9, 11), allow_gap=True)
    version = change(both, name="both.txt", published=date(2026, 9, 11), allow_gap=True, allow_outside=True)
    assert (version.rows, version.bad_rows, version.changes.removed) == (1, 1, 1)


def test_the_same_change_list_again_returns_the_version_held(take, change, tree):
    take(BASE)
    version = change([(BASE[0], 2, "D")])
    before = tree()
    with pytest.warns(ListAlreadyImported):
        assert change([(BASE[0], 2, "D")]) == version
    assert tree() == before


def test_shrink_count_and_bad_rows_are_refused(take, change, tree):
    take(BASE)
    before = tree()
    assert "20% fewer" in refused("shrink", change, [(n, 2, "D") for n in BASE[:40]])
    assert "39 rows" in refused("expected_rows", change, [(n, 2, "D") for n in BASE[:39]], expected_rows=40)
    rows = f"{BASE[0]},2026-09-02,D\n{BASE[1]},2026-09-02,D\n{BASE[1]},2026-09-02,X\n{BASE[1]},2026-02-30,D\n20255,2026-09-02,A\n{BASE[3]},2026-09-02,D\n"
    with pytest.raises(BadRowsError) as caught:
        change(rows * 2)
    assert [row.line for row in caught.value.rows] == [3, 4, 5, 9, 10, 11] and "'a' where A or D belongs" in str(caught.value)
    refused("dates", change, [(BASE[0], 12, "D")])
    refused("not_changes", change, "2025550123\n2025550124\n")
    refused("not_changes", change, "2025550123,x\n2025550124,y\n")
    assert tree() == before
    assert change([(n, 2, "D") for n in BASE[:39]], expected_rows=39)


def test_a_damaged_base_is_refused_and_not_passed_on(take, change, root):
    version = take(BASE)
    path = root / "lists" / "own" / version.file_name
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ListDamaged):
        change([(BASE[0], 2, "D")])
    assert set(os.listdir(root / "lists" / "own")) == {version.file_name, "current.json"}


@pytest.mark.parametrize("call", range(1, 9))
def test_killed_at_every_step_it_is_the_old_or_the_new(take, root, source, call):
    take(BASE)
    path = source(f"{BASE[0]},2026-09-02,D\n", "changes.txt")
    words = {"published": date(2026, 9, 10), "received_at": RECEIVED + 1}
    count = 0

    def hook(step, done, whole):
        nonlocal count
        count += 1
        if count == call:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            apply_changes(root, "own", path, progress=hook, **words)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    numbers = listed(root)
    assert numbers in (set(BASE), set(BASE[1:]))
    if numbers == set(BASE):
        apply_changes(root, "own", path, **words)
    else:
        take([2_025_550_000 + n for n in range(300)], name="next.txt", published=date(2026, 9, 11))
    assert len(os.listdir(root / "lists" / "own")) == (3 if numbers == set(BASE) else 4)
    assert all(check.problem is None for check in verify(root))


LAYOUTS = [
    "{n},2026-09-02,{m}", "{a},{l},2026-09-02,{m}", "{n}|{m}|20260902", '"{n}","{m}","09/02/2026"', "{n}\t2026-09-02T10:00:00Z\t{m}",
    "{n};9/2/2026 3:05:07 PM;{m}", "({a}) 555-{e},{m},2026-09-02 10:00:00.123",
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_layouts(take, change, root, layout, header, end):
    take(BASE)
    rows = [(BASE[0], "D"), (2_025_550_200, "A")]
    lines = [layout.format(n=n, a=n // 10**7, l=n % 10**7, e=f"{n % 10**4:04}", m=m) for n, m in rows]
    names = [layout.format(n="PHONE", a="AREA", l="LINE", e="", m="TYPE").replace("2026-09-02", "DATE").replace("20260902", "DATE").replace(" 555-", "")]
    version = change("".join(line + end for line in (names if header else []) + lines))
    assert listed(root) == {*BASE, 2_025_550_200} - {BASE[0]}
    assert version.rows == 2 and version.changes.first == date(2026, 9, 2).toordinal()


def test_without_dates_the_day_since_must_be_said_and_doubt_keeps_a_number(take, change, root):
    take(BASE)
    text = f"{BASE[0]},D\n{BASE[1]},A\n{BASE[1]},D\n"
    refused("base", change, text)
    change(text, since=date(2026, 9, 1))
    assert listed(root) == set(BASE[1:])


def test_a_zip(take, root, tmp_path):
    take(BASE)
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("c.txt", f"{BASE[0]},2026-09-02,D\n")
    apply_changes(root, "own", tmp_path / "c.zip", published=date(2026, 9, 3), received_at=RECEIVED)
    assert listed(root) == set(BASE[1:])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2026-09-02", 0), ("20260902", 0), ("9/2/2026", 0), ("2026-09-02 12:00:01 AM", 1), ("09/02/2026 12:00 PM", 43_200),
     ("2026-09-02T23:59:60.5-05:00", 86_400), ("2026-9-31", None), ("13/01/2026", None), ("2026-09-02 24:00", None), ("2026", None),
     ("2026-09-02 13:00 PM", None), ("x", None), ("", None)],
)
def test_moments(text, seconds):
    day = date(2026, 9, 2).toordinal() * 86_400
    assert stamp(text) == (None if seconds is None else day + seconds)


ROWS = st.lists(st.tuples(st.sampled_from(BASE[:5]), st.integers(0, 4), st.booleans()), min_size=1, max_size=30)


@given(ROWS)
def test_last_changes_is_a_replay(rows):
    state = {}
    for number, _, added in sorted(rows, key=lambda row: (row[1], row[2])):
        state[number] = added
    table = np.array([(n // 10**7, n % 10**7, at, added) for n, at, added in rows])
    npa, line, _, added = last_changes(table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(bool))
    assert dict(zip((npa * 10**7 + line).tolist(), added.tolist(), strict=True)) == state


WORDS = st.sampled_from(["A", "D", "a", "Add", "x", ""])
DATES = st.sampled_from(["2026-09-01", "2026-09-30", "2026-09-31", "20260901", ""])
NUMBERS = st.sampled_from(["2025550123", "3055550001", "202555012", "1025550123"])


@given(st.lists(st.tuples(NUMBERS, DATES, WORDS), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
@settings(deadline=None)
def test_the_fast_path_agrees_with_the_row_by_row_meaning(rows, end, last):
    layout = sniff_changes(b"2025550123,2026-09-01,A\n", "x")
    piece = end.join(",".join(row) for row in rows).encode() + (end.encode() if last else b"")
    fast, slow = parse_changes(layout, piece, 5), slow_changes(layout, piece, 5)
    assert all((a == b).all() and len(a) == len(b) for a, b in zip(fast[:4], slow[:4], strict=True))
    assert fast[4:] == slow[4:]


def test_uniform_rows_take_the_fast_path(monkeypatch):
    monkeypatch.setattr(changefile, "slow_changes", None)
    day = date(2026, 9, 1)
    lines = [f"{n},{(day + timedelta(days=n % 7)).isoformat()},{'AD'[n % 2]}\n" for n in BASE]
    layout = sniff_changes("".join(lines).encode(), "x")
    rows = parse_changes(layout, "".join(lines).encode(), 1)
    assert rows.added.tolist() == [n % 2 == 0 for n in BASE] and len(set(rows.stamp.tolist())) == 7


def test_two_marks_or_dates_in_a_row_are_ambiguous(change, take):
    take(BASE)
    refused("ambiguous", change, "2025550123,A,2026-09-02,2026-09-03\n")
    refused("ambiguous", change, "2025550123,A,D,2026-09-03\n")
    refused("ambiguous", change, "2025550123,A,2026-09-03,2025550124\n")
