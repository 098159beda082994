"""Batches as the tailer makes them, in few words."""

from dataclasses import replace

from tailcast_streams.broker import SessionWriter
from tailcast_streams.entries import Kind, NewEntry, NewRejection
from tailcast_streams.session_state import (
    NOTHING_STORED,
    Appended,
    Batch,
    StoredPosition,
)


def record(offset: int, data: bytes = b'{"step":1}') -> NewEntry:
    """A record whose line ends at `offset`."""
    return NewEntry(offset, Kind.RECORD, data)


def marker(offset: int = 0, **details: str) -> NewEntry:
    """The marker that opens a generation."""
    return NewEntry(offset, Kind.MARKER, b"", details or None)


def rejection(offset: int, reason: str = "not JSON") -> NewRejection:
    """A line of four bytes that was no record."""
    return NewRejection(offset, reason, 4, b"junk")


def first_batch(*entries: NewEntry, session: str = "s", offset: int = 30) -> Batch:
    """The batch that begins a session."""
    return Batch(
        session=session,
        expected=NOTHING_STORED,
        incarnation="i1",
        generation=1,
        offset=offset,
        entries=[marker(), *entries],
        fields={},
    )


async def position(broker: SessionWriter, session: str = "s") -> StoredPosition:
    """What is stored of a session."""
    return (await broker.positions([session]))[0]


async def follow_on(
    broker: SessionWriter,
    *entries: NewEntry,
    offset: int,
    session: str = "s",
    rejections: tuple[NewRejection, ...] = (),
    fields: dict[str, str | int | float | bytes] | None = None,
) -> Batch:
    """A batch that follows on from what is stored."""
    stored = await position(broker, session)
    return replace(
        first_batch(session=session, offset=offset),
        expected=stored,
        incarnation=stored.incarnation,
        entries=list(entries),
        rejections=rejections,
        fields=fields or {},
    )


async def append(
    broker: SessionWriter,
    *entries: NewEntry,
    offset: int,
    session: str = "s",
    rejections: tuple[NewRejection, ...] = (),
    fields: dict[str, str | int | float | bytes] | None = None,
) -> None:
    """Append what follows on from what is stored."""
    batch = await follow_on(
        broker,
        *entries,
        offset=offset,
        session=session,
        rejections=rejections,
        fields=fields,
    )
    assert await broker.append(batch) is Appended.DONE
