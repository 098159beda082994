"""Calls of one turn of the loop, over a real broker."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from tailcast_streams.exceptions import BrokerError, BrokerRefused
from tailcast_streams.redis import together
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.redis.connection import Command, exchange
from tests.brokers import BrokerServer


COUNT = 50


@pytest.fixture
async def adapter(broker: BrokerServer) -> AsyncIterator[RedisBroker]:
    """An adapter with keys of its own."""
    made = RedisBroker(broker.url, key_prefix=uuid.uuid4().hex)
    yield made
    await made.aclose()


async def _bear(adapter: RedisBroker, names: list[str]) -> list[object]:
    born = (adapter.bear(name, activity_ms=1) for name in names)
    return list(await asyncio.gather(*born, return_exceptions=True))


async def test_each_caller_has_its_own_answer(adapter: RedisBroker) -> None:
    """Also when the broker has forgotten the scripts meanwhile."""
    names = [f"s{number}" for number in range(COUNT)]
    born = await _bear(adapter, names)
    assert not any(isinstance(one, Exception) for one in born)
    assert len(set(map(str, born))) == COUNT
    assert set(await adapter.sessions()) == set(names)
    await adapter._redis.script_flush()
    later = await _bear(adapter, [f"later{number}" for number in range(COUNT)])
    assert len(set(map(str, born + later))) == 2 * COUNT


async def test_they_go_in_one_round_trip(
    adapter: RedisBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are; who is alone goes as before."""
    await adapter.bear("first", activity_ms=1)
    exchanges = list[int]()

    async def count(client: Redis, commands: Sequence[Command]) -> list[Any]:
        exchanges.append(len(commands))
        return await exchange(client, commands)

    monkeypatch.setattr(together, "exchange", count)
    await _bear(adapter, [f"s{number}" for number in range(COUNT)])
    assert len(exchanges) == 1
    await adapter.bear("last", activity_ms=1)
    assert len(exchanges) == 1


async def test_clients_that_come_at_once_are_taken_in_one_round_trip(
    adapter: RedisBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a hold of its own."""
    await adapter.settle_installation()
    exchanges = list[int]()

    async def count(client: Redis, commands: Sequence[Command]) -> list[Any]:
        exchanges.append(len(commands))
        return await exchange(client, commands)

    monkeypatch.setattr(together, "exchange", count)
    names = [f"client{number}" for number in range(COUNT)]
    taken = (adapter.clients.take(name, "taker") for name in names)
    holds = {kept.hold for kept in await asyncio.gather(*taken)}
    assert exchanges == [COUNT]
    assert len(holds) == COUNT


async def test_one_that_is_refused_is_nobody_elses_failure(
    adapter: RedisBroker,
) -> None:
    """Each is told what became of its own."""

    async def refused() -> object:
        command = ("INCR", adapter._keys.sessions)
        return await adapter._together([command], _never)

    await adapter.bear("first", activity_ms=1)
    results = await asyncio.gather(
        adapter.bear("a", activity_ms=1),
        refused(),
        adapter.bear("b", activity_ms=1),
        return_exceptions=True,
    )
    assert isinstance(results[1], BrokerRefused)
    assert set(await adapter.sessions()) == {"first", "a", "b"}


async def test_a_broker_that_is_away_is_away_for_all() -> None:
    """Nobody waits for ever."""
    adapter = RedisBroker("redis://127.0.0.1:1/0")
    born = await _bear(adapter, ["a", "b", "c"])
    assert all(isinstance(one, BrokerError) for one in born)
    await adapter.aclose()


async def test_whoever_sends_for_others_may_be_cancelled(adapter: RedisBroker) -> None:
    """They are told that what became of it is not known."""
    await adapter.bear("first", activity_ms=1)
    tasks = [asyncio.ensure_future(adapter.bear(name, activity_ms=1)) for name in "abc"]
    await asyncio.sleep(0)
    tasks[0].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert all(isinstance(one, BrokerError) for one in results[1:])
    assert await adapter.bear("d", activity_ms=1)


async def _never() -> object:
    raise AssertionError
