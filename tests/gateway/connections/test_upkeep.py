"""What is done for all connections at once."""

import asyncio

import pytest

from tailcast_gateway.connections import upkeep
from tailcast_gateway.connections.upkeep import Connections
from tests.patience import PATIENCE_SECONDS


async def test_ends_are_told_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """By one task, whether or not any connection has ended."""
    monkeypatch.setattr(upkeep, "ENDS_SECONDS", 0.001)
    told = asyncio.Semaphore(0)
    connections = Connections(
        ping_interval=1.0,
        pong_timeout=1.0,
        slow_timeout=1.0,
        clock=lambda: 0.0,
        tell_ends=told.release,
    )
    loop = asyncio.create_task(connections.loops["ends"]())
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(3):
            await told.acquire()
    loop.cancel()
    await asyncio.wait([loop])
