"""Imports that are killed, or that the disk refuses: the list is the old or the new one, and nothing is left."""

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import time
import zipfile
from datetime import date

import pytest

from dialguard.lists import importing, reading, staging
from dialguard.lists.catalog import Catalog
from dialguard.lists.errors import ListImportError
from dialguard.lists.importing import import_list
from dialguard.lists.versions import open_version, read_index, verify

RECEIVED = 1_790_000_000_000_000
OLD = [npa * 10**7 + 5_550_000 + n for npa in (202, 305) for n in range(50)]
NEW = [npa * 10**7 + 5_550_000 + n for npa in (202, 305, 713) for n in range(20, 120)]
WORDS = {"published": date(2026, 9, 2), "received_at": RECEIVED}


def in_child(work):
    """Runs ``work`` in a forked process; its exit status, negative for the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = work() or 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_at(call, root, path):
    """Imports in a child that is killed when it reports its ``call``-th step; False when it ended before."""
    count = 0

    def hook(step, done, whole):
        nonlocal count
        count += 1
        if count == call:
            os.kill(os.getpid(), signal.SIGKILL)

    return in_child(lambda: import_list(root, "own", path, progress=hook, **WORDS) and 0) == -signal.SIGKILL


def state_of(root):
    """The numbers of OLD and NEW that the newest version lists, after checking every file of the list."""
    catalog = Catalog(root)
    versions = catalog.versions("own")
    listed = {n for n in {*OLD, *NEW} if versions and catalog.contains(versions[-1], n)}
    named = {version.file_name for version in versions}
    assert all(check.problem is None for check in verify(root) if check.file in named)
    return listed


def content(root):
    """The digests of the blocks and the counts of each version: what must not depend on interruptions."""
    folder = root / "lists" / "own"
    manifests = [open_version(folder, entry).manifest for entry in read_index(folder)]
    return [{k: m[k] for k in ("blocks", "counts", "blocks_sha256", "rows", "numbers", "bad_rows", "id")}
            for m in manifests]


def litter(root):
    folder = root / "lists" / "own"
    return set(os.listdir(folder)) - {"current.json"} - {e.version.file_name for e in read_index(folder)}


@pytest.fixture
def small_steps(monkeypatch):
    monkeypatch.setattr(reading, "PIECE", 700)
    monkeypatch.setattr(importing, "CHECKPOINT", 1000)


@pytest.mark.parametrize("held", [True, False])
def test_killed_at_every_step(tmp_path, source, take, root, small_steps, held):
    if held:
        take(OLD)
    old = set(OLD) if held else set()
    path = source(NEW, "new.txt")
    whole = tmp_path / "whole"
    if held:
        import_list(whole, "own", source(OLD), published=date(2026, 9, 1), received_at=RECEIVED)
    import_list(whole, "own", path, **WORDS)
    resumed = []
    seen = set()
    call = 0
    while True:
        call += 1
        assert call < 60
        target = tmp_path / f"at{call}"
        if held:
            import_list(target, "own", source(OLD), published=date(2026, 9, 1), received_at=RECEIVED)
        if not killed_at(call, target, path):
            break
        state = state_of(target)
        assert state in (old, set(NEW))
        seen.add(frozenset(state))
        steps = []
        again = source([2_025_550_000], "other.txt") if call % 3 == 0 else path
        if again is path:
            with_warning = state == set(NEW)
            if with_warning:
                with pytest.warns(UserWarning, match="imported before"):
                    import_list(target, "own", path, **WORDS)
            else:
                import_list(target, "own", path, progress=lambda *step: steps.append(step), **WORDS)
            resumed += [done for step, done, _ in steps if step == "resumed"]
            assert content(target) == content(whole)
        else:
            import_list(target, "own", again, allow_shrink=True, published=date(2026, 9, 3), received_at=RECEIVED)
        assert litter(target) == set()
        assert all(check.problem is None for check in verify(target))
    assert call > 15 and seen == {frozenset(old), frozenset(NEW)}
    assert resumed and max(resumed) > 2000


def test_killed_again_and_again_it_still_ends(source, root, small_steps):
    path = source(NEW, "new.txt")
    for call in (6, 9, 9, 4, 11, 9):
        assert killed_at(call, root, path)
    assert import_list(root, "own", path, **WORDS).numbers == len(NEW)
    assert state_of(root) == set(NEW) and litter(root) == set()


def test_a_checkpoint_is_used_for_the_same_file_and_area_codes_only(source, root, small_steps):
    path = source("".join(f"{n}\n" for n in NEW) + "2025\n", "new.txt")
    steps = []

    def run(**options):
        steps.clear()
        return import_list(root, "own", path, progress=lambda *step: steps.append(step[0]), **WORDS, **options)

    killed_at(9, root, path)
    assert run(area_codes={202, 305, 713}, allow_bad_rows=1).numbers == len(NEW)
    assert "resumed" not in steps


def test_a_zip_goes_on_from_its_checkpoint(tmp_path, root, small_steps):
    path = tmp_path / "new.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("new.txt", "".join(f"{n}\n" for n in NEW))
    steps = []
    assert killed_at(8, root, path)
    import_list(root, "own", path, progress=lambda *step: steps.append(step[0]), **WORDS)
    assert "resumed" in steps and state_of(root) == set(NEW)


PROGRAM = """
import sys
from datetime import date
from dialguard.lists import importing, reading, staging
import numpy
reading.PIECE, importing.CHECKPOINT = 20_000, 200_000
print("ready", flush=True)
importing.import_list(sys.argv[1], "own", sys.argv[2], published=date(2026, 9, 2), received_at=1_790_000_000_000_000)
print("done", flush=True)
"""


def test_killed_at_any_moment(root, source, take):
    take(OLD)
    numbers = [npa * 10**7 + 2_000_000 + n * 13 for npa in range(202, 210) for n in range(20_000)]
    path = source(numbers, "new.txt")
    choice = random.Random(7)
    outcomes = set()
    for _ in range(6):
        child = subprocess.Popen([sys.executable, "-c", PROGRAM, root, path], stdout=subprocess.PIPE, text=True)
        with child:
            assert child.stdout.readline() == "ready\n"
            time.sleep(choice.uniform(0, 0.08))
            child.kill()
        versions = Catalog(root).versions("own")
        outcomes.add(len(versions))
        assert versions[0].numbers == len(OLD) and Catalog(root).contains(versions[0], OLD[0]) is True
        assert all(v.numbers == len(numbers) for v in versions[1:])
        assert all(check.problem is None for check in verify(root) if check.file in {v.file_name for v in versions})
    if outcomes == {1}:
        assert import_list(root, "own", path, **WORDS).numbers == len(numbers)
    import_list(root, "own", source([*OLD, 2_025_559_999], "last.txt"), allow_shrink=True,
                published=date(2026, 9, 4), received_at=RECEIVED)
    assert litter(root) == set() and all(check.problem is None for check in verify(root))


@pytest.mark.parametrize("room", [0, 40, 65_536, 500_000, 1_065_536, 2_100_000])
def test_a_full_disk_changes_nothing(take, root, source, tree, room):
    take(OLD)
    before = tree()
    path = source(NEW, "new.txt")

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            import_list(root, "own", path, **WORDS)
        except ListImportError as error:
            return 3 if error.kind == "disk_full" and "make room" in str(error) else 4
        return 5

    assert in_child(work) == 3
    assert tree() == before
    assert import_list(root, "own", path, **WORDS).numbers == len(NEW)


def test_a_disk_that_is_full_for_the_index_changes_nothing(take, root, source, tree, monkeypatch):
    take(OLD)
    before = tree()
    path = source(NEW, "new.txt")

    def full(folder, entries):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(staging, "write_index", full)
        with pytest.raises(ListImportError) as caught:
            import_list(root, "own", path, **WORDS)
    assert caught.value.kind == "disk_full" and tree() == before
    assert import_list(root, "own", path, **WORDS).numbers == len(NEW)


def test_an_interrupt_keeps_the_work_and_an_error_does_not(source, root, small_steps):
    path = source(NEW, "new.txt")

    def stop(error):
        def hook(step, done, whole):
            if step == "checkpoint":
                raise error

        return hook

    with pytest.raises(RuntimeError):
        import_list(root, "own", path, progress=stop(RuntimeError()), **WORDS)
    assert not (root / "lists" / "own").exists()
    with pytest.raises(KeyboardInterrupt):
        import_list(root, "own", path, progress=stop(KeyboardInterrupt()), **WORDS)
    steps = []
    import_list(root, "own", path, progress=lambda *step: steps.append(step[0]), **WORDS)
    assert "resumed" in steps and litter(root) == set()
