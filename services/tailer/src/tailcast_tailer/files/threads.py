"""Threads for calls to the file system: the jobs of one file are done one by one.

A call that has begun cannot be cancelled: it still uses its descriptor when the task
that waited for it is gone. So the jobs of a file own what it has open. The event loop
sends jobs, the one that closes the file too, and sees only their results. Each device
has threads of its own: a file server that is gone blocks only its own files. What takes
next to no time the loop may do itself, between two jobs.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from functools import partial
from time import monotonic
from typing import Protocol, TypeAlias, TypeVar

from tailcast_service.threads import DaemonThreads, settle


# For each device.
THREADS = 4
# Devices that have threads of their own; all others share some.
MAX_DEVICES = 16

# A call that has been under way for so long hangs.
HANGING_SECONDS = 10.0

# A device's number; None while it is not known, or for those beyond the bound.
Device: TypeAlias = int | None

_T = TypeVar("_T")


class Run(Protocol):
    """Runs blocking work in a thread."""

    def __call__(self, work: Callable[[], _T], /) -> Awaitable[_T]:
        """The work's result, or its error."""
        ...


class Jobs(Run, Protocol):
    """Runs the work on one file in order, never two at once."""

    # The number of the device that the file is on; None while that is not known.
    device: int | None

    @property
    def is_busy(self) -> bool:
        """Whether something is being done, or will be."""
        ...

    def send(self, work: Callable[[], None], /) -> object:
        """Run it later, without waiting for it."""
        ...

    def here(self, work: Callable[[], _T], /) -> _T | None:
        """Run it now, in this thread; None if something is being done, or it fails."""
        ...


class FileThreads:
    """The threads of one tailer, by device."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        """`clock` in monotonic seconds."""
        self._clock = clock
        self._threads: dict[Device, DaemonThreads] = {}
        # Since when each of the threads that are at work is at what it does: no more
        # than there are threads, each written by the thread that it is of.
        self._began: dict[FileJobs, float] = {}
        # All that have work.
        self._busy: set[FileJobs] = set()

    def jobs(self) -> "FileJobs":
        """A new queue of jobs, which are done in order."""
        return FileJobs(self._start, self._busy, self._began, self._clock)

    async def many(
        self, tasks: "Sequence[tuple[FileJobs, Callable[[], _T]]]"
    ) -> list[_T | None]:
        """Do one thing with each of many files of a device, in one thread.

        None for a file that has something under way, or with which it fails.
        """
        if not tasks:
            return []
        claimed = [jobs.claim() for jobs, _ in tasks]
        results: Future[list[_T | None]] = Future()

        def work() -> list[_T | None]:
            return [
                jobs.do_claimed(task) if is_ours else None
                for (jobs, task), is_ours in zip(tasks, claimed, strict=True)
            ]

        self._start(tasks[0][0].device, partial(settle, results, work))
        return await asyncio.wrap_future(results)

    def lane(self, device: Device) -> Device:
        """The device whose threads are used: its own, or None for the shared ones."""
        if device in self._threads or len(self._threads) < MAX_DEVICES:
            return device
        return None

    def count_hanging(self) -> int:
        """How many calls have not come back for `HANGING_SECONDS`, of all devices."""
        oldest = self._clock() - HANGING_SECONDS
        # A copy, made at once: threads go on meanwhile.
        return sum(began <= oldest for began in list(self._began.values()))

    async def end(self, seconds: float) -> int:
        """Wait at most `seconds` for the jobs under way; how many are not done then.

        Those are still done later, in order.
        """
        # A copy, as above.
        last = [jobs.send(_nothing) for jobs in list(self._busy) if jobs.is_busy]
        waiting: set[asyncio.Future[None]] = set()
        if last:
            futures = map(asyncio.wrap_future, last)
            _, waiting = await asyncio.wait(futures, timeout=seconds)
        for threads in self._threads.values():
            threads.shutdown()
        return len(waiting)

    def _start(self, device: Device, work: Callable[[], None]) -> None:
        lane = self.lane(device)
        if lane not in self._threads:
            name = "files" if lane is None else f"files of {lane}"
            self._threads[lane] = DaemonThreads(THREADS, name=name)
        self._threads[lane].start(work)


class FileJobs:
    """The jobs of one file, done in order, never two at once; they own its state."""

    def __init__(
        self,
        start: Callable[[Device, Callable[[], None]], None],
        busy: "set[FileJobs]",
        began: "dict[FileJobs, float]",
        clock: Callable[[], float],
    ) -> None:
        """Prepare.

        Args:
            start: has something called in one of a device's threads.
            busy: where it is noted that something is being done, or will be.
            began: where it is noted since when what is being done is.
            clock: in monotonic seconds.
        """
        self._start = start
        self._busy = busy
        self._began = began
        self._clock = clock
        # Where the file is, as far as is known.
        self.device: Device = None
        # The jobs that are to be done, and whether a thread is doing them.
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_busy = False
        self._lock = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether something is being done, or will be."""
        return self._is_busy

    async def __call__(self, work: Callable[[], _T]) -> _T:
        """Wait for its result; cancelling the wait does not stop the job."""
        return await asyncio.wrap_future(self.send(work))

    def send(self, work: Callable[[], _T]) -> Future[_T]:
        """Run it after all jobs that were sent before."""
        future: Future[_T] = Future()
        with self._lock:
            self._waiting.append(partial(settle, future, work))
            if self._is_busy:
                return future
            self._is_busy = True
            self._busy.add(self)
        self._start(self.device, self._work)
        return future

    def here(self, work: Callable[[], _T]) -> _T | None:
        """Do it now, in this thread; None if something is under way, or if it fails."""
        return self.do_claimed(work) if self.claim() else None

    def claim(self) -> bool:
        """Take the turn of a job that is not sent; False if something is under way."""
        with self._lock:
            if self._is_busy:
                return False
            self._is_busy = True
            self._busy.add(self)
        return True

    def do_claimed(self, work: Callable[[], _T]) -> _T | None:
        """Do it in this thread, and what was sent since; None if it fails."""
        self._began[self] = self._clock()
        try:
            return work()
        except Exception:  # noqa: BLE001  # a turn of its own will show what is amiss
            return None
        finally:
            self._work()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._began.pop(self, None)
                    self._is_busy = False
                    self._busy.discard(self)
                    return
                job = self._waiting.popleft()
            self._began[self] = self._clock()
            job()


def _nothing() -> None:
    """The last job: when it is done, all that were sent before are."""
