"""`/api/status`: who serves, what is watched and what is wrong, over a real broker."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from tailcast_gateway.http import status
from tailcast_gateway.http.core.bodies import StatusBody
from tailcast_gateway.sessions import indexers
from tailcast_service.build import VERSION
from tailcast_streams.indexers import Indexer
from tailcast_streams.sources import Source, SourceState
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    numbered,
    watching,
)
from tests.integration.test_gateway_sources import publish


AN_INDEXER = Indexer("early", VERSION, 1, 2, 0, 0)


async def ask(gateway: Gateway) -> dict[str, Any]:
    """An answer, which is as documented."""
    async with httpx.AsyncClient(
        trust_env=False, base_url=gateway.url, timeout=PATIENCE_SECONDS
    ) as client:
        answer = await client.get("/api/status")
    assert answer.status_code == httpx.codes.OK, answer.text
    msgspec.convert(answer.json(), StatusBody)
    return dict(answer.json())


async def until_problems(gateway: Gateway, *kinds: str) -> dict[str, Any]:
    """The first answer with exactly these problems."""
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = await ask(gateway)
                if [one["kind"] for one in found["problems"]] == list(kinds):
                    return found
    except TimeoutError:
        raise AssertionError(found) from None


async def test_what_is_wrong_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """From what tailers and sessions say, each with what mends it."""
    monkeypatch.setattr(status, "KEPT_SECONDS", 0.0)
    async with rig.serving(name="node-a:5000") as gateway:
        found = await until_problems(gateway, "tailer", "indexer")
        assert (found["replica"], found["version"]) == ("node-a:5000", VERSION)
        assert "tailcast tailer" in found["problems"][0]["mend"]
        await publish(
            rig, "one", Source("/logs/r.jsonl", SourceState.REFUSED, reason="denied")
        )
        await rig.writer("a").append(*numbered(0, 1), partial_bytes=9)
        await rig.broker.indexers.hold(AN_INDEXER, seconds=50)
        found = await until_problems(gateway, "directory", "refused", "held_back")
        assert [one["about"] for one in found["problems"]] == [
            "/logs/telemetry", "/logs/r.jsonl", "a",
        ]  # fmt: skip  # one glance
        assert found["tailers"][0]["roots"][0]["patterns"] == ["**/*.jsonl"]
        assert found["limits"]["subscriptions"] == 1_000


async def test_a_broker_that_does_not_answer_is_told(
    own_rig: Rig, own_broker: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes all the same, with what the gateway knows itself."""
    monkeypatch.setattr(status, "READ_SECONDS", 0.2)
    monkeypatch.setattr(status, "KEPT_SECONDS", 0.0)
    async with own_rig.serving() as gateway:
        await gateway.until_ready()
        own_broker.pause()
        try:
            found = await until_problems(gateway, "broker")
            assert found["tailers"] is None
        finally:
            own_broker.resume()
        await until_problems(gateway, "tailer", "indexer")


async def test_who_keeps_the_indexes_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And how late they are: to whoever asks, and to whoever has heartbeats."""
    monkeypatch.setattr(indexers, "ASK_SECONDS", 0.05)
    async with rig.serving() as gateway, watching(gateway) as watcher:
        await watcher.send(type="heartbeat", everyMs=1_000)
        assert (await watcher.until("heartbeat"))["indexLagMs"] is None
        assert (await ask(gateway))["indexLagMs"] is None
        await rig.broker.indexers.hold(AN_INDEXER, seconds=50)
        late = AN_INDEXER._replace(name="late", behind=1, lag_ms=11_000)
        await rig.broker.indexers.hold(late, seconds=50)
        await watcher.until("heartbeat", indexLagMs=11_000)
        found = await until_problems(gateway, "tailer", "indexer")
        assert found["indexLagMs"] == 11_000
        assert found["indexers"] == [
            {"name": "early", "version": VERSION, "since": 1, "sessions": 2,
             "behind": 0, "lagMs": 0},
            {"name": "late", "version": VERSION, "since": 1, "sessions": 2,
             "behind": 1, "lagMs": 11_000},
        ]  # fmt: skip  # one glance
        assert "11 s behind" in found["problems"][1]["reason"]
        await rig.broker.indexers.withdraw("early")
        await rig.broker.indexers.withdraw("late")
        await watcher.until("heartbeat", indexLagMs=None)
        assert "no indexer" in (await ask(gateway))["problems"][1]["reason"]
