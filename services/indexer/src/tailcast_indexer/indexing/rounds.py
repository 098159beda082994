"""The rounds: some sessions that moved are read together, folded, and written.

Sessions that are up to date are read once in each tick, or in two while little comes;
those that are behind between the ticks too. What is written is compared: if somebody
else wrote meanwhile, an index is read anew and goes on from there. So nothing here need
be right about who else works on a session, or about what the broker has forgotten.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from time import monotonic

from tailcast_index.fold import Index, Stale
from tailcast_indexer.core.queue import Queue
from tailcast_indexer.core.shelf import Held, Shelf
from tailcast_indexer.core.slices import is_little, slices_of
from tailcast_indexer.indexing.loading import Loading
from tailcast_indexer.indexing.writing import Writing
from tailcast_indexer.instruments import Instruments
from tailcast_indexer.link import Link, is_of_one
from tailcast_service.pauses import wait_or_timeout
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.position import BEFORE_ALL, Cursor


# Sessions that one round reads.
SESSIONS_AT_ONCE = 64
# How much one round reads, about, and of each session at most.
ROUND_BYTES = 4 * 1_048_576
MOST_ENTRIES = 4_000
# How long the loop may be kept busy before others have their turn.
BUSY_SECONDS = 0.005
# How long a session is left alone over which something failed.
ASIDE_SECONDS = 60.0
# How much is folded of one session before it is written, whatever the time.
WRITE_BYTES = 16 * 1_048_576


class Rounds:
    """Keeps the indexes of the sessions in a queue up to date."""

    def __init__(
        self,
        reader: SessionReader,
        link: Link,
        queue: Queue,
        shelf: Shelf,
        *,
        exhausted: dict[str, Cursor],
        loading: Loading,
        writing: Writing,
        instruments: Instruments,
        write_interval: float,
        kept_bytes: int,
    ) -> None:
        """Prepare.

        Args:
            reader: the broker.
            link: knows which sessions are ours.
            queue: has what is to be read.
            shelf: has the indexes in memory.
            exhausted: gets where sessions end of whose entries none is left to read.
            loading: reads indexes.
            writing: writes them.
            instruments: is told what is done.
            write_interval: from one write of an index to the next, seconds.
            kept_bytes: how much memory indexes may take.
        """
        self._reader = reader
        self._link = link
        self._queue = queue
        self._shelf = shelf
        self._exhausted = exhausted
        self._loading = loading
        self._writing = writing
        self._instruments = instruments
        self._interval = write_interval
        self._kept_bytes = kept_bytes
        # Set when something moved.
        self._has_moved = asyncio.Event()

    def wake(self) -> None:
        """Something moved."""
        self._has_moved.set()

    async def run(self) -> None:
        """Work until cancelled."""
        next_tick = moved_at = 0.0
        while True:
            await self._link.wait_until_up()
            now = monotonic()
            if now >= next_tick:
                next_tick = now + self._interval
                moved_at = now if self._queue.has_moved else moved_at
                self._queue.tick(now)
                await self._guarded(self._writing.due_to_rest(now), rests=True)
            if names := self._queue.take(SESSIONS_AT_ONCE):
                await self._guarded(names)
                await asyncio.sleep(0)
                continue
            if self._queue.has_moved:
                # Hints are heard together, an interval after those before them: right
                # after a tick perhaps, which found nothing.
                next_tick = moved_at + self._interval
            self._has_moved.clear()
            is_idle = self._queue.is_idle and not self._writing.has_resting
            pause = None if is_idle else max(0.0, next_tick - monotonic())
            await wait_or_timeout(self._has_moved, pause)

    async def drain(self) -> None:
        """Write what was folded; whatever fails then is folded again by another."""
        dirty = [name for name in self._shelf if self._is_dirty(name)]
        for start in range(0, len(dirty), SESSIONS_AT_ONCE):
            await self._guarded(dirty[start : start + SESSIONS_AT_ONCE], rests=True)

    @property
    def unwritten(self) -> int:
        """How many indexes in memory are further than what is stored."""
        return sum(map(self._is_dirty, self._shelf))

    def _is_dirty(self, session: str) -> bool:
        held = self._shelf.get(session)
        return held is not None and (held.is_dirty or held.pending is not None)

    async def _guarded(self, names: Sequence[str], *, rests: bool = False) -> None:
        """One round; what fails concerns its sessions alone."""
        if not names:
            return
        try:
            if rests:
                await self._writing.write(names, rests=True)
            else:
                await self._round(names)
        except Exception as error:  # noqa: BLE001  # others go on
            if isinstance(error, BrokerError) and not is_of_one(error):
                self._link.lost(error, "sessions")
                self._queue.again(names)
            elif len(names) == 1:
                self._failed(names[0], error)
            else:
                await self._each_alone(names, rests=rests)

    async def _each_alone(self, names: Sequence[str], *, rests: bool) -> None:
        """Find out which of some sessions it was over which something failed."""
        for number, name in enumerate(names):
            if not self._link.is_up:
                self._queue.again(names[number:])
                return
            await self._guarded([name], rests=rests)

    def _failed(self, session: str, error: Exception) -> None:
        if isinstance(error, BrokerError):
            self._link.lost(error, session)
        else:
            self._instruments.defect(session, error)
        self._put_aside(session)

    def _put_aside(self, session: str) -> None:
        self._shelf.drop(session)
        self._queue.put_aside(session, until=monotonic() + ASIDE_SECONDS)

    async def _round(self, names: Sequence[str]) -> None:
        ours = [name for name in names if self._link.keeps(name)]
        await self._let_go([name for name in names if name not in set(ours)])
        held = await self._hold(ours)
        reading = {name: one for name, one in held.items() if one.pending is None}
        limit = limit_of(list(reading.values()))
        pages = await self._read(reading, limit)
        for name, one in reading.items():
            await self._fold(name, one, pages.get(name, ()))
        now = monotonic()
        full = {name for name, page in pages.items() if len(page) >= limit}
        await self._writing.write(
            [name for name, one in held.items() if self._is_due(one, name in full, now)]
        )
        for name in held:
            self._go_on(name, pages.get(name, ()), is_full=name in full)
        await self._make_room()

    async def _let_go(self, names: Sequence[str]) -> None:
        """Leave sessions to another indexer."""
        await self._writing.write([name for name in names if self._is_dirty(name)])
        for name in names:
            self._shelf.drop(name)
            self._queue.forget(name)

    async def _hold(self, names: Sequence[str]) -> Mapping[str, Held]:
        """The indexes of sessions, without those that are gone."""
        for name in names:
            one = self._shelf.get(name)
            if one is not None and one.is_doubtful:
                self._shelf.drop(name)
        missing = [name for name in names if self._shelf.get(name) is None]
        for name, one in (await self._loading.take_up(missing)).items():
            self._shelf.put(name, one)
        held = {name: one for name in names if (one := self._shelf.use(name))}
        for name in names:
            if name not in held:
                self._queue.forget(name)
        return held

    async def _read(
        self, held: Mapping[str, Held], limit: int
    ) -> Mapping[str, Sequence[Entry]]:
        stale = {name: one for name, one in held.items() if one.index.stale}
        if stale:
            await asyncio.gather(
                *(self._make_ready(name, one.index) for name, one in stale.items())
            )
        after = {name: one.index.reads_after for name, one in held.items()}
        return await self._reader.read_many_after(after, limit=limit) if after else {}

    async def _make_ready(self, session: str, index: Index) -> None:
        """Have an index that is stale begin again."""
        while (stale := index.stale) is not None:
            self._instruments.made_anew(session, stale.value)
            oldest = await self._reader.read_after(session, BEFORE_ALL, limit=1)
            index.restart(oldest[0] if oldest else None)
            while index.missing:
                chunks = await self._reader.indexes.chunks(session, index.missing)
                index.give(chunks)

    async def _fold(self, session: str, held: Held, page: Sequence[Entry]) -> None:
        if not page:
            return
        written_ms = self._queue.take_written_ms(session)
        size = sum(len(entry.record) for entry in page)
        held.record_bytes = max(1, size // len(page))
        held.is_dirty = True
        index = held.index
        has_oldest = index.reads_after == BEFORE_ALL
        await self._fold_all(index, page, written_ms)
        while has_oldest and index.stale is Stale.CHOICE:
            # Mostly the first records of all show how they are to be read.
            self._instruments.made_anew(session, index.stale.value)
            index.restart(page[0])
            after = index.reads_after
            await self._fold_all(
                index, [one for one in page if after < one.id], written_ms
            )
        held.unwritten_bytes += size
        self._instruments.folded(records=len(page), size=size)

    async def _fold_all(
        self, index: Index, page: Sequence[Entry], written_ms: int
    ) -> None:
        """Fold a page, as far as the index does not get stale."""
        began = monotonic()
        for entries in slices_of(page):
            index.fold(
                entries, now_ms=time.time_ns() // 1_000_000, written_ms=written_ms
            )
            if index.stale is not None:
                break
            if monotonic() - began >= BUSY_SECONDS:
                # Others have their turn.
                await asyncio.sleep(0)
                began = monotonic()

    def _is_due(self, held: Held, is_full: bool, now: float) -> bool:
        if held.index.stale is not None:
            return False
        return (
            not is_full
            or held.pending is not None
            or now - held.written_at >= self._interval
            or held.unwritten_bytes >= WRITE_BYTES
        )

    def _go_on(self, session: str, page: Sequence[Entry], *, is_full: bool) -> None:
        held = self._shelf.get(session)
        if held is None:
            # It was refused: it is read anew.
            self._queue.again([session])
        elif held.pending is not None:
            # There was no room, or no answer.
            self._queue.moved(session, monotonic())
        elif is_full or held.index.stale is not None:
            self._queue.again([session])
        else:
            self._queue.done(session, was_little=is_little(page))
            if held.index.cursor.id < held.end.id:
                # What is missing was trimmed, all of it.
                self._exhausted[session] = held.end

    async def _make_room(self) -> None:
        surplus = self._shelf.surplus(self._kept_bytes)
        await self._writing.write([name for name in surplus if self._is_dirty(name)])
        for name in surplus:
            if not self._is_dirty(name):
                self._shelf.drop(name)
                self._instruments.evicted()


def limit_of(held: Sequence[Held]) -> int:
    """How many entries to read of each of these sessions."""
    record_bytes = sum(one.record_bytes for one in held)
    return max(1, min(MOST_ENTRIES, ROUND_BYTES // max(1, record_bytes)))
