"""Helpers for HTTP responses: bodies, headers, and the check of the origin."""

from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgspec
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Message, Send

from tailcast_gateway.connections.core.handshakes import Answer
from tailcast_gateway.http.origins import is_origin_allowed


Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

ORIGIN_NOT_ALLOWED: Final = "origin_not_allowed"
ORIGIN_REFUSED: Final = "this origin may not connect (TAILCAST_ALLOWED_ORIGINS)"


def json_response(
    body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A JSON response with these fields."""
    return Response(
        msgspec.json.encode(body),
        status,
        headers=headers,
        media_type="application/json",
    )


def with_headers(send: Send, headers: Headers) -> Send:
    """What sends an answer with these headers, but for those that it has itself."""
    if not headers:
        return send

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            names = {name for name, _ in own}
            more = (one for one in headers if one[0] not in names)
            message = {**message, "headers": [*own, *more]}
        await send(message)

    return send_with_headers


def response_of(answer: Answer) -> Response:
    """An answer, for a request that has come whole: the connection goes on."""
    return Response(
        answer.text, answer.status, headers=dict(answer.headers), media_type=answer.kind
    )


def refused_origin() -> Response:
    """The answer to a request of a web page that may not connect."""
    body = {"code": ORIGIN_NOT_ALLOWED, "message": ORIGIN_REFUSED}
    return json_response(body, HTTPStatus.FORBIDDEN)


def foreign_origin(connection: HTTPConnection, allowed: Collection[str]) -> str | None:
    """The origin of a web page that may not connect; None if it may."""
    origin = connection.headers.get("origin")
    peer = connection.client
    is_allowed = is_origin_allowed(
        origin,
        host=connection.headers["host"],
        peer=None if peer is None else peer.host,
        scheme=connection.scope["scheme"],
        allowed=allowed,
    )
    return None if is_allowed else origin
