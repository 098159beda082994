"""The broker in this process's memory: both ports, for tests and for reading.

What `append.lua` and Redis do, said in Python; the conformance suite holds them
together. Beyond the ports it can forget (`checkpoint`, `roll_back`, `wipe`) and fail on
demand, which is what a model of a broker is for.
"""

import asyncio
import copy
import secrets
import time
from bisect import bisect_left, bisect_right
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any

from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.claims import Claim
from tailcast_streams.entries import Document, Entry, Kind, NewRejection, Rejection
from tailcast_streams.exceptions import BrokerError, BrokerUnavailable
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory.claims import MemoryClaims
from tailcast_streams.memory.client_cursors import MemoryClientCursors, StoredClient
from tailcast_streams.notification import format_moved
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID
from tailcast_streams.session_state import (
    NOTHING_STORED,
    Appended,
    Batch,
    Head,
    SessionState,
    Snapshot,
    StoredEnd,
    StoredPosition,
    Trimmed,
    snapshot_of,
)


MAX_REJECTIONS = 1_000
MAX_DOCUMENTS = 10_000


@dataclass(slots=True)
class _Stream:
    """A stream: entries that rise, and the last ID, which survives trimming."""

    entries: list[Entry] = field(default_factory=list[Entry])
    last_id: EntryID = BEFORE_ALL

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.last_id = entry.id

    def index_after(self, id: EntryID) -> int:
        return bisect_right(self.entries, id, key=lambda entry: entry.id)

    def index_of(self, id: EntryID) -> int:
        return bisect_left(self.entries, id, key=lambda entry: entry.id)


@dataclass(slots=True)
class _Stored:
    """Everything that is lost together when the broker forgets."""

    streams: dict[str, _Stream] = field(default_factory=dict[str, _Stream])
    states: dict[str, SessionState] = field(default_factory=dict[str, SessionState])
    rejected: dict[str, list[tuple[EntryID, NewRejection]]] = field(
        default_factory=dict[str, list[tuple[EntryID, NewRejection]]]
    )
    activity_ms: dict[str, int] = field(default_factory=dict[str, int])
    births: Birth = UNCOUNTED
    seen: set[str] = field(default_factory=set[str])
    begun: set[str] = field(default_factory=set[str])
    # Owner by the monotonic time at which its presence ends, seconds.
    presence: dict[str, float] = field(default_factory=dict[str, float])
    claims: dict[tuple[str, str], Claim] = field(
        default_factory=dict[tuple[str, str], Claim]
    )
    clients: dict[str, StoredClient] = field(default_factory=dict[str, StoredClient])


class MemoryBroker:
    """`SessionWriter` and `SessionReader` in memory."""

    def __init__(self) -> None:
        self._stored = _Stored()
        # One queue for each listener; an error ends it.
        self._listeners: set[asyncio.Queue[BrokerError | str]] = set()
        # Raised by every call while set: the broker is away.
        self.failure: BrokerError | None = None
        # What tailers say to each other.
        self.claims = MemoryClaims(
            lambda: self._stored.claims, reachable=self._reachable
        )
        # What is kept of clients that name themselves.
        self.clients = MemoryClientCursors(
            lambda: self._stored.clients, reachable=self._reachable, wake=self._wake
        )

    # Beyond the ports: what can happen to a broker.

    def checkpoint(self) -> _Stored:
        """What is stored now, for `roll_back`."""
        return copy.deepcopy(self._stored)

    def roll_back(self, checkpoint: _Stored) -> None:
        """Forget what came after a checkpoint; listeners lose their connection."""
        self._stored = copy.deepcopy(checkpoint)
        self.drop_listeners()

    def wipe(self) -> None:
        """Forget everything; listeners lose their connection."""
        self.roll_back(_Stored())

    def drop_listeners(self, error: BrokerError | None = None) -> None:
        """End every `notifications`, as a lost connection does."""
        for queue in self._listeners:
            queue.put_nowait(error or BrokerUnavailable("dropped"))

    def rejections(self, session: str) -> list[tuple[EntryID, NewRejection]]:
        """What was rejected of a session, oldest first."""
        return list(self._stored.rejected.get(session, []))

    def delete(
        self, session: str, *, stream: bool = False, state: bool = False
    ) -> None:
        """Delete a key by hand, as an operator might."""
        if stream:
            self._stored.streams.pop(session, None)
        if state:
            self._stored.states.pop(session, None)

    # What the tailer asks.

    async def settle_installation(self) -> None:
        await self._reachable()

    async def load(self, session: str) -> SessionState | None:
        position = await self._position(session)
        if position == NOTHING_STORED:
            return None
        state = self._stored.states.get(session)
        if state is None:
            return SessionState(position=position)
        return replace(state, position=position)

    async def states(self, sessions: Sequence[str]) -> list[SessionState | None]:
        return [await self.load(session) for session in sessions]

    async def positions(self, sessions: Sequence[str]) -> list[StoredPosition]:
        return [await self._position(session) for session in sessions]

    async def bear(self, session: str, *, activity_ms: int) -> Birth:
        await self.touch({session: activity_ms})
        last = self._stored.births
        number = max(last.number + 1, time.time_ns() // 1_000)
        born = Birth(last.counter or secrets.token_hex(4), number)
        self._stored.births = born
        return born

    async def now_ms(self) -> int:
        await self._reachable()
        return _now_ms()

    async def births(self) -> Birth:
        await self._reachable()
        return self._stored.births

    async def append(self, batch: Batch) -> Appended:
        stored = await self._position(batch.session)
        if stored.is_diverged or self._rejected_diverged(batch, stored):
            return Appended.DIVERGED
        if stored._replace(stream_last_id=BEFORE_ALL) != batch.expected._replace(
            stream_last_id=BEFORE_ALL
        ):
            return Appended.CONFLICT
        _check_rising(batch, stored)
        self._write(batch, stored)
        self._wake(format_moved(batch.session, batch.written_ms))
        return Appended.DONE

    def _rejected_diverged(self, batch: Batch, stored: StoredPosition) -> bool:
        if not batch.rejections:
            return False
        kept = self._stored.rejected.get(batch.session)
        return (kept[-1][0] if kept else BEFORE_ALL) != stored.last_rejected_id

    def _write(self, batch: Batch, stored: StoredPosition) -> None:
        stream = self._stored.streams.setdefault(batch.session, _Stream())
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
            before = replace(
                before,
                emergencies=before.emergencies + len(alarms),
                latest_emergency_id=EntryID(batch.generation, alarms[-1].offset),
                latest_emergency=alarms[-1].record,
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
        self._stored.states[batch.session] = replace(
            before,
            position=position,
            records=before.records + len(records),
            rejected=before.rejected + len(batch.rejections),
            latest=records[-1] if records else before.latest,
            **{**_stamp(batch), **_typed(batch.fields)},  # type: ignore[arg-type]  # names checked there
        )

    async def discard(self, session: str, seen: StoredPosition) -> bool:
        if await self._position(session) != seen:
            return False
        self.delete(session, stream=True, state=True)
        self._stored.rejected.pop(session, None)
        self._wake(format_moved(session, 0))
        return True

    async def trim(self, session: str, before: EntryID) -> Trimmed:
        await self._reachable()
        stream = self._stored.streams.get(session, _Stream())
        count = stream.index_of(before)
        del stream.entries[:count]
        return Trimmed(count, stream.entries[0] if stream.entries else None)

    async def touch(self, activity_ms: Mapping[str, int]) -> None:
        await self._reachable()
        for session, time_ms in activity_ms.items():
            known = self._stored.activity_ms.get(session, 0)
            self._stored.activity_ms[session] = max(known, time_ms)

    async def snapshot(self, session: str) -> Snapshot | None:
        await self._reachable()
        state = self._stored.states.get(session)
        return None if state is None else snapshot_of(state)

    async def snapshots(self, sessions: Sequence[str]) -> list[Snapshot | None]:
        return [await self.snapshot(session) for session in sessions]

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        await self._reachable()
        return {
            session: time_ms
            for session, time_ms in self._stored.activity_ms.items()
            if active_since_ms <= time_ms
            and (active_until_ms is None or time_ms <= active_until_ms)
        }

    async def unlist(self, session: str) -> None:
        await self._reachable()
        self._stored.activity_ms.pop(session, None)

    async def add_document(self, document: Document) -> bool:
        await self._reachable()
        identity = f"{document.path}/{document.sha256}"
        if identity in self._stored.seen:
            return False
        self._stored.seen.add(identity)
        stream = self._stored.streams.setdefault(EMERGENCIES, _Stream())
        details = {
            "session": document.session,
            "path": document.path,
            "news": str(int(document.is_news)),
            "id": identity,
        }
        id = EntryID(1, stream.last_id.offset + 1)
        stream.add(Entry(id, stream.last_id, Kind.EMERGENCY, document.record, details))
        del stream.entries[:-MAX_DOCUMENTS]
        self._wake(format_moved(EMERGENCIES, document.written_ms))
        return True

    async def hold_presence(self, owner: str, *, seconds: float) -> None:
        await self._reachable()
        self._stored.presence[owner] = time.monotonic() + seconds

    async def has_begun(self, tailer: str) -> bool:
        await self._reachable()
        return tailer in self._stored.begun

    async def note_begun(self, tailer: str) -> None:
        await self._reachable()
        self._stored.begun.add(tailer)

    async def is_present(self, owner: str) -> bool:
        await self._reachable()
        return self._stored.presence.get(owner, 0.0) > time.monotonic()

    async def present(self, owners: Sequence[str]) -> set[str]:
        return {owner for owner in owners if await self.is_present(owner)}

    # What the gateway asks.

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        await self._reachable()
        stream = self._stored.streams.get(session, _Stream())
        start = stream.index_after(after)
        return stream.entries[start : start + limit]

    async def read_many_after(
        self, after: Mapping[str, EntryID], *, limit: int
    ) -> dict[str, list[Entry]]:
        await self._reachable()
        found = {
            session: await self.read_after(session, position, limit=limit)
            for session, position in after.items()
        }
        return {session: entries for session, entries in found.items() if entries}

    async def read_before(
        self, session: str, before: EntryID | None, *, limit: int
    ) -> list[Entry]:
        await self._reachable()
        stream = self._stored.streams.get(session, _Stream())
        end = len(stream.entries) if before is None else stream.index_of(before)
        return stream.entries[max(0, end - limit) : end][::-1]

    async def find(self, session: str, id: EntryID) -> Entry | None:
        await self._reachable()
        stream = self._stored.streams.get(session, _Stream())
        at = stream.index_of(id)
        if at < len(stream.entries) and stream.entries[at].id == id:
            return stream.entries[at]
        return None

    async def read_rejected(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Rejection]:
        await self._reachable()
        kept = self._stored.rejected.get(session, [])
        later = [(id, line) for id, line in kept if id > after]
        return [
            Rejection(
                id,
                line.reason,
                line.offset - line.length - 1,
                line.length,
                line.head.decode(errors="replace"),
            )
            for id, line in later[:limit]
        ]

    async def ends(self, sessions: Sequence[str]) -> list[StoredEnd]:
        return [await self._end(session) for session in sessions]

    async def _end(self, session: str) -> StoredEnd:
        position = await self._position(session)
        state = self._stored.states.get(session)
        digest = 0 if state is None else state.last_digest
        return StoredEnd(
            position.incarnation,
            Cursor(position.last_id, digest),
            position.stream_last_id,
        )

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        heads: list[Head] = []
        for session in sessions:
            state = await self.load(session)
            if session not in self._stored.states:
                state = None
            if state is not None:
                state = replace(state, **_LEFT_OUT_OF_HEADS)
            entries = self._stored.streams.get(session, _Stream()).entries
            heads.append(
                Head(
                    state,
                    entries[0] if entries else None,
                    entries[-1] if entries else None,
                )
            )
        return heads

    @asynccontextmanager
    async def notifications(
        self, *, on_foreign: Callable[[], None] | None = None
    ) -> AsyncGenerator[AsyncIterator[str]]:
        del on_foreign  # nobody else speaks here
        await self._reachable()
        queue: asyncio.Queue[BrokerError | str] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield _payloads(queue)
        finally:
            self._listeners.discard(queue)

    async def notify(self, payload: str) -> None:
        await self._reachable()
        self._wake(payload)

    async def aclose(self) -> None:
        """Nothing to close."""

    async def _reachable(self) -> None:
        """Every call's first step, where others may run as they may over a network."""
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure

    async def _position(self, session: str) -> StoredPosition:
        await self._reachable()
        stream = self._stored.streams.get(session)
        last_id = BEFORE_ALL if stream is None else stream.last_id
        state = self._stored.states.get(session)
        known = NOTHING_STORED if state is None else state.position
        return known._replace(stream_last_id=last_id)

    def _wake(self, payload: str) -> None:
        for queue in self._listeners:
            queue.put_nowait(payload)


def _stamp(batch: Batch) -> dict[str, object]:
    return {"appended_ms": _now_ms()} if batch.entries or batch.rejections else {}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _check_rising(batch: Batch, stored: StoredPosition) -> None:
    for last_id, offsets in (
        (stored.last_id, [entry.offset for entry in batch.entries]),
        (stored.last_rejected_id, [line.offset for line in batch.rejections]),
    ):
        ids = [last_id, *(EntryID(batch.generation, offset) for offset in offsets)]
        if any(one >= other for one, other in pairwise(ids)):
            raise ValueError("the IDs of a batch must rise")


_LEFT_OUT_OF_HEADS: dict[str, Any] = {
    "latest": b"", "latest_emergency": b"", "latest_emergency_id": BEFORE_ALL,
    "metrics": b"", "absent_since_ms": 0, "head_proof": "",
    "marker_proof": "",
}  # fmt: skip  # as `SessionState` without them
_STATE_FIELDS = {known.name for known in fields(SessionState)}


def _typed(
    written: Mapping[str, str | int | float | bytes],
) -> Mapping[str, object]:
    if unknown := written.keys() - _STATE_FIELDS:
        raise ValueError(f"no fields of a state: {', '.join(sorted(unknown))}")
    if "birth" in written:
        return {**written, "birth": Birth.parse(str(written["birth"]))}
    return written


async def _payloads(queue: asyncio.Queue[BrokerError | str]) -> AsyncIterator[str]:
    while True:
        payload = await queue.get()
        if isinstance(payload, BrokerError):
            raise payload
        yield payload
