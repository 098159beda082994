"""Reads the records of a short part of a long session one by one, to draw them as rows.

From the place before that part the stream is read, as far as it is there: what was
trimmed has only its roll-ups. So are the buckets read in which the run fell back.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tailcast_gateway.protocol.breaks import is_record
from tailcast_gateway.sessions.core.series import Span
from tailcast_gateway.sessions.curve_reads import (
    EXACT_BYTES,
    FOLDED_ENTRIES,
    CurveReads,
)
from tailcast_index.fold import Index
from tailcast_index.fold.places import PLACE_RECORDS
from tailcast_index.rollups import Extent
from tailcast_index.rollups.axis import AxisName
from tailcast_index.rollups.records import Record
from tailcast_streams.broker import SessionReader
from tailcast_streams.indexes import LEVELS
from tailcast_streams.position import BEFORE_ALL, EntryID


class PartStart(NamedTuple):
    """Where a part begins, or before that."""

    # The entry behind which it is, and how many records there are up to that.
    after: EntryID = BEFORE_ALL
    records: int = 0


class RawPart(NamedTuple):
    """Some records, one behind the other."""

    # How many there are before them.
    first: int
    records: Sequence[Record]


class RawReads:
    """Reads records; all methods may raise BrokerError."""

    def __init__(
        self, broker: SessionReader, reading: CurveReads, *, now_ms: Callable[[], int]
    ) -> None:
        self._broker = broker
        self._reading = reading
        self._now_ms = now_ms

    async def part(
        self,
        session: str,
        index: Index,
        start: PartStart,
        x: AxisName,
        span: Span,
        most: int,
    ) -> RawPart | None:
        """The records from a place on, up to the first that is beyond the span.

        Returns None if they are more than so many beside those before the span, or if
        the stream does not have them all.

        Args:
            session: its name.
            index: how its records are read.
            start: where to begin to read.
            x: the axis of the span.
            span: from where to where.
            most: how many records there may be.
        """
        records: list[Record] = []
        after, size = start.after, 0
        most += PLACE_RECORDS + 1
        while len(records) <= most and size <= EXACT_BYTES:
            entries = await self._broker.read_after(
                session, after, limit=FOLDED_ENTRIES
            )
            if entries and entries[0].previous != after:
                return None
            for entry in entries:
                if is_record(entry):
                    size += len(entry.record)
            found = index.points_of(entries, now_ms=self._now_ms())
            records += found
            is_over = len(entries) < FOLDED_ENTRIES
            if is_over or _is_beyond(span, x, start.records, records, len(found)):
                return RawPart(start.records, records)
            after = entries[-1].id
            # Others have their turn.
            await asyncio.sleep(0)
        return None

    async def divided(
        self, session: str, index: Index, extent: Extent, buckets: Sequence[int]
    ) -> Mapping[int, Sequence[Record]]:
        """The records of buckets of the first level, of those that the stream has.

        Args:
            session: its name.
            index: how its records are read.
            extent: how far its roll-ups go.
            buckets: which buckets.
        """
        found: dict[int, Sequence[Record]] = {}
        for bucket in buckets:
            first = 1 + bucket * LEVELS[0]
            start = await self.start_at(session, extent, first)
            if start is None:
                continue
            before = first - start.records
            # Twice as many, as entries that are no records may be among them.
            entries = await self._broker.read_after(
                session, start.after, limit=before + 2 * LEVELS[0]
            )
            if not entries or entries[0].previous != start.after:
                continue
            records = index.points_of(entries, now_ms=self._now_ms())[before:]
            if len(records) >= LEVELS[0]:
                found[bucket] = records[: LEVELS[0]]
        return found

    async def start_at(
        self, session: str, extent: Extent, number: int
    ) -> PartStart | None:
        """A place at most a chunk before a record; None if roll-ups do not have it."""
        if extent.rolled and number >= extent.rolled:
            return PartStart(extent.rolled_to, extent.rolled)
        before = (number - 1) // LEVELS[0]
        if before <= 0:
            return PartStart()
        row = before - 1
        reached = await self._reading.reached(session, 0, range(row, row + 1))
        if not reached:
            return None
        return PartStart(reached[0].id, 1 + before * LEVELS[0])


def _is_beyond(
    span: Span,
    x: AxisName,
    first: int,
    records: Sequence[Record],
    new: int,
) -> bool:
    """Whether the last of these records are beyond a span."""
    high = math.inf if span.high is None else span.high
    if x == "record":
        return first + len(records) > high + 1
    for _, point in records[len(records) - new :]:
        value = point.step if x == "step" else point.time_ms
        if value is not None and value > high:
            return True
    return False
