"""A connection of its own: no reply is ever taken for another one."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

import pytest
from redis import exceptions as redis_errors

from tailcast_streams.redis.connection import connect
from tailcast_streams.redis.own_line import OwnLine
from tests.brokers import BrokerServer
from tests.tailer.harness import eventually


@pytest.fixture
async def line(broker: BrokerServer) -> AsyncIterator[OwnLine]:
    """A connection to a real broker."""
    client = connect(broker.url)
    async with aclosing(client), aclosing(OwnLine(client)) as made:
        yield made


async def test_it_goes_on_after_the_broker_has_hung_up(
    line: OwnLine, broker: BrokerServer
) -> None:
    """While nobody waits, and while somebody does."""
    (number,) = await line.exchange([("CLIENT", "ID")])
    with broker.client() as client:
        client.client_kill_filter(_id=number)
    with suppress(redis_errors.ConnectionError):
        # That may be noticed before, or only now.
        await line.exchange([("CLIENT", "ID")])
    (other,) = await line.exchange([("CLIENT", "ID")])
    assert other != number
    waiting = asyncio.ensure_future(line.exchange([("BLPOP", uuid.uuid4().hex, 0)]))
    with broker.client() as client:

        async def is_waiting() -> bool:
            (listed,) = client.client_list(client_id=[other])
            return "b" in listed["flags"]

        await eventually(is_waiting)
        client.client_kill_filter(_id=other)
    with pytest.raises(redis_errors.ConnectionError):
        await waiting
    assert await line.exchange([("ECHO", "a"), ("ECHO", "b")]) == [b"a", b"b"]


async def test_replies_that_nobody_waits_for_any_more_are_not_taken(
    line: OwnLine,
) -> None:
    """Who was cancelled leaves them behind."""
    given_up = asyncio.ensure_future(line.exchange([("ECHO", "old")]))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    exchanges = (line.exchange([("ECHO", f"{number}")]) for number in range(10))
    assert await asyncio.gather(*exchanges) == [
        [f"{number}".encode()] for number in range(10)
    ]


async def test_large_exchanges_come_whole(line: OwnLine) -> None:
    """Whatever the sizes of what the sockets take and give at once."""
    texts = [b"%07d" % number * 40_000 for number in range(20)]
    assert await line.exchange([("ECHO", text) for text in texts]) == texts
