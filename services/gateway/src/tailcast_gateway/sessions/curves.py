"""Draws the curves of a session: its roll-ups, and the records behind them.

If too much is behind the index, the curves end with the index, and say so. A session
that is short is drawn from its records alone, with an index or without one.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Final

from tailcast_gateway.sessions.core.series import (
    WHOLE,
    Catalogue,
    Drawn,
    Span,
    choose,
)
from tailcast_gateway.sessions.curve_reads import CurveReads, KnownIndex, numbers_of
from tailcast_gateway.sessions.reads import Reads
from tailcast_index.fold.places import PLACE_RECORDS
from tailcast_index.meaning import Rules
from tailcast_index.rollups import draw, plan_series
from tailcast_index.rollups.axis import AxisName
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.indexes import Place


# How many answers are made at once.
MAX_AT_ONCE = 4
# How often an index may become another one while it is read.
_TRIES: Final = 5


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
        self._reading = CurveReads(broker, rules=rules, now_ms=now_ms)
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
            known = await self._reading.known(session, None)
            found = await self._reading.followed(session, known)
            index = found.index
            left_out = len(index.summary(self._now_ms()).left_out.names)
            indexed_to = self._reading.indexed_to(session, known)
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
        known = await self._reading.known(session, names)
        found = await self._reading.exact(session, known, points)
        first, end = 0, None
        if found is None:
            found = await self._reading.followed(session, known)
            first, end = await self._range(session, known, x, span)
        first = min(first, found.records)
        chosen = choose(found.index.metrics(), names, whole=whole)
        plan = plan_series(
            found.extent,
            numbers_of(known, chosen),
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
        indexed_to = self._reading.indexed_to(session, known)
        summary = found.index.summary(self._now_ms())
        return Drawn(series, chosen, indexed_to, found.cursor, summary)

    async def _range(
        self, session: str, known: KnownIndex, x: AxisName, span: Span
    ) -> tuple[int, int | None]:
        """Records among which all are that a span has: the first, and those behind.

        They are found by the places of the index. A record beyond the span is not
        farther behind the last place within it than places lie apart.
        """
        low, high = span
        if x == "record":
            first = 0 if low is None else max(0, math.ceil(low))
            return first, None if high is None else max(first, math.floor(high) + 1)
        summary = self._reading.view(session, known).summary(self._now_ms())
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
