"""Whether entries that were read continue the reader's cursor.

Pure. Readers ask for the entries after a cursor *and the entry at the cursor*. So its
digest proves in the same read that the entry is still the same: a broker that forgot
everything may have other content under the same IDs. If that entry was trimmed, the
`previous` of the next one still names its ID. That proves the order, but not the
content.

The chain of `previous` also shows a hole: entries that somebody deleted from the middle
of a stream. In their place readers get a gap, as if a tailer had stored one.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEFORE_ALL, MAX_OFFSET, Cursor, EntryID


# What is said of a hole, and of a generation whose marker is in it.
_GAP: Final[Mapping[str, str]] = MappingProxyType({"reason": "trimmed"})
_MARKER: Final[Mapping[str, str]] = MappingProxyType({"reason": "truncated"})


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

    They end at an entry that no tailer wrote: the stream is about to be built anew.
    """
    if not entries:
        is_beginning = cursor.id == BEFORE_ALL
        return (Continuity.PROVED if is_beginning else Continuity.BROKEN), ()
    first = entries[0]
    if first.id == cursor.id:
        if first.cursor != cursor:
            return Continuity.BROKEN, ()
        return Continuity.PROVED, chained(entries)[1:]
    if first.previous != cursor.id:
        return Continuity.BROKEN, ()
    is_beginning = cursor.id == BEFORE_ALL
    continuity = Continuity.PROVED if is_beginning else Continuity.CHAINED
    return continuity, chained(entries)


def chained(entries: Sequence[Entry]) -> Sequence[Entry]:
    """As `with_gaps`, up to an entry that does not continue the one before it."""
    whole = with_gaps(entries)
    at = None if whole is entries else _first_break(whole)
    return whole if at is None else whole[:at]


def with_gaps(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Entries in order, with a gap in place of each hole between two of them."""
    if _first_break(entries) is None:
        return entries
    whole = list(entries[:1])
    for before, entry in pairwise(entries):
        if before.id < entry.previous < entry.id:
            whole += _in_place_of(before.id, entry.previous)
        whole.append(entry)
    return whole


def _first_break(entries: Sequence[Entry]) -> int | None:
    """Where an entry first does not name the one before it; None: nowhere."""
    if not entries:
        return None
    previous = entries[0].previous
    for at, entry in enumerate(entries):
        if entry.previous != previous:
            return at
        previous = entry.id
    return None


def _in_place_of(before: EntryID, last: EntryID) -> list[Entry]:
    """What stands for the entries after one, up to the last that is missing."""
    if last.generation == before.generation:
        return [Entry(last, before, Kind.GAP, b"", _GAP)]
    # The generation of what follows began in the hole.
    lost = EntryID(before.generation, before.offset + 1)
    return [
        Entry(lost, before, Kind.GAP, b"", _GAP),
        Entry(last, lost, Kind.MARKER, b"", _MARKER),
    ]
