"""A broker that was restarted is there for every call at once: none costs an error.

Connections die with a server, all of them. Whoever is handed a dead one fails over it
though the broker is back, and a client is told that it is away.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest

from tailcast_streams.client_cursors import Save
from tailcast_streams.indexes import IndexWrite
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer
from tests.conformance.batches import append, first_batch, record


AT_ONCE = 8

# A write that may be repeated.
EMPTY = IndexWrite(session="s", expected="", at="i 1-0 00000000 1")

Call = Callable[[], Awaitable[object]]


@pytest.fixture
async def adapter(own_broker: BrokerServer) -> AsyncIterator[RedisBroker]:
    """One with a session, over a broker that is restarted; memory never is."""
    async with aclosing(RedisBroker(own_broker.url)) as made:
        await made.append(first_batch(record(30)))
        yield made


def calls(broker: RedisBroker) -> dict[str, Call]:
    """Each call that does no harm when it is made many times at once."""
    return {
        "load": lambda: broker.load("s"),
        "states": lambda: broker.states(["s"]),
        "touch": lambda: broker.touch({"s": 1}),
        "is present": lambda: broker.is_present("one"),
        "positions": lambda: broker.positions(["s"]),
        "sessions": broker.sessions,
        "heads": lambda: broker.heads(["s"]),
        "read after": lambda: broker.read_after("s", BEFORE_ALL, limit=9),
        "read many after": lambda: broker.read_many_after({"s": BEFORE_ALL}, limit=9),
        "read before": lambda: broker.read_before("s", None, limit=9),
        "find": lambda: broker.find("s", EntryID(1, 30)),
        "find all": lambda: broker.find_all("s", [EntryID(1, 30)]),
        "read rejected": lambda: broker.read_rejected("s", BEFORE_ALL, limit=9),
        "births": broker.births,
        "clock": broker.now_ms,
        "notify": lambda: broker.notify("!"),
        "claims": broker.claims.read,
        "load indexes": lambda: broker.indexes.load(["s"]),
        "write indexes": lambda: broker.indexes.write([EMPTY]),
        "metrics": lambda: broker.indexes.metrics("s", ["phi"]),
        "take a client": lambda: broker.clients.take("me", "I"),
        "save a client": lambda: broker.clients.save([Save("me", 1, 1, {})]),
    }


async def failures(broker: RedisBroker) -> dict[str, object]:
    """What fails of each call made many times, all at once."""
    everything = calls(broker)
    names = [name for name in everything for _ in range(AT_ONCE)]
    results = await asyncio.gather(
        *(everything[name]() for name in names), return_exceptions=True
    )
    return {
        name: one
        for name, one in zip(names, results, strict=True)
        if isinstance(one, BaseException)
    }


async def test_after_a_restart_none_of_many_calls_fails(
    adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """All connections that there were are dead, and none of them is handed out."""
    assert await failures(adapter) == {}
    await asyncio.to_thread(own_broker.restart)
    assert await failures(adapter) == {}
    await append(adapter, record(60), offset=60)


async def test_after_a_restart_no_single_call_fails(
    adapter: RedisBroker, own_broker: BrokerServer
) -> None:
    """Whatever is asked first."""
    for name, call in calls(adapter).items():
        await call()
        await asyncio.to_thread(own_broker.restart)
        try:
            await call()
        except Exception as error:  # noqa: BLE001  # whatever it is
            pytest.fail(f"{name}: {error!r}")
