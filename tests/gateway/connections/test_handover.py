"""The hand-over: what came before it, what stays after it, who may do it when."""

import asyncio
import gc
import socket as sockets
import weakref
from typing import Any

import pytest
from fastapi import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.frames import Opcode

from tailcast_gateway.connections import handover as transport
from tailcast_gateway.connections.handover import HandoverError, handover
from tailcast_gateway.protocol.frames import text_frame
from tests.gateway.connections.rig import (
    Owner,
    Rig,
    closed,
    masked,
    raw_client,
    serving,
    start_owner,
)


@pytest.mark.parametrize("http", ["httptools", "h11"])
async def test_handed_over_connection_talks(http: str) -> None:
    """After the hand-over messages go both ways, under both HTTP implementations."""
    async with serving(echo=True, http=http) as rig, connect(rig.url) as client:
        await client.send("hallo")
        assert await client.recv() == "hallo"
        await client.send(b"\x00\xff")
        owner = await rig.next_owner()
        assert await owner.next_told() == ("text", b"hallo")
        assert await owner.next_told() == ("binary", b"\x00\xff")


async def test_subprotocol_is_echoed() -> None:
    """The endpoint's choice of subprotocol reaches the client."""
    offered: Any = ["tailcast.v1.json"]
    async with (
        serving() as rig,
        connect(rig.url, subprotocols=offered) as client,
    ):
        assert client.subprotocol == "tailcast.v1.json"


async def test_messages_before_the_handover_keep_their_order() -> None:
    """What came between accept and hand-over is told first, in order, unbroken."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        assert await websocket.receive_text() == "for the endpoint"
        start_owner(websocket.app.state.rig, websocket)

    async with serving(endpoint) as rig, raw_client(rig) as client:
        await client.send(
            masked(Opcode.TEXT, b"for the endpoint")
            + masked(Opcode.TEXT, "é".encode())
            + masked(Opcode.BINARY, b"\xff")
            + masked(Opcode.TEXT, b"begun ", fin=False)
        )
        owner = await rig.next_owner()
        await client.send(masked(Opcode.CONT, b"ended") + masked(Opcode.TEXT, b"last"))
        assert await owner.next_told() == ("text", "é".encode())
        assert await owner.next_told() == ("binary", b"\xff")
        assert await owner.next_told() == ("text", b"begun ended")
        assert await owner.next_told() == ("text", b"last")


async def test_binary_fragments_before_the_handover() -> None:
    """A binary message that is unfinished at the hand-over stays binary."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        start_owner(websocket.app.state.rig, websocket)

    async with serving(endpoint) as rig, raw_client(rig) as client:
        await client.send(
            masked(Opcode.TEXT, b"go") + masked(Opcode.BINARY, b"\xfe", fin=False)
        )
        owner = await rig.next_owner()
        await client.send(masked(Opcode.CONT, b"\xff"))
        assert await owner.next_told() == ("binary", b"\xfe\xff")


async def test_peer_that_closed_before_the_handover() -> None:
    """Its messages are told, then its close, once."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        start_owner(websocket.app.state.rig, websocket)

    async with serving(endpoint) as rig, raw_client(rig) as client:
        await client.send(
            masked(Opcode.TEXT, b"go")
            + masked(Opcode.TEXT, b"last words")
            + masked(Opcode.CLOSE, b"\x03\xe9bye")
        )
        owner = await rig.next_owner()
        assert await owner.next_told() == ("text", b"last words")
        assert await owner.next_told() == ("closed", 1001, "bye", "client")
        assert await client.close_code() == 1001
        await rig.until_empty()
        assert owner.told.empty()


async def test_peer_that_broke_the_protocol_before_the_handover() -> None:
    """What uvicorn has refused and closed by then is told with that code."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        with pytest.raises(WebSocketDisconnect):
            await websocket.receive_text()
        start_owner(websocket.app.state.rig, websocket)

    async with serving(endpoint) as rig, raw_client(rig) as client:
        await client.send(b"\x81\x02no")
        owner = await rig.next_owner()
        assert await owner.next_told() == (
            "closed",
            1002,
            "incorrect masking",
            "gateway",
        )
        assert await client.close_code() == 1002
        await rig.until_empty()
        assert owner.told.empty()


async def test_peer_that_was_lost_before_the_handover() -> None:
    """A connection that is gone already ends with 1006 as soon as it is started."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        with pytest.raises(WebSocketDisconnect):
            await websocket.receive_text()
        owner = start_owner(websocket.app.state.rig, websocket)
        owner.socket.write(text_frame(b"to nobody"))

    async with serving(endpoint) as rig:
        async with raw_client(rig):
            pass
        owner = await rig.next_owner()
        assert await owner.next_told() == ("closed", 1006, "", "nobody")
        await rig.until_empty()
        assert owner.told.empty()


async def test_peer_that_left_between_handover_and_start() -> None:
    """What came and went before the owner started is told when it starts."""
    started: asyncio.Event = asyncio.Event()

    async def endpoint(websocket: WebSocket) -> None:
        rig: Rig = websocket.app.state.rig
        await websocket.accept()
        socket = handover(websocket.scope)
        await started.wait()
        owner = Owner(socket)
        socket.start(owner)
        rig.owners.put_nowait(owner)

    async with serving(endpoint) as rig, raw_client(rig) as client:
        await client.send(masked(Opcode.TEXT, b"early"))
        started.set()
        owner = await rig.next_owner()
        assert await owner.next_told() == ("text", b"early")


async def test_owner_that_starts_after_the_end_is_told_it() -> None:
    """An end that came before the owner is not kept from it."""

    async def endpoint(websocket: WebSocket) -> None:
        rig: Rig = websocket.app.state.rig
        await websocket.accept()
        socket = handover(websocket.scope)
        socket.abort()
        await rig.until_empty()
        owner = Owner(socket)
        socket.start(owner)
        rig.owners.put_nowait(owner)

    async with serving(endpoint) as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        assert await owner.next_told() == ("closed", 1006, "", "nobody")
        assert await client.at_end()


async def test_endpoint_without_an_owner(caplog: pytest.LogCaptureFixture) -> None:
    """An endpoint that hands over and starts nobody: 1011, and a line in the log."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        handover(websocket.scope)

    async with serving(endpoint) as rig, connect(rig.url) as client:
        assert await closed(client) == (1011, "internal error")
        await rig.until_empty()
    assert [record.name for record in caplog.records] == [
        "tailcast_gateway.connections.websocket"
    ]


async def test_handover_twice_and_too_early() -> None:
    """Neither before accept nor a second time is there anything to hand over."""
    errors: asyncio.Queue[str] = asyncio.Queue()

    async def endpoint(websocket: WebSocket) -> None:
        extensions = websocket.scope["extensions"]
        protocol = extensions[transport.HANDOVER_EXTENSION]
        with pytest.raises(HandoverError) as early:
            handover(websocket.scope)
        errors.put_nowait(str(early.value))
        extensions[transport.HANDOVER_EXTENSION] = protocol
        await websocket.accept()
        start_owner(websocket.app.state.rig, websocket)
        with pytest.raises(HandoverError) as again:
            handover(websocket.scope)
        errors.put_nowait(str(again.value))

    async with serving(endpoint) as rig, connect(rig.url):
        assert "accept" in await errors.get()
        assert "already" in await errors.get()


async def test_handover_without_our_protocol() -> None:
    """Under another server the error says why."""
    with pytest.raises(HandoverError, match="HandoverProtocol"):
        handover({"type": "websocket"})


async def test_asgi_calls_after_the_handover_reach_nothing() -> None:
    """What an app still sends or awaits afterwards fails as for a client that left."""
    outcome: asyncio.Queue[str] = asyncio.Queue()

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        start_owner(websocket.app.state.rig, websocket, echo=True)
        with pytest.raises(WebSocketDisconnect):
            await websocket.receive_text()
        with pytest.raises((WebSocketDisconnect, RuntimeError)):
            await websocket.send_text("too late")
        outcome.put_nowait("as for a client that left")

    async with serving(endpoint) as rig, connect(rig.url) as client:
        assert await outcome.get() == "as for a client that left"
        await client.send("still ours")
        assert await client.recv() == "still ours"


def protocol_parser(owner: Owner) -> Any:
    """The socket's parser, which is private: only its end is looked at."""
    return owner.socket._parser  # pyright: ignore[reportPrivateUsage]  # see above


async def test_nothing_of_uvicorns_stays() -> None:
    """No garbage collection is needed for the server's objects, nor for the socket."""
    gone: asyncio.Queue[weakref.ref[Any]] = asyncio.Queue()

    async def endpoint(websocket: WebSocket) -> None:
        protocol = websocket.scope["extensions"][transport.HANDOVER_EXTENSION]
        await websocket.accept()
        gone.put_nowait(weakref.ref(protocol))
        start_owner(websocket.app.state.rig, websocket, echo=True)

    gc.disable()
    try:
        async with serving(endpoint) as rig:
            async with connect(rig.url) as client:
                await client.send("after")
                assert await client.recv() == "after"
                protocol = await gone.get()
                owner = await rig.next_owner()
                parser = weakref.ref(protocol_parser(owner))
                socket = weakref.ref(owner.socket)
                assert protocol() is None
            await rig.until_empty()
            await asyncio.sleep(0)
            del owner
            assert socket() is None
            assert parser() is None
    finally:
        gc.enable()


async def test_socket_options() -> None:
    """Small frames leave at once, and the kernel holds little that is unsent."""
    taken: asyncio.Queue[asyncio.Transport] = asyncio.Queue()

    async def endpoint(websocket: WebSocket) -> None:
        protocol = websocket.scope["extensions"][transport.HANDOVER_EXTENSION]
        taken.put_nowait(protocol.transport)
        await websocket.accept()
        start_owner(websocket.app.state.rig, websocket)

    async with serving(endpoint) as rig, connect(rig.url):
        owner = await rig.next_owner()
        assert owner.socket.remote_address is not None
        assert owner.socket.remote_address[0] == "127.0.0.1"
        sock = (await taken.get()).get_extra_info("socket")
        assert sock.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY) != 0
        option = getattr(sockets, "TCP_NOTSENT_LOWAT", None)
        if option is not None:
            unsent = sock.getsockopt(sockets.IPPROTO_TCP, option)
            assert unsent == transport.KERNEL_UNSENT_BYTES
