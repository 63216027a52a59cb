"""The description of the HTTP interface in OpenAPI 3.1, made of the routes and of the types of their bodies."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from dialguard.model import contract
from dialguard.model.version import VERSION
from dialguard.service import bodies
from dialguard.service.keyfile import SCOPES
from dialguard.service.problem import CODES
from dialguard.service.routes.batch import COLUMNS, CSV, NDJSON
from dialguard.service.web import JSON, Request, Response, Route

Schema = dict[str, Any]
_PROBLEM = "application/problem+json"
_REF = "#/components/schemas/{name}"
_TEXT: Schema = {"type": "string", "maxLength": 1000}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_WORDS: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_NUMBER: Schema = {
    "description": "A telephone number in any usual US form, or E.164. What is none is denied.",
    "examples": ["+13055550100"],
}
_MOMENTS = frozenset(
    {
        "at",
        "ceased_at",
        "last_inbound_at",
        "ported_to_wireless_at",
        "obtained_at",
        "requested_at",
        "expires_at",
        "revoked_at",
        "last_at",
        "last_transaction_at",
        "last_inquiry_at",
        "ended_at",
        "donor_at",
        "internal_since",
        "reassigned_asked_at",
        "last_conversation_at",
    }
)
_LOOSE: Mapping[str, Schema] = {
    "to": _NUMBER,
    "from": _NUMBER,
    "form": _WORDS,
    "covers": _WORDS,
    "channels": _WORDS,
    "national_since": {"type": "string", "format": "date"},
    "lists": {"type": "object", "description": "Code to {listed, published, effective, use_by}."},
    "agreed_hours": {"description": "Windows: {days, from, to}, or a list of them."},
    "inconvenient": {"description": "Windows, or {windows, places}."},
    "campaign": {
        "anyOf": [{"type": "string", "description": "Id of a registered campaign."}, {"$ref": "#/components/schemas/AttemptCampaign"}]
    },
}
"""What the contract's types leave to its reader."""
_OR_WHOLE = frozenset({"id", "state", "zip", "county", "place", "timezone", "debt"})
"""Texts of an attempt for which a whole number does as well: as tables have them."""
_CHANNEL: Schema = {"type": "string", "enum": ["voice", "sms", "mms", "rvm", "fax"]}
_QUERY: Mapping[str, Schema] = {
    "channel": _CHANNEL,
    "format": {"type": "string", "enum": ["json", "text"]},
    "texts": {"type": "string", "enum": ["true", "false"]},
    "days": {"type": "integer", "minimum": 1, "maximum": 31},
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
    "verdict": {"type": "string", "enum": ["allow", "deny"]},
    "at": _MOMENT,
    "since": _MOMENT,
    "until": _MOMENT,
    "as_of": _MOMENT,
}
_REQUIRED = {
    ("GET", "/v1/check"): {"to", "campaign"},
    ("GET", "/v1/windows"): {"to", "campaign"},
    ("GET", "/v1/numbers/{number}"): {"seller"},
}
_OWN = ("/v1/", "/healthz", "/readyz", "/metrics")
_CONFLICTS = {"/v1/outcomes", "/v1/campaigns"}
EXAMPLES: Mapping[tuple[str, str], Any] = {
    ("POST", "/v1/check"): {
        "id": "call-17",
        "channel": "voice",
        "to": "+13055550100",
        "from": "+12125550111",
        "contact": {"state": "FL"},
        "consent": {"level": "express_written"},
        "campaign": {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"},
    },
    ("POST", "/v1/consents"): {
        "seller": "Acme",
        "number": "+13055550100",
        "level": "express_written",
        "obtained_at": "2026-03-01T10:00:00-05:00",
    },
    ("POST", "/v1/revocations"): {"seller": "Acme", "number": "+13055550100", "means": "stop_reply", "words": "STOP"},
    ("POST", "/v1/relationships"): {"seller": "Acme", "number": "+13055550100", "last_transaction_at": "2026-03-01T10:00:00-05:00"},
    ("POST", "/v1/dnc"): {"seller": "Acme", "number": "+13055550100"},
    ("DELETE", "/v1/dnc"): {"seller": "Acme", "number": "+13055550100"},
    ("POST", "/v1/campaigns"): {"id": "spring-sale", "seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"},
    ("PUT", "/v1/campaigns/{id}"): {
        "id": "spring-sale",
        "seller": "Acme",
        "purpose": "telemarketing",
        "dialing": "preview",
        "voice": "live",
    },
    ("POST", "/v1/outcomes"): {
        "decision": "d-9f2c4e11ab03-1",
        "outcome": "answered",
        "to": "+13055550100",
        "channel": "voice",
        "campaign": "spring-sale",
    },
    ("POST", "/v1/campaigns/{id}/pause"): {"reason": "A complaint is being looked into.", "by": "jo"},
    ("POST", "/v1/campaigns/{id}/resume"): {"reason": "It was another seller's call.", "by": "jo"},
}
"""A body that works, for each route that takes JSON; they build on each other in the order in which they stand here."""


def own(routes: Sequence[Route]) -> list[Route]:
    """The routes of this interface; those that speak as another product does are described by that."""
    return [route for route in routes if route.path.startswith(_OWN)]


def description(routes: Sequence[Route]) -> Schema:
    """The whole document."""
    routes = own(routes)
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "DialGuard",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Decides before a call or text to a US number whether the law allows it, why, and what the caller must do.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": f"An API key. Scopes: {', '.join(SCOPES)}."},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def route(routes: Callable[[], Sequence[Route]]) -> Route:
    """The route that gives the description of all routes, itself included."""

    @cache
    def written() -> bytes:
        return msgspec.json.encode(description(routes()))

    async def describe(request: Request) -> Response:
        """This description."""
        return Response(written())

    return Route("GET", "/v1/openapi.json", None, describe, "The description of all this in OpenAPI 3.1", None, bodies.Description)


def _operation(route: Route) -> Schema:
    name = f"{route.method.lower()}_{re.sub(r'[^a-z]+', '_', route.path.removeprefix('/v1/').lower()).strip('_')}"
    found: Schema = {"operationId": name, "summary": route.summary, "description": _prose(route)}
    parameters = [
        {"name": each, "in": "path", "required": True, "schema": _path_schema(each)} for each in re.findall(r"\{(\w+)\}", route.path)
    ] + [
        {
            "name": each,
            "in": "query",
            "required": each in _REQUIRED.get((route.method, route.path), ()),
            "description": text,
            "schema": _QUERY.get(each, _TEXT),
        }
        for each, text in route.query.items()
    ]
    if parameters:
        found["parameters"] = parameters
    if (body := _body(route)) is not None:
        found["requestBody"] = {"required": True, "content": body}
    found["responses"] = _responses(route)
    found["security"] = [] if route.scope is None else [{"bearer": []}, {"key": []}]
    if route.scope is not None:
        found["x-scope"] = route.scope
    return found


def _prose(route: Route) -> str:
    said = (route.handler.__doc__ or route.summary).strip()
    return said if route.scope is None else f"{said} Scope: `{route.scope}`."


def _path_schema(name: str) -> Schema:
    return (
        {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^/?#%\s]+$"}
        if name != "number"
        else {**_TEXT, "pattern": r"^[0-9+().-]+$"}
    )


def _body(route: Route) -> Schema | None:
    if NDJSON in route.media:
        return {NDJSON: {"schema": {"type": "string"}}, CSV: {"schema": {"type": "string"}}}
    if route.takes is None:
        return None
    content: Schema = {"schema": _reference(route.takes)}
    if (route.method, route.path) in EXAMPLES:
        content["example"] = EXAMPLES[route.method, route.path]
    return {JSON: content}


def _responses(route: Route) -> Schema:
    if NDJSON in route.media:
        content = {
            NDJSON: {"schema": {"type": "string", "description": "Lines with row, id, status, and the decision or the problem."}},
            CSV: {"schema": {"type": "string", "description": f"Columns {', '.join(COLUMNS)}."}},
        }  # fmt: skip
    else:
        content = {
            media: {"schema": (_reference(route.gives) if media == JSON else {"type": "string"})}
            for media in (each.partition(";")[0] for each in route.media)
        }
    found: Schema = {str(route.status): {"description": "Done.", "content": content}}
    if route.status == 201 and route.path == "/v1/campaigns":
        found["200"] = {"description": "It was registered just so before.", "content": content}
    for status in sorted(statuses(route)):
        codes = [code for code, (known, _) in CODES.items() if known == status]
        found[str(status)] = {"description": ", ".join(codes), "content": {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    return found


def statuses(route: Route) -> set[int]:
    """The statuses of the problems that a route may answer."""
    takes = route.takes is not None or NDJSON in route.media
    found = {431, 503}
    if route.scope is not None:
        found |= {401, 403, 429}
    if takes or route.query or "{number}" in route.path:
        found |= {400, 422}
    if takes:
        found |= {413, 415}
    if "{" in route.path or route.path.startswith("/v1/decisions"):
        found.add(404)
    if route.path in _CONFLICTS and takes:
        found.add(409)
    return found


def _reference(kind: Any) -> Schema:
    if kind is dict:
        return {"$ref": "#/components/schemas/Decision"}
    return {"$ref": _REF.format(name=kind.__name__)}


def _schemas(routes: Sequence[Route]) -> dict[str, Schema]:
    kinds = {kind for route in routes for kind in (route.takes, route.gives) if kind is not None and kind is not dict}
    ordered = sorted(kinds - {contract.Attempt}, key=lambda kind: kind.__name__)
    _, own = msgspec.json.schema_components(ordered, ref_template=_REF)
    _, attempt = msgspec.json.schema_components([contract.Attempt], ref_template="#/components/schemas/Attempt{name}")
    found = {"Attempt": attempt.pop("Attempt")} | {f"Attempt{name}": schema for name, schema in attempt.items()}
    for schema in found.values():
        for name, value in schema.get("properties", {}).items():
            if not set(value) - {"default", "description"}:
                loose = _LOOSE.get(name, _MOMENT if name in _MOMENTS else {})
                schema["properties"][name] = {"anyOf": [loose, {"type": "null"}]} if "default" in value and loose else loose
            elif name in _OR_WHOLE and "anyOf" in value and "type" in value["anyOf"][0]:
                value["anyOf"].append({"type": "integer"})
            elif name == "states":
                value["anyOf"].append({"type": "string"})
    found["Attempt"]["properties"] |= {"to": _NUMBER, "from": _NUMBER}
    bare = copy.deepcopy(own["Campaign"])
    bare["required"] = ["seller", "purpose"]
    bare["description"] = "A campaign that is not registered, sent whole."
    found["AttemptCampaign"] = bare
    return dict(sorted({**own, **found, "Problem": _problem(), "Decision": _decision()}.items()))


def _problem() -> Schema:
    field = {"type": "object", "properties": {"field": {"type": "string"}, "message": {"type": "string"}}, "required": ["field", "message"]}
    return {
        "type": "object",
        "description": "What went wrong (RFC 9457), with a stable code.",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer", "enum": sorted({s for s, _ in CODES.values()})},
            "code": {"type": "string", "enum": list(CODES)},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": field},
        },
        "additionalProperties": False,
    }


def _decision() -> Schema:
    text: Schema = {"type": "string"}
    maybe: Schema = {"type": ["string", "null"]}
    told = {"type": "object", "properties": {"rule": text, "kind": text, "message": text}, "required": ["rule", "kind", "message"]}
    place = {"type": "object", "properties": {"from": {"type": "array", "items": text}}, "required": ["from"]}
    slot = {"type": ["object", "null"], "properties": {"id": text, "expires_at": _MOMENT}, "required": ["id", "expires_at"]}
    properties: dict[str, Schema] = {
        "id": text,
        "attempt_id": maybe,
        "at": _MOMENT,
        "verdict": {"type": "string", "enum": ["allow", "deny"]},
        "valid_until": maybe,
        "reasons": {"type": "array", "items": told},
        "obligations": {"type": "array", "items": {"type": ["string", "object"]}},
        "retry_at": maybe,
        "reservation": slot,
        "jurisdictions": {"type": "array", "items": place},
        "timezones": {"type": "array", "items": place},
        "packs": text,
        "evidence": {"type": "object"},
    }
    return {
        "type": "object",
        "description": "May this attempt go ahead.",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
