"""Looks at all files now and then, whatever notifications say.

A file that changed is queued for a turn. Where notifications work they are what makes
this fast, and looks are a safety net: rare, but for files of which they do not tell.
What no look has seen for a minute, and is provably deleted, is forgotten.
"""

import asyncio
import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from tailcast_service.pauses import wait_or_timeout
from tailcast_tailer.core.progress import look_interval
from tailcast_tailer.core.schedule import Schedule
from tailcast_tailer.files.descriptors import Descriptors
from tailcast_tailer.files.roots import Roots
from tailcast_tailer.files.threads import Device, FileJobs, FileThreads
from tailcast_tailer.following.followed import Item, Sight, see_all
from tailcast_tailer.following.turns import Turns
from tailcast_tailer.instruments import Instruments


# Files that are looked at in one go.
SWEEP_FILES = 500
# How long the sweep waits for one device; then it goes on with the others.
DEVICE_SECONDS = 0.5
# From here on a look may be a second late, so that many are made in one go; and so may
# one at a file of whose changes notifications tell.
RARE_SECONDS = 10.0
# A deleted file is forgotten after so long.
FORGET_SECONDS = 60.0


class Sweep:
    """The looks at all files of one tailer."""

    def __init__(
        self,
        turns: Turns,
        *,
        files: FileThreads,
        descriptors: Descriptors,
        roots: Roots,
        instruments: Instruments,
        clock: Callable[[], float],
        poll_interval: float,
        is_network: bool,
        has_hints: Callable[[], bool],
        forget: Callable[[Sequence[Item]], None],
    ) -> None:
        """Prepare.

        Args:
            has_hints: whether notifications work now.
            forget: told of files that were deleted.
        """
        self._turns = turns
        self._files = files
        self._descriptors = descriptors
        self._roots = roots
        self._instruments = instruments
        self._clock = clock
        self._poll_interval = poll_interval
        self._is_network = is_network
        self._has_hints = has_hints
        self._forget = forget
        # What looks at the files of each device, in order.
        self._looks: dict[Device, FileJobs] = {}
        # When which file is to be looked at.
        self._schedule = Schedule[Item]()
        # Wakes the sweep before its time.
        self._has_due = asyncio.Event()

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as looks:
            while True:
                self._has_due.clear()
                self._descriptors.close_quiet(self._is_running)
                due = self._pop_due(self._clock())
                await self._begin_looks(due, looks)
                if len(due) < SWEEP_FILES:
                    await wait_or_timeout(
                        self._has_due,
                        max(self._poll_interval / 2, self._next_due() - self._clock()),
                    )

    def _next_due(self) -> float:
        latest = self._clock() + RARE_SECONDS
        return min(self._schedule.next_at, self._descriptors.due, latest)

    def _is_running(self, path: str) -> bool:
        item = self._turns.items.get(path)
        return item is not None and item.is_running

    def _pop_due(self, now: float) -> list[Item]:
        due: list[Item] = []
        while len(due) < SWEEP_FILES and (item := self._schedule.take(now)):
            if not (item.is_queued or item.is_running or item.is_gone):
                due.append(item)
        return due

    async def _begin_looks(self, due: Sequence[Item], looks: asyncio.TaskGroup) -> None:
        """Look at those that are due; wait for what their devices show, a while."""
        by_device: defaultdict[Device, list[Item]] = defaultdict(list)
        for item in due:
            if item.wants_turn:
                item.wants_turn = False
                self._turns.enqueue(item)
            else:
                by_device[self._files.lane(item.followed.device)].append(item)
        waited_for: list[asyncio.Task[None]] = []
        for device, items in by_device.items():
            jobs = self._looks.get(device)
            if jobs is None:
                jobs = self._looks[device] = self._files.jobs()
                jobs.device = device
            is_answering = not jobs.is_busy
            look = looks.create_task(self._look_at(items, jobs), name="look")
            if is_answering:
                waited_for.append(look)
        if waited_for:
            await asyncio.wait(waited_for, timeout=DEVICE_SECONDS)

    async def _look_at(self, items: Sequence[Item], jobs: FileJobs) -> None:
        expected = [(item.followed.look_path, item.followed.glimpse) for item in items]
        sights = await jobs(partial(see_all, expected, reopen=self._is_network))
        now = self._clock()
        absent: list[Item] = []
        for item, sight in zip(items, sights, strict=True):
            if sight is None:
                item.absent_since = None
                item.is_elsewhere = False
                self._still(item, now)
            elif sight.glimpse is not None:
                self._seen(item, sight, now)
            elif self._descriptors.holds(item.followed.path):
                # It may still be written to.
                self._turns.enqueue(item)
            elif item.absent_since is None:
                item.absent_since = now
                if item.followed.glimpse is None:
                    self.later(item)
                else:
                    self._turns.enqueue(item)
            elif now - item.absent_since < FORGET_SECONDS:
                self.later(item)
            else:
                absent.append(item)
        if absent:
            await self._forget_deleted(absent, jobs)

    def _seen(self, item: Item, sight: Sight, now: float) -> None:
        item.absent_since = None
        item.is_elsewhere = sight.is_elsewhere
        if sight.glimpse == item.followed.glimpse:
            self._still(item, now)
            return
        # Until a notification tells of it too.
        item.is_unnoticed = True
        if sight.glimpse != item.sighted:
            # Else its turn could not see what there is: it gets another one, after a
            # while that grows.
            item.sighted = sight.glimpse
            item.changed_at = now
            self._instruments.change_noticed(by_hint=False)
        self._turns.enqueue(item)

    def _still(self, item: Item, now: float) -> None:
        """It is as its latest turn saw it."""
        rested_at = item.followed.rested_at
        if rested_at is not None and rested_at <= now:
            self._turns.enqueue(item)
        else:
            self.later(item)

    async def _forget_deleted(self, absent: Sequence[Item], jobs: FileJobs) -> None:
        """Forget those that are gone for good, as their directories show."""
        paths = [item.followed.path for item in absent]
        absences = await jobs(partial(self._roots.absences, paths))
        gone: list[Item] = []
        for item, is_absent in zip(absent, absences, strict=True):
            if item.is_queued or item.is_running or item.is_gone:
                continue
            if is_absent:
                gone.append(item)
            else:
                self.later(item)
        self._forget(gone)

    def later(self, item: Item) -> None:
        """Look at it when its time has come."""
        now = self._clock()
        if item.changed_at is None:
            item.changed_at = now - item.followed.age_seconds
        is_watched = self._has_hints() and not (item.is_unnoticed or item.is_elsewhere)
        interval = look_interval(
            now - item.changed_at,
            poll_interval=self._poll_interval,
            is_watched=is_watched,
        )
        if item.absent_since is not None and is_watched:
            # It has just lost its path; another one may soon be there.
            interval = RARE_SECONDS
        # Spread, or files found together would be due together for ever.
        due = now + interval * random.uniform(0.9, 1.0)  # noqa: S311
        # Files that grow move it on at each line: for a second it is the same time.
        due = math.ceil(due) if is_watched or interval >= RARE_SECONDS else due
        rested_at = item.followed.rested_at
        if rested_at is not None:
            # Not at once, even if that time is over: its file may have gone meanwhile.
            due = min(due, max(now + self._poll_interval, rested_at))
        self.put(item, due)

    def put(self, item: Item, due: float) -> None:
        """Look at it at a time of the steady clock."""
        is_next = due < self._schedule.next_at
        self._schedule.put(item, due)
        if is_next:
            self._has_due.set()
