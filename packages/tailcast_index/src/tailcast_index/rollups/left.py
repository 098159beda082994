"""What roll-ups tell of the records that a cut left, when these are gone themselves.

Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import inf, isnan
from typing import NamedTuple

from tailcast_index.meaning import Value
from tailcast_index.rollups.columns import Columns
from tailcast_index.rollups.layout import Reached, Row
from tailcast_index.rollups.records import Record


class Total(NamedTuple):
    """What a metric was in all buckets together."""

    # How many finite values, the least, the greatest, and their sum.
    finite: int
    low: float
    high: float
    sum: float
    # How many others.
    nonfinite: int
    # The last value; None if the last bucket that has some has several.
    last: Value | None


class Left(NamedTuple):
    """The records that a cut left: the first, those in buckets, and those behind."""

    first: Record
    totals: Mapping[int, Total]
    rest: Sequence[Record]
    # What was reached at the last of them.
    reached: Reached


def total_of(rows: Iterable[Sequence[Row]]) -> Total:
    """What a metric was, by its rows in each of the chunks, which follow each other."""
    columns = Columns()
    last: list[Row] = []
    for chunk in rows:
        for row in chunk:
            columns.add_packed(0, row, None)
        last = [row for row in chunk if row[0] == chunk[-1][0]] or last
    nonfinite = sum(columns.nonfinite.values())
    if not columns.rows:
        return Total(0, inf, -inf, 0.0, nonfinite, _only_value(last))
    # No double holds a sum that may be either infinity.
    total = inf if isnan(columns.totals[0]) else columns.totals[0]
    low, high = columns.lows[0], columns.highs[0]
    return Total(columns.counts[0], low, high, total, nonfinite, _only_value(last))


def _only_value(rows: Sequence[Row]) -> Value | None:
    """The value that all have that a bucket's rows are of; None if they differ."""
    if len(rows) != 1:
        return None
    columns = Columns()
    columns.add_packed(0, rows[0], None)
    for _, kind in columns.nonfinite:
        return kind
    low, high = columns.lows[0], columns.highs[0]
    return low if low == high else None
