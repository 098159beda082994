"""Hints of changes, as the operating system gives them. The home of watchfiles.

Notifications save time and prove nothing: they overflow, miss what other machines
write, and end with their directory. Only the listing is certain. On Linux they are read
here from the kernel; elsewhere watchfiles brings them.
"""

# ruff: noqa: PTH112, PTH116  # paths are texts, as in the tree

import asyncio
import math
import os
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import cast

from tailcast_service.pauses import next_tick
from tailcast_tailer.core.watches import Notification, Observed, Watches
from tailcast_tailer.files.threads import FileJobs
from tailcast_tailer.finding.inotify import Added, Inotify, has_inotify
from tailcast_tailer.instruments import Instruments


# Where notifications follow each other faster than that, they are let gather so long: a
# writer that never pauses does not wake us at each of its lines.
GATHER_SECONDS = 0.01
# watchfiles: how long it collects, and between its looks; milliseconds.
DEBOUNCE_MS = 10
STEP_MS = 5
# Between attempts to get notifications, growing.
HINTS_RETRY_SECONDS = (1.0, 30.0)
ROOTS_LOOKED_AT_SECONDS = 1.0


class Hints:
    """What the operating system reports of some directories and files."""

    def __init__(
        self, watched: Sequence[str], *, instruments: Instruments, jobs: FileJobs
    ) -> None:
        """Prepare; `jobs` runs blocking work in order, never two at once."""
        # Whole trees, and single files.
        self._watched = watched
        self._instruments = instruments
        self._jobs = jobs
        # Whether what is there is watched now; what changed before is not told.
        self.are_working = False
        # Set once they work, or it is known that they do not, or have nothing to tell.
        self.have_begun = asyncio.Event()
        # Whether anything was watched before, so that something may have been missed.
        self._has_watched = False

    async def changes(self) -> AsyncIterator[set[str]]:
        """Paths that changed, as far as the operating system reports it; never ends."""
        retry_seconds = HINTS_RETRY_SECONDS[0]
        while True:
            identities = await self._jobs(self._identities)
            if not identities:
                self.have_begun.set()
                await asyncio.sleep(ROOTS_LOOKED_AT_SECONDS)
                continue
            try:
                async for paths in self._watch(identities):
                    retry_seconds = HINTS_RETRY_SECONDS[0]
                    yield paths
            except Exception as error:  # noqa: BLE001  # Rust's errors have no base
                self.have_begun.set()
                self._instruments.hints_failed(reason_of(error))
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(HINTS_RETRY_SECONDS[1], retry_seconds * 2)

    async def _watch(self, identities: dict[str, object]) -> AsyncIterator[set[str]]:
        """Watch until a directory is another one than before."""
        stop = asyncio.Event()
        guard = asyncio.create_task(self._guard(identities, stop))
        paths = list(identities)
        by = self._by_inotify if has_inotify() else _by_watchfiles
        try:
            async for changed in by(paths, stop):
                self.are_working = True
                self.have_begun.set()
                if changed:
                    yield changed
            if guard.done():
                # Do not go on without the guard: raise what ended it.
                guard.result()
        finally:
            self.are_working = False
            stop.set()
            guard.cancel()

    async def _by_inotify(
        self, paths: Sequence[str], stop: asyncio.Event
    ) -> AsyncIterator[set[str]]:
        trees = await self._jobs(partial(_directories_of, paths))
        files = [path for path in paths if path not in trees]
        queue = _Queue(trees, files, self._jobs, tells=self._has_watched)
        self._has_watched = True
        ending = asyncio.ensure_future(stop.wait())
        ending.add_done_callback(lambda _: queue.has_some.set())
        try:
            queue.listen()
            while True:
                await queue.has_some.wait()
                queue.has_some.clear()
                if stop.is_set():
                    return
                changed, have_lost = queue.take()
                if have_lost:
                    self._instruments.hints_lost()
                if queue.is_watching or changed:
                    yield changed
                if queue.is_over:
                    # What has the path next may have the number of what had it before.
                    return
        finally:
            ending.cancel()
            queue.close()

    async def _guard(self, identities: dict[str, object], stop: asyncio.Event) -> None:
        # No notification says that another directory has the path.
        try:
            while await self._jobs(self._identities) == identities:
                await next_tick(ROOTS_LOOKED_AT_SECONDS)
        finally:
            stop.set()

    def _identities(self) -> dict[str, object]:
        """What there is to watch now, and which directory each is."""
        identities: dict[str, object] = {}
        for path in self._watched:
            try:
                found = os.stat(path)
            except OSError:
                continue
            identities[path] = (found.st_dev, found.st_ino)
        return identities


def _directories_of(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if os.path.isdir(path)]


class _Queue:
    """The kernel's queue of notifications, as the loop reads it."""

    def __init__(
        self,
        trees: Sequence[str],
        files: Sequence[str],
        jobs: FileJobs,
        *,
        tells: bool,
    ) -> None:
        self._trees = trees
        self._watched = {*trees, *files}
        self._jobs = jobs
        names: defaultdict[str, set[str]] = defaultdict(set)
        for path in files:
            directory, name = os.path.split(path)
            if not any(f"{directory}/".startswith(f"{tree}/") for tree in trees):
                names[directory].add(name)
        self._watches = Watches(names, files)
        self._inotify = Inotify()
        # What adds watches now, in order.
        self._adding: deque[asyncio.Future[Added]] = deque()
        # Set when there is something to take, or it is over.
        self.has_some = asyncio.Event()
        # What was read and is not taken yet; or what went wrong when it was read.
        self._unread: list[Notification] = []
        self._failure: OSError | None = None
        # When it was read last, by the loop's clock; and what listens again, later.
        self._read_at = -math.inf
        self._resting: asyncio.TimerHandle | None = None
        # Whether something that was to be watched is gone.
        self.is_over = False
        self._loop = asyncio.get_running_loop()
        self._add(partial(self._inotify.add_trees, trees, tells=tells))
        self._add(partial(self._inotify.add_files, [*names], files, tells=tells))

    def _add(self, work: Callable[[], Added]) -> None:
        adding = asyncio.wrap_future(self._jobs.send(work))
        adding.add_done_callback(lambda _: self.has_some.set())
        self._adding.append(adding)

    def listen(self) -> None:
        """Have it noticed when something comes."""
        self._loop.add_reader(self._inotify.descriptor, self._came)

    def _came(self) -> None:
        before, self._read_at = self._read_at, self._loop.time()
        try:
            self._unread += self._inotify.read()
        except OSError as error:
            self._failure = error
        if self._read_at - before < GATHER_SECONDS:
            self._loop.remove_reader(self._inotify.descriptor)
            self._resting = self._loop.call_later(GATHER_SECONDS, self.listen)
        self.has_some.set()

    @property
    def is_watching(self) -> bool:
        """Whether nothing is being added."""
        return not self._adding

    def take(self) -> tuple[set[str], bool]:
        """The paths that changed, and whether some others may have. Raises OSError."""
        changed: set[str] = set()
        have_lost = False
        while self._adding and self._adding[0].done():
            added = self._adding.popleft().result()
            changed |= added.paths
            taken = self._watches.added(added.watches, are_last=not self._adding)
            have_lost |= self._act(taken, changed)
        if self._failure is not None:
            raise self._failure
        if self._unread:
            some, self._unread = self._unread, []
            have_lost |= self._act(self._watches.take(some), changed)
        if have_lost:
            self._add(partial(self._inotify.add_trees, self._trees, tells=True))
        return changed, have_lost

    def _act(self, taken: Observed, changed: set[str]) -> bool:
        changed |= taken.changed
        self.is_over = self.is_over or not taken.gone.isdisjoint(self._watched)
        for watch in taken.left:
            self._inotify.remove(watch)
        if taken.new:
            self._add(partial(self._inotify.add_trees, taken.new, tells=True))
        return taken.have_lost

    def close(self) -> None:
        """Read it no longer; it is closed after what is being added."""
        if self._resting is not None:
            self._resting.cancel()
        self._loop.remove_reader(self._inotify.descriptor)
        for adding in self._adding:
            adding.cancel()
        self._jobs.send(self._inotify.close)


async def _by_watchfiles(
    paths: Sequence[str], stop: asyncio.Event
) -> AsyncIterator[set[str]]:
    from watchfiles import (  # noqa: PLC0415  # only where it is needed
        awatch,  # pyright: ignore[reportUnknownVariableType]  # also takes trio's Event
    )

    yield set()
    async for changes in awatch(
        *paths,
        watch_filter=None,
        debounce=DEBOUNCE_MS,
        step=STEP_MS,
        stop_event=stop,
        force_polling=False,
        ignore_permission_denied=True,
    ):
        yield {path for _, path in changes}


def reason_of(error: BaseException) -> str:
    """What went wrong, in the words of the first error of several."""
    while isinstance(error, BaseExceptionGroup):
        error = cast(BaseExceptionGroup[BaseException], error).exceptions[0]
    return str(error) or type(error).__name__
