"""The versions of each list: a folder for each list, one immutable file a version, one index.

``<root>/lists/<code>/<version id>.bits`` and ``<root>/lists/<code>/current.json``. A version exists when the
index names it; the index is replaced as a whole, by rename, so a reader sees the old or the new one.
"""

import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from dialguard.files import sync_folder
from dialguard.lists.bits import BitsReader
from dialguard.lists.errors import ListDamaged, ListError
from dialguard.model.moment import Instant

INDEX = "current.json"
WORK = ".import-"
"""Prefix of the folder in which an import works; such a folder is not part of the list."""

_FORMAT = 1
_NEW_INDEX = ".current.json.new"
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MEND = "restore the folder from a copy, or move it away and import the list again"


class Changes(NamedTuple):
    """What a version made from a change list came from: ``base`` is the id of the version that was changed and
    ``base_sha256`` the digest of its manifest; ``first`` and ``last`` are the days (ordinals) that the change list spans;
    ``added`` and ``removed`` count the numbers that it put on and took off, ``absent`` its deletions of numbers not held."""

    base: str
    base_sha256: str
    first: int
    last: int
    added: int
    removed: int
    absent: int


@dataclass(frozen=True, slots=True)
class Version:
    """One imported version of a list. Dates are proleptic ordinals, instants microseconds since 1970 UTC.

    ``published``: the day of the publisher's copy; ``effective``: from when the law wants it used;
    ``use_by``: the last day on which it may be used. ``rows`` are the good rows of the source, ``numbers``
    the distinct numbers in them, ``digest`` the SHA-256 of the source file as given. ``area_codes`` None
    means that absence is meaningful for every area code. ``withdrawn_at`` is set by a rollback. ``changes`` is there
    when the source was a change list: ``rows``, ``digest`` and ``source`` then speak of that, ``numbers`` of the whole list.
    """

    id: str
    code: str
    published: int
    effective: int | None
    use_by: int | None
    received_at: Instant
    rows: int
    numbers: int
    digest: str
    area_codes: frozenset[int] | None
    duplicates: int = 0
    bad_rows: int = 0
    san: str | None = None
    source: str = ""
    withdrawn_at: Instant | None = None
    changes: Changes | None = None

    @property
    def file_name(self) -> str:
        """The name of the version's file in the list's folder."""
        return f"{self.id}.bits"

    def known_at(self, as_of: Instant | None) -> bool:
        """Whether the version was held at ``as_of``; None asks whether it is held now."""
        if as_of is None:
            return self.withdrawn_at is None
        return self.received_at <= as_of and (self.withdrawn_at is None or as_of < self.withdrawn_at)


class Entry(NamedTuple):
    """A version in the index, with the SHA-256 of the manifest that its file must carry."""

    version: Version
    manifest_sha256: str


def as_record(version: Version) -> dict[str, Any]:
    """The version as JSON: dates in ISO form, area codes sorted; ``changes`` only where there are any."""
    record: dict[str, Any] = {
        "id": version.id,
        "code": version.code,
        "published": _iso(version.published),
        "effective": _iso(version.effective),
        "use_by": _iso(version.use_by),
        "received_at": version.received_at,
        "rows": version.rows,
        "numbers": version.numbers,
        "duplicates": version.duplicates,
        "bad_rows": version.bad_rows,
        "digest": version.digest,
        "area_codes": None if version.area_codes is None else sorted(version.area_codes),
        "san": version.san,
        "source": version.source,
    }
    if version.changes is not None:
        spans = {"first": _iso(version.changes.first), "last": _iso(version.changes.last)}
        record["changes"] = version.changes._asdict() | spans
    return record


def from_record(record: dict[str, Any]) -> Version:
    """The inverse of ``as_record``. Raises KeyError, TypeError or ValueError when it is not one."""
    codes = record["area_codes"]
    changes = record.get("changes")
    numbers = {name: record[name] for name in ("received_at", "rows", "numbers", "duplicates", "bad_rows")}
    words = {name: record[name] for name in ("id", "code", "digest", "source")}
    if not all(type(value) is int for value in numbers.values()) or not all(type(w) is str for w in words.values()):
        raise TypeError("a field has the wrong type")
    published = _ordinal(record["published"])
    if published is None or not _CODE.fullmatch(words["id"]):
        raise ValueError("no published date or no id")
    return Version(
        **words,
        **numbers,
        published=published,
        effective=_ordinal(record["effective"]),
        use_by=_ordinal(record["use_by"]),
        area_codes=None if codes is None else frozenset(codes),
        san=record["san"],
        withdrawn_at=record.get("withdrawn_at"),
        changes=None if changes is None else _changes(changes),
    )


def _changes(record: dict[str, Any]) -> Changes:
    first, last = _ordinal(record["first"]), _ordinal(record["last"])
    counts = {name: record[name] for name in ("added", "removed", "absent")}
    if first is None or last is None or not all(type(value) is int for value in counts.values()):
        raise TypeError("a change list without its days or counts")
    if type(record["base"]) is not str or type(record["base_sha256"]) is not str:
        raise TypeError("a change list without its base")
    return Changes(record["base"], record["base_sha256"], first, last, **counts)


def _iso(ordinal: int | None) -> str | None:
    return None if ordinal is None else date.fromordinal(ordinal).isoformat()


def _ordinal(text: str | None) -> int | None:
    return None if text is None else date.fromisoformat(text).toordinal()


def list_folder(root: str | os.PathLike[str], code: str) -> Path:
    """The folder of a list. Raises ListError when ``code`` cannot name one."""
    wrong = "" if isinstance(code, str) and _CODE.fullmatch(code) else "1 to 64 letters, digits, _ or -"
    if not wrong and code.lower() == "national" and code != "national":
        wrong = "national in small letters"
    if not wrong and len(code) == 2 and code.isalpha() and not code.isupper():
        wrong = "a state's two letters as capitals"
    if wrong:
        raise ListError(
            "code", where="list name", found=repr(code), expected=wrong,
            todo="name it national, a state such as TX, or a name of your own",
        )
    return Path(root) / "lists" / code


def list_codes(root: str | os.PathLike[str]) -> tuple[str, ...]:
    """The lists that have a folder, sorted."""
    try:
        with os.scandir(Path(root) / "lists") as found:
            return tuple(sorted(item.name for item in found if item.is_dir() and _CODE.fullmatch(item.name)))
    except FileNotFoundError:
        return ()


def read_index(folder: Path) -> tuple[Entry, ...]:
    """All versions of a list, withdrawn ones too, by published and then received; empty when there is none.

    Raises ListDamaged when the index cannot be read, or is gone while versions are there.
    """
    path = folder / INDEX
    try:
        index = json.loads(path.read_bytes())
        if index["format"] != _FORMAT or index["code"] != folder.name:
            raise ValueError("another format or another list")
        entries = [Entry(from_record(item), item["manifest_sha256"]) for item in index["versions"]]
    except FileNotFoundError:
        if folder.is_dir() and any(folder.glob("*.bits")):
            raise ListDamaged(str(path), "the index is missing while versions are there", _MEND) from None
        return ()
    except OSError as error:
        raise ListDamaged(str(path), f"the index cannot be read ({error.strerror})", "check its permissions") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ListDamaged(str(path), "the index is torn, altered or of another format", _MEND) from error
    return tuple(sorted(entries, key=lambda entry: (entry.version.published, entry.version.received_at)))


def write_index(folder: Path, entries: Sequence[Entry]) -> None:
    """Replace the index in one step and bring it to the disk."""
    versions = [
        as_record(entry.version)
        | ({} if entry.version.withdrawn_at is None else {"withdrawn_at": entry.version.withdrawn_at})
        | {"manifest_sha256": entry.manifest_sha256}
        for entry in entries
    ]
    lines = ",\n".join(json.dumps(version) for version in versions)
    text = f'{{"format": {_FORMAT}, "code": "{folder.name}", "versions": [\n{lines}\n]}}\n'
    write_atomically(folder / INDEX, text.encode(), folder / _NEW_INDEX)


def write_atomically(path: Path, content: bytes, temporary: Path) -> None:
    """Write ``path`` so that after any interruption it holds the old or the new content."""
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the list against other imports and rollbacks; look-ups are not held up.

    Makes the folder when it is missing. Raises ListError when another process holds it or the disk refuses.
    """
    with storing(folder):
        descriptor = _hold(folder)
    try:
        with storing(folder):
            (folder / _NEW_INDEX).unlink(missing_ok=True)
            yield
    finally:
        os.close(descriptor)


def _hold(folder: Path) -> int:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # An import that failed may have removed the folder since it was opened.
            if os.stat(folder).st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        except BlockingIOError:
            os.close(descriptor)
            raise ListError(
                "busy", where=f"list {folder.name}", found="another import or rollback of this list is running",
                todo="wait until it has ended",
            ) from None
        os.close(descriptor)


@contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Turn what the operating system says while the store is written into a ListError."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise ListError(
            "disk_full" if full else "storage",
            where=str(folder),
            found=f"the list could not be written ({error.strerror or error})",
            expected="room for 1 MB an area code" if full else "a folder that this user may write",
            todo="make room and try again" if full else "check the folder's permissions and its disk",
        ) from error


def open_version(folder: Path, entry: Entry) -> BitsReader:
    """The file of a version. Raises ListDamaged when it is missing, torn, or not the one that the index names."""
    reader = BitsReader(folder / entry.version.file_name)
    try:
        same = from_record(reader.manifest) == replace(entry.version, withdrawn_at=None)
    except (KeyError, TypeError, ValueError):
        same = False
    if not same or reader.manifest_sha256 != entry.manifest_sha256:
        raise ListDamaged(str(reader.path), "the file and the index do not agree", _MEND)
    return reader


def rollback(
    root: str | os.PathLike[str], code: str, *, version_id: str | None = None, at: Instant = 0
) -> Version | None:
    """Withdraw the latest version of a list, or the one named; returns the one that is latest now, if any.

    The file is kept. ``at`` is the moment of the withdrawal, for answers as of an earlier moment; without it
    the version counts as never held. Raises ListError when there is no such version, ListDamaged.
    """
    folder = list_folder(root, code)
    if not folder.is_dir():
        raise _nothing(code, version_id)
    with locked(folder):
        entries = list(read_index(folder))
        held = [n for n, entry in enumerate(entries) if entry.version.withdrawn_at is None]
        chosen = [n for n in held if version_id is None or entries[n].version.id == version_id]
        if not chosen:
            raise _nothing(code, version_id)
        place = chosen[-1]
        built = [entries[n].version for n in held if (changes := entries[n].version.changes) and changes.base == entries[place].version.id]
        if built:
            raise ListError(
                "base",
                where=f"list {code}",
                found=f"version {built[0].id} was made from version {entries[place].version.id} by a change list",
                todo=f"withdraw {built[0].id} first",
            )
        entries[place] = entries[place]._replace(version=replace(entries[place].version, withdrawn_at=at))
        write_index(folder, entries)
        left = [entries[n].version for n in held if n != place]
        return left[-1] if left else None


def _nothing(code: str, version_id: str | None) -> ListError:
    wanted = "no version" if version_id is None else f"no version {version_id}"
    return ListError("no_version", where=f"list {code}", found=f"{wanted} is held", todo="see `dialguard lists status`")


class ListStatus(NamedTuple):
    """A list as it stands: its versions now held in order, how many were withdrawn, bytes on the disk, or what
    is wrong with it."""

    code: str
    versions: tuple[Version, ...]
    withdrawn: int
    size: int
    problem: ListDamaged | None


def status(root: str | os.PathLike[str]) -> tuple[ListStatus, ...]:
    """Every list with a version or a problem, by name. Reads the indexes only."""
    out = []
    for code in list_codes(root):
        folder = Path(root) / "lists" / code
        size = sum(path.stat().st_size for path in folder.glob("*.bits"))
        try:
            entries = read_index(folder)
        except ListDamaged as error:
            out.append(ListStatus(code, (), 0, size, error))
            continue
        held = tuple(entry.version for entry in entries if entry.version.withdrawn_at is None)
        if entries:
            out.append(ListStatus(code, held, len(entries) - len(held), size, None))
    return tuple(out)


class Checked(NamedTuple):
    """A file of the list store after ``verify``: its list, its name, and what is wrong with it, if anything."""

    code: str
    file: str
    problem: str | None


def verify(root: str | os.PathLike[str]) -> tuple[Checked, ...]:
    """Read every file of every list again: index, header, digest of the blocks, bits counted.

    Withdrawn versions are read as well; a version file that the index does not name is reported.
    """
    out = []
    for code in list_codes(root):
        folder = Path(root) / "lists" / code
        try:
            entries = read_index(folder)
        except ListDamaged as error:
            out.append(Checked(code, INDEX, error.found))
            continue
        for entry in entries:
            name = entry.version.file_name
            try:
                open_version(folder, entry).check()
                out.append(Checked(code, name, None))
            except ListDamaged as error:
                out.append(Checked(code, name, error.found))
        named = {entry.version.file_name for entry in entries}
        stray = sorted(path.name for path in folder.glob("*.bits") if path.name not in named)
        out += [Checked(code, name, "no version of the index; left by an import that did not end") for name in stray]
    return tuple(out)
