"""What is asked for in one turn of the loop, over a real broker."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.typing import EncodableT

from tailcast_streams.exceptions import BrokerError, KeySpoiled
from tailcast_streams.position import EntryID
from tailcast_streams.redis import questions
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.redis.connection import PIPELINE_COMMANDS, ask
from tests.brokers import BrokerServer


COUNT = 50


@pytest.fixture
async def adapter(broker: BrokerServer) -> AsyncIterator[RedisBroker]:
    """An adapter with keys of its own."""
    made = RedisBroker(broker.url, key_prefix=uuid.uuid4().hex)
    yield made
    await made.aclose()


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many commands each round trip had."""
    counts: list[int] = []

    async def count(
        client: Redis, commands: Sequence[Sequence[EncodableT]]
    ) -> list[Any]:
        counts.append(len(commands))
        return await ask(client, commands)

    monkeypatch.setattr(questions, "ask", count)
    return counts


async def test_they_go_in_one_round_trip(
    adapter: RedisBroker, exchanges: list[int]
) -> None:
    """Whatever they are, and each has its own replies."""
    await adapter.bear("a", activity_ms=1)
    born, head, entry, again = await asyncio.gather(
        adapter.births(),
        adapter.heads(["a", "b"]),
        adapter.find("a", EntryID(1, 10)),
        adapter.births(),
    )
    assert exchanges == [1 + 2 * 3 + 1 + 1]
    assert str(born) == str(again) != "0"
    assert [one.state for one in head] == [None, None]
    assert entry is None
    # Who comes later is asked for later.
    await adapter.births()
    assert exchanges[1:] == [1]


async def test_they_are_bounded(adapter: RedisBroker, exchanges: list[int]) -> None:
    """More than one pipeline may have go in several."""
    count = PIPELINE_COMMANDS + 2
    births = await asyncio.gather(*(adapter.births() for _ in range(count)))
    assert len(births) == count
    assert sorted(exchanges) == [1, PIPELINE_COMMANDS + 1]


async def test_one_that_is_refused_is_nobody_elses_failure(
    adapter: RedisBroker,
) -> None:
    """Each is told what became of its own."""
    await adapter._redis.set(adapter._keys.stream("spoiled"), "no stream")
    results = await asyncio.gather(
        adapter.find("a", EntryID(1, 10)),
        adapter.find("spoiled", EntryID(1, 10)),
        adapter.births(),
        return_exceptions=True,
    )
    assert results[0] is None
    assert isinstance(results[1], KeySpoiled)
    assert not isinstance(results[2], BaseException)


async def test_a_broker_that_is_away_is_away_for_all() -> None:
    """Nobody waits for ever, and who was cancelled is no failure of its own."""
    adapter = RedisBroker("redis://127.0.0.1:1/0")
    tasks = [asyncio.ensure_future(adapter.births()) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results.pop(1), asyncio.CancelledError)
    assert all(isinstance(one, BrokerError) for one in results)
    await adapter.aclose()


@pytest.mark.parametrize("turns", [1, 2], ids=["before it is sent", "after that"])
async def test_whoever_asks_for_others_may_be_cancelled(
    adapter: RedisBroker, turns: int
) -> None:
    """They ask again, together."""
    tasks = [asyncio.ensure_future(adapter.births()) for _ in range(COUNT)]
    for _ in range(turns):
        await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in results[:2])
    assert not any(isinstance(one, BaseException) for one in results[2:])
