"""Which installation is spoken of on the channel of a real broker."""

import asyncio

import pytest

from tailcast_streams.exceptions import BrokerFull
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer
from tests.conformance.batches import (
    first_batch,
    record,
)
from tests.hints import heard_of
from tests.patience import PATIENCE_SECONDS


async def test_two_databases_of_one_server(own_broker: BrokerServer) -> None:
    """The channel is the server's; each hears its own, and counts the other's."""
    one, other = RedisBroker(own_broker.url), RedisBroker(f"{own_broker.url}?db=1")
    foreign: list[None] = []
    try:
        async with (
            heard_of(one, on_foreign=lambda: foreign.append(None)) as payloads,
            asyncio.timeout(PATIENCE_SECONDS),
        ):
            await other.append(first_batch(record(30), session="theirs"))
            await other.clients.take("board", "elsewhere")
            await other.notify("!canary")
            await one.append(first_batch(record(30), session="ours"))
            assert await anext(payloads) == "0 ours"
    finally:
        await one.aclose()
        await other.aclose()
    assert len(foreign) == 3


async def test_what_version_0_1_says_is_heard(adapter: RedisBroker) -> None:
    """It names no installation: a hint like any other."""
    async with heard_of(adapter) as payloads, asyncio.timeout(PATIENCE_SECONDS):
        await adapter._redis.publish(adapter._keys.feed, "5 a session")
        assert await anext(payloads) == "5 a session"


async def test_an_emptied_broker_is_given_the_id_that_is_known(
    own_broker: BrokerServer,
) -> None:
    """By whoever settles first; who began meanwhile takes it over."""
    old, late = RedisBroker(own_broker.url), RedisBroker(own_broker.url)
    try:
        await old.settle_installation()
        own_broker.client().flushall()
        await old.settle_installation()
        async with heard_of(late) as payloads, asyncio.timeout(PATIENCE_SECONDS):
            await old.notify("!canary")
            assert await anext(payloads) == "!canary"
    finally:
        await old.aclose()
        await late.aclose()


@pytest.mark.parametrize("left", [b"", b"0011223344556677", b"by hand"])
async def test_who_finds_another_id_takes_it(
    own_broker: BrokerServer, left: bytes
) -> None:
    """A broker that was restored, or edited: one round of settling agrees."""
    one, other = RedisBroker(own_broker.url), RedisBroker(own_broker.url)
    client = own_broker.client()
    try:
        await one.settle_installation()
        client.set("telemetry:installation", left)
        async with heard_of(other) as payloads, asyncio.timeout(PATIENCE_SECONDS):
            await one.settle_installation()
            await one.notify("!canary")
            assert await anext(payloads) == "!canary"
        stored = client.get("telemetry:installation")
        assert stored == left or len(left) != 16
    finally:
        await one.aclose()
        await other.aclose()


async def test_an_id_that_cannot_be_written(own_adapter: RedisBroker) -> None:
    """Nothing is said under no name: the broker's own words come back."""
    await own_adapter._redis.config_set("maxmemory", 1)
    with pytest.raises(BrokerFull):
        await own_adapter.notify("!canary")
    await own_adapter._redis.config_set("maxmemory", 0)
    await own_adapter.notify("!canary")
    await own_adapter._redis.config_set("maxmemory", 1)
    # It is there: nothing has to be written.
    await own_adapter.settle_installation()
