"""Directories of hundreds of files: how they begin, rest, and are forgotten."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.session_state import (
    Appended,
    Batch,
    SessionState,
)
from tailcast_tailer.app import Tailer
from tailcast_tailer.files import descriptors
from tailcast_tailer.files.file_system import Glimpse
from tailcast_tailer.files.threads import FileThreads
from tailcast_tailer.following import sweep
from tailcast_tailer.following.arrivals import LOT_BYTES
from tailcast_tailer.following.sweep import FORGET_SECONDS
from tailcast_tailer.following.turns import (
    LIVE_BYTES,
    LOT_FILES,
    OTHERS_EVERY,
    Turns,
)
from tests.tailer.harness import (
    append,
    entries_of,
    eventually,
    lines,
    records_of,
    running,
    session_path,
    texts,
    wait_for_records,
)


FILES = 250


class Resting:
    """A file of which only turns are asked."""

    session = device = open_since = rested_at = None
    has_parts = False
    is_prompt = False
    glimpse: Glimpse | None = None
    age_seconds = 0.0

    def __init__(self, path: str, *, bytes_behind: int = 0) -> None:
        self.path = self.look_path = path
        self.bytes_behind = bytes_behind

    async def turn(self) -> float | None:
        """Nothing to do."""
        return None

    def move(self, path: str) -> None:
        """It was renamed."""
        self.path = path

    def reload_state(self) -> None:
        """Nothing is known."""

    def release(self) -> None:
        """Nothing is open."""


class Asked(MemoryBroker):
    """A broker that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.lots: list[list[str]] = []
        self.loads: list[str] = []
        self.appends: list[str] = []

    async def load(self, session: str) -> SessionState | None:
        self.loads.append(session)
        return await super().load(session)

    async def states(self, sessions: Sequence[str]) -> list[SessionState | None]:
        self.lots.append(list(sessions))
        return [await MemoryBroker.load(self, session) for session in sessions]

    async def append(self, batch: Batch) -> Appended:
        self.appends.append(batch.session)
        return await super().append(batch)

    def forget_asked(self) -> None:
        self.lots.clear()
        self.loads.clear()
        self.appends.clear()


class LeapingClock:
    """A steady clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """The time, seconds."""
        return time.monotonic() + self.ahead


def name(number: int) -> str:
    """A session's name."""
    return f"s{number:03}"


def write_crowd(log_dir: Path, count: int = FILES) -> None:
    """Files of which a later one is newer."""
    now = time.time()
    for number in range(count):
        path = session_path(log_dir, name(number))
        path.write_bytes(lines(1, 2))
        at = now - 10 * (count - number)
        os.utime(path, (at, at))


async def until_all_begun(tailer: Tailer) -> None:
    """Until each file had its first turn."""

    async def have_begun() -> bool:
        is_idle = (
            b"tailcast_tailer_waiting_files 0.0" in tailer.instruments.exposition()
        )
        return is_idle and tailer.pipeline.has_listed.is_set()

    await eventually(have_begun)


async def test_many_files_begin_in_lots_the_newest_first(tmp_path: Path) -> None:
    """Nothing is asked for each of them alone."""
    broker = Asked()
    write_crowd(tmp_path)
    async with running(broker, tmp_path) as tailer:
        for number in range(FILES):
            await wait_for_records(broker, name(number), texts(1, 2))
        await until_all_begun(tailer)
    lots = [lot for lot in broker.lots if lot]
    assert [session for lot in lots for session in lot] == [
        name(number) for number in reversed(range(FILES))
    ]
    assert max(map(len, lots)) == LOT_FILES
    assert not broker.loads


async def test_files_that_were_named_begin_the_newest_first_too(
    tmp_path: Path,
) -> None:
    """Whatever the order in which they were named."""
    broker = Asked()
    write_crowd(tmp_path)
    paths = [str(session_path(tmp_path, name(number))) for number in range(FILES)]
    async with running(broker, tmp_path, paths=paths) as tailer:
        await until_all_begun(tailer)
    begun = [session for lot in broker.lots for session in lot]
    assert len(begun) == FILES
    assert begun == sorted(begun, reverse=True)


async def test_files_that_are_as_they_are_stored_need_no_turn(tmp_path: Path) -> None:
    """At a second start only those are read that moved, or are others by now."""
    broker = Asked()
    write_crowd(tmp_path)
    async with running(broker, tmp_path) as tailer:
        await wait_for_records(broker, name(0), texts(1, 2))
        await until_all_begun(tailer)
    append(session_path(tmp_path, name(7)), lines(3))
    rewritten = session_path(tmp_path, name(8))
    kept = rewritten.stat()
    rewritten.write_bytes(lines(1, 9))
    os.utime(rewritten, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert rewritten.stat().st_size == kept.st_size
    session_path(tmp_path, name(9)).write_bytes(lines(5))
    large = lines(3, text="x" * LOT_BYTES)
    append(session_path(tmp_path, name(10)), large)
    broker.forget_asked()
    async with running(broker, tmp_path, max_line_bytes=2 * LOT_BYTES) as tailer:
        await wait_for_records(broker, name(7), texts(1, 2, 3))
        await wait_for_records(broker, name(8), texts(1, 2, 9))
        await wait_for_records(broker, name(9), texts(1, 2, 5))
        await wait_for_records(broker, name(10), [*texts(1, 2), large.strip()])
        await until_all_begun(tailer)
        assert set(broker.appends) == {name(number) for number in (7, 8, 9, 10)}
        # Who had no turn goes on as everybody, from where it stood.
        append(session_path(tmp_path, name(20)), lines(3))
        await wait_for_records(broker, name(20), texts(1, 2, 3))
        assert [
            entry.id.generation for entry in await entries_of(broker, name(20))
        ] == [1] * 4
    assert not broker.loads


async def test_a_file_that_moves_waits_for_no_crowd() -> None:
    """A line that comes while thousands had no turn yet goes before these."""
    files = FileThreads()
    turns = Turns(files)
    items = [turns.add(Resting(name(number))) for number in range(3 * LOT_FILES)]
    turns.begin(items)
    turns.enqueue(items[-1])
    assert await turns.shared.next() == [items[-1]]
    assert await turns.shared.next() == items[:LOT_FILES]
    # Whoever is claimed goes before all others.
    turns.enqueue(items[-3])
    turns.look_first(items[-2].followed.path)
    assert await turns.shared.next() == [items[-2]]
    assert await turns.shared.next() == [items[-3]]
    # Live files do not starve the crowd, nor the crowd a backlog.
    live = [turns.add(Resting(f"live{number}")) for number in range(50)]
    behind = turns.add(Resting("behind", bytes_behind=LIVE_BYTES + 1))
    for item in (*live, behind):
        turns.enqueue(item)
    given = [await turns.shared.next() for _ in range(2 * OTHERS_EVERY)]
    assert [behind] in given
    assert items[LOT_FILES : 2 * LOT_FILES] in given


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps that look at the clock, which the test moves, every moment."""
    monkeypatch.setattr(sweep, "RARE_SECONDS", 0.05)
    monkeypatch.setattr(descriptors, "IDLE_CHECK_SECONDS", 0.05)


@pytest.mark.usefixtures("impatient")
async def test_deleted_files_are_forgotten_and_found_again(tmp_path: Path) -> None:
    """After a minute nothing is left of them here; what is stored stays."""
    broker, clock = Asked(), LeapingClock()
    write_crowd(tmp_path)
    gone = session_path(tmp_path, name(3))
    kept = session_path(tmp_path, name(4))
    async with running(broker, tmp_path, clock=clock) as tailer:
        await wait_for_records(broker, name(0), texts(1, 2))
        await until_all_begun(tailer)
        for number in range(FILES):
            if number != 4:
                session_path(tmp_path, name(number)).unlink()

        async def is_absent() -> bool:
            clock.ahead += 1.0
            item = tailer.turns.items.get(str(gone))
            return item is None or item.absent_since is not None

        await eventually(is_absent)

        async def are_forgotten() -> bool:
            clock.ahead += FORGET_SECONDS / 20
            return list(tailer.turns.items) == [str(kept)]

        await eventually(are_forgotten)
        assert b"tailcast_tailer_files 1.0" in tailer.instruments.exposition()
        assert await records_of(broker, name(3)) == texts(1, 2)
        gone.write_bytes(lines(1, 2, 3))
        await wait_for_records(broker, name(3), texts(1, 2, 3))
        assert {entry.id.generation for entry in await entries_of(broker, name(3))} == {
            1
        }


@pytest.mark.usefixtures("impatient")
async def test_files_of_a_directory_that_cannot_be_seen_are_kept(
    tmp_path: Path,
) -> None:
    """What is not mounted is not deleted."""
    broker, clock = Asked(), LeapingClock()
    write_crowd(tmp_path, 3)
    root = session_path(tmp_path, name(0)).parent
    async with running(broker, tmp_path, clock=clock) as tailer:
        await wait_for_records(broker, name(2), texts(1, 2))
        root.rename(tmp_path / "elsewhere")

        async def is_absent() -> bool:
            clock.ahead += 5.0
            return all(item.absent_since for item in tailer.turns.items.values())

        await eventually(is_absent)
        for _ in range(20):
            clock.ahead += FORGET_SECONDS
            await asyncio.sleep(0.02)
        assert len(tailer.turns.items) == 3
        (tmp_path / "elsewhere").rename(root)
        append(session_path(tmp_path, name(1)), lines(3))
        await wait_for_records(broker, name(1), texts(1, 2, 3))
