"""Whose turn it is: fairness, back pressure, the sweep.

Files are looked at when they are hinted at or due, queued when they changed, and given
turns of one batch by a few workers, live ones before backlog. What a turn does says the
follower. Every task here is owned by `Pipeline.run` and ends with it; one that ends
before ends the tailer.
"""

# ten thousand paths: texts, `Path` costs more

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count

from tailcast_service.clock_steps import ClockSteps
from tailcast_service.tasks import LongLived, Loop
from tailcast_streams.exceptions import BrokerError, BrokerFull, BrokerRefused
from tailcast_tailer.answers import Answers
from tailcast_tailer.audit import Audit
from tailcast_tailer.beginnings import Beginnings
from tailcast_tailer.claimant import Claimant
from tailcast_tailer.descriptors import Descriptors
from tailcast_tailer.discovery import Discovery, FileKind, Found
from tailcast_tailer.expiry import Expiry
from tailcast_tailer.followed import Followed, Item, glimpse_all
from tailcast_tailer.instruments import Instruments
from tailcast_tailer.loops import wait_for
from tailcast_tailer.presence import Presence
from tailcast_tailer.progress import look_interval
from tailcast_tailer.surroundings import Run


# Batches in flight, each at most a mebibyte: what bounds the memory.
WORKERS = 4
# A file with no more than this to read is live; the others are backlog.
LIVE_BYTES = 1_048_576
# Every so many turns a backlog goes first, or a busy crowd would starve it.
BACKLOG_EVERY = 8
# Files that are looked at in one go.
SWEEP_FILES = 500
LIST_SECONDS = 1.0
# Until what a full broker refused is offered again.
FULL_SECONDS = 1.0
# After a defect, so that it does not spin.
DEFECT_SECONDS = 10.0


class Pipeline:
    """Runs the turns of all files."""

    def __init__(
        self,
        *,
        discovery: Discovery,
        make_followed: Callable[[Found, bool], Followed],
        presence: Presence,
        audit: Audit,
        answers: Answers,
        claimant: Claimant,
        beginnings: Beginnings,
        expiry: Expiry,
        instruments: Instruments,
        run: Run,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        poll_interval: float,
        is_network: bool,
    ) -> None:
        """Prepare; `make_followed` is told whether the file was there at the start."""
        self._discovery = discovery
        self._make_followed = make_followed
        self._presence = presence
        self._audit = audit
        self._answers = answers
        self._claimant = claimant
        self._beginnings = beginnings
        self._expiry = expiry
        self._instruments = instruments
        self._run = run
        self._clock = clock
        self._clock_steps = ClockSteps(
            clock=clock, wall_clock=wall_clock, on_step=instruments.clock_stepped
        )
        self._poll_interval = poll_interval
        self._is_network = is_network
        # All files, by path.
        self._items: dict[str, Item] = {}
        # Those with something to do.
        self._live: deque[Item] = deque()
        self._backlog: deque[Item] = deque()
        self._turns = count(1)
        # Set while a queue has something.
        self._is_ready = asyncio.Event()
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
    def followed(self) -> list[Followed]:
        """All files."""
        return [item.followed for item in self._items.values()]

    @property
    def is_quiet(self) -> bool:
        """Whether no file waits for a turn or has one."""
        return self.has_listed.is_set() and not any(
            item.is_queued or item.is_running for item in self._items.values()
        )

    @property
    def is_over(self) -> bool:
        """Whether a task of it has ended, or all are being ended."""
        return self._tasks.are_over

    @property
    def loops(self) -> Mapping[str, Loop]:
        """All that runs as long as the tailer, by the names of their tasks."""
        return {
            "presence": self._presence.run,
            "list": self._list,
            "hints": self._take_hints,
            "sweep": self._sweep,
            "audit": self._audit.run,
            "touch": self._audit.touch,
            "answers": self._answers.run,
            "expiry": partial(self._expiry.run, self.has_listed),
            "clock steps": self._clock_steps.run,
            **{f"worker {number}": self._work for number in range(1, WORKERS + 1)},
        }

    async def run(self) -> None:
        """Follow all files until cancelled. Raises TaskEnded if a task of it ends."""
        self._presence.on_back = self._broker_is_back
        self._answers.look_at = self._look_first
        self._audit.doubt = self._doubt
        self._tasks.start(self.loops)
        try:
            await self._tasks.wait()
        finally:
            await self._tasks.end()
            for followed in self.followed:
                followed.release()

    # What there is.

    async def _list(self) -> None:
        while True:
            self._must_list.clear()
            try:
                list_new = partial(self._discovery.list_new, self._clock())
                for found in await self._run(list_new):
                    self._add(found)
            except Exception as error:  # noqa: BLE001  # what is known goes on
                self._instruments.defect("listing names", error)
            self.has_listed.set()
            await self._note_beginning()
            await wait_for(self._must_list, LIST_SECONDS)

    def _add(self, found: Found) -> None:
        if found.path in self._items:
            return
        followed = self._make_followed(found, not self.has_listed.is_set())
        item = Item(followed, self._clock())
        self._items[found.path] = item
        if not self.has_listed.is_set():
            self._first.add(found.path)
        self._audit.include(followed)
        self._answers.include(followed)
        self._expiry.include(followed)
        if found.kind is FileKind.TELEMETRY:
            self._instruments.session_found(found.name, found.path)
        self._enqueue(item)

    async def _note_beginning(self) -> None:
        """Once every file that was there at the start had its turn."""
        if self._first or not self._presence.is_up:
            return
        try:
            await self._beginnings.note()
        except BrokerError as error:
            self._presence.lost(error, "beginnings")

    async def _take_hints(self) -> None:
        async for paths in self._discovery.hints():
            for path in paths:
                if (item := self._items.get(path)) is None:
                    self._discovery.poke(path)
                    self._must_list.set()
                    continue
                self._instruments.change_noticed(by_hint=True)
                item.changed_at = self._clock()
                self._enqueue(item)

    def _broker_is_back(self) -> None:
        self._audit.broker_is_back()
        self._claimant.ask_again()

    def _look_first(self, path: str) -> None:
        """Give a file the next turn."""
        item = self._items[path]
        self._enqueue(item)
        for queue in (self._live, self._backlog):
            if item in queue and queue[0] is not item:
                queue.remove(item)
                queue.appendleft(item)

    def _doubt(self, path: str) -> None:
        item = self._items[path]
        item.followed.doubt_stored()
        self._enqueue(item)

    # What changed.

    async def _sweep(self) -> None:
        while True:
            self._has_due.clear()
            self._descriptors.close_quiet(lambda path: self._items[path].is_running)
            now = self._clock()
            due = self._pop_due(now)
            looked_at = [item for item in due if not item.wants_turn]
            for item in due:
                if item.wants_turn:
                    item.wants_turn = False
                    self._enqueue(item)
            if looked_at:
                await self._look_at(looked_at)
            if len(due) < SWEEP_FILES:
                next_due = self._schedule[0][0] if self._schedule else now + 1.0
                await wait_for(
                    self._has_due,
                    max(self._poll_interval / 2, next_due - self._clock()),
                )

    def _pop_due(self, now: float) -> list[Item]:
        due: list[Item] = []
        while self._schedule and self._schedule[0][0] <= now and len(due) < SWEEP_FILES:
            at, _, item = heapq.heappop(self._schedule)
            # What was put off or brought forward has another ticket.
            if at == item.due and not item.is_queued and not item.is_running:
                due.append(item)
        return due

    async def _look_at(self, items: Sequence[Item]) -> None:
        paths = [item.followed.path for item in items]
        glimpses = await self._run(partial(glimpse_all, paths, reopen=self._is_network))
        now = self._clock()
        for item, glimpse in zip(items, glimpses, strict=True):
            # An absent file that is held open may still be written to.
            is_held = glimpse is None and self._descriptors.holds(item.followed.path)
            if is_held or (glimpse is not None and glimpse != item.followed.glimpse):
                if glimpse is not None:
                    self._instruments.change_noticed(by_hint=False)
                    item.changed_at = now
                self._enqueue(item)
            else:
                self._look_later(item, now)

    def _look_later(self, item: Item, now: float) -> None:
        if item.changed_at is None:
            item.changed_at = now - item.followed.age_seconds
        quiet_seconds = now - item.changed_at
        interval = look_interval(quiet_seconds, poll_interval=self._poll_interval)
        # Spread, or files found together would be due together for ever.
        self._put(item, now + interval * random.uniform(0.9, 1.0))  # noqa: S311

    def _put(self, item: Item, due: float) -> None:
        item.due = due
        heapq.heappush(self._schedule, (due, next(self._tickets), item))
        if self._schedule[0][2] is item:
            self._has_due.set()

    # Whose turn it is.

    def _enqueue(self, item: Item) -> None:
        if item.is_queued:
            return
        if item.is_running:
            item.comes_again = True
            return
        item.is_queued = True
        item.wants_turn = False
        is_live = item.followed.bytes_behind <= LIVE_BYTES
        (self._live if is_live else self._backlog).append(item)
        self._is_ready.set()

    async def _next(self) -> Item:
        while True:
            if self._live or self._backlog:
                is_backlog_first = next(self._turns) % BACKLOG_EVERY == 0
                queues = (self._live, self._backlog)
                for queue in reversed(queues) if is_backlog_first else queues:
                    if queue:
                        return queue.popleft()
            self._is_ready.clear()
            await self._is_ready.wait()

    async def _work(self) -> None:
        while True:
            await self._presence.wait_until_up()
            item = await self._next()
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
            return await self._met(followed)
        except BrokerFull as error:
            self._presence.lost(error, followed.path)
            return FULL_SECONDS
        except BrokerError as error:
            followed.doubt_stored()
            self._presence.lost(error, followed.path)
            # Else the presence is waited for.
            is_for_this = isinstance(error, BrokerRefused) and self._presence.is_up
            return DEFECT_SECONDS if is_for_this else 0.0
        except Exception as error:  # noqa: BLE001  # one file must not stop the others
            followed.doubt_stored()
            self._instruments.defect(followed.path, error)
            return DEFECT_SECONDS

    async def _met(self, followed: Followed) -> float | None:
        delay = await followed.turn()
        if delay != 0.0:
            self._first.discard(followed.path)
        return delay

    def _come_again(self, item: Item, delay: float | None) -> None:
        now = self._clock()
        if delay == 0.0 or item.comes_again:
            item.comes_again = False
            self._enqueue(item)
        elif delay is not None:
            item.wants_turn = True
            self._put(item, now + delay)
        else:
            self._look_later(item, now)
