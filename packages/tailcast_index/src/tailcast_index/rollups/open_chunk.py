"""The rows of chunks that are not complete yet, and what a complete one makes of them.

Pure.
"""

from collections.abc import Iterable

from tailcast_index.rollups.buckets import merged_rows
from tailcast_index.rollups.layout import FACTOR, Reached, unpack_rows


class OpenChunk:
    """The rows of one chunk so far."""

    __slots__ = ("reached", "rows")

    def __init__(self) -> None:
        # The packed rows of each metric, by its number.
        self.rows: dict[int, bytearray] = {}
        # What was reached at the end of each of its buckets.
        self.reached: list[Reached] = []

    def add(self, number: int, rows: bytes) -> None:
        """Add the rows of a metric in the next bucket."""
        if (own := self.rows.get(number)) is None:
            own = self.rows[number] = bytearray()
        own += rows

    def add_all(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Add the rows of many, by their numbers."""
        known = self.rows
        for number, packed in rows:
            try:
                known[number] += packed
            except KeyError:
                known[number] = bytearray(packed)

    def cut(self, buckets: int, row_bytes: int) -> None:
        """Keep at most so many buckets."""
        del self.reached[buckets:]
        for number, rows in list(self.rows.items()):
            _cut_rows(rows, buckets, row_bytes)
            if not rows:
                del self.rows[number]


def lift(level: int, chunk: OpenChunk, above: OpenChunk) -> None:
    """Add the two buckets of the next level that a complete chunk makes."""
    reached = None if level else chunk.reached
    bucket = len(above.reached)
    for number, packed in chunk.rows.items():
        rows = list(unpack_rows(level, packed))
        first = [row for row in rows if row[0] < FACTOR]
        if first:
            above.add(number, merged_rows(bucket, first, reached))
        if len(first) < len(rows):
            second = rows[len(first) :]
            above.add(number, merged_rows(bucket + 1, second, reached))
    above.reached += chunk.reached[FACTOR - 1 :: FACTOR]


def _cut_rows(rows: bytearray, buckets: int, row_bytes: int) -> None:
    """Keep the rows of the first buckets; they are in the order of buckets."""
    for start in range(0, len(rows), row_bytes):
        if rows[start] >= buckets:
            del rows[start:]
            return
