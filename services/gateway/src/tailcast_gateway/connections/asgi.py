"""Helpers for responses that are made while they are read, in the messages of ASGI."""

from typing import Any, Final

from starlette.types import Receive


# The headers of such a response. They make proxies pass on each part as it comes:
# compressors collect parts unless transformations are forbidden, and nginx collects
# them unless the second header forbids it.
STREAMED: Final = {
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
}


def chunk(data: bytes, *, more: bool = True) -> dict[str, Any]:
    """A part of a response's body, for ASGI."""
    return {"type": "http.response.body", "body": data, "more_body": more}


async def until_gone(receive: Receive) -> None:
    """Wait until the client has left, as ASGI reports it."""
    while (await receive())["type"] != "http.disconnect":
        pass
