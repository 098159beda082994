"""A session whose file is gone says so, with since when, until the file is back."""

from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tests.tailer.harness import (
    append,
    eventually,
    lines,
    records_of,
    running,
    session_path,
    texts,
    wait_for_records,
)
from tests.tailer.single import Clock, Single


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


class World:
    """A file, its tailer, and a clock that moves when told."""

    def __init__(self, broker: MemoryBroker, path: Path) -> None:
        self.broker = broker
        self.path = path
        self.clock = Clock()
        self.tailer = Single(broker, path, self.clock)
        # Or the directory would count as one that is not mounted.
        (path.parent / "other").touch()

    def restart(self) -> None:
        """Another tailer goes on."""
        self.tailer.follower.release()
        self.tailer = Single(self.broker, self.path, self.clock)

    async def gone_since_ms(self) -> int:
        """What the session says; a head says the same."""
        snapshot = await self.broker.load("a")
        (head,) = await self.broker.heads(["a"])
        assert snapshot is not None
        assert head.state is not None
        assert snapshot.gone_since_ms == head.state.gone_since_ms
        return snapshot.gone_since_ms


@pytest.fixture
async def world(broker: MemoryBroker, tmp_path: Path) -> World:
    """A file that was read, and is gone."""
    world = World(broker, tmp_path / "a.jsonl")
    append(world.path, lines(1))
    await world.tailer.settle()
    assert await world.gone_since_ms() == 0
    world.clock.now += 60.0
    world.path.rename(tmp_path / "kept")
    gone_at = world.clock.now
    await world.tailer.settle()
    assert await world.gone_since_ms() == int(gone_at * 1_000)
    return world


async def test_a_file_that_is_back_without_a_new_line(world: World) -> None:
    """Nothing of it is read again, and its session is somebody's again."""
    (world.path.parent / "kept").rename(world.path)
    await world.tailer.settle()
    assert await world.gone_since_ms() == 0
    state = await world.broker.load("a")
    assert state is not None
    assert (state.owner, state.records) == ("host:test", 1)


async def test_a_file_that_is_back_with_new_lines(world: World) -> None:
    """As the append says, in one step."""
    (world.path.parent / "kept").rename(world.path)
    append(world.path, lines(2))
    await world.tailer.settle()
    assert await world.gone_since_ms() == 0
    assert await records_of(world.broker, "a") == texts(1, 2)


async def test_another_file_in_its_place(world: World) -> None:
    """It is there again too."""
    world.path.write_bytes(lines(7, 8))
    world.clock.now += 10.0
    await world.tailer.settle()
    assert await world.gone_since_ms() == 0


async def test_a_file_that_is_back_after_a_restart(world: World) -> None:
    """However its tailer gets to know it: a quick first look is enough of a sign."""
    world.restart()
    (world.path.parent / "kept").rename(world.path)
    follower = world.tailer.follower
    follower.know(await world.broker.load("a"))
    first = follower.first_look(holds=False)
    assert first is not None
    assert follower.looked(first, first.look(1_000))
    await world.tailer.settle()
    assert await world.gone_since_ms() == 0
    first = follower.first_look(holds=False)
    assert first is not None
    assert not follower.looked(first, first.look(1_000))


async def test_files_that_went_and_came_while_no_tailer_looked(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """The next one says so of those that its predecessor read; others' are theirs."""
    path, other = session_path(tmp_path, "a"), session_path(tmp_path, "b")
    append(path, lines(1))
    append(other, lines(1))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1))
        await wait_for_records(broker, "b", texts(1))
    kept = path.rename(tmp_path / "kept")

    async def is_gone() -> bool:
        state = await broker.load("a")
        assert state is not None
        return state.gone_since_ms > 0 and not state.owner

    async with running(broker, tmp_path):
        await eventually(is_gone)
        state = await broker.load("b")
        assert state is not None
        assert not state.gone_since_ms
    kept.rename(path)
    async with running(broker, tmp_path):

        async def is_back() -> bool:
            return not await is_gone()

        await eventually(is_back)
