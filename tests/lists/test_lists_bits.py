import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard.lists import bits
from dialguard.lists.bits import BLOCK, HEADER, BitsReader, BitsWriter, area_code_set, national_number
from dialguard.lists.errors import ListDamaged

NUMBERS = st.builds(
    lambda npa, line: npa * 10**7 + line,
    st.sampled_from([200, 202, 305, 911, 999]),
    st.one_of(st.sampled_from([2_000_000, 2_000_007, 2_000_008, 9_999_999]), st.integers(2_000_000, 9_999_999)),
)


def build(path, batches, covered):
    writer = BitsWriter(path)
    for batch in batches:
        numbers = np.array(batch, np.int64)
        writer.add((numbers // 10**7).astype(np.uint16), (numbers % 10**7).astype(np.uint32))
    counts, digest = writer.count()
    covered = None if covered is None else sorted(covered)
    manifest = {"blocks": writer.blocks, "counts": counts, "blocks_sha256": digest, "numbers": sum(counts)}
    writer.finish(manifest | {"area_codes": covered})
    return BitsReader(path)


@given(
    st.lists(st.lists(NUMBERS, max_size=20), min_size=1, max_size=3),
    st.lists(NUMBERS, max_size=20),
    st.one_of(st.none(), st.sets(st.sampled_from([202, 305, 404]))),
)
@settings(max_examples=40, deadline=None)
def test_the_file_is_the_set_of_numbers(tmp_path_factory, batches, others, covered):
    listed = {number for batch in batches for number in batch}
    if covered is not None:
        covered |= {number // 10**7 for number in listed}
    reader = build(tmp_path_factory.getbasetemp() / "model.bits", batches, covered)
    asked = sorted(listed) + others
    expected = [True if n in listed else None if covered is not None and n // 10**7 not in covered else False
                for n in asked]
    assert [reader.contains(n) for n in asked] == expected
    assert [reader.contains(str(n)) for n in asked] == expected
    array = np.array(asked, np.int64)
    many = reader.contains_many(array // 10**7, array % 10**7).tolist()
    assert many == [-1 if answer is None else int(answer) for answer in expected]
    assert sum(reader.counts().values()) == len(listed)
    reader.check()


def test_bits_stand_where_the_format_says(tmp_path):
    reader = build(tmp_path / "a.bits", [[2_022_000_000, 2_022_000_009, 2_029_999_999]], None)
    raw = (tmp_path / "a.bits").read_bytes()
    assert len(raw) == HEADER + BLOCK
    assert raw[:8] == b"DGBITS\r\n" and raw[8:12] == b"\x01\0\0\0"
    block = raw[HEADER:]
    assert (block[0], block[1], block[-1]) == (0b10000000, 0b01000000, 0b00000001)
    assert sum(byte != 0 for byte in block) == 3
    assert reader.block(202) == block and reader.block(203) is None


@pytest.mark.parametrize(
    "number",
    [2_021_999_999, "2021999999", 1_992_000_000, 9_991_999_999, 10_002_000_000, 0, -1, "202555012", "20255501234",
     "２０２５５５０１２３", " 202555012", "202555_123", "+202555012", True, None, 2025550123.0],
)
def test_what_is_no_number_is_refused(tmp_path, number):
    reader = build(tmp_path / "a.bits", [[2_025_550_123]], None)
    with pytest.raises(ValueError, match="not a national number"):
        reader.contains(number)


@pytest.mark.parametrize("number", [2_002_000_000, 9_999_999_999, "2022000000"])
def test_the_first_and_last_numbers_are_numbers(number):
    assert national_number(number) == int(number)


def test_many_gives_unknown_for_what_no_number_can_be(tmp_path):
    reader = build(tmp_path / "a.bits", [[2_022_000_000, 2_029_999_999]], None)
    npa = np.array([202, 202, 202, 202, 199, 1000, -1, 999])
    line = np.array([1_999_999, 2_000_000, 9_999_999, 10_000_000, 5_550_123, 5_550_123, 5_550_123, 5_550_123])
    assert reader.contains_many(npa, line).tolist() == [-1, 1, 1, -1, -1, -1, -1, 0]
    with pytest.raises(ValueError, match="integer arrays"):
        reader.contains_many(npa, line.astype(float))
    with pytest.raises(ValueError, match="one length"):
        reader.contains_many(npa, line[1:])


@pytest.mark.parametrize(("covered", "elsewhere"), [(None, 0), ({202, 203}, -1)])
def test_many_tells_area_codes_without_a_block_from_those_not_covered(tmp_path, covered, elsewhere):
    reader = build(tmp_path / "a.bits", [[2_022_000_000, 2_029_999_999]], covered)
    npa = np.array([202, 203, 202, 305, 199, 1000, -1, 202])
    line = np.array([2_000_000, 2_000_000, 9_999_999, 2_000_000, 2_000_000, 2_000_000, 9_999_999, 2_000_001])
    assert reader.contains_many(npa, line).tolist() == [1, 0, 1, elsewhere, -1, -1, -1, 0]
    assert reader.contains_many(npa[3:4], line[3:4]).tolist() == [elsewhere]


@pytest.mark.parametrize(("npa", "line"), [(202, 1_999_999), (202, 10_000_000), (199, 5_550_123), (0, 5_550_123)])
def test_the_writer_refuses_what_has_no_place(tmp_path, npa, line):
    writer = BitsWriter(tmp_path / "a.bits")
    with pytest.raises(ValueError, match="outside"):
        writer.add(np.array([npa], np.uint16), np.array([line], np.uint32))
    writer.close()


def test_a_covered_area_code_without_numbers_takes_no_room(tmp_path):
    reader = build(tmp_path / "a.bits", [[2_025_550_123]], {202, 305})
    assert (tmp_path / "a.bits").stat().st_size == HEADER + BLOCK
    assert [reader.contains(f"{npa}5550123") for npa in (202, 305, 404)] == [True, False, None]


def damaged(path):
    with pytest.raises(ListDamaged) as caught:
        BitsReader(path).check()
    assert str(path) in str(caught.value) and "to go on:" in str(caught.value)
    return caught.value.found


def test_damage_is_named(tmp_path):
    path = tmp_path / "a.bits"
    build(path, [[2_025_550_123, 3_055_550_123]], None)
    whole = path.read_bytes()
    for size in (0, 7, 47, 60, HEADER - 1, HEADER, HEADER + BLOCK, len(whole) - 1):
        path.write_bytes(whole[:size])
        damaged(path)
    path.write_bytes(whole + b"\0")
    assert "bytes where" in damaged(path)
    path.write_bytes(b"X" + whole[1:])
    assert "does not begin" in damaged(path)
    path.write_bytes(whole[:8] + b"\x02" + whole[9:])
    assert "format 2" in damaged(path)
    path.write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    assert "manifest" in damaged(path)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "digest" in damaged(path)
    path.unlink()
    assert "cannot be read" in damaged(path)


def test_a_manifest_that_lies_about_its_counts_is_found(tmp_path):
    writer = BitsWriter(tmp_path / "a.bits")
    writer.add(np.array([202], np.uint16), np.array([5_550_123], np.uint32))
    _, digest = writer.count()
    assert digest == hashlib.sha256(bytes(writer._map[HEADER:])).hexdigest()
    writer.finish({"blocks": [202], "counts": [2], "blocks_sha256": digest, "numbers": 2, "area_codes": None})
    assert "1 numbers counted" in damaged(tmp_path / "a.bits")


def test_area_codes_are_three_digits():
    assert area_code_set(["202", 305]) == {202, 305}
    for wrong in ("20", "2022", 199, 1000, "abc", None, True, "２０２"):
        with pytest.raises(ValueError, match="is not an area code"):
            area_code_set([wrong])


@given(
    st.lists(st.tuples(st.sampled_from([202, 305, 404]), st.sampled_from([0, 5_550_003, 7_999_000]), st.integers(1, 900), st.integers(1, 60)), min_size=1, max_size=5),
    st.booleans(),
    st.sampled_from([1, 64]),
)
@settings(max_examples=60, deadline=None)
def test_runs_are_set_as_single_numbers_are(tmp_path_factory, runs, shuffled, most):
    batches = []
    for npa, first, count, step in runs:
        lines = range(first, min(first + count * step, 8_000_000), step)
        batches.append([npa * 10**7 + 2_000_000 + line for line in lines])
    together = [number for batch in batches for number in batch]
    if shuffled:
        together = together[::2] + together[1::2][::-1]
    folder = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bits, "_RUNS", most)
        packed = build(folder / "packed.bits", [together, together[: len(together) // 2]], None)
        patch.setattr(bits, "_RUNS", 0)
        single = build(folder / "single.bits", [together], None)
    assert sorted(packed.counts().items()) == sorted(single.counts().items())
    assert all(packed.block(npa) == single.block(npa) for npa in packed.counts())
    assert sum(packed.counts().values()) == len(set(together))
