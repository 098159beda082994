"""A response that goes on while it is read, in the messages of ASGI."""

from typing import Any, Final

from starlette.types import Receive


# Of an answer that goes on while it is read: whoever stands between passes each part on
# as it comes. Compressors gather unless a transformation is forbidden, nginx gathers
# unless it is told not to.
STREAMED: Final = {
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
}


def chunk(data: bytes, *, more: bool = True) -> dict[str, Any]:
    """A part of a response's body, for ASGI."""
    return {"type": "http.response.body", "body": data, "more_body": more}


async def until_gone(receive: Receive) -> None:
    """Until the client has left, by ASGI's word."""
    while (await receive())["type"] != "http.disconnect":
        pass
