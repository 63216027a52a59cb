"""The reference of the HTTP interface as a page: ``python -m dialguard.service.reference > docs/http-api.md``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from dialguard.service import openapi
from dialguard.service.app import ROUTES
from dialguard.service.problem import CODES
from dialguard.service.web import Route

_HEAD = """# HTTP interface
Made by `python -m dialguard.service.reference`; a test holds it true. The same in OpenAPI 3.1: `GET /v1/openapi.json`.

A request bears an API key: `Authorization: Bearer dg_…`, or `X-API-Key`. Each route needs the scope that stands beside it. What
is wrong is answered as `application/problem+json` with a stable `code`; `errors` names each field. Whatever is no `200` with
`"verdict": "allow"` is to be treated as a denial.
"""
_BATCH = """
`POST /v1/check/batch` takes any number of rows as they come, NDJSON (an attempt a line) or CSV (a header line; columns named as the
fields of an attempt, such as `contact.state`, or as lists usually name them), and gives one answer a row in the same order. A row that
cannot be judged is answered in its place with `status` other than `decided`. Rules that change meanwhile decide the rows from then on,
and `packs` says of each row which did. No more is read than was answered and taken: read
the answers while you send the rows. A row is at most 65,536 characters long.
"""
_OUTCOMES = """
`POST /v1/outcomes` records the attempt (so that it counts against the caps) and what became of it, once for each outcome of a
decision. `opted_out` and `wrong_number` revoke in the same step. `answered`, `opted_out` and `refused` of a call count as a
conversation. `not_placed` gives the reservation back. Where decisions are recorded, the decision's id is enough; `to` and `campaign`
(and `attempt_id`, where the attempt bore an id) make it quick, and are needed where they are not. A moment to come is taken as now.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_routes(), _BATCH, _OUTCOMES, *_bodies(), *_codes()]).rstrip() + "\n"


def _routes() -> Iterator[str]:
    yield "## Routes"
    yield "| route | scope | what it does | takes | gives |"
    yield "| --- | --- | --- | --- | --- |"
    for route in openapi.own(ROUTES):
        takes = f"`{route.takes.__name__}`" if route.takes is not None else ", ".join(route.media) if route.method == "POST" else ""
        gives = "`Decision`" if route.gives is dict else f"`{route.gives.__name__}`" if route.gives is not None else ", ".join(route.media)
        yield f"| `{route.method} {route.path}` | {route.scope or 'none'} | {route.summary} | {takes} | {gives} |"
    yield ""
    yield "## Fields of queries"
    yield "| route | field | meaning |"
    yield "| --- | --- | --- |"
    for route in openapi.own(ROUTES):
        for name, text in route.query.items():
            yield f"| `{route.method} {route.path}` | `{name}` | {text} |"


def _bodies() -> Iterator[str]:
    schemas = openapi.description(ROUTES)["components"]["schemas"]
    yield "## Bodies"
    yield "`Attempt` and `Decision` are those of the public contract, the same at the Python interface and on the command line."
    kinds = [kind.__name__ for route in openapi.own(ROUTES) for kind in _kinds(route)]
    for name in dict.fromkeys(kinds):
        schema = schemas[name]
        yield ""
        yield f"### {name}"
        yield schema.get("description", "")
        yield ""
        yield "| field | values |"
        yield "| --- | --- |"
        needed = schema.get("required", ())
        for field, values in schema.get("properties", {}).items():
            yield f"| `{field}`{' (required)' if field in needed else ''} | {_values(values)} |"


def _kinds(route: Route) -> Iterator[Any]:
    for kind in (route.takes, route.gives):
        if kind is not None and kind is not dict and kind.__name__ not in ("Attempt", "Description"):
            yield kind


def _values(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_values(each) for each in schema["anyOf"] if each.get("type") != "null"))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_values(schema.get('items', {}))}"
    if "pattern" in schema:
        return f"text like `{schema['pattern']}`".replace("|", "\\|")
    kind = schema.get("type", "any")
    return {"date-time": "moment (RFC 3339)", "date": "date"}.get(schema.get("format", ""), {"string": "text"}.get(kind, str(kind)))


def _codes() -> Iterator[str]:
    yield ""
    yield "## Codes of problems"
    yield "| code | status | meaning |"
    yield "| --- | --- | --- |"
    for code, (status, title) in CODES.items():
        yield f"| `{code}` | {status} | {title} |"
    yield ""
    yield "A problem, for example:"
    yield "```json"
    problem = {"type": "urn:dialguard:problem:input.invalid", "title": CODES["input.invalid"][1], "status": 422, "code": "input.invalid"}
    yield msgspec.json.format(msgspec.json.encode(problem | {"errors": [{"field": "campaign", "message": "missing"}]})).decode()
    yield "```"


if __name__ == "__main__":
    print(page(), end="")
