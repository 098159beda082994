"""Appends to streams in this process' memory: a part of `MemoryBroker`.

It does in Python what `append.lua` and the other scripts do in Redis.
"""

import time
from collections.abc import Mapping, Sequence
from itertools import pairwise

from tailcast_streams.births import Birth
from tailcast_streams.entries import MAX_DOCUMENTS, Document, Entry, Kind
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory.calls import MemoryCalls, now_ms
from tailcast_streams.memory.stored import StoredStream
from tailcast_streams.notification import format_moved
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID
from tailcast_streams.pushes import MAX_PUSHED_BYTES, MAX_PUSHED_ENTRIES, Push
from tailcast_streams.session_state import (
    Appended,
    Batch,
    SessionState,
    StoredPosition,
    Trimmed,
    Whose,
)


# How many rejected lines of a session are stored.
MAX_REJECTIONS = 1_000

_STATE_FIELDS = frozenset(SessionState._fields)


class MemoryAppends(MemoryCalls):
    """Appends to streams, trims and deletes them."""

    async def append(self, batch: Batch) -> Appended:
        stored = await self._position(batch.session)
        if stored.is_diverged or self._rejected_diverged(batch, stored):
            return Appended.DIVERGED
        if batch.session in self._stored.taken_out:
            return Appended.CONFLICT
        if stored._replace(stream_last_id=BEFORE_ALL) != batch.expected._replace(
            stream_last_id=BEFORE_ALL
        ):
            return Appended.CONFLICT
        if batch.expected_whose not in (None, self._whose(batch.session)):
            return Appended.CONFLICT
        _check_rising(batch, stored)
        before = self._stored.states.get(batch.session)
        self._write(batch, stored)
        if _is_pushed(batch):
            last_digest = 0 if before is None else before.last_digest
            self._wake(_push(batch, Cursor(stored.last_id, last_digest)))
        self._wake(format_moved(batch.session, batch.written_ms))
        return Appended.DONE

    async def append_all(
        self, batches: Sequence[Batch]
    ) -> Sequence[Appended | BrokerError]:
        outcomes: list[Appended | BrokerError] = []
        for batch in batches:
            try:
                outcomes.append(await self.append(batch))
            except BrokerError as error:
                outcomes.append(error)
        return outcomes

    def _rejected_diverged(self, batch: Batch, stored: StoredPosition) -> bool:
        if not batch.rejections:
            return False
        kept = self._stored.rejected.get(batch.session)
        return (kept[-1][0] if kept else BEFORE_ALL) != stored.last_rejected_id

    def _whose(self, session: str) -> Whose:
        state = self._stored.states.get(session)
        return Whose() if state is None else Whose(state.owner, state.path)

    def _write(self, batch: Batch, stored: StoredPosition) -> None:
        self._stored.edits_end.pop(batch.session, None)
        stream = self._stored.streams.setdefault(batch.session, StoredStream())
        for new in batch.entries:
            id = EntryID(batch.generation, new.offset)
            details = None if new.details is None else dict(new.details)
            stream.add(Entry(id, stream.last_id, new.kind, new.record, details))
        rejected = self._stored.rejected.setdefault(batch.session, [])
        for rejection in batch.rejections:
            rejected.append((EntryID(batch.generation, rejection.offset), rejection))
        del rejected[:-MAX_REJECTIONS]
        if not stream.entries and stream.last_id == BEFORE_ALL:
            del self._stored.streams[batch.session]
        records = [
            new.record
            for new in batch.entries
            if new.kind in (Kind.RECORD, Kind.EMERGENCY)
        ]
        alarms = [new for new in batch.entries if new.kind is Kind.EMERGENCY]
        before = self._stored.states.get(batch.session) or SessionState(position=stored)
        if alarms:
            before = before._replace(
                emergencies=before.emergencies + len(alarms),
                latest_emergency_id=EntryID(batch.generation, alarms[-1].offset),
            )
        last_rejected_id = rejected[-1][0] if rejected else stored.last_rejected_id
        position = StoredPosition(
            batch.incarnation,
            batch.generation,
            batch.offset,
            stream.last_id,
            last_rejected_id,
            stream.last_id,
        )
        self._stored.states[batch.session] = before._replace(
            position=position,
            records=before.records + len(records),
            rejected=before.rejected + len(batch.rejections),
            **{**_stamp(batch), **_typed(batch.fields)},  # type: ignore[arg-type]  # names checked there
        )

    async def discard(
        self, session: str, seen: StoredPosition, *, keeps_edits: bool = False
    ) -> bool:
        if await self._position(session) != seen:
            return False
        self.delete(session, stream=True, state=True)
        self._stored.taken_out.pop(session, None)
        self._stored.rejected.pop(session, None)
        self._stored.indexes.pop(session, None)
        described = self._stored.descriptions.pop(session, None)
        if keeps_edits and described is not None:
            self._stored.descriptions[session] = described._replace(told={})
        self._wake(format_moved(session, 0))
        return True

    async def take_out(
        self,
        session: str,
        seen: StoredPosition,
        *,
        at_ms: int,
        told_seconds: int,
        edits_seconds: int,
    ) -> bool:
        if await self._position(session) != seen:
            return False
        stored, now = self._stored, time.monotonic()
        stored.states[session] = stored.states[session]._replace(taken_out_ms=at_ms)
        stored.taken_out[session] = now + told_seconds
        stored.edits_end[session] = now + edits_seconds
        if session in stored.streams:
            stored.streams[session].entries.clear()
        for kept in (stored.rejected, stored.indexes, stored.activity_ms):
            kept.pop(session, None)
        if (described := stored.descriptions.get(session)) is not None:
            stored.descriptions[session] = described._replace(told={})
        return True

    def delete(
        self, session: str, *, stream: bool = False, state: bool = False
    ) -> None:
        """Delete a key by hand, as an operator might."""
        if stream:
            self._stored.streams.pop(session, None)
        if state:
            self._stored.states.pop(session, None)

    async def trim(self, session: str, before: EntryID) -> Trimmed:
        await self._reachable()
        stream = self._stored.streams.get(session, StoredStream())
        count = stream.index_of(before)
        del stream.entries[:count]
        return Trimmed(count, stream.entries[0] if stream.entries else None)

    async def add_document(self, document: Document) -> bool:
        await self._reachable()
        identity = f"{document.path}/{document.sha256}"
        if identity in self._stored.seen:
            return False
        self._stored.seen.add(identity)
        stream = self._stored.streams.setdefault(EMERGENCIES, StoredStream())
        details = {
            "session": document.session,
            "path": document.path,
            "news": str(int(document.is_news)),
            "id": identity,
            "written": str(document.written_ms),
        }
        id = EntryID(1, stream.last_id.offset + 1)
        stream.add(Entry(id, stream.last_id, Kind.EMERGENCY, document.record, details))
        del stream.entries[:-MAX_DOCUMENTS]
        self._wake(format_moved(EMERGENCIES, document.written_ms))
        return True


def _stamp(batch: Batch) -> dict[str, object]:
    return {"appended_ms": now_ms()} if batch.entries or batch.rejections else {}


def _check_rising(batch: Batch, stored: StoredPosition) -> None:
    for last_id, offsets in (
        (stored.last_id, [entry.offset for entry in batch.entries]),
        (stored.last_rejected_id, [line.offset for line in batch.rejections]),
    ):
        ids = [last_id, *(EntryID(batch.generation, offset) for offset in offsets)]
        if any(one >= other for one, other in pairwise(ids)):
            raise ValueError("the IDs of a batch must rise")


def _typed(
    written: Mapping[str, str | int | float | bytes],
) -> Mapping[str, object]:
    if unknown := written.keys() - _STATE_FIELDS:
        raise ValueError(f"no fields of a state: {', '.join(sorted(unknown))}")
    if "birth" in written:
        return {**written, "birth": Birth.parse(str(written["birth"]))}
    return written


def _is_pushed(batch: Batch) -> bool:
    """Whether those who watch get it, and need not read."""
    kinds = {new.kind for new in batch.entries}
    size = sum(len(new.record) for new in batch.entries)
    return (
        bool(kinds)
        and kinds <= {Kind.RECORD, Kind.EMERGENCY}
        and len(batch.entries) <= MAX_PUSHED_ENTRIES
        and size <= MAX_PUSHED_BYTES
    )


def _push(batch: Batch, after: Cursor) -> Push:
    entries: list[Entry] = []
    previous = after.id
    for new in batch.entries:
        id = EntryID(batch.generation, new.offset)
        entries.append(Entry(id, previous, new.kind, new.record))
        previous = id
    return Push(
        batch.session, batch.incarnation, after, batch.written_ms, tuple(entries)
    )
