"""Answers of the Reassigned Numbers Database: kept for ever, asked by number and date of consent.

The database is asked with a number and the date of the consent (or of the last sure contact); rows are ``number,date`` and an
answer comes back: ``yes``, the number was permanently disconnected on that date or later; ``no``, it was not; ``no_data``, nobody
knows. The answers lie in one SQLite file, ``<store>/reassigned.sqlite``, with the file from which each came.
"""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from dialguard.lists.bits import national_number
from dialguard.lists.changefile import stamp
from dialguard.lists.errors import BadRow, BadRowsError, ListDamaged, ListImportError
from dialguard.lists.formats import BOM, DELIMITERS, fields, parse_number, shape
from dialguard.model import strict
from dialguard.model.moment import DAY, Instant

NAME = "reassigned.sqlite"
ANSWERS = ("no", "no_data", "yes")
_WORDS = {
    "yes": "yes", "y": "yes", "true": "yes", "1": "yes", "no": "no", "n": "no", "false": "no", "0": "no",
    "no_data": "no_data", "no data": "no_data", "nodata": "no_data", "null": "no_data", "none": "no_data", "": "no_data",
}  # fmt: skip
_TABLES = """
create table if not exists files (
  id integer primary key, digest text not null unique, name text not null, asked_at integer not null, received_at integer not null,
  rows integer not null);
create table if not exists answers (
  number integer not null, queried integer not null, answer integer not null, file integer not null references files(id),
  primary key (number, queried, file)) without rowid;
"""
_SHOWN = 20
_EPOCH = date(1970, 1, 1).toordinal()


class Answer(NamedTuple):
    """One answer: the date asked about (an ordinal), the word, and when the database was asked."""

    queried: int
    answer: str
    asked_at: Instant


class Imported(NamedTuple):
    """What an import of answers did."""

    rows: int
    counts: dict[str, int]
    already: bool


def answer_for(answers: Iterable[Answer], consent_day: int | None) -> Answer | None:
    """The answer that speaks of a consent of ``consent_day`` (an ordinal, in UTC), the latest asked; None when none does.

    A *no* speaks of that date and all later ones, a *yes* or *no data* of that date and all earlier ones, and of the next, since a
    date in UTC may be one ahead of the local one. Of a consent without a date only a *yes* is told. Of answers of one moment the more
    adverse counts.
    """
    fitting = [
        answer for answer in answers
        if (answer.answer == "yes" if consent_day is None else answer.queried <= consent_day if answer.answer == "no" else consent_day - 1 <= answer.queried)
    ]  # fmt: skip
    return max(fitting, key=lambda answer: (answer.asked_at, ANSWERS.index(answer.answer)), default=None)


def facts_of(answers: Iterable[Answer], consent_at: Instant | None) -> dict[str, object]:
    """``dnc.reassigned`` and ``dnc.reassigned_asked_at`` for the consent held; empty when nothing speaks of it."""
    found = answer_for(answers, None if consent_at is None else consent_at // DAY + _EPOCH)
    return {} if found is None else {"dnc.reassigned": found.answer, "dnc.reassigned_asked_at": found.asked_at}


class ReassignedAnswers:
    """The answers held in a store folder. Safe to share between threads, each of which keeps a connection of its own."""

    def __init__(self, root: str | PathLike[str]) -> None:
        self.path = Path(root) / NAME
        self._local = threading.local()

    def of(self, national10: str, as_of: Instant | None = None) -> tuple[Answer, ...]:
        """What was answered of a ten-digit number, as far as it was held at ``as_of``. Raises ListDamaged, ValueError."""
        number = national_number(national10)
        query = "select queried, answer, asked_at from answers join files on files.id = file where number = ?1 and (?2 is null or received_at <= ?2)"
        return tuple(Answer(queried, ANSWERS[answer], asked) for queried, answer, asked in self._ask(query, (number, as_of)))

    def numbers(self, as_of: Instant | None = None) -> list[str]:
        """Every number of which an answer was held at ``as_of``, as E.164. Raises ListDamaged."""
        query = "select distinct number from answers join files on files.id = file where ?1 is null or received_at <= ?1"
        return [f"+1{number}" for (number,) in self._ask(query, (as_of,))]

    def counts(self) -> dict[str, int]:
        """How many answers of each word are held. Raises ListDamaged."""
        held = dict(self._ask("select answer, count(*) from answers group by answer", ()))
        return {word: held.get(place, 0) for place, word in enumerate(ANSWERS)}

    def _ask(self, query: str, words: tuple[object, ...]) -> list[tuple]:
        try:
            file = os.stat(self.path).st_ino
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._damaged(error) from error
        try:
            if getattr(self._local, "file", None) != file:
                # Another file than before, such as one restored from a copy.
                self._local.base = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
                self._local.file = file
            return self._local.base.execute(query, words).fetchall()
        except sqlite3.Error as error:
            self._local.file = None
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> ListDamaged:
        return ListDamaged(str(self.path), f"the file cannot be read ({error})", "restore it from a copy, or import the answers again")


def import_answers(root: str | PathLike[str], path: str | PathLike[str], *, asked_at: Instant, received_at: Instant) -> Imported:
    """Take a file of answers into the store, whole or not at all.

    Rows are number, date asked about, answer: separated by comma, tab, ``|`` or ``;``, with a header or without, in this order or as
    the header names them (``number``, ``tn`` or ``phoneNumber``; ``date``; ``answer``, ``result`` or ``disconnected``), or a JSON
    list of objects with these names. An answer is yes, no, no data, or true, false, null. ``asked_at`` is when the database was asked.

    Raises BadRowsError and ListImportError; a file taken before is told by ``already``.
    """
    file = Path(path)
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ListImportError(
            "unreadable", where=file.name, found=f"the file cannot be opened ({error.strerror})", todo="check its name"
        ) from error
    if asked_at > received_at:
        raise ListImportError(
            "dates", where=file.name, found="asked after it was received", todo="give the moment when the database was asked"
        )
    rows = list(_rows(raw, file.name, asked_at // DAY + _EPOCH))
    digest = hashlib.sha256(raw).hexdigest()
    target = Path(root) / NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(target)) as base, base:
            base.executescript(_TABLES)
            held = base.execute("select rows from files where digest = ?", (digest,)).fetchone()
            if held is not None:
                return Imported(held[0], _counted(rows), True)
            words = (digest, file.name, asked_at, received_at, len(rows))
            key = base.execute("insert into files (digest, name, asked_at, received_at, rows) values (?, ?, ?, ?, ?)", words).lastrowid
            # Of two answers to one question in one file the more adverse stays.
            base.executemany(
                "insert into answers values (?, ?, ?, ?) on conflict do update set answer = max(answer, excluded.answer)",
                ((number, queried, ANSWERS.index(answer), key) for number, queried, answer in rows),
            )
    except sqlite3.Error as error:
        raise ListImportError(
            "storage", where=str(target), found=f"the answers could not be written ({error})", todo="check the folder"
        ) from error
    return Imported(len(rows), _counted(rows), False)


def _counted(rows: "list[tuple[int, int, str]]") -> dict[str, int]:
    return {word: sum(row[2] == word for row in rows) for word in ANSWERS}


def _rows(raw: bytes, where: str, asked: int) -> Iterator[tuple[int, int, str]]:
    bad: list[BadRow] = []
    good = 0
    for line, number, day, word in _cells(raw, where):
        found = _row(number, day, word, asked)
        if type(found) is str:
            bad.append(BadRow(line, found))
        elif not bad:
            good += 1
            yield found  # type: ignore[misc]
    if bad:
        raise BadRowsError(where, tuple(bad[:_SHOWN]), len(bad), 0)
    if not good:
        raise ListImportError("empty", where=where, found="no answers", expected="rows of number, date and answer")


def _row(number: str, day: str, word: str, asked: int) -> tuple[int, int, str] | str:
    parsed, moment, answer = parse_number(number.strip()), stamp(day), _WORDS.get(word.strip().lower())
    if type(parsed) is str:
        return parsed
    if moment is None:
        return f"'{shape(day)}' where a date belongs"
    if moment // 86_400 > asked:
        return "a date asked about that is later than the question"
    if answer is None:
        return f"'{shape(word)}' where yes, no or no data belongs"
    return int(parsed[0]) * 10_000_000 + int(parsed[1]), moment // 86_400, answer


def _cells(raw: bytes, where: str) -> Iterator[tuple[int, str, str, str]]:
    """Line, number, date and answer of each row, as text."""
    text = raw.removeprefix(BOM).decode("utf-8", "replace")
    if text.lstrip().startswith("["):
        yield from _objects(text, where)
        return
    lines = [(place, line.rstrip("\r")) for place, line in enumerate(text.split("\n"), 1) if line.strip()]
    columns = (0, 1, 2)
    delimiter = next((mark for mark in DELIMITERS if lines and mark in lines[0][1]), ",")
    names = [_name(cell) for cell in fields(lines[0][1], delimiter) or []] if lines else []
    if {"number", "date", "answer"} <= set(names):
        columns = (names.index("number"), names.index("date"), names.index("answer"))
        lines = lines[1:]
    elif lines and not any(c.isdigit() for c in lines[0][1]):
        raise ListImportError(
            "unrecognised",
            where=where,
            found=f"a header '{shape(lines[0][1])}'",
            expected="columns named number, date and answer",
            todo="name them so",
        )
    for place, line in lines:
        row = fields(line, delimiter) or []
        if max(columns) < len(row):
            yield place, row[columns[0]], row[columns[1]], row[columns[2]]
        else:
            yield place, "", "", f"{len(row)} fields"


def _name(cell: str) -> str:
    word = cell.strip().lower().replace("_", "").replace(" ", "")
    known = {"tn": "number", "phonenumber": "number", "phone": "number", "result": "answer", "disconnected": "answer", "response": "answer"}
    return known.get(word, word)


def _objects(text: str, where: str) -> Iterator[tuple[int, str, str, str]]:
    try:
        items = strict.loads(text)
    except ValueError as error:
        raise ListImportError("unrecognised", where=where, found=f"not JSON ({error})", expected="a list of objects") from error
    for place, item in enumerate(items, 1):
        named = {_name(str(key)): value for key, value in item.items()} if isinstance(item, dict) else {}
        cells = [named.get(key) for key in ("number", "date", "answer")]
        # An answer left out is no answer; a null is the database's word for no data.
        yield place, *("" if cell is None else str(cell) for cell in cells[:2]), "absent" if "answer" not in named else str(cells[2])


def queries(pairs: Iterable[tuple[str, int]]) -> Iterator[str]:
    """The rows of a query file, without doubles, from numbers (E.164 or ten digits) and ordinals: ``2025550123,2026-01-31``."""
    for number, day in sorted({(number.removeprefix("+1"), day) for number, day in pairs}):
        national_number(number)
        yield f"{number},{date.fromordinal(day).isoformat()}\n"
