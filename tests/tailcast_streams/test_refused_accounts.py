"""What an account may not do: refused before anything is written, never guessed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tailcast_streams.entries import Document
from tailcast_streams.exceptions import BrokerRefused
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tests.accounts import add_account
from tests.brokers import BrokerServer
from tests.conformance.batches import (
    first_batch,
    follow_on,
    position,
    record,
    rejection,
)


ALL = "~* &* +@all"


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[RedisBroker]:
    """An adapter of our own."""
    broker = RedisBroker(url)
    try:
        yield broker
    finally:
        await broker.aclose()


async def test_a_stream_that_cannot_be_asked_is_not_taken_for_none(
    own_broker: BrokerServer,
) -> None:
    """Else the session is diverged, and whoever finds that deletes it."""
    url = add_account(own_broker, "blind", f"{ALL} -xinfo")
    async with connected(own_broker.url) as broker, connected(url) as blind:
        await broker.append(first_batch(record(30)))
        stored = await position(broker)
        batch = await follow_on(broker, record(60), offset=60)

        with pytest.raises(BrokerRefused):
            await blind.load("s")
        with pytest.raises(BrokerRefused):
            await blind.append(batch)
        for seen in (stored, stored._replace(stream_last_id=BEFORE_ALL)):
            with pytest.raises(BrokerRefused):
                await blind.discard("s", seen)

        assert await position(broker) == stored


@pytest.mark.parametrize("command", ["xadd", "hset", "publish"])
async def test_an_append_that_is_refused_has_written_nothing(
    own_broker: BrokerServer, command: str
) -> None:
    """A script does not roll back: what may not be done is found before the first."""
    url = add_account(own_broker, "half", f"{ALL} -{command}")
    async with connected(own_broker.url) as broker, connected(url) as half:
        with pytest.raises(BrokerRefused, match=f"NOPERM.*{command.upper()}"):
            await half.append(first_batch(record(30)))
        with own_broker.client() as client:
            assert client.keys("*:{s}:*") == []

        await broker.append(first_batch(record(30)))
        batch = await follow_on(
            broker, record(60), offset=60, rejections=(rejection(55),)
        )
        with pytest.raises(BrokerRefused):
            await half.append(batch)

        assert len(await broker.read_after("s", BEFORE_ALL, limit=9)) == 2
        assert await broker.read_rejected("s", BEFORE_ALL, limit=9) == []
        state = await broker.load("s")
        assert state is not None
        assert (state.position.offset, state.records) == (30, 1)


async def test_an_account_that_may_only_append_does_so(
    own_broker: BrokerServer,
) -> None:
    """Little is needed: counters are part of the state that is written."""
    rule = (
        "~telemetry:* &telemetry:feed -@all +hello +auth +client|setname"
        " +evalsha +script|load +set +get +exists"
        " +xinfo|stream +hmget +hset +xadd +persist +publish"
    )
    url = add_account(own_broker, "least", rule)
    async with connected(own_broker.url) as broker, connected(url) as least:
        await least.append(first_batch(record(30)))
        batch = await follow_on(
            broker, record(60), offset=60, rejections=(rejection(55),)
        )
        await least.append(batch)

        state = await broker.load("s")
        assert state is not None
        assert (state.records, state.rejected) == (2, 1)


@pytest.mark.parametrize("command", ["xadd", "sadd", "publish"])
async def test_a_document_that_is_refused_is_not_there_twice_later(
    own_broker: BrokerServer, command: str
) -> None:
    """Stream and list of what was seen change together, or not at all."""
    url = add_account(own_broker, "half", f"{ALL} -{command}")
    document = Document("e.json", "0" * 64, b"{}", "", is_news=True)
    async with connected(own_broker.url) as broker, connected(url) as half:
        for _ in range(2):
            with pytest.raises(BrokerRefused):
                await half.add_document(document)
        assert await broker.add_document(document)
        assert len(await broker.read_after("!emergencies", BEFORE_ALL, limit=9)) == 1


@pytest.mark.parametrize("command", ["del", "publish"])
async def test_a_session_that_may_not_be_deleted_stays_whole(
    own_broker: BrokerServer, command: str
) -> None:
    """All of it, or nothing."""
    url = add_account(own_broker, "half", f"{ALL} -{command}")
    async with connected(own_broker.url) as broker, connected(url) as half:
        await broker.append(first_batch(record(30)))
        stored = await position(broker)

        with pytest.raises(BrokerRefused):
            await half.discard("s", stored)

        assert await position(broker) == stored
        assert stored.last_id == EntryID(1, 30)


@pytest.mark.parametrize("command", ["hset", "expire", "publish", "time"])
async def test_a_client_that_cannot_be_taken_stays_whose_it_is(
    own_broker: BrokerServer, command: str
) -> None:
    """A hold that half began would end the one before it."""
    url = add_account(own_broker, "half", f"{ALL} -{command}")
    async with connected(own_broker.url) as broker, connected(url) as half:
        held = await broker.clients.take("me", "one")

        with pytest.raises(BrokerRefused):
            await half.clients.take("me", "two")

        with own_broker.client() as client:
            hold = client.hget("telemetry:client:me", "!hold")
        assert hold == str(held.hold).encode()
