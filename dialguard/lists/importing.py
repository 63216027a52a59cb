"""Bringing a list file in as a new version, whole or not at all."""

import json
import os
import shutil
from collections.abc import Iterable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from dialguard.files import sync_folder
from dialguard.lists import bits, reading
from dialguard.lists.bits import BLOCK, HEADER, BitsWriter, area_code_set
from dialguard.lists.errors import BadRow, BadRowsError, ListDamaged, ListError, ListImportError
from dialguard.lists.formats import Layout, sniff
from dialguard.lists.kinds import RANGES
from dialguard.lists.ranges import RangeLayout, Span, parse_ranges, sniff_ranges
from dialguard.lists.reading import Source
from dialguard.lists.staging import Dates, Outside, Progress, Staging, dates_of, some, tidy
from dialguard.lists.versions import (
    INDEX, Entry, Version, as_record, from_record, list_folder, locked, read_index, write_atomically, write_index,
)
from dialguard.lists.xmlform import XmlLayout, is_xml, parse_xml, sniff_xml
from dialguard.model.moment import Instant

CHECKPOINT = 256 << 20
"""Bytes of source text after which an import writes down how far it is, to go on there if it is killed."""

SHOWN = 20
"""Bad rows that an error shows."""

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
    allow_outside: bool = False,
    allow_bad_rows: int = 0,
    expected_rows: int | None = None,
    expected_sha256: str | None = None,
    progress: Progress | None = None,
) -> Version:
    """Import a full list from a file (see ``formats``, ``xmlform`` and, for the lists of ``kinds``, ``ranges``; plain or a zip with
    one file) and return its version.

    ``code`` is ``national``, a state's two letters or a private name. ``area_codes`` are those that the list
    answers for, such as those paid for under ``san``; a number in any other area code is then unknown, and a row with one is
    refused or, with ``allow_outside``, left out. None means that the list answers for every area code; for ``national``
    that has to be said with ``whole_plan``, since a file of some area codes taken for the whole registry
    would clear all others. ``as_found`` takes the area codes that occur in the file for those that it covers, and a file of
    at least ``WHOLE_FROM`` of them for the whole registry.

    The list changes in one step at the end; killed at any point, the import leaves the list as it was, and
    the same import started again goes on from its last checkpoint. The same file with the same dates returns
    the version already held and warns ``ListAlreadyImported``.

    Raises BadRowsError when more than ``allow_bad_rows`` rows are bad, ListImportError for every other
    refusal (no rows; not ``expected_rows`` rows; another digest than ``expected_sha256``; an area code outside ``area_codes``; an
    area code in the file's name that is not that of its content; a fifth fewer numbers than the version before, in all or in one area code, unless
    ``allow_shrink``; the dates; a full disk), ListDamaged when the index of the list is.
    """
    tell = progress or (lambda step, done, whole: None)
    dates = dates_of(published, effective, use_by, received_at)
    covered = _covered(code, area_codes, whole_plan or as_found)
    try:
        folder = list_folder(root, code)
        with Source(path, lambda done, whole: tell("digest", done, whole), recognise=partial(_recognise, code)) as source, locked(folder):
            try:
                source.expect(expected_sha256)
                return _Import(folder, source, dates, covered, as_found, san, received_at, tell).run(
                    allow_shrink, allow_outside, allow_bad_rows, expected_rows
                )
            finally:
                tidy(folder)
    except (ListImportError, ListDamaged):
        raise
    except ListError as error:
        raise ListImportError(
            error.kind, where=error.where, found=error.found, expected=error.expected, todo=error.todo
        ) from error


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


def _recognise(code: str, sample: bytes, where: str) -> Layout | XmlLayout | RangeLayout:
    if is_xml(sample):
        return sniff_xml(sample, where, changes=False)
    return sniff_ranges(sample, where) if code in RANGES else sniff(sample, where)


class _Import(Staging):
    """One run, under the list's lock."""

    def __init__(
        self, folder: Path, source: Source, dates: Dates, covered: frozenset[int] | None, as_found: bool,
        san: str | None, received_at: Instant, tell: Progress,
    ) -> None:
        super().__init__(folder, source, dates, san, received_at, tell)
        self.covered = covered
        self.as_found = as_found
        self.rows = self.bad_count = 0
        self.outside = Outside(covered)
        self.named = 0  # numbers that the rows name, doubled ones each time
        self.bad: list[BadRow] = []
        self.offset, self.line = source.first, source.first_line
        self.code: int | None = None  # the area code that holds at the offset, where the file is XML

    def run(self, allow_shrink: bool, allow_outside: bool, allow_bad_rows: int, expected_rows: int | None) -> Version:
        entries = read_index(self.folder)
        self.clear(entries, keep=self.work.name)
        held = self.held(
            entries, lambda version: version.changes is None and (self.as_found or version.area_codes == self.covered)
        )
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
            self.outside.refuse(self.source.where, allow_outside)
            self._accept(writer, allow_bad_rows, expected_rows)
            version, counts, manifest = self._manifest(writer, entries)
            if not allow_shrink:
                self.refuse_shrink(entries, version, counts)
            digest = writer.finish(manifest)
            self.tell("written", 1, 1)
        except Exception:
            # Not when interrupted: then the same import goes on from its checkpoint.
            shutil.rmtree(self.work, ignore_errors=True)
            raise
        finally:
            if writer is not None:
                writer.close()
        self.commit(entries, Entry(version, digest))
        return version

    def _key(self) -> dict[str, Any]:
        codes = None if self.covered is None else sorted(self.covered)
        return {"format": bits.FORMAT, "digest": self.source.digest, "area_codes": codes}

    def _begin(self) -> BitsWriter:
        try:
            state = json.loads((self.work / "state.json").read_bytes())
            blocks = state["blocks"]
            if state["key"] == self._key() and self.bits_path.stat().st_size >= HEADER + BLOCK * len(blocks):
                self.offset, self.line, self.rows = state["offset"], state["line"], state["rows"]
                self.outside = Outside(self.covered, state["outside"])
                self.code, self.named = state["code"], state["named"]
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
        mark = self.offset
        for piece in self.source.pieces(self.offset):
            if isinstance(self.source.layout, XmlLayout):
                rows, self.code = parse_xml(self.source.layout, piece, self.line, self.code)
            elif isinstance(self.source.layout, RangeLayout):
                rows = parse_ranges(self.source.layout, piece, self.line)
                spans = self._covered_spans(rows.spans)
                for span in spans:
                    writer.fill(*span)
                self.rows += rows.rows - len(rows.npa) - (len(rows.spans) - len(spans))
                self.named += sum(span.count for span in spans)
            else:
                rows = reading.parse(self.source.layout, piece, self.line)
            npa, line = rows.npa, rows.line
            inside = self.outside.inside(npa)
            if inside is not None:
                npa, line = npa[inside], line[inside]
            writer.add(npa, line)
            self.rows += len(npa)
            self.named += len(npa)
            self.bad += rows.bad[: SHOWN - len(self.bad)]
            self.bad_count += len(rows.bad)
            self.line += rows.lines
            self.offset += len(piece)
            self.tell("read", self.offset, self.source.size)
            if self.offset - mark >= CHECKPOINT:
                self._checkpoint(writer)
                mark = self.offset

    def _covered_spans(self, spans: list[Span]) -> list[Span]:
        import numpy as np

        inside = self.outside.inside(np.array([span.npa for span in spans], np.int64)) if spans else None
        return spans if inside is None else [span for span, good in zip(spans, inside.tolist(), strict=True) if good]

    def _checkpoint(self, writer: BitsWriter) -> None:
        writer.sync()
        state = {
            "key": self._key(),
            "offset": self.offset,
            "line": self.line,
            "rows": self.rows,
            "bad_count": self.bad_count,
            "bad": self.bad,
            "blocks": writer.blocks,
            "code": self.code,
            "named": self.named,
            "outside": self.outside.counts,
        }
        write_atomically(self.work / "state.json", json.dumps(state).encode(), self.work / "state.new")
        self.tell("checkpoint", self.offset, self.source.size)

    def _accept(self, writer: BitsWriter, allow_bad_rows: int, expected_rows: int | None) -> None:
        where = self.source.where
        if self.bad_count > allow_bad_rows:
            raise BadRowsError(where, tuple(self.bad), self.bad_count, allow_bad_rows)
        if self.named == 0:
            raise ListImportError("empty", where=where, found="no numbers", expected="one number a line")
        rows = self.rows + self.outside.rows
        if expected_rows is not None and rows != expected_rows:
            raise ListImportError(
                "expected_rows", where=where, found=f"{rows:,} rows", expected=f"{expected_rows:,}",
                todo="fetch the file again, or correct the number expected",
            )
        for name, codes in self.source.name_codes():
            if other := sorted(set(writer.blocks) - codes):
                raise ListImportError(
                    "file_name", where=name, found=f"numbers in area code {some(other)}",
                    expected=f"only {some(sorted(codes))}, which the file's name says",
                    todo="check that it is the right file, or give it a name without an area code",
                )

    def _manifest(
        self, writer: BitsWriter, entries: tuple[Entry, ...]
    ) -> tuple[Version, dict[int, int], dict[str, Any]]:
        counts, digest = writer.count()
        covered = frozenset(writer.blocks) if self.as_found and len(writer.blocks) < WHOLE_FROM else self.covered
        self.tell("count", 1, 1)
        published, effective, use_by = self.dates
        record = as_record(
            Version(
                id=self.new_id(entries), code=self.folder.name, published=published, effective=effective, use_by=use_by,
                received_at=self.received_at, rows=self.rows, numbers=sum(counts), digest=self.source.digest,
                area_codes=covered, duplicates=self.named - sum(counts), bad_rows=self.bad_count + self.outside.rows,
                san=self.san, source="/".join(self.source.names),
            )
        )
        inside = {
            "layout": self.source.layout.describe(), "blocks": writer.blocks, "counts": counts,
            "blocks_sha256": digest,
        }
        return from_record(record), dict(zip(writer.blocks, counts, strict=True)), record | inside
