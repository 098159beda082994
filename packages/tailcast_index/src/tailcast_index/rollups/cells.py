"""What a metric is in one row of a series.

Pure. It is put together of packed rows and of single values, in the order of records.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Final, TypeAlias

from tailcast_index.meaning import Value
from tailcast_index.rollups.buckets import HIGH_AT, LOW_AT, Row, entry_of, is_finite
from tailcast_index.rollups.layout import Reached
from tailcast_streams.position import EntryID


# What `str` makes of the values of rows that are not finite.
_KINDS: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}

# Where a value is: an entry, or a row with what was reached in the row's chunk.
_At: TypeAlias = EntryID | tuple[Row, Sequence[Reached] | None]


class Cell:
    """One metric in one row."""

    __slots__ = (
        "count", "high", "high_at", "low", "low_at", "nonfinite", "row", "total",
    )  # fmt: skip  # one glance

    def __init__(self, row: int) -> None:
        self.row = row
        # How many finite values, and their sum, least and greatest, with their places.
        self.count = 0
        self.total = 0.0
        self.low, self.high = inf, -inf
        self.low_at: _At | None = None
        self.high_at: _At | None = None
        # How many values of each other kind.
        self.nonfinite: Mapping[str, int] = {}

    def add(self, row: Row, reached: Sequence[Reached] | None) -> None:
        """Add what is in an unpacked row."""
        _, count, low, high, total, *_ = row
        if not is_finite(low):
            self.add_nonfinite(_KINDS[str(low)], count)
            return
        at = row, reached
        self.add_finite(count, low, high, total, at, at)

    def add_value(self, value: Value, at: EntryID) -> None:
        """Add a record's value."""
        if isinstance(value, str):
            self.add_nonfinite(value, 1)
            return
        value = float(value)
        self.add_finite(1, value, value, value, at, at)

    def add_finite(
        self,
        count: int,
        low: float,
        high: float,
        total: float,
        low_at: _At,
        high_at: _At,
    ) -> None:
        """Add finite values: how many, the least, the greatest, and their sum."""
        self.count += count
        self.total += total
        if low < self.low:
            self.low, self.low_at = low, low_at
        if high > self.high:
            self.high, self.high_at = high, high_at

    def add_nonfinite(self, kind: str, count: int) -> None:
        """Add values that are not finite."""
        known = self.nonfinite.get(kind, 0)
        self.nonfinite = {**self.nonfinite, kind: known + count}

    @property
    def mean(self) -> float:
        """Of the finite values, of which there is at least one.

        Sums are rounded, so it is held between the least and the greatest value, and
        half-way between them if no double holds the sum.
        """
        if not is_finite(self.total):
            return self.low / 2 + self.high / 2
        return min(max(self.total / self.count, self.low), self.high)

    @property
    def extremes(self) -> Iterator[EntryID]:
        """The entries with the least and the greatest value, if there are any."""
        for at, place in ((self.low_at, LOW_AT), (self.high_at, HIGH_AT)):
            if isinstance(at, EntryID):
                yield at
            elif at is not None:
                yield entry_of(at[0], place, at[1])
