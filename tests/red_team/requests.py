"""Requests as they are on the wire, in forms that no library would send."""

import asyncio

from tests.integration.gateway_rig import PATIENCE_SECONDS


# What makes a handshake of a request, as browsers send it.
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


async def asked(port: int, request: str, *, in_pieces: bool = False) -> tuple[int, str]:
    """The status and the body of the answer to a request, given as it is.

    In pieces it does not come whole, so that the libraries parse it and no short cut is
    taken.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            whole = request.encode("latin-1")
            for part in (whole[:20], whole[20:]) if in_pieces else (whole,):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status = int(head.split(" ", 2)[1])
            length = 0
            for line in head.splitlines() if not request.startswith("HEAD ") else ():
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    length = int(value)
            body = await reader.readexactly(length)
        return status, body.decode()
    finally:
        writer.close()


def request(
    path: str, *headers: str, method: str = "GET", hosts: tuple[str, ...] = ()
) -> str:
    """A request with these hosts, none or several of them."""
    lines = [f"{method} {path} HTTP/1.1", *(f"Host: {host}" for host in hosts)]
    return "\r\n".join([*lines, *headers, "", ""])
