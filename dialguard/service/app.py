"""The ASGI application: finds the route, admits the key, answers, and turns every failure into a problem that names it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from dialguard.service import openapi
from dialguard.service.compat import dncscrub, twilio, vicidial
from dialguard.service.problem import problem_of
from dialguard.service.routes import batch, campaigns, check, decisions, health, metrics, outcomes, packs, record, rules, windows
from dialguard.service.service import Service, token_of
from dialguard.service.web import Disconnected, Request, Response, Route, Stream, Table

_LOG = logging.getLogger("dialguard.service")
_PROBLEM = "application/problem+json"
ROUTES: list[Route] = [
    *check.ROUTES, *batch.ROUTES, *windows.ROUTES, *outcomes.ROUTES, *record.ROUTES, *campaigns.ROUTES, *decisions.ROUTES, *rules.ROUTES, *packs.ROUTES,
    *health.ROUTES, *twilio.ROUTES, *dncscrub.ROUTES, *vicidial.ROUTES, *metrics.ROUTES, openapi.route(lambda: ROUTES),
]  # fmt: skip
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


def application(service: Service) -> Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]:
    """The application of a service, for any ASGI server."""
    table = Table(ROUTES)

    async def app(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _send(send, await _answer(service, table, scope, receive))
        elif scope["type"] == "lifespan":
            await _lifespan(service, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    app.service = service
    return app


async def _answer(service: Service, table: Table, scope: Mapping[str, Any], receive: Receive) -> Response | Stream | None:
    try:
        route, params = table.find(scope["method"], scope["path"])
        request = Request(service, scope, receive, params)
        if route.scope is not None:
            client, token = scope.get("client"), token_of(request.header(b"authorization"), request.header(b"x-api-key"))
            request.key = service.admit(token, client[0] if client else None, route.scope)
            request.desk = service.desk_of(request.key)
        return await route.handler(request)
    except Disconnected:
        return None
    except Exception as error:
        return failure(error)


def failure(error: BaseException) -> Response:
    """The problem that a failure is to whoever asked."""
    problem = problem_of(error)
    return Response(problem.body(), problem.status, _PROBLEM, problem.headers)


async def _send(send: Send, answer: Response | Stream | None) -> None:
    if answer is None:
        return
    headers = [(b"content-type", answer.media.encode()), (b"cache-control", b"no-store")]
    if type(answer) is Response:
        headers.append((b"content-length", b"%d" % len(answer.body)))
        if answer.headers:
            headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        return
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for piece in answer.pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _lifespan(service: Service, receive: Receive, send: Send) -> None:
    what = "startup"
    await receive()
    try:
        async with service.running():
            await send({"type": "lifespan.startup.complete"})
            what = "shutdown"
            await receive()
    except Exception as error:
        _LOG.error("%s failed: %s", what, error)
        await send({"type": f"lifespan.{what}.failed"})
        return
    await send({"type": "lifespan.shutdown.complete"})
