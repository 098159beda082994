"""P3 and P4: readers that stop cost a buffer, whatever there is to send."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.brokers import BrokerServer, free_port
from tests.integration.gateway_process import running, until_ready
from tests.integration.gateway_rig import PATIENCE_SECONDS, Rig, Watcher


# It is the gateway's memory that is looked at.
pytestmark = pytest.mark.one_broker


RECORDS = 1_500
READERS = 20
# 15 MB are stored; every reader of these may cost 2 MB.
BOUND_BYTES = 2 * READERS * 2 * 1024 * 1024

EXPORT = "/api/sessions/a/records"
EVENTS = "/sse/telemetry?sessionId=a&from=start"


def rss_bytes(pid: int) -> int:
    """What a process has in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise ValueError(pid)


async def asking(
    port: int, path: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Somebody who asks and then reads nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=65_536)
    _transport(writer).pause_reading()
    request = f"GET {path} HTTP/1.1\r\nhost: localhost\r\n"
    writer.write(f"{request}accept: application/x-ndjson\r\n\r\n".encode())
    return reader, writer


def _transport(writer: asyncio.StreamWriter) -> asyncio.Transport:
    """What reads for a writer's peer too."""
    return cast(asyncio.Transport, writer.transport)


async def fill(rig: Rig) -> None:
    """Store all records."""
    writer, pad = rig.writer("a"), "x" * 10_000
    for start in range(0, RECORDS, 250):
        steps = range(start, start + 250)
        await writer.append(*({"step": step, "pad": pad} for step in steps))


async def export(port: int) -> list[int]:
    """The steps of a whole export, and how its last line came."""
    url = f"http://127.0.0.1:{port}{EXPORT}"
    headers = {"accept": "application/x-ndjson"}
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        answer = await client.get(url, headers=headers)
    return [json.loads(line)["step"] for line in answer.text.splitlines()]


async def test_p3_readers_that_stop(
    broker: BrokerServer,
) -> None:
    """P3: forty of them cost megabytes, not the session; then they get it all."""
    rig, port = Rig(broker.url), free_port()
    async with rig.stack, _gateway(rig, port) as pid:
        await fill(rig)
        assert await export(port) == list(range(RECORDS))
        before = rss_bytes(pid)
        stopped = [await asking(port, path) for path in (EXPORT, EVENTS) * READERS]
        # Meanwhile others are served, and the loop has had many turns.
        for _ in range(3):
            assert await export(port) == list(range(RECORDS))
        assert rss_bytes(pid) - before < BOUND_BYTES
        for (reader, goes_on), end in zip(
            stopped[:2], (b"0\r\n\r\n", b"caught_up"), strict=True
        ):
            _transport(goes_on).resume_reading()
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert b'"step":%d' % (RECORDS - 1) in await _until(reader, end)
        for _, left in stopped:
            left.transport.abort()


async def test_p4_replays_wait_for_their_readers(broker: BrokerServer) -> None:
    """P4: twenty long replays that nobody reads cost little; then each goes on."""
    rig, port = Rig(broker.url), free_port()
    async with rig.stack, AsyncExitStack() as stack, _gateway(rig, port) as pid:
        await fill(rig)
        # One whole replay first: what that leaves behind is not the readers'.
        await replayed(await replaying(stack, port))
        before = rss_bytes(pid)
        stopped = [await replaying(stack, port) for _ in range(READERS)]
        await replayed(await replaying(stack, port))
        assert rss_bytes(pid) - before < BOUND_BYTES / 2
        for watcher in stopped[::10]:
            await replayed(watcher)
        for watcher in stopped:
            # Those that never read would not see a close in time.
            watcher.connection.transport.abort()


async def replaying(stack: AsyncExitStack, port: int) -> Watcher:
    """A client that has a whole session sent to it, and reads one message of it."""
    url = f"ws://127.0.0.1:{port}/ws/telemetry"
    opening = connect(url, max_queue=1, max_size=None, compression=None)
    watcher = Watcher(await stack.enter_async_context(opening))
    await watcher.subscribe(sessionId="a", **{"from": "start"})
    return watcher


async def replayed(watcher: Watcher) -> None:
    """It reads on, to the end."""
    await watcher.until("caught_up")
    assert [one["step"] for one in watcher.records] == list(range(RECORDS))


async def _until(reader: asyncio.StreamReader, end: bytes) -> bytes:
    """The last that comes up to some bytes."""
    tail = b""
    while end not in tail:
        data = await reader.read(65_536)
        assert data
        tail = tail[-20_000:] + data
    return tail


@asynccontextmanager
async def _gateway(rig: Rig, port: int) -> AsyncGenerator[int]:
    """The process ID of a gateway over a rig's keys."""
    async with running(rig.url, port, key_prefix=rig.prefix) as process:
        await until_ready(port)
        yield process.pid
