"""What only a real broker does: forget scripts, go away, refuse."""

import asyncio
from collections.abc import Callable

import pytest

from tailcast_streams.exceptions import BrokerRefused, BrokerUnavailable, KeySpoiled
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer
from tests.conformance.batches import (
    append,
    first_batch,
    position,
    record,
)
from tests.hints import heard_of
from tests.patience import PATIENCE_SECONDS


async def test_a_broker_that_forgot_its_scripts_gets_them_again(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """Scripts are not part of what a broker keeps over a restart."""
    await own_adapter.append(first_batch(record(30)))
    client = own_broker.client()
    client.script_flush()

    assert (await position(own_adapter)).offset == 30
    client.script_flush()
    await append(own_adapter, record(60), offset=60)
    client.close()


async def test_a_broker_that_is_away_is_unavailable(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """Nothing is retried below; once it is back, calls work again."""
    await own_adapter.append(first_batch(record(30)))
    own_broker.stop()

    with pytest.raises(BrokerUnavailable):
        await own_adapter.load("s")

    own_broker.start()
    assert (await position(own_adapter)).offset == 30


async def test_a_reply_lost_with_the_broker_is_unavailable_once(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """A restart between two calls costs one error, not a silent repetition."""
    await own_adapter.append(first_batch(record(30)))
    own_broker.restart()

    with pytest.raises(BrokerUnavailable):
        await own_adapter.load("s")
    assert (await position(own_adapter)).offset == 30


async def test_a_broker_that_came_back_is_there_for_everybody(
    own_adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """Of the connections that died with it none is handed out."""
    appends = (
        own_adapter.append(first_batch(record(30), session=f"s{n}")) for n in range(8)
    )
    await asyncio.gather(*appends)
    await asyncio.to_thread(own_broker.restart)

    states = await asyncio.gather(*(own_adapter.load(f"s{n}") for n in range(8)))
    assert None not in states


@pytest.mark.parametrize("gather_seconds", [0.0, 0.05])
async def test_listeners_are_told_that_they_were_cut_off(
    own_adapter: RedisBroker, own_broker: BrokerServer, gather_seconds: float
) -> None:
    """A lost connection ends the iteration; it is not made anew in silence."""
    hints = heard_of(own_adapter, gather_seconds=gather_seconds)
    async with hints as payloads:
        await own_adapter.notify("!canary")
        assert await anext(payloads) == "!canary"
        own_broker.kill()
        with pytest.raises(BrokerUnavailable):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await anext(payloads)
    own_broker.start()


async def test_a_listener_may_wait_longer_than_a_command(
    adapter: RedisBroker, monkeypatch: pytest.MonkeyPatch, broker: BrokerServer
) -> None:
    """The time-out for replies does not end a silent feed."""
    monkeypatch.setattr("tailcast_streams.redis.connection.REPLY_TIMEOUT", 3.0)
    impatient = RedisBroker(broker.url, key_prefix=adapter._keys.prefix)
    try:
        async with heard_of(impatient) as payloads:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(3.5):
                    await anext(payloads)
    finally:
        await impatient.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost", "localhost:6379", "redis://user:secret@host:x/0", "",
        "redis://user:secret@host/0?nonsense=1",
    ],
)  # fmt: skip  # one glance
def test_other_urls_are_refused_without_their_password(url: str) -> None:
    """The message names what is understood and keeps secrets."""
    with pytest.raises(BrokerRefused) as refused:
        RedisBroker(url)
    assert "secret" not in str(refused.value)


async def test_a_key_of_another_type_is_spoiled(
    adapter: RedisBroker, broker: BrokerServer, prefix: str
) -> None:
    """Nothing that waiting mends: the broker's own words are kept."""
    client = broker.client()
    client.set(f"{prefix}:{{s}}:state", "by hand")
    client.close()

    with pytest.raises(KeySpoiled, match="wrong kind"):
        await adapter.heads(["s"])


async def test_a_state_that_cannot_be_read_is_spoiled(
    adapter: RedisBroker, broker: BrokerServer, prefix: str
) -> None:
    """It says nothing of its stream, and no reader takes it for none."""
    client = broker.client()
    client.hset(f"{prefix}:{{s}}:state", "offset", 5)
    client.close()

    with pytest.raises(KeySpoiled, match="the state of s cannot be read"):
        await adapter.heads(["s"])


@pytest.fixture
def broker_without_password(own_brokers: Callable[[str], BrokerServer]) -> BrokerServer:
    """A broker that asks for a password."""
    server = own_brokers("valkey")
    client = server.client()
    client.config_set("requirepass", "secret")
    client.close()
    return server


async def test_a_missing_password_is_refused(
    broker_without_password: BrokerServer,
) -> None:
    """Waiting would not help."""
    adapter = RedisBroker(broker_without_password.url)
    with pytest.raises(BrokerRefused):
        await adapter.load("s")
    await adapter.aclose()
