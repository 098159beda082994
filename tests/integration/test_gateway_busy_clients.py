"""Named clients that answer late, otherwise, or not at all: they come to the end."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tailcast_gateway.resume import saver
from tests.brokers import BrokerServer, free_port
from tests.integration.gateway_process import running, until_ready
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    numbered,
    until_read,
)
from tests.integration.named_clients import BEGINNING, HASTY, kept, until_kept


# It is the client that is late.
pytestmark = pytest.mark.one_broker


@pytest.fixture(autouse=True)
def saves_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves come soon."""
    monkeypatch.setattr(saver, "SAVE_SECONDS", 0.05)


TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class BareClient:
    """A client by hand, which answers pings as a test says."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader, self.writer = reader, writer
        self.records: list[dict[str, Any]] = []
        # What a pong carries for what a ping does; None for no pong.
        self.answer: bytes | None = b""
        self.pings: list[bytes] = []

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send a frame, masked with zeros, which leaves it as it is."""
        assert len(payload) < 126 or opcode == TEXT
        size = bytes((0x80 | len(payload),))
        if len(payload) >= 126:
            size = bytes((0x80 | 126,)) + len(payload).to_bytes(2, "big")
        self.writer.write(bytes((0x80 | opcode,)) + size + bytes(4) + payload)

    async def next(self) -> tuple[int, bytes]:
        """The next frame, its kind and its payload."""
        first, length = await self.reader.readexactly(2)
        if length >= 126:
            length = int.from_bytes(
                await self.reader.readexactly(2 if length == 126 else 8), "big"
            )
        return first & 0xF, await self.reader.readexactly(length)

    async def message(self) -> dict[str, Any]:
        """The next message; pings before it are answered as it is said."""
        while True:
            opcode, payload = await self.next()
            if opcode == PING:
                self.pings.append(payload)
                if self.answer is not None:
                    self.send(self.answer, PONG)
            elif opcode == CLOSE:
                raise EOFError(int.from_bytes(payload[:2], "big"))
            else:
                break
        message: dict[str, Any] = json.loads(payload)
        if message["type"] == "telemetry":
            self.records += message["data"]
        return message

    async def next_ping(self) -> None:
        """Read until one has come."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (frame := await self.next())[0] != PING:
                pass
        self.pings.append(frame[1])

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of a type."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (message := await self.message())["type"] != kind:
                pass
        return message

    async def subscribe(self, **fields: Any) -> dict[str, Any]:
        """Subscribe by its name."""
        wanted = {"type": "subscribe", "sessionId": "a", "clientId": "me", **fields}
        self.send(json.dumps(wanted).encode())
        return await self.until("subscribed")


@asynccontextmanager
async def bare(port: int) -> AsyncGenerator[BareClient]:
    """A connected one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /ws/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n"
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    try:
        yield BareClient(reader, writer)
    finally:
        writer.transport.abort()


async def history(rig: Rig, count: int) -> list[dict[str, Any]]:
    """Records that are told apart, of some 250 bytes each."""
    records = [{**one, "filler": "x" * 200} for one in numbered(0, count)]
    for start in range(0, count, 1_000):
        await rig.writer("a").append(*records[start : start + 1_000])
    return records


@pytest.mark.parametrize("window_bytes", [1, 4 * 1024 * 1024])
@pytest.mark.parametrize("answer", [b"", b"something of its own"])
async def test_pongs_that_say_nothing(
    rig: Rig, answer: bytes, window_bytes: int
) -> None:
    """They are answers all the same: what was sent before the ping is received."""
    records = await history(rig, 3_000)
    async with rig.serving(window_bytes=window_bytes, **HASTY) as gateway:
        async with bare(gateway.port) as client:
            client.answer = answer
            await client.subscribe(**{"from": "start"})
            caught_up = await client.until("caught_up")
            assert client.records == records
            reading = asyncio.ensure_future(client.until("nothing"))
            await until_kept(rig, a=caught_up["cursor"])
            reading.cancel()
        async with bare(gateway.port) as client:
            told = await client.subscribe(**{"from": "resume"})
            assert told["cursor"] == caught_up["cursor"]
            assert "repeated" not in told


@pytest.mark.parametrize("window_bytes", [1, 4 * 1024 * 1024])
async def test_one_message_and_a_ping_at_a_time(rig: Rig, window_bytes: int) -> None:
    """Without a sign nothing more comes, and what came is not taken for received."""
    records = await history(rig, 3_000)
    options = {"window_bytes": window_bytes, "pong_timeout": 0.2, **HASTY}
    async with rig.serving(**options) as gateway:
        starts: list[dict[str, Any]] = []
        counts: list[int] = []
        for _ in range(3):
            async with bare(gateway.port) as client:
                client.answer = None
                starts.append(await client.subscribe(
                    **{"from": "resume" if starts else "start"}
                ))  # fmt: skip  # one glance
                with pytest.raises(EOFError, match="4012"):
                    await client.until("caught_up")
                counts.append(len(client.records))
                assert client.records == records[: counts[-1]]
                assert len(json.dumps(client.records)) < 40_000
        assert [one["cursor"] for one in starts] == [BEGINNING] * 3
        # Each time less is tried.
        assert counts[0] > counts[1] > counts[2] > 0
        assert [one.get("repeated", False) for one in starts] == [False, True, True]
        text = gateway.replica.instruments.exposition()
        assert b"starts_repeated_total 2.0" in text


async def test_an_acknowledgement_is_a_sign(rig: Rig) -> None:
    """Whoever answers no ping may say by itself what it has; the rest comes."""
    records = await history(rig, 3_000)
    async with rig.serving(ping_interval=20.0) as gateway, bare(gateway.port) as client:
        client.answer = None
        await client.subscribe(**{"from": "start"})
        while len(client.records) < len(records):
            told = await client.until("telemetry")
            ack = {"type": "ack", "cursor": told["cursor"]}
            client.send(json.dumps(ack).encode())
            await until_kept(rig, a=told["cursor"])
        assert client.records == records


async def test_commands_are_no_sign(rig: Rig) -> None:
    """They may come from elsewhere in a program that does not read: nothing follows."""
    await history(rig, 3_000)
    async with rig.serving(ping_interval=20.0) as gateway, bare(gateway.port) as client:
        client.answer = None
        await client.subscribe(**{"from": "start"})
        await client.until("telemetry")
        for _ in range(3):
            client.send(b'{"type":"heartbeat"}')
            await client.until("heartbeat")
        assert (await kept(rig))["a"] == BEGINNING


async def test_unasked_pongs_of_a_client_that_echoes(rig: Rig) -> None:
    """It says that it is there, and not that it has read."""
    await history(rig, 3_000)
    async with rig.serving(ping_interval=20.0) as gateway, bare(gateway.port) as client:
        await client.subscribe(**{"from": "start"})
        client.answer = None
        while not client.pings:
            await client.next_ping()
        client.send(client.pings[0], PONG)
        while len(client.pings) < 2:
            await client.next_ping()
        for _ in range(3):
            client.send(b"", PONG)
        client.send(b'{"type":"heartbeat"}')
        assert (await client.message())["type"] == "heartbeat"
        client.send(client.pings[1], PONG)
        assert (await client.message())["type"] == "telemetry"


async def finished(gateway: Gateway, records: int, seconds: float) -> list[str]:
    """What a client that is busy so long with each record prints, to its end."""
    command = [sys.executable, "-m", "tests.integration.busy_client"]
    process = await asyncio.create_subprocess_exec(
        *command, gateway.ws_url, str(records), str(seconds),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip  # one glance
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    return output.decode().split()


async def test_a_client_that_is_busy_for_longer_than_it_may_be(rig: Rig) -> None:
    """It is sent away again and again, and comes to the end: each time it got on."""
    count = 600
    async with rig.serving(ping_interval=0.2, pong_timeout=0.2) as gateway:
        await rig.writer("a").append(*numbered(0, 1))
        async with bare(gateway.port) as client:
            await client.subscribe()
            await until_kept(rig, a=str((await rig.broker.heads(["a"]))[0].cursor))
        records = [{**one, "filler": "x" * 200} for one in numbered(1, count)]
        writer = rig.writer("a")
        await writer.append(*records)
        # It is behind then: what came live it would have had before it was sent away.
        await until_read(gateway, writer)
        lines = await finished(gateway, count, 0.008)
    steps = [int(line) for line in lines if line.isdigit()]
    assert list(dict.fromkeys(steps)) == list(range(1, count))
    starts = [at for at, line in enumerate(lines) if not line.isdigit()]
    # It was sent away, and what one start repeats is the end of the one before.
    assert len(starts) > 1


async def until_moved(rig: Rig, before: str | None) -> None:
    """Until something else is kept."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await kept(rig)).get("a") in (before, BEGINNING, None):
            await asyncio.sleep(0.01)


async def test_killed_while_it_was_read(broker: BrokerServer) -> None:
    """By a signal: what was not confirmed comes again, and nothing is skipped."""
    rig = Rig(broker.url)
    async with rig.stack:
        records = await history(rig, 20_000)
        had: list[dict[str, Any]] = []
        wanted: dict[str, Any] = {"from": "start"}
        while len(had) < len(records):
            port = free_port()
            async with running(
                broker.url, port, key_prefix=rig.prefix, PING_INTERVAL="1s"
            ) as process:
                await until_ready(port)
                async with bare(port) as client:
                    await client.subscribe(**wanted)
                    before = (await kept(rig)).get("a")
                    enough = len(had) + 6_000
                    while len(had) + len(client.records) < min(enough, len(records)):
                        await client.until("telemetry")
                    reading = asyncio.ensure_future(client.until("nothing"))
                    await until_moved(rig, before)
                    process.kill()
                    await process.wait()
                    with pytest.raises((EOFError, ConnectionError)):
                        await reading
                    first = client.records[0]["step"]
                    # It follows on from what was had, or repeats its end.
                    assert first <= len(had)
                    had[first:] = client.records
                    assert had == records[: len(had)]
            wanted = {"from": "resume"}
