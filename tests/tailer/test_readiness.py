"""Who started a tailer is told what it waits for, until it has seen all files."""

import asyncio
import os
import threading
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

from tailcast_service.exceptions import ServiceError
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer.finding import directory_tree
from tailcast_tailer.finding.hints import Hints
from tailcast_tailer.readiness import LINE_BYTES, telling
from tests.tailer.harness import (
    append,
    eventually,
    line,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)


FILES = 100


@pytest.fixture
def pipe() -> Generator[tuple[int, int]]:
    """Both ends."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    os.close(reader)
    os.close(writer)


class Said:
    """What came out of a pipe so far."""

    def __init__(self, reader: int) -> None:
        self._reader = reader
        self._text = b""

    @property
    def lines(self) -> list[str]:
        """All whole lines."""
        with suppress(BlockingIOError):
            self._text += os.read(self._reader, 65_536)
        return self._text.decode().split("\n")[:-1]

    async def until(self, last: str) -> list[str]:
        """Wait for this line."""

        async def has_come() -> bool:
            return self.lines[-1:] == [last]

        await eventually(has_come)
        return self.lines


async def test_each_thing_is_told_once_and_the_end_too(pipe: tuple[int, int]) -> None:
    """Each a line, whatever the words; after the end nothing more is said."""
    missing, said = ["the broker"], Said(pipe[0])
    with telling(pipe[1], lambda: missing[-1]):
        await said.until("the broker")
        missing.append("two\nlines \udce9")
        await said.until("two lines \\udce9")
        missing.append("x" * 10_000)
        await said.until("x" * LINE_BYTES)
        missing.append("")
        await said.until("")
        missing.append("again")
        await asyncio.sleep(0.1)
        assert said.lines[-1] == ""
    assert len(said.lines) == len(missing) - 1


async def test_nobody_needs_to_read_it() -> None:
    """Who listened may be gone."""
    reader, writer = os.pipe()
    os.close(reader)
    with telling(writer, lambda: ""):
        pass
    os.close(writer)


async def test_a_descriptor_that_is_not_open_is_told() -> None:
    """By the name of the setting."""
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    with (
        pytest.raises(ServiceError, match=f"TAILCAST_READY_FD={writer}"),
        telling(writer, lambda: ""),
    ):
        pass


async def test_a_tailer_is_ready_once_all_files_are_followed_and_watched(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    """A line that is written then needs no look to be seen."""
    for number in range(FILES):
        path = session_path(tmp_path, f"s{number}")
        path.write_bytes(lines(1))
        os.utime(path, (1_000_000_000, 1_000_000_000))
    broker, said = MemoryBroker(), Said(pipe[0])
    async with running(broker, tmp_path, session_ttl=1e12) as tailer:
        with telling(pipe[1], tailer.why_not_ready):
            before = await said.until("")
        assert len(tailer.turns.items) == FILES
        assert tailer.pipeline.hints.are_working
        append(session_path(tmp_path, "s7"), line(2))
        await wait_for_records(broker, "s7", texts(1, 2))
    assert before[:-1]


async def test_a_directory_that_does_not_answer_is_named(
    tmp_path: Path, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not ready before that has come back."""
    may_go_on = threading.Event()
    look = directory_tree.DirectoryTree.look

    def look_slowly(
        tree: directory_tree.DirectoryTree, now: float
    ) -> directory_tree.Changes:
        may_go_on.wait()
        return look(tree, now)

    monkeypatch.setattr(directory_tree.DirectoryTree, "look", look_slowly)
    said = Said(pipe[0])
    async with running(MemoryBroker(), tmp_path, paths=[str(tmp_path)]) as tailer:
        try:
            with telling(pipe[1], tailer.why_not_ready):
                await said.until(f"files are being listed below {tmp_path}")
                may_go_on.set()
                await said.until("")
        finally:
            may_go_on.set()


async def test_a_tailer_without_notifications_is_ready_all_the_same(
    tmp_path: Path, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may have no more of them to give."""

    def none_left(*_: object) -> None:
        raise OSError(28, "the kernel gives no more")

    monkeypatch.setattr(Hints, "_by_inotify", none_left)
    session_path(tmp_path, "a").write_bytes(lines(1))
    said = Said(pipe[0])
    async with running(MemoryBroker(), tmp_path) as tailer:
        with telling(pipe[1], tailer.why_not_ready):
            await said.until("")
        assert not tailer.pipeline.hints.are_working
