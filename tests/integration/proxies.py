"""What stands between a client and a gateway on a cluster, as small as it can be.

Proxies that change where a request goes, and one that answers a handshake which nobody
behind it takes, as they were seen to. Nothing here knows the protocol.
"""

import asyncio
import base64
import hashlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from urllib.parse import unquote


# What becomes of a request's target; None for a page that is not there.
Rewrite = Callable[[str], str | None]

_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def decoded(target: str) -> str:
    """As jupyter-server-proxy has it: what the path escapes is passed on plain."""
    path, mark, query = target.partition("?")
    return unquote(path).replace(" ", "%20") + mark + query


def stripped(prefix: str) -> Rewrite:
    """As Open OnDemand has it: below a prefix, which the gateway does not see."""

    def rewrite(target: str) -> str | None:
        if not target.startswith(prefix):
            return None
        return "/" + target.removeprefix(prefix).lstrip("/")

    return rewrite


@asynccontextmanager
async def rewriting(port: int, rewrite: Rewrite) -> AsyncGenerator[int]:
    """A proxy before a port of this machine; its own port. One request a connection."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        first, rest = await _request(reader)
        method, target, version = first.split(" ")
        to = rewrite(target)
        if to is None:
            writer.write(_NOT_FOUND)
            return
        there, back = await asyncio.open_connection("127.0.0.1", port)
        try:
            if "upgrade: websocket" not in rest.lower():
                rest = "connection: close\r\n" + rest
            back.write(f"{method} {to} {version}\r\n{rest}".encode())
            await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        finally:
            back.close()

    async with _serving(serve) as own:
        yield own


@asynccontextmanager
async def breaking(is_broken: Callable[[str], bool], port: int) -> AsyncGenerator[int]:
    """As JupyterHub has it: a handshake is answered before anybody behind takes it.

    While `is_broken`, which is asked by the target, the connection then goes without a
    close; else it is passed on.
    """

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        first, rest = await _request(reader)
        if not is_broken(first.split(" ")[1]):
            there, back = await asyncio.open_connection("127.0.0.1", port)
            if "upgrade: websocket" not in rest.lower():
                rest = "connection: close\r\n" + rest
            back.write(f"{first}\r\n{rest}".encode())
            await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
            return
        fields = dict(line.split(": ", 1) for line in rest.splitlines() if line)
        key = {name.lower(): value for name, value in fields.items()}
        digest = hashlib.sha1(key["sec-websocket-key"].encode() + _MAGIC).digest()  # noqa: S324  # the handshake's
        accept = base64.b64encode(digest).decode()
        chosen = key.get("sec-websocket-protocol", "").split(",")[0]
        subprotocol = f"sec-websocket-protocol: {chosen}\r\n" if chosen else ""
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
            f"connection: upgrade\r\nsec-websocket-accept: {accept}\r\n"
            f"{subprotocol}\r\n".encode()
        )

    async with _serving(serve) as own:
        yield own


@asynccontextmanager
async def _serving(
    serve: Callable[[StreamReader, StreamWriter], object],
) -> AsyncGenerator[int]:
    async def guarded(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await serve(reader, writer)  # type: ignore[misc]  # they are coroutines
        except (OSError, asyncio.IncompleteReadError):
            # One side has left.
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(guarded, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def _request(reader: StreamReader) -> tuple[str, str]:
    """A request's first line, and its fields with the empty line."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, _, rest = head.partition("\r\n")
    return first, rest


async def _pass_on(reader: StreamReader, writer: StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
