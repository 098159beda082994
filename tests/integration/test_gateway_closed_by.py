"""Whose word a connection ended by, which is what alerts go by."""

import asyncio
from collections import Counter

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed

from tailcast_gateway.commands.commands import Commands
from tailcast_gateway.protocol.close_codes import ALL_CLOSE_CODES
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import PATIENCE_SECONDS, Gateway, Rig, watching


# Who ends a connection is the same over any broker.
pytestmark = pytest.mark.one_broker


def closes(gateway: Gateway) -> Counter[tuple[str, str]]:
    """What is counted as `connections_closed`, by code and whose word it was."""
    found: Counter[tuple[str, str]] = Counter()
    text = gateway.replica.instruments.exposition().decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "tailcast_gateway_connections_closed_total":
                labels = sample.labels
                found[labels["code"], labels["by"]] += int(sample.value)
    return found


async def until_closed(gateway: Gateway, count: int) -> Counter[tuple[str, str]]:
    """Wait until so many are counted; what they were."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (found := closes(gateway)).total() < count:
            await asyncio.sleep(0.01)
    return +found


async def test_every_close_of_ours_has_a_series_from_the_start(
    gateway: Gateway,
) -> None:
    """What begins with its first count has no increase, and no alert."""
    found = closes(gateway)
    ours = {(str(code.number), "gateway") for code in ALL_CLOSE_CODES}
    assert set(found) == ours
    assert not found.total()


@pytest.mark.parametrize("code", [1011, 4008, 4012])
async def test_a_number_of_ours_that_a_client_sends_is_the_clients(
    gateway: Gateway, code: int
) -> None:
    """Libraries close with 1011 themselves, when a pong comes too late for them."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        await watcher.connection.close(code, "keepalive ping timeout")
    assert await until_closed(gateway, 1) == {(str(code), "client"): 1}


async def test_numbers_that_clients_choose_make_one_series(gateway: Gateway) -> None:
    """However many there are."""
    for code in (3000, 4998, 4999):
        async with watching(gateway) as watcher:
            await watcher.connection.close(code)
    assert await until_closed(gateway, 3) == {("other", "client"): 3}


async def test_a_failure_of_ours_is_ours(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1011 as it is sent where serving a connection failed."""

    async def fail(*_args: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Commands, "subscribe", fail)
    async with watching(gateway) as watcher:
        await watcher.send(type="subscribe", sessionId="a")
        with pytest.raises(ConnectionClosed):
            await watcher.until("anything else")
    assert await until_closed(gateway, 1) == {("1011", "gateway"): 1}


async def test_who_goes_without_a_word(gateway: Gateway) -> None:
    """Its process was killed, or the network is gone."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a")
        watcher.connection.transport.abort()
        assert await until_closed(gateway, 1) == {("1006", "nobody"): 1}


async def test_a_broker_that_is_away_is_no_failure(own_broker: BrokerServer) -> None:
    """Browsers ask for their events again and again meanwhile."""
    rig = Rig(own_broker.url)
    async with rig.stack, rig.serving() as gateway:
        own_broker.kill()
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            answer = await client.get(
                "/sse/telemetry?sessionId=a", timeout=PATIENCE_SECONDS
            )
        assert '"code":"unavailable"' in answer.text
        assert await until_closed(gateway, 1) == {("1000", "gateway"): 1}
