"""One metric of a series: a column for each figure, an item for each row.

Pure. It is put together of packed rows and of single values, in the order of records.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from tailcast_index.meaning import Value
from tailcast_index.rollups.buckets import HIGH_AT, LOW_AT, entry_of, is_finite
from tailcast_index.rollups.layout import Reached, Row, as_double
from tailcast_streams.position import BEFORE_ALL, EntryID


# What `str` makes of the values of rows that are not finite.
_KINDS: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class InRow(NamedTuple):
    """A packed row, with what was reached in its chunk; None beyond the first level."""

    row: Row
    reached: Sequence[Reached] | None


# Where a value is: an entry, or one that a packed row tells.
At: TypeAlias = EntryID | InRow
# What is told of the least and the greatest value where nobody asked.
NOWHERE: Final[tuple[At, At]] = (BEFORE_ALL, BEFORE_ALL)


class Columns:
    """The columns of one metric."""

    __slots__ = (
        "counts", "high_ats", "highs", "low_ats", "lows", "nonfinite",
        "nonfinite_ats", "rows", "totals",
    )  # fmt: skip  # one glance

    def __init__(self) -> None:
        # The rows that have finite values, and in each of them how many, the least, the
        # greatest, and their sum.
        self.rows: list[int] = []
        self.counts: list[int] = []
        self.lows: list[float] = []
        self.highs: list[float] = []
        self.totals: list[float] = []
        # Where the least and the greatest are, `NOWHERE` if that was not asked for.
        self.low_ats: list[At] = []
        self.high_ats: list[At] = []
        # How many values of each other kind, by row and kind.
        self.nonfinite: dict[tuple[int, str], int] = {}
        # Where the first and the last of these are, in the order in which they came.
        self.nonfinite_ats: list[At] = []

    def add(
        self,
        row: int,
        count: int,
        low: float,
        high: float,
        total: float,
        at: tuple[At, At],
    ) -> None:
        """Add finite values; the row is the last one, or behind it."""
        if self.rows[-1:] != [row]:
            self.extend([row], [count], [low], [high], [total], at)
            return
        self.counts[-1] += count
        self.totals[-1] += total
        if low < self.lows[-1]:
            self.lows[-1], self.low_ats[-1] = low, at[0]
        if high > self.highs[-1]:
            self.highs[-1], self.high_ats[-1] = high, at[1]

    def extend(
        self,
        rows: Sequence[int],
        counts: Sequence[int],
        lows: Sequence[float],
        highs: Sequence[float],
        totals: Sequence[float],
        at: tuple[At, At] = NOWHERE,
    ) -> None:
        """Add rows behind the last one."""
        self.rows += rows
        self.counts += counts
        self.lows += lows
        self.highs += highs
        self.totals += totals
        self.low_ats += [at[0]] * len(rows)
        self.high_ats += [at[1]] * len(rows)

    def add_packed(
        self, row: int, packed: Row, reached: Sequence[Reached] | None
    ) -> None:
        """Add what is in an unpacked row of a chunk."""
        _, count, low, high, total, *_ = packed
        if is_finite(low):
            at = InRow(packed, reached)
            self.add(row, count, low, high, total, (at, at))
        else:
            self._add_nonfinite(row, _KINDS[str(low)], count, InRow(packed, reached))

    def add_value(self, row: int, value: Value, at: EntryID) -> None:
        """Add a record's value."""
        double = as_double(value)
        if is_finite(double):
            self.add(row, 1, double, double, double, (at, at))
        else:
            self._add_nonfinite(row, _KINDS[str(double)], 1, at)

    @property
    def means(self) -> list[float]:
        """Of the finite values in each row.

        Sums are rounded, so it is held between the least and the greatest value, and
        half-way between them if no double holds the sum.
        """
        return [
            mean if low <= (mean := total / count) <= high else _held(mean, low, high)
            for total, count, low, high in zip(
                self.totals, self.counts, self.lows, self.highs, strict=True
            )
        ]

    @property
    def extremes(self) -> Iterator[EntryID]:
        """The entries with the least and the greatest values, if that was asked for."""
        for place, ats in ((LOW_AT, self.low_ats), (HIGH_AT, self.high_ats)):
            for at in ats:
                if isinstance(at, InRow):
                    yield entry_of(at.row, place, at.reached)
                else:
                    yield at

    @property
    def nonfinite_ids(self) -> Iterator[EntryID]:
        """The entries with the first and the last of values that are not finite."""
        for at in self.nonfinite_ats:
            if isinstance(at, InRow):
                yield entry_of(at.row, LOW_AT, at.reached)
                yield entry_of(at.row, HIGH_AT, at.reached)
            else:
                yield at

    def _add_nonfinite(self, row: int, kind: str, count: int, at: At) -> None:
        self.nonfinite_ats.append(at)
        known = self.nonfinite.get((row, kind), 0)
        self.nonfinite[row, kind] = known + count


def _held(mean: float, low: float, high: float) -> float:
    """A mean that sums made lie beyond what it is of, or that no double holds."""
    return min(max(mean, low), high) if is_finite(mean) else low / 2 + high / 2
