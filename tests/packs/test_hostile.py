"""Hostile rule files: each gets a clear error within two seconds of processor time and 200 MB of address space."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dialguard.packs.load import load
from dialguard.packs.yamlfile import PackError

ROOT = Path(__file__).parents[2]
MEMORY = 200_000_000
SECONDS = 2

# The checks of the command on one folder, with a small law in the place of the shipped one, then the time that they took.
PROGRAM = """
import sys, time
from pathlib import Path
import dialguard.packs.load, dialguard.packs.assemble
from dialguard.packs.yamlfile import PackError
start = time.process_time()
try:
    dialguard.packs.load.load([Path(sys.argv[2])], Path(sys.argv[1]), cached=False)
except PackError as error:
    print(len(error.problems), str(error)[:2000].replace(chr(10), " "), sep="|", end="|")
else:
    print("0||", end="")
print(time.process_time() - start)
"""


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def outcome(base: Path, folder: Path) -> tuple[int, str, float]:
    """Number of problems, the message, and the processor seconds of reading the folder under the memory limit."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(base), str(folder)], cwd=ROOT, capture_output=True, text=True, preexec_fn=limited, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    number, message, seconds = done.stdout.rsplit("|", 2)
    return int(number), message, float(seconds)


HEAD = b"jurisdiction: FL\nname: Florida\nzone: America/New_York\n"
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9))
CASES: dict[str, tuple[bytes, str]] = {
    "duplicate keys": (HEAD + b"name: Georgia\n", "`name` stands twice in the same mapping"),
    "many duplicate keys": (b"a: 1\n" * 90_000, "`a` stands twice in the same mapping"),
    "an alias": (HEAD + b"rules: &r []\nlists: *r\n", "anchors and aliases are not allowed"),
    "an alias bomb": (BOMB, "anchors and aliases are not allowed"),
    "a merge key": (b"a: &x {b: 1}\nc: {<<: *x}\n", "anchors and aliases are not allowed"),
    "a tag that runs code": (b"a: !!python/object/apply:os.system [id]\n", "the tag tag:yaml.org,2002:python/object/apply:os.system is not allowed"),
    "flow lists 10,000 deep": (b"a: " + b"[" * 10_000 + b"]" * 10_000, "nested deeper than 40 levels"),
    "flow mappings 10,000 deep": (b"{a: " * 10_000 + b"}" * 10_000, "nested deeper than 40 levels"),
    "flow lists, 900,000 left open": (b"[" * 900_000, "nested deeper than 40 levels"),
    "block lists 10,000 deep": (b"- " * 10_000 + b"x", "nested deeper than 40 levels"),
    "block mappings 1,000 deep": (b"".join(b" " * n + b"a:\n" for n in range(1_000)), "nested deeper than 40 levels"),
    "question marks": (b"? " * 400_000, "a key must be a word"),
    "50 MB": (b"# " + b"x" * 50_000_000, "the file has 50,000,002 bytes"),
    "50 MB of lists": (b"- a\n" * 12_500_000, "the file has 50,000,000 bytes"),
    "bad UTF-8": (HEAD + b"# caf\xe9\n", "byte 0xe9 is not valid UTF-8"),
    "UTF-16": (HEAD.decode().encode("utf-16"), "byte 0xff is not valid UTF-8"),
    "a surrogate": (HEAD + b"# \xed\xa0\x80\n", "is not valid UTF-8"),
    "a NUL": (HEAD + b"a: \x00\n", "the character U+0000 is not allowed"),
    "a megabyte of NULs": (b"\x00" * 1_000_000, "the character U+0000 is not allowed"),
    "an escaped NUL in an id": (HEAD + b'rules: [{id: "fl.\\0"}]\n', "`id` cannot be"),
    "a hidden change of direction": (HEAD + "name2: a\u202eb\n".encode(), "the character U+202E is not allowed"),
    "tabs": (b"jurisdiction: FL\nrules:\n\t- id: x\n", "indent with blanks, not with tabs"),
    "a huge text": (HEAD + b"note: " + b"x" * 900_000, "a text of 900,000 characters"),
    "a huge quoted text left open": (HEAD + b'note: "' + b"x\n" * 450_000, "not well-formed YAML"),
    "a huge key": (HEAD + b"x" * 900 + b": 1\n", "unknown key `xxx"),
    "a huge number": (HEAD + b"a: " + b"9" * 19_000 + b"\n", "unknown key `a`"),
    "a million keys": (b"".join(b"k%d: 1\n" % n for n in range(1_000_000)), "bytes"),
    "as many keys as fit": (b"".join(b"%x:\n" % n for n in range(140_000)), "holds more than 100,000 values"),
    "49,000 unknown keys": (b"".join(b"k%d: 1\n" % n for n in range(49_000)), "more than 100 problems"),
    "49,000 unknown keys in a rule": (HEAD + b"rules:\n  - id: fl.x\n" + b"".join(b"    k%d: 1\n" % n for n in range(49_000)), "more than 100 problems"),
    "49,000 rules that are none": (HEAD + b"rules: [" + b"1," * 49_000 + b"]", "more than 100 problems"),
    "49,000 unknown facts": (
        HEAD + b"rules:\n  - {id: house.x, title: x, topic: other, kind: prohibition, citation: c, status: in_force,\n"
        b"     applies: {channels: any, purposes: any, dialing: any, voice: any, line_types: any},\n     when: {"
        + b",".join(b"k%d: 1" % n for n in range(49_000)) + b"}}\n", "unknown fact `k0`",
    ),
    "15,000 dated values": (
        HEAD + b"rules:\n  - {id: house.x, title: x, topic: other, kind: prohibition, citation: c, status: in_force,\n"
        b"     applies: {channels: any, purposes: any, dialing: any, voice: any, line_types: any}, when: {channel: $x},\n     parameters: {x: ["
        + b",".join(b"{from: %04d-%02d-%02d, value: fax}" % (1900 + n // 336, n // 28 % 12 + 1, n % 28 + 1) for n in range(15_000)) + b"]}}\n", "`x` has 15,000 dated values",
    ),
    "braces in a message": (
        HEAD + b"rules:\n  - {id: house.x, title: x, topic: other, kind: prohibition, citation: c, status: in_force, message: '"
        + b"{a" * 9_000 + b"',\n     applies: {channels: any, purposes: any, dialing: any, voice: any, line_types: any}, when: {channel: fax}}\n",
        "the message",
    ),
    "nothing": (b"", "the file is empty"),
    "a list": (b"- 1\n", "expected a rule file, found a list"),
    "binary": (bytes(range(256)) * 1_000, "not valid UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_is_told_quickly_and_cheaply(case: str, base: Path, own: Callable[..., Path]) -> None:
    raw, words = CASES[case]
    folder = own()
    folder.mkdir()
    (folder / "x.yaml").write_bytes(raw)
    number, message, seconds = outcome(base, folder)
    assert words in message and "x.yaml:" in message
    assert 1 <= number <= 250 and seconds < SECONDS


def test_what_is_no_file_is_told(base: Path, own: Callable[..., Path]) -> None:
    folder = own()
    (folder / "folder.yaml").mkdir(parents=True)
    os.symlink("self.yaml", folder / "self.yaml")
    os.symlink("nowhere", folder / "gone.yaml")
    os.symlink("/dev/zero", folder / "zero.yaml")
    os.mkfifo(folder / "pipe.yaml")
    os.symlink(".", folder / "again")
    number, message, seconds = outcome(base, folder)
    assert number == 6 and seconds < SECONDS
    for words in (
        "folder.yaml:1:1  this is a folder", "self.yaml:1:1  the file cannot be read: Too many levels of symbolic links",
        "gone.yaml:1:1  the file cannot be read: No such file", "zero.yaml:1:1  this is not a regular file",
        "pipe.yaml:1:1  this is not a regular file", "again:1:1  this link leads back to a folder above it",
    ):  # fmt: skip
        assert words in message


def test_what_may_not_be_read_is_told(base: Path, own: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own(a="a: 1\n", shut__b="b: 1\n")
    listdir, opened = os.listdir, os.open

    def refusing(call: Callable, name: str) -> Callable:
        def refuse(path, *rest, **more):
            if Path(path).name == name:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return call(path, *rest, **more)

        return refuse

    monkeypatch.setattr(os, "listdir", refusing(listdir, "shut"))
    monkeypatch.setattr(os, "open", refusing(opened, "a.yaml"))
    with pytest.raises(PackError) as caught:
        load([folder], base)
    assert [(Path(problem.file).name, problem.message) for problem in caught.value.problems] == [
        ("a.yaml", "the file cannot be read: Permission denied"), ("shut", "the folder cannot be read: Permission denied"),
    ]  # fmt: skip


@pytest.mark.parametrize("where", ["shapes", "calendars"])
def test_shapes_and_calendars_are_guarded_alike(where: str, base: Path, own: Callable[..., Path]) -> None:
    folder = own()
    (folder / where).mkdir(parents=True)
    for name, case in (("a", "an alias bomb"), ("b", "bad UTF-8"), ("c", "50 MB"), ("d", "flow lists 10,000 deep"), ("e", "49,000 unknown keys")):
        (folder / where / f"{name}.yaml").write_bytes(CASES[case][0])
    number, message, seconds = outcome(base, folder)
    assert number >= 5 and seconds < SECONDS
    for words in ("a.yaml:1:4  anchors", "b.yaml:4:6  byte 0xe9", "c.yaml:1:1  the file has", "d.yaml:1:43  nested deeper"):
        assert words in message


def test_a_good_folder_fits_the_limits_too(base: Path, own: Callable[..., Path]) -> None:
    assert outcome(base, own(a=HEAD.decode()))[0] == 0
