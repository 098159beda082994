"""Decides which entries of a replay are sent that is reduced to some points.

By the roll-ups of the session's index, which name the entries that have extremes: a few
reads, however long the replay is. A replay that is filtered, or whose index is missing,
too far behind, or does not know all that is to be told, is gone through instead, page
by page: that takes as long as the replay, and little memory.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from tailcast_gateway.protocol.breaks import is_record
from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.sessions.core.continuity import (
    Continuity,
    continuation,
    including,
)
from tailcast_gateway.sessions.core.samples import Sample, sample_of
from tailcast_gateway.sessions.curve_reads import Unindexed
from tailcast_gateway.sessions.filtering import filtered
from tailcast_gateway.sessions.reads import MAX_PAGE_ENTRIES, REPLAY_PAGE_BYTES, Reads
from tailcast_gateway.sessions.rollup_samples import RollupSamples
from tailcast_gateway.views.thinning import MAX_FOUND_METRICS, Thinning
from tailcast_gateway.views.view import View
from tailcast_index.meaning import Chooser, Point, Reader, Rules
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.metrics import read_fields
from tailcast_streams.position import Cursor, EntryID


# How many entries are read at a time that were chosen, about so many bytes.
MAX_CHOSEN_READ = 500
# How many entries beside records one sample has; what comes then is another one's.
MAX_OTHERS = 50_000
# How many replays are gone through at once.
MAX_GONE_THROUGH = 2

_TELEMETRY: Final = "telemetry."


class Sampling:
    """Begins replays that are reduced; all methods may raise BrokerError."""

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
        self._rollups = RollupSamples(broker, rules=rules, now_ms=now_ms)
        self._rules = rules
        self._turns = FairSemaphore(MAX_GONE_THROUGH)

    async def begin(
        self, session: str, view: View, after: Cursor, end: Cursor
    ) -> Sample | None:
        """Choose entries between two places.

        Returns None if what follows the first is not there: it is to be looked up.
        """
        shared = None
        if view.where is None:
            key = ("sample", session, view, after, end)
            shared = await self._reads.share(
                key, lambda: self._by_rollups(session, view, after, end)
            )
        if shared is None:
            key = ("thinned", session, view, after, end)
            shared = await self._reads.share(
                key,
                lambda: self._gone_through(session, view, after, end),
                turns=self._turns,
            )
        # Each of those who share it has got another part of it.
        return None if shared is None else replace(shared)

    async def _by_rollups(
        self, session: str, view: View, after: Cursor, end: Cursor
    ) -> Sample | None:
        try:
            return await self._rollups.sample(
                session,
                _names(view),
                points=view.max_points,
                after=after.id,
                end=end,
            )
        except Unindexed:
            return None

    async def entries(
        self, session: str, sample: Sample, record_bytes: float
    ) -> list[Entry | None]:
        """The next entries of a sample, None for those that are gone."""
        count = int(REPLAY_PAGE_BYTES / max(1.0, record_bytes))
        chosen = sample.next(max(1, min(MAX_CHOSEN_READ, count)))
        ids = [one.id for one in chosen if one.id not in sample.known]
        found = dict(zip(ids, await self._broker.find_all(session, ids), strict=True))
        return [sample.known.get(one.id) or found[one.id] for one in chosen]

    async def _gone_through(
        self, session: str, view: View, after: Cursor, end: Cursor
    ) -> Sample | None:
        thinning: Thinning | None = None
        others: list[EntryID] = []
        told: list[Entry] = []
        reading = _Reading(self._rules)
        cursor, limit = after, 64
        while cursor.id < end.id and len(others) + len(told) < MAX_OTHERS:
            found = await self._broker.read_after(
                session, including(cursor.id), limit=limit
            )
            continuity, entries = continuation(cursor, found)
            entries = [entry for entry in entries if entry.id <= end.id]
            if continuity is Continuity.BROKEN or not entries:
                return None
            limit = _limit(found)
            wanted = await filtered(entries, view)
            others += [one.id for one in wanted if one.kind is Kind.EMERGENCY]
            told += [one for one in wanted if not is_record(one)]
            records = [one for one in wanted if one.kind is Kind.RECORD]
            points = [reading.read(one) for one in records]
            if thinning is None and records:
                thinning = Thinning(view.max_points, _names(view) or _found(points))
            for entry, point in zip(records, points, strict=True):
                assert thinning is not None  # noqa: S101  # there are records
                thinning.add(entry.id, _by_name(point))
            cursor = entries[-1].cursor
            # Others have their turn.
            await asyncio.sleep(0)
        kept = () if thinning is None else thinning.chosen()
        goes_on = cursor.id < end.id
        return sample_of(kept, others, cursor, known=told, goes_on=goes_on)


class _Reading:
    """Reads records as their choice is so far."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._chooser = Chooser(rules)
        self._reader = Reader(rules, self._chooser.choice)

    def read(self, entry: Entry) -> Point:
        fields = read_fields(entry.record)
        if self._chooser.look(fields):
            self._reader = Reader(self._rules, self._chooser.choice)
        return self._reader.read(fields, now_ms=0)


def _names(view: View) -> list[str]:
    """The metrics that a view shows, as indexes name them; none for the first ones."""
    if view.projection is None:
        return []
    return [name.removeprefix(_TELEMETRY) for name in view.projection.metrics]


def _found(points: Sequence[Point]) -> list[str]:
    """The first metrics of some records."""
    names = dict.fromkeys(name for point in points for name, _ in point.values)
    return list(names)[:MAX_FOUND_METRICS]


def _by_name(point: Point) -> dict[str, float | str]:
    return dict(point.values)


def _limit(entries: Sequence[Entry]) -> int:
    """How many entries of this size make a page."""
    size = sum(len(one.record) for one in entries) / max(1, len(entries))
    return max(2, min(MAX_PAGE_ENTRIES, int(REPLAY_PAGE_BYTES / max(1.0, size)) + 2))
