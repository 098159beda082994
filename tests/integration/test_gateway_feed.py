"""Whether news arrives is told as it is, also while the broker is frozen."""

from typing import Any

import httpx
import pytest

from tailcast_gateway.commands import commands, queries, subscribing
from tailcast_gateway.http import api
from tailcast_gateway.sessions import stored
from tailcast_streams.redis import connection as redis_connection
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Rig,
    Watcher,
    numbered,
    watching,
)
from tests.integration.test_gateway_outages import ASKED


# As long as a test runs.
FOR_EVER = 3_600.0


async def until_feed(watcher: Watcher, feed: str) -> dict[str, Any]:
    """The first heartbeat that says so."""
    return await watcher.until("heartbeat", feed=feed)


async def test_a_frozen_broker_is_told(own_rig: Rig, own_broker: BrokerServer) -> None:
    """Heartbeats say `stale`, and how late what comes is, until it goes on."""
    writer = own_rig.writer("a")
    async with (
        own_rig.serving(name="node-a:5000") as gateway,
        watching(gateway) as watcher,
    ):
        await watcher.subscribe(sessionId="a")
        await watcher.send(type="heartbeat", everyMs=1_000)
        assert (await until_feed(watcher, "fresh"))["replica"] == "node-a:5000"
        own_broker.pause()
        try:
            first = await until_feed(watcher, "stale")
            second = await until_feed(watcher, "stale")
            assert 0 < first["lagMs"] < second["lagMs"]
        finally:
            own_broker.resume()
        await until_feed(watcher, "fresh")
        await writer.append(*numbered(0, 1))
        assert await watcher.until_records(1) == numbered(0, 1)


async def test_a_broker_that_is_gone_is_told(
    own_rig: Rig, own_broker: BrokerServer
) -> None:
    """Heartbeats say `down` as soon as the connection is lost."""
    async with own_rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await watcher.send(type="heartbeat", everyMs=1_000)
        await until_feed(watcher, "fresh")
        own_broker.stop()
        await until_feed(watcher, "down")
        own_broker.start()
        await until_feed(watcher, "fresh")


async def test_every_answer_comes_though_the_broker_is_frozen(
    own_rig: Rig, own_broker: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever no read of the broker is bounded by: the answer itself is."""
    for module in (commands, queries, stored, subscribing):
        monkeypatch.setattr(module, "BROKER_SECONDS", FOR_EVER)
    monkeypatch.setattr(redis_connection, "REPLY_TIMEOUT", FOR_EVER)
    await own_rig.writer("a").append(*numbered(0, 3))
    async with (
        own_rig.serving() as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE_SECONDS) as client,
    ):
        await gateway.until_ready()
        monkeypatch.setattr(api, "ANSWER_SECONDS", 0.5)
        own_broker.pause()
        try:
            for path, headers in (
                *ASKED,
                ("/api/sources", {}),
                ("/api/record?sessionId=a&cursor=1-10-00000000", {}),
            ):
                answer = await client.get(path, headers=headers)
                assert answer.status_code == 503, path
                assert answer.json()["code"] == "unavailable"
                assert int(answer.headers["retry-after"]) > 0
            for path in ("/readyz", "/healthz", "/metrics", "/", "/openapi.json"):
                assert (await client.get(path)).status_code in {200, 503}, path
        finally:
            own_broker.resume()
