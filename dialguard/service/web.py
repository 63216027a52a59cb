"""A request and its answer on bare ASGI, and the table of routes: no framework stands between a dialer and its decision."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from dialguard.model import strict
from dialguard.service.problem import Problem

if TYPE_CHECKING:
    from dialguard.service.desk import Desk
    from dialguard.service.keys import Key
    from dialguard.service.service import Service

BODY_LIMIT = 1_000_000
"""Bytes of a request that is read whole."""
JSON, TEXT = "application/json", "text/plain; charset=utf-8"
_MOST_FIELDS = 50
_LONGEST = 1000
"""Characters of a field of a query."""


class Response:
    """A whole answer."""

    __slots__ = ("body", "headers", "media", "status")

    def __init__(self, body: bytes, status: int = 200, media: str = JSON, headers: Mapping[str, str] | None = None) -> None:
        self.body, self.status, self.media, self.headers = body, status, media, headers


class Stream:
    """An answer that is sent piece by piece."""

    __slots__ = ("media", "pieces")

    def __init__(self, pieces: AsyncIterator[bytes], media: str) -> None:
        self.pieces, self.media = pieces, media


def json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(msgspec.json.encode(value), status, JSON, headers)


def media_of(content_type: bytes | None) -> str:
    """The media type that a header names, without its parameters; empty where there is none."""
    return (content_type or b"").decode("latin-1").partition(";")[0].strip().lower()


def expect_json(content_type: bytes | None) -> None:
    """Raises Problem for a body that says it is something else."""
    if content_type is not None and content_type != b"application/json" and media_of(content_type) != JSON:
        raise Problem("request.media_type", f"found {media_of(content_type)[:60]!r}, expected {JSON}")


class Request:
    """One request; ``key`` is whose it is and ``desk`` where that tenant's decisions are made."""

    __slots__ = ("_receive", "desk", "key", "params", "scope", "service")

    def __init__(
        self, service: Service, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]], params: Mapping[str, str]
    ) -> None:
        self.service, self.scope, self._receive, self.params = service, scope, receive, params
        self.key: Key = None  # set once it is known
        self.desk: Desk = None

    def header(self, name: bytes) -> bytes | None:
        """A header's value by its name in small letters."""
        for given, value in self.scope["headers"]:
            if given == name:
                return value
        return None

    @property
    def media(self) -> str:
        """The media type of the body, without its parameters."""
        return media_of(self.header(b"content-type"))

    def query(self, *known: str) -> dict[str, str]:
        """The query's fields; raises Problem for one that is not known, stands twice or is too long."""
        try:
            pairs = parse_qsl(
                self.scope["query_string"].decode("ascii"), keep_blank_values=True, strict_parsing=bool(self.scope["query_string"]),
                errors="strict", max_num_fields=_MOST_FIELDS,
            )  # fmt: skip
        except ValueError:
            raise Problem("request.malformed", "the query is not of the form name=value&name=value in UTF-8") from None
        found = dict(pairs)
        long = [
            (name[:60], f"found {len(value):,} characters, expected at most {_LONGEST:,}") for name, value in pairs if len(value) > _LONGEST
        ]
        unknown = [name for name in found if name not in known]
        errors = [(name[:60], f"there is no such field; expected one of {', '.join(known) or 'none'}") for name in unknown] or long
        if not errors and len(found) < len(pairs):
            errors = [(next(name for name, _ in pairs if sum(one == name for one, _ in pairs) > 1), "it is given twice")]
        if errors:
            raise Problem("input.invalid", errors=errors)
        return found

    async def body(self, limit: int = BODY_LIMIT) -> bytes:
        """The whole body; raises Problem where it is larger than ``limit`` bytes."""
        message = await self._receive()
        first = message.get("body", b"")
        if not message.get("more_body"):
            if len(first) > limit:
                raise _too_large(limit)
            return first
        parts = [first]
        size = len(first)
        while message.get("more_body"):
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
        return b"".join(parts)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            more = message.get("more_body", False)
            yield message.get("body", b"")

    async def read(self, kind: Any) -> Any:
        """The body as JSON of a type; raises Problem that names the field."""
        body = await self.body()
        expect_json(self.header(b"content-type"))
        try:
            found = msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as error:
            raise Problem("input.invalid", errors=[_place(str(error))]) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem("request.malformed", f"the body is no JSON: {error}") from None
        once(body)
        return found


def once(body: bytes) -> None:
    """Raises Problem where a key of a JSON body stands twice, which a decoder of types takes for its last."""
    try:
        strict.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem("request.malformed", str(error)) from None


class Disconnected(Exception):
    """The client went away before its request was whole."""


def _too_large(limit: int) -> Problem:
    return Problem("request.too_large", f"expected at most {limit:,} bytes", headers={"connection": "close"})


def _place(text: str) -> tuple[str, str]:
    """Field and message of what msgspec says: ``Expected `str`, got `int` - at `$.seller```."""
    message, _, path = text.rpartition(" - at `")
    return (path.rstrip("`").removeprefix("$").lstrip(".") or "(body)", message) if message else ("(body)", text)


Handler = Callable[[Request], Awaitable["Response | Stream"]]


@dataclass(frozen=True)
class Route:
    """One operation. ``scope`` is what a key needs for it, None for everybody; ``takes`` and ``gives`` describe its bodies."""

    method: str
    path: str
    scope: str | None
    handler: Handler
    summary: str
    takes: Any = None
    gives: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    media: tuple[str, ...] = (JSON,)
    status: int = 200


class Table:
    """Finds the route of a request."""

    def __init__(self, routes: list[Route]) -> None:
        self.routes = routes
        self._plain: dict[tuple[str, str], Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for route in routes:
            if "{" in route.path:
                self._patterns.append((re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)), route))
            else:
                self._plain[route.method, route.path] = route

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """The route and the values in its path; raises Problem where there is none."""
        route = self._plain.get((method, path))
        if route is not None:
            return route, {}
        there = {other for other, known in self._plain if known == path}
        for pattern, route in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                if route.method == method:
                    return route, match.groupdict()
                there.add(route.method)
        if there:
            raise Problem(
                "request.method", f"found {method[:10]}, expected {' or '.join(sorted(there))}", headers={"allow": ", ".join(sorted(there))}
            )
        raise Problem("resource.unknown", "there is no such path; /v1/openapi.json describes those that there are")
