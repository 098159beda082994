"""Adapters over real brokers."""

import uuid
from collections.abc import AsyncIterator

import pytest

from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer


@pytest.fixture
def prefix() -> str:
    """Keys of this test alone."""
    return uuid.uuid4().hex


@pytest.fixture
async def adapter(broker: BrokerServer, prefix: str) -> AsyncIterator[RedisBroker]:
    """An adapter over a broker that others use too."""
    adapter = RedisBroker(broker.url, key_prefix=prefix)
    yield adapter
    await adapter.aclose()


@pytest.fixture
async def own_adapter(own_broker: BrokerServer) -> AsyncIterator[RedisBroker]:
    """An adapter over a broker that the test may break."""
    adapter = RedisBroker(own_broker.url)
    yield adapter
    await adapter.aclose()
