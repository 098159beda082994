"""Pages of history: makes one page of the entries that were read.

Pure. A page has the records between two places, in file order. It never crosses the
beginning of a generation, or a gap: it ends before it, and the next page begins with it
and says so in `told`. A place is *after* the entry that a cursor names. So the next
page begins at this page's `cursor`, and the page before it ends at its `prev`.

Reading is done in `history`, and cursors without an entry are judged in `verdicts`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import msgspec

from tailcast_gateway.protocol import breaks
from tailcast_gateway.protocol.breaks import is_record, shown
from tailcast_gateway.sessions.core.outcomes import breaks_of, goes_on_after
from tailcast_gateway.sessions.core.verdicts import Verdict
from tailcast_gateway.views.reading import Reading
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEFORE_ALL, BEGINNING, BEGINNING_CURSOR, Cursor


Breaks: TypeAlias = Mapping[str, Mapping[str, object]]
NO_BREAKS: Breaks = MappingProxyType({})


class Page(NamedTuple):
    """One page, in file order."""

    # The place at which it begins, and the place at which it ends.
    prev: Cursor
    cursor: Cursor
    # Its records and emergencies.
    records: Sequence[Entry] = ()
    # The `gap` or `rewind` at its beginning, as fields.
    told: Breaks = NO_BREAKS
    # Whether there is more in the direction of reading.
    more: bool = False


def forward(
    entries: Sequence[Entry], after: Cursor, *, limit: int, max_bytes: int, is_end: bool
) -> Page | None:
    """The page that follows a place; None if more entries must be read first.

    It has at least one record if there is one, however large.

    Args:
        entries: the entries after the place, in order.
        after: the place.
        limit: the most records of the page.
        max_bytes: it ends with the record that reaches this size.
        is_end: whether no entry follows these.
    """
    told: Breaks = NO_BREAKS
    records: list[Entry] = []
    cursor, size = after, 0
    for entry in entries:
        if is_record(entry):
            if len(records) >= limit or (records and size >= max_bytes):
                return Page(after, cursor, records, told, more=True)
            records.append(entry)
            size += len(entry.record)
        elif is_mark(entry):
            if records or told:
                return Page(after, cursor, records, told, more=True)
            # Before it there can only be the stream's first marker, which is not shown.
            told = break_at(entry, after)
        cursor = entry.cursor
    return Page(after, cursor, records, told) if is_end else None


def backward(
    entries: Sequence[Entry],
    before: Cursor,
    *,
    limit: int,
    max_bytes: int,
    is_end: bool,
) -> Page | None:
    """The page that ends at a place; None if more entries must be read first.

    Args:
        entries: the entry at the place and those before it, the newest first.
        before: the place.
        limit: the most records of the page.
        max_bytes: it ends with the record that reaches this size.
        is_end: whether no entry is stored before these.
    """
    records: list[Entry] = []
    taken: Entry | None = None
    size = 0
    for entry in entries:
        if taken is not None and is_mark(taken):
            return _begun_by(taken, entry.cursor, before, records)
        if is_record(entry):
            if len(records) >= limit or (records and size >= max_bytes):
                return Page(entry.cursor, before, records[::-1], more=True)
            records.append(entry)
            size += len(entry.record)
        taken = entry
    if not is_end:
        return None
    if taken is None:
        return Page(before, before)
    oldest = Cursor(taken.previous, 0)
    if is_mark(taken):
        return _begun_by(taken, oldest, before, records)
    told: Breaks = NO_BREAKS
    if oldest.id not in (BEFORE_ALL, BEGINNING):
        told = {"gap": breaks.gap(BEGINNING_CURSOR, oldest)}
    return Page(oldest, before, records[::-1], told)


def cut(page: Page, sizes: Sequence[int], *, room: int, is_backward: bool) -> Page:
    """The part of a page that fits, from the side where reading began.

    It has at least one record, even if that does not fit.

    Args:
        page: the whole page.
        sizes: the size of each of its records.
        room: how many bytes they may take together.
        is_backward: whether the page was read backward, to end at a place.
    """
    fitting = 0
    for size in reversed(sizes) if is_backward else sizes:
        room -= size
        if room < 0 and fitting:
            break
        fitting += 1
    records = page.records
    if fitting >= len(records):
        return page
    if is_backward:
        prev = records[-fitting - 1].cursor
        return Page(prev, page.cursor, records[-fitting:], more=True)
    kept = records[:fitting]
    return page._replace(cursor=kept[-1].cursor, records=kept, more=True)


def size_to_read(records: Sequence[Entry], *, limit: int, max_bytes: int) -> int:
    """How many entries to read next, by the sizes of the page's records so far."""
    left = limit - len(records)
    if not records:
        return left
    size = sum(len(entry.record) for entry in records)
    mean = max(1.0, size / len(records))
    return max(1, min(left, int((max_bytes - size) / mean) + 1))


def is_mark(entry: Entry) -> bool:
    """Whether it is shown as a gap or rewind: all but records and the first marker."""
    return not is_record(entry) and entry.previous != BEFORE_ALL


def break_at(entry: Entry, previous: Cursor) -> Breaks:
    """The fields for the beginning of a generation, or for a gap."""
    if entry.kind is Kind.GAP:
        return {"gap": breaks.gap_at(entry, previous)}
    return {"rewind": breaks.rewind_at(entry)}


def moved(cursor: Cursor, verdict: Verdict) -> tuple[Cursor, Breaks]:
    """Where a page begins by the verdict on a cursor, with the gap or rewind there."""
    place = goes_on_after(verdict)
    # One thing is told by one page.
    told: Breaks = {one.kind: one.fields for one in breaks_of(verdict, cursor)[:1]}
    return cursor if place is None else place, told


def shaped(
    entries: Sequence[Entry], view: View = PLAIN, reading: Reading | None = None
) -> list[bytes]:
    """Records with the metrics that a view keeps.

    Args:
        entries: those that the view lets through.
        view: how they are shown.
        reading: where they have their steps and times; None if no index says it.
    """
    if view.projection is None:
        return [entry.record for entry in entries]
    project = view.projection.project
    return [
        project(entry.record, reading) if entry.kind is Kind.RECORD else entry.record
        for entry in entries
    ]


def body(
    page: Page, view: View = PLAIN, reading: Reading | None = None, **fields: object
) -> bytes:
    """A page as one JSON object; for its records see `shaped`."""
    start = msgspec.json.encode({**fields, **page.told})[:-1]
    comma = b"," if fields or page.told else b""
    return b'%b%b"data":[%b],"prev":"%b","cursor":"%b","more":%b}' % (
        start,
        comma,
        b",".join(shaped(page.records, view, reading)),
        str(shown(page.prev)).encode(),
        str(shown(page.cursor)).encode(),
        b"true" if page.more else b"false",
    )


def _begun_by(
    mark: Entry, previous: Cursor, before: Cursor, records: Sequence[Entry]
) -> Page:
    more = previous.id not in (BEFORE_ALL, BEGINNING)
    return Page(previous, before, records[::-1], break_at(mark, previous), more)
