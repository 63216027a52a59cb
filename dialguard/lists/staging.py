"""How a new version comes to its place, whatever it was made from: its particulars, its folder of work, the last step."""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dialguard.files import sync_folder
from dialguard.lists.bits import FIRST_NPA, LAST_NPA
from dialguard.lists.errors import ListAlreadyImported, ListDamaged, ListImportError
from dialguard.lists.versions import INDEX, WORK, Entry, Version, open_version, read_index, write_atomically, write_index
from dialguard.model.moment import DAY, Instant

if TYPE_CHECKING:
    import numpy as np

    from dialguard.lists.reading import Source

Progress = Callable[[str, int, int], None]
"""Told a step (``digest``, ``read``, ``checkpoint``, ``resumed``, ``count``, ``written``, ``placed``,
``listed``, ``done``), how much of it is done and the whole (bytes for ``digest``, ``read``, ``checkpoint`` and
``resumed``; else 1 of 1)."""

SHRINK_FROM = 1_000
"""An area code with at least so many numbers may not lose a fifth of them unseen, nor may the whole list."""

ALL = frozenset(range(FIRST_NPA, LAST_NPA + 1))
"""Every area code that there can be."""

_EPOCH = date(1970, 1, 1)


class Dates(NamedTuple):
    """The dates of a version, as ordinals."""

    published: int
    effective: int | None
    use_by: int | None


def dates_of(published: date, effective: date | None, use_by: date | None, received_at: Instant) -> Dates:
    """The dates as ordinals. Raises ListImportError when they cannot be."""
    received = _EPOCH + timedelta(microseconds=received_at - received_at % DAY)
    wrong = ""
    # A day's grace: the publisher's date may be ahead of the date in UTC.
    if published > received + timedelta(days=1):
        wrong = f"published on {published}, after it was received on {received}"
    elif use_by is not None and use_by < max(published, effective or published):
        wrong = f"to be used by {use_by}, before it was published or takes effect"
    if wrong:
        raise ListImportError(
            "dates", where="dates of the list", found=wrong,
            todo="published is the day of the publisher's copy; the day from which it counts is effective",
        )
    return Dates(published.toordinal(), _ordinal(effective), _ordinal(use_by))


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


class Outside:
    """Rows in area codes that the subscription does not cover: how many in each."""

    def __init__(self, covered: frozenset[int] | None, counts: Mapping[str, int] | None = None) -> None:
        import numpy as np

        self._wanted: np.ndarray | None = None
        if covered is not None:
            self._wanted = np.zeros(1000, bool)
            self._wanted[list(covered)] = True
        self._covered = covered
        self.counts = {int(npa): count for npa, count in (counts or {}).items()}

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return sum(self.counts.values())

    def inside(self, npa: "np.ndarray") -> "np.ndarray | None":
        """Which rows are covered; None when all are. The others are counted."""
        import numpy as np

        if self._wanted is None or self._wanted[npa].all():
            return None
        inside = self._wanted[npa]
        for code, count in zip(*np.unique(npa[~inside], return_counts=True), strict=True):
            self.counts[int(code)] = self.counts.get(int(code), 0) + int(count)
        return inside

    def refuse(self, where: str, allowed: bool) -> None:
        """Raise ListImportError when there were any and they are not allowed."""
        if self.counts and not allowed:
            raise ListImportError(
                "outside", where=where, found=f"{self.rows:,} row{'s' if self.rows != 1 else ''} in area code {some(sorted(self.counts))}",
                expected=f"only {some(sorted(self._covered or ()))}, which the subscription covers",
                todo="name all area codes of the subscription (area_codes), or leave these rows out by name (allow_outside)",
            )


def tidy(folder: Path) -> None:
    """Take away the folder of a list that has never had a version."""
    if not any(name != INDEX for name in os.listdir(folder)) and not read_index(folder):
        (folder / INDEX).unlink(missing_ok=True)
        folder.rmdir()


class Staging:
    """The folder of work of one new version, under the list's lock."""

    def __init__(
        self, folder: Path, source: "Source", dates: Dates, san: str | None, received_at: Instant, tell: Progress
    ) -> None:
        self.folder, self.source, self.dates, self.san = folder, source, dates, san
        self.received_at, self.tell = received_at, tell
        self.work = folder / f"{WORK}{source.digest[:16]}"
        self.bits_path = self.work / "bits"

    def clear(self, entries: tuple[Entry, ...], keep: str) -> None:
        """Remove what imports that were killed left behind, save the work that this one can go on with."""
        named = {entry.version.file_name for entry in entries}
        for work in self.folder.glob(f"{WORK}*"):
            try:
                placed = json.loads((work / "placed.json").read_bytes())["file"]
            except (OSError, ValueError, KeyError, TypeError):
                placed = None
            if placed is not None and placed not in named:
                (self.folder / Path(placed).name).unlink(missing_ok=True)
            if work.name != keep or placed is not None:
                shutil.rmtree(work)

    def held(self, entries: tuple[Entry, ...], same: Callable[[Version], bool]) -> Version | None:
        """The version that this very file made on this date, if it is held; warns ``ListAlreadyImported`` then.

        ``same`` says whether it has the same particulars too. Raises ListImportError when it has not.
        """
        for version in (entry.version for entry in entries):
            if version.withdrawn_at is not None or version.digest != self.source.digest:
                continue
            if version.published != self.dates.published:
                continue
            dates = (version.effective, version.use_by, version.san) == (self.dates.effective, self.dates.use_by, self.san)
            if not (dates and same(version)):
                raise ListImportError(
                    "same_file", where=self.source.where,
                    found=f"version {version.id} is this very file with another effective date, use-by date, SAN, "
                    "base or other area codes",
                    todo="roll that version back first if its particulars are wrong",
                )
            shutil.rmtree(self.work, ignore_errors=True)
            warnings.warn(
                f"{self.source.where} is version {version.id} of list {version.code}, imported before",
                ListAlreadyImported,
                stacklevel=5,
            )
            return version
        return None

    def new_id(self, entries: tuple[Entry, ...]) -> str:
        """An id for the version: its date and the beginning of its digest, numbered where that is taken."""
        name = base = f"{date.fromordinal(self.dates.published).isoformat()}-{self.source.digest[:12]}"
        taken = {entry.version.id for entry in entries}
        again = 2
        while name in taken:
            name, again = f"{base}-{again}", again + 1
        return name

    def commit(self, entries: tuple[Entry, ...], entry: Entry) -> None:
        """Move the finished file to its place and name it in the index; after an error neither is there."""
        try:
            name = entry.version.file_name
            note = json.dumps({"file": name}).encode()
            write_atomically(self.work / "placed.json", note, self.work / "placed.new")
            os.rename(self.bits_path, self.folder / name)
            sync_folder(self.folder)
            self.tell("placed", 1, 1)
            write_index(self.folder, (*entries, entry))
            self.tell("listed", 1, 1)
            shutil.rmtree(self.work)
            self.tell("done", 1, 1)
        except Exception:  # whatever it was, the catalogue does not name the version: its file goes again
            with suppress(OSError, ListDamaged):
                self.clear(read_index(self.folder), keep="")
            raise

    def refuse_shrink(self, entries: tuple[Entry, ...], new: Version, counts: dict[int, int]) -> None:
        """Raise ListImportError when the version has a fifth fewer numbers than those before it, in all or in an area code.

        Each area code is compared with the latest earlier version that covers it, since a subscription may come as one file an area code.
        """
        place = (new.published, new.received_at)
        earlier = [
            entry for entry in entries
            if entry.version.withdrawn_at is None and (entry.version.published, entry.version.received_at) <= place
        ]
        left = ALL if new.area_codes is None else new.area_codes
        for entry in reversed(earlier):
            covered = ALL if entry.version.area_codes is None else entry.version.area_codes
            if left & covered:
                self._compare(entry, left & covered, new, counts)
                left = left - covered

    def _compare(self, entry: Entry, both: frozenset[int], new: Version, counts: dict[int, int]) -> None:
        old = entry.version
        try:
            before = open_version(self.folder, entry).counts()
        except ListDamaged:
            # The new version is the cure for a damaged one; the index still knows how many numbers it had.
            pairs = [("the list", old.numbers, new.numbers)] if old.area_codes == new.area_codes else []
        else:
            pairs = [("the list", sum(before.get(npa, 0) for npa in both), sum(counts.get(npa, 0) for npa in both))]
            pairs += [
                (f"area code {npa}", before[npa], counts.get(npa, 0))
                for npa in sorted(both) if before.get(npa, 0) >= SHRINK_FROM
            ]
        for what, had, has in pairs:
            if had > 0 and has * 5 <= had * 4:
                raise ListImportError(
                    "shrink", where=self.source.where,
                    found=f"{what} has {has:,} numbers, {had:,} in version {old.id}: {1 - has / had:.0%} fewer",
                    expected="less than 20% fewer",
                    todo="check that the file is whole; if it is, allow the shrink by name (allow_shrink)",
                )


def some(codes: list[int]) -> str:
    """The first few area codes."""
    shown = ", ".join(str(npa) for npa in codes[:5])
    return f"{shown} and {len(codes) - 5} more" if len(codes) > 5 else shown
