"""A model of rotation: whatever happens, each line comes once, or it is told."""

import asyncio
import gzip
import json
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from hypothesis import example, given, settings, strategies as st

from tailcast_streams.memory.broker import MemoryBroker
from tests.tailer.harness import check_chain, entries_of, line
from tests.tailer.single import Clock, Single


STEPS = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 12)),
    st.tuples(st.just("late"), st.integers(1, 3)),
    st.tuples(st.just("rotate"), st.integers(1, 3)),
    st.tuples(
        st.sampled_from(["create", "copy and cut", "compress", "start", "release"]),
        st.just(0),
    ),
    st.tuples(st.sampled_from(["turns", "other's turns", "both"]), st.integers(1, 40)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
)


class Model:
    """A writer that rotates its file, and two tailers of it, in a directory."""

    def __init__(self, directory: Path, backups: int) -> None:
        self.path = directory / "a.jsonl"
        self.backups = backups
        self.clock = Clock()
        self.broker = MemoryBroker()
        self.tailer = Single(self.broker, self.path, self.clock)
        # One more that follows the same file.
        self.other = Single(self.broker, self.path, self.clock, owner="other:test")
        # The steps that were written, by the file that they are in.
        self.written: list[list[int]] = [[]]
        self._next_step = 0
        # A writer that has the file open that was rotated away last.
        self._late: BinaryIO | None = None

    def _lines(self, count: int, *, into: int) -> bytes:
        steps = range(self._next_step, self._next_step + count)
        self._next_step += count
        self.written[into] += steps
        # No two files are of one size.
        pad = "x" * len(self.written)
        return b"".join(line(step, pad=pad) for step in steps)

    def write(self, count: int) -> None:
        """A writer appends."""
        with self.path.open("ab") as file:
            file.write(self._lines(count, into=-1))

    def late(self, count: int) -> None:
        """Another one still has the file open that was rotated away."""
        if self._late is not None and len(self.written) > 1:
            self._late.write(self._lines(count, into=-2))
            self._late.flush()

    def _rename(self) -> bool:
        if not self.path.exists():
            return False
        for number in range(self.backups - 1, 0, -1):
            for end in ("", ".gz"):
                name = self.path.with_name(f"a.jsonl.{number}{end}")
                if name.exists():
                    name.replace(self.path.with_name(f"a.jsonl.{number + 1}{end}"))
        self.end()
        self._late = self.path.open("ab")
        return True

    def rotate(self, count: int) -> None:
        """As Python's handler does, with some lines in each file."""
        for _ in range(count):
            if self._rename():
                self.path.replace(self.path.with_name("a.jsonl.1"))
                self.written.append([])
                self.write(5)

    def create(self) -> None:
        """As logrotate does: the new file is empty."""
        if self._rename():
            self.path.replace(self.path.with_name("a.jsonl.1"))
            self.path.touch()
            self.written.append([])

    def copy_and_cut(self) -> None:
        """As logrotate does for writers that go on in the same file."""
        if self._rename():
            self.end()
            self.path.with_name("a.jsonl.1").write_bytes(self.path.read_bytes())
            os.truncate(self.path, 0)
            self.written.append([])

    def compress(self) -> None:
        """The newest rotated file is compressed."""
        self.end()
        name = self.path.with_name("a.jsonl.1")
        if name.exists():
            found = name.stat()
            other = name.with_name("a.jsonl.1.gz")
            other.write_bytes(gzip.compress(name.read_bytes()))
            os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
            name.unlink()

    def start(self) -> None:
        """The tailer is started again."""
        self.tailer.follower.release()
        self.tailer = Single(self.broker, self.path, self.clock)

    def end(self) -> None:
        """The late writer ends."""
        if self._late is not None:
            self._late.close()
            self._late = None

    async def do(self, what: str, number: int) -> None:
        """One step."""
        who = {
            "turns": [self.tailer],
            "other's turns": [self.other],
            "both": [self.tailer, self.other],
        }
        if what in who:
            for tailer in who[what] * number:
                self.clock.now += await tailer.follower.turn() or 0.1
        elif what == "wait":
            self.clock.now += number
        elif what == "release":
            self.tailer.follower.release()
        elif number:
            getattr(self, what)(number)
        else:
            getattr(self, what.replace(" ", "_"))()


async def play(directory: Path, backups: int, steps: list[tuple[str, int]]) -> None:
    """Play them, and compare."""
    model = Model(directory, backups)
    model.write(20)
    await model.tailer.settle()
    for what, number in steps:
        await model.do(what, number)
    model.write(1)
    model.end()
    await model.tailer.settle()
    await model.tailer.settle()
    entries = await entries_of(model.broker, "a")
    check_chain(entries)
    told = [json.loads(entry.record)["step"] for entry in entries if entry.record]
    written = [step for file in model.written for step in file]
    assert len(set(told)) == len(told), "a line came twice"
    assert [one for one in written if one in set(told)] == told, "out of order"
    details = [entry.details for entry in entries if entry.details is not None]
    is_told = any(one.get("complete") == "false" for one in details)
    assert told == written or is_told, "lines are missing, and that is not told"


@given(backups=st.integers(1, 6), steps=st.lists(STEPS, max_size=25))
@example(backups=1, steps=[("create", 0), ("create", 0), ("both", 3)])
@settings(deadline=None)
def test_each_line_comes_once_or_it_is_told(
    backups: int, steps: list[tuple[str, int]]
) -> None:
    """However files are rotated, and whenever the tailer looks."""
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(play(Path(directory), backups, steps))
