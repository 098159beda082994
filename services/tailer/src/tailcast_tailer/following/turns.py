"""Which file gets the next turn: fairness among files, and among their devices.

Files with little to read go before those with a backlog, and before those that were
found in great numbers and had no turn yet, of which the newest is first. Each device
has a lane of its own, so that no file waits for one whose file system does not answer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from itertools import count

from tailcast_tailer.files.threads import Device, FileThreads
from tailcast_tailer.following.followed import Followed, Item


# A file with no more than this to read is live; the others are backlog.
LIVE_BYTES = 1_048_576
# At every eighth turn others go first; many busy files would starve them otherwise.
OTHERS_EVERY = 8
# More files than this are found at a start, or copied there: they are begun in lots.
FEW_FILES = 16
# Files that are taken together: new ones get their first turns so.
LOT_FILES = 100


class Lane:
    """The files of one device that have something to do."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._live: OrderedDict[Item, None] = OrderedDict()
        self._backlog: OrderedDict[Item, None] = OrderedDict()
        # Those that had no turn yet.
        self._new: OrderedDict[Item, None] = OrderedDict()
        self._turns = count(1)
        # Set while a queue has something.
        self._is_ready = asyncio.Event()

    def put(self, item: Item) -> None:
        """Queue the file for a turn."""
        is_live = item.followed.bytes_behind <= LIVE_BYTES
        (self._live if is_live else self._backlog)[item] = None
        self._is_ready.set()

    def put_new(self, items: Sequence[Item]) -> None:
        """Queue files that had no turn yet, after all others of these."""
        self._new.update(dict.fromkeys(items))
        self._is_ready.set()

    def hurry(self, item: Item) -> None:
        """Have a file that is queued here wait no longer than live ones do."""
        if item in self._new:
            del self._new[item]
            self._live[item] = None

    def put_first(self, item: Item) -> None:
        """Give the next turn to a file that is queued here."""
        self.hurry(item)
        for queue in (self._live, self._backlog):
            if item in queue:
                queue.move_to_end(item, last=False)

    async def next(self) -> list[Item]:
        """Wait for the file that gets the next turn, or a lot of new ones."""
        while True:
            turn = next(self._turns)
            for queue in self._order(turn):
                if not queue:
                    continue
                most = min(len(queue), LOT_FILES if queue is self._new else 1)
                return [queue.popitem(last=False)[0] for _ in range(most)]
            self._is_ready.clear()
            await self._is_ready.wait()

    def _order(self, turn: int) -> tuple[OrderedDict[Item, None], ...]:
        rounds, rest = divmod(turn, OTHERS_EVERY)
        if rest:
            return self._live, self._new, self._backlog
        if rounds % 2:
            return self._backlog, self._new, self._live
        return self._new, self._backlog, self._live


class Prompt:
    """Files that are looked at in the loop, all that wait together."""

    def __init__(self) -> None:
        self._items: dict[Item, None] = {}
        self._has_some = asyncio.Event()

    def put(self, item: Item) -> None:
        """It waits for the next lot."""
        self._items[item] = None
        self._has_some.set()

    async def wait(self) -> None:
        """Wait until there is one."""
        await self._has_some.wait()

    def some(self) -> list[Item]:
        """Those that wait, as many as a lot may have; they wait no longer."""
        items, self._items = [*self._items], {}
        self._has_some.clear()
        for item in items[LOT_FILES:]:
            self.put(item)
        return items[:LOT_FILES]


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
        # Files that need no turn of their own, as it seems.
        self.prompt = Prompt()
        # Lanes that have no workers yet.
        self.new_lanes: asyncio.Queue[Lane] = asyncio.Queue()

    @property
    def followed(self) -> list[Followed]:
        """All files."""
        return [item.followed for item in self.items.values()]

    def add(self, followed: Followed) -> Item:
        """Follow one more file, or a file in another way; `begin` queues it."""
        item = self.items.get(followed.path)
        if item is None:
            item = self.items[followed.path] = Item(followed)
        else:
            item.followed.release()
            item.followed = followed
        return item

    def begin(self, items: Sequence[Item]) -> None:
        """Queue files that were found together, the one that is to be first first."""
        if len(items) <= FEW_FILES:
            for item in items:
                self.enqueue(item)
            return
        # Each device is asked for once: there may be many thousand files of one.
        lanes: dict[Device, Lane] = {}
        lots: dict[Lane, list[Item]] = {}
        for item in items:
            if item.is_queued or item.is_running:
                self.enqueue(item)
                continue
            item.is_queued = True
            device = item.followed.device
            if (lane := lanes.get(device)) is None:
                lane = lanes[device] = self._lane_of(item)
            lots.setdefault(lane, []).append(item)
        for lane, lot in lots.items():
            lane.put_new(lot)

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
            self._lane_of(item).hurry(item)
            return
        if item.is_running:
            item.comes_again = True
            return
        item.is_queued = True
        item.wants_turn = False
        if item.followed.is_prompt:
            self.prompt.put(item)
        else:
            self._lane_of(item).put(item)

    def give_turn(self, item: Item) -> None:
        """Queue a file that was in a lot for a turn of its own."""
        item.is_queued = True
        item.comes_again = False
        self._lane_of(item).put(item)

    def forget(self, path: str) -> None:
        """Follow it no longer; nothing of it is under way."""
        self.items.pop(path).is_gone = True

    def look_first(self, path: str) -> None:
        """Give a file the next turn."""
        item = self.items.get(path)
        if item is not None:
            self.enqueue(item)
            self._lane_of(item).put_first(item)

    def recheck(self, path: str) -> None:
        """Make a file ask the broker again what is stored."""
        item = self.items.get(path)
        if item is not None:
            item.followed.reload_state()
            self.enqueue(item)

    def _lane_of(self, item: Item) -> Lane:
        device = self._files.lane(item.followed.device)
        lane = self._lanes.get(device)
        if lane is None:
            lane = self._lanes[device] = Lane(device)
            self.new_lanes.put_nowait(lane)
        return lane
