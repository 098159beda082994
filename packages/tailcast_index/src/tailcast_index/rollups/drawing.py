"""Series: the figures of some metrics over a range of records, row by row.

Pure. Whatever a figure is made of, it is that of the records of its row: `count` finite
values with `min`, `max` and `mean`, and beside them those that are not finite.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tailcast_index.rollups.axis import AxisName
from tailcast_index.rollups.canvas import Canvas
from tailcast_index.rollups.columns import Columns
from tailcast_index.rollups.plan import SeriesPlan
from tailcast_index.rollups.records import Record
from tailcast_streams.position import EntryID


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric: a column for each figure, an item for each row with finite values."""

    # Where the row's last record is on the axis; None before the first step, or time.
    x: list[int | float | None]
    min: list[float]
    max: list[float]
    mean: list[float]
    count: list[int]
    # The values that are not finite: where their row is, what they are, and how many.
    nonfinite: list[tuple[int | float | None, str, int]]


class Series(NamedTuple):
    """Some metrics over one range of records."""

    # The first record of the range, counted from 0, and how many records it has.
    first: int
    of: int
    curves: dict[str, Curve]
    # The entries that have the least and greatest values of all rows, in their order.
    extremes: list[EntryID]
    # Those that have the first and last of values that are not finite, likewise.
    nonfinite: list[EntryID]


def draw(
    plan: SeriesPlan,
    chunks: Sequence[bytes | None],
    records: Sequence[Record] = (),
    *,
    head: Sequence[Record] = (),
    divided: Mapping[int, Sequence[Record]] | None = None,
    x: AxisName,
    low: float | None = None,
    high: float | None = None,
    with_extremes: bool = False,
) -> Series:
    """Draw what was planned.

    Raises ValueError if a chunk is not there, or not as it is written here: somebody
    cut the roll-ups, and the index is to be read again.

    Args:
        plan: what was planned.
        chunks: the fields that it wants, None for a metric that has no such chunk.
        records: the records that it wants, without a gap, as far as they are there.
        head: the records before the first bucket, if the plan is tight.
        divided: the records of the buckets that the plan says are `divided`, as far as
            they are there. Of one that is not here the row has both sides of the fall.
        x: what is drawn along.
        low: where to begin on the axis: at the first record at which the run, or what
            is given of it, had reached this; None for the range's beginning.
        high: where to end: before the first record at which it was above this.
        with_extremes: whether to tell the entries.
    """
    stored = dict(zip(plan.wanted, chunks, strict=True))
    canvas = Canvas(
        plan,
        stored,
        records,
        x,
        head=head,
        divided=divided or {},
        with_extremes=with_extremes,
    )
    units = canvas.select(low, high)
    drawn = {name: canvas.columns(name, one) for name, one in plan.numbers.items()}
    return Series(
        first=units[0].start if units else plan.first,
        of=sum([unit.records for unit in units]),
        curves={name: _curve(columns, canvas.xs) for name, columns in drawn.items()},
        extremes=_extremes(canvas, drawn.values()) if with_extremes else [],
        nonfinite=_nonfinite(drawn.values()) if with_extremes else [],
    )


def _curve(columns: Columns, xs: Sequence[int | float | None]) -> Curve:
    return Curve(
        x=[xs[row] for row in columns.rows],
        min=columns.lows,
        max=columns.highs,
        mean=columns.means,
        count=columns.counts,
        nonfinite=[
            (xs[row], kind, count) for (row, kind), count in columns.nonfinite.items()
        ],
    )


def _extremes(canvas: Canvas, drawn: Iterable[Columns]) -> list[EntryID]:
    extremes = set(canvas.ends)
    for columns in drawn:
        extremes.update(columns.extremes)
    return sorted(extremes)


def _nonfinite(drawn: Iterable[Columns]) -> list[EntryID]:
    return sorted({id for columns in drawn for id in columns.nonfinite_ids})
