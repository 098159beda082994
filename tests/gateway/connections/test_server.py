"""What uvicorn still does: handshakes, HTTP, shutting down."""

import asyncio
from typing import Any

import pytest
from fastapi import Response, WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
)

from tailcast_gateway.connections import handover as transport, websocket
from tailcast_gateway.connections.handover import make_server_config
from tailcast_gateway.protocol.frames import text_frame
from tests.gateway.connections.rig import (
    HANDSHAKE,
    closed,
    raw_client,
    serving,
)


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


async def test_an_endpoint_that_keeps_its_connection() -> None:
    """Without a hand-over uvicorn's protocol works as it always does."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close(4400, "protocol error")

    async with serving(endpoint) as rig, connect(rig.url) as client:
        await client.send("hallo")
        assert await client.recv() == "hallo"
        assert await closed(client) == (4400, "protocol error")


async def test_an_endpoint_that_refuses() -> None:
    """A connection that is closed before accept is refused with 403."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.close()

    async with serving(endpoint) as rig:
        with pytest.raises(InvalidStatus) as refused:
            await connect(rig.url)
        assert refused.value.response.status_code == 403


async def test_an_endpoint_that_refuses_with_an_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The answer is the client's, and nothing has failed."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.send_denial_response(Response("no", 400))

    async with serving(endpoint) as rig:
        with pytest.raises(InvalidStatus) as refused:
            await connect(rig.url)
        assert refused.value.response.status_code == 400
        assert refused.value.response.body == b"no"
        await rig.stop()
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


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
            HANDSHAKE.replace(b"\r\n\r\n", b"\r\nX: y" * 110 + b"\r\n\r\n"),
            b"101",
            id="many headers",
        ),
        pytest.param(
            HANDSHAKE.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 9000 + b"\r\n\r\n"),
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
        pytest.param(HANDSHAKE.replace(b"GET", b"POST"), b"405", id="not a GET"),
    ],
)
async def test_handshakes(handshake: bytes, status: bytes) -> None:
    """A handshake gets the library's verdict, by whichever way it is parsed."""
    async with serving() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(handshake)
        async with asyncio.timeout(20):
            line = await reader.readline()
        assert line.split(b" ")[1] == status
        writer.close()
        await writer.wait_closed()


async def test_http_beside_it() -> None:
    """Plain HTTP is served on the same port."""
    async with serving() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(b"GET /alive HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(20):
            response = await reader.read()
        assert response.startswith(b"HTTP/1.1 200")
        assert response.endswith(b'"yes"')
        writer.close()
        await writer.wait_closed()


async def test_server_options() -> None:
    """The options that others rely on stand in the configuration."""

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    config = make_server_config(app, max_message_bytes=1000, trusted_proxies=["10.1"])
    assert config.ws is transport.HandoverProtocol
    assert config.ws_max_size == 1000
    assert config.ws_ping_interval is None
    assert config.ws_per_message_deflate is False
    assert (config.proxy_headers, config.forwarded_allow_ips) == (True, ["10.1"])
    assert make_server_config(app, max_message_bytes=1).proxy_headers is False
    graceful = config.timeout_graceful_shutdown
    assert graceful is not None
    assert graceful > websocket.CLOSE_TIMEOUT_SECONDS


async def test_sockets_are_small() -> None:
    """A socket has no dictionary of its own: ten thousand of them are ten thousand."""
    async with serving() as rig, connect(rig.url):
        owner = await rig.next_owner()
        assert not hasattr(owner.socket, "__dict__")
