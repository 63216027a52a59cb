"""``/v1/check/batch``: rows in, rows out, in the same order; of any number, each answered in its place.

Rows are decided in small slices, between which the event loop turns to others; no more is read than was answered and taken. So whoever
sends must read while sending. Each slice is decided by the rules that serve by then, and each row names its revision (``packs``): rows of
a long batch that were decided by a law that is no more law would be worse than two revisions in one answer.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from dialguard.asking import Answer
from dialguard.engine.decision import Decision
from dialguard.service.desk import Ask
from dialguard.service.problem import Problem, problem_of
from dialguard.service.rows import Csv, Row, lines, ndjson
from dialguard.service.web import Disconnected, Request, Route, Stream

CSV, NDJSON = "text/csv", "application/x-ndjson"
SLICE = 32
"""Rows that are decided together: some milliseconds, for which others wait."""
COLUMNS = ("row", "id", "status", "verdict", "kind", "rule", "retry_at", "valid_until", "decision", "obligations", "error", "packs")
_ASKED = {
    "campaign": "Id of a registered campaign, for rows that name none.",
    "channel": "For rows that name none: voice (default), sms, mms, rvm or fax.",
}
_encode = msgspec.json.Encoder().encode


async def batch(request: Request) -> Stream:
    """Decide every row of the body, as it comes."""
    given = request.query(*_ASKED)
    media = request.media
    if media == NDJSON:
        return Stream(_answers(request, ndjson(request.pieces()), given, _as_ndjson, b""), NDJSON)
    if media != CSV:
        raise Problem("request.media_type", f"found {media[:60]!r}, expected {NDJSON} or {CSV}")
    text = lines(request.pieces())
    header = ""
    async for header in text:
        if header.strip():
            break
    if not header.strip():
        raise Problem("input.invalid", errors=[("header", "the body is empty; expected a header line")])
    table = await asyncio.to_thread(Csv, header)  # what reads tables is large, and loaded when it is first needed
    return Stream(_answers(request, table.rows(text), {"channel": "voice", **given}, _as_csv, _csv_line(COLUMNS)), CSV)


async def _answers(
    request: Request, rows: AsyncIterator[Row], given: dict[str, str], write: Callable[[int, str | None, Any], bytes], head: bytes
) -> AsyncIterator[bytes]:
    """The written answers, slice by slice."""
    if head:
        yield head
    number, held = 0, list[Row]()
    try:
        async for row in rows:
            held.append(row)
            if len(held) == SLICE:
                yield b"".join(_slice(request, held, given, number, write))
                number, held = number + len(held), []
                await asyncio.sleep(0)
        if held:
            yield b"".join(_slice(request, held, given, number, write))
    except Disconnected:
        return


def _slice(
    request: Request, rows: Sequence[Row], given: dict[str, str], number: int, write: Callable[[int, str | None, Any], bytes]
) -> list[bytes]:
    answers: list[Any] = [row.wrong for row in rows]
    ids = [row.id for row in rows]
    asks, places = [], []
    for place, row in enumerate(rows):
        if row.attempt is not None:
            try:
                attempt, ids[place] = _attempt(row, given)
                asks.append(Ask(attempt, "http", request.key.id))
                places.append(place)
            except Problem as problem:
                answers[place] = problem
    try:
        decided: Sequence[Answer | BaseException] = request.desk.decide(asks)
    except Exception as error:  # nothing of the slice was decided, and each row is told
        decided = [error] * len(asks)
    for place, answer in zip(places, decided, strict=True):
        answers[place] = problem_of(answer) if isinstance(answer, BaseException) else answer
    written = []
    for place, (id_, answer) in enumerate(zip(ids, answers, strict=True)):
        try:
            written.append(write(number + place + 1, id_, answer))
        except Exception as error:
            request.service.untold(request.key.tenant, "batch")
            written.append(write(number + place + 1, id_, problem_of(error)))
    return written


def _attempt(row: Row, given: dict[str, str]) -> tuple[Any, str | None]:
    """The row's attempt with what holds for all rows, and its id. Raises Problem."""
    found = row.attempt
    if isinstance(found, bytes):
        try:
            found = msgspec.json.decode(found)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Problem("request.malformed", f"the row is no JSON: {error}") from None
        if not isinstance(found, dict):
            raise Problem("input.invalid", errors=[("(row)", f"found {type(found).__name__}, expected an attempt as an object")])
    id_ = found.get("id")
    return given | found, id_ if isinstance(id_, (str, int)) else None


def _as_ndjson(row: int, id_: str | None, answer: Answer | Problem) -> bytes:
    head = _encode({"row": row, "id": id_, "status": "problem" if isinstance(answer, Problem) else "decided"})[:-1]
    if isinstance(answer, Problem):
        return b'%b,"problem":%b}\n' % (head, answer.body())
    return b'%b,"decision":%b}\n' % (head, answer.json)


def _as_csv(row: int, id_: str | None, answer: Answer | Problem) -> bytes:
    if isinstance(answer, Problem):
        told = "; ".join(f"{field}: {message}" for field, message in answer.errors) or answer.detail or answer.title
        return _csv_line((row, id_, answer.code, "deny", "", "", "", "", "", "", told, ""))
    decision: Decision = answer.decision
    first = decision.reasons[0] if not decision.allowed else {}
    cells = (
        row, id_, "decided", decision.verdict, first.get("kind"), first.get("rule"), decision.retry_at, decision.valid_until, decision.id,
        " ".join(dict.fromkeys(decision.obligation_ids)), "", decision.packs,
    )  # fmt: skip
    return _csv_line(cells)


def _csv_line(cells: Sequence[object]) -> bytes:
    """One line. What a spreadsheet would take for a formula is kept from it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(["" if cell is None else _inert(cell) for cell in cells])
    return text.getvalue().encode("utf-8", "replace")


def _inert(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


ROUTES = [Route("POST", "/v1/check/batch", "check", batch, "Decide many attempts", None, None, _ASKED, (NDJSON, CSV))]
