"""The hand-over, against a real uvicorn server under both event loops."""

import asyncio
import gc
import logging
import socket as sockets
import struct
import weakref
from typing import Any

import pytest
from fastapi import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.frames import Opcode

from gateway import client_socket, transport
from gateway.frames import text_frame
from gateway.transport import HandoverError, handover, make_server_config
from tests.gateway.transport_rig import (
    HANDSHAKE,
    MAX_MESSAGE_BYTES,
    Owner,
    Rig,
    masked,
    raw_client,
    serving,
    start_owner,
)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Every test here runs on both loops."""
    return "asyncio", {"use_uvloop": request.param}


async def closed(client: ClientConnection) -> tuple[int, str]:
    """The close that the client was told, waited for."""
    async with asyncio.timeout(20):
        await client.wait_closed()
    assert client.close_code is not None
    assert client.close_reason is not None
    return client.close_code, client.close_reason


# ---- the hand-over itself ----


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
        assert await owner.next_told() == ("closed", 1001, "bye")
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
        assert await owner.next_told() == ("closed", 1002, "incorrect masking")
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
        assert await owner.next_told() == ("closed", 1006, "")
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
        assert await owner.next_told() == ("closed", 1006, "")
        assert await client.at_end()


async def test_endpoint_without_an_owner(caplog: pytest.LogCaptureFixture) -> None:
    """An endpoint that hands over and starts nobody: 1011, and a line in the log."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        handover(websocket.scope)

    async with serving(endpoint) as rig, connect(rig.url) as client:
        assert await closed(client) == (1011, "internal error")
        await rig.until_empty()
    assert [record.name for record in caplog.records] == ["gateway.client_socket"]


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


# ---- reading ----


async def test_fragments_are_joined() -> None:
    """A message in pieces, empty ones and a ping among them, is told whole."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(
            masked(Opcode.TEXT, b"", fin=False)
            + masked(Opcode.CONT, "é".encode()[:1], fin=False)
            + masked(Opcode.PING, b"between")
            + masked(Opcode.CONT, b"", fin=False) * 1000
            + masked(Opcode.CONT, "é".encode()[1:])
        )
        assert await client.frame() == (Opcode.PONG, b"between")
        assert await owner.next_told() == ("text", "é".encode())


async def test_a_message_of_the_largest_size() -> None:
    """A message as long as allowed comes whole, over many turns of reading."""
    payload = bytes(range(97, 123)) * (MAX_MESSAGE_BYTES // 26)
    async with serving(echo=True) as rig, connect(rig.url) as client:
        await client.send(payload.decode())
        assert await client.recv() == payload.decode()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(masked(Opcode.TEXT, b"\xff"), 1007, id="not UTF-8"),
        pytest.param(
            masked(Opcode.TEXT, b"\xc3", fin=False) + masked(Opcode.CONT, b"!"),
            1007,
            id="not UTF-8 across fragments",
        ),
        pytest.param(b"\x81\x02no", 1002, id="unmasked"),
        pytest.param(b"\xf1\x80\0\0\0\0", 1002, id="reserved bits"),
        pytest.param(masked(Opcode.CONT, b"?"), 1002, id="nothing to continue"),
        pytest.param(masked(Opcode.PING, b"x" * 126), 1002, id="ping too long"),
        pytest.param(masked(Opcode.CLOSE, b"\x03"), 1002, id="half a close code"),
        pytest.param(
            masked(Opcode.TEXT, b"x" * (MAX_MESSAGE_BYTES + 1)), 1009, id="too large"
        ),
        pytest.param(
            masked(Opcode.TEXT, b"x" * MAX_MESSAGE_BYTES, fin=False)
            + masked(Opcode.CONT, b"x"),
            1009,
            id="too large in fragments",
        ),
    ],
)
async def test_broken_input(sent: bytes, code: int) -> None:
    """What breaks the protocol is answered by its close code, after what was right."""
    async with serving(echo=True) as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(masked(Opcode.TEXT, b"right") + sent)
        assert await client.frame() == (Opcode.TEXT, b"right")
        assert await client.close_code() == code
        client.writer.close()
        assert await owner.next_told() == ("text", b"right")
        assert (await owner.next_told())[:2] == ("closed", code)
        await rig.until_empty()
        assert owner.told.empty()


async def test_a_peer_that_sends_on_still_learns_why() -> None:
    """Who sends far too much gets the close frame, not a reset."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(masked(Opcode.TEXT, b"x" * 8_000_000))
        assert await client.close_code() == 1009
        assert (await owner.next_told())[:2] == ("closed", 1009)
        client.writer.close()
        await rig.until_empty()


async def test_reading_waits_for_the_owner() -> None:
    """While the owner has paused reading nothing is told; then all of it, in order."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()

        def one_at_a_time(data: bytes) -> None:
            owner.socket.pause_reading()

        owner.on_message = one_at_a_time
        numbers = [b"%d" % number for number in range(3000)]
        await client.send(b"".join(masked(Opcode.TEXT, n) for n in numbers))
        await client.send(masked(Opcode.PING, b"at the end"))
        for number in numbers:
            assert await owner.next_told() == ("text", number)
            assert owner.told.empty()
            owner.socket.resume_reading()
        assert await client.frame() == (Opcode.PONG, b"at the end")


async def test_a_flood_is_held_up() -> None:
    """A client that floods a paused owner is stopped by its own socket."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.on_message = lambda data: owner.socket.pause_reading()
        flood = masked(Opcode.BINARY, b"x" * 1000) * 32_000
        client.writer.write(flood)
        assert await owner.next_told() == ("binary", b"x" * 1000)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert owner.told.empty()
        unsent = client.writer.transport.get_write_buffer_size()
        # The rest is in the kernel, and at most one read of it here.
        assert len(flood) - unsent <= 12 * 2**20


async def test_closing_reads_on_whatever_was_paused() -> None:
    """A close by an owner that had paused reading still hears the peer's answer."""
    async with serving() as rig, connect(rig.url) as client:
        owner = await rig.next_owner()

        def pause_and_close(data: bytes) -> None:
            owner.socket.pause_reading()
            owner.socket.close(4029, "rate limit")
            owner.socket.pause_reading()

        owner.on_message = pause_and_close
        await client.send("one")
        await client.send("two")
        assert await closed(client) == (4029, "rate limit")
        assert await owner.next_told() == ("text", b"one")
        assert await owner.next_told() == ("closed", 4029, "rate limit")


async def test_pings_and_pongs() -> None:
    """The owner's ping reaches the peer, its pong the owner; its pings are answered."""
    async with serving() as rig, connect(rig.url) as client:
        owner = await rig.next_owner()
        owner.socket.ping(b"17")
        assert await owner.next_told() == ("pong", b"17")
        await asyncio.wait_for(await client.ping(b"yours"), 20)


# ---- writing ----


async def test_a_client_that_stops_reading() -> None:
    """Writing pauses in bounded memory, resumes, and every frame arrives, in order."""
    async with serving() as rig, raw_client(rig, receive_buffer_bytes=4096) as client:
        owner = await rig.next_owner()
        count = 0
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"%08d" % count + b"." * 992))
            count += 1
            await asyncio.sleep(0)
        assert owner.socket.buffered_bytes <= transport.WRITE_HIGH_WATER_BYTES + 1024
        assert await owner.next_told() == ("paused",)
        for number in range(count):
            assert (await client.frame())[1][:8] == b"%08d" % number
        assert await owner.next_told() == ("resumed",)
        assert not owner.socket.paused
        assert owner.told.empty()


async def test_a_flood_of_pings_is_bounded() -> None:
    """Who pings and does not read costs no memory, and gets its latest pong at last."""
    async with serving() as rig, raw_client(rig, receive_buffer_bytes=4096) as client:
        owner = await rig.next_owner()
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"." * 1000))
            await asyncio.sleep(0)
        for number in range(20_000):
            await client.send(masked(Opcode.PING, b"%d" % number))
        await client.send(masked(Opcode.TEXT, b"done"))
        told = await owner.next_told()
        while told[0] != "text":
            told = await owner.next_told()
        assert owner.socket.buffered_bytes <= transport.WRITE_HIGH_WATER_BYTES + 1024
        opcode, payload = await client.frame()
        pongs = 0
        while (opcode, payload) != (Opcode.PONG, b"19999"):
            pongs += opcode == Opcode.PONG
            opcode, payload = await client.frame()
        assert pongs < 20_000


async def test_what_was_written_before_a_close_still_arrives() -> None:
    """A peer that reads on after all gets every frame, then the close."""
    async with serving() as rig, raw_client(rig, receive_buffer_bytes=4096) as client:
        owner = await rig.next_owner()
        count = 0
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"." * 1000))
            count += 1
            await asyncio.sleep(0)
        owner.socket.close(4008, "did not read")
        for _ in range(count):
            assert (await client.frame())[0] == Opcode.TEXT
        assert await client.close_code() == 4008
        await client.send(masked(Opcode.CLOSE, b"\x0f\xa8"))
        assert await client.at_end()
        assert await owner.next_told() == ("paused",)
        assert await owner.next_told() == ("closed", 4008, "did not read")
        assert owner.told.empty()


async def test_pressure_after_a_close_is_not_told() -> None:
    """A buffer that fills or drains while closing is no news for the owner."""
    async with serving() as rig, raw_client(rig):
        owner = await rig.next_owner()
        owner.socket.close(1000)
        owner.socket.pause_writing()
        owner.socket.resume_writing()
        assert owner.told.empty()
        owner.socket.abort()


# ---- the end ----


async def test_close_by_the_client() -> None:
    """The client's close is answered and told, once, with its code and reason."""
    async with serving() as rig:
        async with connect(rig.url) as client:
            await client.close(4321, "enough")
        owner = await rig.next_owner()
        assert await owner.next_told() == ("closed", 4321, "enough")
        await rig.until_empty()
        assert owner.told.empty()


async def test_close_by_the_client_without_a_code() -> None:
    """A close frame without a code is told as 1005."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(masked(Opcode.CLOSE, b""))
        assert await client.frame() == (Opcode.CLOSE, b"")
        assert await client.at_end()
        assert await owner.next_told() == ("closed", 1005, "")


async def test_close_by_the_owner() -> None:
    """Ours is told once the peer has answered; nothing is written after it."""
    async with serving() as rig, connect(rig.url) as client:
        owner = await rig.next_owner()
        owner.socket.write(text_frame(b"last"))
        owner.socket.close(4008, "did not read")
        owner.socket.close(1000, "again")
        owner.socket.write(text_frame(b"never"))
        owner.socket.ping(b"never")
        assert await client.recv() == "last"
        assert await closed(client) == (4008, "did not read")
        assert await owner.next_told() == ("closed", 4008, "did not read")
        await rig.until_empty()
        assert owner.told.empty()
        assert owner.socket.buffered_bytes == 0


async def test_messages_after_our_close_are_not_told() -> None:
    """What the peer sent before it read our close is discarded, its pings too."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.socket.close(1000)
        await client.send(
            masked(Opcode.TEXT, b"crossed")
            + masked(Opcode.PING, b"crossed")
            + masked(Opcode.CLOSE, b"\x03\xe8")
        )
        assert await client.frame() == (Opcode.CLOSE, b"\x03\xe8")
        assert await client.at_end()
        assert await owner.next_told() == ("closed", 1000, "")


async def test_both_close_at_once() -> None:
    """A message that makes the owner close, and the peer's close behind it."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.on_message = lambda data: owner.socket.close(4400, "protocol error")
        await client.send(masked(Opcode.TEXT, b"?") + masked(Opcode.CLOSE, b"\x03\xe9"))
        assert await client.frame() == (Opcode.CLOSE, b"\x11\x30protocol error")
        assert await client.at_end()
        assert await owner.next_told() == ("text", b"?")
        assert await owner.next_told() == ("closed", 4400, "protocol error")


async def test_a_peer_that_never_answers_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A peer that ignores the close frame is dropped after the close time-out."""
    monkeypatch.setattr(client_socket, "CLOSE_TIMEOUT_SECONDS", 0.05)
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.socket.close(4012, "no pong")
        assert await client.close_code() == 4012
        assert await client.at_end()
        assert await owner.next_told() == ("closed", 4012, "no pong")
        await rig.until_empty()


async def test_a_peer_that_breaks_off_and_stays_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A peer that broke the protocol is told at once, and gone after the time-out."""
    monkeypatch.setattr(client_socket, "CLOSE_TIMEOUT_SECONDS", 0.05)
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(b"\x81\x02no")
        assert await owner.next_told() == ("closed", 1002, "incorrect masking")
        await client.send(b"and on")
        await rig.until_empty()


async def test_a_stalled_peer_that_is_closed_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full buffer does not keep a closed connection alive."""
    monkeypatch.setattr(client_socket, "CLOSE_TIMEOUT_SECONDS", 0.05)
    async with serving() as rig, raw_client(rig, receive_buffer_bytes=4096):
        owner = await rig.next_owner()
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"." * 1000))
            await asyncio.sleep(0)
        assert await owner.next_told() == ("paused",)
        owner.socket.close(4008, "did not read")
        assert await owner.next_told() == ("closed", 4008, "did not read")
        await rig.until_empty()


async def test_abort() -> None:
    """An abort drops the connection without a close frame and is told as 1006."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.socket.abort()
        owner.socket.abort()
        owner.socket.write(text_frame(b"never"))
        assert await client.at_end()
        assert await owner.next_told() == ("closed", 1006, "")
        await rig.until_empty()
        assert owner.told.empty()


async def test_abort_from_inside_a_message() -> None:
    """An owner may abort while it is being told something; the rest is not told."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.on_message = lambda data: owner.socket.abort()
        await client.send(
            masked(Opcode.TEXT, b"one")
            + masked(Opcode.TEXT, b"two")
            + masked(Opcode.CLOSE, b"")
        )
        assert await client.at_end()
        assert await owner.next_told() == ("text", b"one")
        assert await owner.next_told() == ("closed", 1006, "")
        await rig.until_empty()
        assert owner.told.empty()


@pytest.mark.parametrize("how", ["end of file", "reset"])
async def test_a_peer_that_just_goes(how: str) -> None:
    """A connection that ends without a close frame is told as 1006."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        if how == "reset":
            sock = client.writer.get_extra_info("socket")
            linger = struct.pack("ii", 1, 0)
            sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, linger)
            client.writer.transport.abort()
        else:
            client.writer.write_eof()
        assert await owner.next_told() == ("closed", 1006, "")
        await rig.until_empty()
        assert owner.told.empty()


@pytest.mark.parametrize("message", ["fails", "fails and closes"])
async def test_an_owner_that_fails(
    message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception out of the owner: one line in the log, close 1011, told once."""
    async with serving() as rig, connect(rig.url) as client:
        owner = await rig.next_owner()

        def fail(data: bytes) -> None:
            raise LookupError(data.decode())

        owner.on_message = fail
        await client.send(message)
        await client.send("again")
        assert await closed(client) == (1011, "internal error")
        assert (await owner.next_told())[0] == "text"
        assert await owner.next_told() == ("closed", 1011, "internal error")
        assert owner.told.empty()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_an_owner_that_fails_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An owner that cannot even take its close is logged; the connection is gone."""
    async with serving() as rig:
        async with connect(rig.url):
            owner = await rig.next_owner()

            def fail() -> None:
                raise LookupError("end")

            owner.on_closed = fail
        await rig.until_empty()
    assert ["closed" in r.getMessage() for r in caplog.records] == [True]


# ---- the server ----


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
            assert await owner.next_told() == ("closed", 1012, "draining")
        assert not rig.server.server_state.connections
        assert not rig.server.server_state.tasks


async def test_shutdown_does_not_wait_for_a_stalled_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client that never reads holds a shutdown up for the close time-out, no more."""
    monkeypatch.setattr(client_socket, "CLOSE_TIMEOUT_SECONDS", 0.05)
    async with serving() as rig, raw_client(rig, receive_buffer_bytes=4096):
        owner = await rig.next_owner()
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"." * 1000))
            await asyncio.sleep(0)
        await rig.stop()
        assert not rig.server.server_state.connections


async def test_deflate_is_never_negotiated() -> None:
    """Even where the configuration asks for it, frames stay the same for everybody."""
    changes = {"ws_per_message_deflate": True}
    async with (
        serving(echo=True, changes=changes) as rig,
        connect(rig.url, compression="deflate") as client,
    ):
        assert not client.protocol.extensions
        await client.send("plain")
        assert await client.recv() == "plain"


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
    assert graceful > client_socket.CLOSE_TIMEOUT_SECONDS


async def test_sockets_are_small() -> None:
    """A socket has no dictionary of its own: ten thousand of them are ten thousand."""
    async with serving() as rig, connect(rig.url):
        owner = await rig.next_owner()
        assert not hasattr(owner.socket, "__dict__")
