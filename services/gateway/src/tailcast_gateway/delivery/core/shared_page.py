"""A page of a replay, encoded once for each wire and view of its readers.

Pure. All clients that need the page at the same time share it.
"""

from collections.abc import Iterator, Sequence

from tailcast_gateway.delivery.core.encoding import SessionEncoder
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.sessions.core.continuity import Continuity
from tailcast_gateway.views.view import DecodedEntries, View
from tailcast_streams.entries import Entry
from tailcast_streams.position import Cursor, EntryID


class SharedPage:
    """The entries after a cursor, encoded once for each wire and view."""

    def __init__(
        self, cursor: Cursor, continuity: Continuity, entries: Sequence[Entry]
    ) -> None:
        # The cursor after which it begins.
        self.cursor = cursor
        # Whether its entries really follow that cursor.
        self.continuity = continuity
        self.entries = entries
        self._decoded = DecodedEntries(entries)
        # Its part up to a window's end, if it has entries beyond that.
        self._cut: tuple[EntryID, SharedPage] | None = None
        # Frames by wire, view, and whether they are replayed.
        self._frames: dict[tuple[Wire, View, bool], bytes] = {}

    @classmethod
    def of_window(cls, cursor: Cursor, entries: Sequence[Entry]) -> "SharedPage":
        """The entries after a cursor in a window that has proved the cursor."""
        return cls(cursor, Continuity.PROVED, entries)

    def up_to(self, limit: EntryID) -> "SharedPage":
        """The page without entries beyond a window's end."""
        if not self.entries or self.entries[-1].id <= limit:
            return self
        if self._cut is None or self._cut[0] != limit:
            entries = [entry for entry in self.entries if entry.id <= limit]
            self._cut = (limit, SharedPage(self.cursor, self.continuity, entries))
        return self._cut[1]

    def first(self, max_bytes: int) -> "SharedPage":
        """Its first records, up to the one with which they reach `max_bytes`."""
        size = 0
        for count, entry in enumerate(self.entries, 1):
            size += len(entry.record)
            if size >= max_bytes and count < len(self.entries):
                return SharedPage(self.cursor, self.continuity, self.entries[:count])
        return self

    def split(self, id: EntryID) -> "tuple[SharedPage, SharedPage]":
        """The entries before one of them, and those from it on."""
        at = next(at for at, entry in enumerate(self.entries) if entry.id >= id)
        before, rest = self.entries[:at], self.entries[at:]
        cursor = before[-1].cursor if before else self.cursor
        return (
            SharedPage(self.cursor, self.continuity, before),
            SharedPage(cursor, Continuity.PROVED, rest),
        )

    def filter(self, view: View) -> Iterator[None]:
        """Find what `wanted` returns, and let others have their turn meanwhile."""
        return self._decoded.filter(view)

    def wanted(self, view: View) -> Sequence[Entry]:
        """Its entries that a view lets through."""
        return self._decoded.wanted(view)

    def frames(self, encoder: SessionEncoder, view: View, *, replayed: bool) -> bytes:
        """The frames of its entries."""
        key = (encoder.wire, view, replayed)
        if key not in self._frames:
            self._frames[key] = encoder.frames(
                self.wanted(view), self.cursor, view, replayed=replayed
            )
        return self._frames[key]
