"""Which files stay open: on a real file system, by what the system says is open."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer.files.descriptors import HELD_FILES, QUIET_SECONDS
from tests.tailer.harness import (
    append,
    eventually,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)


class LeapingClock:
    """A steady clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """The time, seconds."""
        return time.monotonic() + self.ahead


def opened(directory: Path) -> list[str]:
    """The files below a directory that this process has open."""
    found: list[str] = []
    for number in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(number.readlink()))
    return [target for target in found if target.startswith(f"{directory}/")]


async def until_open(directory: Path, is_so: Callable[[int], bool]) -> None:
    """Wait until so many are."""

    async def is_open_so() -> bool:
        return is_so(len(opened(directory)))

    await eventually(is_open_so)


async def test_quiet_files_are_closed_and_read_on_when_they_move(
    tmp_path: Path,
) -> None:
    """Within a minute nothing keeps the file system from being unmounted."""
    broker, clock = MemoryBroker(), LeapingClock()
    names = [f"s{number}" for number in range(20)]
    for name in names:
        session_path(tmp_path, name).write_bytes(lines(1))
    async with running(broker, tmp_path, clock=clock):
        for name in names:
            await wait_for_records(broker, name, texts(1))
        assert len(opened(tmp_path)) == len(names)
        clock.ahead += QUIET_SECONDS - 20
        append(session_path(tmp_path, names[0]), lines(2))
        await wait_for_records(broker, names[0], texts(1, 2))
        clock.ahead += 25
        # The one that moved stays.
        await until_open(tmp_path, lambda count: count == 1)
        clock.ahead += 60
        await until_open(tmp_path, lambda count: count == 0)
        # Proofs are kept: one goes on, the other is another file.
        append(session_path(tmp_path, names[1]), lines(2))
        session_path(tmp_path, names[2]).write_bytes(lines(7, 8, 9))
        await wait_for_records(broker, names[1], texts(1, 2))
        await wait_for_records(broker, names[2], texts(1, 7, 8, 9))
        assert (await broker.positions([names[2]]))[0].generation == 2


async def test_a_file_that_lost_its_path_is_read_while_it_moves(tmp_path: Path) -> None:
    """Its rest is what it is kept open for, and not for longer."""
    broker, clock = MemoryBroker(), LeapingClock()
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1))
    async with running(broker, tmp_path, clock=clock):
        await wait_for_records(broker, "a", texts(1))
        with path.open("ab") as writer:
            path.rename(path.with_name("a.old"))
            for step in range(2, 5):
                writer.write(lines(step))
                writer.flush()
                await wait_for_records(broker, "a", texts(*range(1, step + 1)))
                clock.ahead += QUIET_SECONDS - 20
            clock.ahead += 60
            await until_open(tmp_path, lambda count: count == 1)


async def test_no_more_than_so_many_are_open(tmp_path: Path) -> None:
    """However many move."""
    broker = MemoryBroker()
    names = [f"s{number}" for number in range(HELD_FILES + 40)]
    for name in names:
        session_path(tmp_path, name).write_bytes(lines(1))
    async with running(broker, tmp_path):
        for name in names:
            await wait_for_records(broker, name, texts(1))
        await until_open(tmp_path, lambda count: count <= HELD_FILES)
