"""Whoever opens connections and does not say what for, or says it without an end."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from websockets.frames import Opcode

from tailcast_gateway.connections.edge import RESERVE
from tests.gateway.connections.rig import HANDSHAKE, Rig, masked, raw_client, serving
from tests.patience import PATIENCE_SECONDS


ALIVE = b"GET /alive HTTP/1.1\r\nHost: x\r\n\r\n"
SOON = 0.2
HEADERS = 16 * 1024
COOKIES = 32 * 1024


@asynccontextmanager
async def connected(
    rig: Rig,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that has said nothing yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    """All that is answered, until the connection ends."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await reader.read()


async def until_open(rig: Rig, count: int) -> None:
    """Until so many connections are open."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while rig.edge.open != count:
            await asyncio.sleep(0)


def refused(rig: Rig, status: int) -> bytes:
    """What the metrics say of requests that were refused unread."""
    text = f'tailcast_gateway_requests_unread_total{{status="{status}"}} '
    exposition: bytes = rig.instruments.exposition()
    found = [one for one in exposition.splitlines() if one.startswith(text.encode())]
    return found[0].split()[-1] if found else b"0"


async def test_silent_connections_end() -> None:
    """Without an answer: a browser that opened it in advance would misread one."""
    async with serving(handshake_timeout=SOON) as rig, AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(connected(rig)) for _ in range(50)]
        for reader, _ in silent:
            assert await all_of(reader) == b""
        await rig.until_empty()


@pytest.mark.parametrize("sent", [HANDSHAKE[:-2], HANDSHAKE[:30], ALIVE[:-1], b"G"])
async def test_half_a_head_is_answered_in_time(sent: bytes) -> None:
    """With 408, whatever it would have been; bytes that come slowly win no time."""
    async with (
        serving(handshake_timeout=SOON) as rig,
        connected(rig) as (reader, writer),
    ):
        writer.write(sent)
        drip = asyncio.create_task(_drip(writer))
        assert (await all_of(reader)).startswith(b"HTTP/1.1 408 ")
        writer.close()
        drip.cancel()
        await rig.until_empty()
        assert refused(rig, 408) == b"1.0"


async def _drip(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"a")
        await asyncio.sleep(0.01)


async def test_the_next_head_has_its_time_too() -> None:
    """And a connection that only rests between two requests has no such bound."""
    async with (
        serving(handshake_timeout=SOON) as rig,
        connected(rig) as (reader, writer),
    ):
        writer.write(ALIVE)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await reader.readuntil(b'"yes"')
        async with (
            serving(handshake_timeout=SOON) as other,
            connected(other) as (end, _),
        ):
            # That one began later: its time ends after the other's would have.
            assert await all_of(end) == b""
        assert rig.edge.open == 1
        writer.write(ALIVE[:-1])
        assert (await all_of(reader)).startswith(b"HTTP/1.1 408 ")


async def test_whoever_does_not_leave_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A refused peer that goes on sending and never closes costs nothing for long."""
    monkeypatch.setattr(
        "tailcast_gateway.connections.front.CLOSE_TIMEOUT_SECONDS", SOON
    )
    async with serving() as rig, connected(rig) as (_, writer):
        writer.write(b"\x16\x03\x01")
        drip = asyncio.create_task(_drip(writer))
        await until_open(rig, 1)
        await rig.until_empty()
        drip.cancel()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param([b"a: " + b"x" * (HEADERS - 300)], b"101", id="large"),
        pytest.param([b"a: " + b"x" * HEADERS], b"431", id="too large"),
        pytest.param([b"a: b"] * 90, b"101", id="many"),
        pytest.param([b"a: b"] * 101, b"431", id="too many"),
        pytest.param([b"cookie: a=" + b"x" * (COOKIES - 2)], b"101", id="cookies"),
        pytest.param([b"cookie: a=" + b"x" * COOKIES], b"431", id="too many cookies"),
    ],
)
@pytest.mark.parametrize("first", [HANDSHAKE, ALIVE], ids=["handshake", "request"])
async def test_sizes_of_heads(first: bytes, lines: list[bytes], status: bytes) -> None:
    """Of handshakes as of requests: the same bounds hold."""
    if first is ALIVE:
        status = status.replace(b"101", b"200")
    more = b"".join(line + b"\r\n" for line in lines)
    async with serving() as rig, connected(rig) as (reader, writer):
        writer.write(first[:-2] + more + b"\r\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await reader.readline()).split()[1] == status
        if status == b"431":
            await all_of(reader)
            writer.close()
            await rig.until_empty()
            assert refused(rig, 431) == b"1.0"


async def test_headers_without_an_end_are_not_kept() -> None:
    """They are refused at the bound, and what comes afterwards is not read in."""
    line = b"a: " + b"x" * 4_000 + b"\r\n"
    async with serving() as rig, connected(rig) as (reader, writer):
        writer.write(ALIVE[:-2])
        taken = 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while refused(rig, 431) == b"0":
                writer.write(line)
                taken += len(line)
                await writer.drain()
                await asyncio.sleep(0)
        assert taken < 10 * (HEADERS + COOKIES)
        (front,) = rig.server.server_state.connections
        assert not front._head  # type: ignore[union-attr]  # to see it
        assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")


async def test_beyond_the_bound_connections_are_told_and_then_closed() -> None:
    """Handshakes get 503; health is answered; beyond the reserve nothing is."""
    most = 3
    async with (
        serving(max_connections=most, handshake_timeout=PATIENCE_SECONDS) as rig,
        AsyncExitStack() as stack,
    ):
        for _ in range(most):
            await stack.enter_async_context(raw_client(rig))
        async with raw_client(rig):
            pass
        assert [one.is_surplus for one in rig.handshakes] == [False] * most + [True]
        await until_open(rig, most)
        for _ in range(RESERVE):
            await stack.enter_async_context(connected(rig))
        await until_open(rig, most + RESERVE)
        async with connected(rig) as (reader, _):
            with pytest.raises((ConnectionError, AssertionError)):
                assert await all_of(reader)
        assert rig.edge.open == most + RESERVE
        counted = b'tailcast_gateway_tcp_refused_total{reason="connections"} 1.0'
        assert counted in rig.instruments.exposition()


async def test_a_place_that_becomes_free_is_taken() -> None:
    """One that was too many when it came is not, once others have left."""
    async with serving(max_connections=1) as rig:
        async with connected(rig), connected(rig) as (reader, writer):
            await until_open(rig, 2)
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
        await rig.until_empty()
        async with raw_client(rig):
            pass
    assert [one.is_surplus for one in rig.handshakes] == [True, False]


def fill_gaps(stack: ExitStack) -> int:
    """Open descriptors until none is free below the highest; returns the next one.

    Other tests of this process may have left some that are high.
    """
    highest = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
    opened = -1
    while opened < highest:
        opened = os.open(os.devnull, os.O_RDONLY)
        stack.callback(os.close, opened)
    return opened + 1


async def test_descriptors_that_run_out(capsys: pytest.CaptureFixture[str]) -> None:
    """They are counted by their height: it is said once, and some are always left."""
    with ExitStack() as stack:
        lowest = fill_gaps(stack)
        async with (
            serving(max_descriptors=lowest + 20) as rig,
            raw_client(rig),
            raw_client(rig),
        ):
            assert [one.is_surplus for one in rig.handshakes] == [True, True]
            counted = b'tailcast_gateway_tcp_refused_total{reason="descriptors"} 2.0'
            assert counted in rig.instruments.exposition()
    assert capsys.readouterr().out.count("raise the limit of open files") == 1


async def test_no_descriptor_is_left() -> None:
    """The connection is closed, so that the next can be accepted."""
    async with serving(max_descriptors=1) as rig, connected(rig) as (reader, _):
        with pytest.raises((ConnectionError, AssertionError)):
            assert await all_of(reader)
        assert rig.edge.open == 0


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"Content-Length: 5", b"Transfer-Encoding: chunked"], id="CL.TE"),
        pytest.param([b"Transfer-Encoding: chunked", b"Content-Length: 5"], id="TE.CL"),
        pytest.param([b"Content-Length: 5", b"Content-Length: 6"], id="CL.CL"),
        pytest.param(
            [b"Transfer-Encoding: x", b"Transfer-Encoding: chunked"], id="TE.TE"
        ),
        pytest.param([b"Transfer-Encoding : chunked"], id="a blank in the name"),
        pytest.param([b"Transfer-Encoding:\x0bchunked"], id="another blank"),
        pytest.param([b"Content-Length: 5\nX: y"], id="a bare newline"),
        pytest.param([b"X: y", b" Content-Length: 5"], id="a folded line"),
    ],
)
@pytest.mark.parametrize("first", [HANDSHAKE, ALIVE], ids=["handshake", "request"])
async def test_smuggled_requests_are_not_answered(
    first: bytes, lines: list[bytes]
) -> None:
    """Where two could disagree about the end of a request, there is no second one."""
    more = b"".join(line + b"\r\n" for line in lines)
    async with serving() as rig, connected(rig) as (reader, writer):
        writer.write(first[:-2] + more + b"\r\n0\r\n\r\n" + ALIVE)
        told = await all_of(reader)
    assert told.startswith(b"HTTP/1.1 400 ")
    assert told.count(b"HTTP/1.1 ") == 1
    assert not rig.handshakes


async def test_a_body_of_unknown_length_is_the_last() -> None:
    """Nothing that comes behind it is a request."""
    head = b"POST /alive HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving() as rig, connected(rig) as (reader, writer):
        writer.write(head + b"0\r\n\r\n" + ALIVE)
        told = await all_of(reader)
    assert told.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in told.lower()


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket, h2c", b"TLS/1.0", b"x"])
async def test_a_wish_for_another_protocol_is_passed_over(
    protocol: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """`Upgrade` without 101: what follows is a request, and nothing is logged."""
    wish = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
    async with serving() as rig, connected(rig) as (reader, writer):
        for _ in range(2):
            writer.write(ALIVE[:-2] + wish)
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert (await reader.readline()).split()[1] == b"200"
                await reader.readuntil(b'"yes"')
        assert not rig.handshakes
    assert not caplog.records


async def test_a_refused_handshake_leaves_no_tunnel() -> None:
    """What comes behind it is no request of anybody."""
    wrong = HANDSHAKE.replace(b"Version: 13", b"Version: 12")
    async with serving() as rig, connected(rig) as (reader, writer):
        writer.write(wrong + ALIVE + masked(Opcode.TEXT, b"a"))
        told = await all_of(reader)
    assert told.count(b"HTTP/1.1 ") == 1
    assert told.split()[1] in (b"400", b"426")


async def test_who_asks_is_known_behind_proxies() -> None:
    """By the word of the trusted one; nobody else is believed."""
    claim = b"X-Forwarded-For: 192.0.2.9, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n"
    for trusted, peer, scheme in (
        (["127.0.0.0/8"], ("192.0.2.7", 0), "wss"),
        (["10.0.0.0/8"], None, "ws"),
    ):
        async with (
            serving(trusted_proxies=trusted) as rig,
            raw_client(rig, handshake=HANDSHAKE[:-2] + claim) as client,
        ):
            (handshake,) = rig.handshakes
            address = client.writer.get_extra_info("sockname")
            assert (handshake.peer, handshake.scheme) == (peer or address, scheme)
            assert (await rig.next_owner()).socket.remote_address == handshake.peer
