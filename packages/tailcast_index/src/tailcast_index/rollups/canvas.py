"""The units of a series, put into rows, and what a metric is in each of them.

Pure. Units are in the order of records: the session's first record, buckets from coarse
to fine, the records that were stored when the session rested, and those behind them.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from tailcast_index.meaning import Value
from tailcast_index.rollups.axis import Axis, AxisName, Unit
from tailcast_index.rollups.buckets import Row, is_finite
from tailcast_index.rollups.cells import Cell
from tailcast_index.rollups.layout import (
    CHUNK_ROWS,
    FAR_ROW,
    FIRST_FIELD,
    NEAR_ROW,
    OPEN_FIELD,
    Reached,
    field,
    read_reached,
)
from tailcast_index.rollups.plan import Part, SeriesPlan
from tailcast_index.rollups.records import Record, read_records
from tailcast_streams.indexes import LEVELS, Chunk
from tailcast_streams.position import EntryID


# Beyond this a double may have lost digits, and is no whole number to be told.
_MAX_WHOLE: Final = 2.0**53


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
    ) -> None:
        """Raises ValueError if a chunk is missing."""
        self._plan = plan
        self._stored = stored
        self._axis = Axis(x)
        # All units, in their order.
        self._stretches: list[_Buckets | _Records] = []
        # The selected units, and the row of each of all units, -1 for others.
        self._units: Sequence[Unit] = ()
        self._rows: list[int] = []
        # The places of the first and the last selected unit.
        self._ends: Sequence[int] = ()
        self._add_records(0, self._stored_records(FIRST_FIELD))
        for part in plan.parts:
            self._add_part(part)
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
        rows = axis.rows(selected, self._plan.points)
        behind = len(axis.units) - selected.stop
        self._rows = [-1] * selected.start + rows + [-1] * behind
        self._units = axis.units[selected.start : selected.stop]
        self._ends = [*selected[:1], *selected[-1:]]
        return self._units

    @property
    def xs(self) -> list[int | float | None]:
        """Where each row is on the axis: where its last record is."""
        rows = [row for row in self._rows if row >= 0]
        last = {row: unit.x for row, unit in zip(rows, self._units, strict=True)}
        return [_told(x) for x in last.values()]

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

    def cells(self, name: str, number: int | None) -> list[Cell]:
        """What a metric is in each row that has values of it, in their order."""
        cells: dict[int, Cell] = {}
        for stretch in self._stretches:
            if isinstance(stretch, _Records):
                self._take_values(stretch, name, cells)
            elif number is not None:
                self._take_rows(stretch, number, cells)
        return list(cells.values())

    def _take_values(
        self, stretch: _Records, name: str, cells: dict[int, Cell]
    ) -> None:
        first = stretch.units.start
        for unit, values in zip(stretch.units, stretch.values, strict=True):
            value = values.get(name)
            row = self._rows[unit]
            if value is not None and row >= 0:
                _cell(cells, row).add_value(value, stretch.ids[unit - first])

    def _take_rows(
        self, stretch: _Buckets, number: int, cells: dict[int, Cell]
    ) -> None:
        level, chunks = stretch.part.level, stretch.part.chunks
        unpack = (FAR_ROW if level else NEAR_ROW).iter_unpack
        packed = [self._stored[LEVELS[level], field(one, number)] for one in chunks]
        rows = list(unpack(b"".join([one or b"" for one in packed])))
        if len(rows) == stretch.rows and is_finite(sum([row[4] for row in rows])):
            self._take_columns(stretch, rows, cells)
            return
        first = stretch.part.buckets.start - stretch.units.start
        for chunk, one in zip(chunks, packed, strict=True):
            reached = None if level else stretch.reached[chunk]
            for row in unpack(one or b""):
                bucket: int = row[0]
                unit = chunk * CHUNK_ROWS + bucket - first
                if unit in stretch.units and (at := self._rows[unit]) >= 0:
                    _cell(cells, at).add(row, reached)

    def _take_columns(
        self, stretch: _Buckets, rows: Sequence[Row], cells: dict[int, Cell]
    ) -> None:
        """Take a finite row of each bucket, many at once: `min` runs through them."""
        _, counts, lows, highs, totals, *_ = zip(*rows, strict=True)
        chunks, level = stretch.part.chunks, stretch.part.level

        def at(index: int) -> tuple[Row, Sequence[Reached] | None]:
            chunk = chunks[index // CHUNK_ROWS]
            return rows[index], None if level else stretch.reached[chunk]

        skipped = stretch.part.buckets.start % CHUNK_ROWS
        for row, start, stop in self._groups(stretch.units):
            a, b = start + skipped, stop + skipped
            low, high = min(lows[a:b]), max(highs[a:b])
            low_at, high_at = at(lows.index(low, a, b)), at(highs.index(high, a, b))
            count, total = sum(counts[a:b]), sum(totals[a:b])
            _cell(cells, row).add_finite(count, low, high, total, low_at, high_at)

    def _groups(self, units: range) -> Iterator[tuple[int, int, int]]:
        """The rows that some units are in: which, and from which unit to which."""
        rows = self._rows[units.start : units.stop]
        start = 0
        for row, same in groupby(rows):
            stop = start + len(list(same))
            if row >= 0:
                yield row, start, stop
            start = stop

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


def _cell(cells: dict[int, Cell], row: int) -> Cell:
    if (cell := cells.get(row)) is None:
        cell = cells[row] = Cell(row)
    return cell


def _told(x: float) -> int | float | None:
    """A place on the axis as it is told: whole numbers without a point."""
    if x != x:  # noqa: PLR0124  # it is NaN
        return None
    return int(x) if abs(x) <= _MAX_WHOLE and x == int(x) else x
