"""A last line without its newline: taken once it rests, or held back and named."""

# nothing else runs while the test writes

from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL
from tests.tailer.harness import (
    append,
    entries_of,
    eventually,
    line,
    lines,
    records_of,
    running,
    session_path,
    texts,
    wait_for_records,
)
from tests.tailer.single import Clock, Single


WHOLE = line(2).removesuffix(b"\n")


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


class World:
    """A file, and a tailer whose clock moves when told."""

    def __init__(self, broker: MemoryBroker, path: Path) -> None:
        self.broker = broker
        self.path = path
        self.clock = Clock()
        self.tailer = Single(broker, path, self.clock)

    async def write(self, data: bytes) -> None:
        """Append, and let the tailer look."""
        append(self.path, data)
        await self.tailer.settle()

    async def rest(self) -> None:
        """Let two seconds pass in which nobody writes."""
        await self.tailer.settle()
        due = self.tailer.follower.rested_at
        assert due is None or due <= self.clock.now + 2.0
        self.clock.now += 2.0
        await self.tailer.settle()

    async def restart(self) -> None:
        """Another tailer goes on."""
        self.tailer.follower.release()
        self.tailer = Single(self.broker, self.path, self.clock)
        await self.tailer.settle()

    async def partial_bytes(self) -> int:
        """What the session says that is held back."""
        snapshot = await self.broker.load("a")
        assert snapshot is not None
        return snapshot.partial_bytes


@pytest.fixture
def world(broker: MemoryBroker, tmp_path: Path) -> World:
    """A file of the test's own."""
    return World(broker, tmp_path / "a.jsonl")


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("restarts", [False, True])
async def test_a_whole_last_line_is_a_record_once_it_rests(
    broker: MemoryBroker, world: World, newline: bytes, restarts: bool
) -> None:
    """It has the ID that its newline will give it: when that comes, nothing moves."""
    first = line(1).strip() + newline
    await world.write(first + WHOLE)
    await wait_for_records(broker, "a", texts(1))
    await world.rest()
    told = await wait_for_records(broker, "a", texts(1, 2))
    assert told[-1].id == (1, len(first) + len(WHOLE) + len(newline))
    assert world.tailer.metric("unended") == 1
    if restarts:
        await world.restart()
    await world.rest()
    for byte in newline:
        await world.write(bytes([byte]))
    assert await entries_of(broker, "a") == told
    await world.write(lines(3))
    entries = await wait_for_records(broker, "a", texts(1, 2, 3))
    assert entries[:-1] == told
    assert {entry.id.generation for entry in entries} == {1}
    assert await broker.read_rejected("a", BEFORE_ALL, limit=9) == []


async def test_the_newline_may_come_first(broker: MemoryBroker, world: World) -> None:
    """Each line waits until it rests, or is ended by the next one."""
    await world.write(WHOLE)
    await world.rest()
    for step in (3, 4, 5):
        await world.write(b"\n" + line(step).strip())
    await wait_for_records(broker, "a", texts(2, 3, 4))
    await world.rest()
    entries = await wait_for_records(broker, "a", texts(2, 3, 4, 5))
    assert {entry.id.generation for entry in entries} == {1}


async def test_where_it_is_not_whole_it_is_held_back_and_named(
    broker: MemoryBroker, world: World
) -> None:
    """The session says how many bytes; and that there are none when the line is."""
    await world.write(line(1) + WHOLE[:-1])
    assert await world.partial_bytes() == 0
    await world.rest()
    assert await world.partial_bytes() == len(WHOLE) - 1
    await world.restart()
    assert await world.partial_bytes() == len(WHOLE) - 1
    await world.write(b"}")
    await world.rest()
    await wait_for_records(broker, "a", texts(1, 2))
    assert await world.partial_bytes() == 0
    await world.write(b"\n  \t")
    await world.rest()
    assert await world.partial_bytes() == 0
    await world.write(b'{"a":')
    await world.rest()
    assert await world.partial_bytes() == 8
    world.path.write_bytes(lines(1, 2))
    await world.rest()
    assert await world.partial_bytes() == 0
    assert await records_of(broker, "a") == texts(1, 2)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("first", [b"", lines(1), b'{"step":1}\r\n'])
async def test_what_goes_on_is_told_as_rewound(
    broker: MemoryBroker, world: World, first: bytes, restarts: bool
) -> None:
    """A rewind of one record; the file is not trusted again."""
    await world.write(first + WHOLE)
    await world.rest()
    assert (await records_of(broker, "a"))[-1] == WHOLE
    if restarts:
        await world.restart()
    await world.write(WHOLE)
    await world.rest()
    await world.rest()
    entries = await entries_of(broker, "a")
    assert entries[-1].id == (2, len(first))
    assert entries[-1].details == {"reason": "truncated", "complete": "false"}
    assert await world.partial_bytes() == 2 * len(WHOLE)
    await world.write(b"\n" + lines(3))
    assert (await records_of(broker, "a"))[-3:] == texts(2, 2, 3)
    assert (await entries_of(broker, "a"))[-1].id.generation == 2


async def test_an_emergency_that_was_there_is_no_news(
    broker: MemoryBroker, world: World
) -> None:
    """What was in the file at first is history, also before its newline."""
    await world.write(line(1) + WHOLE)
    await world.rest()
    state = await broker.load("a")
    assert state is not None
    [*_, last] = await entries_of(broker, "a")
    assert state.backlog_end >= last.id.offset == state.position.offset == state.size


async def test_a_running_tailer_tells_it_in_time(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Nothing else has to happen to the file."""
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1) + WHOLE)
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1, 2))
        append(path, b"\n" + line(3)[:9])

        async def is_named() -> bool:
            snapshot = await broker.load("a")
            return snapshot is not None and snapshot.partial_bytes == 9

        await eventually(is_named)
        append(path, line(3)[9:])
        await wait_for_records(broker, "a", texts(1, 2, 3))
