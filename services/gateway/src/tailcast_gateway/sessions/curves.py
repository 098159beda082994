"""Draws the curves of a session: its roll-ups, and the records behind them.

If too much is behind the index, the curves end with the index, and say so. A session
that is short is drawn from its records alone, with an index or without one.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.scheduling.turns import in_thread
from tailcast_gateway.sessions.core.series import (
    WHOLE,
    Catalogue,
    Drawn,
    Span,
    choose,
)
from tailcast_gateway.sessions.curve_reads import (
    CurveReads,
    Followed,
    KnownIndex,
    Unindexed,
    numbers_of,
)
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_gateway.sessions.raw_reads import PartStart, RawPart, RawReads
from tailcast_gateway.sessions.reads import Reads
from tailcast_index.fold import Index
from tailcast_index.fold.places import PLACE_RECORDS
from tailcast_index.meaning import Rules
from tailcast_index.rollups import NO_EXTENT, Series, draw, plan_series
from tailcast_index.rollups.axis import AxisName
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.indexes import LEVELS, Place


# How many answers are made at once.
MAX_AT_ONCE = 4
# How often an index may become another one while it is read.
_TRIES: Final = 5


class _Asked(NamedTuple):
    """What is drawn."""

    # The metrics, None for the first ones; for the whole see `choose`.
    names: Sequence[str] | None
    whole: str | None
    points: int
    x: AxisName
    span: Span


class _Picture(NamedTuple):
    """Curves that are drawn."""

    series: Series
    # How many records its largest buckets have, 1 for records alone.
    bucket: int


class Curves:
    """Draws curves, and lists metrics; all methods may raise BrokerError."""

    def __init__(
        self,
        broker: SessionReader,
        reads: Reads,
        *,
        isolation: SessionIsolation,
        rules: Rules,
        now_ms: Callable[[], int],
    ) -> None:
        self._broker = broker
        self._reads = reads
        self._reading = CurveReads(broker, rules=rules, now_ms=now_ms)
        self._raw_reads = RawReads(broker, self._reading, now_ms=now_ms)
        # Says that one session cannot be read.
        self._isolation = isolation
        # Returns the time, Unix milliseconds, by which times are plausible.
        self._now_ms = now_ms
        self._turns = FairSemaphore(MAX_AT_ONCE)

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
        asked = _Asked(names and tuple(names), whole, points, x, span)
        key = ("curves", session, asked)

        async def read() -> Drawn:
            for _ in range(_TRIES):
                drawn = await self._draw(session, asked)
                if drawn is not None:
                    return drawn
            raise BrokerUnavailable("the index becomes another one all the time")

        with self._isolation.only(session, Unindexed):
            return await self._reads.share(key, read, turns=self._turns)

    async def metrics(self, session: str) -> Catalogue:
        """All metrics. Raises Unindexed."""

        async def read() -> Catalogue:
            known = await self._reading.known(session, None)
            found = await self._reading.followed(session, known)
            index = found.index
            summary = index.summary(self._now_ms())
            indexed_to = self._reading.indexed_to(session, known)
            return Catalogue(index.metrics(), indexed_to, summary)

        with self._isolation.only(session, Unindexed):
            return await self._reads.share(
                ("metrics", session), read, turns=self._turns
            )

    async def _draw(self, session: str, asked: _Asked) -> Drawn | None:
        """The curves; None if the index became another one meanwhile."""
        names, points, x, span = asked.names, asked.points, asked.x, asked.span
        known = await self._reading.known(session, names)
        found = await self._reading.exact(session, known, points)
        start, end, part = PartStart(), None, None
        if found is None:
            found = await self._reading.followed(session, known)
            start, end, about = await self._range(session, known, x, span)
            stop = min(about or found.records, found.records)
            part = await self._raw(session, asked, found, start, stop)
        chosen = choose(found.index.metrics(), names, whole=asked.whole)
        numbers = numbers_of(known, chosen)
        within = start, end
        drawn = None
        if part is not None:
            drawn = _drawn_raw(part, found.index, numbers, asked, within)
        if drawn is None:
            drawn = await self._rolled(session, asked, known, found, numbers, within)
        if drawn is None:
            return None
        return Drawn(
            drawn.series,
            chosen,
            self._reading.indexed_to(session, known),
            found.cursor,
            found.index.summary(self._now_ms()),
            drawn.bucket,
        )

    async def _rolled(
        self,
        session: str,
        asked: _Asked,
        known: KnownIndex,
        found: Followed,
        numbers: Mapping[str, int | None],
        within: tuple[PartStart, int | None],
    ) -> _Picture | None:
        """From roll-ups and what is behind them; None if they are others meanwhile."""
        start, end = within
        first = min(start.records, found.records)
        index = found.index
        plan = plan_series(
            found.extent,
            numbers,
            points=asked.points,
            records=found.records,
            first=first,
            end=end,
            max_exact=0 if found.extent.records else max(1, found.records),
            falls=_falls(index),
        )
        divided = await self._raw_reads.divided(
            session, index, found.extent, plan.divided
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
        low, high = asked.span
        try:
            # Some 50 ms of many values: others have their turns meanwhile.
            series = await in_thread(
                partial(
                    draw, plan, chunks, behind,
                    divided=divided, x=asked.x, low=low, high=high,
                )
            )  # fmt: skip  # one name a line would hide what is drawn
        except ValueError:
            return None
        return _Picture(series, max([1, *(LEVELS[one.level] for one in plan.parts)]))

    async def _raw(
        self, session: str, asked: _Asked, found: Followed, start: PartStart, stop: int
    ) -> RawPart | None:
        """The records of a short part; None if it is long, or not there."""
        points, x, span = asked.points, asked.x, asked.span
        # Along steps and times it may begin and end some records apart from the span.
        slack = 0 if x == "record" else 2 * (PLACE_RECORDS + 1)
        if span == WHOLE or stop - start.records > points + slack:
            return None
        place: PartStart | None = start
        if x == "record":
            place = await self._raw_reads.start_at(session, found.extent, start.records)
        if place is None:
            return None
        return await self._raw_reads.part(
            session, found.index, place, x=x, span=span, most=points
        )

    async def _range(
        self, session: str, known: KnownIndex, x: AxisName, span: Span
    ) -> tuple[PartStart, int | None, int | None]:
        """Records among which all are that a span has: the first, and those behind.

        The third is about where the span ends, None for the session's end.

        They are found by the places of the index. A record beyond the span is not
        farther behind the last place within it than places lie apart.
        """
        low, high = span
        if x == "record":
            first = 0 if low is None else max(0, math.ceil(low))
            end = None if high is None else max(first, math.floor(high) + 1)
            return PartStart(records=first), end, end
        summary = self._reading.view(session, known).summary(self._now_ms())
        highest = (summary.steps if x == "step" else summary.times).highest
        start, end, about = PartStart(), None, None
        if low is not None and (place := await self._before(session, x, low)):
            start = PartStart(place.id, place.records)
        if high is not None and highest is not None and highest > high:
            above = math.nextafter(high, math.inf)
            place = await self._before(session, x, above)
            end = None if place is None else place.records + PLACE_RECORDS + 1
            # Before the first place, unless steps began after that.
            about = PLACE_RECORDS + 1 if end is None else end
        return start, end if end is None else max(start.records, end), about

    async def _before(self, session: str, x: AxisName, value: float) -> Place | None:
        """The last place that is stored at which the run had not reached a value."""
        place_before = self._broker.indexes.place_before
        if x == "step":
            return await place_before(session, step=value)
        return await place_before(session, time_ms=math.ceil(value))


def _falls(index: Index) -> list[int]:
    """The records with which the run fell back, in their order."""
    return sorted({one.records for one in index.rewinds})


def _drawn_raw(
    part: RawPart,
    index: Index,
    numbers: Mapping[str, int | None],
    asked: _Asked,
    within: tuple[PartStart, int | None],
) -> _Picture | None:
    """A row for each record; None if there are too many."""
    start, end = within
    first = max(part.first, start.records)
    plan = plan_series(
        NO_EXTENT,
        numbers,
        points=asked.points,
        records=part.first + len(part.records),
        first=first,
        end=end if asked.x == "record" else None,
        max_exact=max(1, len(part.records)),
        falls=_falls(index),
    )
    records = part.records[first - part.first :]
    low, high = asked.span
    series = draw(plan, (), records, x=asked.x, low=low, high=high)
    return _Picture(series, 1) if series.of <= asked.points else None
