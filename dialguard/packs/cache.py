"""Compiled packs, kept between starts: loading them takes a tenth of the time of reading the rule files.

A copy is used only from a folder and a file that belong to this user and that nobody else may read or write, under a name
that is the digest of every rule file, of DialGuard's own code and of the Python version, and only when its own digest fits.
Whatever else is found there is left alone and the rule files are read. ``DIALGUARD_CACHE`` names another folder; empty, it
keeps none.
"""

import gc
import hashlib
import io
import os
import pickle
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from dialguard.expr import nodes
from dialguard.model.vocabulary import Fact, Vocabulary
from dialguard.packs import sources
from dialguard.packs.calendars import Calendar, Day
from dialguard.packs.dayrules import parse_rule
from dialguard.packs.eventrule import Count, Effect, EventExample, EventRule, Share
from dialguard.packs.pack import Packs
from dialguard.packs.rule import Example, ListSchedule, Remedy, Rule, Span, Supersession
from dialguard.packs.sources import Source
from dialguard.packs.yamlfile import Problem

MAX_BYTES = 64_000_000
KEPT = 8
"""How many compiled packs are kept; the oldest go first."""
_MAGIC = b"dialguard packs 2\n"
_SUFFIX = ".packs"
_DIGEST_BYTES = 32


def folder() -> Path | None:
    """Where compiled packs lie, or None where none are kept."""
    named = os.environ.get("DIALGUARD_CACHE")
    if named is not None:
        return Path(named) if named else None
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dialguard"
    except RuntimeError:  # no home
        return None


def key(found: Sequence[Source]) -> str:
    """The name of the packs compiled from these files by this code."""
    whole = hashlib.sha256(code().encode() + sources.digest(found).encode())
    whole.update("\0".join(source.shown for source in found).encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def code() -> str:
    """The digest of the code on disk that compiles packs, and of the Python version."""
    whole = hashlib.sha256(_MAGIC + sys.version.encode())
    package = Path(__file__).resolve().parent.parent
    for path in [package / "__init__.py", *(path for name in ("model", "expr", "packs") for path in sorted((package / name).glob("*.py")))]:
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def read(name: str, at: Path | None = None) -> Packs | None:
    """The compiled packs of that name in a folder (``folder()`` when none is named), or None where there are none to be trusted."""
    try:
        with _private(at or folder(), create=False) as place:
            raw = _content(place, name + _SUFFIX)
        start = len(_MAGIC) + _DIGEST_BYTES
        if not raw.startswith(_MAGIC) or raw[len(_MAGIC) : start] != _digest(name, raw[start:]):
            return None
        was = gc.isenabled()
        gc.disable()
        try:
            packs, examples = _Reader(io.BytesIO(raw[start:])).load()
            if examples is not None:
                kept = _Examples(examples)
                for place, rule in enumerate(packs.rules):
                    object.__setattr__(rule, "tests", _Later(kept, place))
        finally:
            if was:
                gc.enable()
    except Exception:  # noqa: BLE001 - a copy that cannot be read is no copy; the rule files tell what is wrong with them
        return None
    return packs if isinstance(packs, Packs) else None


def write(name: str, packs: Packs, at: Path | None = None) -> None:
    """Keep compiled packs under a name, where there is a private place for them."""
    temporary = f".{name}.{os.getpid()}"
    try:
        payload = _dumped(_apart(packs))
        with _private(at or folder(), create=True) as place:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(temporary, flags, 0o600, dir_fd=place)
            try:
                with os.fdopen(file, "wb") as out:
                    out.write(_MAGIC + _digest(name, payload) + payload)
                os.replace(temporary, name + _SUFFIX, src_dir_fd=place, dst_dir_fd=place)
            except OSError:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=place)
            _prune(place)
    except OSError:
        return


def _apart(packs: Packs) -> tuple[Packs, bytes | None]:
    """The packs without the examples of their rules, and those apart: nearly half of it all, and seldom asked for."""
    if packs.base is not None:  # whose rules are partly the same
        return packs, None
    return replace(packs, rules=tuple(replace(rule, tests=()) for rule in packs.rules)), _dumped(
        tuple(tuple(rule.tests) for rule in packs.rules)
    )


def _dumped(value: object) -> bytes:
    buffer = io.BytesIO()
    _Writer(buffer, 5).dump(value)
    return buffer.getvalue()


class _Examples:
    """The examples of all rules, unpacked when the first is asked for."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    @cached_property
    def of_rules(self) -> tuple[tuple[Example, ...], ...]:
        """Rule by rule."""
        return _Reader(io.BytesIO(self._raw)).load()


class _Later(Sequence[Example]):
    """The examples of one rule."""

    def __init__(self, kept: _Examples, place: int) -> None:
        self._kept, self._place = kept, place

    def __getitem__(self, place):
        return self._kept.of_rules[self._place][place]

    def __len__(self) -> int:
        return len(self._kept.of_rules[self._place])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


def _digest(name: str, payload: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + payload).digest()


@contextmanager
def _private(path: Path | None, create: bool) -> Iterator[int]:
    """A descriptor of the folder; OSError unless it is this user's alone."""
    if path is None or not hasattr(os, "geteuid"):
        raise FileNotFoundError
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
    place = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _own(os.fstat(place))
        yield place
    finally:
        os.close(place)


def _own(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise PermissionError


def _content(place: int, name: str) -> bytes:
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
    with os.fdopen(file, "rb") as opened:
        status = os.fstat(opened.fileno())
        _own(status)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise PermissionError
        return opened.read()


def _prune(place: int) -> None:
    held = [entry for entry in os.listdir(place) if entry.endswith(_SUFFIX)]
    held.sort(key=lambda entry: os.stat(entry, dir_fd=place, follow_symlinks=False).st_mtime_ns, reverse=True)
    for entry in held[KEPT:]:
        os.unlink(entry, dir_fd=place)


def _day(*values: object) -> Day:
    """A day of a calendar; its dates are worked out from its rule as written."""
    held = dict(zip((field.name for field in fields(Day) if field.name != "dates"), values, strict=True))
    words = str(held["rule"]).split()
    if all(word[:4].isdigit() and word.count("-") == 2 for word in words):
        listed = tuple(date.fromisoformat(word).toordinal() for word in words)
        return Day(dates=lambda year: tuple(o for o in listed if date.fromordinal(o).year == year), **held)
    return Day(dates=parse_rule(held["rule"]), **held)


class _Writer(pickle.Pickler):
    def reducer_override(self, value: object):
        if isinstance(value, Day):
            return _day, tuple(getattr(value, field.name) for field in fields(Day) if field.name != "dates")
        return NotImplemented


_KNOWN = {
    (kind.__module__, kind.__qualname__): kind
    for kind in (
        Packs, Rule, Remedy, Span, Example, Supersession, ListSchedule, Calendar, _day, Vocabulary, Fact, Problem,
        EventRule, Count, Share, Effect, EventExample,
        nodes.Const, nodes.All, nodes.Any, nodes.Not, nodes.Test, nodes.LocalTime, nodes.ClosedDay, nodes.Count, nodes.Period,
    )
}  # fmt: skip


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        """Only what packs consist of; anything else is a foreign file."""
        return _KNOWN[module, name]
