"""Entries for tests of what reads them."""

from collections.abc import Mapping, Sequence

from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID, digest
from tailcast_streams.session_state import Head, SessionState, StoredPosition


def id_of(text: str) -> EntryID:
    """`1-10` as an ID."""
    return EntryID.parse(text)


def entry(
    id: str,
    previous: str = "0-0",
    record: bytes = b"{}",
    kind: Kind = Kind.RECORD,
    details: Mapping[str, str] | None = None,
) -> Entry:
    """One entry."""
    return Entry(id_of(id), id_of(previous), kind, record, details)


def marker(id: str = "1-0", previous: str = "0-0", **details: str) -> Entry:
    """A generation's first entry."""
    return entry(id, previous, b"", Kind.MARKER, details or None)


def chain(*offsets: int, generation: int = 1, previous: str = "1-0") -> list[Entry]:
    """Records that follow each other; each has its offset in it."""
    entries: list[Entry] = []
    for offset in offsets:
        id = f"{generation}-{offset}"
        entries.append(entry(id, previous, b'{"o":%d}' % offset))
        previous = id
    return entries


def cursor(id: str, record: bytes | None = None) -> Cursor:
    """A cursor at an ID; of a `chain` unless a record is given."""
    at = id_of(id)
    return Cursor(at, digest(b'{"o":%d}' % at.offset if record is None else record))


def head(
    entries: Sequence[Entry] = (),
    *,
    last: str | None = None,
    offset: int | None = None,
    generation: int | None = None,
    size: int = 0,
    start: int = 0,
    backlog_end: int = 0,
    backlog_generation: int = 0,
    last_digest: int = 0,
    has_state: bool = True,
) -> Head:
    """A head whose state agrees with its entries unless told otherwise."""
    newest = entries[-1] if entries else None
    last_id = id_of(last) if last else newest.id if newest else BEFORE_ALL
    position = StoredPosition(
        "i",
        last_id.generation if generation is None else generation,
        last_id.offset if offset is None else offset,
        last_id,
        BEFORE_ALL,
        last_id,
    )
    state = SessionState(
        position=position,
        size=size,
        generation_start=start,
        backlog_end=backlog_end,
        backlog_generation=backlog_generation,
        last_digest=last_digest,
    )
    oldest = entries[0] if entries else None
    return Head(state if has_state else None, oldest, newest)
