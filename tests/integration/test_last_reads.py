"""What a service counts last is read before it ends, by whoever reads often."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from tests.brokers import BrokerServer, free_port
from tests.conftest import BrokerFactory
from tests.integration.gateway_rig import PATIENCE_SECONDS
from tests.integration.sabotage import running, until_status


@pytest.fixture
def broker(own_brokers: BrokerFactory) -> BrokerServer:
    """One kind is enough: it is the service that ends."""
    return own_brokers("valkey")


class Reader:
    """Reads the metrics of a service again and again, as Prometheus does."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/metrics"
        # The last that it read, and how often it has.
        self.last = ""
        self.reads = 0

    async def run(self) -> None:
        """Read until cancelled."""
        async with httpx.AsyncClient() as client:
            while True:
                try:
                    self.last = (await client.get(self.url)).text
                    self.reads += 1
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.5)


async def last_read(port: int, process: asyncio.subprocess.Process, how: int) -> str:
    """What the metrics of a service say last, which ends by this signal."""
    await until_status(port, "/readyz", is_fine=True)
    reader = Reader(port)
    reading = asyncio.create_task(reader.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while reader.reads < 2:
            await asyncio.sleep(0.02)
        process.send_signal(how)
        await process.communicate()
    reading.cancel()
    return reader.last


async def test_that_a_gateway_was_told_to_end(broker: BrokerServer) -> None:
    """It has no clients, so nothing else keeps it."""
    port, other = free_port(), free_port()
    settings = {"host": "127.0.0.1", "redis_url": broker.url}
    async with (
        running("gateway", port=str(port), **settings) as process,
        running("gateway", port=str(other), **settings),
    ):
        await until_status(other, "/readyz", is_fine=True)
        text = await last_read(port, process, signal.SIGTERM)
    assert process.returncode == 0
    assert f':{port}"}} 1.0' in text


async def test_that_a_task_of_a_gateway_ended(broker: BrokerServer) -> None:
    """It ends by a defect: nobody told it to."""
    port = free_port()
    process_of = running(
        "gateway", "keeper", "raised",
        port=str(port), host="127.0.0.1", redis_url=broker.url,
    )  # fmt: skip  # whom to kill is one line
    async with process_of as process:
        text = await last_read(port, process, signal.SIGUSR1)
    assert process.returncode == 1
    assert 'tailcast_gateway_defects_total{over="task"} 1.0' in text
    assert f':{port}"}} 0.0' in text


async def test_that_a_task_of_a_tailer_ended(
    broker: BrokerServer, tmp_path: Path
) -> None:
    """Likewise."""
    port = free_port()
    process_of = running(
        "tailer", "audit", "raised",
        metrics_port=str(port), log_dir=str(tmp_path), redis_url=broker.url,
    )  # fmt: skip  # as above
    async with process_of as process:
        text = await last_read(port, process, signal.SIGUSR1)
    assert process.returncode == 1
    assert "tailcast_tailer_defects_total 1.0" in text
