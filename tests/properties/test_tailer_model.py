"""Whatever happens to file, tailer and broker, the stream is the file's valid lines.

The oracle: what a client has that follows every `rewind` is the valid lines of the file
as it is now, from byte 0. IDs rise, the chain of `p` is unbroken, and a file that was
only appended to never gets a second generation.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings, strategies as st

from tailcast_streams.entries import Entry
from tailcast_streams.memory.broker import MemoryBroker
from tests.tailer.harness import (
    check_chain,
    entries_of,
    followed,
    rested_lines,
    valid_lines,
)
from tests.tailer.single import Clock, Single


LINES = st.one_of(
    st.integers(0, 999).map(lambda step: b'{"step":%d}\n' % step),
    st.integers(0, 9).map(
        lambda n: b'{"config":{"lr":0.001},"pad":"%s"}\n' % (b"x" * n * 200)
    ),
    st.sampled_from([b"\n", b"  \r\n", b"[]\n", b"not json\n", b'{"a":1}\r\n']),
)
TEXT = st.lists(LINES, max_size=8).map(b"".join)
PARTIAL = st.sampled_from([b"", b"{", b'{"step":1', b'{"step":12}'])

APPEND = st.tuples(st.just("append"), TEXT, PARTIAL)
REWRITES = st.one_of(
    st.tuples(st.just("truncate_and_write"), TEXT, PARTIAL),
    st.tuples(st.just("keep_front"), st.integers(0, 100), TEXT),
    st.tuples(st.just("replace_keeping_front"), st.integers(0, 100), TEXT),
    st.tuples(st.just("replace"), TEXT, PARTIAL),
    st.tuples(st.just("rename_away")),
    st.tuples(st.just("remove")),
    st.tuples(st.just("cut_at_byte"), st.integers(0, 100)),
)
FAULTS = st.sampled_from(
    [("look",), ("settle",), ("restart",), ("restart",), ("checkpoint",),
     ("roll_back",), ("wipe",), ("delete_stream",), ("delete_state",)]
)  # fmt: skip
REST = st.just(("rest",))
ACTIONS = st.lists(
    st.one_of(APPEND, APPEND, REWRITES, FAULTS, FAULTS, REST), max_size=24
)
HARMLESS = st.lists(st.one_of(APPEND, FAULTS), max_size=24)


class World:
    """A file, a broker, a tailer, and what happened to them."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "a.jsonl"
        self.directory = directory
        self.broker = MemoryBroker()
        self.saved = self.broker.checkpoint()
        self.clock = Clock()
        self.tailer = Single(self.broker, self.path, self.clock)
        self.count = 0
        # What the file was each time that it lost its path.
        self.replaced: list[bytes] = []

    @property
    def content(self) -> bytes:
        """What the file holds now."""
        return self.path.read_bytes() if self.path.exists() else b""

    async def do(self, name: str, *arguments: object) -> None:
        """Let an action happen."""
        result = getattr(self, name)(*arguments)
        if result is not None:
            await result

    def append(self, text: bytes, partial: bytes) -> None:
        """Write whole lines and perhaps a part of one."""
        with self.path.open("ab") as file:
            file.write(text + partial)

    def truncate_and_write(self, text: bytes, partial: bytes) -> None:
        """Open with `w`."""
        self.path.write_bytes(text + partial)

    def keep_front(self, percent: int, text: bytes) -> None:
        """Rewrite in place, the front as it was."""
        kept = self._front(percent)
        self.path.write_bytes(kept + text)

    def replace_keeping_front(self, percent: int, text: bytes) -> None:
        """Put a shortened copy in its place."""
        self._put(self._front(percent) + text)

    def replace(self, text: bytes, partial: bytes) -> None:
        """Put another file in its place."""
        self._put(text + partial)

    def rename_away(self) -> None:
        """Take its path away."""
        if self.path.exists():
            self.count += 1
            self.replaced.append(self.content)
            self.path.rename(self.directory / f"old{self.count}")

    def remove(self) -> None:
        """Delete it."""
        self.replaced.append(self.content)
        self.path.unlink(missing_ok=True)

    def cut_at_byte(self, percent: int) -> None:
        """Truncate it anywhere."""
        if self.path.exists():
            os.truncate(self.path, len(self.content) * percent // 100)

    async def look(self) -> None:
        """Give one turn."""
        delay = await self.tailer.follower.turn()
        self.clock.now += delay or 0.05

    async def settle(self) -> None:
        """Give turns until it rests."""
        # Without a file there may be something that only waits for it.
        if self.path.exists():
            await self.tailer.settle()

    async def rest(self) -> None:
        """Nobody writes for a while."""
        await self.settle()
        self.clock.now += 3
        await self.settle()

    def restart(self) -> None:
        """Kill the tailer."""
        self.tailer.follower.release()
        self.tailer = Single(self.broker, self.path, self.clock)

    def checkpoint(self) -> None:
        """What the broker will fall back to."""
        self.saved = self.broker.checkpoint()

    def roll_back(self) -> None:
        """The broker forgets its latest."""
        self.broker.roll_back(self.saved)
        self.audit()

    def wipe(self) -> None:
        """The broker forgets everything."""
        self.broker.wipe()
        self.audit()

    def delete_stream(self) -> None:
        """An operator deletes a key."""
        self.broker.delete("a", stream=True)
        self.audit()

    def delete_state(self) -> None:
        """An operator deletes the other."""
        self.broker.delete("a", state=True)
        self.audit()

    def audit(self) -> None:
        """What the pipeline does when it finds a difference."""
        self.tailer.follower.reload_state()

    def _front(self, percent: int) -> bytes:
        lines = self.content.split(b"\n")[:-1]
        return b"".join(one + b"\n" for one in lines[: len(lines) * percent // 100])

    def _put(self, data: bytes) -> None:
        self.replaced.append(self.content)
        other = self.directory / "new"
        other.write_bytes(data)
        other.replace(self.path)


async def play(
    actions: list[tuple[object, ...]], check: Callable[[World, list[Entry]], None]
) -> None:
    """Let a history happen; check what came of it, and that it rests."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        try:
            for name, *arguments in actions:
                await world.do(str(name), *arguments)
            world.audit()
            # What a rewrite took away altogether is waited for, not deleted.
            if not world.path.exists():
                world.truncate_and_write(b"", b"")
            # Beyond any limit on how often a session is made anew.
            world.clock.now += 1_000
            await world.settle()
            # Whose last line went on is trusted again.
            world.restart()
            await world.rest()
            entries = await entries_of(world.broker, "a")
            check_chain(entries)
            check(world, entries)
            at_rest = len(entries)
            world.audit()
            await world.settle()
            assert len(await entries_of(world.broker, "a")) == at_rest
        finally:
            world.tailer.follower.release()


def is_the_file(world: World, entries: list[Entry]) -> None:
    """The stream leads to the file, and `complete` is the truth."""
    last = entries[-1].id.generation if entries else 0
    assert followed(entries, last) == rested_lines(world.content)
    for entry in entries:
        if entry.details and entry.details.get("complete") == "true":
            before = followed(entries, entry.id.generation - 1)
            old = [(valid_lines(one), rested_lines(one)) for one in world.replaced]
            assert any(before in both for both in old)


def is_one_generation(world: World, entries: list[Entry]) -> None:
    """There was no reason for a second one."""
    is_the_file(world, entries)
    assert {entry.id.generation for entry in entries} <= {1}


@given(ACTIONS)
@settings(max_examples=150)
def test_stream_is_the_file_whatever_happens(actions: list[tuple[object, ...]]) -> None:
    """After any history the stream leads to the file's valid lines, and rests there."""
    asyncio.run(play(actions, is_the_file))


@given(HARMLESS)
@settings(max_examples=100)
def test_appending_never_makes_a_generation(actions: list[tuple[object, ...]]) -> None:
    """Faults of tailer and broker alone never look like a rewritten file."""
    asyncio.run(play(actions, is_one_generation))
