"""Reads an index of a session, and the records behind it: what curves are drawn from.

The index is read first and the session second, as in `indexed`. The records that no
roll-up has are read from the stream, by the code of the indexer. If too much of it is
behind the index, what is known ends with the index. A session that is short has its
index made here and now.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tailcast_gateway.sessions.core.series import Chosen
from tailcast_gateway.sessions.indexed import fitting
from tailcast_gateway.sessions.making import Making
from tailcast_index.fold import Index, Tail, read_metric
from tailcast_index.meaning import Rules
from tailcast_index.rollups import NO_EXTENT, Extent
from tailcast_index.rollups.layout import CHUNK_ROWS, Reached, field, read_reached
from tailcast_index.rollups.plan import MOST_PER_ROW
from tailcast_streams.broker import SessionReader
from tailcast_streams.indexes import LEVELS, StoredIndex
from tailcast_streams.position import NOTHING, Cursor, EntryID


# How many records, and bytes of them, are drawn one by one.
EXACT_RECORDS = 5_000
EXACT_BYTES = 4 * 1024 * 1024
# How many bytes may be behind the index, and behind its roll-ups but not behind it.
BEHIND_BYTES = 2 * 1024 * 1024
ROLLED_BEHIND_BYTES = 16 * 1024 * 1024
# How many entries are read and folded at once, and how many bytes that should be.
FOLDED_ENTRIES = 256
FOLDED_BYTES = 256 * 1024


class Unindexed(Exception):
    """A session is too long to be drawn without an index, and has none that fits."""


@dataclass(frozen=True, slots=True)
class KnownIndex:
    """An index and its session, read one after the other."""

    stored: StoredIndex
    metrics: Mapping[str, bytes]
    extent: Extent
    # The last entry of the session, and how many entries are read at once.
    end: EntryID
    page: int
    # Those metrics that matter; None for all.
    names: Sequence[str] | None
    # Whether the index is stored, and not made here.
    is_stored: bool = True


@dataclass(frozen=True, slots=True)
class Followed:
    """An index with the records behind some entry of it."""

    index: Index
    tail: Tail
    # How many records there are before those of the tail, in roll-ups.
    extent: Extent
    records: int
    cursor: Cursor


class CurveReads:
    """Reads indexes with what is behind them; all methods may raise BrokerError."""

    def __init__(
        self, broker: SessionReader, *, rules: Rules, now_ms: Callable[[], int]
    ) -> None:
        self._broker = broker
        # How steps and times are named.
        self._rules = rules
        # Returns the time, Unix milliseconds, by which times are plausible.
        self._now_ms = now_ms
        self._making = Making(broker, rules=rules, now_ms=now_ms)

    async def known(self, session: str, names: Sequence[str] | None) -> KnownIndex:
        """The index of a session, of these metrics or all. Raises Unindexed."""
        indexes = self._broker.indexes
        ((stored, metrics),) = await indexes.whole([session], names)
        head = (await self._broker.heads([session]))[0]
        if (state := head.state) is None:
            raise Unindexed
        end = state.position.last_id
        mean = max(1.0, state.position.offset / max(1, state.records))
        page = max(1, min(FOLDED_ENTRIES, int(FOLDED_BYTES / mean)))
        index = Index.view(session, stored, metrics, self._rules)
        if fitting(index, state.position.incarnation, end) is not None:
            extent = Extent.load(stored.fields["rollups"])
            return KnownIndex(stored, metrics, extent, end, page, names)
        if state.records > EXACT_RECORDS:
            raise Unindexed
        made = await self._making.make(session, head, most_bytes=EXACT_BYTES)
        if made is None or not made.kept.stored.at:
            raise Unindexed
        stored, metrics = made.kept
        return KnownIndex(stored, metrics, NO_EXTENT, end, page, names, is_stored=False)

    async def exact(
        self, session: str, known: KnownIndex, points: int
    ) -> Followed | None:
        """All records one by one, if they are few and all there."""
        most = min(EXACT_RECORDS, MOST_PER_ROW * points)
        index = self.view(session, known)
        count = index.summary(self._now_ms()).records
        if known.extent.records and max(count, known.extent.records) > most:
            return None
        return await self.read(session, known, known.end, EXACT_BYTES, NO_EXTENT)

    async def followed(self, session: str, known: KnownIndex) -> Followed:
        """The index with the records behind its roll-ups, as far as can be."""
        at = self.view(session, known).cursor.id
        for to, most in ((known.end, BEHIND_BYTES), (at, ROLLED_BEHIND_BYTES)):
            found = await self.read(session, known, to, most, known.extent)
            if found is not None:
                return found
        # The stream has lost some of the records behind the roll-ups.
        last = known.extent.to
        entry = await self._broker.find(session, last)
        cursor = Cursor(last, 0) if entry is None else entry.cursor
        if not known.extent.records:
            cursor = NOTHING
        index = self.view(session, known)
        return Followed(index, Tail(), known.extent, known.extent.records, cursor)

    async def read(
        self, session: str, known: KnownIndex, to: EntryID, most: int, extent: Extent
    ) -> Followed | None:
        """The records behind some roll-ups, up to an entry; None if that cannot be."""
        tail = Tail(extent.records, extent.to, names=known.names)
        index = self.view(session, known, tail)
        if not await self._fold(session, index, known, to, most):
            return None
        records = index.summary(self._now_ms()).records
        if tail.records != records:
            return None
        return Followed(index, tail, extent, records, index.cursor)

    async def _fold(
        self, session: str, index: Index, known: KnownIndex, to: EntryID, most: int
    ) -> bool:
        """Read on up to an entry; False if it is too far, or if the index is stale."""
        after, size = index.reads_after, 0
        while after < to and size <= most:
            found = await self._broker.read_after(session, after, limit=known.page)
            entries = [one for one in found if one.id <= to]
            if not entries:
                break
            size += sum([len(one.record) for one in entries])
            index.fold(entries, now_ms=self._now_ms())
            if index.stale is not None:
                return False
            after = entries[-1].id
            # Others have their turn.
            await asyncio.sleep(0)
        return index.cursor.id == to

    async def reached(
        self, session: str, level: int, rows: range
    ) -> Sequence[Reached] | None:
        """What was reached at the ends of some buckets; None if it is not there."""
        chunks = range(rows.start // CHUNK_ROWS, -(-rows.stop // CHUNK_ROWS))
        wanted = [(LEVELS[level], field(chunk)) for chunk in chunks]
        stored = await self._broker.indexes.chunks(session, wanted)
        if any(one is None for one in stored):
            return None
        try:
            found = [row for one in stored for row in read_reached(one or b"")]
        except ValueError:
            return None
        skipped = rows.start - chunks.start * CHUNK_ROWS
        return found[skipped : skipped + len(rows)]

    def indexed_to(self, session: str, known: KnownIndex) -> Cursor | None:
        """Up to where the stored index goes; None if it was made here."""
        return self.view(session, known).cursor if known.is_stored else None

    def view(self, session: str, known: KnownIndex, tail: Tail | None = None) -> Index:
        """The index, to be read on from; what is read is given to the tail."""
        index = Index.view(
            session, known.stored, known.metrics, self._rules, names=known.names,
            tail=tail,
        )  # fmt: skip  # one name a line would hide what they are
        assert index is not None  # noqa: S101  # it was read before
        return index


def numbers_of(known: KnownIndex, chosen: Chosen) -> dict[str, int | None]:
    """The numbers of metrics in the roll-ups, None for those that have just come."""
    return {
        name: read_metric(name, known.metrics[name]).number
        if name in known.metrics
        else None
        for name in chosen.names
    }
