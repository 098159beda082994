"""An indexer over brokers that fail, forget, are full, or have what others wrote."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

import pytest

from tailcast_indexer.core.queue import Queue
from tailcast_indexer.core.shelf import Shelf
from tailcast_indexer.indexing import writing
from tailcast_indexer.indexing.writing import Writing
from tailcast_indexer.instruments import Instruments
from tailcast_streams.exceptions import BrokerFull, BrokerUnavailable
from tailcast_streams.indexes import IndexWrite, Written
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import EntryID
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer
from tests.indexer.rig import (
    append,
    check,
    is_counted,
    is_ready,
    metric,
    position,
    records,
    running,
    until_indexed,
)
from tests.tailer.harness import eventually


@pytest.fixture
async def redis_broker(
    own_brokers: Callable[[str], BrokerServer],
) -> AsyncIterator[RedisBroker]:
    """One in which somebody writes by hand."""
    async with aclosing(RedisBroker(own_brokers("valkey").url)) as adapter:
        yield adapter


async def test_a_foreign_stream_hurts_its_session_alone(
    redis_broker: RedisBroker,
) -> None:
    """Another program wrote its key; the others are compared, and indexed."""
    broker = redis_broker
    names = [f"run_{number}" for number in range(9)]
    for name in names:
        await append(broker, name, records(0, 20))
    await broker._redis.set(broker._keys.stream("run_4"), "by hand")
    names.remove("run_4")
    async with running(broker) as service:
        await until_indexed(broker, *names)
        await eventually(lambda: is_counted(service, "broker_errors_total", 1))
        await eventually(lambda: is_ready(service))
        await append(broker, "run_5", records(20, 20))
        await until_indexed(broker, *names)
    await check(broker, "run_5")


async def test_a_foreign_key_of_an_index_is_made_anew(
    redis_broker: RedisBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and if it comes again not before a while."""
    broker = redis_broker
    monkeypatch.setattr(writing, "ANEW_SECONDS", 3600.0)
    key = broker._keys.places("s")
    await broker._redis.set(key, "by hand")
    async with running(broker) as service:
        await append(broker, "s", records(0, 20))
        await until_indexed(broker, "s")
        await broker._redis.set(key, "again")
        await append(broker, "s", records(20, 20))
        await append(broker, "t", records(0, 20))
        await until_indexed(broker, "t")
        await eventually(lambda: is_counted(service, "foreign_total", 2))
        assert await broker._redis.get(key) == b"again"


async def test_a_foreign_key_that_is_found_twice_is_mended_once(
    redis_broker: RedisBroker,
) -> None:
    """By a write and by the audit, before the other has mended it."""
    broker = redis_broker
    await broker._redis.set(broker._keys.places("s"), "by hand")
    queue, instruments = Queue(), Instruments()
    writer = Writing(
        broker, queue, Shelf(), on_spoiled=lambda: None, instruments=instruments
    )
    await asyncio.gather(writer.make_anew("s"), writer.make_anew("s"))
    assert (queue.take(2), queue.aside) == (["s"], 0)
    assert "tailcast_indexer_foreign_total 1.0" in instruments.exposition().decode()


class Failing:
    """A broker in memory whose next writes fail."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.write = broker.indexes.write
        broker.indexes.write = self  # type: ignore[method-assign,assignment]  # as said above
        # Each is raised once, before the write or after it.
        self.errors: list[tuple[Exception, bool]] = []

    async def __call__(self, writes: list[IndexWrite]) -> object:
        """Write, or fail."""
        if not self.errors:
            return await self.write(writes)
        error, is_after = self.errors.pop(0)
        if is_after:
            await self.write(writes)
        raise error


@pytest.mark.parametrize("is_after", [False, True], ids=["request", "reply"])
async def test_a_lost_write_is_made_again(*, is_after: bool) -> None:
    """Or its reply was lost: then it is refused, and read anew."""
    broker = MemoryBroker()
    failing = Failing(broker)
    async with running(broker) as service:
        await append(broker, "s", records(0, 50))
        await until_indexed(broker, "s")
        failing.errors = [(BrokerUnavailable("lost"), is_after)]
        await append(broker, "s", records(50, 50))
        await until_indexed(broker, "s")
        await append(broker, "s", records(100, 50))
        await until_indexed(broker, "s")
        assert metric(service, "conflicts_total") == is_after
    await check(broker, "s")


async def test_a_broker_that_is_emptied_before_the_first_write() -> None:
    """The same lines come again as another stream: what was folded is of none."""
    broker = MemoryBroker()
    failing = Failing(broker)
    write = failing.write

    async def empty(writes: list[IndexWrite]) -> object:
        failing.write = write
        await broker.discard("s", await position(broker, "s"))
        await append(broker, "s", records(0, 50), incarnation="i2")
        raise BrokerUnavailable("lost")

    failing.write = empty  # type: ignore[assignment]  # it fails, whatever it returns
    async with running(broker):
        await append(broker, "s", records(0, 50))
        await until_indexed(broker, "s")
        await append(broker, "s", records(50, 50))
        await until_indexed(broker, "s")
    await check(broker, "s")


async def test_a_full_broker_is_waited_for() -> None:
    """Nothing is folded meanwhile that could not be written."""
    broker = MemoryBroker()
    failing = Failing(broker)
    async with running(broker) as service:
        await append(broker, "s", records(0, 50))
        await until_indexed(broker, "s")
        before = metric(service, "entries_total")
        failing.errors = [(BrokerFull("OOM"), False)] * 5
        await append(broker, "s", records(50, 50))
        await eventually(lambda: is_counted(service, "full_refusals_total", 1))
        await until_indexed(broker, "s")
        assert metric(service, "broker_full") == 0
        assert metric(service, "entries_total") == before + 50
    await check(broker, "s")


async def test_what_fails_over_one_session_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is left alone for a minute; the others go on."""
    broker = MemoryBroker()
    read = broker.read_many_after

    async def fail(after: dict[str, EntryID], *, limit: int) -> object:
        if "poison" in after:
            raise RuntimeError("a defect")
        return await read(after, limit=limit)

    monkeypatch.setattr(broker, "read_many_after", fail)
    async with running(broker) as service:
        for name in ("a", "poison", "z"):
            await append(broker, name, records(0, 5))
        await until_indexed(broker, "a", "z")
        await eventually(lambda: is_counted(service, "defects_total", 1))
        assert service._condition().aside == 1


async def test_what_fails_at_the_end_is_its_own_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An indexer that is ended writes the others, and ends in order."""
    broker = MemoryBroker()
    names = ("a", "poison", "z")
    for name in names:
        await append(broker, name, records(0, 5))
    write = broker.indexes.write
    has_begun = asyncio.Event()

    async def hang(_writes: Sequence[IndexWrite]) -> object:
        has_begun.set()
        return await asyncio.Event().wait()

    async def fail(writes: Sequence[IndexWrite]) -> Sequence[Written]:
        if any(one.session == "poison" for one in writes):
            raise RuntimeError("a defect")
        return await write(writes)

    monkeypatch.setattr(broker.indexes, "write", hang)
    async with running(broker) as service:
        await has_begun.wait()
        monkeypatch.setattr(broker.indexes, "write", fail)
    assert metric(service, "defects_total") >= 1
    stored = await broker.indexes.ats(names)
    assert [bool(at) for at in stored] == [True, False, True]


async def test_a_broker_that_was_rolled_back_is_followed() -> None:
    """Index and stream are of one moment; what is in memory is not."""
    broker = MemoryBroker()
    async with running(broker):
        await append(broker, "s", records(0, 50))
        await until_indexed(broker, "s")
        checkpoint = broker.checkpoint()
        await append(broker, "s", records(50, 50))
        await until_indexed(broker, "s")
        broker.roll_back(checkpoint)
        # The file has other bytes there by now.
        await append(broker, "s", records(700, 90))
        await until_indexed(broker, "s")
        await check(broker, "s")
        broker.roll_back(checkpoint)
        await append(broker, "other", records(0, 1))
        await until_indexed(broker, "s", "other")
        await check(broker, "s")
        broker.wipe()
        await append(broker, "s", records(5, 20), incarnation="i9")
        await until_indexed(broker, "s")
    await check(broker, "s")
