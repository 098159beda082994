"""Client cursors over Redis and Valkey: what only a broker of its own can show."""

import uuid
from collections.abc import AsyncIterator

import pytest

from tailcast_streams.births import UNCOUNTED
from tailcast_streams.client_cursors import ClientBounds, Save, Saved
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.position import Cursor, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer


@pytest.fixture
async def adapter(broker: BrokerServer) -> AsyncIterator[RedisBroker]:
    """An adapter with keys of its own."""
    made = RedisBroker(broker.url, key_prefix=uuid.uuid4().hex)
    yield made
    await made.aclose()


async def test_what_somebody_wrote_by_hand(adapter: RedisBroker) -> None:
    """Fields that are no cursors are passed over; what is no moment is long ago."""
    key = adapter._keys.client("c")
    await adapter._redis.hset(key, "a", "1-30-00000abc")
    for field in ("b", "!at", "!hold", "!z"):
        await adapter._redis.hset(key, field, "junk")

    kept = await adapter.clients.take("c", "r1")

    assert kept.cursors == {"a": Cursor(EntryID(1, 30), 0xABC)}
    assert kept.at == UNCOUNTED


async def test_keys_expire(adapter: RedisBroker) -> None:
    """In the broker the client's key has an end, from its first hold on."""
    hold = (await adapter.clients.take("c", "r1")).hold
    seconds = await adapter._redis.ttl(adapter._keys.client("c"))
    assert 0 < seconds <= 3_600

    await adapter.clients.save([Save("c", hold, 1, {}, proves=True)])

    seconds = await adapter._redis.ttl(adapter._keys.client("c"))
    assert 29 * 24 * 3_600 < seconds <= 30 * 24 * 3_600


async def test_room_is_made_where_nobody_listens(adapter: RedisBroker) -> None:
    """What was dropped need not be told to anybody."""
    adapter.clients.bounds = ClientBounds(clients=1)
    await adapter.clients.take("c", "r1")
    await adapter.clients.take("d", "r1")

    assert await adapter._redis.exists(adapter._keys.client("c")) == 0
    assert await adapter._redis.exists(adapter._keys.client("d")) == 1


async def test_a_key_that_is_something_else(adapter: RedisBroker) -> None:
    """One client's spoiled key keeps nobody else from being saved."""
    await adapter._redis.set(adapter._keys.client("bad"), "spoiled")

    saves = [Save(client, 1, 1, {}, at=UNCOUNTED) for client in ("bad", "good")]

    assert await adapter.clients.save(saves) == [Saved.FAILED, Saved.ANEW]
    with pytest.raises(BrokerError):
        await adapter.clients.take("bad", "r1")


async def test_a_broker_that_is_away() -> None:
    """Saves raise, and nothing is kept."""
    broker = RedisBroker("unix:///nowhere/socket")
    try:
        with pytest.raises(BrokerError):
            await broker.clients.save([Save("c", 1, 1, {})])
    finally:
        await broker.aclose()
