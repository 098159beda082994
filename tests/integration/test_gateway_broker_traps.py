"""Brokers that forget, fall silent or trim while they are read; each has its number."""

import asyncio
import itertools

import httpx
import pytest

from tailcast_gateway.delivery import catch_up
from tailcast_gateway.sessions import audit, feed
from tailcast_streams.keys import Keys
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import (
    Rig,
    Watcher,
    numbered,
    until_full,
    until_read,
    watching,
)
from tests.integration.named_clients import steps
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Audits, retries and canaries come soon."""
    monkeypatch.setattr(audit, "AUDIT_SECONDS", 0.2)
    monkeypatch.setattr(feed, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(feed, "CANARY_SECONDS", 0.1)
    monkeypatch.setattr(feed, "CANARY_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(catch_up, "CATCH_UP_RETRY_SECONDS", 0.05)


@pytest.mark.usefixtures("hasty")
async def test_g06_a_broker_that_forgot_its_last_seconds(rig: Rig) -> None:
    """A fail-over to a replica that lagged: what was lost comes again under its IDs."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 5))
    keys = Keys(rig.prefix)
    names = [keys.stream("a"), keys.state("a")]
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        kept = [await rig.broker._redis.dump(name) for name in names]
        await writer.append(*numbered(5, 10))
        await watcher.until_records(5)
        for name, dump in zip(names, kept, strict=True):
            assert dump is not None
            await rig.broker._redis.restore(name, 0, dump, replace=True)
        await writer.append(*numbered(5, 7))
        await writer.append(*numbered(7, 12))
        await watcher.until_records(7)
        assert steps(watcher) == list(range(5, 12))


@pytest.mark.usefixtures("hasty")
async def test_g07_a_connection_that_only_looks_alive(
    own_rig: Rig, own_broker: BrokerServer
) -> None:
    """The canary does not come back: not ready, told as stale, and read on after it."""
    writer = own_rig.writer("a")
    async with (
        own_rig.serving() as gateway,
        watching(gateway) as watcher,
        httpx.AsyncClient(base_url=gateway.url) as client,
    ):
        await watcher.subscribe(sessionId="a")
        await until_ready(client, is_ready=True)
        own_broker.pause()
        try:
            await until_ready(client, is_ready=False)
            await watcher.send(type="heartbeat", id=1)
            assert (await watcher.until("heartbeat", id=1))["feed"] == "down"
        finally:
            own_broker.resume()
        await until_ready(client, is_ready=True)
        await writer.append(*numbered(0, 3))
        assert await watcher.until_records(3) == numbered(0, 3)


@pytest.mark.usefixtures("hasty")
async def test_b5_a_tailer_that_fell_silent(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P5: its sessions are told as stale, others are not; the gateway stays ready."""
    # Nor would a canary be late that comes late on a busy machine.
    monkeypatch.setattr(feed, "CANARY_TIMEOUT_SECONDS", PATIENCE_SECONDS)
    await rig.broker.hold_presence("here:logs", seconds=600)
    await rig.broker.hold_presence("gone:logs", seconds=600)
    await rig.writer("a").append(*numbered(0, 1), owner="gone:logs")
    await rig.writer("b").append(*numbered(0, 1), owner="here:logs")
    long_ago = {"updated_ms": 1, "appended_ms": 1, "owner": "nobody:logs"}
    await rig.writer("ended").append(*numbered(0, 1), **long_ago)
    async with (
        rig.serving() as gateway,
        watching(gateway) as mine,
        watching(gateway) as other,
        httpx.AsyncClient(base_url=gateway.url) as client,
    ):
        await mine.subscribe(sessionIds=["a", "ended"])
        await other.subscribe(sessionIds=["b", "ended"])
        await until_feed(mine, "fresh")
        await rig.broker.hold_presence("gone:logs", seconds=0.001)
        await until_feed(mine, "stale")
        await until_feed(other, "fresh")
        assert (await client.get("/readyz")).status_code == 200
        # Another one takes its files over.
        await rig.writer("a").append(*numbered(1, 2), owner="here:logs")
        await until_feed(mine, "fresh")


async def until_feed(watcher: Watcher, feed: str) -> None:
    """Until a heartbeat says so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            await watcher.send(type="heartbeat")
            if (await watcher.until("heartbeat"))["feed"] == feed:
                return
            await asyncio.sleep(0.02)


async def until_ready(client: httpx.AsyncClient, *, is_ready: bool) -> None:
    """Until a replica says that it is fit for traffic, or not."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while ((await client.get("/readyz")).status_code == 200) is not is_ready:
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("hasty")
async def test_g23_retention_that_overtakes_a_slow_reader(rig: Rig) -> None:
    """B7: it jumps by a tenth of what is kept, and is not told a gap for each page."""
    writer = rig.writer("a")
    pad = "x" * 4_000

    async def append(start: int) -> None:
        await writer.append(
            *({"step": n, "pad": pad} for n in range(start, start + 250))
        )

    for start in range(0, 2_000, 250):
        await append(start)
    gaps = 0
    async with (
        rig.serving(window_bytes=50_000) as gateway,
        watching(gateway, max_queue=1) as slow,
    ):
        await slow.subscribe(sessionId="a", **{"from": "start"})
        # Before that it could be overtaken once more, by a broker that answers late.
        await until_full(gateway)
        for start in range(2_000, 8_000, 250):
            await append(start)
            # It is the reader who is overtaken, not the gateway.
            await until_read(gateway, writer)
            entries = await rig.broker.read_before("a", None, limit=1_000)
            await rig.trim("a", entries[-1].id)
        while not slow.records or slow.records[-1]["step"] != 7_999:
            gaps += (await slow.next())["type"] == "gap"
        had = steps(slow)
        assert had == sorted(set(had))
        assert gaps == 1
        # A tenth of the thousand that are kept was passed over as well.
        resumed = next(b for a, b in itertools.pairwise(had) if b != a + 1)
        assert 7_090 <= resumed <= 7_110
