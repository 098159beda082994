"""Emergencies of session files outlive their streams, whatever happens to indexers."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest

from tailcast_streams.emergencies import KeptHistory
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer
from tests.indexer.rig import append, position, running, until_indexed
from tests.tailer.harness import Broker, eventually


@pytest.fixture
async def broker(
    own_brokers: Callable[[str], BrokerServer],
) -> AsyncIterator[Broker]:
    """An empty broker."""
    async with aclosing(RedisBroker(own_brokers("valkey").url)) as adapter:
        yield adapter


def alarm(step: int, more: str = "") -> bytes:
    """A line that is an emergency."""
    return b'{"step":%d,"emergency":{"reason":"x"}%s}' % (step, more.encode())


def steps_of(history: KeptHistory, session: str = "s") -> list[float | None]:
    """The steps of the emergencies of a session that its file has still."""
    some = [one for one in history.kept if one.session == session]
    life = history.lives.get(session)
    return [
        one.step
        for one in sorted(some, key=lambda one: one.cursor.id)
        if life is not None and life.has(one)
    ]


async def test_they_are_kept_with_step_and_time(broker: Broker) -> None:
    """Of the record; without them, how far the run was and when it was read."""
    await append(broker, "s", [b'{"step":7}', b'{"emergency":{"severity":"low"}}'])
    await append(
        broker, "t", [b'{"timestamp":1700000000,"step":3,"emergency":{"reason":"x"}}']
    )

    async with running(broker):
        await until_indexed(broker, "s", "t")

    history = await broker.emergencies.load()
    first, second = sorted(history.kept, key=lambda one: one.session)
    assert (first.step, first.severity) == (7, "low")
    assert first.time_ms > 1_700_000_000_000
    assert (second.step, second.time_ms) == (3, 1_700_000_000_000)


async def test_they_outlive_the_stream_and_the_index(broker: Broker) -> None:
    """An index that is made anew finds no trimmed one, and takes none away."""
    await append(broker, "s", [alarm(step) for step in range(300)])
    async with running(broker):
        await until_indexed(broker, "s")
        end = await position(broker, "s")
        await broker.trim("s", end.last_id)
        await broker.indexes.discard("s")
        await append(broker, "s", [alarm(300)])
        await until_indexed(broker, "s")

    assert steps_of(await broker.emergencies.load()) == list(range(301))


async def test_one_that_is_killed_before_it_writes_loses_none(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the next one finds again is kept once."""
    await append(broker, "s", [alarm(1), alarm(2)])

    async def dies(_writes: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(broker.indexes, "write", dies)
        async with running(broker):

            async def are_kept() -> bool:
                return len((await broker.emergencies.load()).kept) == 2

            await eventually(are_kept)
    assert await broker.indexes.ats(["s"]) == [""]

    async with running(broker), running(broker):
        await until_indexed(broker, "s")

    assert steps_of(await broker.emergencies.load()) == [1, 2]


async def test_what_the_file_lost_is_told_from_what_it_has(broker: Broker) -> None:
    """It stays, for whoever wants to know why the run was taken up again."""
    lines = [alarm(1), b'{"step":2}', alarm(3)]
    await append(broker, "s", lines)
    async with running(broker):
        await until_indexed(broker, "s")
        await append(broker, "s", [alarm(2)], keep=len(lines[0]) + 1)
        await until_indexed(broker, "s")

    history = await broker.emergencies.load()
    assert sorted(one.step or 0 for one in history.kept) == [1, 2, 3]
    assert steps_of(history) == [1, 2]


async def test_a_session_that_was_built_anew_has_its_own_alone(broker: Broker) -> None:
    """Those of its earlier stream go, and so do those of a session that is gone."""
    await append(broker, "s", [alarm(1), alarm(2)])
    async with running(broker):
        await until_indexed(broker, "s")
        assert await broker.discard("s", await position(broker, "s"))
        await append(broker, "s", [alarm(1)], incarnation="i2")
        await until_indexed(broker, "s")
        history = await broker.emergencies.load()
        assert [(one.step, one.incarnation) for one in history.kept] == [(1, "i2")]

        assert await broker.discard("s", await position(broker, "s"))

        async def are_gone() -> bool:
            return not (await broker.emergencies.load()).kept

        await eventually(are_gone)
