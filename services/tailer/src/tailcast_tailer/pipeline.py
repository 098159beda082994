"""The work of a tailer: the listing, the sweep, and the turns of all files.

Files are looked at when they are hinted at or due, queued when they changed, and given
turns of one batch by a few workers for each device. `turns` decides which file is next,
and the follower what is done in a turn. Every task here is owned by `Pipeline.run` and
ends with it; one that ends before ends the tailer.
"""

import asyncio
import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count

from tailcast_service.pauses import wait_or_timeout
from tailcast_service.tasks import LongLived, Loop
from tailcast_streams.exceptions import BrokerError, BrokerFull, BrokerRefused
from tailcast_tailer.core.part_names import part_name
from tailcast_tailer.core.progress import look_interval
from tailcast_tailer.files.descriptors import Descriptors
from tailcast_tailer.files.threads import Device, FileJobs, FileThreads
from tailcast_tailer.finding.candidates import FileKind
from tailcast_tailer.finding.discovery import Discovery
from tailcast_tailer.finding.hints import Hints
from tailcast_tailer.finding.listing import Found
from tailcast_tailer.following.followed import Followed, Item, glimpse_all
from tailcast_tailer.following.start_note import StartNote
from tailcast_tailer.following.turns import Lane, Turns
from tailcast_tailer.instruments import Instruments
from tailcast_tailer.upkeep.upkeep import Upkeep


# Batches in flight for each device, each at most a mebibyte: what bounds the memory.
WORKERS = 4
# Files that are looked at in one go.
SWEEP_FILES = 500
# How long the sweep waits for one device; then it goes on with the others.
DEVICE_SECONDS = 0.5
LIST_SECONDS = 1.0
# Until what a full broker refused is offered again.
FULL_SECONDS = 1.0
# After a defect, so that it does not spin.
DEFECT_SECONDS = 10.0
# How long the end waits for what threads have begun.
FILES_END_SECONDS = 2.0


class Pipeline:
    """Runs the turns of all files."""

    def __init__(
        self,
        *,
        discovery: Discovery,
        hints: Hints,
        turns: Turns,
        make_followed: Callable[[Found, bool], Followed],
        upkeep: Upkeep,
        start_note: StartNote,
        instruments: Instruments,
        files: FileThreads,
        clock: Callable[[], float],
        poll_interval: float,
        is_network: bool,
    ) -> None:
        """Prepare; `make_followed` gets whether the file was there at the start."""
        self._discovery = discovery
        self._hints = hints
        self._turns = turns
        self._make_followed = make_followed
        self._upkeep = upkeep
        self._presence = upkeep.presence
        self._start_note = start_note
        self._instruments = instruments
        self._files = files
        # What looks at the files of each device, in order.
        self._looks: dict[Device, FileJobs] = {}
        self._clock = clock
        self._poll_interval = poll_interval
        self._is_network = is_network
        # When which file is to be looked at; the number breaks ties.
        self._schedule: list[tuple[float, int, Item]] = []
        self._tickets = count()
        # Files that are open.
        self._descriptors = Descriptors(clock=clock)
        # Wake the listing and the sweep before their time.
        self._must_list = asyncio.Event()
        self._has_due = asyncio.Event()
        # Files that were there at the start and have not had a turn yet, by path.
        self._first: set[str] = set()
        # Set once everything that was there at the start was found.
        self.has_listed = asyncio.Event()
        # What runs as long as the tailer.
        self._tasks = LongLived()

    @property
    def is_over(self) -> bool:
        """Whether a task of it has ended, or all are being ended."""
        return self._tasks.are_over

    @property
    def loops(self) -> Mapping[str, Loop]:
        """All that runs as long as the tailer, by the names of their tasks."""
        return {
            **self._upkeep.loops(self.has_listed),
            "list": self._list,
            "hints": self._take_hints,
            "sweep": self._sweep,
            "workers": self._start_workers,
            **self._workers_for(self._turns.shared),
        }

    async def run(self) -> None:
        """Follow all files until cancelled. Raises TaskEnded if a task of it ends."""
        self._tasks.start(self.loops)
        try:
            await self._tasks.wait()
        finally:
            await self._tasks.end()
            for followed in self._turns.followed:
                followed.release()
            if left := await self._files.end(FILES_END_SECONDS):
                self._instruments.files_left(left)

    # What there is.

    async def _list(self) -> None:
        while True:
            self._must_list.clear()
            try:
                await self._take_listing()
            except BrokerError as error:
                # Which sessions there are decides what a file is called.
                self._presence.lost(error, "names of sessions")
                await self._presence.wait_until_up()
                continue
            except Exception as error:  # noqa: BLE001  # what is known goes on
                self._instruments.defect("listing names", error)
            self.has_listed.set()
            await self._note_start()
            await wait_or_timeout(self._must_list, LIST_SECONDS)

    async def _take_listing(self) -> None:
        listing = await self._discovery.list_new(self._clock())
        for moved in listing.moved:
            self._turns.move(moved.before, moved.path)
        for found in listing.found:
            self._add(found)
        self._upkeep.sources.listed()

    def _add(self, found: Found) -> None:
        item = self._turns.items.get(found.path)
        if item is not None and item.followed.has_parts == found.has_parts:
            if found.has_parts:
                # There is one more.
                self._turns.enqueue(item)
            return
        followed = self._make_followed(found, not self.has_listed.is_set())
        if not self.has_listed.is_set():
            self._first.add(found.path)
        self._upkeep.include(followed)
        if found.kind is FileKind.TELEMETRY:
            self._instruments.session_found(found.name, found.path)
        self._turns.add(followed, self._clock())

    async def _note_start(self) -> None:
        """Once every file that was there at the start had its turn."""
        if self._first or not self._presence.is_up:
            return
        try:
            await self._start_note.note()
        except BrokerError as error:
            self._presence.lost(error, "beginnings")

    async def _take_hints(self) -> None:
        async for paths in self._hints.changes():
            for path in paths:
                part = part_name(path)
                run = path if part is None else part.run
                if (item := self._turns.items.get(run)) is None:
                    self._discovery.changed(path)
                    self._must_list.set()
                    continue
                self._instruments.change_noticed(by_hint=True)
                item.changed_at = self._clock()
                self._turns.enqueue(item)

    # What changed.

    async def _sweep(self) -> None:
        async with asyncio.TaskGroup() as looks:
            while True:
                self._has_due.clear()
                self._descriptors.close_quiet(self._is_running)
                now = self._clock()
                due = self._pop_due(now)
                await self._begin_looks(due, looks)
                if len(due) < SWEEP_FILES:
                    next_due = self._schedule[0][0] if self._schedule else now + 1.0
                    await wait_or_timeout(
                        self._has_due,
                        max(self._poll_interval / 2, next_due - self._clock()),
                    )

    def _is_running(self, path: str) -> bool:
        return self._turns.items[path].is_running

    def _pop_due(self, now: float) -> list[Item]:
        due: list[Item] = []
        while self._schedule and self._schedule[0][0] <= now and len(due) < SWEEP_FILES:
            at, _, item = heapq.heappop(self._schedule)
            # What was put off or brought forward has another ticket.
            if at == item.due and not item.is_queued and not item.is_running:
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
        paths = [item.followed.look_path for item in items]
        glimpses = await jobs(partial(glimpse_all, paths, reopen=self._is_network))
        now = self._clock()
        for item, glimpse in zip(items, glimpses, strict=True):
            # An absent file that is held open may still be written to.
            is_held = glimpse is None and self._descriptors.holds(item.followed.path)
            if is_held or (glimpse is not None and glimpse != item.followed.glimpse):
                if glimpse is not None:
                    self._instruments.change_noticed(by_hint=False)
                    item.changed_at = now
                self._turns.enqueue(item)
            elif item.followed.rested_at is not None and item.followed.rested_at <= now:
                self._turns.enqueue(item)
            else:
                self._look_later(item, now)

    def _look_later(self, item: Item, now: float) -> None:
        if item.changed_at is None:
            item.changed_at = now - item.followed.age_seconds
        quiet_seconds = now - item.changed_at
        interval = look_interval(quiet_seconds, poll_interval=self._poll_interval)
        # Spread, or files found together would be due together for ever.
        due = now + interval * random.uniform(0.9, 1.0)  # noqa: S311
        rested_at = item.followed.rested_at
        self._put(item, due if rested_at is None else min(due, max(now, rested_at)))

    def _put(self, item: Item, due: float) -> None:
        item.due = due
        heapq.heappush(self._schedule, (due, next(self._tickets), item))
        if self._schedule[0][2] is item:
            self._has_due.set()

    # The turns.

    async def _start_workers(self) -> None:
        """Have workers for each device."""
        while True:
            lane = await self._turns.new_lanes.get()
            self._tasks.start(self._workers_for(lane))

    def _workers_for(self, lane: Lane) -> Mapping[str, Loop]:
        whose = "" if lane.device is None else f" of device {lane.device}"
        return {
            f"worker {number}{whose}": partial(self._work, lane)
            for number in range(1, WORKERS + 1)
        }

    async def _work(self, lane: Lane) -> None:
        while True:
            await self._presence.wait_until_up()
            item = await lane.next()
            item.is_queued = False
            item.is_running = True
            try:
                delay = await self._turn(item.followed)
            finally:
                item.is_running = False
            self._descriptors.used(item.followed)
            self._come_again(item, delay)

    async def _turn(self, followed: Followed) -> float | None:
        try:
            return await self._take_turn(followed)
        except BrokerFull as error:
            self._presence.lost(error, followed.path)
            return FULL_SECONDS
        except BrokerError as error:
            followed.reload_state()
            self._presence.lost(error, followed.path)
            # Else the presence is waited for.
            is_for_this = isinstance(error, BrokerRefused) and self._presence.is_up
            return DEFECT_SECONDS if is_for_this else 0.0
        except Exception as error:  # noqa: BLE001  # one file must not stop the others
            followed.reload_state()
            self._instruments.defect(followed.path, error)
            return DEFECT_SECONDS

    async def _take_turn(self, followed: Followed) -> float | None:
        delay = await followed.turn()
        if delay != 0.0:
            self._first.discard(followed.path)
        return delay

    def _come_again(self, item: Item, delay: float | None) -> None:
        now = self._clock()
        if delay == 0.0 or item.comes_again:
            item.comes_again = False
            self._turns.enqueue(item)
        elif delay is not None:
            item.wants_turn = True
            self._put(item, now + delay)
        else:
            self._look_later(item, now)
