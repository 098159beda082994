"""One follower without threads or clock of its own: every turn is ours to give."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tailcast_streams.broker import SessionWriter
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_tailer.appending.appender import Appender
from tailcast_tailer.appending.retention import Retention
from tailcast_tailer.appending.session_bound import SessionBound
from tailcast_tailer.core.register import Register
from tailcast_tailer.files.devices import Devices
from tailcast_tailer.files.roots import Roots
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.following.belief import MENDED_EVERY_SECONDS
from tailcast_tailer.following.claimant import Claimant
from tailcast_tailer.following.context import FollowerContext
from tailcast_tailer.following.fates import Fates
from tailcast_tailer.following.follower import Follower
from tailcast_tailer.following.start_note import StartNote
from tailcast_tailer.instruments import Instruments


_T = TypeVar("_T")

MEBIBYTE = 1_048_576
# Turns after which a follower that always wants another one is at fault.
MOST_TURNS = 2_000


class Clock:
    """A steady clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """The time, seconds."""
        return self.now


class Single:
    """A tailer of one file."""

    def __init__(
        self,
        writer: SessionWriter,
        path: Path,
        clock: Clock,
        *,
        owner: str = "host:test",
        was_there_at_start: bool = True,
        max_line_bytes: int = MEBIBYTE,
        retention: Retention | None = None,
        starts_at_end: bool = False,
        session_ttl: float = 1e12,
        max_sessions: int = 100_000,
        file: SessionFile | None = None,
    ) -> None:
        """Prepare; `file` is what reads the path, if that is no plain file."""
        self.clock = clock
        self.instruments = Instruments(clock=clock)
        self.register = Register()
        retention = retention or Retention(
            writer, session_bytes=2**40, total_bytes=2**40
        )
        self.bound = SessionBound(
            writer,
            most=max_sessions,
            owner=owner,
            retention=retention,
            instruments=self.instruments,
            clock=clock,
            wall_clock=clock,
        )
        appender = Appender(
            writer,
            owner=owner,
            step_keys=STEP_KEYS,
            time_keys=TIME_KEYS,
            retention=retention,
            bound=self.bound,
            instruments=self.instruments,
            clock=clock,
            wall_clock=clock,
        )
        self.claimant = Claimant(
            writer, owner=owner, instruments=self.instruments, clock=clock
        )
        context = FollowerContext(
            writer=writer,
            appender=appender,
            instruments=self.instruments,
            claimant=self.claimant,
            roots=Roots([str(path.parent)]),
            devices=Devices(clock=clock),
            fates=Fates(self.register),
            clock=clock,
            wall_clock=clock,
            starts_at_end=starts_at_end,
            start_note=StartNote(writer, name=owner, clock=clock),
            is_network=False,
            session_ttl=session_ttl,
        )
        self.follower = Follower(
            path.stem,
            file or SessionFile(str(path), max_line_bytes=max_line_bytes),
            AtOnce(),
            context,
            was_there_at_start=was_there_at_start,
        )

    async def settle(self) -> None:
        """Give turns, letting time pass as asked, until nothing is to be done soon."""
        for _ in range(MOST_TURNS):
            delay = await self.follower.turn()
            if delay is None or delay > MENDED_EVERY_SECONDS:
                return
            self.clock.now += delay
        raise AssertionError("the follower never rests")

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        metrics = {one.name: one for one in self.instruments.registry.collect()}
        samples = metrics[f"tailcast_tailer_{name}"].samples
        return sum(
            sample.value for sample in samples if not sample.name.endswith("_created")
        )


class AtOnce:
    """Runs blocking work here and now."""

    device: int | None = None
    is_busy = False

    async def __call__(self, work: Callable[[], _T]) -> _T:
        # Others may run here, as they may while a thread works.
        await asyncio.sleep(0)
        return work()

    def send(self, work: Callable[[], None]) -> None:
        work()

    def here(self, work: Callable[[], _T]) -> _T | None:
        return work()
