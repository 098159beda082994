"""The brokers of the tests do to their data what the tests rely on."""

import pytest
import redis

from tests.brokers import BrokerServer
from tests.conftest import BrokerFactory


def test_data_survives_a_stop(own_broker: BrokerServer) -> None:
    """What was written before a stop is there after the next start."""
    own_broker.client().set("key", "value")
    own_broker.restart()
    assert own_broker.client().get("key") == b"value"


def test_wipe_loses_everything(own_broker: BrokerServer) -> None:
    """A wiped broker is empty, at the same address, also after a kill."""
    own_broker.client().set("key", "value")
    own_broker.kill()
    with pytest.raises(redis.ConnectionError):
        own_broker.client().ping()
    own_broker.wipe()
    assert own_broker.client().dbsize() == 0


def test_a_paused_broker_answers_once_it_goes_on(own_broker: BrokerServer) -> None:
    """A pause keeps the connection open; what was asked is answered afterwards."""
    client = own_broker.client()
    client.ping()
    own_broker.pause()
    own_broker.resume()
    assert client.ping()


def test_a_broker_can_listen_on_a_port(own_brokers: BrokerFactory) -> None:
    """With `tcp` it is reached by a port, so that something can be put in between."""
    server = own_brokers("valkey", tcp=True)
    assert server.url.startswith("redis://127.0.0.1:")
    assert server.client().ping()
