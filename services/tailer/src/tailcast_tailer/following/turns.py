"""Which file gets the next turn: fairness among files, and among their devices.

Files with little to read go before those with a backlog. Each device has a lane of its
own, so that no file waits for one whose file system does not answer.
"""

import asyncio
from collections import deque
from itertools import count

from tailcast_tailer.files.threads import Device, FileThreads
from tailcast_tailer.following.followed import Followed, Item


# A file with no more than this to read is live; the others are backlog.
LIVE_BYTES = 1_048_576
# At every eighth turn a backlog goes first; many busy files would starve it otherwise.
BACKLOG_EVERY = 8


class Lane:
    """The files of one device that have something to do."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._live: deque[Item] = deque()
        self._backlog: deque[Item] = deque()
        self._turns = count(1)
        # Set while a queue has something.
        self._is_ready = asyncio.Event()

    def put(self, item: Item) -> None:
        """Queue the file for a turn."""
        is_live = item.followed.bytes_behind <= LIVE_BYTES
        (self._live if is_live else self._backlog).append(item)
        self._is_ready.set()

    def put_first(self, item: Item) -> None:
        """Give the next turn to a file that is queued here."""
        for queue in (self._live, self._backlog):
            if item in queue and queue[0] is not item:
                queue.remove(item)
                queue.appendleft(item)

    async def next(self) -> Item:
        """Wait for the file that gets the next turn."""
        while True:
            if self._live or self._backlog:
                is_backlog_first = next(self._turns) % BACKLOG_EVERY == 0
                queues = (self._live, self._backlog)
                for queue in reversed(queues) if is_backlog_first else queues:
                    if queue:
                        return queue.popleft()
            self._is_ready.clear()
            await self._is_ready.wait()


class Turns:
    """All files, and which of them wait for a turn."""

    def __init__(self, files: FileThreads) -> None:
        self._files = files
        # All files, by path.
        self.items: dict[str, Item] = {}
        # The lane of files on devices that are unknown yet, or that share their
        # threads.
        self.shared = Lane(None)
        self._lanes: dict[Device, Lane] = {None: self.shared}
        # Lanes that have no workers yet.
        self.new_lanes: asyncio.Queue[Lane] = asyncio.Queue()

    @property
    def followed(self) -> list[Followed]:
        """All files."""
        return [item.followed for item in self.items.values()]

    def add(self, followed: Followed, now: float) -> None:
        """Follow one more file, or a file in another way."""
        item = self.items.get(followed.path)
        if item is None:
            item = self.items[followed.path] = Item(followed, now)
        else:
            item.followed.release()
            item.followed = followed
        self.enqueue(item)

    def move(self, before: str, path: str) -> None:
        """A file was renamed: it goes on under its new path."""
        item = self.items.pop(before, None)
        if item is None:
            return
        item.followed.move(path)
        self.items[path] = item
        self.enqueue(item)

    def enqueue(self, item: Item) -> None:
        """Queue the file for a turn, unless it is queued."""
        if item.is_queued:
            return
        if item.is_running:
            item.comes_again = True
            return
        item.is_queued = True
        item.wants_turn = False
        self._lane_of(item).put(item)

    def look_first(self, path: str) -> None:
        """Give a file the next turn."""
        item = self.items[path]
        self.enqueue(item)
        self._lane_of(item).put_first(item)

    def recheck(self, path: str) -> None:
        """Make a file ask the broker again what is stored."""
        item = self.items[path]
        item.followed.reload_state()
        self.enqueue(item)

    def _lane_of(self, item: Item) -> Lane:
        device = self._files.lane(item.followed.device)
        lane = self._lanes.get(device)
        if lane is None:
            lane = self._lanes[device] = Lane(device)
            self.new_lanes.put_nowait(lane)
        return lane
