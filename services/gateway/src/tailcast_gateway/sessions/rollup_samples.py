"""Which records of a session show its shape: those that its roll-ups name.

The index answers for what is in it and, by the code of the indexer, for what is behind
it. Where it does not know all that is to be told, it does not answer.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from tailcast_gateway.protocol.breaks import is_record
from tailcast_gateway.scheduling.turns import in_thread
from tailcast_gateway.sessions.core.samples import Sample, chosen_ids, sample_of
from tailcast_gateway.sessions.core.series import (
    Chosen,
    others_within,
    rows_for,
    sampled_metrics,
)
from tailcast_gateway.sessions.curve_reads import (
    BEHIND_BYTES,
    CurveReads,
    numbers_of,
)
from tailcast_index.meaning import Reader, Rules
from tailcast_index.rollups import Extent, draw, plan_series
from tailcast_index.rollups.layout import (
    CHUNK_ROWS,
    FACTOR,
    rows_of,
)
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.indexes import LEVELS
from tailcast_streams.metrics import read_fields
from tailcast_streams.position import BEGINNING, Cursor, EntryID


# How near to a place its first and its last record are looked for.
_ENDS_LOOK: Final = 20
# A level with fewer buckets is not looked at to find a place.
_COARSE_ROWS: Final = 32


class _Head(NamedTuple):
    """The records behind an entry, before a bucket begins."""

    # How many records there are up to the entry.
    number: int
    entries: Sequence[Entry]


class RollupSamples:
    """Chooses records by roll-ups; all methods may raise BrokerError."""

    def __init__(
        self, broker: SessionReader, *, rules: Rules, now_ms: Callable[[], int]
    ) -> None:
        self._broker = broker
        self._rules, self._now_ms = rules, now_ms
        self._reading = CurveReads(broker, rules=rules, now_ms=now_ms)

    async def sample(
        self,
        session: str,
        names: Sequence[str],
        *,
        points: int,
        after: EntryID,
        end: Cursor,
    ) -> Sample | None:
        """Which entries show the shape of those between two places.

        Returns None if the index does not know all that is to be told of them. Raises
        Unindexed.

        Args:
            session: its name.
            names: the metrics; none for the first ones.
            points: how many records there may be.
            after: the entry before those.
            end: the last of them.
        """
        known = await self._reading.known(session, None)
        extent = known.extent
        found = await self._reading.read(session, known, end.id, BEHIND_BYTES, extent)
        if found is None or not known.extent.records or found.cursor != end:
            return None
        head = await self._head(session, known.extent, after)
        summary = found.index.summary(self._now_ms())
        index = found.index
        others = others_within(
            summary, index.markers, index.rotations, after=after, end=end.id
        )
        if head is None or others is None:
            return None
        alarms = [id for id in summary.emergency_ids if after < id <= end.id]
        of = found.records - head.number - len(alarms)
        metrics = sampled_metrics(found.index.metrics(), names, points=points)
        plan = plan_series(
            found.extent,
            numbers_of(known, Chosen(metrics)),
            points=rows_for(points, len(metrics)),
            records=found.records,
            first=head.number,
            max_exact=0,
            is_tight=True,
        )
        chunks = await self._broker.indexes.chunks(session, plan.wanted)
        if (await self._broker.indexes.ats([session]))[0] != known.stored.at:
            return None
        behind = found.tail.added[max(0, head.number - found.extent.records) :]
        read = Reader(self._rules, summary.choice).read
        now_ms = self._now_ms()
        ahead = [
            (one.id, read(read_fields(one.record), now_ms=now_ms))
            for one in head.entries
        ]
        try:
            series = await in_thread(
                partial(
                    draw,
                    plan,
                    chunks,
                    behind,
                    head=ahead,
                    x="record",
                    with_extremes=True,
                )
            )
        except ValueError:
            return None
        ends = await self._ends(session, after, end.id)
        apart = {*alarms, *others}
        kept = chosen_ids(
            *(
                [id for id in some if after < id <= end.id and id not in apart]
                for some in (ends, series.extremes, series.nonfinite)
            ),
            points=points,
            of=of,
        )
        return sample_of(kept, [*alarms, *others], end)

    async def _ends(self, session: str, after: EntryID, end: EntryID) -> list[EntryID]:
        """The first and the last record between two entries, if they are near."""
        later = await self._broker.read_after(session, after, limit=_ENDS_LOOK)
        behind = EntryID(end.generation, end.offset + 1)
        before = await self._broker.read_before(session, behind, limit=_ENDS_LOOK)
        ends = [
            next((one.id for one in some if one.kind is Kind.RECORD), None)
            for some in (later, before)
        ]
        return [id for id in ends if id is not None]

    async def _head(self, session: str, extent: Extent, id: EntryID) -> "_Head | None":
        """Where what follows an entry begins in roll-ups; None if that is not known.

        Level by level it is found in which bucket it is; of that what follows is read.
        """
        if id <= BEGINNING:
            return _Head(0, ())
        rows = rows_of(extent.rolled)
        passed, level = 0, len(rows) - 1
        while level > 0 and rows[level] < _COARSE_ROWS:
            level -= 1
        for at in range(level, -1, -1):
            passed *= FACTOR if at < level else 1
            stop = rows[at] if at == level else min(rows[at], passed + 2 * CHUNK_ROWS)
            reached = await self._reading.reached(session, at, range(passed, stop))
            if reached is None:
                return None
            passed += sum(one.id <= id for one in reached)
        if passed >= rows[0]:
            # It is behind all that is in complete chunks: few records are left.
            return None
        ends = await self._reading.reached(session, 0, range(passed, passed + 1))
        if not ends:
            return None
        rest = await self._broker.read_after(session, id, limit=2 * LEVELS[0])
        behind = [one for one in rest if one.id <= ends[0].id]
        if len(behind) == len(rest):
            return None
        records = [one for one in behind if is_record(one)]
        first = 1 + (passed + 1) * LEVELS[0]
        return _Head(first - len(records), records)
