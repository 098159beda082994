"""The window: the recent entries of one session, shared by all clients of a replica.

Pure. A contiguous run of entries between two cursors: `base`, after which it begins,
and `end`. It grows at its end, is evicted from its front when it holds too many bytes,
and answers what follows a cursor that it can prove. What never lives here: clients.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import attrgetter

from tailcast_streams.entries import Entry, cost_bytes
from tailcast_streams.position import Cursor, EntryID


# Evicted entries leave the list in runs, so that each costs O(1).
_COMPACT_ENTRIES = 1_024

_id_of = attrgetter("id")


class Window:
    """Entries that follow each other without a gap, the newest `max_bytes` of them."""

    __slots__ = ("_entries", "_first", "base", "end", "max_bytes", "size_bytes")

    def __init__(self, at: Cursor, *, max_bytes: int) -> None:
        # The cursor after which the first kept entry follows.
        self.base = at
        # The cursor of the newest entry: where live clients are.
        self.end = at
        # What the entries may cost; the newest is evicted too where it is larger.
        self.max_bytes = max_bytes
        # What the kept entries cost.
        self.size_bytes = 0
        # The kept entries begin at `_first`; before it lie evicted ones.
        self._entries: list[Entry] = []
        self._first = 0

    def __len__(self) -> int:
        return len(self._entries) - self._first

    def extend(self, entries: Sequence[Entry]) -> None:
        """Take entries that follow `end`, in order; evict what is too much."""
        self._entries.extend(entries)
        self.size_bytes += sum(map(cost_bytes, entries))
        self.end = entries[-1].cursor
        if self.size_bytes > self.max_bytes:
            self.shrink(self.max_bytes)

    def shrink(self, max_bytes: int) -> None:
        """Evict from the front until no more than `max_bytes` are kept."""
        first = self._first
        while self.size_bytes > max_bytes:
            self.size_bytes -= cost_bytes(self._entries[first])
            first += 1
        if first == self._first:
            return
        self.base = self._entries[first - 1].cursor
        if first >= _COMPACT_ENTRIES or first == len(self._entries):
            del self._entries[:first]
            first = 0
        self._first = first

    def proves(self, cursor: Cursor) -> bool:
        """Whether what follows this cursor is here, its digest checked."""
        if cursor in (self.base, self.end):
            return True
        at = self._index_of(cursor.id)
        return at is not None and self._entries[at].cursor == cursor

    def after(self, cursor: Cursor, *, max_bytes: int) -> list[Entry]:
        """The entries that follow a cursor which `proves` accepts, up to some bytes.

        At least one, unless the cursor is the window's end.
        """
        start = bisect_right(self._entries, cursor.id, lo=self._first, key=_id_of)
        size = 0
        for stop in range(start, len(self._entries)):
            size += len(self._entries[stop].record)
            if size >= max_bytes:
                return self._entries[start : stop + 1]
        return self._entries[start:]

    def last_up_to(self, id: EntryID) -> Cursor | None:
        """The last place that is not above an ID, None if that is before the base."""
        if id < self.base.id:
            return None
        at = bisect_right(self._entries, id, lo=self._first, key=_id_of)
        return self.base if at == self._first else self._entries[at - 1].cursor

    def _index_of(self, id: EntryID) -> int | None:
        at = bisect_left(self._entries, id, lo=self._first, key=_id_of)
        if at < len(self._entries) and self._entries[at].id == id:
            return at
        return None
