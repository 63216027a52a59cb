"""Applying a list of changes to a version that is held: a new version, whole or not at all."""

import os
import shutil
from contextlib import ExitStack
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from dialguard.lists.changefile import ChangeLayout, parse_changes, sniff_changes
from dialguard.lists.editing import Edited, Editor
from dialguard.lists.errors import BadRow, BadRowsError, ListDamaged, ListError, ListImportError
from dialguard.lists.importing import SHOWN
from dialguard.lists.reading import Source
from dialguard.lists.staging import Outside, Progress, Staging, dates_of, tidy
from dialguard.lists.versions import Changes, Entry, Version, as_record, from_record, list_folder, locked, open_version, read_index
from dialguard.lists.xmlform import XmlLayout, is_xml, parse_xml_changes, sniff_xml
from dialguard.model.moment import Instant

if TYPE_CHECKING:
    import numpy as np

_DAY = 86_400
_ODD_FROM = 20
"""Deletions of numbers that the base does not hold, from which they speak against it, when they are a fifth of all."""


def apply_changes(
    root: str | os.PathLike[str],
    code: str,
    path: str | os.PathLike[str],
    *,
    published: date,
    received_at: Instant,
    since: date | None = None,
    base: str | None = None,
    effective: date | None = None,
    use_by: date | None = None,
    san: str | None = None,
    allow_gap: bool = False,
    allow_shrink: bool = False,
    allow_outside: bool = False,
    allow_bad_rows: int = 0,
    expected_rows: int | None = None,
    expected_sha256: str | None = None,
    progress: Progress | None = None,
) -> Version:
    """Apply a change list (see ``changefile`` and ``xmlform``; plain or a zip with one file) to a held version of list ``code``.

    ``base`` is that version's id; without it, it is the latest that covers the area codes in the file. ``published`` is the day up
    to which the changes go, ``since`` the first day of which they tell (the day of the download before); without it, the first
    date in the file. The last change of a number counts; of two at the same moment the one that adds. Rows dated before the base
    was published change nothing that it does not hold already, as long as the file tells of all changes since.

    The base is kept, for rollback and for answers as of an earlier moment. The list changes in one step at the end.

    Raises ListImportError with kind ``base`` when there is no such version or, unless ``allow_gap``, when the changes do not
    continue it: they begin after the day on which it was published, end before it, or delete many numbers that it does not hold; for
    every other refusal as ``import_list`` does. Raises ListDamaged when the index or the base is damaged.
    """
    tell = progress or (lambda step, done, whole: None)
    dates = dates_of(published, effective, use_by, received_at)
    wanted = _Wanted(
        base, None if since is None else since.toordinal(), allow_gap, allow_shrink, allow_outside, allow_bad_rows, expected_rows
    )
    try:
        folder = list_folder(root, code)
        with ExitStack() as stack:
            source = stack.enter_context(Source(path, lambda done, whole: tell("digest", done, whole), recognise=_recognise))
            source.expect(expected_sha256)
            stack.enter_context(locked(folder))
            stack.callback(tidy, folder)
            return _Changing(folder, source, dates, san, received_at, tell).run(wanted)
    except (ListImportError, ListDamaged):
        raise
    except ListError as error:
        raise ListImportError(
            error.kind, where=error.where, found=error.found, expected=error.expected, todo=error.todo
        ) from error


def _recognise(sample: bytes, where: str) -> ChangeLayout | XmlLayout:
    return sniff_xml(sample, where, changes=True) if is_xml(sample) else sniff_changes(sample, where)


class _Wanted(NamedTuple):
    base: str | None
    since: int | None
    allow_gap: bool
    allow_shrink: bool
    allow_outside: bool
    allow_bad_rows: int
    expected_rows: int | None


class _Rows(NamedTuple):
    """All rows of the file; ``bad`` are the first, ``bad_count`` counts all."""

    npa: "np.ndarray"
    line: "np.ndarray"
    stamp: "np.ndarray"
    added: "np.ndarray"
    bad: list[BadRow]
    bad_count: int


class _Changing(Staging):
    """One run, under the list's lock."""

    def run(self, wanted: _Wanted) -> Version:
        entries = read_index(self.folder)
        self.clear(entries, keep="")
        held = self.held(
            entries, lambda version: version.changes is not None and wanted.base in (None, version.changes.base)
        )
        if held is not None:
            return held
        rows = self._read()
        base = self._base(entries, wanted, rows)
        outside = Outside(base.version.area_codes)
        inside = outside.inside(rows.npa)
        outside.refuse(self.source.where, wanted.allow_outside)
        if inside is not None:
            rows = _Rows(*(column[inside] for column in rows[:4]), rows.bad, rows.bad_count)
        self.left_out = outside.rows
        self.source.unchanged()
        first, last = self._accept(rows, wanted)
        if not wanted.allow_gap:
            self._refuse_gap(base.version, first, last)
        try:
            self.work.mkdir()
            version, digest = self._write(entries, base, rows, (first, last), wanted)
        except Exception:
            shutil.rmtree(self.work, ignore_errors=True)
            raise
        self.commit(entries, Entry(version, digest))
        return version

    def _read(self) -> _Rows:
        import numpy as np

        parts, bad, count, code = [], [], 0, None
        offset, line = self.source.first, self.source.first_line
        for piece in self.source.pieces(offset):
            if isinstance(self.source.layout, XmlLayout):
                rows, code = parse_xml_changes(self.source.layout, piece, line, code)
            else:
                rows = parse_changes(self.source.layout, piece, line)
            parts.append(rows[:4])
            bad += rows.bad[: SHOWN - len(bad)]
            count += len(rows.bad)
            line += rows.lines
            offset += len(piece)
            self.tell("read", offset, self.source.size)
        whole = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.empty(0, np.int64)] * 4
        return _Rows(whole[0], whole[1], whole[2], whole[3].astype(bool), bad, count)

    def _base(self, entries: tuple[Entry, ...], wanted: _Wanted, rows: _Rows) -> Entry:
        held = [entry for entry in entries if entry.version.withdrawn_at is None]
        if wanted.base is not None:
            held = [entry for entry in held if entry.version.id == wanted.base]
        if not held:
            named = "no version" if wanted.base is None else f"no version {wanted.base}"
            raise ListImportError(
                "base", where=f"list {self.folder.name}", found=f"{named} is held that the changes could be applied to",
                expected="the full list that the changes continue", todo="import the full list first",
            )
        codes = frozenset(rows.npa.tolist())
        covering = [entry for entry in held if entry.version.area_codes is None or codes <= entry.version.area_codes]
        return (covering or held)[-1]

    def _accept(self, rows: _Rows, wanted: _Wanted) -> tuple[int, int]:
        """The days that the changes span, when the rows may be taken."""
        where = self.source.where
        if rows.bad_count > wanted.allow_bad_rows:
            raise BadRowsError(where, tuple(rows.bad), rows.bad_count, wanted.allow_bad_rows)
        if len(rows.npa) == 0:
            raise ListImportError("empty", where=where, found="no changes", expected="one change a line")
        count = len(rows.npa) + self.left_out
        if wanted.expected_rows is not None and count != wanted.expected_rows:
            raise ListImportError(
                "expected_rows", where=where, found=f"{count:,} rows", expected=f"{wanted.expected_rows:,}",
                todo="fetch the file again, or correct the number expected",
            )
        published = self.dates.published
        if self.source.layout.date is None:
            if wanted.since is None:
                raise ListImportError(
                    "base", where=where, found="changes without dates", expected="the day since which they tell of all changes",
                    todo="give it by name (since), the day of the download before",
                )
            return wanted.since, published
        first, last = int(rows.stamp.min()) // _DAY, int(rows.stamp.max()) // _DAY
        if last > published + 1:
            raise ListImportError(
                "dates", where=where, found=f"changes up to {_iso(last)}", expected=f"none after the day published, {_iso(published)}",
                todo="give the day up to which the changes go (published)",
            )
        if wanted.since is not None and wanted.since > first:
            raise ListImportError(
                "dates",
                where=where,
                found=f"changes of {_iso(first)}",
                expected=f"none before {_iso(wanted.since)}, the day since which it tells",
                todo="correct the day, or leave it out",
            )
        return first if wanted.since is None else wanted.since, last

    def _refuse_gap(self, base: Version, first: int, last: int) -> None:
        day = base.published
        found = ""
        if first > day + 1:
            found = f"the changes begin on {_iso(first)}"
        elif last < day or self.dates.published < day:
            found = f"the changes end on {_iso(min(last, self.dates.published))}"
        if found:
            raise ListImportError(
                "base",
                where=self.source.where,
                found=f"{found}, and version {base.id} was published on {_iso(day)}",
                expected=f"all changes since {_iso(day)}",
                todo="apply the change lists in order, or import the full list; if no change is missing, say since which day the file tells "
                "of all changes (since), or allow the gap by name (allow_gap)",
            )

    def _write(
        self, entries: tuple[Entry, ...], base: Entry, rows: _Rows, span: tuple[int, int], wanted: _Wanted
    ) -> tuple[Version, str]:
        npa, line, stamp, added = last_changes(rows.npa, rows.line, rows.stamp, rows.added)
        reader = open_version(self.folder, base)
        listed = reader.contains_many(npa, line) == 1
        if not wanted.allow_gap:
            self._refuse_strange(base.version, ~added & (stamp // _DAY > base.version.published), listed)
        effect = [int(part.sum()) for part in (added & ~listed, ~added & listed, ~added & ~listed)]
        changes = Changes(base.version.id, base.manifest_sha256, *span, *effect)
        editor = Editor(self.bits_path)
        try:
            edited = editor.edit(reader, npa, line, added)
            self.tell("count", 1, 1)
            version, manifest = self._manifest(entries, base.version, rows, changes, len(npa), edited)
            if not wanted.allow_shrink:
                self.refuse_shrink(entries, version, dict(zip(edited.blocks, edited.counts, strict=True)))
            digest = editor.finish(manifest)
        finally:
            editor.close()
        self.tell("written", 1, 1)
        return version, digest

    def _refuse_strange(self, base: Version, gone: "np.ndarray", listed: "np.ndarray") -> None:
        """Refuse changes that delete many numbers which the base does not hold; ``gone`` are the deletions after its day."""
        absent, all_gone = int((gone & ~listed).sum()), int(gone.sum())
        if absent >= _ODD_FROM and absent * 5 >= all_gone:
            raise ListImportError(
                "base", where=self.source.where,
                found=f"{absent:,} of {all_gone:,} deletions are of numbers that version {base.id} does not hold",
                expected="changes to that version",
                todo="name the version that they continue (base), import the full list, or allow it by name (allow_gap)",
            )

    def _manifest(
        self, entries: tuple[Entry, ...], base: Version, rows: _Rows, changes: Changes, numbers: int, edited: Edited
    ) -> tuple[Version, dict[str, Any]]:
        published, effective, use_by = self.dates
        record = as_record(
            Version(
                id=self.new_id(entries), code=self.folder.name, published=published, effective=effective, use_by=use_by,
                received_at=self.received_at, rows=len(rows.npa), numbers=sum(edited.counts), digest=self.source.digest,
                area_codes=base.area_codes, duplicates=len(rows.npa) - numbers, bad_rows=rows.bad_count + self.left_out,
                san=self.san, source="/".join(self.source.names),
                changes=changes,
            )
        )
        inside = {
            "layout": self.source.layout.describe(), "blocks": edited.blocks, "counts": edited.counts,
            "blocks_sha256": edited.blocks_sha256,
        }
        return from_record(record), record | inside


def last_changes(
    npa: "np.ndarray", line: "np.ndarray", stamp: "np.ndarray", added: "np.ndarray"
) -> "tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]":
    """The change that counts for each number: its last; of those at one moment one that adds, so that doubt keeps it listed."""
    import numpy as np

    number = npa.astype(np.int64) * 10_000_000 + line
    order = np.lexsort((added, stamp, number))
    number = number[order]
    keep = order[np.append(number[1:] != number[:-1], True)]
    return npa[keep].astype(np.int64), line[keep], stamp[keep], added[keep]


def _iso(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
