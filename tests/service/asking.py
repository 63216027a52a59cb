"""One request to the application, without a port."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote


class Answer(NamedTuple):
    """What came back."""

    status: int
    media: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        return self.json["code"] if self.media == "application/problem+json" else None

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        return [each["field"] for each in self.json.get("errors", [])]


async def asked_async(app: Any, method: str, path: str, body: Any = b"", *, media: str = "application/json", token: str | None = None, pieces: int = 0, headers: Sequence[tuple[bytes, bytes]] = ()) -> Answer:
    """An answer; ``body`` as bytes or as what JSON is made of, sent in pieces of so many bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    path, _, query = path.partition("?")
    headers = [(b"content-type", media.encode()), *headers]
    if token is not None:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    scope = {
        "type": "http", "method": method, "path": unquote(path), "query_string": query.encode(), "headers": headers, "client": ("127.0.0.1", 1),
        "scheme": "http", "server": ("127.0.0.1", 80),
    }  # fmt: skip
    cut = [raw[start : start + pieces] for start in range(0, len(raw), pieces)] if pieces else [raw]
    coming = [{"type": "http.request", "body": piece, "more_body": place + 1 < len(cut)} for place, piece in enumerate(cut or [b""])]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    given = dict(sent[0]["headers"])
    return Answer(sent[0]["status"], given[b"content-type"].decode(), b"".join(message.get("body", b"") for message in sent[1:]))


def asked(app: Any, method: str, path: str, body: Any = b"", **more: Any) -> Answer:
    """``asked_async`` for one request."""
    return asyncio.run(asked_async(app, method, path, body, **more))
