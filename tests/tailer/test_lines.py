"""What becomes of lines that are no records as they stand, over the memory broker."""

from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL
from tests.tailer.harness import (
    append,
    line,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)


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
