"""Draws the curves of a session: its roll-ups, and the records behind them.

The index is read first and the session second, as in `indexed`. The records that no
roll-up has are read from the stream, by the code of the indexer. If too much of it is
behind the index, the curves end with the index, and say so. A session that is short is
drawn from its records alone, with an index or without one.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tailcast_gateway.sessions.core.series import (
    WHOLE,
    Catalogue,
    Chosen,
    Drawn,
    Span,
    choose,
)
from tailcast_gateway.sessions.indexed import fits
from tailcast_gateway.sessions.reads import Reads
from tailcast_index.fold import Index, Tail, read_metric
from tailcast_index.fold.places import PLACE_RECORDS
from tailcast_index.meaning import Rules
from tailcast_index.rollups import NO_EXTENT, Extent, draw, plan_series
from tailcast_index.rollups.axis import AxisName
from tailcast_index.rollups.plan import MOST_PER_ROW
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.indexes import Place, StoredIndex
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
# How many answers are made at once.
MAX_AT_ONCE = 4
# How often an index may become another one while it is read.
_TRIES: Final = 5


class Unindexed(Exception):
    """A session is too long to be drawn without an index, and has none that fits."""


@dataclass(frozen=True, slots=True)
class _Known:
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
class _Read:
    """An index with the records behind some entry of it."""

    index: Index
    tail: Tail
    # How many records there are before those of the tail, in roll-ups.
    extent: Extent
    records: int
    cursor: Cursor


class Curves:
    """Draws curves, and lists metrics; all methods may raise BrokerError."""

    def __init__(
        self,
        broker: SessionReader,
        reads: Reads,
        *,
        rules: Rules,
        now_ms: Callable[[], int],
    ) -> None:
        self._broker = broker
        self._reads = reads
        # How steps and times are named.
        self._rules = rules
        # Returns the time, Unix milliseconds, by which times are plausible.
        self._now_ms = now_ms
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)

    async def version(self, session: str) -> str:
        """What changes when the index does."""
        return (await self._broker.indexes.ats([session]))[0]

    async def draw(
        self,
        session: str,
        names: Sequence[str] | None,
        *,
        points: int,
        x: AxisName,
        span: Span = WHOLE,
        whole: str | None = None,
    ) -> Drawn:
        """Draw curves. Raises Unindexed.

        Args:
            session: its name.
            names: the metrics; None for the first ones.
            points: how many rows there may be.
            x: what is drawn along.
            span: from where to where on that.
            whole: as for `choose`.
        """
        named = None if names is None else tuple(names)
        key = ("curves", session, named, whole, points, x, span)

        async def read() -> Drawn:
            for _ in range(_TRIES):
                drawn = await self._draw(session, names, points, x, span, whole)
                if drawn is not None:
                    return drawn
            raise BrokerUnavailable("the index becomes another one all the time")

        return await self._reads.share(key, read, turns=self._turns)

    async def metrics(self, session: str) -> Catalogue:
        """All metrics. Raises Unindexed."""

        async def read() -> Catalogue:
            known = await self._known(session, None)
            found = await self._followed(session, known)
            index = found.index
            left_out = len(index.summary(self._now_ms()).left_out.names)
            indexed_to = self._indexed_to(session, known)
            return Catalogue(index.metrics(), left_out, indexed_to)

        return await self._reads.share(("metrics", session), read, turns=self._turns)

    async def _draw(
        self,
        session: str,
        names: Sequence[str] | None,
        points: int,
        x: AxisName,
        span: Span,
        whole: str | None,
    ) -> Drawn | None:
        """The curves; None if the index became another one meanwhile."""
        known = await self._known(session, names)
        found = await self._exact(session, known, points)
        first, end = 0, None
        if found is None:
            found = await self._followed(session, known)
            first, end = await self._range(session, known, x, span)
        first = min(first, found.records)
        chosen = choose(found.index.metrics(), names, whole=whole)
        plan = plan_series(
            found.extent,
            _numbers(known, chosen),
            points=points,
            records=found.records,
            first=first,
            end=end,
            max_exact=0 if found.extent.records else max(1, found.records),
        )
        chunks: Sequence[bytes | None] = ()
        if plan.wanted:
            chunks = await self._broker.indexes.chunks(session, plan.wanted)
            if await self.version(session) != known.stored.at:
                return None
        # The records of the tail from where they are wanted.
        behind = found.tail.added[max(0, first - found.extent.records) :]
        if plan.records_from is None:
            behind = []
        try:
            series = draw(plan, chunks, behind, x=x, low=span.low, high=span.high)
        except ValueError:
            return None
        indexed_to = self._indexed_to(session, known)
        summary = found.index.summary(self._now_ms())
        return Drawn(series, chosen, indexed_to, found.cursor, summary)

    async def _range(
        self, session: str, known: _Known, x: AxisName, span: Span
    ) -> tuple[int, int | None]:
        """Records among which all are that a span has: the first, and those behind.

        They are found by the places of the index. A record beyond the span is not
        farther behind the last place within it than places lie apart.
        """
        low, high = span
        if x == "record":
            first = 0 if low is None else max(0, math.ceil(low))
            return first, None if high is None else max(first, math.floor(high) + 1)
        summary = self._view(session, known).summary(self._now_ms())
        highest = (summary.steps if x == "step" else summary.times).highest
        first, end = 0, None
        if low is not None and (place := await self._before(session, x, low)):
            first = place.records
        if high is not None and highest is not None and highest > high:
            above = math.nextafter(high, math.inf)
            place = await self._before(session, x, above)
            end = None if place is None else place.records + PLACE_RECORDS + 1
        return first, end if end is None else max(first, end)

    async def _before(self, session: str, x: AxisName, value: float) -> Place | None:
        """The last place that is stored at which the run had not reached a value."""
        place_before = self._broker.indexes.place_before
        if x == "step":
            return await place_before(session, step=value)
        return await place_before(session, time_ms=math.ceil(value))

    async def _known(self, session: str, names: Sequence[str] | None) -> _Known:
        indexes = self._broker.indexes
        stored = (await indexes.load([session]))[0]
        metrics: Mapping[str, bytes] = {}
        if stored.at:
            metrics = await indexes.metrics(session, names)
        state = (await self._broker.heads([session]))[0].state
        if state is None:
            raise Unindexed
        end = state.position.last_id
        mean = max(1.0, state.position.offset / max(1, state.records))
        page = max(1, min(FOLDED_ENTRIES, int(FOLDED_BYTES / mean)))
        index = Index.view(session, stored, metrics, self._rules)
        if index is not None and fits(index, state.position.incarnation, end):
            extent = Extent.load(stored.fields["rollups"])
            return _Known(stored, metrics, extent, end, page, names)
        known = _Known(StoredIndex(), {}, NO_EXTENT, end, page, names)
        if state.records > EXACT_RECORDS:
            raise Unindexed
        return await self._made(session, known, state.position.incarnation)

    async def _made(self, session: str, known: _Known, incarnation: str) -> _Known:
        """An index that is made here and now, of a short session."""
        index = Index(session, incarnation=incarnation, rules=self._rules)
        oldest = await self._broker.read_after(session, index.reads_after, limit=1)
        while not await self._fold(session, index, known, known.end, EXACT_BYTES):
            if index.stale is None:
                raise Unindexed
            index.restart(oldest[0] if oldest else None)
        write = index.take_changes()
        if write is None:
            raise Unindexed
        stored = StoredIndex(write.at, write.fields)
        return replace(known, stored=stored, metrics=write.metrics, is_stored=False)

    async def _exact(self, session: str, known: _Known, points: int) -> _Read | None:
        """All records one by one, if they are few and all there."""
        most = min(EXACT_RECORDS, MOST_PER_ROW * points)
        index = self._view(session, known)
        count = index.summary(self._now_ms()).records
        if known.extent.records and max(count, known.extent.records) > most:
            return None
        return await self._read(session, known, known.end, EXACT_BYTES, NO_EXTENT)

    async def _followed(self, session: str, known: _Known) -> _Read:
        """The index with the records behind its roll-ups, as far as can be."""
        at = self._view(session, known).cursor.id
        for to, most in ((known.end, BEHIND_BYTES), (at, ROLLED_BEHIND_BYTES)):
            found = await self._read(session, known, to, most, known.extent)
            if found is not None:
                return found
        # The stream has lost some of the records behind the roll-ups.
        last = known.extent.to
        entry = await self._broker.find(session, last)
        cursor = Cursor(last, 0) if entry is None else entry.cursor
        if not known.extent.records:
            cursor = NOTHING
        index = self._view(session, known)
        return _Read(index, Tail(), known.extent, known.extent.records, cursor)

    async def _read(
        self, session: str, known: _Known, to: EntryID, most: int, extent: Extent
    ) -> _Read | None:
        """The records behind some roll-ups, up to an entry; None if that cannot be."""
        tail = Tail(extent.records, extent.to)
        index = self._view(session, known, tail)
        if not await self._fold(session, index, known, to, most):
            return None
        records = index.summary(self._now_ms()).records
        if tail.records != records:
            return None
        return _Read(index, tail, extent, records, index.cursor)

    async def _fold(
        self, session: str, index: Index, known: _Known, to: EntryID, most: int
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

    def _indexed_to(self, session: str, known: _Known) -> Cursor | None:
        return self._view(session, known).cursor if known.is_stored else None

    def _view(self, session: str, known: _Known, tail: Tail | None = None) -> Index:
        index = Index.view(
            session, known.stored, known.metrics, self._rules, names=known.names,
            tail=tail,
        )  # fmt: skip  # one name a line would hide what they are
        assert index is not None  # noqa: S101  # it was read before
        return index


def _numbers(known: _Known, chosen: Chosen) -> dict[str, int | None]:
    """The numbers of metrics in the roll-ups, None for those that have just come."""
    return {
        name: read_metric(name, known.metrics[name]).number
        if name in known.metrics
        else None
        for name in chosen.names
    }
