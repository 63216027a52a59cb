"""Bringing a list file in as a new version, whole or not at all."""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from dialguard.lists import bits, reading
from dialguard.lists.bits import BLOCK, HEADER, BitsWriter, area_code_set
from dialguard.lists.errors import BadRow, BadRowsError, ListAlreadyImported, ListDamaged, ListError, ListImportError
from dialguard.lists.reading import Source
from dialguard.lists.versions import (
    INDEX, WORK, Entry, Version, as_record, from_record, list_folder, locked, open_version, read_index, sync_folder,
    write_atomically, write_index,
)
from dialguard.model.moment import DAY, Instant

Progress = Callable[[str, int, int], None]
"""Told a step (``digest``, ``read``, ``checkpoint``, ``resumed``, ``count``, ``written``, ``placed``,
``listed``, ``done``), how much of it is done and the whole (bytes for ``digest``, ``read``, ``checkpoint`` and
``resumed``; else 1 of 1)."""

CHECKPOINT = 256 << 20
"""Bytes of source text after which an import writes down how far it is, to go on there if it is killed."""

SHRINK_FROM = 1_000
"""An area code with at least so many numbers may not lose a fifth of them unseen, nor may the whole list."""

_SHOWN = 20
_EPOCH = date(1970, 1, 1)
_Dates = tuple[int, int | None, int | None]
"""Published, effective, use-by, as ordinals."""

WHOLE_FROM = 200
"""Area codes from which a national file is taken for the whole registry when nobody says what it covers (of 380 there are)."""


def import_list(
    root: str | os.PathLike[str],
    code: str,
    path: str | os.PathLike[str],
    *,
    published: date,
    effective: date | None = None,
    use_by: date | None = None,
    san: str | None = None,
    area_codes: Iterable[int | str] | None = None,
    whole_plan: bool = False,
    as_found: bool = False,
    received_at: Instant,
    allow_shrink: bool = False,
    allow_bad_rows: int = 0,
    expected_rows: int | None = None,
    progress: Progress | None = None,
) -> Version:
    """Import a full list from a file (see ``formats``; plain or a zip with one file) and return its version.

    ``code`` is ``national``, a state's two letters or a private name. ``area_codes`` are those that the list
    answers for, such as those paid for under ``san``; a row outside them is a bad row, and a number in any
    other area code is then unknown. None means that the list answers for every area code; for ``national``
    that has to be said with ``whole_plan``, since a file of some area codes taken for the whole registry
    would clear all others. ``as_found`` takes the area codes that occur in the file for those that it covers, and a file of
    at least ``WHOLE_FROM`` of them for the whole registry.

    The list changes in one step at the end; killed at any point, the import leaves the list as it was, and
    the same import started again goes on from its last checkpoint. The same file with the same dates returns
    the version already held and warns ``ListAlreadyImported``.

    Raises BadRowsError when more than ``allow_bad_rows`` rows are bad, ListImportError for every other
    refusal (no rows; not ``expected_rows`` good rows; an area code in the file's name that is not that of its
    content; a fifth fewer numbers than the version before, in all or in one area code, unless
    ``allow_shrink``; the dates; a full disk), ListDamaged when the index of the list is.
    """
    tell = progress or (lambda step, done, whole: None)
    dates = _dates(published, effective, use_by, received_at)
    covered = _covered(code, area_codes, whole_plan or as_found)
    try:
        folder = list_folder(root, code)
        with Source(path, lambda done, whole: tell("digest", done, whole)) as source, locked(folder):
            try:
                return _Import(folder, source, dates, covered, as_found, san, received_at, tell).run(
                    allow_shrink, allow_bad_rows, expected_rows
                )
            finally:
                _tidy(folder)
    except (ListImportError, ListDamaged):
        raise
    except ListError as error:
        raise ListImportError(
            error.kind, where=error.where, found=error.found, expected=error.expected, todo=error.todo
        ) from error


def _dates(published: date, effective: date | None, use_by: date | None, received_at: Instant) -> _Dates:
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
    return published.toordinal(), _ordinal(effective), _ordinal(use_by)


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


def _covered(code: str, area_codes: Iterable[int | str] | None, whole_plan: bool) -> frozenset[int] | None:
    found = ""
    covered = None
    try:
        covered = None if area_codes is None else area_code_set(area_codes)
    except ValueError as error:
        found = str(error)
    if covered is not None and whole_plan:
        found = "both area codes and the whole plan"
    if covered is not None and not covered:
        found = "no area code at all"
    if covered is None and not whole_plan and code == "national" and not found:
        found = "not said which area codes the copy covers"
    if found:
        raise ListImportError(
            "area_codes", where="area codes of the list", found=found,
            expected="the area codes of the subscription, or that it is the whole registry",
            todo="give area_codes, or whole_plan=True for the whole registry",
        )
    return covered


def _tidy(folder: Path) -> None:
    """Take away the folder of a list that has never had a version."""
    if not any(name != INDEX for name in os.listdir(folder)) and not read_index(folder):
        (folder / INDEX).unlink(missing_ok=True)
        folder.rmdir()


class _Import:
    """One run, under the list's lock."""

    def __init__(
        self, folder: Path, source: Source, dates: _Dates, covered: frozenset[int] | None, as_found: bool,
        san: str | None, received_at: Instant, tell: Progress,
    ) -> None:
        self.folder = folder
        self.source = source
        self.dates = dates
        self.covered = covered
        self.as_found = as_found
        self.san = san
        self.received_at = received_at
        self.tell = tell
        self.work = folder / f"{WORK}{source.digest[:16]}"
        self.bits_path = self.work / "bits"
        self.rows = self.bad_count = 0
        self.bad: list[BadRow] = []
        self.offset, self.line = source.first, source.first_line

    def run(self, allow_shrink: bool, allow_bad_rows: int, expected_rows: int | None) -> Version:
        entries = read_index(self.folder)
        self._clear(entries, keep=self.work.name)
        held = self._held(entries)
        if held is not None:
            return held
        if not (self.folder / INDEX).exists():
            # From here on a version file without an index is damage and not a first import that was killed.
            write_index(self.folder, ())
            sync_folder(self.folder.parent)
            sync_folder(self.folder.parent.parent)
        writer = None
        try:
            writer = self._begin()
            self._read(writer)
            self.source.unchanged()
            self._accept(writer, allow_bad_rows, expected_rows)
            version, counts, manifest = self._manifest(writer, entries)
            if not allow_shrink:
                self._refuse_shrink(entries, version, counts)
            digest = writer.finish(manifest)
            self.tell("written", 1, 1)
        except Exception:
            # Not when interrupted: then the same import goes on from its checkpoint.
            shutil.rmtree(self.work, ignore_errors=True)
            raise
        finally:
            if writer is not None:
                writer.close()
        try:
            self._commit(entries, Entry(version, digest))
        except Exception:  # whatever it was, the catalogue does not name the version: its file goes again
            with suppress(OSError, ListDamaged):
                self._clear(read_index(self.folder), keep="")
            raise
        return version

    def _clear(self, entries: tuple[Entry, ...], keep: str) -> None:
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

    def _held(self, entries: tuple[Entry, ...]) -> Version | None:
        published, effective, use_by = self.dates
        for version in (entry.version for entry in entries):
            if version.withdrawn_at is not None or version.digest != self.source.digest:
                continue
            if version.published != published:
                continue
            mine = (effective, use_by, version.area_codes if self.as_found else self.covered, self.san)
            if (version.effective, version.use_by, version.area_codes, version.san) != mine:
                raise ListImportError(
                    "same_file", where=self.source.where,
                    found=f"version {version.id} is this very file with another effective date, use-by date, SAN "
                    "or other area codes",
                    todo="roll that version back first if its particulars are wrong",
                )
            shutil.rmtree(self.work, ignore_errors=True)
            warnings.warn(
                f"{self.source.where} is version {version.id} of list {version.code}, imported before",
                ListAlreadyImported,
                stacklevel=4,
            )
            return version
        return None

    def _key(self) -> dict[str, Any]:
        codes = None if self.covered is None else sorted(self.covered)
        return {"format": bits.FORMAT, "digest": self.source.digest, "area_codes": codes}

    def _begin(self) -> BitsWriter:
        try:
            state = json.loads((self.work / "state.json").read_bytes())
            blocks = state["blocks"]
            if state["key"] == self._key() and self.bits_path.stat().st_size >= HEADER + BLOCK * len(blocks):
                self.offset, self.line, self.rows = state["offset"], state["line"], state["rows"]
                self.bad_count, self.bad = state["bad_count"], [BadRow(*row) for row in state["bad"]]
                writer = BitsWriter(self.bits_path, blocks)
                self.tell("resumed", self.offset, self.source.size)
                return writer
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass
        if self.work.exists():
            shutil.rmtree(self.work)
        self.work.mkdir()
        return BitsWriter(self.bits_path)

    def _read(self, writer: BitsWriter) -> None:
        import numpy as np

        wanted = None
        if self.covered is not None:
            wanted = np.zeros(1000, bool)
            wanted[list(self.covered)] = True
        mark = self.offset
        for piece in self.source.pieces(self.offset):
            rows = reading.parse(self.source.layout, piece, self.line, wanted)
            writer.add(rows.npa, rows.line)
            self.rows += len(rows.npa)
            self.bad += rows.bad[: _SHOWN - len(self.bad)]
            self.bad_count += len(rows.bad)
            self.line += rows.lines
            self.offset += len(piece)
            self.tell("read", self.offset, self.source.size)
            if self.offset - mark >= CHECKPOINT:
                self._checkpoint(writer)
                mark = self.offset

    def _checkpoint(self, writer: BitsWriter) -> None:
        writer.sync()
        state = {
            "key": self._key(), "offset": self.offset, "line": self.line, "rows": self.rows,
            "bad_count": self.bad_count, "bad": self.bad, "blocks": writer.blocks,
        }
        write_atomically(self.work / "state.json", json.dumps(state).encode(), self.work / "state.new")
        self.tell("checkpoint", self.offset, self.source.size)

    def _accept(self, writer: BitsWriter, allow_bad_rows: int, expected_rows: int | None) -> None:
        where = self.source.where
        if self.bad_count > allow_bad_rows:
            raise BadRowsError(where, tuple(self.bad), self.bad_count, allow_bad_rows)
        if self.rows == 0:
            raise ListImportError("empty", where=where, found="no numbers", expected="one number a line")
        if expected_rows is not None and self.rows != expected_rows:
            raise ListImportError(
                "expected_rows", where=where, found=f"{self.rows:,} rows", expected=f"{expected_rows:,}",
                todo="fetch the file again, or correct the number expected",
            )
        for name, codes in self.source.name_codes():
            if other := sorted(set(writer.blocks) - codes):
                raise ListImportError(
                    "file_name", where=name, found=f"numbers in area code {_some(other)}",
                    expected=f"only {_some(sorted(codes))}, which the file's name says",
                    todo="check that it is the right file, or give it a name without an area code",
                )

    def _manifest(
        self, writer: BitsWriter, entries: tuple[Entry, ...]
    ) -> tuple[Version, dict[int, int], dict[str, Any]]:
        counts, digest = writer.count()
        covered = frozenset(writer.blocks) if self.as_found and len(writer.blocks) < WHOLE_FROM else self.covered
        self.tell("count", 1, 1)
        published, effective, use_by = self.dates
        day = date.fromordinal(published)
        name = base = f"{day.isoformat()}-{self.source.digest[:12]}"
        taken = {entry.version.id for entry in entries}
        again = 2
        while name in taken:
            name, again = f"{base}-{again}", again + 1
        record = as_record(
            Version(
                id=name, code=self.folder.name, published=published, effective=effective, use_by=use_by,
                received_at=self.received_at, rows=self.rows, numbers=sum(counts), digest=self.source.digest,
                area_codes=covered, duplicates=self.rows - sum(counts), bad_rows=self.bad_count,
                san=self.san, source="/".join(self.source.names),
            )
        )
        inside = {
            "layout": self.source.layout.describe(), "blocks": writer.blocks, "counts": counts,
            "blocks_sha256": digest,
        }
        return from_record(record), dict(zip(writer.blocks, counts, strict=True)), record | inside

    def _refuse_shrink(self, entries: tuple[Entry, ...], new: Version, counts: dict[int, int]) -> None:
        place = (new.published, new.received_at)
        earlier = [
            entry for entry in entries
            if entry.version.withdrawn_at is None and (entry.version.published, entry.version.received_at) <= place
        ]
        if not earlier:
            return
        old = earlier[-1].version
        try:
            before = open_version(self.folder, earlier[-1]).counts()
        except ListDamaged:
            # The new version is the cure for a damaged one; the index still knows how many numbers it had.
            same = old.area_codes == new.area_codes
            pairs = [("the list", old.numbers, new.numbers)] if same else []
        else:
            both = [
                npa for npa in before.keys() | counts.keys()
                if all(covered is None or npa in covered for covered in (old.area_codes, new.area_codes))
            ]
            whole = (sum(before.get(npa, 0) for npa in both), sum(counts.get(npa, 0) for npa in both))
            pairs = [("the list", *whole)]
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

    def _commit(self, entries: tuple[Entry, ...], entry: Entry) -> None:
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


def _some(codes: list[int]) -> str:
    shown = ", ".join(str(npa) for npa in codes[:5])
    return f"{shown} and {len(codes) - 5} more" if len(codes) > 5 else shown
