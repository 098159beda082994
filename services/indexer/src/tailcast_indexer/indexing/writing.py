"""Writes indexes, by comparison: what was refused is read anew."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic

from tailcast_indexer.core.queue import Queue
from tailcast_indexer.core.shelf import Held, Shelf
from tailcast_indexer.instruments import Instruments
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerFull, KeySpoiled
from tailcast_streams.indexes import IndexWrite, Written


# How long after its last write a session rests: then its latest record is written. More
# than passes from write to write where little comes.
REST_SECONDS = 3.0
# How often an index is made anew, at most, of which another program writes keys.
ANEW_SECONDS = 60.0
# How much goes in one pipeline, about.
PIPELINE_BYTES = 4 * 1_048_576


class Writing:
    """Writes what was folded of the indexes in memory."""

    def __init__(
        self,
        reader: SessionReader,
        queue: Queue,
        shelf: Shelf,
        *,
        on_spoiled: Callable[[], None],
        instruments: Instruments,
    ) -> None:
        self._indexes = reader.indexes
        self._emergencies = reader.emergencies
        self._queue = queue
        self._shelf = shelf
        # Called when another program wrote a key of the kept emergencies.
        self._on_spoiled = on_spoiled
        self._instruments = instruments
        # Of which sessions the index was made anew since another program wrote a key of
        # it, and when, monotonic seconds.
        self._made_anew: dict[str, float] = {}
        # Held while one is.
        self._makes_anew = asyncio.Lock()
        # When sessions will have rested, monotonic seconds.
        self._rests_at: dict[str, float] = {}

    @property
    def has_resting(self) -> bool:
        """Whether some sessions have yet to be written because they rest."""
        return bool(self._rests_at)

    def due_to_rest(self, now: float) -> list[str]:
        """Sessions that have rested and are written for that; each is named once."""
        due = [name for name, at in self._rests_at.items() if at <= now]
        for name in due:
            del self._rests_at[name]
        return due

    async def write(self, sessions: Sequence[str], *, rests: bool = False) -> None:
        """Write what changed of sessions. Raises BrokerError; all can be repeated."""
        batch: list[IndexWrite] = []
        size = 0
        for session in sessions:
            write = self._changes_of(session, rests=rests)
            if write is None:
                continue
            batch.append(write)
            size += size_of(write)
            if size >= PIPELINE_BYTES:
                await self._send(batch)
                batch, size = [], 0
        if batch:
            await self._send(batch)

    def _changes_of(self, session: str, *, rests: bool) -> IndexWrite | None:
        held = self._shelf.get(session)
        if held is None or held.is_doubtful:
            return None
        if held.pending is None and held.index.stale is None:
            held.pending = held.index.take_changes(is_resting=rests)
            if (held.is_dirty and not rests) or held.index.drops_more:
                self._rests_at[session] = monotonic() + REST_SECONDS
            held.is_dirty = False
            held.unwritten_bytes = 0
        return held.pending

    async def _send(self, writes: Sequence[IndexWrite]) -> None:
        began = monotonic()
        try:
            # Before the indexes: what these have read is kept, whatever happens.
            await self._keep_emergencies(writes)
            answers = await self._indexes.write(writes)
        except BrokerFull:
            # What is pending is offered again at the next tick.
            self._instruments.broker.full()
            return
        except KeySpoiled:
            # Likewise, when the audit has mended the kept emergencies.
            self._on_spoiled()
            return
        now = monotonic()
        self._instruments.wrote(
            len(writes), size=sum(map(size_of, writes)), seconds=now - began
        )
        for write, answer in zip(writes, answers, strict=True):
            self._take(write, answer, now)
            if answer is Written.FOREIGN:
                await self.make_anew(write.session)

    async def make_anew(self, session: str) -> None:
        """Have an index made anew of which another program wrote a key.

        A write and the audit may find the same key, one of them before the other has
        mended it: so it is looked at once more.
        """
        async with self._makes_anew:
            (is_spoiled,) = await self._indexes.spoiled([session])
            if is_spoiled:
                await self._make_anew(session)

    async def _make_anew(self, session: str) -> None:
        now = monotonic()
        recently = {
            name: at for name, at in self._made_anew.items() if now - at < ANEW_SECONDS
        }
        self._made_anew = recently
        self._instruments.foreign(session)
        self._shelf.drop(session)
        if (at := recently.get(session)) is not None:
            self._queue.put_aside(session, until=at + ANEW_SECONDS)
            return
        recently[session] = now
        await self._indexes.discard(session)
        self._queue.again([session])

    async def _keep_emergencies(self, writes: Sequence[IndexWrite]) -> None:
        some = [one.emergencies for one in writes if one.emergencies is not None]
        if some:
            dropped = await self._emergencies.keep(some)
            found = sum(len(one.found) for one in some)
            self._instruments.emergencies_kept(found, dropped=dropped)

    def _take(self, write: IndexWrite, answer: Written, now: float) -> None:
        session = write.session
        held = self._shelf.get(session)
        if held is None:
            return
        if answer is Written.DONE:
            self._written(held, now)
            self._shelf.weigh(session, len(write.metrics))
        elif answer is Written.CONFLICT:
            self._instruments.conflict(session)
            self._shelf.drop(session)
            self._queue.again([session])

    def _written(self, held: Held, now: float) -> None:
        held.pending = None
        held.written_at = now


def size_of(write: IndexWrite) -> int:
    """How many bytes a write sends, about."""
    values = (*write.fields.values(), *write.metrics.values(), *write.chunks.values())
    return 200 + sum(map(len, values)) + 100 * (len(values) + len(write.places))
