"""Every route times every scope: allowed exactly where the route says so, refused in every other case."""

import asyncio
import json
from pathlib import Path

import pytest

from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.model.records import LookUp
from dialguard.service.app import ROUTES, application
from dialguard.service.desk import Desk
from dialguard.service.keyfile import SCOPES, KeyFile
from dialguard.service.keys import Keys
from dialguard.service.service import Service
from dialguard.service.web import Route

OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/v1/openapi.json")}
"""What is open to everybody. A route that is added here is a decision, not an accident."""
SIGNED = {("POST", "/twilio/message"), ("POST", "/twilio/status"), ("POST", "/twilio/call")}
"""What is open to whoever signs with a secret of the configuration."""
IN_QUERY = {("GET", "/vicidial/check"), ("GET", "/vicidial/outcome")}
"""What is asked by those who send no header: the key is in the query, and the tests of each say who is admitted."""
LOGIN = {("GET", "/app/main/rpc/scrub"), ("POST", "/app/main/rpc/scrub")}
"""What is asked with the key as `loginId`; its tests say who is admitted."""
REFUSED = {"auth.missing", "auth.scope", "auth.unknown", "auth.seller"}


def called(app, route: Route, token: str | None, body: bytes = b"{}") -> tuple[int, str | None]:
    """Status and problem code of one request to a route, with something in the place of what its path names."""
    path = route.path.replace("{", "").replace("}", "")
    headers = [(b"content-type", (route.media[0] if route.takes else "application/json").encode())]
    if token is not None:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    scope = {
        "type": "http", "method": route.method, "path": path, "query_string": b"", "headers": headers, "client": ("127.0.0.1", 1), "scheme": "http",
        "server": ("127.0.0.1", 80),
    }  # fmt: skip
    sent: list[dict] = []
    bodies = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict:
        return bodies.pop() if bodies else {"type": "http.disconnect"}

    async def send(message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    answer = b"".join(message.get("body", b"") for message in sent[1:])
    problem = dict(sent[0]["headers"])[b"content-type"] == b"application/problem+json"
    return sent[0]["status"], json.loads(answer)["code"] if problem else None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def app(folder: Path, packs):
    return application(Service({"default": Desk("default", Guard(folder, packs=packs))}, Keys(folder)))


NAMES = [f"{route.method} {route.path}" for route in ROUTES]


@pytest.mark.parametrize("route", ROUTES, ids=NAMES)
def test_a_route_is_open_to_its_scope_alone(app, folder: Path, route: Route) -> None:
    file = KeyFile(folder)
    tokens = {scope: file.create(scopes=[scope])[1] for scope in SCOPES}
    if (route.method, route.path) in SIGNED:
        assert route.scope is None
        assert {called(app, route, token) for token in (None, *tokens.values())} == {(403, "auth.signature")}
        return
    if (route.method, route.path) in LOGIN:
        assert route.scope is None
        assert {called(app, route, token) for token in (None, *tokens.values())} == {(401, "auth.missing")}
        return
    if route.scope is None:
        assert (route.method, route.path) in OPEN | IN_QUERY
        assert called(app, route, None)[1] not in REFUSED
        return
    assert route.scope in SCOPES and (route.method, route.path) not in OPEN | IN_QUERY
    assert called(app, route, None) == (401, "auth.missing")
    assert called(app, route, "dg_00000000_" + "0" * 64) == (401, "auth.unknown")
    for scope, token in tokens.items():
        status, code = called(app, route, token)
        if scope == route.scope:
            assert code not in REFUSED
        else:
            assert (status, code) == (403, "auth.scope")
    every_other = file.create(scopes=[scope for scope in SCOPES if scope != route.scope])[1]
    KeyFile(folder)
    app.service.keys.look(0.0)
    assert called(app, route, every_other) == (403, "auth.scope")


def test_no_two_routes_are_one() -> None:
    assert len(set(NAMES)) == len(NAMES)


ENTRY = {"seller": "Bolt", "number": "+13055550100"}
THEIRS = {
    "POST /v1/outcomes": {"decision": "d-1", "outcome": "answered", "to": "+13055550100", "campaign": "theirs"},
    "POST /v1/consents": {**ENTRY, "level": "express"},
    "POST /v1/revocations": ENTRY,
    "POST /v1/relationships": {**ENTRY, "current": True},
    "POST /v1/dnc": ENTRY,
    "DELETE /v1/dnc": ENTRY,
}
"""Of each route that writes, what speaks for another seller."""


@pytest.mark.parametrize("route", [route for route in ROUTES if route.scope == "write"], ids=lambda route: f"{route.method} {route.path}")
def test_a_key_for_one_seller_writes_for_no_other(app, folder: Path, route: Route) -> None:
    for id_, seller in (("theirs", "Bolt"), ("mine", "Acme")):
        app.service.desk("default").guard.add_campaign({"id": id_, "seller": seller, "purpose": "survey"})
    token = KeyFile(folder).create(scopes=["write"], sellers=["Acme"])[1]
    body = THEIRS[f"{route.method} {route.path}"]
    assert called(app, route, token, json.dumps(body).encode()) == (403, "auth.seller")
    mine = {**body, **({"seller": "Acme"} if "seller" in body else {"campaign": "mine"})}
    status, code = called(app, route, token, json.dumps(mine).encode())
    assert status in (200, 201) and code is None
    number = "+13055550100"
    store = app.service.desk("default").guard.store
    assert store.look_up(seller="Bolt", number=number, at=clock.now()) == LookUp()
