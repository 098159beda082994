"""An honest client beside hostile ones, which do their worst together."""

import sys

import pytest

from benchmarks.survival.hostility import measure
from tests.brokers import BrokerServer


# It is the gateway that is looked at.
pytestmark = pytest.mark.one_broker


@pytest.mark.skipif(sys.platform != "linux", reason="reads a peak that Linux keeps")
async def test_an_honest_client_gets_all_beside_hostile_ones(
    broker: BrokerServer,
) -> None:
    """Each line that a tailer reads, none twice; others can connect, it stays ready."""
    before, beside, kept = await measure(
        broker.url, records=2_000, counts=(40, 1, 8, 4, 4), seconds=2.0
    )
    assert len(beside.latencies) == len(before.latencies) == 40
    assert beside.handshakes
    assert beside.ready.keys() == {200}
    assert kept.stored == kept.written
    assert kept.trimmed_bytes == 0
