"""A client that stops reading: what it costs, what it gets, and when it has to go."""

import asyncio
import sys

import pytest
from websockets.exceptions import ConnectionClosed

from benchmarks.survival.slow_reader import measure
from tailcast_gateway.connections import websocket
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Rig,
    fill_sockets,
    numbered,
    watching,
)


# It is the gateway's memory that is looked at.
pytestmark = pytest.mark.one_broker


# Of 15 MB that flow past it, and of 200 MB in the long form (`make soak`).
MAX_GROWTH_BYTES = 5_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="reads a peak that Linux keeps")
async def test_p3_a_sleeper_costs_next_to_nothing(broker: BrokerServer) -> None:
    """P3: while one sleeps, memory stays and others get all; then it gets all too."""
    figures = await measure(broker.url, flow_bytes=15_000_000, seconds=1.0)
    assert figures.sent_to_sleeper < 1_000_000
    assert figures.growth_bytes < MAX_GROWTH_BYTES


async def test_who_never_reads_is_closed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G08: after the slow time-out, by 4008; others stay, and the place resumes."""
    # It does not read the close either.
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_SECONDS", 0.3)
    async with (
        rig.serving(slow_timeout=1.0) as gateway,
        watching(gateway, max_queue=1) as asleep,
        watching(gateway) as awake,
    ):
        await asleep.subscribe(sessionId="a")
        await awake.subscribe(sessionId="b")
        connections = gateway.replica.connections
        step = await fill_sockets(gateway, rig.writer("a"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(connections) > 1:
                await asyncio.sleep(0.02)
        metrics = gateway.replica.instruments.exposition()
        assert b'connections_closed_total{by="gateway",code="4008"} 1.0' in metrics
        await rig.writer("b").append(*numbered(0, 1))
        assert await awake.until_records(1) == numbered(0, 1)
        # What the kernel still has for it, and no more.
        with pytest.raises(ConnectionClosed):
            await asleep.until_records(step)
    async with rig.serving() as gateway, watching(gateway) as again:
        await again.subscribe(sessionIds=["a"], cursors=asleep.cursors)
        later = await again.until_records(step - len(asleep.records))
    steps = [record["step"] for record in [*asleep.records, *later]]
    assert steps == list(range(step))
