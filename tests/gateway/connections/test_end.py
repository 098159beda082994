"""How a handed-over connection ends, and that its owner is told once."""

import asyncio
import socket as sockets
import struct

import pytest
from websockets.asyncio.client import connect
from websockets.frames import Opcode

from tailcast_gateway.connections import websocket
from tailcast_gateway.protocol.frames import text_frame
from tests.gateway.connections.rig import (
    closed,
    masked,
    raw_client,
    serving,
)


async def test_close_by_the_client() -> None:
    """The client's close is answered and told, once, with its code and reason."""
    async with serving() as rig:
        async with connect(rig.url) as client:
            await client.close(4321, "enough")
        owner = await rig.next_owner()
        assert await owner.next_told() == ("closed", 4321, "enough", "client")
        await rig.until_empty()
        assert owner.told.empty()


async def test_close_by_the_client_without_a_code() -> None:
    """A close frame without a code is told as 1005."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(masked(Opcode.CLOSE, b""))
        assert await client.frame() == (Opcode.CLOSE, b"")
        assert await client.at_end()
        assert await owner.next_told() == ("closed", 1005, "", "client")


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
        assert await owner.next_told() == ("closed", 4008, "did not read", "gateway")
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
        assert await owner.next_told() == ("closed", 1000, "", "gateway")


async def test_both_close_at_once() -> None:
    """A message that makes the owner close, and the peer's close behind it."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.on_message = lambda data: owner.socket.close(4400, "protocol error")
        await client.send(masked(Opcode.TEXT, b"?") + masked(Opcode.CLOSE, b"\x03\xe9"))
        assert await client.frame() == (Opcode.CLOSE, b"\x11\x30protocol error")
        assert await client.at_end()
        assert await owner.next_told() == ("text", b"?")
        assert await owner.next_told() == ("closed", 4400, "protocol error", "gateway")


async def test_a_peer_that_never_answers_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A peer that ignores the close frame is dropped after the close time-out."""
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", 0.05)
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.socket.close(4012, "no pong")
        assert await client.close_code() == 4012
        assert await client.at_end()
        assert await owner.next_told() == ("closed", 4012, "no pong", "gateway")
        await rig.until_empty()


async def test_a_peer_that_breaks_off_and_stays_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A peer that broke the protocol is told at once, and gone after the time-out."""
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", 0.05)
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(b"\x81\x02no")
        assert await owner.next_told() == (
            "closed",
            1002,
            "incorrect masking",
            "gateway",
        )
        await client.send(b"and on")
        await rig.until_empty()


async def test_a_stalled_peer_that_is_closed_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full buffer does not keep a closed connection alive."""
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", 0.05)
    async with serving() as rig, raw_client(rig, receive_buffer_bytes=4096):
        owner = await rig.next_owner()
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"." * 1000))
            await asyncio.sleep(0)
        owner.socket.close(4008, "did not read")
        assert await owner.next_told() == ("closed", 4008, "did not read", "gateway")
        await rig.until_empty()


async def test_abort() -> None:
    """An abort drops the connection without a close frame and is told as 1006."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.socket.abort()
        owner.socket.abort()
        owner.socket.write(text_frame(b"never"))
        assert await client.at_end()
        assert await owner.next_told() == ("closed", 1006, "", "nobody")
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
        assert await owner.next_told() == ("closed", 1006, "", "nobody")
        await rig.until_empty()
        assert owner.told.empty()


@pytest.mark.parametrize("how", ["end of file", "reset"])
async def test_a_peer_that_just_goes(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that ends without a close frame is told as 1006.

    There is nothing to wait for, so no timer is made, which would fail here.
    """
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", None)
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        if how == "reset":
            sock = client.writer.get_extra_info("socket")
            linger = struct.pack("ii", 1, 0)
            sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, linger)
            client.writer.transport.abort()
        else:
            client.writer.write_eof()
        assert await owner.next_told() == ("closed", 1006, "", "nobody")
        await rig.until_empty()
        assert owner.told.empty()


async def test_a_stalled_peer_that_goes_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that ends its side and reads nothing keeps no connection alive."""
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", 0.05)
    async with serving() as rig, raw_client(rig, receive_buffer_bytes=4096) as client:
        owner = await rig.next_owner()
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"." * 1000))
            await asyncio.sleep(0)
        client.writer.write_eof()
        assert await owner.next_told() == ("closed", 1006, "", "nobody")
        await rig.until_empty()


@pytest.mark.parametrize("message", ["fails", "fails and closes"])
async def test_an_owner_that_fails(message: str) -> None:
    """Of an exception that gets out the owner is told; close 1011, told once."""
    async with serving() as rig, connect(rig.url) as client:
        owner = await rig.next_owner()

        def fail(data: bytes) -> None:
            raise LookupError(data.decode())

        owner.on_message = fail
        await client.send(message)
        await client.send("again")
        assert await closed(client) == (1011, "internal error")
        assert (await owner.next_told())[0] == "text"
        assert await owner.next_told() == ("failed", message)
        assert await owner.next_told() == ("closed", 1011, "internal error", "gateway")
        assert owner.told.empty()


async def test_an_owner_that_fails_at_the_end() -> None:
    """An owner that cannot even take its close is told that; the connection is gone."""
    async with serving() as rig:
        async with connect(rig.url):
            owner = await rig.next_owner()

            def fail() -> None:
                raise LookupError("end")

            owner.on_closed = fail
        await rig.until_empty()
        assert (await owner.next_told())[0] == "closed"
        assert await owner.next_told() == ("failed", "end")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (masked(Opcode.TEXT, b"close"), 4409),
        (masked(Opcode.TEXT, b"\xff"), 1007),
        (masked(Opcode.TEXT, b"fail"), 1011),
        (b"\x81\x02no", 1002),
    ],
    ids=["closed", "not UTF-8", "failed", "bad frame"],
)
async def test_the_owner_has_the_last_word(sent: bytes, code: int) -> None:
    """Whoever makes the close frame, what the owner says of it stands before it."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.words = lambda code: text_frame(str(code).encode())
        owner.on_message = lambda data: _close_or_fail(owner.socket, data)
        await client.send(sent)
        assert await client.frame() == (Opcode.TEXT, str(code).encode())
        assert await client.close_code() == code


def _close_or_fail(socket: websocket.Socket, data: bytes) -> None:
    if data != b"close":
        raise RuntimeError("a defect")
    socket.close(4409)
