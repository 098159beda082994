"""What becomes of lines that are no records as they stand, over the memory broker."""

# ruff: noqa: ASYNC240  # nothing else runs while the test writes

import errno
import os
from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL
from tailcast_tailer.files import portions
from tests.tailer.harness import (
    append,
    line,
    lines,
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


async def test_whole_records_on_a_broken_line_are_records(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Their IDs are those of the file, and what is broken is told with its place."""
    path = session_path(tmp_path, "a")
    spliced = line(1).strip() + line(2)
    cut = b'{"step":3,"time":"2026-11' + line(4)
    path.write_bytes(line(0) + spliced + cut + b"\0\0\0" + line(5))
    async with running(broker, tmp_path):
        entries = await wait_for_records(broker, "a", texts(0, 1, 2, 4, 5))
        append(path, lines(6))
        await wait_for_records(broker, "a", texts(0, 1, 2, 4, 5, 6))
    size, at = len(line(0)), len(line(0)) + len(spliced)
    assert [entry.id.offset for entry in entries[1:]] == [
        size, 2 * size - 1, at, at + len(cut), at + len(cut) + 3 + size,
    ]  # fmt: skip
    [piece] = await broker.read_rejected("a", BEFORE_ALL, limit=9)
    assert (piece.offset, piece.length, piece.head) == (at, 25, cut[:25].decode())


MEBIBYTE = 1_048_576


async def follow_behind_hole(broker: MemoryBroker, path: Path, hole: int) -> Single:
    """A file that is emptied while its writer, which does not append, goes on."""
    tailer = Single(broker, path, Clock())
    path.write_bytes(lines(*range(20)))
    await tailer.settle()
    with path.open("r+b") as file:
        file.truncate(0)
        file.seek(hole)
        file.write(lines(20, 21))
    await tailer.settle()
    return tailer


@pytest.mark.parametrize("hole", [1_000, 30_000, 3_076_890])
async def test_no_record_behind_a_hole_is_too_long(
    broker: MemoryBroker, tmp_path: Path, hole: int
) -> None:
    """It is told with the step that it has, whatever the hole's size."""
    path = tmp_path / "a.jsonl"
    await follow_behind_hole(broker, path, hole)
    entries = await wait_for_records(broker, "a", texts(*range(22)))
    marker, first, _ = [entry for entry in entries if entry.id.generation == 2]
    assert marker.details == {"reason": "truncated", "complete": "false", "step": "20"}
    assert first.id == (2, hole + len(line(20)))
    assert not await broker.read_rejected("a", BEFORE_ALL, limit=9)


async def test_a_hole_of_any_size_is_passed_over_in_turns(
    broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file system cannot say where it ends."""

    def lseek(*arguments: int) -> int:
        raise OSError(errno.EINVAL, "unknown")

    monkeypatch.setattr(os, "lseek", lseek)
    monkeypatch.setattr(portions, "SCAN_BYTES", MEBIBYTE)
    path = tmp_path / "a.jsonl"
    tailer = await follow_behind_hole(broker, path, 9 * MEBIBYTE)
    await wait_for_records(broker, "a", texts(*range(22)))
    # A hole that nothing follows yet, and its line.
    for grown, records in ((9 * MEBIBYTE, 22), (9 * MEBIBYTE + 500, 24)):
        size = path.stat().st_size
        os.truncate(path, size + grown)
        if records > 22:
            append(path, lines(22, 23))
        await tailer.settle()
        await wait_for_records(broker, "a", texts(*range(records)))
    assert not await broker.read_rejected("a", BEFORE_ALL, limit=9)


async def test_offsets_beyond_32_bits(broker: MemoryBroker, tmp_path: Path) -> None:
    """Lines behind eight gibibytes that hold nothing, also after a restart."""
    path = tmp_path / "a.jsonl"
    tailer = await follow_behind_hole(broker, path, 8_192 * MEBIBYTE)
    entries = await wait_for_records(broker, "a", texts(*range(22)))
    assert entries[-1].id.offset > 2**33
    tailer.follower.release()
    append(path, lines(22, 23))
    await Single(broker, path, tailer.clock).settle()
    await wait_for_records(broker, "a", texts(*range(24)))


@pytest.mark.parametrize("more", [-1, 0, 1])
async def test_a_line_at_the_bound(
    broker: MemoryBroker, tmp_path: Path, more: int
) -> None:
    """A line may be as long as it may be, and no byte longer."""
    path = tmp_path / "a.jsonl"
    most = 500
    odd = line(2, pad="x" * (most + more - len(line(2, pad="")) + 1))
    assert len(odd.strip()) == most + more
    path.write_bytes(line(1) + odd + line(3))
    await Single(broker, path, Clock(), max_line_bytes=most).settle()
    expected = [*texts(1), odd.strip(), *texts(3)] if more <= 0 else texts(1, 3)
    await wait_for_records(broker, "a", expected)
    assert len(await broker.read_rejected("a", BEFORE_ALL, limit=9)) == max(0, more)


async def test_a_line_that_is_too_long_over_restarts(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Killed again and again while it is written: it is told once."""
    path = tmp_path / "a.jsonl"
    clock = Clock()
    append(path, line(1))
    for piece in (b'{"pad":"', *[b"x" * 3_000] * 5, b'"}\n'):
        append(path, piece)
        tailer = Single(broker, path, clock, max_line_bytes=1_000)
        await tailer.settle()
        tailer.follower.release()
    append(path, line(2))
    await Single(broker, path, clock, max_line_bytes=1_000).settle()
    await wait_for_records(broker, "a", texts(1, 2))
    assert len(await broker.read_rejected("a", BEFORE_ALL, limit=9)) == 1
