"""A real uvicorn server, an owner that notes what it is told, and a raw client.

The client is for the bytes that no library would send.
"""

import asyncio
import socket as sockets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection
from websockets.frames import Opcode

from tailcast_gateway.connections.core import handshakes
from tailcast_gateway.connections.core.handshakes import Admitted, Handshake
from tailcast_gateway.connections.core.ports import NewSocket
from tailcast_gateway.connections.edge import Edge
from tailcast_gateway.connections.server import make_server_config
from tailcast_gateway.connections.websocket import Socket
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.close_codes import ClosedBy
from tailcast_gateway.protocol.frames import text_frame
from tests.patience import PATIENCE_SECONDS


# What becomes of a handshake, in a server that runs.
Judging = Callable[
    ["Rig", Handshake], handshakes.Judgement | Awaitable[handshakes.Judgement]
]

MAX_MESSAGE_BYTES = 64 * 1024
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)


class Owner:
    """Notes what it is told, in order; echoes if asked to."""

    def __init__(self, socket: Socket, *, echo: bool = False) -> None:
        self.socket = socket
        self.echo = echo
        # Everything told, as tuples that begin with the name of the call.
        self.told: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        # Run on each message, before it is noted.
        self.on_message: Callable[[bytes], None] = lambda data: None
        # What it says before a close frame.
        self.words: Callable[[int], bytes] = lambda code: b""
        # Run when the connection is over.
        self.on_closed: Callable[[], None] = lambda: None

    def message_received(self, data: bytes, *, binary: bool) -> None:
        self.told.put_nowait(("binary" if binary else "text", data))
        self.on_message(data)
        if self.echo:
            self.socket.write(text_frame(data))

    def pong_received(self, payload: bytes) -> None:
        self.told.put_nowait(("pong", payload))

    def control_frames_limited(self) -> None:
        self.told.put_nowait(("limited",))

    def writing_resumed(self) -> None:
        self.told.put_nowait(("resumed",))

    def last_words(self, code: int) -> bytes:
        return self.words(code)

    def socket_closed(self, code: int, reason: str, by: ClosedBy) -> None:
        self.told.put_nowait(("closed", code, reason, by.value))
        self.on_closed()

    def failed(self, error: Exception) -> None:
        self.told.put_nowait(("failed", str(error)))

    async def next_told(self) -> tuple[Any, ...]:
        """What is told next, waited for."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.told.get()


@dataclass
class Rig:
    """A running server and the owners of its connections."""

    server: uvicorn.Server
    serving: asyncio.Task[None]
    port: int
    edge: Edge
    instruments: Instruments
    # What has failed, with its path.
    failures: list[str]
    # What was judged.
    handshakes: list[Handshake] = field(default_factory=list[Handshake])
    owners: asyncio.Queue[Owner] = field(default_factory=asyncio.Queue[Owner])

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    async def next_owner(self) -> Owner:
        """The owner of the next connection that is let in."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.owners.get()

    async def stop(self) -> None:
        """Have uvicorn shut down, and wait until it has."""
        self.server.should_exit = True
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.serving

    async def until_empty(self) -> None:
        """Wait until nobody knows of a connection any more."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.server.server_state.connections or self.edge.open:
                await asyncio.sleep(0)


@asynccontextmanager
async def serving(
    verdict: Judging | None = None, *, echo: bool = False, **options: Any
) -> AsyncGenerator[Rig]:
    """Serve on a free port; by default each handshake gets an `Owner`."""
    app = FastAPI()
    app.add_api_route("/alive", lambda: "yes")
    bounds = {
        name: options.pop(name)
        for name in (
            "handshake_timeout",
            "max_connections",
            "max_descriptors",
            "max_header_bytes",
            "quotas",
            "scheduler",
            "trusted_proxies",
        )
        if name in options
    }
    instruments = Instruments()
    edge = Edge(instruments=instruments, **bounds)
    instruments.count_tcp(edge.counts)
    failures: list[str] = []

    def judge(
        handshake: Handshake,
    ) -> handshakes.Judgement | Awaitable[handshakes.Judgement]:
        rig.handshakes.append(handshake)
        if verdict is not None:
            return verdict(rig, handshake)
        offered = handshake.subprotocols
        return Admitted(
            offered[0] if offered else None,
            lambda socket: start_owner(rig, socket, echo=echo),
        )

    options = {"max_message_bytes": MAX_MESSAGE_BYTES} | options
    config = make_server_config(
        app,
        edge=edge,
        judge=judge,
        on_failed=lambda path, error, _id: failures.append(f"{path}: {error}"),
        **options,
    )
    listener = sockets.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    rig = Rig(server, task, listener.getsockname()[1], edge, instruments, failures)
    try:
        yield rig
    finally:
        await rig.stop()


def start_owner(rig: Rig, socket: NewSocket, *, echo: bool = False) -> None:
    """Give the socket to a new owner of the rig."""
    assert isinstance(socket, Socket)
    owner = Owner(socket, echo=echo)
    socket.start(owner)
    rig.owners.put_nowait(owner)


def masked(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    """A client's frame; its mask is zero, so the payload stands there as it is."""
    first = (0x80 if fin else 0) | opcode
    if len(payload) < 126:
        head = bytes((first, 0x80 | len(payload)))
    elif len(payload) < 65536:
        head = bytes((first, 0x80 | 126)) + len(payload).to_bytes(2, "big")
    else:
        head = bytes((first, 0x80 | 127)) + len(payload).to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


class RawClient:
    """A client that sends the bytes it is told to and reads only when asked."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.writer.drain()

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: its opcode and its payload."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            first, length = await self.reader.readexactly(2)
            if length >= 126:
                size = 2 if length == 126 else 8
                length = int.from_bytes(await self.reader.readexactly(size), "big")
            return first & 0x0F, await self.reader.readexactly(length)

    async def close_code(self) -> int:
        """The code of the close frame, whatever frames come before it."""
        while True:
            opcode, payload = await self.frame()
            if opcode == Opcode.CLOSE:
                return int.from_bytes(payload[:2], "big")

    async def at_end(self) -> bool:
        """Whether the server has closed the connection and sent nothing more."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True


@asynccontextmanager
async def raw_client(
    rig: Rig, *, receive_buffer_bytes: int | None = None, handshake: bytes = HANDSHAKE
) -> AsyncGenerator[RawClient]:
    """A raw client after its handshake; with a small buffer it reads little ahead."""
    sock = sockets.socket()
    if receive_buffer_bytes is not None:
        sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_buffer_bytes)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", rig.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    writer.write(handshake)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await reader.readuntil(b"\r\n\r\n")
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()
        with_error = await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        assert all(isinstance(e, OSError | None) for e in with_error)


async def closed(client: ClientConnection) -> tuple[int, str]:
    """The close that the client was told, waited for."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await client.wait_closed()
    assert client.close_code is not None
    assert client.close_reason is not None
    return client.close_code, client.close_reason
