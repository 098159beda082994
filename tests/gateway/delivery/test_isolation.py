"""What fails over one client or session ends nothing else."""

from collections.abc import Sequence

import pytest

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.delivery.core.isolation import Isolation
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.sessions.failing import LAST_DELAY_SECONDS, delay_seconds
from tailcast_gateway.sessions.isolation import MAX_SICK
from tailcast_streams.exceptions import BrokerRefused, BrokerUnavailable
from tests.gateway.stage import Socket


NAMES = [f"s{number}" for number in range(100)]


@pytest.fixture
def isolation() -> Isolation:
    """One of a replica."""
    return Isolation(Instruments())


def defects(isolation: Isolation) -> dict[str, float]:
    """How many were counted, by what they were over."""
    found = isolation._instruments._meters.defects.collect()
    return {
        sample.labels["over"]: sample.value
        for metric in found
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


def test_a_client_is_closed(isolation: Isolation) -> None:
    """Whatever failed; nothing is delivered to it any more."""
    socket = Socket()
    client = Client(socket)
    for _ in range(2):
        with isolation.over(client):
            raise LookupError("x")
    assert client.is_closed
    assert set(socket.closed) == {1011}
    assert defects(isolation)["client"] == 2


def test_a_client_that_cannot_even_be_closed(
    isolation: Isolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not served any more all the same."""
    socket = Socket()

    def fail(_code: int, _reason: str) -> None:
        raise LookupError("y")

    monkeypatch.setattr(socket, "close", fail)
    client = Client(socket)
    with isolation.over(client):
        raise LookupError("x")
    assert client.is_closed


def test_an_absent_broker_is_nobodys_failure(isolation: Isolation) -> None:
    """Who asked waits for it."""
    with pytest.raises(BrokerUnavailable), isolation.over(Client(Socket())):
        raise BrokerUnavailable("away")
    with pytest.raises(BrokerUnavailable), isolation.over_session("a"):
        raise BrokerUnavailable("away")
    assert not any(defects(isolation).values())


def test_a_session_is_noted(isolation: Isolation) -> None:
    """One whose keys the broker refuses too."""
    failed: list[str] = []
    with isolation.over_session("a", failed.append):
        raise BrokerRefused("WRONGTYPE")
    with isolation.over_session("b"):
        raise LookupError("x")
    assert failed == ["a"]
    assert defects(isolation)["session"] == 2


@pytest.mark.parametrize("sick", [set[str](), {"s0"}, {"s41", "s42", "s99"}])
async def test_a_batch_is_halved_down(isolation: Isolation, sick: set[str]) -> None:
    """To the sessions over which reading fails; the others are read."""
    failed: list[str] = []

    async def read(names: Sequence[str]) -> list[str]:
        if sick & set(names):
            raise BrokerRefused("WRONGTYPE")
        return [name.upper() for name in names]

    found = await isolation.each(NAMES, read, lambda name, _: failed.append(name))
    assert found == {name: name.upper() for name in NAMES if name not in sick}
    assert set(failed) == sick


@pytest.mark.parametrize("names", [NAMES, NAMES[:2]])
async def test_a_broker_that_refuses_everything(
    isolation: Isolation, names: list[str]
) -> None:
    """Then it is not the sessions' fault, and not each of them is asked for."""
    asked: list[Sequence[str]] = []

    async def read(some: Sequence[str]) -> list[str]:
        asked.append(some)
        raise BrokerRefused("NOPERM")

    with pytest.raises(BrokerRefused):
        await isolation.each(names, read)
    assert len(asked) <= 4 * MAX_SICK
    assert not any(defects(isolation).values())


async def test_a_broker_that_is_away(isolation: Isolation) -> None:
    """Nothing is halved for that."""
    asked: list[Sequence[str]] = []

    async def read(some: Sequence[str]) -> list[str]:
        asked.append(some)
        raise BrokerUnavailable("away")

    with pytest.raises(BrokerUnavailable):
        await isolation.each(NAMES, read)
    assert len(asked) == 1
    assert await isolation.each([], read) == {}


def test_who_fails_again_waits_longer() -> None:
    """And never longer than a bound."""
    delays = [delay_seconds(times, 0.5) for times in range(1, 40)]
    assert delays == sorted(delays)
    assert delays[0] < 1.0
    assert delays[-1] <= LAST_DELAY_SECONDS
