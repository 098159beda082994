"""Idle sessions, idle clients, silent connections, clocks: nothing depends on them."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tailcast_gateway.sessions import audit, feed
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Watcher,
    numbered,
    watching,
)


HOUR_MS = 3_600_000
# In so many parts a balancer waits: to it, a process that stood still for long, as on a
# busy machine, did so for one of them.
LOOKS = 10


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Audits and canaries do not come while a test counts, and are not missed."""
    monkeypatch.setattr(audit, "AUDIT_SECONDS", 3_600.0)
    monkeypatch.setattr(feed, "CANARY_SECONDS", 3_600.0)
    monkeypatch.setattr(feed, "CANARY_TIMEOUT_SECONDS", 7_200.0)


async def calls(rig: Rig) -> int:
    """Commands that the broker has carried out."""
    stats: dict[str, dict[str, Any]] = await rig.broker._redis.info("commandstats")
    return sum(one["calls"] for one in stats.values())


async def cost(rig: Rig, watcher: Watcher) -> int:
    """Commands for twenty records, one by one, from the writer to the client."""
    writer = rig.writer("live")
    before = await calls(rig)
    for step in range(20):
        had = len(watcher.records)
        await writer.append({"step": step})
        await watcher.until_records(had + 1)
    return await calls(rig) - before


@pytest.mark.usefixtures("unhurried")
async def test_p8_a_record_costs_the_same_beside_idle_ones(rig: Rig) -> None:
    """P8: no command and no frame more for 300 idle sessions and 50 idle clients."""
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(rig.serving())
        watcher = await stack.enter_async_context(watching(gateway))
        await rig.writer("live").append({"step": -1})
        await watcher.subscribe(sessionId="live")
        await cost(rig, watcher)
        alone = await cost(rig, watcher)
        names = [f"idle/{number}" for number in range(300)]
        for name in names:
            await rig.writer(name).append(*numbered(0, 1))
        for number in range(50):
            idle = await stack.enter_async_context(watching(gateway))
            await idle.subscribe(sessionIds=["idle/*", f"other{number}"])
        assert len(gateway.replica.hub.channels) > 300
        frames = _frames(gateway)
        crowded = await cost(rig, watcher)
        assert crowded <= alone * 1.2 + 5
        assert _frames(gateway) - frames == 20


def _frames(gateway: Gateway) -> float:
    name = "tailcast_gateway_writes_total "
    text = gateway.replica.instruments.exposition().decode()
    lines = [one for one in text.splitlines() if one.startswith(name)]
    return sum(float(one.split()[1]) for one in lines)


class Balancer:
    """A load balancer that cuts connections on which nothing moves for so long."""

    def __init__(self, port: int, *, patience: float) -> None:
        self._port = port
        self._patience = patience
        # Connections that it has cut.
        self.cuts = 0
        # Times that the server said something.
        self.reads = 0

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[int]:
        """The port that it serves on."""
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._copy(reader, back, counts=False))
                tasks.create_task(self._copy(there, writer, counts=True))
        finally:
            writer.transport.abort()
            back.transport.abort()

    async def _copy(
        self, one: asyncio.StreamReader, other: asyncio.StreamWriter, *, counts: bool
    ) -> None:
        looks = 0
        while True:
            try:
                async with asyncio.timeout(self._patience / LOOKS):
                    data = await one.read(65_536)
            except TimeoutError:
                looks += 1
                if looks < LOOKS:
                    continue
                self.cuts += 1
                other.transport.abort()
                return
            looks = 0
            self.reads += counts
            if not data:
                other.transport.abort()
                return
            other.write(data)


async def test_g24_a_silent_connection_is_not_cut(rig: Rig) -> None:
    """G24: pings and their answers keep both directions of an idle connection alive."""
    async with rig.serving(ping_interval=0.2, pong_timeout=5.0) as gateway:
        balancer = Balancer(gateway.port, patience=1.0)
        async with balancer.serving() as port:
            url = f"ws://127.0.0.1:{port}/ws/telemetry"
            async with connect(url, ping_interval=None) as connection:
                watcher = Watcher(connection)
                await watcher.subscribe(sessionId="a")
                await _until_reads(balancer, balancer.reads + 12)
                await rig.writer("a").append(*numbered(0, 3))
                assert await watcher.until_records(3) == numbered(0, 3)
        assert balancer.cuts == 0


async def _until_reads(balancer: Balancer, count: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while balancer.reads < count:
            await asyncio.sleep(0.02)


@pytest.fixture
async def astray(rig: Rig) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """Two replicas whose clocks are five hours behind and ahead."""

    def behind() -> int:
        return time.time_ns() // 1_000_000 - 5 * HOUR_MS

    def ahead() -> int:
        return time.time_ns() // 1_000_000 + 5 * HOUR_MS

    async with (
        rig.serving(wall_clock_ms=behind) as first,
        rig.serving(wall_clock_ms=ahead) as second,
    ):
        yield first, second


@pytest.mark.parametrize("tailer_ahead_ms", [-7 * HOUR_MS, 7 * HOUR_MS])
async def test_g19_clocks_that_differ_by_hours(
    rig: Rig, astray: tuple[Gateway, Gateway], tailer_ahead_ms: int
) -> None:
    """G19: known sessions are had in order and once, by one name or all, resuming too.

    The tailer's clock jumps with each append, its records' times stand still.
    """
    names, count = ("a", "b"), 0

    async def write() -> None:
        nonlocal count
        now_ms = time.time_ns() // 1_000_000
        for name in names:
            stray = now_ms + tailer_ahead_ms * (-1) ** count
            await rig.writer(name).append(
                {"step": count, "of": name, "timestamp": "1970-01-01T00:00:00Z"},
                updated_ms=stray,
                written_ms=stray,
            )
        count += 1

    await write()
    records: dict[str, list[int]] = {name: [0] for name in names}
    cursors: dict[str, str | None] | None = None
    for turn in range(6):
        async with watching(astray[turn % 2]) as watcher:
            if cursors is None:
                await watcher.subscribe()
            else:
                await watcher.subscribe(sessionIds=["*"], cursors=cursors)
            for _ in range(3):
                await write()
            had = sum(map(len, records.values()))
            await watcher.until_records(2 * count - had)
            for record in watcher.records:
                records[record["of"]].append(record["step"])
            cursors = dict(watcher.cursors)
        await write()
    assert records == {name: list(range(count - 1)) for name in names}
