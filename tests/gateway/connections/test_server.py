"""The server: how handshakes are answered, HTTP, shutting down."""

import asyncio
import contextlib
import socket as sockets
from collections import Counter

import pytest
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
)
from websockets.frames import Opcode

from tailcast_gateway.connections import websocket
from tailcast_gateway.connections.server import ACCEPTED_AT_ONCE, to_accept_many
from tailcast_gateway.protocol.frames import text_frame
from tailcast_gateway.scheduling.scheduler import Scheduler
from tests.gateway.connections.rig import (
    HANDSHAKE,
    closed,
    masked,
    raw_client,
    serving,
)
from tests.patience import PATIENCE_SECONDS


async def test_shutdown_closes_what_is_left() -> None:
    """Uvicorn's shutdown says 1012 to handed-over connections and then ends."""
    async with (
        serving() as rig,
        connect(rig.url) as one,
        connect(rig.url) as other,
    ):
        owners = [await rig.next_owner(), await rig.next_owner()]
        stopping = asyncio.create_task(rig.stop())
        assert await closed(one) == (1012, "draining")
        assert await closed(other) == (1012, "draining")
        await stopping
        for owner in owners:
            assert await owner.next_told() == ("closed", 1012, "draining", "gateway")
        assert not rig.server.server_state.connections
        assert not rig.server.server_state.tasks


async def test_shutdown_does_not_wait_for_a_stalled_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client that never reads holds a shutdown up for the close time-out, no more."""
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", 0.05)
    async with serving() as rig, raw_client(rig, receive_buffer_bytes=4096):
        owner = await rig.next_owner()
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"." * 1000))
            await asyncio.sleep(0)
        await rig.stop()
        assert not rig.server.server_state.connections


async def test_deflate_is_off_unless_it_is_switched_on() -> None:
    """Whatever the client offers."""
    async with (
        serving(echo=True) as rig,
        connect(rig.url, compression="deflate") as client,
    ):
        assert not client.protocol.extensions
        assert not (await rig.next_owner()).socket.is_deflated
        await client.send("plain")
        assert await client.recv() == "plain"


async def test_deflate_without_context() -> None:
    """C5: neither side refers to an earlier message; what comes is read."""
    async with (
        serving(echo=True, deflate=True) as rig,
        connect(rig.url, compression="deflate") as client,
    ):
        (deflate,) = client.protocol.extensions
        assert isinstance(deflate, PerMessageDeflate)
        assert deflate.remote_no_context_takeover
        assert deflate.local_no_context_takeover
        assert (await rig.next_owner()).socket.is_deflated
        for text in ("a" * 1_000, "b", "a" * 1_000):
            await client.send(text)
            assert await client.recv() == text


async def test_a_smaller_window_is_declined() -> None:
    """C5: a frame that is shared may refer further back than it reaches."""
    offer = ClientPerMessageDeflateFactory(server_max_window_bits=10)
    async with (
        serving(echo=True, deflate=True) as rig,
        connect(rig.url, compression=None, extensions=[offer]) as client,
    ):
        assert not client.protocol.extensions


async def test_a_deflate_bomb_is_too_large() -> None:
    """What a message is when it is unpacked counts, not what was sent."""
    async with (
        serving(echo=True, deflate=True) as rig,
        connect(rig.url, compression="deflate") as client,
    ):
        await client.send("0" * 10_000_000)
        assert (await closed(client))[0] == 1009


@pytest.mark.parametrize(
    ("handshake", "status"),
    [
        pytest.param(HANDSHAKE, b"101", id="as it should be"),
        pytest.param(
            HANDSHAKE.replace(b"Host: localhost", b"X: \xe9\t!\r\nHost: a"),
            b"101",
            id="odd but lawful header",
        ),
        pytest.param(
            HANDSHAKE.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 8000 + b"\r\n\r\n"),
            b"101",
            id="long",
        ),
        pytest.param(
            HANDSHAKE.replace(b"\r\n\r\n", b"\r\nX: y" * 95 + b"\r\n\r\n"),
            b"101",
            id="many headers",
        ),
        pytest.param(
            HANDSHAKE.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 17000 + b"\r\n\r\n"),
            b"431",
            id="too long",
        ),
        pytest.param(
            HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X"), b"400", id="no key"
        ),
        pytest.param(
            HANDSHAKE.replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n"),
            b"101",
            id="an empty body",
        ),
        pytest.param(HANDSHAKE.replace(b": 13", b": 12"), b"400", id="old version"),
        pytest.param(HANDSHAKE.replace(b"GET", b"POST"), b"404", id="not a GET"),
        pytest.param(HANDSHAKE.replace(b"/1.1", b"/1.0"), b"404", id="old HTTP"),
        pytest.param(
            HANDSHAKE.replace(b"Upgrade: w", b"Upgrade: h2c, w"), b"404", id="a choice"
        ),
        pytest.param(
            HANDSHAKE.replace(b"Connection: U", b"Connection: keep-alive, U"),
            b"101",
            id="keep-alive",
        ),
        pytest.param(
            HANDSHAKE.replace(b"GET /ws", b"GET http://localhost/ws"),
            b"101",
            id="a whole URL",
        ),
    ],
)
async def test_handshakes(handshake: bytes, status: bytes) -> None:
    """What asks for a WebSocket gets the library's verdict, all else is HTTP."""
    async with serving() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(handshake)
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await reader.readline()
        assert line.split(b" ")[1] == status
        writer.close()
        await writer.wait_closed()


async def test_http_beside_it() -> None:
    """Plain HTTP is served on the same port."""
    async with serving() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(b"GET /alive HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
            response = await reader.read()
        assert response.startswith(b"HTTP/1.1 200")
        assert response.endswith(b'"yes"')
        writer.close()
        await writer.wait_closed()


async def test_server_options() -> None:
    """The options that others rely on stand in the configuration."""
    async with serving() as rig:
        config = rig.server.config
        assert config.ws == "none"
        assert config.proxy_headers is False
        graceful = config.timeout_graceful_shutdown
        assert graceful is not None
        assert graceful > websocket.CLOSE_TIMEOUT_SECONDS


async def test_sockets_are_small() -> None:
    """A socket has no dictionary of its own: ten thousand of them are ten thousand."""
    async with serving() as rig, connect(rig.url):
        owner = await rig.next_owner()
        assert not hasattr(owner.socket, "__dict__")


async def test_many_connections_are_accepted_in_one_pass_of_the_loop() -> None:
    """However long a pass takes, nobody waits behind hundreds that come and go."""
    made: list[int] = []

    class Counting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made[-1] += 1
            transport.close()

    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(sockets.create_server(("127.0.0.1", 0)))
        listener.setblocking(False)
        for one in to_accept_many([listener]):
            server = await loop.create_server(Counting, sock=one)
            await stack.enter_async_context(server)
        for _ in range(2 * ACCEPTED_AT_ONCE):
            address = listener.getsockname()
            stack.enter_context(sockets.create_connection(address))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum(made) < 2 * ACCEPTED_AT_ONCE:
                made.append(0)
                await asyncio.sleep(0)
    assert max(made) >= ACCEPTED_AT_ONCE


async def test_who_sends_too_much_is_not_listened_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is closed at once, though it never answers and goes on sending."""
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", 100 * PATIENCE_SECONDS)
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.socket.close(4400, "protocol error")
        assert await client.close_code() == 4400
        assert await client.at_end()
        await client.send(b"no frame " * 10_000)
        client.writer.close()
        assert await owner.next_told() == ("closed", 4400, "protocol error", "gateway")


async def test_clients_pay_for_what_they_send() -> None:
    """Also for what comes in one go, which is read in turns."""
    used: Counter[str] = Counter()
    scheduler = Scheduler(on_used=lambda kind, ns: used.update({kind: ns}))
    async with serving(scheduler=scheduler) as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(masked(Opcode.TEXT, b"short"))
        assert await owner.next_told() == ("text", b"short")
        paid = owner.socket.account.start
        assert paid > 0
        some = masked(Opcode.TEXT, b"long") * 2_000
        await client.send(some)
        for _ in range(2_000):
            assert await owner.next_told() == ("text", b"long")
        assert owner.socket.account.start > paid
    assert used.keys() == {"command"}
