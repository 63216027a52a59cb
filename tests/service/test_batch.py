"""Rows in, rows out: one answer a row, in order, whatever a row holds."""

import asyncio
import csv
import io
import json
import random

import pytest

from dialguard.service.routes import batch
from dialguard.service.rows import LONGEST
from tests.service.asking import asked, asked_async

AT = "2026-11-23T17:00:00Z"
GOOD = {"channel": "voice", "to": "+13055550100", "campaign": "c", "at": AT, "id": "g1"}
NDJSON, CSV = "application/x-ndjson", "text/csv"


def ndjson(app, body: bytes, query: str = "", **more) -> list[dict]:
    answer = asked(app, "POST", f"/v1/check/batch{query}", body, media=NDJSON, **more)
    assert (answer.status, answer.media) == (200, NDJSON)
    return [json.loads(line) for line in answer.body.splitlines()]


def table(app, body: str | bytes, query: str = "?campaign=c", **more) -> list[dict]:
    answer = asked(app, "POST", f"/v1/check/batch{query}", body if isinstance(body, bytes) else body.encode(), media=CSV, **more)
    assert (answer.status, answer.media) == (200, CSV), answer.body
    return list(csv.DictReader(io.StringIO(answer.body.decode())))


def test_each_row_is_answered_as_alone(app) -> None:
    attempts = [GOOD | {"id": f"r{n}", "to": f"+1305555{n:04}"} for n in range(100, 200)]
    rows = ndjson(app, "\n".join(map(json.dumps, attempts)).encode())
    assert [(row["row"], row["id"], row["status"]) for row in rows] == [(n + 1, f"r{n + 100}", "decided") for n in range(100)]
    alone = asked(app, "POST", "/v1/check", attempts[7]).json
    assert {**rows[7]["decision"], "id": None} == {**alone, "id": None}


def test_a_bad_row_is_answered_in_its_place_and_stops_nothing(app) -> None:
    good = json.dumps(GOOD).encode()
    bad = [
        b"{", b"[]", b"null", b'{"id": "x", "channel": "voice"}', b'{"id": "y", "to": "\xff"}', b'{"to": 1e999}', b"NaN", b"[" * 10_000,
        json.dumps(GOOD | {"colour": 1}).encode(), b'"' + b"a" * (LONGEST + 10) + b'"', b'{"id": "\\ud800"}',
    ]  # fmt: skip
    body = b"\n".join(line for each in bad for line in (each, good)) + b"\n\n  \n"
    for pieces in (0, 1, 7, 4096) if len(body) < 200_000 else (0, 4096):
        rows = ndjson(app, body, pieces=pieces)
        assert [row["row"] for row in rows] == list(range(1, 2 * len(bad) + 1))
        assert [row["status"] for row in rows] == ["problem", "decided"] * len(bad)
        codes = [row["problem"]["code"] for row in rows[::2]]
        assert codes == [
            "request.malformed",
            "input.invalid",
            "input.invalid",
            "input.invalid",
            "request.malformed",
            "request.malformed",
            "request.malformed",
            "request.malformed",
            "input.invalid",
            "request.too_large",
            "request.malformed",
        ]
        assert rows[6]["id"] == "x"


def test_rows_without_a_campaign_take_that_of_the_query(app) -> None:
    bare = {"to": "+13055550100", "at": AT}
    assert ndjson(app, json.dumps(bare).encode(), "?campaign=c&channel=voice")[0]["status"] == "decided"
    row = ndjson(app, json.dumps(bare).encode())[0]
    assert {each["field"] for each in row["problem"]["errors"]} == {"channel", "campaign"}


def test_a_table_with_the_usual_columns(app) -> None:
    body = "lead,First Name,Phone,State,id\n1,Ann,(305) 555-0100,FL,a\n2,Bob,305 555 0101,Florida,b\n3,Cy,12,FL,c\n"
    rows = table(app, body)
    assert list(rows[0]) == list(batch.COLUMNS)
    assert [(row["row"], row["id"], row["status"], row["verdict"]) for row in rows] == [
        ("1", "a", "decided", "deny"),
        ("2", "b", "decided", "deny"),
        ("3", "c", "decided", "deny"),
    ]
    assert rows[2]["rule"].startswith("number.") or rows[2]["kind"] == "prohibited"


def test_a_table_with_dotted_columns_says_what_the_object_says(app) -> None:
    header = "id,to,campaign,channel,at,contact.state,consent.level,consent.covers,dnc.national,dnc.states,history.last_24h"
    body = f"{header}\nx,+13055550100,c,voice,{AT},FL,express_written,live texts,false,FL;TX,0\n"
    (row,) = table(app, body, "")
    said = {
        "consent": {"level": "express_written", "covers": ["live", "texts"]},
        "dnc": {"national": False, "states": ["FL", "TX"]},
        "history": {"last_24h": 0},
    }
    attempt = GOOD | {"id": "x", "contact": {"state": "FL"}} | said
    alone = asked(app, "POST", "/v1/check", attempt).json
    assert (row["verdict"], row["kind"], row["rule"]) == (alone["verdict"], alone["reasons"][0]["kind"], alone["reasons"][0]["rule"])
    assert row["obligations"].split() == list(dict.fromkeys(alone["obligations"]))


def test_rows_of_a_table_that_cannot_be_read(app) -> None:
    body = (
        b'id,to,contact.place\na,+13055550100,"Miami, FL"\nb,+13055550100\nc,+13055550100,x,y\nd,+13055550100,"two\nlines"\n'
        b'e,+13055550100,"a"b\nf,+13055550100,\xff\n\ng,+13055550100,last\nh,"+13055550100,open'
    )
    for pieces in (0, 1, 5):
        rows = table(app, body, pieces=pieces)
        assert [(row["id"], row["status"]) for row in rows] == [
            ("a", "decided"),
            ("b", "request.malformed"),
            ("c", "request.malformed"),
            ("d", "decided"),
            ("", "request.malformed"),
            ("", "request.malformed"),
            ("g", "decided"),
            ("", "request.malformed"),
        ]
        assert all(row["verdict"] == "deny" for row in rows if row["status"] != "decided")


def test_a_foreign_dial_code_is_no_us_number(app) -> None:
    rows = table(app, "phone_number,phone_code\n3055550100,1\n3055550100,44\n")
    assert rows[0]["rule"] != rows[1]["rule"]


@pytest.mark.parametrize("character", "=+-@")
def test_a_reference_is_no_formula(app, character: str) -> None:
    assert table(app, f"to,id\n+13055550100,{character}cmd\n")[0]["id"] == f"'{character}cmd"


@pytest.mark.parametrize(
    ("body", "media", "code", "field"),
    [
        (b"", CSV, "input.invalid", "header"),
        (b"\n \n", CSV, "input.invalid", "header"),
        (b"name,age\nx,1\n", CSV, "input.invalid", "header"),
        (b"to,contact.stat\n", CSV, "input.invalid", "contact.stat"),
        (b"to,\xff\n", CSV, "request.malformed", None),
        (b"{}", "application/json", "request.media_type", None),
        (b"to,to\n1,2\n", CSV, "input.invalid", "header"),
    ],
)
def test_what_is_no_table_at_all_is_refused_whole(app, body: bytes, media: str, code: str, field: str | None) -> None:
    answer = asked(app, "POST", "/v1/check/batch", body, media=media)
    assert answer.code == code and answer.fields == ([field] if field else [])


def test_nothing_is_an_answer_to_nothing(app) -> None:
    assert ndjson(app, b"") == [] and ndjson(app, b"\n\n") == [] and table(app, "to\n") == []


def test_other_questions_are_answered_between_the_slices(app) -> None:
    """While a long batch is answered, each turn of the loop decides one slice of it at most."""
    body = b"\n".join([json.dumps(GOOD).encode()] * (batch.SLICE * 100))
    turns: list[str] = []

    async def run() -> None:
        async def long() -> None:
            await asked_async(app, "POST", "/v1/check/batch", body, media=NDJSON)
            turns.append("batch")

        async def short() -> None:
            for _ in range(10):
                await asked_async(app, "POST", "/v1/check", GOOD)
            turns.append("checks")

        await asyncio.gather(long(), short())

    asyncio.run(run())
    assert turns == ["checks", "batch"]


def test_no_more_is_read_than_is_answered_and_taken(app) -> None:
    """A client that does not take its answers is not read any further: memory stays flat for any number of rows."""
    line = json.dumps(GOOD).encode() + b"\n"
    read = 0

    async def receive() -> dict:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": line * batch.SLICE, "more_body": True}

    async def send(message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(3600)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/check/batch",
        "query_string": b"",
        "headers": [(b"content-type", NDJSON.encode())],
        "client": None,
    }

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(app(scope, receive, send), 1.0)

    asyncio.run(run())
    assert 1 <= read <= 3


def test_a_client_that_goes_away_in_the_middle_is_let_go(app) -> None:
    coming = [{"type": "http.request", "body": json.dumps(GOOD).encode() + b"\n", "more_body": True}]

    async def receive() -> dict:
        return coming.pop() if coming else {"type": "http.disconnect"}

    async def send(message) -> None: ...

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/check/batch",
        "query_string": b"",
        "headers": [(b"content-type", NDJSON.encode())],
        "client": None,
    }
    asyncio.run(app(scope, receive, send))


def test_rows_cut_anywhere_are_the_same(app) -> None:
    random.seed(5)
    body = "id,to,contact.place\n" + "".join(f'é{n},+1305555{n:04},"a ""{n}""\n,é"\n' for n in range(60))
    whole = [{**row, "decision": ""} for row in table(app, body)]
    assert [row["id"] for row in whole] == [f"é{n}" for n in range(60)]
    for _ in range(5):
        assert [{**row, "decision": ""} for row in table(app, body, pieces=random.randint(1, 40))] == whole
