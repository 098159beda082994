"""Whether entries that were read continue the reader's cursor.

Pure. Readers ask for the entries after a cursor *and the entry at the cursor*. So its
digest proves in the same read that the entry is still the same: a broker that forgot
everything may have other content under the same IDs. If that entry was trimmed, the
`previous` of the next one still names its ID. That proves the order, but not the
content.
"""

from collections.abc import Sequence
from enum import Enum

from tailcast_streams.entries import Entry
from tailcast_streams.position import BEFORE_ALL, MAX_OFFSET, Cursor, EntryID


class Continuity(Enum):
    """How well the entries that were read continue the cursor."""

    # The entry at the cursor was read too, and it is the same.
    PROVED = "proved"
    # It was trimmed, but the next entry names it as its predecessor.
    CHAINED = "chained"
    # Neither: other entries are there, or none.
    BROKEN = "broken"


def including(id: EntryID) -> EntryID:
    """The ID to read after, so that the entry with this ID is read as well."""
    if id == BEFORE_ALL:
        return BEFORE_ALL
    if id.offset:
        return EntryID(id.generation, id.offset - 1)
    return EntryID(id.generation - 1, MAX_OFFSET)


def continuation(
    cursor: Cursor, entries: Sequence[Entry]
) -> tuple[Continuity, Sequence[Entry]]:
    """The entries after a cursor, among those read after `including(cursor.id)`.

    They end where the chain breaks. The next read, from there, shows the break.
    """
    if not entries:
        is_beginning = cursor.id == BEFORE_ALL
        return (Continuity.PROVED if is_beginning else Continuity.BROKEN), ()
    first = entries[0]
    if first.id == cursor.id:
        if first.cursor != cursor:
            return Continuity.BROKEN, ()
        return Continuity.PROVED, _chained(entries, 1)
    if first.previous != cursor.id:
        return Continuity.BROKEN, ()
    is_beginning = cursor.id == BEFORE_ALL
    continuity = Continuity.PROVED if is_beginning else Continuity.CHAINED
    return continuity, _chained(entries, 0)


def _chained(entries: Sequence[Entry], start: int) -> Sequence[Entry]:
    previous = entries[start - 1].id if start else entries[0].previous
    for at in range(start, len(entries)):
        if entries[at].previous != previous:
            return entries[start:at]
        previous = entries[at].id
    return entries[start:]
