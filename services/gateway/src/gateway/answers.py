"""What answers over HTTP share: JSON, bodies in chunks, the look at the origin."""

from collections.abc import Collection
from typing import Any, Final

import msgspec
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive

from gateway.security import is_origin_allowed


# Of an answer that goes on while it is read: whoever stands between passes each part on
# as it comes. Compressors gather unless a transformation is forbidden, nginx gathers
# unless it is told not to.
STREAMED: Final = {
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
}
ORIGIN_REFUSED: Final = "this origin may not connect (TAILCAST_ALLOWED_ORIGINS)"


def json_response(
    body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """An answer of these fields."""
    return Response(
        msgspec.json.encode(body),
        status,
        headers=headers,
        media_type="application/json",
    )


def foreign_origin(connection: HTTPConnection, allowed: Collection[str]) -> str | None:
    """The origin of a web page that may not connect; None if it may."""
    origin = connection.headers.get("origin")
    is_allowed = is_origin_allowed(
        origin,
        host=connection.headers.get("host"),
        scheme=connection.scope["scheme"],
        allowed=allowed,
    )
    return None if is_allowed else origin


def chunk(data: bytes, *, more: bool = True) -> dict[str, Any]:
    """A part of a response's body, for ASGI."""
    return {"type": "http.response.body", "body": data, "more_body": more}


async def until_gone(receive: Receive) -> None:
    """Until the client has left, by ASGI's word."""
    while (await receive())["type"] != "http.disconnect":
        pass
