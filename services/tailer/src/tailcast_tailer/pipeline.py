"""The work of a tailer: the listing, the sweep, and the turns of all files.

Files are looked at when they are hinted at or due, queued when they changed, and given
turns of one batch by a few workers for each device. `turns` decides which file is next,
and the follower what is done in a turn. Every task here is owned by `Pipeline.run` and
ends with it; one that ends before ends the tailer.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tailcast_service.pauses import wait_or_timeout
from tailcast_service.tasks import LongLived, Loop
from tailcast_streams.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerRefused,
    KeySpoiled,
)
from tailcast_tailer.appending.appender import Appender
from tailcast_tailer.core.rotated_names import is_compressed, rotated_of
from tailcast_tailer.files.descriptors import Descriptors
from tailcast_tailer.files.devices import Devices
from tailcast_tailer.files.roots import Roots
from tailcast_tailer.files.threads import FileThreads
from tailcast_tailer.finding.candidates import FileKind
from tailcast_tailer.finding.discovery import Discovery
from tailcast_tailer.finding.hints import Hints
from tailcast_tailer.finding.listing import Found
from tailcast_tailer.following.arrivals import Arrivals, newest_first
from tailcast_tailer.following.followed import Followed, Item
from tailcast_tailer.following.lots import Lots
from tailcast_tailer.following.start_note import StartNote
from tailcast_tailer.following.sweep import Sweep
from tailcast_tailer.following.turns import FEW_FILES, Lane, Turns
from tailcast_tailer.instruments import Instruments
from tailcast_tailer.upkeep.upkeep import Upkeep


# Batches in flight for each device, each at most a mebibyte: what bounds the memory.
WORKERS = 4
# From one listing to the next, at least, unless something is known to have changed.
LIST_SECONDS = 1.0
# How long a listing waits to learn which of many named files is the newest.
ORDER_SECONDS = 5.0
# How long the first listing waits until the file system tells of changes.
HINTS_SECONDS = 2.0
# Until what a full broker refused is offered again.
FULL_SECONDS = 1.0
# Until a key that another program wrote has been made anew.
SPOILED_SECONDS = 2.0
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
        arrivals: Arrivals,
        appender: Appender,
        devices: Devices,
        roots: Roots,
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
        self.hints = hints
        self._turns = turns
        self._arrivals = arrivals
        self._make_followed = make_followed
        self._upkeep = upkeep
        self._presence = upkeep.presence
        self._start_note = start_note
        self._instruments = instruments
        self._files = files
        self._clock = clock
        # Files that are open.
        self._descriptors = Descriptors(clock=clock)
        self._sweep = Sweep(
            turns,
            files=files,
            descriptors=self._descriptors,
            roots=roots,
            instruments=instruments,
            clock=clock,
            poll_interval=poll_interval,
            is_network=is_network,
            has_hints=lambda: hints.are_working and not is_network,
            forget=self._forget,
        )
        self._lots = Lots(
            turns,
            appender=appender,
            devices=devices,
            instruments=instruments,
            until_up=self._presence.wait_until_up,
            lost=self._presence.lost,
            rest=partial(self._settle, delay=None),
        )
        # Wakes the listing before its time.
        self._must_list = asyncio.Event()
        # Files that were there at the start and have not had a turn yet.
        self._first: set[Item] = set()
        instruments.watch_first(lambda: len(self._first))
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
            "sweep": self._sweep.run,
            "lots": self._lots.run,
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
        # What is written after a file was looked at should be told.
        await wait_or_timeout(self.hints.have_begun, HINTS_SECONDS)
        while True:
            self._must_list.clear()
            delay = LIST_SECONDS
            try:
                await self._take_listing()
                delay = max(delay, self._discovery.due - self._clock())
            except BrokerError as error:
                # Which sessions there are decides what a file is called.
                self._presence.lost(error, "names of sessions")
                await self._presence.wait_until_up()
                continue
            except Exception as error:  # noqa: BLE001  # what is known goes on
                self._instruments.defect("listing names", error)
            self.has_listed.set()
            await self._note_start()
            await wait_or_timeout(self._must_list, delay)

    async def _take_listing(self) -> None:
        listing = await self._discovery.list_new(self._clock())
        for moved in listing.moved:
            self._turns.move(moved.before, moved.path)
        await self._add(listing.found)
        self._upkeep.sources.listed()

    async def _add(self, found: Sequence[Found]) -> None:
        new = [one for one in found if self._is_new(one)]
        if len(new) > FEW_FILES:
            new = await newest_first(new, self._files.jobs(), ORDER_SECONDS)
        items = [self._follow(one) for one in new]
        if not self.has_listed.is_set():
            self._first.update(items)
        self._instruments.sessions_found(
            [(one.name, one.path) for one in new if one.kind is FileKind.TELEMETRY]
        )
        self._turns.begin(items)

    def _is_new(self, found: Found) -> bool:
        item = self._turns.items.get(found.path)
        if item is None or item.followed.has_parts != found.has_parts:
            return True
        if found.has_parts:
            # There is one more.
            self._turns.enqueue(item)
        return False

    def _follow(self, found: Found) -> Item:
        followed = self._make_followed(found, not self.has_listed.is_set())
        self._upkeep.include(followed)
        return self._turns.add(followed)

    def _forget(self, items: Sequence[Item]) -> None:
        """Know nothing more of files that were deleted; what is stored of them stays.

        Those that come back are found as new ones are.
        """
        gone = [one for one in items if not self._discovery.is_named(one.followed.path)]
        for item in set(items) - set(gone):
            self._sweep.later(item)
        for item in gone:
            followed = item.followed
            followed.release()
            self._turns.forget(followed.path)
            self._descriptors.forget(followed.path)
            self._upkeep.exclude(followed)
            self._first.discard(item)
        if gone:
            self._discovery.forget(item.followed.path for item in gone)
            self._must_list.set()
        self._instruments.files_forgotten(
            [(item.followed.path, item.followed.session) for item in gone]
        )

    async def _note_start(self) -> None:
        """Once every file that was there at the start had its turn."""
        if self._first or not self._presence.is_up:
            return
        try:
            await self._start_note.note()
        except BrokerError as error:
            self._presence.lost(error, "beginnings")

    async def _take_hints(self) -> None:
        async for paths in self.hints.changes():
            for path in paths:
                item = self._turns.items.get(path)
                run = None if item is not None else self._discovery.run_of(path)
                if run is not None:
                    item = self._turns.items.get(run)
                if item is None:
                    self._discovery.changed(path)
                    self._must_list.set()
                    self._rotated_changed(path)
                    continue
                self._instruments.change_noticed(by_hint=True)
                item.changed_at = self._clock()
                item.absent_since = None
                item.is_unnoticed = False
                self._turns.enqueue(item)

    def _rotated_changed(self, path: str) -> None:
        """A file that was rotated away may go on: ask the session that it is of."""
        base = None if is_compressed(path) else rotated_of(path)
        item = None if base is None else self._turns.items.get(base)
        if item is not None:
            self._turns.enqueue(item)

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
            items = [item for item in await lane.next() if not item.is_gone]
            for item in items:
                item.is_queued = False
                item.is_running = True
            await self._take(items)

    async def _take(self, items: Sequence[Item]) -> None:
        """Give a file its turn, or many new ones their first turns, together."""
        if len(items) == 1:
            await self._turn(items[0])
            return
        due = await self._prepare(items)
        for item in set(items) - set(due):
            self._first_is_over(item)
            self._come_again(item, None)
        await asyncio.gather(*map(self._turn, due))

    async def _prepare(self, items: Sequence[Item]) -> Sequence[Item]:
        try:
            return await self._arrivals.prepare(
                items, descriptors=self._descriptors.room
            )
        except BrokerError as error:
            self._presence.lost(error, "states")
        except Exception as error:  # noqa: BLE001  # turns of their own go on
            self._instruments.defect("first looks", error)
        return items

    async def _turn(self, item: Item) -> None:
        self._settle(item, await self._delay_after(item.followed))

    def _settle(self, item: Item, delay: float | None) -> None:
        """A file had its turn; when the next one is due, as `Follower.turn` says."""
        if delay != 0.0:
            self._first_is_over(item)
        self._descriptors.used(item.followed)
        self._come_again(item, delay)

    async def _delay_after(self, followed: Followed) -> float | None:
        """Give it a turn; when the next one is due, as `Follower.turn` says."""
        try:
            return await followed.turn()
        except BrokerFull as error:
            self._presence.lost(error, followed.path)
            return FULL_SECONDS
        except BrokerError as error:
            followed.reload_state()
            self._presence.lost(error, followed.path)
            if isinstance(error, KeySpoiled):
                return SPOILED_SECONDS
            # Else the presence is waited for.
            is_for_this = isinstance(error, BrokerRefused) and self._presence.is_up
            return DEFECT_SECONDS if is_for_this else 0.0
        except Exception as error:  # noqa: BLE001  # one file must not stop the others
            followed.reload_state()
            self._instruments.defect(followed.path, error)
            return DEFECT_SECONDS

    def _first_is_over(self, item: Item) -> None:
        self._first.discard(item)
        if not self._first and not self._start_note.is_noted:
            self._must_list.set()

    def _come_again(self, item: Item, delay: float | None) -> None:
        now = self._clock()
        item.is_running = False
        if delay == 0.0 or item.comes_again:
            item.comes_again = False
            self._turns.enqueue(item)
        elif delay is not None:
            item.wants_turn = True
            self._sweep.put(item, now + delay)
        else:
            if item.followed.glimpse is None and item.absent_since is None:
                item.absent_since = now
            self._sweep.later(item)
