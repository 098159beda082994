"""The units of a series, put into rows, and what a metric is in each of them.

Pure. Units are in the order of records: the session's first record, buckets from coarse
to fine, the records that were stored when the session rested, and those behind them.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from tailcast_index.meaning import Value
from tailcast_index.rollups.axis import Axis, AxisName, Unit
from tailcast_index.rollups.buckets import is_finite
from tailcast_index.rollups.columns import NOWHERE, At, Columns, InRow
from tailcast_index.rollups.layout import (
    CHUNK_ROWS,
    FIRST_FIELD,
    OPEN_FIELD,
    REACHED_ROW,
    Reached,
    Row,
    RowFigures,
    as_told,
    field,
    read_reached,
    unpack_figures,
    unpack_rows,
)
from tailcast_index.rollups.plan import Part, SeriesPlan
from tailcast_index.rollups.records import Record, read_records
from tailcast_streams.indexes import LEVELS, Chunk
from tailcast_streams.position import EntryID


class _Buckets(NamedTuple):
    """The units of one part of the roll-ups."""

    part: Part
    # What was reached at the end of each bucket of its chunks.
    reached: Mapping[int, Sequence[Reached]]
    # The units' place among all.
    units: range

    @property
    def rows(self) -> int:
        """How many rows a metric has that was in each bucket of these chunks."""
        return sum(map(len, self.reached.values()))

    def at(self, bucket: int, rows: Sequence[Row]) -> At:
        """Where the values of a bucket's row are, counted from the first unit."""
        chunk = (self.part.buckets.start + bucket) // CHUNK_ROWS
        return InRow(rows[bucket], None if self.part.level else self.reached[chunk])


class _Records(NamedTuple):
    """Units that are records."""

    ids: Sequence[EntryID]
    values: Sequence[Mapping[str, Value]]
    units: range


class Canvas:
    """The units of a series."""

    def __init__(
        self,
        plan: SeriesPlan,
        stored: Mapping[Chunk, bytes | None],
        records: Sequence[Record],
        x: AxisName,
        *,
        head: Sequence[Record],
        divided: Mapping[int, Sequence[Record]],
        with_extremes: bool,
    ) -> None:
        """Raises ValueError if a chunk is missing.

        For the arguments see `drawing`.
        """
        self._with_extremes = with_extremes
        self._plan = plan
        self._stored = stored
        self._axis = Axis(x)
        # All units, in their order.
        self._stretches: list[_Buckets | _Records] = []
        # The selected units, and the row of each of all units, -1 for others.
        self._units: Sequence[Unit] = ()
        self._rows: list[int] = []
        # What `_groups` said, the same for each metric.
        self._known_groups: dict[range, list[tuple[int, int, int]]] = {}
        # Where each row is on the axis: where its last record is.
        self.xs: list[int | float | None] = []
        # The places of the first and the last selected unit.
        self._ends: Sequence[int] = ()
        self._add_records(0, self._stored_records(FIRST_FIELD))
        if head:
            self._add_records(plan.first, head)
        for part in plan.parts:
            self._add_divided(part, divided)
        rest = self._stored_records(OPEN_FIELD)
        self._add_records(plan.extent.opened - len(rest), rest)
        if plan.records_from is not None:
            self._add_records(plan.records_from, records)

    def select(self, low: float | None, high: float | None) -> Sequence[Unit]:
        """Select the units from one place of the axis to another, and put them in rows.

        For `low` and `high` see `drawing`.
        """
        axis = self._axis
        selected = axis.select(low, high)
        rows = axis.rows(selected, self._plan.points, self._plan.falls)
        behind = len(axis.units) - selected.stop
        self._rows = [-1] * selected.start + rows + [-1] * behind
        self._units = axis.units[selected.start : selected.stop]
        self._ends = [*selected[:1], *selected[-1:]]
        last = dict(zip(rows, self._units, strict=True))
        self.xs = [as_told(unit.x) for unit in last.values()]
        return self._units

    @property
    def ends(self) -> list[EntryID]:
        """The first and the last of the selected units, as far as they are records."""
        return [
            id
            for stretch in self._stretches
            if isinstance(stretch, _Records)
            for unit, id in zip(stretch.units, stretch.ids, strict=True)
            if unit in self._ends
        ]

    def columns(self, name: str, number: int | None) -> Columns:
        """A metric's figures in each row that has values of it."""
        columns = Columns()
        for stretch in self._stretches:
            if isinstance(stretch, _Records):
                self._take_values(stretch, name, columns)
            elif number is not None:
                self._take_rows(stretch, number, columns)
        return columns

    def _take_values(self, stretch: _Records, name: str, columns: Columns) -> None:
        units = zip(stretch.units, stretch.ids, stretch.values, strict=True)
        for unit, id, values in units:
            value = values.get(name)
            row = self._rows[unit]
            if value is not None and row >= 0:
                columns.add_value(row, value, id)

    def _take_rows(self, stretch: _Buckets, number: int, columns: Columns) -> None:
        level, chunks = stretch.part.level, stretch.part.chunks
        packed = [
            self._stored[LEVELS[level], field(one, number)] or b"" for one in chunks
        ]
        joined = b"".join(packed)
        figures = unpack_figures(level, joined)
        if len(figures.counts) == stretch.rows and is_finite(sum(figures.totals)):
            self._take_dense(stretch, joined, figures, columns)
            return
        first = stretch.part.buckets.start - stretch.units.start
        for chunk, one in zip(chunks, packed, strict=True):
            reached = None if level else stretch.reached[chunk]
            for row in unpack_rows(level, one):
                bucket: int = row[0]
                unit = chunk * CHUNK_ROWS + bucket - first
                if unit in stretch.units and (at := self._rows[unit]) >= 0:
                    columns.add_packed(at, row, reached)

    def _take_dense(
        self,
        stretch: _Buckets,
        packed: bytes,
        figures: RowFigures,
        columns: Columns,
    ) -> None:
        """Take a row of each bucket, all finite: `min` runs through many at once."""
        skipped = stretch.part.buckets.start % CHUNK_ROWS
        shown = slice(skipped, skipped + len(stretch.units))
        counts, lows, highs, totals = figures.of(shown)
        rows: Sequence[Row] = ()
        if self._with_extremes:
            rows = list(unpack_rows(stretch.part.level, packed))[shown]

        def add(row: int, start: int, stop: int) -> None:
            low, high = min(lows[start:stop]), max(highs[start:stop])
            count, total = sum(counts[start:stop]), sum(totals[start:stop])
            ats = NOWHERE
            if self._with_extremes:
                low_at, high_at = lows.index(low, start), highs.index(high, start)
                ats = stretch.at(low_at, rows), stretch.at(high_at, rows)
            columns.add(row, count, low, high, total, ats)

        groups = self._groups(stretch.units)
        if self._with_extremes:
            for group in groups:
                add(*group)
            return
        # The first one may be a row that there is.
        for group in groups[:1]:
            add(*group)
        # The others are new, and mostly have equally many buckets.
        for width, same in groupby(groups[1:], key=_buckets_in):
            some = list(same)
            (first, start, _), (last, _, end) = some[0], some[-1]
            within = slice(start, end)
            columns.extend(
                range(first, last + 1),
                *_grouped(counts, lows, highs, totals, within, width),
            )

    def _groups(self, units: range) -> list[tuple[int, int, int]]:
        """The rows that some units are in: which, and from which unit to which."""
        if (known := self._known_groups.get(units)) is not None:
            return known
        groups = self._known_groups[units] = []
        start = 0
        for row, same in groupby(self._rows[units.start : units.stop]):
            stop = start + len(list(same))
            if row >= 0:
                groups.append((row, start, stop))
            start = stop
        return groups

    def _add_divided(self, part: Part, divided: Mapping[int, Sequence[Record]]) -> None:
        """Add the buckets of a part, and records in place of those that are given."""
        start, level, size = part.buckets.start, part.level, LEVELS[part.level]
        for bucket in part.buckets if divided and not level else ():
            records = divided.get(bucket) if self._has_bucket(bucket) else None
            if records:
                if before := range(start, bucket):
                    self._add_part(Part(level, before, part.is_open))
                self._add_records(1 + bucket * size, records)
                start = bucket + 1
        if rest := range(start, part.buckets.stop):
            self._add_part(Part(level, rest, part.is_open))

    def _has_bucket(self, bucket: int) -> bool:
        """Whether a bucket of the first level is stored; else its records are."""
        chunk, row = divmod(bucket, CHUNK_ROWS)
        reached = self._stored[LEVELS[0], field(chunk)]
        return len(reached or b"") > row * REACHED_ROW.size

    def _add_part(self, part: Part) -> None:
        """Add the buckets of a part, as far as they are stored."""
        size = LEVELS[part.level]
        by_chunk: dict[int, Sequence[Reached]] = {}
        for chunk in part.chunks:
            packed = self._stored[size, field(chunk)]
            if packed is None and not part.is_open:
                raise ValueError(f"chunk {chunk} of level {size} is missing")
            by_chunk[chunk] = read_reached(packed or b"")
        skipped = part.buckets.start % CHUNK_ROWS
        reached = [one for chunk in by_chunk.values() for one in chunk]
        reached = reached[skipped : skipped + len(part.buckets)]
        if len(reached) < len(part.buckets) and not part.is_open:
            raise ValueError(f"a chunk of level {size} is too short")
        start = len(self._axis.units)
        self._axis.add_buckets(1 + part.buckets.start * size, size, reached)
        units = range(start, len(self._axis.units))
        self._stretches.append(_Buckets(part, by_chunk, units))

    def _add_records(self, first: int, records: Sequence[Record]) -> None:
        """Add records, the first with this number, as far as they are in the range."""
        plan = self._plan
        end = first + len(records) if plan.end is None else plan.end
        skipped = max(0, plan.first - first)
        wanted = records[skipped : max(skipped, end - first)]
        start = len(self._axis.units)
        self._axis.add_records(first + skipped, [point for _, point in wanted])
        units = range(start, len(self._axis.units))
        ids = [id for id, _ in wanted]
        values = [dict(point.values) for _, point in wanted]
        self._stretches.append(_Records(ids, values, units))

    def _stored_records(self, name: str) -> Sequence[Record]:
        wanted = LEVELS[0], name
        if wanted not in self._stored:
            return ()
        if (packed := self._stored[wanted]) is None:
            raise ValueError(f"the records {name!r} are missing")
        return read_records(packed)


def _buckets_in(group: tuple[int, int, int]) -> int:
    """How many buckets a row has."""
    _, start, stop = group
    return stop - start


def _grouped(
    counts: Sequence[int],
    lows: Sequence[float],
    highs: Sequence[float],
    totals: Sequence[float],
    within: slice,
    width: int,
) -> tuple[list[int], list[float], list[float], list[float]]:
    """The figures of rows that have so many buckets each."""
    if width == 1:
        return (
            list(counts[within]),
            list(lows[within]),
            list(highs[within]),
            list(totals[within]),
        )

    def parts(column: Sequence[float]) -> list[Sequence[float]]:
        first = within.start
        return [column[first + one : within.stop : width] for one in range(width)]

    return (
        list(map(sum, zip(*parts(counts), strict=True))),
        list(map(min, *parts(lows))),
        list(map(max, *parts(highs))),
        list(map(sum, zip(*parts(totals), strict=True))),
    )
