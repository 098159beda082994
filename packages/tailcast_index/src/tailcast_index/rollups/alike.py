"""Records of one bucket that all have the same metrics, kept by columns.

Pure. Most buckets are of such records alone; their rows are made without any record
being put together.
"""

from collections.abc import Sequence
from functools import reduce

from tailcast_index.meaning import AlikeRecords
from tailcast_index.rollups.buckets import NumberOf, reached_by, rows_of_alike
from tailcast_index.rollups.layout import Reached
from tailcast_index.rollups.records import Record
from tailcast_streams.position import EntryID


class Alike:
    """Records that follow each other, at most a bucket of them."""

    __slots__ = ("_ids", "_names", "_number_of", "_numbers", "_parts")

    def __init__(self, number_of: NumberOf) -> None:
        """Begin without any. For the argument see `Rollups`."""
        self._number_of = number_of
        self._ids: list[EntryID] = []
        self._parts: list[AlikeRecords] = []
        # The metrics of which the numbers were asked last, and what they are.
        self._names: tuple[str, ...] = ()
        self._numbers: Sequence[int | None] = ()

    def __len__(self) -> int:
        return len(self._ids)

    def takes(self, columns: AlikeRecords) -> bool:
        """Whether records have the same metrics as those that are here."""
        return not self._parts or self._parts[0].names == columns.names

    def add(self, ids: Sequence[EntryID], columns: AlikeRecords) -> None:
        """Add records that it takes."""
        self._ids += ids
        self._parts.append(columns)

    def take_records(self) -> list[Record]:
        """All of them one by one; none is left."""
        points = [point for part in self._parts for point in part.points()]
        records = list(zip(self._ids, points, strict=True))
        self.clear()
        return records

    def clear(self) -> None:
        """Forget them."""
        self._ids, self._parts = [], []

    def reached(self, before: Reached) -> Reached:
        """What was reached with them."""
        steps = [step for part in self._parts for step in part.steps or ()]
        times = [time_ms for part in self._parts for time_ms in part.times_ms or ()]
        return reached_by(before, self._ids[-1], steps, times)

    def rows(self, bucket: int) -> Sequence[tuple[int, bytes]]:
        """The rows of a bucket that they are, by the numbers of its metrics."""
        columns = reduce(AlikeRecords.followed_by, self._parts)
        if columns.names is not self._names:
            self._names = columns.names
            self._numbers = [*map(self._number_of, columns.names)]
        return rows_of_alike(bucket, self._ids, columns, self._numbers)
