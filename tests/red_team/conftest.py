"""What is attacked: a gateway over keys of the test's own."""

from collections.abc import Iterator

import pytest
import redis

from tests.brokers import BrokerServer
from tests.integration.conftest import gateway, patient, rig


__all__ = ["client", "gateway", "patient", "rig"]


@pytest.fixture
def client(broker: BrokerServer) -> Iterator["redis.Redis"]:
    """Another program."""
    client = broker.client()
    yield client
    client.close()
