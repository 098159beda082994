"""Every adapter of the broker's ports, for the one suite that runs over all of them."""

import uuid
from collections.abc import AsyncIterator, Callable

import pytest

from telemetry_stream.broker_memory import MemoryBroker
from telemetry_stream.broker_redis import RedisBroker
from tests.brokers import BrokerServer


Adapter = MemoryBroker | RedisBroker


@pytest.fixture(params=["memory", "valkey", "redis"])
async def adapter(
    request: pytest.FixtureRequest, brokers: Callable[[str], BrokerServer]
) -> AsyncIterator[Adapter]:
    """An adapter over an empty broker (a prefix of its own)."""
    if request.param == "memory":
        yield MemoryBroker()
        return
    broker = RedisBroker(brokers(request.param).url, key_prefix=uuid.uuid4().hex)
    yield broker
    await broker.aclose()
