"""HEAD is answered like GET, without the body (RFC 9110 section 9.3.2).

No route says so, and none can forget it. What is without an end, or made while it is
read, ends with its headers: to whoever makes it the client has left.
"""

from starlette.types import Message, Scope, Send


def as_get(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """The GET that has the same answer, and what sends the headers of that alone.

    The server has its own scope, and so leaves out the body's bytes.
    """
    has_ended = False

    async def send_headers(message: Message) -> None:
        nonlocal has_ended
        if has_ended:
            return
        await send(message)
        if message["type"] == "http.response.start":
            has_ended = True
            await send({"type": "http.response.body", "body": b""})

    return {**scope, "method": "GET"}, send_headers
