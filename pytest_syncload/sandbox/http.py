"""The doubles' small HTTP border: one ASGI request, read whole, becomes a `Request`; an `Answer` becomes a response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower-case, query values the last of their name."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """The header's value, or an empty text."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    extra: tuple[tuple[bytes, bytes], ...] = ()


def asgi(answer: Callable[[Request], Answer]) -> Callable[[Any, Any, Any], Any]:
    """An ASGI application that answers each request by ``answer``, which must not block for long."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        made = answer(
            Request(
                method=scope["method"],
                path=scope["path"],
                body=bytes(body),
                headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
                query=dict(parse_qsl(scope["query_string"].decode("latin-1"))),
            )
        )
        headers = [(b"content-type", made.content_type), (b"content-length", str(len(made.body)).encode()), *made.extra]
        await send({"type": "http.response.start", "status": made.status, "headers": headers})
        await send({"type": "http.response.body", "body": made.body})

    return app
