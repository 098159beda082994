"""What people are told while parts of `tailcast up` are killed, frozen and emptied.

Within six seconds the client and the hook say what is so: a record that was written
since is there, or the feed is not called fresh. Afterwards they have each record, once.
"""

import contextlib
import os
import signal
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.clients.watching import Watcher, process_of, watching
from tests.e2e.command import tailcast_up


SAYS_SECONDS = 6.0
# Until all of it is well again, on a busy machine.
PATIENCE_SECONDS = 60.0
SESSION = "run"
PARTS = ("tailer", "indexer", "gateway", "valkey")
# Without the indexer all records come.
FROZEN = ("indexer", "gateway", "valkey", "tailer")


class Stack:
    """What `tailcast up` started, its file, and who watches it."""

    def __init__(self, directory: Path, watcher: Watcher) -> None:
        self._data = directory / "data"
        self._file = directory / "logs" / "telemetry" / f"{SESSION}.jsonl"
        self.watcher = watcher
        self.written = 0
        self._phi = 0.5

    def write(self) -> int:
        """One more record; its step."""
        self.written += 1
        with self._file.open("a") as lines:
            lines.write(
                f'{{"step":{self.written},"telemetry":{{"phi":{self._phi}}}}}\n'
            )
        return self.written

    def signal(self, part: str, number: signal.Signals) -> None:
        """To one of its processes, as it is now."""
        os.kill(process_of(part, self._data), number)

    def begin_anew(self) -> None:
        """The run begins again in its file, with other records."""
        self.written, self._phi = 0, 0.25
        self._file.write_text("")

    async def forget(self) -> None:
        """The broker loses everything."""
        async with Redis(unix_socket_path=str(self._data / "valkey.sock")) as broker:
            await broker.flushall()

    def feeds(self) -> set[str]:
        """What the client and the hook say of what is written now."""
        return {one["feed"] for one in self.watcher.said.values()}

    async def says_what_is_so(self) -> None:
        """A record that is written now is there in time, or is not expected."""
        step = self.write()
        await self.watcher.until(
            lambda said: all(
                step in one["steps"] or one["feed"] != "fresh" for one in said.values()
            ),
            SAYS_SECONDS,
        )

    async def is_well(self) -> None:
        """Each record is there once, in order, and what comes now is expected."""
        self.write()
        steps = [*range(1, self.written + 1)]
        await self.watcher.both(PATIENCE_SECONDS, steps=steps, feed="fresh")


@contextlib.contextmanager
def _up(directory: Path) -> Generator[str]:
    (directory / "logs" / "telemetry").mkdir(parents=True)
    with tailcast_up(directory, "--log-dir", "logs") as address:
        yield address


@contextlib.asynccontextmanager
async def _watched(directory: Path) -> AsyncGenerator[Stack]:
    with _up(directory) as address:
        async with watching(address, SESSION) as watcher:
            stack = Stack(directory, watcher)
            await stack.is_well()
            yield stack


@pytest.mark.timeout(300)
async def test_parts_are_killed_frozen_and_emptied(tmp_path: Path) -> None:
    """Each of them once, in one run of all of it."""
    async with _watched(tmp_path) as stack:
        for part in PARTS:
            stack.signal(part, signal.SIGKILL)
            await stack.says_what_is_so()
            await stack.is_well()
        for part in FROZEN:
            stack.signal(part, signal.SIGSTOP)
            await stack.says_what_is_so()
            assert (stack.feeds() == {"fresh"}) is (part == "indexer")
            stack.signal(part, signal.SIGCONT)
            await stack.is_well()
        await stack.forget()
        await stack.says_what_is_so()
        await stack.is_well()
        assert await stack.watcher.series(PATIENCE_SECONDS) == stack.written
        stack.begin_anew()
        await stack.is_well()
        await stack.watcher.both(SAYS_SECONDS, rewinds=1)
