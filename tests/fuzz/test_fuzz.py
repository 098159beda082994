"""A gateway under a hostile client, for some seconds."""

import pytest

from tests.conftest import BrokerFactory
from tests.fuzz.attack import attack


# `make fuzz` is the long form.
SECONDS = 8.0


# The well-behaved client's thread may use `random` while hypothesis draws.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
def test_nothing_that_clients_send_brings_it_down(own_brokers: BrokerFactory) -> None:
    """Others get their records once, nothing fails, and memory is bounded."""
    outcome = attack(own_brokers("valkey"), seconds=SECONDS, seed=1)
    assert outcome.conversations > 0
