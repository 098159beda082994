"""Whether what was read follows on from where the reader stands.

Pure. Readers ask for what lies after a place *with the entry at that place*, so that
its digest proves in the same read that the place is still what it was: a broker that
forgot everything may have other content under the same IDs. Where that entry was
trimmed, the next one's `previous` still names it, which orders but proves less.
"""

from collections.abc import Sequence
from enum import Enum

from tailcast_streams.entries import Entry
from tailcast_streams.position import BEFORE_ALL, MAX_OFFSET, Cursor, EntryID


class Continuity(Enum):
    """How well what was read follows on."""

    # The entry at the cursor was read too and is the same.
    PROVED = "proved"
    # It was not read (trimmed), but what was read names it as its predecessor.
    CHAINED = "chained"
    # Neither: something else is there, or nothing.
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
    """What follows a cursor among entries read after `including(cursor.id)`.

    Cut where the chain breaks; the next read, from there, shows it as broken.
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
