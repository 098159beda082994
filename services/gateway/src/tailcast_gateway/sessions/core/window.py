"""The window: the recent entries of one session, shared by all clients of a replica.

Pure. A window has all entries between two cursors, `base` and `end`. New entries are
added at its end, and old ones are dropped from its front if it holds too many bytes. It
returns the entries after a cursor that it can prove. It knows no clients.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import attrgetter

from tailcast_streams.entries import Entry, cost_bytes
from tailcast_streams.position import Cursor, EntryID


# Dropped entries are removed from the list many at a time, so that each costs O(1).
_COMPACT_ENTRIES = 1_024

_id_of = attrgetter("id")


class Window:
    """Entries that follow each other without a gap, the newest `max_bytes` of them."""

    __slots__ = ("_entries", "_first", "base", "end", "max_bytes", "size_bytes")

    def __init__(self, at: Cursor, *, max_bytes: int) -> None:
        # The cursor directly before the first entry.
        self.base = at
        # The cursor of the newest entry: where live clients are.
        self.end = at
        # The most bytes of the entries; a newest entry that is larger is dropped too.
        self.max_bytes = max_bytes
        # The size of the entries in the window.
        self.size_bytes = 0
        # The window begins at `_first`; the entries before it are dropped ones.
        self._entries: list[Entry] = []
        self._first = 0

    def __len__(self) -> int:
        return len(self._entries) - self._first

    def extend(self, entries: Sequence[Entry]) -> None:
        """Add entries that follow `end`, in order, and drop old ones."""
        self._entries.extend(entries)
        self.size_bytes += sum(map(cost_bytes, entries))
        self.end = entries[-1].cursor
        if self.size_bytes > self.max_bytes:
            self.shrink(self.max_bytes)

    def shrink(self, max_bytes: int) -> None:
        """Drop entries from the front until at most `max_bytes` are left."""
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
        """Whether the window has all that follows this cursor, by its digest."""
        if cursor in (self.base, self.end):
            return True
        at = self._index_of(cursor.id)
        return at is not None and self._entries[at].cursor == cursor

    def after(self, cursor: Cursor, *, max_bytes: int) -> list[Entry]:
        """The entries after a cursor that `proves` accepts, up to some bytes.

        There is at least one, unless the cursor is the window's end.
        """
        start = bisect_right(self._entries, cursor.id, lo=self._first, key=_id_of)
        size = 0
        for stop in range(start, len(self._entries)):
            size += len(self._entries[stop].record)
            if size >= max_bytes:
                return self._entries[start : stop + 1]
        return self._entries[start:]

    def last_up_to(self, id: EntryID) -> Cursor | None:
        """The last place not after an ID, None if that is before the base."""
        if id < self.base.id:
            return None
        at = bisect_right(self._entries, id, lo=self._first, key=_id_of)
        return self.base if at == self._first else self._entries[at - 1].cursor

    def _index_of(self, id: EntryID) -> int | None:
        at = bisect_left(self._entries, id, lo=self._first, key=_id_of)
        if at < len(self._entries) and self._entries[at].id == id:
            return at
        return None
