"""The first protocol of a connection: handshakes, what comes before and behind them."""

import asyncio
import gc
import re
import socket as sockets
import weakref
from collections.abc import Awaitable
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.frames import Opcode
from websockets.typing import Origin

from tailcast_gateway.connections import tuning
from tailcast_gateway.connections.core.handshakes import Admitted, Answer, Handshake
from tailcast_gateway.connections.core.ports import NewSocket
from tailcast_gateway.connections.edge import Use
from tailcast_gateway.protocol.frames import text_frame
from tests.gateway.connections.rig import (
    HANDSHAKE,
    Owner,
    RawClient,
    Rig,
    closed,
    masked,
    raw_client,
    serving,
    start_owner,
)
from tests.patience import PATIENCE_SECONDS


ALIVE = b"GET /alive HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_connection_talks() -> None:
    """After its handshake messages go both ways."""
    async with serving(echo=True) as rig, connect(rig.url) as client:
        await client.send("hallo")
        assert await client.recv() == "hallo"
        await client.send(b"\x00\xff")
        owner = await rig.next_owner()
        assert await owner.next_told() == ("text", b"hallo")
        assert await owner.next_told() == ("binary", b"\x00\xff")


async def test_subprotocol_is_echoed() -> None:
    """The choice of whoever judges reaches the client."""
    offered: Any = ["tailcast.v1.json"]
    async with (
        serving() as rig,
        connect(rig.url, subprotocols=offered) as client,
    ):
        assert client.subprotocol == "tailcast.v1.json"


async def test_what_is_judged() -> None:
    """A handshake's path is decoded; its query, headers and peer are as they came."""
    async with serving() as rig:
        async with connect(
            f"{rig.url}%21/a?b=%20c", origin=Origin("http://a")
        ) as client:
            local = client.local_address
        (handshake,) = rig.handshakes
    assert (handshake.path, handshake.query) == ("/ws!/a", "b=%20c")
    assert handshake.headers.get_all("origin") == ["http://a"]
    assert (handshake.peer, handshake.scheme) == (local, "ws")
    assert not handshake.is_surplus


async def test_messages_behind_the_handshake_keep_their_order() -> None:
    """What comes with the handshake itself is told first, in order, unbroken."""
    sent = (
        HANDSHAKE
        + masked(Opcode.TEXT, "é".encode())
        + masked(Opcode.BINARY, b"\xff")
        + masked(Opcode.TEXT, b"begun ", fin=False)
    )
    async with serving() as rig, raw_client(rig, handshake=sent) as client:
        owner = await rig.next_owner()
        await client.send(masked(Opcode.CONT, b"ended") + masked(Opcode.TEXT, b"last"))
        assert await owner.next_told() == ("text", "é".encode())
        assert await owner.next_told() == ("binary", b"\xff")
        assert await owner.next_told() == ("text", b"begun ended")
        assert await owner.next_told() == ("text", b"last")


async def test_a_handshake_in_pieces_of_one_byte() -> None:
    """It and its first message are what they are, however they come."""
    async with serving(echo=True) as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        sock: sockets.socket = writer.get_extra_info("socket")
        sock.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        for one in HANDSHAKE + masked(Opcode.TEXT, b"hallo"):
            writer.write(bytes((one,)))
            await asyncio.sleep(0)
        client = RawClient(reader, writer)
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert await client.frame() == (Opcode.TEXT, b"hallo")
        writer.close()
        await writer.wait_closed()


async def test_a_peer_that_closes_with_its_handshake() -> None:
    """Its messages are told, then its close, once."""
    sent = (
        HANDSHAKE
        + masked(Opcode.TEXT, b"last words")
        + masked(Opcode.CLOSE, b"\x03\xe9bye")
    )
    async with serving() as rig, raw_client(rig, handshake=sent) as client:
        owner = await rig.next_owner()
        assert await owner.next_told() == ("text", b"last words")
        assert await owner.next_told() == ("closed", 1001, "bye", "client")
        assert await client.close_code() == 1001
        await rig.until_empty()
        assert owner.told.empty()


async def test_a_peer_that_breaks_the_protocol_with_its_handshake() -> None:
    """It is told so by the code."""
    sent = HANDSHAKE + b"\x81\x02no"
    async with serving() as rig, raw_client(rig, handshake=sent) as client:
        owner = await rig.next_owner()
        assert await client.close_code() == 1002
        client.writer.close()
        told = await owner.next_told()
        assert told == ("closed", 1002, "incorrect masking", "gateway")
        await rig.until_empty()
        assert owner.told.empty()


async def test_an_owner_that_writes_before_it_is_started() -> None:
    """What it says first comes behind the answer to the handshake."""

    def verdict(rig: Rig, _handshake: Handshake) -> Admitted:
        def begin(socket: NewSocket) -> None:
            start_owner(rig, socket)
            rig.owners.get_nowait().socket.write(text_frame(b"welcome"))

        return Admitted(None, begin)

    async with serving(verdict) as rig, connect(rig.url) as client:
        assert await client.recv() == "welcome"


async def test_an_owner_that_starts_after_the_end_is_told_it() -> None:
    """An end that came before the owner is not kept from it."""
    waiting: asyncio.Queue[Any] = asyncio.Queue()

    def verdict(_rig: Rig, _handshake: Handshake) -> Admitted:
        return Admitted(None, waiting.put_nowait)

    async with serving(verdict) as rig, raw_client(rig) as client:
        socket = await waiting.get()
        socket.abort()
        await rig.until_empty()
        owner = Owner(socket)
        socket.start(owner)
        assert await owner.next_told() == ("closed", 1006, "", "nobody")
        assert await client.at_end()


async def test_a_beginning_that_fails() -> None:
    """The connection is closed with 1011, and it is told where it was."""

    def verdict(_rig: Rig, _handshake: Handshake) -> Admitted:
        def begin(_socket: NewSocket) -> None:
            raise LookupError("nobody is there")

        return Admitted(None, begin)

    async with serving(verdict) as rig, connect(rig.url) as client:
        assert await closed(client) == (1011, "internal error")
        await rig.until_empty()
        assert rig.failures == ["/ws: nobody is there"]


async def test_a_verdict_that_fails() -> None:
    """Whoever asked is told so before the upgrade."""

    def verdict(_rig: Rig, _handshake: Handshake) -> Admitted:
        raise LookupError("no verdict")

    async with serving(verdict) as rig:
        with pytest.raises(InvalidStatus) as refused:
            await connect(rig.url)
        assert refused.value.response.status_code == 500
        assert rig.failures == ["/ws: no verdict"]


@pytest.mark.parametrize("is_admitted", [True, False])
async def test_a_verdict_that_takes_time(is_admitted: bool) -> None:
    """What comes meanwhile waits, in order; nothing of it is lost or answered."""
    asked, decided = asyncio.Event(), asyncio.Event()

    def verdict(rig: Rig, _handshake: Handshake) -> Awaitable[Admitted | Answer]:
        async def decide() -> Admitted | Answer:
            asked.set()
            await decided.wait()
            if not is_admitted:
                return Answer(401, "no")
            return Admitted(None, lambda socket: start_owner(rig, socket, echo=True))

        return decide()

    async with serving(verdict) as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        client = RawClient(reader, writer)
        await client.send(HANDSHAKE + masked(Opcode.TEXT, b"first"))
        await asked.wait()
        await client.send(masked(Opcode.TEXT, b"second"))
        decided.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            status = (await reader.readline()).split()[1]
            await reader.readuntil(b"\r\n\r\n")
        assert status == (b"101" if is_admitted else b"401")
        if is_admitted:
            assert await client.frame() == (Opcode.TEXT, b"first")
            assert await client.frame() == (Opcode.TEXT, b"second")
        writer.transport.abort()
        await rig.until_empty()


async def test_whoever_leaves_before_the_verdict_is_forgotten() -> None:
    """The server ends without waiting for it."""
    asked = asyncio.Event()

    def verdict(_rig: Rig, _handshake: Handshake) -> Awaitable[Admitted | Answer]:
        async def decide() -> Answer:
            asked.set()
            await asyncio.Event().wait()
            return Answer(401, "no")

        return decide()

    async with serving(verdict) as rig:
        _, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(HANDSHAKE)
        await asked.wait()
        await rig.stop()
        assert rig.edge.open == 0
        writer.transport.abort()


async def test_a_refusal_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """With its status, its headers and its text; the connection ends, nothing fails."""

    def verdict(_rig: Rig, _handshake: Handshake) -> Answer:
        return Answer(503, "no", headers={"retry-after": "7"})

    async with serving(verdict) as rig:
        with pytest.raises(InvalidStatus) as refused:
            await connect(rig.url)
        response = refused.value.response
        assert (response.status_code, response.body) == (503, b"no")
        assert response.headers["retry-after"] == "7"
        assert response.headers["connection"] == "close"
        await rig.until_empty()
    assert not caplog.records


async def test_a_handshake_on_a_connection_that_was_used() -> None:
    """Proxies use connections again: requests may come before it."""
    async with serving(echo=True) as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        client = RawClient(reader, writer)
        for _ in range(2):
            await client.send(ALIVE)
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert b"200" in await reader.readline()
                await reader.readuntil(b'"yes"')
        assert rig.edge.counts[Use.HTTP] == 1
        await client.send(HANDSHAKE)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert b"101" in await reader.readline()
            await reader.readuntil(b"\r\n\r\n")
        assert rig.edge.counts[Use.WEBSOCKET] == rig.edge.open == 1
        kept: list[Any] = list(rig.server.server_state.connections)
        assert kept == [(await rig.next_owner()).socket]
        await client.send(masked(Opcode.TEXT, b"hallo"))
        assert await client.frame() == (Opcode.TEXT, b"hallo")
        writer.close()
        await writer.wait_closed()


async def test_requests_in_one_go() -> None:
    """Bodies and heads are told apart; each is answered, in order."""
    post = b"POST /alive HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n"
    async with serving() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(ALIVE + post + ALIVE[:40].ljust(40) + b"\r\n" + ALIVE)
        told = b""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while told.count(b'"yes"') < 2:
                told += await reader.readexactly(1)
        statuses = re.findall(rb"HTTP/1.1 (\d+)", told)
        assert statuses == [b"200", b"405", b"200"]
        writer.close()
        await writer.wait_closed()


def protocol_parser(owner: Owner) -> Any:
    """The socket's parser, which is private: only its end is looked at."""
    return owner.socket._parser  # pyright: ignore[reportPrivateUsage]  # see above


async def test_nothing_of_the_front_stays() -> None:
    """No garbage collection is needed for what took the handshake, nor the socket."""
    gone: list[weakref.ref[Any]] = []

    def verdict(rig: Rig, _handshake: Handshake) -> Admitted:
        (front,) = rig.server.server_state.connections
        gone.append(weakref.ref(front))
        return Admitted(None, lambda socket: start_owner(rig, socket, echo=True))

    gc.disable()
    try:
        async with serving(verdict) as rig:
            async with connect(rig.url) as client:
                await client.send("after")
                assert await client.recv() == "after"
                owner = await rig.next_owner()
                parser = weakref.ref(protocol_parser(owner))
                socket = weakref.ref(owner.socket)
                assert gone[0]() is None
            await rig.until_empty()
            await asyncio.sleep(0)
            del owner
            assert socket() is None
            assert parser() is None
    finally:
        gc.enable()


async def test_nothing_of_a_request_stays() -> None:
    """Nor for a connection of HTTP, when it is closed."""
    gc.disable()
    try:
        async with serving() as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(ALIVE)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await reader.readuntil(b'"yes"')
            (inner,) = map(weakref.ref, rig.server.server_state.connections)
            writer.close()
            await writer.wait_closed()
            await rig.until_empty()
            for _ in range(3):
                await asyncio.sleep(0)
            assert inner() is None
    finally:
        gc.enable()


async def test_socket_options() -> None:
    """Small frames leave at once, and the kernel holds little that is unsent."""
    async with serving() as rig, connect(rig.url):
        owner = await rig.next_owner()
        assert owner.socket.remote_address is not None
        assert owner.socket.remote_address[0] == "127.0.0.1"
        transport = owner.socket._transport  # pyright: ignore[reportPrivateUsage]  # to see it
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY) != 0
        option = getattr(sockets, "TCP_NOTSENT_LOWAT", None)
        if option is not None:
            unsent = sock.getsockopt(sockets.IPPROTO_TCP, option)
            assert unsent == tuning.KERNEL_UNSENT_BYTES
