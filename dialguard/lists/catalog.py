"""Look-ups in the lists of a store folder."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dialguard.facts import clock
from dialguard.lists.bits import BitsReader, national_number
from dialguard.lists.errors import ListDamaged, ListError
from dialguard.lists.succession import standing, superseded
from dialguard.lists.versions import INDEX, Entry, Version, list_codes, list_folder, open_version, read_index
from dialguard.model.moment import DAY, EPOCH_ORDINAL, SECOND, Instant

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Catalog", "Version", "VersionAnswer"]

_Stamp = tuple[int, int, int] | None
SPARE = 64
"""Superseded versions that are kept open: each has a descriptor and a mapping."""
_DATES = 100
_ASKED = 1000
_NOT_ASKED: tuple[object, list] = (None, [])
_UNSEEN = object()
_GRAIN = 2 * SECOND
"""Time after which another change of a folder is sure to bear another moment."""


class VersionAnswer(NamedTuple):
    """What one version says of a number: ``listed`` None means that it does not cover the area code."""

    version: Version
    listed: bool | None


class _List(NamedTuple):
    index: str
    stamp: _Stamp
    entries: tuple[Entry, ...]
    damage: ListDamaged | None
    readers: dict[str, BitsReader]
    held: tuple[Version, ...] = ()
    superseded: frozenset[str] = frozenset()
    """Ids of versions that stood no more when the index was read."""
    asked: dict[int | None, tuple[Entry, ...]] = {}
    """By ``since``, those that are asked as things stand."""


class Catalog:
    """The lists under ``<root>/lists``, opened for look-ups as they are asked for.

    A list that has no folder has no versions. A version stays as it was opened until ``refresh``; every
    look-up between two calls of it is answered from the same versions. Safe to share between threads.
    Superseded versions are opened when they are asked for, and of them few are kept open; who still reads one that is let go keeps it.
    ``since``: the first local date (an ordinal) that is asked about; versions superseded by then are left out.
    ListDamaged, raised by any look-up, means unknown.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        self._lists: dict[str, _List] = {}
        self._spare: dict[tuple[str, str], BitsReader] = {}
        self._lock = threading.Lock()
        self._asking: dict[tuple[tuple[str, ...], int | None], tuple[object, list[Callable[[int], bool | None]]]] = {}
        self.mark = object()
        """Another object whenever answers may come from other versions than before."""
        self._folder = os.fspath(list_folder(self.root, "national").parent)
        self._looked: object = _UNSEEN
        """The stamp of the lists' folder when it was last looked which lists have none of their own: ``_absent``."""
        self._absent: frozenset[str] = frozenset()

    def codes(self) -> tuple[str, ...]:
        """The lists that have a folder, by name."""
        return list_codes(self.root)

    def versions(self, code: str, as_of: Instant | None = None, since: int | None = None) -> tuple[Version, ...]:
        """The versions of a list held now, or held at ``as_of``, by published and then received.

        Raises ListDamaged when the index is; ListError when ``code`` cannot name a list.
        """
        found = self._list(code)
        return found.held if as_of is None and since is None else tuple(entry.version for entry in self._asked(found, as_of, since))

    def answers(
        self, code: str, national10: str | int, as_of: Instant | None = None, since: int | None = None
    ) -> tuple[VersionAnswer, ...]:
        """What each of those versions says of a number. Raises ValueError when it is not one, ListDamaged."""
        number = national_number(national10)
        found = self._list(code)
        if not found.entries:
            return ()
        asked = self._asked(found, as_of, since)
        return tuple([VersionAnswer(entry.version, self._reader(found, entry).contains(number)) for entry in asked])

    def said(self, codes: tuple[str, ...], national10: str, since: int | None) -> list[bool | None]:
        """What each version held now of some lists says of a number, in their order; otherwise as ``answers``."""
        number = national_number(national10)
        mark, asked = self._asking.get((codes, since), _NOT_ASKED)
        if mark is not self.mark:
            asked = self._ask_of(codes, since)
        return [ask(number) for ask in asked]

    def _ask_of(self, codes: tuple[str, ...], since: int | None) -> list[Callable[[int], bool | None]]:
        """What answers for each version of some lists; kept, as long as the lists are the same, where no version is superseded."""
        mark, there, passing = self.mark, [], False
        for code in codes:
            found = self._list(code)
            for entry in found.asked.get(since) or self._asked(found, None, since):
                there.append(self._reader(found, entry).contains)
                passing = passing or entry.version.id in found.superseded
        if not passing:
            if len(self._asking) >= _ASKED:
                self._asking.clear()
            self._asking[codes, since] = mark, there
        return there

    def contains(self, version: Version, national10: str | int) -> bool | None:
        """What one version says of a number; None when it does not cover the area code.

        Raises ValueError when it is not a number, ListError when the version is not held, ListDamaged.
        """
        return self.reader(version).contains(national10)

    def contains_many(self, version: Version, npa: "np.ndarray", line: "np.ndarray") -> "np.ndarray":
        """The same for many numbers, see ``BitsReader.contains_many``: 1 listed, 0 not, -1 not known."""
        return self.reader(version).contains_many(npa, line)

    def reader(self, version: Version) -> BitsReader:
        """The open file of a version. Raises ListError when it is not held, ListDamaged."""
        found = self._list(version.code)
        for entry in found.entries:
            if entry.version.id == version.id:
                return self._reader(found, entry)
        raise ListError(
            "no_version", where=f"list {version.code}", found=f"version {version.id} is not held",
            todo="ask for the versions again",
        )

    def refresh(self) -> bool:
        """Take up lists that were changed since they were opened; says whether any was.

        One stat a list that was asked for, but for those that have no folder: there is one for all of them. Files already open are kept
        when their version still stands.
        """
        lists = _stamp(self._folder)
        same, changed = lists == self._looked, False
        for code, old in list(self._lists.items()):
            if same and code in self._absent:
                continue
            if _stamp(old.index) != old.stamp or old.damage is not None:
                self._lists[code] = self._open(list_folder(self.root, code), old)
                self._changed()
                changed = True
        if not same:
            # Of what changes within the grain of a file system's clock the stamp does not tell.
            settled = lists is None or clock.now() - lists[0] // 1000 > _GRAIN
            self._absent = frozenset(
                code for code, each in list(self._lists.items()) if each.stamp is None and not os.path.lexists(os.path.dirname(each.index))
            )
            self._looked = lists if settled else _UNSEEN
        return changed

    def _changed(self) -> None:
        self.mark, self._asking = object(), {}

    def _list(self, code: str) -> _List:
        found = self._lists.get(code)
        if found is None:
            found = self._lists[code] = self._open(list_folder(self.root, code), None)
            self._changed()
            self._looked = _UNSEEN
        if found.damage is not None:
            raise ListDamaged(found.damage.where, found.damage.found, found.damage.todo)
        return found

    @staticmethod
    def _open(folder: Path, old: _List | None) -> _List:
        index = str(folder / INDEX)
        stamp = _stamp(index)
        try:
            entries = read_index(folder)
        except ListDamaged as error:
            return _List(index, stamp, (), error, {})
        had = {entry.version.id: entry.manifest_sha256 for entry in old.entries} if old is not None else {}
        kept = {
            entry.version.id: old.readers[entry.version.id]
            for entry in entries
            if old is not None
            and entry.version.id in old.readers
            and had[entry.version.id] == entry.manifest_sha256
        }
        held = tuple(entry.version for entry in entries if entry.version.known_at(None))
        today = clock.now() // DAY + EPOCH_ORDINAL - 1  # somewhere it is still yesterday
        gone = frozenset(id_ for id_, day in superseded(held).items() if day <= today) | {
            entry.version.id for entry in entries if not entry.version.known_at(None)
        }
        return _List(index, stamp, entries, None, {id_: reader for id_, reader in kept.items() if id_ not in gone}, held, gone, {})

    @staticmethod
    def _asked(found: _List, as_of: Instant | None, since: int | None) -> tuple[Entry, ...]:
        asked = found.asked.get(since) if as_of is None else None
        if asked is None:
            wanted = {version.id for version in standing([each.version for each in found.entries if each.version.known_at(as_of)], since)}
            asked = tuple(entry for entry in found.entries if entry.version.id in wanted)
            if as_of is None:
                if len(found.asked) >= _DATES:
                    found.asked.clear()
                found.asked[since] = asked
        return asked

    def _reader(self, found: _List, entry: Entry) -> BitsReader:
        version = entry.version
        reader = found.readers.get(version.id)
        if reader is not None:
            return reader
        if version.id not in found.superseded:
            reader = found.readers[version.id] = open_version(list_folder(self.root, version.code), entry)
            return reader
        key = version.code, entry.manifest_sha256
        with self._lock:
            reader = self._spare.pop(key, None) or open_version(list_folder(self.root, version.code), entry)
            self._spare[key] = reader
            if len(self._spare) > SPARE:
                del self._spare[next(iter(self._spare))]
            return reader


def _stamp(index: str) -> _Stamp:
    try:
        stat = os.stat(index)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size
