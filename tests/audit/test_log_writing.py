"""Every record acknowledged is there, whatever happens to the process or the disk; nothing is acknowledged that is not."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dialguard.audit import chain as chains
from dialguard.audit import standalone
from dialguard.audit.errors import AuditUnavailable, LogError
from dialguard.audit.log import DecisionLog
from dialguard.facts import clock
from tests.audit.conftest import body, breaks, ids, lines

KILLS = int(os.environ.get("DIALGUARD_KILLS", "15"))
"""1,000 for the long version."""


def forked(work: Callable[[Callable[[str], None]], None]) -> tuple[int, Iterator[str]]:
    """A child process that does some work and says lines to the parent: its id and the lines."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            work(lambda text: os.write(write, f"{text}\n".encode()) and None)
        finally:
            os._exit(0)
    os.close(write)
    return pid, os.fdopen(read)


def test_groups_and_their_numbers(folder: Path) -> None:
    with DecisionLog(folder) as log:
        assert log.append([body(log, "a"), body(log, "b")]) == 2  # the first line begins the segment
        assert log.append([body(log, "c")]) == 4
    assert ids(folder) == ["d-a", "d-b", "d-c"] and breaks(folder) == []


def test_a_chain_is_taken_up_again_and_two_processes_have_one_each(folder: Path) -> None:
    with DecisionLog(folder) as log:
        log.append([body(log, "a")])
    with DecisionLog(folder) as log, DecisionLog(folder) as other:
        log.append([body(log, "b")])
        other.append([body(other, "c")])
        assert len(standalone.chains(folder)) == 2
    assert sorted(ids(folder)) == ["d-a", "d-b", "d-c"] and breaks(folder) == []
    assert sorted(line["seq"] for line in lines(folder)) == [1, 1, 2, 2, 3]


def test_threads_share_a_log(folder: Path) -> None:
    with DecisionLog(folder, segment_bytes=20_000) as log:

        def work(name: str) -> None:
            for number in range(50):
                log.append([body(log, f"{name}{number}")])

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(ids(folder))) == 200 and breaks(folder) == []


def test_a_log_opened_before_a_fork_takes_nothing_after_it(folder: Path) -> None:
    log = DecisionLog(folder)
    log.append([body(log, "a")])

    def child(say: Callable[[str], None]) -> None:
        try:
            log.append([b"{}"])
        except AuditUnavailable as error:
            say(str(error))

    pid, said = forked(child)
    os.waitpid(pid, 0)
    assert "open it in each process" in said.read()
    assert ids(folder) == ["d-a"]


@pytest.mark.parametrize("sync", ["process", "strict"])
@pytest.mark.parametrize("batch", range(-(-KILLS // 50)))
def test_kill_9_loses_nothing_that_was_acknowledged(folder: Path, sync: str, batch: int) -> None:
    chosen, acknowledged, torn = random.Random(batch), set(), 0
    for run in range(min(50, KILLS)):

        def work(say: Callable[[str], None], run: int = run) -> None:
            log = DecisionLog(folder, sync=sync, segment_bytes=30_000)
            number = 0
            while True:
                names = [f"{run}-{number + more}" for more in range(random.Random(number).randint(1, 20))]
                log.append([body(log, name) for name in names])
                say(" ".join(names))
                number += len(names)

        pid, said = forked(work)
        first = said.readline()
        time.sleep(chosen.random() / 40)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        acknowledged |= {f"d-{name}" for line in (first, *said) if line.endswith("\n") for name in line.split()}
        said.close()
        found = standalone.verify(folder).breaks
        assert len(found) <= 1 and all("the last line is cut short" in each.what for each in found)
        torn += len(found)
    with DecisionLog(folder) as log:
        log.append([body(log, "last")])
    recorded = ids(folder)
    assert len(acknowledged) > 50 and acknowledged <= set(recorded)
    assert len(recorded) == len(set(recorded))
    assert breaks(folder) == [] and len(standalone.chains(folder)) == 1
    assert sum(line["body"]["kind"] == "torn" for line in lines(folder)) == torn


def test_a_line_torn_at_any_byte_is_cut_and_noted(folder: Path) -> None:
    with DecisionLog(folder, numbers="clear") as log:
        log.append([body(log, "a")])
        log.append([body(log, "b")])
    (path,) = standalone.segments(standalone.chains(folder)[0])
    (folder / "checkpoints.ndjson").unlink()
    raw = path.read_bytes()
    start = raw.rindex(b"\n", 0, -1) + 1
    for end in (*range(start, len(raw), 37), len(raw) - 1):
        path.write_bytes(raw[:end])
        with DecisionLog(folder, numbers="clear") as log:
            log.append([body(log, "c")])
        (folder / "checkpoints.ndjson").unlink()
        assert breaks(folder) == [] and ids(folder) == ["d-a", "d-c"]
        notes = [line["body"] for line in lines(folder) if line["body"]["kind"] == "torn"]
        assert [note["bytes"] for note in notes] == ([end - start] if end > start else [])


def test_an_end_that_no_crash_leaves_is_kept_for_verification_and_another_chain_begun(folder: Path) -> None:
    with DecisionLog(folder) as log:
        log.append([body(log, "a")])
    (chain,) = standalone.chains(folder)
    (path,) = standalone.segments(chain)
    raw = path.read_bytes().replace(b'"verdict":"allow"', b'"verdict":"deny"')
    path.write_bytes(raw)
    with DecisionLog(folder) as log:
        log.append([body(log, "b")])
    assert path.read_bytes() == raw and len(standalone.chains(folder)) == 2
    (found,) = [each for each in breaks(folder) if "does not fit" in each]
    assert f"{chain.name} at seq 2" in found


def test_segments_close_by_size_and_by_age(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.parse_instant("2026-11-24T12:00:00Z")
    monkeypatch.setattr(clock, "now", lambda: now)
    with DecisionLog(folder, segment_seconds=60) as log:
        for name, seconds in (("a", 0), ("b", 59.999999), ("c", 60)):
            monkeypatch.setattr(clock, "now", lambda seconds=seconds: now + int(seconds * 1_000_000))
            log.append([body(log, name)])
    (chain,) = standalone.chains(folder)
    assert [path.name for path in standalone.segments(chain)] == ["000000000001.ndjson", "000000000005.ndjson"]
    assert [line["body"]["kind"] for line in lines(folder)] == ["begin", "decision", "decision", "end", "begin", "decision"]
    assert lines(folder)[3]["body"]["count"] == 3 and breaks(folder) == []


@pytest.mark.parametrize("half", [False, True])
def test_a_crash_at_every_step_of_closing_a_segment(tmp_path: Path, broken_os, half: bool) -> None:
    """The process dies before the n-th call to the system, or amid it where it writes; all that was acknowledged is there."""
    step, reached = 0, True
    while reached:
        step += 1
        folder = tmp_path / f"{step}"
        with DecisionLog(folder, numbers="clear", segment_bytes=1) as log:
            log.append([body(log, "before")])

        def work(say: Callable[[str], None], folder: Path = folder, step: int = step) -> None:
            calls = 0

            def counted(real: Callable[..., Any]) -> Callable[..., Any]:
                def call(*arguments: Any, **named: Any) -> Any:
                    nonlocal calls
                    calls += 1
                    if calls == step:
                        if half and real is os.write:
                            real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                        os._exit(9)
                    return real(*arguments, **named)

                return call

            log = DecisionLog(folder, numbers="clear", sync="strict", segment_bytes=1)
            bodies = [body(log, name) for name in ("a", "b")]
            broken_os(
                **{name: counted(getattr(os, name)) for name in ("open", "write", "ftruncate", "fdatasync", "fsync", "unlink", "close")}
            )
            for name, each in zip("ab", bodies, strict=True):
                log.append([each])
                say(f"d-{name}")

        pid, said = forked(work)
        reached = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
        acknowledged = said.read().split()
        said.close()
        with DecisionLog(folder, numbers="clear", segment_bytes=1) as log:
            log.append([body(log, "after")])
        recorded = ids(folder)
        assert recorded[0] == "d-before" and recorded[-1] == "d-after" and set(acknowledged) <= set(recorded)
        assert len(recorded) == len(set(recorded)) and breaks(folder) == [] and len(standalone.chains(folder)) == 1
    assert step > 10 and acknowledged == ["d-a", "d-b"]


# ------------------------------------------------------------------------------------------------------- the disk


def _refused(log: DecisionLog, *bodies: bytes) -> str:
    with pytest.raises(AuditUnavailable) as refused:
        log.append(bodies)
    return str(refused.value)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("written", [0, 1, 700, None])
def test_a_write_that_fails_or_falls_short_leaves_nothing(folder: Path, broken_os, code: int, written: int | None) -> None:
    with DecisionLog(folder) as log:
        log.append([body(log, "a")])

        def write(file: int, raw: bytes) -> int:
            if written and len(raw) > written:
                return os.write(file, raw[:written])
            if written is None and raw.count(b"\n") > 1:  # the first line whole
                return os.write(file, raw[: raw.index(b"\n") + 1])
            raise OSError(code, os.strerror(code))

        broken_os(write=write)
        assert _refused(log, body(log, "b"), body(log, "c")) == f"the decision log could not be written: {os.strerror(code)}"
        broken_os()
        assert ids(folder) == ["d-a"] and breaks(folder) == []
        log.append([body(log, "d")])
    assert ids(folder) == ["d-a", "d-d"] and breaks(folder) == []


def test_what_cannot_even_be_taken_back_is_cut_before_the_next_record(folder: Path, broken_os) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    with DecisionLog(folder) as log:
        log.append([body(log, "a")])
        broken_os(write=lambda file, raw: os.write(file, raw[:100]) if len(raw) > 100 else fail(), ftruncate=fail)
        _refused(log, body(log, "b"))
        _refused(log, body(log, "c"))
        broken_os()
        log.append([body(log, "d")])
    assert ids(folder) == ["d-a", "d-d"] and breaks(folder) == []


def test_an_interrupt_amid_a_write_leaves_nothing(folder: Path, broken_os) -> None:
    def write(file: int, raw: bytes) -> int:
        os.write(file, raw)
        raise KeyboardInterrupt

    with DecisionLog(folder) as log:
        log.append([body(log, "a")])
        broken_os(write=write)
        with pytest.raises(KeyboardInterrupt):
            log.append([body(log, "b")])
        broken_os()
        log.append([body(log, "c")])
    assert ids(folder) == ["d-a", "d-c"] and breaks(folder) == []


@pytest.mark.parametrize("sync", ["process", "strict"])
def test_closed_segments_do_not_stay_open_where_nobody_makes_checkpoints(folder: Path, sync: str) -> None:
    with DecisionLog(folder, sync=sync, segment_bytes=1) as log:
        most = 0
        for number in range(50):
            log.append([body(log, f"a{number}")])
            held = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")]
            most = max(most, sum(path.startswith(str(folder)) and path.endswith(".ndjson") for path in held))
    assert 1 < most <= 9
    assert len(ids(folder)) == 50 and breaks(folder) == []


def test_what_the_disk_does_not_take_of_a_closed_segment_is_told_and_tried_again(folder: Path, broken_os) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with DecisionLog(folder, segment_bytes=1) as log:
        for number in range(chains.RETIRED + 1):
            log.append([body(log, f"a{number}")])
        broken_os(fdatasync=fail)
        with pytest.raises(AuditUnavailable):
            log.append([body(log, "lost")])
        broken_os()
        log.append([body(log, "b")])
    assert ids(folder)[-2:] == [f"d-a{chains.RETIRED}", "d-b"] and breaks(folder) == []


def test_a_limit_on_the_file_s_size_is_met_in_the_middle_of_a_group(folder: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with DecisionLog(folder) as log:
        log.append([body(log, "a")])
        (path,) = standalone.segments(standalone.chains(folder)[0])
        group = [body(log, name) for name in "bcd"]
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + len(group[0]) + 200, hard))
        try:
            said = _refused(log, *group)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert said == "the decision log could not be written: File too large"
        assert ids(folder) == ["d-a"]
        log.append(group)
    assert ids(folder) == ["d-a", "d-b", "d-c", "d-d"] and breaks(folder) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_refuses_and_a_disk_with_room_again_records(small_disk: Path) -> None:
    folder, recorded = small_disk / "decisions", []
    log = DecisionLog(folder, keys=small_disk.parent / "keys.json", segment_bytes=50_000)
    with pytest.raises(AuditUnavailable, match="No space left on device"):
        for number in range(10_000):
            log.append([body(log, f"{number}")])
            recorded.append(f"d-{number}")
    assert len(recorded) > 50 and ids(folder) == recorded and breaks(folder) == []
    for _ in range(3):
        _refused(log, *[body(log, "x")] * 50)
    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    log.append([body(log, "after")])
    assert ids(folder) == [*recorded, "d-after"] and breaks(folder) == []
    log.close()


def test_a_read_only_disk_refuses_from_the_start(small_disk: Path) -> None:
    (small_disk / "decisions").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    log = DecisionLog(small_disk / "decisions", keys=small_disk.parent / "keys.json")
    with pytest.raises(AuditUnavailable, match="Read-only file system"):
        log.append([b'{"kind":"decision"}'])
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert log.append([body(log, "a")]) == 2
    log.close()


def test_in_strict_mode_nothing_counts_before_the_disk_says_so(folder: Path, broken_os) -> None:
    order: list[str] = []

    def slow(file: int) -> None:
        time.sleep(0.05)
        os.fdatasync(file)
        order.append("synced")

    with DecisionLog(folder, sync="strict") as log:
        broken_os(fdatasync=slow)
        log.append([body(log, "a")])
        order.append("acknowledged")

        def fail(file: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        broken_os(fdatasync=fail)
        _refused(log, body(log, "b"))
        broken_os()
        log.append([body(log, "c")])
    assert order[-2:] == ["synced", "acknowledged"]
    assert ids(folder) == ["d-a", "d-c"] and breaks(folder) == []


@pytest.mark.parametrize("unlinks", [True, False])
@pytest.mark.parametrize("restarts", [True, False])
def test_a_segment_that_could_not_be_begun_is_begun_again(folder: Path, broken_os, unlinks: bool, restarts: bool) -> None:
    """The disk fails right after the new segment's first line, and may not even let us take that back."""

    def fail(*_: object) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    def sync(file: int) -> None:
        if os.readlink(f"/proc/self/fd/{file}").endswith("000000000004.ndjson"):
            fail()

    log = DecisionLog(folder, sync="strict", segment_bytes=1)
    log.append([body(log, "a")])
    broken_os(fdatasync=sync, **({} if unlinks else {"unlink": fail}))
    assert "Input/output error" in _refused(log, body(log, "b"))
    broken_os()
    (chain,) = standalone.chains(folder)
    assert len(standalone.segments(chain)) == (1 if unlinks else 2)
    if restarts:
        log._chain.close()
        log = DecisionLog(folder, sync="strict", segment_bytes=1)
    log.append([body(log, "c")])
    log.close()
    assert ids(folder) == ["d-a", "d-c"] and breaks(folder) == [] and len(standalone.chains(folder)) == 1


def test_a_first_line_left_over_from_a_failure_is_no_segment(folder: Path, broken_os, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the disk fails while a segment is begun, then the process dies: the line before the segment is another by then."""

    def fail(*_: object, **__: object) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    def fail_on_new(path: object, *arguments: Any, **named: Any) -> Any:
        return fail() if str(path).endswith("000000000004.ndjson") else os.open(path, *arguments, **named)

    def sync(file: int) -> None:
        if os.readlink(f"/proc/self/fd/{file}").endswith("000000000004.ndjson"):
            fail()

    log = DecisionLog(folder, sync="strict", segment_bytes=1)
    log.append([body(log, "a")])
    broken_os(fdatasync=sync, unlink=fail)
    _refused(log, body(log, "b"))
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 1)
    broken_os(open=fail_on_new, unlink=fail)
    _refused(log, body(log, "b"))
    broken_os()
    log._chain.close()
    assert breaks(folder) != []
    with DecisionLog(folder, sync="strict", segment_bytes=1) as log:
        log.append([body(log, "c")])
    assert ids(folder) == ["d-a", "d-c"] and breaks(folder) == [] and len(standalone.chains(folder)) == 1


def _power_fails(folder: Path, synced: dict[int, int], chosen: random.Random) -> None:
    """What a disk may hold after a power failure: each segment up to what was synced, and any part of what came after it."""
    for path in folder.glob("chain-*/*.ndjson"):
        safe, size = synced.get(path.stat().st_ino, 0), path.stat().st_size
        os.truncate(path, chosen.randint(safe, size))


@pytest.mark.parametrize("sync", ["strict", "process"])
def test_a_power_failure_takes_nothing_that_was_synced(tmp_path: Path, broken_os, monkeypatch, sync: str) -> None:
    chosen = random.Random(7)
    for run in range(40):
        folder, synced, safe = tmp_path / f"{run}", {}, []

        def note(file: int, synced: dict[int, int] = synced) -> None:
            os.fdatasync(file)
            there = os.fstat(file)
            synced[there.st_ino] = max(there.st_size, synced.get(there.st_ino, 0))

        broken_os(fdatasync=note)
        log = DecisionLog(folder, keys=tmp_path / "keys.json", sync=sync, segment_bytes=8_000)
        for number in range(chosen.randint(5, 30)):
            log.append([body(log, f"{number}")])
            if sync == "process" and chosen.random() < 0.2:
                for file in log._chain.handles():  # as a checkpoint does
                    note(file)
                    os.close(file)
                safe = ids(folder)
        if sync == "strict":
            safe = ids(folder)
        log._chain.close()
        broken_os()
        _power_fails(folder, synced, chosen)
        with DecisionLog(folder, keys=tmp_path / "keys.json") as log:
            log.append([body(log, "after")])
        readable = [standalone.parse(line) for path in sorted(folder.glob("chain-*/*.ndjson")) for line in path.open("rb")]
        said = [standalone.said_by(line.body).get("decision", {}).get("id") for line in readable if line is not None]
        assert set(safe) <= set(said) and "d-after" in said
        if sync == "strict":
            assert breaks(folder) == []


@pytest.mark.parametrize("change", ["removed", "replaced", "shortened", "written to"])
def test_a_segment_that_is_not_as_we_left_it_is_left_alone(folder: Path, change: str) -> None:
    log = DecisionLog(folder)
    log.append([body(log, "a")])
    (path,) = standalone.segments(standalone.chains(folder)[0])
    raw = path.read_bytes()
    path.unlink()
    if change != "removed":
        path.write_bytes({"replaced": raw, "shortened": raw[:-5], "written to": raw + b"{}\n"}[change])
    raw = path.read_bytes() if path.exists() else None
    assert path.name in _refused(log, body(log, "b"))
    log.append([body(log, "c")])
    log.close()
    assert (path.read_bytes() if path.exists() else None) == raw
    assert len(standalone.chains(folder)) == 2 and b"d-c" in b"".join(path.read_bytes() for path in folder.glob("chain-*/*.ndjson"))


def test_a_log_whose_folder_is_gone_takes_nothing_elsewhere(folder: Path) -> None:
    log = DecisionLog(folder)
    log.append([body(log, "a")])
    folder.rename(folder.with_name("away"))
    _refused(log, b'{"kind":"decision"}')
    _refused(log, b'{"kind":"decision"}')
    assert not folder.exists()
    folder.with_name("away").rename(folder)
    log.append([body(log, "b")])
    log.close()
    assert sorted(ids(folder)) == ["d-a", "d-b"] and breaks(folder) == []


# --------------------------------------------------------------------------------------------------- checkpoints


def test_checkpoints_go_to_the_folder_and_to_a_witness(folder: Path, tmp_path: Path) -> None:
    witness = tmp_path / "witness.ndjson"
    log = DecisionLog(folder, witness=str(witness))
    log.checkpoint()
    assert not witness.exists()  # there is nothing to witness yet
    log.append([body(log, "a")])
    log.checkpoint()
    log.checkpoint()  # nothing new
    assert witness.read_bytes() == (folder / "checkpoints.ndjson").read_bytes() and witness.read_text().count("\n") == 1
    log.append([body(log, "b")])
    log.close()
    assert witness.read_text().count("\n") == 2 and log.trouble is None and breaks(folder, witness) == []


def test_a_witness_behind_an_address_and_one_that_is_away(folder: Path) -> None:
    import http.server

    heard: list[bytes] = []

    class Witness(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Witness)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log = DecisionLog(folder, witness=f"http://127.0.0.1:{server.server_port}/")
    log.append([body(log, "a")])
    log.watch(0.01)
    waited = time.monotonic() + 30
    while not heard and time.monotonic() < waited:
        time.sleep(0.01)
    assert heard == [(folder / "checkpoints.ndjson").read_bytes()] and log.trouble is None
    server.shutdown()
    server.server_close()
    log.append([body(log, "b")])
    log.close()
    assert log.trouble is not None and "refused" in log.trouble.lower()
    assert ids(folder) == ["d-a", "d-b"]


@pytest.mark.parametrize("where", ["keys.json", "kept/keys.json"])
def test_the_key_file_may_not_lie_in_the_log(folder: Path, where: str) -> None:
    with pytest.raises(LogError, match="outside"):
        DecisionLog(folder, keys=folder / where)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LogError, match="cannot be made"):
        DecisionLog(tmp_path / "file" / "decisions")
    with pytest.raises(ValueError, match="expected one of sealed, masked, clear"):
        DecisionLog(tmp_path / "decisions", numbers="open")


def test_files_are_for_their_owner_alone(folder: Path) -> None:
    with DecisionLog(folder) as log:
        log.append([body(log, "a")])
        files = [path for path in (*folder.rglob("*"), log.keys.path) if path.is_file()]
    assert len(files) > 4 and {path.stat().st_mode & 0o077 for path in files} == {0}
    assert chains.FORMAT == 1
