"""Ranges, blocks, ports, and the facts that follow from lists that are no do-not-call lists."""

import itertools
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard.lists.bits import BitsWriter
from dialguard.lists.catalog import Catalog
from dialguard.lists.errors import BadRowsError, ListImportError
from dialguard.lists.kinds import enter, facts_of_called, facts_of_shown, line_type
from dialguard.model.moment import DAY

RECEIVED = 1_790_000_000_000_000  # 2026-09-21
TODAY = date(2026, 9, 10).toordinal()


def numbers(root, version):
    reader = Catalog(root).reader(version)
    return {npa * 10**7 + 2_000_000 + int(bit) for npa in reader.counts() for bit in np.flatnonzero(np.unpackbits(reader.array(npa)))}


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_filling_sets_these_bits_and_no_others(tmp_path_factory, spans):
    writer = BitsWriter(tmp_path_factory.getbasetemp() / "fill.bits")
    wanted = np.zeros(8_000_000, bool)
    for first, count in [*spans, (7_999_900, 100)]:
        writer.fill(305, 2_000_000 + first, count)
        wanted[first : first + count] = True
    assert (np.unpackbits(np.frombuffer(writer._map, np.uint8)[65_536:]) == wanted).all()
    for line, count in ((1_999_999, 2), (9_999_999, 2)):
        with pytest.raises(ValueError, match="outside"):
            writer.fill(305, line, count)
    writer.close()


RANGE = {2_025_550_000 + n for n in range(3)}
BLOCK = {2_025_551_000 + n for n in range(1000)}
EXCHANGE = {2_025_550_000 + n for n in range(10_000)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2025550000-2025550002\n3055550001\n", RANGE | {3_055_550_001}),
        ("2025550000,2025550002\n3055550001,\n3055550002,\n", RANGE | {3_055_550_001, 3_055_550_002}),
        ("first|last|reason\n2025550000|2025550002|unused\n3055550001|3055550001|asked\n", RANGE | {3_055_550_001}),
        ("NUMBER\n2025550000 - 2025550002\n(305) 555-0001\n", RANGE | {3_055_550_001}),
        ("2025551\n3055551\n", BLOCK | {n + 1_030_000_000 for n in BLOCK}),
        ("202555\n", EXCHANGE),
        ("202,555,1\n202,555,1\n", BLOCK),
        ("NPA|NXX|X|OCN\n202|555|A|1234\n", EXCHANGE),
        ("202,5551\n", BLOCK),
        ("202\t555\n", EXCHANGE),
        ("202,5551,T,C,1,20001,202,5,DC\r\n202,5552,T,S,1,20001,202,5,DC\r\n202,5553,T,V,1,20001,202,5,DC\r\n", BLOCK),
    ],
)
def test_shapes(take, root, text, wanted):
    version = take(text, "wireless_blocks")
    assert numbers(root, version) == wanted == numbers(root, version) and version.numbers == len(wanted)


def test_rows_are_counted_and_what_they_name_twice_told(take):
    version = take("2025550000-2025550009\n2025550005\n", "ported_to_wireless", expected_rows=2)
    assert (version.rows, version.numbers, version.duplicates) == (2, 10, 1)


def test_ranges_after_a_long_beginning_of_single_numbers(take, root):
    lines = "".join(f"{2_025_550_000 + n}\n" for n in range(9_000))
    version = take(lines + "2025559500-2025559599\n", "ported_to_wireless")
    assert version.numbers == 9_100 and version.rows == 9_001


@pytest.mark.parametrize(
    ("good", "bad", "why"),
    [
        ("2025550000-2025550002", "2025550009-2025550003", "ends before it begins"),
        ("2025550000-2025550002", "2025550009-3035550003", "in the area code in which it begins"),
        ("2025550000", "2021550001-2021550003", "exchange that begins with 1"),
        ("2025550000,2025550002", "2025550009,2025550003", "ends before it begins"),
        ("2025550000,2025550002", "2025550009,20255500", "8 digits"),
        ("2025550000,unused", "2025550009,2025550003", ""),
        ("202,5551,C", "202,5553,Q", "'a' where C, S or V"),
        ("202,5551", "202,555", "where area code, exchange with thousand belongs"),
        ("202,555,1", "202,555,B", "where area code, exchange, thousand belongs"),
        ("2025551", "20255511", "8 digits"),
        ("2025551", "1025551", "7 digits"),
    ],
)
def test_bad_rows(take, good, bad, why):
    with pytest.raises(BadRowsError) as caught:
        take(f"{good}\n" * 5 + f"{bad}\n" + f"{good}\n", "do_not_originate")
    if why:
        assert [row.line for row in caught.value.rows] == [6] and why in str(caught.value)


def test_a_second_number_far_down_is_not_left_out_unseen(take):
    lines = "".join(f"{2_025_550_000 + n},a\n" for n in range(9_000))
    with pytest.raises(BadRowsError, match="a second number in its row"):
        take(lines + "2025559500,2025559599\n", "do_not_originate")


def test_ranges_are_for_lists_of_numbers_in_service_only(take):
    with pytest.raises(ListImportError):
        take("2025550000-2025550002\n", "national", whole_plan=True)


@pytest.mark.parametrize(("block", "wireless", "wireline"), list(itertools.product((True, False, None), repeat=3)))
def test_a_line_type_is_given_only_when_no_missing_answer_could_change_it(block, wireless, wireline):
    def settled(a, b, c):
        return None if b and c else "landline" if c else "wireless" if a or b else "landline"

    open_to = [(True, False) if value is None else (value,) for value in (block, wireless, wireline)]
    possible = {settled(*values) for values in itertools.product(*open_to)}
    found = line_type(block, wireless, wireline)
    assert found is None or possible <= {found, None}
    if None not in (block, wireless, wireline):
        assert found == settled(block, wireless, wireline)


def test_facts_follow_from_lists_that_are_loaded(take, root):
    def called(number, day=TODAY):
        return facts_of_called(Catalog(root).answers, number, day)

    def shown(number, day=TODAY):
        return facts_of_shown(Catalog(root).answers, number, day)

    assert called("2025550000") == shown("2025550000") == {}
    take("2025550000\n", "litigator")
    assert called("2025550000") == {"dnc.litigator": True} and called("2025550001") == {"dnc.litigator": False}
    take("2025559000-2025559009\n", "do_not_originate")
    assert [shown(number)["caller_id.do_not_originate"] for number in ("2025559009", "2025559010")] == [True, False]
    take("2025550\n", "wireless_blocks")
    assert "line_type" not in called("2025550000")
    take("2025550001\n", "ported_to_wireline")
    take("2025552001\n", "ported_to_wireless")
    kinds = [called(number).get("line_type") for number in ("2025550000", "2025550001", "2025552001", "2025552002")]
    assert kinds == ["wireless", "landline", "wireless", "landline"]
    assert "line.ported_to_wireless_at" not in called("2025552001")


def test_a_file_of_ports_is_good_for_fifteen_days(take, root):
    for code, text in (("wireless_blocks", "2025550\n"), ("ported_to_wireless", "2025552001\n"), ("ported_to_wireline", "2025550001\n")):
        take(text, code)
    day = date(2026, 9, 1).toordinal()
    kinds = [facts_of_called(Catalog(root).answers, "2025553000", day + age).get("line_type") for age in (15, 16)]
    assert kinds == ["landline", None]


def test_the_moment_of_a_port_lies_between_two_files(take, root):
    for code, text in (("wireless_blocks", "2025550\n"), ("ported_to_wireline", "2025550001\n"), ("ported_to_wireless", "2025552001\n")):
        take(text, code)
    take("2025552001\n2025552002\n", "ported_to_wireless", published=date(2026, 9, 2))
    facts = facts_of_called(Catalog(root).answers, "2025552002", TODAY)
    assert facts == {"line_type": "wireless", "line.ported_to_wireless_at": (date(2026, 8, 31) - date(1970, 1, 1)).days * DAY}


@pytest.mark.parametrize(
    ("name", "stated", "found", "entered"),
    [
        ("dnc.litigator", False, [True], True), ("dnc.litigator", True, [False], True), ("dnc.litigator", False, [None], None),
        ("dnc.litigator", False, [False, True], True), ("dnc.litigator", False, [False, None], None), ("dnc.litigator", False, [False], False),
        ("caller_id.do_not_originate", None, [False], False), ("caller_id.do_not_originate", False, [True], True),
        ("caller_id.do_not_originate", False, [None], False), ("caller_id.do_not_originate", None, [None], None),
        ("line_type", "voip", ["wireless"], "voip"), ("line_type", None, ["landline"], "landline"),
    ],
)  # fmt: skip
def test_adverse_answers_hold_and_else_the_caller_is_heard(name, stated, found, entered):
    values, why = {name: stated}, {}
    enter(values, why, [{name: one} for one in found])
    assert values == {name: entered} and (why == {name: "list_incomplete"}) is (entered is None)


def test_a_line_type_of_one_day_only_is_not_known():
    values = {"line_type": None}
    enter(values, {}, [{"line_type": "landline"}, {}])
    assert values == {"line_type": None}
    enter(values, {}, [{}])
    assert values == {"line_type": None}
