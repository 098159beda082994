"""What is done about the middle of a file, which looks do not prove."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer.core.part_names import PartNames
from tailcast_tailer.files.part_files import PartFiles
from tailcast_tailer.files.session_file import SessionFile
from tests.tailer.harness import append, records_of
from tests.tailer.single import MEBIBYTE, Clock, Single


# More than what looks prove, at either end.
TEXTS = [b'{"step":%d,"pad":"%b"}' % (step, b"x" * 1_000) for step in range(20)]
OTHER = [one.replace(b"xxx", b"yyy") if 8 <= at < 10 else one
         for at, one in enumerate(TEXTS)]  # fmt: skip  # one glance


def joined(texts: list[bytes]) -> bytes:
    """Lines of a file."""
    return b"".join(one + b"\n" for one in texts)


class World:
    """A file that was read, and a tailer whose clock moves when told."""

    def __init__(
        self, broker: MemoryBroker, path: Path, file: SessionFile | None = None
    ) -> None:
        """Prepare; `file` as in `Single`."""
        self.broker = broker
        self.path = path
        self.clock = Clock()
        self.tailer = Single(broker, path, self.clock, file=file)

    async def look(self) -> None:
        """Let it look, and again once what it saw has rested."""
        await self.tailer.settle()
        due = self.tailer.follower.rested_at
        if due is not None:
            self.clock.now = max(self.clock.now, due)
            await self.tailer.settle()

    def write_over(self, texts: list[bytes]) -> None:
        """Write as many bytes in place, at a later time."""
        with self.path.open("r+b") as file:
            file.write(joined(texts))
        self.touch()

    def touch(self) -> None:
        """Have it be changed a second later than it was."""
        before = self.path.stat().st_mtime_ns
        os.utime(self.path, ns=(before + 10**9, before + 10**9))

    async def generation(self) -> int:
        """Which life of the file is stored."""
        return (await self.broker.positions([self.path.stem]))[0].generation

    def compared(self, found: str) -> float:
        """How often comparisons found this."""
        registry = self.tailer.instruments.registry
        name = "tailcast_tailer_comparisons_total"
        return registry.get_sample_value(name, {"found": found}) or 0.0


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """A file of twenty kilobytes."""
    world = World(MemoryBroker(), tmp_path / "a.jsonl")
    world.path.write_bytes(joined(TEXTS))
    await world.look()
    assert await records_of(world.broker, "a") == TEXTS
    return world


async def test_written_over_in_place(world: World) -> None:
    """It begins anew at the first line that differs."""
    world.write_over(OTHER)
    await world.look()
    assert await records_of(world.broker, "a") == TEXTS + OTHER[8:]
    assert await world.generation() == 2
    assert world.compared("other") == 1
    append(world.path, b'{"step":20}\n')
    await world.look()
    assert (await records_of(world.broker, "a"))[-1] == b'{"step":20}'
    assert await world.generation() == 2


@pytest.mark.parametrize("more", [[], [b'{"step":20}']])
async def test_renamed_in(world: World, more: list[bytes]) -> None:
    """By a file that has other lines in its middle, and perhaps more at its end."""
    beside = world.path.with_name("new")
    beside.write_bytes(joined(OTHER + more))
    beside.replace(world.path)
    await world.look()
    assert await records_of(world.broker, "a") == TEXTS + more + OTHER[8:] + more
    assert await world.generation() == 2


async def test_touched(world: World) -> None:
    """Nothing differs, and nothing comes of it; at rest it is not compared again."""
    world.touch()
    await world.look()
    await world.look()
    assert (world.compared("same"), await world.generation()) == (1, 1)


async def test_a_file_that_grows_is_not_compared(world: World) -> None:
    """Who appends changes it as well."""
    for step in range(20, 25):
        append(world.path, b'{"step":%d}\n' % step)
        world.touch()
        await world.look()
    assert (world.compared("same"), world.compared("other")) == (0, 0)


async def test_what_the_broker_trimmed_tells_nothing(world: World) -> None:
    """Only what is stored can be compared."""
    last = (await world.broker.positions(["a"]))[0].last_id
    await world.broker.trim("a", last._replace(offset=last.offset + 1))
    world.write_over(OTHER)
    await world.look()
    assert await world.generation() == 1


async def test_changed_again_and_again(world: World) -> None:
    """As any rewrite: one generation in ten seconds, and the newest is taken."""
    for number in range(6):
        world.write_over([one.replace(b"yyy", b"%03d" % number) for one in OTHER])
        await world.look()
    while world.tailer.follower.rested_at is not None:
        await world.look()
    newest = [one.replace(b"yyy", b"005") for one in OTHER[8:]]
    assert (await records_of(world.broker, "a"))[-12:] == newest
    assert await world.generation() < 6


async def test_a_change_while_it_is_compared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is compared again: what was cut back for a moment has not begun anew."""
    world.touch()
    await world.tailer.settle()
    read_after = world.broker.read_after

    async def cut_back(*args: object, **options: object) -> object:
        monkeypatch.undo()
        found = await read_after(*args, **options)  # type: ignore[arg-type]
        os.truncate(world.path, 5_000)
        return found

    monkeypatch.setattr(world.broker, "read_after", cut_back)
    due = world.tailer.follower.rested_at
    assert due is not None
    world.clock.now = due
    await world.tailer.follower.turn()
    world.path.write_bytes(joined(TEXTS))
    while world.tailer.follower.rested_at is not None:
        await world.look()
    assert await records_of(world.broker, "a") == TEXTS
    assert await world.generation() == 1


async def test_it_is_compared_for_a_part_of_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It rests ten times as long as it took."""
    read_after = world.broker.read_after
    times: list[float] = []

    async def read_slowly(*args: object, **options: object) -> object:
        times.append(world.clock.now)
        world.clock.now += 3.0
        return await read_after(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(world.broker, "read_after", read_slowly)
    world.touch()
    await world.look()
    assert world.compared("same") == 1
    took = 3.0 * len(times)
    world.touch()
    await world.tailer.settle()
    due = world.tailer.follower.rested_at
    assert due is not None
    assert due >= times[0] + took + 10 * took


def while_no_tailer_looks(world: World) -> None:
    """The next one has not seen the file as it was."""
    world.tailer.follower.release()
    world.write_over(OTHER)
    world.tailer = Single(world.broker, world.path, world.clock)


def together_with_an_append(world: World) -> None:
    """In place: it grows."""
    world.write_over([*OTHER, b'{"step":20}'])


def with_its_time_put_back(world: World) -> None:
    """As `rsync --inplace --times` does it."""
    before = world.path.stat()
    world.write_over(OTHER)
    os.utime(world.path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change", [while_no_tailer_looks, together_with_an_append, with_its_time_put_back]
)
async def test_what_nobody_notices(
    world: World, change: Callable[[World], None]
) -> None:
    """As the page on files says: what was told stays, and the file goes on."""
    change(world)
    await world.look()
    append(world.path, b'{"step":21}\n')
    await world.look()
    records = await records_of(world.broker, "a")
    assert records[: len(TEXTS)] == TEXTS
    assert records[-1] == b'{"step":21}'
    assert await world.generation() == 1


async def test_a_run_of_numbered_files_is_not_compared(tmp_path: Path) -> None:
    """Its files are not written again: nobody asks how all of them are stored."""
    make_file = partial(SessionFile, max_line_bytes=MEBIBYTE)
    file = PartFiles(str(tmp_path), make_file, PartNames())
    world = World(MemoryBroker(), tmp_path / "000000.jsonl", file)
    world.path.write_bytes(joined(TEXTS))
    await world.look()
    assert await records_of(world.broker, world.path.stem) == TEXTS
    world.write_over(OTHER)
    await world.look()
    assert world.tailer.follower.rested_at is None
    assert await world.generation() == 1
