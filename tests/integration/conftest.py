"""What most of these tests begin with: keys of their own, and a gateway over them."""

from collections.abc import AsyncIterator

import pytest

from tests.brokers import BrokerServer
from tests.integration.gateway_rig import Gateway, Rig, be_patient


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker on a busy machine is slow, and not away: nobody is told so."""
    be_patient(monkeypatch)


@pytest.fixture
async def rig(broker: BrokerServer) -> AsyncIterator[Rig]:
    """Keys of the test's own."""
    made = Rig(broker.url)
    async with made.stack:
        yield made


@pytest.fixture
async def gateway(rig: Rig) -> AsyncIterator[Gateway]:
    """A gateway over them."""
    async with rig.serving() as gateway:
        yield gateway


@pytest.fixture
async def own_rig(own_broker: BrokerServer) -> AsyncIterator[Rig]:
    """A broker of the test's own."""
    made = Rig(own_broker.url)
    async with made.stack:
        yield made
