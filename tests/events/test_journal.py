"""The journal: what was written is read, in order and once, by whomever it was written and however it ended."""

import multiprocessing
import os
import threading

import pytest

from dialguard.events.journal import JournalError, Place, Reader, Writer, files, path_of


def read_all(folder, place=Place(0, 0)):
    reader, found = Reader(folder, place), []
    while lines := reader.read(7):
        found += lines
    reader.close()
    return found


def write_many(folder, name, number):
    writer = Writer(folder, segment=5_000)
    for each in range(number):
        writer.write(b"%s %d" % (name, each))
    writer.close()


def test_several_threads_and_processes_write_and_every_line_is_read_once_in_its_order(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_many, args=(tmp_path, b"p%d" % each, 1_000)) for each in range(2)]
    shared = Writer(tmp_path, segment=5_000)
    threads = [
        threading.Thread(target=lambda name=name: [shared.write(b"%s %d" % (name, each)) for each in range(1_000)]) for name in (b"a", b"b")
    ]
    for each in (*processes, *threads):
        each.start()
    for each in (*processes, *threads):
        each.join()
    found = [line.text for line in read_all(tmp_path)]
    assert len(files(tmp_path)) > 10 and len(found) == 4_000
    for name in (b"p0", b"p1", b"a", b"b"):
        assert [line for line in found if line.startswith(name + b" ")] == [b"%s %d" % (name, each) for each in range(1_000)]


def test_reading_goes_on_from_any_place(tmp_path):
    write_many(tmp_path, b"x", 500)
    found = read_all(tmp_path)
    assert found[0].end == Place(1, len(b"00000000 x 0\n"))
    for place in (0, 123, 498):
        assert read_all(tmp_path, found[place].end) == found[place + 1 :]
    reader = Reader(tmp_path, Place(0, 0))
    assert reader.read(3) == found[:3]
    reader.go_to(found[400].end)
    assert reader.read(1) == found[401:402]
    reader.go_to(Place(1, 0))
    assert reader.read(1) == found[:1]


def test_what_is_written_after_all_was_read_is_read(tmp_path):
    reader, writer = Reader(tmp_path, Place(0, 0)), Writer(tmp_path, segment=40)
    assert reader.read(5) == []
    for each in range(20):
        writer.write(b"%d" % each)
        assert [line.text for line in reader.read(5)] == [b"%d" % each]
        assert reader.read(5) == []
    reader.remove_before(files(tmp_path)[-1])
    assert len(files(tmp_path)) == 1
    writer.write(b"more")
    assert [line.text for line in reader.read(5)] == [b"more"]


def test_a_line_that_is_being_written_is_waited_for(tmp_path):
    Writer(tmp_path).write(b"whole")
    path, reader = path_of(tmp_path, 1), Reader(tmp_path, Place(0, 0))
    line = path.read_bytes()
    path.write_bytes(line + line[:-1])
    assert [each.text for each in reader.read(5)] == [b"whole"] and reader.read(5) == []
    path.write_bytes(line + line)
    assert [each.text for each in reader.read(5)] == [b"whole"]


@pytest.mark.parametrize("damage", [b"0", b"00000000 whole\n", b"zzzzzzzz x\n", b"\xff\xfe\n", b"\n"])
def test_a_damaged_line_is_known_and_hides_no_other(tmp_path, damage):
    Writer(tmp_path).write(b"one")
    with path_of(tmp_path, 1).open("ab") as file:
        file.write(damage)
    Writer(tmp_path).write(b"two")
    assert [line.text for line in read_all(tmp_path)] == [b"one", None, b"two"]


def test_a_torn_line_at_the_end_of_a_full_file_is_passed_over(tmp_path):
    writer = Writer(tmp_path, segment=10)
    writer.write(b"one")
    with path_of(tmp_path, 1).open("ab") as file:
        file.write(b"0000")
    writer.write(b"two")
    assert files(tmp_path) == [1, 2] and [line.text for line in read_all(tmp_path)] == [b"one", b"two"]


def test_a_full_disk_is_an_error_and_leaves_nothing_of_the_line(tmp_path, monkeypatch):
    writer = Writer(tmp_path)
    writer.write(b"one")
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, line: real(file, line[:5]))
    with pytest.raises(JournalError, match="could not be written to the journal.*no space is left"):
        writer.write(b"two")
    monkeypatch.undo()
    writer.write(b"three")
    assert [line.text for line in read_all(tmp_path)] == [b"one", b"three"]


def test_a_long_line_is_read_whole(tmp_path):
    writer = Writer(tmp_path)
    writer.write(b"x" * 3_000_000)
    writer.write(b"y")
    assert [len(line.text) for line in read_all(tmp_path)] == [3_000_000, 1]
