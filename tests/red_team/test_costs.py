"""What strangers send without an end costs a gateway next to no memory.

Measured from outside, of a process of its own, as the kernel counts what it has had.
"""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.brokers import BrokerServer, free_port
from tests.integration.gateway_process import running, until_ready
from tests.integration.gateway_rig import PATIENCE_SECONDS
from tests.integration.light_client import allow_many_files


MEBIBYTE: Final = 2**20
LINES: Final = (b"a: " + b"x" * 4_000 + b"\r\n") * 250
HALF: Final = b"GET /ws/telemetry HTTP/1.1\r\nHost: localhost\r\nUpgrade: websock"
# So often an attack was met before: then the code, and buffers that stay, are there.
WARMING: Final = 3

pytestmark = pytest.mark.one_broker


class Memory:
    """What a process has of it."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def forget_peak(self) -> int:
        """Begin anew with the most that it has had; returns what it has now, bytes."""
        (self._folder / "clear_refs").write_text("5")
        return self.peak()

    def peak(self) -> int:
        """The most that it has had since then, bytes."""
        status = (self._folder / "status").read_text()
        (found,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        return int(found) * 1_024


@asynccontextmanager
async def attacked(
    broker: BrokerServer, **settings: str
) -> AsyncGenerator[tuple[int, Memory]]:
    """A gateway that is ready: its port, and its memory."""
    port = free_port()
    async with running(broker.url, port, **settings) as process:
        await until_ready(port)
        yield port, Memory(process.pid)


def send_headers(port: int, size: int) -> None:
    """So many bytes of headers without an end, over as many connections as it takes."""
    left = size
    while left > 0:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.settimeout(PATIENCE_SECONDS)
            sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            try:
                while left > 0:
                    sock.sendall(LINES)
                    left -= len(LINES)
            except ConnectionError:
                # It was refused, and cut off when it did not leave.
                pass


@pytest.mark.parametrize(
    "size", [2**26, pytest.param(2**30, marks=pytest.mark.long, id="a gigabyte")]
)
async def test_headers_without_an_end_cost_less_than_a_megabyte(
    broker: BrokerServer, size: int
) -> None:
    """However many come: they are refused at the bound, and not kept."""
    async with attacked(broker) as (port, memory):
        for _ in range(WARMING):
            await asyncio.to_thread(send_headers, port, MEBIBYTE)
        before = memory.forget_peak()
        await asyncio.to_thread(send_headers, port, size)
        assert memory.peak() - before < MEBIBYTE
        await until_ready(port)


async def test_a_deflate_bomb_costs_less_than_a_megabyte(broker: BrokerServer) -> None:
    """It ends in 1009, of a thousand bytes for each one that was sent."""
    url = "ws://localhost:{}/ws/telemetry"
    bomb = "0" * (64 * MEBIBYTE)
    async with attacked(broker, compression="deflate") as (port, memory):

        async def throw(text: str) -> None:
            async with connect(url.format(port), compression="deflate") as client:
                await client.send(text)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await client.wait_closed()
                assert client.close_code == 1009

        for _ in range(WARMING):
            await throw(bomb[:MEBIBYTE])
        before = memory.forget_peak()
        for _ in range(5):
            await throw(bomb)
        assert memory.peak() - before < MEBIBYTE


@pytest.mark.parametrize(
    "count", [500, pytest.param(9_000, marks=pytest.mark.long, id="many")]
)
async def test_half_open_handshakes_are_gone(broker: BrokerServer, count: int) -> None:
    """All of them end when their time is over, and nothing of them stays."""
    allow_many_files()
    settings = {
        "handshake_timeout": "2s", "max_connections_per_address": "20000",
        "connection_burst": "20000",
    }  # fmt: skip  # one glance
    async with (
        attacked(broker, **settings) as (port, _),
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        # They come as fast as they can say something.
        opening = asyncio.Semaphore(50)

        async def come_and_wait() -> bytes:
            async with opening:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(HALF)
            answer = await reader.read()
            writer.close()
            return answer

        answers = await asyncio.gather(*(come_and_wait() for _ in range(count)))
        told = ""
        async with httpx.AsyncClient(base_url=f"http://localhost:{port}") as client:
            while 'tcp_connections{use="opening"} 0.0' not in told:
                told = (await client.get("/metrics")).text
        # Whose first byte had not come by then was closed without an answer.
        late = [one for one in answers if one]
        assert late
        assert all(one.startswith(b"HTTP/1.1 408 ") for one in late)
        assert f'requests_unread_total{{status="408"}} {float(len(late))}' in told
