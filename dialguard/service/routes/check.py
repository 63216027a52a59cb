"""``/v1/check``: may this attempt go ahead?"""

from __future__ import annotations

from dialguard.model import contract
from dialguard.service import answer
from dialguard.service.desk import Ask
from dialguard.service.web import JSON, TEXT, Request, Response, Route, expect_json
from dialguard.service.problem import Problem

_ASKED = {
    "to": "The called number.", "from": "The caller ID that will be shown.", "campaign": "Id of a registered campaign.",
    "channel": "voice (default), sms, mms, rvm or fax.", "ref": "The caller's own reference, echoed.",
    "format": "json (default) or text: one line for a dialplan.", "texts": "true: obligations with their texts.",
}  # fmt: skip


async def check(request: Request) -> Response:
    """Decide the attempt in the body."""
    texts = bool(request.scope["query_string"]) and _flag(request.query("texts"), "texts")
    body = await request.body()
    expect_json(request.header(b"content-type"))
    decision = await request.desk.ask(Ask(body, "http", request.key.id, True))
    return Response(decision.as_json(texts=texts))


async def check_by_query(request: Request) -> Response:
    """Decide the attempt in the query; one line of text for a dialplan."""
    asked = request.query(*_ASKED)
    form = asked.get("format", "json")
    if form not in ("json", "text"):
        raise Problem("input.invalid", errors=[("format", f"found {form[:20]!r}, expected json or text")])
    attempt = {"channel": "voice", **{name: value for name, value in asked.items() if name in ("to", "from", "campaign", "channel")}}
    if "ref" in asked:
        attempt["id"] = asked["ref"]
    decision = await request.desk.ask(Ask(attempt, "http", request.key.id))
    if form == "text":
        return Response(answer.line(decision, asked.get("ref")).encode() + b"\n", media=TEXT)
    return Response(decision.as_json(texts=_flag(asked, "texts")))


def _flag(given: dict[str, str], name: str) -> bool:
    value = given.get(name, "false")
    if value not in ("true", "false"):
        raise Problem("input.invalid", errors=[(name, f"found {value[:20]!r}, expected true or false")])
    return value == "true"


ROUTES = [
    Route("POST", "/v1/check", "check", check, "Decide one attempt", contract.Attempt, dict, {"texts": _ASKED["texts"]}),
    Route("GET", "/v1/check", "check", check_by_query, "Decide one attempt by its number", None, dict, _ASKED, (JSON, TEXT)),
]
